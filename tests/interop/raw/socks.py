# SPDX-License-Identifier: LGPL-2.1-or-later
"""SOCKS5 as XEP-0065 uses it, both sides, byte by byte."""

import contextlib
import hashlib
import queue
import socket
import struct
import threading
import time

GREETING = b"\x05\x01\x00"
GREETED = b"\x05\x00"
SHORT_FAILURE = bytes((5, 1, 0, 3, 0, 0, 0))  # Prosody's, to whom it does not know
TIMEOUT_S = 10


def dst(sid, first, second):
    """DST.ADDR: of the transport's sid and two full JIDs."""
    return hashlib.sha1(f"{sid}{first}{second}".encode()).hexdigest()


def cid_dst(sid, cid, initiator, responder):
    """DST.ADDR of one candidate (urn:x-fardel:cid-dst:0)."""
    return hashlib.sha1(f"{sid}{cid}{initiator}{responder}".encode()).hexdigest()


def address(text):
    """ATYP, DST.ADDR and port as they stand in request and reply."""
    return bytes((3, len(text))) + text.encode() + b"\0\0"


def request(text):
    return b"\x05\x01\x00" + address(text)


def granted(text):
    return b"\x05\x00\x00" + address(text)


def read(sock, count):
    """So many bytes, fewer at the end of the stream."""
    data = bytearray()
    while len(data) < count:
        part = sock.recv(min(count - len(data), 1 << 16))
        if not part:
            break
        data += part
    return bytes(data)


def is_closed(sock, timeout=TIMEOUT_S):
    """Whether the other side closes within that time, without sending more."""
    sock.settimeout(timeout)
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def reset(sock):
    """Closes with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _send(sock, data, pause):
    if not pause:
        sock.sendall(data)
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in data:
        sock.sendall(bytes((byte,)))
        time.sleep(pause)


def connect(host, port):
    sock = socket.create_connection((host, port), TIMEOUT_S)
    return sock


def dial(host, port, text, pause=0):
    """Asks for DST.ADDR `text`: the socket and the whole reply, b"" if the other
    side closed instead. With `pause` byte by byte, so many seconds apart."""
    sock = connect(host, port)
    _send(sock, GREETING, pause)
    if read(sock, 2) != GREETED:
        return sock, b""
    _send(sock, request(text), pause)
    try:
        head = read(sock, 5)
        return sock, head + (read(sock, head[4] + 2) if len(head) == 5 else b"")
    except ConnectionError:
        return sock, b""


def reach(host, port, text):
    """A socket whose request was granted."""
    sock, reply = dial(host, port, text)
    assert reply == granted(text), f"{host}:{port} answered {reply!r} to {text}"
    return sock


class Streamhost:
    """A listener that follows its `rule`:

    - "grant": like any server; with `accepts`, others than these are refused.
    - "silent": takes connections and says nothing.
    - "close": closes after the request.
    - "short": answers the request with a short failure and stays open.

    `trailing` follows the grant in the same segment. `reads` keeps the sizes of
    what each connection was found to have sent.
    """

    def __init__(self, rule="grant", accepts=None, host="127.0.0.1", port=0, trailing=b"", once=False):
        self.rule = rule
        self.accepts = accepts
        self.trailing = trailing
        self.once = once
        self.connections = []
        self.requests = []
        self.reads = []
        self.sockets = queue.Queue()  # (DST.ADDR, socket) of what was granted
        self._listener = socket.create_server((host, port))
        self.host, self.port = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections.append(sock)
                if self.once:
                    self._listener.close()
                if self.rule != "silent":
                    threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _take(self, sock, reads, count):
        """Reads in the pieces in which they come."""
        data = b""
        while len(data) < count and (part := sock.recv(4096)):
            reads.append(len(part))
            data += part
        return data

    def _serve(self, sock):
        reads = []
        self.reads.append(reads)
        with contextlib.suppress(OSError):
            sock.settimeout(60)
            self._take(sock, reads, 3)
            sock.sendall(GREETED)
            asked = self._take(sock, reads, 47)
            if len(asked) < 47:
                return
            text = asked[5:45].decode(errors="replace")
            self.requests.append(text)
            self._decide(sock, text)

    def _decide(self, sock, text):
        if self.rule == "close":
            sock.close()
        elif self.rule == "short":
            sock.sendall(SHORT_FAILURE)
        elif self.accepts is not None and text not in self.accepts:
            sock.sendall(b"\x05\x02\x00" + address(text))
            sock.close()
        else:
            sock.sendall(granted(text) + self.trailing)
            self.sockets.put((text, sock))

    def socket(self, timeout=TIMEOUT_S):
        """The next socket that was granted."""
        return self.sockets.get(timeout=timeout)[1]

    def close(self):
        self._listener.close()
        for sock in self.connections:
            sock.close()


class Blackhole:
    """An address that swallows packets: a listener whose queue is full."""

    def __init__(self, host="127.0.0.1"):
        self._listener = socket.socket()
        self._listener.bind((host, 0))
        self._listener.listen(0)
        self.host, self.port = self._listener.getsockname()
        self._fillers = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((self.host, self.port))
            self._fillers.append(sock)

    def close(self):
        for sock in (*self._fillers, self._listener):
            sock.close()


def dead_port(host="127.0.0.1"):
    """A port that refuses connections."""
    with socket.create_server((host, 0)) as sock:
        return sock.getsockname()[1]

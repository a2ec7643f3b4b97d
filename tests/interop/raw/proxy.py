# SPDX-License-Identifier: LGPL-2.1-or-later
"""SOCKS5 proxies (XEP-0065): how one is activated, and one that is a user with
a listener, so that it can refuse."""

import threading

from .jingle import PROXY_PRIORITY, Candidate
from .peer import Peer
from .socks import Streamhost, reach
from .xml import BYTESTREAMS, element, q


def activation(sid, target):
    return element("query", element("activate", target), xmlns=BYTESTREAMS, sid=sid)


class Shared:
    """The server's own proxy, which `session`'s peer offers."""

    def __init__(self, server, session):
        self.server = server
        self.session = session
        self.candidate = Candidate(server.address, server.proxy_port, jid=server.proxy_jid, type="proxy",
                                   priority=PROXY_PRIORITY)

    def connect(self):
        return reach(self.server.address, self.server.proxy_port, self.session.of_ours)

    def activate(self):
        """The conditions of the answer."""
        return self.session.peer.ask(self.server.proxy_jid, activation(self.session.stream, self.session.other))

    def open(self):
        """What an offerer does after the nomination: the activated socket."""
        sock = self.connect()
        assert self.activate() == frozenset()
        assert self.session.notify("activated", self.candidate.cid) == frozenset()
        return sock


class Proxy(Peer):
    """Answers queries for its streamhosts, by default one, and activations."""

    def __init__(self, server, user, resource, hosts=None, query=None):
        self.listener = Streamhost()
        self.hosts = hosts if hosts is not None else [(None, self.listener.host, self.listener.port)]
        self.query = query  # the answer to a query, if not the streamhosts
        self.verdict = ""  # the answer to an activation
        self.activations = []
        super().__init__(server, user, resource, features=(BYTESTREAMS,))
        self.rules.append(self._answer)

    def _answer(self, stanza):
        query = stanza.find(q(BYTESTREAMS, "query"))
        if query is None:
            return None
        if stanza.get("type") == "get":
            if self.query is not None:
                return self.query
            return self.streamhosts()
        self.activations.append((stanza.get("to"), query.get("sid"), query.find(q(BYTESTREAMS, "activate")).text))
        if self.verdict == "":
            self._join()
        return self.verdict

    def streamhosts(self):
        return element("query", *(element("streamhost", jid=jid or self.jid, host=host, port=port)
                                  for jid, host, port in self.hosts), xmlns=BYTESTREAMS)

    def _join(self):
        """From now on the two sockets are one stream."""
        (first, one), (second, other) = self.listener.sockets.get(timeout=5), self.listener.sockets.get(timeout=5)
        assert first == second
        for source, sink in ((one, other), (other, one)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(1)
        except OSError:
            pass

    def close(self):
        super().close()
        self.listener.close()

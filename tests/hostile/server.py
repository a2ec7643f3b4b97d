# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's end of one connection, stage by stage, so that a case can do
everything right up to the point where it does something wrong.

All is done in order in the caller's thread. While something is sent, what comes
in is read too: neither side waits for the other for ever."""

import base64
import collections
import hashlib
import select
import socket
import ssl
import time
import xml.etree.ElementTree as ET

import sasl
from certs import DOMAIN

PATIENCE = 40  # seconds; longer than the daemon's own limits
USER = "alice"
PASSWORD = "the password of alice"
JID = f"{USER}@{DOMAIN}"

STREAMS = "http://etherx.jabber.org/streams"
NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
NS_STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='{streams}' id='{id}' "
          "from='{domain}' version='1.0'>")
TLS_FEATURE = f"<starttls xmlns='{NS_TLS}'><required/></starttls>"
BIND_FEATURE = f"<bind xmlns='{NS_BIND}'/>"
ROSTER = f"<item jid='bob@{DOMAIN}' subscription='both'/><item jid='carol@good.test' subscription='both'/>"


class Gone(AssertionError):
    """The daemon closed the connection."""


def header(streams=STREAMS, stream_id="s1", domain=DOMAIN):
    return HEADER.format(streams=streams, id=stream_id, domain=domain)


def features(*inside):
    return f"<stream:features>{''.join(inside)}</stream:features>"


def mechanisms(*names):
    return f"<mechanisms xmlns='{sasl.NS}'>" + "".join(f"<mechanism>{name}</mechanism>" for name in names) + "</mechanisms>"


def stream_error(condition, text="", end=True):
    inside = f"<{condition} xmlns='{NS_STREAM_ERRORS}'/>" if condition else ""
    if text:
        inside += f"<text xmlns='{NS_STREAM_ERRORS}'>{text}</text>"
    return f"<stream:error>{inside}</stream:error>" + ("</stream:stream>" if end else "")


def name_of(element):
    return element.tag.rpartition("}")[2]


def child(element, name, ns=None):
    """The first child of that name, else None."""
    for each in element:
        if name_of(each) == name and (ns is None or each.tag == f"{{{ns}}}{name}"):
            return each
    return None


class Peer:
    """`sock` is connected to the daemon."""

    def __init__(self, sock, certificates):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.certificates = certificates
        self.tls = None
        self.secured = False  # the handshake is done
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.cleartext = bytearray()  # what an observer of the wire sees
        self.ended = False
        self.stanzas = collections.deque()
        self.skipped = collections.deque(maxlen=1000)  # what was not waited for
        self.answering = True  # requests that are not waited for
        self.deaf = False  # reads nothing while it sends
        self.header = None
        self.last_id = 0
        self.full_jid = None
        self._restart()

    def close(self):
        self.socket.close()

    def reset(self):
        """The connection ends without a word, not even TCP's."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    # -- bytes ------------------------------------------------------------

    def raw(self, data):
        """Sends past TLS."""
        view = memoryview(data)
        deadline = time.monotonic() + PATIENCE
        while view:
            readable, writable, _ = select.select([] if self.ended or self.deaf else [self.socket], [self.socket], [], 1)
            if readable:
                self._read()
            if writable:
                try:
                    view = view[self.socket.send(view):]
                except (BrokenPipeError, ConnectionResetError):
                    self.ended = True
                    raise Gone("the daemon closed the connection while we sent") from None
            if time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not read for {PATIENCE} s")

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        if not self.tls:
            self.raw(data)
            return
        for start in range(0, len(data), 1 << 16):
            self.tls.write(data[start:start + (1 << 16)])
            self._flush()

    def _flush(self):
        if self.outgoing.pending:
            self.raw(self.outgoing.read())

    def _read(self):
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except (ConnectionResetError, OSError):
            data = b""
        if not data:
            self.ended = True
        elif self.tls:
            self.incoming.write(data)
            self._decrypt()
        else:
            self.cleartext += data
            self._parse(data)

    def _decrypt(self):
        if not self.secured:
            return
        try:
            while data := self.tls.read(1 << 16):
                self._parse(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self.ended = True

    def wait(self, condition, what, timeout=PATIENCE):
        """Reads until the condition holds."""
        deadline = time.monotonic() + timeout
        while not (result := condition()):
            if self.ended:
                raise Gone(f"the daemon closed the connection, expected {what}")
            if not select.select([self.socket], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise AssertionError(f"waited {timeout} s for {what}")
            self._read()
        return result

    def wait_for_end(self, timeout=PATIENCE):
        """The daemon must close."""
        try:
            self.wait(lambda: self.ended, "the end of the connection", timeout)
        except Gone:
            pass

    # -- XML --------------------------------------------------------------

    def _restart(self):
        self.parser = ET.XMLPullParser(("start", "end"))
        self.depth = 0
        self.header = None

    def _parse(self, data):
        try:
            self.parser.feed(data)
            for event, element in self.parser.read_events():
                if event == "start":
                    self.depth += 1
                    if self.depth == 1:
                        self.header = dict(element.attrib)
                        self.root = element
                else:
                    self.depth -= 1
                    if self.depth == 1:
                        self.stanzas.append(element)
                        self.root.clear()
        except ET.ParseError as error:
            if data[:1] not in (b"\x15", b"\x16"):  # TLS to a case that does not speak it
                raise AssertionError(f"the daemon sent malformed XML: {error}: {data[:200]}") from None

    def stanza(self, match, what, timeout=PATIENCE):
        """The next stanza for which match() holds; the requests before it are answered."""
        def found():
            while self.stanzas:
                element = self.stanzas.popleft()
                if match(element):
                    return (element,)  # which alone would be false if it is empty
                self.skipped.append(element)
                if self.answering:
                    self.answer(element)
            return None
        return self.wait(found, what, timeout)[0]

    def element(self, name, **attributes):
        return self.stanza(lambda e: name_of(e) == name and attributes.items() <= e.attrib.items(),
                           f"<{name}/> {attributes or ''}")

    def request(self, ns, to=None):
        """An iq of the daemon with this payload."""
        return self.stanza(lambda e: name_of(e) == "iq" and len(e) and e[0].tag.startswith(f"{{{ns}}}")
                           and e.get("to") == to, f"an iq with {ns} to {to or 'the server'}")

    # -- stages -----------------------------------------------------------

    def open(self, *inside, text=None):
        """Answers the daemon's stream header with ours and the features."""
        self.wait(lambda: self.header is not None, "a stream header")
        self.send((text or header()) + features(*inside))

    def offer_tls(self):
        """Up to the point where the handshake starts."""
        self.open(TLS_FEATURE)
        self.element("starttls")
        self.send(f"<proceed xmlns='{NS_TLS}'/>")

    def context(self, certificate="good"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or it takes no weak key
        context.load_cert_chain(self.certificates[certificate])
        return context

    def handshake(self, context=None):
        """Raises ssl.SSLError or Gone if the daemon does not like it."""
        self.start_tls(context)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self.wait(lambda: self.incoming.pending, "a TLS record")
            except ssl.SSLError:
                self._flush()
                raise
        self._flush()
        self.secured = True
        self._restart()
        self._decrypt()

    def start_tls(self, context=None):
        self.tls = (context or self.context()).wrap_bio(self.incoming, self.outgoing, server_side=True)

    def secure_both(self):
        """Takes only clients that show a certificate of the good authority; returns theirs."""
        context = self.context()
        context.load_verify_locations(self.certificates.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
        self.offer_tls()
        self.handshake(context)
        return hashlib.sha256(self.tls.getpeercert(binary_form=True)).hexdigest()

    def secure(self, certificate="good"):
        self.offer_tls()
        self.handshake(self.context(certificate))

    def refused_handshake(self, context=None):
        """The daemon must not go on after the handshake."""
        try:
            self.handshake(context)
            self.wait_for_end()
        except (ssl.SSLError, Gone):
            return
        if self.header is not None:
            raise AssertionError("the daemon opened a stream over this TLS connection")

    def auth(self, *names):
        """Offers the mechanisms; returns the one taken and what came with it."""
        self.open(mechanisms(*names))
        element = self.element("auth")
        return element.get("mechanism"), base64.b64decode(element.text or "").decode()

    def challenge(self, text):
        self.send(f"<challenge xmlns='{sasl.NS}'>{sasl.encode(text)}</challenge>")

    def response(self):
        return base64.b64decode(self.element("response").text or "").decode()

    def success(self, text=None):
        self.send(f"<success xmlns='{sasl.NS}'>{sasl.encode(text) if text else ''}</success>")
        self._restart()

    def fail(self, condition):
        self.send(f"<failure xmlns='{sasl.NS}'><{condition}/></failure>")

    def authenticate(self, *names):
        mechanism, first = self.auth(*(names or ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")))
        if mechanism == "PLAIN":
            assert first == f"\0{USER}\0{PASSWORD}"
            self.success()
            return mechanism
        scram = sasl.Scram(mechanism, PASSWORD)
        self.challenge(scram.challenge(first))
        self.success(scram.verify(self.response()))
        return mechanism

    def bind(self, jid=None):
        """Gives the resource that the daemon asks for, or another JID."""
        self.open(BIND_FEATURE)
        request = self.request(NS_BIND)
        resource = child(request[0], "resource")
        self.full_jid = jid or f"{JID}/{resource.text if resource is not None else 'given'}"
        self.send(f"<iq type='result' id='{request.get('id')}'><bind xmlns='{NS_BIND}'>"
                  f"<jid>{self.full_jid}</jid></bind></iq>")

    def login(self):
        """All of it, as it should be, up to the daemon's presence."""
        self.secure()
        self.authenticate()
        self.bind()
        self.element("presence")
        return self

    # -- a session --------------------------------------------------------

    def answer(self, element):
        """As a plain server would."""
        if name_of(element) != "iq" or element.get("type") not in ("get", "set"):
            return
        payload = element[0].tag if len(element) else ""
        if payload == "{jabber:iq:roster}query":
            inside = f"<query xmlns='jabber:iq:roster'>{ROSTER}</query>"
        elif payload.startswith("{http://jabber.org/protocol/disco#items}"):
            inside = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
        elif payload == "{urn:xmpp:ping}ping":
            inside = ""
        else:
            self.reply(element, f"<error type='cancel'><service-unavailable xmlns='{NS_STANZA_ERRORS}'/></error>",
                       "error")
            return
        self.reply(element, inside)

    def reply(self, element, inside="", kind="result"):
        origin = f" from='{element.get('to')}'" if element.get("to") else ""
        self.send(f"<iq type='{kind}' id='{element.get('id')}'{origin}>{inside}</iq>")

    def new_id(self):
        self.last_id += 1
        return f"h{self.last_id}"

    def iq(self, inside, kind="get", sender=DOMAIN):
        """Sends a request to the daemon; returns its id."""
        iq_id = self.new_id()
        self.send(f"<iq type='{kind}' id='{iq_id}' from='{sender}' to='{self.full_jid}'>{inside}</iq>")
        return iq_id

    def result(self, iq_id):
        """What the daemon said to the request."""
        return self.stanza(lambda e: name_of(e) == "iq" and e.get("id") == iq_id
                           and e.get("type") in ("result", "error"), f"the answer to {iq_id}")

    def sync(self):
        """Returns when the daemon has worked through all that was sent."""
        self.result(self.iq("<ping xmlns='urn:xmpp:ping'/>"))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Jingle session by hand: every stanza is the test's decision, this only
knows how they are written."""

import base64
import dataclasses
import hashlib

from .socks import dst, reach
from .xml import FILE_TRANSFER, HASHES, JINGLE, JINGLE_IBB, S5B, conditions, element, local, q, unique

NOTIFICATIONS = ("candidate-used", "candidate-error", "activated", "proxy-error")
PRIORITY = (126 << 16) + 1000
PROXY_PRIORITY = (10 << 16) + 1000


def action(stanza):
    """What a stanza wants of a Jingle session, None if nothing."""
    jingle = stanza.find(q(JINGLE, "jingle"))
    return None if jingle is None else jingle.get("action")


def is_offer(stanza):
    return action(stanza) == "session-initiate"


@dataclasses.dataclass
class Candidate:
    host: str
    port: object = None
    cid: str = dataclasses.field(default_factory=lambda: unique("cid"))
    jid: str = None
    priority: object = PRIORITY
    type: str = "direct"

    def __str__(self):
        return element("candidate", **dataclasses.asdict(self))

    @classmethod
    def of(cls, found):
        return cls(found.get("host"), int(found.get("port")), found.get("cid"), found.get("jid"),
                   int(found.get("priority")), found.get("type"))


def sha256(data):
    return element("hash", base64.b64encode(hashlib.sha256(data).digest()).decode(), xmlns=HASHES, algo="sha-256")


def file(*more, name="file.bin", size=None, namespace=FILE_TRANSFER):
    """A description; `size` and `name` None leave the element out."""
    return element("description", element(
        "file", element("name", name) if name is not None else "",
        element("size", str(size)) if size is not None else "", *more), xmlns=namespace)


def ibb(sid, block_size=4096):
    return element("transport", xmlns=JINGLE_IBB, sid=sid, block_size=block_size)


class Session:
    """`other` is the full JID of who we deal with; `stream` the sid of the
    present transport."""

    def __init__(self, peer, other, initiates=True, sid=None, name="file"):
        self.peer = peer
        self.other = other
        self.sid = sid or unique("session")
        self.stream = unique("stream")
        self.name = name
        self.initiator, self.responder = (peer.jid, other) if initiates else (other, peer.jid)
        self.theirs = []  # candidates
        self.sockets = []
        self.opening = None  # the <jingle/> of their session-initiate or session-accept

    # --- writing ---

    def jingle(self, action, *children, sid=None, **attributes):
        return element("jingle", *map(str, children), xmlns=JINGLE, action=action, sid=sid or self.sid,
                       **{"initiator": self.initiator} | attributes)

    def content(self, *children, name=None, senders="initiator", creator="initiator"):
        return element("content", *map(str, children), creator=creator, name=name or self.name, senders=senders)

    def s5b(self, *children, sid=None, **attributes):
        return element("transport", *map(str, children), xmlns=S5B, sid=sid or self.stream, **attributes)

    def post(self, action, *children, **attributes):
        return self.peer.post(self.other, self.jingle(action, *children, **attributes))

    def send(self, action, *children, **attributes):
        """The conditions of the answer, OK for a result."""
        return conditions(self.peer.reply(self.post(action, *children, **attributes)))

    def info(self, *children, sid=None):
        """A transport-info for the SOCKS5 transport."""
        return self.send("transport-info", self.content(self.s5b(*children, sid=sid)))

    def notify(self, kind, cid=None, sid=None):
        return self.info(element(kind, cid=cid), sid=sid)

    def terminate(self, reason="success", *more):
        return self.send("session-terminate", element("reason", f"<{reason}/>", *more))

    def initiate(self, description, *transport):
        return self.send("session-initiate", self.content(description, *transport))

    def accept(self, *transport):
        """Takes their offer as it is, over this transport."""
        return self.send("session-accept", self.content(self.description(), *transport), responder=self.peer.jid)

    def replace(self, block_size=4096, action="transport-replace"):
        """Proposes, or accepts, an in-band stream."""
        if action == "transport-replace":
            self.stream = unique("ibb")
        return self.send(action, self.content(ibb(self.stream, block_size)))

    def description(self):
        """Of the offered file, to be repeated."""
        name = self.opening.find(f".//{q(FILE_TRANSFER, 'name')}")
        size = self.opening.find(f".//{q(FILE_TRANSFER, 'size')}")
        return file(name=name.text, size=size.text if size is not None else None)

    # --- reading ---

    def of(self, action):
        """A predicate: this session's `action`."""
        def fits(stanza):
            jingle = stanza.find(q(JINGLE, "jingle"))
            return (jingle is not None and jingle.get("sid") == self.sid and jingle.get("action") == action
                    and stanza.get("type") == "set" and stanza.get("from") == self.other)
        return fits

    def expect(self, action, timeout=10):
        return self.peer.wait(self.of(action), timeout, action).find(q(JINGLE, "jingle"))

    def expect_reason(self, timeout=10):
        """The names in the reason of their session-terminate, without the text."""
        reason = self.expect("session-terminate", timeout).find(q(JINGLE, "reason"))
        return [local(child) for child in reason if local(child) != "text"]

    def expect_end(self, timeout=10):
        """They are content: `received`, then success."""
        assert self.expect_reason(timeout) == ["success"]

    def notification(self, kind=None):
        """A predicate: their notification, of any kind or of this."""
        def fits(stanza):
            return self.of("transport-info")(stanza) and any(
                stanza.find(f".//{q(S5B, name)}") is not None for name in ([kind] if kind else NOTIFICATIONS))
        return fits

    def notified(self, timeout=10, kind=None):
        """Their next notification: (kind, cid)."""
        stanza = self.peer.wait(self.notification(kind), timeout, kind or "a notification")
        found = next(child for child in stanza.iter() if child.tag in [q(S5B, name) for name in NOTIFICATIONS])
        return local(found), found.get("cid")

    def trickled(self, timeout=10):
        """Their candidate in a transport-info."""
        def fits(stanza):
            return self.of("transport-info")(stanza) and stanza.find(f".//{q(S5B, 'candidate')}") is not None
        return Candidate.of(self.peer.wait(fits, timeout, "a candidate").find(f".//{q(S5B, 'candidate')}"))

    def quiet(self, action, seconds):
        self.peer.quiet(self.of(action), seconds, action)

    # --- what sessions have in common ---

    @classmethod
    def offered(cls, peer, timeout=20):
        """Their next offer to us."""
        stanza = peer.wait(is_offer, timeout, "an offer")
        jingle = stanza.find(q(JINGLE, "jingle"))
        session = cls(peer, stanza.get("from"), initiates=False, sid=jingle.get("sid"),
                      name=jingle.find(q(JINGLE, "content")).get("name"))
        session.opening = jingle
        session.take_transport(jingle)
        return session

    def accepted(self, timeout=20):
        """Their session-accept."""
        self.opening = self.expect("session-accept", timeout)
        self.take_transport(self.opening)
        return self

    def replaced(self, timeout=10):
        """Their transport-replace to in-band."""
        jingle = self.expect("transport-replace", timeout)
        transport = next(child for child in jingle.iter() if local(child) == "transport")
        assert transport.tag == q(JINGLE_IBB, "transport")
        self.stream = transport.get("sid")
        return jingle

    def take_transport(self, jingle):
        transport = next(child for child in jingle.iter() if local(child) == "transport")
        self.stream = transport.get("sid")
        self.transport = transport
        self.theirs = [Candidate.of(found) for found in transport.iter(q(S5B, "candidate"))]

    def directs(self):
        return [candidate for candidate in self.theirs if candidate.type != "proxy"]

    # DST.ADDR of their candidates, of ours, and what iris takes for direct ones.

    @property
    def of_theirs(self):
        return dst(self.stream, self.other, self.peer.jid)

    @property
    def of_ours(self):
        return dst(self.stream, self.peer.jid, self.other)

    @property
    def of_both(self):
        return dst(self.stream, self.initiator, self.responder)

    def reach(self, candidate=None, text=None):
        """A socket to a direct candidate of theirs; to the first IPv4 one."""
        candidate = candidate or next(c for c in self.directs() if ":" not in c.host)
        sock = reach(candidate.host, candidate.port, text or self.of_theirs)
        self.sockets.append(sock)  # open as long as the session
        return sock

    def use_theirs(self):
        """Goes the short way: to a direct candidate of theirs."""
        candidate = next(c for c in self.directs() if ":" not in c.host)
        sock = self.reach(candidate)
        assert self.notify("candidate-used", candidate.cid) == frozenset()
        return sock

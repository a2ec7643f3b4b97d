# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Jingle session (XEP-0166): stanzas out of place, and their answers."""

import os

import pytest

from fardel.scenario import eventually
from raw.fixtures import *  # noqa: F403
from raw.flows import DATA, accept_with, check, deliver, fetch
from raw.ibb import Inband
from raw.jingle import Candidate, Session, action, file, ibb, is_offer
from raw.peer import HOLD
from raw.proxy import Shared
from raw.socks import Streamhost, dead_port
from raw.xml import (BATCH, FEATURES, FILE_TRANSFER, JET, JINGLE, JINGLE_ERRORS, OK, conditions, element, failure, q,
                     unique)

UNKNOWN = {"item-not-found", "unknown-session"}
OUT_OF_ORDER = {"unexpected-request", "out-of-order"}


def pending(alice, bob, *more, **about):
    """An offer that the user has not answered: (transfer, session)."""
    session = Session(bob, alice.jid)
    assert session.initiate(file(*more, **{"size": len(DATA)} | about), session.s5b()) == OK
    return alice.wait_for_offer(bob), session


# --- sessions and their keys ---

def test_unknown_sid(alice, bob):
    session = Session(bob, alice.jid)
    assert session.notify("candidate-error") == UNKNOWN
    assert session.send("session-info") == UNKNOWN
    assert session.send("session-accept", session.content(file(size=1), session.s5b())) == UNKNOWN
    assert session.terminate() == OK


def test_wrong_from(alice, bob, make_peer):
    """The sid of another's session opens nothing."""
    transfer, session = pending(alice, bob)
    for other in (make_peer("bob"), make_peer("carol")):
        stranger = Session(other, alice.jid, sid=session.sid)
        assert stranger.terminate("cancel") == OK
        assert stranger.send("session-info") == UNKNOWN
    assert transfer["State"] == "offered"
    transfer.accept("")
    deliver(session.accepted().use_theirs(), transfer, session)


def test_dup_initiate_theirs(alice, bob):
    transfer, session = pending(alice, bob)
    assert OUT_OF_ORDER <= session.initiate(file(size=1, name="other"), session.s5b())
    assert transfer["State"] == "offered"
    assert len(alice.client.transfers(state="offered")) == 1


def test_dup_initiate_ours(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    back = Session(bob, alice.jid, sid=session.sid)
    assert back.initiate(file(size=1), back.s5b()) == {"conflict", "tie-break"}
    assert session.accept(session.s5b()) == OK
    fetch(session.use_theirs(), transfer, session)


def hold_initiate(bob):
    """The session-initiate stays unanswered: the list that it comes into."""
    held = []

    def rule(stanza):
        if not is_offer(stanza):
            return None
        held.append(stanza)
        return HOLD
    bob.rules.append(rule)
    return held


def test_accept_before_ack(alice, bob, source):
    """Dino's accept overtakes its result."""
    held = hold_initiate(bob)
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    sock = session.use_theirs()
    transfer.wait_for("State", "active")
    bob.answer(held[0])
    fetch(sock, transfer, session)


def test_accept_twice(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    assert OUT_OF_ORDER <= session.accept(session.s5b())
    fetch(session.use_theirs(), transfer, session)


def test_accept_by_initiator(alice, bob):
    transfer, session = pending(alice, bob)
    assert OUT_OF_ORDER <= session.send("session-accept", session.content(file(size=1), session.s5b()))
    assert transfer["State"] == "offered"


@pytest.mark.parametrize("attributes", [
    {"action": "foo", "sid": "s"}, {"sid": "s"}, {"action": "session-initiate"}, {}],
    ids=["unknown action", "no action", "no sid", "nothing"])
def test_bad_action(alice, bob, attributes):
    assert "bad-request" in bob.ask(alice.jid, element("jingle", xmlns=JINGLE, **attributes))


def test_bad_action_in_session(alice, bob):
    transfer, session = pending(alice, bob)
    assert "bad-request" in session.send("foo")
    transfer.accept("")
    deliver(session.accepted().use_theirs(), transfer, session)


def test_ping(alice, bob):
    transfer, session = pending(alice, bob)
    assert session.send("session-info") == OK
    assert session.send("session-info", "<ringing xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>") == {
        "feature-not-implemented", "unsupported-info"}
    assert transfer["State"] == "offered"


def test_initiator_attr(alice, bob, source):
    """In every action of ours the initiator's full JID, in the accept the responder's too."""
    _, session = alice.offer(bob, source)
    assert session.opening.get("initiator") == alice.jid
    accept_with(session, Candidate("127.0.0.1", dead_port(), jid=bob.jid))
    assert session.expect("transport-info").get("initiator") == alice.jid
    assert session.replaced().get("initiator") == alice.jid
    _, session = alice.send_to(bob, DATA)
    assert session.opening.get("initiator") == bob.jid
    assert session.opening.get("responder") == alice.jid
    session.use_theirs()
    assert session.expect("transport-info").get("initiator") == bob.jid


def test_content_attrs(alice, bob, source):
    """Psi refuses contents without senders."""
    _, session = alice.offer(bob, source)
    content = session.opening.find(q(JINGLE, "content"))
    assert (content.get("creator"), content.get("senders")) == ("initiator", "initiator")
    assert content.get("name")
    _, session = alice.send_to(bob, DATA)
    content = session.opening.find(q(JINGLE, "content"))
    assert (content.get("creator"), content.get("name"), content.get("senders")) == (
        "initiator", session.name, "initiator")
    assert content.find(f"{q(FILE_TRANSFER, 'description')}/{q(FILE_TRANSFER, 'file')}") is not None


@pytest.mark.parametrize("action", ["description-info", "security-info", "content-modify"])
def test_ignored(alice, bob, action):
    transfer, session = pending(alice, bob)
    assert session.send(action, session.content()) == OK
    transfer.accept("")
    deliver(session.accepted().use_theirs(), transfer, session)


@pytest.mark.parametrize("action", ["transport-reject", "transport-accept"])
def test_out_of_order(alice, bob, action):
    """An answer to what was never proposed."""
    transfer, session = pending(alice, bob)
    assert OUT_OF_ORDER <= session.send(action, session.content(ibb("x")))
    transfer.accept("")
    deliver(session.accepted().use_theirs(), transfer, session)


def test_unknown_content(alice, bob):
    transfer, session = pending(alice, bob)
    assert session.send("transport-info", session.content(session.s5b("<candidate-error/>"), name="other")) & {
        "item-not-found", "bad-request"}
    transfer.accept("")
    deliver(session.accepted().use_theirs(), transfer, session)


# --- what an offer may look like ---

@pytest.mark.parametrize("senders", [None, "both", "none"])
def test_senders_missing(alice, bob, senders):
    """Swift says nothing, Gajim both."""
    session = Session(bob, alice.jid)
    assert session.send("session-initiate", session.content(
        file(size=len(DATA)), session.s5b(), senders=senders)) == OK
    transfer = alice.wait_for_offer(bob)
    transfer.accept("")
    deliver(session.accepted().use_theirs(), transfer, session)


def test_dup_names(alice, bob):
    """One file twice, encrypted and not: one is chosen, and listed once."""
    session = Session(bob, alice.jid)
    security = element("security", xmlns=JET, name="file", cipher="urn:xmpp:ciphers:aes-128-gcm-nopadding:0",
                       type="eu.siacs.conversations.axolotl")
    assert session.send("session-initiate",
                        session.content(file(size=len(DATA)), session.s5b(sid=unique("jet")), security),
                        session.content(file(size=len(DATA)), session.s5b())) == OK
    transfer = alice.wait_for_offer(bob)
    assert len(alice.client.transfers(state="offered")) == 1
    transfer.accept("")
    plain = session.stream
    session.accepted()
    contents = session.opening.findall(q(JINGLE, "content"))
    assert [content.get("name") for content in contents] == ["file"]
    assert session.stream == plain
    deliver(session.use_theirs(), transfer, session)


def test_jet_unknown(alice, bob):
    session = Session(bob, alice.jid)
    before = os.listdir(alice.daemon.downloads)
    security = element("security", xmlns=JET, name="file", cipher="urn:example:cipher", type="urn:example:type")
    assert session.send("session-initiate", session.content(
        file(size=len(DATA)), session.s5b(), security)) == OK
    assert session.expect_reason() == ["security-error"]
    assert alice.client.transfers() == []
    assert os.listdir(alice.daemon.downloads) == before


@pytest.mark.parametrize("description, transport, reason", [
    ("<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>", None, "unsupported-applications"),
    (file(size=1, namespace="urn:xmpp:jingle:apps:file-transfer:3"), None, "unsupported-applications"),
    (file(size=1), "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>", "unsupported-transports"),
    (file(size=1), "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='u' mode='udp'/>",
     "unsupported-transports"),
], ids=["call", "file-transfer:3", "ice", "udp"])
def test_unsupported(alice, bob, description, transport, reason):
    """Acknowledged first, then refused."""
    session = Session(bob, alice.jid)
    assert session.initiate(description, transport or session.s5b()) == OK
    assert session.expect_reason() == [reason]
    assert alice.client.transfers() == []


def test_file_request(alice, bob):
    """A file of ours that nobody offered."""
    session = Session(bob, alice.jid)
    assert session.send("session-initiate", session.content(
        file(name="secret", size=10), session.s5b(), senders="responder")) == OK
    assert session.expect_reason() == ["failed-application", "file-not-available"]
    assert alice.client.transfers() == []


def two_contents(alice, bob, marked):
    session = Session(bob, alice.jid)
    contents = [session.content(file(name=name, size=len(DATA)), session.s5b(sid=f"{session.stream}-{name}"), name=name)
                for name in ("one", "two")]
    assert session.send("session-initiate", *contents, element("batch", xmlns=BATCH) if marked else "") == OK
    alice.client.wait(lambda: len(alice.client.transfers(state="offered")) == 2, 10, "two offers")
    return session, {transfer["Name"]: transfer for transfer in alice.client.transfers(state="offered")}


def names(jingle):
    return [content.get("name") for content in jingle.findall(q(JINGLE, "content"))]


def take_one(session, name):
    """From the accept of several files: on with this one."""
    session.name = name
    content = next(c for c in session.opening.findall(q(JINGLE, "content")) if c.get("name") == name)
    session.take_transport(content)
    return session.use_theirs()


@pytest.mark.parametrize("marked", [False, True], ids=["plain", "batch"])
def test_two_contents(alice, bob, marked):
    """One is taken: it is accepted and the other removed."""
    session, transfers = two_contents(alice, bob, marked)
    assert transfers["one"]["Batch"] == transfers["two"]["Batch"] != ""
    transfers["two"].call("Reject")
    transfers["one"].accept("")
    session.opening = session.expect("session-accept")
    assert names(session.opening) == ["one"]
    assert names(session.expect("content-remove")) == ["two"]
    assert transfers["two"].end(10)["State"] == "rejected"
    deliver(take_one(session, "one"), transfers["one"], session)


def test_two_contents_both(alice, bob):
    session, transfers = two_contents(alice, bob, False)
    transfers["two"].accept("")
    session.quiet("session-accept", 0.3)
    transfers["one"].accept("")
    session.opening = session.expect("session-accept")
    assert sorted(names(session.opening)) == ["one", "two"]
    sockets = [(name, take_one(session, name)) for name in ("two", "one")]
    for _, sock in sockets:
        sock.sendall(DATA)
    session.expect_end()
    for transfer in transfers.values():
        check(transfer.end(20), DATA, "socks5-direct")


def test_two_contents_batch(alice, bob):
    """With the mark the first does not wait for the second."""
    session, transfers = two_contents(alice, bob, True)
    transfers["two"].accept("")
    session.opening = session.expect("session-accept")
    assert names(session.opening) == ["two"]
    sock = take_one(session, "two")
    sock.sendall(DATA)
    check(transfers["two"].end(20), DATA, "socks5-direct")
    transfers["one"].accept("")
    session.opening = session.expect("content-accept")
    assert names(session.opening) == ["one"]
    deliver(take_one(session, "one"), transfers["one"], session)


@pytest.mark.parametrize("marked", [False, True], ids=["plain", "batch"])
def test_two_contents_none(alice, bob, marked):
    session, transfers = two_contents(alice, bob, marked)
    for transfer in transfers.values():
        transfer.call("Reject")
    assert session.expect_reason() == ["decline"]


def test_two_contents_removed(alice, bob):
    """The peer takes both back: nothing is left of the session."""
    session, transfers = two_contents(alice, bob, False)
    assert session.send("content-remove", session.content(name="one")) == OK
    assert transfers["one"].end(10)["State"] == "cancelled"
    assert transfers["two"]["State"] == "offered"
    assert session.send("content-remove", session.content(name="two")) == OK
    assert session.expect_reason() == ["cancel"]
    assert transfers["two"].end(10)["State"] == "cancelled"
    assert session.send("session-info") == UNKNOWN


def test_batch_out(alice, make_peer, work):
    """Several files in one session, to who can take them; the peer accepts one by one."""
    bob = make_peer(features=(*FEATURES, BATCH))
    paths = [work / name for name in ("one", "two", "three")]
    for path in paths:
        path.write_bytes(DATA)
    transfers = {t["Name"]: t for t in alice.manager.offer_many(bob.jid, paths)}
    session = Session.offered(bob)
    assert session.opening.find(q(BATCH, "batch")) is not None
    found = {content.find(f".//{q(FILE_TRANSFER, 'name')}").text: content
             for content in session.opening.findall(q(JINGLE, "content"))}
    assert set(found) == {"one", "two", "three"}

    def go_on(action, name):
        content = found[name]
        session.name = content.get("name")
        session.take_transport(content)
        assert session.send(action, session.content(file(name=name, size=len(DATA)), session.s5b()),
                            responder=bob.jid) == OK
        sock = session.use_theirs()
        sock.settimeout(10)
        assert len(sock.recv(1)) == 1

    go_on("session-accept", "two")
    session.name = found["one"].get("name")
    assert session.send("content-remove", session.content()) == OK
    assert transfers["one"].end(10)["State"] in ("rejected", "cancelled")
    go_on("content-accept", "three")
    assert transfers["three"]["State"] == "active"
    assert session.terminate("success") == OK


def test_in_order(alice, bob, hosts):
    """Everything in one write: each stanza finds the state that the one before made."""
    host = hosts(Streamhost())
    session = Session(bob, alice.jid)
    ours = Candidate(host.host, host.port, jid=bob.jid)
    alice.account["AutoAccept"] = [bob.bare]
    requests = [bob.request(alice.jid, session.jingle(action, *more)) for action, more in (
        ("session-initiate", [session.content(file(size=len(DATA)), session.s5b())]),
        ("transport-info", [session.content(session.s5b(ours))]),
        ("transport-info", [session.content(session.s5b("<candidate-error/>"))]),
        ("session-info", []))]
    bob.send("".join(text for _, text in requests))
    assert [conditions(bob.reply(number)) for number, _ in requests] == [OK] * 4
    alice.account["AutoAccept"] = []
    session.accepted()
    assert session.notified() == ("candidate-used", ours.cid)
    host.socket().sendall(DATA)
    session.expect_end()


def test_batch_off(alice, bob, work):
    """To others one session per file."""
    paths = [work / name for name in ("one", "two")]
    for path in paths:
        path.write_bytes(DATA)
    alice.manager.offer_many(bob.jid, paths)
    sessions = [Session.offered(bob) for _ in paths]
    assert len({session.sid for session in sessions}) == 2
    for session in sessions:
        assert len(names(session.opening)) == 1
        assert session.opening.find(q(BATCH, "batch")) is None


@pytest.mark.parametrize("added", ["accept", "reject"])
def test_content_add(alice, bob, added):
    """A second file into a running session."""
    transfer, session = alice.send_to(bob, DATA)
    sock = session.use_theirs()
    first = session.name
    assert session.send("content-add", session.content(
        file(name="second", size=len(DATA)), session.s5b(sid=unique("second")), name="second")) == OK
    second = alice.wait_for_offer(bob)
    assert second["Name"] == "second"
    if added == "accept":
        second.accept("")
        session.opening = session.expect("content-accept")
        other = take_one(session, "second")
        other.sendall(DATA)
        check(second.end(20), DATA)
    else:
        second.call("Reject")
        assert names(session.expect("content-reject")) == ["second"]
    session.name = first
    deliver(sock, transfer, session)


# --- the end ---

@pytest.mark.parametrize("reason, state, error", [
    ("failed_transport", "failed", "NoTransport"),  # Dino's spelling
    ("failed-transport", "failed", "NoTransport"),
    ("connectivity-error", "failed", "NoTransport"),
    ("cancel", "cancelled", "RemoteCancelled"),
    ("media-error", "failed", "RemoteFailed"),
    ("gibberish", "failed", "RemoteFailed"),
])
def test_underscore_reason(alice, bob, reason, state, error):
    transfer, session = pending(alice, bob)
    assert session.terminate(reason, "<text>so it is</text>") == OK
    end = transfer.end(10)
    assert (end["State"], error_of(end), end["EndedBy"]) == (state, error, "remote")


@pytest.mark.parametrize("reason, state, error", [
    ("decline", "rejected", "Rejected"),
    ("cancel", "rejected", "Rejected"),  # Gajim's way to decline
    ("busy", "rejected", "Busy"),
    ("unsupported-applications", "failed", "PeerUnsupported"),
    ("success", "failed", "RemoteFailed"),
])
def test_reason_of_responder(alice, bob, source, reason, state, error):
    transfer, session = alice.offer(bob, source)
    assert session.terminate(reason) == OK
    end = transfer.end(10)
    assert (end["State"], end["EndedBy"]) == (state, "remote")
    assert error_of(end) in (error, "Rejected")


def refuse_jingle(condition, *more):
    return lambda stanza: (failure(condition, "cancel", *more) if action(stanza) else None)


@pytest.mark.parametrize("condition", ["service-unavailable", "forbidden", "bad-request"])
def test_initiate_refused(alice, bob, source, condition):
    bob.rules.append(refuse_jingle(condition))
    end = alice.manager.offer(bob.jid, source).end(20)
    assert end["State"] == "failed" and end["ErrorMessage"]


def test_lost_session(alice, bob, source):
    """The peer forgot the session: so do we, without a word."""
    transfer, session = alice.offer(bob, source)
    bob.rules.append(refuse_jingle("item-not-found", f"<unknown-session xmlns='{JINGLE_ERRORS}'/>"))
    accept_with(session, Candidate("127.0.0.1", dead_port(), jid=bob.jid))
    assert transfer.end(10)["State"] == "failed"
    session.quiet("session-terminate", 0.5)


# --- the end in every state leaves nothing ---

class Stage:
    """Takes a session to a state; ends() closes what the peer has open."""

    def __init__(self, alice, bob, server, host, silent, source):
        self.alice, self.bob, self.server, self.host, self.silent, self.source = (
            alice, bob, server, host, silent, source)

    def candidate(self, host):
        return Candidate(host.host, host.port, jid=self.bob.jid)

    def offered_in(self):
        return pending(self.alice, self.bob)

    def offered_out(self):
        return self.alice.offer(self.bob, self.source)

    def dialing(self):
        transfer, session = self.offered_out()
        assert session.accept(session.s5b(self.candidate(self.silent))) == OK
        eventually(lambda: self.silent.connections)
        return transfer, session

    def used(self):
        transfer, session = self.offered_out()
        assert session.accept(session.s5b(self.candidate(self.host))) == OK
        session.notified()
        return transfer, session

    def hold(self):
        transfer, session = self.alice.send_to(self.bob, DATA)
        session.reach()
        return transfer, session

    def wait_act(self):
        transfer, session = self.offered_out()
        proxy = Shared(self.server, session)
        assert session.accept(session.s5b(proxy.candidate)) == OK
        session.notified()
        assert session.notify("candidate-error") == OK
        return transfer, session

    def connected(self):
        transfer, session = self.alice.send_to(self.bob, DATA)
        session.use_theirs().sendall(DATA[:1000])
        transfer.wait_for("State", "active")
        return transfer, session

    def replacing(self):
        transfer, session = self.offered_out()
        accept_with(session, Candidate("127.0.0.1", dead_port(), jid=self.bob.jid))
        session.replaced()
        return transfer, session

    def wait_replace(self):
        transfer, session = self.alice.send_to(self.bob, DATA)
        assert session.notify("candidate-error") == OK
        session.notified()
        return transfer, session

    def inband(self):
        transfer, session = self.wait_replace()
        assert session.replace() == OK
        session.expect("transport-accept")
        stream = Inband(session)
        assert stream.open() == OK
        assert stream.data(0, DATA[:1000]) == OK
        return transfer, session


STAGES = ["offered_in", "offered_out", "dialing", "used", "hold", "wait_act", "connected", "replacing", "wait_replace",
          "inband"]


def open_files(alice):
    directory = f"/proc/{alice.daemon.process.pid}/fd"
    return sorted(os.readlink(f"{directory}/{fd}").partition(":")[0] for fd in os.listdir(directory))


@pytest.mark.parametrize("stage", STAGES)
def test_terminate_anywhere(alice, bob, server, hosts, source, stage):
    alice.client.manager.query_peer(bob.bare)
    before = open_files(alice)
    at = Stage(alice, bob, server, hosts(Streamhost()), hosts(Streamhost("silent")), source)
    transfer, session = getattr(at, stage)()
    assert session.terminate("cancel") == OK
    end = transfer.end(15)
    assert end["State"] in ("cancelled", "rejected") and end["EndedBy"] == "remote"
    assert session.send("session-info") == UNKNOWN
    session.quiet("session-terminate", 0.1)
    eventually(lambda: open_files(alice) == before)
    assert alice.manager["ActiveTransfers"] == 0
    assert not [name for name in os.listdir(alice.daemon.downloads) if name.endswith(".part")]


@pytest.mark.parametrize("stage", ["dialing", "wait_act", "connected", "replacing", "inband"])
def test_cancel_anywhere(alice, bob, server, hosts, source, stage):
    """The same from this side: the peer is told, once."""
    before = open_files(alice)
    at = Stage(alice, bob, server, hosts(Streamhost()), hosts(Streamhost("silent")), source)
    transfer, session = getattr(at, stage)()
    transfer.call("Cancel")
    assert session.expect_reason() == ["cancel"]
    assert transfer.end(15)["State"] == "cancelled"
    session.quiet("session-terminate", 0.1)
    eventually(lambda: open_files(alice) == before)

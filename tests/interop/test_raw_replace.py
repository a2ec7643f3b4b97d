# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another transport: transport-replace in every order, and the second session
when the peer does not take it."""

import pytest

from raw.fixtures import *  # noqa: F403
from raw.flows import (DATA, accept_with, deliver, deliver_inband, fall_back_and_fetch, fetch_inband,
                       replace_and_deliver)
from raw.ibb import Inband
from raw.jingle import Candidate, Session, action, file, ibb, is_offer
from raw.peer import HOLD
from raw.socks import Streamhost, dead_port
from raw.xml import EARLY_ACCEPT, FEATURES, JINGLE_IBB, OK, S5B, local, q, unique

DINO = "https://dino.im"
TIE = {"conflict", "tie-break"}
ANSWERS = ("transport-accept", "transport-reject")


def dead(bob):
    return Candidate("127.0.0.1", dead_port(), jid=bob.jid)


def replacing(alice, bob, source, **offer):
    """Nothing works and the daemon proposed in-band: (transfer, session)."""
    transfer, session = alice.offer(bob, source, **offer)
    accept_with(session, dead(bob))
    session.replaced()
    return transfer, session


def failed_as_responder(alice, bob):
    transfer, session = alice.send_to(bob, DATA, Session(bob, alice.jid).s5b(dead(bob)))
    assert session.notify("candidate-error") == OK
    session.notified(kind="candidate-error")
    return transfer, session


def test_replace_tie_init(alice, bob, source):
    transfer, session = replacing(alice, bob, source)
    assert session.send("transport-replace", session.content(ibb(unique("mine")))) == TIE
    assert session.replace(action="transport-accept") == OK
    fetch_inband(transfer, session)


def test_replace_tie_resp(alice, bob):
    transfer, session = failed_as_responder(alice, bob)
    replace_and_deliver(transfer, session)


def test_replace_of_responder(alice, bob, source):
    """The peer, as responder, is first to propose."""
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b(dead(bob))) == OK
    assert session.replace() == OK
    session.expect("transport-accept")
    fetch_inband(transfer, session)


def test_replace_while_negotiating(alice, bob):
    """The initiator need not wait for our notification."""
    transfer, session = alice.send_to(bob, DATA)
    replace_and_deliver(transfer, session)


def test_replace_early(alice, bob):
    """Before the accept; the accept repeats it and does not start it anew."""
    session = Session(bob, alice.jid)
    assert session.initiate(file(size=len(DATA)), session.s5b(dead(bob))) == OK
    transfer = alice.wait_for_offer(bob)
    assert session.replace() == OK
    session.expect("transport-accept")
    transfer.accept("")
    replaced = session.stream
    session.accepted()
    assert session.transport.tag == q(JINGLE_IBB, "transport")
    assert session.stream == replaced
    deliver_inband(transfer, session)


def test_replace_early_by_responder(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.replace() == OK
    session.expect("transport-accept")
    assert session.accept(ibb(session.stream)) == OK
    fetch_inband(transfer, session)


def test_replace_early_omitted(alice, bob, source):
    """urn:x-fardel:early-accept:0: the accept leaves out what was accepted."""
    session = Session(bob, alice.jid)
    assert session.initiate(file(size=len(DATA)), session.s5b(dead(bob))) == OK
    transfer = alice.wait_for_offer(bob)
    session.stream = unique("ibb")
    assert session.send("transport-replace", session.content(ibb(session.stream)),
                        f"<early-accept xmlns='{EARLY_ACCEPT}'/>") == OK
    session.expect("transport-accept")
    transfer.accept("")
    accepted = session.expect("session-accept")
    transports = [child for child in accepted.iter() if local(child) == "transport"]
    assert all(transport.get("sid") == session.stream for transport in transports)
    deliver_inband(transfer, session)


def test_replace_s5b(alice, bob):
    """A second SOCKS5 transport, with a sid of its own."""
    transfer, session = alice.send_to(bob, DATA)
    session.stream = unique("again")
    assert session.send("transport-replace", session.content(session.s5b(dead(bob)))) == OK
    session.take_transport(session.expect("transport-accept"))
    assert session.transport.tag == q(S5B, "transport")
    deliver(session.use_theirs(), transfer, session)


def test_replace_too_often(alice, bob):
    """Dino proposes SOCKS5 without end."""
    _, session = alice.send_to(bob, DATA)
    actions = []
    for _ in range(4):
        session.stream = unique("again")
        assert session.send("transport-replace", session.content(session.s5b(dead(bob)))) == OK
        actions.append(action(bob.wait(lambda stanza: action(stanza) in ANSWERS, what="an answer")))
    assert actions == ["transport-accept"] * 3 + ["transport-reject"]
    assert session.expect_reason() == ["failed-transport"]


def test_replace_unsupported(alice, bob):
    transfer, session = alice.send_to(bob, DATA)
    assert session.send("transport-replace", session.content(
        "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>")) == OK
    session.expect("transport-reject")
    deliver(session.use_theirs(), transfer, session)


def test_replace_while_active(alice, bob):
    """Bytes flow: nothing is replaced any more."""
    transfer, session = alice.send_to(bob, DATA)
    sock = session.use_theirs()
    sock.sendall(DATA[:1000])
    alice.client.wait(lambda: transfer["Transferred"] == 1000, 5)
    assert session.send("transport-replace", session.content(ibb(unique("late")))) == OK
    session.expect("transport-reject")
    sock.sendall(DATA[1000:])
    session.expect_end()
    assert transfer.end(10)["State"] == "done"


def test_accept_for_replace(alice, bob, source):
    """Gajim before 1.9, Conversations 2.5."""
    transfer, session = replacing(alice, bob, source)
    assert session.accept(ibb(session.stream)) == OK
    fetch_inband(transfer, session)


def test_accept_nosid(alice, bob, source):
    transfer, session = replacing(alice, bob, source)
    assert session.send("transport-accept", session.content(ibb(None, 65535))) == OK
    stream = Inband(session)
    assert 0 < int(stream.opened().get("block-size")) <= 16384
    assert stream.receive(len(DATA)) == DATA
    assert session.terminate("success") == OK
    assert transfer.end(10)["State"] == "done"


def test_late_notification(alice, bob, source):
    """What is about the old transport is acknowledged and has no effect."""
    transfer, session = alice.offer(bob, source)
    old = session.stream
    accept_with(session, dead(bob))
    session.replaced()
    for kind in ("candidate-error", "candidate-used", "proxy-error"):
        assert session.notify(kind, "whatever", sid=old) == OK
    assert session.replace(action="transport-accept") == OK
    fetch_inband(transfer, session)


def test_no_ibb_no_replace(alice, make_peer, source):
    """The peer does not speak in-band: the end, at once."""
    bob = make_peer(features=[f for f in FEATURES if "ibb" not in f])
    transfer, session = alice.offer(bob, source)
    accept_with(session, dead(bob))
    assert session.expect_reason()[0] in ("connectivity-error", "failed-transport")
    end = transfer.end(10)
    assert (end["State"], error_of(end)) == ("failed", "NoTransport")


# --- a second session ---

def second_session(bob, first):
    """The offer that follows: in-band from the start."""
    assert first.expect_reason()[0] == "failed-transport"
    session = Session.offered(bob)
    assert session.sid != first.sid
    assert session.transport.tag == q(JINGLE_IBB, "transport")
    return session


def test_reject_redial(alice, bob, source):
    transfer, first = replacing(alice, bob, source)
    assert first.send("transport-reject", first.content(ibb(first.stream))) == OK
    session = second_session(bob, first)
    assert session.accept(ibb(session.stream)) == OK
    fetch_inband(transfer, session)
    assert len(alice.client.transfers()) == 1


def test_reject_redial_once(alice, bob, source):
    """The second failure is final."""
    transfer, first = replacing(alice, bob, source)
    assert first.send("transport-reject", first.content(ibb(first.stream))) == OK
    session = second_session(bob, first)
    assert session.terminate("failed-transport") == OK
    end = transfer.end(10)
    assert (end["State"], error_of(end)) == ("failed", "NoTransport")
    bob.quiet(is_offer, 0.5, "offer")


@pytest.mark.parametrize("reason", ["failed_transport", "connectivity-error", "unsupported-transports"])
def test_terminate_redial(alice, bob, source, reason):
    """The peer gives up for want of a transport, before a byte moved."""
    transfer, first = alice.offer(bob, source)
    assert first.accept(first.s5b(dead(bob))) == OK
    assert first.terminate(reason) == OK
    session = Session.offered(bob)
    assert session.transport.tag == q(JINGLE_IBB, "transport")
    assert session.accept(ibb(session.stream)) == OK
    fetch_inband(transfer, session)


def test_no_redial_after_payload(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b(dead(bob))) == OK
    sock = session.use_theirs()
    sock.settimeout(10)
    assert sock.recv(1000)
    assert session.terminate("connectivity-error") == OK
    assert transfer.end(10)["State"] == "failed"
    bob.quiet(is_offer, 0.5, "offer")


def test_dino_noredial(alice, make_peer, source):
    """It cannot receive in-band: neither replaced nor dialed again, and the user learns why."""
    dino = make_peer(node=DINO)
    transfer, session = alice.offer(dino, source)
    accept_with(session, dead(dino))
    assert session.notified()[0] == "candidate-error"
    assert session.expect_reason()[0] in ("connectivity-error", "failed-transport")
    end = transfer.end(10)
    assert (end["State"], error_of(end)) == ("failed", "NoTransport")
    assert "in-band" in end["ErrorMessage"]
    dino.quiet(action, 0.5, "action")


def test_dino_terminates(alice, make_peer, source):
    dino = make_peer(node=DINO)
    transfer, session = alice.offer(dino, source)
    assert session.accept(session.s5b(dead(dino))) == OK
    assert session.terminate("failed_transport") == OK
    end = transfer.end(10)
    assert (end["State"], error_of(end)) == ("failed", "NoTransport")
    assert "in-band" in end["ErrorMessage"]


# --- other clients' ways ---

GAJIM, PSI, PSI_PLUS = "https://gajim.org", "https://psi-im.org", "https://psi-plus.com"


def test_gajim_replace(alice, make_peer):
    """Its stream is called "None"; it goes on only after a session-accept."""
    gajim = make_peer(node=GAJIM)
    session = Session(gajim, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(dead(gajim)))
    session.accepted()
    assert session.notify("candidate-error") == OK
    session.notified(kind="candidate-error")
    session.stream = "None"
    assert session.send("transport-replace", session.content(ibb("None"))) == OK
    accept = session.expect("session-accept")
    assert [child.get("sid") for child in accept.iter() if local(child) == "transport"] == ["None"]
    deliver_inband(transfer, session)


def test_psi_replaced_instead_of_error(alice, make_peer, source):
    """After two candidate-errors it would end the session."""
    psi = make_peer(node=PSI)
    transfer, session = alice.offer(psi, source)
    accept_with(session, dead(psi))
    session.replaced()
    assert psi.look(session.notification("candidate-error")) is None
    assert session.replace(action="transport-accept") == OK
    fetch_inband(transfer, session)


def test_psi_initiator(alice, make_peer):
    """It replaces after our error, whatever it does as responder."""
    psi = make_peer(node=PSI)
    session = Session(psi, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(dead(psi)))
    session.accepted()
    assert session.notify("candidate-error") == OK
    session.notified(kind="candidate-error")
    replace_and_deliver(transfer, session)


def test_psi_plus_no_ibb(alice, make_peer, source):
    """This version dies of in-band, and of terminate after both errors."""
    old = make_peer(node=PSI_PLUS, software=("Psi+", "1.4.1456"))
    transfer, session = alice.offer(old, source)
    accept_with(session, dead(old))
    assert session.expect_reason()[0] in ("connectivity-error", "failed-transport")
    assert old.look(session.notification("candidate-error")) is None
    assert transfer.end(10)["State"] == "failed"
    old.quiet(is_offer, 0.5, "offer")


def test_gajim_not_dialed(alice, make_peer, hosts):
    """It cannot serve a file from its own listener, so it must come to us."""
    host = hosts(Streamhost())
    gajim = make_peer(node=GAJIM)
    session = Session(gajim, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(
        Candidate(host.host, host.port, jid=gajim.jid, priority=8257536)))
    session.accepted()
    assert session.directs()[0].priority >= 8257536
    sock = session.use_theirs()
    assert session.notified()[0] == "candidate-error"
    deliver(sock, transfer, session)
    assert host.connections == []


def test_two_fallbacks(alice, bob, work):
    """Both transfers of one peer fall back, each in its stream."""
    files = [(work / name, bytes((n,)) * 50_000) for n, name in enumerate(("a", "b"))]
    for path, data in files:
        path.write_bytes(data)
    pairs = []
    for path, data in files:
        transfer, session = alice.offer(bob, path)
        accept_with(session, dead(bob))
        pairs.append((transfer, session, data))
    for transfer, session, data in pairs:
        fall_back_and_fetch(transfer, session, data)


def test_replace_held(alice, bob, source):
    """The answer to the replacement overtakes the result of its iq."""
    held = []

    def hold(stanza):
        if action(stanza) != "transport-replace":
            return None
        held.append(stanza)
        return HOLD
    bob.rules.append(hold)
    transfer, session = replacing(alice, bob, source)
    assert session.replace(action="transport-accept") == OK
    stream = Inband(session)
    stream.opened()
    bob.answer(held[0])
    assert stream.receive(len(DATA)) == DATA
    assert session.terminate("success") == OK
    assert transfer.end(10)["State"] == "done"

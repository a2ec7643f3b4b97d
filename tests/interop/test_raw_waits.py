# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every wait has an end: cases that take as long as a timer, all at once."""

import base64
import contextlib
import os
import pathlib
import tempfile
import time

import pytest

from fardel.prosody import Prosody
from fardel.scenario import Held
from raw.fixtures import *  # noqa: F403
from raw.flows import AT_ONCE, DATA, accept_with, check, fetch_inband, replace_and_deliver
from raw.ibb import Inband
from raw.jingle import PROXY_PRIORITY, Candidate, Session, action, file, ibb, is_offer, sha256
from raw.manners import flaws
from raw.peer import HOLD, Peer
from raw.proxy import Shared
from raw.socks import Blackhole, Streamhost, connect, dead_port, read
from raw.waits import Until, World, ended, notification, pause, run, stanza, state
from raw.xml import (DISCO_INFO, EOC, FEATURES, FILE_TRANSFER, FILE_TRANSFER_4, HASHES, HASHES_1, IBB, JINGLE_IBB, OK,
                     element, failure, q)

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__.replace("_", "-")] = function
    return function


def dead(peer):
    return Candidate("127.0.0.1", dead_port(), jid=peer.jid)


class Clock:
    """Since it was made."""

    def __init__(self):
        self.begun = time.monotonic()

    def at_least(self, seconds):
        assert time.monotonic() - self.begun >= seconds - 0.2


def negotiating(world, *candidates, **peer):
    """An offer of the daemon that was accepted with these candidates, no notification sent."""
    bob = world.peer(**peer)
    transfer, session = world.alice.offer(bob, world.source)
    assert session.accept(session.s5b(*candidates or [dead(bob)])) == OK
    return transfer, session


def failed_as_responder(world):
    transfer, session = world.alice.send_to(world.peer(), DATA)
    assert session.notify("candidate-error") == OK
    session.notified(kind="candidate-error")
    return transfer, session


def fallen_back(transfer, session, timeout):
    """The daemon proposes in-band in the end, and it works."""
    found = yield stanza(session, "transport-replace", timeout)
    session.stream = found.find(f".//{q(JINGLE_IBB, 'transport')}").get("sid")
    assert session.replace(action="transport-accept") == OK
    fetch_inband(transfer, session)


def replacing(world):
    transfer, session = negotiating(world)
    assert session.notify("candidate-error") == OK
    session.replaced()
    return transfer, session


# --- SOCKS and candidates ---

@scenario
def socks_silence(world):
    """A connection that says nothing is closed after some seconds."""
    _, session = world.alice.send_to(world.peer(), DATA)
    candidate = session.directs()[0]
    sock = connect(candidate.host, candidate.port)
    sock.setblocking(False)

    def closed():
        try:
            return sock.recv(1) == b"" or None
        except BlockingIOError:
            return None
        except ConnectionError:
            return True
    yield Until(closed, 8, "the end of the connection")


@scenario
def hold_timer(world):
    """Nothing but a dead candidate from a silent peer: no error for four seconds, in case more come."""
    _, session = negotiating(world)
    clock = Clock()
    yield notification(session, "candidate-error", 8)
    clock.at_least(4)


@scenario
def used_nosocket(world):
    """candidate-used, and no socket for two seconds: as an error, and not the end."""
    transfer, session = negotiating(world)
    assert session.notify("candidate-used", session.directs()[0].cid) == OK
    yield notification(session, "candidate-error", 5)
    yield from fallen_back(transfer, session, 10)


@scenario
def silent_error(world):
    """Conversations, and its proxy is dead: it proposes in-band after our error."""
    session = Session(world.peer(), world.alice.jid)
    candidate = Candidate("127.0.0.1", dead_port(), jid="proxy.example", type="proxy", priority=PROXY_PRIORITY)
    transfer = world.alice.is_offered(session, file(size=len(DATA)), session.s5b(candidate))
    session.accepted()
    yield notification(session, "candidate-error", 10)
    replace_and_deliver(transfer, session)


@scenario
def used_after_error(world):
    """After our error the peer still finds something that works."""
    transfer, session = negotiating(world)
    yield notification(session, "candidate-error", 8)
    host = world.keep(Streamhost())
    late = Candidate(host.host, host.port, jid=session.peer.jid)
    assert session.info(late) == OK
    yield notification(session, "candidate-used", 8)
    assert session.notify("candidate-error") == OK
    sock = host.socket()
    sock.settimeout(10)
    assert read(sock, len(DATA)) == DATA
    assert session.terminate("success") == OK
    check((yield ended(transfer, 10)), DATA, "socks5-direct")


@scenario
def eoc_unseen(world):
    """More candidates were announced: no error, however long they take (T_PEER apart)."""
    bob = world.peer(features=(*FEATURES, EOC))
    _, session = world.alice.offer(bob, world.source)
    assert session.accept(session.s5b(dead(bob), element("candidates-follow", xmlns=EOC))) == OK
    yield pause(7)
    assert bob.look(session.notification()) is None
    assert session.info(element("candidates-done", xmlns=EOC)) == OK
    yield notification(session, "candidate-error", 3)


@scenario
def six_dead(world):
    """Six addresses that swallow packets do not add up."""
    bob = world.peer()
    transfer, session = world.alice.offer(bob, world.source)
    holes = [world.keep(Blackhole()) for _ in range(6)]
    accept_with(session, *(Candidate(hole.host, hole.port, jid=bob.jid, priority=9000 - n)
                           for n, hole in enumerate(holes)))
    yield notification(session, "candidate-error", 12)
    assert transfer["State"] == "negotiating"


@scenario
def mute_socks(world):
    """Six listeners that accept and say nothing."""
    bob = world.peer()
    _, session = world.alice.offer(bob, world.source)
    hosts = [world.keep(Streamhost("silent")) for _ in range(6)]
    accept_with(session, *(Candidate(host.host, host.port, jid=bob.jid, priority=9000 - n)
                           for n, host in enumerate(hosts)))
    yield notification(session, "candidate-error", 12)
    assert all(len(host.connections) == 1 for host in hosts)


# --- a silent peer ---

@scenario
def silent_direct(world):
    """We are connected to it directly and it never says a word: that is consent."""
    host = world.keep(Streamhost())
    bob = world.peer()
    transfer, session = world.alice.offer(bob, world.source)
    assert session.accept(session.s5b(Candidate(host.host, host.port, jid=bob.jid))) == OK
    clock = Clock()
    yield notification(session, "candidate-used", 10)
    sock = host.socket()
    yield state(transfer, "active", 70)
    clock.at_least(20)
    sock.settimeout(10)
    assert read(sock, len(DATA)) == DATA
    assert session.terminate("success") == OK
    check((yield ended(transfer, 10)), DATA, "socks5-direct")


@scenario
def silent_peer(world):
    """Nothing works and it never says so: an error in the end, and the fallback."""
    transfer, session = negotiating(world)
    clock = Clock()
    yield from fallen_back(transfer, session, 75)
    clock.at_least(20)


@scenario
def act_timeout(world):
    """The peer's proxy is never activated."""
    bob = world.peer()
    transfer, session = world.alice.offer(bob, world.source)
    proxy = Shared(world.server, session)
    assert session.accept(session.s5b(proxy.candidate)) == OK
    yield notification(session, "candidate-used", 10)
    assert session.notify("candidate-error") == OK
    clock = Clock()
    yield notification(session, "proxy-error", 40)
    clock.at_least(30)
    yield from fallen_back(transfer, session, 10)


@scenario
def stale_proxy(world):
    """Conversations' proxy alone, and the user takes a minute: it is gone, so in-band at once."""
    bob = world.peer()
    session = Session(bob, world.alice.jid)
    proxy = Shared(world.server, session)
    assert session.initiate(file(size=len(DATA)), session.s5b(proxy.candidate)) == OK
    transfer = world.alice.wait_for_offer(bob)
    yield pause(58)
    transfer.accept("")
    session.accepted()
    yield notification(session, "candidate-error", AT_ONCE)
    replace_and_deliver(transfer, session)


# --- the session's answers ---

@scenario
def no_reply(world):
    """The offer is not even acknowledged."""
    bob = world.peer()
    held = []
    bob.rules.append(lambda found: (held.append(found) or HOLD) if is_offer(found) else None)
    transfer, session = world.alice.offer(bob, world.source)
    end = yield ended(transfer, 45)
    assert (end["State"], error_of(end)) == ("failed", "Timeout")
    assert "answer" in end["ErrorMessage"]
    bob.answer(held[0])  # too late
    assert session.send("session-info") == {"item-not-found", "unknown-session"}


@scenario
def replace_timeout(world):
    """No word on the replacement: the end of this session, and one more try."""
    transfer, session = replacing(world)
    reason = yield stanza(session, "session-terminate", 45)
    assert reason.find(".//{*}failed-transport") is not None
    again = Session.offered(session.peer)
    assert again.transport.tag == q(JINGLE_IBB, "transport")
    assert again.accept(ibb(again.stream)) == OK
    fetch_inband(transfer, again)


@scenario
def wait_replace(world):
    """The initiator does not propose anything."""
    transfer, session = failed_as_responder(world)
    clock = Clock()
    reason = yield stanza(session, "session-terminate", 75)
    clock.at_least(60)
    assert reason.find(".//{*}failed-transport") is not None
    end = yield ended(transfer, 5)
    assert (end["State"], error_of(end)) == ("failed", "NoTransport")


@scenario
def open_never(world):
    """The in-band stream is agreed, and the initiator does not open it."""
    session = Session(world.peer(), world.alice.jid)
    transfer = world.alice.is_offered(session, file(size=len(DATA)), ibb(session.stream))
    session.accepted()
    end = yield ended(transfer, 60)
    assert end["State"] == "failed"
    yield stanza(session, "session-terminate", 10)


@scenario
def peer_gone(world):
    """Its resource goes offline while nothing moves."""
    transfer, session = negotiating(world, Candidate("127.0.0.1", 1))
    session.peer.send("<presence type='unavailable'/>")
    end = yield ended(transfer, 25)
    assert end["State"] == "failed"


# --- bytes ---

@scenario
def stall(world):
    """No byte for a minute: a ping, and without an answer the end."""
    bob = world.peer()
    transfer, session = world.alice.send_to(bob, DATA, name="stall.bin")
    session.use_theirs()
    clock = Clock()
    bob.rules.append(lambda found: HOLD if action(found) == "session-info" else None)
    yield stanza(session, "session-info", 75)
    clock.at_least(60)
    end = yield ended(transfer, 25)
    assert (end["State"], end["Transferred"]) == ("failed", 0)


@scenario
def stall_pinged(world):
    """The peer answers: it goes on after the pause."""
    transfer, session = world.alice.send_to(world.peer(), DATA, name="pinged.bin")
    sock = session.use_theirs()
    yield stanza(session, "session-info", 75)
    sock.sendall(DATA)
    check((yield ended(transfer, 10)), DATA)


@scenario
def drop_late(world):
    """The connection dies at 60 %: what came is kept, and the peer is told."""
    transfer, session = world.alice.send_to(world.peer(), DATA, name="cut.bin")
    sock = session.use_theirs()
    sock.sendall(DATA[:42_000])
    yield Until(lambda: transfer["Transferred"] == 42_000 or None, 10, "the first part")
    sock.close()
    reason = yield stanza(session, "session-terminate", 15)
    assert reason.find(".//{*}connectivity-error") is not None
    end = yield ended(transfer, 5)
    assert (end["State"], error_of(end)) == ("failed", "ConnectionFailed")
    part = pathlib.Path(end["LocalPath"]).parent / ".cut.bin.part"
    assert part.read_bytes() == DATA[:42_000]


@scenario
def lying_success(world):
    """Gajim says success whatever it has."""
    path = world.directory / "big"
    path.write_bytes(os.urandom(1 << 20) * 32)
    transfer, session = world.alice.offer(world.peer(), path)
    assert session.accept(session.s5b()) == OK
    sock = session.use_theirs()
    sock.settimeout(10)
    assert len(read(sock, 1 << 20)) == 1 << 20
    assert session.terminate("success") == OK
    end = yield ended(transfer, 20)
    assert (end["State"], end["Verified"]) == ("failed", "none")


@scenario
def received_alone(world):
    """The receiver says it has the file and leaves the rest to us."""
    transfer, session = negotiating(world)
    sock = session.use_theirs()
    sock.settimeout(10)
    assert read(sock, len(DATA)) == DATA
    assert session.send("session-info", element("received", xmlns=FILE_TRANSFER, creator="initiator",
                                                name=session.name)) == OK
    end = yield stanza(session, "session-terminate", 8)
    assert end.find(".//{*}success") is not None
    end = yield ended(transfer, 5)
    check(end, DATA)
    assert end["Verified"] == "ok"


@scenario
def unconfirmed(world):
    """All bytes are out and the receiver is silent."""
    transfer, session = negotiating(world)
    sock = session.use_theirs()
    sock.settimeout(10)
    assert read(sock, len(DATA)) == DATA
    clock = Clock()
    end = yield ended(transfer, 85)
    clock.at_least(60)
    assert end["Verified"] == "none"
    yield stanza(session, "session-terminate", 10)


@scenario
def drain_slow(world):
    """The sender ends the session while half is still in the sockets; reading takes its time."""
    data = DATA * 20
    session = Session(world.peer(), world.alice.jid)
    assert session.initiate(file(sha256(data), size=len(data)), session.s5b()) == OK
    transfer = world.alice.wait_for_offer(session.peer)
    held = Held(transfer)
    session.accepted()
    sock = session.use_theirs()
    sock.settimeout(5)
    sock.sendall(data)
    yield state(transfer, "active", 5)
    assert session.terminate("media-error") == OK
    yield pause(3)
    assert held.release() == data
    end = yield ended(transfer, 20)
    assert (end["State"], end["Verified"]) == ("done", "ok")


def offered(world, description):
    """The peer has sent all that it described: (transfer, session)."""
    session = Session(world.peer(), world.alice.jid)
    transfer = world.alice.is_offered(session, description)
    session.accepted().use_theirs().sendall(DATA)
    return transfer, session


@scenario
def checksum_never(world):
    """Promised and not told: two seconds, then the file is taken as it is."""
    transfer, session = offered(world, file(element("hash-used", xmlns=HASHES, algo="sha-256"), size=len(DATA)))
    clock = Clock()
    end = yield ended(transfer, 8)
    clock.at_least(2)
    check(end, DATA)
    assert end["Verified"] == "none"
    session.expect_end()


@scenario
def swift_clock(world):
    """Its sender gives up five seconds after its last byte."""
    transfer, session = offered(world, file(element("hash", xmlns=HASHES_1, algo="sha-1"), size=len(DATA),
                                            namespace=FILE_TRANSFER_4))
    found = yield stanza(session, "session-terminate", 4)
    assert found.find(".//{*}success") is not None
    check((yield ended(transfer, 5)), DATA)


# --- in-band ---

def inbound(world):
    """An open in-band stream that the peer sends: (transfer, session, stream)."""
    session = Session(world.peer(), world.alice.jid)
    transfer = world.alice.is_offered(session, file(size=len(DATA)), ibb(session.stream))
    session.accepted()
    stream = Inband(session)
    assert stream.open() == OK
    assert stream.data(0, DATA[:4096]) == OK
    return transfer, session, stream


@scenario
def seq_gap_end(world):
    """No other transport is left."""
    transfer, session, stream = inbound(world)
    assert "unexpected-request" in stream.data(2, DATA[8192:12288])
    yield stanza(session, "session-terminate", 15)
    assert (yield ended(transfer, 5))["State"] == "failed"


@scenario
def close_of_sender(world):
    """Close before the end: the rest is missing."""
    transfer, _, stream = inbound(world)
    assert stream.close() == OK
    assert (yield ended(transfer, 20))["State"] == "failed"


def wait_error(world, alice, times):
    """The peer's server loses it for the third block, and what follows, `times` times:
    (transfer, session, when that block came, the blocks that were taken)."""
    bob = world.peer()
    transfer, session = alice.offer(bob, world.source, transports=["ibb"])
    came, taken = [], {}

    def refuse(found):
        block = found.find(q(IBB, "data"))
        if block is None:
            return None
        seq = int(block.get("seq"))
        if seq == 2:
            came.append(time.monotonic())
        if seq >= 2 and len(came) <= times:
            return failure("recipient-unavailable", "wait")
        taken[seq] = base64.b64decode(block.text)
        return None
    bob.rules.append(refuse)
    assert session.accept(ibb(session.stream, 4096)) == OK
    return transfer, session, came, taken


@scenario
def wait_error_once(world):
    """The same block again after a while, and all arrives."""
    transfer, session, came, taken = wait_error(world, world.alice, 1)
    yield Until(lambda: sum(map(len, taken.values())) >= len(DATA) or None, 60, "all blocks")
    assert came[1] - came[0] >= 9.8
    assert b"".join(taken[seq] for seq in sorted(taken)) == DATA
    assert session.terminate("success") == OK
    check((yield ended(transfer, 10)), DATA)


@scenario
def wait_error_twice(world):
    """Once more is enough: failed, to be taken up again."""
    # Of her own: an account sends one file in-band at a time.
    transfer, session, came, _ = wait_error(world, world.start_alice(), 2)
    end = yield ended(transfer, 60)
    assert len(came) == 2
    assert end["State"] == "failed"
    assert transfer.call("Resume", "(a{sv})", {})


@scenario
def throttled(world):
    """A server that takes 3 kB/s: other stanzas of the same stream are not stuck behind the file."""
    prosody = Prosody(tempfile.mkdtemp(dir=world.directory), users=("alice", "bob"), rate="3kb/s")
    world.stack.callback(prosody.stop)
    alice = world.start_alice(prosody=prosody)
    bob = world.keep(Peer(prosody, "bob"))
    data = DATA[:40_000]
    (world.directory / "slow").write_bytes(data)
    transfer, session = alice.offer(bob, world.directory / "slow", transports=["ibb"])
    assert session.accept(ibb(session.stream, 4096)) == OK
    while transfer["State"] != "done":
        number = bob.post(alice.jid, element("query", xmlns=DISCO_INFO), kind="get")
        yield Until(lambda: bob.look(lambda found: found.get("id") == number), 5, "an answer beside the file")
        stream = Inband(session)
        if sum(map(stream.is_about("data"), bob.inbox)) == 10:
            assert stream.receive(len(data)) == data
            assert session.terminate("success") == OK
            check((yield ended(transfer, 20)), data)
        yield pause(1)


# --- discovery ---

def mute(world, user):
    """A resource that never says what it can."""
    peer = world.peer(user, "mute", presence=False)
    peer.rules.append(lambda found: HOLD if found.find(q(DISCO_INFO, "query")) is not None else None)
    peer.show(caps=False, priority=100)
    return peer


@scenario
def unknown_caps_other(world):
    """It does not keep another one from being chosen."""
    user = next(world.users)
    silent = mute(world, user)
    other = world.peer(user, "other")
    world.alice.manager.offer(other.bare, world.source)
    yield Until(lambda: other.look(is_offer), 10, "an offer")
    assert silent.look(is_offer) is None


@scenario
def unknown_caps_mute(world):
    """Nobody else is there: the offer waits, and takes who comes."""
    user = next(world.users)
    silent = mute(world, user)
    transfer = world.alice.manager.offer(silent.bare, world.source)
    yield pause(7)
    assert transfer["State"] == "queued"
    other = world.peer(user, "other")
    yield Until(lambda: other.look(is_offer), 10, "an offer")


# One for each: few transfers run at once with one peer.
BOBS = [f"bob{number}" for number in range(len(SCENARIOS))]


@pytest.fixture(scope="module")
def server(session_directory):
    prosody = Prosody(tempfile.mkdtemp(dir=session_directory), users=("alice", *BOBS),
                      contacts=[("alice", bob) for bob in BOBS], nagle=False)
    yield prosody
    prosody.stop()


@pytest.fixture(scope="module")
def results(server, start_alice, session_directory):
    directory = pathlib.Path(tempfile.mkdtemp(dir=session_directory))
    alice = start_alice()
    alice.manager["MaxActiveTransfers"] = 64
    with contextlib.ExitStack() as stack:
        world = World(server, alice, start_alice, directory, stack, BOBS)
        world.source = directory / "file.bin"
        world.source.write_bytes(DATA)
        results = run({name: function(world) for name, function in SCENARIOS.items()}, alice.client)
        results["manners"] = flawed(world.peers)
        yield results


def flawed(peers):
    """Fails, as a scenario does, if the daemon was impolite to one of them."""
    found = [text for peer in peers for text in flaws(peer.received())]
    return AssertionError("\n".join(found)) if found else None


@pytest.mark.parametrize("name", [*SCENARIOS, "manners"])
def test_wait(results, name):
    if results[name]:
        raise results[name]

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which resource gets the file, what strangers learn, and what a peer can make
the daemon do."""

import base64
import hashlib
import itertools
import os
import socket

import pytest

from fardel.scenario import eventually
from raw.fixtures import *  # noqa: F403
from raw.flows import DATA, accept_with, deliver, fetch
from raw.jingle import Candidate, Session, file
from raw.socks import Streamhost, connect, dial, granted
from raw.xml import (BATCH, CAPS, CID_DST, DISCO_INFO, EARLY_ACCEPT, EOC, FEATURES, FILE_TRANSFER, FILE_TRANSFER_4,
                     HASHES, IBB, JINGLE, JINGLE_IBB, OK, S5B, element, q)

NO_S5B = tuple(feature for feature in FEATURES if feature != S5B)
NO_IBB = tuple(feature for feature in FEATURES if feature != JINGLE_IBB)
CHAT = (DISCO_INFO,)


def chosen(alice, peer):
    return alice.manager.query_peer(peer.bare)["resource"]


RANKS = {
    "S5B and IBB before S5B": ({}, {"features": NO_IBB}),
    "S5B before IBB": ({"features": NO_IBB}, {"features": NO_S5B}),
    "transports before show": ({"show": "dnd"}, {"features": NO_S5B}),
    "transports before priority": ({"priority": -5}, {"features": NO_S5B, "priority": 50}),
    "chat before away": ({"show": "chat"}, {"show": "away"}),
    "none before away": ({}, {"show": "away"}),
    "away before xa": ({"show": "away"}, {"show": "xa"}),
    "xa before dnd": ({"show": "xa"}, {"show": "dnd"}),
    "show before priority": ({"priority": 1}, {"show": "away", "priority": 100}),
    "priority": ({"priority": 10}, {"priority": 5}),
    "any before none": ({"features": NO_S5B, "show": "dnd"}, {"features": CHAT, "priority": 100}),
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("first", ["better", "worse"])
def test_rank(alice, make_peer, rank, first):
    better, worse = RANKS[rank]
    order = [("better", better), ("worse", worse)]
    for resource, about in order if first == "better" else reversed(order):
        peer = make_peer("carol", resource, **about)
    peer.settle(alice.jid)  # its presence was there before
    assert chosen(alice, peer) == "better"


def test_rank_five(alice, make_peer):
    """All at once; as the best go, the next is chosen."""
    peers = [make_peer("carol", name, **about) for name, about in (
        ("chat", {"features": CHAT, "priority": 127}), ("inband", {"features": NO_S5B, "priority": 100}),
        ("away", {"show": "away"}), ("low", {"priority": -1}), ("high", {"priority": 20}))]
    ranking = ["high", "low", "away", "inband"]
    for resource in ranking:
        eventually(lambda: chosen(alice, peers[0]) == resource)
        next(peer for peer in peers if peer.jid.endswith("/" + resource)).close()
    eventually(lambda: not alice.manager.query_peer(peers[0].bare)["can-receive"])


def test_rank_newest(alice, make_peer):
    """Equal in everything: who came last."""
    old, new = make_peer("carol", "old"), make_peer("carol", "new")
    new.settle(alice.jid)
    assert chosen(alice, new) == "new"
    old.show()
    old.settle(alice.jid)
    eventually(lambda: chosen(alice, new) == "old")


def test_full_jid(alice, make_peer, source):
    """Given a resource there is no choice."""
    make_peer("carol", "better")
    worse = make_peer("carol", "worse", features=NO_S5B, show="dnd")
    alice.offer(worse, source)


def test_unknown_caps(alice, make_peer, source):
    """Presence without capabilities: the peer is asked."""
    asked = []
    peer = make_peer("carol", "asked", caps=False)
    peer.rules.append(lambda stanza: asked.append(stanza) if stanza.find(q(DISCO_INFO, "query")) is not None else None)
    transfer = alice.manager.offer(peer.bare, source)
    session = Session.offered(peer)
    assert any(stanza.get("from") == alice.jid for stanza in asked)
    assert session.accept(session.s5b()) == OK
    fetch(session.use_theirs(), transfer, session)


def test_forged_caps(alice, make_peer):
    """Announced under a hash that is another's: that one is not poisoned."""
    features = (*FEATURES, "urn:example:only-here")
    liar = make_peer("carol", "liar", features=features, presence=False)
    liar.show(priority=100)
    liar.features = CHAT  # what it says when asked
    liar.settle(alice.jid)
    honest = make_peer("carol", "honest", features=features)
    honest.settle(alice.jid)
    assert chosen(alice, honest) == "honest"


def test_advertised(alice, bob):
    """What other clients look for, what they must not find, and a hash that fits."""
    presence = bob.wait(lambda stanza: stanza.get("from") == alice.jid and stanza.find(q(CAPS, "c")) is not None)
    caps = presence.find(q(CAPS, "c"))
    assert int(presence.find("{*}priority").text) < 0
    asked = bob.post(alice.jid, element("query", xmlns=DISCO_INFO, node=f"{caps.get('node')}#{caps.get('ver')}"), "get")
    info = bob.reply(asked).find(q(DISCO_INFO, "query"))
    features = [feature.get("var") for feature in info.iter(q(DISCO_INFO, "feature"))]
    assert len(features) == len(set(features))
    for feature in (DISCO_INFO, CAPS, JINGLE, FILE_TRANSFER, FILE_TRANSFER_4, S5B, JINGLE_IBB, IBB, HASHES,
                    "urn:xmpp:hash-function-text-names:sha-256", EOC, CID_DST, BATCH, EARLY_ACCEPT):
        assert feature in features
    for unwanted in ("bytestreams", "ice", "rtp", "jabber.org/protocol/si", "blake2", "md5", "jet"):
        assert not [feature for feature in features if unwanted in feature]
    identity = info.find(q(DISCO_INFO, "identity"))
    text = "/".join((identity.get("category"), identity.get("type"), "", identity.get("name", ""))) + "<"
    text += "".join(f"{feature}<" for feature in sorted(features))
    if info.find("{*}x") is None:
        assert base64.b64encode(hashlib.sha1(text.encode()).digest()).decode() == caps.get("ver")


# --- strangers ---

@pytest.fixture(scope="module")
def started_open(start_alice):
    return start_alice(config="[Fardel]\nAcceptFromStrangers=true\n")


@pytest.fixture
def open_alice(started_open):
    with lent(started_open) as alice:
        yield alice


@pytest.fixture
def mallory(make_peer):
    return make_peer("mallory")


def test_stranger_refused(alice, mallory):
    """As if there were no Jingle, and no transfer to look at."""
    session = Session(mallory, alice.jid)
    assert "service-unavailable" in session.initiate(file(size=1), session.s5b())
    mallory.quiet(lambda stanza: stanza.get("from", "").startswith(alice.jid), 0.3)
    assert alice.client.transfers() == []


def test_stranger(open_alice, mallory, hosts):
    """Only an acknowledgement until the user accepts, and then what the user allows."""
    host = hosts(Streamhost())
    session = Session(mallory, open_alice.jid)
    assert session.initiate(file(size=len(DATA)), session.s5b(
        Candidate(host.host, host.port, jid=mallory.jid))) == OK
    transfer = open_alice.wait_for_offer(mallory)
    mallory.quiet(lambda stanza: stanza.get("from", "").startswith(open_alice.account["Jid"]), 0.5)
    assert host.connections == []
    transfer.accept("", transports=["socks5-proxy", "ibb"])
    session.accepted()
    assert session.directs() == []
    assert session.notify("candidate-error") == OK
    assert session.notified()[0] == "candidate-error"
    assert host.connections == []
    assert session.terminate("cancel") == OK
    assert transfer.end(10)["State"] == "cancelled"


def test_stranger_rejected(open_alice, mallory):
    session = Session(mallory, open_alice.jid)
    assert session.initiate(file(size=1), session.s5b()) == OK
    open_alice.wait_for_offer(mallory).call("Reject")
    assert session.expect_reason() == ["decline"]


def test_stranger_never_online(alice, mallory):
    """No presence leaves for somebody who is no contact."""
    mallory.show(to=alice.jid)
    mallory.quiet(lambda stanza: stanza.tag.endswith("}presence") and stanza.get("from", "").startswith(
        alice.account["Jid"]), 0.3)


# --- what a peer can make it do ---

@pytest.fixture(scope="module")
def started_outside(start_alice):
    return start_alice(allow_loopback=False)


@pytest.fixture
def outside_alice(started_outside):
    """As everywhere but in tests: loopback is no candidate."""
    with lent(started_outside) as alice:
        yield alice


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "localhost", "::ffff:127.0.0.1", "::1"])
def test_ssrf_loopback(outside_alice, bob, hosts, source, address):
    host = hosts(Streamhost(host="0.0.0.0"))
    _, session = outside_alice.offer(bob, source)
    accept_with(session, Candidate(address, host.port, jid=bob.jid))
    assert session.notified(timeout=5)[0] == "candidate-error"
    assert host.connections == []
    assert not [c for c in session.theirs if c.host in ("127.0.0.1", "::1")]


def test_ssrf_many(alice, bob, hosts):
    """Sixteen candidates of a peer are looked at, no more."""
    listeners = [hosts(Streamhost("close")) for _ in range(24)]
    session = Session(bob, alice.jid)
    alice.is_offered(session, file(size=1), session.s5b(
        *(Candidate(host.host, host.port, jid=bob.jid, priority=9000 - n) for n, host in enumerate(listeners))))
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified(timeout=20)[0] == "candidate-error"
    assert sum(bool(host.connections) for host in listeners) == 16


def open_descriptors(alice):
    return len(os.listdir(f"/proc/{alice.daemon.process.pid}/fd"))


def test_slowloris(alice, bob):
    """A hundred connections that say nothing: few are kept, and the peer is served all the same."""
    transfer, session = alice.send_to(bob, DATA)
    candidate = session.directs()[0]
    before = open_descriptors(alice)
    idle = [connect(candidate.host, candidate.port) for _ in range(100)]
    assert open_descriptors(alice) <= before + 64
    sockets = []

    def served():
        try:
            sock, reply = dial(candidate.host, candidate.port, session.of_theirs)
        except OSError:
            return False
        sockets.append(sock)
        return reply == granted(session.of_theirs)
    eventually(served, 15)
    assert session.notify("candidate-used", candidate.cid) == OK
    deliver(sockets[-1], transfer, session)
    for sock in idle:
        sock.close()


def test_wrong_hashes(alice, bob):
    """Guessing ends with the listener, not with the session."""
    _, session = alice.send_to(bob, DATA)
    first, second = session.directs()[:2]
    refused = 0
    for number in itertools.count():
        try:
            sock, reply = dial(first.host, first.port, f"{number:040x}")
        except OSError:
            break
        sock.close()
        if reply[:2] != b"\x05\x02":
            break
        refused += 1
        assert refused <= 20
    assert refused == 20
    session.reach(second)


def test_listener_closes(alice, bob):
    """When the stream is up nobody can connect any more."""
    transfer, session = alice.send_to(bob, DATA)
    sock = session.use_theirs()
    transfer.wait_for("State", "active")

    def refused(candidate):
        try:
            connect(candidate.host, candidate.port).close()
        except OSError:
            return True
        return False
    for candidate in session.directs():
        eventually(lambda: refused(candidate))  # noqa: B023
    deliver(sock, transfer, session)


def test_listener_needs_session(alice, bob):
    """Nothing listens while nothing is offered."""
    _, session = alice.send_to(bob, DATA)
    assert session.terminate("cancel") == OK
    candidate = session.directs()[0]

    def refused():
        with socket.socket(socket.AF_INET6 if ":" in candidate.host else socket.AF_INET) as sock:
            return sock.connect_ex((candidate.host, candidate.port)) != 0
    eventually(refused)


@pytest.mark.parametrize("contents", [33, 200])
def test_too_many_contents(alice, bob, contents):
    session = Session(bob, alice.jid)
    assert "bad-request" in session.send("session-initiate", *(
        session.content(file(size=1), session.s5b(), name=f"c{n}") for n in range(contents)))
    assert alice.client.transfers() == []


def test_too_many_offers(alice, bob):
    """Those beyond 32 that wait are refused, and none is lost."""
    sessions = [Session(bob, alice.jid) for _ in range(33)]
    for session in sessions:
        assert session.initiate(file(size=1), session.s5b()) == OK
    assert sessions[-1].expect_reason() == ["busy"]
    assert len(alice.client.transfers(state="offered")) == 32

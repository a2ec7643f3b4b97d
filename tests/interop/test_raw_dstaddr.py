# SPDX-License-Identifier: LGPL-2.1-or-later
"""DST.ADDR of both roles (XEP-0260 §2.2), and SOCKS5 to the byte."""

import pytest

from raw.fixtures import *  # noqa: F403
from raw.flows import DATA, accept_with, deliver, fetch
from raw.jingle import PROXY_PRIORITY, Candidate, Session, file
from raw.socks import (GREETED, GREETING, Streamhost, address, cid_dst, connect, dead_port, dial, granted, is_closed,
                       reach, read, request)
from raw.xml import CID_DST, FEATURES, OK, S5B, q

# --- the peer dials ---

def test_dst_init(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    sock = session.use_theirs()
    fetch(sock, transfer, session)


def test_dst_resp_off(alice, bob):
    transfer, session = alice.send_to(bob, DATA)
    deliver(session.use_theirs(), transfer, session)


def test_dst_resp_ini(alice, bob):
    transfer, session = alice.send_to(bob, DATA)
    assert session.of_both != session.of_theirs
    candidate = session.directs()[0]
    sock = session.reach(candidate, session.of_both)
    assert session.notify("candidate-used", candidate.cid) == OK
    deliver(sock, transfer, session)


def test_dst_bogus(alice, bob):
    transfer, session = alice.send_to(bob, DATA)
    candidate = session.directs()[0]
    sock, reply = dial(candidate.host, candidate.port, "0123456789" * 4)
    assert reply[:2] == b"\x05\x02"
    assert is_closed(sock, 3)
    deliver(session.use_theirs(), transfer, session)


def test_dst_case(alice, bob):
    transfer, session = alice.send_to(bob, DATA)
    candidate = session.directs()[0]
    upper = session.of_theirs.upper()
    sock = reach(candidate.host, candidate.port, upper)
    assert session.notify("candidate-used", candidate.cid) == OK
    deliver(sock, transfer, session)


# --- the daemon dials ---

def test_dial_attr(alice, bob, source, hosts):
    host = hosts(Streamhost())
    transfer, session = alice.offer(bob, source)
    attribute = "d" * 40
    candidate = Candidate(host.host, host.port, jid=bob.jid)
    accept_with(session, candidate, dstaddr=attribute)
    assert session.notified() == ("candidate-used", candidate.cid)
    assert host.requests == [attribute]
    fetch(host.socket(), transfer, session)


def test_dial_noattr(alice, bob, source, hosts):
    host = hosts(Streamhost())
    transfer, session = alice.offer(bob, source)
    accept_with(session, Candidate(host.host, host.port, jid=bob.jid))
    assert session.notified()[0] == "candidate-used"
    assert host.requests == [session.of_ours]
    fetch(host.socket(), transfer, session)


def test_dial_retry(alice, bob, source, hosts):
    transfer, session = alice.offer(bob, source)
    host = hosts(Streamhost(accepts={session.of_both}))
    candidate = Candidate(host.host, host.port, jid=bob.jid)
    accept_with(session, candidate)
    assert session.notified() == ("candidate-used", candidate.cid)
    assert host.requests == [session.of_ours, session.of_both]
    assert len(host.connections) == 2
    fetch(host.socket(), transfer, session)
    assert bob.look(session.notification()) is None


def test_dial_iris(alice, bob, source, hosts):
    host = hosts(Streamhost())
    transfer, session = alice.offer(bob, source)
    accept_with(session, Candidate(host.host, host.port))  # no jid
    assert session.notified()[0] == "candidate-used"
    assert host.requests == [session.of_both]
    fetch(host.socket(), transfer, session)


def test_dial_proxy_once(alice, bob, source, hosts):
    proxy, direct = hosts(Streamhost("close")), hosts(Streamhost())
    transfer, session = alice.offer(bob, source)
    second = Candidate(direct.host, direct.port, jid=bob.jid, priority=1000)
    accept_with(session, Candidate(proxy.host, proxy.port, jid="proxy.example", type="proxy",
                                   priority=PROXY_PRIORITY), second)
    assert session.notified() == ("candidate-used", second.cid)
    fetch(direct.socket(), transfer, session)
    assert len(proxy.connections) <= 1


def test_dial_proxy_once_and_no_more(alice, bob, source, hosts):
    proxy = hosts(Streamhost("close"))
    transfer, session = alice.offer(bob, source)
    accept_with(session, Candidate(proxy.host, proxy.port, jid="proxy.example", type="proxy",
                                   priority=PROXY_PRIORITY))
    assert session.notified()[0] == "candidate-error"
    assert proxy.requests == [session.of_ours]
    assert len(proxy.connections) == 1


def test_dial_single_accept(alice, bob, source, hosts):
    host = hosts(Streamhost(once=True))
    transfer, session = alice.offer(bob, source)
    accept_with(session, Candidate(host.host, host.port, jid=bob.jid))
    assert session.notified()[0] == "candidate-used"
    assert host.requests == [session.of_ours]
    fetch(host.socket(), transfer, session)


# --- urn:x-fardel:cid-dst:0 ---

def is_marked(session):
    return session.transport.find(q(CID_DST, "cid-dst")) is not None


MARK = f"<cid-dst xmlns='{CID_DST}'/>"


def test_cid_dst_on_initiator(alice, make_peer, source, hosts):
    bob = make_peer(features=(*FEATURES, CID_DST))
    host = hosts(Streamhost())
    transfer, session = alice.offer(bob, source)
    assert is_marked(session)
    ours = [Candidate(host.host, host.port, jid=bob.jid, priority=9000 - n) for n in range(3)]
    assert session.accept(session.s5b(MARK, *ours)) == OK
    assert session.notified() == ("candidate-used", ours[0].cid)
    assert host.requests[0] == cid_dst(session.stream, ours[0].cid, session.initiator, session.responder)
    assert session.notify("candidate-error") == OK
    fetch(host.socket(), transfer, session)


def test_cid_dst_on_which(alice, make_peer, source):
    """The hash, not the port, tells which candidate was reached."""
    bob = make_peer(features=(*FEATURES, CID_DST))
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b(MARK)) == OK
    lost, won = session.directs()[:2]
    loser, winner = (reach(c.host, c.port, cid_dst(session.stream, c.cid, session.initiator, session.responder))
                     for c in (lost, won))
    assert session.notify("candidate-used", won.cid) == OK
    fetch(winner, transfer, session)
    assert is_closed(loser)


def test_cid_dst_on_responder(alice, bob):
    """The offer alone says so, whatever the capabilities."""
    session = Session(bob, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(MARK))
    session.accepted()
    assert is_marked(session)
    candidate = session.directs()[0]
    sock = reach(candidate.host, candidate.port,
                 cid_dst(session.stream, candidate.cid, session.initiator, session.responder))
    assert session.notify("candidate-used", candidate.cid) == OK
    deliver(sock, transfer, session)


def test_cid_dst_off(alice, make_peer, source, hosts):
    bob = make_peer()
    host = hosts(Streamhost())
    transfer, session = alice.offer(bob, source)
    assert not is_marked(session)
    accept_with(session, Candidate(host.host, host.port, jid=bob.jid))
    assert session.notified()[0] == "candidate-used"
    assert host.requests == [session.of_ours]
    fetch(host.socket(), transfer, session)


def test_cid_dst_off_ours_only(alice, make_peer, source, hosts):
    """The peer advertises it and does not take it up."""
    bob = make_peer(features=(*FEATURES, CID_DST))
    host = hosts(Streamhost())
    transfer, session = alice.offer(bob, source)
    accept_with(session, Candidate(host.host, host.port, jid=bob.jid))
    assert session.notified()[0] == "candidate-used"
    assert host.requests == [session.of_ours]
    fetch(host.socket(), transfer, session)


def test_cid_dst_off_responder(alice, make_peer):
    """It is in the capabilities, not in the offer."""
    bob = make_peer(features=(*FEATURES, CID_DST))
    _, session = alice.send_to(bob, DATA)
    assert not is_marked(session)


# --- what is written ---

def test_dstaddr_always(alice, bob, source):
    """Also without proxies, in both roles."""
    _, session = alice.offer(bob, source, transports=["socks5-direct"])
    assert all(c.type == "direct" for c in session.theirs)
    assert session.transport.get("dstaddr") == session.of_theirs
    _, session = alice.send_to(bob, DATA, transports=["socks5-direct"])
    assert all(c.type == "direct" for c in session.theirs)
    assert session.transport.get("dstaddr") == session.of_theirs


@pytest.mark.parametrize("role", ["offer", "answer"])
def test_cand_attrs(alice, bob, source, role):
    session = alice.offer(bob, source)[1] if role == "offer" else alice.send_to(bob, DATA)[1]
    found = list(session.transport.iter(q(S5B, "candidate")))
    assert 2 <= len(found) <= 6
    for candidate in found:
        assert set(candidate.keys()) == {"cid", "host", "jid", "port", "priority", "type"}
        assert candidate.get("type") in ("direct", "proxy")
        assert int(candidate.get("priority")) > 0
        assert 0 < int(candidate.get("port")) < 65536
        assert not set("[]%") & set(candidate.get("host"))
    for unique in ("cid", "priority"):
        assert len({candidate.get(unique) for candidate in found}) == len(found)
    assert session.transport.get("mode") in (("tcp", None) if role == "offer" else (None,))


# --- what is read ---

@pytest.mark.parametrize("lacks", ["jid", "port", "type", "priority"])
def test_cand_lenient(alice, bob, hosts, lacks):
    # 1080 is what a missing port means.
    host = hosts(Streamhost(host="127.0.0.77", port=1080 if lacks == "port" else 0))
    candidate = Candidate(host.host, host.port, jid=bob.jid)
    setattr(candidate, lacks, None)
    session = Session(bob, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(candidate))
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified() == ("candidate-used", candidate.cid)
    deliver(host.socket(), transfer, session)


@pytest.mark.parametrize("bad", [
    {"port": 99999}, {"port": 0}, {"port": "x"}, {"host": ""}, {"host": None}, {"cid": None}, {"priority": "-1"},
    {"priority": 5_000_000_000}, {"type": "carrier-pigeon"}, {"host": "fe80::1%eth0"}, {"host": "224.0.0.1"},
], ids=lambda bad: "-".join(f"{key}={value}" for key, value in bad.items()))
def test_cand_onebad(alice, bob, hosts, bad):
    host = hosts(Streamhost())
    good = Candidate(host.host, host.port, jid=bob.jid)
    broken = Candidate("127.0.0.1", dead_port(), jid=bob.jid)
    for key, value in bad.items():
        setattr(broken, key, value)
    session = Session(bob, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(broken, good))
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified() == ("candidate-used", good.cid)
    deliver(host.socket(), transfer, session)


# --- the bytes of SOCKS5 ---

def test_socks_echo(alice, bob):
    """Dino compares every byte."""
    transfer, session = alice.send_to(bob, DATA)
    candidate = session.directs()[0]
    sock = connect(candidate.host, candidate.port)
    sock.sendall(GREETING)
    assert read(sock, 2) == GREETED
    sock.sendall(request(session.of_theirs))
    expected = b"\x05\x00\x00" + address(session.of_theirs)
    assert read(sock, len(expected)) == expected
    assert session.notify("candidate-used", candidate.cid) == OK
    deliver(sock, transfer, session)


def test_socks_bytewise(alice, bob):
    transfer, session = alice.send_to(bob, DATA)
    candidate = session.directs()[0]
    sock, reply = dial(candidate.host, candidate.port, session.of_theirs, pause=0.03)
    assert reply == granted(session.of_theirs)
    assert session.notify("candidate-used", candidate.cid) == OK
    deliver(sock, transfer, session)


@pytest.mark.parametrize("first", [
    b"\x04\x01\x00", b"GET / HTTP/1.0\r\n\r\n", b"\x05\x01\x02", b"\x05\x00", b"\x16\x03\x01\x02\x00\x01\x00"],
    ids=["SOCKS4", "HTTP", "password", "no method", "TLS"])
def test_socks_refused(alice, bob, first):
    """What is no greeting of ours ends that connection and nothing else."""
    transfer, session = alice.send_to(bob, DATA)
    candidate = session.directs()[0]
    sock = connect(candidate.host, candidate.port)
    sock.sendall(first)
    sock.settimeout(3)
    try:
        reply = read(sock, 100)
    except ConnectionError:
        reply = b""
    assert reply in (b"", b"\x05\xff")
    deliver(session.use_theirs(), transfer, session)


def test_socks_trailing(alice, bob, hosts):
    """The first bytes of the file are in the segment of the grant."""
    host = hosts(Streamhost(trailing=DATA[:1000]))
    candidate = Candidate(host.host, host.port, jid=bob.jid)
    session = Session(bob, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(candidate))
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified() == ("candidate-used", candidate.cid)
    sock = host.socket()
    sock.sendall(DATA[1000:])
    session.expect_end()
    with open(transfer.end(20)["LocalPath"], "rb") as received:
        assert received.read() == DATA


def test_socks_shortfail(alice, bob, source, hosts):
    proxy = hosts(Streamhost("short"))
    _, session = alice.offer(bob, source)
    accept_with(session, Candidate(proxy.host, proxy.port, jid="proxy.example", type="proxy",
                                   priority=PROXY_PRIORITY))
    # It does not wait for the rest, nor for a timer of 5 s or more.
    assert session.notified(timeout=4)[0] == "candidate-error"
    assert is_closed(proxy.connections[0], 2)


def test_proxy_strict(alice, bob, source, hosts):
    """Prosody reads 3 and then 47 bytes, each at once."""
    proxy = hosts(Streamhost())
    _, session = alice.offer(bob, source)
    accept_with(session, Candidate(proxy.host, proxy.port, jid="proxy.example", type="proxy",
                                   priority=PROXY_PRIORITY))
    assert session.notified()[0] == "candidate-used"
    assert proxy.reads == [[3, 47]]

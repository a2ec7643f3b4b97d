# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who nominates what, and when (XEP-0260 §2.3, §2.4)."""

import time

import pytest

from raw.fixtures import *  # noqa: F403
from raw.flows import AT_ONCE, DATA, accept_with, deliver, fall_back_and_fetch, fetch, replace_and_deliver
from raw.jingle import Candidate, Session, file
from raw.proxy import Shared
from raw.socks import Streamhost, dead_port, is_closed, reset
from raw.xml import EOC, FEATURES, OK, element, q

HIGH, LOW = 9_000_000, 1000
DONE = element("candidates-done", xmlns=EOC)
FOLLOW = element("candidates-follow", xmlns=EOC)


def dead(peer):
    return Candidate("127.0.0.1", dead_port(), jid=peer.jid)


class Contest:
    """Both sides reach a candidate of the other; the daemon in this role."""

    def __init__(self, alice, bob, host, source, initiates, priority=None):
        self.initiates = initiates
        if initiates:
            self.transfer, self.session = alice.offer(bob, source)
        else:
            self.transfer, self.session = alice.send_to(bob, DATA)
        self.theirs = next(c for c in self.session.directs() if ":" not in c.host)
        self.ours = Candidate(host.host, host.port, jid=bob.jid, priority=priority or self.theirs.priority)
        if initiates:
            assert self.session.accept(self.session.s5b(self.ours)) == OK
        else:
            assert self.session.info(self.ours) == OK
        assert self.session.notified() == ("candidate-used", self.ours.cid)
        self.chosen_by_daemon = host.socket()
        self.chosen_by_us = self.session.reach(self.theirs)
        assert self.session.notify("candidate-used", self.theirs.cid) == OK

    def won_by(self, winner, loser):
        """The file goes over `winner`; `loser` stays open to the end, or Gajim fails."""
        assert not is_closed(loser, 0.1)
        (fetch if self.initiates else deliver)(winner, self.transfer, self.session)
        assert is_closed(loser)


@pytest.fixture
def host(hosts):
    return hosts(Streamhost())


ROLES = pytest.mark.parametrize("initiates", [True, False], ids=["initiator", "responder"])


def test_nominate_one_of_ours(alice, bob, host, source):
    transfer, session = alice.offer(bob, source)
    candidate = Candidate(host.host, host.port, jid=bob.jid)
    accept_with(session, candidate)
    assert session.notified() == ("candidate-used", candidate.cid)
    fetch(host.socket(), transfer, session)


def test_nominate_one_of_theirs(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b(dead(bob))) == OK
    sock = session.use_theirs()
    assert session.notified()[0] == "candidate-error"
    fetch(sock, transfer, session)


@ROLES
def test_nominate_prio_of_ours(alice, bob, host, source, initiates):
    contest = Contest(alice, bob, host, source, initiates, HIGH)
    contest.won_by(contest.chosen_by_daemon, contest.chosen_by_us)


@ROLES
def test_nominate_prio_of_theirs(alice, bob, host, source, initiates):
    contest = Contest(alice, bob, host, source, initiates, LOW)
    contest.won_by(contest.chosen_by_us, contest.chosen_by_daemon)


def test_tie_initiator(alice, bob, host, source):
    contest = Contest(alice, bob, host, source, initiates=True)
    contest.won_by(contest.chosen_by_daemon, contest.chosen_by_us)


def test_tie_responder(alice, bob, host, source):
    contest = Contest(alice, bob, host, source, initiates=False)
    contest.won_by(contest.chosen_by_us, contest.chosen_by_daemon)


def test_both_error_init(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    accept_with(session, dead(bob))
    assert session.notified()[0] == "candidate-error"
    fall_back_and_fetch(transfer, session, timeout=AT_ONCE)


def test_both_error_resp(alice, bob):
    session = Session(bob, alice.jid)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(dead(bob)))
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified()[0] == "candidate-error"
    session.quiet("transport-replace", 0.5)
    replace_and_deliver(transfer, session)


def test_hold(alice, bob, server, source):
    """Like Psi: a direct candidate without jid, and the proxy two seconds later."""
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b(Candidate("127.0.0.1", dead_port(), type=None))) == OK
    bob.quiet(session.notification(), 2)
    proxy = Shared(server, session)
    assert session.info(proxy.candidate) == OK
    assert session.notified() == ("candidate-used", proxy.candidate.cid)
    assert session.notify("candidate-error") == OK
    fetch(proxy.open(), transfer, session, transport="socks5-proxy")


def test_hold_end(alice, bob, source):
    _, session = alice.offer(bob, source)
    assert session.accept(session.s5b(dead(bob))) == OK
    bob.quiet(session.notification(), 0.7)
    assert session.notify("candidate-error") == OK
    assert session.notified(timeout=AT_ONCE)[0] == "candidate-error"


def marks(transport):
    return [child.tag for child in transport if child.tag.startswith(q(EOC, ""))]


def test_eoc(alice, make_peer, source):
    """The mark is as good as the peer's own error."""
    bob = make_peer(features=(*FEATURES, EOC))
    transfer, session = alice.offer(bob, source)
    assert marks(session.transport) == [q(EOC, "candidates-done")]
    assert session.accept(session.s5b(dead(bob), DONE)) == OK
    assert session.notified(timeout=AT_ONCE)[0] == "candidate-error"
    assert session.notify("candidate-error") == OK
    fall_back_and_fetch(transfer, session)


def test_eoc_follow(alice, make_peer, source):
    bob = make_peer(features=(*FEATURES, EOC))
    _, session = alice.offer(bob, source)
    assert session.accept(session.s5b(dead(bob), FOLLOW)) == OK
    bob.quiet(session.notification(), 0.7)
    assert session.info(DONE) == OK
    assert session.notified(timeout=AT_ONCE)[0] == "candidate-error"


def test_eoc_responder(alice, bob):
    """The offer alone says so, whatever the capabilities."""
    session = Session(bob, alice.jid)
    alice.is_offered(session, file(size=len(DATA)), session.s5b(dead(bob), DONE))
    session.accepted()
    assert marks(session.transport) == [q(EOC, "candidates-done")]
    assert session.notified(timeout=AT_ONCE)[0] == "candidate-error"


def test_eoc_off(alice, bob, source):
    """To others no mark is sent."""
    assert marks(alice.offer(bob, source)[1].transport) == []
    assert marks(alice.send_to(bob, DATA)[1].transport) == []


def test_trickle_in_old(alice, bob, host):
    transfer, session = alice.send_to(bob, DATA)
    sock = session.use_theirs()
    assert session.notified()[0] == "candidate-error"
    sock.sendall(DATA[:1000])
    assert session.info(Candidate(host.host, host.port, jid=bob.jid)) == OK
    sock.sendall(DATA[1000:])
    session.expect_end()
    assert transfer.end(20)["State"] == "done"
    assert host.connections == []


def test_trickle_before_accept(alice, bob, host):
    session = Session(bob, alice.jid)
    assert session.initiate(file(size=len(DATA)), session.s5b()) == OK
    candidate = Candidate(host.host, host.port, jid=bob.jid)
    assert session.info(candidate) == OK
    transfer = alice.wait_for_offer(bob)
    assert host.connections == []
    transfer.accept("")
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified() == ("candidate-used", candidate.cid)
    deliver(host.socket(), transfer, session)


def test_notified_before_accept(alice, bob, host):
    """The peer's error overtakes the user's answer."""
    session = Session(bob, alice.jid)
    candidate = Candidate(host.host, host.port, jid=bob.jid)
    assert session.initiate(file(size=len(DATA)), session.s5b(candidate)) == OK
    assert session.notify("candidate-error") == OK
    transfer = alice.wait_for_offer(bob)
    transfer.accept("")
    session.accepted()
    assert session.notified() == ("candidate-used", candidate.cid)
    deliver(host.socket(), transfer, session)


def test_used_unknown(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    assert "item-not-found" in session.notify("candidate-used", "nobody's")
    fetch(session.use_theirs(), transfer, session)


def test_used_before_socket(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b(dead(bob))) == OK
    candidate = session.directs()[0]
    assert session.notify("candidate-used", candidate.cid) == OK
    time.sleep(0.5)
    fetch(session.reach(candidate), transfer, session)


def test_used_other_listener(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    reached, named = session.directs()[:2]
    sock = session.reach(reached)
    assert session.notify("candidate-used", named.cid) == OK
    fetch(sock, transfer, session)


def test_used_newest(alice, bob, source):
    """Two sockets to one candidate: the newest counts."""
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    candidate = session.directs()[0]
    session.reach(candidate)
    sock = session.reach(candidate)
    assert session.notify("candidate-used", candidate.cid) == OK
    fetch(sock, transfer, session)


def test_used_twice(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    sock = session.use_theirs()
    assert session.notify("candidate-used", session.directs()[0].cid) == OK
    assert session.notify("candidate-error") == OK
    fetch(sock, transfer, session)


def test_drop_early_responder(alice, bob):
    transfer, session = alice.send_to(bob, DATA)
    sock = session.use_theirs()
    transfer.wait_for("State", "active")
    sock.close()
    session.quiet("session-terminate", 0.5)
    replace_and_deliver(transfer, session)


def test_drop_early_initiator(alice, bob, source):
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b(dead(bob))) == OK
    candidate = session.directs()[0]
    reset(session.reach(candidate))
    assert session.notify("candidate-used", candidate.cid) == OK
    fall_back_and_fetch(transfer, session)


def test_dup_hostport(alice, bob, server):
    session = Session(bob, alice.jid)
    shared = Shared(server, session)
    alice.is_offered(session, file(size=len(DATA)), session.s5b(shared.candidate))
    session.accepted()
    assert session.theirs
    assert (server.address, server.proxy_port) not in [(c.host, c.port) for c in session.theirs]


@pytest.mark.parametrize("address", ["224.0.0.1", "0.0.0.0", "255.255.255.255", "169.254.1.1", "fe80::1", "::",
                                     "::ffff:0.0.0.1", "ff02::1"])
def test_ssrf(alice, bob, source, address):
    """Refused without a packet: the error comes at once."""
    _, session = alice.offer(bob, source)
    accept_with(session, Candidate(address, 80, jid=bob.jid))
    assert session.notified(timeout=AT_ONCE)[0] == "candidate-error"


def test_ssrf_own_listener(alice, bob):
    """The daemon does not talk to itself."""
    session = Session(bob, alice.jid)
    alice.is_offered(session, file(size=len(DATA)), session.s5b())
    session.accepted()
    own = session.directs()[0]
    assert session.info(Candidate(own.host, own.port, jid=bob.jid)) == OK
    assert session.notify("candidate-error") == OK
    assert session.notified(timeout=5)[0] == "candidate-error"

# SPDX-License-Identifier: LGPL-2.1-or-later
"""SOCKS5 proxies (XEP-0065, XEP-0260 §2.4): who activates which, and what
happens if that fails."""

import contextlib
import itertools
import socket

import pytest

from raw.fixtures import *  # noqa: F403
from raw.flows import DATA, check, deliver, fall_back_and_fetch, fetch, replace_and_deliver
from raw.jingle import Candidate, Session, file
from raw.peer import HOLD
from raw.proxy import Proxy, Shared
from raw.socks import Streamhost, dead_port, dial, granted, is_closed, read
from raw.xml import BYTESTREAMS, EOC, FEATURES, OK, failure, q

NUMBERS = itertools.count(1)


@pytest.fixture
def proxied(server, start_alice):
    """proxied(**arguments of Proxy): (daemon that was told of this proxy, proxy)."""
    with contextlib.ExitStack() as stack:
        def make(**kwargs):
            proxy = stack.enter_context(contextlib.closing(Proxy(server, "carol", f"node{next(NUMBERS)}", **kwargs)))
            alice = start_alice(proxy_jids=[proxy.jid])
            stack.callback(alice.daemon.account("alice").call, "Disconnect")
            return alice, proxy
        yield make


def proxies_of(session):
    return [candidate for candidate in session.theirs if candidate.type == "proxy"]


def use_proxy(session, candidate):
    """The peer's way to a proxy of the daemon: its socket."""
    sock, reply = dial(candidate.host, candidate.port, session.of_theirs)
    assert reply == granted(session.of_theirs)
    assert session.notify("candidate-used", candidate.cid) == OK
    return sock


def test_own_proxy(proxied, bob, source):
    """Activated at the JID of the streamhost with its resource, then announced, then used."""
    alice, proxy = proxied()
    transfer, session = alice.offer(bob, source, transports=["socks5-proxy"])
    candidate = next(c for c in proxies_of(session) if c.jid == proxy.jid)
    assert session.accept(session.s5b()) == OK
    sock = use_proxy(session, candidate)
    assert session.notified(kind="activated") == ("activated", candidate.cid)
    assert proxy.activations == [(proxy.jid, session.stream, bob.jid)]
    assert proxy.listener.requests == [session.of_theirs] * 2
    fetch(sock, transfer, session, transport="socks5-proxy")


def test_own_proxy_responder(proxied, bob):
    alice, proxy = proxied()
    transfer, session = alice.send_to(bob, DATA)
    candidate = next(c for c in proxies_of(session) if c.jid == proxy.jid)
    sock = use_proxy(session, candidate)
    assert session.notified(kind="activated") == ("activated", candidate.cid)
    assert proxy.activations == [(proxy.jid, session.stream, bob.jid)]
    deliver(sock, transfer, session, transport="socks5-proxy")


@pytest.mark.parametrize("condition, kind", [
    ("item-not-found", "cancel"), ("forbidden", "auth"), ("resource-constraint", "wait")])
def test_activate_fail(proxied, bob, source, condition, kind):
    alice, proxy = proxied()
    proxy.verdict = failure(condition, kind)
    transfer, session = alice.offer(bob, source)
    candidate = next(c for c in proxies_of(session) if c.jid == proxy.jid)
    assert session.accept(session.s5b()) == OK
    use_proxy(session, candidate)
    assert session.notified(kind="proxy-error") == ("proxy-error", candidate.cid)
    fall_back_and_fetch(transfer, session)


def test_activate_fail_connect(proxied, bob, source):
    """The peer reached our proxy, we do not."""
    alice, proxy = proxied()
    transfer, session = alice.offer(bob, source)
    candidate = next(c for c in proxies_of(session) if c.jid == proxy.jid)
    assert session.accept(session.s5b()) == OK
    proxy.listener.rule = "short"
    assert session.notify("candidate-used", candidate.cid) == OK
    assert session.notified(kind="proxy-error") == ("proxy-error", candidate.cid)
    assert len(proxy.listener.connections) == 1
    fall_back_and_fetch(transfer, session)


def test_activate_fail_responder(proxied, bob):
    """As responder it waits for the peer's proposal."""
    alice, proxy = proxied()
    proxy.verdict = failure("item-not-found")
    transfer, session = alice.send_to(bob, DATA)
    candidate = next(c for c in proxies_of(session) if c.jid == proxy.jid)
    use_proxy(session, candidate)
    assert session.notified(kind="proxy-error") == ("proxy-error", candidate.cid)
    session.quiet("transport-replace", 0.5)
    replace_and_deliver(transfer, session)


def waits_for_activation(alice, bob, server, source):
    """The daemon, as initiator, is connected to the peer's proxy: (transfer, session, proxy)."""
    transfer, session = alice.offer(bob, source)
    proxy = Shared(server, session)
    assert session.accept(session.s5b(proxy.candidate)) == OK
    assert session.notified() == ("candidate-used", proxy.candidate.cid)
    assert session.notify("candidate-error") == OK
    return transfer, session, proxy


def test_peer_proxy(alice, bob, server, source):
    transfer, session, proxy = waits_for_activation(alice, bob, server, source)
    sock = proxy.connect()
    assert proxy.activate() == OK
    # Not a byte before it is told.
    sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert session.notify("activated", proxy.candidate.cid) == OK
    fetch(sock, transfer, session, transport="socks5-proxy")


def test_half_close(alice, bob, server, source):
    """Prosody keeps the last bytes until the sender has closed its half."""
    transfer, session, proxy = waits_for_activation(alice, bob, server, source)
    sock = proxy.open()
    sock.settimeout(10)
    assert read(sock, len(DATA)) == DATA
    assert is_closed(sock, 5)
    assert transfer["State"] == "active"
    assert session.terminate("success") == OK
    check(transfer.end(10), DATA, "socks5-proxy")


def test_peer_proxy_error_init(alice, bob, server, source):
    transfer, session, proxy = waits_for_activation(alice, bob, server, source)
    assert session.notify("proxy-error", proxy.candidate.cid) == OK
    fall_back_and_fetch(transfer, session)


def test_peer_proxy_error_nocid(alice, bob, server, source):
    """As Dino writes it."""
    transfer, session, _ = waits_for_activation(alice, bob, server, source)
    assert session.notify("proxy-error") == OK
    fall_back_and_fetch(transfer, session)


def test_peer_proxy_error_resp(alice, bob, server):
    session = Session(bob, alice.jid)
    proxy = Shared(server, session)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(proxy.candidate))
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified() == ("candidate-used", proxy.candidate.cid)
    assert session.notify("proxy-error", proxy.candidate.cid) == OK
    session.quiet("transport-replace", 0.5)
    replace_and_deliver(transfer, session)


def test_peer_proxy_error_late(alice, bob, server):
    """After the stream is up it means nothing."""
    session = Session(bob, alice.jid)
    proxy = Shared(server, session)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(proxy.candidate))
    session.accepted()
    assert session.notify("candidate-error") == OK
    assert session.notified()[0] == "candidate-used"
    sock = proxy.open()
    assert session.notify("proxy-error", proxy.candidate.cid) == OK
    sock.sendall(DATA)
    sock.shutdown(socket.SHUT_WR)  # or Prosody keeps the end
    session.expect_end()
    assert transfer.end(20)["State"] == "done"


def test_silent_relay(alice, bob, server):
    """Conversations: its proxy alone, no notification, then activated."""
    session = Session(bob, alice.jid)
    proxy = Shared(server, session)
    transfer = alice.is_offered(session, file(size=len(DATA)), session.s5b(proxy.candidate))
    session.accepted()
    assert session.notified() == ("candidate-used", proxy.candidate.cid)
    sock = proxy.open()
    sock.sendall(DATA)
    sock.shutdown(socket.SHUT_WR)
    session.expect_end()
    end = transfer.end(20)
    assert (end["State"], end["Transport"]) == ("done", "socks5-proxy")


def test_proxy_activated_unknown(alice, bob, server, source):
    """activated for what the daemon is not connected to moves nothing."""
    transfer, session, proxy = waits_for_activation(alice, bob, server, source)
    session.notify("activated", "nobody's")
    sock = proxy.connect()
    assert proxy.activate() == OK
    sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert session.notify("activated", proxy.candidate.cid) == OK
    fetch(sock, transfer, session, transport="socks5-proxy")


def test_proxy_acl(server, start_alice, make_peer, source):
    """The first proxy forbids it, the second has two streamhosts."""
    bob = make_peer("bob")
    with (contextlib.closing(Proxy(server, "carol", "closed", query=failure("forbidden", "auth"))) as closed,
          contextlib.closing(Proxy(server, "carol", "two", hosts=[
              (None, "127.0.0.1", 7001), (None, "127.0.0.2", 7002)])) as two):
        alice = start_alice(proxy_jids=[closed.jid, two.jid])
        _, session = alice.offer(bob, source)
        found = [(c.jid, c.host, c.port) for c in proxies_of(session)]
        assert (two.jid, "127.0.0.1", 7001) in found
        assert (two.jid, "127.0.0.2", 7002) in found
        assert all(jid != closed.jid for jid, _, _ in found)
        alice.daemon.account("alice").call("Disconnect")


@pytest.mark.parametrize("role", ["initiator", "responder"])
def test_relay_only(alice, bob, hosts, source, role):
    """No direct candidate is told, none is dialed."""
    host = hosts(Streamhost())
    ours = Candidate(host.host, host.port, jid=bob.jid)
    policy = ["socks5-proxy", "ibb"]
    if role == "initiator":
        _, session = alice.offer(bob, source, transports=policy)
        assert session.accept(session.s5b(ours)) == OK
    else:
        session = Session(bob, alice.jid)
        alice.is_offered(session, file(size=len(DATA)), session.s5b(ours), transports=policy)
        session.accepted()
    assert session.notify("candidate-error") == OK
    assert {c.type for c in session.theirs} == {"proxy"}
    assert session.notified()[0] == "candidate-error"
    assert host.connections == []


@pytest.mark.parametrize("knows", [False, True], ids=["unknown client", "eoc"])
def test_no_trickle_out(server, start_alice, make_peer, source, knows):
    """A proxy that is found after the offer is told only to who can understand that."""
    bob = make_peer("bob", features=(*FEATURES, EOC) if knows else FEATURES)
    held = []

    def hold(stanza):
        if stanza.find(q(BYTESTREAMS, "query")) is None:
            return None
        held.append(stanza)
        return HOLD

    with contextlib.closing(Proxy(server, "carol", f"slow{knows}")) as slow:
        slow.rules.insert(0, hold)
        alice = start_alice(proxy_jids=[slow.jid])
        _, session = alice.offer(bob, source)
        assert all(c.jid != slow.jid for c in proxies_of(session))
        assert session.accept(session.s5b(Candidate("127.0.0.1", dead_port(), jid=bob.jid))) == OK
        slow.answer(held[0], slow.streamhosts())
        if knows:
            assert session.trickled().jid == slow.jid
        else:
            session.quiet("transport-info", 1)
        alice.daemon.account("alice").call("Disconnect")

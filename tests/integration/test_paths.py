# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which way the bytes take: asked for, or forced by the network."""

import pytest

from fardel.files import make_file, sha256
from fardel.prosody import Prosody
from fardel.scenario import BOB, eventually, exchange, start

USERS = ("alice", "bob")


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_proxy_on_request(alice, bob, work, size):
    source = make_file(work / "file", size)
    _, received = exchange(alice, bob, source, transports=["socks5-proxy"])
    assert received["Transport"] == "socks5-proxy"
    assert sha256(received["LocalPath"]) == sha256(source)
    assert received["Verified"] == "ok"


@pytest.mark.parametrize("size", [0, 1, 4096, 300_001])
def test_ibb_on_request(alice, bob, work, size):
    source = make_file(work / "file", size)
    _, received = exchange(alice, bob, source, transports=["ibb"])
    assert received["Transport"] == "ibb"
    assert sha256(received["LocalPath"]) == sha256(source)
    assert received["Verified"] == "ok"


@pytest.mark.parametrize("transport", ["socks5-direct", "socks5-proxy", "ibb"])
def test_receiver_chooses(alice, bob, work, transport):
    source = make_file(work / "file", 100_000)
    _, received = exchange(alice, bob, source, accept={"transports": [transport]})
    assert received["Transport"] == transport
    assert sha256(received["LocalPath"]) == sha256(source)


def test_nothing_in_common(alice, bob, work):
    sent, received = start(alice, bob, make_file(work / "file", 1000), transports=["socks5-direct"],
                           accept={"transports": ["socks5-proxy"]})
    for transfer in (sent, received):
        end = transfer.end()
        assert (end["State"], end["Error"].rpartition(".")[2]) == ("failed", "NoTransport")


def test_two_by_ibb(alice, bob, work):
    sources = [make_file(work / f"file{number}", 200_000) for number in range(2)]
    pairs = [start(alice, bob, source, transports=["ibb"]) for source in sources]
    for source, (sent, received) in zip(sources, pairs):
        assert sent.end()["State"] == received.end()["State"] == "done"
        assert sha256(bob.downloads / source.name) == sha256(source)


def test_ibb_through_a_slow_server(make_prosody, make_daemon, work):
    """Prosody's limit as it is shipped: 10 kB/s."""
    prosody = make_prosody(rate="10kb/s")
    alice, bob = make_daemon("alice"), make_daemon("bob")
    alice.add_account("alice", prosody)
    bob.add_account("bob", prosody)
    source = make_file(work / "file", 100_000)
    _, received = exchange(alice, bob, source, transports=["ibb"])
    assert sha256(received["LocalPath"]) == sha256(source)


@pytest.fixture
def world(make_network, make_prosody, make_daemon):
    """Alice and bob on hosts of their own: world(Network's arguments, proxy=…)."""
    def make(proxy=True, **kwargs):
        network = make_network(users=USERS, **kwargs)
        prosody = make_prosody(addresses=network.server_addresses, netns=network.server, proxy=proxy)
        daemons = []
        for user in USERS:
            namespace, server = network.users[user]
            daemons.append(make_daemon(user, netns=namespace))
            daemons[-1].add_account(user, prosody, server=server, allow_loopback=False)
        return daemons
    return make


def check(alice, bob, work, size, transport):
    source = make_file(work / "file", size)
    _, received = exchange(alice, bob, source)
    assert received["Transport"] == transport
    assert sha256(received["LocalPath"]) == sha256(source)


@pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
def test_direct_in_one_network(world, work, family):
    check(*world(routed=False, family=family), work, 3_000_000, "socks5-direct")


@pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
def test_proxy_between_networks(world, work, family):
    check(*world(family=family), work, 3_000_000, "socks5-proxy")


def test_ibb_when_nothing_else_is_left(world, work):
    check(*world(proxy=False), work, 200_000, "ibb")


def test_unreachable_and_nothing_else_allowed(world, work):
    alice, bob = world(proxy=False)
    sent, received = start(alice, bob, make_file(work / "file", 1000), transports=["socks5-direct"])
    for transfer in (sent, received):
        end = transfer.end()
        assert (end["State"], end["Error"].rpartition(".")[2]) == ("failed", "NoTransport")


def test_what_a_peer_can_do(alice, bob):
    eventually(lambda: alice.manager.query_peer(BOB)["online"])
    info = alice.manager.query_peer(BOB)
    assert info["online"] and info["can-receive"]
    assert info["jid"] == BOB
    assert info["resource"] == bob.account("bob")["FullJid"].partition("/")[2]
    assert set(info["transports"]) == {"socks5-direct", "socks5-proxy", "ibb"}
    assert "client" in info
    info = alice.manager.query_peer(Prosody.jid("nobody"))
    assert not info["online"] and not info["can-receive"]

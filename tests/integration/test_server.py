# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XMPP server goes away and comes back."""

import hashlib

import pytest
from gi.repository import GLib

from fardel.files import make_file, sha256
from fardel.scenario import BOB, exchange, finish, hold, start

RECONNECT_S = 120
LOGINS = 30


@pytest.fixture
def server(make_prosody):
    return make_prosody()


@pytest.fixture
def pair(server, make_daemon):
    daemons = make_daemon("alice"), make_daemon("bob")
    for daemon in daemons:
        daemon.add_account(daemon.name, server)
    return daemons


def wait_for_status(pair, *status):
    for daemon in pair:
        daemon.account(daemon.name).wait_for("Status", *status, timeout=RECONNECT_S)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_reconnects(server, pair, work, how):
    alice, bob = pair
    jids = [daemon.account(daemon.name)["FullJid"] for daemon in pair]
    getattr(server, how)()
    wait_for_status(pair, "waiting", "connecting")
    for daemon in pair:
        account = daemon.account(daemon.name)
        assert account["FullJid"] == ""
        assert account["Error"].rpartition(".")[2] == "ConnectionFailed"
        assert account["ErrorMessage"]
        assert account["Tls"] == {}
    server.start()
    wait_for_status(pair, "online")
    assert [daemon.account(daemon.name)["FullJid"] for daemon in pair] == jids
    assert alice.account("alice")["Error"] == ""
    exchange(alice, bob, make_file(work / "after", 1000))


def test_direct_transfer_goes_on(server, pair, work):
    alice, bob = pair
    source = make_file(work / "file.bin", 20_000_000)
    sent, received, held = hold(alice, bob, source, transports=["socks5-direct"])
    server.kill()
    wait_for_status(pair, "waiting", "connecting")
    assert (sent["State"], received["State"]) == ("active", "active")
    assert hashlib.sha256(held.release()).hexdigest() == sha256(source)
    server.start()
    wait_for_status(pair, "online")
    finish(sent, received)


def test_ibb_transfer_waits(server, pair, work):
    alice, bob = pair
    source = make_file(work / "file.bin", 1_000_000)
    sent, received, held = hold(alice, bob, source, transports=["ibb"])
    server.kill()
    for transfer in (sent, received):
        transfer.wait_for("State", "interrupted")
        assert transfer["Error"].rpartition(".")[2] in ("NotConnected", "ConnectionFailed")
    server.start()
    assert hashlib.sha256(held.release()).hexdigest() == sha256(source)
    finish(sent, received)


def test_ten_restarts(server, pair, work):
    """Files on each way at once: all arrive, and nobody has to do anything for them."""
    alice, bob = pair
    sizes = {"direct": 4_000_000, "direct-2": 3_000_000, "proxy": 4_000_000, "proxy-2": 1, "ibb": 400_000}
    transfers = []
    for name, size in sizes.items():
        way = name.partition("-")[0]
        source = make_file(work / name, size)
        transfers.append((source, *start(alice, bob, source, transports=["ibb" if way == "ibb" else f"socks5-{way}"],
                                         rate_limit=GLib.Variant("t", max(size // 10, 1024)))))
    for _ in range(10):
        server.kill()
        wait_for_status(pair, "waiting", "connecting")
        server.start()
        for daemon in pair:  # they would come by themselves, after a pause that grows
            daemon.account(daemon.name).call("Connect")
        wait_for_status(pair, "online")
    for source, sent, received in transfers:
        assert sha256(finish(sent, received)[1]["LocalPath"]) == sha256(source)
    assert sorted(path.name for path in bob.downloads.iterdir()) == sorted(sizes)


def test_unanswered_offer_survives(server, pair, work):
    alice, bob = pair
    source = make_file(work / "file.bin", 1000)
    sent = alice.manager.offer(BOB, source)
    old = bob.client.wait_for_offer()
    server.kill()
    wait_for_status(pair, "waiting", "connecting")
    server.start()
    wait_for_status(pair, "online")
    offer = bob.client.wait_for_offer()
    offer.accept("")
    finish(sent, offer)
    if old.path != offer.path:
        assert old["State"] in ("failed", "cancelled")


def test_offer_without_an_online_account(server, pair, work):
    alice, bob = pair
    alice.account("alice").call("Disconnect")
    alice.account("alice").wait_for("Status", "offline")
    sent = alice.manager.offer(BOB, make_file(work / "file", 10), account="alice")
    assert sent["State"] == "queued"
    alice.account("alice").call("Connect")
    offer = bob.client.wait_for_offer()
    offer.accept("")
    finish(sent, offer)


def test_every_login_gets_through(server, make_daemon):
    """Three at a time on one loop, so that stanzas come at every moment of each other's logins."""
    daemon = make_daemon("fardeld")
    accounts = [daemon.add_account("alice", server, name=name) for name in ("first", "second", "third")]
    for _ in range(LOGINS):
        for account in accounts:
            account.call("Disconnect")
        for account in accounts:
            account.wait_for("Status", "offline")
            account.call("Connect")
        for account in accounts:
            account.wait_for("Status", "online", timeout=20)

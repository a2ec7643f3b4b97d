# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast it may go: of all transfers together, of one, and what changes on the way."""

import pytest
from gi.repository import GLib

from fardel.client import BusError
from fardel.files import make_file, sha256
from fardel.scenario import ALICE, BOB, eventually, finish, start

SIZE = 3 << 20
FAST = 1 << 30


def limit(rate):
    return GLib.Variant("t", rate)


def is_under_way(transfer):
    return 0 < transfer["Transferred"] < SIZE


@pytest.mark.parametrize("side", ["offer", "accept"])
def test_of_one_transfer(alice, bob, work, side):
    source = make_file(work / "file", SIZE)
    options = {"rate_limit": limit(4096)}
    sent, received = start(alice, bob, source, **(options if side == "offer" else {"accept": options}))
    slow = sent if side == "offer" else received
    assert slow["RateLimit"] == 4096
    eventually(lambda: is_under_way(received))
    slow["RateLimit"] = limit(FAST)
    finish(sent, received)
    slow.client.wait(lambda: slow.changes("RateLimit")[-1:] == [FAST], 10)
    assert sha256(received["LocalPath"]) == sha256(source)


@pytest.mark.parametrize("direction", ["UploadLimit", "DownloadLimit"])
def test_of_the_daemon(alice, bob, work, direction):
    """Shared by two, and it holds back only its own direction."""
    daemon, other = (alice, bob) if direction == "UploadLimit" else (bob, alice)
    daemon.manager[direction] = limit(8192)
    daemon.client.wait(lambda: daemon.manager.changes(direction) == [8192], 10)
    slow = [start(alice, bob, make_file(work / f"slow{number}", SIZE)) for number in range(2)]
    for _, received in slow:
        eventually(lambda transfer=received: is_under_way(transfer))
    finish(*reverse(alice, bob, make_file(work / "fast", SIZE)))
    assert all(is_under_way(received) for _, received in slow)
    daemon.manager[direction] = limit(0)
    for sent, received in slow:
        finish(sent, received)
    assert other.manager.changes(direction) == []


def reverse(alice, bob, source):
    """From bob to alice."""
    sent = bob.manager.offer(ALICE, source)
    received = alice.client.wait_for_offer()
    received.accept("")
    return sent, received


def test_in_band(alice, bob, work):
    source = make_file(work / "file", 300_000)
    sent, received = start(alice, bob, source, transports=["ibb"], rate_limit=limit(4096))
    eventually(lambda: 0 < received["Transferred"] < 300_000)
    sent["RateLimit"] = limit(0)
    finish(sent, received)
    assert sha256(received["LocalPath"]) == sha256(source)


@pytest.mark.parametrize("rate", [1, 1023])
def test_too_low(alice, bob, work, rate):
    source = make_file(work / "file", 1000)
    with pytest.raises(BusError) as error:
        alice.manager.offer(BOB, source, rate_limit=limit(rate))
    assert error.value.name == "InvalidOption"
    sent = alice.manager.offer(BOB, source)
    received = bob.client.wait_for_offer()
    with pytest.raises(BusError) as error:
        received.accept("", rate_limit=limit(rate))
    assert error.value.name == "InvalidOption"
    for target, name in ((sent, "RateLimit"), (alice.manager, "UploadLimit"), (alice.manager, "DownloadLimit")):
        with pytest.raises(BusError) as error:
            target[name] = limit(rate)
        assert error.value.name == "InvalidOption"
        assert target[name] == 0
    received.accept("")
    finish(sent, received)
    with pytest.raises(BusError) as error:
        sent["RateLimit"] = limit(2048)
    assert error.value.name == "Finished"


def test_kept_over_a_restart(alice):
    alice.manager["UploadLimit"] = limit(5000)
    alice.manager["DownloadLimit"] = limit(6000)
    alice.stop()
    alice.start()
    assert (alice.manager["UploadLimit"], alice.manager["DownloadLimit"]) == (5000, 6000)
    alice.manager["UploadLimit"] = limit(0)
    text = (alice.config / "fardel.conf").read_text()
    assert "DownloadLimit=6000" in text
    assert "UploadLimit=0" in text


def test_changed_in_the_file(alice):
    alice.manager["UploadLimit"] = limit(5000)
    path = alice.config / "fardel.conf"
    path.write_text(path.read_text().replace("5000", "7000"))
    alice.manager.call("Reload")
    assert alice.manager["UploadLimit"] == 7000
    path.write_text(path.read_text().replace("7000", "70"))
    with pytest.raises(BusError) as error:
        alice.manager.call("Reload")
    assert "UploadLimit" in error.value.message
    assert alice.manager["UploadLimit"] == 7000


def test_account_slots(alice, bob, work):
    """An account's own limit, below that of all."""
    account = alice.account("alice")
    account.call("Update", "(a{sv})", {"max-active": GLib.Variant("u", 1)})
    account.wait_for("Status", "online")
    pairs = [alice.manager.offer(BOB, make_file(work / f"file{number}", 1000)) for number in range(2)]
    first = bob.client.wait_for_offer()
    assert sorted(transfer["State"] for transfer in pairs) == ["offered", "queued"]
    first.accept("")
    bob.client.wait_for_offer().accept("")
    for transfer in pairs:
        assert transfer.end()["State"] == "done"


def test_progress_is_not_a_flood(alice, bob, work):
    sent, received = start(alice, bob, make_file(work / "file", 40_000), rate_limit=limit(20_000))
    finish(sent, received)
    for transfer in (sent, received):
        assert len(transfer.changes("Transferred")) <= 12

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever dies in the middle of a transfer, it goes on by itself, from where it
was: one object on each side, one file, no part left."""

import os
import signal

import pytest
from gi.repository import GLib

from fardel.client import BusError, Transfer
from fardel.files import make_file, sha256
from fardel.prosody import Prosody, password
from fardel.scenario import ALICE, BOB, eventually, finish, start

SIZE = 6 << 20
IN_BAND_SIZE = 1 << 20  # what goes through the server costs much of its time
SECONDS = 2  # that all of it takes: slow enough to be caught in the middle
WAYS = {"direct": ["socks5-direct"], "proxy": ["socks5-proxy"], "ibb": ["ibb"]}


@pytest.fixture
def make_pair(make_daemon):
    """Daemons that know their passwords also after a restart."""
    def make(server, *users, **settings):
        daemons = []
        for user in users:
            daemon = make_daemon(user)
            daemon.add_account(user, server, secret=False, password_command=["echo", password(user)], **settings)
            daemons.append(daemon)
        return daemons
    return make


@pytest.fixture
def pair(make_pair, prosody):
    return make_pair(prosody, "alice", "bob")


def rate(size):
    return GLib.Variant("t", size // SECONDS)


def begin(alice, bob, path, way="direct"):
    """A transfer that has come to a third of the file: (outgoing, incoming)."""
    size = path.stat().st_size
    sent, received = start(alice, bob, path, transports=WAYS[way], rate_limit=rate(size))
    eventually(lambda: received["Transferred"] > size / 3, timeout=30)
    return sent, received


def make_film(work, way="direct"):
    return make_file(work / "film", IN_BAND_SIZE if way == "ibb" else SIZE)


def again(daemon, transfer):
    """The same transfer in a daemon that was started anew."""
    return Transfer(daemon.client, transfer.path)


def revive(*daemons):
    for daemon in daemons:
        if daemon.process.running:
            daemon.kill()
    for daemon in daemons:
        daemon.start()


def check(alice, bob, sent, received, source):
    """Both are done, with one object and one file; returns both ends."""
    ends = finish(sent, received)
    assert sha256(ends[1]["LocalPath"]) == sha256(source)
    assert [t.path for t in alice.client.transfers()] == [sent.path]
    assert [t.path for t in bob.client.transfers()] == [received.path]
    assert os.listdir(bob.downloads) == [os.path.basename(ends[1]["LocalPath"])]
    return ends


@pytest.mark.parametrize("way", WAYS)
def test_receiver_killed(pair, work, way):
    alice, bob = pair
    source = make_film(work, way)
    sent, received = begin(alice, bob, source, way)
    bob.kill()
    sent.wait_for("State", "interrupted")
    bob.start()
    ends = check(alice, bob, sent, again(bob, received), source)
    assert ends[1]["Offset"] > 0
    assert ends[0]["Offset"] == ends[1]["Offset"]
    assert ends[1]["Verified"] == "ok"


@pytest.mark.parametrize("way", WAYS)
def test_sender_killed(pair, work, way):
    alice, bob = pair
    source = make_film(work, way)
    sent, received = begin(alice, bob, source, way)
    revive(alice)
    ends = check(alice, bob, again(alice, sent), received, source)
    assert ends[1]["Offset"] > 0
    assert ends[1]["Verified"] == "ok"


@pytest.mark.parametrize("way", WAYS)
def test_both_killed(pair, work, way):
    alice, bob = pair
    source = make_film(work, way)
    sent, received = begin(alice, bob, source, way)
    revive(alice, bob)
    ends = check(alice, bob, again(alice, sent), again(bob, received), source)
    assert ends[1]["Offset"] > 0


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_orderly_restart(pair, work, who):
    alice, bob = pair
    source = make_film(work)
    sent, received = begin(alice, bob, source)
    daemon, other = (alice, received) if who == "alice" else (bob, sent)
    daemon.stop()
    other.wait_for("State", "interrupted", timeout=10)
    assert other["Error"]
    daemon.start()
    sent, received = (again(alice, sent), received) if who == "alice" else (sent, again(bob, received))
    ends = check(alice, bob, sent, received, source)
    assert ends[1]["Offset"] > 0
    assert ends[1]["Error"] == ""


@pytest.mark.parametrize("way", ["proxy", "ibb"])
def test_server_restarted(make_prosody, make_pair, work, way):
    server = make_prosody()
    alice, bob = make_pair(server, "alice", "bob")
    source = make_film(work, way)
    sent, received = begin(alice, bob, source, way)
    server.kill()
    sent.wait_for("State", "interrupted")
    received.wait_for("State", "interrupted")
    server.start()
    ends = check(alice, bob, sent, received, source)
    assert ends[1]["Offset"] > 0


def test_many_times(pair, work):
    alice, bob = pair
    source = make_film(work)
    sent, received = start(alice, bob, source, rate_limit=rate(SIZE))
    for step in range(1, 5):
        eventually(lambda: again(bob, received)["Transferred"] > step * SIZE / 6, timeout=60)
        revive(alice if step % 2 else bob)
    check(alice, bob, again(alice, sent), again(bob, received), source)


def test_source_changed(pair, work):
    alice, bob = pair
    source = make_film(work)
    sent, received = begin(alice, bob, source)
    alice.kill()
    with open(source, "r+b") as file:
        file.write(b"other")
    alice.start()
    end = again(alice, sent).end()
    assert (end["State"], end["Error"].rpartition(".")[2]) == ("failed", "SourceChanged")
    assert received["State"] in ("active", "interrupted")
    received.call("Cancel")
    assert received.end()["State"] == "cancelled"
    assert os.listdir(bob.downloads) == []


def part_of(daemon):
    part, = daemon.downloads.glob(".*.part")
    return part


def test_part_damaged(pair, work):
    """By somebody who hides it well: it shows in the hash, and all is sent once more."""
    alice, bob = pair
    source = make_film(work)
    sent, received = begin(alice, bob, source)
    bob.kill()
    part = part_of(bob)
    with open(part, "r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    bob.start()
    ends = check(alice, bob, sent, again(bob, received), source)
    assert ends[1]["Offset"] == 0
    assert ends[1]["Verified"] == "ok"


@pytest.mark.parametrize("replaced", [False, True])
def test_part_gone(pair, work, replaced):
    alice, bob = pair
    source = make_film(work)
    sent, received = begin(alice, bob, source)
    bob.stop()
    part = part_of(bob)
    if replaced:
        part.rename(work / "stolen")
        part.write_bytes(b"mine")
    else:
        part.unlink()
    bob.start()
    ends = finish(sent, again(bob, received))
    assert ends[1]["Offset"] == 0
    assert sha256(ends[1]["LocalPath"]) == sha256(source)
    assert sorted(os.listdir(bob.downloads)) == ([part.name] if replaced else []) + ["film"]


def test_received_not_heard(pair, work):
    """The file is in its place, and its sender dies before it knows."""
    alice, bob = pair
    source = make_file(work / "letter", 100_000)
    # All bytes are on their way at once, and are taken from there slowly.
    sent, received = start(alice, bob, source, transports=WAYS["direct"],
                           accept={"rate_limit": GLib.Variant("t", 40_000)})
    received.wait_for("State", "active")
    eventually(lambda: sent["Transferred"] == 100_000)
    alice.process.signal(signal.SIGSTOP)
    assert received.end()["State"] == "done"
    revive(alice)
    check(alice, bob, again(alice, sent), received, source)


def test_offline_contact(make_daemon, make_pair, prosody, work):
    alice, = make_pair(prosody, "alice")
    source = make_file(work / "letter", 1000)
    sent = alice.manager.offer(BOB, source)
    assert sent["State"] == "queued"
    bob, = make_pair(prosody, "bob")
    received = bob.client.wait_for_offer()
    received.accept("")
    check(alice, bob, sent, received, source)


def test_queue_survives(make_pair, prosody, work):
    alice, = make_pair(prosody, "alice")
    source = make_file(work / "letter", 1000)
    sent = [alice.manager.offer(BOB, source, description=str(i)) for i in range(3)]
    alice.kill()
    alice.start()
    sent = [again(alice, transfer) for transfer in sent]
    assert [(t["State"], t["Description"], t["Peer"]) for t in sent] == [("queued", str(i), BOB) for i in range(3)]
    bob, = make_pair(prosody, "bob")
    for _ in sent:
        bob.client.wait_for_offer().accept("")
    for transfer in sent:
        assert transfer.end()["State"] == "done"
    assert len(os.listdir(bob.downloads)) == 3


def test_offered_survives(pair, work):
    """Nobody has answered yet: the peer sees one offer, before and after."""
    alice, bob = pair
    source = make_file(work / "letter", 1000)
    sent = alice.manager.offer(BOB, source)
    received = bob.client.wait_for_offer()
    revive(alice)
    sent = again(alice, sent)
    sent.wait_for("State", "offered")
    offer = bob.client.wait_for_offer()
    offer.accept("")
    ends = finish(sent, offer)
    assert sha256(ends[1]["LocalPath"]) == sha256(source)
    assert received.path == offer.path


def test_descriptor_survives(pair, work):
    """The library passes nothing but descriptors: their files go on as well."""
    alice, bob = pair
    source = make_file(work / "letter", 1000)
    with source.open("rb") as file:
        sent = alice.manager.offer_fd(BOB, file.fileno(), "renamed")
    bob.client.wait_for_offer()
    revive(alice)
    sent = again(alice, sent)
    sent.wait_for("State", "offered")
    offer = bob.client.wait_for_offer()
    offer.accept("")
    ends = finish(sent, offer)
    assert ends[1]["Name"] == "renamed"
    assert sha256(ends[1]["LocalPath"]) == sha256(source)


def test_timeout(make_pair, prosody, work):
    alice, = make_pair(prosody, "alice")
    source = make_file(work / "letter", 1000)
    end = alice.manager.offer(BOB, source, timeout=1).end(timeout=10)
    assert (end["State"], end["Error"].rpartition(".")[2]) == ("failed", "Timeout")


def test_timeout_survives(make_pair, prosody, work):
    alice, = make_pair(prosody, "alice")
    sent = alice.manager.offer(BOB, make_file(work / "letter", 1000), timeout=2)
    revive(alice)
    end = again(alice, sent).end(timeout=10)
    assert (end["State"], end["Error"].rpartition(".")[2]) == ("failed", "Timeout")


def test_resume_of_failed(pair, work):
    alice, bob = pair
    source = make_file(work / "letter", 1000)
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    sent.call("Cancel")
    for end in (sent.end(), offer.end()):
        assert end["State"] == "cancelled"
    resumed = Transfer(alice.client, sent.call("Resume", "(a{sv})", {}))
    assert resumed.path != sent.path
    received = bob.client.wait_for_offer()
    received.accept("")
    finish(resumed, received)


def test_resume_of_interrupted(pair, work):
    alice, bob = pair
    source = make_film(work)
    sent, received = begin(alice, bob, source)
    bob.stop()
    sent.wait_for("State", "interrupted")
    assert sent.call("Resume", "(a{sv})", {}) == sent.path
    bob.start()
    received = again(bob, received)
    with pytest.raises(BusError) as error:
        received.call("Resume", "(a{sv})", {})
    assert error.value.name == "PeerUnsupported"
    check(alice, bob, sent, received, source)


def test_cancel_interrupted(pair, work):
    alice, bob = pair
    source = make_film(work)
    sent, received = begin(alice, bob, source)
    alice.stop()
    received.wait_for("State", "interrupted")
    received.call("Cancel")
    assert received.end()["State"] == "cancelled"
    assert os.listdir(bob.downloads) == []
    alice.start()
    offer = bob.client.wait_for_offer()  # the sender does not know; it is a new offer
    offer.call("Reject")
    assert again(alice, sent).end()["State"] == "rejected"


def test_damaged_journal(pair, work):
    alice, bob = pair
    sent = alice.manager.offer(Prosody.jid("nobody"), make_file(work / "letter", 1000))
    alice.kill()
    journal = alice.state / "transfers"
    (journal / "1").write_bytes(b"\x00\xff[Transfer")
    (journal / "77").mkdir()
    alice.start()
    assert alice.client.transfers() == []
    assert sorted(path.name for path in journal.iterdir()) == ["1.damaged", "77.damaged"]
    assert alice.manager.offer(ALICE, make_file(work / "other", 1)).path != sent.path


def test_account_missing(pair, work):
    alice, _ = pair
    sent = alice.manager.offer(Prosody.jid("nobody"), make_file(work / "letter", 1000))
    alice.kill()
    (alice.config / "accounts.d" / "alice.conf").unlink()
    alice.start()
    end = again(alice, sent).all()
    assert end["State"] == "failed"
    assert "account" in end["ErrorMessage"]

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files over a direct SOCKS5 bytestream: sizes, names, places."""

import os
import shutil

import pytest

from fardel.files import make_file, sha256
from fardel.scenario import ALICE, BOB, exchange, finish, finished_signals, start

SHORT = "FARDEL_TEST_SHORT" in os.environ
DIRECT = ["socks5-direct"]


@pytest.mark.parametrize("size", [0, 1, 65535, 5_000_001])
def test_size(alice, bob, work, size):
    source = make_file(work / "file.bin", size)
    _, received = exchange(alice, bob, source, transports=DIRECT)
    assert received["Transport"] == "socks5-direct"
    assert received["Size"] == size
    assert received["LocalPath"] == str(bob.downloads / "file.bin")
    assert sha256(received["LocalPath"]) == sha256(source)
    assert received["Verified"] == "ok"
    assert received["Hashes"]["sha-256"] == sha256(source)


@pytest.mark.skipif(SHORT, reason="short run")
def test_one_gibibyte(alice, bob, work):
    if shutil.disk_usage(work).free < 4 << 30:
        pytest.skip("less than 4 GiB free")
    source = make_file(work / "large.bin", 1 << 30)
    _, received = exchange(alice, bob, source)
    assert received["Transport"] == "socks5-direct"
    assert sha256(received["LocalPath"]) == sha256(source)


def test_metadata(alice, bob, work):
    source = make_file(work / "report.pdf", 1000)
    os.utime(source, (1_700_000_000, 1_700_000_000))
    sent = alice.manager.offer(BOB, source, description="hi there", mime_type="application/pdf", batch="b1",
                               name="other name.pdf")
    offer = bob.client.wait_for_offer()
    assert sent["Peer"] == bob.account("bob")["FullJid"]
    properties = offer.all()
    assert properties["Name"] == "other name.pdf"
    assert properties["Size"] == 1000
    assert properties["Description"] == "hi there"
    assert properties["MimeType"] == "application/pdf"
    assert properties["Modified"] == 1_700_000_000_000_000
    assert properties["Direction"] == "incoming"
    assert properties["Peer"] == alice.account("alice")["FullJid"]
    assert properties["Account"] == bob.account("bob").path
    assert properties["LocalPath"] == ""
    assert (properties["Transferred"], properties["Started"], properties["Ended"]) == (0, 0, 0)
    assert sent["Batch"] == "b1"
    assert sent["LocalPath"] == str(source)
    offer.accept("")
    _, received = finish(sent, offer)
    assert os.stat(received["LocalPath"]).st_mtime == 1_700_000_000


def test_sender_knows_that_it_arrived(alice, bob, work):
    sent, _ = exchange(alice, bob, make_file(work / "file", 1000))
    assert sent["Verified"] == "ok"


def test_states_come_in_order_and_end_once(alice, bob, work):
    order = ["queued", "offered", "negotiating", "active", "done"]
    sent, received = start(alice, bob, make_file(work / "file", 100_000))
    finish(sent, received)
    for transfer in (sent, received):
        transfer.client.wait(lambda: finished_signals(transfer), 5)
        states = transfer.changes("State")
        assert states == sorted(set(states), key=order.index)
        assert [signal.args for signal in finished_signals(transfer)] == [("done", "", "")]
        last_change = max(signal.time for signal in transfer.client.signals
                          if signal.path == transfer.path and signal.name == "PropertiesChanged")
        assert finished_signals(transfer)[0].time >= last_change


@pytest.mark.parametrize("name, expected", [
    ("plain.txt", "plain.txt"),
    ("two words – файл.txt", "two words – файл.txt"),
    ("../../../etc/passwd", "passwd"),
    ("/etc/shadow", "shadow"),
    (".bashrc", "bashrc"),
    ("new\nline\x7f.txt", "new%0Aline%7F.txt"),
    ("bell\x07.txt", "bell\ufffd.txt"),  # has no place in XML
    ("photo\u202egpj.exe", "photo%E2%80%AEgpj.exe"),
    ("CON.txt", "_CON.txt"),
    pytest.param("é" * 127 + "x", None, id="255 bytes"),
])
def test_name(alice, bob, work, name, expected):
    source = make_file(work / "source", 10)
    with source.open("rb") as file:
        sent = alice.manager.offer_fd(BOB, file.fileno(), name)
    offer = bob.client.wait_for_offer()
    offer.accept("")
    _, received = finish(sent, offer)
    if expected is None:
        assert name.startswith(received["Name"]) and 100 < len(received["Name"].encode()) <= 200
    else:
        assert received["Name"] == expected
    assert os.listdir(bob.downloads) == [received["Name"]]
    assert received["LocalPath"] == str(bob.downloads / received["Name"])


def test_nothing_is_replaced_unless_asked(alice, bob, work):
    source = make_file(work / "a.tar.gz", 1000)
    old = bob.downloads / "a.tar.gz"
    old.write_text("old")
    _, received = exchange(alice, bob, source)
    assert received["LocalPath"] == str(bob.downloads / "a (2).tar.gz")
    assert old.read_text() == "old"
    _, received = exchange(alice, bob, source, accept={"overwrite": True})
    assert received["LocalPath"] == str(old)
    assert sha256(old) == sha256(source)


def test_destinations(alice, bob, work):
    source = make_file(work / "a.pdf", 1000)
    folder = work / "folder"
    folder.mkdir()
    for destination, expected in ((f"{folder}/", "a.pdf"), (str(folder), "a (2).pdf"),
                                  (str(folder / "b.pdf"), "b.pdf")):
        sent = alice.manager.offer(BOB, source)
        offer = bob.client.wait_for_offer()
        planned = offer.accept(destination)
        assert os.path.dirname(planned) == str(folder)
        _, received = finish(sent, offer)
        assert received["LocalPath"] == str(folder / expected)
    assert sorted(os.listdir(folder)) == ["a (2).pdf", "a.pdf", "b.pdf"]


def test_part_file_is_not_seen_under_the_final_name(alice, bob, work):
    source = make_file(work / "big.bin", 200 << 20)
    sent, received = start(alice, bob, source)
    received.wait_for("State", "active", "done")
    names = set(os.listdir(bob.downloads))
    finish(sent, received)
    assert names <= {".big.bin.part", "big.bin"}
    assert os.listdir(bob.downloads) == ["big.bin"]


def test_auto_accept(alice, bob, work):
    bob.account("bob")["AutoAccept"] = [ALICE]
    source = make_file(work / "auto.txt", 1000)
    assert alice.manager.offer(BOB, source).end()["State"] == "done"
    assert sha256(bob.downloads / "auto.txt") == sha256(source)


def test_both_ways_at_once(alice, bob, work):
    first, second = make_file(work / "first", 3 << 20), make_file(work / "second", 3 << 20)
    to_bob, to_alice = alice.manager.offer(BOB, first), bob.manager.offer(ALICE, second)
    at_bob, at_alice = bob.client.wait_for_offer(), alice.client.wait_for_offer()
    at_bob.accept("")
    at_alice.accept("")
    finish(to_bob, at_bob)
    finish(to_alice, at_alice)
    assert sha256(bob.downloads / "first") == sha256(first)
    assert sha256(alice.downloads / "second") == sha256(second)


def test_two_accounts_of_one_daemon(make_daemon, prosody, work):
    daemon = make_daemon("both")
    daemon.add_account("alice", prosody)
    daemon.add_account("bob", prosody)
    source = make_file(work / "self.bin", 100_000)
    sent = daemon.manager.offer(BOB, source, account="alice")
    offer = daemon.client.wait_for_offer(account="bob")
    offer.accept("")
    finish(sent, offer)
    assert sha256(daemon.downloads / "self.bin") == sha256(source)


def test_peer_that_comes_online_later(alice, make_daemon, prosody, work):
    sent = alice.manager.offer(BOB, make_file(work / "late", 1000))
    assert sent["State"] == "queued"
    bob = make_daemon("bob")
    bob.add_account("bob", prosody)
    offer = bob.client.wait_for_offer()
    offer.accept("")
    finish(sent, offer)


def test_full_jid_and_resource(alice, bob, work):
    source = make_file(work / "file", 1000)
    full = bob.account("bob")["FullJid"]
    for peer, options in ((full, {}), (BOB, {"resource": full.partition("/")[2]})):
        sent = alice.manager.offer(peer, source, **options)
        offer = bob.client.wait_for_offer()
        assert sent["Peer"] == full
        offer.accept("")
        finish(sent, offer)


def test_directory_of_files(alice, bob, work):
    folder = work / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ("b", "a", "sub/c"):
        make_file(folder / name, 1000)
    (folder / "link").symlink_to("/etc/hostname")
    bob.account("bob")["AutoAccept"] = [ALICE]
    sent = alice.manager.offer_many(BOB, [folder])
    assert [transfer["Name"] for transfer in sent] == ["a", "b", "c"]
    assert len({transfer["Batch"] for transfer in sent}) == 1 and sent[0]["Batch"]
    for transfer in sent:
        assert transfer.end()["State"] == "done"
    assert sorted(os.listdir(bob.downloads)) == ["a", "b", "c"]


def test_twenty_at_once(alice, bob, work):
    sources = [make_file(work / f"file{number}", (1 << 20) + number) for number in range(20)]
    bob.account("bob")["AutoAccept"] = [ALICE]
    alice.manager["MaxActiveTransfers"] = 20
    for transfer in alice.manager.offer_many(BOB, sources):
        end = transfer.end()
        assert end["State"] == "done", end["ErrorMessage"]
    for source in sources:
        assert sha256(bob.downloads / source.name) == sha256(source)


def test_file_changed_after_the_offer(alice, bob, work):
    source = make_file(work / "changing", 1000)
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    with source.open("ab") as file:
        file.write(b"more")
    offer.accept("")
    end = sent.end()
    assert (end["State"], end["Error"].rpartition(".")[2], end["EndedBy"]) == ("failed", "SourceChanged", "local")
    assert offer.end()["State"] in ("failed", "cancelled")
    assert os.listdir(bob.downloads) == [] or os.listdir(bob.downloads) == [".changing.part"]

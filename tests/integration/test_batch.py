# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several files at once: one session between two daemons, one each for other
clients; every file is answered and ended for itself."""

import pathlib
import sys

import pytest

from fardel.files import make_file, sha256
from fardel.scenario import ALICE, BOB, Held, finish

SIZES = [0, 1, 1000, 65535, 300_000, 0, 4096, 1_000_000, 17, 2_000_000]
LARGE = 20_000_000  # more than sockets and pipes hold


def make_files(directory, sizes):
    directory.mkdir()
    return [make_file(directory / f"{number:02}", size) for number, size in enumerate(sizes)]


def offers(daemon, count):
    """The incoming transfers by name, as soon as there are so many."""
    def found():
        transfers = daemon.client.transfers(direction="incoming")
        return len(transfers) >= count and transfers
    return {transfer["Name"]: transfer for transfer in daemon.client.wait(found, what=f"{count} offers")}


def error_of(end):
    return end["Error"].rpartition(".")[2]


def groups(daemon):
    """How many batches the files are shown in, however many sessions they took."""
    batches = [transfer["Batch"] for transfer in daemon.client.transfers(direction="incoming")]
    return len(set(batches) - {""}) + batches.count("")


@pytest.fixture(autouse=True)
def many_at_once(request):
    """As many as a test wants: these are not about the queue."""
    if "alice" in request.fixturenames:
        request.getfixturevalue("alice").manager["MaxActiveTransfers"] = 64


@pytest.mark.parametrize("transport", ["socks5-direct", "socks5-proxy", "ibb"])
def test_ten_files(alice, bob, work, transport):
    sources = make_files(work / "files", SIZES)
    bob.account("bob")["AutoAccept"] = [ALICE]
    sent = alice.manager.offer_many(BOB, sources, transports=[transport])
    received = offers(bob, len(sources))
    for transfer, source in zip(sent, sources):
        _, received_end = finish(transfer, received[source.name])
        assert received_end["Transport"] == transport
        assert received_end["Verified"] == "ok"
        assert sha256(bob.downloads / source.name) == sha256(source)
    assert groups(bob) == 1


def test_few_at_a_time(alice, bob, work):
    """The queue lets only some go at once; the later ones join the session."""
    alice.manager["MaxActiveTransfers"] = 2
    sources = make_files(work / "files", [LARGE] + SIZES)
    sent = alice.manager.offer_many(BOB, sources)
    first = bob.client.wait_for_offer()
    assert first["Name"] == sources[0].name
    held = Held(first)
    sent[0].wait_for("State", "active")
    for transfer, source in zip(sent[1:], sources[1:]):
        offer = bob.client.wait_for_offer()
        assert offer["Name"] == source.name
        offer.accept("")
        finish(transfer, offer)
        assert sha256(bob.downloads / source.name) == sha256(source)
    held.release()
    assert sent[0].end()["State"] == "done"
    assert groups(bob) == 1


def test_batches_are_apart(alice, bob, work):
    sources = make_files(work / "files", [1000] * 4)
    for pair in (sources[:2], sources[2:]):
        alice.manager.offer_many(BOB, pair)
    alice.manager.offer(BOB, sources[0], name="alone")
    offer = offers(bob, 5)
    assert offer["00"]["Batch"] == offer["01"]["Batch"] != ""
    assert offer["02"]["Batch"] == offer["03"]["Batch"] not in ("", offer["00"]["Batch"])
    assert offer["alone"]["Batch"] != offer["00"]["Batch"]


def test_some_are_taken(alice, bob, work):
    sources = make_files(work / "files", [1000, 300_000, 2000, 0])
    sent = {transfer["Name"]: transfer for transfer in alice.manager.offer_many(BOB, sources)}
    offer = offers(bob, 4)
    offer["00"].call("Reject")
    end = sent["00"].end()
    assert (end["State"], error_of(end), end["EndedBy"]) == ("rejected", "Rejected", "remote")
    offer["01"].accept("")
    offer["03"].accept("")
    for name in ("01", "03"):
        finish(sent[name], offer[name])
        assert sha256(bob.downloads / name) == sha256(sources[int(name)])
    assert offer["02"]["State"] == sent["02"]["State"] == "offered"
    offer["02"].accept("")  # much later than the others
    finish(sent["02"], offer["02"])
    assert sorted(path.name for path in bob.downloads.iterdir()) == ["01", "02", "03"]


def test_none_is_taken(alice, bob, work):
    sources = make_files(work / "files", [1000] * 3)
    sent = alice.manager.offer_many(BOB, sources)
    for offer in offers(bob, 3).values():
        offer.call("Reject")
    for transfer in sent:
        assert transfer.end()["State"] == "rejected"
    assert list(bob.downloads.iterdir()) == []


@pytest.mark.parametrize("transport", ["socks5-direct", "socks5-proxy"])
def test_some_are_cancelled(alice, bob, work, transport):
    """Each side cancels one of three while all are active: the third arrives."""
    sources = make_files(work / "files", [LARGE] * 3)
    sent = {transfer["Name"]: transfer
            for transfer in alice.manager.offer_many(BOB, sources, transports=[transport])}
    offer = offers(bob, 3)
    held = {name: Held(incoming) for name, incoming in offer.items()}
    for name in sent:
        sent[name].wait_for("State", "active")
        offer[name].wait_for("State", "active")
    sent["00"].call("Cancel")
    offer["01"].call("Cancel")
    for by, other in ((sent["00"], offer["00"]), (offer["01"], sent["01"])):
        end = by.end()
        assert (end["State"], error_of(end), end["EndedBy"]) == ("cancelled", "Cancelled", "local")
        end = other.end()
        assert (end["State"], error_of(end), end["EndedBy"]) == ("cancelled", "RemoteCancelled", "remote")
    for name in ("00", "01"):
        held[name].close()
    assert held["02"].release() == sources[2].read_bytes()
    finish(sent["02"], offer["02"])


def test_one_cannot_be_written(alice, bob, work):
    sources = make_files(work / "files", [LARGE, 300_000])
    failing, good = alice.manager.offer_many(BOB, sources)
    offer = offers(bob, 2)
    held = Held(offer["00"])
    failing.wait_for("State", "active")
    held.close()
    end = offer["00"].end()
    assert (end["State"], error_of(end), end["EndedBy"]) == ("failed", "WriteFailed", "local")
    end = failing.end()
    assert (end["State"], end["EndedBy"]) == ("failed", "remote")
    offer["01"].accept("")
    finish(good, offer["01"])


def test_sender_dies(alice, bob, work):
    sources = make_files(work / "files", [LARGE] * 2)
    alice.manager.offer_many(BOB, sources)
    offer = offers(bob, 2)
    held = Held(offer["00"])
    offer["00"].wait_for("State", "active")
    alice.kill()
    end = offer["01"].end(60)
    assert (end["State"], end["EndedBy"]) == ("failed", "remote")
    offer["00"].wait_for("State", "interrupted")  # only what was accepted waits for its sender
    held.close()


def test_receiver_stops(alice, bob, work):
    sources = make_files(work / "files", [LARGE] * 2)
    active, waiting = alice.manager.offer_many(BOB, sources)
    held = Held(offers(bob, 2)["00"])
    active.wait_for("State", "active")
    bob.stop()
    held.close()
    active.wait_for("State", "interrupted")
    waiting.wait_for("State", "queued")


def test_clients_that_take_one_file_per_session(make_daemon, make_prosody, work):
    """Another client than ours: three sessions at a time, with a file each."""
    pytest.importorskip("slixmpp")
    sys.path.insert(1, str(pathlib.Path(__file__).parents[1] / "interop"))
    from raw.jingle import Session
    from raw.peer import Peer
    from raw.xml import JINGLE, OK, q
    prosody = make_prosody()
    alice = make_daemon("alice")
    alice.add_account("alice", prosody)
    other = Peer(prosody, "bob")
    try:
        alice.manager["MaxActiveTransfers"] = 64
        sent = alice.manager.offer_many(other.jid, make_files(work / "files", [1000] * 6))
        for _ in range(2):
            parallel = [Session.offered(other) for _ in range(3)]
            assert len({session.sid for session in parallel}) == 3
            assert all(len(session.opening.findall(q(JINGLE, "content"))) == 1 for session in parallel)
            assert sum(transfer["State"] == "offered" for transfer in sent) == 3
            for session in parallel:
                assert session.terminate("decline") == OK
        for transfer in sent:
            assert transfer.end()["State"] == "rejected"
    finally:
        other.close()

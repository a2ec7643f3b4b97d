# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that travel as descriptors, from callers and to callers."""

import os
import socket

import pytest

from fardel.client import BusError
from fardel.files import make_file, sha256
from fardel.scenario import BOB, Held, eventually, feed, finish

DATA = os.urandom(3_000_000)


def offer_data(alice, data, name="data.bin", **options):
    reader, writer = os.pipe()
    try:
        sent = alice.manager.offer_fd(BOB, reader, name, **options)
    finally:
        os.close(reader)
    return sent, feed(writer, data)


def test_offer_of_a_file(alice, bob, work):
    source = make_file(work / "a.bin", 1_000_000)
    with source.open("rb") as file:
        file.seek(500)  # must not matter
        sent = alice.manager.offer_fd(BOB, file.fileno(), "some/where/b.bin")
    assert (sent["Name"], sent["Size"], sent["LocalPath"]) == ("b.bin", 1_000_000, str(source))
    offer = bob.client.wait_for_offer()
    offer.accept("")
    finish(sent, offer)
    assert sha256(bob.downloads / "b.bin") == sha256(source)


@pytest.mark.parametrize("transports", [["socks5-direct"], ["socks5-proxy"]])
@pytest.mark.parametrize("known", [True, False], ids=["size known", "size unknown"])
def test_offer_of_a_pipe(alice, bob, known, transports):
    options = {"size": len(DATA)} if known else {}
    sent, thread = offer_data(alice, DATA, transports=transports, **options)
    assert sent["Size"] == (len(DATA) if known else -1)
    offer = bob.client.wait_for_offer()
    offer.accept("")
    _, received = finish(sent, offer)
    thread.join()
    assert (bob.downloads / "data.bin").read_bytes() == DATA
    assert received["Transferred"] == len(DATA)
    assert received["Verified"] == "ok"


def test_pipe_that_ends_early(alice, bob):
    sent, thread = offer_data(alice, DATA, size=len(DATA) + 1)
    offer = bob.client.wait_for_offer()
    offer.accept("")
    end = sent.end()
    thread.join()
    assert (end["State"], end["Error"].rpartition(".")[2]) == ("failed", "SourceChanged")
    assert offer.end()["State"] == "failed"
    assert not (bob.downloads / "data.bin").exists()


def test_offer_of_a_socket(alice, bob):
    ours, theirs = socket.socketpair()
    with theirs:
        sent = alice.manager.offer_fd(BOB, theirs.fileno(), "socket.bin")
    thread = feed(ours.detach(), DATA)
    offer = bob.client.wait_for_offer()
    offer.accept("")
    finish(sent, offer)
    thread.join()
    assert (bob.downloads / "socket.bin").read_bytes() == DATA


def test_accept_into_a_file(alice, bob, work):
    source = make_file(work / "a.bin", 1_000_000)
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    with open(work / "target", "wb") as target:
        target.write(b"before")
        target.flush()
        offer.accept_fd(target.fileno())
    _, received = finish(sent, offer)
    assert received["LocalPath"] == ""
    assert (work / "target").read_bytes() == b"before" + source.read_bytes()
    assert os.listdir(bob.downloads) == []


def test_accept_into_a_pipe(alice, bob, work):
    source = make_file(work / "a.bin", 1_000_000)
    sent = alice.manager.offer(BOB, source)
    held = Held(bob.client.wait_for_offer())
    assert held.release() == source.read_bytes()
    finish(sent, held.incoming)


def test_pipe_whose_reader_leaves(alice, bob, work):
    sent = alice.manager.offer(BOB, make_file(work / "a.bin", 10_000_000))
    held = Held(bob.client.wait_for_offer())
    held.incoming.wait_for("State", "active")
    held.close()
    end = held.incoming.end()
    assert (end["State"], end["Error"].rpartition(".")[2], end["EndedBy"]) == ("failed", "WriteFailed", "local")
    assert sent.end()["EndedBy"] == "remote"


def invalid_sources(work):
    make_file(work / "file", 10)
    yield "O_PATH", os.open(work / "file", os.O_PATH)
    yield "write-only", os.open(work / "file", os.O_WRONLY)
    yield "directory", os.open(work, os.O_RDONLY)
    yield "device", os.open("/dev/zero", os.O_RDONLY)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    yield "listener", listener.detach()


def test_descriptors_that_cannot_be_offered(alice, work):
    for what, fd in invalid_sources(work):
        with pytest.raises(BusError) as error:
            alice.manager.offer_fd(BOB, fd, "name")
        os.close(fd)
        assert error.value.name == "InvalidFd", what
    assert alice.client.transfers() == []


def test_descriptors_that_cannot_be_written(alice, bob, work):
    source = make_file(work / "file", 10)
    sent = alice.manager.offer(BOB, source)
    offer = bob.client.wait_for_offer()
    for what, fd in (("read-only", os.open(source, os.O_RDONLY)), ("O_PATH", os.open(source, os.O_PATH)),
                     ("directory", os.open(work, os.O_RDONLY)), ("device", os.open("/dev/null", os.O_WRONLY))):
        with pytest.raises(BusError) as error:
            offer.accept_fd(fd)
        os.close(fd)
        assert error.value.name == "InvalidFd", what
    assert offer["State"] == "offered"  # an error answers nothing
    offer.accept("")
    finish(sent, offer)


def test_empty_name(alice, work):
    with make_file(work / "file", 10).open("rb") as file, pytest.raises(BusError) as error:
        alice.manager.offer_fd(BOB, file.fileno(), "")
    assert error.value.name in ("InvalidOption", "org.freedesktop.DBus.Error.InvalidArgs")


def open_descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def test_no_descriptor_leaks(alice, bob, work):
    source = make_file(work / "file", 1000)
    counts = []
    for number in range(6):
        with source.open("rb") as file:
            sent = alice.manager.offer_fd(BOB, file.fileno(), "file")
        offer = bob.client.wait_for_offer()
        if number % 2:
            offer.call("Reject")
            sent.wait_for("State", "rejected")
        else:
            offer.accept("")
            finish(sent, offer)
        counts.append((open_descriptors(alice), open_descriptors(bob)))
    # Closing the last socket may come just after the end.
    eventually(lambda: open_descriptors(alice) <= counts[1][0] and open_descriptors(bob) <= counts[1][1])

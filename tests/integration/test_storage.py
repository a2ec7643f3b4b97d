# SPDX-License-Identifier: LGPL-2.1-or-later
"""The place where a received file goes is full, vanishes or changes."""

import os
import shutil
import subprocess

import pytest

from fardel.client import BusError
from fardel.files import make_file
from fardel.scenario import BOB, eventually, feed

SMALL = 2 << 20


@pytest.fixture
def small_disk(work):
    """A file system of SMALL bytes."""
    directory = work / "small"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "fardel-test", directory],
                             capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mount is not permitted here: {mounted.stderr.strip()}")
    yield directory
    subprocess.run(["umount", directory], check=True)


def offer_pipe(alice, size=-1):
    """An outgoing transfer of what is written into a pipe: (transfer, writing end)."""
    reader, writer = os.pipe()
    sent = alice.manager.offer_fd(BOB, reader, "from-a-pipe", **({} if size < 0 else {"size": size}))
    os.close(reader)
    return sent, writer


def error_of(end):
    return end["Error"].rpartition(".")[2]


def test_full_from_the_start(alice, bob, work, small_disk):
    sent = alice.manager.offer(BOB, make_file(work / "big", 2 * SMALL))
    offer = bob.client.wait_for_offer()
    with pytest.raises(BusError) as error:
        offer.accept(str(small_disk) + "/")
    assert error.value.name == "NoSpace"
    assert (offer["State"], sent["State"]) == ("offered", "offered")
    assert os.listdir(small_disk) == []
    offer.accept("")  # somewhere else
    assert offer.end()["State"] == sent.end()["State"] == "done"


def test_full_on_the_way(alice, bob, small_disk):
    sent, writer = offer_pipe(alice)
    offer = bob.client.wait_for_offer()
    offer.accept(str(small_disk) + "/")
    writing = feed(writer, bytes(2 * SMALL))
    end = offer.end()
    assert (end["State"], error_of(end), end["EndedBy"]) == ("failed", "NoSpace", "local")
    end = sent.end()
    assert (end["State"], error_of(end), end["EndedBy"]) == ("failed", "RemoteFailed", "remote")
    assert "file-too-large" in end["ErrorMessage"]
    writing.join()
    assert "from-a-pipe" not in os.listdir(small_disk)


def test_directory_removed(alice, bob, work):
    target = work / "target"
    target.mkdir()
    sent, writer = offer_pipe(alice, size=2)
    offer = bob.client.wait_for_offer()
    offer.accept(str(target) + "/")
    os.write(writer, b"1")
    eventually(lambda: offer["Transferred"] == 1)
    shutil.rmtree(target)
    os.write(writer, b"2")
    os.close(writer)
    end = offer.end()
    assert (end["State"], error_of(end), end["EndedBy"]) == ("failed", "WriteFailed", "local")
    assert sent.end()["State"] == "failed"
    assert not target.exists()


def test_directory_moved(alice, bob, work):
    target = work / "target"
    target.mkdir()
    sent, writer = offer_pipe(alice, size=2)
    offer = bob.client.wait_for_offer()
    offer.accept(str(target) + "/")
    os.write(writer, b"1")
    eventually(lambda: offer["Transferred"] == 1)
    target.rename(work / "moved")
    os.write(writer, b"2")
    os.close(writer)
    assert offer.end()["State"] == sent.end()["State"] == "done"
    assert (work / "moved/from-a-pipe").read_bytes() == b"12"


def test_name_taken_on_the_way(alice, bob, work):
    sent, writer = offer_pipe(alice, size=2)
    offer = bob.client.wait_for_offer()
    planned = offer.accept("")
    os.write(writer, b"1")
    eventually(lambda: offer["Transferred"] == 1)
    with open(planned, "w") as other:
        other.write("somebody else's")
    os.write(writer, b"2")
    os.close(writer)
    end = offer.end()
    assert end["State"] == sent.end()["State"] == "done"
    assert end["LocalPath"] != planned
    assert open(end["LocalPath"], "rb").read() == b"12"
    assert open(planned).read() == "somebody else's"

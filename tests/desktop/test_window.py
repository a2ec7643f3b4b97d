# SPDX-License-Identifier: LGPL-2.1-or-later
"""The window of the examples, used by hand."""

import contextlib
import pathlib
import sys

import pytest
from gi.repository import GLib

from conftest import BUILD
from fardel.files import make_file, sha256
from fardel.scenario import ALICE, BOB, Held, eventually

MB = 1_000_000
FAST = GLib.Variant("t", 0)


def slow(rate):
    return {"rate_limit": GLib.Variant("t", rate)}


@pytest.fixture
def window(users, alice, bob, screen, start):
    """Alice's, with nothing in it yet."""
    for user in users:
        user.manager.call("ForgetFinished")
    window = start("transfers", [BUILD / "client-lib/examples/transfers"], alice, **screen.env)
    screen.find("label", "No Transfers")
    screen.find("label", BOB)
    yield window
    screen.find("button", "Close").click()
    assert window.wait() == 0


def test_shows_what_goes_on(window, alice, bob, screen, work):
    screen.save("transfers-empty.png")
    sent = alice.manager.offer(BOB, make_file(work / "Report 2026.pdf", 2_400_000))
    bob.client.wait_for_offer().accept("")
    assert sent.end()["State"] == "done"
    screen.find("label", "2.4 MB · sent")
    upload = alice.manager.offer(BOB, make_file(work / "concert.flac", 31 * MB), **slow(4 * MB))
    bob.client.wait_for_offer().accept("")
    alice.manager.offer(BOB, make_file(work / "backup.zip", 18 * MB))
    bob.client.wait_for_offer().call("Reject")
    screen.find("label", "18.0 MB · declined")
    film = make_file(work / "Holiday in Oslo.mp4", 44 * MB)
    bob.manager.offer(ALICE, film, **slow(6 * MB))
    screen.find("label", "44.0 MB · waits for your answer")
    screen.find("button", "Accept").click()
    bob.manager.offer(ALICE, make_file(work / "invitation.odt", 71_000))
    screen.find("label", "71.0 kB · waits for your answer")

    screen.find("label", " of 31.0 MB · ")
    screen.find("label", " MB of 44.0 MB · ")
    screen.find("label", " left")
    screen.find("progress bar", "Progress")
    assert screen.save("transfers.png") > 100

    download = alice.client.transfers(direction="incoming", state="active")[0]
    for transfer in (upload, download, bob.client.transfers(direction="outgoing", state="active")[0]):
        transfer["RateLimit"] = FAST
    screen.find("label", "44.0 MB · received")
    screen.find("button", "Open Folder")
    assert sha256(download["LocalPath"]) == sha256(film)
    screen.find("button", "Decline").click()
    screen.find("label", "71.0 kB · declined")
    upload.end()
    screen.find("button", "Remove From List").click()
    eventually(lambda: len(alice.client.transfers()) == 4)


def test_cancels_and_tries_again(window, alice, bob, screen, work):
    source = make_file(work / "file", 3 * MB)
    alice.manager.offer(BOB, source)
    held = Held(bob.client.wait_for_offer())
    screen.find("button", "Cancel").click()
    screen.find("button", "Try Again").click()
    held.close()
    again = bob.client.wait_for_offer()
    path = again.accept("")
    screen.find("label", "3.0 MB · sent")
    assert sha256(path) == sha256(source)


def test_says_what_went_wrong(window, alice, bob, screen, work):
    bob.manager.offer(ALICE, make_file(work / "file", 1000))
    folder = work / "removed"
    folder.mkdir()
    alice.manager["DownloadFolder"] = folder
    folder.rmdir()
    folder.write_text("in its way")
    screen.find("button", "Accept").click()
    screen.find("label", str(folder))
    screen.save("transfers-error.png")
    alice.manager["DownloadFolder"] = ""
    screen.find("button", "Dismiss").click()
    screen.find("button", "Accept").click()
    screen.find("label", "1.0 kB · received")


def test_saves_under_another_name(window, alice, bob, screen, work):
    source = make_file(work / "offered", 1000)
    bob.manager.offer(ALICE, source)
    screen.find("button", "Save As").click()
    screen.type("Save File", work / "chosen", "Return")
    screen.find("label", "1.0 kB · received")
    assert sha256(work / "chosen") == sha256(source)


def test_sends_what_is_chosen(window, bob, screen, work):
    source = make_file(work / "chosen", 1000)
    screen.find("button", "Choose Files").click()
    screen.type("Send Files", source, "Return")
    path = bob.client.wait_for_offer().accept("")
    screen.find("label", "1.0 kB · sent")
    assert sha256(path) == sha256(source)


def test_sends_what_is_dropped(window, alice, bob, screen, start, work):
    sources = [make_file(work / name, 1000) for name in ("one", "two")]
    start("drag", [sys.executable, pathlib.Path(__file__).with_name("drag.py"), *sources], alice, **screen.env)
    screen.find("label", "Drag me")
    before = screen.pixel(100, 300)

    def over_the_window():
        screen.do("mousemove", 80, 50, "mousemove", 320, 300)
        return screen.pixel(100, 300) != before

    def drop():
        screen.do("mousemove", 50, 30, "mousedown", 1)
        eventually(over_the_window)
        screen.do("mouseup", 1)
        with contextlib.suppress(AssertionError):  # let go before the other side had said yes
            return bob.client.wait(lambda: len(found := bob.client.transfers(state="offered")) == 2 and found, 5)
    eventually(drop, 60)
    offers = bob.client.transfers(state="offered")
    assert [offer["Name"] for offer in offers] == ["one", "two"]
    for offer in offers:
        offer.call("Reject")
    screen.find("label", "1.0 kB · declined")


def test_follows_the_contacts(window, alice, bob, screen):
    bob.account("bob").call("Disconnect")
    screen.find("label", "(None)")
    bob.account("bob").call("Connect")
    screen.find("label", BOB)
    alice.account("alice").call("Disconnect")
    screen.find("label", f"{ALICE} is offline")
    alice.account("alice").call("Connect")
    screen.find("label", f"{ALICE} is online")


def test_says_that_the_daemon_is_gone(window, alice, screen):
    alice.stop()
    screen.find("label", "fardel is not running")
    alice.start()
    screen.find("label", f"{ALICE} is waiting-for-password")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What fardelctl draws on a terminal while transfers run."""

import contextlib
import re

import pytest
from gi.repository import GLib
from wcwidth import wcswidth

from fardel.ctl import BUILD, OK, REJECTED, TIMEOUT, Ctl, binary
from fardel.files import make_file
from fardel.scenario import ALICE, BOB, Held
from fardel.terminal import save_picture

WIDE = "報告書 – tên đẹp e\u0301\u0302 😀.pdf"


@pytest.fixture
def bobs_ctl(bob, work):
    return Ctl(bob, work)


@pytest.fixture
def ctl(alice, work):
    return Ctl(alice, work)


def rate(value):
    return {"rate_limit": GLib.Variant("t", value)}


def offers(daemon, count):
    """The incoming transfers, once there are so many."""
    def incoming():
        return [transfer for transfer in daemon.client.transfers() if transfer["Direction"] == "incoming"]
    daemon.client.wait(lambda: len(incoming()) == count, 30)
    return incoming()


def test_picture(bobs_ctl, alice, bob, work):
    """A picture of transfers on both ways, to be looked at."""
    with bobs_ctl.terminal("watch", columns=100) as terminal:
        terminal.wait_for("Nothing runs")
        first = alice.manager.offer(BOB, make_file(work / "Mountains and lakes.mp4", 90_000_000), **rate(15_000_000))
        alice.manager.offer(BOB, make_file(work / "thesis (final).pdf", 2_400_000))
        for offer in offers(bob, 2):
            offer.accept("")
        alice.manager.offer(BOB, make_file(work / "Übergröße – façade.odt", 8_000_000))
        offers(bob, 3)  # numbers are given as they come, and tell the order of lines
        for name, size, options in (("photos.zip", 24_000_000, rate(800_000)), ("notes.txt", 6_300, {}),
                                    ("slides.odp", 6_300_000, {})):
            bob.manager.offer(ALICE, make_file(work / name, size), **options)
        for offer in offers(alice, 3):
            if offer["Name"] != "slides.odp":
                offer.accept("")
        alice.client.wait(lambda: first["Transferred"] > 36_000_000, 60)
        first["RateLimit"] = GLib.Variant("t", 1_500_000)  # it stays for as long as the rest needs
        rows = (r"\d  (thesis|notes).* done, .*\n\d  (thesis|notes).* done, .*\n"
                r"\d ↓ Mountains.* \d\d % +[\d.]+ MB/s +0:\d\d\n\d ↑ photos.* \d\d % +[\d.]+ kB/s +0:\d\d\n"
                r"\d ↓ Übergröße – façade.odt .*offered: fardelctl accept \d, 8\.0 MB\n\d ↑ slides.* offered, 6\.3 MB\n"
                r"2 active, 2 offered  ↓ .*  ↑ .*")
        terminal.wait_for(rf"\A{rows}\Z")
        picture = save_picture(terminal.shot(), BUILD / "pictures/fardelctl-watch", title="fardelctl watch", lines=8)
        assert picture.stat().st_size > 1000
        terminal.type("\x03")
        terminal.wait()
        assert "active" not in terminal.text


@pytest.fixture
def held(alice, bob, work):
    """Two transfers that stay active as long as a test needs."""
    with contextlib.ExitStack() as stack:
        sent = []
        for number, name in enumerate((WIDE, "plain.bin")):
            sent.append(alice.manager.offer(BOB, make_file(work / name, 20_000_000)))
            hold = Held(offers(bob, number + 1)[-1])
            stack.callback(hold.close)
            sent[-1].wait_for("State", "active")
        yield sent


def drawings(terminal):
    return terminal.raw.count(b"\033[?7h")


def bars(terminal, columns, before=0):
    """Waits, after so many drawings, for exactly one line of each transfer and the totals."""
    def drawn(text):
        lines = text.splitlines()
        return (drawings(terminal) > before and len(lines) == 4 and lines[0] == "above" and lines[1].startswith("1 ↓ ") and lines[2].startswith("2 ↓ ")
                and lines[3] == "2 active"[:columns - 1]) and lines
    return terminal.wait_for(drawn)


@pytest.mark.parametrize("reflow", [True, False])
def test_resized(bobs_ctl, held, reflow):
    """Narrower and wider, with names of all kinds: never a line too many or too few."""
    if not reflow:
        bobs_ctl.env["XTERM_VERSION"] = "XTerm(379)"
    script = 'echo above; exec "$0" watch'
    with bobs_ctl.terminal("-c", script, binary(), program="sh", columns=100, reflow=reflow) as terminal:
        lines = bars(terminal, 100)
        assert "😀" in lines[1] and "alice@fardel.test" in lines[1]
        assert lines[1].index("alice") + 3 == lines[2].index("alice")  # three of its characters are wide... and joined
        for columns in (60, 31, 80, 40, 20, 120):
            before = drawings(terminal)
            terminal.resize(columns)
            lines = bars(terminal, columns, before)
            assert all(wcswidth(line) < columns for line in lines)
        assert "━" in lines[2] or "─" in lines[2]


def test_after_a_stop(bobs_ctl, held):
    """What the shell wrote meanwhile stays."""
    with bobs_ctl.terminal("-ic", '"$0" watch; echo stopped; fg', binary(), program="bash") as terminal:
        terminal.wait_for("^2 active$")
        terminal.type("\x1a")
        terminal.wait_for(r"stopped\n(?s:.*)\n2 active\Z")
        assert terminal.text.count("2 active") == 2


def test_short_terminal(bobs_ctl, alice, bob, work):
    """No more than half of it; the rest is counted."""
    for number in range(3):
        alice.manager.offer(BOB, make_file(work / f"file {number}", 10))
    offers(bob, 3)
    with bobs_ctl.terminal("watch", rows=4) as terminal:
        terminal.wait_for(r"\A1 ↓ file 0 .*\nand 2 more\n3 offered\Z")


def test_no_color(bobs_ctl, held):
    bobs_ctl.env["NO_COLOR"] = "1"
    with bobs_ctl.terminal("wait", held[0]["Id"], "-t", "0.5") as terminal:
        assert terminal.wait() == TIMEOUT
        assert b"plain" in terminal.raw or "😀".encode() in terminal.raw
        assert not re.search(rb"\033\[[0-9;]*m", bytes(terminal.raw))


def test_one_line_that_stays(ctl, bob, work):
    source = make_file(work / "report.bin", 3_000_000)
    with ctl.terminal("send", "--wait", BOB, source) as terminal:
        bob.client.wait_for_offer().accept("")
        assert terminal.wait() == OK
        assert re.fullmatch(f"1  report.bin to {BOB}: done, 3.0 MB, socks5-direct", terminal.text)
        assert b"\033[32mdone\033[0m" in terminal.raw


def test_many_files(ctl, bob, work):
    """One line for all; at the end what failed, and the sum."""
    folder = work / "folder"
    folder.mkdir()
    for number in range(5):
        make_file(folder / f"file {number}", 400_000)
    with ctl.terminal("send", "--wait", BOB, "folder", make_file(work / "more", 1_000_000), columns=100) as terminal:
        taken = 0
        while taken < 6:
            offer = bob.client.wait_for_offer()
            if offer["Name"] == "file 3":
                offer.call("Reject")
            else:
                terminal.wait_for(rf"\A\d of 6 files .*")
                offer.accept("")
            offer.end()
            taken += 1
        assert terminal.wait() == REJECTED
        lines = terminal.text.splitlines()
        assert re.fullmatch(rf"\d+  file 3 to {BOB}: rejected, .*", lines[0])
        assert re.fullmatch(r"5 of 6 files sent, 2\.6 MB in \d:\d\d", lines[-1])
        assert len(lines) == 2


def test_many_files_without_a_terminal(ctl, bob, work):
    for name in ("a", "b"):
        make_file(work / name, 10)
    sending = ctl.start("send", "--wait", BOB, "a", "b")
    for offer in offers(bob, 2):
        offer.accept("")
    out, _ = sending.communicate(timeout=60)
    assert sending.returncode == OK
    assert b"\033" not in out
    lines = out.decode().splitlines()
    assert [line.split()[0] for line in lines if ": done" in line] in (["1", "2"], ["2", "1"])
    assert lines[-1].startswith("2 of 2 files sent, 20 B in ")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A notification as people see it: a real offer, shown by a real notification server, answered with its button."""

import contextlib
import os
import pathlib

import pytest

from gi.repository import GLib

from fardel.files import make_file, sha256
from fardel.scenario import ALICE, BOB, eventually

from mocks import Notifications, wait_for_name
from screen import ATSPI, Screen

BUILD = pathlib.Path(os.environ["FARDEL_BUILD"])
NOTIFY = BUILD / "client-lib/notify/fardel-notify"
SERVERS = ["/usr/lib/notification-daemon/notification-daemon",  # Debian
           "/usr/libexec/notification-daemon",  # Fedora
           "/usr/lib/notification-daemon-1.0/notification-daemon"]  # Arch
COLOURS = 50  # more than an empty screen or one colour of text have


@pytest.fixture
def screen(work):
    """Not much larger than a notification."""
    with contextlib.closing(Screen(work, size=(420, 165))) as screen:
        yield screen


def place(thing):
    return thing.call(ATSPI + "Component", "GetExtents", GLib.Variant("(u)", (0,)))[0]


def save(screen, button, name):
    """When it is placed and painted, which is later than it is there: down to below its buttons, and still."""
    before = None

    def painted():
        nonlocal before
        x, y, _width, height = place(button)
        _, _, rows = screen.pixels()
        still, before = rows == before, rows
        return still and y + height + 4 < len(rows) and any(screen.pixel(x, y + height + 4))
    eventually(painted, timeout=30)
    assert screen.save(name) > COLOURS


def click(screen, button):
    """With the mouse: these buttons cannot be pressed otherwise."""
    x, y, width, height = place(button)
    screen.do("mousemove", x + width // 2, y + height // 2, "click", 1)


def test_picture(alice, bob, start, screen, work):
    settings = bob.home / ".config/gtk-3.0/settings.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text("[Settings]\ngtk-font-name=Cantarell 10\n")
    server = next(path for path in SERVERS if os.path.exists(path))
    start("notification-daemon", [server], bob, **screen.env)
    wait_for_name(bob.client.bus, Notifications.name)
    start("fardel-notify", [NOTIFY], bob)
    photo = make_file(work / "Karwendel, north face.jpg", 2_340_000)
    sent = alice.manager.offer(BOB, photo, description="The photo from <Sunday> & more")
    accept = screen.find("push button", "Accept")
    screen.find("label", f"File from {ALICE}")
    save(screen, accept, "notification.png")
    click(screen, accept)
    assert sent.end()["State"] == "done"
    assert sha256(bob.downloads / photo.name) == sha256(photo)
    screen.find("label", "File received")
    save(screen, screen.find("push button", "Show in folder"), "notification-result.png")

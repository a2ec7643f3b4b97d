# SPDX-License-Identifier: LGPL-2.1-or-later
"""A screen without a monitor, what is on it, and hands: programs are seen and used as by people with a screen reader."""

import contextlib
import itertools
import os
import pathlib
import struct
import subprocess
import zlib

from gi.repository import Gio, GLib

from fardel.bus import Bus
from fardel.process import Process
from fardel.scenario import eventually

ATSPI = "org.a11y.atspi."
ROOT = "/org/a11y/atspi/accessible/root"
VISIBLE = 1 << 30
REGISTRY = "/usr/libexec/at-spi2-registryd"


class Screen:
    """An X server and an accessibility bus; `env` is for the programs."""

    def __init__(self, directory, size=(640, 600)):
        self.directory = pathlib.Path(directory)
        reader, writer = os.pipe()
        self.server = Process("Xvfb", ["Xvfb", "-displayfd", str(writer), "-screen", "0", "{}x{}x24".format(*size),
                                       "-fbdir", str(self.directory), "-nolisten", "tcp", "-noreset"],
                              pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as display:
            self.display = f":{display.readline().strip()}"
        self.bus = Bus(self.directory)
        self.registry = Process("at-spi2-registryd", [REGISTRY], env=os.environ | {
            "DISPLAY": self.display, "AT_SPI_BUS_ADDRESS": self.bus.address, "DBUS_SESSION_BUS_ADDRESS": self.bus.address})
        self.connection = Gio.DBusConnection.new_for_address_sync(
            self.bus.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.connection.set_exit_on_close(False)
        self.desktop = Accessible(self.connection, "org.a11y.atspi.Registry", ROOT)
        self.env = {"DISPLAY": self.display, "AT_SPI_BUS_ADDRESS": self.bus.address, "GDK_BACKEND": "x11",
                    "GSK_RENDERER": "cairo", "GSETTINGS_BACKEND": "memory", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def close(self):
        self.connection.close_sync(None)
        self.registry.stop()
        self.bus.stop()
        self.server.stop()

    def find(self, role, name, timeout=30):
        """The first visible thing of that role that has this in its name."""
        found = []

        def look():
            with contextlib.suppress(GLib.Error):  # it went away meanwhile
                found.extend(itertools.islice(
                    (thing for thing in self.desktop.walk()
                     if role in thing.role and name in thing.name), 1))
            return found
        try:
            eventually(look, timeout)
        except AssertionError:
            raise AssertionError(f"no {role} {name!r} within {timeout} s, but:\n{self.text()}") from None
        return found[0]

    def do(self, *words):
        """Moves the mouse and presses keys, in the words of xdotool(1)."""
        subprocess.run(["xdotool", *map(str, words)], env=os.environ | self.env, check=True, timeout=30,
                       stdout=subprocess.DEVNULL)

    def type(self, title, text, *keys):
        """Types into the window with that title, in place of what is in its entry."""
        self.do("search", "--sync", "--onlyvisible", "--name", title, "windowfocus", "--sync")
        self.do("key", "ctrl+a", "type", text)
        for key in keys:
            self.do("key", key)

    def text(self):
        """All there is, a line each."""
        return "\n".join(f"{thing.role}: {thing.name}" for thing in self.desktop.walk() if thing.name)

    def pixels(self):
        """(width, height, rows of RGB bytes), from Xvfb's memory, which has the form of an XWD file."""
        data = (self.directory / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", data[:100])
        start, width, height, line = header[0] + header[19] * 12, header[4], header[5], header[12]
        rows = []
        for y in range(height):
            row = data[start + y * line:start + y * line + width * 4]
            rgb = bytearray(width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            rows.append(bytes(rgb))
        return width, height, rows

    def pixel(self, x, y):
        return self.pixels()[2][y][x * 3:x * 3 + 3]

    def save(self, name, size=None):
        """Keeps a picture of the screen's upper left; returns how many colours are in it."""
        width, height, rows = self.pixels()
        width, height = size or (width, height)
        rows = [row[:width * 3] for row in rows[:height]]

        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        path = pathlib.Path(os.environ["FARDEL_BUILD"]) / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
                         + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)) + chunk(b"IEND", b""))
        return len({row[x:x + 3] for row in rows for x in range(0, len(row), 3)})


class Accessible:
    """One thing on the screen, as assistive technology sees it."""

    def __init__(self, bus, name, path):
        self.at = bus, name, path

    def call(self, interface, method, args=None):
        bus, name, path = self.at
        return bus.call_sync(name, path, interface, method, args, None, Gio.DBusCallFlags.NONE, 10_000, None).unpack()

    def get(self, interface, name):
        return self.call("org.freedesktop.DBus.Properties", "Get", GLib.Variant("(ss)", (ATSPI + interface, name)))[0]

    @property
    def name(self):
        return self.get("Accessible", "Name").replace("\N{NO-BREAK SPACE}", " ")

    @property
    def role(self):
        return self.call(ATSPI + "Accessible", "GetRoleName")[0]

    @property
    def hidden(self):
        low, _high = self.call(ATSPI + "Accessible", "GetState")[0]
        return low and not low & VISIBLE  # programs and the desktop have no state at all

    def walk(self):
        """This and all that is visible in it."""
        yield self
        for name, path in self.call(ATSPI + "Accessible", "GetChildren")[0]:
            child = Accessible(self.at[0], name, path)
            if not child.hidden:
                yield from child.walk()

    def click(self):
        self.call(ATSPI + "Action", "DoAction", GLib.Variant("(i)", (0,)))

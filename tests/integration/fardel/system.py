# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardeld on a system bus of its own, and callers of several users."""

import contextlib
import json
import os
import pathlib
import pwd
import shutil

from gi.repository import Gio, GLib

from .bus import SystemBus
from .client import NAME, Client
from .daemon import binary
from .process import Process

# Users that every system has. None of them has more rights than another.
SERVICE, ANNA, BERT = (pwd.getpwnam(name) for name in ("daemon", "bin", "nobody"))
ROOT_UID = 0


@contextlib.contextmanager
def acting_as(uid):
    """What is opened and connected inside is so as that user."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(ROOT_UID)


def run_as(user, argv):
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *map(str, argv)]


class SystemDaemon:
    """`directory` must be reachable for all users."""

    def __init__(self, directory, broker):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "lib"
        (self.state / "fardel/Downloads").mkdir(parents=True)
        for path in (self.state, self.state / "fardel", self.state / "fardel/Downloads"):
            os.chown(path, SERVICE.pw_uid, SERVICE.pw_gid)
        # Its users may be unable to look into the directory of the build.
        self.binary = shutil.copy(binary(), self.directory)
        self.bus = SystemBus(self.directory, SERVICE.pw_name, broker=broker)
        self.env = {"PATH": os.environ["PATH"], "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
                    "HOME": str(self.state / "fardel"), "XDG_CONFIG_HOME": str(self.state),
                    "XDG_STATE_HOME": str(self.state), "G_DEBUG": "fatal-criticals",
                    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
        self.process = None
        self.monitor = Process("monitor", ["busctl", f"--address={self.bus.address}", "--json=short", "monitor"])
        self.monitor.wait_for_line("^Monitoring bus")
        self.root = self.client(ROOT_UID)
        self.start()

    def client(self, uid):
        with acting_as(uid):
            return Client(self.bus.address)

    def start(self):
        self.process = Process("fardeld", run_as(SERVICE, [self.binary, "--system", "--log-level=debug"]),
                               env=self.env)
        self.root.wait(self.root.has_owner, 20, "the daemon's name")

    def stop(self):
        assert self.process.stop() == 0, "\n".join(self.process.lines)

    def signals(self):
        """{(destination, path, member)} of all signals that the daemon has sent so far."""
        owner = self.root.bus.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
            GLib.Variant("(s)", (NAME,)), None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
        # Whatever it sent before it answered this is seen before the answer.
        marker = f"/org/fardel/Fardel1/marker/n{len(self.monitor.lines)}"
        self.root.bus.call_sync(NAME, marker, "org.freedesktop.DBus.Peer", "Ping", None, None,
                                Gio.DBusCallFlags.NONE, -1, None)
        self.monitor.wait_for_line(f'"path":"{marker}"')
        found = set()
        for line in self.monitor.lines:
            if line.startswith("{"):
                message = json.loads(line)
                if message["type"] == "signal" and message["sender"] == owner:
                    found.add((message.get("destination"), message["path"], message["member"]))
        return found

    def close(self):
        try:
            if self.process.running:
                self.stop()
        finally:
            self.monitor.stop()
            self.root.close()
            self.bus.stop()


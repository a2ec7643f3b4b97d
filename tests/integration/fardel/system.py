# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardeld on a system bus, and callers of several users."""

import json
import os
import pathlib
import shutil
import signal

from gi.repository import Gio, GLib

from .bus import SystemBus
from .client import NAME, Client
from .daemon import binary
from .files import make_file
from .manager import SystemManager
from .process import Process
from .users import ROOT_UID, SERVICE, acting_as, run_as


class SystemDaemon:
    """Just the program. `directory` must be reachable for all users."""

    def __init__(self, directory, broker=False):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "lib"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.state / "fardel"),
                    "XDG_CONFIG_HOME": str(self.state), "XDG_STATE_HOME": str(self.state),
                    "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.directory}/bus", "G_DEBUG": "fatal-criticals",
                    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
        self.process = None
        self.prepare(broker)
        self.monitor = Process("monitor", ["busctl", f"--address={self.env['DBUS_SYSTEM_BUS_ADDRESS']}",
                                           "--json=short", "monitor"])
        self.monitor.wait_for_line("^Monitoring bus")
        self.root = self.client(ROOT_UID)
        self.start()

    def prepare(self, broker):
        (self.state / "fardel/Downloads").mkdir(parents=True)
        for path in (self.state, self.state / "fardel", self.state / "fardel/Downloads"):
            os.chown(path, SERVICE.pw_uid, SERVICE.pw_gid)
        # Its user may be unable to look into the directory of the build.
        shutil.copy(binary(), self.directory)
        self.bus = SystemBus(self.directory, SERVICE.pw_name, broker=broker)

    def client(self, uid):
        with acting_as(uid):
            return Client(self.env["DBUS_SYSTEM_BUS_ADDRESS"])

    def start(self):
        self.process = Process("fardeld", run_as(SERVICE, [self.directory / "fardeld", "--system",
                                                           "--log-level=debug"]), env=self.env)
        self.root.wait(self.root.has_owner, 20, "the daemon's name")

    def stop(self):
        assert self.process.stop() == 0, "\n".join(self.process.lines)

    def reload(self):
        self.signal("SIGHUP")

    def signal(self, name):
        self.process.signal(signal.Signals[name])

    def shared_file(self, name, size):
        """One that the daemon can read: (path, path for the daemon)."""
        path = make_file(self.directory / name, size)
        return path, path

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
            self.stop()
        finally:
            self.monitor.stop()
            self.root.close()
            self.clean_up()

    def clean_up(self):
        self.bus.stop()


class SystemUnit(SystemDaemon):
    """The same by its unit, in its sandbox, of a systemd that is our own."""

    def prepare(self, broker):
        self.manager = SystemManager(self.directory, SERVICE.pw_name)

    def start(self):
        self.manager.systemctl("start", "fardel.service")

    def stop(self):
        self.manager.systemctl("stop", "fardel.service")
        assert self.manager.show("Result") == "success"

    def reload(self):
        self.manager.systemctl("reload", "fardel.service")

    def signal(self, name):
        self.manager.systemctl("kill", f"--signal={name}", "fardel.service")

    def shared_file(self, name, size):
        return make_file(self.directory / "srv" / name, size), pathlib.Path("/srv") / name

    def clean_up(self):
        self.manager.close()

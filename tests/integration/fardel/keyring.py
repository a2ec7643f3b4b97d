# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real gnome-keyring-daemon on a private bus, and secret-tool."""

import pathlib
import subprocess
import sys

from gi.repository import Gio, GLib

from .process import Process
from .scenario import eventually

NAME = "org.freedesktop.secrets"
PATH = "/org/freedesktop/secrets"
SERVICE = "org.freedesktop.Secret.Service"
LOGIN = PATH + "/collection/login"
MASTER = "opens the keyring"


class PlainService:
    """A Secret Service that cannot encrypt what it is given or gives."""

    XML = f"""<node><interface name="{SERVICE}"><method name="OpenSession">
      <arg type="s" direction="in"/><arg type="v" direction="in"/><arg type="v" direction="out"/><arg type="o" direction="out"/>
      </method></interface></node>"""

    def __init__(self, bus):
        interface = Gio.DBusNodeInfo.new_for_xml(self.XML).interfaces[0]
        bus.register_object(PATH, interface, self.open_session, None, None)
        bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                      GLib.Variant("(su)", (NAME, 0)), None, Gio.DBusCallFlags.NONE, -1, None)

    @staticmethod
    def open_session(_bus, _sender, _path, _interface, _method, arguments, invocation):
        if arguments[0] == "plain":
            invocation.return_value(GLib.Variant("(vo)", (GLib.Variant("s", ""), PATH + "/session/1")))
        else:
            invocation.return_dbus_error("org.freedesktop.DBus.Error.NotSupported", "only plain")


class User:
    """Whom a keyring asks; to be there before it starts."""

    def __init__(self, daemon):
        self.process = Process("prompter", [sys.executable, str(pathlib.Path(__file__).with_name("prompter.py"))],
                               env=daemon.env, stdin=subprocess.PIPE)
        self.name = self.process.wait_for_line("^:.*")[0]

    def will_answer(self, text):
        """The next question, with a password, or "" to cancel."""
        start = len(self.process.lines)
        self.process.popen.stdin.write(text.encode() + b"\n")
        self.process.popen.stdin.flush()
        self.process.wait_for_line("^ready$", start=start)

    @property
    def asked(self):
        return self.process.lines.count("asked")

    def close(self):
        self.process.kill()


class Keyring:
    """The keyring "login" in the home of `daemon`, a Daemon. What is in it stays
    when the service stops."""

    def __init__(self, daemon):
        self.env = daemon.env
        self.bus = Gio.DBusConnection.new_for_address_sync(
            daemon.bus.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.bus.set_exit_on_close(False)
        self.process = None

    def start(self, unlock=True, user=None):
        self.process = Process("gnome-keyring-daemon", [
            "gnome-keyring-daemon", "--foreground", "--components=secrets"] + (["--unlock"] if unlock else []),
            env=self.env | ({"GNOME_KEYRING_TEST_PROMPTER": user.name} if user else {}), stdin=subprocess.PIPE)
        self.process.popen.stdin.write(MASTER.encode())
        self.process.popen.stdin.close()
        eventually(lambda: self._call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner", "(s)",
                                      NAME)[0])
        return self

    def stop(self):
        self.process.stop()

    def close(self):
        if self.process and self.process.running:
            self.process.kill()
        if not self.bus.is_closed():
            self.bus.close_sync(None)

    def _call(self, name, path, interface, method, signature, *args):
        return self.bus.call_sync(name, path, interface, method, GLib.Variant(signature, args), None,
                                  Gio.DBusCallFlags.NONE, 10_000, None).unpack()

    def lock(self):
        self._call(NAME, PATH, SERVICE, "Lock", "(ao)", [LOGIN])

    def unlock(self):
        """As logging in does it, without a question."""
        session = self._call(NAME, PATH, SERVICE, "OpenSession", "(sv)", "plain", GLib.Variant("s", ""))[1]
        self._call(NAME, PATH, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface", "UnlockWithMasterPassword",
                   "(o(oayays))", LOGIN, (session, b"", MASTER.encode(), "text/plain"))

    def tool(self, command, *words, secret=None):
        """What secret-tool prints, or None if it finds nothing."""
        done = subprocess.run(["secret-tool", command, *words], env=self.env, input=(secret or "").encode(),
                              stdout=subprocess.PIPE, timeout=20, check=False)
        return done.stdout.decode() if done.returncode == 0 else None

    def store(self, jid, secret):
        assert self.tool("store", "--label=test", "xdg:schema", "org.fardel.Account", "jid", jid,
                         secret=secret) is not None

    def lookup(self, **attributes):
        words = [word for pair in attributes.items() for word in pair]
        return self.tool("lookup", "xdg:schema", "org.fardel.Account", *words)

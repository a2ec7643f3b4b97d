# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract as seen by a program on the bus. Waiting means waiting for
signals; what holds is read from the properties."""

import collections
import contextlib
import os
import time

from gi.repository import Gio, GLib

NAME = "org.fardel.Fardel1"
ROOT = "/org/fardel/Fardel1"
MANAGER = NAME + ".Manager"
ACCOUNT = NAME + ".Account"
TRANSFER = NAME + ".Transfer"
ERROR = NAME + ".Error."
DBUS_ERROR = "org.freedesktop.DBus.Error."
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"

INTEGERS = {"port": "q", "size": "x", "auto_accept_max_size": "t"}  # the others are u

TERMINAL = {"done", "rejected", "cancelled", "failed"}

Signal = collections.namedtuple("Signal", "time path interface name args")


class BusError(Exception):
    """An error reply; `name` is the short name of ours, else the full one."""

    def __init__(self, error):
        full = Gio.DBusError.get_remote_error(error) or "local"
        self.name = full.removeprefix(ERROR)
        self.message = error.message.removeprefix(f"GDBus.Error:{full}: ")
        super().__init__(f"{self.name}: {self.message}")


def variant(value):
    """The obvious D-Bus type of a Python value; a Variant stays what it is."""
    if isinstance(value, GLib.Variant):
        return value
    if isinstance(value, bool):
        return GLib.Variant("b", value)
    if isinstance(value, int):
        return GLib.Variant("u", value)
    if isinstance(value, (list, tuple)):
        return GLib.Variant("as", value)
    return GLib.Variant("s", str(value))


def options(values):
    """A Python dictionary as a{sv}; in keys "_" stands for "-"."""
    return {key.replace("_", "-"): GLib.Variant(INTEGERS[key], value) if key in INTEGERS and isinstance(value, int)
            else variant(value) for key, value in values.items()}


@contextlib.contextmanager
def pipe_with(data):
    """The reading end of a pipe that holds `data` and then ends."""
    reader, writer = os.pipe()
    try:
        os.write(writer, data)
        os.close(writer)
        yield reader
    finally:
        os.close(reader)


class Client:
    """A connection to a private bus and a record of the daemon's signals."""

    def __init__(self, address):
        self.bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.bus.set_exit_on_close(False)
        self.signals = []
        self.bus.signal_subscribe(NAME, None, None, None, None, Gio.DBusSignalFlags.NONE, self._record)
        self.bus.signal_subscribe("org.freedesktop.DBus", None, "NameOwnerChanged", None, NAME,
                                  Gio.DBusSignalFlags.NONE, self._record)
        self.manager = Manager(self, ROOT)

    def _record(self, _bus, _sender, path, interface, name, args):
        self.signals.append(Signal(time.monotonic(), path, interface, name, args.unpack()))

    def close(self):
        if not self.bus.is_closed():  # as it is when the bus ended
            self.bus.close_sync(None)

    def call(self, path, interface, method, signature=None, *args, fds=(), timeout=40):
        """Calls and returns the unpacked results: None, one, or a tuple."""
        body = GLib.Variant(signature, args) if signature else None
        fd_list = Gio.UnixFDList()
        for fd in fds:
            fd_list.append(fd)
        try:
            reply, _ = self.bus.call_with_unix_fd_list_sync(
                NAME, path, interface, method, body, None, Gio.DBusCallFlags.NO_AUTO_START,
                timeout * 1000, fd_list if fds else None, None)
        except GLib.Error as error:
            raise BusError(error) from None
        results = reply.unpack()
        return results[0] if len(results) == 1 else results or None

    def wait(self, condition, timeout=60, what="a condition"):
        """Asks again after every signal; returns what the condition returned."""
        context = GLib.MainContext.default()
        expired = []
        source = GLib.timeout_source_new(int(timeout * 1000))
        source.set_callback(lambda *_: expired.append(True))
        source.attach(context)
        try:
            while True:
                seen = len(self.signals)
                if result := condition():
                    return result
                while len(self.signals) == seen:
                    if expired:
                        raise AssertionError(f"waited {timeout} s for {what}")
                    context.iteration(True)
        finally:
            source.destroy()

    def spend(self, seconds):
        """Lets signals come in for a measurement over time."""
        loop = GLib.MainLoop()
        GLib.timeout_add(int(seconds * 1000), loop.quit)
        loop.run()

    def has_owner(self):
        return self.bus.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
            GLib.Variant("(s)", (NAME,)), None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]

    def transfers(self, **filters):
        return [Transfer(self, data["Path"])
                for data in self.manager.call("ListTransfers", "(a{sv})", options(filters))]

    def wait_for_offer(self, timeout=60, **filters):
        """An incoming offer that waits for an answer."""
        def offered():
            found = self.transfers(direction="incoming", state="offered", **filters)
            return found[0] if found else None
        return self.wait(offered, timeout, "an incoming offer")


class Remote:
    """One object with its main interface."""

    interface = None

    def __init__(self, client, path):
        self.client = client
        self.path = path

    def call(self, method, signature=None, *args, **kwargs):
        return self.client.call(self.path, self.interface, method, signature, *args, **kwargs)

    def __getitem__(self, name):
        return self.client.call(self.path, PROPERTIES, "Get", "(ss)", self.interface, name)

    def __setitem__(self, name, value):
        self.client.call(self.path, PROPERTIES, "Set", "(ssv)", self.interface, name, variant(value))

    def all(self):
        return self.client.call(self.path, PROPERTIES, "GetAll", "(s)", self.interface)

    def wait_for(self, name, *values, timeout=60):
        """Waits until a property has one of these values."""
        def reached():
            value = self[name]
            return value in values and (value,)
        try:
            return self.client.wait(reached, timeout)[0]
        except AssertionError:
            raise AssertionError(f"waited {timeout} s for {name} {values} of {self.path}, now: {self.all()}") from None

    def changes(self, name):
        """The values of a property as PropertiesChanged told them."""
        return [signal.args[1][name] for signal in self.client.signals
                if signal.path == self.path and signal.name == "PropertiesChanged" and name in signal.args[1]]


class Manager(Remote):
    interface = MANAGER

    def offer(self, peer, path, **values):
        return Transfer(self.client, self.call("Offer", "(ssa{sv})", peer, str(path), options(values)))

    def offer_fd(self, peer, fd, name, **values):
        return Transfer(self.client, self.call(
            "OfferFd", "(shsa{sv})", peer, 0, name, options(values), fds=[fd]))

    def offer_many(self, peer, paths, **values):
        return [Transfer(self.client, path) for path in self.call(
            "OfferMany", "(sasa{sv})", peer, [str(path) for path in paths], options(values))]

    def query_peer(self, peer, **values):
        return self.call("QueryPeer", "(sa{sv})", peer, options(values))

    def add_account(self, name, **settings):
        return Account(self.client, self.call("AddAccount", "(sa{sv})", name, options(settings)))


class Account(Remote):
    interface = ACCOUNT

    def set_password(self, text, **values):
        with pipe_with(text.encode()) as fd:
            self.call("SetPassword", "(ha{sv})", 0, options(values), fds=[fd])

    def contacts(self, **filters):
        return self.call("ListContacts", "(a{sv})", options(filters))

    def wait_for_contacts(self, condition, timeout=30):
        """Waits until the list fits; each look at it asks for a signal of the next change."""
        return self.client.wait(lambda: condition(self.contacts()), timeout, "contacts")


class Transfer(Remote):
    interface = TRANSFER

    def accept(self, destination, **values):
        destination = os.fspath(destination) if not isinstance(destination, str) else destination
        return self.call("Accept", "(sa{sv})", destination, options(values))

    def accept_fd(self, fd, **values):
        self.call("AcceptFd", "(ha{sv})", 0, options(values), fds=[fd])

    def end(self, timeout=120):
        """Waits for a terminal state and returns all properties."""
        self.wait_for("State", *TERMINAL, timeout=timeout)
        return self.all()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A desktop's services on a private bus: each notes what it was asked, and does what a user would do there."""

import collections
import itertools

from gi.repository import Gio, GLib

DBUS = "org.freedesktop.DBus"
REPLACE = 2  # flags of RequestName
OWNED = 1

Note = collections.namedtuple("Note", "summary body actions hints timeout")


def until(condition, what="something", timeout=30):
    """Lets the services answer until it is so; returns what the condition returned."""
    context = GLib.MainContext.default()
    expired = []
    # Also looks from time to time, for what comes without a message.
    sources = [GLib.timeout_add(50, lambda: True), GLib.timeout_add(timeout * 1000, expired.append, True)]
    try:
        while not (result := condition()):
            if expired:
                raise AssertionError(f"waited {timeout} s for {what}")
            context.iteration(True)
        return result
    finally:
        for source in sources[:1 if expired else 2]:
            GLib.source_remove(source)


def wait_for_name(bus, name):
    until(lambda: bus.call_sync(DBUS, "/", DBUS, "NameHasOwner", GLib.Variant("(s)", (name,)), None,
                                Gio.DBusCallFlags.NONE, -1, None).unpack()[0], name)


class Service:
    """One object with one name; a method call becomes a call of the Python method with its name."""

    name = path = xml = None
    properties = {}

    def __init__(self, address, flags=0):
        self.bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.bus.set_exit_on_close(False)
        self.calls = []
        if self.path:
            self.export(self.path, self.xml)
        assert self.request(flags) == OWNED

    def request(self, flags=0):
        return self.bus.call_sync(DBUS, "/", DBUS, "RequestName", GLib.Variant("(su)", (self.name, flags)), None,
                                  Gio.DBusCallFlags.NONE, -1, None).unpack()[0]

    def export(self, path, xml):
        for interface in Gio.DBusNodeInfo.new_for_xml(f"<node>{xml}</node>").interfaces:
            self.bus.register_object(path, interface, self._call, self._get, None)

    def _call(self, _bus, sender, path, _interface, method, args, invocation):
        self.calls.append((method, *args.unpack()))
        self.sender, self.called = sender, path
        reply = getattr(self, method)(*args.unpack())
        invocation.return_value(reply)

    def _get(self, _bus, _sender, _path, _interface, name):
        return self.properties[name]

    def emit(self, interface, name, signature, *args, path=None, to=None):
        if not self.bus.is_closed():  # a call may be under way when the service ends
            self.bus.emit_signal(to, path or self.path, interface, name, signature and GLib.Variant(signature, args))

    def asked(self, method):
        return [call[1:] for call in self.calls if call[0] == method]

    def close(self):
        if not self.bus.is_closed():
            self.bus.close_sync(None)


class Notifications(Service):
    """`shown` has what is on the screen, by number. An impatient user dismisses what is just being changed."""

    name = "org.freedesktop.Notifications"
    path = "/org/freedesktop/Notifications"
    xml = """<interface name="org.freedesktop.Notifications">
      <method name="GetCapabilities"><arg type="as" direction="out"/></method>
      <method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
        <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
        <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
      <method name="CloseNotification"><arg type="u" direction="in"/></method>
      <signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
      <signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal></interface>"""

    def __init__(self, address, capabilities=("actions", "body", "body-markup"), first=1):
        self.capabilities = capabilities
        self.numbers = itertools.count(first)
        self.shown = {}
        self.impatient = False
        super().__init__(address)

    def GetCapabilities(self):
        return GLib.Variant("(as)", (self.capabilities,))

    def Notify(self, _app, replaces, _icon, summary, body, actions, hints, timeout):
        if self.impatient and replaces:
            self.take_away(replaces)
        number = replaces if replaces in self.shown else next(self.numbers)
        self.shown[number] = Note(summary, body, dict(zip(actions[::2], actions[1::2])), hints, timeout)
        return GLib.Variant("(u)", (number,))

    def CloseNotification(self, number):
        self.take_away(number, 3)

    def take_away(self, number, reason=2):
        if self.shown.pop(number, None):
            self.emit(self.name, "NotificationClosed", "(uu)", number, reason)

    def wait_for(self, text, actions=None):
        """The number of a notification with this in its summary and, if told, with exactly these actions."""
        def found():
            for number, note in self.shown.items():
                if text in note.summary and (actions is None or list(note.actions) == list(actions)):
                    return number
            return None
        try:
            return until(found)
        except AssertionError:
            raise AssertionError(f"no notification {text!r} with {actions}; there is {self.shown}") from None

    def press(self, text, key, keep=False):
        """As servers do it, but for those that `keep` it for a while: the answer takes the notification away."""
        number = self.wait_for(text)
        assert key in self.shown[number].actions, self.shown[number]
        self.emit(self.name, "ActivationToken", "(us)", number, "token")
        self.emit(self.name, "ActionInvoked", "(us)", number, key)
        if not keep:
            self.take_away(number)

    def wait_for_none(self):
        until(lambda: not self.shown, "an empty screen")


class FileManager(Service):
    name = "org.freedesktop.FileManager1"
    path = "/org/freedesktop/FileManager1"
    xml = """<interface name="org.freedesktop.FileManager1"><method name="ShowItems">
      <arg type="as" direction="in"/><arg type="s" direction="in"/></method></interface>"""

    def ShowItems(self, _uris, _token):
        return None


class Portal(Service):
    """Answers nothing until choose()."""

    name = "org.freedesktop.portal.Desktop"
    path = "/org/freedesktop/portal/desktop"
    xml = """<interface name="org.freedesktop.portal.FileChooser"><method name="SaveFile">
      <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="a{sv}" direction="in"/>
      <arg type="o" direction="out"/></method><property name="version" type="u" access="read"/></interface>"""
    request_xml = """<interface name="org.freedesktop.portal.Request"><method name="Close"/>
      <signal name="Response"><arg type="u"/><arg type="a{sv}"/></signal></interface>"""
    properties = {"version": GLib.Variant("u", 3)}

    def SaveFile(self, _parent, _title, options):
        self.client = self.sender
        self.handle = f"{self.path}/request/{self.sender[1:].replace('.', '_')}/{options['handle_token']}"
        self.export(self.handle, self.request_xml)
        return GLib.Variant("(o)", (self.handle,))

    def Close(self):
        return None

    def choose(self, path=None):
        """What the user chose; None is to cancel."""
        until(lambda: self.asked("SaveFile"), "the file chooser")
        results = {"uris": GLib.Variant("as", [path.as_uri()])} if path else {}
        self.emit("org.freedesktop.portal.Request", "Response", "(ua{sv})", 0 if path else 1, results,
                  path=self.handle, to=self.client)


class Jobs(Service):
    """Plasma's view of jobs; `shown` has what each view shows."""

    name = "org.kde.JobViewServer"
    path = "/JobViewServer"
    xml = """<interface name="org.kde.JobViewServerV2"><method name="requestView"><arg type="s" direction="in"/>
      <arg type="i" direction="in"/><arg type="a{sv}" direction="in"/><arg type="o" direction="out"/></method></interface>"""
    view = """<interface name="org.kde.JobViewV3"><method name="update"><arg type="a{sv}" direction="in"/></method>
      <method name="terminate"><arg type="u" direction="in"/><arg type="s" direction="in"/>
      <arg type="a{sv}" direction="in"/></method><signal name="cancelRequested"/></interface>"""

    def __init__(self, address):
        self.shown = {}
        super().__init__(address)

    def requestView(self, _desktop, _capabilities, _hints):
        path = f"/org/kde/notificationmanager/jobs/{len(self.asked('requestView'))}"
        self.shown[path] = {}
        self.export(path, self.view)
        return GLib.Variant("(o)", (path,))

    def update(self, properties):
        self.shown[self.called].update(properties)

    def terminate(self, _error, _message, _hints):
        del self.shown[self.called]

    def cancel(self):
        (path,) = self.shown
        self.emit("org.kde.JobViewV3", "cancelRequested", None, path=path)


class OtherUI(Service):
    """Another program that shows the offers."""

    name = "org.fardel.Fardel1.OfferUI"

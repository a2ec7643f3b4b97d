# SPDX-License-Identifier: LGPL-2.1-or-later
"""Staying online: pins, full tables of descriptors, a machine that sleeps."""

import contextlib
import os
import resource

import pytest
from gi.repository import Gio, GLib

from fardel.bus import Bus
from fardel.client import BusError, variant
from fardel.daemon import Daemon, binary
from fardel.files import make_file
from fardel.process import Process
from fardel.prosody import UNTRUSTED, free_ports
from fardel.scenario import BOB, eventually

LOW = 64  # descriptors that the crowded daemon may have for itself
CROWD = 1200


class CrowdedDaemon(Daemon):
    """Inherits so many open descriptors that new ones are beyond what select() knows."""

    def launch(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 2 * CROWD:
            pytest.skip(f"no more than {hard} descriptors allowed here")
        with open("/dev/null", "rb") as null, contextlib.ExitStack() as stack:
            numbers = range(LOW, LOW + CROWD)
            for number in numbers:
                if not os.path.exists(f"/proc/self/fd/{number}"):
                    os.dup2(null.fileno(), number)
                    stack.callback(os.close, number)
            self.process = Process(self.name, ["prlimit", f"--nofile={2 * CROWD}", binary(), *self.arguments],
                                   env=self.env, pass_fds=numbers)


def descriptors(daemon):
    return sorted(map(int, os.listdir(f"/proc/{daemon.process.pid}/fd")))


def test_connects_with_1200_descriptors(prosody, work):
    daemon = CrowdedDaemon(work / "alice", "alice")
    with contextlib.closing(daemon):
        daemon.start()
        account = daemon.add_account("alice", prosody)
        account.call("Disconnect")
        account.wait_for("Status", "offline")
        # These fill the low numbers up, all but what is kept free for logging in.
        offers = 0
        with make_file(work / "file", 10).open("rb") as file:
            os.unlink(file.name)  # what cannot be opened again stays open
            while not set(range(1024)) <= set(descriptors(daemon)):
                assert offers < 4 * LOW
                daemon.manager.offer_fd(BOB, file.fileno(), f"file {offers}")
                offers += 1
        used = descriptors(daemon)
        assert len(used) > CROWD and used[-1] > 1024
        for _ in range(3):
            account.call("Connect")
            account.wait_for("Status", "online", timeout=30)
            account.call("Disconnect")
            account.wait_for("Status", "offline")


def test_pin(make_daemon, prosody):
    """The certificate is accepted though nobody trusts its issuer; with any other pin none is."""
    daemon = make_daemon("alice")
    account = daemon.add_account("alice", prosody, jid=f"alice@{UNTRUSTED}", online=False)
    account.wait_for("Status", "failed")
    message = account["ErrorMessage"]
    fingerprint = message.partition("SHA-256 ")[2][:64]
    assert "CN=fardel test stranger" in message and UNTRUSTED in message and "valid from" in message
    account.call("Update", "(a{sv})", {"pin-sha256": variant(fingerprint.upper())})
    account.wait_for("Error", "org.fardel.Fardel1.Error.AuthenticationFailed")  # TLS was fine; there is no such user
    account.call("Update", "(a{sv})", {"pin-sha256": variant("0" * 64)})
    account.wait_for("Error", "org.fardel.Fardel1.Error.TlsFailed")
    assert "pinned" in account["ErrorMessage"]


def test_pin_that_is_none(make_daemon, prosody):
    account = make_daemon("alice").add_account("alice", prosody)
    with pytest.raises(BusError) as error:
        account.call("Update", "(a{sv})", {"pin-sha256": variant("abc")})
    assert error.value.name == "InvalidOption"
    assert account["Status"] == "online"


LOGIN1 = "org.freedesktop.login1"


@pytest.fixture
def system_bus(work):
    directory = work / "system"
    directory.mkdir()
    bus = Bus(directory)
    yield bus
    bus.stop()


class FakeLogind:
    def __init__(self, address):
        self.bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
            None, None)
        self.bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                           GLib.Variant("(su)", (LOGIN1, 0)), None, Gio.DBusCallFlags.NONE, -1, None)

    def tell(self, sleeping):
        self.bus.emit_signal(None, "/org/freedesktop/login1", f"{LOGIN1}.Manager", "PrepareForSleep",
                             GLib.Variant("(b)", (sleeping,)))
        self.bus.flush_sync(None)


def test_waking_up(make_daemon, prosody, system_bus):
    logind = FakeLogind(system_bus.address)
    daemon = make_daemon("alice", env={"DBUS_SYSTEM_BUS_ADDRESS": system_bus.address})
    port = free_ports(1)[0]
    account = daemon.add_account("alice", prosody, port=port, online=False)
    account.wait_for("Status", "waiting")

    def woke():
        """More than once, since an attempt may be on its way just now."""
        logind.tell(True)
        logind.tell(False)
        return any("trying again at once" in line for line in daemon.process.lines)

    eventually(woke)


def test_the_system_bus_may_go(make_daemon, prosody, system_bus):
    daemon = make_daemon("alice", env={"DBUS_SYSTEM_BUS_ADDRESS": system_bus.address})
    daemon.add_account("alice", prosody)
    system_bus.process.kill()
    daemon.process.wait_for_line("system bus is gone")
    assert daemon.account("alice")["Status"] == "online"

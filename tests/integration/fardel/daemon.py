# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardeld with a home, a private bus and an account of its own."""

import os
import pathlib
import signal

from .bus import Bus
from .client import Account, Client
from .process import Process
from .prosody import Prosody, password


def binary():
    return os.environ.get("FARDELD") or str(pathlib.Path(__file__).parents[3] / "build/daemon/fardeld")


class Daemon:
    """`directory` must not exist; everything the daemon writes is below it."""

    def __init__(self, directory, name="fardeld", netns=None, arguments=("--log-level=debug",), env=None):
        self.name = name
        self.netns = netns
        self.arguments = list(arguments)
        self.directory = pathlib.Path(directory)
        self.home = self.directory / "home"
        self.downloads = self.home / "Downloads"
        self.config = self.home / ".config/fardel"
        self.state = self.home / ".local/state/fardel"
        self.runtime = self.directory / "run"
        self.downloads.mkdir(parents=True)
        self.runtime.mkdir(mode=0o700)
        # GIO would load what desktop packages of this machine add to it.
        modules = self.directory / "gio-modules"
        modules.mkdir()
        self.env = {key: value for key, value in os.environ.items() if key not in ("XDG_DATA_DIRS", "DISPLAY")} | {
            "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_STATE_HOME": str(self.home / ".local/state"), "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_DATA_HOME": str(self.home / ".local/share"), "XDG_RUNTIME_DIR": str(self.runtime),
            "GIO_MODULE_DIR": str(modules),
            "G_DEBUG": "fatal-criticals", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        } | (env or {})
        self.bus = Bus(self.directory, self.env)
        self.env["DBUS_SESSION_BUS_ADDRESS"] = self.bus.address
        self.client = Client(self.bus.address)
        self.process = None

    @property
    def manager(self):
        return self.client.manager

    def launch(self):
        """Starts the process without waiting for its name on the bus."""
        self.process = Process(self.name, [binary(), *self.arguments], env=self.env, netns=self.netns)

    def start(self):
        """Returns when the name is owned."""
        self.client.close()
        self.client = Client(self.bus.address)
        self.launch()
        try:
            self.client.wait(self.client.has_owner, 20)
        except AssertionError:
            raise AssertionError(f"{self.name} did not take its name:\n" + "\n".join(self.process.lines)) from None
        return self

    def add_account(self, user, prosody, name=None, secret=None, online=True, **settings):
        """Adds the account of a user of `prosody`; with the password unless it is False."""
        settings = {"jid": Prosody.jid(user), "server": prosody.address, "port": prosody.port,
                    "ca_file": prosody.ca_file, "allow_loopback": True} | settings
        account = self.manager.add_account(name or user, **settings)
        if secret is not False:
            account.set_password(secret or password(user))
        if online:
            account.wait_for("Status", "online", timeout=30)
        return account

    def account(self, name):
        return Account(self.client, f"/org/fardel/Fardel1/account/{name}")

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def kill(self):
        self.process.kill()

    def stop(self):
        """A clean end is part of every test."""
        code = self.process.stop()
        if code != 0:
            raise AssertionError(f"{self.name} ended with {code}")

    def close(self):
        try:
            if self.process and self.process.running:
                self.stop()
        finally:
            self.client.close()
            self.bus.stop()

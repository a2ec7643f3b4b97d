# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a case plays with: the one daemon of the suite, and for each play a fresh
account and a listener for it. A case is a function; one that has `yield` in it is
slow: what comes before is done for all slow cases, then they are waited for."""

import collections
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
import time

from gi.repository import GLib

from fardel.client import ERROR, TERMINAL
from fardel.daemon import Daemon

from certs import DOMAIN, Certificates
from server import JID, PASSWORD, PATIENCE, Peer, sasl

MAX_GAP = 0.050  # seconds in which the daemon's loop answers nobody
MAX_LOG = 60  # lines that one play may write into the user's journal
SETTLE = 8  # seconds for what was started to end; a question to a contact waits for 5

# Bytes that every further play may leave on the heap. Tables that grow keep their size,
# and what is sent and freed in another order leaves queues of other lengths: 2 KB have
# been seen. A flood that leaves a byte per stanza is above it, as is a session.
MAX_GROWTH = 4096

# Bytes of resident memory that the whole suite may leave behind. The bytes in use, above,
# are exact; but the C library keeps at the end of its heap what a large queue needed once,
# and the daemon lets 32 MiB wait for a server that does not read. Once, not for each flood.
MAX_RESIDENT = 40 << 20

Case = collections.namedtuple("Case", "name text function settings slow")
State = collections.namedtuple("State", "status error message")

CASES = []


class Failure(AssertionError):
    """A case did not end as it should."""


def case(name, text, **settings):
    """Registers a case; the settings are the account's."""
    def register(function):
        CASES.append(Case(name, text, function, settings, inspect.isgeneratorfunction(function)))
        return function
    return register


class World:
    """The daemon under test and what measures it."""

    def __init__(self, directory, heap=None):
        self.directory = directory
        self.certificates = Certificates(directory)
        self.heap = heap
        self.starts = 0
        self.daemon = self.probe = None

    def start(self):
        self.starts += 1
        home = self.directory / f"daemon-{self.starts}"
        self.heap_path = self.directory / f"heap-{self.starts}"
        # Without caches of their own in GLib and in further arenas the heap tells all.
        env = {"G_SLICE": "always-malloc", "MALLOC_ARENA_MAX": "1"}
        if self.heap:
            env |= {"LD_PRELOAD": str(self.heap), "FARDEL_HEAP": str(self.heap_path)}
        self.daemon = Daemon(home, arguments=(), env=env)
        self.daemon.start()
        self.probe = subprocess.Popen(
            [sys.executable, str(os.path.dirname(__file__)) + "/probe.py", self.daemon.bus.address,
             str(self.daemon.process.pid), str(self.daemon.bus.process.pid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.probe.stdout.readline()

    def stop(self):
        """Ends all; returns the daemon's exit code."""
        self.probe.stdin.close()
        self.probe.wait()
        daemon, code = self.daemon, None
        if daemon.process.running:
            code = daemon.process.stop()
        daemon.client.close()
        daemon.bus.stop()
        return code

    def kill(self):
        self.daemon.process.kill()
        self.stop()

    def mark(self):
        """What the prober measured since the last mark."""
        self.probe.stdin.write("mark\n")
        self.probe.stdin.flush()
        line = self.probe.stdout.readline()
        return json.loads(line) if line else {"gap": 0.0, "raw": 0.0, "answers": 0, "errors": 1}

    # -- what must come back to its base -----------------------------------

    def heap_in_use(self):
        """The least of some looks: the prober's questions need memory too."""
        return min(self._heap_in_use() for _ in range(5)) if self.heap else 0

    def _heap_in_use(self):
        time.sleep(0.002)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.heap_path))
            return int(connection.recv(64))

    def resident(self):
        self.heap_in_use()  # trims
        with open(f"/proc/{self.daemon.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))

    def settle(self, look, limit):
        """Looks until the value is at most the limit; the last value."""
        deadline = time.monotonic() + SETTLE
        while (value := look()) > limit and time.monotonic() < deadline:
            time.sleep(0.02)
        return value


class Play:
    """One run of a case: its account, its listener, its connections."""

    def __init__(self, world, item, number):
        self.world = world
        self.case = item
        self.name = f"{item.name.replace('-', '_')[:24]}_{number}"
        self.certificates = world.certificates
        self.client = world.daemon.client
        self.manager = self.client.manager
        self.account = None
        self.peers = []
        self.listener = self.listen()
        self.shown = State("", "", "")  # the error that was expected
        self.over = threading.Event()
        self.log_start = len(world.daemon.process.lines)

    def listen(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(PATIENCE)
        return listener

    def settings(self):
        values = {"jid": JID, "server": "127.0.0.1", "port": self.listener.getsockname()[1],
                  "ca_file": self.certificates.ca_file}
        for key, value in self.case.settings.items():
            values[key] = value(self) if callable(value) else value
        return {key: value for key, value in values.items() if value is not None}

    def begin(self):
        """Adds the account, which connects."""
        self.account = self.manager.add_account(self.name, **self.settings())
        if "client_certificate" not in self.case.settings:
            self.account.set_password(PASSWORD)

    def accept(self, listener=None):
        """The daemon's next connection."""
        try:
            sock, _ = (listener or self.listener).accept()
        except TimeoutError:
            raise Failure("the daemon did not connect") from None
        peer = Peer(sock, self.certificates)
        self.peers.append(peer)
        return peer

    def login(self):
        """A session as it should be, and the daemon thinks so too."""
        peer = self.accept().login()
        self.expect_online()
        return peer

    # -- what the user sees ------------------------------------------------

    def states(self):
        """The account's states as signals told them."""
        while GLib.MainContext.default().iteration(False):
            pass
        now, told = State("", "", ""), []
        for signal in list(self.client.signals):
            if signal.path == self.account.path and signal.name == "PropertiesChanged":
                change = signal.args[1]
                now = State(change.get("Status", now.status), change.get("Error", now.error),
                            change.get("ErrorMessage", now.message))
                told.append(now)
        return told

    def expect_online(self):
        def online():
            if failures := self.failures():
                raise Failure(f"not online but {failures[-1]}")
            return any(state.status == "online" for state in self.states())
        self.client.wait(online, PATIENCE, "the account to be online")

    def failures(self):
        return [state for state in self.states() if state.status in ("failed", "waiting") and state.error]

    def expect(self, status, error, *patterns):
        """The first failure that was shown; "|" is between what may be."""
        def shown():
            return next(iter(self.failures()), None)
        try:
            state = self.client.wait(shown, PATIENCE + 10, "an error of the account")
        except AssertionError:
            raise Failure(f"no error was shown; the account is {self.account['Status']}") from None
        self.shown = state
        if state.status not in status.split("|") or state.error.removeprefix(ERROR) not in error.split("|"):
            raise Failure(f"shown was {state}, expected {status} {error}")
        for pattern in patterns:
            if pattern.lower() not in state.message.lower():
                raise Failure(f"the message {state.message!r} lacks {pattern!r}")

    def expect_healthy(self, peer):
        """The session lives, as if nothing had been."""
        peer.sync()
        status = self.account["Status"]
        if status != "online":
            raise Failure(f"the session ended: {status}: {self.account['ErrorMessage']}")

    def drip(self, peer, data, pause=0.5):
        """Sends a byte now and then until the play is over."""
        def send():
            for byte in data:
                if self.over.wait(pause):
                    return
                try:
                    peer.send(bytes([byte]))
                except AssertionError:
                    return
        threading.Thread(target=send, daemon=True).start()

    def transfers(self):
        return self.manager.call("ListTransfers", "(a{sv})", {})

    def contacts(self):
        return {contact["jid"]: contact for contact in self.account.contacts()}

    # -- the end -----------------------------------------------------------

    def end(self):
        self.over.set()
        for peer in self.peers:
            peer.close()
        self.listener.close()
        if self.account:
            self.account.call("Remove")
        self.client.wait(lambda: all(transfer["State"] in TERMINAL for transfer in self.transfers()), PATIENCE,
                         "the end of all transfers")
        self.manager.call("ForgetFinished")

    def check_secrets(self):
        """The password is never on the wire without TLS, whatever its clothes."""
        for peer in self.peers:
            for secret in (PASSWORD, sasl.encode(PASSWORD), sasl.encode(f"\0alice\0{PASSWORD}")):
                if secret.encode() in peer.cleartext:
                    raise Failure("the password was sent in clear")

    def check_log(self):
        count = len(self.world.daemon.process.lines) - self.log_start
        if count > MAX_LOG:
            raise Failure(f"{count} lines in the log")

    def log(self, count=12):
        return self.world.daemon.process.lines[self.log_start:][-count:]

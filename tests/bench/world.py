# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server, two daemons and the links between them, all in memory."""

import os
import pathlib
import shutil
import tempfile
import time

from gi.repository import GLib

from fardel.daemon import Daemon
from fardel.files import make_file, sha256
from fardel.prosody import Prosody
from fardel.scenario import ALICE, BOB

from measure import Sample, cpu_seconds, peak_rss_mb
from reference import LONGEST_S, Delay

MEMORY = "/dev/shm"
POLL_S = 0.0005
START_S = 60
LINK_CROSSINGS = 4  # of the round trip alice, server, bob, server, alice


class World:
    """`rtt` in seconds is that of the path alice, server, bob and back; the bytestreams besides have no delay."""

    def __init__(self, rtt=0.0, active=1):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fardel-bench-", dir=MEMORY))
        self.delays, self.daemons, self.prosody = {}, [], None
        try:
            # Nagle's algorithm at the server would be what is measured.
            self.prosody = Prosody(self.directory, nagle=False)
            if rtt:
                self.delays = {user: Delay(self.prosody.port, rtt / LINK_CROSSINGS) for user in ("alice", "bob")}
            self.alice, self.bob = (self.start(user, active) for user in ("alice", "bob"))
            self.bob.account("bob")["AutoAccept"] = [ALICE]
        except BaseException:
            self.close()
            raise

    def port(self, user):
        return self.delays[user].port if self.delays else self.prosody.port

    def start(self, user, active):
        daemon = Daemon(self.directory / user, user, arguments=("--log-level=message",)).start()
        self.daemons.append(daemon)
        daemon.add_account(user, self.prosody, port=self.port(user))
        daemon.manager["MaxActiveTransfers"] = active
        return daemon

    def close(self):
        for daemon in self.daemons:
            daemon.close()
        for delay in self.delays.values():
            delay.stop()
        if self.prosody:
            self.prosody.stop()
        shutil.rmtree(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def make_sources(self, size, count):
        return [make_file(self.directory / f"file-{number}", size) for number in range(count)]

    def cpu(self):
        return sum(cpu_seconds(daemon.process.pid) for daemon in self.daemons)

    def signals(self, name):
        """Those of both daemons since the exchange began."""
        return [signal for daemon in self.daemons for signal in daemon.client.signals[self.marks[daemon]:]
                if signal.name == name]

    def some_byte_came(self):
        try:
            return any(entry.stat().st_size > 0 for entry in os.scandir(self.bob.downloads))
        except FileNotFoundError:  # a part that got its name meanwhile
            return True

    def wait_for_first_byte(self):
        """When a file or its part is longer than nothing. Looking for that costs the daemons nothing."""
        deadline = time.monotonic() + START_S
        while not self.some_byte_came():
            if time.monotonic() > deadline:
                raise AssertionError(f"no byte came within {START_S} s")
            GLib.MainContext.default().iteration(False)
            time.sleep(POLL_S)
        return time.monotonic()

    def wait_for_ends(self, count):
        """When the last of both daemons said Finished."""
        expired = []
        timer = GLib.timeout_add_seconds(LONGEST_S, expired.append, True)
        while len(found := self.signals("Finished")) < 2 * count:
            if expired:
                raise AssertionError(f"{2 * count - len(found)} ends are missing after {LONGEST_S} s")
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(timer)
        for signal in found:
            if signal.args[0] != "done":
                raise AssertionError(f"{signal.path} ended: {signal.args}")
        return max(signal.time for signal in found)

    def exchange(self, sources, transport, check=False):
        """One sample of fardel: all files at once."""
        self.marks = {daemon: len(daemon.client.signals) for daemon in self.daemons}
        cpu = self.cpu()
        offered = time.monotonic()
        self.alice.manager.offer_many(BOB, sources, transports=[transport])
        first = self.wait_for_first_byte()
        ended = self.wait_for_ends(len(sources))
        active = [signal.time for signal in self.signals("PropertiesChanged") if signal.args[1].get("State") == "active"]
        sample = Sample(
            bytes=sum(source.stat().st_size for source in sources), seconds=ended - min([first, *active]),
            cpu=self.cpu() - cpu, rss_mb=max(peak_rss_mb(daemon.process.pid) for daemon in self.daemons),
            signals=sum(len(daemon.client.signals) - self.marks[daemon] for daemon in self.daemons),
            first_byte=first - offered)
        self.settle(sources, transport, check)
        return sample

    def settle(self, sources, transport, check):
        """The files came, by this transport; nothing of them stays."""
        for daemon in self.daemons:
            for transfer in daemon.client.transfers():
                properties = transfer.all()
                if properties["Transport"] != transport or properties["Verified"] != "ok":
                    raise AssertionError(f"not by {transport}: {properties}")
                transfer.call("Forget")
        for source in sources:
            received = self.bob.downloads / source.name
            if check and sha256(received) != sha256(source):
                raise AssertionError(f"{received} differs")
            received.unlink()
        if left := os.listdir(self.bob.downloads):
            raise AssertionError(f"left over: {left}")

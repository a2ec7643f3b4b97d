# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two daemons and a server on hosts of their own, and what can go wrong there."""

import contextlib
import os
import signal
import subprocess
import time

from fardel.client import BusError, TERMINAL, Transfer
from fardel.daemon import Daemon
from fardel.netns import Network
from fardel.prosody import Prosody, password
from fardel.scenario import ALICE, BOB

USERS = ("alice", "bob")
DISK = 8 << 20  # bytes, of the small one
PATIENCE = 100  # s until a transfer that does not end counts as lost


def _run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)


class World:
    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(parents=True)
        self.disk = directory / "disk"
        self.disk.mkdir()
        self.stack = contextlib.ExitStack()
        self.daemons = {}
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.network = self.stack.enter_context(contextlib.closing(Network(users=USERS, routed=False)))
        _run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "fardel-torture", self.disk)
        self.stack.callback(_run, "umount", "-l", self.disk)
        (self.directory / "prosody").mkdir()
        self.prosody = Prosody(self.directory / "prosody", addresses=self.network.server_addresses,
                               netns=self.network.server)
        self.stack.callback(lambda: self.prosody.process.running and self.prosody.kill())
        for user in USERS:
            self._add_daemon(user)

    def _add_daemon(self, user):
        namespace, server = self.network.users[user]
        daemon = Daemon(self.directory / user, user, netns=namespace)
        self.daemons[user] = daemon
        self.stack.callback(self._close_daemon, daemon)
        daemon.start()
        daemon.add_account(user, self.prosody, server=server, allow_loopback=False, secret=False,
                           password_command=["echo", password(user)],
                           auto_accept=[ALICE] if user == "bob" else [])

    @staticmethod
    def _close_daemon(daemon):
        if daemon.process.running:
            daemon.process.signal(signal.SIGCONT)
            daemon.process.kill()
        daemon.client.close()
        daemon.bus.stop()

    def close(self):
        self.stack.close()

    @property
    def alice(self):
        return self.daemons["alice"]

    @property
    def bob(self):
        return self.daemons["bob"]

    def address(self, user):
        namespace = self.network.users[user][0]
        lines = _run("ip", "-n", namespace, "-4", "-o", "addr", "show", "lan0").stdout
        return lines.split()[3].partition("/")[0]

    # --- faults and their end ---

    def restart(self, user):
        """Kills it if it runs yet."""
        if self.daemons[user].process.running:
            self.daemons[user].kill()
        self.revive(user)

    def revive(self, user):
        """Starts it if it does not run because of us."""
        daemon = self.daemons[user]
        code = daemon.process.popen.poll()
        if code not in (None, 0, -signal.SIGKILL):
            raise AssertionError(f"{user}'s daemon ended by itself with {code}:\n" + "\n".join(daemon.process.lines[-20:]))
        if code is not None:
            daemon.start()

    def check_alive(self):
        for user in USERS:
            if not self.daemons[user].process.running:
                self.revive(user)
                raise AssertionError(f"{user}'s daemon ended after all was healed")

    def other_end(self, user, path):
        """The address that the bytes of `user` go to."""
        if path == "direct":
            return self.address("bob" if user == "alice" else "alice")
        return self.network.users[user][1]

    def cut(self, user, path):
        """The connections are reset."""
        _run("ip", "netns", "exec", self.network.users[user][0],
             "ss", "-K", "-t", "-n", "dst", self.other_end(user, path))

    @contextlib.contextmanager
    def hole(self, user, path):
        """What `user` sends vanishes."""
        route = ("route", "add", "blackhole", self.other_end(user, path) + "/32")
        namespace = self.network.users[user][0]
        _run("ip", "-n", namespace, *route)
        try:
            yield
        finally:
            _run("ip", "-n", namespace, "route", "del", *route[2:])

    def heal(self):
        """As at the start: all run and are online."""
        if not self.prosody.process.running:
            self.prosody.start()
        for user, daemon in self.daemons.items():
            daemon.process.signal(signal.SIGCONT)
            self.revive(user)
            daemon.account(user).wait_for("Status", "online", timeout=PATIENCE)

    # --- transfers ---

    def find(self, name):
        """What bob knows of a file, the newest last."""
        try:
            return [transfer for transfer in self.bob.client.transfers(direction="incoming")
                    if transfer["Name"] == name]
        except BusError:
            return []  # the daemon is down

    def progress(self, name):
        """(state, bytes) as bob sees it; nothing known: (None, 0)."""
        found = self.find(name)
        try:
            return (found[-1]["State"], found[-1]["Transferred"]) if found else (None, 0)
        except BusError:
            return None, 0

    def wait_for_bytes(self, name, wanted, timeout=30):
        """Until bob has that many bytes, or it is over."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            state, done = self.progress(name)
            if state in TERMINAL or (state and done >= wanted):
                return
            time.sleep(0.003)

    def end_of(self, daemon, path):
        """The final properties; of a daemon that may have been started anew."""
        return Transfer(daemon.client, path).end(timeout=PATIENCE)

    def parts(self):
        return [path for folder in (self.bob.downloads, self.disk)
                for path in folder.iterdir() if path.name.startswith(".")]

    def unfinished(self):
        """What alice's journal still knows; a sender keeps nothing of what has ended."""
        return [path.name for path in (self.alice.state / "transfers").iterdir() if path.name.isdigit()]

    def clean(self):
        """Whatever is left of one fault must not disturb the next."""
        for daemon in self.daemons.values():
            for transfer in daemon.client.transfers():
                if transfer["State"] not in TERMINAL:
                    with contextlib.suppress(BusError):
                        transfer.call("Cancel")
                        transfer.end(timeout=30)
            daemon.manager.call("ForgetFinished")
        for folder in (self.bob.downloads, self.disk):
            for path in folder.iterdir():
                os.unlink(path)

    def save(self, directory):
        """What the daemons said, for who looks for the cause."""
        directory.mkdir(parents=True, exist_ok=True)
        for user, daemon in self.daemons.items():
            lines = daemon.process.lines if daemon.process else []
            (directory / f"{user}.log").write_text("\n".join(self.logs.get(user, []) + lines) + "\n")
            _run("cp", "-r", daemon.state, directory / f"{user}.state")

    @property
    def logs(self):
        """The lines of processes that ended before."""
        kept = {user: [] for user in USERS}
        for user, daemon in self.daemons.items():
            for process in daemon.process.made:
                if process.name == user and process is not daemon.process:
                    kept[user] += process.lines + ["--- ended ---"]
        return kept

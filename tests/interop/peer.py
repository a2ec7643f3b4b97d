# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another client's protocol code under a driver program.

The program gets --jid, --password, --host, --port, --ca, --directory and
options of its own. It reads commands as lines of JSON, {"do": "send", "to":
full JID, "path": path}, {"do": "cancel"}, {"do": "quit"}, and tells events as
lines of JSON: {"event": "online", "jid": …}, "offer" (which it accepts unless
told --reject), "progress", "done" and "failed" with a "direction" of "in" or
"out", and "skip" when the client is not installed. Its log goes to stderr."""

import json
import os
import pathlib
import subprocess

from fardel.process import Process
from fardel.prosody import Prosody, password


class Skipped(Exception):
    """The client is not there; says why."""


class Peer(Process):
    """`directory` must not exist; everything the client writes is below it."""

    def __init__(self, name, argv, options, directory, prosody, user, server, netns=None):
        self.directory = pathlib.Path(directory)
        self.downloads = self.directory / "downloads"
        home, runtime = self.directory / "home", self.directory / "run"
        self.downloads.mkdir(parents=True)
        home.mkdir()
        runtime.mkdir(mode=0o700)
        outside = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_DATA_DIRS", "XDG_CONFIG_DIRS", "DBUS_STARTER_ADDRESS")
        env = {key: value for key, value in os.environ.items() if key not in outside} | {
            "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "XDG_STATE_HOME": str(home / ".local/state"),
            "XDG_CACHE_HOME": str(home / ".cache"), "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_RUNTIME_DIR": str(runtime), "LC_ALL": "C.UTF-8", "GSETTINGS_BACKEND": "memory",
            # No bus: nothing of the user's session is asked.
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/none",
        }
        self.seen = 0  # lines whose events were waited for
        self.jid = None
        super().__init__(name, [
            *map(str, argv), "--jid", Prosody.jid(user), "--password", password(user), "--host", server,
            "--port", str(prosody.port), "--ca", str(prosody.ca_file), "--directory", str(self.downloads), *options,
        ], env=env, netns=netns, stdin=subprocess.PIPE, stderr=subprocess.PIPE)

    def do(self, what, **arguments):
        self.popen.stdin.write(json.dumps({"do": what} | arguments).encode() + b"\n")
        self.popen.stdin.flush()

    def send(self, to, path):
        self.do("send", to=to, path=str(path))

    def wait_for_event(self, *names, timeout=60):
        """The first of these events after the one that was waited for last."""
        position = self.seen

        def match(line):
            nonlocal position
            position += 1
            if line.startswith("{"):
                event = json.loads(line)
                if event["event"] in names:
                    return event
            return None

        event = self.wait_for(match, " or ".join(names), timeout, self.seen)
        self.seen = position
        return event

    def end(self, timeout=60):
        """How the transfer ended."""
        return self.wait_for_event("done", "failed", timeout=timeout)

    def wait_until_online(self, timeout=30):
        event = self.wait_for_event("online", "skip", timeout=timeout)
        if event["event"] == "skip":
            raise Skipped(event["reason"])
        self.jid = event["jid"]

    def close(self):
        if self.running:
            self.do("quit")
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()
        self.popen.stdin.close()

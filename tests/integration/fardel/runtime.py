# SPDX-License-Identifier: LGPL-2.1-or-later
"""What programs look for in /run/systemd, where the machine has no systemd."""

import os
import pathlib
import socket
import subprocess
import threading

from .netns import NotPermitted
from .process import Process


class Runtime:
    """A directory that `mount` puts into the place of /run/systemd, in a mount namespace. It says that systemd
    has started the machine, and takes what is logged to the journal into `lines`, as if it was a process."""

    name = "journal"
    pid = os.getpid()

    def __init__(self, directory):
        done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotPermitted(done.stderr.strip())
        self.directory = pathlib.Path(directory)
        self.lines = []
        self.running = True
        Process.made.append(self)
        (self.directory / "system").mkdir(parents=True)
        (self.directory / "journal").mkdir()
        self._journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.directory / "journal/socket"
        self._journal.bind(str(path))
        path.chmod(0o666)
        pathlib.Path("/run/systemd").mkdir(exist_ok=True)
        self.mount = f"mount --bind {self.directory} /run/systemd"
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while data := self._journal.recv(65536):
            self.lines += [line.removeprefix(b"MESSAGE=").decode(errors="replace")
                           for line in data.split(b"\n") if line.startswith(b"MESSAGE=")]

    def close(self):
        self.running = False
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", str(self.directory / "journal/socket"))  # ends the thread

# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardelctl as people and scripts run it."""

import contextlib
import json
import os
import pathlib
import subprocess

from .terminal import Terminal

OK, FAILED, USAGE, NO_DAEMON, TRANSFER_FAILED, REJECTED, CANCELLED, TIMEOUT, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 130


def binary():
    return os.environ.get("FARDELCTL") or str(
        pathlib.Path(__file__).parents[3] / "build/client-lib/ctl/fardelctl")


BUILD = pathlib.Path(binary()).parents[2]


class Ctl:
    """fardelctl on the bus of a daemon."""

    def __init__(self, daemon, directory):
        self.env = daemon.env | {"LC_ALL": "C.UTF-8"}
        self.directory = directory

    def start(self, *arguments, **kwargs):
        kwargs = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | kwargs
        return subprocess.Popen([binary(), *map(str, arguments)], env=self.env, cwd=self.directory, **kwargs)

    def __call__(self, *arguments, expect=OK, stdin=b""):
        """What it prints on standard output, or on standard error if it fails."""
        ctl = self.start(*arguments, stdin=subprocess.PIPE)
        out, err = ctl.communicate(stdin, timeout=60)
        assert ctl.returncode == expect, (arguments, ctl.returncode, out, err)
        return (err if expect in (FAILED, USAGE, NO_DAEMON) else out).decode()

    def terminal(self, *arguments, program=None, **kwargs):
        """The same, or another program, on a terminal; to be left with its block."""
        return Terminal([program or binary(), *arguments], self.env, self.directory, **kwargs)

    def json(self, *arguments, **kwargs):
        return [json.loads(line) for line in self("--json", *arguments, **kwargs).splitlines()]


@contextlib.contextmanager
def running(ctl):
    """A command that is ended at the latest with the test."""
    try:
        yield ctl
    finally:
        ctl.kill()
        ctl.communicate()

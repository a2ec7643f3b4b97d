# SPDX-License-Identifier: LGPL-2.1-or-later
"""Child processes: their output is kept, they never outlive us, and what they
print is waited for instead of time."""

import ctypes
import re
import signal
import subprocess
import threading

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A command whose output lines (stdout and stderr) are collected."""

    made = []  # all of the running test, for its report

    def __init__(self, name, argv, env=None, netns=None):
        self.name = name
        self.lines = []
        self._news = threading.Condition()
        self._open = True
        prefix = ["ip", "netns", "exec", netns] if netns else []
        self.popen = subprocess.Popen(
            prefix + argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        Process.made.append(self)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    def _read(self):
        for line in self.popen.stdout:
            with self._news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._open = False
            self._news.notify_all()

    def wait_for_line(self, pattern, timeout=30, start=0):
        """The first match of a regular expression from line number `start` on."""
        found = None

        def seen():
            nonlocal found, start
            while start < len(self.lines) and not found:
                found = re.search(pattern, self.lines[start])
                start += 1
            return found or not self._open

        with self._news:
            self._news.wait_for(seen, timeout)
        if not found:
            state = "still runs" if self.running else f"ended with {self.popen.returncode}"
            raise AssertionError(
                f"{self.name} did not print {pattern!r} ({state}):\n" + "\n".join(self.lines[-40:]))
        return found

    def wait(self, timeout=15):
        """The exit code; negative for a signal."""
        code = self.popen.wait(timeout)
        self._reader.join()
        return code

    def signal(self, number):
        self.popen.send_signal(number)

    def stop(self, timeout=15):
        """Ends it as a service manager would, and returns the exit code."""
        if self.running:
            self.popen.terminate()
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout} s of SIGTERM") from None

    def kill(self):
        self.popen.kill()
        return self.wait()

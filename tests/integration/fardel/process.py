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


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A command whose output lines (stdout and stderr) are collected. `streams`
    are those of Popen where they differ; whole lines of both outputs mix in any case."""

    made = []  # all of the running test, for its report

    def __init__(self, name, argv, env=None, netns=None, **streams):
        self.name = name
        self.lines = []
        self._news = threading.Condition()
        prefix = ["ip", "netns", "exec", netns] if netns else []
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | streams
        self.popen = subprocess.Popen(prefix + argv, env=env, preexec_fn=die_with_parent, **streams)
        self._readers = [threading.Thread(target=self._read, args=(stream,), daemon=True)
                         for stream in (self.popen.stdout, self.popen.stderr) if stream]
        self._open = len(self._readers)
        for reader in self._readers:
            reader.start()
        Process.made.append(self)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    def _read(self, stream):
        for line in stream:
            with self._news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._open -= 1
            self._news.notify_all()

    def wait_for_line(self, pattern, timeout=30, start=0):
        """The first match of a regular expression from line number `start` on."""
        return self.wait_for(lambda line: re.search(pattern, line), repr(pattern), timeout, start)

    def wait_for(self, match, what, timeout=30, start=0):
        """What `match` says to the first line, from number `start` on, to which it says something."""
        found = None

        def seen():
            nonlocal found, start
            while start < len(self.lines) and not found:
                found = match(self.lines[start])
                start += 1
            return found or not self._open

        with self._news:
            self._news.wait_for(seen, timeout)
        if not found:
            state = "still runs" if self.running else f"ended with {self.popen.returncode}"
            raise AssertionError(
                f"{self.name} did not print {what} ({state}):\n" + "\n".join(self.lines[-40:]))
        return found

    def wait(self, timeout=15):
        """The exit code; negative for a signal."""
        code = self.popen.wait(timeout)
        for reader in self._readers:
            reader.join()
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

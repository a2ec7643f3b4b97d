# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs pytest and tells the results as TAP; everything else goes to stderr."""

import os
import signal
import sys

import pytest


class Tap:
    def __init__(self, out):
        self.out = out
        self.count = 0
        self.failed = False
        self.skipped = None

    def say(self, text):
        print(text, file=self.out, flush=True)

    def pytest_runtest_logstart(self):
        self.failed = False
        self.skipped = None

    def pytest_runtest_logreport(self, report):
        self.failed |= report.failed
        if report.skipped:
            self.skipped = report.longrepr[2].removeprefix("Skipped: ")

    def pytest_runtest_logfinish(self, nodeid):
        self.count += 1
        name = nodeid.partition("::")[2].replace("#", "")
        skip = f" # SKIP {self.skipped}" if self.skipped and not self.failed else ""
        self.say(f"{'not ok' if self.failed else 'ok'} {self.count} - {name}{skip}")


def main():
    tap = Tap(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # out of time: clean up
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--tb=short", *sys.argv[1:]], plugins=[tap])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        tap.say(f"1..{tap.count}")
        return 0
    tap.say(f"Bail out! pytest ended with {code}")
    return 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())

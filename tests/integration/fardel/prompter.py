# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers the questions of a keyring in place of a user: gcr's mock prompter, in
a process of its own. It prints its name on the bus. A line of standard input is
the next answer, an empty one is to cancel; "asked" is printed when it was given."""

import ctypes
import sys
import time


def load():
    for name in ("libgcr-base-3.so.1", "libgcr-4.so.4"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            pass
    sys.exit("There is no libgcr")


def main():
    gcr = load()
    gcr.gcr_mock_prompter_start.restype = ctypes.c_char_p
    print(gcr.gcr_mock_prompter_start().decode(), flush=True)
    for line in sys.stdin:
        if answer := line.rstrip("\n").encode():
            gcr.gcr_mock_prompter_expect_password_ok(answer, None)
        else:
            gcr.gcr_mock_prompter_expect_password_cancel()
        print("ready", flush=True)
        while gcr.gcr_mock_prompter_is_expecting():
            time.sleep(0.02)
        print("asked", flush=True)


main()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several users, which only root can be."""

import contextlib
import os
import pwd

# Users that every system has. None of them has more rights than another.
SERVICE, ANNA, BERT = (pwd.getpwnam(name) for name in ("daemon", "bin", "nobody"))
ROOT_UID = 0


@contextlib.contextmanager
def acting_as(uid):
    """What is opened and connected inside is so as that user."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(ROOT_UID)


def run_as(user, argv):
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *map(str, argv)]

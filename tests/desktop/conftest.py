# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs that people see, between two daemons that are there for a whole file."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

TESTS = pathlib.Path(__file__).parents[1]
sys.path[1:1] = [str(TESTS), str(TESTS / "integration")]

# Fixtures are found by name.
from integration.conftest import (  # noqa: E402, F401
    forget_processes, pytest_runtest_makereport, session_directory, work)
from fardel.daemon import Daemon  # noqa: E402
from fardel.process import Process  # noqa: E402
from fardel.prosody import Prosody  # noqa: E402
from screen import Screen  # noqa: E402

BUILD = pathlib.Path(os.environ["FARDEL_BUILD"])
# libfardel as it was built, for programs that are not.
LIBRARY = {"GI_TYPELIB_PATH": str(BUILD / "client-lib/fardel"), "LD_LIBRARY_PATH": str(BUILD / "client-lib/fardel")}
SETTINGS = """[Settings]
gtk-font-name=Cantarell 11
gtk-enable-animations=false
"""


@pytest.fixture(scope="module")
def prosody(session_directory):  # noqa: F811
    server = Prosody(tempfile.mkdtemp(dir=session_directory), users=("alice", "bob", "carol"),
                     contacts=(("alice", "bob"), ("alice", "carol")))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def log_in(session_directory, prosody):  # noqa: F811
    """The daemon of a user, who is online: log_in(name)."""
    with contextlib.ExitStack() as stack:
        def make(name):
            daemon = Daemon(pathlib.Path(tempfile.mkdtemp(dir=session_directory)) / name, name)
            stack.callback(daemon.close)
            daemon.start().add_account(name, prosody)
            settings = daemon.home / ".config/gtk-4.0/settings.ini"
            settings.parent.mkdir()
            settings.write_text(SETTINGS)
            return daemon
        yield make


@pytest.fixture(scope="module")
def users(log_in):
    """Alice and bob, who are contacts."""
    return log_in("alice"), log_in("bob")


@pytest.fixture
def alice(users):
    return users[0]


@pytest.fixture
def bob(users):
    return users[1]


@pytest.fixture
def start():
    """start(name, argv, the daemon whose user runs it): with all its children stopped after the test, as a terminal
    or a session would do."""
    with contextlib.ExitStack() as stack:
        def run(name, argv, user, stdin=subprocess.DEVNULL, **env):
            process = Process(name, [str(word) for word in argv], env=user.env | LIBRARY | env, stdin=stdin,
                              start_new_session=True)
            stack.callback(process.wait)
            stack.callback(lambda: process.running and os.killpg(process.pid, signal.SIGTERM))
            return process
        yield run


@pytest.fixture(scope="module")
def screen(session_directory):  # noqa: F811
    with contextlib.closing(Screen(tempfile.mkdtemp(dir=session_directory))) as screen_:
        yield screen_

# SPDX-License-Identifier: LGPL-2.1-or-later
import contextlib
import pathlib
import sys
import tempfile

import pytest

TESTS = pathlib.Path(__file__).parents[1]
sys.path[1:1] = [str(TESTS), str(TESTS / "integration")]

# Fixtures are found by name.
from integration.conftest import (  # noqa: E402, F401
    forget_processes, prosody, pytest_runtest_makereport, session_directory, work)
from fardel.daemon import Daemon  # noqa: E402


@pytest.fixture(scope="module")
def pair(session_directory, prosody):  # noqa: F811
    """Two daemons that are online, for all tests of a file: (alice, bob)."""
    with contextlib.ExitStack() as stack:
        daemons = []
        for name in ("alice", "bob"):
            directory = pathlib.Path(tempfile.mkdtemp(dir=session_directory)) / name
            daemon = Daemon(directory, name)
            stack.callback(daemon.close)
            daemon.start().add_account(name, prosody)
            daemons.append(daemon)
        yield daemons

# SPDX-License-Identifier: LGPL-2.1-or-later
import contextlib
import pathlib
import shutil
import tempfile

import pytest

from fardel.daemon import Daemon
from fardel.netns import Network, NotPermitted
from fardel.process import Process
from fardel.prosody import Prosody

LOG_LINES = 150


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for process in Process.made:
            report.sections.append((f"{process.name} ({process.pid})", "\n".join(process.lines[-LOG_LINES:])))


@pytest.fixture(scope="session", autouse=True)
def session_directory():
    """Short, since sockets live below it."""
    with tempfile.TemporaryDirectory(prefix="fardel-") as directory:
        yield pathlib.Path(directory)


@pytest.fixture
def work(session_directory):
    """A directory for one test."""
    directory = pathlib.Path(tempfile.mkdtemp(dir=session_directory))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(autouse=True)
def forget_processes():
    yield
    Process.made[:] = [process for process in Process.made if process.running]


@pytest.fixture(scope="module")
def prosody(session_directory):
    """One server for all tests of a file that leave it as it is."""
    with contextlib.closing(_Server(Prosody(tempfile.mkdtemp(dir=session_directory), users=USERS))) as server:
        yield server.prosody


USERS = ("alice", "bob", "carol")


class _Server:
    def __init__(self, prosody):
        self.prosody = prosody

    def close(self):
        if self.prosody.process.running:
            self.prosody.stop()


@pytest.fixture
def make_prosody(work):
    """A server of one's own: make_prosody(**arguments of Prosody)."""
    with contextlib.ExitStack() as stack:
        def make(**kwargs):
            directory = tempfile.mkdtemp(dir=work)
            return stack.enter_context(contextlib.closing(_Server(Prosody(directory, **kwargs)))).prosody
        yield make


@pytest.fixture
def make_daemon(work):
    """A started daemon with a bus and a home of its own: make_daemon(name, **arguments)."""
    with contextlib.ExitStack() as stack:
        def make(name, **kwargs):
            daemon = Daemon(work / name, name, **kwargs)
            stack.callback(daemon.close)
            return daemon.start()
        yield make


@pytest.fixture
def alice(make_daemon, prosody):
    daemon = make_daemon("alice")
    daemon.add_account("alice", prosody)
    return daemon


@pytest.fixture
def bob(make_daemon, prosody):
    daemon = make_daemon("bob")
    daemon.add_account("bob", prosody)
    return daemon


@pytest.fixture
def make_network():
    with contextlib.ExitStack() as stack:
        def make(**kwargs):
            try:
                return stack.enter_context(contextlib.closing(Network(**kwargs)))
            except NotPermitted as reason:
                pytest.skip(str(reason))
        yield make

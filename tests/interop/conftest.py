# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fardel and other clients in one network.

A test that is a row of the table has the marker row(peer, direction, path,
size); what it records as "result" is shown there when it passed."""

import contextlib
import pathlib
import sys
import tempfile

import pytest

TESTS = pathlib.Path(__file__).parents[1]
sys.path[1:1] = [str(TESTS), str(TESTS / "integration")]

# Fixtures are found by name.
from integration.conftest import (  # noqa: E402, F401
    alice, forget_processes, make_daemon, make_network, make_prosody, prosody,
    pytest_runtest_makereport, session_directory, work)
from fardel.netns import Network, NotPermitted  # noqa: E402
from fardel.prosody import Prosody  # noqa: E402
from peer import Peer, Skipped  # noqa: E402
from table import format_row  # noqa: E402

USERS = ("alice", "bob")


def pytest_configure(config):
    config.addinivalue_line("markers", "row(peer, direction, path, size): a row of the table of results")


def pytest_runtest_logreport(report):
    row = dict(report.user_properties).get("row")
    if not row or (report.when != "call" and report.passed):
        return
    if report.passed:
        result = dict(report.user_properties).get("result", "ok")
    elif report.skipped:
        result = "skipped: " + report.longrepr[2].removeprefix("Skipped: ")
    else:
        result = "FAILED"
    print(format_row(*row, result), file=sys.stderr, flush=True)


@pytest.fixture(autouse=True)
def name_row(request, record_property):
    if marker := request.node.get_closest_marker("row"):
        record_property("row", list(marker.args))


class World:
    """A server, alice who has fardel, and bob who has another client, each on a host of its own."""

    def __init__(self, directory, stack, routed, proxy):
        self.network = stack.enter_context(contextlib.closing(Network(users=USERS, routed=routed)))
        self.prosody = Prosody(directory, users=USERS, addresses=self.network.server_addresses,
                               netns=self.network.server, proxy=proxy)
        stack.callback(self.prosody.stop)

    def place(self, user):
        """The network namespace of a user and the server's address there."""
        return self.network.users[user]


@pytest.fixture(scope="module")
def worlds(session_directory):
    """worlds(routed, proxy): in a routed one the two users cannot reach each other; made once each."""
    made = {}
    with contextlib.ExitStack() as stack:
        def get(routed=False, proxy=True):
            if (routed, proxy) not in made:
                try:
                    made[routed, proxy] = World(tempfile.mkdtemp(dir=session_directory), stack, routed, proxy)
                except NotPermitted as reason:
                    pytest.skip(str(reason))
            return made[routed, proxy]
        yield get


@pytest.fixture
def make_fardel(make_daemon):
    """Alice's daemon in a world: make_fardel(world, **settings of the account), online."""
    def make(world, **settings):
        namespace, server = world.place("alice")
        daemon = make_daemon("alice", netns=namespace)
        daemon.add_account("alice", world.prosody, server=server, allow_loopback=False, **settings)
        return daemon
    return make


@pytest.fixture
def make_peer(work):
    """Bob's other client in a world: make_peer(world, argv, *options), online."""
    with contextlib.ExitStack() as stack:
        def make(world, argv, *options):
            namespace, server = world.place("bob")
            peer = Peer("bob", argv, options, work / "peer", world.prosody, "bob", server, namespace)
            stack.callback(peer.close)
            try:
                peer.wait_until_online()
            except Skipped as reason:
                pytest.skip(str(reason))
            return peer
        yield make

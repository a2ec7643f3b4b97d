# SPDX-License-Identifier: LGPL-2.1-or-later
"""The world that the guides speak of: alice@example.org and bob@example.net on
hosts of their own, servers that DNS knows and whose certificates are good, and
files and programs as in their examples."""

import contextlib
import os
import pathlib
import stat
import sys
import tempfile

import pytest

TESTS = pathlib.Path(__file__).parents[1]
sys.path[1:1] = [str(TESTS), str(TESTS / "integration")]

# Fixtures are found by name.
from integration.conftest import (  # noqa: E402, F401
    forget_processes, pytest_runtest_makereport, session_directory, work)
from fardel.client import BusError  # noqa: E402
from fardel.daemon import Daemon  # noqa: E402
from fardel.dns import Dns  # noqa: E402
from fardel.files import make_file  # noqa: E402
from fardel.netns import Network, NotPermitted  # noqa: E402
from fardel.prosody import Prosody, password  # noqa: E402
from guide import SOURCE, Desk  # noqa: E402

ALICE, BOB, WORK = "alice@example.org", "bob@example.net", "alice@example.com"

FARDELCTL = os.environ.get("FARDELCTL", SOURCE / "build/client-lib/ctl/fardelctl")

# In the place of password-store(1), with the one password that the guides ask for.
PASS = f"""#!/bin/sh
test "$*" = "show xmpp/work" && echo "{password(WORK)}"
"""


class World:
    def __init__(self, directory, stack):
        self.directory, self.stack = directory, stack
        self.network = stack.enter_context(contextlib.closing(Network(routed=False)))
        (directory / "server").mkdir()
        self.prosody = Prosody(
            directory / "server", users=(ALICE, BOB, WORK), contacts=((ALICE, BOB),), proxy=False, log_stanzas=True,
            addresses=self.network.server_addresses, netns=self.network.server)
        stack.callback(self.prosody.stop)
        self._make_names()
        self._make_programs()
        self.alice, self.bob = self._make_user("alice", ALICE), self._make_user("bob", BOB)
        self.desk = self._make_desk()

    def _make_programs(self):
        programs = self.directory / "bin"
        programs.mkdir()
        (programs / "fardelctl").symlink_to(FARDELCTL)
        (programs / "pass").write_text(PASS)
        (programs / "pass").chmod(stat.S_IRWXU)
        self.path = f"{programs}:{os.environ['PATH']}"

    def _make_names(self):
        address, = self.network.server_addresses
        records = {"xmpp.example.org": {"A": [address]}}
        for jid in (ALICE, BOB, WORK):
            domain = jid.partition("@")[2]
            records[f"_xmpp-client._tcp.{domain}"] = {"SRV": [(0, 0, self.prosody.port, "xmpp.example.org")]}
            records[f"_xmpps-client._tcp.{domain}"] = {}
        self.stack.enter_context(contextlib.closing(Dns(self.network, "alice", records)))
        self.network.set_resolver("bob", address)

    def _make_user(self, name, jid):
        daemon = Daemon(self.directory / name, name, netns=self.network.users[name][0],
                        env={"SSL_CERT_FILE": str(self.prosody.ca_file), "PATH": self.path})
        self.stack.callback(daemon.close)
        daemon.start()
        account = daemon.manager.add_account(name, jid=jid)
        account.set_password(password(jid))
        account.wait_for("Status", "online", timeout=30)
        return daemon

    def _make_desk(self):
        home = self.alice.home
        for name in ("holiday.jpg", "report.pdf", "photos/beach.jpg", "photos/sunset.jpg"):
            (home / name).parent.mkdir(exist_ok=True)
            make_file(home / name, 200_000)
        (home / "Pictures").mkdir()
        desk = Desk(self.alice, {"LC_ALL": "C.UTF-8"})
        self.stack.callback(desk.close)
        return desk

    def send_to_alice(self, path=None, **options):
        """Bob offers a file: (the transfer at Bob's, the one at Alice's)."""
        path = path or make_file(self.bob.home / "party.jpg", 200_000)
        sent = self.bob.manager.offer(ALICE, path, **options)
        return sent, self.alice.client.wait_for_offer()


    def exchange_until(self, heard):
        """Files from Bob to Alice, for a program of which nobody knows when it begins to listen."""
        for _ in range(20):
            _, incoming = self.send_to_alice()
            incoming.accept("")
            incoming.end()
            if heard():
                break


@pytest.fixture(scope="module")
def world(session_directory):
    with contextlib.ExitStack() as stack:
        try:
            yield World(pathlib.Path(tempfile.mkdtemp(dir=session_directory)), stack)
        except NotPermitted as reason:
            pytest.skip(str(reason))


@pytest.fixture
def desk(world):
    """Alice's, with nothing going on any more afterwards."""
    yield world.desk
    world.desk.close()
    for daemon in (world.alice, world.bob):
        for transfer in daemon.client.transfers():
            if transfer["State"] not in ("done", "rejected", "cancelled", "failed"):
                with contextlib.suppress(BusError):  # it has just ended
                    transfer.call("Cancel")
                transfer.end()
        daemon.manager.call("ForgetFinished")

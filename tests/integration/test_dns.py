# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers found by their SRV records (RFC 6120 §3.2, XEP-0368)."""

import contextlib

import pytest

from fardel.dns import Dns
from fardel.prosody import DOMAIN
from fardel.scenario import eventually

HOST = "xmpp.elsewhere.test"  # the certificate is for the domain all the same
STARTTLS = f"_xmpp-client._tcp.{DOMAIN}"
DIRECT = f"_xmpps-client._tcp.{DOMAIN}"
DEAD_PORT = 9  # nothing listens in the server's namespace


class World:
    """One user, whose daemon asks our name server, and a server."""

    def __init__(self, network, stack, make_prosody, make_daemon):
        self.network = network
        self.stack = stack
        self.namespace, self.address = network.users["alice"]
        self.prosody = make_prosody(addresses=(self.address,), proxy=False, netns=network.server)
        self.make_daemon = make_daemon
        self.dns = None

    def tell(self, **services):
        names = {"starttls": STARTTLS, "direct": DIRECT}
        records = {HOST: {"A": [self.address]}, "hole.test": {"A": ["10.99.0.1"]}}
        records |= {names[service]: value and {"SRV": value} for service, value in services.items()}
        self.dns = self.stack.enter_context(contextlib.closing(Dns(self.network, "alice", records)))
        self.daemon = self.make_daemon("alice", netns=self.namespace)

    def add(self, **settings):
        return self.daemon.add_account("alice", self.prosody, server="", port=0, online=False, **settings)


@pytest.fixture
def world(make_network, make_prosody, make_daemon):
    with contextlib.ExitStack() as stack:
        yield World(make_network(users=("alice",)), stack, make_prosody, make_daemon)


def online(account, timeout=30):
    account.wait_for("Status", "online", timeout=timeout)
    return account["Tls"]


def test_starttls_after_a_dead_host(world):
    world.tell(starttls=[(5, 0, DEAD_PORT, HOST), (10, 0, world.prosody.port, HOST)])
    tls = online(world.add())
    assert tls["protocol"] in ("TLSv1.2", "TLSv1.3")
    assert tls["cipher"]
    assert len(tls["certificate-sha256"]) == 64
    world.daemon.process.wait_for_line("refused.*trying the next server")


def test_direct_tls_after_a_dead_host(world):
    world.tell(direct=[(5, 0, DEAD_PORT, HOST), (10, 0, world.prosody.tls_port, HOST)])
    assert online(world.add())["protocol"] in ("TLSv1.2", "TLSv1.3")


def test_both_services_are_one_list(world):
    """The worse record would be refused, so the better one was used, whichever service it is of."""
    world.tell(starttls=[(20, 0, DEAD_PORT, HOST)], direct=[(10, 0, world.prosody.tls_port, HOST)])
    online(world.add())
    assert not any("refused" in line for line in world.daemon.process.lines)


def test_direct_means_direct(world):
    world.tell(starttls=[(1, 0, world.prosody.port, HOST)], direct=[(10, 0, DEAD_PORT, HOST)])
    account = world.add(tls="direct")
    account.wait_for("Status", "waiting")
    assert "refused" in account["ErrorMessage"]


def test_host_that_swallows_packets(world):
    world.tell(starttls=[(1, 0, 5222, "hole.test"), (2, 0, world.prosody.port, HOST)])
    online(world.add(), timeout=60)


def test_host_that_speaks_no_tls(world):
    """Prosody waits there for XML, and for our next words when it has got a ClientHello."""
    world.tell(direct=[(1, 0, world.prosody.port, HOST), (2, 0, world.prosody.tls_port, HOST)])
    online(world.add(), timeout=60)


def test_no_service(world):
    world.tell(starttls=[(0, 0, 0, ".")], direct=[(0, 0, 0, ".")])
    account = world.add()
    account.wait_for("Status", "waiting")
    assert account["Error"].rpartition(".")[2] == "ConnectionFailed"
    assert "SRV" in account["ErrorMessage"]


def test_name_server_that_says_nothing(world):
    world.tell(starttls=None, direct=None)
    account = world.add()
    world.dns.process.wait_for_line("SRV")
    assert world.daemon.manager["Version"]  # it goes on living
    account.wait_for("Status", "waiting", timeout=60)
    assert account["Error"].rpartition(".")[2] == "Timeout"
    assert "DNS" in account["ErrorMessage"]


def test_unreachable_until_the_network_changes(world):
    """Nobody waits for the next attempt when there is reason to hope."""
    world.tell(starttls=[(1, 0, DEAD_PORT, HOST)])
    account = world.add()
    account.wait_for("Status", "waiting")

    def changed():
        """More than once, since an attempt may be on its way just now."""
        for what in ("add", "del"):
            world.network.run("alice", "ip", "route", what, "10.98.0.0/24", "via", world.address)
        return any("trying again at once" in line for line in world.daemon.process.lines)

    eventually(changed)

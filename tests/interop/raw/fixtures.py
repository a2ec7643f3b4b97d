# SPDX-License-Identifier: LGPL-2.1-or-later
"""Alice has fardel, bob and carol are raw peers. One server and one daemon per
file; whatever a test leaves of its transfers is cancelled."""

import contextlib
import pathlib
import tempfile

import pytest

from fardel.client import TERMINAL
from fardel.daemon import Daemon
from fardel.prosody import Prosody

from .flows import DATA
from .jingle import Session, file
from .manners import flaws
from .peer import Peer

USERS = ("alice", "bob", "carol", "mallory")
CONTACTS = (("alice", "bob"), ("alice", "carol"))


class Alice:
    """The daemon as the peer sees it, and its user."""

    def __init__(self, daemon, account="alice"):
        self.daemon = daemon
        self.client = daemon.client
        self.manager = daemon.manager
        self.account = daemon.account(account)
        self.jid = self.account["FullJid"]

    def offer(self, peer, path, **options):
        """Offers a file: (transfer, session as the peer got it)."""
        transfer = self.manager.offer(peer.jid, path, **options)
        return transfer, Session.offered(peer)

    def is_offered(self, session, description, *transport, destination="", **accept):
        """The peer offers, the user accepts: the transfer."""
        assert session.initiate(description, *(transport or [session.s5b()])) == frozenset()
        transfer = self.wait_for_offer(session.peer)
        transfer.accept(destination, **accept)
        return transfer

    def wait_for_offer(self, peer):
        """Its offer that waits for the user."""
        return self.client.wait_for_offer(timeout=10, peer=peer.jid)

    def send_to(self, peer, data, *transport, name="file.bin", **accept):
        """An accepted offer of `data`: (transfer, session with their answer)."""
        session = Session(peer, self.jid)
        transfer = self.is_offered(session, file(size=len(data), name=name), *transport, **accept)
        return transfer, session.accepted()

    def alive(self):
        return self.daemon.process.running

    def clean(self):
        left = [transfer for transfer in self.client.transfers() if transfer["State"] not in TERMINAL]
        for transfer in left:
            with contextlib.suppress(Exception):  # it ended meanwhile
                transfer.call("Cancel")
        for transfer in left:
            transfer.wait_for("State", *TERMINAL, timeout=20)
        self.manager.call("ForgetFinished")


def error_of(end):
    return end["Error"].rpartition(".")[2]


@pytest.fixture(scope="module")
def server(session_directory):
    prosody = Prosody(tempfile.mkdtemp(dir=session_directory), users=USERS, contacts=CONTACTS, nagle=False)
    yield prosody
    prosody.stop()


@pytest.fixture(scope="module")
def start_alice(server, session_directory):
    """start_alice(config, prosody, **settings): a daemon with a home of its own."""
    with contextlib.ExitStack() as stack:
        def start(config="", prosody=server, **settings):
            directory = pathlib.Path(tempfile.mkdtemp(dir=session_directory)) / "alice"
            daemon = Daemon(directory, "alice")
            if config:
                daemon.config.mkdir(parents=True)
                (daemon.config / "fardel.conf").write_text(config)
            stack.callback(daemon.close)
            daemon.start()
            daemon.add_account("alice", prosody, **settings)
            return Alice(daemon)
        yield start


@pytest.fixture(scope="module")
def shared_alice(start_alice):
    made = []

    def get():
        """Another one after a crash, so that one bug fails one test."""
        if not made or not made[-1].alive():
            made.append(start_alice())
        return made[-1]
    return get


@contextlib.contextmanager
def lent(alice):
    """To one test, with nothing left by the one before."""
    yield alice
    assert alice.alive(), "fardeld died"
    alice.clean()


@pytest.fixture
def alice(shared_alice):
    with lent(shared_alice()) as alice:
        yield alice


@pytest.fixture
def make_peer(server):
    """make_peer(user, resource, **arguments of Peer), online."""
    made = []
    with contextlib.ExitStack() as stack:
        def make(user="bob", resource=None, **kwargs):
            made.append(stack.enter_context(contextlib.closing(Peer(server, user, resource, **kwargs))))
            return made[-1]
        yield make
    for peer in made:
        assert list(flaws(peer.received())) == []


@pytest.fixture
def bob(make_peer):
    return make_peer()


@pytest.fixture
def source(work):
    """A file that holds DATA."""
    path = work / "file.bin"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def hosts():
    """hosts(Streamhost(…)) is closed after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda host: stack.enter_context(contextlib.closing(host))


__all__ = ["Alice", "alice", "bob", "error_of", "hosts", "lent", "make_peer", "server", "shared_alice", "source",
           "start_alice"]

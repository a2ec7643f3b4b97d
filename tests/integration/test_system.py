# SPDX-License-Identifier: LGPL-2.1-or-later
"""One daemon for several users of a system bus: each has what is his own, and
learns nothing of the others."""

import contextlib
import hashlib
import os
import pathlib
import ssl
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import pytest
from gi.repository import Gio, GLib

from fardel.client import (
    ACCOUNT, DBUS_ERROR, MANAGER, NAME, OBJECT_MANAGER, PROPERTIES, ROOT, TRANSFER, Account, BusError, options,
    variant)
from fardel.netns import NotPermitted
from fardel.prosody import Prosody, password
from fardel.scenario import ALICE, BOB, Held, finish
from fardel.system import SystemDaemon, SystemUnit
from fardel.users import ANNA, BERT, ROOT_UID, acting_as, run_as

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")

CAROL = Prosody.jid("carol")
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
DENIED = DBUS_ERROR + "AccessDenied"
UNKNOWN = DBUS_ERROR + "UnknownObject"


class World:
    """Anna has alice's account, Bert has bob's."""

    def __init__(self, directory, prosody, daemon):
        self.directory = pathlib.Path(directory)
        self.prosody = prosody
        self.daemon = daemon
        self.root = self.daemon.root
        self.anna, self.bert = (self.daemon.client(user.pw_uid) for user in (ANNA, BERT))
        self.alice = self.add_account(self.anna, "alice")
        self.bob = self.add_account(self.bert, "bob")

    def settings(self, user):
        certificate = ssl.PEM_cert_to_DER_cert((self.prosody.directory / "good.crt").read_text())
        return {"jid": Prosody.jid(user), "server": self.prosody.address, "port": self.prosody.port,
                "pin_sha256": hashlib.sha256(certificate).hexdigest(), "allow_loopback": True}

    def add_account(self, client, user):
        account = client.manager.add_account(user, **self.settings(user))
        account.set_password(password(user))
        account.wait_for("Status", "online", timeout=30)
        return account

    def file(self, user, name):
        """A file of that user's only."""
        directory = self.directory / f"home-{user.pw_name}"
        if not directory.exists():
            directory.mkdir(mode=0o700)
            os.chown(directory, user.pw_uid, user.pw_gid)
        with acting_as(user.pw_uid):
            return open(directory / name, "r+b",
                        opener=lambda path, _flags: os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

    def offer(self, data, peer=BOB, **options):
        """Anna offers a file of hers."""
        with self.file(ANNA, "photo.jpg") as file:
            file.truncate()
            file.write(data)
            file.flush()
            return self.anna.manager.offer_fd(peer, file.fileno(), "photo.jpg", **options)

    def close(self):
        for client in (self.anna, self.bert):
            client.close()
        self.daemon.close()


DAEMONS = {"dbus-daemon": SystemDaemon, "dbus-broker": lambda directory: SystemDaemon(directory, broker=True),
           "systemd": SystemUnit}


@pytest.fixture(scope="module", params=DAEMONS)
def world(request, session_directory):
    session_directory.chmod(0o755)
    directory = pathlib.Path(tempfile.mkdtemp(dir=session_directory))
    directory.chmod(0o755)
    with contextlib.ExitStack() as stack:
        prosody = Prosody(tempfile.mkdtemp(dir=session_directory), users=("alice", "bob", "carol"))
        stack.callback(prosody.stop)
        try:
            daemon = DAEMONS[request.param](directory)
        except NotPermitted as reason:
            pytest.skip(str(reason))
        yield stack.enter_context(contextlib.closing(World(directory, prosody, daemon)))


@pytest.fixture(autouse=True)
def forget(world):
    yield
    for transfer in world.root.transfers():
        with contextlib.suppress(BusError):
            transfer.call("Cancel")
        transfer.end()
    world.root.manager.call("ForgetFinished")


def error_of(call, *args, **kwargs):
    with pytest.raises(BusError) as error:
        call(*args, **kwargs)
    return error.value


def managed(client):
    return {path for path in client.call(ROOT, OBJECT_MANAGER, "GetManagedObjects") if path != ROOT}


def children(client, path):
    text = client.call(path, INTROSPECTABLE, "Introspect")
    return {node.get("name") for node in ElementTree.fromstring(text).findall("node")}


def test_file_between_two_users(world):
    data = os.urandom(3_000_000)
    sent = world.offer(data)
    offer = world.bert.wait_for_offer()
    with world.file(BERT, "got.jpg") as target:
        offer.accept_fd(target.fileno())
        finish(sent, offer)
        assert target.seek(0) == 0 and target.read() == data
    assert managed(world.anna) == {world.alice.path, sent.path}
    assert managed(world.bert) == {world.bob.path, offer.path}
    assert managed(world.root) == managed(world.anna) | managed(world.bert)


def test_signals_go_to_those_they_concern(world):
    unique = {client: client.bus.get_unique_name() for client in (world.anna, world.bert, world.root)}
    stranger = world.daemon.client(ANNA.pw_uid)  # listens, and never calls
    for client in unique:
        client.signals.clear()
    sent = world.offer(os.urandom(5_000_000))
    held = Held(world.bert.wait_for_offer())
    for client in (world.anna, world.bert):
        client.wait(lambda: client.manager.changes("ActiveTransfers") == [1], 10)  # noqa: B023
    held.release()
    finish(sent, held.incoming)
    held.incoming.call("Forget")
    world.bert.wait(lambda: any(signal.name == "InterfacesRemoved" for signal in world.bert.signals), 10)

    def heard(client):
        """Of what there is now, what signals told this client of."""
        there_is = {world.alice.path, world.bob.path, sent.path, held.incoming.path}
        return there_is & {signal.args[0] if signal.name.startswith("Interfaces") else signal.path
                           for signal in client.signals}

    assert heard(world.anna) == {sent.path}
    assert heard(world.bert) == {held.incoming.path}
    assert heard(world.root) == {sent.path, held.incoming.path}
    assert stranger.signals == []
    sent_to = {destination for destination, path, _member in world.daemon.signals()}
    assert None not in sent_to, "a signal went to everybody"
    for destination, path, member in world.daemon.signals():
        if destination == unique[world.anna]:
            assert path not in (world.bob.path, held.incoming.path), member
        if destination == unique[world.bert]:
            assert path not in (world.alice.path, sent.path), member
    stranger.close()


def every_call(interface):
    """Each way to ask for an object of an interface: (interface, member, signature, arguments)."""
    yield INTROSPECTABLE, "Introspect", None, ()
    yield PROPERTIES, "GetAll", "(s)", (interface,)
    yield PROPERTIES, "GetAll", "(s)", ("",)
    yield OBJECT_MANAGER, "GetManagedObjects", None, ()
    if interface == ACCOUNT:
        yield PROPERTIES, "Get", "(ss)", (interface, "Jid")
        yield PROPERTIES, "Set", "(ssv)", (interface, "Enabled", variant(False))
        yield from ((interface, member, None, ()) for member in ("Connect", "Disconnect", "Remove"))
        yield from ((interface, member, "(a{sv})", ({},)) for member in ("Update", "ListContacts"))
    else:
        yield PROPERTIES, "Get", "(ss)", (interface, "Name")
        yield PROPERTIES, "Set", "(ssv)", (interface, "RateLimit", variant(5000))
        yield from ((interface, member, None, ()) for member in ("Reject", "Cancel", "Forget"))
        yield interface, "Resume", "(a{sv})", ({},)
        yield interface, "Accept", "(sa{sv})", ("", {})


def test_others_are_not_there(world):
    """Not even as something that one may not have: it is as if there was nothing."""
    sent = world.offer(b"x" * 1000)
    offer = world.root.wait_for_offer()
    cases = ((world.bert, world.alice.path, f"{ROOT}/account/nobodys", ACCOUNT),
             (world.bert, sent.path, f"{ROOT}/transfer/4000000", TRANSFER),
             (world.anna, world.bob.path, f"{ROOT}/account/nobodys", ACCOUNT),
             (world.anna, offer.path, f"{ROOT}/transfer/4000000", TRANSFER))
    for client, foreign, missing, interface in cases:
        for name, member, signature, args in every_call(interface):
            errors = [error_of(client.call, path, name, member, signature, *args) for path in (foreign, missing)]
            assert errors[0].name == errors[1].name == UNKNOWN, (member, errors)
            assert errors[0].message.replace(foreign, missing) == errors[1].message
    assert sent["State"] == "offered" and offer["State"] == "offered"

    assert world.anna.transfers() and all(t.path == sent.path for t in world.anna.transfers())
    assert managed(world.bert) == {world.bob.path, offer.path}
    for client, account, transfer in ((world.anna, world.alice, sent), (world.bert, world.bob, offer)):
        assert children(client, f"{ROOT}/account") == {account.path.rpartition("/")[2]}
        assert children(client, f"{ROOT}/transfer") == {transfer.path.rpartition("/")[2]}
    assert (world.anna.manager["PendingOffers"], world.bert.manager["PendingOffers"]) == (0, 1)
    world.bert.call(offer.path, TRANSFER, "Reject")


def test_nothing_tells_whether_others_have_anything(world):
    guest = world.daemon.client(ROOT_UID + 4)
    assert managed(guest) == set() and guest.transfers() == []
    assert children(guest, ROOT) == {"account", "transfer"}
    assert children(guest, f"{ROOT}/account") == children(guest, f"{ROOT}/transfer") == set()
    with world.file(ANNA, "any") as file:
        for account in ("u%u_alice" % ANNA.pw_uid, "nobodys"):
            for refused in (error_of(guest.manager.offer_fd, BOB, file.fileno(), "any", account=account),
                            error_of(guest.manager.query_peer, BOB, account=account)):
                assert refused.name == "NoSuchAccount"
                assert refused.message == f'There is no account "{account}"'
        assert error_of(guest.manager.offer_fd, BOB, file.fileno(), "any").name == "NoSuchAccount"
    guest.close()


def test_who_has_left_does_nothing(world):
    """Whoever sends and leaves at once cannot be named any more: that makes nobody's account."""
    guest = world.daemon.client(ROOT_UID + 4)
    settings = options(world.settings("carol") | {"enabled": False})
    message = Gio.DBusMessage.new_method_call(NAME, ROOT, MANAGER, "AddAccount")
    message.set_body(GLib.Variant("(sa{sv})", ("left", settings)))
    message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
    world.daemon.signal("SIGSTOP")
    guest.bus.send_message(message, Gio.DBusSendMessageFlags.NONE)
    guest.bus.flush_sync(None)
    guest.close()
    world.daemon.signal("SIGCONT")
    assert managed(world.root) == {world.alice.path, world.bob.path}


def test_numbers_are_of_ones_own(world):
    guest = world.daemon.client(ROOT_UID + 4)
    numbers = ("ActiveTransfers", "PendingOffers", "Progress")
    assert [guest.manager[name] for name in numbers] == [0, 0, -1.0]
    sent = world.offer(os.urandom(5_000_000), transports=["socks5-direct"])
    held = Held(world.bert.wait_for_offer())
    sent.wait_for("State", "active")
    held.incoming.wait_for("State", "active")
    assert (world.anna.manager["ActiveTransfers"], world.root.manager["ActiveTransfers"]) == (1, 2)
    assert [guest.manager[name] for name in numbers] == [0, 0, -1.0]
    held.release()
    finish(sent, held.incoming)
    assert guest.signals == []
    guest.close()


def test_paths_are_for_root(world):
    source, seen = world.daemon.shared_file("public", 1000)
    for call, args in ((world.anna.manager.offer, (BOB, seen)), (world.anna.manager.offer_many, (BOB, [seen]))):
        refused = error_of(call, *args)
        assert refused.name == DENIED and "OfferFd" in refused.message, refused
    sent = world.root.manager.offer(BOB, seen, account=world.alice["Id"])
    assert [transfer.path for transfer in world.anna.transfers()] == [sent.path]
    offer = world.bert.wait_for_offer()
    refused = error_of(offer.accept, "")
    assert refused.name == DENIED and "AcceptFd" in refused.message
    world.root.call(offer.path, TRANSFER, "Accept", "(sa{sv})", "", {})
    finish(sent, offer)
    assert (world.daemon.state / "fardel/Downloads/public").read_bytes() == source.read_bytes()


def test_what_only_root_may_set(world):
    for settings in ({"ca_file": "/etc/ssl/certs/ca-certificates.crt"}, {"password_command": ["id"]},
                     {"client_certificate": "/etc/passwd"}, {"auto_accept": [ALICE]},
                     {"auto_accept_folder": "/tmp"}):
        refused = error_of(world.anna.manager.add_account, "second", **world.settings("carol"), **settings)
        assert refused.name == DENIED, settings
    for name, value in (("AutoAccept", [BOB]), ("AutoAcceptFolder", "/tmp")):
        assert error_of(world.alice.__setitem__, name, value).name == DENIED
    for name in ("MaxActiveTransfers", "UploadLimit", "DownloadLimit", "DownloadFolder"):
        value = {"DownloadFolder": "/tmp", "MaxActiveTransfers": 9}.get(name, GLib.Variant("t", 0))
        assert error_of(world.anna.manager.__setitem__, name, value).name == DENIED
    assert error_of(world.anna.manager.call, "Reload").name == DENIED
    assert error_of(world.alice.set_password, "secret", save=True).name == "InvalidOption"
    assert world.alice["AutoAccept"] == [] and managed(world.anna) == {world.alice.path}

    account = Account(world.root, world.alice.path)
    account["AutoAccept"] = [BOB]
    assert error_of(world.alice.call, "Update", "(a{sv})", {"server": variant("elsewhere")}).name == DENIED
    account["AutoAccept"] = []
    world.alice.call("Update", "(a{sv})", {"strangers": variant("decline")})
    assert world.alice["Strangers"] == "decline"
    world.root.manager["MaxActiveTransfers"] = 5
    assert world.anna.manager["MaxActiveTransfers"] == 5


def test_ids_of_others_are_free(world):
    settings = world.settings("carol") | {"enabled": False}
    added = [client.manager.add_account("home", **settings) for client in (world.anna, world.bert, world.root)]
    assert [account.path.rpartition("/")[2] for account in added] == [
        f"u{ANNA.pw_uid}_home", f"u{BERT.pw_uid}_home", "home"]
    assert error_of(world.anna.manager.add_account, "home", **settings).name == "AccountExists"
    for account in added:
        account.call("Remove")


def test_account_given_by_root(world):
    """Its file says whose it is, and may say something else later."""
    file = world.daemon.state / "fardel/accounts.d/gift.conf"
    path = f"{ROOT}/account/gift"

    def give_to(user):
        file.write_text(f"[Account]\nJid={CAROL}\nEnabled=false\nOwner={user.pw_uid}\n")
        file.chmod(0o644)
        world.daemon.reload()

    give_to(ANNA)
    world.anna.wait(lambda: path in managed(world.anna), 20)
    assert path not in managed(world.bert)
    give_to(BERT)
    world.bert.wait(lambda: path in managed(world.bert), 20)
    assert path not in managed(world.anna)
    file.unlink()
    world.daemon.reload()
    world.bert.wait(lambda: path not in managed(world.bert), 20)


def test_one_user_cannot_have_it_all(world):
    settings = world.settings("carol") | {"enabled": False}
    added = [world.anna.manager.add_account(f"a{number}", **settings) for number in range(7)]
    assert error_of(world.anna.manager.add_account, "more", **settings).name == "LimitExceeded"
    world.bert.manager.add_account("more", **settings).call("Remove")
    for account in added:
        account.call("Remove")
    with world.file(ANNA, "any") as file:
        offers = [world.anna.manager.offer_fd(CAROL, file.fileno(), "any") for _ in range(96)]
        assert error_of(world.anna.manager.offer_fd, CAROL, file.fileno(), "any").name == "LimitExceeded"
        with world.file(BERT, "any") as other:
            world.bert.manager.offer_fd(CAROL, other.fileno(), "any").call("Cancel")
    for offer in offers:
        offer.call("Cancel")


def test_everything_has_its_owner_after_a_restart(world):
    sent = world.offer(b"x" * 1000, CAROL)
    world.daemon.stop()
    world.daemon.start()
    end = sent.end()
    assert (end["State"], "descriptor was lost" in end["ErrorMessage"]) == ("failed", True)
    assert managed(world.anna) == {world.alice.path, sent.path}
    assert managed(world.bert) == {world.bob.path}
    assert error_of(world.bert.call, sent.path, TRANSFER, "Forget").name == UNKNOWN
    assert oct(os.stat(world.daemon.state / "fardel/accounts.d").st_mode)[-3:] == "700"
    for account, user in ((world.alice, "alice"), (world.bob, "bob")):
        account.set_password(password(user))
        account.wait_for("Status", "online", timeout=30)


def test_command_line(world):
    control = os.environ.get("FARDELCTL") or str(pathlib.Path(__file__).parents[2] / "build/client-lib/ctl/fardelctl")
    env = world.daemon.env | {"HOME": "/"}

    def run(user, *arguments, **kwargs):
        return subprocess.run(run_as(user, [control, "--system", *arguments]), env=env, check=True, timeout=60,
                              capture_output=True, **kwargs).stdout

    assert b"alice" in run(ANNA, "account", "list") and b"bob" not in run(ANNA, "account", "list")
    with world.file(ANNA, "text") as file:
        file.write(b"hello")
        file.flush()
        run(ANNA, "send", BOB, file.name)
    offer = world.bert.wait_for_offer()
    assert run(BERT, "accept", str(offer["Id"]), "-") == b"hello"
    assert error_of(world.anna.call, offer.path, TRANSFER, "Forget").name == UNKNOWN
    assert b"text" in run(BERT, "list")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""libfardel from Python, against real daemons that come, go and change."""

import os
import shutil
import subprocess
import sys

import gi
import pytest
from gi.repository import Gio, GLib

from fardel.client import NAME
from fardel.daemon import Daemon, binary
from fardel.files import make_file, sha256
from fardel.prosody import Prosody, password
from fardel.scenario import ALICE, BOB

gi.require_version("Fardel", "1")
from gi.repository import Fardel  # noqa: E402

CAROL = Prosody.jid("carol")


def connect(daemon, **properties):
    """A client of the library on the bus of a daemon."""
    bus = Gio.DBusConnection.new_for_address_sync(
        daemon.bus.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
        | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    client = Fardel.Client(connection=bus, **properties)
    client.init(None)
    return client


def wait(condition, timeout=60):
    expired = []
    source = GLib.timeout_add_seconds(timeout, lambda: expired.append(True))
    while not (result := condition()):
        assert not expired, f"waited {timeout} s"
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(source)
    return result


class Result:
    """An asynchronous call that began; get() waits for what it returns."""

    def __init__(self, item, name, *arguments):
        self.finish = getattr(item, name + "_finish")
        self.result = None
        getattr(item, name + "_async")(*arguments, None, self._ready)

    def _ready(self, _source, result):
        self.result = result

    def get(self):
        wait(lambda: self.result)
        return self.finish(self.result)


def file(path):
    return Gio.File.new_for_path(str(path))


def options(**values):
    return GLib.Variant("a{sv}", {key.replace("_", "-"): value for key, value in values.items()})


@pytest.fixture(scope="module")
def clients(pair):
    return [connect(daemon) for daemon in pair]


def next_offer(client):
    offers = []
    handler = client.connect("offer-received", lambda _client, transfer: offers.append(transfer))
    try:
        return wait(lambda: offers and offers[0])
    finally:
        client.disconnect(handler)


def fails(code, function, *arguments):
    with pytest.raises(GLib.Error) as failure:
        function(*arguments)
    assert failure.value.matches(Fardel.error_quark(), code), failure.value
    return failure.value.message


def test_everything_is_a_property(clients, work):
    """Each property of the contract has one of the object."""
    alice, bob = clients
    sent = alice.offer_file_sync(BOB, file(make_file(work / "a.bin", 1000)), None, None)
    next_offer(bob).reject_sync(None)
    fails(Fardel.Error.REJECTED, sent.wait_sync, None)
    kinds = {"Transfer": sent, "Account": alice.get_accounts()[0], "Manager": alice}
    for kind, item in kinds.items():
        path = f"{os.environ['FARDEL_INTROSPECTION']}/org.fardel.Fardel1.{kind}.xml"
        with open(path, encoding="utf-8") as xml:
            node = Gio.DBusNodeInfo.new_for_xml(xml.read())
        missing = []
        for name in (prop.name for prop in node.interfaces[0].properties):
            kebab = "".join("-" + char.lower() if char.isupper() else char for char in name).removeprefix("-")
            kebab = {"direction": "incoming", "error-message": "error", "local-path": "local-file"}.get(kebab, kebab)
            if not item.find_property(kebab):
                missing.append(name)
            else:
                item.get_property(kebab)
        assert not missing
    assert sent.props.account is alice.get_accounts()[0]
    assert sent.props.ended_by == "remote"


def test_errors(clients, work):
    alice, _bob = clients
    source = file(make_file(work / "a.bin", 10))
    fails(Fardel.Error.NO_SUCH_ACCOUNT, alice.offer_file_sync, BOB, source,
          options(account=GLib.Variant("s", "nobody")), None)
    fails(Fardel.Error.INVALID_JID, alice.offer_file_sync, "@", source, None, None)
    message = fails(Fardel.Error.UNKNOWN_OPTION, alice.offer_file_sync, BOB, source,
                    options(colour=GLib.Variant("s", "red")), None)
    assert "colour" in message and not message.startswith("GDBus")
    fails(Fardel.Error.UNKNOWN_OPTION, alice.offer_files_sync, BOB, [source, source],
          options(name=GLib.Variant("s", "one")), None)
    with pytest.raises(GLib.Error) as failure:
        alice.offer_file_sync(BOB, file(work / "absent"), None, None)
    assert failure.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND)


def test_query(clients):
    alice, _bob = clients
    info = Result(alice, "query_peer", BOB, None).get().unpack()
    assert (info["jid"], info["online"], info["can-receive"]) == (BOB, True, True)


def test_contacts(clients):
    alice, _bob = clients
    contacts = alice.get_accounts()[0].get_contacts()
    contact = wait(lambda: next((contact for contact in contacts if contact.get_jid() == BOB), None))
    wait(lambda: contact.props.can_receive)
    assert contact.props.online
    assert contact.props.subscription == "both"
    assert [resource["can-receive"] for resource in contact.props.resources.unpack()] == [True]


def test_offer_of_the_past(pair, clients, work):
    """An offer that waits when a client comes is told to it."""
    alice, _bob = clients
    sent = alice.offer_file_sync(BOB, file(make_file(work / "a.bin", 10)), None, None)
    wait(lambda: sent.get_state() == Fardel.State.OFFERED)
    late = connect(pair[1])
    offer = next_offer(late)
    Result(offer, "accept", None, None).get()
    assert Result(offer, "wait").get()
    assert offer.get_local_file().get_parent().get_path() == str(pair[1].downloads)


def test_account(pair, clients, prosody):
    alice, _bob = clients
    settings = options(jid=GLib.Variant("s", CAROL), server=GLib.Variant("s", prosody.address),
                       port=GLib.Variant("q", prosody.port), ca_file=GLib.Variant("s", str(prosody.ca_file)))
    account = Result(alice, "add_account", "carol", settings).get()
    assert account in list(alice.get_accounts())
    wait(lambda: account.get_status() == Fardel.AccountStatus.WAITING_FOR_PASSWORD)
    account.set_password_sync("wrong", None, None)
    wait(lambda: account.get_status() == Fardel.AccountStatus.FAILED)
    assert account.props.error.matches(Fardel.error_quark(), Fardel.Error.AUTHENTICATION_FAILED)
    Result(account, "set_password", password("carol"), None).get()
    wait(lambda: account.get_status() == Fardel.AccountStatus.ONLINE)
    assert account.props.error is None
    assert account.props.tls.unpack()["protocol"].startswith("TLS")
    Result(account, "update", options(auto_accept=GLib.Variant("as", [ALICE]))).get()
    wait(lambda: account.props.auto_accept == [ALICE])
    account.update_sync(options(enabled=GLib.Variant("b", False)), None)
    wait(lambda: account.get_status() == Fardel.AccountStatus.OFFLINE)
    account.connect_sync(None)
    wait(lambda: account.get_status() == Fardel.AccountStatus.ONLINE)
    account.remove_sync(None)
    wait(lambda: len(alice.get_accounts()) == 1)


def test_restart_during_wait(pair, clients, work):
    """The receiving daemon is killed in the middle; who waits learns of the end all the same."""
    source = make_file(work / "a.bin", 400_000)
    bob, (sender, receiver) = pair[1], clients
    before = list(receiver.get_transfers())
    sent = sender.offer_file_sync(BOB, file(source), options(rate_limit=GLib.Variant("t", 20_000)), None)
    offer = next_offer(receiver)
    offer.accept_sync(None, None, None)
    waiting = [Result(offer, "wait"), Result(sent, "wait")]
    wait(lambda: offer.get_transferred() > 0)
    bob.kill()
    wait(lambda: not receiver.is_running())
    assert not waiting[0].result and list(receiver.get_transfers()) == [*before, offer]
    sent.props.rate_limit = 0
    wait(lambda: sent.props.rate_limit == 0)
    bob.start()
    wait(receiver.is_running)
    bob.account("bob").set_password(password("bob"))
    assert [result.get() for result in waiting] == [True, True]
    assert offer.props.offset > 0
    assert receiver.get_transfers()[-1] is offer
    assert sha256(offer.get_local_file().get_path()) == sha256(source)


def test_activation(work):
    """A daemon that is not there is started when the client is made, or when it is asked for something."""
    daemon = Daemon(work / "lazy", "lazy")
    try:
        client = connect(daemon)
        assert not client.is_running()
        service = daemon.bus.services / f"{NAME}.service"
        service.write_text(f"[D-BUS Service]\nName={NAME}\nExec={binary()}\n")
        daemon.client.bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig", None, None, 0,
                                    -1, None)
        asleep = connect(daemon, autostart=False)
        assert not asleep.is_running()
        fails(Fardel.Error.NO_SUCH_ACCOUNT, client.query_peer_sync, BOB, None, None)
        wait(client.is_running)
        wait(asleep.is_running)
        assert client.props.version
        pid = daemon.client.bus.call_sync(
            "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixProcessID",
            GLib.Variant("(s)", (NAME,)), None, 0, -1, None).unpack()[0]
        os.kill(pid, 15)
        wait(lambda: not client.is_running())
        assert connect(daemon).is_running()
        wait(client.is_running)
    finally:
        daemon.close()


SANDBOXED = """
import os, sys
import gi
gi.require_version("Fardel", "1")
from gi.repository import Fardel, Gio, GLib
client = Fardel.Client.new_sync(None)
offer = next(offer for offer in client.get_transfers() if offer.get_state() == Fardel.State.OFFERED)
os.chroot(sys.argv[1])
sent = client.offer_file_sync(sys.argv[2], Gio.File.new_for_path("/inside.txt"), None, None)
print(sent.props.app_id, client.query_peer_sync(sys.argv[2], None, None)["online"])
try:
    offer.accept_sync(Gio.File.new_for_path("/"), None, None)
except GLib.Error as error:
    print(error.matches(Gio.DBusError.quark(), Gio.DBusError.ACCESS_DENIED), os.listdir("/"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change its root directory")
def test_sandbox(pair, clients, work):
    """A program with other paths than the daemon offers its files; to accept it needs the user's permission."""
    root = work / "root"
    root.mkdir()
    (root / "inside.txt").write_text("from inside")
    (root / ".flatpak-info").write_text("[Application]\nname=org.example.App\n\n[Instance]\ninstance-id=1\n")
    alice, bob = clients
    outside = bob.offer_file_sync(ALICE, file(make_file(work / "a.bin", 10)), None, None)
    next_offer(alice)
    done = subprocess.run([sys.executable, "-c", SANDBOXED, str(root), BOB], env=pair[0].env, capture_output=True,
                          text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "org.example.App True"
    denied, _, names = done.stdout.splitlines()[1].partition(" ")
    assert denied == "True" and sorted(eval(names)) == [".flatpak-info", "inside.txt"]
    assert outside.get_state() == Fardel.State.OFFERED
    outside.cancel_sync(None)
    offer = next_offer(bob)
    offer.accept_sync(None, None, None)
    assert Result(offer, "wait").get()
    assert sha256(offer.get_local_file().get_path()) == sha256(root / "inside.txt")


def test_other_data(clients, work):
    """A file that has no path goes as a stream."""
    alice, bob = clients
    (work / "data.txt").write_text("from a resource\n" * 1000)
    (work / "test.xml").write_text(
        "<gresources><gresource prefix='/py'><file>data.txt</file></gresource></gresources>")
    subprocess.run([shutil.which("glib-compile-resources"), "test.xml", "--target=test.gresource"], cwd=work, check=True)
    Gio.Resource.load(str(work / "test.gresource"))._register()
    sent = alice.offer_file_sync(BOB, Gio.File.new_for_uri("resource:///py/data.txt"), None, None)
    offer = next_offer(bob)
    assert (offer.get_name(), offer.get_size()) == ("data.txt", 16_000)
    offer.accept_sync(file(work / "got"), None, None)
    assert Result(sent, "wait").get() and Result(offer, "wait").get()
    assert (work / "got").read_text() == (work / "data.txt").read_text()

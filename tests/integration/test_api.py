# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method with arguments, objects and states that it must refuse, and the
commands of a shell script."""

import os
import subprocess
import sys

import pytest

from fardel.client import ACCOUNT, DBUS_ERROR, MANAGER, NAME, ROOT, TRANSFER, Account, BusError, Transfer, options
from fardel.files import make_file, sha256
from fardel.prosody import Prosody
from fardel.scenario import ALICE, BOB, Held, eventually, finish, hold

UNKNOWN_OBJECT = DBUS_ERROR + "UnknownObject"
FILE_NOT_FOUND = DBUS_ERROR + "FileNotFound"


def fails(name, function, /, *args, word="", **kwargs):
    """The call fails with this error, and its message has this word."""
    with pytest.raises(BusError) as error:
        function(*args, **kwargs)
    assert error.value.name == name, str(error.value)
    assert word in error.value.message
    assert " " in error.value.message
    return error.value.message


@pytest.fixture
def source(work):
    return make_file(work / "file.bin", 10_000)


@pytest.mark.parametrize("peer", ["", "@", "bob@", "a b@fardel.test", "bob@fardel.test/",
                                  pytest.param("bob@" + "x" * 1100, id="too long")])
def test_bad_jids(alice, source, peer):
    fails("InvalidJid", alice.manager.offer, peer, source)
    fails("InvalidJid", alice.manager.query_peer, peer)
    fails("InvalidJid", alice.manager.offer_many, peer, [source])


def test_bad_paths(alice, work, source):
    fails("InvalidPath", alice.manager.offer, BOB, "relative/file")
    fails("InvalidPath", alice.manager.offer, BOB, "")
    fails("InvalidPath", alice.manager.offer, BOB, work)
    fails("InvalidPath", alice.manager.offer, BOB, "/dev/null")
    os.mkfifo(work / "fifo")
    fails("InvalidPath", alice.manager.offer, BOB, work / "fifo")
    missing = str(work / "missing")
    fails(FILE_NOT_FOUND, alice.manager.offer, BOB, missing, word=missing)
    fails(FILE_NOT_FOUND, alice.manager.offer_many, BOB, [source, missing], word=missing)
    (work / "empty").mkdir()
    fails("InvalidPath", alice.manager.offer_many, BOB, [work / "empty"])
    fails("InvalidPath", alice.manager.offer_many, BOB, [])
    assert alice.client.transfers() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read(alice, source):
    source.chmod(0)
    fails(DBUS_ERROR + "AccessDenied", alice.manager.offer, BOB, source)


@pytest.mark.parametrize("values, name", [
    ({"colour": "red"}, "UnknownOption"),
    ({"description": 5}, "InvalidOption"),
    ({"timeout": "soon"}, "InvalidOption"),
    ({"transports": ["carrier-pigeon"]}, "InvalidOption"),
    ({"transports": "ibb"}, "InvalidOption"),
    ({"bind": "yes"}, "InvalidOption"),
    ({"account": "nobody"}, "NoSuchAccount"),
])
def test_offer_options(alice, source, values, name):
    key = next(iter(values))
    fails(name, alice.manager.offer, BOB, source, word="nobody" if key == "account" else key, **values)
    fails(name, alice.manager.offer_many, BOB, [source], **values)
    with source.open("rb") as file:
        fails(name, alice.manager.offer_fd, BOB, file.fileno(), "name", **values)
    assert alice.client.transfers() == []


def test_options_of_one_kind_of_offer(alice, source):
    with source.open("rb") as file:
        fails("UnknownOption", alice.manager.call, "OfferFd", "(shsa{sv})", BOB, 0, "name", options({"name": "x"}),
              fds=[file.fileno()], word="name")
        fails("InvalidOption", alice.manager.offer_fd, BOB, file.fileno(), "name", size=5, word="size")
    fails("UnknownOption", alice.manager.offer, BOB, source, size=5, word="size")
    fails("UnknownOption", alice.manager.offer_many, BOB, [source], name="x", word="name")
    fails("InvalidOption", alice.manager.offer, BOB + "/phone", source, resource="desk", word="resource")


def test_offer_without_accounts(make_daemon, source):
    daemon = make_daemon("fardeld")
    fails("NoSuchAccount", daemon.manager.offer, BOB, source)
    fails("NoSuchAccount", daemon.manager.query_peer, BOB)
    assert daemon.client.transfers() == []


@pytest.mark.parametrize("name", ["", "Alice", "a-b", "a/b", pytest.param("x" * 33, id="too long"), "é"])
def test_account_ids(alice, name):
    fails("InvalidOption", alice.manager.add_account, name, jid=ALICE)


@pytest.mark.parametrize("settings, name, word", [
    ({}, "InvalidOption", "jid"),
    ({"jid": "nonsense@"}, "InvalidJid", ""),
    ({"jid": ALICE, "password": "x"}, "UnknownOption", "password"),
    ({"jid": ALICE, "port": "many"}, "InvalidOption", "port"),
    ({"jid": ALICE, "tls": "none"}, "InvalidOption", "tls"),
    ({"jid": ALICE, "ca-file": "relative.pem"}, "InvalidPath", "relative.pem"),
    ({"jid": ALICE, "client-certificate": "relative.pem"}, "InvalidPath", "relative.pem"),
    ({"jid": ALICE, "client-key": "/me.key"}, "InvalidOption", "ClientCertificate"),
    ({"jid": ALICE, "auto-accept": ["@"]}, "InvalidJid", ""),
])
def test_account_settings(alice, settings, name, word):
    fails(name, alice.manager.add_account, "other", word=word, **settings)
    fails(UNKNOWN_OBJECT, Account(alice.client, f"{ROOT}/account/other").all)


def test_account_exists(alice):
    fails("AccountExists", alice.manager.add_account, "alice", jid=ALICE, word="alice")


def test_objects_that_are_not_there(alice):
    for path in (f"{ROOT}/transfer/4000000", f"{ROOT}/transfer/x", f"{ROOT}/transfer/01", f"{ROOT}/transfer"):
        transfer = Transfer(alice.client, path)
        for method in ("Cancel", "Reject", "Forget"):
            with pytest.raises(BusError) as error:
                transfer.call(method)
            assert error.value.name in (UNKNOWN_OBJECT, DBUS_ERROR + "UnknownMethod")
    for path in (f"{ROOT}/account/nobody", f"{ROOT}/account/_", f"{ROOT}/account/x"):
        with pytest.raises(BusError) as error:
            Account(alice.client, path).call("Connect")
        assert error.value.name in (UNKNOWN_OBJECT, DBUS_ERROR + "UnknownMethod")


def test_filters(alice, bob, source):
    first = alice.manager.offer(BOB, source, batch="b1")
    second = alice.manager.offer(Prosody.jid("carol"), source)
    bob.client.wait_for_offer()

    def listed(**filters):
        return [transfer.path for transfer in alice.client.transfers(**filters)]

    both = [first.path, second.path]
    assert listed() == listed(direction="outgoing", account="alice", app_id="") == both
    assert listed(direction="incoming") == listed(account="other") == listed(app_id="org.example.App") == []
    assert listed(peer=BOB) == listed(batch="b1") == listed(state="offered") == [first.path]
    assert listed(peer=bob.account("bob")["FullJid"]) == [first.path]
    assert listed(state="queued", peer=Prosody.jid("carol")) == [second.path]
    fails("UnknownOption", listed, colour="red", word="colour")
    fails("InvalidOption", listed, state=5, word="state")
    fails("InvalidOption", listed, direction="sideways", word="direction")
    fails("InvalidJid", listed, peer="@")
    data = alice.manager.call("ListTransfers", "(a{sv})", {})[0]
    assert data.pop("Path") == first.path
    assert data == first.all()


def test_methods_in_the_wrong_state(alice, bob, work):
    sent, received, held = hold(alice, bob, make_file(work / "large", 20_000_000))
    number = received.path.rpartition("/")[2]
    for transfer in (sent, received):
        fails("NotPending", transfer.accept, "")
        fails("NotPending", transfer.call, "Reject")
        fails("NotPending", transfer.call, "Forget")
    fails("NotPending", received.accept, "", word=number)
    held.release()
    finish(sent, received)
    for method in ("Cancel", "Reject"):
        with pytest.raises(BusError) as error:
            received.call(method)
        assert error.value.name in ("Finished", "NotPending")
    fails("Finished", received.accept, "", word=number)
    received.call("Forget")
    fails(UNKNOWN_OBJECT, received.call, "Forget")
    assert alice.manager.call("ForgetFinished") == 1
    assert alice.manager.call("ForgetFinished") == 0
    assert alice.client.transfers() == []


def test_accept_arguments(alice, bob, source, work):
    sent = alice.manager.offer(BOB, source)
    fails("NotPending", sent.accept, "")
    offer = bob.client.wait_for_offer()
    fails("InvalidPath", offer.accept, "relative/")
    fails("InvalidPath", offer.accept, "relative")
    fails(FILE_NOT_FOUND, offer.accept, f"{work}/missing/")
    fails(FILE_NOT_FOUND, offer.accept, f"{work}/missing/file")
    fails("UnknownOption", offer.accept, "", colour="red", word="colour")
    fails("InvalidOption", offer.accept, "", overwrite="yes", word="overwrite")
    fails("InvalidOption", offer.accept, "", transports=["x"], word="transports")
    with open(work / "target", "wb") as target:
        fails("UnknownOption", offer.accept_fd, target.fileno(), overwrite=True, word="overwrite")
    assert offer["State"] == "offered"
    offer.accept("")
    finish(sent, offer)


def test_settings_of_the_manager(make_daemon, work):
    daemon = make_daemon("fardeld")
    manager = daemon.manager
    assert manager["MaxActiveTransfers"] == 4
    assert manager["DownloadFolder"] == str(daemon.downloads)
    assert (manager["ActiveTransfers"], manager["PendingOffers"], manager["Progress"]) == (0, 0, -1)
    assert {"socks5-direct", "socks5-proxy", "ibb"} <= set(manager["Features"])
    for value in (0, 65):
        fails("InvalidOption", manager.__setitem__, "MaxActiveTransfers", value)
    for value in ("relative", str(work / "missing"), "/dev/null"):
        fails("InvalidPath", manager.__setitem__, "DownloadFolder", value)
    with pytest.raises(BusError):
        manager["Version"] = "2"
    manager["MaxActiveTransfers"] = 7
    manager["DownloadFolder"] = str(work)
    daemon.client.wait(lambda: str(work) in manager.changes("DownloadFolder"), 5)
    assert manager.changes("MaxActiveTransfers")[-1] == 7
    assert manager.changes("DownloadFolder")[-1] == str(work)
    daemon.stop()
    daemon.start()
    assert (daemon.manager["MaxActiveTransfers"], daemon.manager["DownloadFolder"]) == (7, str(work))
    daemon.manager["DownloadFolder"] = ""
    assert daemon.manager["DownloadFolder"] == str(daemon.downloads)


def test_auto_accept_wants_jids(alice):
    fails("InvalidJid", alice.account("alice").__setitem__, "AutoAccept", ["@"])
    alice.account("alice")["AutoAccept"] = ["BOB@fardel.test"]
    assert alice.account("alice")["AutoAccept"] == [BOB]


def test_numbers_are_never_used_again(alice, bob, source):
    first = alice.manager.offer(BOB, source)
    assert first.path == f"{ROOT}/transfer/{first['Id']}"
    first.call("Cancel")
    first.end()
    first.call("Forget")
    alice.kill()
    alice.start()
    second = alice.manager.offer(BOB, source, account="alice")
    assert second["Id"] > int(first.path.rpartition("/")[2])


def test_numbers_that_were_read_are_not_left_alone(alice, bob, work):
    """Who reads the manager's numbers between two signals, and finds what none told, is told what became of it."""
    _, first, held = hold(alice, bob, make_file(work / "first", 20_000_000))
    bob.client.wait(lambda: 1 in bob.manager.changes("ActiveTransfers"))
    alice.manager.offer(BOB, make_file(work / "second", 20_000_000))
    second = bob.client.wait_for_offer()
    first.call("Cancel")
    bob.client.wait(lambda: bob.manager["ActiveTransfers"] == 0)
    told = len(bob.manager.changes("ActiveTransfers"))
    again = Held(second)
    second.wait_for("State", "active")
    bob.client.wait(lambda: 1 in bob.manager.changes("ActiveTransfers")[told:], 10, "the number to be told")
    held.close()
    again.close()


def test_strangers(make_daemon, prosody, source):
    carol, bob = make_daemon("carol"), make_daemon("bob")
    carol.add_account("carol", prosody)
    bob.add_account("bob", prosody)
    full = bob.account("bob")["FullJid"]
    end = carol.manager.offer(full, source).end()
    # As from somebody who takes no files at all.
    assert (end["State"], end["Error"].rpartition(".")[2], end["EndedBy"]) == ("failed", "PeerUnsupported", "remote")
    assert bob.client.transfers() == []
    (bob.config / "fardel.conf").write_text("[Fardel]\nAcceptFromStrangers=true\n")
    bob.manager.call("Reload")
    sent = carol.manager.offer(full, source)
    offer = bob.client.wait_for_offer()
    offer.accept("")
    _, received = finish(sent, offer)
    assert received["Transport"] != "socks5-direct"  # strangers do not learn addresses
    assert sha256(received["LocalPath"]) == sha256(source)


def test_many_transfers(alice, source):
    carol = Prosody.jid("carol")
    first = alice.manager.offer_many(carol, [source] * 1000)
    for _ in range(24):
        alice.manager.offer(carol, source)
    fails("LimitExceeded", alice.manager.offer, carol, source)
    first[0].call("Cancel")
    first[0].end()
    first[0].call("Forget")
    alice.manager.offer(carol, source)


CONFINED = """
import os, sys
from gi.repository import Gio, GLib
address, root, path, interface, method, signature, *texts = sys.argv[1:]
bus = Gio.DBusConnection.new_for_address_sync(address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
    | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
fds = Gio.UnixFDList()
if "h" in signature:
    fds.append(os.open("/dev/stdin", os.O_RDWR if method == "AcceptFd" else os.O_RDONLY))
body = GLib.Variant.parse(GLib.VariantType(signature), texts[0], None, None) if texts else None
os.chroot(root)
try:
    reply = bus.call_with_unix_fd_list_sync("org.fardel.Fardel1", path, interface, method, body, None,
                                               Gio.DBusCallFlags.NONE, -1, fds, None)
    print(reply[0].print_(False))
except GLib.Error as error:
    print(Gio.DBusError.get_remote_error(error))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change its root directory")
def test_sandboxed_callers(alice, bob, source, work):
    """A caller whose root has a .flatpak-info gives descriptors, never paths."""
    root = work / "root"
    root.mkdir()
    (root / ".flatpak-info").write_text("[Application]\nname=org.example.App\n\n[Instance]\ninstance-id=1\n")

    def call(path, interface, method, signature="()", *body):
        with source.open("rb") as file:
            done = subprocess.run([sys.executable, "-c", CONFINED,
                                   alice.bus.address, str(root), path, interface, method, signature, *body],
                                  stdin=file, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    denied = DBUS_ERROR + "AccessDenied"
    account = alice.account("alice").path
    nothing = "@a{sv} {}"
    assert call(ROOT, MANAGER, "Offer", "(ssa{sv})", f"('{BOB}', '{source}', {nothing})") == denied
    assert call(ROOT, MANAGER, "OfferMany", "(sasa{sv})", f"('{BOB}', ['{source}'], {nothing})") == denied
    assert call(ROOT, MANAGER, "AddAccount", "(sa{sv})", f"('x', {{'jid': <'{ALICE}'>}})") == denied
    assert call(ROOT, MANAGER, "Reload") == denied
    assert call(account, ACCOUNT, "Update", "(a{sv})", f"({nothing},)") == denied
    assert call(account, ACCOUNT, "ListContacts", "(a{sv})", f"({nothing},)") == denied
    assert call(account, ACCOUNT, "SetPassword", "(ha{sv})", f"(0, {nothing})") == denied
    assert call(account, ACCOUNT, "Remove") == denied
    assert call(account, ACCOUNT, "Disconnect") == denied
    theirs = call(ROOT, MANAGER, "OfferFd", "(shsa{sv})", f"('{BOB}', 0, 'n', {nothing})")
    transfer = Transfer(alice.client, theirs.split("'")[1])
    assert transfer["AppId"] == "org.example.App"
    assert transfer["LocalPath"] == ""
    ours = alice.manager.offer(BOB, source)
    assert call(ours.path, TRANSFER, "Cancel") == denied
    assert call(transfer.path, TRANSFER, "Cancel") == "()"
    assert transfer.end()["State"] == "cancelled"
    incoming = bob.manager.offer(ALICE, source)
    offer = alice.client.wait_for_offer()
    assert call(offer.path, TRANSFER, "Accept", "(sa{sv})", f"('', {nothing})") == denied
    assert call(offer.path, TRANSFER, "AcceptFd", "(ha{sv})", f"(0, {nothing})") == denied
    assert offer["State"] == "offered"
    assert incoming["State"] == "offered"


def shell(daemon, script, **variables):
    """Runs a line as a user would have it in a script."""
    done = subprocess.run(
        ["bash", "-ec", f"B='busctl --user'; N={NAME}; R={ROOT}\n{script}"],
        env=daemon.env | {key: str(value) for key, value in variables.items()}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_lines_for_scripts(alice, bob, source, work):
    out = shell(alice, f"$B call $N $R $N.Manager Offer 'ssa{{sv}}' {BOB} {source} 0")
    assert out.startswith(f'o "{ROOT}/transfer/')
    sent = out.split('"')[1]
    offer = bob.client.wait_for_offer()
    number = offer["Id"]
    out = shell(bob, "$B call $N $R $N.Manager ListTransfers 'a{sv}' 1 state s offered")
    assert out.startswith("aa{sv} 1 ") and '"file.bin"' in out
    assert '"file.bin"' in shell(bob, "$B -j call $N $R $N.Manager ListTransfers 'a{sv}' 1 state s offered")
    (work / "Incoming").mkdir()
    out = shell(bob, f"$B call $N $R/transfer/{number} $N.Transfer Accept 'sa{{sv}}' \"{work}/Incoming/\" 0")
    assert out == f's "{work}/Incoming/file.bin"'
    finish(Transfer(alice.client, sent), offer)
    out = shell(bob, f"$B get-property $N $R/transfer/{number} $N.Transfer State Transferred Size Rate")
    assert out.splitlines() == ['s "done"', "t 10000", "x 10000", "t 0"]
    out = shell(alice, f"$B call $N $R $N.Manager Offer 'ssa{{sv}}' {BOB} {source} "
                "2 account s alice description s \"hi there\"")
    second = Transfer(alice.client, out.split('"')[1])
    assert second["Description"] == "hi there"
    assert shell(alice, f"$B call $N {second.path} $N.Transfer Cancel") == ""
    assert second.end()["State"] == "cancelled"
    assert f"{ROOT}/account/alice" in shell(alice, "$B tree $N")
    shell(alice, "$B set-property $N $R/account/alice $N.Account Enabled b true")
    out = shell(alice, f"exec 5<{source}; gdbus call --session -d $N -o $R -m $N.Manager.OfferFd {BOB} 5 a.pdf '{{}}'")
    third = Transfer(alice.client, out.split("'")[1])
    assert third["Name"] == "a.pdf"
    finish_one(bob, third)


def finish_one(bob, sent):
    offer = bob.client.wait_for_offer()
    offer.accept("")
    finish(sent, offer)


def test_watching_from_a_script(alice, bob, source, work):
    log = work / "monitor"
    with log.open("wb") as out:
        monitor = subprocess.Popen(
            ["busctl", "--user", "monitor", "--match",
             f"type='signal',sender='{NAME}',path_namespace='{ROOT}/transfer'"],
            env=bob.env, stdout=out, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: b"Monitoring" in log.read_bytes())
        finish_one(bob, alice.manager.offer(BOB, source))
        eventually(lambda: b"Member=Finished" in log.read_bytes())
        assert b'STRING "done"' in log.read_bytes()
    finally:
        monitor.terminate()
        monitor.wait()

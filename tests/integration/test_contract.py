# SPDX-License-Identifier: LGPL-2.1-or-later
"""The running daemon is what its introspection files say, no more and no less."""

import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from gi.repository import Gio, GLib

from fardel.bus import Bus
from fardel.client import ACCOUNT, MANAGER, NAME, OBJECT_MANAGER, PROPERTIES, ROOT, TRANSFER, Client
from fardel.daemon import binary
from fardel.files import make_file
from fardel.scenario import BOB, exchange

SOURCE = pathlib.Path(__file__).parents[2]
EMITS_CHANGE = "org.freedesktop.DBus.Property.EmitsChangedSignal"
NO_REPLY = "org.freedesktop.DBus.Method.NoReply"


def described(interface):
    """Members with all that callers see of them: {kind and name: details}."""
    members = {}
    for member in interface:
        if member.tag == "annotation":
            continue
        notes = {note.get("name"): note.get("value") for note in member.findall("annotation")}
        args = [(arg.get("name"), arg.get("type"), arg.get("direction", "in") if member.tag == "method" else "")
                for arg in member.findall("arg")]
        members[member.tag, member.get("name")] = (
            args, member.get("type"), member.get("access"), notes.get(EMITS_CHANGE, "true"), notes.get(NO_REPLY))
    return members


def contract(name):
    directory = pathlib.Path(os.environ.get("FARDEL_INTROSPECTION", SOURCE / "introspection"))
    return described(ElementTree.parse(directory / f"{name}.xml").getroot().find(f"interface[@name='{name}']"))


def introspect(daemon, path):
    text = daemon.client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")
    return ElementTree.fromstring(text)


@pytest.fixture
def transfer(alice, work):
    return alice.manager.offer(BOB, make_file(work / "file", 10))


def test_introspection(alice, transfer):
    for path, name in ((ROOT, MANAGER), (alice.account("alice").path, ACCOUNT), (transfer.path, TRANSFER)):
        node = introspect(alice, path)
        interfaces = {interface.get("name"): interface for interface in node.findall("interface")}
        assert described(interfaces[name]) == contract(name)
        ours = {interface for interface in interfaces if interface.startswith(NAME)}
        assert ours == {name}
    assert OBJECT_MANAGER in {interface.get("name") for interface in introspect(alice, ROOT).findall("interface")}


def test_children_are_found_by_walking(alice, transfer):
    assert {node.get("name") for node in introspect(alice, f"{ROOT}/account").findall("node")} == {"alice"}
    number = str(transfer["Id"])
    assert {node.get("name") for node in introspect(alice, f"{ROOT}/transfer").findall("node")} == {number}


def test_properties_have_their_types(alice, transfer):
    for remote, name in ((alice.manager, MANAGER), (alice.account("alice"), ACCOUNT), (transfer, TRANSFER)):
        expected = {key[1]: details[1] for key, details in contract(name).items() if key[0] == "property"}
        assert get_all(alice.client, remote.path, name) == expected


def get_all(client, path, interface):
    """{name: type} of all properties."""
    reply = client.bus.call_sync(NAME, path, PROPERTIES, "GetAll", GLib.Variant("(s)", (interface,)), None,
                                 Gio.DBusCallFlags.NONE, -1, None).get_child_value(0)
    entries = [reply.get_child_value(number) for number in range(reply.n_children())]
    return {entry.get_child_value(0).get_string(): entry.get_child_value(1).get_variant().get_type_string()
            for entry in entries}


def managed(client):
    return client.call(ROOT, OBJECT_MANAGER, "GetManagedObjects")


def test_object_manager(alice, bob, transfer):
    transfer.wait_for("State", "offered")  # from here on nothing changes by itself
    objects = managed(alice.client)
    assert set(objects) - {ROOT} == {alice.account("alice").path, transfer.path}
    assert objects[transfer.path][TRANSFER] == transfer.all()

    def added():
        return [signal for signal in alice.client.signals
                if signal.name == "InterfacesAdded" and signal.args[0] == transfer.path]

    alice.client.wait(added, 5)
    assert len(added()) == 1
    assert set(added()[0].args[1][TRANSFER]) == set(transfer.all())
    transfer.call("Cancel")
    transfer.end()
    transfer.call("Forget")
    alice.client.wait(lambda: any(signal.name == "InterfacesRemoved" and signal.args[0] == transfer.path
                                  and TRANSFER in signal.args[1] for signal in alice.client.signals), 5)
    assert transfer.path not in managed(alice.client)
    alice.account("alice").call("Remove")
    alice.client.wait(lambda: any(signal.name == "InterfacesRemoved" and "/account/" in signal.args[0]
                                  for signal in alice.client.signals), 5)


def test_what_signals_tell_is_what_properties_say(alice, bob, work):
    """Folding all changes over the first values gives the present ones, and constants never change."""
    exchange(alice, bob, make_file(work / "file", 1_000_000))
    for daemon in (alice, bob):
        daemon.client.spend(1.5)  # the manager's numbers follow
        shadow = {}
        for signal in daemon.client.signals:
            if signal.name == "InterfacesAdded":
                shadow[signal.args[0]] = {name: dict(values) for name, values in signal.args[1].items()}
            elif signal.name == "PropertiesChanged" and signal.path in shadow:
                interface, changed, invalidated = signal.args
                constant = {key[1] for key, details in contract(interface).items() if details[3] == "const"}
                assert not constant & set(changed)
                assert invalidated == []
                shadow[signal.path][interface].update(changed)
        assert shadow
        for path, interfaces in managed(daemon.client).items():
            for name in {ACCOUNT, TRANSFER} & set(interfaces):
                assert shadow[path][name] == interfaces[name]


def test_changes_change_something(alice, bob, work):
    exchange(alice, bob, make_file(work / "file", 1_000_000))
    for daemon in (alice, bob):
        values = {}
        for signal in daemon.client.signals:
            if signal.name == "PropertiesChanged":
                before = values.setdefault((signal.path, signal.args[0]), {})
                assert any(before.get(name) != value for name, value in signal.args[1].items()), signal
                before.update(signal.args[1])


def test_activation_by_the_bus(work):
    """The installed service file starts the daemon at the first call."""
    directory = work / "bus"
    directory.mkdir()
    home = work / "home"
    home.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(work)}
    bus = Bus(directory, env)
    built = pathlib.Path(os.environ.get("FARDEL_PACKAGING", SOURCE / "build/packaging"))
    service = (built / f"{NAME}.service").read_text()
    command = next(line for line in service.splitlines() if line.startswith("Exec="))
    assert command.endswith("/fardeld")
    (bus.services / f"{NAME}.service").write_text(
        service.replace(command, f"Exec={binary()}").replace("SystemdService=", "#"))
    env["DBUS_SESSION_BUS_ADDRESS"] = bus.address
    done = subprocess.run(["busctl", "--user", "get-property", NAME, ROOT, MANAGER, "Version"],
                          env=env, capture_output=True, text=True, check=False)
    client = Client(bus.address)
    try:
        assert done.stdout.startswith('s "'), done.stderr
        assert client.has_owner()
    finally:
        client.close()
        bus.stop()


@pytest.mark.skipif(not shutil.which("xmllint"), reason="no xmllint")
def test_files_are_well_formed():
    for name in (MANAGER, ACCOUNT, TRANSFER):
        directory = pathlib.Path(os.environ.get("FARDEL_INTROSPECTION", SOURCE / "introspection"))
        subprocess.run(["xmllint", "--noout", "--nonet", directory / f"{name}.xml"], check=True)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardelctl reaches every member of the contract, and prints the JSON that its --help promises."""

import json
import os
import pathlib
import re
import subprocess
import threading
import types
import xml.etree.ElementTree as ElementTree

import pytest
from gi.repository import Gio, GLib

from fardel.bus import Bus
from fardel.client import ACCOUNT, MANAGER, NAME, OBJECT_MANAGER, ROOT, TRANSFER
from fardel.ctl import OK, Ctl, binary
from fardel.files import make_file
from fardel.scenario import BOB, eventually

SOURCE = pathlib.Path(__file__).parents[2]
OBJECTS = {ROOT: MANAGER, f"{ROOT}/account/alice": ACCOUNT, f"{ROOT}/transfer/3": TRANSFER}
OBJECT_MANAGER_XML = f"""<node><interface name="{OBJECT_MANAGER}"><method name="GetManagedObjects">
  <arg type="a{{oa{{sa{{sv}}}}}}" direction="out"/></method></interface></node>"""


def contract(interface):
    return (pathlib.Path(os.environ.get("FARDEL_INTROSPECTION", SOURCE / "introspection")) / f"{interface}.xml").read_text()


def members(interface, kind):
    return ElementTree.fromstring(contract(interface)).findall(f"interface/{kind}")


def options(interface):
    """{method: keys of its options, filter or settings}, as its description lists them."""
    found = {}
    for method, text in re.findall(r"<!--\s*(\w+):\n(.*?)-->\s*<method", contract(interface), re.DOTALL):
        keys = set(re.findall(r"@options: ``([a-z0-9-]+)`` \(", text))
        for listed in re.findall(r"\n +(?:Options|Further option|Filter|Settings)\b.*\n(?:.*\S.*\n)*\n((?: +- ``.*\n)+)", text):
            keys |= set(re.findall(r"- ``([a-z0-9-]+)`` \(", listed))
        found[method] = keys
    return found


def default(signature):
    values = {"s": "", "o": "/", "b": False, "u": 3, "t": 0, "x": 0, "d": 0.0}
    if signature in values:
        return GLib.Variant(signature, "/org/fardel/Fardel1/transfer/3" if signature == "o" else values[signature])
    return GLib.Variant(signature, {} if signature.startswith("a{") else [])


class Recorder:
    """A daemon that takes everything and remembers it: (interface, member, keys of dictionaries)."""

    def __init__(self, address):
        self.calls = []
        context = GLib.MainContext()  # not the one in which tests wait
        self.loop = GLib.MainLoop(context)
        self.bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
            None, None)
        context.push_thread_default()
        for path, interface in OBJECTS.items():
            info = Gio.DBusNodeInfo.new_for_xml(contract(interface)).interfaces[0]
            self.bus.register_object(path, info, self.called, self.read, self.written)
        info = Gio.DBusNodeInfo.new_for_xml(OBJECT_MANAGER_XML).interfaces[0]
        self.bus.register_object(ROOT, info, self.listed, None, None)
        context.pop_thread_default()
        self.bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                           GLib.Variant("(su)", (NAME, 0)), None, Gio.DBusCallFlags.NONE, -1, None)
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def called(self, _bus, _sender, _path, interface, member, arguments, invocation):
        keys = set().union(*(value for value in arguments.unpack() if isinstance(value, dict)))
        self.calls.append((interface, member, keys))
        info = next(method for method in Gio.DBusNodeInfo.new_for_xml(contract(interface)).interfaces[0].methods
                    if method.name == member)
        invocation.return_value(GLib.Variant.new_tuple(*(default(arg.signature) for arg in info.out_args)))

    def read(self, _bus, _sender, _path, interface, name):
        return next(default(each.get("type")) for each in members(interface, "property") if each.get("name") == name)

    def written(self, _bus, _sender, _path, interface, name, _value):
        self.calls.append((interface, name, set()))
        return True

    @staticmethod
    def listed(_bus, _sender, _path, _interface, _member, _arguments, invocation):
        invocation.return_value(GLib.Variant("(a{oa{sa{sv}}})", ({},)))

    def keys(self, interface, *names):
        return set().union(*(keys for where, name, keys in self.calls if where == interface and name in names))

    def close(self):
        self.loop.quit()
        self.thread.join()
        self.bus.close_sync(None)


SEND = ("--account alice --description d --mime-type text/plain --resource r --batch b --timeout 5 --transport ibb "
        "--hash --limit 5k")
ACCOUNT_SETTINGS = (
    "--server h --port 1 --tls direct --ca-file f --pin-sha256 00 --client-certificate f --client-key f --resource r "
    "--password-command p --proxy-jid p@x --auto-accept a@x --auto-accept-max 1M --auto-accept-folder d "
    "--strangers hold --relay-only --max-active 2 --allow-loopback --no-connect")

# What reaches all that there is. With --bind a command waits for ever: its call is what counts.
COMMANDS = f"""
send a@x file {SEND} --name n
send a@x file folder {SEND}
send a@x - --name n --size 4 {SEND}
list --state done --direction incoming --account alice --peer a@x --app-id i --batch b
query a@x --account alice
account add a@x {ACCOUNT_SETTINGS}
account update alice --jid a@x {ACCOUNT_SETTINGS}
account connect alice
account disconnect alice
account remove alice
account password alice --save
contacts --account alice --online --can-receive --group g
forget
forget 3
reload
status
set --download-folder d --max-active 3
limit --up 2M --down 1M
limit 3 10k
show 3
accept 3 d --overwrite --no-resume --limit 5k --transport ibb
reject 3
cancel 3
resume 3
""".strip().splitlines()
BOUND = ["send a@x file --bind", "send a@x file folder --bind", "send a@x - --name n --bind", "accept 3 d --bind",
         "accept 3 - --limit 5k --transport ibb", "resume 3 --bind"]


@pytest.fixture(scope="module")
def recorder(session_directory):
    directory = session_directory / "recorder"
    (directory / "folder").mkdir(parents=True)
    (directory / "file").write_text("data")
    bus = Bus(directory)
    recorder = Recorder(bus.address)
    try:
        ctl = Ctl(types.SimpleNamespace(env=os.environ | {"DBUS_SESSION_BUS_ADDRESS": bus.address}), directory)
        for command in COMMANDS:
            ctl(*command.split(), stdin=b"data\n")
        for command in BOUND:
            seen = len(recorder.calls)
            with open(directory / "out", "wb") as out, open(directory / "file", "rb") as file:
                process = ctl.start(*command.split(), stdin=file, stdout=out)
            eventually(lambda: any("bind" in keys for _, _, keys in recorder.calls[seen:]), 20)
            process.kill()
            process.communicate()
        yield recorder
    finally:
        recorder.close()
        bus.stop()


@pytest.mark.parametrize("interface", [MANAGER, ACCOUNT, TRANSFER])
def test_every_method_is_reached(recorder, interface):
    called = {member for where, member, _ in recorder.calls if where == interface}
    assert {method.get("name") for method in members(interface, "method")} <= called


@pytest.mark.parametrize("interface", [MANAGER, ACCOUNT, TRANSFER])
def test_every_option_is_reached(recorder, interface):
    listed = options(interface)
    assert set(listed) == {method.get("name") for method in members(interface, "method")}
    for method, keys in listed.items():
        missing = keys - recorder.keys(interface, method)
        assert not missing, method


def test_options_were_found():
    """The descriptions are still read as they are written."""
    assert {"account", "hash", "bind"} <= options(MANAGER)["Offer"]
    assert options(MANAGER)["OfferFd"] == {"size"} and options(MANAGER)["QueryPeer"] == {"account"}
    assert len(options(MANAGER)["AddAccount"]) >= 19 and "batch" in options(MANAGER)["ListTransfers"]
    assert options(ACCOUNT)["ListContacts"] == {"online", "can-receive", "group"}
    assert options(ACCOUNT)["SetPassword"] == {"save"} and options(TRANSFER)["Resume"] == {"bind"}


def test_options_of_the_same_kind_are_reached(recorder):
    """Where the description says "as in"."""
    offer = options(MANAGER)["Offer"]
    assert offer - {"name"} <= recorder.keys(MANAGER, "OfferFd")
    assert offer - {"name"} <= recorder.keys(MANAGER, "OfferMany")
    assert options(TRANSFER)["Accept"] - {"overwrite", "resume"} <= recorder.keys(TRANSFER, "AcceptFd")
    assert options(MANAGER)["AddAccount"] <= recorder.keys(ACCOUNT, "Update")


@pytest.mark.parametrize("interface", [MANAGER, ACCOUNT, TRANSFER])
def test_every_property_can_be_set(recorder, interface):
    """By itself, or as a setting of the account."""
    settings = recorder.keys(interface, "Update")
    for each in members(interface, "property"):
        name = each.get("name")
        if each.get("access") == "readwrite":
            kebab = re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()
            assert kebab in settings or any(call[:2] == (interface, name) for call in recorder.calls), name


# -- JSON ---------------------------------------------------------------------

def promised(command):
    """The text after "With --json:" in the help of a command."""
    shown = subprocess.run([binary(), *command.split(), "--help"], env={"LC_ALL": "C.UTF-8"}, capture_output=True,
                           text=True, check=True).stdout
    return re.search(r"With --json: (.*)", shown)[1]


def parse(text):
    """[value], {key: value}, or a word; what follows is explanation."""
    def value(rest):
        if rest[0] == "[":
            inner, rest = value(rest[1:])
            assert rest[0] == "]"
            return [inner], rest[1:]
        if rest[0] == "{":
            fields, rest = {}, rest[1:]
            while rest[0] != "}":
                key, rest = re.match(r"(?:, )?([A-Za-z-]+): (.*)", rest).groups()
                fields[key], rest = value(rest)
            return fields, rest[1:]
        return re.match(r"([A-Za-z]+)(.*)", rest).groups()
    return value(text)[0]


def properties(interface):
    kinds = {"s": "string", "o": "string", "b": "boolean", "as": ["string"], "a{sv}": "object", "a{ss}": "object"}
    return {each.get("name"): kinds.get(each.get("type"), "number") for each in members(interface, "property")}


NAMED = {"TRANSFER": properties(TRANSFER) | {"Path": "string"}, "ACCOUNT": properties(ACCOUNT) | {"Path": "string"},
         "MANAGER": properties(MANAGER)}
KINDS = {"string": str, "boolean": bool, "number": (int, float), "object": dict}


def check(schema, value):
    if schema in list(NAMED):
        schema = NAMED[schema]
    if isinstance(schema, list):
        assert isinstance(value, list)
        for each in value:
            check(schema[0], each)
    elif isinstance(schema, dict):
        assert value.keys() == schema.keys()
        for key, kind in schema.items():
            check(kind, value[key])
    else:
        assert isinstance(value, KINDS[schema]) and (schema == "boolean") == isinstance(value, bool), (schema, value)


def test_json_is_as_documented(alice, bob, work):
    ctl, bobs = Ctl(alice, work), Ctl(bob, work)
    source = make_file(work / "file", 1000)

    def run(who, command, *arguments):
        printed = who.json(*command.split(), *arguments)
        assert printed
        for value in printed:
            check(parse(promised(command)), value)
        return printed

    sent = run(ctl, "send", BOB, source)[0]["Id"]
    offer = bob.client.wait_for_offer()
    run(bobs, "list")
    assert run(bobs, "show", offer["Id"])[0]["Name"] == "file"
    run(bobs, "accept", offer["Id"])
    offer.end()
    ctl("wait", sent)
    run(ctl, "status")
    run(ctl, "limit")
    run(ctl, "query", BOB)
    assert run(ctl, "contacts")[0][0]["resources"]
    run(ctl, "account list")
    run(ctl, "account show", "alice")
    run(ctl, "account add", "new@x", "--no-connect")
    run(ctl, "forget")
    ctl("cancel", ctl("send", BOB, source).strip())
    run(ctl, "resume", "2")


def test_json_events_are_as_documented(alice, bob, work):
    """The whole transfer, then what changed."""
    ctl = Ctl(alice, work)
    assert promised("wait") == promised("watch") == "EVENT"
    sending = ctl.start("--json", "send", "--wait", BOB, make_file(work / "file", 1000))
    bob.client.wait_for_offer().accept("")
    out, _ = sending.communicate(timeout=60)
    assert sending.returncode == OK
    first, *changes = map(json.loads, out.splitlines())
    check("TRANSFER", first)
    for change in changes:
        check({key: NAMED["TRANSFER"][key] for key in change}, change)
        assert list(change)[:2] == ["Id", "Path"] and len(change) > 2


def test_every_command_says_what_it_prints():
    """Each is in the tests above, or prints nothing."""
    shown = subprocess.run([binary(), "--help"], env={}, capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  (account \w+|\w+)", shown.partition("Commands:")[2].partition("\n\n")[0], re.MULTILINE)
    assert {"send", "watch", "account add", "reload"} <= set(commands)
    silent = {"reject", "cancel", "set", "reload", "account update", "account remove", "account connect",
              "account disconnect", "account password"}
    for command in commands:
        help_text = subprocess.run([binary(), *command.split(), "--help"], env={}, capture_output=True, text=True,
                                   check=True).stdout
        assert ("With --json: " in help_text) == (command not in silent), command

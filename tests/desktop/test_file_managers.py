# SPDX-License-Identifier: LGPL-2.1-or-later
"""“Send to Contact…”: the menu entries, the window that they open, and what happens where there is none."""

import os
import pathlib
import pty
import subprocess
import sys

import pytest
from gi.repository import Gio, GLib

from conftest import BUILD
from fardel.files import make_file, sha256
from fardel.prosody import Prosody
from fardel.scenario import BOB, eventually

NOTIFICATIONS = Gio.DBusNodeInfo.new_for_xml("""<node><interface name="org.freedesktop.Notifications">
  <method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
    <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
</interface></node>""").interfaces[0]

@pytest.fixture(scope="module")
def installed(session_directory):
    """The root directory of an installation."""
    root = session_directory / "root"
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root, "--tags", "file-managers"],
                   check=True, stdout=subprocess.DEVNULL)
    return root


def only(root, pattern):
    [path] = root.glob(pattern)
    return path


@pytest.fixture
def send_to(installed, work):
    """The program, with the fardelctl that was built."""
    program = only(installed, "**/libexec/fardel-send-to")
    copy = work / "fardel-send-to"
    lines = [f'FARDELCTL = "{os.environ["FARDELCTL"]}"' if line.startswith("FARDELCTL = ") else line
             for line in program.read_text().splitlines()]
    copy.write_text("\n".join(lines) + "\n")
    copy.chmod(program.stat().st_mode)
    return copy


@pytest.mark.parametrize("manager, version", [("Nautilus", "4.0"), ("Nautilus", "3.0"), ("Nemo", "3.0"), ("Caja", "2.0")])
def test_menu_of_file_manager(installed, work, manager, version):
    extension = only(installed, f"**/share/{manager.lower()}-python/extensions/fardel_send_to.py")
    program = work / "program"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$0.new" && mv "$0.new" "$0.arguments"\n')
    program.chmod(0o755)
    here = work / extension.relative_to(installed).parent
    here.mkdir(parents=True)
    copy = here / extension.name
    named = only(installed, "**/libexec/fardel-send-to").relative_to(installed)
    assert f'"/{named}"' in extension.read_text()
    copy.write_text(extension.read_text().replace(f"/{named}", str(program)))
    uris = ["file:///tmp/a%20b", "sftp://host/$(c)"]
    menu = pathlib.Path(__file__).with_name("menu.py")
    loaded = subprocess.run([sys.executable, menu, copy, manager, version, *uris], text=True, check=True,
                            stdout=subprocess.PIPE)
    module = "gi.repository.Nautilus" if version == "4.0" else "__main__"
    assert loaded.stdout == f"{module} Send to Contact…\n"
    arguments = pathlib.Path(f"{program}.arguments")
    eventually(arguments.exists)
    assert arguments.read_text().splitlines() == uris


def test_desktop_files(installed):
    def validate(path):
        return subprocess.run(["desktop-file-validate", path], text=True, check=False, capture_output=True).stdout
    assert validate(only(installed, "**/share/Thunar/sendto/*.desktop")) == ""
    # KDE's service menus are no applications, which the validator calls an error of two keys.
    kde = only(installed, "**/share/kio/servicemenus/*.desktop")
    assert all('the type is "Service"' in line for line in validate(kde).splitlines())
    program = "/" + str(only(installed, "**/libexec/fardel-send-to").relative_to(installed))
    for path in installed.glob("**/*.desktop"):
        keys = GLib.KeyFile()
        keys.load_from_file(str(path), GLib.KeyFileFlags.NONE)
        actions = keys.get_string_list("Desktop Entry", "Actions") if path == kde else []
        groups = [f"Desktop Action {action}" for action in actions] or ["Desktop Entry"]
        assert [keys.get_string(group, "Exec") for group in groups] == [f"{program} %U"]


def test_window_sends_a_batch(alice, bob, log_in, screen, send_to, start, work):
    log_in("carol")
    sources = [make_file(work / name, size) for name, size in (("Holiday in Oslo.jpg", 3_100_000), ("notes ü.txt", 900))]
    chooser = start("fardel-send-to", [send_to, sources[0], sources[1].as_uri()], alice, **screen.env)
    screen.find("label", sources[0].name)
    screen.find("label", sources[1].name)
    screen.find("label", "carol@")
    assert screen.save("send-to.png", (420, 520)) > 50
    names = [thing.name for thing in screen.desktop.walk() if "@" in thing.name]
    assert names == [BOB, Prosody.jid("carol")]
    screen.type("Send to Contact", "nobody")
    screen.find("label", "No contact that fits")
    screen.type("Send to Contact", "BOB")
    screen.find("label", BOB)
    screen.find("button", "Send").click()
    assert chooser.wait() == 0
    offers = bob.client.wait(lambda: len(found := bob.client.transfers(state="offered")) == 2 and found)
    paths = [offer.accept("") for offer in offers]
    assert [offer.end()["State"] for offer in offers] == ["done", "done"]
    assert {sha256(path) for path in paths} == {sha256(path) for path in sources}
    assert len({transfer["Batch"] for transfer in alice.client.transfers(direction="outgoing")}) == 1


def test_window_finds_nobody(alice, screen, send_to, start, work):
    alice.account("alice").call("Disconnect")
    alice.account("alice").wait_for("Status", "offline")
    chooser = start("fardel-send-to", [send_to, make_file(work / "file", 10)], alice, **screen.env)
    screen.find("label", "alice@fardel.test is offline")
    alice.account("alice").call("Connect")
    screen.find("label", BOB)
    screen.find("button", "Cancel").click()
    assert chooser.wait() == 1


def test_terminal_without_a_display(alice, bob, send_to, start, work):
    source = make_file(work / "from a terminal", 100_000)
    ours, theirs = pty.openpty()
    program = start("fardel-send-to", [send_to, source.as_uri()], alice, stdin=theirs)
    os.close(theirs)
    program.wait_for_line(f"1 .*{BOB}")
    os.write(ours, b"1\n")
    assert program.wait() == 0
    os.close(ours)
    offer = bob.client.wait_for_offer()
    path = offer.accept(work / "got")
    assert offer.end()["State"] == "done"
    assert sha256(path) == sha256(source)


def test_notification_without_a_terminal(alice, send_to, start, work):
    shown = []

    def notify(_bus, _sender, _path, _interface, _method, arguments, invocation):
        shown.append(arguments.unpack())
        invocation.return_value(GLib.Variant("(u)", (1,)))
    bus = alice.client.bus
    bus.register_object("/org/freedesktop/Notifications", NOTIFICATIONS, notify, None, None)
    bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                  GLib.Variant("(su)", ("org.freedesktop.Notifications", 0)), None, Gio.DBusCallFlags.NONE, -1, None)
    program = start("fardel-send-to", [send_to, work / "file"], alice)

    def seen():
        while GLib.MainContext.default().iteration(False):
            pass
        return shown
    eventually(seen, 30)
    assert program.wait() == 1
    assert "fardelctl send" in shown[0][4]
    assert any("fardelctl send" in line for line in program.lines)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardelctl account add on a terminal: it asks, tries, and says how to go on."""

import contextlib
import re
import threading

import pytest
from gi.repository import GLib

from fardel.certs import sha256
from fardel.ctl import FAILED, INTERRUPTED, OK, Ctl
from fardel.keyring import Keyring, PlainService
from fardel.prosody import Prosody, free_ports, password

CAROL = Prosody.jid("carol")


@pytest.fixture
def daemon(make_daemon):
    return make_daemon("fardeld")


@pytest.fixture
def ctl(daemon, work):
    return Ctl(daemon, work)


def add(ctl, prosody, *arguments, **kwargs):
    """fardelctl account add with where the server is, which no DNS tells."""
    return ctl.terminal("account", "add", "--server", prosody.address, "--port", prosody.port, *arguments,
                        columns=200, **kwargs)


def test_everything_is_asked_for(ctl, daemon, prosody):
    with add(ctl, prosody) as terminal:
        terminal.answer(r"Address \(JID\).*:", "")
        terminal.answer(r"Address \(JID\).*:(?s:.*)Address \(JID\).*:", f" {CAROL} ")
        terminal.wait_for(f"Password for {CAROL}:")
        terminal.wait_for(lambda _: not terminal.echoes)
        terminal.type("\n")
        terminal.answer("Password for .*:\nPassword for .*:", password("carol"))
        terminal.wait_for("not trusted")
        fingerprint = terminal.wait_for(r"((?:[0-9A-F]{2}:){15}[0-9A-F]{2})\s+((?:[0-9A-F]{2}:){15}[0-9A-F]{2})")
        assert "".join(fingerprint.groups()).replace(":", "").lower() == sha256(prosody.directory / "good.crt")
        terminal.answer(r"Accept this certificate.* \[y/N\]", "y")
        terminal.wait_for(rf"Online as {CAROL}/fardel-.*TLSv1\.3")
        assert terminal.wait() == OK
        assert "account update carol --password-command" in terminal.text
        assert password("carol").encode() not in terminal.raw
    assert daemon.account("carol")["Status"] == "online"


def test_the_certificate_is_refused(ctl, prosody):
    """Enter is no consent. The account stays unless the user says otherwise."""
    for keep, left in (("", ["carol"]), ("n", [])):
        with add(ctl, prosody, CAROL) as terminal:
            terminal.answer("Password for .*:", password("carol"))
            terminal.answer(r"Accept this certificate.*", "")
            terminal.answer(r"Keep the account.* \[Y/n\]", keep)
            assert terminal.wait() == FAILED
            assert ("account connect carol" in terminal.text) == bool(left)
            assert "--ca-file" in terminal.text
        assert [account["Id"] for account in ctl.json("account", "list")[0]] == left
        if left:
            ctl("account", "remove", "carol")


def test_a_wrong_password_is_asked_again(ctl, prosody):
    with add(ctl, prosody, CAROL, "--ca-file", prosody.ca_file) as terminal:
        terminal.answer("Password for .*:", "wrong")
        terminal.wait_for("password .*wrong|refused|not accept")
        terminal.answer(r"Password for .*:(?s:.*)Password for .*:", password("carol"))
        terminal.wait_for("Online as")
        assert terminal.wait() == OK


def test_no_server(ctl):
    with ctl.terminal("account", "add", CAROL, "--server", "127.0.0.1", "--port", free_ports(1)[0],
                      columns=200) as terminal:
        terminal.answer("Password for .*:", "any")
        terminal.wait_for("refused")
        terminal.wait_for("--server HOST")
        terminal.answer(r"Keep the account.*", "y")
        assert terminal.wait() == FAILED
    assert ctl.json("account", "list")[0][0]["Id"] == "carol"


def test_the_name_is_taken(ctl, daemon, prosody):
    daemon.add_account("carol", prosody)
    with add(ctl, prosody, CAROL, "--ca-file", prosody.ca_file) as terminal:
        terminal.answer("short name.*:", "second")
        terminal.answer("Password for .*:", password("carol"))
        terminal.wait_for("called second and has 0 contacts")
        assert terminal.wait() == OK


@pytest.mark.parametrize("answer, source", [("", "secret-service"), ("n", "memory")])
def test_the_password_is_saved(ctl, daemon, prosody, answer, source):
    with contextlib.closing(Keyring(daemon).start()) as keyring:
        with add(ctl, prosody, CAROL, "--ca-file", prosody.ca_file) as terminal:
            terminal.answer("Password for .*:", password("carol"))
            terminal.answer(r"keyring\? \[Y/n\]", answer)
            assert terminal.wait() == OK
            assert ("account password carol --save" in terminal.text) == (source == "memory")
        assert daemon.account("carol")["PasswordSource"] == source
        assert keyring.lookup(jid=CAROL) == (password("carol") if answer == "" else None)


@contextlib.contextmanager
def served():
    """What we own on the bus answers meanwhile."""
    loop = GLib.MainLoop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield
    finally:
        loop.quit()
        thread.join()


def test_the_password_cannot_be_saved(ctl, daemon, prosody):
    PlainService(daemon.client.bus)
    with served(), add(ctl, prosody, CAROL, "--ca-file", prosody.ca_file) as terminal:
        terminal.answer("Password for .*:", password("carol"))
        terminal.answer(r"keyring\?.*", "y")
        assert terminal.wait() == OK
        assert "Online as" in terminal.text and "was not saved" in terminal.text
        assert "account password carol --save" in terminal.text


@pytest.mark.parametrize("key, code", [("\x03", INTERRUPTED), ("\x04", FAILED)])
def test_giving_up_leaves_the_account(ctl, prosody, key, code):
    with add(ctl, prosody, CAROL) as terminal:
        terminal.wait_for("Password for .*:")
        terminal.wait_for(lambda _: not terminal.echoes)
        terminal.type(key)
        assert terminal.wait() == code
        assert terminal.echoes
        assert "account remove carol" in re.sub(r"\s+", " ", terminal.text)
    assert ctl.json("account", "list")[0][0]["Status"] == "waiting-for-password"


def test_nothing_is_asked(ctl, prosody):
    with add(ctl, prosody, CAROL, "--no-questions") as terminal:
        assert terminal.wait() == OK
        assert "Added account carol." in terminal.text and "Password for" not in terminal.text


def test_password_from_terminal(ctl, daemon, prosody):
    """It is asked for, and not shown."""
    daemon.add_account("carol", prosody, secret=False, online=False)
    daemon.account("carol").wait_for("Status", "waiting-for-password")
    with ctl.terminal("account", "password", "carol") as terminal:
        terminal.wait_for("carol:")
        terminal.wait_for(lambda _: not terminal.echoes)
        terminal.type(password("carol") + "\n")
        assert terminal.wait() == OK
        assert password("carol").encode() not in terminal.raw
    daemon.account("carol").wait_for("Status", "online")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passwords from and to a keyring: a real gnome-keyring-daemon."""

import contextlib
import signal

import pytest
from gi.repository import Gio

from fardel.client import BusError
from fardel.files import files_with
from fardel.keyring import MASTER, Keyring, PlainService, User
from fardel.prosody import Prosody, password
from fardel.scenario import eventually
from test_ctl import Ctl
from test_process import IDLE_S, SANITIZED, SETTLE_S, wakeups

ALICE = Prosody.jid("alice")


@pytest.fixture
def daemon(make_daemon):
    return make_daemon("fardeld")


@pytest.fixture
def keyring(daemon):
    """Runs and is unlocked."""
    if "secret-service" not in daemon.manager["Features"]:
        pytest.skip("built without libsecret")
    with contextlib.closing(Keyring(daemon)) as keyring:
        yield keyring.start()


@pytest.fixture
def user(daemon, keyring):
    """Whom the keyring, now locked, can ask."""
    keyring.store(ALICE, password("alice"))
    keyring.stop()
    with contextlib.closing(User(daemon)) as user:
        keyring.start(unlock=False, user=user)
        yield user


def restart(daemon):
    daemon.stop()
    daemon.start()
    return daemon.account("alice")


def add(daemon, prosody, **settings):
    return daemon.add_account("alice", prosody, secret=False, online=False, **settings)


def test_found_and_used(daemon, keyring, prosody):
    keyring.store(ALICE, password("alice"))
    account = add(daemon, prosody)
    account.wait_for("Status", "online", timeout=30)
    assert account["PasswordSource"] == "secret-service"


def test_newest_counts(daemon, keyring, prosody):
    keyring.store(ALICE, "old")
    keyring.store(Prosody.jid("bob"), "of somebody else")
    account = add(daemon, prosody, enabled=False)
    account.set_password(password("alice"), save=True)
    account.call("Connect")
    account.wait_for("PasswordSource", "secret-service", timeout=30)
    account = restart(daemon)
    account.call("Connect")
    account.wait_for("Status", "online", timeout=30)


def test_nothing_in_it(daemon, keyring, prosody):
    account = add(daemon, prosody)
    account.wait_for("Status", "waiting-for-password")
    keyring.tool("store", "--label=chat", "xdg:schema", "org.example.Chat", "jid", ALICE, secret="another program's")
    assert "no password for " + ALICE in account["ErrorMessage"]
    assert account["Error"].endswith(".AuthenticationFailed")
    # What comes into it is used at once.
    keyring.store(ALICE, password("alice"))
    account.wait_for("Status", "online", timeout=30)


def test_service_comes_later(daemon, keyring, prosody):
    keyring.store(ALICE, password("alice"))
    keyring.stop()
    account = add(daemon, prosody)
    account.wait_for("Status", "waiting-for-password")
    assert "No keyring" in account["ErrorMessage"]
    keyring.start()
    account.wait_for("Status", "online", timeout=30)
    assert account["ErrorMessage"] == ""
    keyring.stop()
    account = restart(daemon)
    account.wait_for("Status", "waiting-for-password")
    keyring.start()
    account.wait_for("Status", "online", timeout=30)


def test_locked_then_unlocked(daemon, keyring, prosody):
    keyring.store(ALICE, password("alice"))
    keyring.lock()
    account = add(daemon, prosody)
    account.wait_for("Status", "waiting-for-password")
    assert "locked" in account["ErrorMessage"]
    keyring.unlock()
    account.wait_for("Status", "online", timeout=30)


def test_service_comes_locked(daemon, keyring, prosody):
    keyring.store(ALICE, password("alice"))
    keyring.stop()
    add(daemon, prosody)
    account = restart(daemon)
    account.wait_for("Status", "waiting-for-password")
    keyring.start(unlock=False)
    daemon.client.wait(lambda: "locked" in account["ErrorMessage"], 10)
    keyring.unlock()
    account.wait_for("Status", "online", timeout=30)


def test_asks_who_said_connect(daemon, user, prosody):
    user.will_answer(MASTER)
    account = add(daemon, prosody, enabled=False)
    account["Enabled"] = True
    account.wait_for("Status", "online", timeout=30)
    assert account["PasswordSource"] == "secret-service"
    eventually(lambda: user.asked == 1)


def test_asks_nobody_at_the_start(daemon, keyring, user, prosody):
    add(daemon, prosody, enabled=False)
    daemon.stop()
    path = daemon.config / "accounts.d/alice.conf"
    path.write_text(path.read_text().replace("Enabled=false", "Enabled=true"))
    user.will_answer(MASTER)
    daemon.start()
    account = daemon.account("alice")
    account.wait_for("Status", "waiting-for-password")
    assert "locked" in account["ErrorMessage"]
    keyring.store(Prosody.jid("bob"), "unlocks it")
    eventually(lambda: user.asked == 1)
    account.wait_for("Status", "online", timeout=30)


def test_user_says_no(daemon, keyring, user, prosody):
    """The keyring asks once, whatever happens to it."""
    user.will_answer("")
    account = add(daemon, prosody)
    account.wait_for("Status", "waiting-for-password")
    daemon.client.wait(lambda: "locked" in account["ErrorMessage"])
    eventually(lambda: user.asked == 1)
    user.will_answer(MASTER)
    keyring.stop()
    daemon.client.wait(lambda: "No keyring" in account["ErrorMessage"])
    keyring.start(unlock=False, user=user)
    daemon.client.wait(lambda: "locked" in account["ErrorMessage"])
    assert user.asked == 1
    account.call("Connect")
    account.wait_for("Status", "online", timeout=30)
    eventually(lambda: user.asked == 2)


def test_asks_to_save(daemon, keyring, user, prosody):
    user.will_answer(MASTER)
    account = add(daemon, prosody, jid=Prosody.jid("bob"), enabled=False)
    account.set_password(password("bob"), save=True)
    account.call("Connect")
    account.wait_for("PasswordSource", "secret-service", timeout=30)
    eventually(lambda: user.asked == 1)
    assert keyring.lookup(jid=Prosody.jid("bob")) == password("bob")


def test_saved_after_the_login(daemon, keyring, prosody):
    account = add(daemon, prosody)
    account.wait_for("Status", "waiting-for-password")
    account.set_password(password("alice"), save=True)
    account.wait_for("PasswordSource", "secret-service", timeout=30)
    assert account["Status"] == "online"
    assert keyring.lookup(jid=ALICE, account="alice") == password("alice")
    account = restart(daemon)
    account.wait_for("Status", "online", timeout=30)
    assert account["PasswordSource"] == "secret-service"


def test_saved_while_online(daemon, keyring, prosody):
    account = daemon.add_account("alice", prosody)
    assert keyring.lookup(jid=ALICE) is None
    account.set_password(password("alice"), save=True)
    account.wait_for("PasswordSource", "secret-service")
    assert keyring.lookup(jid=ALICE) == password("alice")


def test_not_saved_if_refused(daemon, keyring, prosody):
    account = add(daemon, prosody)
    account.wait_for("Status", "waiting-for-password")
    account.set_password("wrong", save=True)
    account.wait_for("Status", "failed", timeout=30)
    assert keyring.lookup(jid=ALICE) is None
    account.set_password(password("alice"), save=True)
    account.wait_for("PasswordSource", "secret-service", timeout=30)
    assert keyring.lookup(jid=ALICE) == password("alice")


def test_not_saved_unless_told(daemon, keyring, prosody):
    account = daemon.add_account("alice", prosody)
    assert account["PasswordSource"] == "memory"
    assert keyring.lookup(jid=ALICE) is None


def test_wrong_password_in_it(daemon, keyring, prosody):
    """It is tried once, however often the keyring changes, until the user acts."""
    keyring.store(ALICE, "wrong")
    account = add(daemon, prosody)
    daemon.client.wait(lambda: "refused" in account["ErrorMessage"], 30)
    assert account["Status"] == "waiting-for-password"
    keyring.store(Prosody.jid("bob"), "news")
    account.set_password(password("alice"), save=True)
    account.wait_for("PasswordSource", "secret-service", timeout=30)
    assert account.changes("Status").count("connecting") == 2
    restart(daemon).wait_for("Status", "online", timeout=30)


def test_keyring_that_cannot_be_written(daemon, keyring, prosody):
    """The login works all the same, and the password stays in memory."""
    keyring.lock()
    account = add(daemon, prosody)
    account.set_password(password("alice"), save=True)
    account.wait_for("Status", "online", timeout=30)
    daemon.client.wait(lambda: "not saved" in account["ErrorMessage"], 30)
    assert (account["Status"], account["PasswordSource"]) == ("online", "memory")
    account.set_password(password("alice"))
    assert account["ErrorMessage"] == ""
    daemon.client.wait(lambda: account.changes("ErrorMessage")[-1] == "", 10)


def test_removal_clears_what_was_saved(daemon, keyring, prosody):
    keyring.store(ALICE, "of the user")
    account = add(daemon, prosody, enabled=False)
    account.set_password(password("alice"), save=True)
    account.call("Connect")
    account.wait_for("PasswordSource", "secret-service", timeout=30)
    account.call("Remove")
    eventually(lambda: keyring.lookup(jid=ALICE, account="alice") is None)
    assert keyring.lookup(jid=ALICE) == "of the user"


def test_keyring_before_command(daemon, keyring, prosody):
    keyring.store(ALICE, password("alice"))
    account = add(daemon, prosody, password_command=["/bin/false"])
    account.wait_for("Status", "online", timeout=30)
    assert account["PasswordSource"] == "secret-service"


@pytest.mark.parametrize("state", ["empty", "locked", "gone", "hangs"])
def test_command_if_the_keyring_has_nothing(daemon, keyring, prosody, work, state):
    (work / "secret").write_text(password("alice"))
    if state == "locked":
        keyring.store(ALICE, "locked away")
        keyring.lock()
    elif state == "gone":
        keyring.stop()
    elif state == "hangs":
        keyring.process.signal(signal.SIGSTOP)
    account = add(daemon, prosody, password_command=["cat", str(work / "secret")])
    account.wait_for("Status", "online", timeout=30)
    assert account["PasswordSource"] == "command"
    assert "waiting-for-password" not in account.changes("Status")


def test_passwords_are_nowhere_else(daemon, keyring, prosody):
    account = add(daemon, prosody)
    account.set_password(password("alice"), save=True)
    account.wait_for("PasswordSource", "secret-service", timeout=30)
    daemon.stop()
    assert files_with(daemon.home, password("alice").encode()) == []
    assert password("alice") not in "\n".join(daemon.process.lines)


@pytest.mark.skipif(SANITIZED, reason="sanitizers wake up by themselves")
@pytest.mark.parametrize("found", [True, False], ids=["online", "waiting"])
def test_idle_means_asleep(daemon, keyring, prosody, found):
    keyring.store(ALICE, password("alice"))
    if not found:
        keyring.lock()
    account = add(daemon, prosody)
    account.wait_for("Status", "online" if found else "waiting-for-password", timeout=30)
    daemon.client.spend(SETTLE_S)
    before = wakeups(daemon.process.pid)
    daemon.client.spend(IDLE_S)
    assert wakeups(daemon.process.pid) == before


def test_fardelctl(daemon, keyring, prosody, work):
    add(daemon, prosody)
    Ctl(daemon, work)("account", "password", "alice", "--save", stdin=password("alice").encode())
    daemon.account("alice").wait_for("PasswordSource", "secret-service", timeout=30)
    assert keyring.lookup(jid=ALICE) == password("alice")


def test_service_that_does_not_start(daemon, keyring, prosody):
    keyring.stop()
    (daemon.bus.services / "keyring.service").write_text(
        "[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/false\n")
    daemon.client.bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig", None, None,
                                Gio.DBusCallFlags.NONE, -1, None)
    account = add(daemon, prosody)
    account.wait_for("Status", "waiting-for-password")
    assert "does not work" in account["ErrorMessage"]


def test_service_that_shows_passwords(daemon, keyring, prosody):
    keyring.stop()
    PlainService(keyring.bus)
    account = add(daemon, prosody)
    daemon.client.wait(lambda: "encrypt" in account["ErrorMessage"], 20)
    assert account["Status"] == "waiting-for-password"


def test_ends_with_its_bus(daemon, keyring, prosody):
    account = add(daemon, prosody)
    daemon.client.wait(lambda: "no password" in account["ErrorMessage"], 20)
    keyring.stop()  # and the daemon watches it:
    daemon.client.wait(lambda: "No keyring" in account["ErrorMessage"], 20)
    daemon.bus.stop()
    assert daemon.process.wait() >= 0  # no crash


def test_unknown_option(daemon, prosody):
    account = add(daemon, prosody)
    with pytest.raises(BusError) as error:
        account.set_password("x", keep=True)
    assert error.value.name == "UnknownOption"


def test_no_saving_beside_a_certificate(daemon, prosody):
    account = add(daemon, prosody, client_certificate="/me.pem")
    with pytest.raises(BusError) as error:
        account.set_password("x", save=True)
    assert error.value.name == "InvalidOption"

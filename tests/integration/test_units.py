# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed units: how much they allow, and that the daemon does its work within it."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from fardel.client import BusError
from fardel.daemon import Daemon
from fardel.files import make_file, sha256
from fardel.prosody import Prosody, password
from fardel.scenario import ALICE, BOB, eventually, finish
from fardel.manager import BUILT, UserManager
from fardel.netns import NotPermitted

SOURCE = pathlib.Path(__file__).parents[2]
USER = "nobody"

ACCOUNT = """[Account]
Jid={jid}
Server={prosody.address}
Port={prosody.port}
CaFile={ca_file}
AllowLoopback=true
{more}
"""


@pytest.mark.parametrize("unit, most, page", [("fardel.service", 6.3, "service.md"),
                                              ("system/fardel.service", 1.4, "system-service.md")])
def test_exposure(unit, most, page):
    """A new hole in the sandbox must be wanted. As a user's unit the first one is judged for what no user has."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           f"--threshold={round(most * 10)}", BUILT / unit],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    assert f" {most} " in (SOURCE / "docs" / page).read_text()


class Session:
    """A session of a user who has alice's account, and a daemon without any unit for bob."""

    def __init__(self, directory, prosody, broker):
        self.prosody = prosody
        self.user = UserManager(directory, USER, broker)
        self.control = shutil.copy(os.environ.get("FARDELCTL") or SOURCE / "build/client-lib/ctl/fardelctl",
                                   directory)
        self.ca_file = shutil.copy(prosody.ca_file, self.user.home)
        os.chmod(self.ca_file, 0o644)
        self.user.write("password", password("alice"))
        self.user.write(".config/systemd/user/fardel.service.d/password.conf",
                        "[Service]\nLoadCredential=fardel.alice.password:%h/password\n")
        self.write_account("alice", "alice")
        self.bob = Daemon(pathlib.Path(directory) / "bob", "bob")

    def write_account(self, name, user, more=""):
        self.user.write(f".config/fardel/accounts.d/{name}.conf", ACCOUNT.format(
            jid=Prosody.jid(user), prosody=self.prosody, ca_file=self.ca_file, more=more))

    def fardelctl(self, *arguments):
        done = self.user.run(self.control, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_online(self, name):
        self.fardelctl("account", "connect", name)
        with contextlib.closing(self.user.client()) as client:
            path = f"/org/fardel/Fardel1/account/{name}"
            client.wait(lambda: client.call(path, "org.freedesktop.DBus.Properties", "Get", "(ss)",
                                            "org.fardel.Fardel1.Account", "Status") == "online", 30)

    def receive(self, source, **options):
        """A file of bob's; where it is."""
        sent = self.bob.manager.offer(ALICE, source, **options)
        with contextlib.closing(self.user.client()) as client:
            received = client.wait_for_offer()
            self.fardelctl("accept", str(received["Id"]), f"{self.user.home}/")
            finish(sent, received)
        assert sha256(self.user.home / source.name) == sha256(source)
        return self.user.home / source.name

    def close(self):
        self.bob.close()
        self.user.close()


@pytest.fixture(scope="module", params=[False, True], ids=["dbus-daemon", "dbus-broker"])
def session(request, prosody, session_directory):
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    session_directory.chmod(0o755)
    directory = pathlib.Path(tempfile.mkdtemp(dir=session_directory))
    directory.chmod(0o755)
    try:
        made = Session(directory, prosody, request.param)
    except NotPermitted as reason:
        pytest.skip(str(reason))
    with contextlib.closing(made):
        made.bob.start().add_account("bob", prosody)
        yield made


def test_started_by_a_call(session):
    """D-Bus asks systemd, which starts the unit, with the password as its credential."""
    assert session.user.show("ActiveState") == "inactive"
    assert "alice" in session.fardelctl("account", "list")
    assert session.user.show("ActiveState") == "active"
    session.wait_online("alice")
    status = pathlib.Path(f"/proc/{session.user.show('MainPID')}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status


@pytest.mark.parametrize("transport", ["socks5-direct", "socks5-proxy", "ibb"])
def test_files_travel(session, transport):
    session.wait_online("alice")
    process = session.user.show("MainPID")
    source = session.user.write(f"{transport}.bin", os.urandom(500_000))
    session.fardelctl("send", BOB, source, "--transport", transport)
    offer = session.bob.client.wait_for_offer()
    offer.accept("")
    assert offer.end()["State"] == "done"
    assert sha256(session.bob.downloads / source.name) == sha256(source)

    session.receive(make_file(session.bob.directory / f"back-{transport}.bin", 500_000), transports=[transport])
    assert session.user.show("MainPID") == process
    assert session.user.show("NRestarts") == "0"


def test_password_command(session):
    """What the daemon runs is in the same sandbox."""
    session.write_account("second", "carol", f"PasswordCommand=/bin/sh -c \"echo '{password('carol')}'\"")
    session.user.systemctl("reload", "fardel.service")
    eventually(lambda: "second" in session.fardelctl("account", "list"))
    session.wait_online("second")


def test_strict_example(session):
    """It goes with all that is not said there."""
    directory = ".config/systemd/user/fardel.service.d"
    example = session.user.write(f"{directory}/strict.conf", (SOURCE / "packaging/systemd/strict.conf").read_bytes())
    session.user.systemctl("daemon-reload")
    session.user.systemctl("restart", "fardel.service")
    session.wait_online("alice")
    received = session.receive(make_file(session.bob.directory / "strict.bin", 500_000))
    assert received.stat().st_mode & 0o777 == 0o600
    example.unlink()
    session.user.systemctl("daemon-reload")
    session.user.systemctl("stop", "fardel.service")


def test_stop(session):
    session.fardelctl("account", "list")
    session.user.systemctl("stop", "fardel.service")
    assert session.user.show("Result") == "success"


def test_callers_that_cannot_be_seen_are_not_trusted(session):
    """In a user namespace of its own the daemon does not see who calls: then nobody may pass paths."""
    session.user.write(".config/systemd/user/fardel.service.d/users.conf", "[Service]\nPrivateUsers=yes\n")
    session.user.systemctl("daemon-reload")
    session.user.systemctl("stop", "fardel.service")
    done = session.user.run(session.control, "send", BOB, session.user.write("file", b"x"))
    assert done.returncode == 1 and "Sandboxed programs may not use Offer" in done.stderr
    with contextlib.closing(session.user.client()) as client, pytest.raises(BusError) as error:
        client.manager.call("Reload")
    assert error.value.name.endswith(".AccessDenied")

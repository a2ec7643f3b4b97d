# SPDX-License-Identifier: LGPL-2.1-or-later
"""Accounts: from settings to online, each way to fail, and what is kept."""

import contextlib
import os
import socket
import stat
import threading

import pytest
from gi.repository import Gio, GLib

from fardel.certs import sha256
from fardel.client import ACCOUNT, NAME, BusError, pipe_with, variant
from fardel.files import files_with, make_file
from fardel.prosody import DOMAIN, EXPIRED, MISNAMED, UNTRUSTED, Prosody, free_ports, password
from fardel.scenario import eventually

ALICE = Prosody.jid("alice")


@pytest.fixture
def daemon(make_daemon):
    return make_daemon("fardeld")


def problem(account, *status, timeout=60):
    """Waits for a status; the error's short name and its text."""
    account.wait_for("Status", *status, timeout=timeout)
    return account["Error"].rpartition(".")[2], account["ErrorMessage"]


def test_online(daemon, prosody):
    account = daemon.add_account("alice", prosody, online=False)
    account.wait_for("Status", "online", timeout=30)
    assert account.changes("Status")[-2:] == ["connecting", "online"]
    values = account.all()
    assert values["Id"] == "alice"
    assert values["Jid"] == ALICE
    assert values["FullJid"].startswith(ALICE + "/fardel-")
    assert values["Enabled"] is True
    assert (values["Error"], values["ErrorMessage"]) == ("", "")
    assert values["PasswordSource"] == "memory"
    assert values["Tls"]["protocol"] == "TLSv1.3"
    assert values["Tls"]["cipher"].startswith("TLS_")
    assert len(values["Tls"]["certificate-sha256"]) == 64
    assert values["AutoAccept"] == []


def test_direct_tls(daemon, make_prosody):
    # Prosody finds the certificate of a host by name where TLS comes first.
    prosody = make_prosody()
    account = daemon.add_account("alice", prosody, tls="direct", port=prosody.tls_port)
    assert len(account["Tls"]["certificate-sha256"]) == 64


@pytest.mark.parametrize("server", ["127.0.0.1", "::1", "localhost"])
def test_server_addresses(daemon, prosody, server):
    daemon.add_account("alice", prosody, server=server)


def test_chosen_resource(daemon, prosody):
    account = daemon.add_account("alice", prosody, resource="desk")
    assert account["FullJid"] == ALICE + "/desk"


def test_waits_for_a_password(daemon, prosody):
    account = daemon.add_account("alice", prosody, secret=False, online=False)
    account.wait_for("Status", "waiting-for-password")
    assert account["PasswordSource"] == "none"
    account.set_password(password("alice"))
    account.wait_for("Status", "online")


def test_wrong_password_then_right(daemon, prosody):
    account = daemon.add_account("alice", prosody, secret="wrong", online=False)
    name, message = problem(account, "failed", "waiting-for-password")
    assert name == "AuthenticationFailed"
    assert "password" in message
    account.set_password(password("alice") + "\n")
    account.wait_for("Status", "online", timeout=30)
    assert (account["Error"], account["ErrorMessage"]) == ("", "")


def test_unknown_user(daemon, prosody):
    account = daemon.add_account("zoe", prosody, online=False)
    assert problem(account, "failed", "waiting-for-password")[0] == "AuthenticationFailed"


def test_bad_certificates_each_say_why(daemon, prosody):
    messages = {}
    for host, word in ((EXPIRED, "expired"), (MISNAMED, MISNAMED), (UNTRUSTED, "trust")):
        account = daemon.add_account("alice", prosody, name=host.partition(".")[0], jid=f"alice@{host}", online=False)
        name, messages[host] = problem(account, "failed")
        assert name == "TlsFailed"
        assert word in messages[host]
        refused = sha256(prosody.directory / f"{host.partition('.')[0]}.crt")
        assert account["Tls"] == {"certificate-sha256": refused}
        assert refused in messages[host]
    assert len(set(messages.values())) == 3


def test_the_refused_certificate_can_be_pinned(daemon, prosody):
    account = daemon.add_account("alice", prosody, ca_file="", online=False)
    problem(account, "failed")
    account.call("Update", "(a{sv})", {"pin-sha256": variant(account["Tls"]["certificate-sha256"])})
    account.wait_for("Status", "online")
    account.call("Update", "(a{sv})", {"pin-sha256": variant("0" * 64)})
    account.wait_for("Status", "failed")
    assert account["Tls"] == {"certificate-sha256": sha256(prosody.directory / "good.crt")}
    account.call("Disconnect")
    account.wait_for("Status", "offline")
    assert account["Tls"] == {}


def test_the_authority_must_be_told(daemon, prosody):
    account = daemon.add_account("alice", prosody, ca_file="", online=False)
    name, message = problem(account, "failed")
    assert (name, "trust" in message) == ("TlsFailed", True)
    account.call("Update", "(a{sv})", {"ca-file": variant(prosody.ca_file)})
    account.wait_for("Status", "online")


def test_unknown_host(daemon, prosody):
    account = daemon.add_account("alice", prosody, server="no-such-host.invalid", online=False)
    name, message = problem(account, "waiting")
    assert name == "ConnectionFailed"
    assert "no-such-host.invalid" in message


def test_refused(daemon, prosody):
    port = free_ports(1)[0]
    account = daemon.add_account("alice", prosody, port=port, online=False)
    name, message = problem(account, "waiting")
    assert name == "ConnectionFailed"
    assert "refused" in message and str(port) in message


class FakeServer:
    """Says one thing to the first who connects."""

    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.received = b""
        self.thread = threading.Thread(target=self.serve, args=(answer,), daemon=True)
        self.thread.start()

    def serve(self, answer):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(ConnectionError):
                self.received += connection.recv(4096)
                connection.sendall(answer)
                while data := connection.recv(4096):
                    self.received += data

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


STREAM = (f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          f"id='1' from='{DOMAIN}' version='1.0'>").encode()
PLAIN_ONLY = STREAM + (b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                       b"<mechanism>PLAIN</mechanism></mechanisms></stream:features>")


@pytest.mark.parametrize("answer, status, error", [
    (PLAIN_ONLY, "failed", "TlsFailed"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "waiting", "Protocol"),
    (STREAM + b"<!DOCTYPE x [<!ENTITY a 'b'>]>", "waiting", "Protocol"),
    (STREAM + b"<a>" * 100_000, "waiting", "Protocol"),
    (STREAM + b"<stream:error/>", "waiting", "Protocol"),
], ids=["no TLS", "not XMPP", "DTD", "depth", "empty error"])
def test_bad_servers(daemon, prosody, answer, status, error):
    server = FakeServer(answer)
    account = daemon.add_account("alice", prosody, port=server.port, online=False)
    name, message = problem(account, status)
    assert name == error and message
    server.close()
    assert password("alice").encode() not in server.received
    assert b"<auth" not in server.received


def test_password_command(make_daemon, prosody, work):
    (work / "secret").write_text(password("alice") + "\n")
    daemon = make_daemon("fardeld")
    account = daemon.add_account("alice", prosody, secret=False, password_command=["cat", str(work / "secret")])
    assert account["PasswordSource"] == "command"
    daemon.stop()
    daemon.start()
    daemon.account("alice").wait_for("Status", "online", timeout=30)


def test_password_from_a_credential(make_daemon, prosody, work):
    (work / "fardel.alice.password").write_text(password("alice"))
    daemon = make_daemon("fardeld", env={"CREDENTIALS_DIRECTORY": str(work)})
    account = daemon.add_account("alice", prosody, secret=False)
    assert account["PasswordSource"] == "credential"


def test_account_is_kept_and_its_password_is_not(daemon, prosody):
    daemon.add_account("alice", prosody)
    daemon.stop()
    assert files_with(daemon.home, password("alice").encode()) == []
    assert password("alice") not in "\n".join(daemon.process.lines)
    path = daemon.config / "accounts.d/alice.conf"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    daemon.start()
    account = daemon.account("alice")
    account.wait_for("Status", "waiting-for-password")
    assert account["Jid"] == ALICE


def test_file_with_a_password_is_refused(daemon, prosody):
    daemon.add_account("alice", prosody)
    daemon.stop()
    path = daemon.config / "accounts.d/alice.conf"
    path.write_text(path.read_text() + "Password=open secret\n")
    daemon.start()
    with pytest.raises(BusError) as error:
        daemon.account("alice").all()
    assert error.value.name == "org.freedesktop.DBus.Error.UnknownObject"
    assert any("assword" in line and "alice.conf" in line for line in daemon.process.lines)
    assert not any("open secret" in line for line in daemon.process.lines)


@pytest.mark.parametrize("how", ["signal", "method"])
def test_reload(daemon, prosody, how):
    daemon.add_account("alice", prosody)
    directory = daemon.config / "accounts.d"

    def reload():
        daemon.reload() if how == "signal" else daemon.manager.call("Reload")

    (directory / "second.conf").write_text((directory / "alice.conf").read_text().replace("alice", "bob"))
    reload()
    second = daemon.account("second")
    daemon.client.wait(lambda: exists(second), 10)
    assert second["Jid"] == Prosody.jid("bob")
    second.wait_for("Status", "waiting-for-password")
    assert daemon.account("alice")["Status"] == "online"
    (directory / "second.conf").unlink()
    reload()
    daemon.client.wait(lambda: not exists(second), 10)


def exists(account):
    try:
        return account.call("Connect") is None and bool(account.all())
    except BusError as error:
        assert error.name == "org.freedesktop.DBus.Error.UnknownObject"
        return False


def test_reload_of_a_broken_file(daemon, prosody):
    daemon.add_account("alice", prosody)
    (daemon.config / "accounts.d/alice.conf").write_text("[Account]\nJid=alice@fardel.test\nPort=many\n")
    with pytest.raises(BusError) as error:
        daemon.manager.call("Reload")
    assert error.value.name == "InvalidOption"
    assert "alice.conf" in error.value.message and "Port" in error.value.message
    assert daemon.account("alice")["Status"] == "online"


def test_disable_and_enable(daemon, prosody):
    account = daemon.add_account("alice", prosody)
    account["Enabled"] = False
    account.wait_for("Status", "offline")
    daemon.stop()
    daemon.start()
    account = daemon.account("alice")
    assert (account["Enabled"], account["Status"]) == (False, "offline")
    account["Enabled"] = True
    account.wait_for("Status", "waiting-for-password")


def test_disconnect_and_connect(daemon, prosody):
    account = daemon.add_account("alice", prosody)
    account.call("Disconnect")
    account.wait_for("Status", "offline")
    assert (account["FullJid"], account["Tls"]) == ("", {})
    account.call("Connect")
    account.wait_for("Status", "online")


def test_update_reconnects(daemon, prosody):
    account = daemon.add_account("alice", prosody)
    account.call("Update", "(a{sv})", {"resource": variant("elsewhere")})
    account.wait_for("FullJid", ALICE + "/elsewhere")
    assert account["Status"] == "online"


def test_update_is_all_or_nothing(daemon, prosody):
    account = daemon.add_account("alice", prosody)
    before = (daemon.config / "accounts.d/alice.conf").read_text()
    for settings, name in (({"resource": "new", "jid": "@@"}, "InvalidJid"),
                           ({"resource": "new", "colour": "red"}, "UnknownOption"),
                           ({"resource": "new", "tls": "none"}, "InvalidOption"),
                           ({"resource": "new", "ca-file": "relative.pem"}, "InvalidPath")):
        with pytest.raises(BusError) as error:
            account.call("Update", "(a{sv})", {key: variant(value) for key, value in settings.items()})
        assert error.value.name == name
    assert (daemon.config / "accounts.d/alice.conf").read_text() == before
    assert account["Status"] == "online"


def test_remove(daemon, prosody):
    account = daemon.add_account("alice", prosody)
    account.call("Remove")
    assert not exists(account)
    assert not (daemon.config / "accounts.d/alice.conf").exists()
    daemon.add_account("alice", prosody)  # the name is free again


def test_remove_cancels_its_transfers(alice, work):
    sent = alice.manager.offer(Prosody.jid("bob"), make_file(work / "file", 10))
    alice.account("alice").call("Remove")
    assert sent.end()["State"] == "cancelled"


@pytest.mark.parametrize("text", ["", "x" * 4097], ids=["empty", "too long"])
def test_passwords_that_are_none(daemon, prosody, text):
    account = daemon.add_account("alice", prosody, secret=False, online=False)
    with pytest.raises(BusError) as error:
        account.set_password(text)
    assert error.value.name == "InvalidOption"


def test_password_that_is_not_text(daemon, prosody):
    account = daemon.add_account("alice", prosody, secret=False, online=False)
    with pipe_with(b"\xff\xfe") as fd, pytest.raises(BusError) as error:
        daemon.client.call(account.path, ACCOUNT, "SetPassword", "(ha{sv})", 0, {}, fds=[fd])
    assert error.value.name == "InvalidOption"


def test_daemon_answers_while_it_waits_for_a_password(daemon, prosody):
    """A writer who never writes keeps nobody else waiting."""
    account = daemon.add_account("alice", prosody, secret=False, online=False)
    reader, writer = os.pipe()
    fds = Gio.UnixFDList()
    fds.append(reader)
    os.close(reader)
    daemon.client.bus.call_with_unix_fd_list(
        NAME, account.path, ACCOUNT, "SetPassword", GLib.Variant("(ha{sv})", (0, {})), None,
        Gio.DBusCallFlags.NONE, -1, fds, None, lambda *_: None)
    assert daemon.manager["Version"]
    os.write(writer, password("alice").encode())
    os.close(writer)
    account.wait_for("Status", "online")

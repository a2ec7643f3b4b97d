# SPDX-License-Identifier: LGPL-2.1-or-later
"""fardelctl against a running daemon: what it prints, and its exit codes."""

import json
import os
import re
import signal
import subprocess

import pytest

from fardel.ctl import (CANCELLED, FAILED, INTERRUPTED, NO_DAEMON, OK, REJECTED, TIMEOUT, TRANSFER_FAILED, USAGE, Ctl,
                        binary, running)
from fardel.files import make_file
from fardel.prosody import Prosody, password
from fardel.scenario import BOB, Held, eventually, feed

SIZE = 3_000_000

@pytest.fixture
def ctl(alice, work):
    return Ctl(alice, work)


@pytest.fixture
def bobs_ctl(bob, work):
    return Ctl(bob, work)


@pytest.fixture
def source(work):
    return make_file(work / "report.bin", SIZE)


def accept_next(bob):
    bob.client.wait_for_offer().accept("")


def test_send_and_wait(ctl, bob, source):
    with running(ctl.start("send", BOB, "report.bin", "--wait", "--description", "for you")) as sending:
        offer = bob.client.wait_for_offer()
        assert (offer["Name"], offer["Description"]) == ("report.bin", "for you")
        offer.accept("")
        out, _ = sending.communicate(timeout=60)
    assert sending.returncode == OK
    assert (bob.downloads / "report.bin").read_bytes() == source.read_bytes()
    states = [line.partition(": ")[2].partition(",")[0] for line in out.decode().splitlines()]
    assert states[0] in ("queued", "offered") and states[-1] == "done"
    assert b"\033" not in out


def test_json_events(ctl, bob, source):
    with running(ctl.start("--json", "send", "-w", BOB, source)) as sending:
        accept_next(bob)
        out, _ = sending.communicate(timeout=60)
    events = [json.loads(line) for line in out.splitlines()]
    assert {event["Path"] for event in events} == {f"/org/fardel/Fardel1/transfer/{events[0]['Id']}"}
    assert (events[0]["Direction"], events[0]["Size"]) == ("outgoing", SIZE)
    assert events[-1]["State"] == "done"
    assert list(events[-1])[:2] == ["Id", "Path"]


def test_limits_of_one(ctl, bobs_ctl, bob, source):
    ctl("send", BOB, source, "--limit", "1M")
    assert ctl.json("list")[0][0]["RateLimit"] == 1_000_000
    bobs_ctl("accept", bob.client.wait_for_offer()["Id"], "--limit", "2M")
    assert bobs_ctl.json("list")[0][0]["RateLimit"] == 2_000_000


def test_accept(bobs_ctl, alice, bob, source, work):
    """A relative destination is the caller's; its trailing slash makes it a directory."""
    (work / "in").mkdir()
    alice.manager.offer(BOB, source)
    number = bob.client.wait_for_offer()["Id"]
    assert [transfer["Id"] for transfer in bobs_ctl.json("list", "--state", "offered")[0]] == [number]
    assert bobs_ctl("accept", number, "./in/").strip() == str(work / "in/report.bin")
    assert f"done, 3.0 MB, verified, {work}/in/report.bin" in bobs_ctl("wait", number)
    assert (work / "in/report.bin").read_bytes() == source.read_bytes()

    (work / "taken").write_bytes(b"old")
    alice.manager.offer(BOB, source)
    number = bob.client.wait_for_offer()["Id"]
    bobs_ctl("accept", number, "taken", "--overwrite", "--wait")
    assert (work / "taken").read_bytes() == source.read_bytes()


def test_pipes(ctl, bobs_ctl, bob, work):
    """From a pipe into a pipe; messages do not get into the data."""
    data = os.urandom(200_000)
    reader, writer = os.pipe()
    sending = ctl.start("send", BOB, "-", "--name", "stream", "--size", len(data), stdin=reader)
    os.close(reader)
    number = sending.communicate(timeout=20)[0].strip().decode()
    assert sending.returncode == OK
    feed(writer, data)
    offer = bob.client.wait_for_offer()
    assert (offer["Name"], offer["Size"]) == ("stream", len(data))
    with running(bobs_ctl.start("accept", offer["Id"], "-")) as accepting:
        out, err = accepting.communicate(timeout=60)
    assert (accepting.returncode, out) == (OK, data)
    assert b"done" in err
    ctl("wait", number)


def test_directory(ctl, alice, bob, work):
    (work / "folder").mkdir()
    for name in ("a", "b"):
        make_file(work / "folder" / name, 10)
    make_file(work / "c", 10)
    assert len(Ctl(alice, work / "folder").json("send", BOB, ".")) == 2
    sent = ctl.json("send", BOB, "folder", "c")
    assert len(sent) == 3
    batches = {ctl.json("show", transfer["Id"])[0]["Batch"] for transfer in sent}
    assert len(batches) == 1 and batches != {""}
    assert [ctl.json("show", transfer["Id"])[0]["Name"] for transfer in sent] == ["a", "b", "c"]


def test_outcomes(ctl, bobs_ctl, bob, source):
    """Each end has its exit code; of several the worst counts."""
    rejected = ctl("send", BOB, source).strip()
    bobs_ctl("reject", bob.client.wait_for_offer()["Id"])
    ctl("wait", rejected, expect=REJECTED)

    cancelled = ctl("send", BOB, source).strip()
    bob.client.wait_for_offer()
    ctl("cancel", cancelled)
    ctl("wait", cancelled, expect=CANCELLED)
    ctl("wait", cancelled, rejected, expect=REJECTED)

    unsent = ctl("send", BOB, source, "--timeout", 1, "--resource", "nowhere").strip()
    ctl("wait", unsent, rejected, cancelled, expect=TRANSFER_FAILED)

    ctl("forget", rejected)
    assert "fardelctl list" in ctl("show", rejected, expect=FAILED)
    assert ctl.json("forget") == [{"Count": 2}]
    assert ctl.json("list") == [[]]


def test_forgotten_outcome_counts(ctl, bobs_ctl, bob, source):
    """One that is waited for fails and is forgotten while another runs."""
    first, second = ctl("send", BOB, source).strip(), ctl("send", BOB, source).strip()
    bob.client.wait(lambda: len(bob.client.transfers()) == 2)
    with running(ctl.start("wait", first, second)) as waiting:
        for _ in range(2):
            waiting.stdout.readline()
        ctl("cancel", first)
        while b"cancelled" not in waiting.stdout.readline():
            pass
        ctl("forget", first)
        for offer in bobs_ctl.json("list", "--state", "offered")[0]:
            bobs_ctl("accept", offer["Id"])
        waiting.communicate(timeout=60)
    assert waiting.returncode == CANCELLED


def test_resume(ctl, bob, source):
    first = ctl("send", BOB, source).strip()
    bob.client.wait_for_offer()
    ctl("cancel", first)
    ctl("wait", first, expect=CANCELLED)
    with running(ctl.start("resume", first, "--wait")) as resuming:
        accept_next(bob)
        resuming.communicate(timeout=60)
    assert resuming.returncode == OK
    assert ctl.json("show", first)[0]["State"] == "cancelled"


def test_what_failed_can_be_sent_again(ctl, bob, source):
    """It is said how, for all at once."""
    with running(ctl.start("send", BOB, source, source, "--wait")) as sending:
        bob.client.wait(lambda: len(bob.client.transfers()) == 2, 20)
        ctl("cancel", 1, 2)
        out, err = sending.communicate(timeout=60)
    assert sending.returncode == CANCELLED
    assert "0 of 2 files sent" in out.decode()
    again = re.search(r'"fardelctl (resume \d+ \d+)"', err.decode())[1]
    assert len(ctl(*again.split()).split()) == 2
    assert "resume" not in ctl("wait", "1", expect=CANCELLED)


def test_bound_to_the_command(ctl, alice, bob, source):
    """With --bind the transfer ends with the command."""
    with running(ctl.start("send", BOB, source, "--bind")) as sending:
        offer = bob.client.wait_for_offer()
        sending.send_signal(signal.SIGINT)
        sending.communicate(timeout=20)
    assert offer.end()["State"] == "cancelled"
    ctl("send", BOB, source)
    with running(Ctl(bob, ctl.directory).start("accept", bob.client.wait_for_offer()["Id"], "--bind")) as accepting:
        accepting.stdout.readline()
        accepting.send_signal(signal.SIGINT)
        accepting.communicate(timeout=20)
    bob.client.wait(lambda: all(transfer["State"] in ("cancelled", "done") for transfer in bob.client.transfers()), 20)


def test_wait_is_not_for_ever(ctl, bob, source):
    number = ctl("send", BOB, source).strip()
    bob.client.wait_for_offer()
    ctl("wait", number, "--timeout", "0.2", expect=TIMEOUT)
    assert ctl.json("show", number)[0]["State"] == "offered"


def test_interrupt_leaves_the_transfer(ctl, alice, bob, source):
    with running(ctl.start("send", BOB, source, "--wait")) as sending:
        offer = bob.client.wait_for_offer()
        while b"offered" not in sending.stdout.readline():
            pass
        sending.send_signal(signal.SIGINT)
        _, err = sending.communicate(timeout=20)
    assert sending.returncode == INTERRUPTED
    number = alice.client.transfers()[0]["Id"]
    assert f"fardelctl wait {number}" in err.decode()
    offer.accept("")
    ctl("wait", number)


def test_interrupt_ends_what_goes_to_a_pipe(bobs_ctl, alice, bob, work):
    alice.manager.offer(BOB, make_file(work / "large", 20_000_000))
    offer = bob.client.wait_for_offer()
    with running(bobs_ctl.start("accept", offer["Id"], "-")) as accepting:
        offer.wait_for("State", "active")
        accepting.send_signal(signal.SIGTERM)
        accepting.wait(timeout=20)
    assert accepting.returncode == INTERRUPTED
    assert offer.end()["State"] == "cancelled"


def test_daemon_dies(ctl, alice, bob, source):
    sent = alice.manager.offer(BOB, source)
    held = Held(bob.client.wait_for_offer())
    sent.wait_for("State", "active")
    with running(ctl.start("wait", sent["Id"])) as waiting, running(ctl.start("--json", "watch")) as watching:
        for process in (waiting, watching):
            assert b"active" in process.stdout.readline()
        alice.kill()
        for process in (waiting, watching):
            _, err = process.communicate(timeout=20)
            assert process.returncode == NO_DAEMON
            assert b"daemon is gone" in err
    held.close()


def test_no_daemon(ctl, alice):
    alice.stop()
    assert "installed" in ctl("list", expect=NO_DAEMON)
    ctl.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
    assert "session bus" in ctl("list", expect=NO_DAEMON)
    assert json.loads(ctl("--json", "list", expect=NO_DAEMON)).keys() == {"Error", "ErrorMessage"}


def test_runtime_directory_alone(ctl, alice):
    """As in a shell over SSH: no DBUS_SESSION_BUS_ADDRESS."""
    del ctl.env["DBUS_SESSION_BUS_ADDRESS"]
    (alice.runtime / "bus").symlink_to(alice.directory / "bus")
    assert ctl.json("status")[0]["Version"]
    (alice.runtime / "bus").unlink()
    assert "$XDG_RUNTIME_DIR/bus" in ctl("status", expect=NO_DAEMON)
    del ctl.env["XDG_RUNTIME_DIR"]
    assert f"export XDG_RUNTIME_DIR=/run/user/{os.getuid()}" in ctl("status", expect=NO_DAEMON)


def test_system_bus(ctl, alice, bob, source):
    """Files go as descriptors there, since the daemon is shown no paths."""
    ctl.env["DBUS_SYSTEM_BUS_ADDRESS"] = ctl.env.pop("DBUS_SESSION_BUS_ADDRESS")
    ctl.env["XDG_RUNTIME_DIR"] = "/nonexistent"
    assert ctl.json("--system", "status")[0]["Version"]
    assert len(ctl("--system", "send", BOB, source, source, "--transport", "ibb").split()) == 2
    offer = bob.client.wait_for_offer()
    assert (offer["Name"], offer["Size"]) == ("report.bin", SIZE)
    ctl.env["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nonexistent"
    assert "system bus" in ctl("--system", "status", expect=NO_DAEMON)


def test_settings(ctl, alice, work):
    ctl("set", "--max-active", 7, "--download-folder", ".")
    status = ctl.json("status")[0]
    assert (status["MaxActiveTransfers"], status["DownloadFolder"].rstrip("/")) == (7, str(work))
    assert "7" in ctl("status")
    assert "1" in ctl("set", "--max-active", 0, expect=FAILED)
    config = alice.config / "fardel.conf"
    config.write_text(config.read_text().replace("=7", "=9"))
    ctl("reload")
    assert ctl.json("status")[0]["MaxActiveTransfers"] == 9


def test_account_show(ctl, alice, prosody):
    shown = ctl("account", "show", "alice")
    assert "Status: online" in shown and "AutoAccept" not in shown
    assert alice.account("alice")["Tls"]["certificate-sha256"] in shown
    ctl("account", "update", "alice", "--auto-accept", BOB, "--auto-accept", Prosody.jid("carol"))
    assert f"{BOB}, {Prosody.jid('carol')}" in ctl("account", "show", "alice")
    ctl("account", "update", "alice", "--auto-accept", "")
    assert alice.account("alice")["AutoAccept"] == []


def test_filters_of_contacts(ctl, bob):
    """By what they can, and by group."""
    eventually(lambda: ctl.json("contacts", "--can-receive")[0])
    assert ctl.json("contacts", "--group", "none of this name") == [[]]


def test_watch(bobs_ctl, alice, bob, source):
    with running(bobs_ctl.start("--json", "watch")) as watching:
        alice.manager.offer(BOB, source)
        first = json.loads(watching.stdout.readline())
        assert (first["State"], first["Name"]) == ("offered", "report.bin")
        bob.client.wait_for_offer().accept("")
        while (event := json.loads(watching.stdout.readline())).get("State") != "done":
            assert event["Id"] == first["Id"]
        bobs_ctl("forget", first["Id"])
        while not (event := json.loads(watching.stdout.readline())).get("Removed"):
            pass
        bobs_ctl("account", "disconnect", "bob")
        while (event := json.loads(watching.stdout.readline())).get("Status") != "offline":
            assert event["Id"] == "bob"


def test_accounts(ctl, alice, prosody):
    ctl("account", "add", Prosody.jid("carol"), "--server", prosody.address, "--port", prosody.port,
        "--ca-file", prosody.ca_file, "--allow-loopback", "--no-connect")
    assert {account["Id"]: account["Status"] for account in ctl.json("account", "list")[0]} == {
        "alice": "online", "carol": "offline"}
    assert "--id" in ctl("account", "add", Prosody.jid("carol"), expect=FAILED)

    ctl("account", "update", "carol", "--connect")
    alice.account("carol").wait_for("Status", "waiting-for-password")
    ctl("account", "password", "carol", stdin=password("carol").encode() + b"\n")
    alice.account("carol").wait_for("Status", "online")
    ctl("account", "disconnect", "carol")
    alice.account("carol").wait_for("Status", "offline")
    ctl("account", "connect", "carol")
    alice.account("carol").wait_for("Status", "online")
    ctl("account", "remove", "carol")
    assert [account["Id"] for account in ctl.json("account", "list")[0]] == ["alice"]


def test_account_client_certificate(ctl, alice, prosody):
    account = alice.account("alice")
    ctl("account", "update", "alice", "--client-certificate", prosody.ca_file, "--client-key", "missing.key")
    account.wait_for("Status", "failed")
    assert "/missing.key cannot be read" in account["ErrorMessage"]
    ctl("account", "update", "alice", "--client-certificate", "", "--client-key", "")
    account.wait_for("Status", "online")


def test_account_policies(ctl, alice):
    def policies():
        account = ctl.json("account", "list")[0][0]
        return [account[key] for key in ("Strangers", "AutoAccept", "AutoAcceptMaxSize", "AutoAcceptFolder", "RelayOnly")]

    assert policies() == ["", [], 0, "", False]
    ctl("account", "update", "alice", "--strangers", "hold", "--auto-accept", BOB, "--auto-accept-max", "20M",
        "--auto-accept-folder", "in", "--relay-only")
    assert policies() == ["hold", [BOB], 20_000_000, str(ctl.directory / "in"), True]
    ctl("account", "update", "alice", "--strangers", "", "--auto-accept-max", "none", "--auto-accept-folder", "",
        "--no-relay-only")
    assert policies() == ["", [BOB], 0, "", False]
    assert "strangers" in ctl("account", "update", "alice", "--strangers", "x", expect=FAILED)


def test_peers(ctl, bob):
    assert BOB in ctl("query", BOB) and "can receive" in ctl("query", BOB)
    info = ctl.json("query", BOB)[0]
    assert info["online"] and info["can-receive"] and "ibb" in info["transports"]
    assert "offline" in ctl("query", Prosody.jid("nobody"))
    assert ctl.json("contacts")[0] == ctl.json("contacts", "--account", "alice")[0]
    assert ctl.json("contacts")[0][0]["resources"][0]["client"] == info["client"]
    assert "can receive" in ctl("contacts")
    rows = ctl("contacts", "--resources").splitlines()
    assert rows[1].split()[:2] == ["alice", f"{BOB}/{info['resource']}"]
    assert "ibb" in rows[1] and "fardel" in rows[1]
    assert ctl.json("status")[0]["MaxActiveTransfers"] == 4


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["--nonsense"], ["account"], ["send"], ["send", BOB], ["send", BOB, "--nonsense", "x"],
    ["send", BOB, "-"], ["send", BOB, "-", "x"], ["send", BOB, "x", "--size", "1"], ["send", BOB, "x", "--timeout", "-1"],
    ["set"], ["set", "--max-active", "-2"], ["reload", "x"], ["account", "show"], ["show"], ["show", "one"], ["show", "1", "2"], ["show", "-1"], ["wait"], ["cancel"], ["account", "add"],
    ["account", "connect", "No/Id"], ["account", "update", "alice"], ["account", "add", "a@b", "--port", "65536"],
    ["account", "add", "a@b", "--password-command", "'"], ["account", "add", "a@b", "--auto-accept-max", "much"],
])
def test_usage(arguments, tmp_path):
    """Found out without a bus."""
    env = os.environ | {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    ctl = subprocess.run([binary(), *arguments], env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True)
    assert (ctl.returncode, ctl.stdout) == (USAGE, b"")
    assert ctl.stderr.startswith(b"fardelctl: ")


def test_local_failures(ctl, source):
    assert "No such file" in ctl("send", BOB, "nowhere", expect=FAILED)
    assert ctl("send", "not a jid@", source, expect=FAILED).startswith("fardelctl: ")
    assert "account list" in ctl("send", BOB, source, "--account", "nobody", expect=FAILED)
    assert ctl("account", "password", "alice", expect=FAILED).endswith("it is empty.\n")
    with open("/dev/full", "w") as full:
        assert ctl.start("list", stdout=full).wait(timeout=20) == FAILED


def test_help_and_version(tmp_path):
    for arguments, text in ((["--help"], "Exit codes:"), (["send", "--help"], "--wait"), (["--version"], "fardelctl ")):
        ctl = subprocess.run([binary(), *arguments], env={}, cwd=tmp_path, capture_output=True, check=True)
        assert text in ctl.stdout.decode()

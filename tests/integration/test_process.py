# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon as a process: idle, small, and gone when told."""

import os
import pathlib
import signal

import pytest

from fardel.client import NAME
from fardel.daemon import Daemon, binary
from fardel.files import make_file
from fardel.process import Process
from fardel.scenario import exchange

SETTLE_S = 3
IDLE_S = 10
MAX_RSS_KB = 15_000

SANITIZED = b"__asan_init" in pathlib.Path(binary()).read_bytes() if os.path.exists(binary()) else False


def wakeups(pid):
    total = 0
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def resident_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


@pytest.mark.skipif(SANITIZED, reason="sanitizers wake up by themselves")
@pytest.mark.parametrize("users", [(), ("alice",), ("alice", "bob")], ids=["no account", "online", "two online"])
def test_idle_means_asleep(make_daemon, prosody, users):
    daemon = make_daemon("alice")
    for user in users:
        daemon.add_account(user, prosody)
    daemon.client.spend(SETTLE_S)
    before = wakeups(daemon.process.pid)
    daemon.client.spend(IDLE_S)
    assert wakeups(daemon.process.pid) == before


@pytest.mark.skipif(SANITIZED, reason="sanitizers wake up by themselves")
def test_asleep_again_after_a_transfer(alice, bob, work):
    exchange(alice, bob, make_file(work / "file", 1_000_000))
    alice.client.spend(SETTLE_S)
    before = wakeups(alice.process.pid), wakeups(bob.process.pid)
    alice.client.spend(IDLE_S)
    assert (wakeups(alice.process.pid), wakeups(bob.process.pid)) == before


@pytest.mark.skipif(SANITIZED, reason="sanitizers need memory")
def test_small(alice, bob, work):
    assert resident_kb(alice.process.pid) < MAX_RSS_KB
    exchange(alice, bob, make_file(work / "file", 50_000_000))
    for daemon in (alice, bob):
        assert resident_kb(daemon.process.pid) < MAX_RSS_KB


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep freed memory")
def test_memory_does_not_grow(alice, bob, work):
    source = make_file(work / "file", 100_000)
    for count in (5, 20):
        for _ in range(count):
            exchange(alice, bob, source)
        if count == 5:
            before = resident_kb(alice.process.pid), resident_kb(bob.process.pid)
    for daemon, old in zip((alice, bob), before):
        assert resident_kb(daemon.process.pid) < old + 500


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_told(alice, number):
    alice.process.signal(number)
    assert alice.process.wait() == 0
    assert not alice.client.has_owner()


def test_ends_with_its_bus(make_daemon):
    daemon = make_daemon("fardeld")
    daemon.bus.stop()
    assert daemon.process.wait() >= 0  # no crash


def test_only_one_on_a_bus(make_daemon):
    daemon = make_daemon("fardeld")
    second = Process("second", [binary()], env=daemon.env)
    assert second.wait() > 0
    assert any(NAME in line for line in second.lines)
    assert daemon.manager["Version"]


def test_without_a_bus(work):
    daemon = Daemon(work / "daemon")
    daemon.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={work}/nothing"
    daemon.launch()
    assert daemon.process.wait() > 0
    assert daemon.process.lines
    daemon.close()


@pytest.mark.parametrize("argument", ["--nonsense", "argument", "--log-level=loud"])
def test_bad_arguments(argument):
    process = Process("fardeld", [binary(), argument])
    assert process.wait() > 0
    assert process.lines


def test_version():
    process = Process("fardeld", [binary(), "--version"])
    assert process.wait() == 0
    assert "fardel" in process.lines[0]


def test_configuration_is_private(alice):
    assert oct(alice.config.stat().st_mode & 0o777) == "0o700"
    for directory in (alice.config, alice.state):
        for path in directory.rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path

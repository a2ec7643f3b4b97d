# SPDX-License-Identifier: LGPL-2.1-or-later
"""bash, zsh and fish complete fardelctl's command lines with what the daemon knows."""

import contextlib
import os
import pathlib
import shlex
import signal
import subprocess

import pytest

from fardel.bus import Bus
from fardel.ctl import Ctl, binary
from fardel.files import make_file
from fardel.prosody import Prosody
from fardel.scenario import ALICE, BOB, eventually
from fardel.terminal import Terminal

COMPLETIONS = pathlib.Path(__file__).parents[2] / "packaging/completions"
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--private"],
}
SETUP = {
    "bash": "PS1='> '; bind 'set bell-style none'; source {dir}/fardelctl.bash",
    "zsh": "PROMPT='> '; fpath=({dir} $fpath); autoload -Uz compinit; compinit -u -D",
    "fish": "function fish_prompt; echo -n '> '; end; source {dir}/fardelctl.fish",
}


class Shell:
    """An interactive one, with our completion."""

    def __init__(self, name, env, directory):
        self.name = name
        env = env | {"PATH": f"{pathlib.Path(binary()).parent}:{os.environ['PATH']}", "HOME": str(directory)}
        self.terminal = Terminal(SHELLS[name], env, directory, columns=100)
        self.terminal.type(SETUP[name].format(dir=shlex.quote(str(COMPLETIONS))) + "\n")
        self.terminal.type("clear; echo rea''dy\n")
        self.terminal.wait_for(r"^ready\s*\n> ?$")

    def completes(self, typed, completed):
        """Tab after `typed` makes `completed` of it."""
        self.terminal.type(typed + "\t")
        self.terminal.wait_for(lambda text: text.rstrip().splitlines()[-1].rstrip() == f"> {completed}")
        self.terminal.type("\x15")
        self.terminal.wait_for(r"^> ?\Z")

    def lists(self, typed, *patterns):
        """Tab twice after `typed` shows these."""
        self.terminal.type(typed + "\t\t")
        for pattern in patterns:
            self.terminal.wait_for(pattern)
        self.terminal.type("\x03\x03" if self.name == "fish" else "\x15")  # fish: the list, then the line
        self.terminal.wait_for(r"^> ?\Z")
        self.terminal.type("clear; echo rea''dy\n")
        self.terminal.wait_for(r"\Aready\s*\n> ?$")


@pytest.fixture(params=SHELLS)
def shell(request, alice, work):
    shell = Shell(request.param, alice.env, work)
    with contextlib.closing(shell.terminal):
        yield shell


def test_completion(shell, alice, bob, work):
    make_file(work / "some file.txt", 10)
    (work / "directory").mkdir()
    sent = [alice.manager.offer(BOB, work / "some file.txt")["Id"] for _ in range(2)]
    offer = bob.manager.offer(ALICE, work / "some file.txt")
    offer.wait_for("State", "offered")
    alice.client.wait(lambda: len(alice.client.transfers()) == 3, 20)
    incoming = next(each["Id"] for each in alice.client.transfers() if each["Direction"] == "incoming")

    shell.completes("fardelctl stat", "fardelctl status")
    shell.completes("fardelctl account pass", "fardelctl account password")
    shell.completes("fardelctl send --trans", "fardelctl send --transport")
    shell.completes("fardelctl send --transport socks5-d", "fardelctl send --transport socks5-direct")
    shell.completes("fardelctl account connect a", "fardelctl account connect alice")
    shell.completes("fardelctl send b", f"fardelctl send {BOB}")
    shell.completes("fardelctl send bob@fa", f"fardelctl send {BOB}")
    shell.completes("fardelctl --json list --peer=bob@f", f"fardelctl --json list --peer={BOB}")
    shell.completes("fardelctl list --state=off", "fardelctl list --state=offered")
    shell.completes("fardelctl accept ", f"fardelctl accept {incoming}")
    shell.completes(f"fardelctl cancel {sent[0]} {incoming} ", f"fardelctl cancel {sent[0]} {incoming} {sent[1]}")
    shell.completes(f"fardelctl send {BOB} some", rf"fardelctl send {BOB} some\ file.txt")
    shell.completes(f"fardelctl accept {incoming} dir", f"fardelctl accept {incoming} directory/")
    shell.lists("fardelctl cancel ", rf"\b{sent[0]}\b.*some file\.txt, offered {BOB}", rf"\b{incoming}\b.*some file\.txt, offered")
    shell.lists("fardelctl ", r"\bsend\b", r"\bwatch\b.*Follow", r"\baccount\b")


def test_no_shell_is_needed(alice, bob, work):
    """What all three of them ask."""
    ctl = Ctl(alice, work)

    def complete(*words):
        return [line.partition("\t")[0] for line in ctl("complete", *words).splitlines()]

    def contact():
        return ctl.json("contacts", "--can-receive")[0]

    eventually(contact)
    resource = contact()[0]["resources"][0]["resource"]
    assert complete("")[:2] == ["send", "list"]
    assert complete("account", "re") == ["remove"]
    assert complete("send", f"{BOB}/") == [f"{BOB}/{resource}"]
    assert complete("send", "-a", "") == ["alice"]
    assert complete("send", "--account", "alice", "bo") == [BOB]
    assert complete("send", BOB, "") == [":files"]
    assert complete("send", "--", "-") == []
    assert complete("account", "add", "--ca-file", "") == [":files"]
    assert complete("account", "add", "--auto-accept-folder", "") == [":directories"]
    assert complete("account", "add", "--tls=d") == ["--tls=direct"]
    ctl.env["DBUS_SYSTEM_BUS_ADDRESS"] = ctl.env["DBUS_SESSION_BUS_ADDRESS"]
    ctl.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
    assert complete("--json", "--system", "account", "connect", "") == ["alice"]
    assert complete("account", "connect", "") == []
    assert complete("show", "") == complete("nonsense", "x") == complete("send", "--name", "") == []


def test_nothing_is_started(session_directory, work):
    """A key must not log anybody in: no daemon is started for it."""
    directory = work / "bus"
    directory.mkdir()
    bus = Bus(directory, os.environ | {"XDG_RUNTIME_DIR": str(work)})
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(bus.stop)
        started = work / "started"
        (bus.services / "org.fardel.Fardel1.service").write_text(
            f"[D-BUS Service]\nName=org.fardel.Fardel1\nExec=/bin/sh -c 'touch {started}; false'\n")
        env = os.environ | {"DBUS_SESSION_BUS_ADDRESS": bus.address}
        for words in (["send", ""], ["cancel", ""], ["account", "connect", ""]):
            assert subprocess.run([binary(), "complete", *words], env=env, capture_output=True, check=True).stdout == b""
        assert not started.exists()
        assert subprocess.run([binary(), "status"], env=env, capture_output=True, check=False).returncode == 3
        assert started.exists()  # it would have been seen


def test_a_daemon_that_stands_still(alice, work):
    """It is not waited for as other calls wait, which is 25 seconds."""
    ctl = Ctl(alice, work)
    alice.process.signal(signal.SIGSTOP)
    try:
        ctl.start("complete", "send", "").communicate(timeout=20)
    finally:
        alice.process.signal(signal.SIGCONT)


def test_no_bus(tmp_path):
    done = subprocess.run([binary(), "complete", "send", ""], env={}, cwd=tmp_path, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_strange_contacts_run_nothing(make_prosody, make_daemon, work):
    """What a contact is called is never obeyed by a shell."""
    name = "$(touch${ifs}x)"
    prosody = make_prosody(users=("alice",), contacts=(("alice", name),))
    daemon = make_daemon("alice")
    daemon.add_account("alice", prosody)
    shell = Shell("bash", daemon.env, work)
    with contextlib.closing(shell.terminal):
        shell.completes("fardelctl query ", rf"fardelctl query \$\(touch\$\{{ifs\}}x\)@{Prosody.jid('x').partition('@')[2]}")

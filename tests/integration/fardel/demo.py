# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two users exchange a file; every step is a command that a reader can repeat."""

import argparse
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import time

from .client import NAME, ROOT, TERMINAL
from .daemon import Daemon
from .files import make_file, sha256
from .process import Process
from .prosody import DOMAIN, Prosody, password

TRANSPORTS = {"direct": "socks5-direct", "proxy": "socks5-proxy", "ibb": "ibb"}
POLL_S = 0.5


def say(text):
    print(f"demo: {text}", flush=True)


class User:
    """A user with a daemon, whose commands are shown as they are run."""

    def __init__(self, name, directory):
        self.name = name
        self.daemon = Daemon(directory, name, arguments=("--log-level=info",))

    def run(self, line, show=True):
        """The output of a shell command in the user's session."""
        if show:
            print(f"{self.name}$ {line}", flush=True)
        done = subprocess.run(["sh", "-c", line], env=self.daemon.env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{line}: {done.stderr.strip()}")
        output = done.stdout.rstrip()
        if show and output:
            print(output, flush=True)
        return output

    def busctl(self, *words, show=True):
        return self.run(shlex.join(["busctl", "--user", *map(str, words)]), show)

    def call(self, path, interface, method, *args):
        return self.busctl("call", NAME, path, f"{NAME}.{interface}", method, *args)

    def get(self, path, interface, *properties, show=True):
        return self.busctl("get-property", NAME, path, f"{NAME}.{interface}", *properties, show=show)

    def properties(self, path, interface, *names):
        """Bare values by name, without showing the command."""
        lines = self.get(path, interface, *names, show=False).splitlines()
        return {name: line.split(" ", 1)[1].strip('"') for name, line in zip(names, lines)}

    def log_in(self, server):
        self.call(ROOT, "Manager", "AddAccount", "sa{sv}", "home", 5, "jid", "s", server.jid(self.name),
                  "server", "s", server.address, "port", "q", server.port, "ca-file", "s", server.ca_file,
                  "allow-loopback", "b", "true")
        account = f"{ROOT}/account/home"
        # busctl passes descriptors since version 257 only; gdbus has long done so.
        self.run(f"echo {shlex.quote(password(self.name))} | "
                 f"gdbus call --session -d {NAME} -o {account} -m {NAME}.Account.SetPassword 0 {{}}")
        self.daemon.account("home").wait_for("Status", "online", "failed", timeout=30)
        self.get(account, "Account", "Status", "FullJid")


def follow(users, path_of):
    """Prints progress until both transfers have ended."""
    while True:
        states = []
        for user in users:
            values = user.properties(path_of[user], "Transfer", "State", "Transferred", "Size", "Rate")
            states.append(values)
            say("{:5} {State:11} {Transferred:>11} of {Size} bytes, {Rate} bytes/s".format(user.name, **values))
        if all(values["State"] in TERMINAL for values in states):
            return [values["State"] for values in states]
        time.sleep(POLL_S)


def exchange(directory, size, transport):
    source = make_file(directory / "holiday.tar", size)
    digest = sha256(source)
    server = Prosody(directory / "server")
    say(f"XMPP server for {DOMAIN} on {server.address} port {server.port}, users alice and bob, "
        f"SOCKS5 proxy {server.proxy_jid}")
    alice, bob = users = [User(name, directory / name) for name in ("alice", "bob")]
    for user in users:
        user.daemon.start()
    try:
        for user in users:
            user.log_in(server)
        options = ["1", "transports", "as", "1", TRANSPORTS[transport]] if transport else ["0"]
        sent = alice.call(ROOT, "Manager", "Offer", "ssa{sv}", server.jid("bob"), source, *options)
        incoming = bob.daemon.client.wait_for_offer().path
        bob.call(ROOT, "Manager", "ListTransfers", "a{sv}", "1", "state", "s", "offered")
        bob.call(incoming, "Transfer", "Accept", "sa{sv}", f"{bob.daemon.downloads}/", "0")
        path_of = {alice: sent.split('"')[1], bob: incoming}
        states = follow(users, path_of)
        for user in users:
            user.get(path_of[user], "Transfer", "State", "Transport", "Verified", "ErrorMessage", "LocalPath")
        if states != ["done", "done"]:
            raise RuntimeError(f"the transfer ended as {states[0]} and {states[1]}")
        received = sha256(bob.properties(incoming, "Transfer", "LocalPath")["LocalPath"])
        say(f"sha256 sent     {digest}")
        say(f"sha256 received {received}")
        if received != digest:
            raise RuntimeError("the file that arrived is not the one that was sent")
        used = alice.properties(path_of[alice], "Transfer", "Transport")["Transport"]
        say(f"{size} bytes went by {used}")
        if transport and used != TRANSPORTS[transport]:
            raise RuntimeError(f"asked for {TRANSPORTS[transport]}, went by {used}")
        return digest
    finally:
        for user in users:
            user.daemon.close()
        server.stop()


def size_of(text):
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    unit = units.get(text[-1:].upper(), 1)
    return int(text[:-1] if unit > 1 else text) * unit


def main():
    parser = argparse.ArgumentParser(prog="tests/demo", description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, help="the only path allowed (default: the best)")
    parser.add_argument("--size", type=size_of, metavar="BYTES[K|M|G]", help="default: 64M, with ibb 256K")
    arguments = parser.parse_args()
    size = arguments.size
    if size is None:
        size = 256 << 10 if arguments.transport == "ibb" else 64 << 20
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="fardel-demo-") as name:
        directory = pathlib.Path(name)
        (directory / "server").mkdir()
        try:
            digest = exchange(directory, size, arguments.transport)
        except (Exception, KeyboardInterrupt) as error:
            for process in Process.made:
                print(f"--- {process.name}", *process.lines[-60:], sep="\n", file=sys.stderr)
            print(f"demo: FAILED: {error or type(error).__name__}", file=sys.stderr)
            return 1
    say(f"OK sha256={digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks in which the two users and the server are different hosts."""

import itertools
import os
import pathlib
import shutil
import subprocess

SERVER = "server"

_numbers = itertools.count()


class NotPermitted(Exception):
    """This machine does not let us make network namespaces."""


def _ip(*args, netns=None):
    command = ["ip", "-n", netns] if netns else ["ip"]
    subprocess.run(command + [str(arg) for arg in args], check=True, capture_output=True, text=True)


class Network:
    """A namespace for the server and one for each user.

    With `routed` the users are in networks of their own: each reaches the
    server and its addresses, packets to each other vanish. Else all are in one
    network. `family` is 4 or 6.
    """

    def __init__(self, users=("alice", "bob"), routed=True, family=4):
        self.family = family
        self.tag = f"fardel{os.getpid()}-{next(_numbers)}"
        self.users = {}  # user: (namespace, the server's address there)
        self.namespaces = []
        self.etc = []  # directories below /etc/netns
        try:
            self.server = self._namespace(SERVER)
        except subprocess.CalledProcessError as error:
            self.close()
            raise NotPermitted(f"no network namespaces here: {error.stderr.strip()}") from None
        try:
            # The host's own value would be inherited.
            _ip("netns", "exec", self.server, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
            if not routed:
                _ip("link", "add", "lan", "type", "bridge", netns=self.server)
                self._up("lan", self.server, self._address(1, 1))
            for number, user in enumerate(users, 1):
                self._attach(user, number, routed)
        except BaseException:
            self.close()
            raise

    def _namespace(self, name):
        namespace = f"{self.tag}-{name}"
        _ip("netns", "add", namespace)
        self.namespaces.append(namespace)
        _ip("link", "set", "lo", "up", netns=namespace)
        return namespace

    def _address(self, network, host):
        return f"10.77.{network}.{host}" if self.family == 4 else f"fd77:{network}::{host}"

    def _up(self, link, namespace, address):
        mask, nodad = ("/24", ()) if self.family == 4 else ("/64", ("nodad",))
        _ip("addr", "add", address + mask, "dev", link, *nodad, netns=namespace)
        _ip("link", "set", link, "up", netns=namespace)

    def _attach(self, user, number, routed):
        namespace = self._namespace(user)
        # Not "veth": a daemon rightly keeps container interfaces to itself.
        _ip("link", "add", "lan0", "netns", namespace, "type", "veth",
            "peer", "name", f"to-{user}", "netns", self.server)
        _ip("link", "set", f"to-{user}", "up", netns=self.server)
        network = number if routed else 1
        gateway = self._address(network, 1)
        self._up("lan0", namespace, self._address(network, number + 1))
        if routed:
            self._up(f"to-{user}", self.server, gateway)
        else:
            _ip("link", "set", f"to-{user}", "master", "lan", "up", netns=self.server)
        _ip(f"-{self.family}", "route", "add", "default", "via", gateway, netns=namespace)
        self.users[user] = (namespace, gateway)

    def set_resolver(self, user, address):
        """Programs of that user ask there for names: iproute2 shows them this as their /etc/resolv.conf."""
        directory = pathlib.Path("/etc/netns") / self.users[user][0]
        self.etc.append(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "resolv.conf").write_text(f"nameserver {address}\n")

    def run(self, user, *command):
        subprocess.run(["ip", "netns", "exec", self.users[user][0], *command], check=True)

    @property
    def server_addresses(self):
        return list(dict.fromkeys(gateway for _, gateway in self.users.values()))

    def close(self):
        for directory in self.etc:
            shutil.rmtree(directory, ignore_errors=True)
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)

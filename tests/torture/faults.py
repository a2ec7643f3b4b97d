# SPDX-License-Identifier: LGPL-2.1-or-later
"""The faults: each is told the world and the transfer under way, breaks something,
and leaves it to the caller to heal what is left broken.

A fault says what it expects of the transfer: DONE (it is survived), OVER (it ends,
well or not), or what to do afterwards to get the file after all.
"""

import random
import signal
import time

from fardel.client import BusError

from world import USERS

DONE, OVER, SOURCE, RESUME = "done", "over", "source", "resume"

TRANSPORTS = {"direct": "socks5-direct", "proxy": "socks5-proxy", "ibb": "ibb"}
SIZES = {"direct": (0, 1, 70_000, 3_000_000, 6_000_000), "proxy": (0, 1, 70_000, 3_000_000, 6_000_000),
         "ibb": (0, 1, 20_000, 400_000, 800_000)}


def is_over(error):
    """Who acts on a transfer that has ended meanwhile, or was forgotten, is told so."""
    return error.name.rpartition(".")[2] in ("Finished", "UnknownObject")


def _deal(seed, number):
    """Kind and transport: of as many faults as there are kinds each is met once, and of three
    times as many with each transport."""
    kinds, transports = sorted(KINDS), sorted(TRANSPORTS)
    turn, place = divmod(number - 1, len(kinds))
    order = random.Random(f"{seed}/{turn}").sample(range(len(kinds)), len(kinds))
    kind = order[place]
    first = random.Random(f"{seed}/{kinds[kind]}").randrange(len(transports))
    return kinds[kind], transports[(first + turn) % len(transports)]


class Fault:
    """Number `number` of the schedule that `seed` stands for."""

    def __init__(self, seed, number, kind=None, transport=None):
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        dealt = _deal(seed, number)
        self.kind, self.transport = kind or dealt[0], transport or dealt[1]
        self.size = self.random.choices(SIZES[self.transport], (1, 1, 2, 6, 4))[0]
        if self.kind in ("disk-full", "source-changed", "part-damaged", "part-removed", "part-torn"):
            self.size = SIZES[self.transport][3]
        self.seconds = self.random.uniform(0.3, 1.5)  # that all of it shall take
        self.share = self.random.choice((0, self.random.random(), self.random.random(), 1))
        self.delay = self.random.uniform(0, 0.3)
        self.length = self.random.choice((0.1, 1, self.random.uniform(1, 8)))
        self.user = self.random.choice(USERS)
        self.strike, self.expects = KINDS[self.kind]

    @property
    def name(self):
        return f"file-{self.number}"

    @property
    def rate(self):
        return max(1024, int(self.size / self.seconds))

    @property
    def path(self):
        """Where the bytes go, for who breaks the network."""
        return "direct" if self.transport == "direct" else "server"

    def point(self):
        return f"{self.share:.0%}+{self.delay:.2f}s" if self.share in (0, 1) else f"{self.share:.0%}"

    def wait(self, world):
        """Until the point of the transfer at which it strikes."""
        if self.share in (0, 1):
            time.sleep(self.delay)
        if self.share > 0:
            world.wait_for_bytes(self.name, int(self.share * self.size))


def _kill(*users):
    def strike(fault, world, transfer):
        for user in users:
            world.daemons[user].kill()
    return strike


def _terminate(user):
    def strike(fault, world, transfer):
        world.daemons[user].stop()
    return strike


def _kill_twice(fault, world, transfer):
    world.restart(fault.user)
    time.sleep(fault.length / 4)
    world.restart(fault.random.choice(USERS))


def _freeze(fault, world, transfer):
    world.daemons[fault.user].process.signal(signal.SIGSTOP)
    time.sleep(fault.length)
    world.daemons[fault.user].process.signal(signal.SIGCONT)


def _kill_server(fault, world, transfer):
    world.prosody.kill()
    time.sleep(fault.length / 4)


def _restart_server(fault, world, transfer):
    world.prosody.stop()
    time.sleep(fault.length / 4)


def _cut(fault, world, transfer):
    world.cut(fault.user, fault.path)


def _cut_xmpp(fault, world, transfer):
    world.cut(fault.user, "server")


def _hole(fault, world, transfer):
    with world.hole(fault.user, fault.path):
        time.sleep(fault.length)


def _hole_and_kill(fault, world, transfer):
    """The other side hears nothing of the end."""
    with world.hole(fault.user, fault.path):
        world.daemons[fault.user].kill()
        time.sleep(fault.length / 4)


def _cancel(user):
    def strike(fault, world, transfer):
        found = [transfer] if user == "alice" else world.find(fault.name)
        try:
            if found:
                found[-1].call("Cancel")
        except BusError as error:
            if not is_over(error):
                raise
    return strike


def _change_source(fault, world, transfer):
    with open(world.directory / fault.name, "r+b") as file:
        file.seek(fault.random.randrange(fault.size))
        file.write(b"something else")


def _damage_part(fault, world, transfer):
    world.bob.kill()
    for part in world.parts():
        size = part.stat().st_size
        with part.open("r+b") as file:
            file.seek(fault.random.randrange(size) if size else 0)
            file.write(b"damage")


def _tear_part(fault, world, transfer):
    """What a machine that lost its power may bring back: less, and of the last of it nothing but zeros."""
    world.bob.kill()
    for part in world.parts():
        size = fault.random.randint(0, part.stat().st_size)
        blank = min(size, fault.random.choice((0, 4096)))
        with part.open("r+b") as file:
            file.truncate(size)
            file.seek(size - blank)
            file.write(bytes(blank))


def _storm(fault, world, transfer):
    """One after the other, before anything has recovered."""
    for _ in range(3):
        fault.random.choice(STORM)(fault, world, transfer)
        for user in USERS:
            world.revive(user)
        if not world.prosody.process.running:
            world.prosody.start()
        time.sleep(fault.random.uniform(0, 1.5))


def _remove_part(fault, world, transfer):
    world.bob.kill()
    for part in world.parts():
        part.unlink()


def _fill_disk(fault, world, transfer):
    """Filled up before; the strike is that it is found out."""


STORM = (_kill("alice"), _kill("bob"), _kill_server, _restart_server, _cut, _cut_xmpp)

KINDS = {
    "kill-sender": (_kill("alice"), DONE),
    "kill-receiver": (_kill("bob"), DONE),
    "kill-both": (_kill("alice", "bob"), DONE),
    "kill-twice": (_kill_twice, DONE),
    "term-sender": (_terminate("alice"), DONE),
    "term-receiver": (_terminate("bob"), DONE),
    "freeze": (_freeze, DONE),
    "server-killed": (_kill_server, DONE),
    "server-restarted": (_restart_server, DONE),
    "cut-path": (_cut, DONE),
    "cut-xmpp": (_cut_xmpp, DONE),
    "hole": (_hole, DONE),
    "hole-and-kill": (_hole_and_kill, DONE),
    "cancel-sender": (_cancel("alice"), OVER),
    "cancel-receiver": (_cancel("bob"), OVER),
    "source-changed": (_change_source, SOURCE),
    "part-damaged": (_damage_part, DONE),
    "part-removed": (_remove_part, DONE),
    "part-torn": (_tear_part, DONE),
    "storm": (_storm, DONE),
    "disk-full": (_fill_disk, RESUME),
}

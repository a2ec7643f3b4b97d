# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the reference programs; README.md says what each does."""

import hashlib
import itertools
import pathlib
import uuid

from fardel.process import Process
from fardel.prosody import Prosody, password

from measure import Sample

BUFFERS = [256 << 10, 512 << 10]
BLOCKS = [4096, 8192, 16384, 65535]  # the largest that a block can be
WINDOWS = [1, 4, 16, 64]
LONGEST_S = 600


class Program:
    """A process of which single lines are waited for."""

    build = None  # where the programs are

    def __init__(self, name, *arguments):
        self.process = Process(name, [str(self.build / f"tests/bench/bench-{name}"), *map(str, arguments)], stdin=-1)

    def told(self, word, timeout=30):
        return self.process.wait_for_line(f"^{word}.*", timeout)[0].split()[1:]

    def go(self):
        self.process.popen.stdin.write(b"\n")
        self.process.popen.stdin.flush()

    def report(self):
        size, begun, ended, cpu, digest = self.told("report", LONGEST_S)
        if self.process.wait() != 0:
            raise AssertionError(f"{self.process.name} failed: {self.process.lines}")
        self.process.popen.stdin.close()
        Process.made.remove(self.process)
        return int(size), float(begun), float(ended), float(cpu), digest


class Delay:
    """A server's port behind a long link."""

    def __init__(self, port, seconds):
        self.program = Program("delay", port, round(seconds * 1e6))
        self.port = int(self.program.told("port")[0])

    def stop(self):
        self.program.process.kill()


def settle(senders, receivers):
    """One sample of all pairs together, from the first that begins to the last that ends."""
    sent = [program.report() for program in senders]
    received = [program.report() for program in receivers]
    for a, b in zip(sent, received):
        if (a[0], a[4]) != (b[0], b[4]):
            raise AssertionError(f"sent {a}, received {b}")
    seconds = max(report[2] for report in sent + received) - min(report[1] for report in sent)
    return Sample(sum(report[0] for report in sent), seconds, sum(report[3] for report in sent + received))


def start(senders, receivers, paths):
    """All are connected: let them go."""
    for program in senders:
        program.told("ready")
    for program in senders:
        program.go()
    try:
        return settle(senders, receivers)
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def targets(directory, count):
    return [pathlib.Path(directory) / f"reference-{number}" for number in range(count)]


def stream(world, sources, buffers):
    """A sample: straight from one process to another, each file over a connection of its own."""
    sending, receiving = buffers
    paths = targets(world.directory, len(sources))
    receivers = [Program("stream", "receive", path, receiving, source.stat().st_size)
                 for path, source in zip(paths, sources)]
    senders = [Program("stream", "send", source, sending, receiver.told("port")[0])
               for source, receiver in zip(sources, receivers)]
    return start(senders, receivers, paths)


def best_stream(world, sources):
    """The sizes of the sender's and the receiver's buffer that were the fastest in one try each."""
    return max(itertools.product(BUFFERS, BUFFERS), key=lambda pair: stream(world, sources, pair).goodput)


class Xmpp(Program):
    """A raw client of the world's server."""

    def __init__(self, world, user, *words):
        self.jid = f"{Prosody.jid(user)}/bench"
        super().__init__("xmpp", self.jid, password(user), world.port(user), world.prosody.ca_file, *words)
        self.told("ready")


def proxy(world, sources, buffers):
    """Through the server's proxy (XEP-0065)."""
    sending, receiving = buffers
    server = world.prosody
    paths = targets(world.directory, len(sources))
    senders, receivers = [], []
    for path, source in zip(paths, sources):
        sid = uuid.uuid4().hex
        requester, target = f"{Prosody.jid('alice')}/bench", f"{Prosody.jid('bob')}/bench"
        digest = hashlib.sha1(f"{sid}{requester}{target}".encode()).hexdigest()
        # The one that connects first is the target.
        receiver = Program("stream", "receive", path, receiving, source.stat().st_size, server.proxy_port, digest)
        receiver.told("ready")
        sender = Program("stream", "send", source, sending, server.proxy_port, digest)
        sender.told("ready")
        activation = Xmpp(world, "alice", "activate", server.proxy_jid, sid, target)
        activation.go()
        if activation.process.wait() != 0:
            raise AssertionError(f"not activated: {activation.process.lines}")
        senders.append(sender)
        receivers.append(receiver)
    return start(senders, receivers, paths)


def inband(world, source, block, window, seconds=0):
    """Blocks in-band through the server; after some seconds no more are sent."""
    path, = targets(world.directory, 1)
    receiver = Xmpp(world, "bob", "receive", path)
    sender = Xmpp(world, "alice", "send", receiver.jid, source, block, window, seconds)
    return start([sender], [receiver], [path])


def best_inband(world, source, seconds):
    """The block size and the window that were the fastest in one short try each."""
    return max(itertools.product(BLOCKS, WINDOWS), key=lambda pair: inband(world, source, *pair, seconds).goodput)

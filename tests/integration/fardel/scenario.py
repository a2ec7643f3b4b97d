# SPDX-License-Identifier: LGPL-2.1-or-later
"""What most tests do: send, hold, finish, compare."""

import os
import threading
import time

from .client import TRANSFER
from .prosody import Prosody

BOB = Prosody.jid("bob")
ALICE = Prosody.jid("alice")


def start(alice, bob, path, destination="", accept=None, **offer):
    """Offers a file and accepts it: (outgoing, incoming)."""
    sent = alice.manager.offer(BOB, path, **offer)
    received = bob.client.wait_for_offer()
    received.accept(destination, **(accept or {}))
    return sent, received


def finish(sent, received, timeout=180):
    """Both ends' final properties, which must be those of a success."""
    ends = received.end(timeout), sent.end(timeout)
    for end in ends:
        assert end["State"] == "done", f"{end['Direction']}: {end['Error']}: {end['ErrorMessage']}"
        assert (end["Error"], end["ErrorMessage"], end["EndedBy"]) == ("", "", "")
        assert end["Transferred"] == end["Size"] or end["Size"] == -1
        assert 0 < end["Started"] <= end["Ended"]
        assert end["Rate"] == 0
    # An empty file may be there before its sender is connected.
    assert ends[0]["Transport"] == ends[1]["Transport"] or (ends[1]["Size"], ends[1]["Transport"]) == (0, "")
    return ends[1], ends[0]


def exchange(alice, bob, path, **kwargs):
    return finish(*start(alice, bob, path, **kwargs))


class Held:
    """Accepts an offer into a pipe that is not read until release(): the
    transfer stays active for as long as a test needs."""

    def __init__(self, incoming):
        self.incoming = incoming
        self.reader, writer = os.pipe()
        incoming.accept_fd(writer)
        os.close(writer)
        self.data = bytearray()

    def release(self):
        """Reads to the end; returns all bytes."""
        with os.fdopen(self.reader, "rb") as reader:
            self.data += reader.read()
        return bytes(self.data)

    def close(self):
        os.close(self.reader)


def hold(alice, bob, path, **offer):
    """A transfer that is active on both sides and stays so: (outgoing, incoming, held)."""
    sent = alice.manager.offer(BOB, path, **offer)
    received = bob.client.wait_for_offer()
    held = Held(received)
    received.wait_for("State", "active")
    sent.wait_for("State", "active")
    return sent, received, held


def feed(fd, data):
    """Writes into a pipe from a thread, and closes it; a closed reader is no error."""
    def write():
        with os.fdopen(fd, "wb", buffering=0) as writer:
            try:
                view = memoryview(data)
                while view:
                    view = view[writer.write(view):]
            except BrokenPipeError:
                pass
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def finished_signals(transfer):
    return [signal for signal in transfer.client.signals
            if signal.path == transfer.path and (signal.interface, signal.name) == (TRANSFER, "Finished")]


def eventually(condition, timeout=10):
    """For what no signal tells: looks until it is so."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s"
        time.sleep(0.05)

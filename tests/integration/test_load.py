# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many transfers at once: what the bus is told, and how often."""

import itertools
import os
import threading
import time

import pytest

from fardel.client import ROOT
from fardel.files import make_file
from fardel.prosody import Prosody
from fardel.scenario import Held, hold

USERS = ("alice", "bob", "carol")
PER_PEER = 3
SECONDS = 8
CHUNK = 20_000
PAUSE_S = 0.1
SIZE = 100_000_000
SLACK_S = 0.15  # the clock is ours, at the other end of the bus


@pytest.fixture
def crowded(make_daemon, make_prosody):
    """One daemon, three accounts, each sending to both others."""
    prosody = make_prosody(users=USERS, contacts=tuple(itertools.combinations(USERS, 2)))
    daemon = make_daemon("crowd")
    for user in USERS:
        daemon.add_account(user, prosody)
    daemon.manager["MaxActiveTransfers"] = 64
    return daemon


class Trickle:
    """Feeds many pipes slowly, from one thread, until told to stop."""

    def __init__(self):
        self.writers = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        data = bytes(CHUNK)
        while not self.stopped.wait(PAUSE_S):
            for writer in self.writers:
                try:
                    os.write(writer, data)
                except (BlockingIOError, BrokenPipeError):
                    pass

    def stop(self):
        self.stopped.set()
        self.thread.join()
        for writer in self.writers:
            os.close(writer)


def test_progress_budget(crowded):
    trickle = Trickle()
    outgoing, held = [], []
    for sender, receiver in itertools.permutations(USERS, 2):
        for number in range(PER_PEER):
            reader, writer = os.pipe()
            os.set_blocking(writer, False)
            trickle.writers.append(writer)
            outgoing.append(crowded.manager.offer_fd(
                Prosody.jid(receiver), reader, f"{sender}-{receiver}-{number}", account=sender,
                size=SIZE))
            os.close(reader)
    drain = []
    for _ in outgoing:
        held.append(Held(crowded.client.wait_for_offer()))
        drain.append(threading.Thread(target=held[-1].release, daemon=True))
        drain[-1].start()
    for transfer in outgoing:
        transfer.wait_for("State", "active")
    assert crowded.manager["ActiveTransfers"] == 2 * len(outgoing)
    trickle.thread.start()
    crowded.client.spend(2)
    first = len(crowded.client.signals)
    started = time.monotonic()
    crowded.client.spend(SECONDS)
    seconds = time.monotonic() - started
    signals = [signal for signal in crowded.client.signals[first:] if signal.name == "PropertiesChanged"]
    progress = [signal for signal in signals if "/transfer/" in signal.path]
    summary = [signal for signal in signals if signal.path == ROOT]

    # All together at most 20 a second, each at most once a second, nobody starves.
    assert len(progress) <= 20 * seconds + 20
    by_path = {}
    for signal in progress:
        assert {"Transferred"} <= set(signal.args[1]) <= {"Transferred", "Rate", "Remaining"}
        by_path.setdefault(signal.path, []).append(signal)
    assert len(by_path) == 2 * len(outgoing)
    for told in by_path.values():
        values = [signal.args[1]["Transferred"] for signal in told]
        assert values == sorted(set(values))
        for a, b in zip(told, told[1:]):
            assert b.time - a.time > 1 - SLACK_S
    # The sum at most once a second.
    assert summary
    for a, b in zip(summary, summary[1:]):
        assert b.time - a.time > 1 - SLACK_S

    for transfer in outgoing:
        transfer.call("Cancel")
    for transfer in outgoing:
        assert transfer.end()["State"] == "cancelled"
    trickle.stop()
    crowded.client.wait(lambda: crowded.manager["ActiveTransfers"] == 0, 10)
    assert crowded.manager["Progress"] == -1


def test_queue_keeps_to_the_maximum(crowded, work):
    crowded.manager["MaxActiveTransfers"] = 1
    for user in USERS:
        crowded.account(user)["AutoAccept"] = [Prosody.jid(other) for other in USERS]
    sent = [crowded.manager.offer(Prosody.jid(receiver), make_file(work / f"{sender}-{receiver}", 3_000_000),
                                  account=sender)
            for sender, receiver in itertools.permutations(USERS, 2)]
    for transfer in sent:
        assert transfer.end()["State"] == "done"
    # Replays the signals: how many outgoing ones were under way at once?
    state = {transfer.path: "queued" for transfer in sent}
    most = 0
    for signal in crowded.client.signals:
        if signal.path in state and signal.name == "PropertiesChanged" and "State" in signal.args[1]:
            state[signal.path] = signal.args[1]["State"]
            most = max(most, sum(value in ("negotiating", "active") for value in state.values()))
    assert most == 1


def test_silence_while_nothing_moves(alice, bob, work):
    sent, _, held = hold(alice, bob, make_file(work / "file", 50_000_000))
    alice.client.spend(5)
    first = len(alice.client.signals)
    alice.client.spend(4)
    moved = [signal for signal in alice.client.signals[first:]
             if signal.path == sent.path and "Transferred" in signal.args[1]]
    assert moved == []
    held.release()
    sent.wait_for("State", "done")

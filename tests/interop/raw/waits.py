# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many long waits at once. A scenario is a generator that yields what it waits
for; while it waits the others go on, so all take as long as the longest."""

import contextlib
import dataclasses
import time

from .peer import Peer

STEP_S = 0.05


@dataclasses.dataclass
class Until:
    """`condition()` returns what the scenario gets back, or None for not yet."""

    condition: object
    timeout: float
    what: str = "a condition"

    def __post_init__(self):
        self.deadline = time.monotonic() + self.timeout


def stanza(session, action, timeout):
    """Their `action` of this session: the whole stanza."""
    return Until(lambda: session.peer.look(session.of(action)), timeout, action)


def notification(session, kind, timeout):
    return Until(lambda: session.peer.look(session.notification(kind)), timeout, kind)


def state(transfer, value, timeout):
    return Until(lambda: transfer["State"] == value or None, timeout, f"state {value}")


def ended(transfer, timeout):
    """All properties at the end."""
    def condition():
        properties = transfer.all()
        return properties if properties["Ended"] else None
    return Until(condition, timeout, "the end")


def pause(seconds):
    """For a minimum that is part of the case."""
    end = time.monotonic() + seconds
    return Until(lambda: time.monotonic() >= end or None, seconds + 10, "time")


class World:
    """What a scenario may ask for; everything is closed at the end."""

    def __init__(self, server, alice, start_alice, directory, stack, users):
        self.server = server
        self.alice = alice
        self.start_alice = start_alice
        self.directory = directory
        self.stack = stack
        self.users = iter(users)
        self.peers = []

    def peer(self, user=None, resource=None, **kwargs):
        """Another user each time, unless named."""
        self.peers.append(self.keep(Peer(self.server, user or next(self.users), resource, **kwargs)))
        return self.peers[-1]

    def keep(self, thing):
        return self.stack.enter_context(contextlib.closing(thing))


def run(scenarios, client):
    """Runs {name: generator} to their ends: {name: exception or None}."""
    results, waiting = {}, {}

    def go_on(name, resume, *args):
        try:
            waiting[name] = resume(*args)
        except StopIteration:
            results[name] = None
        except BaseException as error:  # noqa: BLE001 - told by the test of this name
            results[name] = error

    for name, scenario in scenarios.items():
        go_on(name, next, scenario)
    while waiting:
        client.spend(STEP_S)
        for name, wait in list(waiting.items()):
            found = wait.condition()
            if found is None and time.monotonic() < wait.deadline:
                continue
            del waiting[name]
            if found is not None:
                go_on(name, scenarios[name].send, found)
            else:
                go_on(name, scenarios[name].throw,
                      AssertionError(f"{name} waited {wait.timeout} s for {wait.what}"))
    return results

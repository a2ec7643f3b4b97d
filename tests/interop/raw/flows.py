# SPDX-License-Identifier: LGPL-2.1-or-later
"""What most tests end with: the file goes over what was agreed, and both sides
are content."""

import os

from .ibb import Inband
from .socks import read
from .xml import OK

DATA = os.urandom(70_000)
AT_ONCE = 3  # seconds: less than the four for more candidates, but enough for a busy machine


def check(end, data, transport=None):
    """The final properties of a transfer that succeeded."""
    assert end["State"] == "done", f"{end['Error']}: {end['ErrorMessage']}"
    if transport:
        assert end["Transport"] == transport
    if end["Direction"] == "incoming":
        with open(end["LocalPath"], "rb") as received:
            assert received.read() == data


def deliver(sock, transfer, session, data=DATA, transport="socks5-direct"):
    """The peer sends all on a socket."""
    sock.sendall(data)
    session.expect_end()
    check(transfer.end(20), data, transport)


def fetch(sock, transfer, session, data=DATA, transport="socks5-direct"):
    """The peer receives all on a socket and confirms it."""
    sock.settimeout(10)
    assert read(sock, len(data)) == data
    assert session.terminate("success") == OK
    check(transfer.end(20), data, transport)


def deliver_inband(transfer, session, data=DATA):
    """The peer opens the in-band stream that was agreed, and sends all."""
    stream = Inband(session)
    assert stream.open() == OK
    stream.send(data)
    session.expect_end()
    check(transfer.end(20), data, "ibb")


def fetch_inband(transfer, session, data=DATA):
    """The daemon opens the in-band stream that was agreed; the peer receives."""
    stream = Inband(session)
    stream.opened()
    assert stream.receive(len(data)) == data
    assert session.terminate("success") == OK
    check(transfer.end(20), data, "ibb")


def replace_and_deliver(transfer, session, data=DATA):
    """The peer, as initiator, falls back to in-band."""
    assert session.replace() == OK
    session.expect("transport-accept")
    deliver_inband(transfer, session, data)


def fall_back_and_fetch(transfer, session, data=DATA, timeout=10):
    """The daemon, as initiator, falls back to in-band."""
    session.replaced(timeout)
    assert session.replace(action="transport-accept") == OK
    fetch_inband(transfer, session, data)


def accept_with(session, *candidates, **attributes):
    """Takes the daemon's offer with these candidates; its own are of no use."""
    assert session.accept(session.s5b(*candidates, **attributes)) == OK
    assert session.notify("candidate-error") == OK

# SPDX-License-Identifier: LGPL-2.1-or-later
"""In-band streams on servers that throttle: slow, whole, and nobody else on the
connection waits long."""

import pytest

from fardel.client import BusError
from fardel.files import make_file, sha256
from fardel.prosody import Prosody
from fardel.scenario import ALICE, finish, start


@pytest.mark.parametrize("rate, size", [("3kb/s", 40_000), ("10kb/s", 100_000)])
def test_throttled(make_prosody, make_daemon, work, rate, size):
    """The file arrives, and questions on the same connection are answered meanwhile."""
    prosody = make_prosody(rate=rate)
    alice, bob = make_daemon("alice"), make_daemon("bob")
    alice.add_account("alice", prosody)
    bob.add_account("bob", prosody)
    path = make_file(work / "file", size)
    sent, received = start(alice, bob, path, transports=["ibb"])
    sent.wait_for("State", "active")
    answered, late = 0, 0
    while sent["State"] == "active":
        try:
            # Each time another one, whom the server has to be asked about; given up after 5 s.
            alice.manager.query_peer(f"{Prosody.jid('bob')}/nobody-{answered + late}")
            answered += 1
        except BusError as error:
            assert error.name == "Timeout"
            late += 1
    # A busy machine may be late, too; behind a queue every one would be.
    assert answered > late
    ends = finish(sent, received)
    assert [end["Transport"] for end in ends] == ["ibb", "ibb"]
    assert sha256(received["LocalPath"]) == sha256(path)


def test_several_at_once(make_prosody, make_daemon, work):
    """Streams that share a throttled connection all come to their end."""
    prosody = make_prosody(rate="30kb/s")
    alice, bob = make_daemon("alice"), make_daemon("bob")
    alice.add_account("alice", prosody)
    bob.add_account("bob", prosody)["AutoAccept"] = [ALICE]
    files = [make_file(work / f"file-{number}", 40_000) for number in range(3)]
    sent = alice.manager.offer_many(Prosody.jid("bob"), files, transports=["ibb"])
    for transfer in sent:
        assert transfer.end()["State"] == "done"

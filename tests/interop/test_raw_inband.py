# SPDX-License-Identifier: LGPL-2.1-or-later
"""In-band bytestreams (XEP-0047, XEP-0261) stanza by stanza."""

import base64
import os
import time

import pytest

from raw.fixtures import *  # noqa: F403
from raw.flows import DATA, check, fetch_inband
from raw.ibb import Inband
from raw.jingle import Session, file, ibb
from raw.peer import HOLD
from raw.xml import FEATURES, IBB, JINGLE_IBB, OK, S5B, conditions, element, failure, q, unique

SHORT = "FARDEL_TEST_SHORT" in os.environ
BLOCK = 4096
BLOCKS = [DATA[start:start + BLOCK] for start in range(0, len(DATA), BLOCK)]


def inbound(alice, bob, data=DATA, block_size=BLOCK, **about):
    """The peer sends in-band from the start, its stream is not open yet: (transfer, session, stream)."""
    session = Session(bob, alice.jid)
    transfer = alice.is_offered(session, file(**{"size": len(data)} | about), ibb(session.stream, block_size))
    session.accepted()
    return transfer, session, Inband(session, block_size=int(session.transport.get("block-size")))


def outbound(alice, bob, source, block_size=None):
    """The daemon sends in-band, its stream is not open yet."""
    transfer, session = alice.offer(bob, source, transports=["ibb"])
    assert session.accept(ibb(session.stream, block_size or session.transport.get("block-size"))) == OK
    return transfer, session, Inband(session)


@pytest.mark.parametrize("size", [1, 100, 4096, 8192, 65535])
def test_block_min(alice, bob, size):
    """The smaller of both is answered and holds for open and data."""
    data = DATA[:min(len(DATA), size * 40)]
    transfer, session, stream = inbound(alice, bob, data, block_size=size)
    assert 0 < stream.block_size <= size
    assert stream.open() == OK
    stream.send(data)
    session.expect_end()
    check(transfer.end(10), data, "ibb")


@pytest.mark.parametrize("size", [1, 1000, 4096])
def test_block_min_out(alice, bob, work, size):
    data = DATA[:size * 20]
    (work / "small").write_bytes(data)
    transfer, session, stream = outbound(alice, bob, work / "small", size)
    assert int(stream.opened().get("block-size")) == size
    received = b""
    while len(received) < len(data):
        _, part = stream.block()
        assert len(part) <= size
        received += part
    assert received == data
    assert session.terminate("success") == OK
    check(transfer.end(10), data)


def test_block_of_offer(alice, bob, source):
    _, session = alice.offer(bob, source, transports=["ibb"])
    assert 4096 <= int(session.transport.get("block-size")) <= 16384
    assert session.transport.get("sid")


def test_open_too_big(alice, bob):
    transfer, session, stream = inbound(alice, bob)
    assert "resource-constraint" in stream.open(block_size=BLOCK * 2)
    assert stream.open() == OK
    stream.send(DATA)
    session.expect_end()
    check(transfer.end(10), DATA)


def test_open_message(alice, bob):
    transfer, session, stream = inbound(alice, bob)
    assert "feature-not-implemented" in stream.open(stanza="message")
    assert stream.open() == OK
    stream.send(DATA)
    session.expect_end()
    check(transfer.end(10), DATA)


def test_open_unknown(alice, bob, make_peer):
    """A stream that was not agreed, or that is somebody else's."""
    _, session, stream = inbound(alice, bob)
    refused = {"item-not-found", "not-acceptable"}
    assert Inband(session, sid="nobody's").open() & refused
    stranger = Session(make_peer("carol"), alice.jid)
    assert Inband(stranger, sid=stream.sid).open() & refused
    assert Inband(stranger, sid=stream.sid).data(0, b"x") & refused
    assert stream.open() == OK
    assert Inband(stranger, sid=stream.sid).data(0, b"x") & refused
    assert Inband(stranger, sid=stream.sid).close() & refused
    stream.send(DATA)
    session.expect_end()


def test_open_before_accept(alice, bob):
    session = Session(bob, alice.jid)
    assert session.initiate(file(size=len(DATA)), ibb(session.stream)) == OK
    transfer = alice.wait_for_offer(bob)
    assert Inband(session).open() & {"item-not-found", "not-acceptable"}
    assert transfer["State"] == "offered"


def test_data_before_open(alice, bob):
    _, _, stream = inbound(alice, bob)
    assert "item-not-found" in stream.data(0, b"x")
    assert stream.open() == OK


def test_seq_gap(alice, bob):
    _, _, stream = inbound(alice, bob)
    assert stream.open() == OK
    assert stream.data(0, BLOCKS[0]) == OK
    assert "unexpected-request" in stream.data(2, BLOCKS[2])
    stream.expect("close")
    assert "item-not-found" in stream.data(1, BLOCKS[1])


def test_seq_twice(alice, bob):
    _, _, stream = inbound(alice, bob)
    assert stream.open() == OK
    assert stream.data(0, BLOCKS[0]) == OK
    assert "unexpected-request" in stream.data(0, BLOCKS[0])
    stream.expect("close")


@pytest.mark.parametrize("text", [
    "=AAA", "AA=A", "AAA", "####", "AAAA====", "Zm9v!Zm9v"])
def test_bad_base64(alice, bob, text):
    _, _, stream = inbound(alice, bob)
    assert stream.open() == OK
    assert "bad-request" in stream.data(0, text)
    stream.expect("close")


def test_base64_whitespace(alice, bob):
    """Line breaks are harmless."""
    data = DATA[:3000]
    transfer, session, stream = inbound(alice, bob, data)
    assert stream.open() == OK
    assert stream.data(0, base64.encodebytes(data).decode()) == OK
    session.expect_end()
    check(transfer.end(10), data)


def test_block_oversize(alice, bob):
    _, _, stream = inbound(alice, bob)
    assert stream.open() == OK
    assert "bad-request" in stream.data(0, DATA[:BLOCK + 1])
    stream.expect("close")


def test_overrun(alice, bob):
    """One byte more than was offered."""
    transfer, session, stream = inbound(alice, bob, DATA[:BLOCK], size=BLOCK - 1)
    assert stream.open() == OK
    stream.post(0, DATA[:BLOCK])
    assert session.expect_reason() == ["media-error", "file-too-large"]
    assert transfer.end(10)["State"] == "failed"


def test_pipelined(alice, bob):
    """All blocks at once; each is acknowledged, in order."""
    transfer, session, stream = inbound(alice, bob)
    assert stream.open() == OK
    numbers = [stream.post(seq, block) for seq, block in enumerate(BLOCKS)]
    assert {conditions(bob.reply(number)) for number in numbers} == {OK}
    session.expect_end()
    check(transfer.end(10), DATA)


@pytest.mark.skipif(SHORT, reason="short run")
def test_seq_wrap(alice, bob):
    """More blocks than 16 bits count: most senders wrap, Conversations and Swift count on."""
    data = os.urandom(65_636)
    transfer, session, stream = inbound(alice, bob, data, block_size=1)
    assert stream.open() == OK
    blocks = [(seq, data[seq:seq + 1]) for seq in range(len(data))]
    for start in range(0, 65_536, 512):
        assert stream.burst(blocks[start:start + 512]) == OK
    for seq, block in blocks[65_536:]:
        assert stream.data(seq if seq % 2 else seq - 65_536, block) == OK
    session.expect_end(20)
    check(transfer.end(10), data)


# --- the end ---

def test_late_close(alice, bob, source):
    """Who is closed drops what it has queued, so the sender waits for the receiver to end it."""
    transfer, session, stream = outbound(alice, bob, source)
    stream.opened()
    assert stream.receive(len(DATA)) == DATA
    bob.quiet(stream.is_about("close"), 0.7, "close")
    assert session.terminate("success") == OK
    check(transfer.end(10), DATA)


def test_close_needed(alice, bob, source):
    """Gajim is done only when it is closed."""
    transfer, session, stream = outbound(alice, bob, source)
    stream.opened()
    assert stream.receive(len(DATA)) == DATA
    stream.expect("close", 3)
    assert session.terminate("success") == OK
    check(transfer.end(10), DATA)


def test_close_of_sender_after_all(alice, bob):
    transfer, session, stream = inbound(alice, bob)
    assert stream.open() == OK
    numbers = [stream.post(seq, block) for seq, block in enumerate(BLOCKS)]
    stream.close()
    assert {conditions(bob.reply(number)) for number in numbers} == {OK}
    session.expect_end()
    check(transfer.end(10), DATA)


def test_no_size_inband(alice, bob):
    """Without a size the close is the end."""
    transfer, session, stream = inbound(alice, bob, size=None)
    assert stream.open() == OK
    stream.send(DATA)
    assert stream.close() == OK
    session.expect_end()
    check(transfer.end(10), DATA)


def test_close_unknown(alice, bob, source):
    """The peer forgot the stream: its error to our close means nothing."""
    bob.rules.append(lambda stanza: failure("item-not-found") if stanza.find(q(IBB, "close")) is not None else None)
    transfer, session, stream = outbound(alice, bob, source)
    stream.opened()
    assert stream.receive(len(DATA)) == DATA
    stream.expect("close", 3)
    assert session.terminate("success") == OK
    check(transfer.end(10), DATA)


def test_open_refused(alice, bob, source):
    bob.rules.append(lambda stanza: failure("not-acceptable") if stanza.find(q(IBB, "open")) is not None else None)
    transfer, session, _ = outbound(alice, bob, source)
    assert session.expect_reason()[0] in ("connectivity-error", "failed-transport", "failed-application")
    assert transfer.end(10)["State"] == "failed"


def test_window(alice, bob, source):
    """Never more than 64 KiB at once, and none is lost when the peer is slow to acknowledge."""
    held = []

    def hold(stanza):
        if stanza.find(q(IBB, "data")) is None:
            return None
        held.append(stanza)
        return HOLD
    bob.rules.append(hold)
    transfer, session, stream = outbound(alice, bob, source)
    received, most = b"", 0
    while len(received) < len(DATA):
        received += stream.block()[1]
        time.sleep(0.01)
        most = max(most, len(held))
        bob.answer(held.pop(0))
    assert received == DATA
    assert 1 <= most <= 16
    assert session.terminate("success") == OK
    check(transfer.end(10), DATA)


def test_inband_both_ways(alice, bob, source):
    """Two streams of one peer do not get mixed up."""
    out, session, stream = outbound(alice, bob, source)
    stream.opened()
    transfer, back, other = inbound(alice, bob)
    assert other.open() == OK
    other.send(DATA)
    back.expect_end()
    check(transfer.end(10), DATA)
    assert stream.receive(len(DATA)) == DATA
    assert session.terminate("success") == OK
    check(out.end(10), DATA)


def test_ibb_only_peer(alice, make_peer, source):
    """A peer without SOCKS5 is offered in-band at once."""
    bob = make_peer(features=[feature for feature in FEATURES if feature != S5B])
    transfer, session = alice.offer(bob, source)
    assert session.transport.tag == q(JINGLE_IBB, "transport")
    assert session.accept(ibb(session.stream)) == OK
    fetch_inband(transfer, session)


def test_message_data(alice, bob):
    """Blocks in message stanzas were not agreed, and have no effect."""
    transfer, session, stream = inbound(alice, bob)
    assert stream.open() == OK
    bob.send(element("message", element("data", "AAAA", xmlns=IBB, sid=stream.sid, seq=0), to=alice.jid,
                     id=unique("m")))
    stream.send(DATA)
    session.expect_end()
    check(transfer.end(10), DATA)

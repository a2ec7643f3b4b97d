# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dino 0.4's own libraries on the other side."""

import os
import pathlib
import re

import pytest

from exchange import SIZES, from_fardel, to_fardel
from fardel.files import make_file, sha256
from fardel.scenario import Held, eventually

BUILD = pathlib.Path(__file__).parents[2] / "build"
DRIVER = [os.environ.get("DINO_PEER") or BUILD / "tests/interop/dino/dino-peer", "--log", "iq.jingle"]

# Whether the two cannot reach each other, what of Dino is switched off, and what fardel may use.
PATHS = {
    "direct": (False, [], {}),
    "direct of fardel": (False, ["--no-direct", "--no-proxy"], {}),
    "proxy": (True, [], {}),
    "proxy of dino": (False, ["--no-direct"], {"transports": ["socks5-proxy"]}),
    "proxy of fardel": (False, ["--no-direct", "--no-proxy"], {"transports": ["socks5-proxy"]}),
    "ibb": (False, ["--ibb-only"], {}),
}
TCP = [path for path in PATHS if path != "ibb"]  # the program cannot receive in-band
ODD_NAME = 'a "b" & <ü>.bin'
HELD = 20_000_000  # more than all buffers on the way


def rows(direction, paths, sizes):
    row = pytest.mark.row
    return [pytest.param(path, size, id=f"{path}-{size}", marks=row("dino", direction, path, size))
            for path in paths for size in sizes]


@pytest.fixture
def pair(worlds, make_fardel, make_peer):
    """pair(*options of Dino, routed, proxy): fardel and Dino, online."""
    def make(*options, **kwargs):
        world = worlds(**kwargs)
        return make_fardel(world), make_peer(world, DRIVER, *options)
    return make


def offer_to_fardel(daemon, peer, source):
    peer.send(daemon.account("alice")["FullJid"], source)
    return daemon.client.wait_for_offer()


def check_received(daemon, offer, source):
    offer.accept("")
    end = offer.end()
    assert (end["State"], end["Name"]) == ("done", source.name), end
    assert sha256(end["LocalPath"]) == sha256(source)


def expect(end, state, error, by=None):
    assert (end["State"], end["Error"].rpartition(".")[2]) == (state, error), end
    assert by is None or end["EndedBy"] == by


def actions(peer):
    """The Jingle actions that Dino got, from its log."""
    received, found = False, []
    for line in peer.lines:
        if line.startswith("XMPP "):
            received = line.startswith("XMPP IN ")
        elif received and (action := re.search(r":action='([a-z-]*)'", line)):
            found.append(action[1])
    return found


@pytest.mark.parametrize("path, size", rows("to fardel", PATHS, ["1 KB", "3 MB"]))
def test_to_fardel(pair, work, path, size):
    routed, options, accept = PATHS[path]
    daemon, peer = pair(*options, routed=routed)
    to_fardel(daemon, peer, make_file(work / "file", SIZES[size]), path.split()[0], **accept)


@pytest.mark.parametrize("path, size", rows("from fardel", TCP, ["0", "1 KB", "3 MB"]))
def test_from_fardel(pair, work, path, size):
    routed, options, offer = PATHS[path]
    daemon, peer = pair(*options, routed=routed)
    from_fardel(daemon, peer, make_file(work / "file", SIZES[size]), path.split()[0], **offer)


@pytest.mark.row("dino", "to fardel", "any", "odd name")
def test_odd_name_to_fardel(pair, work):
    daemon, peer = pair()
    to_fardel(daemon, peer, make_file(work / ODD_NAME, 1000), "direct")


@pytest.mark.row("dino", "from fardel", "any", "odd name")
def test_odd_name_from_fardel(pair, work):
    daemon, peer = pair()
    from_fardel(daemon, peer, make_file(work / ODD_NAME, 1000), "direct")
    assert os.listdir(peer.downloads) == [ODD_NAME]


@pytest.mark.row("dino", "from fardel", "any", "5 files")
def test_many_from_fardel(pair, work):
    """Each in a session of its own: two in one are the end of Dino."""
    daemon, peer = pair()
    sources = [make_file(work / f"file{number}", 100_000) for number in range(5)]
    for sent in daemon.manager.offer_many(peer.jid, sources):
        assert sent.end()["State"] == "done"
    for _ in sources:
        assert peer.end()["event"] == "done"
    for source in sources:
        assert sha256(peer.downloads / source.name) == sha256(source)


@pytest.mark.row("dino", "to fardel", "any", "5 files")
def test_many_to_fardel(pair, work):
    daemon, peer = pair()
    sources = [make_file(work / f"file{number}", 100_000) for number in range(5)]
    for source in sources:
        check_received(daemon, offer_to_fardel(daemon, peer, source), source)
    for _ in sources:
        assert peer.end()["event"] == "done"


@pytest.mark.row("dino", "from fardel", "none", "1 KB")
def test_no_way_to_dino(pair, work, record_property):
    """Dino cannot receive in-band and loses its way in every transport-replace."""
    daemon, peer = pair(routed=True, proxy=False)
    sent = daemon.manager.offer(peer.jid, make_file(work / "file", 1000))
    end = sent.end(30)
    expect(end, "failed", "NoTransport")
    assert "cannot receive in-band" in end["ErrorMessage"]
    peer.wait_for_event("failed")
    assert "transport-replace" not in actions(peer)
    assert actions(peer).count("session-initiate") == 1
    record_property("result", "ok: told that Dino cannot receive in-band")


@pytest.mark.row("dino", "from fardel", "ibb", "1 KB")
def test_no_ibb_to_dino(pair, work, record_property):
    daemon, peer = pair()
    end = daemon.manager.offer(peer.jid, make_file(work / "file", 1000), transports=["ibb"]).end(30)
    expect(end, "failed", "NoTransport")
    assert actions(peer) == []
    record_property("result", "ok: not offered")


@pytest.mark.row("dino", "to fardel", "none", "1 KB")
def test_no_way_from_dino(pair, work, record_property):
    """Dino ends the session, with a reason of its own spelling; often it also crashes."""
    daemon, peer = pair(routed=True, proxy=False)
    offer = offer_to_fardel(daemon, peer, make_file(work / "file", 1000))
    offer.accept("")
    end = offer.end(60)
    expect(end, "failed", "NoTransport")
    assert os.listdir(daemon.downloads) == []
    record_property("result", "ok: told that there is no way")


def test_reject(pair, work):
    daemon, peer = pair()
    offer = offer_to_fardel(daemon, peer, make_file(work / "file", 1000))
    offer.call("Reject")
    expect(offer.end(), "rejected", "Rejected", "local")
    event = peer.end()
    assert (event["event"], event["direction"], event["reason"]) == ("failed", "out", "decline")


def test_rejected(pair, work):
    daemon, peer = pair("--reject")
    sent = daemon.manager.offer(peer.jid, make_file(work / "file", 1000))
    expect(sent.end(), "rejected", "Rejected", "remote")
    assert peer.end()["event"] == "failed"


def cancel(by, transfer, peer):
    """Cancels an active transfer on one side; both must say so."""
    if by == "fardel":
        transfer.call("Cancel")
        expect(transfer.end(), "cancelled", "Cancelled", "local")
    else:
        peer.do("cancel")
        expect(transfer.end(), "cancelled", "RemoteCancelled", "remote")
    event = peer.end()
    assert event["event"] == "failed"
    # Dino may see its connection end before it hears why.
    assert event["reason"] in ("cancel", "failed_transport")


@pytest.mark.parametrize("by", ["fardel", "dino"])
def test_cancel_offer(pair, work, by):
    daemon, peer = pair()
    offer = offer_to_fardel(daemon, peer, make_file(work / "file", 1000))
    if by == "fardel":
        offer.call("Cancel")
        expect(offer.end(), "rejected", "Rejected", "local")
        assert peer.end()["reason"] == "decline"
    else:
        peer.do("cancel")
        expect(offer.end(), "cancelled", "RemoteCancelled", "remote")
        assert peer.end()["reason"] == "cancel"


@pytest.mark.parametrize("transport", ["direct", "proxy", "ibb"])
@pytest.mark.parametrize("by", ["fardel", "dino"])
def test_cancel_receiving(pair, work, by, transport):
    routed, options, _ = PATHS[transport]
    daemon, peer = pair(*options, routed=routed)
    received = offer_to_fardel(daemon, peer, make_file(work / "file", HELD))
    held = Held(received)
    # Before its first byte Dino calls its own cancel a failed transport, if it does not crash.
    eventually(lambda: received["Transferred"] > 0, 60)
    cancel(by, received, peer)
    assert len(held.release()) < HELD


@pytest.mark.parametrize("transport", ["direct", "proxy"])
@pytest.mark.parametrize("by", ["fardel", "dino"])
def test_cancel_sending(pair, work, by, transport):
    daemon, peer = pair("--hold", routed=PATHS[transport][0])
    sent = daemon.manager.offer(peer.jid, make_file(work / "file", HELD))
    sent.wait_for("State", "active")
    peer.wait_for_event("progress")
    cancel(by, sent, peer)
    assert daemon.manager["ActiveTransfers"] == 0


def test_dino_dies_receiving(pair, work):
    daemon, peer = pair("--hold")
    sent = daemon.manager.offer(peer.jid, make_file(work / "file", HELD))
    sent.wait_for("State", "active")
    peer.kill()
    expect(sent.end(), "failed", "ConnectionFailed", "network")


def test_dino_dies_sending(pair, work):
    daemon, peer = pair()
    received = offer_to_fardel(daemon, peer, make_file(work / "file", HELD))
    held = Held(received)
    received.wait_for("State", "active")
    peer.kill()
    assert len(held.release()) < HELD
    expect(received.end(), "failed", "ConnectionFailed", "network")

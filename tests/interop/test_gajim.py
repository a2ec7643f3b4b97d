# SPDX-License-Identifier: LGPL-2.1-or-later
"""Gajim 1.7's protocol code on the other side. As it is shipped it only sends;
what it would receive is tested with a driver that repairs it."""

import pathlib

import pytest

from exchange import SIZES, from_fardel, to_fardel
from fardel.files import make_file
from fardel.scenario import Held, eventually

DRIVER = [pathlib.Path(__file__).parent / "gajim/gajim-peer"]
REPAIRED = "gajim (repaired receive)"

# Options of Gajim and of fardel that leave one path.
PATHS = {
    "direct": (["--no-proxy"], {}),
    "proxy of gajim": (["--no-direct"], {"transports": ["socks5-proxy"]}),
    "proxy of fardel": (["--no-direct", "--no-proxy"], {"transports": ["socks5-proxy"]}),
    "ibb": (["--ibb-only"], {"transports": ["ibb"]}),
}
# Gajim finds no candidate and proposes in-band.
AFTER_SOCKS5 = {"ibb after socks5": (["--no-direct", "--no-proxy"], {"transports": ["ibb"]})}


def rows(peer, direction, paths, sizes):
    return [pytest.param(*settings, path.split()[0], SIZES[size], id=f"{path}-{size}",
                         marks=pytest.mark.row(peer, direction, path, size))
            for path, settings in paths.items() for size in sizes]


# With its own proxy alone Gajim would close before that is active: it must get ours, too.
@pytest.mark.parametrize("options, accept, path, size",
                         rows("gajim", "to fardel", PATHS | AFTER_SOCKS5, ["1 KB", "3 MB"]))
def test_to_fardel(worlds, make_fardel, make_peer, work, options, accept, path, size):
    world = worlds()
    peer = make_peer(world, DRIVER, *options)
    to_fardel(make_fardel(world), peer, make_file(work / "file", size), path, **accept)


@pytest.mark.parametrize("options, offer, path, size", [
    *rows(REPAIRED, "from fardel", PATHS, ["1 KB", "3 MB"]),
    # Over SOCKS5 Gajim takes the end of an empty stream for an error.
    *rows(REPAIRED, "from fardel", {"ibb": PATHS["ibb"]}, ["0"])])
def test_from_fardel(worlds, make_fardel, make_peer, work, options, offer, path, size):
    world = worlds()
    peer = make_peer(world, DRIVER, "--receive-shims", *options)
    from_fardel(make_fardel(world), peer, make_file(work / "file", size), path, **offer)


# Neither reaches the other, and packets just vanish: Gajim waits half a minute for each address.

@pytest.mark.row("gajim", "to fardel", "ibb after dead addresses", "1 KB")
def test_dead_addresses_to_fardel(worlds, make_fardel, make_peer, work):
    world = worlds(routed=True, proxy=False)
    peer = make_peer(world, DRIVER, "--no-proxy")
    to_fardel(make_fardel(world), peer, make_file(work / "file", 1000), "ibb", timeout=120)


@pytest.mark.row(REPAIRED, "from fardel", "ibb after dead addresses", "1 KB")
def test_dead_addresses_from_fardel(worlds, make_fardel, make_peer, work):
    world = worlds(routed=True, proxy=False)
    peer = make_peer(world, DRIVER, "--receive-shims", "--no-proxy")
    from_fardel(make_fardel(world), peer, make_file(work / "file", 1000), "ibb", timeout=120)


# What Gajim cannot do.

@pytest.mark.row("gajim", "from fardel", "any", "1 KB")
def test_gajim_as_shipped_cannot_receive(worlds, make_fardel, make_peer, work, record_property):
    world = worlds()
    peer = make_peer(world, DRIVER)
    end = make_fardel(world).manager.offer(peer.jid, make_file(work / "file", 1000), timeout=5).end(30)
    assert (end["State"], end["Error"].rpartition(".")[2]) == ("failed", "Timeout")
    assert "Gajim" in end["ErrorMessage"]
    record_property("result", "ok: ended in time, Gajim named as the cause")


@pytest.mark.row(REPAIRED, "from fardel", "direct", "0")
def test_empty_file_from_fardel(worlds, make_fardel, make_peer, work, record_property):
    """Gajim has the empty file and still waits for more: fardel must not."""
    world = worlds()
    peer = make_peer(world, DRIVER, "--receive-shims", "--no-proxy")
    end = make_fardel(world).manager.offer(peer.jid, make_file(work / "empty", 0)).end(90)
    assert end["State"] in ("done", "failed")
    record_property("result", f"ok: ended in time as {end['State']}")


@pytest.mark.row("gajim", "to fardel", "any", "0")
def test_empty_file_to_fardel(worlds, make_fardel, make_peer, work, record_property):
    world = worlds()
    peer = make_peer(world, DRIVER)
    daemon = make_fardel(world)
    peer.send(daemon.account("alice")["FullJid"], make_file(work / "empty", 0))
    event = peer.end()
    assert event["event"] == "failed" and "empty files" in event["reason"]
    assert daemon.client.transfers() == []
    record_property("result", "ok: refused by Gajim itself")


@pytest.mark.parametrize("option, ends", [
    # It just closes the socket.
    pytest.param("--no-proxy", ("failed", "ConnectionFailed", "network"), id="direct",
                 marks=pytest.mark.row("gajim", "to fardel", "direct", "cancelled")),
    pytest.param("--ibb-only", ("cancelled", "RemoteCancelled", "remote"), id="ibb",
                 marks=pytest.mark.row("gajim", "to fardel", "ibb", "cancelled"))])
def test_gajim_cancels(worlds, make_fardel, make_peer, work, option, ends):
    world = worlds()
    peer = make_peer(world, DRIVER, option)
    daemon = make_fardel(world)
    peer.send(daemon.account("alice")["FullJid"], make_file(work / "file", 50_000_000))
    offer = daemon.client.wait_for_offer()
    held = Held(offer)
    eventually(lambda: offer["Transferred"] > 0)
    peer.do("cancel")
    held.release()
    end = offer.end()
    assert (end["State"], end["Error"].rpartition(".")[2], end["EndedBy"]) == ends


@pytest.mark.row(REPAIRED, "from fardel", "any", "rejected")
def test_gajim_rejects(worlds, make_fardel, make_peer, work):
    world = worlds()
    peer = make_peer(world, DRIVER, "--receive-shims", "--reject")
    end = make_fardel(world).manager.offer(peer.jid, make_file(work / "file", 1000)).end()
    assert (end["State"], end["EndedBy"]) == ("rejected", "remote")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file between fardel and another client, either way; both must call it a success."""

from fardel.files import sha256

TRANSPORTS = {"direct": "socks5-direct", "proxy": "socks5-proxy", "ibb": "ibb"}
SIZES = {"0": 0, "1 KB": 1000, "3 MB": 3_000_000}


def check(end, event, path, source, received):
    assert end["State"] == "done", f"{end['Error']}: {end['ErrorMessage']}"
    assert event["event"] == "done", event
    assert sha256(received) == sha256(source)
    # Of an empty file the end can overtake the connection.
    assert end["Transport"] == TRANSPORTS[path] or (end["Size"] == 0 and end["Transport"] == "")


def to_fardel(daemon, peer, source, path, timeout=60, **accept):
    """The other client sends; the daemon's properties of the transfer."""
    peer.send(daemon.account("alice")["FullJid"], source)
    offer = daemon.client.wait_for_offer()
    assert offer["Name"] == source.name
    offer.accept("", **accept)
    end, event = offer.end(timeout), peer.end(timeout)
    assert event["direction"] == "out"
    check(end, event, path, source, end["LocalPath"])
    return end


def from_fardel(daemon, peer, source, path, timeout=60, **offer):
    """Fardel sends; the daemon's properties of the transfer."""
    sent = daemon.manager.offer(peer.jid, source, **offer)
    end, event = sent.end(timeout), peer.end(timeout)
    assert event["direction"] == "in"
    check(end, event, path, source, event["path"])
    return end

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file itself (XEP-0234): what is offered, how it ends, and who is believed."""

import hashlib
import os

import pytest

from fardel.scenario import Held, eventually
from raw.fixtures import *  # noqa: F403
from raw.flows import DATA, check, deliver, fetch
from raw.jingle import Session, file, sha256
from raw.socks import is_closed, read
from raw.xml import FEATURES, FILE_TRANSFER, FILE_TRANSFER_4, HASHES, HASHES_1, OK, element, q

HASH_USED = element("hash-used", xmlns=HASHES, algo="sha-256")


def checksum(session, data, **attributes):
    """A session-info with the hash of `data`: its conditions."""
    return session.send("session-info", element(
        "checksum", element("file", sha256(data)), xmlns=FILE_TRANSFER,
        **{"creator": "initiator", "name": session.name} | attributes))


def offered(alice, bob, *more, data=DATA, namespace=FILE_TRANSFER, **about):
    """An accepted offer: (transfer, session)."""
    session = Session(bob, alice.jid)
    transfer = alice.is_offered(session, file(*more, namespace=namespace, **{"size": len(data)} | about))
    return transfer, session.accepted()


def received(session):
    """Their session-info says that they have the file."""
    info = session.expect("session-info")
    return info.find(q(FILE_TRANSFER, "received")) is not None


# --- size and end ---

def test_size0_in(alice, bob):
    transfer, session = offered(alice, bob, data=b"")
    session.use_theirs()
    session.expect_end()
    check(transfer.end(10), b"")


def test_size0_out(alice, bob, work):
    (work / "empty").touch()
    transfer, session = alice.offer(bob, work / "empty")
    assert session.opening.find(f".//{q(FILE_TRANSFER, 'size')}").text == "0"
    assert session.accept(session.s5b()) == OK
    session.use_theirs()
    assert session.terminate("success") == OK
    check(transfer.end(10), b"")


def test_no_size(alice, bob):
    """The end of the stream is the end of the file."""
    transfer, session = offered(alice, bob, size=None)
    assert transfer["Size"] == -1
    sock = session.use_theirs()
    sock.sendall(DATA)
    sock.close()
    session.expect_end()
    check(transfer.end(10), DATA)


def test_keep_open(alice, bob):
    """The sender keeps the socket; the size tells the end."""
    transfer, session = offered(alice, bob)
    sock = session.use_theirs()
    sock.sendall(DATA)
    assert received(session)
    session.expect_end(timeout=1)
    check(transfer.end(10), DATA)
    assert is_closed(sock)


def test_sender_closes(alice, bob):
    """Dino does so after the last byte."""
    transfer, session = offered(alice, bob)
    sock = session.use_theirs()
    sock.sendall(DATA)
    sock.close()
    session.expect_end()
    check(transfer.end(10), DATA)


def test_overrun_tcp(alice, bob):
    transfer, session = offered(alice, bob, size=len(DATA) - 1)
    session.use_theirs().sendall(DATA)
    assert session.expect_reason() == ["media-error", "file-too-large"]
    assert transfer.end(10)["State"] == "failed"


def test_sender_does_not_close(alice, bob, source):
    """Until the receiver has confirmed; Gajim takes it for an error."""
    transfer, session = alice.offer(bob, source)
    assert session.accept(session.s5b()) == OK
    sock = session.use_theirs()
    sock.settimeout(10)
    assert read(sock, len(DATA)) == DATA
    assert not is_closed(sock, 1)
    assert session.terminate("success") == OK
    check(transfer.end(10), DATA)
    assert is_closed(sock)


def test_drain(alice, bob, work):
    """Swift ends the session while we still write."""
    session = Session(bob, alice.jid)
    assert session.initiate(file(sha256(DATA), size=len(DATA)), session.s5b()) == OK
    transfer = alice.wait_for_offer(bob)
    held = Held(transfer)  # a pipe takes 64 KiB, the rest waits in the sockets
    session.accepted()
    session.use_theirs().sendall(DATA)
    eventually(lambda: transfer["State"] == "active")
    assert session.terminate("media-error") == OK
    assert held.release() == DATA
    end = transfer.end(20)
    assert (end["State"], end["Verified"]) == ("done", "ok")


def test_no_drain_after_cancel(alice, bob):
    """The user's word counts."""
    session = Session(bob, alice.jid)
    assert session.initiate(file(size=len(DATA)), session.s5b()) == OK
    transfer = alice.wait_for_offer(bob)
    held = Held(transfer)
    session.accepted()
    session.use_theirs().sendall(DATA)
    eventually(lambda: transfer["State"] == "active")
    assert session.terminate("cancel") == OK
    assert transfer.end(5)["State"] == "cancelled"
    held.close()


def test_short_success(alice, bob):
    """A sender that ends early with success: half a file is none."""
    transfer, session = offered(alice, bob)
    sock = session.use_theirs()
    sock.sendall(DATA[:1000])
    eventually(lambda: transfer["Transferred"] == 1000)
    assert session.terminate("success") == OK
    sock.close()
    assert transfer.end(20)["State"] == "failed"


# --- hashes ---

def test_hash_in_offer(alice, bob):
    transfer, session = offered(alice, bob, sha256(DATA))
    deliver(session.use_theirs(), transfer, session)
    assert transfer["Verified"] == "ok"


def test_hash_wrong(alice, bob):
    transfer, session = offered(alice, bob, sha256(b"something else"))
    session.use_theirs().sendall(DATA)
    assert session.expect_reason() == ["media-error"]
    end = transfer.end(10)
    assert (end["State"], error_of(end), end["Verified"]) == ("failed", "HashMismatch", "mismatch")
    assert not os.path.exists(end["LocalPath"])


@pytest.mark.parametrize("more", [
    element("hash", "AAAA", xmlns=HASHES, algo="md6"), element("hash", "not base64!", xmlns=HASHES, algo="sha-256"),
    element("hash", "AAAA", xmlns=HASHES)], ids=["unknown algorithm", "no base64", "no algorithm"])
def test_hash_unusable(alice, bob, more):
    """Nothing to compare with is no mismatch."""
    transfer, session = offered(alice, bob, more)
    session.use_theirs().sendall(DATA)
    session.expect_end()
    end = transfer.end(10)
    check(end, DATA)
    assert end["Verified"] == "none"


def test_checksum_late(alice, bob):
    """Announced with the offer, told after the data."""
    transfer, session = offered(alice, bob, HASH_USED)
    session.use_theirs().sendall(DATA)
    eventually(lambda: transfer["Transferred"] == len(DATA))
    assert checksum(session, DATA) == OK
    session.expect_end()
    end = transfer.end(10)
    check(end, DATA)
    assert end["Verified"] == "ok"
    assert end["Hashes"]["sha-256"] == hashlib.sha256(DATA).hexdigest()


def test_checksum_late_wrong(alice, bob):
    transfer, session = offered(alice, bob, HASH_USED)
    session.use_theirs().sendall(DATA)
    eventually(lambda: transfer["Transferred"] == len(DATA))
    assert checksum(session, b"something else") == OK
    assert session.expect_reason() == ["media-error"]
    end = transfer.end(10)
    assert (end["State"], error_of(end)) == ("failed", "HashMismatch")


def test_checksum_early(alice, bob):
    """Before the data, and without the attributes, as Gajim sends it."""
    transfer, session = offered(alice, bob, HASH_USED)
    assert checksum(session, DATA, creator=None, name=None) == OK
    deliver(session.use_theirs(), transfer, session)
    assert transfer["Verified"] == "ok"


def test_checksum_unknown_file(alice, bob):
    """A checksum of another file says nothing of this one."""
    transfer, session = offered(alice, bob)
    checksum(session, b"something else", name="another")
    deliver(session.use_theirs(), transfer, session)


def test_checksum_sent(alice, bob, work):
    """A large file's hash follows it."""
    data = os.urandom(1 << 20) * 60
    path = work / "large"
    path.write_bytes(data)
    transfer, session = alice.offer(bob, path)
    assert session.opening.find(f".//{q(HASHES, 'hash-used')}").get("algo") == "sha-256"
    assert session.accept(session.s5b()) == OK
    sock = session.use_theirs()
    sock.settimeout(20)
    assert read(sock, len(data)) == data
    told = session.expect("session-info").find(f"{q(FILE_TRANSFER, 'checksum')}")
    assert (told.get("creator"), told.get("name")) == ("initiator", session.name)
    assert told.find(f".//{q(HASHES, 'hash')}").text in sha256(data)
    assert session.terminate("success") == OK
    check(transfer.end(10), data)


# --- what is said of the file ---

@pytest.mark.parametrize("spelling", ["media-type", "mediaType"])
def test_mediatype_spelling(alice, bob, spelling):
    transfer, session = offered(alice, bob, element(spelling, "image/png"))
    assert transfer["MimeType"] == "image/png"
    deliver(session.use_theirs(), transfer, session)


EVIL = {
    "../../x": "x", "a/b": "b", "/etc/passwd": "passwd", "..": None, ".": None, "": None, "   ": None, "...": None,
    "..\\..\\x": None, "a\u202ecod.exe": None, ".bashrc": "bashrc", "x" * 300: None, "\U0001f600" * 100: None,
    "CON": "_CON", "a\tb": None, "a&#10;b": None, "~": None, "-rf": None, "%2e%2e%2fx": None, "a:b": None,
}


@pytest.mark.parametrize("name", EVIL, ids=lambda name: ascii(name)[1:24])
def test_evil_names(alice, bob, name):
    """A safe name in the download folder, whatever is offered."""
    transfer, session = offered(alice, bob, data=b"x", name=name)
    shown = transfer["Name"]
    assert EVIL[name] in (None, shown)
    session.use_theirs().sendall(b"x")
    session.expect_end()
    path = transfer.end(10)["LocalPath"]
    assert os.path.dirname(path) == str(alice.daemon.downloads)
    base = os.path.basename(path)
    for text in (shown, base):
        assert 0 < len(text.encode()) <= 255
        assert not text.startswith(".") and not set(text) & set("/\0\u202e\n\t")
    os.unlink(path)


def test_no_name(alice, bob):
    transfer, session = offered(alice, bob, name=None)
    assert transfer["Name"]
    deliver(session.use_theirs(), transfer, session)


@pytest.mark.parametrize("more", [
    "<date>2024-11-02T09:26:45.408407+00:00Z</date>",  # Gajim
    "<date>2024-11-02T09:26:45</date>", "<date>yesterday</date>", "<date/>", "<desc/>", "<range/>",
    "<range offset='0'/>", "<range offset='x'/>", "<thumbnail xmlns='urn:xmpp:thumbs:1' uri='cid:x'/>",
    "<unknown xmlns='urn:example'>x</unknown>", "<media-type/>"])
def test_odd_offer(alice, bob, more):
    """What is not understood never fails an offer."""
    transfer, session = offered(alice, bob, more)
    deliver(session.use_theirs(), transfer, session)


@pytest.mark.parametrize("size", ["-1", "x", "99999999999999999999", ""])
def test_odd_size(alice, bob, size):
    """No size that could be meant: unknown, or refused; never a wrong one."""
    session = Session(bob, alice.jid)
    replied = session.initiate(file(size=size), session.s5b())
    if replied == OK:
        alice.client.wait(lambda: alice.client.transfers() or bob.look(session.of("session-terminate")) is not None, 5)
        for transfer in alice.client.transfers():
            assert transfer["Size"] == -1


# --- the older version, as Swift speaks it ---

NS4 = (*(feature for feature in FEATURES if feature != FILE_TRANSFER), FILE_TRANSFER_4)


def test_ns4(alice, bob):
    """Answered in the version of the offer; its hashes are those of XEP-0300 1."""
    transfer, session = offered(alice, bob, sha256(DATA).replace(HASHES, HASHES_1), namespace=FILE_TRANSFER_4)
    assert session.opening.find(f".//{q(FILE_TRANSFER_4, 'file')}") is not None
    assert session.opening.find(f".//{q(FILE_TRANSFER, 'file')}") is None
    session.use_theirs().sendall(DATA)
    info = session.expect("session-info")
    assert info.find(q(FILE_TRANSFER_4, "received")) is not None
    session.expect_end()
    end = transfer.end(10)
    check(end, DATA)
    assert end["Verified"] == "ok"


def test_ns4_out(alice, make_peer, source):
    """Who knows only the older version is offered that."""
    swift = make_peer(features=NS4)
    transfer, session = alice.offer(swift, source)
    assert session.opening.find(f".//{q(FILE_TRANSFER_4, 'file')}") is not None
    assert session.opening.find(f".//{q(FILE_TRANSFER, 'file')}") is None
    assert session.send("session-accept", session.content(
        file(name="file.bin", size=len(DATA), namespace=FILE_TRANSFER_4), session.s5b()), responder=swift.jid) == OK
    fetch(session.use_theirs(), transfer, session)


# --- parts of files ---

@pytest.mark.parametrize("length", [None, 1000])
def test_range(alice, bob, source, length):
    """The receiver has the first part already."""
    transfer, session = alice.offer(bob, source)
    description = element("description", element("file", element("name", "file.bin"), element("size", str(len(DATA))),
                                                 element("range", offset=50_000, length=length)), xmlns=FILE_TRANSFER)
    assert session.send("session-accept", session.content(description, session.s5b()), responder=bob.jid) == OK
    sock = session.use_theirs()
    sock.settimeout(10)
    wanted = DATA[50_000:50_000 + length] if length else DATA[50_000:]
    assert read(sock, len(wanted)) == wanted
    sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert session.terminate("success") == OK
    assert transfer.end(10)["State"] == "done"


def accept_from(session, offset):
    description = element("description", element("file", element("name", "file.bin"), element("size", str(len(DATA))),
                                                 element("range", offset=offset)), xmlns=FILE_TRANSFER)
    return session.send("session-accept", session.content(description, session.s5b()), responder=session.peer.jid)


@pytest.mark.parametrize("offset", [len(DATA) + 1, -1, "x"])
def test_range_nonsense(alice, bob, source, offset):
    """Outside the file, or no number: better no bytes than others than were asked for."""
    transfer, session = alice.offer(bob, source)
    assert accept_from(session, offset) == OK
    session.expect("session-terminate")
    assert transfer.end(10)["State"] == "failed"


def test_resume_ignored(alice, bob, work):
    """Cut, and offered again by a client that knows nothing of ranges: all of it, from the start."""
    first, session = offered(alice, bob, sha256(DATA), name="again.bin")
    sock = session.use_theirs()
    sock.sendall(DATA[:40_000])
    eventually(lambda: first["Transferred"] == 40_000)
    sock.close()
    assert session.terminate("connectivity-error") == OK
    assert first.end(20)["State"] == "failed"
    transfer, session = offered(alice, bob, sha256(DATA), name="again.bin")
    ranges = [r for r in session.opening.iter(q(FILE_TRANSFER, "range")) if r.get("offset", "0") != "0"]
    assert ranges == []
    deliver(session.use_theirs(), transfer, session)
    assert transfer["Offset"] == 0
    assert transfer["Verified"] == "ok"

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples without a window do what they say, with real files."""

import os
import pathlib

from fardel.files import make_file, sha256
from fardel.prosody import Prosody
from fardel.scenario import ALICE, BOB

EXAMPLES = pathlib.Path(__file__).parents[2] / "client-lib/examples"
BUILT = pathlib.Path(os.environ["FARDEL_BUILD"]) / "client-lib/examples"


def test_shell_accepts_from_one_jid(users, alice, bob, prosody, start, work):
    before = make_file(work / 'be"fore', 1000)
    after = make_file(work / "after", 300_000)
    waiting = alice.manager.offer(BOB, before)
    bob.client.wait_for_offer()
    folder = work / "here"
    folder.mkdir()
    start("auto-accept.sh", [EXAMPLES / "auto-accept.sh", ALICE, folder], bob)
    assert waiting.end()["State"] == "done"
    assert alice.manager.offer(BOB, after).end()["State"] == "done"
    assert [sha256(folder / path.name) for path in (before, after)] == [sha256(before), sha256(after)]


def test_shell_leaves_others_alone(alice, bob, start, work):
    alice.manager.offer(BOB, make_file(work / "file", 10))
    offer = bob.client.wait_for_offer()
    script = start("auto-accept.sh", ["sh", "-x", EXAMPLES / "auto-accept.sh", Prosody.jid("carol"), work], bob)
    script.wait_for_line("ListTransfers")
    script.wait_for_line("read -r _", start=len(script.lines))
    assert offer["State"] == "offered"
    offer.call("Reject")


def test_python_sends(alice, bob, start, work):
    folder = work / "folder"
    folder.mkdir()
    sources = [make_file(work / "photo.jpg", 300_000), make_file(folder / "notes", 900)]
    python = start("send.py", [EXAMPLES / "send.py", BOB, sources[0], folder], alice)
    offers = bob.client.wait(lambda: len(found := bob.client.transfers(state="offered")) == 2 and found)
    paths = [offer.accept("") for offer in offers]
    assert python.wait() == 0
    assert {"photo.jpg: done", "notes: done", "photo.jpg: 300000 of 300000 bytes"} <= set(python.lines)
    assert {sha256(path) for path in paths} == {sha256(path) for path in sources}


def test_python_says_why_not(alice, bob, start, work):
    source = make_file(work / "photo.jpg", 10)
    declined = start("send.py", [EXAMPLES / "send.py", BOB, source], alice)
    bob.client.wait_for_offer().call("Reject")
    assert declined.wait() == 1
    assert declined.lines == [f"photo.jpg: {bob.account('bob')['FullJid']} declined the file"]
    missing = start("send.py", [EXAMPLES / "send.py", BOB, work / "missing"], alice)
    assert missing.wait() == 1
    assert "missing" in missing.lines[-1]


def test_qt_sends(alice, bob, start, work):
    source = make_file(work / "photo.jpg", 300_000)
    qt = start("send-qt", [BUILT / "send-qt", BOB, source], alice)
    incoming = bob.client.wait_for_offer()
    path = incoming.accept(work / "got")
    assert qt.wait() == 0
    assert qt.lines[-1] == "done"
    assert sha256(path) == sha256(source)


def test_qt_says_why_not(alice, bob, start, work):
    source = make_file(work / "photo.jpg", 10)
    declined = start("send-qt", [BUILT / "send-qt", BOB, source], alice)
    bob.client.wait_for_offer().call("Reject")
    assert declined.wait() == 1
    assert declined.lines[-1].startswith("rejected: ")
    wrong = start("send-qt", [BUILT / "send-qt", "@", source], alice)
    assert wrong.wait() == 1
    assert "@" in wrong.lines[-1]

# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/scripting.md: every block of it is run, and does what the text says."""

import json

import pytest
from gi.repository import GLib

from fardel.prosody import password
from fardel.scenario import Held
from conftest import ALICE, BOB, WORK
from guide import Guide

GUIDE = Guide("scripting.md")
take = GUIDE.take


def accept_next(daemon):
    offer = daemon.client.wait_for_offer()
    offer.accept("")
    return offer


def same(path, other):
    return path.read_bytes() == other.read_bytes()


@pytest.fixture
def held(world, desk):
    """A transfer from Alice that is under way and stays so."""
    sent = world.alice.manager.offer(BOB, desk.directory / "holiday.jpg")
    held = Held(world.bob.client.wait_for_offer())
    sent.wait_for("State", "active")
    yield sent
    held.close()


def test_send(world, desk):
    block = desk.start(take("Send"))
    offer = accept_next(world.bob)
    assert block.finish().endswith("\nBob has it.\n")
    assert same(world.bob.downloads / "holiday.jpg", desk.directory / "holiday.jpg")
    assert offer["State"] == "done"


@pytest.mark.parametrize("answer, printed", [
    ("Accept", "Sent."), ("Reject", "Bob does not want it."), ("Cancel", "Somebody cancelled it.")])
def test_how_it_ended(world, desk, answer, printed):
    block = desk.start(take("Send", number=1))
    offer = world.bob.client.wait_for_offer()
    if answer == "Cancel":
        world.alice.client.transfers()[0].call("Cancel")
    elif answer == "Reject":
        offer.call("Reject")
    else:
        offer.accept("")
    assert block.finish().endswith(printed + "\n")  # fardelctl may have said how to go on


def test_send_without_waiting(world, desk):
    block = desk.start(take("Send without waiting"))
    accept_next(world.bob)
    lines = block.finish().splitlines()
    assert lines[0].startswith("Bob gets the report as transfer ")
    assert "done" in lines[-1]


def test_offer_by_busctl(world, desk):
    printed = desk.run(take("Send without waiting", number=1))
    offer = world.bob.client.wait_for_offer()
    assert (offer["Name"], offer["Description"]) == ("report.pdf", "As promised")
    assert printed == f'o "{world.alice.client.transfers()[-1].path}"\n'


def test_several_files(world, desk):
    block = desk.start(take("Several files"))
    offers = [accept_next(world.bob) for _ in range(3)]
    block.finish()
    assert {offer["Name"] for offer in offers} == {"beach.jpg", "sunset.jpg", "report.pdf"}
    assert len({offer["Batch"] for offer in offers}) == 1
    printed = desk.run(take("Several files", number=1)).splitlines()
    assert printed[0].startswith("ao 3 ")
    assert sorted(line.split()[-1] for line in printed[2:]) == ["beach.jpg", "report.pdf", "sunset.jpg"]


def test_pipes(world, desk):
    block = desk.start(take("Pipes"))
    accept_next(world.bob)
    block.finish()
    archive = world.bob.downloads / "photos.tar"
    (desk.directory / "photos").rename(desk.directory / "photos.old")
    incoming = world.send_to_alice(archive)[1]
    desk.run(take("Pipes", number=1), incoming["Id"])
    assert same(desk.directory / "photos/beach.jpg", desk.directory / "photos.old/beach.jpg")


def test_accept(world, desk):
    sent, incoming = world.send_to_alice()
    printed = desk.run(take("Accept"), incoming["Id"])
    assert "party.jpg" in printed.splitlines()[1]
    assert same(desk.directory / "Pictures/party.jpg", world.bob.home / "party.jpg")
    sent, incoming = world.send_to_alice()
    assert desk.run(take("Accept", number=1), incoming["Id"]) == f's "{desk.directory}/Pictures/party (2).jpg"\n'
    assert incoming.end()["State"] == "done"
    sent, incoming = world.send_to_alice()
    desk.run(take("Accept", number=2), incoming["Id"])
    assert sent.end()["State"] == "rejected"


def test_accept_by_the_daemon(world, desk):
    desk.run(take("Accept by itself"))
    path = world.bob.home / "party.jpg"
    try:
        sent = world.bob.manager.offer(ALICE, path)
        assert sent.end()["State"] == "done"
        assert same(desk.directory / "From friends/party.jpg", path)
    finally:
        world.alice.account("alice")["AutoAccept"] = []


@pytest.mark.parametrize("number", [1, 2])
def test_accept_by_a_loop(world, desk, number):
    """One offer was there before, one comes later."""
    for file in (desk.directory / "Pictures").iterdir():
        file.unlink()
    first, _ = world.send_to_alice()
    loop = desk.start(take("Accept by itself", number=number))
    assert first.end()["State"] == "done", loop.text
    second = world.bob.manager.offer(ALICE, world.bob.home / "party.jpg")
    assert second.end()["State"] == "done", loop.text
    assert {file.name for file in (desk.directory / "Pictures").iterdir()} == {"party.jpg", "party (2).jpg"}


def test_progress(world, desk, held):
    state, _, size, _ = desk.run(take("Progress"), held["Id"]).splitlines()
    assert (state, size) == ('s "active"', "x 200000")
    active, pending, progress = desk.run(take("Progress", number=1)).splitlines()
    assert (active, pending) == ("u 1", "u 0") and 0 <= float(progress.split()[1]) <= 1
    monitor = desk.start(take("Progress", number=2), held["Id"])
    monitor.wait_for("is owned by")
    held.call("Cancel")
    monitor.wait_for("'State': <'cancelled'>")


def test_speed(world, desk, held):
    manager = world.alice.manager
    desk.run(take("Speed"), held["Id"])
    assert (manager["UploadLimit"], manager["DownloadLimit"], held["RateLimit"]) == (500_000, 2_000_000, 100_000)
    desk.run(take("Speed", number=1))
    assert (manager["UploadLimit"], manager["DownloadLimit"]) == (0, 0)


def test_cancel_and_send_again(world, desk, held):
    desk.run(take("Cancel, and send again"), held["Id"])
    assert held.end()["State"] == "cancelled"
    block = desk.start(take("Cancel, and send again", number=1), held["Id"])
    accept_next(world.bob)
    assert "done" in block.finish()
    desk.run(take("Cancel, and send again", number=2))
    assert world.alice.client.transfers() == []


def test_who_is_there(desk):
    printed = desk.run(take("Who is there?"))
    assert BOB in printed and printed.endswith("Bob can receive files now.\n")


def test_accounts(world, desk):
    assert "work" in desk.run(take("Accounts"))
    account = world.alice.account("work")
    assert (account["Jid"], account["Status"], account["PasswordSource"]) == (WORK, "online", "command")
    account.call("Update", "(a{sv})", {"password-command": GLib.Variant("as", [])})
    for number in (1, 2):
        account.call("Disconnect")
        account.set_password("not this one")
        assert password(WORK) not in desk.run(take("Accounts", number=number))
        account.call("Connect")
        account.wait_for("Status", "online")
        assert account["PasswordSource"] == "memory"
    desk.run(take("Accounts", number=3))
    assert not (world.alice.config / "accounts.d/work.conf").exists()


def test_json(world, desk):
    sent, incoming = world.send_to_alice()
    incoming.accept("")
    incoming.end()
    assert desk.run(take("JSON")) == f"party.jpg 200000 {incoming['Peer']}\n"
    printed = json.loads(desk.run(take("JSON", number=1)))
    assert printed["data"][0][0]["Name"]["data"] == "party.jpg"
    watch = desk.start(take("JSON", "python"))
    world.exchange_until(lambda: watch.process.lines)
    assert watch.wait_for(".").string == "party.jpg has arrived"


def test_errors(desk):
    printed = desk.run(take("Errors"))
    assert printed.startswith("It was not even offered: fardelctl: ") and "missing.jpg" in printed


def test_readme(world, desk):
    """The block of busctl."""
    incoming = world.send_to_alice()[1]
    printed = desk.run(Guide("../README.md").take("From a script, from a program"), incoming["Id"])
    assert "\nx 200000\n" in printed  # of the size, at the end
    assert incoming.end()["State"] == "done"
    assert world.bob.client.wait_for_offer()["Name"] == "holiday.jpg"


def test_every_block_was_run(world):  # which says why none was, where none can be
    assert GUIDE.unused() == []

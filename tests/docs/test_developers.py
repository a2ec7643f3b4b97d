# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/developers.md: every block of it is built and run, in each language."""

import os
import pathlib
import re

import pytest

from fardel.scenario import Held
from conftest import ALICE, BOB
from guide import SOURCE, Guide

GUIDE = Guide("developers.md")
take = GUIDE.take

BUILD = pathlib.Path(os.environ.get("FARDEL_BUILD", SOURCE / "build"))

OFFER, ACCEPT, WATCH, CANCEL = "Offer a file", "Accept files", "Watch transfers", "Cancel"
PROGRAMS = {"offer": OFFER, "accept": ACCEPT, "watch": WATCH, "cancel": CANCEL}


@pytest.fixture(scope="module", autouse=True)
def build(world):
    """Alice has the library as built here, and has built the programs of the guide with it."""
    library = BUILD / "client-lib/fardel"
    desk = world.desk
    desk.env |= {"PKG_CONFIG_PATH": str(BUILD / "meson-uninstalled"), "LD_LIBRARY_PATH": str(library),
                 "GI_TYPELIB_PATH": str(library)}
    for name, heading in PROGRAMS.items():
        (desk.directory / f"{name}.c").write_text(take(heading, "c").text)
        (desk.directory / f"{name}.cpp").write_text(take(heading, "cpp").text)
    (desk.directory / "meson.build").write_text(take("Build", "meson").text)
    warnings = "-Dwarning_level=2", "-Dwerror=true", "-Dc_args=-Wno-unused-parameter", "-Dcpp_args=-Wno-unused-parameter"
    desk.command("meson", "setup", "examples", *warnings).finish(timeout=200)
    desk.command("ninja", "-C", "examples").finish(timeout=400)


def start(desk, heading, language, *arguments, number=None):
    """A program of the guide in one of the languages, or its commands."""
    if language in ("c", "cpp"):
        name = next(name for name in PROGRAMS if PROGRAMS[name] == heading)
        return desk.command(desk.directory / "examples" / (name + ("-qt" if language == "cpp" else "")), *arguments)
    return desk.start(take(heading, language), number, arguments)


@pytest.fixture
def held(world, desk):
    """A transfer from Alice that is under way until it is released."""
    sent = world.alice.manager.offer(BOB, desk.directory / "holiday.jpg")
    held = Held(world.bob.client.wait_for_offer())
    sent.wait_for("State", "active")
    yield sent, held
    if held.data == b"":
        held.close()


@pytest.mark.parametrize("language", ["c", "python", "cpp", "sh"])
def test_offer(world, desk, language):
    program = start(desk, OFFER, language, BOB, "holiday.jpg")
    offer = world.bob.client.wait_for_offer()
    path = pathlib.Path(offer.accept(""))
    assert offer.end()["State"] == "done"
    assert path.read_bytes() == (desk.directory / "holiday.jpg").read_bytes()
    printed = program.finish()
    if language in ("c", "python"):
        assert re.fullmatch(rf"{BOB}/\S+ has holiday.jpg\n", printed)
    else:
        assert world.alice.client.transfers()[0].path in printed


@pytest.mark.parametrize("language, last", [("c", "party.jpg: done"), ("python", "party.jpg has ended")])
def test_accept_what_comes(world, desk, language, last):
    """One waits already, one comes later."""
    waiting = world.send_to_alice()[0]
    program = start(desk, ACCEPT, language, "Pictures")
    assert waiting.end()["State"] == "done", program.text
    later = world.bob.manager.offer(ALICE, world.bob.home / "party.jpg")
    assert later.end()["State"] == "done", program.text
    program.wait_for(rf"^{re.escape(last)}$")
    assert program.text.count("offers party.jpg") == 2


@pytest.mark.parametrize("language", ["cpp", "sh"])
def test_accept_what_waits(world, desk, language):
    sent, incoming = world.send_to_alice()
    printed = start(desk, ACCEPT, language, desk.directory / "Pictures", number=incoming["Id"]).finish()
    assert incoming.end()["State"] == "done"
    assert pathlib.Path(incoming["LocalPath"]).read_bytes() == (world.bob.home / "party.jpg").read_bytes()
    assert incoming["LocalPath"] in printed


@pytest.mark.parametrize("language, first, last", [
    ("c", "holiday.jpg: FARDEL_STATE_ACTIVE, ", "holiday.jpg: FARDEL_STATE_DONE, 200000 of 200000 bytes"),
    ("python", "holiday.jpg: active, ", "holiday.jpg: done, 200000 of 200000 bytes"),
    ("sh", "Monitoring bus message stream", "PropertiesChanged")])
def test_watch(desk, held, language, first, last):
    sent, receiver = held
    program = start(desk, WATCH, language)
    program.wait_for(first)
    receiver.release()
    assert sent.end()["State"] == "done"
    program.wait_for(last)


def test_watch_with_qt(world, desk):
    program = start(desk, WATCH, "cpp")
    world.exchange_until(lambda: program.process.lines)
    program.wait_for("^/org/fardel/Fardel1/transfer/[0-9]*: State done$")


@pytest.mark.parametrize("language", ["c", "python", "cpp", "sh"])
def test_cancel(desk, held, language):
    sent, _ = held
    start(desk, CANCEL, language, sent["Id"], number=sent["Id"]).finish()
    end = sent.end()
    assert (end["State"], end["EndedBy"]) == ("cancelled", "local")


def test_build_with_pkg_config(desk):
    desk.start(take("Build")).finish(timeout=200)
    assert (desk.directory / "offer").exists() and (desk.directory / "offer-qt").exists()


def test_options(world, desk):
    desk.run(take("Options", "python"))
    assert world.bob.client.wait_for_offer()["Description"] == "As promised"


def test_contacts(desk):
    assert desk.start(take("Contacts", "python")).wait_for(".").string == BOB


def test_errors(world, desk):
    program = desk.start(take("Errors", "python"))
    world.bob.client.wait_for_offer().call("Reject")
    assert program.finish() == "Bob does not want it.\n"


def test_every_block_was_run(world):  # which says why none was, where none can be
    assert GUIDE.unused() == []

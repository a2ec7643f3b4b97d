# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual pages: well formed, and about all that there is."""

import contextlib
import functools
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree

import pytest

from fardel.daemon import Daemon

SOURCE = pathlib.Path(__file__).parents[2]
PAGES = pathlib.Path(os.environ.get("FARDEL_PACKAGING", SOURCE / "build/packaging")) / "man"
NAMES = sorted(page.name for page in PAGES.iterdir() if re.fullmatch(r"[\w.-]+\.[1-8]", page.name))
FARDELD = os.environ.get("FARDELD", SOURCE / "build/daemon/fardeld")
FARDELCTL = os.environ.get("FARDELCTL", SOURCE / "build/client-lib/ctl/fardelctl")
SERVICES = {"fardeld.8": FARDELD, "fardel-notify.8": PAGES.parents[1] / "client-lib/notify/fardel-notify"}

# What scdoc writes is not for the eye, and names have small letters.
TOLERATED = re.compile(r"skipping paragraph macro|longer than 80 bytes|lower case character in document title")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z0-9-]*")


def run(*command, check=True, env=None):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=check, env=env)


@functools.cache
def shown(page):
    """As a reader sees it, but nothing is hyphenated or broken."""
    return run("man", "-E", "UTF-8", "--no-hyphenation", "--no-justification", "-l", PAGES / page,
               env=os.environ | {"MANWIDTH": "1000"}).stdout


def test_all_pages_are_there():
    assert {"fardel.conf.5", "fardelctl.1", "fardeld.8", "org.fardel.Fardel1.5"} <= set(NAMES)


@pytest.mark.parametrize("page", NAMES)
def test_well_formed(page):
    lint = run("mandoc", "-T", "lint", PAGES / page, check=False).stdout.splitlines()
    assert [line for line in lint if not TOLERATED.search(line)] == []
    assert run("man", "--warnings", "-E", "UTF-8", "-l", PAGES / page).stderr == ""
    assert re.search(rf"^NAME\n +{re.escape(page.rpartition('.')[0])} - \S", shown(page), re.MULTILINE)


def table(name):
    """The strings of a NULL-terminated array in the source."""
    text = (SOURCE / "daemon/core/config.c").read_text()
    return set(re.findall(r'"(\w+)"', re.search(rf"{name}\[\]\s*= {{(.*?)}};", text, re.DOTALL)[1]))


@pytest.mark.parametrize("section, following, name", [
    ("FARDEL.CONF", "ACCOUNTS", "main_keys"), ("ACCOUNTS", "EXAMPLE", "account_keys")])
def test_every_key_of_the_configuration(section, following, name):
    text = re.search(rf"^{re.escape(section)}$(.*)^{following}$", shown("fardel.conf.5"), re.DOTALL | re.MULTILINE)[1]
    assert set(re.findall(r"^ +([A-Z]\w+)=", text, re.MULTILINE)) == table(name)


@pytest.mark.parametrize("text", [
    (SOURCE / "packaging/man/fardel.conf.5.scd").read_text(), (SOURCE / "README.md").read_text()], ids=["page", "readme"])
def test_example_of_an_account(text, work):
    """The daemon reads it without complaint, and as it is meant."""
    example = re.search(r"^```(?:ini)?\n(\[Account\].*?)^```$", text, re.DOTALL | re.MULTILINE)[1]
    with contextlib.closing(Daemon(work / "alice")) as daemon:
        (daemon.config / "accounts.d").mkdir(parents=True)
        (daemon.config / "accounts.d/home.conf").write_text(example + "Enabled=false\n")
        daemon.start()
        account = daemon.account("home")
        assert (account["Jid"], account["AutoAccept"], account["AutoAcceptMaxSize"]) == (
            "alice@example.org", ["bob@example.net"], 20_000_000)
        assert not any("home.conf" in line for line in daemon.process.lines)


def commands():
    text = run(FARDELCTL, "--help").stdout.partition("Commands:")[2].partition("\n\n")[0]
    return [re.split(r" [A-Z\[]|  ", line.strip())[0] for line in text.splitlines() if line.strip()]


def options(text):
    return {option for option in OPTION.findall(text)
            if option.startswith("--") and option not in ("--help-all", "--json", "--help")}


def test_every_command_and_option():
    page = shown("fardelctl.1")
    assert len(commands()) >= 21
    for command in commands():
        assert re.search(rf"^ +{command}\b", page, re.MULTILINE), command
    helps = [run(FARDELCTL, *command.split(), "--help").stdout for command in commands()]
    general = run(FARDELCTL, "--help").stdout.partition("\nOptions:")[2].partition("\n\n")[0]
    assert options(page) == options(general + "".join(helps))


@pytest.mark.parametrize("page", [page for page in NAMES if page in SERVICES])
def test_every_option_of_a_service(page):
    section = re.search(r"^OPTIONS$(.*?)^\S", shown(page), re.DOTALL | re.MULTILINE)[1]
    assert options(section) == options(run(SERVICES[page], "--help").stdout)


def test_every_exit_code():
    codes = re.findall(r"^ +(\d+)  ", run(FARDELCTL, "--help").stdout, re.MULTILINE)
    page = shown("fardelctl.1").partition("EXIT STATUS")[2].partition("ENVIRONMENT")[0]
    assert re.findall(r"(\d+): ", page) == codes


def test_every_member_of_the_interfaces():
    page = shown("org.fardel.Fardel1.5")
    for path in (SOURCE / "introspection").glob("*.xml"):
        for interface in xml.etree.ElementTree.parse(path).getroot():
            section = interface.get("name").rpartition(".")[2].upper()
            text = re.search(rf"^{section}$(.*?)(?=^\S|\Z)", page, re.DOTALL | re.MULTILINE)[1]
            members = interface.findall("method") + interface.findall("signal") + interface.findall("property")
            assert re.findall(r"^ {7}([A-Z]\w+)(?=\(| \()", text, re.MULTILINE) == [
                member.get("name") for member in members]


def test_no_markup_is_left():
    for page in NAMES:
        assert not re.search(r"(?<!\w)[*_](?=\w)\S*|``|#org", shown(page)), page

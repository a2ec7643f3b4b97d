# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/extensions.md: its examples fit its schemas, and it is about what the daemon has."""

import hashlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import BOB
from guide import SOURCE, Guide

GUIDE = Guide("extensions.md")
OURS = "{urn:x-fardel:"
S5B = "{urn:xmpp:jingle:transports:s5b:1}"
SCHEMAS = {ElementTree.fromstring(block.text).get("targetNamespace"): block
           for block in GUIDE.blocks if block.language == "xsd"}
EMPTY_ELEMENT = re.compile(r"<[\w-]+(?= )[^<>]*? xmlns=['\"](urn:x-fardel:[^'\"]+)['\"][^<>]*/>")
# Nothing fails in the exchange below, so nothing is replaced.
UNHEARD = {"urn:x-fardel:early-accept:0"}
EXAMPLES = [block for block in GUIDE.blocks if block.language == "xml"]


def elements(namespace):
    return [element for block in EXAMPLES for element in ElementTree.fromstring(block.text).iter()
            if element.tag.startswith("{" + namespace + "}")]


def validate(tmp_path, block, element):
    (tmp_path / "schema.xsd").write_text(block.text)
    return subprocess.run(["xmllint", "--noout", "--schema", tmp_path / "schema.xsd", "-"],
                          input=ElementTree.tostring(element), capture_output=True, check=False)


def test_all_that_the_daemon_has():
    advertised = re.findall(r'"(urn:x-fardel:[^"]+)"', (SOURCE / "daemon/xmpp/disco.c").read_text())
    assert sorted(SCHEMAS) == sorted(advertised)
    listed = {feature.get("var") for feature in elements("http://jabber.org/protocol/disco#info")}
    assert set(advertised) <= listed


@pytest.mark.parametrize("namespace", SCHEMAS)
def test_examples_fit_the_schema(tmp_path, namespace):
    schema = SCHEMAS[namespace]
    assert elements(namespace)
    for element in elements(namespace):
        checked = validate(tmp_path, schema, element)
        assert checked.returncode == 0, checked.stderr.decode()
    wrong = ElementTree.Element("{" + namespace + "}wrong")
    assert validate(tmp_path, schema, wrong).returncode != 0


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_examples_are_whole_stanzas(block):
    stanza = ElementTree.fromstring(block.text)
    assert stanza.tag == "{jabber:client}iq"
    assert {"type", "from", "to", "id"} <= set(stanza.keys())


def sha1(*parts):
    return hashlib.sha1("".join(parts).encode()).hexdigest()


def test_hashes():
    """Those of the examples, and the test vector."""
    seen = 0
    for block in EXAMPLES:
        stanza = ElementTree.fromstring(block.text)
        for transport in stanza.iter(S5B + "transport"):
            if dstaddr := transport.get("dstaddr"):
                assert dstaddr == sha1(transport.get("sid"), stanza.get("from"), stanza.get("to"))
                seen += 1
    assert seen
    vector = re.search(r"Test vector: sid `(.+?)`, cid `(.+?)`, initiator `(.+?)`, responder `(.+?)`: `(.+?)`",
                       GUIDE.path.read_text())
    assert sha1(*vector.groups()[:4]) == vector[5]


def test_daemons_say_what_is_specified(world, desk, tmp_path):
    """The elements of two files on their way, as the server sees them."""
    world.alice.manager.offer_many(BOB, [desk.directory / "holiday.jpg", desk.directory / "photos"])
    for _ in range(3):
        offer = world.bob.client.wait_for_offer()
        offer.accept("")
        offer.end()
    heard = {match[1]: match[0] for line in world.prosody.process.lines for match in EMPTY_ELEMENT.finditer(line)}
    assert heard.keys() == SCHEMAS.keys() - UNHEARD
    for namespace, element in heard.items():
        checked = validate(tmp_path, SCHEMAS[namespace], ElementTree.fromstring(element))
        assert checked.returncode == 0, checked.stderr.decode()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Namespaces, and the few ways in which stanzas are made and looked at."""

import base64
import hashlib
import uuid
from xml.sax.saxutils import quoteattr

JINGLE = "urn:xmpp:jingle:1"
JINGLE_ERRORS = "urn:xmpp:jingle:errors:1"
FILE_TRANSFER = "urn:xmpp:jingle:apps:file-transfer:5"
FILE_TRANSFER_4 = "urn:xmpp:jingle:apps:file-transfer:4"
FILE_TRANSFER_ERRORS = "urn:xmpp:jingle:apps:file-transfer:errors:0"
S5B = "urn:xmpp:jingle:transports:s5b:1"
JINGLE_IBB = "urn:xmpp:jingle:transports:ibb:1"
IBB = "http://jabber.org/protocol/ibb"
BYTESTREAMS = "http://jabber.org/protocol/bytestreams"
HASHES = "urn:xmpp:hashes:2"
HASHES_1 = "urn:xmpp:hashes:1"
JET = "urn:xmpp:jingle:jet:0"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
CAPS = "http://jabber.org/protocol/caps"
PING = "urn:xmpp:ping"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"

EOC = "urn:x-fardel:eoc:0"
CID_DST = "urn:x-fardel:cid-dst:0"
BATCH = "urn:x-fardel:batch:0"
EARLY_ACCEPT = "urn:x-fardel:early-accept:0"

FEATURES = (DISCO_INFO, JINGLE, FILE_TRANSFER, S5B, JINGLE_IBB, IBB, BYTESTREAMS, HASHES,
            "urn:xmpp:hash-function-text-names:sha-256")

OK = frozenset()  # the conditions of a result


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


def q(namespace, tag):
    return f"{{{namespace}}}{tag}"


def local(element):
    return element.tag.rpartition("}")[2]


def element(tag, *children, **attributes):
    """Text of an element; an attribute that is None is left out, "_" is "-"."""
    text = "".join(f" {key.replace('_', '-')}={quoteattr(str(value))}"
                   for key, value in attributes.items() if value is not None)
    return f"<{tag}{text}>{''.join(children)}</{tag}>"


def failure(condition, kind="cancel", *more):
    return element("error", f"<{condition} xmlns='{STANZA_ERRORS}'/>", *more, type=kind)


def conditions(reply):
    """What an error names, general and Jingle's own; OK for a result."""
    if reply.get("type") == "result":
        return OK
    error = next(child for child in reply if local(child) == "error")
    return frozenset(local(child) for child in error if local(child) != "text") or frozenset({"error"})


SOFTWARE_INFO = "urn:xmpp:dataforms:softwareinfo"


def software_form(name, version):
    """XEP-0232."""
    fields = (("FORM_TYPE", SOFTWARE_INFO, "hidden"), ("software", name, None), ("software_version", version, None))
    return element("x", *(element("field", element("value", value), var=var, type=kind)
                          for var, value, kind in fields), xmlns="jabber:x:data", type="result")


def caps_ver(category, kind, features, software=None):
    """XEP-0115 §5.1 for one identity without name, and maybe a form about the software."""
    text = f"{category}/{kind}//<" + "".join(f"{feature}<" for feature in sorted(features))
    if software:
        text += f"{SOFTWARE_INFO}<software<{software[0]}<software_version<{software[1]}<"
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()

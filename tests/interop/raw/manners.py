# SPDX-License-Identifier: LGPL-2.1-or-later
"""What holds for every Jingle stanza of the daemon, in whatever session."""

import collections

from .xml import JINGLE, S5B, local, q

ONCE = ("candidate-used", "candidate-error")
CANDIDATE = {"cid", "host", "jid", "port", "priority", "type"}


def _of_content(content):
    if not content.get("name") or content.get("creator") not in ("initiator", "responder"):
        yield "a content without name or creator"
    if content.get("senders") not in ("initiator", "responder"):
        yield "a content without senders"
    for candidate in content.iter(q(S5B, "candidate")):
        if not CANDIDATE <= set(candidate.keys()) or int(candidate.get("priority")) < 1:
            yield f"an incomplete candidate: {dict(candidate.attrib)}"


def flaws(stanzas):
    """Texts about what should not be, in all that a peer got."""
    said = collections.Counter()
    over = set()
    for stanza in stanzas:
        jingle = stanza.find(q(JINGLE, "jingle"))
        if jingle is None or stanza.get("type") != "set":
            continue
        sid, action = jingle.get("sid"), jingle.get("action")
        if (sid, stanza.get("from")) in over:
            yield f"{action} after the end"
        if action == "session-terminate":
            over.add((sid, stanza.get("from")))
        if "/" not in jingle.get("initiator", ""):
            yield f"{action} without the initiator's full JID"
        if action == "session-accept" and jingle.get("responder") != stanza.get("from"):
            yield "session-accept without the responder"
        for content in jingle.findall(q(JINGLE, "content")):
            yield from _of_content(content)
        for transport in jingle.iter(q(S5B, "transport")):
            if not transport.get("sid"):
                yield f"{action} without the sid of its transport"
            for child in transport:
                said[sid, transport.get("sid"), local(child)] += 1
    for (sid, stream, what), count in said.items():
        if what in ONCE and count > 1:
            yield f"{what} {count} times for {stream} of {sid}"

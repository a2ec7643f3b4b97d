# SPDX-License-Identifier: LGPL-2.1-or-later
"""In-band streams (XEP-0047) by hand."""

import base64

from .xml import IBB, conditions, element, q


class Inband:
    """The stream of a session; either side's."""

    def __init__(self, session, sid=None, block_size=4096):
        self.peer = session.peer
        self.other = session.other
        self.sid = sid or session.stream
        self.block_size = block_size

    def _ask(self, payload):
        return self.peer.ask(self.other, payload, timeout=20)

    def open(self, block_size=None, stanza=None):
        return self._ask(element("open", xmlns=IBB, sid=self.sid, block_size=block_size or self.block_size,
                                 stanza=stanza))

    def payload(self, seq, data):
        """A block; `data` is bytes, or text to be sent as it is."""
        text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
        return element("data", text, xmlns=IBB, sid=self.sid, seq=seq)

    def post(self, seq, data):
        """A block without waiting."""
        return self.peer.post(self.other, self.payload(seq, data))

    def burst(self, blocks):
        """Many blocks (seq, data) at once; the conditions of the last answer."""
        requests = [self.peer.request(self.other, self.payload(seq, data)) for seq, data in blocks]
        self.peer.send("".join(text for _, text in requests))
        found = conditions(self.peer.reply(requests[-1][0], 30))
        self.peer.inbox.clear()
        return found

    def data(self, seq, data):
        return conditions(self.peer.reply(self.post(seq, data), 20))

    def close(self):
        return self._ask(element("close", xmlns=IBB, sid=self.sid))

    def send(self, data):
        """Everything, block by block."""
        for seq, start in enumerate(range(0, len(data), self.block_size)):
            assert self.data(seq % 65536, data[start:start + self.block_size]) == frozenset()

    # --- theirs ---

    def is_about(self, tag):
        """A predicate: their open, data or close of this stream."""
        def fits(stanza):
            found = stanza.find(q(IBB, tag))
            return found is not None and found.get("sid") == self.sid and stanza.get("type") == "set"
        return fits

    def expect(self, tag, timeout=15):
        """Their next open, data or close: the whole stanza."""
        return self.peer.wait(self.is_about(tag), timeout, f"<{tag}/>")

    def opened(self):
        """Their <open/>."""
        return self.expect("open").find(q(IBB, "open"))

    def block(self, timeout=15):
        """Their next block: (seq, bytes)."""
        found = self.expect("data", timeout).find(q(IBB, "data"))
        return int(found.get("seq")), base64.b64decode(found.text)

    def receive(self, size):
        """So many bytes, in order."""
        data, count = b"", 0
        while len(data) < size:
            seq, part = self.block()
            assert seq == count % 65536
            data += part
            count += 1
        return data

# SPDX-License-Identifier: LGPL-2.1-or-later
"""One XMPP connection under full control: what comes in is kept until a test
asks for it; requests are acknowledged unless a rule says otherwise."""

import asyncio
import itertools
import logging
import threading
import time

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher.base import MatcherBase
from slixmpp.xmlstream.tostring import tostring

from fardel.process import Process
from fardel.prosody import password

from .xml import CAPS, DISCO_INFO, FEATURES, caps_ver, conditions, element, failure, q, software_form, unique

NODE = "https://raw.fardel.test"  # nobody's, so that no quirks apply
HOLD = object()  # a rule's answer: none, the test answers itself

logging.getLogger("slixmpp").setLevel(logging.CRITICAL)


class _Loop:
    """asyncio on a thread of its own, for all peers."""

    loop = None

    @classmethod
    def run(cls, coroutine, timeout=20):
        if cls.loop is None:
            cls.loop = asyncio.new_event_loop()
            threading.Thread(target=cls.loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, cls.loop).result(timeout)


class _Everything(MatcherBase):
    def match(self, _stanza):
        return True


class Peer:
    """`features`, `node` and `software` (name, version) are its capabilities;
    without `presence` it stays invisible, without `caps` it must be asked."""

    def __init__(self, prosody, user, resource=None, features=FEATURES, node=NODE, software=None, presence=True,
                 **shown):
        self.bare = prosody.jid(user)
        self.jid = f"{self.bare}/{resource or unique('raw')}"
        self.features = tuple(features)
        self.node = node
        self.software = software
        self.inbox = []
        self.rules = []
        self._log = []  # (time, direction, text or element)
        self.pid = self.jid
        self.name = "raw peer"
        self.running = True
        self._news = threading.Condition()
        self._ids = itertools.count(1)
        self._begun = time.monotonic()
        _Loop.run(self._connect(prosody, password(user)))
        Process.made.append(self)
        if presence:
            self.show(**shown)

    async def _connect(self, prosody, secret):
        self._xmpp = slixmpp.ClientXMPP(self.jid, secret, plugin_config={"feature_mechanisms": {"use_mech": "PLAIN"}})
        self._xmpp.ca_certs = str(prosody.ca_file)
        started = asyncio.get_running_loop().create_future()
        self._xmpp.add_event_handler("session_start", lambda _: started.done() or started.set_result(True))
        self._xmpp.connect((prosody.address, prosody.port))
        await started
        self._xmpp.register_handler(Callback("everything", _Everything(""), self._received))

    def close(self):
        """Goes offline as a client does that ends."""
        if self.running:
            self.running = False
            _Loop.run(self._disconnect())

    async def _disconnect(self):
        await self._xmpp.disconnect(wait=1)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if task.get_coro().cr_frame.f_locals.get("self") is self._xmpp:  # slixmpp leaves its filters
                task.cancel()

    # --- out ---

    def send(self, text):
        self._note(">", text)
        _Loop.loop.call_soon_threadsafe(self._xmpp.send_raw, text)

    def show(self, caps=True, show=None, priority=None, to=None, node=None):
        """Presence, with capabilities unless told otherwise."""
        ver = caps_ver("client", "pc", self.features, self.software)
        self.send(element("presence", f"<show>{show}</show>" if show else "",
                          f"<priority>{priority}</priority>" if priority is not None else "",
                          element("c", xmlns=CAPS, hash="sha-1", node=node or self.node, ver=ver) if caps else "",
                          to=to))

    def request(self, to, payload, kind="set"):
        """A request that is not sent yet: (id, text)."""
        number = f"raw-{next(self._ids)}"
        return number, element("iq", payload, id=number, to=to, type=kind, **{"from": self.jid})

    def post(self, to, payload, kind="set"):
        """A request, without waiting for the answer: its id."""
        number, text = self.request(to, payload, kind)
        self.send(text)
        return number

    def reply(self, number, timeout=10):
        """The whole answer to a request."""
        return self.wait(lambda stanza: stanza.tag.endswith("}iq") and stanza.get("id") == number
                         and stanza.get("type") in ("result", "error"), timeout, f"the answer to {number}")

    def ask(self, to, payload, kind="set", timeout=10):
        """The conditions of the answer, OK for a result."""
        return conditions(self.reply(self.post(to, payload, kind), timeout))

    def answer(self, stanza, payload=""):
        """Answers a request that a rule held: a result, or an error."""
        kind = "error" if payload.startswith("<error") else "result"
        self.send(element("iq", payload, id=stanza.get("id"), to=stanza.get("from"), type=kind,
                          **{"from": self.jid}))

    # --- in ---

    @property
    def lines(self):
        """What went to and fro, for the report of a failed test."""
        texts = [(at, direction, what if isinstance(what, str) else tostring(what))
                 for at, direction, what in self._log]
        return [f"{at - self._begun:7.3f} {direction} {text[:1500]}" for at, direction, text in texts
                if "disco#info" not in text]

    def received(self):
        """All stanzas that came, in order."""
        return [what for _, direction, what in self._log if direction == "<"]

    def _note(self, direction, what):
        self._log.append((time.monotonic(), direction, what))

    def _received(self, stanza):
        xml = stanza.xml
        self._note("<", xml)
        if xml.tag.endswith("}iq") and xml.get("type") in ("get", "set"):
            payload = self._verdict(xml)
            if payload is not HOLD:
                self.answer(xml, payload)
        with self._news:
            self.inbox.append(xml)
            self._news.notify_all()

    def _verdict(self, stanza):
        for rule in self.rules:
            payload = rule(stanza)
            if payload is not None:
                return payload
        query = stanza.find(q(DISCO_INFO, "query"))
        if query is not None:
            return element("query", "<identity category='client' type='pc'/>",
                           *(element("feature", var=feature) for feature in self.features),
                           software_form(*self.software) if self.software else "",
                           xmlns=DISCO_INFO, node=query.get("node"))
        return "" if stanza.get("type") == "set" else failure("service-unavailable")

    def look(self, predicate, start=0):
        """Takes out the first stanza that fits, None if there is none (yet)."""
        for index in range(start, len(self.inbox)):
            if predicate(self.inbox[index]):
                return self.inbox.pop(index)
        return None

    def wait(self, predicate, timeout=10, what="a stanza"):
        """Takes out the first stanza that fits, as soon as it is there."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._news:
            while (found := self.look(predicate, seen)) is None:
                seen = len(self.inbox)
                if not self._news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"{self.jid} waited {timeout} s for {what}")
        return found

    def quiet(self, predicate, seconds, what="stanza"):
        """Nothing that fits comes for so long."""
        with self._news:
            found = self._news.wait_for(lambda: any(map(predicate, self.inbox)), seconds)
        if found:
            raise AssertionError(f"{self.jid} got an unexpected {what}")

    def settle(self, to):
        """Returns when everything that was sent before has been handled there."""
        self.ask(to, element("query", xmlns=DISCO_INFO), kind="get")

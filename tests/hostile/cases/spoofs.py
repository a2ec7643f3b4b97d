# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stanzas that claim to be somebody else's, and senders that are none (RFC 6120
§8.1.2.1, RFC 6121 §2.1.6, XEP-0115 §9)."""

import uuid

from cases.floods import BOB, DISCO, FILES, JINGLE, STRANGER, caps, caps_ver, disco, iq, offer
from play import Failure, case
from server import name_of

CAROL = "carol@good.test/1"
ROSTER_OF_EVIL = "<query xmlns='jabber:iq:roster'><item jid='mallory@evil.test' subscription='both'/></query>"


def answer_to(peer, iq_id):
    answer = peer.result(iq_id)
    return answer.get("type")


def expect_contacts(play, *jids):
    contacts = play.contacts()
    if set(contacts) != set(jids):
        raise Failure(f"contacts: {list(contacts)}")


# -- the roster --------------------------------------------------------------


def pushed_by(name, text, sender):
    @case(f"spoof-push-{name}", f"a roster push by {text}")
    def push(play):
        peer = play.login()
        peer.send(iq(sender, "push", ROSTER_OF_EVIL))
        if answer_to(peer, "push") != "error":
            raise Failure("the push was acknowledged")
        expect_contacts(play, "bob@hostile.test", "carol@good.test")
        play.expect_healthy(peer)


pushed_by("stranger", "a stranger", STRANGER)
pushed_by("contact", "a contact", BOB)
pushed_by("domain", "another server", "evil.test")
pushed_by("lookalike", "who has our JID as resource", "evil.test/alice@hostile.test")
pushed_by("prefix", "a domain that begins like ours", "alice@hostile.test.evil.test")


@case("spoof-roster", "others answer our question for the roster")
def roster_answer(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind()
    request = peer.request("jabber:iq:roster")
    for sender in (STRANGER, "evil.test", BOB, "mallory@hostile.test"):
        peer.send(iq(sender, request.get("id"), ROSTER_OF_EVIL, "result"))
    peer.answer(request)
    peer.element("presence")
    play.expect_online()
    play.expect_healthy(peer)
    expect_contacts(play, "bob@hostile.test", "carol@good.test")


# -- capabilities ------------------------------------------------------------


@case("spoof-disco", "others answer what we asked a contact")
def disco_answer(play):
    peer = play.login()
    peer.send(f"<presence from='{BOB}'>{caps('spoofed=')}</presence>")
    request = peer.request(DISCO, BOB)
    for sender in (STRANGER, "bob@hostile.test", "bob@hostile.test/2", "hostile.test", "evil.test/" + BOB):
        peer.send(iq(sender, request.get("id"), disco(*FILES), "result"))
    peer.sync()
    if play.contacts()["bob@hostile.test"]["can-receive"]:
        raise Failure("another's answer was taken")
    peer.reply(request, disco(*FILES))
    peer.sync()
    if not play.contacts()["bob@hostile.test"]["can-receive"]:
        raise Failure("the contact's own answer was not taken")


@case("spoof-caps", "a contact answers with other features than the hash is for")
def caps_poison(play):
    """What is not the hash's must not be believed of others with the same hash."""
    feature = f"urn:x:nothing-but-{uuid.uuid4()}"  # the truth is remembered
    ver = caps_ver(feature)
    peer = play.login()
    peer.send(f"<presence from='{BOB}'>{caps(ver)}</presence>")
    peer.reply(peer.request(DISCO, BOB), disco(*FILES))
    peer.send(f"<presence from='{CAROL}'>{caps(ver)}</presence>")
    peer.reply(peer.request(DISCO, CAROL), disco(feature))
    peer.sync()
    if play.contacts()["carol@good.test"]["can-receive"]:
        raise Failure("a contact's features were taken from another's lie")


@case("spoof-caps-preimage", "features with separators in them, to fit another answer's hash")
def caps_preimage(play):
    ver = caps_ver("urn:x:a<urn:x:b")
    peer = play.login()
    peer.send(f"<presence from='{BOB}'>{caps(ver)}</presence>")
    peer.reply(peer.request(DISCO, BOB), disco("urn:x:a&lt;urn:x:b"))
    peer.send(f"<presence from='{CAROL}'>{caps(ver)}</presence>")
    peer.request(DISCO, CAROL)  # or it was believed


@case("spoof-caps-hash", "a hash that there is not, or of a megabyte")
def caps_hash(play):
    peer = play.login()
    for attributes in ("hash='md5' ver='x'", "hash='' ver=''", f"hash='{'h' * 4000}' ver='{'v' * 4000}'", "ver='x'"):
        peer.send(f"<presence from='{BOB}'><c xmlns='http://jabber.org/protocol/caps' node='n' {attributes}/></presence>")
    play.expect_healthy(peer)


@case("spoof-strangers", "strangers learn nothing of us by their presence")
def strangers(play):
    peer = play.login()
    peer.send(f"<presence from='{STRANGER}'>{caps('stranger=')}</presence>"
              f"<presence from='{STRANGER}' type='subscribe'/><presence from='{STRANGER}' type='probe'/>")
    play.expect_healthy(peer)
    if sent := [stanza for stanza in peer.skipped if stanza.get("to", "").startswith("mallory")]:
        raise Failure(f"the stranger got {sent[0].tag} {sent[0].attrib}")


# -- senders -----------------------------------------------------------------

SENDERS = {
    "none": "", "empty": " from=''", "at": " from='@'", "slash": " from='/'", "many": " from='a@b@c/d/e@f'",
    "space": " from='a b@hostile.test/1'", "long": f" from='{'l' * 4000}@{'d' * 4000}/r'", "own": " from='{own}'",
    "bare": " from='alice@hostile.test'", "server": " from='hostile.test'", "bidi": " from='‮bob@hostile.test/1'",
}


def strange_sender(name, attribute):
    @case(f"sender-{name}", f"every kind of stanza from {attribute.strip()[:40].format(own='ourselves') or 'nobody'}")
    def sender(play):
        peer = play.login()
        who = attribute.format(own=peer.full_jid)
        jid = who.partition("'")[2].rstrip("'")
        for kind in ("get", "set", "result", "error", "frobnicate"):
            for number, inside in enumerate((
                    "<ping xmlns='urn:xmpp:ping'/>", f"<query xmlns='{DISCO}'/>", offer(jid, "sid"),
                    f"<jingle xmlns='{JINGLE}' action='session-info' sid='sid'/>", f"<jingle xmlns='{JINGLE}'/>",
                    "<open xmlns='http://jabber.org/protocol/ibb' sid='x' block-size='10'/>", "", "<a/><b/>")):
                peer.send(f"<iq type='{kind}' id='{kind}-{number}'{who}>{inside}</iq><iq type='{kind}'{who}>{inside}</iq>")
        for kind in ("", " type='unavailable'", " type='subscribe'", " type='error'", " type='x'"):
            peer.send(f"<presence{kind}{who}>{caps('odd=')}</presence><message{kind}{who}><body>x</body></message>")
        play.expect_healthy(peer)


for sender_name, text in SENDERS.items():
    strange_sender(sender_name, text)


@case("sender-loop", "errors and results are not answered")
def no_loop(play):
    """Or two programs write to each other for ever."""
    peer = play.login()
    for kind in ("result", "error"):
        peer.send(f"<iq type='{kind}' id='loop' from='{STRANGER}'><q xmlns='urn:x'/></iq>")
        peer.send(f"<iq type='{kind}' id='loop' from='{STRANGER}'>{offer(STRANGER, 'loop')}</iq>")
    play.expect_healthy(peer)
    if any(stanza.get("id") == "loop" for stanza in peer.skipped):
        raise Failure("an answer to an answer")


def not_auto_accepted(name, text, sender):
    @case(f"spoof-accept-{name}", f"an offer by {text}", auto_accept=["bob@hostile.test"])
    def auto_accept(play):
        """bob@hostile.test is accepted without a question, others are not."""
        peer = play.login()
        peer.send(iq(sender, "evil", offer(sender, "evil")))
        peer.result("evil")
        play.expect_healthy(peer)
        if accepted := [stanza for stanza in peer.skipped if name_of(stanza) == "iq" and len(stanza)
                        and stanza[0].get("action") == "session-accept"]:
            raise Failure(f"accepted: {accepted[0].attrib}")


not_auto_accepted("resource", "who has a trusted JID as resource", "evil.test/bob@hostile.test")
not_auto_accepted("resource-2", "who has a trusted JID as resource", "mallory@evil.test/bob@hostile.test/1")
not_auto_accepted("domain", "a domain that begins like a trusted one", "bob@hostile.test.evil.test/1")
not_auto_accepted("node", "a node that ends like a trusted one", "notbob@hostile.test/1")


@case("spoof-accept-good", "an offer of whom we trust is accepted without a question", auto_accept=["bob@hostile.test"])
def accepted(play):
    peer = play.login()
    peer.send(iq(BOB, "good", offer(BOB, "good")))
    peer.stanza(lambda e: name_of(e) == "iq" and len(e) and e[0].get("action") == "session-accept", "session-accept")


@case("spoof-terminate", "strangers end and change the sessions of others")
def terminate(play):
    peer = play.login()
    peer.send(iq(BOB, "offer", offer(BOB, "theirs")))
    peer.result("offer")
    for sender in (STRANGER, "bob@hostile.test/2", "bob@hostile.test", "hostile.test", "evil.test/" + BOB):
        for action in ("session-terminate", "session-accept", "transport-replace", "content-remove", "session-info"):
            peer.send(iq(sender, f"spoof-{action}", f"<jingle xmlns='{JINGLE}' action='{action}' sid='theirs'>"
                                                    "<reason><cancel/></reason></jingle>"))
    play.expect_healthy(peer)
    states = [transfer["State"] for transfer in play.transfers()]
    if states != ["offered"]:
        raise Failure(f"states of the offer: {states}")


@case("spoof-carbon", "offers wrapped as copies of our own messages")
def carbon(play):
    peer = play.login()
    for wrapper in ("sent", "received"):
        peer.send(f"<message from='{STRANGER}'><{wrapper} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
                  f"{iq(BOB, 'inner', offer(BOB, 'inner'))}</forwarded></{wrapper}></message>")
    play.expect_healthy(peer)
    if play.transfers():
        raise Failure("an offer within a message was taken")

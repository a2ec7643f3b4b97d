# SPDX-License-Identifier: LGPL-2.1-or-later
"""More of everything than anybody needs: from the server, or from peers through a
good server."""

import base64
import hashlib

from play import Failure, case
from server import Gone

BOB = "bob@hostile.test/1"
STRANGER = "mallory@evil.test/1"
PIECE = 500  # stanzas that are sent at once

CAPS = "http://jabber.org/protocol/caps"
DISCO = "http://jabber.org/protocol/disco#info"
JINGLE = "urn:xmpp:jingle:1"
FILES = ("urn:xmpp:jingle:1", "urn:xmpp:jingle:apps:file-transfer:5", "urn:xmpp:jingle:transports:ibb:1")


def offer(sender, sid, name="file", size=10):
    """A session-initiate."""
    return (f"<jingle xmlns='{JINGLE}' action='session-initiate' initiator='{sender}' sid='{sid}'>"
            "<content creator='initiator' name='f' senders='initiator'>"
            f"<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>{name}</name><size>{size}</size>"
            "</file></description><transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='4096' "
            f"sid='t{sid}'/></content></jingle>")


def iq(sender, iq_id, inside, kind="set"):
    return f"<iq type='{kind}' id='{iq_id}' from='{sender}'>{inside}</iq>"


def caps(ver, node="urn:x:client"):
    return f"<c xmlns='{CAPS}' hash='sha-1' node='{node}' ver='{ver}'/>"


def caps_ver(*feature_names):
    """XEP-0115 for one identity client/pc."""
    text = "client/pc//<" + "".join(f"{name}<" for name in sorted(feature_names))
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


def disco(*feature_names):
    return (f"<query xmlns='{DISCO}'><identity category='client' type='pc'/>"
            + "".join(f"<feature var='{name}'/>" for name in feature_names) + "</query>")


def flood(peer, stanzas):
    """Sends in pieces, and reads the answers without a look at them."""
    peer.answering = False
    piece = []
    for stanza in stanzas:
        piece.append(stanza)
        if len(piece) == PIECE:
            peer.send("".join(piece))
            peer.stanzas.clear()
            piece.clear()
    peer.send("".join(piece))


def flooded(name, text, count, make, limit=None, **settings):
    @case(f"flood-{name}", text, **settings)
    def flood_case(play):
        peer = play.login()
        flood(peer, (make(number) for number in range(count)))
        play.expect_healthy(peer)
        if limit:
            limit(play)


def transfers(play):
    return len(play.transfers())


def few_transfers(play):
    if not 0 < transfers(play) <= 128:
        raise Failure(f"{transfers(play)} offers are shown to the user")


def no_transfers(play):
    if transfers(play):
        raise Failure(f"{transfers(play)} offers of strangers are shown to the user")


def same_contacts(play):
    contacts = play.contacts()
    if set(contacts) != {"bob@hostile.test", "carol@good.test"}:
        raise Failure(f"contacts: {list(contacts)[:5]}")


flooded("presence-people", "presence of 10 000 people", 10000,
        lambda n: f"<presence from='p{n}@evil.test/1'><show>away</show>{caps(f'{n}=')}</presence>", same_contacts)
flooded("presence-resources", "presence of 10 000 resources of a contact", 10000,
        lambda n: f"<presence from='bob@hostile.test/{n}'/>", same_contacts)
flooded("presence-caps", "a contact whose capabilities change 10 000 times", 10000,
        lambda n: f"<presence from='{BOB}'>{caps(f'{n}=')}</presence>", same_contacts)
flooded("presence-resources-caps", "10 000 resources of a contact, each with its own capabilities", 10000,
        lambda n: f"<presence from='bob@hostile.test/{n}'>{caps(f'{n}=')}</presence>", same_contacts)
flooded("presence-up-down", "a contact that comes and goes 10 000 times", 10000,
        lambda n: f"<presence from='{BOB}'>{caps('same=')}</presence><presence from='{BOB}' type='unavailable'/>")
flooded("subscriptions", "10 000 people who want to be contacts", 10000,
        lambda n: f"<presence type='subscribe' from='p{n}@evil.test'><status>hi</status></presence>", same_contacts)
flooded("pings", "20 000 pings", 20000, lambda n: iq(STRANGER, n, "<ping xmlns='urn:xmpp:ping'/>", "get"))
flooded("unknown-iqs", "20 000 requests that nobody knows", 20000,
        lambda n: iq(f"p{n}@evil.test/1", n, "<q xmlns='urn:x'/>", "get"))
flooded("disco", "10 000 questions what we can do", 10000, lambda n: iq(STRANGER, n, f"<query xmlns='{DISCO}'/>", "get"))
flooded("disco-nodes", "10 000 questions about nodes that there are not", 10000,
        lambda n: iq(STRANGER, n, f"<query xmlns='{DISCO}' node='n{n}'/>", "get"))
flooded("results", "20 000 answers that nobody waits for", 20000, lambda n: iq(BOB, n, disco(*FILES), "result"))
flooded("errors", "20 000 errors that nobody waits for", 20000,
        lambda n: iq(BOB, n, "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "error"))
flooded("messages", "20 000 messages", 20000, lambda n: f"<message from='{STRANGER}' id='{n}'><body>{n}</body></message>")
flooded("offers-contact", "3 000 offers of a contact", 3000, lambda n: iq(BOB, n, offer(BOB, n)), few_transfers)
flooded("offers-strangers", "3 000 offers, each of another stranger", 3000,
        lambda n: iq(f"p{n}@evil.test/1", n, offer(f"p{n}@evil.test/1", n)), no_transfers)
flooded("offers-same", "the same offer 3 000 times", 3000, lambda n: iq(BOB, n, offer(BOB, "same")), few_transfers)
flooded("offers-again", "5 000 offers that are taken back at once", 5000,
        lambda n: iq(BOB, f"a{n}", offer(BOB, n)) + iq(
            BOB, f"b{n}", f"<jingle xmlns='{JINGLE}' action='session-terminate' sid='{n}'><reason><cancel/></reason>"
                          "</jingle>"))
flooded("jingle-unknown", "10 000 actions of sessions that there are not", 10000,
        lambda n: iq(BOB, n, f"<jingle xmlns='{JINGLE}' action='transport-info' sid='{n}'/>"))
flooded("ibb-open", "10 000 in-band streams that nobody agreed to", 10000,
        lambda n: iq(BOB, n, f"<open xmlns='http://jabber.org/protocol/ibb' sid='{n}' block-size='4096'/>"))
flooded("ibb-data", "5 000 blocks of in-band streams that there are not", 5000,
        lambda n: iq(BOB, n, f"<data xmlns='http://jabber.org/protocol/ibb' sid='{n}' seq='0'>{'QUJD' * 100}</data>"))
flooded("socks-offers", "5 000 SOCKS5 offers outside of Jingle", 5000,
        lambda n: iq(BOB, n, f"<query xmlns='http://jabber.org/protocol/bytestreams' sid='{n}'>"
                             "<streamhost jid='a@b' host='127.0.0.1' port='1'/></query>"))
flooded("whitespace", "20 MB of white space", 20 * PIECE, lambda n: " \n" * 1024)
flooded("roster-pushes", "10 000 new contacts by roster push", 10000,
        lambda n: iq("alice@hostile.test", n, f"<query xmlns='jabber:iq:roster'><item jid='p{n}@evil.test' "
                                              "subscription='both'><group>g</group></item></query>"))


@case("flood-deaf", "a server that asks and asks but never reads")
def deaf(play):
    """What is queued for it has a limit."""
    peer = play.login()
    before = play.world.resident()
    peer.deaf = True
    try:
        for start in range(0, 400000, PIECE):
            peer.send("".join(iq(STRANGER, number, "<ping xmlns='urn:xmpp:ping'/>", "get")
                              for number in range(start, start + PIECE)))
    except AssertionError:
        pass
    grown = play.world.resident() - before
    if grown > 32 << 20:
        raise Failure(f"{grown >> 20} MiB are queued")
    peer.reset()
    play.expect("waiting", "ConnectionFailed")


# -- large answers -----------------------------------------------------------


def login_with_roster(play, items):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind()
    peer.reply(peer.request("jabber:iq:roster"), f"<query xmlns='jabber:iq:roster'>{items}</query>")
    return peer


@case("roster-large", "a roster of 3 000 contacts")
def large_roster(play):
    peer = login_with_roster(play, "".join(f"<item jid='p{n}@hostile.test' name='person {n}' subscription='both'>"
                                           f"<group>g{n % 7}</group></item>" for n in range(3000)))
    peer.sync()
    play.expect_online()
    if len(play.contacts()) != 3000:
        raise Failure(f"{len(play.contacts())} contacts")
    play.expect_healthy(peer)


@case("roster-huge", "a roster of 60 000 contacts")
def huge_roster(play):
    try:
        peer = login_with_roster(play, "".join(f"<item jid='p{n}@hostile.test' subscription='both'/>"
                                               for n in range(60000)))
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


@case("roster-twisted", "a roster of items that are none")
def twisted_roster(play):
    peer = login_with_roster(
        play, "<item/><item jid=''/><item jid='@@@' subscription='both'/><item jid='a b@c' subscription='x'/>"
              f"<item jid='bob@hostile.test' subscription='{'both' * 1000}'/><group>g</group><query/>"
              f"<item jid='{'x' * 5000}@hostile.test' subscription='both'/>"
              f"<item jid='carol@good.test' name='{'n' * 5000}' subscription='both'>{'<group/>' * 100}</item>")
    peer.sync()
    contacts = play.contacts()
    if "carol@good.test" not in contacts or not set(contacts) <= {"bob@hostile.test", "carol@good.test"}:
        raise Failure(f"contacts: {[jid[:50] for jid in contacts]}")
    play.expect_healthy(peer)


def answered_disco(name, text, answer):
    @case(f"disco-{name}", text)
    def disco_case(play):
        peer = play.login()
        peer.send(f"<presence from='{BOB}'>{caps('ver=')}</presence>")
        peer.reply(peer.request(DISCO, BOB), answer)
        play.expect_healthy(peer)
        if play.contacts()["bob@hostile.test"]["can-receive"]:
            raise Failure("the contact counts as one that can receive files")


answered_disco("many-features", "a contact with 10 000 features", disco(*FILES, *(f"urn:x:{n}" for n in range(10000))))
answered_disco("no-query", "an answer to disco#info of something else", "<query xmlns='urn:x'/>")
answered_disco("empty", "an empty answer to disco#info", "")
answered_disco("no-var", "features without a name", f"<query xmlns='{DISCO}'>{'<feature/>' * 200}</query>")
answered_disco("forms", "hundreds of forms", f"<query xmlns='{DISCO}'>" + "".join(
    f"<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>{n}</value></field>"
    f"<field var='a'>{'<value>v</value>' * 20}</field></x>" for n in range(300)) + "</query>")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""XML that is malformed, forbidden, huge, deep or wide, at every stage (RFC 6120 §11)."""

from play import Failure, case
from server import STREAMS, TLS_FEATURE, Gone, features, header


# -- at every stage ----------------------------------------------------------


def at_header(play, data):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    return peer, data


def at_features(play, data):
    return at_header(play, header().encode() + data)


def at_tls_features(play, data):
    peer = play.accept()
    peer.secure()
    peer.wait(lambda: peer.header is not None, "a stream header")
    return peer, header().encode() + data


def at_challenge(play, data):
    peer = play.accept()
    peer.secure()
    peer.auth("SCRAM-SHA-256")
    return peer, data


def at_bind(play, data):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.wait(lambda: peer.header is not None, "a stream header")
    return peer, header().encode() + data


def at_session(play, data):
    return play.login(), data


STAGES = {"header": at_header, "features": at_features, "tls-features": at_tls_features, "challenge": at_challenge,
          "bind": at_bind, "session": at_session}

LAUGHS = "<!DOCTYPE lolz [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(ord('a') + n)} '{f'&{chr(ord(chr(96 + n)))};' * 10}'>" for n in range(1, 10)) + "]>"

# name: (what it is, bytes)
BAD = {
    "mismatch": ("tags that do not match", b"<message><body></message></body>"),
    "garbage": ("bytes that are no XML", b"\x00\x01\x02\xff\xfe<<<>>>&&&"),
    "utf8": ("text that is not UTF-8", b"<message><body>\xc3\x28 \xf0\x28\x8c\x28</body></message>"),
    "surrogate": ("half of a surrogate pair, encoded", b"<message><body>\xed\xa0\x80</body></message>"),
    "overlong": ("a '<' in an overlong encoding", b"<message><body>\xc0\xbc</body></message>"),
    "nul-reference": ("a reference to NUL", b"<message><body>&#0;</body></message>"),
    "entity": ("an entity that is not defined", b"<message><body>&nbsp;</body></message>"),
    "prefix": ("a prefix that is not bound", b"<evil:message/>"),
    "twice": ("an attribute twice", b"<message id='1' id='2'/>"),
    "comment": ("a comment", b"<!-- forbidden -->"),
    "instruction": ("a processing instruction", b"<?php evil() ?>"),
    "laughs": ("a thousand million laughs", LAUGHS.encode() + b"<message><body>&j;</body></message>"),
    "external": ("an external entity", b"<!DOCTYPE m [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
                                       b"<message><body>&x;</body></message>"),
    "text": ("text between stanzas", b"hello, are you there?"),
    "unknown": ("an element nobody knows", b"<frobnicate xmlns='urn:x:frob'/>"),
}
EVERYWHERE = ("mismatch", "garbage", "laughs", "utf8")


def malformed(bad, stage):
    text, data = BAD[bad]

    @case(f"xml-{bad}-{stage}", f"{text}, in place of the {stage}" if stage != "session" else f"{text} in a session")
    def bad_xml(play):
        peer, before = STAGES[stage](play, data)
        try:
            peer.send(before)
            peer.wait_for_end()
        except Gone:
            pass
        play.expect("waiting", "Protocol")


for name in BAD:
    if name != "unknown":
        for where in STAGES if name in EVERYWHERE else ("session",):
            malformed(name, where)
malformed("unknown", "features")


@case("xml-unknown-session", "an element nobody knows in a session is ignored")
def unknown_in_session(play):
    peer = play.login()
    peer.send("<frobnicate xmlns='urn:x:frob'/><message/><presence/><iq/>")
    play.expect_healthy(peer)


@case("xml-encoding", "a stream that says it is UTF-16")
def encoding(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    try:
        peer.raw(header().replace("?>", " encoding='UTF-16'?>").encode("utf-16"))
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


# -- sizes -------------------------------------------------------------------


def expect_too_much(play, data, *patterns, head=b"", tail=b""):
    """The session must end; what follows is never read."""
    peer = play.login()
    try:
        peer.send(head)
        for _ in range(64):
            peer.send(data)
        peer.send(tail)
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol", *patterns)


@case("huge-text", "a stanza of 64 MB, of text")
def huge_text(play):
    expect_too_much(play, b"x" * (1 << 20), head=b"<message><body>", tail=b"</body></message>")


@case("huge-tag", "a tag of 64 MB")
def huge_tag(play):
    expect_too_much(play, b"x" * (1 << 20), head=b"<message a='", tail=b"'/>")


@case("huge-name", "a name of 64 MB")
def huge_name(play):
    expect_too_much(play, b"x" * (1 << 20), head=b"<", tail=b"/>")


@case("huge-attributes", "two million attributes")
def huge_attributes(play):
    parts = [b"".join(b" a%d='%d'" % (n, n) for n in range(i * 30000, (i + 1) * 30000)) for i in range(64)]
    peer = play.login()
    try:
        peer.send(b"<message")
        for part in parts:
            peer.send(part)
        peer.send(b"/>")
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


# What a peer can send through a good server costs nobody the connection.


@case("wide-60000", "60 000 children in a stanza of 240 KB")
def wide(play):
    peer = play.login()
    peer.send(b"<message>" + b"<a/>" * 60000 + b"</message>")
    play.expect_healthy(peer)


@case("wide-million", "a million children")
def wide_million(play):
    expect_too_much(play, b"<a/>" * 16000, head=b"<message>", tail=b"</message>")


@case("wide-nested", "four elements of 8 000 children in a stanza")
def wide_nested(play):
    peer = play.login()
    peer.send(b"<message>" + (b"<a>" + b"<b/>" * 8000 + b"</a>") * 4 + b"</message>")
    play.expect_healthy(peer)


@case("wide-newlines", "250 000 line ends in one text")
def newlines(play):
    peer = play.login()
    peer.send(b"<message><body>" + b"\n" * 250000 + b"</body></message>")
    play.expect_healthy(peer)


@case("wide-entities", "100 000 entities in one text")
def entities(play):
    peer = play.login()
    peer.send(b"<message><body>" + b"&lt;&#65;" * 50000 + b"</body></message>")
    play.expect_healthy(peer)


@case("wide-mixed", "100 000 children and texts in turn")
def mixed(play):
    peer = play.login()
    peer.send(b"<message>" + b"<a/>b" * 100000 + b"</message>")
    play.expect_healthy(peer)


def deep(name, count):
    @case(f"deep-{name}", f"elements {count} deep")
    def deep_stanza(play):
        peer = play.login()
        peer.send(b"<message>" + b"<a>" * count + b"</a>" * count + b"</message>")
        play.expect_healthy(peer)


deep("1000", 1000)
deep("100000", 100000)


@case("huge-before-tls", "a megabyte of features before TLS, by whoever is on the wire")
def huge_before_tls(play):
    peer = play.accept()
    try:
        peer.open(*(f"<feature{number} xmlns='urn:x'/>" for number in range(40000)), TLS_FEATURE)
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


@case("huge-stream-id", "a stream id of 500 KB")
def huge_id(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    try:
        peer.send(header(stream_id="i" * 500000) + features(TLS_FEATURE))
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


@case("huge-cdata", "a stanza that is one CDATA section of 8 MB")
def huge_cdata(play):
    peer = play.login()
    try:
        peer.send(b"<message><body><![CDATA[")
        peer.send(b"]]" * (4 << 20))
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


@case("large-but-fine", "a message of 200 KB, which servers let through")
def large(play):
    peer = play.login()
    peer.send(b"<message from='bob@hostile.test'><body>" + b"x" * 200000 + b"</body></message>")
    play.expect_healthy(peer)


@case("byte-by-byte", "a stanza of 100 KB in pieces of a few bytes")
def byte_by_byte(play):
    peer = play.login()
    peer.send(b"<message><body a='")
    for _ in range(2000):
        peer.send(b"abcd")
    peer.send(b"'/></message>")
    play.expect_healthy(peer)


# -- namespaces --------------------------------------------------------------


@case("ns-server", "a stream of the namespace that servers use among themselves")
def ns_server(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header().replace("jabber:client", "jabber:server") + features(TLS_FEATURE))
    peer.element("starttls")
    peer.close()
    play.expect("waiting", "ConnectionFailed")


@case("ns-stream", "a stream element of another namespace")
def ns_stream(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    try:
        peer.send(header(streams="urn:x:not-streams") + features(TLS_FEATURE))
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


@case("ns-features", "features of another namespace, with TLS in them")
def ns_features(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header() + f"<features xmlns='urn:x'>{TLS_FEATURE}</features>")
    peer.wait_for_end()
    play.expect("waiting", "Protocol")


@case("ns-starttls", "STARTTLS of another namespace")
def ns_starttls(play):
    peer = play.accept()
    peer.open("<starttls xmlns='urn:x'/>")
    peer.wait_for_end()
    play.expect("failed", "TlsFailed", "no TLS")


@case("ns-prefix", "a server that gives every element a prefix")
def ns_prefix(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(f"<?xml version='1.0'?><s:stream xmlns:s='{STREAMS}' xmlns:c='jabber:client' id='1' version='1.0'>"
              "<s:features><t:starttls xmlns:t='urn:ietf:params:xml:ns:xmpp-tls'/></s:features>")
    peer.element("starttls")
    peer.send("<t:proceed xmlns:t='urn:ietf:params:xml:ns:xmpp-tls'/>")
    peer.handshake()
    peer.authenticate()
    peer.bind()
    peer.element("presence")
    play.expect_online()
    peer.send("<c:iq xmlns:c='jabber:client' type='get' id='prefixed' from='bob@hostile.test/1'>"
              "<p:ping xmlns:p='urn:xmpp:ping'/></c:iq>")
    answer = peer.element("iq", id="prefixed")
    if answer.get("type") != "result":
        raise Failure("a ping with prefixes was not understood")


@case("ns-foreign-iq", "an iq of another namespace")
def ns_foreign_iq(play):
    """Nothing that is not of jabber:client is a stanza."""
    peer = play.login()
    peer.send("<iq xmlns='urn:x' type='get' id='foreign' from='bob@hostile.test/1'><ping xmlns='urn:xmpp:ping'/></iq>")
    play.expect_healthy(peer)
    # expect_healthy() takes what came before its own answer
    if any(stanza.get("id") == "foreign" for stanza in peer.skipped):
        raise Failure("it was answered")


@case("ns-attribute", "attributes of another namespace that look like ours")
def ns_attribute(play):
    peer = play.login()
    peer.send("<iq xmlns:x='urn:x' x:type='set' x:from='hostile.test' type='get' id='attributes' "
              "from='bob@hostile.test/1'><ping xmlns='urn:xmpp:ping'/></iq>")
    answer = peer.element("iq", id="attributes")
    if (answer.get("type"), answer.get("to")) != ("result", "bob@hostile.test/1"):
        raise Failure(f"the answer was of type {answer.get('type')} to {answer.get('to')}")


@case("ids-many", "a hundred thousand ids")
def many_ids(play):
    """Ids that were answered or never asked for must leave nothing behind."""
    peer = play.login()
    for start in range(0, 100000, 1000):
        peer.send("".join(f"<iq type='result' id='{number}-{'i' * 20}'/>" for number in range(start, start + 1000)))
    play.expect_healthy(peer)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that fall silent, or say a byte now and then, at every stage. All play
at the same time: what comes after `yield` waits for the daemon's patience to end."""

import ssl

from play import case
from server import BIND_FEATURE, TLS_FEATURE, features, header


def timed_out(name, text, stage, *patterns, **settings):
    @case(f"slow-{name}", text, **settings)
    def slow(play):
        stage(play)
        yield
        play.expect("waiting", "Timeout", *patterns)


def accepted(play):
    play.accept()


def header_only(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header())


def features_only(play):
    peer = play.accept()
    peer.open(TLS_FEATURE)
    peer.element("starttls")


def proceed_only(play):
    play.accept().offer_tls()


def start_hello(play, peer):
    peer.start_tls()
    peer.wait(lambda: peer.incoming.pending, "a ClientHello")
    try:
        peer.tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return peer.outgoing.read()


def half_hello(play):
    peer = play.accept()
    peer.offer_tls()
    peer.raw(start_hello(play, peer)[:500])


def hello_by_bytes(play):
    peer = play.accept()
    peer.offer_tls()
    play.drip(peer, start_hello(play, peer)[:500])


def direct_silent(play):
    peer = play.accept()
    peer.wait(lambda: peer.cleartext, "a ClientHello")


def after_tls(play):
    play.accept().secure()


def features_without_end(play):
    peer = play.accept()
    peer.secure()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header() + "<stream:features>")


def no_challenge(play):
    peer = play.accept()
    peer.secure()
    peer.auth("SCRAM-SHA-1")


def no_features_after(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()


def no_bind(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.open(BIND_FEATURE)
    peer.element("iq", type="set")


def header_by_bytes(play):
    peer = play.accept()
    play.drip(peer, (header() + features(TLS_FEATURE)).encode())


def white_space(play):
    peer = play.accept()
    peer.secure()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header())
    play.drip(peer, b" " * 400)


def white_space_early(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header())
    play.drip(peer, b"\n" * 400)


def challenge_by_bytes(play):
    peer = play.accept()
    peer.secure()
    peer.auth("SCRAM-SHA-1")
    play.drip(peer, b"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + b"QUFB" * 100)


timed_out("silent", "a server that says nothing", accepted)
timed_out("silent-direct", "a server that says nothing where direct TLS is expected", direct_silent, tls="direct")
timed_out("header", "silence after the stream header", header_only)
timed_out("starttls", "silence after STARTTLS was asked for", features_only)
timed_out("proceed", "silence after <proceed/>", proceed_only, "TLS")
timed_out("half-hello", "silence within the TLS handshake", half_hello, "TLS")
timed_out("hello-bytes", "a TLS handshake by the byte", hello_by_bytes, "TLS")
timed_out("header-bytes", "a stream header by the byte", header_by_bytes)
timed_out("white-space-early", "nothing but white space before TLS", white_space_early)
timed_out("after-tls", "silence after the TLS handshake", after_tls, "login")
timed_out("features", "features that never end", features_without_end, "login")
timed_out("challenge", "silence in place of a challenge", no_challenge, "login")
timed_out("challenge-bytes", "a challenge by the byte", challenge_by_bytes, "login")
timed_out("white-space", "nothing but white space in place of features", white_space, "login")
timed_out("after-login", "silence after success", no_features_after, "login")
timed_out("bind", "no resource is given", no_bind, "login")


@case("slow-roster", "the roster never comes")
def no_roster(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind()
    peer.request("jabber:iq:roster")
    yield
    peer.element("presence")
    play.expect_online()
    play.expect_healthy(peer)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""STARTTLS, the handshake, and whom the certificate is for (RFC 6120 §5, §13.7)."""

import ssl

from certs import OTHER
from play import Failure, case
from server import NS_TLS, TLS_FEATURE, features, header, mechanisms, stream_error


def insecure_context(peer, version, ciphers="ALL:@SECLEVEL=0"):
    """Only an old version of TLS."""
    context = peer.context()
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    return context


# -- as it should be ---------------------------------------------------------


@case("tls-good", "a server as it should be, by STARTTLS")
def good(play):
    peer = play.login()
    play.expect_healthy(peer)


@case("tls-good-direct", "the same by direct TLS", tls="direct")
def good_direct(play):
    peer = play.accept()
    peer.handshake()
    peer.authenticate()
    peer.bind()
    peer.element("presence")
    play.expect_online()
    play.expect_healthy(peer)


@case("tls-12", "a server that has nothing newer than TLS 1.2")
def tls_12(play):
    peer = play.accept()
    peer.offer_tls()
    peer.handshake(insecure_context(peer, ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM"))
    peer.authenticate()
    peer.bind()
    peer.element("presence")
    play.expect_online()
    play.expect_healthy(peer)


# -- the certificate ---------------------------------------------------------


def refused(name, text, certificate, *patterns, settings=None):
    for tls in ("starttls", "direct"):
        @case(f"cert-{name}" + ("-direct" if tls == "direct" else ""),
              text + (", with direct TLS" if tls == "direct" else ""), tls=tls, **(settings or {}))
        def certificate_refused(play, tls=tls):
            peer = play.accept()
            if tls == "starttls":
                peer.offer_tls()
            peer.refused_handshake(peer.context(certificate))
            play.expect("failed", "TlsFailed", *patterns)


refused("expired", "a certificate that has expired", "expired", "expired")
refused("early", "a certificate that is not valid yet", "early", "not valid yet")
refused("misnamed", "a certificate of another name", "misnamed", OTHER)
refused("subdomain", "a certificate of the host, but not of the JID's domain", "subdomain", "hostile.test")
refused("star", "a certificate of a whole top-level domain", "star", "hostile.test")
refused("self-signed", "a self-signed certificate", "self-signed", "self-signed")
refused("untrusted", "a certificate of an unknown authority", "untrusted", "not trusted")
refused("by-leaf", "a certificate made with that of another server", "by-leaf", "not valid")
refused("client-only", "a certificate that is not for servers", "client-only", "not valid")
refused("weak", "a certificate with a key that can be broken", "weak", "hostile.test")


@case("pin-good", "a self-signed certificate with the pinned fingerprint",
      pin_sha256=lambda play: play.certificates.sha256("self-signed"), ca_file=None)
def pin_good(play):
    peer = play.accept()
    peer.secure("self-signed")
    peer.authenticate()
    peer.bind()
    peer.element("presence")
    play.expect_online()
    play.expect_healthy(peer)


@case("pin-changed", "a good certificate, but not the pinned one",
      pin_sha256=lambda play: play.certificates.sha256("good"))
def pin_changed(play):
    peer = play.accept()
    peer.offer_tls()
    peer.refused_handshake(peer.context("good-too"))
    play.expect("failed", "TlsFailed", "pin")


@case("pin-changed-self-signed", "a self-signed certificate, but not the pinned one",
      pin_sha256=lambda play: play.certificates.sha256("good"))
def pin_changed_self_signed(play):
    peer = play.accept()
    peer.offer_tls()
    peer.refused_handshake(peer.context("self-signed"))
    play.expect("failed", "TlsFailed", "pin")


# -- versions ----------------------------------------------------------------


def old(name, version):
    @case(f"tls-{name}", f"a server that has nothing newer than TLS {version.name[3:].replace('_', '.')}")
    def old_version(play):
        peer = play.accept()
        peer.offer_tls()
        peer.refused_handshake(insecure_context(peer, version))
        play.expect("waiting", "TlsFailed", "TLS")


old("10", ssl.TLSVersion.TLSv1)
old("11", ssl.TLSVersion.TLSv1_1)


@case("tls-anonymous", "a handshake without a certificate")
def anonymous(play):
    peer = play.accept()
    peer.offer_tls()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("aNULL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer.refused_handshake(context)
    play.expect("waiting", "TlsFailed", "TLS")


# -- downgrades --------------------------------------------------------------


@case("downgrade-no-starttls", "no STARTTLS offered, but PLAIN")
def no_starttls(play):
    peer = play.accept()
    peer.open(mechanisms("PLAIN", "SCRAM-SHA-1"))
    peer.wait_for_end()
    play.expect("failed", "TlsFailed", "no TLS")


@case("downgrade-legacy-auth", "no STARTTLS and no SASL, but the login of old")
def legacy_auth(play):
    peer = play.accept()
    peer.open("<auth xmlns='http://jabber.org/features/iq-auth'/>")
    peer.wait_for_end()
    play.expect("failed", "TlsFailed", "no TLS")


@case("downgrade-version-0", "a stream of the time before STARTTLS, without version")
def version_0(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header().replace(" version='1.0'>", ">"))
    peer.wait_for_end()
    play.expect("waiting|failed", "TlsFailed|Protocol|Timeout")


@case("downgrade-tls-failure", "STARTTLS is offered and then refused")
def tls_failure(play):
    peer = play.accept()
    peer.open(TLS_FEATURE)
    peer.element("starttls")
    peer.send(f"<failure xmlns='{NS_TLS}'/></stream:stream>")
    peer.wait_for_end()
    play.expect("waiting", "TlsFailed", "TLS")


@case("downgrade-success-in-clear", "a success in place of STARTTLS")
def success_in_clear(play):
    peer = play.accept()
    peer.open(TLS_FEATURE, mechanisms("PLAIN"))
    peer.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    try:
        peer.element("auth")
    except AssertionError:
        pass
    else:
        raise Failure("the daemon logs in without TLS")
    peer.wait_for_end()
    play.expect("waiting", "Protocol")


@case("downgrade-injected", "commands before the handshake that would count after it")
def injected(play):
    """What an attacker on the wire sends behind <proceed/> must not be read as if it came through TLS."""
    peer = play.accept()
    peer.open(TLS_FEATURE)
    peer.element("starttls")
    peer.raw(f"<proceed xmlns='{NS_TLS}'/>{header()}{features(mechanisms('PLAIN'))}".encode())
    try:
        peer.handshake()
        mechanism, _ = peer.auth("SCRAM-SHA-1")
    except (AssertionError, ssl.SSLError):
        peer.wait_for_end()
        play.expect("waiting", "Protocol|TlsFailed")
        return
    if mechanism != "SCRAM-SHA-1":
        raise Failure("bytes from before the handshake were kept")


@case("downgrade-tls-twice", "STARTTLS offered again within TLS")
def tls_twice(play):
    peer = play.accept()
    peer.secure()
    peer.open(TLS_FEATURE)
    peer.wait_for_end()
    play.expect("failed", "AuthenticationFailed", "log in")


# -- what happens to the connection ------------------------------------------


@case("truncated-before", "the connection ends in place of the handshake")
def truncated_before(play):
    peer = play.accept()
    peer.offer_tls()
    peer.close()
    play.expect("waiting", "ConnectionFailed", "TLS")


@case("truncated-hello", "the connection ends within the server's first record")
def truncated_hello(play):
    peer = play.accept()
    peer.offer_tls()
    peer.start_tls()
    peer.wait(lambda: peer.incoming.pending, "a ClientHello")
    try:
        peer.tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    peer.raw(peer.outgoing.read()[:100])
    peer.close()
    play.expect("waiting", "ConnectionFailed", "TLS")


@case("truncated-reset", "the connection is reset within the handshake")
def truncated_reset(play):
    peer = play.accept()
    peer.offer_tls()
    peer.start_tls()
    peer.wait(lambda: peer.incoming.pending, "a ClientHello")
    peer.reset()
    play.expect("waiting", "ConnectionFailed")


@case("truncated-session", "a session ends without TLS's goodbye, within a stanza")
def truncated_session(play):
    peer = play.login()
    peer.send("<message from='bob@hostile.test'><body>You owe me 10")
    peer.close()
    play.expect("waiting", "ConnectionFailed", "closed")


@case("truncated-half", "only the server's half of the connection ends")
def truncated_half(play):
    peer = play.login()
    peer.socket.shutdown(1)
    peer.wait_for_end()
    play.expect("waiting", "ConnectionFailed", "closed")


@case("truncated-goodbye", "TLS ends in a session, TCP does not")
def truncated_goodbye(play):
    peer = play.login()
    try:
        peer.tls.unwrap()
    except ssl.SSLError:
        pass
    peer.raw(peer.outgoing.read())
    peer.wait_for_end()
    play.expect("waiting", "ConnectionFailed", "closed")


@case("tls-not", "no TLS at all after <proceed/>")
def not_tls(play):
    peer = play.accept()
    peer.offer_tls()
    peer.wait(lambda: b"\x16\x03" in peer.cleartext, "a ClientHello")
    peer.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.wait_for_end()
    play.expect("waiting", "TlsFailed", "TLS")


@case("tls-not-direct", "a server without TLS where direct TLS is expected", tls="direct")
def not_direct(play):
    peer = play.accept()
    peer.raw(header().encode())
    peer.wait_for_end()
    play.expect("waiting", "TlsFailed", "TLS")


@case("tls-bad-record", "a record within a session that does not decrypt")
def bad_record(play):
    peer = play.login()
    peer.raw(b"\x17\x03\x03\x00\x20" + bytes(32))
    peer.wait_for_end()
    play.expect("waiting", "ConnectionFailed")


@case("tls-clear-in-session", "clear text within a TLS session")
def clear_in_session(play):
    peer = play.login()
    peer.raw(b"<message from='bob@hostile.test'/>")
    peer.wait_for_end()
    play.expect("waiting", "ConnectionFailed")


@case("tls-fragments", "a session in TLS records of one byte each")
def fragments(play):
    peer = play.accept()
    peer.secure()
    whole = peer.send
    peer.send = lambda data: [whole(bytes([byte])) for byte in (data.encode() if isinstance(data, str) else data)]
    peer.authenticate()
    peer.bind()
    peer.element("presence")
    play.expect_online()
    play.expect_healthy(peer)


@case("tls-empty-records", "thousands of empty records")
def empty_records(play):
    peer = play.login()
    for _ in range(2000):
        peer.tls.write(b"")
    peer._flush()
    peer.raw(b"\x17\x03\x03\x00\x00" * 5000)
    peer.wait_for_end()
    play.expect("waiting", "ConnectionFailed")


@case("stream-error-early", "a stream error before TLS, by whoever is on the wire")
def early_error(play):
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header() + stream_error("not-authorized"))
    peer.wait_for_end()
    # Anybody can write this, so it must not stop the account for good.
    play.expect("waiting", "ConnectionFailed|AuthenticationFailed|Protocol")

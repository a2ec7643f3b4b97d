# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logins with wrong, weak and lying servers (RFC 6120 §6, RFC 5802)."""

import sasl
from play import Failure, case
from server import BIND_FEATURE, JID, PASSWORD, USER, Gone, header, mechanisms, name_of


def scram(peer, mechanism="SCRAM-SHA-256", **wrong):
    """Up to the challenge: the exchange."""
    peer.secure()
    taken, first = peer.auth(mechanism)
    assert taken == mechanism
    exchange = sasl.Scram(mechanism, PASSWORD, **wrong)
    peer.challenge(exchange.challenge(first))
    return exchange


def expect_no_session(play, peer):
    """The daemon must not go on to the session."""
    try:
        peer.bind()
        peer.sync()
    except AssertionError:
        return
    raise Failure("a session with a server that did not prove itself")


# -- as it should be ---------------------------------------------------------


def good(mechanism):
    @case(f"sasl-{mechanism.lower()}", f"a login with {mechanism}")
    def login(play):
        peer = play.accept()
        peer.secure()
        peer.authenticate(mechanism)
        peer.bind()
        peer.element("presence")
        play.expect_online()
        play.expect_healthy(peer)


for name in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
    good(name)


@case("sasl-best", "all mechanisms at once: the strongest is taken")
def best(play):
    peer = play.accept()
    peer.secure()
    mechanism = peer.authenticate("PLAIN", "LOGIN", "DIGEST-MD5", "ANONYMOUS", "SCRAM-SHA-1", "SCRAM-SHA-256")
    if mechanism != "SCRAM-SHA-256":
        raise Failure(f"{mechanism} was taken")
    peer.bind()
    peer.element("presence")
    play.expect_online()


# -- client certificates -----------------------------------------------------

CERTIFICATE = {"client_certificate": lambda play: play.certificates["client-only"]}  # with its key


def external(play):
    """Up to the daemon's word, which is all that it says: the account has no password."""
    peer = play.accept()
    if peer.secure_both() != play.certificates.sha256("client-only"):
        raise Failure("another certificate was shown")
    taken = peer.auth("SCRAM-SHA-256", "PLAIN", "EXTERNAL")
    if taken != ("EXTERNAL", JID):
        raise Failure(f"the daemon said {taken}")
    return peer


def external_good(name, text, **settings):
    @case(name, text, **CERTIFICATE, **settings)
    def login(play):
        peer = external(play)
        peer.success()
        peer.bind()
        peer.element("presence")
        play.expect_online()
        play.expect_healthy(peer)
        if any(name_of(element) in ("auth", "response") for element in peer.skipped):
            raise Failure("the daemon said more than EXTERNAL")


external_good("external", "a login with a client certificate")
external_good("external-key", "the key is in a file of its own",
              client_key=lambda play: play.certificates.directory / "client-only.key")


@case("external-refused", "the client certificate is refused", **CERTIFICATE)
def external_refused(play):
    external(play).fail("not-authorized")
    play.expect("failed", "AuthenticationFailed", "client certificate")


@case("external-not-offered", "the client certificate is of no use, and there is no password", **CERTIFICATE)
def external_not_offered(play):
    peer = play.accept()
    peer.secure_both()
    peer.open(mechanisms("SCRAM-SHA-256", "PLAIN"))
    peer.wait_for_end()
    if peer.stanzas:
        raise Failure(f"the daemon said <{name_of(peer.stanzas[0])}/>")
    play.expect("failed", "AuthenticationFailed", "EXTERNAL")


@case("external-wrong-key", "the key is another's", **CERTIFICATE,
      client_key=lambda play: play.certificates.directory / "good.key")
def external_wrong_key(play):
    play.expect("failed", "TlsFailed", "good.key")


# -- refusals ----------------------------------------------------------------


@case("sasl-refused", "the password is refused")
def password_refused(play):
    peer = play.accept()
    peer.secure()
    peer.auth("SCRAM-SHA-1")
    peer.fail("not-authorized")
    play.expect("failed", "AuthenticationFailed", "password")


@case("sasl-temporary", "the server cannot check passwords now")
def temporary(play):
    peer = play.accept()
    peer.secure()
    peer.auth("SCRAM-SHA-1")
    peer.fail("temporary-auth-failure")
    play.expect("waiting", "AuthenticationFailed", "just now")


@case("sasl-no-mechanisms", "no mechanisms at all within TLS")
def no_mechanisms(play):
    peer = play.accept()
    peer.secure()
    peer.open()
    peer.wait_for_end()
    play.expect("failed", "AuthenticationFailed", "log in")


@case("sasl-unknown-mechanisms", "only mechanisms that nobody has")
def unknown_mechanisms(play):
    peer = play.accept()
    peer.secure()
    peer.open(mechanisms("X-PIGEON", "GSS-SPNEGO", "SCRAM-SHA-3"))
    peer.wait_for_end()
    play.expect("failed", "AuthenticationFailed", "log in")


@case("sasl-legacy-auth", "SASL is stripped, the login of old is offered within TLS")
def legacy_auth(play):
    peer = play.accept()
    peer.secure()
    peer.open("<auth xmlns='http://jabber.org/features/iq-auth'/>")
    peer.wait_for_end()
    if any(name_of(stanza) == "iq" for stanza in peer.stanzas):
        raise Failure("the daemon uses the login of old")
    play.expect("failed", "AuthenticationFailed", "log in")


@case("sasl-digest-md5", "only DIGEST-MD5 is left, which is broken")
def digest_md5(play):
    peer = play.accept()
    peer.secure()
    peer.open(mechanisms("DIGEST-MD5"))
    peer.wait_for_end()
    play.expect("failed", "AuthenticationFailed", "log in")


@case("sasl-anonymous", "only ANONYMOUS is left")
def anonymous(play):
    peer = play.accept()
    peer.secure()
    peer.open(mechanisms("ANONYMOUS"))
    peer.wait_for_end()
    play.expect("failed", "AuthenticationFailed", "log in")


@case("sasl-many-mechanisms", "ten thousand mechanisms")
def many_mechanisms(play):
    peer = play.accept()
    peer.secure()
    try:
        peer.open(mechanisms(*(f"X-{number}" for number in range(10000))))
        peer.wait_for_end()
    except Gone:
        pass
    play.expect("waiting", "Protocol")


# -- SCRAM that lies ---------------------------------------------------------


@case("scram-nonce-other", "a nonce that does not begin with ours")
def other_nonce(play):
    peer = play.accept()
    scram(peer, nonce=lambda ours: "completely-other")
    expect_no_proof(peer)
    play.expect("waiting", "Protocol", "SCRAM")


@case("scram-nonce-bare", "our nonce with nothing of the server's")
def bare_nonce(play):
    peer = play.accept()
    scram(peer, nonce=lambda ours: ours)
    expect_no_proof(peer)
    play.expect("waiting", "Protocol", "SCRAM")


def expect_no_proof(peer):
    """What is sent for a bad challenge lets the server guess the password."""
    try:
        peer.response()
    except AssertionError:
        return
    raise Failure("the daemon answered a challenge that it must not")


@case("scram-iterations-many", "four thousand million iterations")
def many_iterations(play):
    peer = play.accept()
    peer.secure()
    _, first = peer.auth("SCRAM-SHA-1")
    peer.challenge(f"r={sasl.fields(first)['r']}x,s={sasl.encode('salt')},i=4294967295")
    expect_no_proof(peer)
    play.expect("waiting", "Protocol", "SCRAM")


@case("scram-iterations-costly", "two million iterations, two seconds of work")
def costly_iterations(play):
    peer = play.accept()
    peer.secure()
    _, first = peer.auth("SCRAM-SHA-1")
    peer.challenge(f"r={sasl.fields(first)['r']}x,s={sasl.encode('salt')},i=2000000")
    expect_no_proof(peer)
    play.expect("waiting", "Protocol", "SCRAM")


@case("scram-iterations-most", "fifty thousand iterations, which some servers have")
def most_iterations(play):
    """Computed or refused, but nobody waits for it."""
    peer = play.accept()
    scram(peer, iterations=50000)
    try:
        peer.response()
    except AssertionError:
        play.expect("waiting", "Protocol", "SCRAM")


@case("scram-iterations-twice", "two numbers of iterations, the second one costly")
def iterations_twice(play):
    peer = play.accept()
    peer.secure()
    _, first = peer.auth("SCRAM-SHA-1")
    peer.challenge(f"r={sasl.fields(first)['r']}x,s={sasl.encode('salt')},i=4096,i=4000000")
    expect_no_proof(peer)
    play.expect("waiting", "Protocol", "SCRAM")


@case("scram-iterations-few", "one iteration, so that the password is cheap to guess")
def few_iterations(play):
    peer = play.accept()
    peer.secure()
    _, first = peer.auth("SCRAM-SHA-1")
    peer.challenge(f"r={sasl.fields(first)['r']}x,s={sasl.encode('salt')},i=1")
    expect_no_proof(peer)
    play.expect("waiting", "Protocol", "SCRAM")


def bad_challenge(name, text, challenge):
    @case(f"scram-{name}", text)
    def bad(play):
        peer = play.accept()
        peer.secure()
        _, first = peer.auth("SCRAM-SHA-1")
        nonce = sasl.fields(first)["r"] + "x"
        peer.send(f"<challenge xmlns='{sasl.NS}'>{challenge(nonce)}</challenge>")
        expect_no_proof(peer)
        play.expect("waiting", "Protocol", "SCRAM")


bad_challenge("empty", "an empty challenge", lambda nonce: "")
bad_challenge("no-base64", "a challenge that is not base64", lambda nonce: "@@@@")
bad_challenge("no-salt", "a challenge without salt", lambda nonce: sasl.encode(f"r={nonce},i=4096"))
bad_challenge("bad-salt", "a salt that is not base64", lambda nonce: sasl.encode(f"r={nonce},s=@@@,i=4096"))
bad_challenge("bad-iterations", "iterations that are no number", lambda nonce: sasl.encode(f"r={nonce},s=c2FsdA==,i=x"))
bad_challenge("negative-iterations", "a negative number of iterations",
              lambda nonce: sasl.encode(f"r={nonce},s=c2FsdA==,i=-1"))
bad_challenge("extension", "a mandatory extension that nobody knows",
              lambda nonce: sasl.encode(f"m=x,r={nonce},s=c2FsdA==,i=4096"))
bad_challenge("nul", "NUL bytes in the challenge",
              lambda nonce: sasl.encode(f"r={nonce}\0,s=c2FsdA==,i=4096"))
bad_challenge("long-salt", "a salt of 200 KB",
              lambda nonce: sasl.encode(f"r={nonce},s={sasl.encode('s' * 200000)},i=4096"))


@case("scram-success-bare", "success without the server's signature")
def bare_success(play):
    peer = play.accept()
    scram(peer)
    peer.response()
    peer.success()
    expect_no_session(play, peer)
    play.expect("waiting", "Protocol", "prove")


@case("scram-success-forged", "success with a wrong signature")
def forged_success(play):
    peer = play.accept()
    scram(peer)
    peer.response()
    peer.success("v=" + sasl.encode(b"x" * 32))
    expect_no_session(play, peer)
    play.expect("waiting", "Protocol", "prove")


@case("scram-success-early", "success in place of the challenge")
def early_success(play):
    peer = play.accept()
    peer.secure()
    peer.auth("SCRAM-SHA-256")
    peer.success()
    expect_no_session(play, peer)
    play.expect("waiting", "Protocol", "prove")


@case("scram-error", "the server ends the exchange with an error of SCRAM's")
def scram_error(play):
    peer = play.accept()
    exchange = scram(peer)
    exchange.verify(peer.response())
    peer.challenge("e=other-error")
    expect_no_proof(peer)
    play.expect("waiting", "Protocol", "SCRAM")


@case("scram-challenge-again", "challenges without end")
def endless_challenges(play):
    peer = play.accept()
    exchange = scram(peer)
    peer.response()
    try:
        for _ in range(100):
            peer.challenge(exchange.server_first)
            peer.response()
    except AssertionError:
        play.expect("waiting", "Protocol", "SCRAM")
        return
    raise Failure("a hundred challenges were answered")


@case("sasl-plain", "a login with PLAIN within TLS")
def plain(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate("PLAIN")
    peer.bind()
    peer.element("presence")
    play.expect_online()


# -- after the login ---------------------------------------------------------


@case("bind-other", "another account's JID is bound")
def bind_other(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind("mallory@hostile.test/fardel")
    peer.wait_for_end()
    play.expect("waiting", "Protocol", "somebody else")


@case("bind-bare", "a JID without a resource is bound")
def bind_bare(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind(f"{USER}@hostile.test")
    peer.wait_for_end()
    play.expect("waiting", "Protocol")


@case("bind-slash", "a JID that some read as another's is bound")
def bind_slash(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind("evil.test/alice@hostile.test/r")
    peer.wait_for_end()
    play.expect("waiting", "Protocol", "somebody else")


@case("bind-other-resource", "another resource than the one asked for")
def bind_other_resource(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind(f"{USER}@hostile.test/another resource")
    peer.element("presence")
    play.expect_online()
    if play.account["FullJid"] != f"{USER}@hostile.test/another resource":
        raise Failure("the JID that was given is not shown")
    play.expect_healthy(peer)


@case("bind-huge", "a resource of 100 KB is bound")
def bind_huge(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.bind(f"{USER}@hostile.test/{'r' * 100000}")
    peer.wait_for_end()
    play.expect("waiting", "Protocol")


@case("bind-refused", "the resource is refused")
def bind_refused(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.open(BIND_FEATURE)
    request = peer.element("iq", type="set")
    peer.reply(request, "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "error")
    peer.wait_for_end()
    play.expect("waiting", "ConnectionFailed|Protocol")


@case("bind-none", "no binding is offered")
def bind_none(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.open()
    peer.wait_for_end()
    play.expect("waiting", "Protocol")


@case("bind-compression", "compression, which leaks secrets, is offered before binding")
def compression(play):
    peer = play.accept()
    peer.secure()
    peer.authenticate()
    peer.open("<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>", BIND_FEATURE)
    stanza = peer.stanza(lambda e: True, "what comes next")
    if name_of(stanza) == "compress":
        raise Failure("the daemon compresses")


@case("stream-header-again", "a second stream header within a session")
def second_header(play):
    peer = play.login()
    peer.send(header())
    peer.wait_for_end()
    play.expect("waiting", "Protocol")

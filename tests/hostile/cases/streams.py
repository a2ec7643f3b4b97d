# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stream errors, ends and redirects (RFC 6120 §4.9)."""

from play import Failure, case
from server import NS_STREAM_ERRORS, Gone, features, header, stream_error

BIDI = "‮"
CSI = "\u009b"


# -- errors ------------------------------------------------------------------


def early(name, text, data, status, error, *patterns):
    @case(f"error-{name}-early", f"{text}, before TLS")
    def early_error(play):
        peer = play.accept()
        peer.wait(lambda: peer.header is not None, "a stream header")
        try:
            peer.send(header() + data)
            peer.wait_for_end()
        except Gone:
            pass
        play.expect(status, error, *patterns)


def in_session(name, text, data, status, error, *patterns):
    @case(f"error-{name}", f"{text}, in a session")
    def error_in_session(play):
        peer = play.login()
        peer.send(data)
        try:
            peer.wait_for_end()
        except Gone:
            pass
        play.expect(status, error, *patterns)


for make in (early, in_session):
    make("empty", "an empty stream error", stream_error("", end=False), "waiting", "Protocol")
    make("only-text", "a stream error of only a text", stream_error("", "ha"), "waiting", "Protocol")
    make("unknown", "a stream error nobody knows", stream_error("frobnicate-now"), "waiting", "Protocol")
    make("features-then-end", "features and the end in one piece", features() + "</stream:stream>", "waiting|failed",
         "ConnectionFailed|TlsFailed|Protocol")

in_session("conflict", "another session took the resource", stream_error("conflict"), "failed", "ConnectionFailed",
           "resource")
in_session("shutdown", "the server shuts down", stream_error("system-shutdown"), "waiting", "ConnectionFailed",
           "shutting down")
in_session("busy", "the server is overloaded", stream_error("resource-constraint"), "waiting", "Busy", "overloaded")
in_session("policy", "we violate a policy", stream_error("policy-violation", "no files here"), "waiting", "Protocol",
           "no files here")
in_session("not-authorized", "the account is not authorized any more", stream_error("not-authorized"), "failed",
           "AuthenticationFailed")
in_session("nested", "a stream error full of elements",
           f"<stream:error>{'<a><b/></a>' * 500}<conflict xmlns='urn:x'/></stream:error>", "waiting", "Protocol")
in_session("end", "the stream ends in peace", "</stream:stream>", "waiting", "ConnectionFailed", "closed")
in_session("end-and-more", "stanzas behind the end of the stream",
           "</stream:stream><iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "waiting",
           "ConnectionFailed|Protocol")


@case("error-text-long", "a stream error with a text of 200 KB")
def long_text(play):
    peer = play.login()
    peer.send(stream_error("policy-violation", "long " * 40000))
    peer.wait_for_end()
    play.expect("waiting", "Protocol", "long long")
    if len(play.shown.message) > 500:
        raise Failure(f"a message of {len(play.shown.message)} characters is shown")


@case("error-text-controls", "a stream error whose text would write into terminals and logs")
def text_controls(play):
    """C1 controls are XML; they move cursors. Line ends begin log lines of their own."""
    peer = play.login()
    lines = len(play.world.daemon.process.lines)
    peer.send(stream_error("policy-violation", f"a\n&#10;&#13;fardeld: all is well {CSI}2J {BIDI}cilbup"))
    peer.wait_for_end()
    play.expect("waiting", "Protocol", "all is well")
    bad = [c for c in play.shown.message if c in "\r\n" + CSI + BIDI]
    if bad:
        raise Failure(f"the message has {bad}")
    for line in play.world.daemon.process.lines[lines:]:
        if line.startswith("fardeld: all is well") or CSI in line or BIDI in line:
            raise Failure(f"the log has {line!r}")


@case("end-at-once", "a server that closes every connection at once")
def end_at_once(play):
    play.accept().close()
    play.expect("waiting", "ConnectionFailed")


@case("end-while-sending", "the connection is reset while the daemon writes")
def reset_while_sending(play):
    """A write into a connection that is reset raises SIGPIPE."""
    peer = play.login()
    peer.send("".join(f"<iq type='get' id='p{number}' from='bob@hostile.test/1'><ping xmlns='urn:xmpp:ping'/></iq>"
                      for number in range(200)))
    peer.reset()
    play.expect("waiting", "ConnectionFailed")


@case("end-every-stage", "a connection that ends at each stage in turn")
def end_every_stage(play):
    peer = play.accept()
    peer.offer_tls()
    peer.close()
    peer = play.accept()
    peer.secure()
    peer.close()
    peer = play.accept()
    peer.secure()
    peer.auth("SCRAM-SHA-1")
    peer.close()
    play.expect("waiting", "ConnectionFailed")


# -- redirects ---------------------------------------------------------------


def see_other(target):
    return (f"<stream:error><see-other-host xmlns='{NS_STREAM_ERRORS}'>{target}</see-other-host></stream:error>"
            "</stream:stream>")


def address(listener):
    return "127.0.0.1:%d" % listener.getsockname()[1]


def to_redirect(play):
    """A session up to where a trustworthy server may redirect."""
    peer = play.accept()
    peer.secure()
    peer.wait(lambda: peer.header is not None, "a stream header")
    return peer


@case("redirect", "a redirect after TLS is followed")
def redirected(play):
    other = play.listen()
    to_redirect(play).send(header() + see_other(address(other)))
    peer = play.accept(other).login()
    play.expect_online()
    play.expect_healthy(peer)
    other.close()


@case("redirect-early", "a redirect before TLS, by whoever is on the wire")
def redirect_early(play):
    """Followed or not: the name of the certificate stays that of the JID."""
    other = play.listen()
    peer = play.accept()
    peer.wait(lambda: peer.header is not None, "a stream header")
    peer.send(header() + see_other(address(other)))
    other.settimeout(3)
    try:
        peer = play.accept(other)
    except AssertionError:
        play.expect("waiting", "ConnectionFailed")
    else:
        peer.offer_tls()
        peer.refused_handshake(peer.context("misnamed"))
        play.expect("failed", "TlsFailed", "another.test")
    other.close()


@case("redirect-misnamed", "a redirect to a server with a certificate of its own name")
def redirect_misnamed(play):
    other = play.listen()
    to_redirect(play).send(header() + see_other(address(other)))
    peer = play.accept(other)
    peer.offer_tls()
    peer.refused_handshake(peer.context("misnamed"))
    play.expect("failed", "TlsFailed", "another.test")
    other.close()


@case("redirect-loop", "a server that redirects to itself for ever")
def redirect_loop(play):
    for hops in range(20):
        try:
            to_redirect(play).send(header() + see_other(address(play.listener)))
        except AssertionError:
            break
        if play.failures():
            break
    play.expect("waiting", "ConnectionFailed")
    if hops > 5:
        raise Failure(f"{hops} redirects were followed")


def bad_target(name, text, target):
    @case(f"redirect-{name}", f"a redirect to {text}")
    def redirect_bad(play):
        to_redirect(play).send(header() + see_other(target))
        play.expect("waiting", "ConnectionFailed")


bad_target("empty", "nowhere", "")
bad_target("nonsense", "what is no host", "http://evil.test/?a=b c")
bad_target("port", "a port that there is not", "127.0.0.1:99999999999")
bad_target("long", "a name of 100 KB", "h" * 100000)
bad_target("controls", "a name with line ends", "evil&#10;.test&#13;")
bad_target("nobody", "a port where nobody listens", "127.0.0.1:1")

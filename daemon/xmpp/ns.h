/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Namespaces of the stream itself (RFC 6120, Appendix A).
 */
#pragma once

#define NS_XML "http://www.w3.org/XML/1998/namespace"
#define NS_CLIENT "jabber:client"
#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_ROSTER_VERSIONS "urn:xmpp:features:rosterver"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"

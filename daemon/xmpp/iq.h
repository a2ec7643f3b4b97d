/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The iq router of one stream (RFC 6120 §8.2.3): requests with ids and
 * time-outs, incoming requests by namespace, and an error for everything
 * nobody handles. Replies are matched by id *and* sender.
 */
#pragma once

#include "xmpp/xml.h"

typedef struct FdIq FdIq;

#define FD_IQ_TIMEOUT_MS 30000

/* Puts stanzas on the wire; the router never sees a socket. */
typedef void (*FdIqWrite) (const char *xml, gsize length, gpointer data);

FdIq *fd_iq_new (FdIqWrite write, gpointer data);
void fd_iq_free (FdIq *iq); /* pending requests end silently */

/* The own full JID, stamped as the sender that replies without 'from' have. */
void fd_iq_set_own_jid (FdIq *iq, const char *full_jid);
const char *fd_iq_get_own_jid (FdIq *iq); /* "" before binding */

/* Called once per request: either @reply (type='result', borrowed) or @error.
 * An iq error maps to: service-unavailable, feature-not-implemented,
 * recipient-unavailable → PEER_UNSUPPORTED, PEER_UNSUPPORTED, PEER_OFFLINE;
 * remote-server-* → PEER_OFFLINE; others → PROTOCOL; no answer → TIMEOUT;
 * stream lost → NOT_CONNECTED. @reply is then the error stanza if there is
 * one, so that callers may look for application conditions. */
typedef void (*FdIqReply) (xmpp_stanza_t *reply, const GError *error, gpointer data);

/* Sends <iq type='set'|'get' to=@to id=…>@payload</iq>; takes @payload. @to NULL
 * is the own server. Returns an id for fd_iq_cancel(), never 0. Before a
 * stream is up the reply is NOT_CONNECTED from an idle. @callback may be NULL. */
guint fd_iq_send (FdIq *iq, const char *type, const char *to, xmpp_stanza_t *payload, guint timeout_ms,
                  FdIqReply callback, gpointer data);

/* The same in two steps, for bulk data: its caller begins @xml with the head of the stanza,
 * appends the payload, and sends it. Nothing may come between. */
guint fd_iq_begin (FdIq *iq, const char *type, const char *to, GString *xml);
void fd_iq_end (FdIq *iq, guint id, GString *xml, guint timeout_ms, FdIqReply callback, gpointer data);

/* The same with a payload that is serialized already. */
guint fd_iq_send_raw (FdIq *iq, const char *type, const char *to, const char *payload, gsize length,
                      guint timeout_ms, FdIqReply callback, gpointer data);

void fd_iq_cancel (FdIq *iq, guint id);

/* An incoming get or set whose child has this namespace. The handler answers
 * exactly once, now or later, with fd_iq_reply*(). @payload is the child. A
 * request that it keeps to answer later is ref'ed with xmpp_stanza_clone(). */
typedef void (*FdIqHandler) (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload, gpointer data);

/* @type "get" or "set". One handler per (type, ns); NULL removes. */
void fd_iq_handle (FdIq *iq, const char *type, const char *ns, FdIqHandler handler, gpointer data);

/* Empty result, or with @payload (taken). */
void fd_iq_reply (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload);

/* Error reply. @type: cancel, modify, auth, wait. @condition: a stanza error
 * of RFC 6120 §8.3.3. @app_name/@app_ns: application condition or NULL. @text
 * may be NULL. */
void fd_iq_reply_error (FdIq *iq, xmpp_stanza_t *request, const char *type, const char *condition,
                        const char *app_name, const char *app_ns, const char *text);

/* Sends a stanza that is no request, e.g. presence; nothing before binding. */
void fd_iq_write (FdIq *iq, xmpp_stanza_t *stanza);

/* Who is refused gets service-unavailable for every request, as if nobody were
 * here. @from is never NULL. */
typedef gboolean (*FdIqRefuses) (const char *from, gpointer data);
void fd_iq_set_refusal (FdIq *iq, FdIqRefuses refuses, gpointer data);

/* Feeds one received iq stanza. */
void fd_iq_receive (FdIq *iq, xmpp_stanza_t *stanza);

/* The stream is gone: every pending request ends with NOT_CONNECTED. */
void fd_iq_stream_lost (FdIq *iq);

/* Bytes of requests written and not yet answered: the bound for bulk senders. */
gsize fd_iq_get_outstanding (FdIq *iq);

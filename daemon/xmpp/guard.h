/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one judge of what a server sends (RFC 6120 §4, §11): bytes go in, whole
 * elements come out, and nothing else in the daemon parses what came from the
 * network. Every size is limited, and what RFC 6120 §11.1 forbids ends the
 * stream. Knows no socket.
 */
#pragma once

#include "xmpp/xml.h"

/* An in-band block of 64 KiB is 90 KB; the roster of 5000 contacts 800 KB. */
#define FD_GUARD_MAX_STANZA (1024 * 1024)
/* Before TLS anybody may be the sender; features are below 10 KB. */
#define FD_GUARD_MAX_CLEAR (64 * 1024)

typedef struct FdGuard FdGuard;

/* @max_stanza: bytes of one element of the stream. */
FdGuard *fd_guard_new (gsize max_stanza);
void fd_guard_free (FdGuard *guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdGuard, fd_guard_free)

/* FALSE and PROTOCOL, once and for all, at the first byte that is not fine; the
 * message completes "The server sent …". */
gboolean fd_guard_feed (FdGuard *guard, const char *bytes, gsize length, GError **error);

/* The next element in fd_xml_ctx(), to be released, or NULL: first the stream's
 * header, <stream/> with its attributes and no children, then its children.
 * An element has its namespace always, an attribute never, except that xml:lang is "lang". */
xmpp_stanza_t *fd_guard_take (FdGuard *guard);

/* The end tag of the stream was fed. */
gboolean fd_guard_is_closed (FdGuard *guard);

/* Another document follows, after <success/>; until then only white space may. */
void fd_guard_restart (FdGuard *guard);

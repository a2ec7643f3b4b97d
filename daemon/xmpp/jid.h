/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JIDs as strings, prepared once at the door (RFC 6122: nodeprep, nameprep,
 * resourceprep by libidn) and compared bytewise from then on. JIDs stamped by
 * the server are prepared already.
 */
#pragma once

#include <glib.h>

/* Splits at the first '/' and then the first '@', prepares the parts and joins
 * them. INVALID_JID with a text that names the offending part. */
char *fd_jid_prepare (const char *jid, GError **error);

/* The same, and the JID must have a localpart and no resource. */
char *fd_jid_prepare_bare (const char *jid, GError **error);

/* Parts of a prepared JID; free with g_free(). node and resource may be NULL. */
char *fd_jid_bare (const char *jid);
char *fd_jid_node (const char *jid);
char *fd_jid_domain (const char *jid);
const char *fd_jid_resource (const char *jid); /* points into @jid, NULL if bare */

/* Same bare part? Either may be full. */
gboolean fd_jid_same_bare (const char *a, const char *b);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The block list of the account as its server holds it (XEP-0191). The server
 * keeps the stanzas of those on it away; here it is known so that they are not
 * offered files, and do not show.
 */
#pragma once

#include "xmpp/iq.h"

typedef struct FdBlocking FdBlocking;

/* @changed is called, from the main loop, when the list is another one. */
FdBlocking *fd_blocking_new (FdIq *iq, void (*changed) (gpointer data), gpointer data);
void fd_blocking_free (FdBlocking *blocking);

/* Asks for the list, if the server has one. What was known stays valid until
 * the answer. */
void fd_blocking_fetch (FdBlocking *blocking);

/* Is there an entry that covers this JID: itself, its bare JID, or its
 * domain? Never the own account. */
gboolean fd_blocking_has (FdBlocking *blocking, const char *jid);

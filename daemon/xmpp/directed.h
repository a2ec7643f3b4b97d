/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Directed presence (RFC 6121 §4.6): who does not see our presence by a
 * subscription is shown it as long as there is a session, since clients ignore
 * offers of resources that they have not seen.
 */
#pragma once

#include "xmpp/iq.h"

typedef struct FdDirected FdDirected;

FdDirected *fd_directed_new (FdIq *iq);
void fd_directed_free (FdDirected *directed);

/* Shows our presence to @full_jid until as many calls of hide. */
void fd_directed_show (FdDirected *directed, const char *full_jid);

/* @tell: FALSE if the peer sees our presence anyhow by now. Nothing for those
 * who were not shown it. */
void fd_directed_hide (FdDirected *directed, const char *full_jid, gboolean tell);

/* Shows a new stream's presence to those who saw that of the last. */
void fd_directed_stream_up (FdDirected *directed);

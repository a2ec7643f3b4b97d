/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sending half of an in-band bytestream: what can be read from a socket
 * goes out in blocks, as fast as the window lets it.
 */
#pragma once

#include "ibb/share.h"
#include "xmpp/iq.h"

typedef struct FdIbbOutbound FdIbbOutbound;

/* Each may free the outbound. */
typedef struct
{
  void (*drained) (gpointer data); /* EOF was read and every block acknowledged */
  void (*failed) (const GError *error, gpointer data);
} FdIbbOutboundHooks;

/* Starts at once. @share: of the account, lives longer. @fd stays the caller's, who closes it after
 * the free. */
FdIbbOutbound *fd_ibb_outbound_new (FdIq *iq, FdIbbShare *share, const char *peer, const char *sid,
                                    guint block_size, int fd, const FdIbbOutboundHooks *hooks, gpointer data);
void fd_ibb_outbound_free (FdIbbOutbound *outbound);

/* The peer closed: what is on its way may still be acknowledged, more bytes are a failure. */
void fd_ibb_outbound_set_closed (FdIbbOutbound *outbound);

guint64 fd_ibb_outbound_get_bytes (FdIbbOutbound *outbound); /* acknowledged */

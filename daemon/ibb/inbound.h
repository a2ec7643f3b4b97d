/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The receiving half of an in-band bytestream: blocks are written to a socket
 * and acknowledged only then, so that a slow disk slows the peer.
 */
#pragma once

#include "xmpp/iq.h"

typedef struct FdIbbInbound FdIbbInbound;

/* Each may free the inbound. */
typedef struct
{
  void (*closed) (gpointer data); /* by the peer; the socket got its EOF */
  void (*failed) (const GError *error, gpointer data); /* the peer broke the rules and was told so */
} FdIbbInboundHooks;

/* @fd stays the caller's, who closes it after the free. */
FdIbbInbound *fd_ibb_inbound_new (FdIq *iq, guint block_size, int fd, const FdIbbInboundHooks *hooks,
                                  gpointer data);
/* Refuses what is not acknowledged yet. */
void fd_ibb_inbound_free (FdIbbInbound *inbound);

void fd_ibb_inbound_data (FdIbbInbound *inbound, xmpp_stanza_t *request, xmpp_stanza_t *data);
void fd_ibb_inbound_close (FdIbbInbound *inbound, xmpp_stanza_t *request);

guint64 fd_ibb_inbound_get_bytes (FdIbbInbound *inbound); /* acknowledged */

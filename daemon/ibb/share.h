/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the in-band streams of one account have on their way together, as a
 * machine without I/O: they leave by one XMPP connection, one after another, so
 * what one of them queues there all others and the chat wait for.
 */
#pragma once

#include <glib.h>

typedef struct FdIbbSender FdIbbSender;

typedef struct
{
  GQueue senders; /* FdIbbSender* */
  GQueue waiting; /* of these, those that could send if the others had less on the way; the next first */
  FdIbbSender *turn; /* was taken from there, may send one block */
  GQueue sent; /* bytes of the blocks that may still be before our server, in order */
  gsize in_flight; /* the sum of these */
  guint64 passed; /* number, over all streams, of the first of these */
  guint64 scout; /* number after that of a block beyond the limit; 0: none yet */

  /* Answers in a row, whose distance tells how fast the way is. */
  guint train;
  gsize train_bytes; /* after the first */
  gint64 train_start; /* when that came */
  double rate; /* the highest that was seen, bytes per µs */
} FdIbbShare;

void fd_ibb_share_init (FdIbbShare *share);
void fd_ibb_share_clear (FdIbbShare *share); /* after all its senders */

void fd_ibb_share_add (FdIbbShare *share, FdIbbSender *sender);
void fd_ibb_share_remove (FdIbbShare *share, FdIbbSender *sender);

/* May @sender, which has room of its own, send @bytes now? If not it waits for its
 * turn. */
gboolean fd_ibb_share_allows (FdIbbShare *share, FdIbbSender *sender, gsize bytes);

/* Returns the block's number over all streams. */
guint64 fd_ibb_share_sent (FdIbbShare *share, gsize bytes);

/* A block was answered. The connection keeps the order, so all that were sent
 * before it have left our server, too, whatever their receivers do. */
void fd_ibb_share_passed (FdIbbShare *share, guint64 number, gint64 now);

/* Whose turn it is to send: to be called after each answer and each end, until it is NULL. The
 * sender's owner sends what there is to send; if that is nothing the turn is over. */
FdIbbSender *fd_ibb_share_next (FdIbbShare *share);

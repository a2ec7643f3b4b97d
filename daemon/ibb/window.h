/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two ends of an in-band bytestream as machines without I/O (XEP-0047 §2.2):
 * which block may be sent when, and which one may come next.
 */
#pragma once

#include <glib.h>

/* Of payload in flight at most: with more, a server's buffers only add delay. */
#define FD_IBB_WINDOW_BLOCKS 16
#define FD_IBB_WINDOW_BYTES (256 * 1024)

/* Of payload waiting somewhere on the way, by our estimate: everything else on
 * the XMPP connection waits behind it. */
#define FD_IBB_QUEUE_BYTES (64 * 1024)

#define FD_IBB_SEQ_END 65536 /* 'seq' has 16 bits */

#define FD_IBB_RETRY_US (10 * G_USEC_PER_SEC)

/* A block that was sent and not acknowledged. */
typedef struct
{
  guint64 number; /* from 0; its low 16 bits are the 'seq' */
  gsize bytes;
  gint64 sent_at;
  gboolean bounced; /* came back, to be sent again */
  gboolean retried;
  gpointer data; /* the caller's */
} FdIbbBlock;

typedef struct
{
  GQueue blocks; /* FdIbbBlock*, in order of number */
  gsize in_flight; /* bytes of these */
  guint64 next; /* number of the next block */
  guint window; /* blocks */
  guint window_max;
  guint unanswered; /* of the blocks, those that did not bounce */
  gint64 min_rtt; /* of the path without a queue of ours */
  gint64 probe_min; /* while the window is 1 */
  guint probes;
  guint round; /* prompt answers since the window last changed */
  guint64 ignore_until; /* answers to older blocks tell of the window before it was halved */
  gint64 retry_at; /* -1: no retry is due */
} FdIbbSender;

void fd_ibb_sender_init (FdIbbSender *sender, guint block_size);
void fd_ibb_sender_clear (FdIbbSender *sender, GFunc free_data, gpointer user_data);

/* May one more block be sent now? */
gboolean fd_ibb_sender_has_room (const FdIbbSender *sender);

/* A block that is sent now; owned by the sender until acked. */
FdIbbBlock *fd_ibb_sender_add (FdIbbSender *sender, gsize bytes, gpointer data, gint64 now);

/* Frees @block. FALSE: a block before it came back, so that the peer cannot
 * have taken this one in order; the stream is broken. */
gboolean fd_ibb_sender_acked (FdIbbSender *sender, FdIbbBlock *block, gint64 now);

/* The network could not deliver it for now. FALSE: not for the first time;
 * give up. Else sending pauses, and retry_at is set once all others have been
 * answered. */
gboolean fd_ibb_sender_bounced (FdIbbSender *sender, FdIbbBlock *block, gint64 now);

/* It is retry_at: all blocks of the queue are sent again, by the caller. */
void fd_ibb_sender_retry (FdIbbSender *sender, gint64 now);

/* Is @seq the block after @received others? Senders that do not wrap at 65536
 * count on; both are accepted. */
gboolean fd_ibb_seq_follows (guint64 seq, guint64 received);

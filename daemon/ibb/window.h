/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two ends of an in-band bytestream as machines without I/O (XEP-0047 §2.2):
 * which block may be sent when, how long, and which one may come next.
 *
 * Sizes here are those of whole stanzas, since these fill the connection; a
 * payload is a quarter smaller, and less.
 */
#pragma once

#include "ibb/share.h"

/* A stanza is padded to a power of two up to this one, which is what Prosody reads at once. If the record
 * of TLS ends where its buffer does, it reads on at once, else it sleeps a millisecond or two: measured
 * 1.4 MB/s with blocks of 16384 or 65535 bytes, 2.5 MB/s with 4096, and 5 MB/s with stanzas of 8192. */
#define FD_IBB_STANZA 8192

/* On the way at most. 10 MB/s at a round trip of 100 ms; and what a receiver may have to hold. */
#define FD_IBB_WINDOW (1024 * 1024)

/* Waiting somewhere on the way, by our estimate: everything else on the XMPP
 * connection waits behind it. */
#define FD_IBB_QUEUE (64 * 1024)

#define FD_IBB_SEQ_END 65536 /* 'seq' has 16 bits */

#define FD_IBB_RETRY_US (10 * G_USEC_PER_SEC)

/* A block that was sent and not acknowledged. */
typedef struct
{
  guint64 number; /* from 0; its low 16 bits are the 'seq' */
  guint64 shared; /* its number among those of all streams of the connection */
  gsize bytes; /* of the stanza */
  gsize before; /* on the way when it left, itself included */
  gint64 sent_at;
  gboolean bounced; /* came back, to be sent again */
  gboolean retried;
  gpointer data; /* the caller's */
} FdIbbBlock;

struct FdIbbSender
{
  FdIbbShare *share;
  gpointer owner; /* the caller's */
  gsize block_size; /* payload */
  gsize overhead; /* of a stanza without its payload */

  GQueue blocks; /* FdIbbBlock*, in order of number */
  gsize in_flight; /* bytes of these */
  guint64 next; /* number of the next block */
  guint unanswered; /* of the blocks, those that did not bounce */
  gint64 retry_at; /* -1: no retry is due */

  gsize window; /* bytes */
  gboolean doubling; /* until the first sign of a queue */
  gsize trusted; /* bytes that came promptly since a queue was seen, or the beginning */
  gint64 min_rtt; /* of the path without a queue of ours */
  gint64 probe_min; /* the same, of answers while the window is smallest… */
  guint probes; /* …and their number */

  /* The round: answers to blocks sent since the window was last set. */
  guint64 round_start; /* number */
  gsize round_window; /* at its start */
  guint round_answers;
  gsize round_bytes;
  guint64 round_before; /* sum */
  gint64 round_rtt; /* the shortest */
  gboolean filled; /* more could have been sent */
};

/* @block_size: agreed, of payload. @overhead: of a stanza beside it, at most. */
void fd_ibb_sender_init (FdIbbSender *sender, FdIbbShare *share, gpointer owner, gsize block_size,
                         gsize overhead);
void fd_ibb_sender_clear (FdIbbSender *sender, GFunc free_data, gpointer user_data);

/* Payload of the next block, and the size to pad its stanza to. If there is less, it
 * is better to wait for more as long as something is on the way. */
gsize fd_ibb_sender_get_size (const FdIbbSender *sender, gsize *ret_stanza);

/* May a block be sent now? To be asked only if there is one: else @sender gets its turn for nothing. */
gboolean fd_ibb_sender_may_send (FdIbbSender *sender);

/* A block that is sent now, with the size of its stanza; owned by the sender until acked. */
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

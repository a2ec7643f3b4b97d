/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two ends of an in-band bytestream as machines without I/O (XEP-0047 §2.2).
 *
 * The window is like TCP Vegas': it grows while the answers come as fast as
 * without a queue, since all that a queue does is to hold up the chat and the
 * pings of the same connection, and servers throttle by not reading.
 */
#include "ibb/window.h"

/* Answers with one block on the way before we believe in a round-trip time. A throttling server lets a
 * burst of 20 kB pass first: fewer would measure nothing but that. */
#define PROBES 10

/* Nobody notices a queue that is shorter than this, and on fast paths jitter alone doubles the time. */
#define PROMPT_US (50 * G_TIME_SPAN_MILLISECOND)

/* So slow with one block is a server that throttles: more blocks would only wait longer. */
#define SLOW_US G_USEC_PER_SEC

void
fd_ibb_sender_init (FdIbbSender *sender, guint block_size)
{
  *sender = (FdIbbSender){
    .blocks = G_QUEUE_INIT,
    .window = 1,
    .window_max = CLAMP (FD_IBB_WINDOW_BYTES / block_size, 1, FD_IBB_WINDOW_BLOCKS),
    .probe_min = G_MAXINT64,
    .retry_at = -1,
  };
}

void
fd_ibb_sender_clear (FdIbbSender *sender, GFunc free_data, gpointer user_data)
{
  FdIbbBlock *block;

  while ((block = g_queue_pop_head (&sender->blocks)))
    {
      free_data (block->data, user_data);
      g_free (block);
    }
}

static gboolean
has_bounced (const FdIbbSender *sender)
{
  return sender->unanswered < sender->blocks.length;
}

gboolean
fd_ibb_sender_has_room (const FdIbbSender *sender)
{
  return sender->blocks.length < sender->window && !has_bounced (sender);
}

FdIbbBlock *
fd_ibb_sender_add (FdIbbSender *sender, gsize bytes, gpointer data, gint64 now)
{
  FdIbbBlock *block = g_new0 (FdIbbBlock, 1);

  block->number = sender->next++;
  block->bytes = bytes;
  block->sent_at = now;
  block->data = data;
  g_queue_push_tail (&sender->blocks, block);
  sender->in_flight += bytes;
  sender->unanswered++;
  return block;
}

static void
set_window (FdIbbSender *sender, guint window)
{
  sender->window = CLAMP (window, 1, sender->window_max);
  sender->round = 0;
  sender->probes = 0;
  sender->probe_min = G_MAXINT64;
}

static gboolean
is_prompt (const FdIbbSender *sender, gint64 rtt)
{
  gint64 queueing = MAX (rtt - sender->min_rtt, 0);
  gint64 queued = queueing > 0 ? (gint64) sender->in_flight * queueing / rtt : 0;

  return rtt < MAX (2 * sender->min_rtt, PROMPT_US) && queued <= FD_IBB_QUEUE_BYTES;
}

/* Times with a single block on the way are those of the path. They are taken afresh whenever the window is
 * back at 1, so that a path that became longer is not taken for a queue for ever. The last one must be
 * prompt too: when the burst is over, it is not. */
static void
probe (FdIbbSender *sender, gint64 rtt)
{
  sender->probe_min = MIN (sender->probe_min, rtt);
  if (++sender->probes < PROBES)
    return;
  sender->min_rtt = sender->probe_min;
  set_window (sender, rtt < SLOW_US && is_prompt (sender, rtt) ? 2 : 1);
}

static void
adapt (FdIbbSender *sender, guint64 number, gint64 rtt)
{
  if (number < sender->ignore_until)
    return;
  if (sender->window == 1)
    {
      probe (sender, rtt);
    }
  else if (!is_prompt (sender, rtt))
    {
      set_window (sender, sender->window / 2);
      sender->ignore_until = sender->next;
    }
  else if (++sender->round >= sender->window)
    {
      set_window (sender, sender->window + 1);
    }
}

static gboolean
is_in_order (const FdIbbSender *sender, const FdIbbBlock *block)
{
  for (GList *l = sender->blocks.head; l->data != block; l = l->next)
    if (((FdIbbBlock *) l->data)->bounced)
      return FALSE;
  return TRUE;
}

/* A block must not overtake one that is sent again, so that waits until the fate of all is known. */
static void
answered (FdIbbSender *sender, gint64 now)
{
  sender->unanswered--;
  if (sender->unanswered == 0 && has_bounced (sender))
    sender->retry_at = now + FD_IBB_RETRY_US;
}

gboolean
fd_ibb_sender_acked (FdIbbSender *sender, FdIbbBlock *block, gint64 now)
{
  gboolean in_order = is_in_order (sender, block);

  if (!block->retried)
    adapt (sender, block->number, now - block->sent_at);
  g_queue_remove (&sender->blocks, block);
  sender->in_flight -= block->bytes;
  answered (sender, now);
  g_free (block);
  return in_order;
}

gboolean
fd_ibb_sender_bounced (FdIbbSender *sender, FdIbbBlock *block, gint64 now)
{
  if (block->retried)
    return FALSE;
  block->bounced = TRUE;
  answered (sender, now);
  return TRUE;
}

void
fd_ibb_sender_retry (FdIbbSender *sender, gint64 now)
{
  sender->retry_at = -1;
  sender->unanswered = sender->blocks.length;
  for (GList *l = sender->blocks.head; l; l = l->next)
    {
      FdIbbBlock *block = l->data;

      block->bounced = FALSE;
      block->retried = TRUE;
      block->sent_at = now;
    }
  set_window (sender, 1);
  sender->ignore_until = sender->next;
}

gboolean
fd_ibb_seq_follows (guint64 seq, guint64 received)
{
  return seq == received || seq == received % FD_IBB_SEQ_END;
}

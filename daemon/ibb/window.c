/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two ends of an in-band bytestream as machines without I/O (XEP-0047 §2.2).
 *
 * The window is like TCP Vegas': it grows while the answers come as fast as
 * without a queue, since all that a queue does is to hold up the chat and the
 * pings of the same connection, and servers throttle by not reading.
 */
#include "ibb/window.h"

/* What every stream begins with: one stanza. A ping behind it waits 1.4 s at 3 kB/s, or twice that if the
 * server, as Prosody, pauses for what it has read; less would be mostly overhead. */
#define WINDOW_MIN 4096

/* A server that throttles may let some pass before it does, 20 kB as ejabberd's and Prosody's defaults. Until
 * more than that came promptly the window does not grow. */
#define TRUST (24 * 1024)

/* Below this padding makes no sense, nor does it for blocks so small. */
#define STANZA_MIN 2048
#define UNPADDED_MAX 3072 /* of payload */

/* Then it begins with more, which a server with a larger burst and rate carries away in time, too. */
#define WINDOW_TRUSTED (32 * 1024)

/* Answers with the smallest window before they are taken for the round trip of a path that has changed. */
#define PROBES 10

/* Nobody notices a queue that is shorter than this, and on fast paths jitter alone doubles the time. */
#define PROMPT_US (100 * G_TIME_SPAN_MILLISECOND)

/* So slow is a server that throttles: more would only wait longer. */
#define SLOW_US G_USEC_PER_SEC

static void
set_window (FdIbbSender *sender, gsize window)
{
  sender->window = CLAMP (window, WINDOW_MIN, FD_IBB_WINDOW);
  if (sender->window > WINDOW_MIN)
    sender->probes = 0;
  sender->round_start = sender->next;
  sender->round_window = sender->window;
  sender->round_answers = 0;
  sender->round_bytes = sender->round_before = 0;
  sender->round_rtt = G_MAXINT64;
  sender->filled = FALSE;
}

void
fd_ibb_sender_init (FdIbbSender *sender, FdIbbShare *share, gpointer owner, gsize block_size, gsize overhead)
{
  *sender = (FdIbbSender){
    .share = share,
    .owner = owner,
    .block_size = block_size,
    .overhead = overhead,
    .blocks = G_QUEUE_INIT,
    .doubling = TRUE,
    .min_rtt = G_MAXINT64,
    .retry_at = -1,
  };
  set_window (sender, WINDOW_MIN);
  fd_ibb_share_add (share, sender);
}

void
fd_ibb_sender_clear (FdIbbSender *sender, GFunc free_data, gpointer user_data)
{
  FdIbbBlock *block;

  fd_ibb_share_remove (sender->share, sender);
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

/* At least two fill the window, so that the server has one while we hear of the other; except in the
 * smallest, unless several streams share it. */
gsize
fd_ibb_sender_get_size (const FdIbbSender *sender, gsize *ret_stanza)
{
  gsize stanza = sender->window >= 2 * FD_IBB_STANZA ? FD_IBB_STANZA
                 : sender->share->senders.length > 1 ? WINDOW_MIN / 2
                                                     : WINDOW_MIN;
  gsize payload;

  for (; stanza >= STANZA_MIN; stanza /= 2)
    {
      payload = stanza > sender->overhead ? (stanza - sender->overhead) / 4 * 3 : 0;
      if (payload >= stanza / 2 && payload <= sender->block_size)
        break;
    }
  if (stanza < STANZA_MIN)
    {
      payload = MIN (sender->block_size, UNPADDED_MAX);
      stanza = sender->overhead + (payload + 2) / 3 * 4;
    }
  if (ret_stanza)
    *ret_stanza = stanza;
  return payload;
}

gboolean
fd_ibb_sender_may_send (FdIbbSender *sender)
{
  gsize stanza;

  if (has_bounced (sender))
    return FALSE;
  fd_ibb_sender_get_size (sender, &stanza);
  if ((sender->blocks.length == 0 || sender->in_flight + stanza <= sender->window)
      && fd_ibb_share_allows (sender->share, sender, stanza))
    return TRUE;
  sender->filled = TRUE;
  return FALSE;
}

FdIbbBlock *
fd_ibb_sender_add (FdIbbSender *sender, gsize bytes, gpointer data, gint64 now)
{
  FdIbbBlock *block = g_new0 (FdIbbBlock, 1);

  block->number = sender->next++;
  block->shared = fd_ibb_share_sent (sender->share, bytes);
  block->bytes = bytes;
  block->before = sender->share->in_flight;
  block->sent_at = now;
  block->data = data;
  g_queue_push_tail (&sender->blocks, block);
  sender->in_flight += bytes;
  sender->unanswered++;
  return block;
}

/* Of what was on the way, what waited: it is the part of the time that the path alone does not need. */
static gsize
get_queued (const FdIbbSender *sender, gsize before, gint64 rtt)
{
  return rtt > sender->min_rtt ? before * (double) (rtt - sender->min_rtt) / rtt : 0;
}

static gboolean
is_prompt (const FdIbbSender *sender, gint64 rtt)
{
  return rtt < SLOW_US && rtt < MAX (2 * sender->min_rtt, sender->min_rtt + PROMPT_US);
}

/* While the window is smallest there is no queue of ours: a path that became longer is learnt, and not taken
 * for a queue for ever. */
static void
probe (FdIbbSender *sender, gint64 rtt)
{
  sender->probe_min = sender->probes == 0 ? rtt : MIN (sender->probe_min, rtt);
  if (++sender->probes < PROBES)
    return;
  sender->min_rtt = sender->probe_min;
  sender->probes = 0;
}

/* What the path holds, and half of the queue that may be. Not by more than half at once for answers that
 * may be late by chance; a server that throttles answers as late as nobody else. */
static void
shrink (FdIbbSender *sender, gsize before, gint64 rtt)
{
  double rate = (double) before / rtt;
  gsize queue = MIN (FD_IBB_QUEUE, rate * MAX (sender->min_rtt, PROMPT_US)) / 2;
  gsize fitting = rate * MIN (sender->min_rtt, rtt) + queue;
  gsize window = MAX (fitting, rtt < SLOW_US ? sender->window / 2 : 0);

  sender->trusted = 0;
  set_window (sender, MIN (window, sender->window));
}

/* The shortest time counts: a queue of ours holds up every answer, while a busy machine or a lossy radio
 * holds up some. With means half of the rate was lost on a link of 50 ms to a busy server. */
static void
judge_round (FdIbbSender *sender)
{
  gint64 rtt = sender->round_rtt;
  gsize before = sender->round_before / sender->round_answers;
  gsize queued = get_queued (sender, before, rtt);
  gsize window = sender->window;

  if (window == WINDOW_MIN)
    probe (sender, rtt);
  if (!is_prompt (sender, rtt) || queued > FD_IBB_QUEUE)
    {
      shrink (sender, before, rtt);
      return;
    }
  if (queued > FD_IBB_QUEUE / 2
      || (sender->filled && sender->trusted > TRUST && window == sender->round_window))
    sender->doubling = FALSE;
  if (queued <= FD_IBB_QUEUE / 2 && sender->filled && !sender->doubling && sender->trusted >= TRUST)
    window += CLAMP (window / 8, WINDOW_MIN, FD_IBB_QUEUE / 2);
  set_window (sender, window);
}

/* Twice as much per round trip, as far as it fits: else the way would be filled twice before the first answer
 * that is late comes back. */
static void
grow (FdIbbSender *sender, gsize bytes)
{
  double rate = sender->share->rate;
  gsize gentle = sender->share->senders.length > 1 ? WINDOW_MIN : 2 * WINDOW_MIN;
  gsize fitting = rate > 0 ? rate * sender->min_rtt + FD_IBB_QUEUE : FD_IBB_WINDOW;
  gsize window = sender->trusted > TRUST ? MAX (sender->window + bytes, WINDOW_TRUSTED)
                                         : MIN (sender->window + bytes, gentle);

  sender->window = MAX (sender->window, MIN (window, MIN (fitting, FD_IBB_WINDOW)));
}

static void
adapt (FdIbbSender *sender, const FdIbbBlock *block, gint64 now)
{
  gint64 rtt = MAX (now - block->sent_at, 1);

  if (block->number < sender->round_start)
    return;
  sender->min_rtt = MIN (sender->min_rtt, rtt);
  sender->round_answers++;
  sender->round_bytes += block->bytes;
  sender->round_rtt = MIN (sender->round_rtt, rtt);
  sender->round_before += block->before;
  if (!is_prompt (sender, rtt))
    {
      sender->doubling = FALSE;
      sender->trusted = 0;
    }
  else
    {
      sender->trusted += block->bytes;
      if (sender->doubling && sender->filled)
        grow (sender, block->bytes);
    }
  if (sender->round_bytes >= (sender->doubling ? sender->window / 2 : sender->window))
    judge_round (sender);
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

  fd_ibb_share_passed (sender->share, block->shared, now);
  if (!block->retried)
    adapt (sender, block, now);
  g_queue_remove (&sender->blocks, block);
  sender->in_flight -= block->bytes;
  answered (sender, now);
  g_free (block);
  return in_order;
}

gboolean
fd_ibb_sender_bounced (FdIbbSender *sender, FdIbbBlock *block, gint64 now)
{
  fd_ibb_share_passed (sender->share, block->shared, now);
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
      block->shared = fd_ibb_share_sent (sender->share, block->bytes);
      block->sent_at = now;
    }
  sender->trusted = 0;
  set_window (sender, WINDOW_MIN);
}

gboolean
fd_ibb_seq_follows (guint64 seq, guint64 received)
{
  return seq == received || seq == received % FD_IBB_SEQ_END;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The streams of one connection together may have as much on the way as the one
 * with the largest window would alone, and take turns.
 */
#include "ibb/share.h"

#include "ibb/window.h"

/* Answers that are looked at together for the rate of the way. If they come so close that something held them
 * up together they tell nothing. */
#define TRAIN 8
#define LUMP_US (2 * G_TIME_SPAN_MILLISECOND)

void
fd_ibb_share_init (FdIbbShare *share)
{
  *share = (FdIbbShare){ G_QUEUE_INIT, G_QUEUE_INIT, .sent = G_QUEUE_INIT };
}

void
fd_ibb_share_clear (FdIbbShare *share)
{
  g_warn_if_fail (g_queue_is_empty (&share->senders));
  g_queue_clear (&share->sent);
}

void
fd_ibb_share_add (FdIbbShare *share, FdIbbSender *sender)
{
  g_queue_push_tail (&share->senders, sender);
}

void
fd_ibb_share_remove (FdIbbShare *share, FdIbbSender *sender)
{
  g_queue_remove (&share->senders, sender);
  g_queue_remove (&share->waiting, sender);
  if (share->turn == sender)
    share->turn = NULL;
  share->scout = 0; /* it may have been this one's, and nobody waits for that answer */
}

static gsize
get_limit (const FdIbbShare *share)
{
  gsize limit = 0;

  for (GList *l = share->senders.head; l; l = l->next)
    limit = MAX (limit, ((FdIbbSender *) l->data)->window);
  return limit;
}

/* A receiver that does not take its blocks must not hold up the others for ever: with nothing on the way of
 * its own a stream may send one block beyond the limit, and its answer tells what has passed. One for all. */
static gboolean
fits (const FdIbbShare *share, const FdIbbSender *sender, gsize bytes)
{
  return share->in_flight + bytes <= get_limit (share)
         || (g_queue_is_empty ((GQueue *) &sender->blocks) && share->scout <= share->passed);
}

gboolean
fd_ibb_share_allows (FdIbbShare *share, FdIbbSender *sender, gsize bytes)
{
  gboolean first = g_queue_is_empty (&share->waiting) || share->turn == sender;

  if (first && fits (share, sender, bytes))
    {
      share->turn = NULL;
      return TRUE;
    }
  if (share->turn == sender)
    g_queue_push_head (&share->waiting, sender);
  else if (!g_queue_find (&share->waiting, sender))
    g_queue_push_tail (&share->waiting, sender);
  if (share->turn == sender)
    share->turn = NULL;
  return FALSE;
}

guint64
fd_ibb_share_sent (FdIbbShare *share, gsize bytes)
{
  guint64 number = share->passed + share->sent.length;

  if (share->in_flight + bytes > get_limit (share))
    share->scout = number + 1;
  g_queue_push_tail (&share->sent, GSIZE_TO_POINTER (bytes));
  share->in_flight += bytes;
  return number;
}

static void
measure (FdIbbShare *share, gsize bytes, gint64 now)
{
  if (share->train++ == 0)
    {
      share->train_start = now;
      share->train_bytes = 0;
      return;
    }
  share->train_bytes += bytes;
  if (share->train < TRAIN)
    return;
  share->train = 0;
  if (now - share->train_start >= LUMP_US)
    share->rate = MAX (share->rate, (double) share->train_bytes / (now - share->train_start));
}

void
fd_ibb_share_passed (FdIbbShare *share, guint64 number, gint64 now)
{
  gsize before = share->in_flight;

  for (; share->passed <= number && !g_queue_is_empty (&share->sent); share->passed++)
    share->in_flight -= GPOINTER_TO_SIZE (g_queue_pop_head (&share->sent));
  measure (share, before - share->in_flight, now);
}

FdIbbSender *
fd_ibb_share_next (FdIbbShare *share)
{
  FdIbbSender *sender = g_queue_peek_head (&share->waiting);
  gsize stanza;

  share->turn = NULL;
  if (!sender)
    return NULL;
  fd_ibb_sender_get_size (sender, &stanza);
  if (!fits (share, sender, stanza))
    return NULL;
  return share->turn = g_queue_pop_head (&share->waiting);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What follows from what is known in a negotiation (XEP-0260 §2.3, §2.4): whom
 * to dial, when to say candidate-used or candidate-error, what is nominated.
 */
#include "s5b/negotiation-private.h"

static gboolean
is_armed (const FdS5bNegotiation *n, FdS5bTimer timer)
{
  return n->timers[timer] != G_MAXINT64;
}

gboolean
fd_s5b_is_picked (FdS5bNegotiation *n)
{
  return n->theirs == FD_S5B_SAID_USED
         && (n->picked->proxy || fd_s5b_offer_find_socket (&n->offer, n->picked));
}

/* A dial is of use only if it could be nominated in place of what there is, and
 * only as long as the peer would hear of it in time. */
static void
prune (FdS5bNegotiation *n)
{
  const FdS5bDial *best = fd_s5b_dials_best (&n->dials);
  gint64 floor = best ? (gint64) best->priority : -1;

  if (fd_s5b_is_picked (n))
    floor = MAX (floor, n->picked->priority);
  if (n->over || n->ours == FD_S5B_SAID_USED
      || (n->ours == FD_S5B_SAID_ERROR && n->theirs != FD_S5B_SAID_NOTHING))
    floor = G_MAXINT64;
  fd_s5b_drop_dials (n, floor);
}

static void
dial (FdS5bNegotiation *n, gint64 now)
{
  FdS5bDial *next;
  gint64 due;

  while ((next = fd_s5b_dials_start (&n->dials, now, &due)))
    fd_s5b_push (n, FD_S5B_DO_DIAL, next->cid);
  fd_s5b_arm (n, FD_S5B_TIMER_STAGGER, due);
}

/* Most clients drop what comes after the offer; to those candidate-error means
 * that ours are all out. */
static gboolean
may_trickle (const FdS5bNegotiation *n)
{
  return n->rules.trickle || n->rules.mark;
}

/* What came too late for the offer, each alone. */
static void
send_late (FdS5bNegotiation *n, gint64 now)
{
  FdS5bOffered *late;

  while ((late = fd_s5b_offer_send_late (&n->offer)))
    {
      fd_s5b_say (n, FD_S5B_CANDIDATES, late->cid);
      fd_s5b_arm (n, FD_S5B_TIMER_PEER, MAX (n->timers[FD_S5B_TIMER_PEER], now + FD_MS (FD_T_PEER_EACH)));
      if (n->theirs == FD_S5B_SAID_ERROR)
        n->theirs = FD_S5B_SAID_NOTHING; /* it may use this one */
    }
}

/* Says that nothing comes any more, with the latest candidate if that is not out yet. */
static void
send_mark (FdS5bNegotiation *n)
{
  FdS5bAction *latest = g_queue_peek_tail (&n->actions);

  if (!latest || latest->type != FD_S5B_DO_SEND || latest->kind != FD_S5B_CANDIDATES)
    {
      latest = fd_s5b_say (n, FD_S5B_CANDIDATES, NULL);
      n->offer.sent++;
    }
  latest->last = TRUE;
  n->offer.ended = TRUE;
}

/* Once something works no more candidates are needed; but the peer may wait with its
 * own word for the end of ours. */
static void
trickle (FdS5bNegotiation *n, gint64 now)
{
  gboolean needed = n->ours == FD_S5B_SAID_NOTHING;

  if (n->over)
    return;
  if (needed && may_trickle (n))
    send_late (n, now);
  if (n->rules.mark && !n->offer.ended && !(needed && n->offer.gathering))
    send_mark (n);
}

static void
say_used (FdS5bNegotiation *n, FdS5bDial *remote)
{
  if (n->ours == FD_S5B_SAID_NOTHING)
    fd_row (&n->rows, 10);
  n->ours = FD_S5B_SAID_USED;
  n->chosen = remote;
  fd_s5b_say (n, FD_S5B_CANDIDATE_USED, remote->cid);
  prune (n);
}

/* A peer that ends the session over two errors must not hear the second. */
static void
say_error (FdS5bNegotiation *n)
{
  n->ours = FD_S5B_SAID_ERROR;
  if (n->theirs != FD_S5B_SAID_USED
      && (n->rules.error == FD_S5B_ERROR_NEVER || (n->rules.error == FD_S5B_ERROR_SECOND && n->over)))
    return;
  if (n->theirs != FD_S5B_SAID_USED)
    fd_row (&n->rows, 11);
  fd_s5b_say (n, FD_S5B_CANDIDATE_ERROR, NULL);
}

/* Something works and something better is being tried: not for long. A proxy
 * leaves direct dials the time that a proxy is behind them, too. */
static void
wait_for_better (FdS5bNegotiation *n, gboolean proxy, gint64 now)
{
  gint64 until = now + FD_MS (FD_T_BETTER);

  if (proxy)
    until = MAX (until, n->patience_from + FD_MS (FD_T_PROXY_DELAY + FD_T_BETTER));
  fd_s5b_arm (n, FD_S5B_TIMER_BETTER, MIN (until, n->timers[FD_S5B_TIMER_BETTER]));
}

/* Two errors are final, so ours waits until either side's candidates are all out:
 * ours sent and received, the peer's marked as complete or, where nobody marks
 * them, not heard of for a while. */
static gboolean
may_say_error (const FdS5bNegotiation *n, gint64 now)
{
  if (n->over)
    return TRUE;
  if ((n->offer.gathering && may_trickle (n)) || !fd_s5b_offer_is_known (&n->offer, n->rules.initiator))
    return FALSE;
  if (n->mark == FD_S5B_MARK_FOLLOW
      || (n->theirs == FD_S5B_SAID_NOTHING && n->rules.error != FD_S5B_ERROR_FREELY))
    return FALSE;
  return n->theirs != FD_S5B_SAID_NOTHING || n->mark == FD_S5B_MARK_DONE || now >= n->hold_until;
}

/* None of the peer's candidates is to be used. */
static void
give_up (FdS5bNegotiation *n, gint64 now)
{
  if (may_say_error (n, now))
    {
      say_error (n);
    }
  else if (n->theirs == FD_S5B_SAID_NOTHING && n->hold_until > now)
    {
      fd_row (&n->rows, 12);
      fd_s5b_arm (n, FD_S5B_TIMER_HOLD, n->hold_until);
    }
}

/* Says candidate-used or candidate-error as soon as that is certain. */
static void
decide (FdS5bNegotiation *n, gint64 now)
{
  FdS5bDial *best = fd_s5b_dials_best (&n->dials);
  gboolean dialing = fd_s5b_dials_is_open (&n->dials);

  fd_s5b_disarm (n, FD_S5B_TIMER_HOLD);
  /* An error is taken back only for a peer that has not decided yet. */
  if (n->ours == FD_S5B_SAID_USED || (n->ours == FD_S5B_SAID_ERROR && n->theirs != FD_S5B_SAID_NOTHING))
    return;

  if (fd_s5b_is_picked (n) && best && best->priority <= n->picked->priority)
    best = NULL; /* it would lose: let the peer's choice stand alone */

  if (dialing && (best || fd_s5b_is_picked (n)) && !n->impatient)
    wait_for_better (n, best ? best->proxy : n->picked->proxy, now);
  else if (best)
    say_used (n, best);
  else if (n->ours == FD_S5B_SAID_NOTHING && (!dialing || fd_s5b_is_picked (n)))
    give_up (n, now);
}

static void
nominate_remote (FdS5bNegotiation *n, FdS5bDial *remote, gint64 now)
{
  if (remote->proxy)
    {
      fd_row (&n->rows, 25);
      fd_s5b_enter (n, FD_S5B_WAIT_ACT);
      fd_s5b_arm (n, FD_S5B_TIMER_ACTIVATION, now + FD_MS (remote->closed ? FD_T_ACTIVATED : FD_T_ACT));
    }
  else
    {
      fd_row (&n->rows, 22);
      fd_s5b_connected (n, FD_S5B_FROM_DIALED, remote->cid);
    }
}

static void
nominate_local (FdS5bNegotiation *n, FdS5bOffered *local, gint64 now)
{
  const FdS5bOffered *reached = fd_s5b_offer_find_socket (&n->offer, local);

  if (local->proxy)
    {
      fd_row (&n->rows, 24);
      fd_s5b_enter (n, FD_S5B_ACTIVATING);
      fd_s5b_push (n, FD_S5B_DO_ACTIVATE, local->cid);
      fd_s5b_arm (n, FD_S5B_TIMER_ACTIVATION, now + FD_MS (FD_T_ACT));
    }
  else if (reached)
    {
      fd_row (&n->rows, 23);
      fd_s5b_connected (n, FD_S5B_FROM_INCOMING, reached->cid);
    }
  /* else FD_S5B_TIMER_SOCKET runs */
}

/* XEP-0260 §2.4 */
static void
nominate (FdS5bNegotiation *n, gint64 now)
{
  gboolean take_ours;

  if (n->ours == FD_S5B_SAID_NOTHING || n->theirs == FD_S5B_SAID_NOTHING)
    return;
  if (n->ours == FD_S5B_SAID_ERROR && n->theirs == FD_S5B_SAID_ERROR)
    {
      fd_row (&n->rows, 18);
      fd_s5b_failed (n, FD_S5B_FAIL_NO_PATH, NULL);
      return;
    }

  if (n->ours == FD_S5B_SAID_ERROR || n->theirs == FD_S5B_SAID_ERROR)
    {
      fd_row (&n->rows, 19);
      take_ours = n->ours == FD_S5B_SAID_USED;
    }
  else if (n->chosen->priority != n->picked->priority)
    {
      fd_row (&n->rows, 20);
      take_ours = n->chosen->priority > n->picked->priority;
    }
  else
    {
      fd_row (&n->rows, 21);
      take_ours = n->rules.initiator;
    }

  if (take_ours)
    nominate_remote (n, n->chosen, now);
  else
    nominate_local (n, n->picked, now);
}

/* Does whatever follows from what is known. */
void
fd_s5b_step (FdS5bNegotiation *n, gint64 now)
{
  if (n->state != FD_S5B_NEGOTIATE)
    return;
  /* The stream of stanzas overtakes the socket that one is about. */
  if (n->theirs == FD_S5B_SAID_USED && !fd_s5b_is_picked (n) && !is_armed (n, FD_S5B_TIMER_SOCKET))
    fd_s5b_arm (n, FD_S5B_TIMER_SOCKET, now + FD_MS (FD_T_SOCKET));
  trickle (n, now);
  prune (n);
  dial (n, now);
  decide (n, now);
  nominate (n, now);
  if (n->state == FD_S5B_NEGOTIATE)
    trickle (n, now);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The S5B negotiation machine (XEP-0260 §2.2-2.4): its events and timers, and what
 * each of them says about either side. What follows is decided in nomination.c.
 */
#include "s5b/negotiation-private.h"

void
fd_s5b_action_free (FdS5bAction *action)
{
  if (!action)
    return;
  g_free (action->cid);
  g_free (action);
}

FdS5bAction *
fd_s5b_push (FdS5bNegotiation *n, FdS5bActionType type, const char *cid)
{
  FdS5bAction *action = g_new0 (FdS5bAction, 1);

  action->type = type;
  action->cid = g_strdup (cid);
  g_queue_push_tail (&n->actions, action);
  return action;
}

FdS5bAction *
fd_s5b_say (FdS5bNegotiation *n, FdS5bKind kind, const char *cid)
{
  FdS5bAction *action = fd_s5b_push (n, FD_S5B_DO_SEND, cid);

  action->kind = kind;
  return action;
}

void
fd_s5b_arm (FdS5bNegotiation *n, FdS5bTimer timer, gint64 when)
{
  n->timers[timer] = when;
}

void
fd_s5b_disarm (FdS5bNegotiation *n, FdS5bTimer timer)
{
  n->timers[timer] = G_MAXINT64;
}

void
fd_s5b_drop_dials (FdS5bNegotiation *n, gint64 floor)
{
  FdS5bDial *dial;
  gboolean running;

  while ((dial = fd_s5b_dials_drop (&n->dials, floor, &running)))
    {
      if (running)
        fd_s5b_push (n, FD_S5B_DO_UNDIAL, dial->cid);
    }
}

void
fd_s5b_enter (FdS5bNegotiation *n, FdS5bState state)
{
  n->state = state;
  for (guint i = 0; i < FD_S5B_N_TIMERS; i++)
    fd_s5b_disarm (n, i);
  fd_s5b_drop_dials (n, G_MAXINT64);
}

void
fd_s5b_connected (FdS5bNegotiation *n, FdS5bSource source, const char *cid)
{
  fd_s5b_enter (n, FD_S5B_CONNECTED);
  fd_s5b_push (n, FD_S5B_DO_CONNECTED, cid)->source = source;
}

void
fd_s5b_failed (FdS5bNegotiation *n, FdS5bFailure failure, const char *cid)
{
  fd_s5b_enter (n, FD_S5B_FAILED);
  fd_s5b_push (n, FD_S5B_DO_FAILED, cid)->failure = failure;
}

/* The nominated proxy is of no use. XEP-0260 §2.4 wants to hear that from
 * either party: from the one that offered it, and from the one that was dropped
 * by it again. */
static void
proxy_failed (FdS5bNegotiation *n, FdS5bFailure failure, const char *cid)
{
  fd_row (&n->rows, n->state == FD_S5B_ACTIVATING ? 27 : 29);
  fd_s5b_say (n, FD_S5B_PROXY_ERROR, cid);
  fd_s5b_failed (n, failure, cid);
}

static void
ready (FdS5bNegotiation *n)
{
  /* An offer of nothing by one that dials nothing leads nowhere. */
  if (n->rules.initiator && n->rules.hidden && !n->offer.gathering && n->offer.offered->len == 0)
    {
      fd_s5b_failed (n, FD_S5B_FAIL_NOTHING_TO_OFFER, NULL);
      return;
    }
  if (n->rules.initiator)
    fd_row (&n->rows, 2);
  n->state = FD_S5B_OFFERED;
  fd_s5b_disarm (n, FD_S5B_TIMER_GATHER);
  fd_s5b_offer_close (&n->offer);
  fd_s5b_push (n, FD_S5B_DO_READY, NULL);
}

static void
start (FdS5bNegotiation *n, gint64 now)
{
  gint64 peer_time = FD_T_PEER_BASE + (gint64) FD_T_PEER_EACH * n->offer.offered->len;

  if (n->state >= FD_S5B_NEGOTIATE)
    return;
  n->state = FD_S5B_NEGOTIATE;
  fd_s5b_disarm (n, FD_S5B_TIMER_GATHER);
  n->dials.next = n->patience_from = now;
  n->hold_until = now + FD_MS (FD_T_HOLD);
  fd_s5b_arm (n, FD_S5B_TIMER_PEER, now + FD_MS (CLAMP (peer_time, FD_T_PEER_MIN, FD_T_PEER_MAX)));
}

static void
gather (FdS5bNegotiation *n, gint64 now)
{
  if (n->state != FD_S5B_NEW)
    return;
  if (n->rules.initiator)
    fd_row (&n->rows, 1);
  n->state = FD_S5B_GATHER;
  n->offer.gathering = TRUE;
  fd_s5b_arm (n, FD_S5B_TIMER_GATHER, now + FD_MS (FD_T_GATHER));
}

static void
gathered (FdS5bNegotiation *n)
{
  n->offer.gathering = FALSE;
  if (n->state == FD_S5B_GATHER)
    ready (n);
}

/* An initiator gets its first candidates with the answer, which its session
 * knows; what else comes before the start was trickled. */
static void
add_remote (FdS5bNegotiation *n, const FdS5bCandidate *candidate, gint64 now)
{
  /* Only iris leaves out the jid, and it takes candidates at any time. */
  if (candidate->type != FD_S5B_PROXY && !candidate->jid)
    n->rules.trickle = TRUE;
  if (n->state > FD_S5B_NEGOTIATE || !fd_s5b_dials_add (&n->dials, candidate))
    return;
  n->hold_until = now + FD_MS (FD_T_HOLD);
  if (n->state == FD_S5B_NEGOTIATE)
    fd_row (&n->rows, 13);
  else if (!n->rules.initiator)
    fd_row (&n->rows, n->state == FD_S5B_NEW ? 4 : 8);
}

/* A responder marks its candidates if the offer does. */
static void
remote_mark (FdS5bNegotiation *n, FdS5bMark mark)
{
  n->mark = MAX (n->mark, mark);
  if (!n->rules.initiator && n->state < FD_S5B_OFFERED)
    n->rules.mark = TRUE;
}

static gboolean
peer_used (FdS5bNegotiation *n, const char *cid)
{
  FdS5bOffered *offered = fd_s5b_offer_find (&n->offer, cid);

  if (!offered)
    {
      fd_row (&n->rows, 15);
      return FALSE;
    }
  if (n->state > FD_S5B_NEGOTIATE)
    return TRUE;
  if (n->theirs != FD_S5B_SAID_NOTHING)
    fd_row (&n->rows, 16);
  else if (n->state == FD_S5B_NEGOTIATE)
    fd_row (&n->rows, 14);

  /* After a candidate-error too: iris may find a late candidate that works. */
  if (n->theirs != FD_S5B_SAID_USED)
    {
      n->theirs = FD_S5B_SAID_USED;
      n->picked = offered;
    }
  return TRUE;
}

/* One that was said before the peer had our late candidates does not count: it
 * dials them, and tells. */
static void
peer_error (FdS5bNegotiation *n)
{
  if (n->offer.sent > 1 && !fd_s5b_offer_is_known (&n->offer, n->rules.initiator))
    return;
  if (n->theirs != FD_S5B_SAID_NOTHING)
    {
      fd_row (&n->rows, 16); /* iris: a better candidate won over its first */
      return;
    }
  if (n->state == FD_S5B_NEGOTIATE)
    fd_row (&n->rows, 17);
  n->theirs = FD_S5B_SAID_ERROR;
}

/* Conversations as initiator says nothing but this. */
static void
peer_activated (FdS5bNegotiation *n, const char *cid)
{
  FdS5bDial *remote = cid ? fd_s5b_dials_find (&n->dials, cid) : n->chosen;

  if ((n->state != FD_S5B_NEGOTIATE && n->state != FD_S5B_WAIT_ACT) || !remote || !remote->proxy
      || remote->state != FD_S5B_DIAL_OK)
    return;
  fd_row (&n->rows, n->state == FD_S5B_WAIT_ACT ? 28 : 30);
  fd_s5b_connected (n, FD_S5B_FROM_DIALED, remote->cid);
}

/* Before our own choice it can only be a mistake: nothing is nominated. */
static void
peer_proxy_error (FdS5bNegotiation *n, const char *cid)
{
  if (n->ours != FD_S5B_SAID_USED && n->state <= FD_S5B_NEGOTIATE)
    return;
  if (cid && !fd_s5b_offer_find (&n->offer, cid) && !fd_s5b_dials_find (&n->dials, cid))
    return;
  if (n->state == FD_S5B_WAIT_ACT)
    fd_row (&n->rows, 29);
  fd_s5b_failed (n, FD_S5B_FAIL_PEER_PROXY_ERROR, cid);
}

static gboolean
notified (FdS5bNegotiation *n, FdS5bKind kind, const char *cid)
{
  if (n->state < FD_S5B_NEGOTIATE)
    fd_row (&n->rows, 9);
  switch (kind)
    {
    case FD_S5B_CANDIDATE_USED:
      return peer_used (n, cid);
    case FD_S5B_CANDIDATE_ERROR:
      peer_error (n);
      return TRUE;
    case FD_S5B_ACTIVATED:
      peer_activated (n, cid);
      return TRUE;
    case FD_S5B_PROXY_ERROR:
      peer_proxy_error (n, cid);
      return TRUE;
    case FD_S5B_CANDIDATES:
    default:
      return TRUE;
    }
}

static void
dial_ended (FdS5bNegotiation *n, FdS5bEventType type, const char *cid, gint64 now)
{
  FdS5bDial *remote = fd_s5b_dials_find (&n->dials, cid);

  g_return_if_fail (remote);
  if (type == FD_S5B_EV_DIALED && remote->state == FD_S5B_DIAL_RUNNING)
    {
      remote->state = FD_S5B_DIAL_OK;
    }
  else if (type == FD_S5B_EV_DIAL_FAILED && remote->state == FD_S5B_DIAL_RUNNING)
    {
      remote->state = FD_S5B_DIAL_DEAD;
      n->dials.next = now;
    }
  else if (type == FD_S5B_EV_DIAL_CLOSED && remote->state == FD_S5B_DIAL_OK)
    {
      /* The peer was told of it, so the end of a short file may have come before
       * the word that begins it. */
      if (remote != n->chosen)
        remote->state = FD_S5B_DIAL_DEAD;
      else
        remote->closed = TRUE;
      if (n->state == FD_S5B_WAIT_ACT && remote == n->chosen)
        fd_s5b_arm (n, FD_S5B_TIMER_ACTIVATION, now + FD_MS (FD_T_ACTIVATED));
    }
}

static void
incoming (FdS5bNegotiation *n, const char *cid)
{
  FdS5bOffered *offered = fd_s5b_offer_find (&n->offer, cid);

  g_return_if_fail (offered);
  offered->sockets++;
}

static void
activation_ended (FdS5bNegotiation *n, gboolean active)
{
  if (n->state != FD_S5B_ACTIVATING)
    return;
  if (!active)
    {
      proxy_failed (n, FD_S5B_FAIL_ACTIVATION, n->picked->cid);
      return;
    }
  fd_row (&n->rows, 26);
  fd_s5b_say (n, FD_S5B_ACTIVATED, n->picked->cid);
  fd_s5b_connected (n, FD_S5B_FROM_ACTIVATED, n->picked->cid);
}

static void
better_expired (FdS5bNegotiation *n)
{
  n->impatient = TRUE;
}

/* Silence is taken for candidate-error: the peer accepted our SOCKS5 request, or
 * it reached nothing. */
static void
peer_expired (FdS5bNegotiation *n)
{
  n->over = n->impatient = TRUE;
  if (n->theirs != FD_S5B_SAID_NOTHING)
    return;
  fd_row (&n->rows, n->ours == FD_S5B_SAID_USED && !n->chosen->proxy ? 31 : 32);
  n->theirs = FD_S5B_SAID_ERROR;
}

static void
socket_expired (FdS5bNegotiation *n)
{
  if (fd_s5b_is_picked (n))
    return;
  fd_row (&n->rows, 23);
  n->theirs = FD_S5B_SAID_ERROR;
  n->picked = NULL;
}

static void
activation_expired (FdS5bNegotiation *n)
{
  if (n->state == FD_S5B_ACTIVATING)
    proxy_failed (n, FD_S5B_FAIL_ACTIVATION_TIMEOUT, n->picked->cid);
  else
    proxy_failed (n, n->chosen->closed ? FD_S5B_FAIL_PROXY_CLOSED : FD_S5B_FAIL_ACTIVATION_TIMEOUT,
                  n->chosen->cid);
}

/* All timers; step() follows each of them. */
static void (*const on_expired[FD_S5B_N_TIMERS]) (FdS5bNegotiation *n) = {
  [FD_S5B_TIMER_GATHER] = ready,
  [FD_S5B_TIMER_STAGGER] = NULL,
  [FD_S5B_TIMER_BETTER] = better_expired,
  [FD_S5B_TIMER_HOLD] = NULL,
  [FD_S5B_TIMER_PEER] = peer_expired,
  [FD_S5B_TIMER_SOCKET] = socket_expired,
  [FD_S5B_TIMER_ACTIVATION] = activation_expired,
};

static void
run_timers (FdS5bNegotiation *n, gint64 now)
{
  for (guint i = 0; i < FD_S5B_N_TIMERS; i++)
    {
      if (n->timers[i] > now)
        continue;
      fd_s5b_disarm (n, i);
      if (on_expired[i])
        on_expired[i](n);
    }
}

/* What comes when all is said and done is harmless. */
static void
too_late (FdS5bNegotiation *n, FdS5bEventType type)
{
  if (n->state == FD_S5B_FAILED && type == FD_S5B_EV_NOTIFIED)
    fd_row (&n->rows, 41);
  if (n->state == FD_S5B_CONNECTED && (type == FD_S5B_EV_NOTIFIED || type == FD_S5B_EV_REMOTE))
    fd_row (&n->rows, 43);
}

/* FALSE for a candidate-used that names none of ours. */
static gboolean
take (FdS5bNegotiation *n, const FdS5bEvent *event, gint64 now)
{
  switch (event->type)
    {
    case FD_S5B_EV_TIME:
      run_timers (n, now);
      return TRUE;
    case FD_S5B_EV_GATHER:
      gather (n, now);
      return TRUE;
    case FD_S5B_EV_GATHERED:
      gathered (n);
      return TRUE;
    case FD_S5B_EV_LOCAL:
      fd_s5b_offer_add (&n->offer, event->candidate, n->state >= FD_S5B_OFFERED);
      return TRUE;
    case FD_S5B_EV_REMOTE:
      add_remote (n, event->candidate, now);
      return TRUE;
    case FD_S5B_EV_REMOTE_FOLLOW:
    case FD_S5B_EV_REMOTE_DONE:
      remote_mark (n, event->type == FD_S5B_EV_REMOTE_DONE ? FD_S5B_MARK_DONE : FD_S5B_MARK_FOLLOW);
      return TRUE;
    case FD_S5B_EV_START:
      start (n, now);
      return TRUE;
    case FD_S5B_EV_ACKED:
      fd_s5b_offer_acked (&n->offer);
      return TRUE;
    case FD_S5B_EV_DIALED:
    case FD_S5B_EV_DIAL_FAILED:
    case FD_S5B_EV_DIAL_CLOSED:
      dial_ended (n, event->type, event->cid, now);
      return TRUE;
    case FD_S5B_EV_INCOMING:
      incoming (n, event->cid);
      return TRUE;
    case FD_S5B_EV_NOTIFIED:
      return notified (n, event->kind, event->cid);
    case FD_S5B_EV_ACTIVATED:
    case FD_S5B_EV_ACTIVATION_FAILED:
      activation_ended (n, event->type == FD_S5B_EV_ACTIVATED);
      return TRUE;
    default:
      g_return_val_if_reached (TRUE);
    }
}

FdS5bNegotiation *
fd_s5b_negotiation_new (const FdS5bRules *rules)
{
  FdS5bNegotiation *n = g_new0 (FdS5bNegotiation, 1);

  n->rules = *rules;
  fd_s5b_dials_init (&n->dials);
  fd_s5b_offer_init (&n->offer);
  g_queue_init (&n->actions);
  for (guint i = 0; i < FD_S5B_N_TIMERS; i++)
    fd_s5b_disarm (n, i);
  return n;
}

void
fd_s5b_negotiation_free (FdS5bNegotiation *n)
{
  if (!n)
    return;
  fd_s5b_dials_clear (&n->dials);
  fd_s5b_offer_clear (&n->offer);
  g_queue_clear_full (&n->actions, (GDestroyNotify) fd_s5b_action_free);
  g_free (n);
}

gboolean
fd_s5b_negotiation_feed (FdS5bNegotiation *n, const FdS5bEvent *event, gint64 now)
{
  gboolean known;

  if (n->state >= FD_S5B_CONNECTED)
    {
      too_late (n, event->type);
      return TRUE;
    }
  known = take (n, event, now);
  fd_s5b_step (n, now);
  return known;
}

FdS5bAction *
fd_s5b_negotiation_next (FdS5bNegotiation *n)
{
  return g_queue_pop_head (&n->actions);
}

gboolean
fd_s5b_negotiation_is_idle (const FdS5bNegotiation *n)
{
  return n->actions.length == 0;
}

gint64
fd_s5b_negotiation_deadline (const FdS5bNegotiation *n)
{
  gint64 deadline = G_MAXINT64;

  for (guint i = 0; i < FD_S5B_N_TIMERS; i++)
    deadline = MIN (deadline, n->timers[i]);
  return deadline;
}

FdS5bState
fd_s5b_negotiation_get_state (const FdS5bNegotiation *n)
{
  return n->state;
}

gboolean
fd_s5b_negotiation_is_complete (const FdS5bNegotiation *n)
{
  return n->offer.complete;
}

FdRows
fd_s5b_negotiation_get_rows (const FdS5bNegotiation *n)
{
  return n->rows;
}

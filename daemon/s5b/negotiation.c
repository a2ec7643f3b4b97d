/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The S5B negotiation machine (XEP-0260 §2.3, §2.4): whom to dial when, what
 * to tell the peer, which candidate is nominated, who activates a proxy.
 */
#include "s5b/negotiation.h"
#include "s5b/dials.h"

/* A slow server must not delay the offer; caches make this 0. */
#define GATHER_TIME FD_S5B_MS (1500)
/* How long a success waits for a better dial that is in flight. */
#define BETTER_TIME FD_S5B_MS (400)
/* Psi sends its proxies after its answer: no candidate-error before that. */
#define HOLD_TIME FD_S5B_MS (4000)
/* The peer dials ours one by one, 3 to 10 s each. */
#define PEER_TIME_BASE FD_S5B_MS (10000)
#define PEER_TIME_EACH FD_S5B_MS (10000)
#define PEER_TIME_MIN FD_S5B_MS (20000)
#define PEER_TIME_MAX FD_S5B_MS (60000)
/* The XMPP stream and a socket overtake each other: candidate-used comes before our
 * listener has read the socket, the end of a short file before activated. */
#define SOCKET_TIME FD_S5B_MS (2000)
#define ACTIVATION_TIME FD_S5B_MS (30000)

typedef enum
{
  TIMER_GATHER,
  TIMER_STAGGER,
  TIMER_BETTER,
  TIMER_HOLD,
  TIMER_PEER,
  TIMER_SOCKET,
  TIMER_ACTIVATION,
  N_TIMERS
} Timer;

typedef struct
{
  char *cid;
  guint32 priority;
  gboolean proxy;
  guint sockets; /* authenticated by the listener of this candidate */
} Local;

typedef enum
{
  SAID_NOTHING,
  SAID_USED,
  SAID_ERROR,
} Said;

struct FdS5bNegotiation
{
  FdS5bState state;
  gboolean initiator;
  gboolean expect_mark, mark_seen;
  FdS5bDials dials; /* the peer's candidates */
  GPtrArray *locals; /* Local */
  Said ours, theirs; /* notifications */
  FdS5bDial *chosen; /* if ours is USED */
  Local *picked; /* if theirs is USED */
  gboolean impatient; /* TIMER_BETTER is over: take what there is */
  gboolean over; /* TIMER_PEER is over: decide now */
  gint64 hold_until; /* no candidate-error on our own before */
  gint64 patience_from; /* a proxy is not taken before */
  gint64 timers[N_TIMERS]; /* when they expire, G_MAXINT64 if not armed */
  GQueue actions; /* FdS5bAction */
};

static void
local_free (gpointer data)
{
  g_free (((Local *) data)->cid);
  g_free (data);
}

void
fd_s5b_action_free (FdS5bAction *action)
{
  if (!action)
    return;
  g_free (action->cid);
  g_free (action);
}

static FdS5bAction *
push (FdS5bNegotiation *n, FdS5bActionType type, const char *cid)
{
  FdS5bAction *action = g_new0 (FdS5bAction, 1);

  action->type = type;
  action->cid = g_strdup (cid);
  g_queue_push_tail (&n->actions, action);
  return action;
}

static void
say (FdS5bNegotiation *n, FdS5bKind kind, const char *cid)
{
  push (n, FD_S5B_DO_SEND, cid)->kind = kind;
}

static void
arm (FdS5bNegotiation *n, Timer timer, gint64 when)
{
  n->timers[timer] = when;
}

static void
disarm (FdS5bNegotiation *n, Timer timer)
{
  n->timers[timer] = G_MAXINT64;
}

static Local *
find_local (FdS5bNegotiation *n, const char *cid)
{
  for (guint i = 0; cid && i < n->locals->len; i++)
    {
      Local *local = n->locals->pdata[i];

      if (g_str_equal (local->cid, cid))
        return local;
    }
  return NULL;
}

/* Gives up the open dials that are not above @floor. */
static void
drop_dials (FdS5bNegotiation *n, gint64 floor)
{
  FdS5bDial *dial;
  gboolean running;

  while ((dial = fd_s5b_dials_drop (&n->dials, floor, &running)))
    {
      if (running)
        push (n, FD_S5B_DO_UNDIAL, dial->cid);
    }
}

/* Moves on from NEGOTIATE: no dial and no timer is needed any more. */
static void
enter (FdS5bNegotiation *n, FdS5bState state)
{
  n->state = state;
  for (guint i = 0; i < N_TIMERS; i++)
    disarm (n, i);
  drop_dials (n, G_MAXINT64);
}

static void
connected (FdS5bNegotiation *n, FdS5bSource source, const char *cid)
{
  enter (n, FD_S5B_CONNECTED);
  push (n, FD_S5B_DO_CONNECTED, cid)->source = source;
}

static void
failed (FdS5bNegotiation *n, FdS5bFailure failure, const char *cid)
{
  enter (n, FD_S5B_FAILED);
  push (n, FD_S5B_DO_FAILED, cid)->failure = failure;
}

/* The nominated proxy is of no use, whoever offered it. */
static void
proxy_failed (FdS5bNegotiation *n, FdS5bFailure failure, const char *cid)
{
  say (n, FD_S5B_PROXY_ERROR, cid);
  failed (n, failure, cid);
}

static void
ready (FdS5bNegotiation *n)
{
  n->state = FD_S5B_OFFERED;
  disarm (n, TIMER_GATHER);
  push (n, FD_S5B_DO_READY, NULL);
}

/* Where the socket of a direct candidate of ours is to be found: at its own
 * listener, or, with one socket in all, wherever that came in. */
static const Local *
socket_for (FdS5bNegotiation *n, const Local *wanted)
{
  const Local *only = NULL;
  guint sockets = 0;

  if (wanted->sockets > 0)
    return wanted;
  for (guint i = 0; i < n->locals->len; i++)
    {
      const Local *local = n->locals->pdata[i];

      sockets += local->sockets;
      if (local->sockets > 0)
        only = local;
    }
  return sockets == 1 ? only : NULL;
}

/* The peer's choice is one that will work. */
static gboolean
is_picked (FdS5bNegotiation *n)
{
  return n->theirs == SAID_USED && (n->picked->proxy || socket_for (n, n->picked));
}

/* A dial is of use only if it could be nominated in place of what there is. */
static void
prune (FdS5bNegotiation *n)
{
  const FdS5bDial *best = fd_s5b_dials_best (&n->dials);
  gint64 floor = best ? (gint64) best->priority : -1;

  if (is_picked (n))
    floor = MAX (floor, n->picked->priority);
  if (n->over || n->ours == SAID_USED)
    floor = G_MAXINT64;
  drop_dials (n, floor);
}

static void
dial (FdS5bNegotiation *n, gint64 now)
{
  FdS5bDial *next;
  gint64 due;

  while ((next = fd_s5b_dials_start (&n->dials, now, &due)))
    push (n, FD_S5B_DO_DIAL, next->cid);
  arm (n, TIMER_STAGGER, due);
}

static void
say_used (FdS5bNegotiation *n, FdS5bDial *remote)
{
  n->ours = SAID_USED;
  n->chosen = remote;
  say (n, FD_S5B_CANDIDATE_USED, remote->cid);
  prune (n);
}

static void
say_error (FdS5bNegotiation *n)
{
  n->ours = SAID_ERROR;
  say (n, FD_S5B_CANDIDATE_ERROR, NULL);
}

/* Something works and something better is being tried: not for long. A proxy
 * leaves direct dials the time that a proxy is behind them, too. */
static void
wait_for_better (FdS5bNegotiation *n, gboolean proxy, gint64 now)
{
  gint64 until = now + BETTER_TIME;

  if (proxy)
    until = MAX (until, n->patience_from + FD_S5B_PROXY_DELAY + BETTER_TIME);
  arm (n, TIMER_BETTER, MIN (until, n->timers[TIMER_BETTER]));
}

/* Says candidate-used or candidate-error as soon as that is certain. */
static void
decide (FdS5bNegotiation *n, gint64 now)
{
  FdS5bDial *best = fd_s5b_dials_best (&n->dials);
  gboolean dialing = fd_s5b_dials_is_open (&n->dials);

  disarm (n, TIMER_HOLD);
  if (n->ours == SAID_USED)
    return;

  if (is_picked (n) && best && best->priority <= n->picked->priority)
    best = NULL; /* it would lose: let the peer's choice stand alone */

  if (best || is_picked (n))
    {
      if (dialing && !n->impatient)
        wait_for_better (n, best ? best->proxy : n->picked->proxy, now);
      else if (best)
        say_used (n, best);
      else if (n->ours == SAID_NOTHING)
        say_error (n);
      return;
    }

  if (dialing || n->ours == SAID_ERROR)
    return;
  if (n->over || n->theirs != SAID_NOTHING || n->mark_seen || (!n->expect_mark && now >= n->hold_until))
    say_error (n);
  else if (!n->expect_mark)
    arm (n, TIMER_HOLD, n->hold_until);
}

static void
nominate_remote (FdS5bNegotiation *n, FdS5bDial *remote, gint64 now)
{
  if (remote->state != FD_S5B_DIAL_OK)
    {
      proxy_failed (n, FD_S5B_FAIL_PROXY_CLOSED, remote->cid);
    }
  else if (remote->proxy)
    {
      enter (n, FD_S5B_WAIT_ACT);
      arm (n, TIMER_ACTIVATION, now + (remote->closed ? SOCKET_TIME : ACTIVATION_TIME));
    }
  else
    {
      connected (n, FD_S5B_FROM_DIALED, remote->cid);
    }
}

static void
nominate_local (FdS5bNegotiation *n, Local *local, gint64 now)
{
  const Local *reached = socket_for (n, local);

  if (local->proxy)
    {
      enter (n, FD_S5B_ACTIVATING);
      push (n, FD_S5B_DO_ACTIVATE, local->cid);
      arm (n, TIMER_ACTIVATION, now + ACTIVATION_TIME);
    }
  else if (reached)
    {
      connected (n, FD_S5B_FROM_INCOMING, reached->cid);
    }
  /* else TIMER_SOCKET runs */
}

/* XEP-0260 §2.4 */
static void
nominate (FdS5bNegotiation *n, gint64 now)
{
  gboolean take_ours;

  if (n->ours == SAID_NOTHING || n->theirs == SAID_NOTHING)
    return;
  if (n->ours == SAID_ERROR && n->theirs == SAID_ERROR)
    {
      failed (n, FD_S5B_FAIL_NO_PATH, NULL);
      return;
    }

  if (n->ours == SAID_ERROR || n->theirs == SAID_ERROR)
    take_ours = n->ours == SAID_USED;
  else if (n->chosen->priority != n->picked->priority)
    take_ours = n->chosen->priority > n->picked->priority;
  else
    take_ours = n->initiator;

  if (take_ours)
    nominate_remote (n, n->chosen, now);
  else
    nominate_local (n, n->picked, now);
}

/* Does whatever follows from what is known. */
static void
step (FdS5bNegotiation *n, gint64 now)
{
  if (n->state != FD_S5B_NEGOTIATE)
    return;
  prune (n);
  dial (n, now);
  decide (n, now);
  nominate (n, now);
}

static void
start (FdS5bNegotiation *n, gint64 now)
{
  gint64 peer_time = PEER_TIME_BASE + PEER_TIME_EACH * n->locals->len;

  if (n->state >= FD_S5B_NEGOTIATE)
    return;
  n->state = FD_S5B_NEGOTIATE;
  disarm (n, TIMER_GATHER);
  n->dials.next = n->patience_from = now;
  n->hold_until = now + HOLD_TIME;
  arm (n, TIMER_PEER, now + CLAMP (peer_time, PEER_TIME_MIN, PEER_TIME_MAX));
  step (n, now);
}

static void
add_local (FdS5bNegotiation *n, const FdS5bCandidate *candidate)
{
  Local *local = g_new0 (Local, 1);

  local->cid = g_strdup (candidate->cid);
  local->priority = candidate->priority;
  local->proxy = candidate->type == FD_S5B_PROXY;
  g_ptr_array_add (n->locals, local);
}

static void
add_remote (FdS5bNegotiation *n, const FdS5bCandidate *candidate, gint64 now)
{
  if (n->state <= FD_S5B_NEGOTIATE && fd_s5b_dials_add (&n->dials, candidate))
    n->hold_until = now + HOLD_TIME;
}

static gboolean
peer_used (FdS5bNegotiation *n, const char *cid, gint64 now)
{
  Local *local = find_local (n, cid);

  if (!local)
    return FALSE;
  if (n->state > FD_S5B_NEGOTIATE || n->theirs == SAID_USED)
    return TRUE;

  /* After a candidate-error too: iris may find a late candidate that works. */
  n->theirs = SAID_USED;
  n->picked = local;
  if (!is_picked (n))
    arm (n, TIMER_SOCKET, now + SOCKET_TIME);
  return TRUE;
}

/* Conversations as initiator says nothing but this. */
static void
peer_activated (FdS5bNegotiation *n, const char *cid)
{
  FdS5bDial *remote = cid ? fd_s5b_dials_find (&n->dials, cid) : n->chosen;

  if ((n->state == FD_S5B_NEGOTIATE || n->state == FD_S5B_WAIT_ACT) && remote && remote->proxy
      && remote->state == FD_S5B_DIAL_OK)
    connected (n, FD_S5B_FROM_DIALED, remote->cid);
}

static gboolean
notified (FdS5bNegotiation *n, FdS5bKind kind, const char *cid, gint64 now)
{
  switch (kind)
    {
    case FD_S5B_CANDIDATE_USED:
      return peer_used (n, cid, now);
    case FD_S5B_CANDIDATE_ERROR:
      if (n->theirs == SAID_NOTHING)
        n->theirs = SAID_ERROR;
      return TRUE;
    case FD_S5B_ACTIVATED:
      peer_activated (n, cid);
      return TRUE;
    case FD_S5B_PROXY_ERROR:
      if (n->ours == SAID_USED || n->state > FD_S5B_NEGOTIATE)
        failed (n, FD_S5B_FAIL_PEER_PROXY_ERROR, cid);
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
      if (remote != n->chosen)
        remote->state = FD_S5B_DIAL_DEAD;
      else
        remote->closed = TRUE;
      if (n->state == FD_S5B_WAIT_ACT && remote == n->chosen)
        arm (n, TIMER_ACTIVATION, now + SOCKET_TIME);
    }
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
  say (n, FD_S5B_ACTIVATED, n->picked->cid);
  connected (n, FD_S5B_FROM_ACTIVATED, n->picked->cid);
}

static void
better_expired (FdS5bNegotiation *n)
{
  n->impatient = TRUE;
}

static void
peer_expired (FdS5bNegotiation *n)
{
  n->over = n->impatient = TRUE;
  if (n->theirs == SAID_NOTHING)
    n->theirs = SAID_ERROR;
}

static void
socket_expired (FdS5bNegotiation *n)
{
  if (is_picked (n))
    return;
  n->theirs = SAID_ERROR;
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
static void (*const on_expired[N_TIMERS]) (FdS5bNegotiation *n) = {
  [TIMER_GATHER] = ready,
  [TIMER_STAGGER] = NULL,
  [TIMER_BETTER] = better_expired,
  [TIMER_HOLD] = NULL,
  [TIMER_PEER] = peer_expired,
  [TIMER_SOCKET] = socket_expired,
  [TIMER_ACTIVATION] = activation_expired,
};

static void
run_timers (FdS5bNegotiation *n, gint64 now)
{
  for (guint i = 0; i < N_TIMERS; i++)
    {
      if (n->timers[i] > now)
        continue;
      disarm (n, i);
      if (on_expired[i])
        on_expired[i](n);
    }
}

FdS5bNegotiation *
fd_s5b_negotiation_new (gboolean initiator, gboolean expect_mark)
{
  FdS5bNegotiation *n = g_new0 (FdS5bNegotiation, 1);

  n->initiator = initiator;
  n->expect_mark = expect_mark;
  fd_s5b_dials_init (&n->dials);
  n->locals = g_ptr_array_new_with_free_func (local_free);
  g_queue_init (&n->actions);
  for (guint i = 0; i < N_TIMERS; i++)
    disarm (n, i);
  return n;
}

void
fd_s5b_negotiation_free (FdS5bNegotiation *n)
{
  if (!n)
    return;
  fd_s5b_dials_clear (&n->dials);
  g_ptr_array_unref (n->locals);
  g_queue_clear_full (&n->actions, (GDestroyNotify) fd_s5b_action_free);
  g_free (n);
}

gboolean
fd_s5b_negotiation_feed (FdS5bNegotiation *n, const FdS5bEvent *event, gint64 now)
{
  gboolean known = TRUE;
  Local *local;

  if (n->state >= FD_S5B_CONNECTED)
    return TRUE; /* late, harmless */

  switch (event->type)
    {
    case FD_S5B_EV_TIME:
      run_timers (n, now);
      break;
    case FD_S5B_EV_GATHER:
      if (n->state != FD_S5B_NEW)
        break;
      n->state = FD_S5B_GATHER;
      arm (n, TIMER_GATHER, now + GATHER_TIME);
      break;
    case FD_S5B_EV_GATHERED:
      if (n->state == FD_S5B_GATHER)
        ready (n);
      break;
    case FD_S5B_EV_LOCAL:
      add_local (n, event->candidate);
      break;
    case FD_S5B_EV_REMOTE:
      add_remote (n, event->candidate, now);
      break;
    case FD_S5B_EV_REMOTE_DONE:
      n->mark_seen = TRUE;
      break;
    case FD_S5B_EV_START:
      start (n, now);
      break;
    case FD_S5B_EV_DIALED:
    case FD_S5B_EV_DIAL_FAILED:
    case FD_S5B_EV_DIAL_CLOSED:
      dial_ended (n, event->type, event->cid, now);
      break;
    case FD_S5B_EV_INCOMING:
      local = find_local (n, event->cid);
      g_return_val_if_fail (local, TRUE);
      local->sockets++;
      break;
    case FD_S5B_EV_NOTIFIED:
      known = notified (n, event->kind, event->cid, now);
      break;
    case FD_S5B_EV_ACTIVATED:
    case FD_S5B_EV_ACTIVATION_FAILED:
      activation_ended (n, event->type == FD_S5B_EV_ACTIVATED);
      break;
    default:
      g_return_val_if_reached (TRUE);
    }
  step (n, now);
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

  for (guint i = 0; i < N_TIMERS; i++)
    deadline = MIN (deadline, n->timers[i]);
  return deadline;
}

FdS5bState
fd_s5b_negotiation_get_state (const FdS5bNegotiation *n)
{
  return n->state;
}

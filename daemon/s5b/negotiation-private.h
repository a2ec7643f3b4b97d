/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The negotiation machine inside: its state, and the ways out of it that its
 * two files share. negotiation.c takes events, nomination.c draws conclusions.
 */
#pragma once

#include "s5b/dials.h"
#include "s5b/negotiation.h"
#include "s5b/offer.h"
#include "s5b/timers.h"

typedef enum
{
  FD_S5B_TIMER_GATHER,
  FD_S5B_TIMER_STAGGER,
  FD_S5B_TIMER_BETTER,
  FD_S5B_TIMER_HOLD,
  FD_S5B_TIMER_PEER,
  FD_S5B_TIMER_SOCKET,
  FD_S5B_TIMER_ACTIVATION,
  FD_S5B_N_TIMERS
} FdS5bTimer;

typedef enum
{
  FD_S5B_SAID_NOTHING,
  FD_S5B_SAID_USED,
  FD_S5B_SAID_ERROR,
} FdS5bSaid;

struct FdS5bNegotiation
{
  FdS5bState state;
  FdS5bRules rules;
  FdRows rows;
  FdS5bDials dials; /* the peer's candidates */
  FdS5bMark mark; /* what the peer says of those to come */
  FdS5bOffer offer; /* ours */
  FdS5bSaid ours, theirs; /* notifications */
  FdS5bDial *chosen; /* if ours is USED */
  FdS5bOffered *picked; /* if theirs is USED */
  gboolean impatient; /* FD_S5B_TIMER_BETTER is over: take what there is */
  gboolean over; /* FD_S5B_TIMER_PEER is over: decide now */
  gint64 hold_until; /* no candidate-error on our own before */
  gint64 patience_from; /* a proxy is not taken before */
  gint64 timers[FD_S5B_N_TIMERS]; /* when they expire, G_MAXINT64 if not armed */
  GQueue actions; /* FdS5bAction */
};

/* Queue an action. */
FdS5bAction *fd_s5b_push (FdS5bNegotiation *n, FdS5bActionType type, const char *cid);
FdS5bAction *fd_s5b_say (FdS5bNegotiation *n, FdS5bKind kind, const char *cid);

void fd_s5b_arm (FdS5bNegotiation *n, FdS5bTimer timer, gint64 when);
void fd_s5b_disarm (FdS5bNegotiation *n, FdS5bTimer timer);

/* Gives up the open dials that are not above @floor. */
void fd_s5b_drop_dials (FdS5bNegotiation *n, gint64 floor);

/* Moves on from NEGOTIATE: no dial and no timer is needed any more. */
void fd_s5b_enter (FdS5bNegotiation *n, FdS5bState state);
void fd_s5b_connected (FdS5bNegotiation *n, FdS5bSource source, const char *cid);
void fd_s5b_failed (FdS5bNegotiation *n, FdS5bFailure failure, const char *cid);

/* The peer's choice is one that will work. */
gboolean fd_s5b_is_picked (FdS5bNegotiation *n);

/* Does whatever follows from what is known (nomination.c). */
void fd_s5b_step (FdS5bNegotiation *n, gint64 now);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The negotiation of one S5B transport (XEP-0260 §2.3, §2.4) as a machine
 * without I/O: events and the time go in, actions come out of a queue. It knows
 * candidates by cid and priority only; its driver owns sockets and addresses.
 */
#pragma once

#include "s5b/info.h"
#include "s5b/rows.h"

typedef struct FdS5bNegotiation FdS5bNegotiation;

typedef enum
{
  FD_S5B_NEW,
  FD_S5B_GATHER, /* collecting our candidates */
  FD_S5B_OFFERED, /* collected; the session decides when it starts */
  FD_S5B_NEGOTIATE, /* both sides dial and notify */
  FD_S5B_ACTIVATING, /* our proxy was nominated */
  FD_S5B_WAIT_ACT, /* the peer's proxy was nominated */
  FD_S5B_CONNECTED,
  FD_S5B_FAILED,
} FdS5bState;

typedef enum
{
  FD_S5B_EV_TIME, /* nothing happened but time */
  FD_S5B_EV_GATHER, /* the driver starts to collect */
  FD_S5B_EV_GATHERED, /* … and has all it can get; may come after READY */
  FD_S5B_EV_LOCAL, /* candidate: it is in our offer, or, after that, it came too late for it */
  FD_S5B_EV_REMOTE, /* candidate: the peer offers it, at any time */
  FD_S5B_EV_REMOTE_FOLLOW, /* the peer will mark its last candidate … */
  FD_S5B_EV_REMOTE_DONE, /* … and has: no more of them */
  FD_S5B_EV_START, /* offer and answer are out */
  FD_S5B_EV_ACKED, /* the peer has, or refused, the oldest unanswered stanza with candidates of ours:
                    * offer or answer, or SEND of CANDIDATES */
  FD_S5B_EV_DIALED, /* cid: SOCKS handshake done with the peer's candidate */
  FD_S5B_EV_DIAL_FAILED, /* cid */
  FD_S5B_EV_DIAL_CLOSED, /* cid: the peer's proxy dropped us again */
  FD_S5B_EV_INCOMING, /* cid: a socket was authenticated by our listener */
  FD_S5B_EV_NOTIFIED, /* kind, cid: the peer's notification */
  FD_S5B_EV_ACTIVATED, /* our proxy is active */
  FD_S5B_EV_ACTIVATION_FAILED,
} FdS5bEventType;

typedef struct
{
  FdS5bEventType type;
  const char *cid;
  FdS5bKind kind;
  const FdS5bCandidate *candidate;
} FdS5bEvent;

typedef enum
{
  FD_S5B_DO_READY, /* send what is collected */
  FD_S5B_DO_DIAL, /* cid: connect to it; answer DIALED or DIAL_FAILED */
  FD_S5B_DO_UNDIAL, /* cid: give up on it, no answer */
  FD_S5B_DO_SEND, /* kind, cid; CANDIDATES: cid, or NULL for the mark alone; last */
  FD_S5B_DO_ACTIVATE, /* cid: connect to our proxy, activate it; answer ACTIVATED or ACTIVATION_FAILED */
  FD_S5B_DO_CONNECTED, /* source, cid: here is the stream */
  FD_S5B_DO_FAILED, /* failure */
} FdS5bActionType;

typedef enum
{
  FD_S5B_FROM_DIALED, /* the socket that DIALED for cid */
  FD_S5B_FROM_INCOMING, /* the newest that was INCOMING for cid */
  FD_S5B_FROM_ACTIVATED, /* the socket to our proxy */
} FdS5bSource;

typedef enum
{
  FD_S5B_FAIL_NO_PATH,
  FD_S5B_FAIL_NOTHING_TO_OFFER, /* instead of READY */
  FD_S5B_FAIL_PEER_PROXY_ERROR,
  FD_S5B_FAIL_ACTIVATION,
  FD_S5B_FAIL_ACTIVATION_TIMEOUT,
  FD_S5B_FAIL_PROXY_CLOSED,
} FdS5bFailure;

typedef struct
{
  FdS5bActionType type;
  FdS5bKind kind;
  FdS5bSource source;
  FdS5bFailure failure;
  gboolean last; /* say that no candidate follows */
  char *cid; /* owned, NULL if none */
} FdS5bAction;

void fd_s5b_action_free (FdS5bAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdS5bAction, fd_s5b_action_free)

/* What depends on the peer. */
typedef struct
{
  gboolean initiator; /* of the session */
  gboolean trickle; /* the peer takes candidates after the offer; one whose direct candidates
                     * have no jid (iris) does anyway */
  gboolean mark; /* we end ours with the mark */
  gboolean hidden; /* we dial nothing: the peer must not learn our address */
  FdS5bErrorRule error;
} FdS5bRules;

FdS5bNegotiation *fd_s5b_negotiation_new (const FdS5bRules *rules);
void fd_s5b_negotiation_free (FdS5bNegotiation *n);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdS5bNegotiation, fd_s5b_negotiation_free)

/* @now: monotonic µs, never going back. Returns FALSE for a candidate-used that
 * names no candidate of ours: refuse it with item-not-found. */
gboolean fd_s5b_negotiation_feed (FdS5bNegotiation *n, const FdS5bEvent *event, gint64 now);

/* The next thing to do, NULL if none; free with fd_s5b_action_free(). */
FdS5bAction *fd_s5b_negotiation_next (FdS5bNegotiation *n);
gboolean fd_s5b_negotiation_is_idle (const FdS5bNegotiation *n); /* nothing to do */

/* When EV_TIME is due, G_MAXINT64 if never. */
gint64 fd_s5b_negotiation_deadline (const FdS5bNegotiation *n);

FdS5bState fd_s5b_negotiation_get_state (const FdS5bNegotiation *n);

/* Does the offer hold all our candidates? Then it carries the mark. */
gboolean fd_s5b_negotiation_is_complete (const FdS5bNegotiation *n);

FdRows fd_s5b_negotiation_get_rows (const FdS5bNegotiation *n);

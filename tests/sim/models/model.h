/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Other clients as they are on the wire: one engine for what they have in
 * common, and per client what it does differently. They have no more timers than
 * the real ones: what hangs there hangs here.
 */
#pragma once

#include "proxy.h"
#include "pump.h"
#include "world.h"

typedef struct SimModel SimModel;
typedef struct SimTalk SimTalk;

/* In what order candidates are tried. */
typedef enum
{
  SIM_PACE_SERIAL, /* one after the other, the highest first */
  SIM_PACE_STAGGERED, /* every 200 ms, the highest first */
  SIM_PACE_PARALLEL, /* all at once, the first connection counts */
} SimPace;

/* What is said as DST.ADDR to a direct candidate of ours. */
typedef enum
{
  SIM_SAYS_ANNOUNCED, /* our dstaddr, else H(offerer, dialer) */
  SIM_SAYS_OFFERER,
  SIM_SAYS_INITIATOR,
} SimSays;

/* What its listener lets in. */
typedef enum
{
  SIM_TAKES_OFFERER,
  SIM_TAKES_INITIATOR,
  SIM_TAKES_ANYTHING,
} SimTakes;

/* When no candidate works, by role. */
typedef enum
{
  SIM_FAILS_BY_REPLACE, /* proposes in-band */
  SIM_FAILS_BY_S5B, /* proposes SOCKS5 again */
  SIM_FAILS_BY_END, /* session-terminate failed-transport */
  SIM_FAILS_BY_REMOVE, /* content-remove, and session-terminate */
  SIM_FAILS_BY_WAITING, /* for the other's proposal, for ever */
} SimFails;

/* What our transport-replace meets. */
typedef enum
{
  SIM_REPLACE_ACCEPTED,
  SIM_REPLACE_AFTER_ERRORS, /* accepted after two errors, ignored before */
  SIM_REPLACE_REJECTED,
} SimReplace;

typedef struct
{
  FdFtVersion version;
  const char *content; /* how it names one */
  /* candidates */
  gboolean no_direct; /* offers none */
  gboolean no_jid; /* nor type, on direct ones */
  gboolean trickles; /* its proxies, after the answer */
  gboolean dstaddr; /* always says it; else with proxies if @proxy_dstaddr */
  gboolean proxy_dstaddr;
  gboolean only_proxies_offered; /* as initiator */
  guint32 direct_priority, proxy_priority;
  gboolean descending; /* each candidate less than the one before */
  /* dialing */
  SimPace pace;
  guint patience_ms;
  SimSays says;
  SimTakes takes;
  gboolean takes_refusal; /* does not look at SOCKS replies */
  /* notifications */
  gboolean silent; /* as initiator: neither dials nor notifies */
  gboolean one_at_a_time; /* waits for the answer of each Jingle request */
  gboolean refuses_repeats; /* error for a second notification */
  gboolean error_after_used; /* may say error behind its used */
  gboolean refuses_without_socket; /* a candidate-used that nobody connected to */
  gboolean not_serving; /* cannot send from its own listener */
  /* proxies */
  gboolean holds_proxy; /* connects to its own when it offers it */
  gboolean hasty; /* says activated before it is */
  gboolean proxy_error; /* says it if the activation fails */
  /* fallback */
  SimFails as_initiator, as_responder;
  SimReplace replace;
  gboolean replaces_late; /* as initiator: only if its own error was acknowledged first, else it removes */
  gboolean replaced_by_accept; /* goes on after a session-accept only */
  const char *ibb_sid; /* what it calls every stream; NULL: a new name */
  guint block_size;
  gboolean drops_ibb; /* acknowledges data and forgets them */
  gboolean dies_of_ibb;
  gboolean dies_of_end; /* a terminate or replace after two errors */
  gboolean dies_of_failure; /* sometimes, after it gave up */
  /* the end */
  gboolean closes; /* the connection, behind the last byte it sends */
  gboolean closes_ibb;
  gboolean needs_close; /* an in-band file is complete with the close only */
  gboolean tells_received;
  gboolean lies; /* success, however much arrived */
  SimHash hash; /* as sender */
  gboolean checksum; /* sends one that it did not promise */
  guint waits_for_checksum_ms; /* as receiver */
  guint impatient_ms; /* as sender: media-error so long after the last byte */
  const char *declines; /* reason */
  gboolean no_empty; /* cannot send an empty file */
  gboolean multi; /* several files in one session */
  gboolean ranges; /* may ask for a part of our file */
} SimTraits;

typedef enum
{
  SIM_TALK_OFFERED,
  SIM_TALK_NEGOTIATING,
  SIM_TALK_REPLACING,
  SIM_TALK_WAITING, /* for a proposal of ours */
  SIM_TALK_ACTIVE,
  SIM_TALK_SENT,
  SIM_TALK_CHECKING, /* all is here, a checksum may come */
  SIM_TALK_HUNG, /* the real one would sit there for ever */
} SimTalkState;

typedef enum
{
  SIM_SAID_NOTHING,
  SIM_SAID_USED,
  SIM_SAID_ERROR,
} SimSaid;

typedef struct
{
  SimTalk *talk;
  const SimCandidatePlan *plan;
  guint number; /* cid */
  guint32 priority;
  SimEnd *socket; /* that came in, or to the proxy */
  SimDial *dial; /* to the proxy */
  gboolean told;
} SimModelLocal;

typedef enum
{
  SIM_TRY_WAITING,
  SIM_TRY_RUNNING,
  SIM_TRY_WORKS,
  SIM_TRY_DEAD,
} SimTry;

typedef struct
{
  SimTalk *talk;
  FdS5bCandidate *candidate;
  SimTry state;
  SimDial *dial;
  SimEnd *end;
} SimModelRemote;

/* One file in one session; several with one sid are one session. */
struct SimTalk
{
  SimTalk *next;
  SimTalk *next_over; /* of those that ended in this event, and are still on somebody's stack */
  gboolean over;
  SimModel *model;
  SimFile *file;
  char sid[SIM_SID_SIZE];
  char name[SIM_SID_SIZE]; /* of the content */
  gboolean initiator; /* and sends */
  SimTalkState state;
  SimTimer answer, pace, wait;

  /* SOCKS5 */
  gboolean s5b;
  char transport[SIM_SID_SIZE];
  gboolean dialing, trickled;
  SimModelLocal locals[SIM_MAX_CANDIDATES];
  guint n_locals;
  SimModelRemote remotes[FD_S5B_MAX_CANDIDATES];
  guint n_remotes;
  SimDst announced;
  SimSaid ours, theirs;
  gboolean error_acked;
  SimModelRemote *chosen;
  SimModelLocal *picked;
  SimModelLocal *asks; /* its proxy, to be connected to first */
  gboolean nominated, wait_act;
  SimTimer activation;
  SimEnd *end; /* nominated */
  SimPump *pump;

  /* in-band */
  guint block_size;
  guint64 offset; /* where our bytes begin */
  guint64 seq, moved;
  gboolean unequal, open;

  gboolean is_new; /* not offered yet */
  gboolean checked; /* a checksum came */
};

struct SimModel
{
  SimSide *side;
  const SimTraits *traits;
  SimTalk *talks, *over;
  GQueue outbox; /* FdJingleMessage, if one at a time */
  gboolean waits_for_answer;
  gboolean dead; /* crashed */
  gboolean stock; /* Gajim: cannot receive */
  SimTimer initiate; /* offers all that was added */
  SimTimer death, prank;
};

const SimTraits *sim_traits_of (SimKind kind);
extern const SimTraits sim_dino, sim_iris, sim_psi_plus, sim_gajim, sim_conversations, sim_conversations_old,
  sim_swift;

/* --- model.c --- */
FdJingleMessage *sim_talk_message (SimTalk *talk, FdJingleAction action);
FdJingleContent *sim_talk_add_content (SimTalk *talk, FdJingleMessage *message);
FdJingleMessage *sim_talk_content_message (SimTalk *talk, FdJingleAction action, FdTransportInfo *transport);
void sim_model_send (SimModel *model, FdJingleMessage *message); /* takes it */
void sim_talk_end (SimTalk *talk, SimEndKind end, FdEndedBy by); /* forgets it; freed after the event */
void sim_talk_terminate (SimTalk *talk, const char *reason, SimEndKind end); /* the session */
void sim_talk_hang (SimTalk *talk, const char *why);
void sim_model_die (SimModel *model, const char *why);
void sim_talk_drop_transport (SimTalk *talk);
void sim_talk_connected (SimTalk *talk, SimEnd *end);
void sim_talk_all_sent (SimTalk *talk);
void sim_talk_all_here (SimTalk *talk, gboolean equal);

/* --- model-s5b.c --- */
void sim_talk_prepare_s5b (SimTalk *talk, const char *sid);
FdTransportInfo sim_talk_s5b_info (SimTalk *talk); /* its s5b is the caller's */
void sim_talk_take_s5b (SimTalk *talk, const FdS5bInfo *info);
void sim_talk_dial (SimTalk *talk); /* both know both's candidates */
/* FALSE: to be refused */
gboolean sim_talk_notified (SimTalk *talk, const FdS5bInfo *info);
void sim_talk_drop_s5b (SimTalk *talk);
void sim_talk_fail (SimTalk *talk);

/* --- model-ibb.c --- */
void sim_talk_take_replace (SimTalk *talk, const FdIbbInfo *info);
void sim_talk_send_replace (SimTalk *talk);
void sim_talk_open (SimTalk *talk);
void sim_model_receive_ibb (SimModel *model, SimStanza *request);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A side with our machines: what jingle/session.c, jingle/content.c,
 * s5b/transport.c and ibb/transport.c do with them, in virtual time.
 */
#pragma once

#include "ibb/window.h"
#include "pump.h"
#include "world.h"

typedef struct SimOurs SimOurs;
typedef struct SimSession SimSession;
typedef struct SimContent SimContent;
typedef struct SimS5b SimS5b;
typedef struct SimIbb SimIbb;

/* One account of the daemon. */
struct SimOurs
{
  SimSide *side;
  SimSession *sessions;
  SimIbb *ibbs;
  FdIbbShare share; /* of these */
  struct SimGoodbye *goodbyes;
};

struct SimSession
{
  SimSession *next;
  SimOurs *ours;
  FdSessionMachine *machine;
  char sid[SIM_SID_SIZE];
  gboolean initiator, redialed;
  SimContent *contents;
  SimTimer wake;
};

struct SimContent
{
  SimContent *next;
  SimSession *session;
  FdContentMachine *machine;
  SimFile *file;
  FdPath paths;
  SimS5b *s5b;
  SimIbb *ibb;
  FdTransportInfo local; /* of an in-band stream that is proposed */
  SimStream *stream; /* of the transport, NULL: none */
  FdPath path;
  SimEnd *end; /* the stream's, if it is TCP and ours to close */
  SimPump *pump;
  gboolean equal; /* what the last pump brought */
  gboolean pumped; /* the last pump was complete */
  gboolean accepted; /* by the peer */
  gboolean there; /* the file is, already: only the last word is said again … */
  gboolean echo; /* … and no user hears of it */
  guint64 offset;
  SimTimer publish;
  SimTimer answer; /* the user's */
};

/* --- ours.c --- */
void sim_ours_say_goodbye (SimOurs *ours, FdJingleMessage *message); /* takes it */

/* --- ours-session.c --- */
FdSessionConfig sim_session_make_config (SimSide *side, const char *sid); /* of an initiator */
SimSession *sim_session_new (SimOurs *ours, const FdSessionConfig *config);
void sim_session_free (SimSession *session);
FdQuirks sim_quirks_of (SimKind kind);
/* Answers a request; @is_new: for one that may not come to be. */
void sim_session_receive (SimSession *session, SimStanza *request, gboolean is_new);
void sim_session_run (SimSession *session);
void sim_session_schedule (SimSession *session);
void sim_session_feed_progress (SimSession *session); /* before each event */

/* --- ours-content.c --- */
SimContent *sim_content_new (SimSession *session, FdContentMachine *machine, SimFile *file);
void sim_content_free (SimContent *content);
void sim_content_abort (SimContent *content, FdOutcome outcome, const char *reason, FdErrorCode code);
void sim_content_carry_out (SimContent *content, FdAction *action);
void sim_content_connected (SimContent *content, SimStream *stream, FdPath path);
void sim_content_failed (SimContent *content, FdErrorCode code);
/* After each event: is something under way that ends this state? */
void sim_content_check (SimContent *content);

/* --- ours-resume.c --- */
/* Receiver: @content was offered. TRUE if its user is not asked. */
gboolean sim_resume_take_up (SimContent *content);
/* How much of it is there; FALSE if it is not known yet: ask again soon. */
gboolean sim_resume_find_part (SimContent *content, guint64 *ret_offset);
void sim_resume_ended (SimContent *content, const FdContentEnd *end);
void sim_resume_killed (SimContent *content);
/* A user cancels what no session carries at the moment. */
void sim_resume_cancel (SimSide *side, SimFile *file);

/* --- ours-s5b.c --- */
SimS5b *sim_s5b_new (SimContent *content, const FdTransportInfo *remote);
void sim_s5b_free (SimS5b *s5b);
void sim_s5b_gather (SimS5b *s5b);
void sim_s5b_start (SimS5b *s5b);
gboolean sim_s5b_remote (SimS5b *s5b, const FdS5bInfo *info);
void sim_s5b_acked (SimS5b *s5b, FdS5bKind kind);
const char *sim_s5b_get_sid (const SimS5b *s5b);
FdS5bState sim_s5b_get_state (const SimS5b *s5b);
gboolean sim_s5b_is_live (const SimS5b *s5b); /* something will happen by itself */

/* --- ours-ibb.c --- */
SimIbb *sim_ibb_new (SimContent *content, const char *sid, guint block_size, gboolean opener);
void sim_ibb_free (SimIbb *ibb);
void sim_ibb_start (SimIbb *ibb);
gboolean sim_ibb_is_live (const SimIbb *ibb);
void sim_ibb_receive (SimOurs *ours, SimStanza *request); /* open, data, close */

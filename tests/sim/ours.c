/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An account with our machines, and its user: jingle/jingle.c in virtual time.
 */
#include "ours.h"

#include <string.h>

#define IQ_TIMEOUT_MS 30000 /* as in xmpp/iq.h */
#define GOODBYE_RETRIES 12 /* as in jingle/jingle.c */
#define GOODBYE_RETRY (5 * SIM_SEC)

typedef struct SimGoodbye SimGoodbye;
struct SimGoodbye
{
  SimGoodbye *next;
  SimOurs *ours;
  SimMessage *message;
  guint tries;
  SimTimer again;
  gboolean waits_for_stream;
};

/* --- goodbyes: a session-terminate arrives, if anybody is there --- */

static void
goodbye_free (SimGoodbye *goodbye)
{
  SimGoodbye **link = &goodbye->ours->goodbyes;

  while (*link != goodbye)
    link = &(*link)->next;
  *link = goodbye->next;
  sim_timer_disarm (&goodbye->ours->side->world->clock, &goodbye->again);
  sim_message_unref (goodbye->message);
  g_free (goodbye);
}

static void goodbye_send (gpointer data);

static void
goodbye_answered (SimRequest *request, const SimStanza *reply, const GError *error)
{
  SimGoodbye *goodbye = request->owner;
  SimWorld *world = goodbye->ours->side->world;
  gboolean away = error
                  && (error->code == FD_ERROR_PEER_OFFLINE || error->code == FD_ERROR_PEER_UNSUPPORTED
                      || error->code == FD_ERROR_TIMEOUT);

  if (error && error->code == FD_ERROR_NOT_CONNECTED)
    goodbye->waits_for_stream = TRUE;
  else if (away && ++goodbye->tries < GOODBYE_RETRIES)
    sim_timer_arm (&world->clock, &goodbye->again, SIM_NOW (world) + GOODBYE_RETRY);
  else
    goodbye_free (goodbye);
}

static void
goodbye_send (gpointer data)
{
  SimGoodbye *goodbye = data;

  goodbye->waits_for_stream = FALSE;
  sim_iq_send_jingle (goodbye->ours->side, sim_message_ref (goodbye->message), IQ_TIMEOUT_MS,
                      goodbye_answered, goodbye);
}

void
sim_ours_say_goodbye (SimOurs *ours, FdJingleMessage *message)
{
  SimGoodbye *goodbye = g_new0 (SimGoodbye, 1);

  goodbye->ours = ours;
  goodbye->message = sim_message_new (message);
  goodbye->next = ours->goodbyes;
  ours->goodbyes = goodbye;
  sim_timer_init (&goodbye->again, goodbye_send, goodbye);
  goodbye_send (goodbye);
}

/* --- stanzas in --- */

static SimSession *
find_session (SimOurs *ours, const char *sid)
{
  SimSession *session = ours->sessions;

  while (session && strcmp (session->sid, sid) != 0)
    session = session->next;
  return session;
}

static SimSession *
new_incoming (SimOurs *ours, const FdJingleMessage *message)
{
  SimSide *side = ours->side, *peer = sim_other (side);
  FdSessionConfig config = { .me = side->jid,
                             .peer = peer->jid,
                             .sid = message->sid,
                             .peer_transports = FD_TRANSPORT_S5B | FD_TRANSPORT_IBB,
                             .quirks = side->plan.knows_quirks ? sim_quirks_of (peer->plan.kind) : 0 };

  return sim_session_new (ours, &config);
}

static void
ours_receive (SimSide *side, SimStanza *request)
{
  SimOurs *ours = side->self;
  const FdJingleMessage *message;
  SimSession *session;

  if (request->kind != SIM_STANZA_JINGLE)
    {
      sim_ibb_receive (ours, request);
      return;
    }
  message = request->message->message;
  session = find_session (ours, message->sid);
  if (session)
    sim_session_receive (session, request, FALSE);
  else if (message->action == FD_JINGLE_SESSION_INITIATE)
    sim_session_receive (new_incoming (ours, message), request, TRUE);
  else if (message->action == FD_JINGLE_SESSION_TERMINATE)
    sim_reply (side, request);
  else
    {
      if (side->world->chart)
        sim_chart_arrival (side, request, " unknown session");
      sim_reply_unknown_session (side, request);
    }
}

/* --- the world around --- */

/* A session may go while others are told: each is told once. */
static void
for_each_session (SimOurs *ours, void (*tell) (FdSessionMachine *machine, gint64 now))
{
  for (SimSession *session = ours->sessions, *next; session; session = next)
    {
      next = session->next;
      sim_session_feed_progress (session);
      tell (session->machine, SIM_NOW (ours->side->world));
      sim_session_schedule (session);
    }
}

static void
ours_stream_lost (SimSide *side)
{
  for_each_session (side->self, fd_session_machine_stream_lost);
}

static void
ours_stream_up (SimSide *side)
{
  SimOurs *ours = side->self;

  for_each_session (ours, fd_session_machine_stream_up);
  for (SimGoodbye *goodbye = ours->goodbyes, *next; goodbye; goodbye = next)
    {
      next = goodbye->next;
      if (goodbye->waits_for_stream)
        goodbye_send (goodbye);
    }
}

static void
ours_peer_gone (SimSide *side)
{
  for_each_session (side->self, fd_session_machine_peer_gone);
}

/* --- the user --- */

/* A session that files of this batch can join. */
static FdContentMachine *
join (SimOurs *ours, const FdFile *file, SimSession **ret_session)
{
  SimSide *side = ours->side;

  if (!(sim_other (side)->plan.extensions & FD_EXT_BATCH))
    return NULL;
  for (SimSession *session = ours->sessions; session; session = session->next)
    {
      FdContentMachine *machine;

      if (!session->initiator)
        continue;
      sim_session_feed_progress (session);
      machine = fd_session_machine_add (session->machine, file, side->plan.paths, SIM_NOW (side->world));
      *ret_session = session;
      if (machine)
        return machine;
    }
  return NULL;
}

static void
ours_offer (SimSide *side, SimFile *file)
{
  SimOurs *ours = side->self;
  g_autoptr (FdFile) description = sim_file_describe (file);
  SimSession *session = NULL;
  FdContentMachine *machine = join (ours, description, &session);

  if (!machine)
    {
      char sid[SIM_SID_SIZE];
      FdSessionConfig config = sim_session_make_config (side, sid);

      sim_new_sid (side->world, "s", sid);
      session = sim_session_new (ours, &config);
      machine
        = fd_session_machine_add (session->machine, description, side->plan.paths, SIM_NOW (side->world));
    }
  sim_file_begin (file, side);
  if (machine)
    sim_content_new (session, machine, file);
  else
    sim_violate (side->world, "a new session takes no file");
  sim_session_schedule (session);
}

static void
ours_cancel (SimSide *side, SimFile *file)
{
  SimOurs *ours = side->self;

  for (SimSession *session = ours->sessions; session; session = session->next)
    for (SimContent *content = session->contents; content; content = content->next)
      {
        if (content->file != file || content->echo)
          continue;
        file->hits |= SIM_HIT_CANCELLED;
        sim_content_abort (content, FD_OUTCOME_CANCELLED, "cancel", FD_ERROR_CANCELLED);
        sim_session_schedule (session);
        return;
      }
  sim_resume_cancel (side, file);
}

/* The addresses that were offered are no longer ours. */
static void
ours_network_changed (SimSide *side)
{
  SimOurs *ours = side->self;

  for (SimSession *session = ours->sessions, *next; session; session = next)
    {
      next = session->next;
      for (SimContent *content = session->contents; content; content = content->next)
        if (content->s5b && sim_s5b_get_state (content->s5b) < FD_S5B_NEGOTIATE)
          {
            sim_content_failed (content, FD_ERROR_NO_TRANSPORT);
            break; /* the session may be gone */
          }
    }
}

/* The process is killed. */
static void
ours_vanish (SimSide *side)
{
  SimOurs *ours = side->self;

  while (ours->sessions)
    {
      SimSession *session = ours->sessions;

      for (SimContent *content = session->contents; content; content = content->next)
        {
          if (!content->echo)
            sim_file_end (content->file, side, SIM_END_FAILED, FD_BY_LOCAL, FD_ERROR_CANCELLED,
                          FD_VERIFIED_NONE);
          sim_resume_killed (content);
        }
      sim_session_free (session);
    }
  while (ours->goodbyes)
    {
      SimGoodbye *goodbye = ours->goodbyes;

      sim_iq_cancel_owner (side, goodbye);
      goodbye_free (goodbye);
    }
}

static void
ours_check (SimSide *side)
{
  SimOurs *ours = side->self;

  for (SimSession *session = ours->sessions; session; session = session->next)
    {
      side->world->coverage->sessions[fd_session_machine_get_state (session->machine)]++;
      for (SimContent *content = session->contents; content; content = content->next)
        sim_content_check (content);
    }
}

static gboolean
ours_is_idle (SimSide *side)
{
  SimOurs *ours = side->self;

  return !ours->sessions;
}

const SimSideOps sim_ours_ops = {
  .receive = ours_receive,
  .stream_lost = ours_stream_lost,
  .stream_up = ours_stream_up,
  .peer_gone = ours_peer_gone,
  .offer = ours_offer,
  .cancel = ours_cancel,
  .network_changed = ours_network_changed,
  .vanish = ours_vanish,
  .check = ours_check,
  .is_idle = ours_is_idle,
};

void
sim_ours_init (SimSide *side)
{
  SimOurs *ours = g_new0 (SimOurs, 1);

  ours->side = side;
  fd_ibb_share_init (&ours->share);
  side->self = ours;
  side->ops = &sim_ours_ops;
}

void
sim_ours_clear (SimSide *side)
{
  ours_vanish (side);
  fd_ibb_share_clear (&((SimOurs *) side->self)->share);
  g_free (side->self);
  side->self = NULL;
}

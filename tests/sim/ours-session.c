/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One session of ours: jingle/session.c in virtual time.
 */
#include "ours.h"

#include <string.h>

#define IQ_TIMEOUT_MS 30000 /* as in xmpp/iq.h */

/* The daemon's own table (jingle/quirks.c) tells them by caps; here the client is known. */
FdQuirks
sim_quirks_of (SimKind kind)
{
  static const FdQuirks iris = FD_QUIRKS_IRIS;
  const FdQuirks quirks[SIM_N_KINDS] = {
    [SIM_DINO] = FD_QUIRK_NO_IBB_RECEIVE | FD_QUIRK_REJECTS_REPLACE,
    [SIM_IRIS] = iris,
    [SIM_PSI_PLUS] = iris | FD_QUIRK_NO_IBB,
    [SIM_GAJIM] = FD_QUIRK_BAD_LISTENER | FD_QUIRK_ACCEPT_FOR_REPLACE,
    [SIM_SWIFT] = FD_QUIRK_LITERAL_HOSTS,
  };

  return quirks[kind];
}

static void
on_wake (gpointer data)
{
  SimSession *session = data;

  sim_session_feed_progress (session);
  fd_session_machine_tick (session->machine, SIM_NOW (session->ours->side->world));
  sim_session_run (session);
}

SimSession *
sim_session_new (SimOurs *ours, const FdSessionConfig *config)
{
  SimSession *session = g_new0 (SimSession, 1);

  session->ours = ours;
  session->machine = fd_session_machine_new (config);
  session->initiator = config->initiator;
  session->redialed = config->redialed;
  g_strlcpy (session->sid, config->sid, sizeof session->sid);
  sim_timer_init (&session->wake, on_wake, session);
  session->next = ours->sessions;
  ours->sessions = session;
  ours->side->world->live_sessions++;
  return session;
}

void
sim_session_free (SimSession *session)
{
  SimOurs *ours = session->ours;
  SimWorld *world = ours->side->world;
  SimSession **link = &ours->sessions;

  while (*link != session)
    link = &(*link)->next;
  *link = session->next;
  world->rows |= fd_session_machine_get_rows (session->machine);
  world->live_sessions--;
  sim_iq_cancel_owner (ours->side, session);
  while (session->contents)
    sim_content_free (session->contents);
  sim_timer_disarm (&world->clock, &session->wake);
  fd_session_machine_free (session->machine);
  g_free (session);
}

void
sim_session_schedule (SimSession *session)
{
  sim_timer_arm (&session->ours->side->world->clock, &session->wake, 0);
}

void
sim_session_feed_progress (SimSession *session)
{
  for (SimContent *content = session->contents; content; content = content->next)
    if (content->pump)
      fd_content_machine_progress (content->machine, sim_pump_get_bytes (content->pump), FALSE);
}

static SimContent *
find_content (SimSession *session, const char *name)
{
  for (SimContent *content = session->contents; content; content = content->next)
    if (strcmp (fd_content_machine_get_name (content->machine), name) == 0)
      return content;
  return NULL;
}

static void
tell_transports (SimSession *session, const FdJingleMessage *message)
{
  for (guint i = 0; i < message->contents->len; i++)
    {
      const FdJingleContent *sent = message->contents->pdata[i];
      SimContent *content = find_content (session, sent->name);
      const FdS5bInfo *info = sent->transport.s5b;

      if (content && info && content->s5b && g_strcmp0 (info->sid, sim_s5b_get_sid (content->s5b)) == 0)
        sim_s5b_acked (content->s5b, info->kind);
    }
}

static void
answered (SimRequest *request, const SimStanza *reply, const GError *error)
{
  SimSession *session = request->owner;
  const FdJingleMessage *message = request->message->message;

  tell_transports (session, message);
  sim_session_feed_progress (session);
  fd_session_machine_answered (session->machine, message, error, reply && reply->unknown_session,
                               SIM_NOW (session->ours->side->world));
  sim_session_run (session);
}

static void
send_message (SimSession *session, FdJingleMessage *message)
{
  gboolean ping = message->action == FD_JINGLE_SESSION_INFO && message->info == FD_SESSION_INFO_PING;

  if (message->action == FD_JINGLE_SESSION_TERMINATE)
    sim_ours_say_goodbye (session->ours, message);
  else
    sim_iq_send_jingle (session->ours->side, sim_message_new (message), ping ? FD_T_PING : IQ_TIMEOUT_MS,
                        answered, session);
}

/* --- actions --- */

/* An offer reaches the user. */
static void
show (SimSession *session, FdContentMachine *machine)
{
  SimSide *side = session->ours->side;
  SimWorld *world = side->world;
  SimFile *file = sim_file_find (world, fd_content_machine_get_file (machine)->name);
  SimContent *content;

  if (!file)
    {
      sim_violate (world, "a file is offered that nobody has");
      return;
    }
  content = sim_content_new (session, machine, file);
  if (sim_resume_take_up (content))
    return;
  sim_file_begin (file, side);
  SIM_CHART (side, "   shown: %s", file->name);
  if (file->busy)
    {
      file->hits |= SIM_HIT_REJECTED;
      sim_content_abort (content, FD_OUTCOME_FAILED, "busy", FD_ERROR_BUSY);
    }
  else if (file->answer_after >= 0)
    sim_timer_arm (&world->clock, &content->answer, SIM_NOW (world) + file->answer_after);
  else
    file->hits |= SIM_HIT_UNANSWERED;
}

FdSessionConfig
sim_session_make_config (SimSide *side, const char *sid)
{
  SimSide *peer = sim_other (side);

  return (FdSessionConfig){ .initiator = TRUE,
                            .me = side->jid,
                            .peer = peer->jid,
                            .sid = sid,
                            .peer_transports = FD_TRANSPORT_S5B | FD_TRANSPORT_IBB,
                            .version = peer->plan.kind == SIM_SWIFT ? FD_FT_4 : FD_FT_5,
                            .quirks = side->plan.knows_quirks ? sim_quirks_of (peer->plan.kind) : 0,
                            .extensions = peer->plan.extensions };
}

static void
redial (SimSession *session, SimContent *content, gboolean last)
{
  SimOurs *ours = session->ours;
  SimFile *file = content->file;
  char sid[SIM_SID_SIZE];
  FdSessionConfig config = sim_session_make_config (ours->side, sid);
  g_autoptr (FdFile) description = sim_file_describe (file);
  SimSession *again;
  FdContentMachine *machine;

  SIM_CHART (ours->side, "   %s: %s", last ? "redial" : "offer again", file->name);
  file->redials += last;
  file->world->coverage->redials += last;
  if (last && (file->redials > 1 || file->moved_now))
    sim_violate (file->world, "%s is redialed %s", file->name, file->moved_now ? "after payload" : "twice");
  sim_new_sid (file->world, "s", sid);
  config.redialed = last || session->redialed;
  if (last)
    config.extensions &= ~FD_EXT_BATCH;
  again = sim_session_new (ours, &config);
  machine = fd_session_machine_add (again->machine, description, content->paths, SIM_NOW (file->world));
  sim_content_free (content);
  if (machine)
    sim_content_new (again, machine, file);
  else
    sim_violate (file->world, "the new session does not take the file");
  sim_session_schedule (again);
}

static void
end_content (SimContent *content)
{
  static const SimEndKind ends[] = { [FD_OUTCOME_DONE] = SIM_END_DONE,
                                     [FD_OUTCOME_REJECTED] = SIM_END_REJECTED,
                                     [FD_OUTCOME_CANCELLED] = SIM_END_CANCELLED,
                                     [FD_OUTCOME_FAILED] = SIM_END_FAILED };
  const FdContentEnd *end = fd_content_machine_get_end (content->machine);
  SimSide *side = content->session->ours->side;

  if (content->pump || sim_timer_is_armed (&content->publish))
    sim_violate (side->world, "content %s ends while its %s works", content->file->name,
                 content->pump ? "pump" : "publication");
  if (end->outcome == FD_OUTCOME_DONE && !content->pumped && content->file->size > 0
      && !(content->file->resumable && content->file->published)) /* before the sender is connected */
    sim_violate (side->world, "content %s is done before all bytes moved", content->file->name);
  if ((end->outcome == FD_OUTCOME_DONE) != (end->error == NULL))
    sim_violate (side->world, "content %s ends with outcome %u and %s error", content->file->name,
                 end->outcome, end->error ? "an" : "no");
  if (end->interrupted && (end->outcome != FD_OUTCOME_FAILED || !content->file->resumable)
      && sim_other (side)->plan.kind == SIM_OURS)
    sim_violate (side->world, "content %s is interrupted without an agreement", content->file->name);
  if (!content->echo)
    sim_file_end (content->file, side, ends[end->outcome], end->by, end->error ? end->error->code : 0,
                  end->verified);
  sim_resume_ended (content, end);
  sim_content_free (content);
}

static void
carry_out (SimSession *session, FdAction *action)
{
  SimContent *content = action->content ? fd_content_machine_get_data (action->content) : NULL;

  switch (action->what)
    {
    case FD_DO_SEND:
      send_message (session, g_steal_pointer (&action->message));
      break;
    case FD_DO_TELL_OFFERED:
      show (session, action->content);
      break;
    case FD_DO_REDIAL:
      redial (session, content, action->kind == FD_TRANSPORT_KIND_IBB);
      break;
    case FD_DO_END_CONTENT:
      end_content (content);
      break;
    default:
      sim_content_carry_out (content, action);
    }
}

void
sim_session_run (SimSession *session)
{
  SimClock *clock = &session->ours->side->world->clock;
  gint64 deadline;
  FdAction *action;

  while ((action = fd_session_machine_next (session->machine)))
    {
      gboolean over = action->what == FD_DO_END;

      if (!over)
        carry_out (session, action);
      fd_action_free (action);
      if (!over)
        continue;
      if (session->contents)
        sim_violate (session->ours->side->world, "a session ends before its contents");
      sim_session_free (session);
      return;
    }
  deadline = fd_session_machine_get_deadline (session->machine);
  if (deadline < 0)
    sim_timer_disarm (clock, &session->wake);
  else
    sim_timer_arm (clock, &session->wake, deadline);
}

void
sim_session_receive (SimSession *session, SimStanza *request, gboolean is_new)
{
  SimSide *side = session->ours->side;
  const FdJingleMessage *message = request->message->message;
  FdContentMachine *asked = NULL;
  FdReply how;

  sim_session_feed_progress (session);
  how = fd_session_machine_receive (session->machine, message, &asked, SIM_NOW (side->world));
  if (how == FD_REPLY_ASK_TRANSPORT)
    {
      SimContent *content = fd_content_machine_get_data (asked);
      const FdS5bInfo *info = fd_jingle_message_get_content (message)->transport.s5b;

      how = !content->s5b || sim_s5b_remote (content->s5b, info) ? FD_REPLY_OK : FD_REPLY_ITEM_NOT_FOUND;
    }
  if (side->world->chart)
    sim_chart_arrival (side, request, how == FD_REPLY_OK ? "" : " refused");
  sim_reply_how (side, request, how);
  if (is_new && how != FD_REPLY_OK)
    sim_session_free (session);
  else
    sim_session_run (session);
}

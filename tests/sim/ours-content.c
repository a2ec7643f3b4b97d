/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file of a session of ours: jingle/content.c in virtual time.
 */
#include "ours.h"

static void
drop_transport (SimContent *content)
{
  if (content->end)
    {
      sim_check_nomination (content->file->world, content->session->ours->side,
                            sim_s5b_get_sid (content->s5b), NULL);
      sim_end_close (content->end);
    }
  g_clear_pointer (&content->s5b, sim_s5b_free);
  g_clear_pointer (&content->ibb, sim_ibb_free);
  content->stream = NULL;
  content->end = NULL;
}

static void
on_published (gpointer data)
{
  SimContent *content = data;
  SimFile *file = content->file;
  SimSession *session = content->session;
  const GError *error = file->unpublishable ? sim_error (FD_ERROR_WRITE_FAILED) : NULL;

  if (error)
    file->hits |= SIM_HIT_DISK;
  else if (!content->there)
    {
      if (file->published && !file->unsized) /* whose end may be that of any stream */
        sim_violate (file->world, "%s is published twice", file->name);
      file->published = TRUE;
      file->published_equal = content->equal;
      file->spliced = content->offset > 0;
    }
  sim_session_feed_progress (session);
  fd_content_machine_published (content->machine, error, SIM_NOW (file->world));
  sim_session_run (session);
}

/* The user has made up his mind. */
static void
on_answer (gpointer data)
{
  SimContent *content = data;
  SimFile *file = content->file;
  SimSession *session = content->session;
  guint64 offset = 0;

  if (fd_content_machine_get_state (content->machine) != FD_CONTENT_OFFERED)
    return;
  if (!sim_resume_find_part (content, &offset))
    {
      sim_timer_arm (&file->world->clock, &content->answer, SIM_NOW (file->world) + 20 * SIM_MSEC);
      return;
    }
  SIM_CHART (session->ours->side, "   %s %s from %" G_GUINT64_FORMAT,
             file->reject ? "the user rejects" : "accepted is", file->name, offset);
  sim_session_feed_progress (session);
  if (file->reject && !file->taken)
    {
      file->hits |= SIM_HIT_REJECTED;
      fd_content_machine_reject (content->machine, SIM_NOW (file->world));
    }
  else
    {
      file->accepted_at = SIM_NOW (file->world);
      content->offset = offset;
      fd_content_machine_accept (content->machine, content->paths, offset, SIM_NOW (file->world));
    }
  sim_session_schedule (session);
}

SimContent *
sim_content_new (SimSession *session, FdContentMachine *machine, SimFile *file)
{
  SimSide *side = session->ours->side;
  SimContent *content = g_new0 (SimContent, 1);

  content->session = session;
  content->machine = machine;
  content->file = file;
  content->paths = side->plan.paths;
  content->next = session->contents;
  session->contents = content;
  sim_timer_init (&content->publish, on_published, content);
  sim_timer_init (&content->answer, on_answer, content);
  fd_content_machine_set_data (machine, content);
  side->world->live_contents++;
  return content;
}

static void
drop_pump (SimContent *content)
{
  g_clear_pointer (&content->pump, sim_pump_free);
}

void
sim_content_free (SimContent *content)
{
  SimWorld *world = content->file->world;
  SimContent **link = &content->session->contents;

  while (*link != content)
    link = &(*link)->next;
  *link = content->next;
  drop_pump (content);
  drop_transport (content);
  sim_timer_disarm (&world->clock, &content->publish);
  sim_timer_disarm (&world->clock, &content->answer);
  fd_transport_info_clear (&content->local);
  world->live_contents--;
  g_free (content);
}

void
sim_content_abort (SimContent *content, FdOutcome outcome, const char *reason, FdErrorCode code)
{
  sim_session_feed_progress (content->session);
  fd_content_machine_abort (content->machine, outcome, reason, sim_error (code),
                            SIM_NOW (content->file->world));
}

/* --- transports --- */

void
sim_content_connected (SimContent *content, SimStream *stream, FdPath path)
{
  SimSession *session = content->session;

  SIM_CHART (session->ours->side, "   connected: %s",
             path == FD_PATH_IBB            ? "in-band"
             : path == FD_PATH_SOCKS5_PROXY ? "proxy"
                                            : "direct");
  content->stream = stream;
  content->path = path;
  sim_session_feed_progress (session);
  fd_content_machine_transport_connected (content->machine, path, SIM_NOW (content->file->world));
  sim_session_run (session);
}

void
sim_content_failed (SimContent *content, FdErrorCode code)
{
  SimSession *session = content->session;

  sim_session_feed_progress (session);
  fd_content_machine_transport_failed (content->machine, sim_error (code), SIM_NOW (content->file->world));
  sim_session_run (session);
}

static void
create_ibb (SimContent *content, const FdIbbInfo *agreed)
{
  content->ibb = sim_ibb_new (content, agreed->sid, agreed->block_size, content->session->initiator);
}

static void
prepare_ibb (SimContent *content, const FdIbbInfo *remote)
{
  guint block_size = remote ? MIN (remote->block_size, FD_IBB_BLOCK_SIZE) : FD_IBB_BLOCK_SIZE;
  char own_sid[SIM_SID_SIZE];

  sim_new_sid (content->file->world, "i", own_sid);
  fd_transport_info_clear (&content->local);
  content->local.kind = FD_TRANSPORT_KIND_IBB;
  content->local.ibb = fd_ibb_info_new (remote && remote->sid ? remote->sid : own_sid, block_size);
  if (remote)
    create_ibb (content, content->local.ibb);
  fd_content_machine_transport_ready (content->machine, &content->local, SIM_NOW (content->file->world));
}

static void
prepare (SimContent *content, const FdAction *action)
{
  drop_transport (content);
  if (action->kind == FD_TRANSPORT_KIND_S5B)
    {
      content->s5b = sim_s5b_new (content, &action->remote);
      sim_s5b_gather (content->s5b);
    }
  else
    prepare_ibb (content, action->remote.ibb);
}

static void
take_remote (SimContent *content, const FdTransportInfo *remote)
{
  if (remote->s5b && content->s5b)
    (void) sim_s5b_remote (content->s5b, remote->s5b);
  else if (remote->ibb && !content->ibb)
    {
      content->local.ibb->block_size = remote->ibb->block_size;
      create_ibb (content, content->local.ibb);
    }
}

static void
start_transport (SimContent *content)
{
  if (content->s5b)
    sim_s5b_start (content->s5b);
  else if (content->ibb)
    sim_ibb_start (content->ibb);
}

/* --- bytes --- */

static void
on_pumped (gpointer data, const FdPumpResult *result)
{
  SimContent *content = data;
  SimSession *session = content->session;

  content->pump = NULL;
  content->pumped = result->complete;
  SIM_CHART (session->ours->side, "   pump: %s after %" G_GUINT64_FORMAT " bytes",
             result->complete ? "complete" : "broken", result->bytes);
  sim_session_feed_progress (session);
  fd_content_machine_pumped (content->machine, result, SIM_NOW (content->file->world));
  sim_session_run (session);
}

static void
on_pumped_in (gpointer data, const FdPumpResult *result)
{
  SimContent *content = data;

  /* the digest tells it, if there is one */
  if (result->complete)
    {
      FdDigest equal;

      sim_file_digest (result->digest.algo, content->file->tag, content->file->size, FALSE, &equal);
      content->equal = fd_digest_equal (&equal, &result->digest);
    }
  on_pumped (data, result);
}

static void
start_pump (SimContent *content, const FdAction *action)
{
  gboolean sending = content->session->initiator;
  SimPumpParams params = { .file = content->file,
                           .stream = content->stream,
                           .sending = sending,
                           .half_close = content->path != FD_PATH_SOCKS5_DIRECT || action->length < 0,
                           .offset = action->offset,
                           .length = action->length,
                           .algo = fd_file_choose_algo (fd_content_machine_get_file (content->machine)),
                           .done = sending ? on_pumped : on_pumped_in,
                           .data = content };

  if (!content->stream || content->pump)
    {
      sim_violate (content->file->world, "a pump is started %s",
                   content->pump ? "twice" : "without a stream");
      return;
    }
  content->pump = sim_pump_new (&params);
  content->pumped = FALSE;
}

/* --- actions --- */

void
sim_content_carry_out (SimContent *content, FdAction *action)
{
  SimWorld *world = content->file->world;

  switch (action->what)
    {
    case FD_DO_PREPARE:
      prepare (content, action);
      break;
    case FD_DO_REMOTE:
      take_remote (content, &action->remote);
      break;
    case FD_DO_START:
      start_transport (content);
      break;
    case FD_DO_DROP:
      if (content->pump)
        sim_violate (world, "the transport is dropped under a running pump");
      drop_transport (content);
      break;
    case FD_DO_PUMP:
      start_pump (content, action);
      break;
    case FD_DO_STOP_PUMP:
      if (content->pump)
        sim_pump_stop (content->pump);
      else
        sim_violate (world, "a pump is stopped that does not run");
      break;
    case FD_DO_PUBLISH:
      sim_timer_arm (
        &world->clock, &content->publish,
        SIM_NOW (world)
          + sim_range (world, 0, content->session->ours->side->plan.relaxed ? 20 * SIM_SEC : SIM_SEC / 2));
      break;
    case FD_DO_TELL_ACTIVE:
      world->coverage->paths[action->path == FD_PATH_IBB ? 2 : action->path == FD_PATH_SOCKS5_PROXY]++;
      break;
    case FD_DO_KEEP_CORRUPT:
    case FD_DO_DISCARD:
      content->file->part = 0;
      break;
    case FD_DO_TELL_ACCEPTED:
      content->accepted = TRUE;
      content->file->agreed |= content->file->resumable;
      break;
    default: /* KEEP */
      break;
    }
}

/* --- invariants --- */

static const char *
why_dead (SimContent *content, gboolean timer)
{
  FdContentState state = fd_content_machine_get_state (content->machine);

  switch (state)
    {
    case FD_CONTENT_PREPARING:
      return content->s5b && sim_s5b_is_live (content->s5b) ? NULL : "prepares nothing";
    case FD_CONTENT_OFFERED:
    case FD_CONTENT_REPLACING:
    case FD_CONTENT_WAIT_REPLACE:
    case FD_CONTENT_DRAINING:
    case FD_CONTENT_BROKEN:
    case FD_CONTENT_CHECKING:
      return timer ? NULL : "has no timer";
    case FD_CONTENT_NEGOTIATING:
      if (content->s5b)
        return sim_s5b_is_live (content->s5b) ? NULL : "negotiates nothing";
      return content->ibb && sim_ibb_is_live (content->ibb) ? NULL : "opens nothing";
    case FD_CONTENT_ACTIVE:
      return content->pump && timer ? NULL : "has no pump or no timer";
    case FD_CONTENT_SENT:
      return timer || !content->session->ours->side->online
                 || (content->ibb && sim_ibb_is_live (content->ibb))
               ? NULL
               : "waits without a timer";
    case FD_CONTENT_PUBLISHING:
      return sim_timer_is_armed (&content->publish) ? NULL : "publishes nothing";
    case FD_CONTENT_STOPPING:
      return content->pump ? NULL : "stops no pump";
    case FD_CONTENT_READY: /* the others are checked */
    default:
      return NULL;
    }
}

void
sim_content_check (SimContent *content)
{
  SimWorld *world = content->file->world;
  SimSession *session = content->session;
  gboolean timer = fd_session_machine_get_deadline (session->machine) >= 0;
  const char *why = why_dead (content, timer);

  world->coverage->contents[fd_content_machine_get_state (content->machine)]++;
  if (content->s5b)
    world->coverage->negotiations[sim_s5b_get_state (content->s5b)]++;
  if (why && !sim_timer_is_armed (&session->wake))
    sim_violate (world, "%s: content %s in state %u %s", session->ours->side->jid, content->file->name,
                 fd_content_machine_get_state (content->machine), why);
}

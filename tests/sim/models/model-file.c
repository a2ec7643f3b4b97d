/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file at another client: its bytes, what it says at the end of them
 * (XEP-0234 §8), and what the user makes of an offer.
 */
#include "model-private.h"

/* --- bytes --- */

static void
on_sent (gpointer data, const FdPumpResult *result)
{
  SimTalk *talk = data;

  talk->pump = NULL;
  if (!result->complete)
    sim_talk_terminate (talk, "failed-transport", SIM_END_FAILED);
  else
    sim_talk_all_sent (talk);
}

static void
on_received (gpointer data, const FdPumpResult *result)
{
  SimTalk *talk = data;
  FdDigest equal;

  talk->pump = NULL;
  if (result->complete)
    {
      sim_file_digest (result->digest.algo, talk->file->tag, talk->file->size, FALSE, &equal);
      sim_talk_all_here (talk, fd_digest_equal (&equal, &result->digest));
    }
  else if (talk->model->traits->lies)
    sim_talk_terminate (talk, "success", SIM_END_DONE);
  else if (g_error_matches (result->error, FD_ERROR, FD_ERROR_NO_SPACE))
    sim_talk_terminate (talk, "media-error", SIM_END_FAILED);
  else
    sim_talk_terminate (talk, "connectivity-error", SIM_END_FAILED);
}

void
sim_talk_connected (SimTalk *talk, SimEnd *end)
{
  SimPumpParams params = { .file = talk->file,
                           .stream = &end->stream,
                           .sending = talk->initiator,
                           .offset = talk->offset,
                           .length = (gint64) (talk->file->size - talk->offset),
                           .algo = FD_HASH_SHA256,
                           .done = talk->initiator ? on_sent : on_received,
                           .data = talk };

  SIM_CHART (talk->model->side, "   connected");
  talk->state = SIM_TALK_ACTIVE;
  talk->end = end;
  talk->pump = sim_pump_new (&params);
}

static void
on_impatient (gpointer data)
{
  sim_talk_terminate (data, "media-error", SIM_END_FAILED);
}

static void
send_checksum (SimTalk *talk)
{
  FdJingleMessage *message = sim_talk_message (talk, FD_JINGLE_SESSION_INFO);
  FdDigest digest;

  sim_file_digest (FD_HASH_SHA256, talk->file->tag, talk->file->size, FALSE, &digest);
  message->info = FD_SESSION_INFO_CHECKSUM;
  message->info_content = g_strdup (talk->name);
  message->checksum = fd_file_new (NULL, -1);
  fd_file_set_hash (message->checksum, &digest);
  sim_model_send (talk->model, message);
}

void
sim_talk_all_sent (SimTalk *talk)
{
  const SimTraits *traits = talk->model->traits;
  SimWorld *world = talk->model->side->world;

  talk->state = SIM_TALK_SENT;
  if (talk->file->hash == SIM_HASH_CHECKSUM || traits->checksum)
    send_checksum (talk);
  if (traits->closes && talk->end)
    {
      sim_end_close (talk->end);
      talk->end = NULL;
    }
  if (traits->impatient_ms == 0)
    return;
  talk->wait.fire = on_impatient;
  sim_timer_arm (&world->clock, &talk->wait, SIM_NOW (world) + traits->impatient_ms * SIM_MSEC);
}

void
sim_talk_done (SimTalk *talk)
{
  FdJingleMessage *message;

  talk->file->published = TRUE;
  talk->file->published_equal = !talk->unequal;
  if (talk->model->traits->tells_received)
    {
      message = sim_talk_message (talk, FD_JINGLE_SESSION_INFO);
      message->info = FD_SESSION_INFO_RECEIVED;
      message->info_content = g_strdup (talk->name);
      sim_model_send (talk->model, message);
    }
  sim_talk_terminate (talk, "success", SIM_END_DONE);
}

static void
on_no_checksum (gpointer data)
{
  sim_talk_done (data);
}

void
sim_talk_all_here (SimTalk *talk, gboolean equal)
{
  SimWorld *world = talk->model->side->world;
  guint wait = talk->model->traits->waits_for_checksum_ms;

  talk->unequal = !equal;
  if (wait == 0 || talk->checked || talk->file->hash != SIM_HASH_CHECKSUM)
    {
      sim_talk_done (talk);
      return;
    }
  talk->state = SIM_TALK_CHECKING;
  talk->wait.fire = on_no_checksum;
  sim_timer_arm (&world->clock, &talk->wait, SIM_NOW (world) + wait * SIM_MSEC);
}

/* --- the user --- */

/* Another transport than was offered. */
static void
answer_wrongly (SimTalk *talk)
{
  SimWorld *world = talk->model->side->world;

  if (!talk->model->side->plan.mischief || !sim_once_in (world, 8))
    return;
  world->hits |= SIM_HIT_MISCHIEF;
  talk->s5b = !talk->s5b;
  talk->block_size = 4096;
}

static void
ask_for_range (SimTalk *talk, FdFile *answer)
{
  SimWorld *world = talk->model->side->world;

  if (!talk->model->traits->ranges || talk->file->size == 0 || !sim_once_in (world, 10))
    return;
  talk->offset = talk->moved = sim_below (world, (guint) talk->file->size);
  answer->ranged = TRUE;
  answer->range_offset = talk->offset;
  answer->range_length = (gint64) (talk->file->size - talk->offset);
}

static void
accept_offer (SimTalk *talk)
{
  FdTransportInfo transport = { .kind = FD_TRANSPORT_KIND_NONE };
  FdJingleMessage *message = sim_talk_message (talk, FD_JINGLE_SESSION_ACCEPT);
  FdJingleContent *content = sim_talk_add_content (talk, message);

  content->file = sim_file_describe (talk->file);
  ask_for_range (talk, content->file);
  talk->state = SIM_TALK_NEGOTIATING;
  answer_wrongly (talk);
  if (talk->s5b)
    {
      sim_talk_prepare_s5b (talk, talk->transport);
      transport = sim_talk_s5b_info (talk);
    }
  else
    {
      transport.kind = FD_TRANSPORT_KIND_IBB;
      transport.ibb = fd_ibb_info_new (talk->transport, talk->block_size);
    }
  fd_transport_info_copy (&content->transport, &transport);
  fd_transport_info_clear (&transport);
  sim_model_send (talk->model, message);
  if (talk->s5b)
    sim_talk_dial (talk);
}

static void
on_answer (gpointer data)
{
  SimTalk *talk = data;
  SimFile *file = talk->file;

  SIM_CHART (talk->model->side, "   the user %s %s", file->reject || file->busy ? "rejects" : "accepts",
             file->name);
  if (!file->reject && !file->busy)
    {
      accept_offer (talk);
      return;
    }
  file->hits |= SIM_HIT_REJECTED;
  sim_talk_terminate (talk, talk->model->traits->declines, SIM_END_REJECTED);
}

void
sim_model_show (SimModel *model, const FdJingleMessage *message, const FdJingleContent *content)
{
  SimWorld *world = model->side->world;
  SimFile *file = content->file ? sim_file_find (world, content->file->name) : NULL;
  SimTalk *talk;

  if (!file)
    return;
  talk = sim_talk_new (model, file, message->sid, content->name, FALSE);
  talk->s5b = content->transport.kind == FD_TRANSPORT_KIND_S5B;
  g_strlcpy (talk->transport, fd_transport_info_get_sid (&content->transport), sizeof talk->transport);
  if (talk->s5b)
    sim_talk_take_s5b (talk, content->transport.s5b);
  else
    talk->block_size = MIN (content->transport.ibb->block_size, model->traits->block_size);
  talk->answer.fire = on_answer;
  if (model->stock)
    sim_talk_hang (talk, "is acknowledged and forgotten");
  else if (file->answer_after >= 0)
    sim_timer_arm (&world->clock, &talk->answer, SIM_NOW (world) + file->answer_after);
  else
    file->hits |= SIM_HIT_UNANSWERED;
}

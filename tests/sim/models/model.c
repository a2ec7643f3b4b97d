/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Another client: its sessions (XEP-0166), its stanzas out, its offers and the world
 * around it. The stanzas in are in model-receive.c, the bytes in model-file.c.
 */
#include "model-private.h"

#include <string.h>

#define IQ_TIMEOUT_MS 30000

const SimTraits *
sim_traits_of (SimKind kind)
{
  static const SimTraits *const traits[SIM_N_KINDS] = {
    [SIM_DINO] = &sim_dino,
    [SIM_IRIS] = &sim_iris,
    [SIM_PSI_PLUS] = &sim_psi_plus,
    [SIM_GAJIM] = &sim_gajim,
    [SIM_CONVERSATIONS] = &sim_conversations,
    [SIM_CONVERSATIONS_OLD] = &sim_conversations_old,
    [SIM_SWIFT] = &sim_swift,
  };

  return traits[kind];
}

/* --- stanzas out --- */

FdJingleMessage *
sim_talk_message (SimTalk *talk, FdJingleAction action)
{
  FdJingleMessage *message = fd_jingle_message_new (action, talk->sid);
  SimSide *side = talk->model->side;

  message->initiator = g_strdup (talk->initiator ? side->jid : sim_other (side)->jid);
  message->version = talk->model->traits->version;
  return message;
}

FdJingleContent *
sim_talk_add_content (SimTalk *talk, FdJingleMessage *message)
{
  FdJingleContent *content = fd_jingle_message_add_content (message, TRUE, talk->name);

  content->senders = talk->model->traits->version == FD_FT_4 ? FD_SENDERS_MISSING : FD_SENDERS_INITIATOR;
  content->version = talk->model->traits->version;
  return content;
}

FdJingleMessage *
sim_talk_content_message (SimTalk *talk, FdJingleAction action, FdTransportInfo *transport)
{
  FdJingleMessage *message = sim_talk_message (talk, action);
  FdJingleContent *content = sim_talk_add_content (talk, message);

  if (transport)
    fd_transport_info_copy (&content->transport, transport);
  return message;
}

static void
note_ack (SimModel *model, const FdJingleMessage *message)
{
  const FdJingleContent *content = fd_jingle_message_get_content (message);
  SimTalk *talk = content ? sim_talk_find (model, message->sid, content->name) : NULL;

  if (talk && content->transport.s5b && content->transport.s5b->kind == FD_S5B_CANDIDATE_ERROR)
    talk->error_acked = TRUE;
}

static void send_next (SimModel *model);

static void
answered (SimRequest *request, const SimStanza *reply, const GError *error)
{
  SimModel *model = request->owner;
  const FdJingleMessage *message = request->message->message;
  gboolean refused
    = error && (message->action == FD_JINGLE_SESSION_INITIATE || (reply && reply->unknown_session));

  model->waits_for_answer = FALSE;
  if (!error)
    note_ack (model, message);
  while (refused && sim_talk_find (model, message->sid, NULL))
    sim_talk_end (sim_talk_find (model, message->sid, NULL), SIM_END_FAILED, FD_BY_REMOTE);
  send_next (model);
  for (SimTalk *talk = model->talks, *next; talk && !model->dead; talk = next)
    {
      next = talk->next;
      if (talk->dialing)
        sim_talk_go_on (talk); /* what it said before counts now */
    }
}

static void
put (SimModel *model, FdJingleMessage *message)
{
  model->waits_for_answer = TRUE;
  sim_iq_send_jingle (model->side, sim_message_new (message), IQ_TIMEOUT_MS, answered, model);
}

static void
send_next (SimModel *model)
{
  if (!g_queue_is_empty (&model->outbox) && !model->waits_for_answer)
    put (model, g_queue_pop_head (&model->outbox));
}

void
sim_model_send (SimModel *model, FdJingleMessage *message)
{
  if (model->traits->one_at_a_time && model->waits_for_answer)
    g_queue_push_tail (&model->outbox, message);
  else
    put (model, message);
}

/* Its last words on a session are still to come. */
gboolean
sim_model_is_closing (SimModel *model, const char *sid)
{
  for (GList *l = model->outbox.head; l; l = l->next)
    if (strcmp (((FdJingleMessage *) l->data)->sid, sid) == 0)
      return TRUE;
  return FALSE;
}

/* --- talks --- */

SimTalk *
sim_talk_find (SimModel *model, const char *sid, const char *name)
{
  for (SimTalk *talk = model->talks; talk; talk = talk->next)
    if (strcmp (talk->sid, sid) == 0 && (!name || strcmp (talk->name, name) == 0))
      return talk;
  return NULL;
}

SimTalk *
sim_talk_new (SimModel *model, SimFile *file, const char *sid, const char *name, gboolean initiator)
{
  SimTalk *talk = g_new0 (SimTalk, 1);

  talk->model = model;
  talk->file = file;
  talk->initiator = initiator;
  g_strlcpy (talk->sid, sid, sizeof talk->sid);
  g_strlcpy (talk->name, name, sizeof talk->name);
  sim_timer_init (&talk->answer, NULL, talk);
  sim_timer_init (&talk->pace, NULL, talk);
  sim_timer_init (&talk->wait, NULL, talk);
  sim_timer_init (&talk->activation, NULL, talk);
  talk->next = model->talks;
  model->talks = talk;
  sim_file_begin (file, model->side);
  return talk;
}

void
sim_talk_drop_transport (SimTalk *talk)
{
  sim_talk_drop_s5b (talk);
  g_clear_pointer (&talk->pump, sim_pump_free);
  sim_end_close (talk->end);
  talk->end = NULL;
}

void
sim_talk_end (SimTalk *talk, SimEndKind end, FdEndedBy by)
{
  SimModel *model = talk->model;
  SimClock *clock = &model->side->world->clock;
  SimTalk **link = &model->talks;

  if (talk->over)
    return;
  while (*link != talk)
    link = &(*link)->next;
  *link = talk->next;
  talk->over = TRUE;
  talk->next_over = model->over;
  model->over = talk;
  talk->state = SIM_TALK_HUNG;
  sim_file_end (talk->file, model->side, end, by, 0, FD_VERIFIED_NONE);
  sim_talk_drop_transport (talk);
  sim_iq_cancel_owner (model->side, talk);
  sim_timer_disarm (clock, &talk->answer);
  sim_timer_disarm (clock, &talk->wait);
}

void
sim_talk_terminate (SimTalk *talk, const char *reason, SimEndKind end)
{
  SimModel *model = talk->model;
  FdJingleMessage *message = sim_talk_message (talk, FD_JINGLE_SESSION_TERMINATE);
  char sid[SIM_SID_SIZE];

  memcpy (sid, talk->sid, sizeof sid);
  message->reason = g_strdup (reason);
  sim_model_send (model, message);
  while (sim_talk_find (model, sid, NULL))
    sim_talk_end (sim_talk_find (model, sid, NULL), end, FD_BY_LOCAL);
}

void
sim_talk_hang (SimTalk *talk, const char *why)
{
  SIM_CHART (talk->model->side, "   %s %s", talk->file->name, why);
  talk->state = SIM_TALK_HUNG;
}

/* Everything goes, and its server says so. */
void
sim_model_die (SimModel *model, const char *why)
{
  SimSide *side = model->side;

  SIM_CHART (side, "!! crashes: %s", why);
  side->world->hits |= SIM_HIT_CRASHED;
  model->dead = TRUE;
  sim_timer_arm (&side->world->clock, &model->death, 0); /* with nothing of it below */
}

/* --- its user offers --- */

static void
on_early (gpointer data)
{
  SimTalk *talk = data;

  if (talk->state == SIM_TALK_OFFERED)
    sim_talk_trickle (talk);
}

static void
add_offered (SimTalk *talk, FdJingleMessage *message)
{
  SimWorld *world = talk->model->side->world;
  FdJingleContent *content = sim_talk_add_content (talk, message);
  FdTransportInfo transport;

  sim_talk_prepare_s5b (talk, NULL);
  transport = sim_talk_s5b_info (talk);
  content->file = sim_file_describe (talk->file);
  fd_transport_info_copy (&content->transport, &transport);
  fd_transport_info_clear (&transport);
  if (!talk->model->traits->trickles || sim_once_in (world, 2))
    return;
  talk->pace.fire = on_early;
  sim_timer_arm (&world->clock, &talk->pace, SIM_NOW (world) + sim_range (world, 0, 3 * SIM_SEC));
}

/* Offers what was added since: those of one sid in one stanza. */
static void
on_initiate (gpointer data)
{
  SimModel *model = data;
  SimTalk *first;

  while ((first = sim_talk_find_new (model)))
    {
      FdJingleMessage *message = sim_talk_message (first, FD_JINGLE_SESSION_INITIATE);

      for (SimTalk *talk = model->talks; talk; talk = talk->next)
        if (strcmp (talk->sid, first->sid) == 0)
          {
            talk->is_new = FALSE;
            add_offered (talk, message);
          }
      sim_model_send (model, message);
    }
}

SimTalk *
sim_talk_find_new (SimModel *model)
{
  for (SimTalk *talk = model->talks; talk; talk = talk->next)
    if (talk->is_new)
      return talk;
  return NULL;
}

static void
model_offer (SimSide *side, SimFile *file)
{
  SimModel *model = side->self;
  SimTalk *first = model->traits->multi ? sim_talk_find_new (model) : NULL;
  char sid[SIM_SID_SIZE];
  g_autofree char *name = g_strdup_printf ("%s%u", model->traits->content, file->index);
  SimTalk *talk;

  if (model->dead || (file->size == 0 && model->traits->no_empty))
    return;
  file->source_changes_at = -1;
  file->hash = model->traits->hash == SIM_HASH_NONE ? SIM_HASH_NONE : file->hash;
  if (first)
    g_strlcpy (sid, first->sid, sizeof sid);
  else
    sim_new_sid (side->world, "x", sid);
  talk = sim_talk_new (model, file, sid, name, TRUE);
  talk->is_new = TRUE;
  sim_timer_arm (&side->world->clock, &model->initiate, SIM_NOW (side->world) + SIM_MSEC);
}

static void
model_cancel (SimSide *side, SimFile *file)
{
  SimModel *model = side->self;

  for (SimTalk *talk = model->talks; talk; talk = talk->next)
    if (talk->file == file)
      {
        file->hits |= SIM_HIT_CANCELLED;
        side->world->hits |= SIM_HIT_CANCELLED; /* it ends all files of the session */
        if (talk->is_new)
          sim_talk_end (talk, SIM_END_CANCELLED, FD_BY_LOCAL);
        else
          sim_talk_terminate (talk, "cancel", SIM_END_CANCELLED);
        return;
      }
}

/* --- the world around --- */

static void
forget_all (SimModel *model)
{
  FdJingleMessage *message;

  sim_iq_cancel_owner (model->side, model);
  while ((message = g_queue_pop_head (&model->outbox)))
    fd_jingle_message_free (message);
  model->waits_for_answer = FALSE;
  while (model->talks)
    sim_talk_end (model->talks, SIM_END_FAILED, FD_BY_LOCAL);
  sim_timer_disarm (&model->side->world->clock, &model->initiate);
}

static void
on_death (gpointer data)
{
  SimModel *model = data;
  SimSide *side = model->side;

  forget_all (model);
  sim_wire_lose (side);
  sim_other (side)->ops->peer_gone (sim_other (side));
}

static void
on_prank (gpointer data)
{
  SimModel *model = data;
  SimWorld *world = model->side->world;

  sim_model_play_prank (model);
  if (!sim_once_in (world, 5))
    sim_timer_arm (&world->clock, &model->prank, SIM_NOW (world) + sim_range (world, 0, 2 * SIM_SEC));
}

static void
model_vanish (SimSide *side)
{
  forget_all (side->self);
}

static void
model_ignore (SimSide *side)
{
}

static void
model_check (SimSide *side)
{
  SimModel *model = side->self;
  SimTalk *talk;

  while ((talk = model->over))
    {
      model->over = talk->next_over;
      g_free (talk);
    }
}

static gboolean
model_is_idle (SimSide *side)
{
  return ((SimModel *) side->self)->talks == NULL;
}

static void
model_receive (SimSide *side, SimStanza *request)
{
  SimModel *model = side->self;

  if (request->kind == SIM_STANZA_JINGLE)
    sim_model_receive_jingle (model, request);
  else
    sim_model_receive_ibb (model, request);
}

const SimSideOps sim_model_ops = {
  .receive = model_receive,
  .stream_lost = model_vanish, /* they give up everything */
  .stream_up = model_ignore,
  .peer_gone = model_ignore,
  .offer = model_offer,
  .cancel = model_cancel,
  .network_changed = model_ignore,
  .vanish = model_vanish,
  .check = model_check,
  .is_idle = model_is_idle,
};

void
sim_model_init (SimSide *side)
{
  SimModel *model = g_new0 (SimModel, 1);

  model->side = side;
  model->traits = sim_traits_of (side->plan.kind);
  model->stock = side->plan.stock;
  g_queue_init (&model->outbox);
  sim_timer_init (&model->initiate, on_initiate, model);
  sim_timer_init (&model->death, on_death, model);
  sim_timer_init (&model->prank, on_prank, model);
  if (side->plan.mischief)
    sim_timer_arm (&side->world->clock, &model->prank, SIM_START + sim_range (side->world, 0, 2 * SIM_SEC));
  side->self = model;
  side->ops = &sim_model_ops;
}

void
sim_model_clear (SimSide *side)
{
  SimModel *model = side->self;

  forget_all (model);
  model_check (side);
  sim_timer_disarm (&side->world->clock, &model->death);
  sim_timer_disarm (&side->world->clock, &model->prank);
  g_free (model);
  side->self = NULL;
}

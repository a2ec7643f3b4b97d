/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SOCKS5 negotiation (XEP-0260) as the clients do it.
 */
#include "model-private.h"

#include <string.h>

#define STAGGER (200 * SIM_MSEC)

static const SimTraits *
traits_of (const SimTalk *talk)
{
  return talk->model->traits;
}

static SimWorld *
world_of (const SimTalk *talk)
{
  return talk->model->side->world;
}

static void
send_info (SimTalk *talk, FdS5bInfo *info)
{
  FdTransportInfo transport = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = info };

  sim_model_send (talk->model, sim_talk_content_message (talk, FD_JINGLE_TRANSPORT_INFO, &transport));
  fd_transport_info_clear (&transport);
}

static void
say (SimTalk *talk, FdS5bKind kind, const char *cid)
{
  FdS5bInfo *info = fd_s5b_info_new (kind, talk->transport);

  info->cid = g_strdup (cid);
  send_info (talk, info);
}

/* --- nomination --- */

static void
take_end (SimTalk *talk, SimEnd *end)
{
  if (!end)
    {
      sim_talk_hang (talk, "is nominated without a connection");
      return;
    }
  sim_end_take (end);
  sim_talk_connected (talk, end);
}

static void
activation_failed (SimTalk *talk)
{
  if (traits_of (talk)->proxy_error)
    {
      say (talk, FD_S5B_PROXY_ERROR, NULL);
      sim_talk_fail (talk);
    }
  else
    sim_talk_hang (talk, "cannot activate its proxy");
}

static void
activated (SimTalk *talk)
{
  g_autofree char *cid = g_strdup_printf ("c%u", talk->picked->number);

  if (!traits_of (talk)->hasty)
    say (talk, FD_S5B_ACTIVATED, cid);
  take_end (talk, g_steal_pointer (&talk->picked->socket));
}

static void
on_activation (gpointer data)
{
  SimTalk *talk = data;
  SimProxy *proxy = world_of (talk)->proxies[talk->picked->plan->which];
  int plan = sim_proxy_get_plan (proxy)->activation;

  if (plan == SIM_ACTIVATION_MUTE && !traits_of (talk)->proxy_error)
    sim_talk_hang (talk, "waits for its proxy");
  else if (plan == SIM_ACTIVATION_WORKS
           && sim_proxy_activate (proxy, talk->transport, sim_talk_own_hash (talk)))
    activated (talk);
  else
    activation_failed (talk);
}

void
sim_talk_ask_proxy (SimTalk *talk)
{
  g_autofree char *cid = g_strdup_printf ("c%u", talk->picked->number);

  if (!talk->picked->socket)
    {
      activation_failed (talk);
      return;
    }
  if (traits_of (talk)->hasty)
    say (talk, FD_S5B_ACTIVATED, cid);
  sim_timer_arm (&world_of (talk)->clock, &talk->activation,
                 SIM_NOW (world_of (talk)) + 2 * sim_latency (world_of (talk)));
}

static void
nominate_remote (SimTalk *talk)
{
  if (talk->chosen->candidate->type == FD_S5B_PROXY)
    talk->wait_act = TRUE; /* without a timer */
  else
    take_end (talk, g_steal_pointer (&talk->chosen->end));
}

static void
nominate_local (SimTalk *talk)
{
  SimModelLocal *local = talk->picked;

  if (!local->plan->proxy)
    {
      if (traits_of (talk)->not_serving && talk->initiator)
        {
          sim_end_close (g_steal_pointer (&local->socket)); /* nothing comes, then the end */
          sim_talk_hang (talk, "sends nothing from its own listener");
        }
      else
        take_end (talk, g_steal_pointer (&local->socket));
    }
  else if (local->socket)
    sim_talk_ask_proxy (talk);
  else
    {
      talk->asks = local;
      if (!local->dial)
        sim_talk_dial_proxy (local);
    }
}

static void
nominate (SimTalk *talk)
{
  gboolean take_ours;

  if (talk->state != SIM_TALK_NEGOTIATING || talk->nominated || talk->ours == SIM_SAID_NOTHING
      || talk->theirs == SIM_SAID_NOTHING)
    return;
  if (talk->ours == SIM_SAID_ERROR && talk->theirs == SIM_SAID_ERROR)
    {
      sim_talk_fail (talk);
      return;
    }
  talk->nominated = TRUE;
  if (talk->ours == SIM_SAID_ERROR || talk->theirs == SIM_SAID_ERROR)
    take_ours = talk->ours == SIM_SAID_USED;
  else if (talk->chosen->candidate->priority != talk->picked->priority)
    take_ours = talk->chosen->candidate->priority > talk->picked->priority;
  else
    take_ours = talk->initiator;
  if (!take_ours && talk->ours == SIM_SAID_USED && traits_of (talk)->error_after_used
      && sim_once_in (world_of (talk), 2))
    say (talk, FD_S5B_CANDIDATE_ERROR, NULL);
  if (take_ours)
    nominate_remote (talk);
  else
    nominate_local (talk);
}

static void
say_used (SimTalk *talk, SimModelRemote *remote)
{
  talk->ours = SIM_SAID_USED;
  talk->chosen = remote;
  say (talk, FD_S5B_CANDIDATE_USED, remote->candidate->cid);
  for (guint i = 0; i < talk->n_remotes; i++)
    if (talk->remotes[i].state == SIM_TRY_RUNNING || talk->remotes[i].state == SIM_TRY_WAITING)
      {
        talk->remotes[i].state = SIM_TRY_DEAD;
        g_clear_pointer (&talk->remotes[i].dial, sim_dial_free);
      }
}

static gboolean
may_say_error (SimTalk *talk)
{
  /* iris: its own are all sent and acknowledged */
  return !traits_of (talk)->one_at_a_time
         || ((talk->trickled || !traits_of (talk)->trickles) && !talk->model->waits_for_answer
             && g_queue_is_empty (&talk->model->outbox));
}

static void
start_some (SimTalk *talk)
{
  const SimTraits *traits = traits_of (talk);
  SimWorld *world = world_of (talk);
  SimModelRemote *next = sim_talk_best (talk, SIM_TRY_WAITING);

  while (next && traits->pace == SIM_PACE_PARALLEL)
    {
      sim_talk_try (next);
      next = sim_talk_best (talk, SIM_TRY_WAITING);
    }
  if (!next || sim_timer_is_armed (&talk->pace))
    return;
  if (traits->pace == SIM_PACE_SERIAL && sim_talk_best (talk, SIM_TRY_RUNNING))
    return;
  sim_talk_try (next);
  if (traits->pace == SIM_PACE_STAGGERED)
    sim_timer_arm (&world->clock, &talk->pace, SIM_NOW (world) + STAGGER);
}

void
sim_talk_go_on (SimTalk *talk)
{
  if (talk->state != SIM_TALK_NEGOTIATING || !talk->dialing || talk->ours == SIM_SAID_USED || talk->nominated)
    return;
  if (sim_talk_best (talk, SIM_TRY_WORKS))
    say_used (talk, sim_talk_best (talk, SIM_TRY_WORKS));
  else
    start_some (talk);
  if (talk->ours == SIM_SAID_NOTHING && !sim_talk_best (talk, SIM_TRY_WAITING)
      && !sim_talk_best (talk, SIM_TRY_RUNNING) && may_say_error (talk))
    {
      talk->ours = SIM_SAID_ERROR;
      say (talk, FD_S5B_CANDIDATE_ERROR, NULL);
    }
  nominate (talk);
}

static void
on_pace (gpointer data)
{
  sim_talk_go_on (data);
}

void
sim_talk_trickle (SimTalk *talk)
{
  FdS5bInfo *info;

  if (talk->trickled)
    return;
  talk->trickled = TRUE;
  info = sim_talk_describe (talk, TRUE);
  if (info->candidates->len > 0)
    send_info (talk, info);
  else
    fd_s5b_info_free (info);
}

void
sim_talk_dial (SimTalk *talk)
{
  const SimTraits *traits = traits_of (talk);

  talk->pace.fire = on_pace;
  talk->activation.fire = on_activation;
  if (traits->silent && talk->initiator)
    {
      talk->ours = SIM_SAID_ERROR; /* and says nothing */
      nominate (talk);
      return;
    }
  talk->dialing = TRUE;
  if (traits->trickles)
    sim_talk_trickle (talk);
  sim_talk_go_on (talk);
}

/* --- our notifications --- */

static SimModelLocal *
find_local (SimTalk *talk, const char *cid)
{
  SimOffer *offer = sim_offer_find (world_of (talk), cid);

  return offer && offer->owner == talk ? &talk->locals[offer->index] : NULL;
}

static gboolean
peer_used (SimTalk *talk, const char *cid)
{
  SimModelLocal *local = find_local (talk, cid);

  if (!local)
    return FALSE;
  if (traits_of (talk)->refuses_without_socket && !local->plan->proxy && !local->socket)
    return FALSE;
  if (talk->theirs == SIM_SAID_USED)
    return TRUE;
  talk->theirs = SIM_SAID_USED;
  talk->picked = local;
  return TRUE;
}

static void
peer_activated (SimTalk *talk)
{
  if (!talk->wait_act)
    return;
  talk->wait_act = FALSE;
  take_end (talk, g_steal_pointer (&talk->chosen->end));
}

gboolean
sim_talk_notified (SimTalk *talk, const FdS5bInfo *info)
{
  const SimTraits *traits = traits_of (talk);

  if (talk->state != SIM_TALK_NEGOTIATING && talk->state != SIM_TALK_OFFERED)
    return TRUE;
  switch (info->kind)
    {
    case FD_S5B_CANDIDATES:
      if (!traits->trickles)
        return TRUE; /* not looked at */
      sim_talk_take_s5b (talk, info);
      if (talk->ours == SIM_SAID_ERROR)
        talk->ours = SIM_SAID_NOTHING;
      break;
    case FD_S5B_CANDIDATE_USED:
      if (traits->refuses_repeats && talk->theirs != SIM_SAID_NOTHING)
        return FALSE;
      if (!peer_used (talk, info->cid))
        return FALSE;
      break;
    case FD_S5B_CANDIDATE_ERROR:
      if (traits->refuses_repeats && talk->theirs != SIM_SAID_NOTHING)
        return FALSE;
      if (talk->theirs == SIM_SAID_NOTHING)
        talk->theirs = SIM_SAID_ERROR;
      break;
    case FD_S5B_ACTIVATED:
      peer_activated (talk);
      return TRUE;
    case FD_S5B_PROXY_ERROR:
    default:
      if (talk->wait_act)
        sim_talk_fail (talk);
      return TRUE;
    }
  if (talk->dialing)
    sim_talk_go_on (talk);
  nominate (talk);
  return TRUE;
}

/* --- the end of it --- */

void
sim_talk_fail (SimTalk *talk)
{
  const SimTraits *traits = traits_of (talk);
  SimFails how = talk->initiator ? traits->as_initiator : traits->as_responder;
  SimModel *model = talk->model;

  SIM_CHART (model->side, "   no TCP path");
  if (talk->initiator && traits->replaces_late && !talk->error_acked)
    how = SIM_FAILS_BY_REMOVE;
  switch (how)
    {
    case SIM_FAILS_BY_REPLACE:
      sim_talk_send_replace (talk);
      break;
    case SIM_FAILS_BY_S5B:
      {
        FdTransportInfo transport;

        sim_talk_drop_s5b (talk);
        sim_talk_prepare_s5b (talk, NULL);
        transport = sim_talk_s5b_info (talk);
        talk->state = SIM_TALK_REPLACING;
        sim_model_send (model, sim_talk_content_message (talk, FD_JINGLE_TRANSPORT_REPLACE, &transport));
        fd_transport_info_clear (&transport);
      }
      break;
    case SIM_FAILS_BY_REMOVE:
      {
        FdJingleMessage *message = sim_talk_content_message (talk, FD_JINGLE_CONTENT_REMOVE, NULL);

        message->reason = g_strdup ("failed-transport");
        sim_model_send (model, message);
        sim_talk_terminate (talk, "failed-transport", SIM_END_FAILED);
      }
      break;
    case SIM_FAILS_BY_END:
      sim_talk_terminate (talk, "failed-transport", SIM_END_FAILED);
      if (traits->dies_of_failure && sim_once_in (model->side->world, 2))
        sim_model_die (model, "uses what it freed");
      break;
    case SIM_FAILS_BY_WAITING:
    default:
      talk->state = SIM_TALK_WAITING;
      break;
    }
}

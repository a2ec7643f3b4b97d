/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SOCKS5 candidates (XEP-0260 §2.2) of and for the other clients: what they offer,
 * how they dial.
 */
#include "model-private.h"

#include <string.h>

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

/* H(us, peer) */
SimDst
sim_talk_own_hash (const SimTalk *talk)
{
  return talk->initiator ? SIM_DST_INI : SIM_DST_RESP;
}

static SimDst
other_hash (const SimTalk *talk)
{
  return talk->initiator ? SIM_DST_RESP : SIM_DST_INI;
}

/* --- its candidates --- */

static void
on_incoming (gpointer owner, guint index, SimDst dst, SimEnd *end)
{
  SimTalk *talk = owner;

  sim_end_close (talk->locals[index].socket);
  talk->locals[index].socket = end;
}

static void
on_own_proxy (gpointer data, const char *cid, SimEnd *end)
{
  SimModelLocal *local = data;

  local->dial = NULL;
  local->socket = end;
  if (local->talk->asks == local)
    sim_talk_ask_proxy (local->talk);
}

void
sim_talk_dial_proxy (SimModelLocal *local)
{
  SimTalk *talk = local->talk;
  g_autofree char *cid = g_strdup_printf ("c%u", local->number);
  SimDialParams params = { .side = talk->model->side,
                           .sid = talk->transport,
                           .cid = cid,
                           .dsts = { sim_talk_own_hash (talk) },
                           .n_dsts = 1,
                           .patience_ms = 10000,
                           .done = on_own_proxy,
                           .data = local };

  local->dial = sim_dial_new (world_of (talk), &params);
}

static guint
accepted (const SimTalk *talk)
{
  switch (traits_of (talk)->takes)
    {
    case SIM_TAKES_OFFERER:
      return 1u << sim_talk_own_hash (talk);
    case SIM_TAKES_INITIATOR:
      return 1u << SIM_DST_INI;
    case SIM_TAKES_ANYTHING:
    default:
      return ~0u;
    }
}

static void
add_local (SimTalk *talk, const SimCandidatePlan *plan)
{
  const SimTraits *traits = traits_of (talk);
  SimModelLocal *local = &talk->locals[talk->n_locals];
  SimOffer offer = { .side = talk->model->side,
                     .owner = talk,
                     .index = talk->n_locals,
                     .reach = plan->reach,
                     .dies_after = plan->dies_after,
                     .accepts = accepted (talk),
                     .proxy = plan->proxy ? world_of (talk)->proxies[plan->which] : NULL,
                     .incoming = on_incoming };

  *local = (SimModelLocal){ .talk = talk, .plan = plan };
  local->number = sim_offer_add (world_of (talk), &offer);
  local->priority = plan->proxy ? traits->proxy_priority : traits->direct_priority;
  if (traits->descending)
    local->priority -= talk->n_locals;
  talk->n_locals++;
  if (plan->proxy && traits->holds_proxy)
    sim_talk_dial_proxy (local);
}

void
sim_talk_prepare_s5b (SimTalk *talk, const char *sid)
{
  const SimTraits *traits = traits_of (talk);
  const SimSidePlan *plan = &talk->model->side->plan;

  talk->s5b = TRUE;
  if (sid)
    g_strlcpy (talk->transport, sid, sizeof talk->transport);
  else
    sim_new_sid (world_of (talk), "m", talk->transport);
  for (guint i = 0; i < plan->n_candidates; i++)
    {
      const SimCandidatePlan *candidate = &plan->candidates[i];
      gboolean unwanted
        = !candidate->proxy && (traits->no_direct || (traits->only_proxies_offered && talk->initiator));

      if (!unwanted)
        add_local (talk, candidate);
    }
}

static FdS5bCandidate *
describe (SimTalk *talk, SimModelLocal *local)
{
  FdS5bCandidate *candidate = g_new0 (FdS5bCandidate, 1);
  gboolean proxy = local->plan->proxy;

  local->told = TRUE;
  candidate->cid = g_strdup_printf ("c%u", local->number);
  candidate->host
    = proxy ? g_strdup_printf ("proxy%u", local->plan->which) : g_strdup_printf ("model%u", local->number);
  candidate->port = proxy ? 7777 : 28011;
  if (proxy || !traits_of (talk)->no_jid)
    candidate->jid = g_strdup (proxy ? "proxy" : talk->model->side->jid);
  candidate->priority = local->priority;
  candidate->type = proxy ? FD_S5B_PROXY : FD_S5B_DIRECT;
  return candidate;
}

FdS5bInfo *
sim_talk_describe (SimTalk *talk, gboolean later)
{
  const SimTraits *traits = traits_of (talk);
  FdS5bInfo *info = fd_s5b_info_new (FD_S5B_CANDIDATES, talk->transport);
  gboolean proxies = FALSE;

  for (guint i = 0; i < talk->n_locals; i++)
    {
      SimModelLocal *local = &talk->locals[i];

      if (local->told || (traits->trickles && local->plan->proxy != later))
        continue;
      proxies |= local->plan->proxy;
      g_ptr_array_add (info->candidates, describe (talk, local));
    }
  if (traits->dstaddr || (traits->proxy_dstaddr && proxies))
    info->dstaddr = g_strdup (talk->initiator ? "ini" : "resp");
  return info;
}

FdTransportInfo
sim_talk_s5b_info (SimTalk *talk)
{
  return (FdTransportInfo){ .kind = FD_TRANSPORT_KIND_S5B, .s5b = sim_talk_describe (talk, FALSE) };
}

/* --- our candidates --- */

void
sim_talk_take_s5b (SimTalk *talk, const FdS5bInfo *info)
{
  if (info->dstaddr)
    talk->announced = strcmp (info->dstaddr, "ini") == 0 ? SIM_DST_INI : SIM_DST_RESP;
  for (guint i = 0; i < info->candidates->len && talk->n_remotes < FD_S5B_MAX_CANDIDATES; i++)
    talk->remotes[talk->n_remotes++]
      = (SimModelRemote){ .talk = talk, .candidate = fd_s5b_candidate_copy (info->candidates->pdata[i]) };
}

static void
on_dialed (gpointer data, const char *cid, SimEnd *end)
{
  SimModelRemote *remote = data;
  SimTalk *talk = remote->talk;

  remote->dial = NULL;
  remote->end = end;
  remote->state = end ? SIM_TRY_WORKS : SIM_TRY_DEAD;
  SIM_CHART (talk->model->side, "   dial %s: %s", cid, end ? "connected" : "failed");
  sim_talk_go_on (talk);
}

void
sim_talk_try (SimModelRemote *remote)
{
  SimTalk *talk = remote->talk;
  const SimTraits *traits = traits_of (talk);
  gboolean proxy = remote->candidate->type == FD_S5B_PROXY;
  SimDst dst = other_hash (talk);
  SimDialParams params = { .side = talk->model->side,
                           .sid = talk->transport,
                           .cid = remote->candidate->cid,
                           .n_dsts = 1,
                           .patience_ms = traits->patience_ms,
                           .takes_refusal = traits->takes_refusal,
                           .done = on_dialed,
                           .data = remote };

  if (traits->says == SIM_SAYS_INITIATOR && !proxy)
    dst = SIM_DST_INI;
  else if (traits->says == SIM_SAYS_ANNOUNCED && talk->announced)
    dst = talk->announced;
  params.dsts[0] = dst;
  remote->state = SIM_TRY_RUNNING;
  remote->dial = sim_dial_new (world_of (talk), &params);
}

SimModelRemote *
sim_talk_best (SimTalk *talk, SimTry state)
{
  SimModelRemote *found = NULL;

  for (guint i = 0; i < talk->n_remotes; i++)
    {
      SimModelRemote *remote = &talk->remotes[i];

      if (remote->state == state && (!found || remote->candidate->priority > found->candidate->priority))
        found = remote;
    }
  return found;
}

/* --- the end of it --- */

void
sim_talk_drop_s5b (SimTalk *talk)
{
  SimWorld *world = world_of (talk);

  sim_timer_disarm (&world->clock, &talk->pace);
  sim_timer_disarm (&world->clock, &talk->activation);
  for (guint i = 0; i < talk->n_locals; i++)
    {
      sim_offer_remove (world, talk->locals[i].number);
      sim_dial_free (talk->locals[i].dial);
      sim_end_close (talk->locals[i].socket);
    }
  for (guint i = 0; i < talk->n_remotes; i++)
    {
      sim_dial_free (talk->remotes[i].dial);
      sim_end_close (talk->remotes[i].end);
      fd_s5b_candidate_free (talk->remotes[i].candidate);
    }
  talk->n_locals = talk->n_remotes = 0;
  talk->ours = talk->theirs = SIM_SAID_NOTHING;
  talk->chosen = NULL;
  talk->picked = talk->asks = NULL;
  talk->announced = SIM_DST_NONE;
  talk->s5b = talk->dialing = talk->nominated = talk->wait_act = talk->trickled = FALSE;
}

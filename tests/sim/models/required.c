/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When a transfer with another client has to succeed, if the client is known for
 * what it is and nothing breaks:
 *
 * | client            | receives our file if             | its file is received if           |
 * |-------------------|----------------------------------|-----------------------------------|
 * | Dino              | any TCP path                     | any TCP path, not empty           |
 * | Psi (iris)        | any TCP path, or in-band         | the same                          |
 * | Psi+ 1.4          | our addresses, or any proxy      | the same                          |
 * | Gajim, repaired   | our addresses, proxies, in-band  | our addresses, our proxy, in-band |
 * | Conversations     | any TCP path, or in-band         | its proxy, or in-band             |
 * | Conversations old | any TCP path, or in-band         | the same                          |
 * | Swift             | any TCP path, or in-band         | the same                          |
 *
 * A path that can be chosen and then does not carry anything (a proxy that does
 * not activate, one that holds back the tail of a sender that never closes)
 * excuses a failure.
 */
#include "model.h"

static gboolean
proxy_works (SimWorld *world, const SimCandidatePlan *candidate)
{
  const SimProxyPlan *plan = sim_proxy_get_plan (world->proxies[candidate->which]);

  return plan->reach[0] == SIM_REACH_WORKS && plan->reach[1] == SIM_REACH_WORKS;
}

static gboolean
is_trap (SimWorld *world, const SimCandidatePlan *candidate, gboolean theirs)
{
  const SimTraits *traits = sim_traits_of (world->sides[1].plan.kind);
  gboolean model_sends = world->sender == 1;
  const SimProxyPlan *plan;

  if (!candidate->proxy)
    return candidate->reach >= SIM_REACH_DIES_EARLY;
  plan = sim_proxy_get_plan (world->proxies[candidate->which]);
  if (plan->activation != SIM_ACTIVATION_WORKS || plan->drops_after > 0 || plan->reach[0] != plan->reach[1])
    return TRUE;
  if (plan->holds_tail && model_sends && !traits->closes)
    return TRUE;
  return theirs && traits->hasty;
}

static gboolean
has_trap (SimWorld *world)
{
  for (guint i = 0; i < 2; i++)
    for (guint j = 0; j < world->sides[i].plan.n_candidates; j++)
      if (is_trap (world, &world->sides[i].plan.candidates[j], i == 1))
        return TRUE;
  return FALSE;
}

/* Does one that is offered by side @index lead through? */
static gboolean
leads_through (SimWorld *world, guint index, const SimCandidatePlan *candidate)
{
  const SimTraits *traits = sim_traits_of (world->sides[1].plan.kind);
  gboolean model_sends = world->sender == 1;
  FdPath kind = candidate->proxy ? FD_PATH_SOCKS5_PROXY : FD_PATH_SOCKS5_DIRECT;

  if (!(world->sides[0].plan.paths & kind))
    return FALSE;
  if (index == 0
      && (candidate->late > 0 || world->sides[0].plan.gather_time > 0 || (traits->silent && model_sends)))
    return FALSE;
  if (index == 1 && !candidate->proxy
      && (traits->no_direct || traits->not_serving || world->sides[0].plan.hidden
          || (model_sends && traits->only_proxies_offered)))
    return FALSE;
  if (world->sides[0].plan.hidden && (!candidate->proxy || index == 1))
    return FALSE;
  return candidate->proxy ? proxy_works (world, candidate) : candidate->reach == SIM_REACH_WORKS;
}

static gboolean
tcp_works (SimWorld *world)
{
  for (guint i = 0; i < 2; i++)
    for (guint j = 0; j < world->sides[i].plan.n_candidates; j++)
      if (leads_through (world, i, &world->sides[i].plan.candidates[j]))
        return TRUE;
  return FALSE;
}

static gboolean
in_band_works (SimWorld *world)
{
  const SimTraits *traits = sim_traits_of (world->sides[1].plan.kind);

  if (!(world->sides[0].plan.paths & FD_PATH_IBB) || traits->dies_of_ibb)
    return FALSE;
  if (world->sender == 1 && traits->ibb_sid && world->n_files > 1)
    return FALSE; /* its streams have one name */
  return world->sender == 0 ? !traits->drops_ibb : traits->as_initiator == SIM_FAILS_BY_REPLACE;
}

/* Files of one session are answered together. */
static gboolean
is_held_up (SimWorld *world)
{
  guint hits = 0;

  for (guint i = 0; i < world->n_files; i++)
    hits |= world->files[i].hits;
  return world->sender == 1 && sim_traits_of (world->sides[1].plan.kind)->multi && hits != 0;
}

/* It waits for its TCP longer than anybody waits for its word. */
static gboolean
hangs (SimWorld *world)
{
  if (sim_traits_of (world->sides[1].plan.kind)->patience_ms < FD_T_PEER_MAX)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    for (guint j = 0; j < world->sides[i].plan.n_candidates; j++)
      {
        const SimCandidatePlan *candidate = &world->sides[i].plan.candidates[j];
        SimReach reach = candidate->proxy ? sim_proxy_get_plan (world->proxies[candidate->which])->reach[1]
                                          : candidate->reach;

        if ((i == 0 || candidate->proxy) && (reach == SIM_REACH_HANGS || reach == SIM_REACH_MUTE))
          return TRUE;
      }
  return FALSE;
}

gboolean
sim_model_requires (SimWorld *world, const SimFile *file)
{
  const SimSidePlan *theirs = &world->sides[1].plan;
  guint excuses = SIM_HITS_WIRE | SIM_HITS_TCP | SIM_HIT_SOURCE | SIM_HIT_CRASHED | SIM_HIT_CANCELLED
                  | SIM_HIT_MISCHIEF | SIM_HIT_NETWORK;

  if ((world->hits & excuses) || file->hits || is_held_up (world) || theirs->stock
      || !world->sides[0].plan.knows_quirks)
    return FALSE;
  return !has_trap (world) && !hangs (world) && (tcp_works (world) || in_band_works (world));
}

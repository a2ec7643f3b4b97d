/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our candidates at work: s5b/locals.c, listener.c and activation.c over the
 * simulated network.
 */
#include "ours-locals.h"

#include "proxy.h"

#include <string.h>

#define PATIENCE_MS 8000 /* as in s5b/dialer.h */
#define ACTIVATION_TIMEOUT (20000 * SIM_MSEC) /* as in s5b/activation.c */
#define MAX_SOCKETS 4 /* of a listener, as in s5b/listener.c */

typedef struct
{
  SimLocals *locals;
  const SimCandidatePlan *plan;
  SimTimer found; /* when gathering finds it */
  guint number; /* of its offer */
  FdS5bCandidate *candidate; /* NULL: not found yet */
  SimEnd *sockets[MAX_SOCKETS];
  guint n_sockets;
} Local;

struct SimLocals
{
  SimWorld *world;
  SimLocalsParams params;
  gboolean cid_dst;
  Local list[SIM_MAX_CANDIDATES];
  guint n, n_missing;
  SimTimer gathered;
  SimDial *dial; /* to our proxy */
  Local *proxy; /* that is to be activated */
  SimEnd *activated;
  SimTimer activation;
  gboolean works; /* its outcome when it fires */
};

static void
tell (SimLocals *locals, FdS5bEventType type, const FdS5bCandidate *candidate)
{
  const FdS5bEvent event = { .type = type, .cid = candidate ? candidate->cid : NULL, .candidate = candidate };

  locals->params.happened (&event, locals->params.data);
}

static Local *
find (SimLocals *locals, const char *cid)
{
  for (guint i = 0; i < locals->n; i++)
    if (locals->list[i].candidate && strcmp (locals->list[i].candidate->cid, cid) == 0)
      return &locals->list[i];
  return NULL;
}

/* H(us, peer) */
static SimDst
own_hash (const SimLocals *locals)
{
  return locals->params.initiator ? SIM_DST_INI : SIM_DST_RESP;
}

/* --- offering --- */

static void
on_incoming (gpointer owner, guint index, SimDst dst, SimEnd *end)
{
  SimLocals *locals = owner;
  Local *local = &locals->list[index];

  if (local->n_sockets == MAX_SOCKETS)
    {
      sim_end_close (local->sockets[0]);
      memmove (local->sockets, local->sockets + 1, sizeof local->sockets - sizeof *local->sockets);
      local->n_sockets--;
    }
  local->sockets[local->n_sockets++] = end;
  SIM_CHART (locals->params.side, "   socket at %s", local->candidate->cid);
  tell (locals, FD_S5B_EV_INCOMING, local->candidate);
}

/* Opens its listener, too. */
static FdS5bCandidate *
make_candidate (SimLocals *locals, Local *local)
{
  const SimCandidatePlan *plan = local->plan;
  SimSide *side = locals->params.side;
  FdS5bCandidate *candidate = g_new0 (FdS5bCandidate, 1);
  SimOffer offer = { .side = side,
                     .owner = locals,
                     .index = local - locals->list,
                     .reach = plan->reach,
                     .dies_after = plan->dies_after,
                     .proxy = plan->proxy ? locals->world->proxies[plan->which] : NULL,
                     .incoming = on_incoming };

  /* H(us, peer) and H(initiator, responder), see s5b/dstaddr.c */
  offer.accepts = 1u << SIM_DST_INI | 1u << own_hash (locals);
  if (locals->cid_dst)
    offer.accepts |= 1u << SIM_DST_CID;
  local->number = sim_offer_add (locals->world, &offer);
  candidate->cid = g_strdup_printf ("c%u", local->number);
  candidate->host = plan->proxy ? g_strdup_printf ("proxy%u", plan->which)
                                : g_strdup_printf ("host%u-%u", side->index, offer.index);
  candidate->port = plan->proxy ? 7777 : 1024 + local->number;
  candidate->jid = g_strdup (plan->proxy ? "proxy" : side->jid);
  candidate->priority = plan->priority;
  candidate->type = plan->proxy ? FD_S5B_PROXY : FD_S5B_DIRECT;
  return candidate;
}

static void
offer_candidate (SimLocals *locals, Local *local)
{
  if (local->plan->proxy && (*locals->params.peer_proxies & (1u << local->plan->which)))
    return;
  local->candidate = make_candidate (locals, local);
  tell (locals, FD_S5B_EV_LOCAL, local->candidate);
}

static void
check_gathered (SimLocals *locals)
{
  if (locals->n_missing == 0 && !sim_timer_is_armed (&locals->gathered))
    tell (locals, FD_S5B_EV_GATHERED, NULL);
}

static void
on_found (gpointer data)
{
  Local *local = data;

  local->locals->n_missing--;
  offer_candidate (local->locals, local);
  check_gathered (local->locals);
}

static void
on_gathered (gpointer data)
{
  check_gathered (data);
}

void
sim_locals_gather (SimLocals *locals, gboolean cid_dst)
{
  const SimSidePlan *plan = &locals->params.side->plan;
  SimWorld *world = locals->world;

  locals->cid_dst = cid_dst;
  for (guint i = 0; i < plan->n_candidates; i++)
    {
      const SimCandidatePlan *candidate = &plan->candidates[i];
      Local *local = &locals->list[locals->n];

      if (!(locals->params.paths & (candidate->proxy ? FD_PATH_SOCKS5_PROXY : FD_PATH_SOCKS5_DIRECT)))
        continue;
      *local = (Local){ .locals = locals, .plan = candidate };
      sim_timer_init (&local->found, on_found, local);
      locals->n++;
      if (candidate->late == 0)
        {
          offer_candidate (locals, local);
          continue;
        }
      locals->n_missing++;
      sim_timer_arm (&world->clock, &local->found, SIM_NOW (world) + candidate->late);
    }
  if (plan->gather_time > 0)
    sim_timer_arm (&world->clock, &locals->gathered, SIM_NOW (world) + plan->gather_time);
  check_gathered (locals);
}

/* --- our proxy --- */

static void
on_activation (gpointer data)
{
  SimLocals *locals = data;

  SIM_CHART (locals->params.side, "   activation: %s", locals->works ? "done" : "failed");
  tell (locals, locals->works ? FD_S5B_EV_ACTIVATED : FD_S5B_EV_ACTIVATION_FAILED, NULL);
}

static void
answer (SimLocals *locals, gboolean works, gint64 delay)
{
  locals->works = works;
  locals->activation.fire = on_activation;
  sim_timer_arm (&locals->world->clock, &locals->activation, SIM_NOW (locals->world) + delay);
}

/* The request reaches the proxy. */
static void
on_asked (gpointer data)
{
  SimLocals *locals = data;
  SimProxy *proxy = locals->world->proxies[locals->proxy->plan->which];

  if (!locals->params.side->online)
    answer (locals, FALSE, 0);
  else if (sim_proxy_get_plan (proxy)->activation == SIM_ACTIVATION_MUTE)
    answer (locals, FALSE, ACTIVATION_TIMEOUT);
  else if (sim_proxy_get_plan (proxy)->activation != SIM_ACTIVATION_WORKS)
    answer (locals, FALSE, sim_latency (locals->world));
  else
    answer (locals, sim_proxy_activate (proxy, locals->params.sid, own_hash (locals)),
            sim_latency (locals->world));
}

static void
on_dialed (gpointer data, const char *cid, SimEnd *end)
{
  SimLocals *locals = data;

  locals->dial = NULL;
  locals->activated = end;
  if (!end)
    {
      SIM_CHART (locals->params.side, "   cannot connect to our proxy");
      tell (locals, FD_S5B_EV_ACTIVATION_FAILED, NULL);
      return;
    }
  locals->activation.fire = on_asked;
  sim_timer_arm (&locals->world->clock, &locals->activation,
                 SIM_NOW (locals->world) + 2 * sim_latency (locals->world));
}

void
sim_locals_activate (SimLocals *locals, const char *cid)
{
  SimDialParams params = { .side = locals->params.side,
                           .sid = locals->params.sid,
                           .cid = cid,
                           .dsts = { own_hash (locals) },
                           .n_dsts = 1,
                           .patience_ms = PATIENCE_MS,
                           .done = on_dialed,
                           .data = locals };

  SIM_CHART (locals->params.side, "   activate %s", cid);
  locals->proxy = find (locals, cid);
  locals->dial = sim_dial_new (locals->world, &params);
}

gboolean
sim_locals_is_activating (const SimLocals *locals)
{
  return locals->dial || sim_timer_is_armed (&locals->activation);
}

/* --- sockets --- */

const FdS5bCandidate *
sim_locals_find (SimLocals *locals, const char *cid)
{
  const Local *local = find (locals, cid);

  return local ? local->candidate : NULL;
}

/* The newest that is alive, else the newest. */
SimEnd *
sim_locals_take_incoming (SimLocals *locals, const char *cid)
{
  Local *local = find (locals, cid);
  guint best = local->n_sockets - 1;
  SimEnd *end;

  if (local->n_sockets == 0)
    return NULL;
  for (guint i = 0; i < local->n_sockets; i++)
    if (!sim_stream_is_dead (&local->sockets[i]->stream))
      best = i;
  end = local->sockets[best];
  local->sockets[best] = local->sockets[--local->n_sockets];
  return end;
}

SimEnd *
sim_locals_take_activated (SimLocals *locals)
{
  return g_steal_pointer (&locals->activated);
}

void
sim_locals_close (SimLocals *locals)
{
  for (guint i = 0; i < locals->n; i++)
    {
      sim_timer_disarm (&locals->world->clock, &locals->list[i].found);
      if (locals->list[i].candidate)
        sim_offer_remove (locals->world, locals->list[i].number);
    }
}

/* --- life --- */

SimLocals *
sim_locals_new (const SimLocalsParams *params)
{
  SimLocals *locals = g_new0 (SimLocals, 1);

  locals->world = params->side->world;
  locals->params = *params;
  sim_timer_init (&locals->gathered, on_gathered, locals);
  sim_timer_init (&locals->activation, on_activation, locals);
  return locals;
}

void
sim_locals_free (SimLocals *locals)
{
  sim_locals_close (locals);
  for (guint i = 0; i < locals->n; i++)
    {
      Local *local = &locals->list[i];

      for (guint j = 0; j < local->n_sockets; j++)
        sim_end_close (local->sockets[j]);
      if (local->candidate)
        fd_s5b_candidate_free (local->candidate);
    }
  sim_dial_free (locals->dial);
  sim_end_close (locals->activated);
  sim_timer_disarm (&locals->world->clock, &locals->activation);
  sim_timer_disarm (&locals->world->clock, &locals->gathered);
  g_free (locals);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dialing a candidate: TCP and the SOCKS5 handshake, with each DST.ADDR on a
 * connection of its own, within the dialer's patience.
 */
#include "net.h"
#include "proxy.h"
#include "world.h"

struct SimDial
{
  SimWorld *world;
  SimDialParams params;
  char *sid, *cid;
  guint next; /* of the DST.ADDRs */
  gint64 give_up;
  SimTimer timer;
  SimEnd *end; /* granted, the reply is on its way */
};

static void
dial_clear (SimDial *dial)
{
  sim_timer_disarm (&dial->world->clock, &dial->timer);
  g_free (dial->sid);
  g_free (dial->cid);
  g_free (dial);
}

static void
finish (SimDial *dial, SimEnd *end)
{
  SimDialParams params = dial->params;
  g_autofree char *cid = g_steal_pointer (&dial->cid);

  dial_clear (dial);
  params.done (params.data, cid, end);
}

/* Goes on with @step after @delay, or fails if that is too long. */
static void
later (SimDial *dial, void (*step) (gpointer data), gint64 delay)
{
  gint64 when = SIM_NOW (dial->world) + delay;

  dial->timer.fire = step;
  sim_timer_arm (&dial->world->clock, &dial->timer, when);
}

static void
on_failed (gpointer data)
{
  finish (data, NULL);
}

static void
fail_at_give_up (SimDial *dial)
{
  dial->timer.fire = on_failed;
  sim_timer_arm (&dial->world->clock, &dial->timer, dial->give_up);
}

static void
on_granted (gpointer data)
{
  SimDial *dial = data;

  finish (dial, g_steal_pointer (&dial->end));
}

static void on_arrived (gpointer data);

static SimFate
fate_of (SimWorld *world, const SimOffer *offer)
{
  SimFate fate = { .dies_after = G_MAXUINT64, .stalls_after = G_MAXUINT64 };

  if (offer->reach == SIM_REACH_DIES_EARLY)
    fate.dies_in = sim_range (world, SIM_MSEC, 2 * SIM_SEC);
  else if (offer->reach == SIM_REACH_DIES)
    fate.dies_after = offer->dies_after;
  else if (offer->reach == SIM_REACH_STALLS)
    fate.stalls_after = offer->dies_after;
  if (sim_once_in (world, 400))
    fate.corrupts = 1 + sim_below (world, 4);
  return fate;
}

/* The listener's answer to one DST.ADDR; NULL: refused. */
static SimEnd *
ask (SimDial *dial, SimOffer *offer, SimDst dst)
{
  SimFate fate;
  SimConn *conn;

  if (offer->proxy)
    return sim_proxy_accept (offer->proxy, dial->sid, dst);
  if (!(offer->accepts & (1u << dst)))
    return NULL;
  fate = fate_of (dial->world, offer);
  conn = sim_conn_new (dial->world, &fate);
  offer->incoming (offer->owner, offer->index, dst, &conn->ends[1]);
  return &conn->ends[0];
}

/* A connection that was refused by SOCKS and is used all the same. */
static SimEnd *
dead_end (SimWorld *world)
{
  SimConn *conn = sim_conn_new (world, &(SimFate){ 0 });

  sim_end_close (&conn->ends[1]);
  return &conn->ends[0];
}

/* The request reaches the listener. */
static void
on_arrived (gpointer data)
{
  SimDial *dial = data;
  SimOffer *offer = sim_offer_find (dial->world, dial->cid);
  SimDst dst = dial->params.dsts[dial->next];

  if (!offer)
    {
      later (dial, on_failed, sim_latency (dial->world)); /* nobody listens any more */
      return;
    }
  dial->end = ask (dial, offer, dst);
  if (!dial->end && dial->params.takes_refusal)
    dial->end = dead_end (dial->world);
  if (dial->end)
    later (dial, on_granted, sim_latency (dial->world));
  else if (++dial->next < dial->params.n_dsts)
    later (dial, on_arrived, 4 * sim_latency (dial->world)); /* a new connection */
  else
    later (dial, on_failed, sim_latency (dial->world));
}

static SimReach
reach_of (SimDial *dial)
{
  SimOffer *offer = sim_offer_find (dial->world, dial->cid);

  if (!offer)
    return SIM_REACH_REFUSED;
  if (offer->proxy)
    return sim_proxy_get_plan (offer->proxy)->reach[dial->params.side->index];
  return offer->reach;
}

SimDial *
sim_dial_new (SimWorld *world, const SimDialParams *params)
{
  SimDial *dial = g_new0 (SimDial, 1);

  dial->world = world;
  dial->params = *params;
  dial->sid = g_strdup (params->sid);
  dial->cid = g_strdup (params->cid);
  dial->give_up = SIM_NOW (world) + params->patience_ms * SIM_MSEC;
  sim_timer_init (&dial->timer, NULL, dial);
  switch (reach_of (dial))
    {
    case SIM_REACH_REFUSED:
      later (dial, on_failed, 2 * sim_latency (world));
      break;
    case SIM_REACH_HANGS:
    case SIM_REACH_MUTE:
      fail_at_give_up (dial);
      break;
    default:
      later (dial, on_arrived, 3 * sim_latency (world));
      break;
    }
  return dial;
}

void
sim_dial_free (SimDial *dial)
{
  if (!dial)
    return;
  sim_end_close (dial->end);
  dial_clear (dial);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Proxies: pairing by hash, activation, and the relay of bytes.
 */
#include "proxy.h"
#include "world.h"

#include <string.h>

#define MAX_PAIRS 64

typedef struct Pair Pair;

typedef struct
{
  Pair *pair;
  SimEnd *end; /* the proxy's */
  SimTimer drop;
  SimSegment *held; /* not yet passed on */
} Leg;

struct Pair
{
  SimProxy *proxy;
  char sid[SIM_SID_SIZE];
  SimDst dst;
  Leg legs[2];
  guint n_legs;
  gboolean active;
};

struct SimProxy
{
  SimWorld *world;
  guint number;
  SimProxyPlan plan;
  Pair *pairs[MAX_PAIRS];
  guint n_pairs;
};

SimProxy *
sim_proxy_new (SimWorld *world, guint number, const SimProxyPlan *plan)
{
  SimProxy *proxy = g_new0 (SimProxy, 1);

  proxy->world = world;
  proxy->number = number;
  proxy->plan = *plan;
  return proxy;
}

static void
close_leg (Leg *leg)
{
  sim_timer_disarm (&leg->pair->proxy->world->clock, &leg->drop);
  if (leg->held)
    sim_segment_free (leg->pair->proxy->world, leg->held);
  leg->held = NULL;
  if (leg->end)
    leg->end->stream.wake = NULL;
  sim_end_close (leg->end);
  leg->end = NULL;
}

void
sim_proxy_free (SimProxy *proxy)
{
  if (!proxy)
    return;
  for (guint i = 0; i < proxy->n_pairs; i++)
    {
      for (guint j = 0; j < proxy->pairs[i]->n_legs; j++)
        close_leg (&proxy->pairs[i]->legs[j]);
      g_free (proxy->pairs[i]);
    }
  g_free (proxy);
}

const SimProxyPlan *
sim_proxy_get_plan (const SimProxy *proxy)
{
  return &proxy->plan;
}

guint
sim_proxy_get_number (const SimProxy *proxy)
{
  return proxy->number;
}

static Leg *
other_leg (Leg *leg)
{
  return &leg->pair->legs[leg == &leg->pair->legs[0]];
}

/* Moves what came in on one leg out on the other, behind what was held back. */
static void
relay (Leg *leg)
{
  Leg *other = other_leg (leg);
  gboolean holds = leg->pair->proxy->plan.holds_tail;
  SimSegment *segment;

  while (leg->end && other->end && (segment = sim_stream_read (&leg->end->stream)))
    {
      SimSegment *out = segment;

      if (segment->bytes == 0)
        {
          if (leg->held)
            other->end->stream.ops->write (&other->end->stream, leg->held);
          if (leg->held)
            sim_segment_free (leg->pair->proxy->world, leg->held);
          leg->held = NULL;
          if (other->end)
            other->end->stream.ops->shut (&other->end->stream);
          return;
        }
      if (holds)
        {
          out = leg->held;
          leg->held = segment;
        }
      if (out)
        {
          other->end->stream.ops->write (&other->end->stream, out);
          sim_segment_free (leg->pair->proxy->world, out);
        }
    }
}

static void
on_leg (gpointer data)
{
  Leg *leg = data, *other = other_leg (leg);

  if (!leg->pair->active)
    {
      if (sim_stream_is_dead (&leg->end->stream))
        close_leg (leg);
      return;
    }
  if (leg->end->stream.broken)
    {
      close_leg (leg);
      close_leg (other);
      return;
    }
  relay (leg);
}

static void
on_drop (gpointer data)
{
  Leg *leg = data;

  if (!leg->pair->active)
    close_leg (leg);
}

static Pair *
find_pair (SimProxy *proxy, const char *sid, SimDst dst)
{
  for (guint i = 0; i < proxy->n_pairs; i++)
    if (proxy->pairs[i]->dst == dst && strcmp (proxy->pairs[i]->sid, sid) == 0)
      return proxy->pairs[i];
  return NULL;
}

SimEnd *
sim_proxy_accept (SimProxy *proxy, const char *sid, SimDst dst)
{
  SimFate fate = proxy->plan.fate;
  Pair *pair = find_pair (proxy, sid, dst);
  SimConn *conn;
  Leg *leg;

  if (!pair)
    {
      if (proxy->n_pairs == MAX_PAIRS)
        return NULL;
      pair = proxy->pairs[proxy->n_pairs++] = g_new0 (Pair, 1);
      pair->proxy = proxy;
      pair->dst = dst;
      g_strlcpy (pair->sid, sid, sizeof pair->sid);
    }
  if (pair->n_legs == 2)
    return NULL;
  if (pair->n_legs == 1)
    fate.dies_after = fate.stalls_after = G_MAXUINT64; /* once is enough */
  conn = sim_conn_new (proxy->world, &fate);
  leg = &pair->legs[pair->n_legs++];
  *leg = (Leg){ .pair = pair, .end = &conn->ends[1] };
  leg->end->stream.wake = on_leg;
  leg->end->stream.wake_data = leg;
  sim_timer_init (&leg->drop, on_drop, leg);
  if (proxy->plan.drops_after > 0)
    sim_timer_arm (&proxy->world->clock, &leg->drop, SIM_NOW (proxy->world) + proxy->plan.drops_after);
  return &conn->ends[0];
}

gboolean
sim_proxy_activate (SimProxy *proxy, const char *sid, SimDst dst)
{
  Pair *pair = find_pair (proxy, sid, dst);

  if (!pair || pair->n_legs < 2 || !pair->legs[0].end || !pair->legs[1].end || pair->active)
    return FALSE;
  pair->active = TRUE;
  for (guint i = 0; i < 2; i++)
    on_leg (&pair->legs[i]);
  return TRUE;
}

SimEnd *
sim_end_far (SimEnd *end)
{
  SimEnd *other = sim_end_other (end);
  Leg *leg = other->stream.wake == on_leg ? other->stream.wake_data : NULL;

  if (!leg)
    return other;
  return leg->pair->active && other_leg (leg)->end ? sim_end_other (other_leg (leg)->end) : NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A binary heap of timers.
 */
#include "clock.h"

void
sim_clock_init (SimClock *clock, gint64 now)
{
  *clock = (SimClock){ .now = now, .size = 256 };
  clock->heap = g_new (SimTimer *, clock->size);
}

void
sim_clock_reset (SimClock *clock, gint64 now)
{
  clock->now = now;
  clock->order = clock->fired = 0;
  clock->n = 0;
}

static gboolean
is_before (const SimTimer *a, const SimTimer *b)
{
  return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void
place (SimClock *clock, guint index, SimTimer *timer)
{
  clock->heap[index] = timer;
  timer->index = index;
}

static void
sift_up (SimClock *clock, guint index, SimTimer *timer)
{
  while (index > 1 && is_before (timer, clock->heap[index / 2]))
    {
      place (clock, index, clock->heap[index / 2]);
      index /= 2;
    }
  place (clock, index, timer);
}

static void
sift_down (SimClock *clock, guint index, SimTimer *timer)
{
  guint child;

  while ((child = 2 * index) <= clock->n)
    {
      if (child < clock->n && is_before (clock->heap[child + 1], clock->heap[child]))
        child++;
      if (!is_before (clock->heap[child], timer))
        break;
      place (clock, index, clock->heap[child]);
      index = child;
    }
  place (clock, index, timer);
}

void
sim_timer_disarm (SimClock *clock, SimTimer *timer)
{
  guint index = timer->index;
  SimTimer *last;

  if (index == 0)
    return;
  timer->index = 0;
  last = clock->heap[clock->n--];
  if (last == timer)
    return;
  if (index > 1 && is_before (last, clock->heap[index / 2]))
    sift_up (clock, index, last);
  else
    sift_down (clock, index, last);
}

void
sim_timer_arm (SimClock *clock, SimTimer *timer, gint64 when)
{
  sim_timer_disarm (clock, timer);
  if (clock->n + 2 > clock->size)
    {
      clock->size *= 2;
      clock->heap = g_renew (SimTimer *, clock->heap, clock->size);
    }
  timer->when = MAX (when, clock->now);
  timer->order = clock->order++;
  sift_up (clock, ++clock->n, timer);
}

gboolean
sim_clock_step (SimClock *clock)
{
  SimTimer *timer;

  if (clock->n == 0)
    return FALSE;
  timer = clock->heap[1];
  sim_timer_disarm (clock, timer);
  clock->now = timer->when;
  clock->fired++;
  timer->fire (timer->data);
  return TRUE;
}

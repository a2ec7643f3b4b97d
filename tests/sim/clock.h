/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Virtual time: timers that live in the objects they belong to, in a heap. Two
 * that are due at once fire in the order in which they were armed.
 */
#pragma once

#include <glib.h>

typedef struct
{
  void (*fire) (gpointer data);
  gpointer data;
  gint64 when; /* µs */
  guint64 order;
  guint index; /* in the heap, from 1; 0: not armed */
} SimTimer;

typedef struct
{
  gint64 now; /* µs */
  guint64 order;
  guint64 fired;
  SimTimer **heap; /* from 1 */
  guint n, size;
} SimClock;

void sim_clock_init (SimClock *clock, gint64 now);
void sim_clock_reset (SimClock *clock, gint64 now); /* the memory stays */

/* Fires the next timer; FALSE if there is none. */
gboolean sim_clock_step (SimClock *clock);

static inline void
sim_timer_init (SimTimer *timer, void (*fire) (gpointer data), gpointer data)
{
  *timer = (SimTimer){ .fire = fire, .data = data };
}

void sim_timer_arm (SimClock *clock, SimTimer *timer, gint64 when); /* again, if it is armed */
void sim_timer_disarm (SimClock *clock, SimTimer *timer);

static inline gboolean
sim_timer_is_armed (const SimTimer *timer)
{
  return timer->index != 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rate of a growing number; see rate.h.
 */
#include "core/rate.h"

#include <string.h>

#define MIN_GAP (FD_RATE_WINDOW / (FD_RATE_SAMPLES - 2))

static void
forget_first (FdRate *rate)
{
  rate->n--;
  memmove (rate->time, rate->time + 1, rate->n * sizeof rate->time[0]);
  memmove (rate->value, rate->value + 1, rate->n * sizeof rate->value[0]);
}

void
fd_rate_add (FdRate *rate, gint64 now, guint64 value)
{
  /* The first sample is where it began and stays. */
  if (rate->n > 1 && now - rate->time[rate->n - 2] < MIN_GAP)
    rate->n--;
  /* One sample older than the window is kept: the window begins inside it. */
  while (rate->n > 1 && now - rate->time[1] >= FD_RATE_WINDOW)
    forget_first (rate);
  if (rate->n == FD_RATE_SAMPLES)
    forget_first (rate);
  rate->time[rate->n] = now;
  rate->value[rate->n] = value;
  rate->n++;
}

guint64
fd_rate_get (const FdRate *rate)
{
  guint last = rate->n ? rate->n - 1 : 0;
  gint64 time = rate->time[last] - rate->time[0];

  if (rate->n < 2 || time <= 0 || rate->value[last] <= rate->value[0])
    return 0;
  return (double) (rate->value[last] - rate->value[0]) * G_USEC_PER_SEC / time;
}

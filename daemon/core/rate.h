/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How fast a number grows, over the last seconds. Pure: time comes in.
 */
#pragma once

#include <glib.h>

#define FD_RATE_WINDOW (3 * G_USEC_PER_SEC) /* long enough to be calm, short enough to be true */
#define FD_RATE_SAMPLES 16

typedef struct
{
  gint64 time[FD_RATE_SAMPLES]; /* µs, oldest first */
  guint64 value[FD_RATE_SAMPLES];
  guint n;
} FdRate;

/* Samples closer than a window's share of each other replace the last one. */
void fd_rate_add (FdRate *rate, gint64 now, guint64 value);

/* Per second; 0 while there is nothing to compare. */
guint64 fd_rate_get (const FdRate *rate);

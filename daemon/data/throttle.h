/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A limit in bytes per second that any number of pumps share: each piece gets the
 * next free time, so that they take turns.
 */
#pragma once

#include <glib.h>

/* Slower is no transfer any more: peers take it for a broken connection. */
#define FD_THROTTLE_MIN 1024 /* bytes/s */

typedef struct FdThrottle FdThrottle;

/* @rate: bytes/s, 0: no limit. */
FdThrottle *fd_throttle_new (guint64 rate);
FdThrottle *fd_throttle_ref (FdThrottle *throttle);
void fd_throttle_unref (FdThrottle *throttle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdThrottle, fd_throttle_unref)

/* Any thread; those that wait for their turn see it by fd_throttle_get_rate(). */
void fd_throttle_set_rate (FdThrottle *throttle, guint64 rate);
guint64 fd_throttle_get_rate (FdThrottle *throttle);

/* How many of @wanted (at least 1) bytes may move, and *ret_wait µs after @now (monotonic).
 * Those that are not moved after all are given back. Any thread. */
gsize fd_throttle_take (FdThrottle *throttle, gsize wanted, gint64 now, gint64 *ret_wait);
void fd_throttle_give_back (FdThrottle *throttle, gsize unused);

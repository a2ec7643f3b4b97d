/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A timer of the main loop for whoever has deadlines that move: set with
 * g_source_set_ready_time(), monotonic µs, 0 now, -1 not at all, as it is at first.
 */
#pragma once

#include <glib.h>

/* @callback returns G_SOURCE_CONTINUE and sets the time anew; else it would be
 * called again at once. */
GSource *fd_timer_new (const char *name, GSourceFunc callback, gpointer data);
void fd_timer_free (GSource *timer); /* also from its callback; NULL is fine */

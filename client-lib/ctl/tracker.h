/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Follows transfers by the daemon's signals until they end. It listens from
 * its construction on, so whatever is read afterwards misses nothing.
 */
#pragma once

#include "progress.h"

typedef struct CtlTracker CtlTracker;

/* @show: with CTL_SHOW_ALL also transfers to come, and accounts; and it does not stop
 * when all have ended. */
CtlExit ctl_tracker_new (Ctl *ctl, CtlShow show, CtlTracker **ret_tracker);
/* From here on: one line for all. */
void ctl_tracker_show_totals (CtlTracker *tracker);
void ctl_tracker_free (CtlTracker *tracker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTracker, ctl_tracker_free)

/* Follows one, from its present state. */
CtlExit ctl_tracker_add (CtlTracker *tracker, const char *path);
/* The same for several, and for all that have not ended. */
CtlExit ctl_tracker_add_all (CtlTracker *tracker, GPtrArray *paths);
CtlExit ctl_tracker_add_running (CtlTracker *tracker);

/* Runs until all have ended (the worst outcome is returned), @timeout_us is
 * over (CTL_TIMEOUT; -1: never), the daemon is gone (CTL_NO_DAEMON) or SIGINT or
 * SIGTERM came (CTL_INTERRUPTED). */
CtlExit ctl_tracker_run (CtlTracker *tracker, gint64 timeout_us);

/* "3 4 7", the ids of those that have not ended, and of those that can be offered
 * again; g_free(). */
char *ctl_tracker_list_running (CtlTracker *tracker);
char *ctl_tracker_list_resumable (CtlTracker *tracker);

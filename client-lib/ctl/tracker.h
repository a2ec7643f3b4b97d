/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Follows transfers by the daemon's signals until they end. It listens from
 * its construction on, so whatever is read afterwards misses nothing.
 */
#pragma once

#include "ctl.h"

typedef struct CtlTracker CtlTracker;

/* @follow_all: also transfers to come, and accounts; and it does not stop when
 * all have ended. */
CtlExit ctl_tracker_new (Ctl *ctl, gboolean follow_all, CtlTracker **ret_tracker);
void ctl_tracker_free (CtlTracker *tracker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTracker, ctl_tracker_free)

/* Follows one, from its present state. */
CtlExit ctl_tracker_add (CtlTracker *tracker, const char *path);
/* The same with properties that were read after the construction. */
void ctl_tracker_add_known (CtlTracker *tracker, const char *path, GVariant *properties);

/* Runs until all have ended (the worst outcome is returned), @timeout_us is
 * over (CTL_TIMEOUT; -1: never), the daemon is gone (CTL_NO_DAEMON) or SIGINT or
 * SIGTERM came (CTL_INTERRUPTED). */
CtlExit ctl_tracker_run (CtlTracker *tracker, gint64 timeout_us);

/* "3 4 7", the ids of those that have not ended; g_free(). */
char *ctl_tracker_list_running (CtlTracker *tracker);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes after a command that made or accepted transfers: waiting for them,
 * or their numbers.
 */
#pragma once

#include "ctl.h"
#include "tracker.h"

/* @paths: object paths. With a @tracker waits for their end; says, when
 * interrupted, that they go on. Without (NULL) prints which they are. */
CtlExit ctl_follow (Ctl *ctl, CtlTracker *tracker, GPtrArray *paths);

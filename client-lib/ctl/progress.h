/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is seen of transfers while they run: lasting lines for changes of state
 * and, on a terminal, bars below them that are drawn over again. With --json
 * one object per event.
 */
#pragma once

#include "ctl.h"
#include "transfer.h"

typedef struct CtlProgress CtlProgress;

/* @verbose: lines for everything, also for what the bars show anyway. */
CtlProgress *ctl_progress_new (Ctl *ctl, gboolean verbose);
/* Takes the bars away. */
void ctl_progress_free (CtlProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlProgress, ctl_progress_free)

/* @properties: what changed, or all of it if the transfer is new. */
void ctl_progress_transfer (CtlProgress *progress, CtlTransfer *transfer, GVariant *properties);
void ctl_progress_transfer_removed (CtlProgress *progress, CtlTransfer *transfer);
void ctl_progress_account (CtlProgress *progress, const char *path, GVariant *properties);

/* Draws the bars of those that are not final; call when all events at hand
 * are through. @transfers: CtlTransfer. */
void ctl_progress_draw (CtlProgress *progress, GPtrArray *transfers);
/* Takes the bars away, for other output. */
void ctl_progress_clear (CtlProgress *progress);

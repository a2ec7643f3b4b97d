/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is seen of transfers while they run: lasting lines for changes of state
 * and, on a terminal, lines below them that are drawn over again. With --json
 * one object per event.
 */
#pragma once

#include "ctl.h"
#include "transfer.h"

typedef enum
{
  CTL_SHOW_EACH, /* a line for each transfer */
  CTL_SHOW_ALL, /* the same and their totals, for whatever comes */
  CTL_SHOW_TOTALS, /* one line for all; failures at the end */
} CtlShow;

typedef struct CtlProgress CtlProgress;

CtlProgress *ctl_progress_new (Ctl *ctl, CtlShow show);
/* CTL_SHOW_TOTALS from here on. */
void ctl_progress_show_totals (CtlProgress *progress);
/* Takes the live lines away. */
void ctl_progress_free (CtlProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlProgress, ctl_progress_free)

/* @properties: what changed, or all of it if the transfer is new. */
void ctl_progress_transfer (CtlProgress *progress, CtlTransfer *transfer, GVariant *properties);
void ctl_progress_transfer_removed (CtlProgress *progress, CtlTransfer *transfer);
void ctl_progress_account (CtlProgress *progress, const char *path, GVariant *properties);

/* Draws the live lines; call when all events at hand are through, and when the
 * terminal has another size. @transfers: CtlTransfer. */
void ctl_progress_draw (CtlProgress *progress, GPtrArray *transfers);
/* Takes the live lines away, for other output. */
void ctl_progress_clear (CtlProgress *progress);
/* Others wrote to the terminal: the live lines are where they are. */
void ctl_progress_forget (CtlProgress *progress);
/* All have ended: what came of them, in words. */
void ctl_progress_sum_up (CtlProgress *progress, GPtrArray *transfers);

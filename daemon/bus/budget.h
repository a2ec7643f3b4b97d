/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to tell the bus of progress, so that a thousand transfers do not flood
 * it: rounds are a second apart at least, and one carries twenty transfers at
 * the most. So a transfer is told every max(1 s, active/20 s), the longest
 * waiting first, and never what was told already. No I/O, no clock of its own.
 */
#pragma once

#include <glib.h>

#define FD_BUDGET_INTERVAL G_USEC_PER_SEC
#define FD_BUDGET_PER_ROUND 20

typedef struct
{
  guint64 transferred;
  guint64 rate;
  gint64 remaining;
} FdProgress;

typedef struct FdBudget FdBudget;

FdBudget *fd_budget_new (void);
void fd_budget_free (FdBudget *budget);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdBudget, fd_budget_free)

/* @told has just been told of @id, by other means; from now on it takes part
 * in rounds. */
void fd_budget_set (FdBudget *budget, guint32 id, const FdProgress *told);
void fd_budget_remove (FdBudget *budget, guint32 id);
gboolean fd_budget_is_empty (FdBudget *budget);

/* There is news beside transfers: flags of the caller, handed out by the next round. */
void fd_budget_add_news (FdBudget *budget, guint news);

/* When the next round is due, in µs of the clock that the rounds are given;
 * may be in the past. -1: nothing to tell. */
gint64 fd_budget_get_deadline (FdBudget *budget);

/* Present numbers of a transfer, and the order to tell them. */
typedef struct
{
  void (*read) (guint32 id, FdProgress *ret_progress, gpointer data);
  void (*tell) (guint32 id, gpointer data);
} FdBudgetFuncs;

/* One round, at @now. Returns the news since the last one. The functions must
 * not change the budget. */
guint fd_budget_round (FdBudget *budget, gint64 now, const FdBudgetFuncs *funcs, gpointer data);

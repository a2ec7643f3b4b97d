/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The signals that would be a flood if each change were told: numbers of active
 * transfers, and the sums of the manager. The timer runs only while there is
 * something to tell.
 */
#include "base/timer.h"
#include "bus/object.h"

/* A bus that does not take our signals has enough: what is not told now is told later. */
#define MAX_QUEUED_WRITES 1000

/* News of the budget beside FdManagerFields. */
#define NEWS_PROGRESS (1u << 16)

static gboolean on_round (gpointer data);

void
fd_progress_init (FdBus *bus)
{
  bus->budget = fd_budget_new ();
  bus->progress = -1;
  bus->timer = fd_timer_new ("progress", on_round, bus);
}

static void
arm (FdBus *bus)
{
  g_source_set_ready_time (bus->timer, fd_budget_get_deadline (bus->budget));
}

/* --- a round --- */

static void
read_numbers (guint32 id, FdProgress *ret_progress, gpointer data)
{
  FdBus *bus = data;
  FdTransfer *transfer = fd_manager_find_transfer (bus->manager, id);
  const FdTransferInfo *info = fd_transfer_get_info (transfer);

  fd_transfer_sample (transfer);
  *ret_progress = (FdProgress){ info->transferred, info->rate, info->remaining };
}

static void
tell_numbers (guint32 id, gpointer data)
{
  static const char *const properties[] = { "Transferred", "Rate", "Remaining", NULL };
  FdBus *bus = data;

  fd_bus_emit_changed (bus, fd_manager_find_transfer (bus->manager, id), properties);
}

static void
tell_manager (FdBus *bus, guint news)
{
  const char *properties[4] = { NULL };
  guint n = 0;

  if (news & FD_MANAGER_ACTIVE)
    properties[n++] = "ActiveTransfers";
  if (news & FD_MANAGER_PENDING)
    properties[n++] = "PendingOffers";
  if (news & NEWS_PROGRESS)
    properties[n++] = "Progress";
  fd_bus_emit_changed (bus, bus->manager, properties);
}

static gboolean
on_round (gpointer data)
{
  static const FdBudgetFuncs funcs = { read_numbers, tell_numbers };
  FdBus *bus = data;
  gint64 now = g_get_monotonic_time ();
  guint64 queued = 0;
  double progress;
  guint news;

  if (sd_bus_get_n_queued_write (bus->sd, &queued) >= 0 && queued > MAX_QUEUED_WRITES)
    {
      g_source_set_ready_time (bus->timer, now + FD_BUDGET_INTERVAL);
      return G_SOURCE_CONTINUE;
    }

  news = fd_budget_round (bus->budget, now, &funcs, bus);
  progress = fd_manager_get_progress (bus->manager);
  if (progress < bus->progress || progress > bus->progress)
    news |= NEWS_PROGRESS;
  bus->progress = progress;
  tell_manager (bus, news);
  arm (bus);
  return G_SOURCE_CONTINUE;
}

/* --- what starts one --- */

void
fd_progress_transfer_told (FdBus *bus, FdTransfer *transfer)
{
  const FdTransferInfo *info = fd_transfer_get_info (transfer);
  const FdProgress told = { info->transferred, info->rate, info->remaining };

  if (info->state == FD_STATE_ACTIVE)
    fd_budget_set (bus->budget, info->id, &told);
  else
    fd_budget_remove (bus->budget, info->id);
  arm (bus);
}

void
fd_progress_transfer_gone (FdBus *bus, FdTransfer *transfer)
{
  fd_budget_remove (bus->budget, fd_transfer_get_info (transfer)->id);
  arm (bus);
}

void
fd_progress_manager_changed (FdBus *bus, FdManagerFields fields)
{
  fd_budget_add_news (bus->budget, fields);
  arm (bus);
}

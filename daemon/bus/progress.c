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

static gboolean on_round (gpointer data);

void
fd_progress_init (FdBus *bus)
{
  bus->budget = fd_budget_new ();
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

void
fd_listener_note_numbers (FdListener *listener)
{
  FdManager *manager = listener->bus->manager;

  listener->active = fd_manager_get_active (manager, listener->uid);
  listener->pending = fd_manager_get_pending (manager, listener->uid);
  listener->progress = fd_manager_get_progress (manager, listener->uid);
}

static gboolean
is_same_progress (const FdListener *a, const FdListener *b)
{
  return a->progress >= b->progress && a->progress <= b->progress;
}

/* What is read between two rounds was not told. If it is as before again when the
 * round comes, it is told nevertheless: who has just read it takes it for true. */
void
fd_progress_numbers_read (FdBus *bus)
{
  const guint32 viewer = fd_bus_get_viewer (bus);

  for (guint i = 0; i < bus->listeners->len; i++)
    {
      FdListener *listener = bus->listeners->pdata[i];
      FdListener now = *listener;

      fd_listener_note_numbers (&now);
      if (listener->uid == viewer
          && (now.active != listener->active || now.pending != listener->pending
              || !is_same_progress (&now, listener)))
        listener->read_others = TRUE;
    }
}

/* Nobody learns by a signal without news that there is news for others. */
static void
tell_manager (FdBus *bus, FdListener *listener)
{
  const FdListener told = *listener;
  const char *properties[4] = { NULL };
  guint n = 0;

  fd_listener_note_numbers (listener);
  listener->read_others = FALSE;
  if (listener->active != told.active || told.read_others)
    properties[n++] = "ActiveTransfers";
  if (listener->pending != told.pending || told.read_others)
    properties[n++] = "PendingOffers";
  if (!is_same_progress (listener, &told) || told.read_others)
    properties[n++] = "Progress";
  fd_bus_tell_changed (bus, bus->manager, listener, properties);
}

static gboolean
on_round (gpointer data)
{
  static const FdBudgetFuncs funcs = { read_numbers, tell_numbers };
  FdBus *bus = data;
  gint64 now = g_get_monotonic_time ();
  guint64 queued = 0;

  if (sd_bus_get_n_queued_write (bus->sd, &queued) >= 0 && queued > MAX_QUEUED_WRITES)
    {
      g_source_set_ready_time (bus->timer, now + FD_BUDGET_INTERVAL);
      return G_SOURCE_CONTINUE;
    }

  fd_budget_round (bus->budget, now, &funcs, bus);
  for (guint i = 0; i < bus->listeners->len; i++)
    tell_manager (bus, bus->listeners->pdata[i]);
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

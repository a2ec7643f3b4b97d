/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One clock for all transfers, however many wait: it is set to the next time at
 * which one of them has something to do.
 */
#include "base/timer.h"
#include "core/manager-private.h"

static void
on_fresh (FdTransfer *transfer)
{
  fd_queue_wake (transfer->manager);
}

static void (*const handlers[FD_N_DUES]) (FdTransfer *transfer) = {
  [FD_DUE_DEADLINE] = fd_retry_on_deadline,
  [FD_DUE_RETRY] = fd_retry_on_due,
  [FD_DUE_FRESH] = on_fresh,
};

static void
set_clock (FdManager *manager, gint64 when)
{
  manager->next_due = when;
  if (manager->clock)
    g_source_set_ready_time (manager->clock, when ? when : -1);
}

static void
find_next (FdManager *manager)
{
  gint64 next = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      const FdTransfer *transfer = manager->transfers->pdata[i];

      for (FdDue due = 0; due < FD_N_DUES; due++)
        if (transfer->due[due] && (!next || transfer->due[due] < next))
          next = transfer->due[due];
    }
  set_clock (manager, next);
}

/* What is due may end a transfer, but that does not take it off the list yet. */
static gboolean
on_due (gpointer data)
{
  FdManager *manager = data;
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      for (FdDue due = 0; due < FD_N_DUES; due++)
        if (transfer->due[due] && transfer->due[due] <= now)
          {
            transfer->due[due] = 0;
            handlers[due](transfer);
          }
    }
  find_next (manager);
  return G_SOURCE_CONTINUE;
}

void
fd_due_set (FdTransfer *transfer, FdDue due, gint64 when)
{
  FdManager *manager = transfer->manager;
  gint64 old = transfer->due[due];

  transfer->due[due] = when;
  if (when && (!manager->next_due || when < manager->next_due))
    set_clock (manager, when);
  else if (old && old == manager->next_due)
    find_next (manager);
}

GSource *
fd_due_clock_new (FdManager *manager)
{
  return fd_timer_new ("transfers", on_due, manager);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finished transfers stay for late readers, the last FD_MAX_FINISHED of them for
 * FD_FINISHED_SECONDS. Nothing is armed while there are none.
 */
#include "core/manager-private.h"

static void arm (FdManager *manager);

static gboolean
on_due (gpointer data)
{
  FdManager *manager = data;
  gint64 limit = g_get_monotonic_time () - FD_FINISHED_SECONDS * G_USEC_PER_SEC;
  FdTransfer *oldest;

  manager->retire_timer = 0;
  while ((oldest = g_queue_peek_head (&manager->retired))
         && (manager->retired.length > FD_MAX_FINISHED || oldest->finished_at <= limit))
    fd_manager_discard (oldest);
  arm (manager);
  return G_SOURCE_REMOVE;
}

/* From the main loop even when there are too many: whoever finished the newest
 * may be iterating. */
static void
arm (FdManager *manager)
{
  FdTransfer *oldest = g_queue_peek_head (&manager->retired);
  gint64 due;

  g_clear_handle_id (&manager->retire_timer, g_source_remove);
  if (!oldest)
    return;
  due = oldest->finished_at + FD_FINISHED_SECONDS * G_USEC_PER_SEC - g_get_monotonic_time ();
  if (manager->retired.length > FD_MAX_FINISHED || due <= 0)
    manager->retire_timer = g_idle_add (on_due, manager);
  else
    manager->retire_timer = g_timeout_add_seconds (due / G_USEC_PER_SEC + 1, on_due, manager);
}

void
fd_retire_add (FdTransfer *transfer)
{
  transfer->finished_at = g_get_monotonic_time ();
  g_queue_push_tail (&transfer->manager->retired, transfer);
  arm (transfer->manager);
}

void
fd_retire_remove (FdTransfer *transfer)
{
  if (g_queue_remove (&transfer->manager->retired, transfer))
    arm (transfer->manager);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finished transfers stay for late readers, the last FD_MAX_FINISHED of an owner for
 * FD_FINISHED_SECONDS. Nothing is armed while there are none.
 */
#include "core/manager-private.h"

static void arm (FdManager *manager);

/* One of an owner who has too many, none of the last ones. */
static FdTransfer *
find_surplus (FdManager *manager)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);

  for (GList *link = manager->retired.tail; link; link = link->prev)
    {
      FdTransfer *transfer = link->data;
      gpointer owner = GUINT_TO_POINTER (transfer->info.owner);
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, owner)) + 1;

      if (n > FD_MAX_FINISHED)
        return transfer;
      g_hash_table_insert (counts, owner, GUINT_TO_POINTER (n));
    }
  return NULL;
}

static gboolean
on_due (gpointer data)
{
  FdManager *manager = data;
  gint64 limit = g_get_monotonic_time () - FD_FINISHED_SECONDS * G_USEC_PER_SEC;
  FdTransfer *transfer;

  manager->retire_timer = 0;
  while ((transfer = find_surplus (manager))
         || ((transfer = g_queue_peek_head (&manager->retired)) && transfer->finished_at <= limit))
    fd_manager_discard (transfer);
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
  if (find_surplus (manager) || due <= 0)
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

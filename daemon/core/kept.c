/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What finished incoming transfers leave for their sender, who may not know how they
 * ended: that the file is here, or a part of it to go on from.
 */
#include "base/error.h"
#include "base/timer.h"
#include "core/manager-private.h"

/* A sender that did not hear of the end asks within its own retries, not after dozens of files more. */
#define MAX_DONE 64
#define MAX_PARTS 256

static void
arm (FdManager *manager)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  const FdJournalEntry *oldest = manager->kept->len ? manager->kept->pdata[0] : NULL;

  if (!manager->kept_timer)
    return;
  g_source_set_ready_time (manager->kept_timer,
                           oldest ? g_get_monotonic_time () + MAX (oldest->expires - now, 0) * G_USEC_PER_SEC
                                  : -1);
}

void
fd_kept_forget (FdManager *manager, FdJournalEntry *entry)
{
  fd_journal_remove (manager->journal, entry->info.id);
  g_ptr_array_remove (manager->kept, entry);
  arm (manager);
}

static void
expire (FdManager *manager, FdJournalEntry *entry)
{
  if (entry->info.state == FD_STATE_FAILED)
    fd_part_remove (entry);
  fd_kept_forget (manager, entry);
}

static gboolean
on_expired (gpointer data)
{
  FdManager *manager = data;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  while (manager->kept->len && ((FdJournalEntry *) manager->kept->pdata[0])->expires <= now)
    expire (manager, manager->kept->pdata[0]);
  arm (manager);
  return G_SOURCE_CONTINUE;
}

static FdJournalEntry *
find_surplus (FdManager *manager, FdTransferState state, guint max)
{
  FdJournalEntry *oldest = NULL;
  guint n = 0;

  for (guint i = manager->kept->len; i-- > 0;)
    {
      FdJournalEntry *entry = manager->kept->pdata[i];

      if (entry->info.state == state)
        {
          oldest = entry;
          n++;
        }
    }
  return n > max ? oldest : NULL;
}

void
fd_kept_restore (FdManager *manager, FdJournalEntry *entry)
{
  FdTransferState state = entry->info.state;
  FdJournalEntry *surplus;

  if (!manager->kept_timer)
    manager->kept_timer = fd_timer_new ("kept parts", on_expired, manager);
  g_ptr_array_add (manager->kept, entry);
  surplus = find_surplus (manager, state, state == FD_STATE_DONE ? MAX_DONE : MAX_PARTS);
  if (surplus)
    expire (manager, surplus);
  arm (manager);
}

/* The file is there, so that no older part of it is of use. */
static void
forget_older (FdManager *manager, const FdTransfer *transfer)
{
  for (guint i = manager->kept->len; i-- > 0;)
    {
      FdJournalEntry *entry = manager->kept->pdata[i];

      if (transfer->resume_id && g_strcmp0 (entry->resume_id, transfer->resume_id) == 0
          && g_str_equal (entry->info.account, transfer->info.account))
        expire (manager, entry);
    }
}

static gboolean
is_worth_keeping (FdTransfer *transfer)
{
  const FdTransferInfo *info = &transfer->info;

  if (!info->incoming || !transfer->sink || !fd_sink_is_file (transfer->sink) || !transfer->part_stamp)
    return FALSE;
  if (info->state == FD_STATE_DONE)
    return transfer->resume_id != NULL;
  return info->state == FD_STATE_FAILED && transfer->agreed && info->transferred > 0
         && !g_str_equal (info->error, fd_error_name (FD_ERROR_HASH_MISMATCH));
}

gboolean
fd_kept_add (FdTransfer *transfer)
{
  FdManager *manager = transfer->manager;
  FdJournalEntry record;

  if (!is_worth_keeping (transfer))
    return FALSE;
  fd_transfer_look_at_part (transfer);
  fd_transfer_record (transfer, &record);
  forget_older (manager, transfer);
  fd_journal_write (manager->journal, &record);
  fd_kept_restore (manager, fd_journal_entry_copy (&record));
  return TRUE;
}

void
fd_kept_forget_id (FdManager *manager, guint32 id)
{
  for (guint i = 0; i < manager->kept->len; i++)
    if (((FdJournalEntry *) manager->kept->pdata[i])->info.id == id)
      {
        fd_kept_forget (manager, manager->kept->pdata[i]);
        return;
      }
}

FdJournalEntry *
fd_kept_find (FdManager *manager, FdAccount *account, FdContent *content)
{
  for (guint i = manager->kept->len; i-- > 0;)
    {
      FdJournalEntry *entry = manager->kept->pdata[i];

      if (g_str_equal (entry->info.account, fd_account_get_id (account)) && fd_takeup_matches (entry, content))
        return entry;
    }
  return NULL;
}

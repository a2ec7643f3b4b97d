/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an earlier daemon left in the journal: what can go on does so, of the rest is
 * shown how it ended.
 */
#include "base/error.h"
#include "core/manager-private.h"

typedef enum
{
  QUEUE, /* it is offered (again) */
  WAIT, /* it goes on where it was */
  DONE, /* only its end was not noted */
  FAIL,
} Verdict;

/* Then it is known where. */
static gboolean
is_published (FdJournalEntry *entry)
{
  g_autoptr (FdSink) sink = fd_part_reopen (entry, NULL);

  if (!sink || !fd_sink_is_published (sink))
    return FALSE;
  g_free (entry->info.local_path);
  entry->info.local_path = g_strdup (fd_sink_get_path (sink));
  return TRUE;
}

static Verdict
judge_outgoing (const FdJournalEntry *entry, GString *why)
{
  FdTransferState state = entry->info.state;

  if (!entry->path || !entry->target)
    g_string_append (why, "The daemon stopped, and with it the descriptor was lost that the file was sent "
                          "from: offer it again");
  else if (state == FD_STATE_QUEUED || state == FD_STATE_OFFERED)
    return QUEUE;
  else if (state == FD_STATE_INTERRUPTED || entry->agreed)
    return WAIT;
  else
    g_string_append (why, "The daemon stopped in the middle of this transfer, and the peer cannot go on with "
                          "it; Resume offers the file again");
  return FAIL;
}

static Verdict
judge_incoming (FdJournalEntry *entry, GString *why)
{
  if (is_published (entry))
    return DONE;
  if (entry->directory && (entry->info.state == FD_STATE_INTERRUPTED || entry->agreed))
    return WAIT;
  g_string_append (why, "The daemon stopped in the middle of this transfer");
  if (entry->part)
    g_string_append_printf (why, "; what arrived is in %s", entry->part);
  g_string_append (why, "; ask for the file again");
  return FAIL;
}

static Verdict
judge (FdJournalEntry *entry, FdAccount *account, GString *why)
{
  Verdict verdict = entry->info.incoming ? judge_incoming (entry, why) : judge_outgoing (entry, why);

  if (account || verdict == DONE || verdict == FAIL)
    return verdict;
  g_string_append_printf (why, "There is no account %s any more", entry->info.account);
  return FAIL;
}

/* Takes what @entry owns. */
static FdTransfer *
revive (FdManager *manager, FdAccount *account, FdJournalEntry *entry)
{
  FdTransfer *transfer = fd_transfer_new (manager, account, &entry->info);
  gint64 left = CLAMP (entry->expires - g_get_real_time () / G_USEC_PER_SEC, 0, G_MAXUINT32);

  transfer->resume_id = g_steal_pointer (&entry->resume_id);
  transfer->agreed = entry->agreed;
  transfer->paths = entry->paths & FD_PATH_ANY;
  transfer->target = g_steal_pointer (&entry->target);
  transfer->wire_name = g_steal_pointer (&entry->wire_name);
  transfer->path = g_steal_pointer (&entry->path);
  transfer->source_stamp = g_steal_pointer (&entry->source_stamp);
  transfer->timeout_s = entry->timeout_s;
  transfer->hash_always = entry->hash_always;
  transfer->directory = g_steal_pointer (&entry->directory);
  transfer->file_name = g_steal_pointer (&entry->file_name);
  transfer->overwrite = entry->overwrite;
  transfer->part = g_steal_pointer (&entry->part);
  transfer->part_stamp = g_steal_pointer (&entry->part_stamp);
  transfer->deadline = g_get_monotonic_time () + left * G_USEC_PER_SEC;
  transfer->reached = transfer->info.transferred;
  return transfer;
}

static void
go_on (FdTransfer *transfer, Verdict verdict)
{
  FdTransferInfo *info = &transfer->info;

  info->state = verdict == QUEUE ? FD_STATE_QUEUED : FD_STATE_INTERRUPTED;
  if (verdict == QUEUE)
    {
      g_free (info->peer);
      info->peer = g_strdup (transfer->target);
    }
  transfer->interrupted_at = g_get_monotonic_time ();
  fd_manager_adopt (transfer->manager, transfer);
  fd_retry_watch_deadline (transfer, FALSE);
  fd_transfer_note (transfer);
}

/* As it would be now had the daemon not stopped. */
static void
conclude (FdTransfer *transfer, Verdict verdict, char *why)
{
  FdTransferInfo *info = &transfer->info;

  transfer->account = NULL;
  info->state = verdict == DONE ? FD_STATE_DONE : FD_STATE_FAILED;
  info->ended = g_get_real_time () / G_USEC_PER_SEC;
  if (verdict == DONE)
    {
      info->transferred = info->size;
      info->remaining = 0;
    }
  else
    {
      info->ended_by = FD_BY_LOCAL;
      g_free (info->error);
      info->error = g_strdup (fd_error_name (FD_ERROR_FAILED));
      g_free (info->error_message);
      info->error_message = g_strdup (why);
    }
  fd_manager_adopt (transfer->manager, transfer);
  fd_retire_add (transfer);
}

static void
restore (FdManager *manager, FdJournalEntry *entry)
{
  FdAccount *account = fd_manager_find_account (manager, entry->info.account);
  g_autoptr (GString) why = g_string_new (NULL);
  Verdict verdict;
  gboolean over = entry->expires <= g_get_real_time () / G_USEC_PER_SEC;
  FdJournalEntry *done = NULL;

  /* Of another user by now. */
  if (account && fd_account_get_config (account)->owner != entry->info.owner)
    account = NULL;
  verdict = judge (entry, account, why);
  if (verdict == FAIL && over)
    {
      fd_journal_remove (manager->journal, entry->info.id);
      return;
    }
  if (verdict == DONE)
    {
      done = fd_journal_entry_copy (entry);
      done->info.state = FD_STATE_DONE;
      fd_journal_write (manager->journal, done);
    }
  if (verdict == QUEUE || verdict == WAIT)
    go_on (revive (manager, account, entry), verdict);
  else
    conclude (revive (manager, account, entry), verdict, why->str);
  if (done)
    fd_kept_restore (manager, done);
}

void
fd_manager_restore (FdManager *manager)
{
  g_autoptr (GPtrArray) entries = fd_journal_load (manager->journal);

  for (guint i = 0; i < entries->len; i++)
    {
      FdJournalEntry *entry = entries->pdata[i];

      fd_ids_skip (manager->ids, entry->info.id);
      if (!fd_transfer_state_is_final (entry->info.state))
        restore (manager, entry);
      else if (entry->info.incoming)
        fd_kept_restore (manager, fd_journal_entry_copy (entry));
    }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the journal knows of a transfer.
 */
#include "core/manager-private.h"

void
fd_transfer_look_at_part (FdTransfer *transfer)
{
  if (!transfer->sink || !fd_sink_is_file (transfer->sink) || fd_sink_is_published (transfer->sink))
    return;
  g_free (transfer->part);
  transfer->part = g_strdup (fd_sink_get_part_path (transfer->sink));
  g_free (transfer->part_stamp);
  transfer->part_stamp = fd_sink_get_stamp (transfer->sink);
}

/* Of what goes on by itself, its deadline; else as long as it is of use to anybody. */
static gint64
expiry (FdTransfer *transfer)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (!transfer->info.incoming && !fd_transfer_state_is_final (transfer->info.state))
    return now + fd_retry_seconds_left (transfer);
  return now + FD_JOURNAL_DAYS * 24 * 60 * 60;
}

void
fd_transfer_record (FdTransfer *transfer, FdJournalEntry *ret_entry)
{
  *ret_entry = (FdJournalEntry){
    .info = transfer->info,
    .resume_id = transfer->resume_id,
    .agreed = transfer->agreed,
    .expires = expiry (transfer),
    .paths = transfer->paths,
    .target = transfer->target,
    .wire_name = transfer->wire_name,
    .path = transfer->path,
    .source_stamp = transfer->source_stamp,
    .timeout_s = transfer->timeout_s,
    .hash_always = transfer->hash_always,
    .directory = transfer->directory,
    .file_name = transfer->file_name,
    .overwrite = transfer->overwrite,
    .part = transfer->part,
    .part_stamp = transfer->part_stamp,
  };
}

void
fd_transfer_note (FdTransfer *transfer)
{
  FdJournalEntry entry;

  fd_transfer_record (transfer, &entry);
  fd_journal_write (transfer->manager->journal, &entry);
}

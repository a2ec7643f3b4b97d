/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Unfinished transfers on disk, one key file each: what is left of them after a
 * crash is shown and can be resumed.
 */
#pragma once

#include "core/transfer.h"

/* Entries of a crash that nobody asked for are forgotten after this time; as
 * long as a part file is worth keeping. */
#define FD_JOURNAL_DAYS 7

typedef struct FdJournal FdJournal;

/* Files are @directory/ID. */
FdJournal *fd_journal_new (const char *directory);
void fd_journal_free (FdJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdJournal, fd_journal_free)

/* Writes or replaces the entry; a failure is logged, the transfer goes on. @part
 * is where the bytes are, or NULL. */
void fd_journal_write (FdJournal *journal, const FdTransferInfo *info, const char *part);
void fd_journal_remove (FdJournal *journal, guint32 id);

typedef struct
{
  FdTransferInfo info; /* state is the last one that was written */
  char *part; /* NULL if none */
} FdJournalEntry;

void fd_journal_entry_free (FdJournalEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdJournalEntry, fd_journal_entry_free)

/* What an earlier daemon left, sorted by id. Too old and unreadable entries are
 * removed. Array of FdJournalEntry. */
GPtrArray *fd_journal_load (FdJournal *journal);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transfers on disk, one key file each, so that they survive the daemon: those that
 * are under way, and what finished incoming ones leave for another try of their
 * sender.
 */
#pragma once

#include "core/transfer.h"

/* How long a part file is worth keeping for a sender that is away. */
#define FD_JOURNAL_DAYS 7

/* More than the model ever writes: nobody shall make us read for minutes. */
#define FD_JOURNAL_MAX_ENTRIES 4096
#define FD_JOURNAL_MAX_SIZE (64 * 1024) /* bytes of one entry */

typedef struct FdJournal FdJournal;

/* Files are @directory/ID. */
FdJournal *fd_journal_new (const char *directory);
/* Everything is written then. */
void fd_journal_free (FdJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdJournal, fd_journal_free)

/* All that another daemon needs to go on. Texts that say nothing are NULL. */
typedef struct
{
  FdTransferInfo info; /* account to local_path, state, started, transferred, digest, rate_limit */
  char *resume_id; /* of the file, the same in every try */
  gboolean agreed; /* the other side keeps what it has of it */
  gint64 expires; /* seconds since the epoch: not worth anything any more */
  FdPath paths;

  /* outgoing */
  char *target;
  char *wire_name;
  char *path; /* in the encoding of file names; NULL for a descriptor */
  char *source_stamp;
  guint timeout_s;
  gboolean hash_always;

  /* incoming, into a file: what fd_sink_reopen() wants */
  char *directory;
  char *file_name;
  gboolean overwrite;
  char *part;
  char *part_stamp;
} FdJournalEntry;

void fd_journal_entry_free (FdJournalEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdJournalEntry, fd_journal_entry_free)
FdJournalEntry *fd_journal_entry_copy (const FdJournalEntry *entry);

/* Writes or replaces the entry. The first one of a transfer is there on return, unless the machine
 * crashes; the rest comes from a thread: only the last of many in a row is written.
 * A failure is logged, the transfer goes on. */
void fd_journal_write (FdJournal *journal, const FdJournalEntry *entry);
void fd_journal_remove (FdJournal *journal, guint32 id);

/* What an earlier daemon left, sorted by id. What cannot be read is set aside, with a
 * warning. Array of FdJournalEntry. */
GPtrArray *fd_journal_load (FdJournal *journal);

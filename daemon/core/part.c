/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parts that an earlier session, or an earlier daemon, has left: used and removed only
 * while they are what was noted of them.
 */
#include "base/error.h"
#include "core/transfer-private.h"

FdSink *
fd_part_reopen (const FdJournalEntry *entry, GError **error)
{
  if (entry->directory && entry->file_name && entry->part && entry->part_stamp)
    return fd_sink_reopen (entry->directory, entry->file_name, entry->overwrite, entry->part,
                           entry->part_stamp, error);
  g_set_error (error, FD_ERROR, FD_ERROR_FILE_NOT_FOUND, "Nothing of the file is there");
  return NULL;
}

void
fd_part_remove (const FdJournalEntry *entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdSink) sink = fd_part_reopen (entry, &error);

  if (!sink)
    g_debug ("No part to remove: %s", error->message);
  else if (!fd_sink_is_published (sink))
    fd_sink_discard (sink);
}

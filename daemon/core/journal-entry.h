/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A journal entry as text.
 */
#pragma once

#include "core/journal.h"

GBytes *fd_journal_entry_format (const FdJournalEntry *entry);

/* Keys of a later version are passed over. An error says what is missing. */
FdJournalEntry *fd_journal_entry_parse (const char *text, gsize length, guint32 id, GError **error);

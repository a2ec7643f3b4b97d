/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The journal of unfinished transfers; see journal.h.
 */
#include "core/journal.h"

#include "base/error.h"
#include "core/transfer-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define GROUP "Transfer"

struct FdJournal
{
  char *directory;
};

/* The texts of an entry: one row each, for writing and reading. */
static const struct
{
  const char *key;
  gsize offset;
} texts[] = {
  { "Account", G_STRUCT_OFFSET (FdTransferInfo, account) },
  { "Name", G_STRUCT_OFFSET (FdTransferInfo, name) },
  { "MimeType", G_STRUCT_OFFSET (FdTransferInfo, mime_type) },
  { "Description", G_STRUCT_OFFSET (FdTransferInfo, description) },
  { "Batch", G_STRUCT_OFFSET (FdTransferInfo, batch) },
  { "AppId", G_STRUCT_OFFSET (FdTransferInfo, app_id) },
  { "Peer", G_STRUCT_OFFSET (FdTransferInfo, peer) },
  { "LocalPath", G_STRUCT_OFFSET (FdTransferInfo, local_path) },
};

FdJournal *
fd_journal_new (const char *directory)
{
  FdJournal *journal = g_new0 (FdJournal, 1);

  journal->directory = g_strdup (directory);
  return journal;
}

void
fd_journal_free (FdJournal *journal)
{
  if (!journal)
    return;
  g_free (journal->directory);
  g_free (journal);
}

void
fd_journal_entry_free (FdJournalEntry *entry)
{
  if (!entry)
    return;
  fd_transfer_info_clear (&entry->info);
  g_free (entry->part);
  g_free (entry);
}

static char *
entry_path (FdJournal *journal, guint32 id)
{
  return g_strdup_printf ("%s/%u", journal->directory, id);
}

/* Renamed into place, so that a daemon that dies leaves an old or a new entry;
 * not synced, since that would hold up the main loop for each of a thousand
 * files, and what a crash of the machine may lose is only the news of seconds. */
static gboolean
replace_file (const char *path, const char *text, gsize length, GError **error)
{
  g_autofree char *fresh = g_strconcat (path, ".new", NULL);

  if (!g_file_set_contents_full (fresh, text, length, G_FILE_SET_CONTENTS_NONE, 0600, error))
    return FALSE;
  if (g_rename (fresh, path) == 0)
    return TRUE;
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot write %s", path);
  return FALSE;
}

void
fd_journal_write (FdJournal *journal, const FdTransferInfo *info, const char *part)
{
  g_autofree char *path = entry_path (journal, info->id);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize length;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_key_file_set_string (file, GROUP, texts[i].key, G_STRUCT_MEMBER (const char *, info, texts[i].offset));
  g_key_file_set_boolean (file, GROUP, "Incoming", info->incoming);
  g_key_file_set_int64 (file, GROUP, "Size", info->size);
  g_key_file_set_int64 (file, GROUP, "Modified", info->modified);
  g_key_file_set_string (file, GROUP, "State", fd_transfer_state_name (info->state));
  if (info->digest.algo != FD_HASH_NONE)
    {
      g_autofree char *base64 = fd_digest_to_base64 (&info->digest);

      g_key_file_set_string (file, GROUP, "HashAlgorithm", fd_hash_name (info->digest.algo));
      g_key_file_set_string (file, GROUP, "Hash", base64);
    }
  if (part)
    g_key_file_set_string (file, GROUP, "Part", part);
  data = g_key_file_to_data (file, &length, NULL);
  if (!replace_file (path, data, length, &error))
    g_warning ("Transfer %u will not be known after a crash: %s", info->id, error->message);
}

void
fd_journal_remove (FdJournal *journal, guint32 id)
{
  g_autofree char *path = entry_path (journal, id);

  if (g_unlink (path) < 0 && errno != ENOENT)
    g_warning ("Cannot remove %s: %s", path, g_strerror (errno));
}

static gboolean
read_state (GKeyFile *file, FdTransferState *state)
{
  g_autofree char *name = g_key_file_get_string (file, GROUP, "State", NULL);

  for (FdTransferState i = FD_STATE_QUEUED; name && !fd_transfer_state_is_final (i); i++)
    if (g_str_equal (name, fd_transfer_state_name (i)))
      {
        *state = i;
        return TRUE;
      }
  return FALSE;
}

static void
read_digest (GKeyFile *file, FdDigest *digest)
{
  g_autofree char *algo = g_key_file_get_string (file, GROUP, "HashAlgorithm", NULL);
  g_autofree char *base64 = g_key_file_get_string (file, GROUP, "Hash", NULL);

  if (algo && base64)
    fd_digest_from_base64 (fd_hash_from_name (algo), base64, digest);
}

/* Keys of a later version are passed over, those that are missing make the
 * entry useless. */
static FdJournalEntry *
read_entry (const char *path, guint32 id)
{
  g_autoptr (FdJournalEntry) entry = g_new0 (FdJournalEntry, 1);
  FdTransferInfo *info = &entry->info;
  g_autoptr (GKeyFile) file = g_key_file_new ();

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL) || !read_state (file, &info->state))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      char *text = g_key_file_get_string (file, GROUP, texts[i].key, NULL);

      if (!text)
        return NULL;
      G_STRUCT_MEMBER (char *, info, texts[i].offset) = text;
    }
  info->id = id;
  info->incoming = g_key_file_get_boolean (file, GROUP, "Incoming", NULL);
  info->size = g_key_file_get_int64 (file, GROUP, "Size", NULL);
  info->modified = g_key_file_get_int64 (file, GROUP, "Modified", NULL);
  info->remaining = -1;
  read_digest (file, &info->digest);
  entry->part = g_key_file_get_string (file, GROUP, "Part", NULL);
  fd_transfer_info_complete (info);
  return g_steal_pointer (&entry);
}

static gboolean
is_too_old (const char *path)
{
  GStatBuf st;

  return g_stat (path, &st) == 0
         && g_get_real_time () / G_USEC_PER_SEC - st.st_mtime > FD_JOURNAL_DAYS * 24 * 60 * 60;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const FdJournalEntry *const *left = a;
  const FdJournalEntry *const *right = b;

  return (*left)->info.id < (*right)->info.id ? -1 : (*left)->info.id > (*right)->info.id;
}

GPtrArray *
fd_journal_load (FdJournal *journal)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_journal_entry_free);
  g_autoptr (GDir) dir = g_dir_open (journal->directory, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (journal->directory, name, NULL);
      FdJournalEntry *entry = NULL;
      guint64 id;

      if (g_ascii_string_to_unsigned (name, 10, 1, G_MAXUINT32, &id, NULL) && !is_too_old (path))
        entry = read_entry (path, id);
      if (entry)
        g_ptr_array_add (entries, entry);
      else
        {
          g_info ("The journal entry %s is too old or unreadable and is removed", path);
          g_unlink (path);
        }
    }
  g_ptr_array_sort (entries, compare_ids);
  return entries;
}

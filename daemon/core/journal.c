/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The journal's files: written so that at any moment an old or a new one is there;
 * see journal.h.
 */
#include "core/journal.h"

#include "base/error.h"
#include "core/journal-entry.h"
#include "core/transfer-private.h"

#include <errno.h>
#include <glib/gstdio.h>

#define FRESH_SUFFIX ".new" /* being written */
#define DAMAGED_SUFFIX ".damaged" /* set aside */

struct FdJournal
{
  char *directory;
  GHashTable *known; /* id: has a file */
  GThreadPool *writer; /* one thread, while there is something to write */

  GMutex lock; /* of all below */
  GHashTable *pending; /* id -> GBytes */
  guint32 writing; /* 0: none, or that was removed meanwhile */
  gboolean ending; /* the daemon goes: syncing each file could take too long */
};

static char *
entry_path (FdJournal *journal, guint32 id)
{
  return g_strdup_printf ("%s/%u", journal->directory, id);
}

static void
warn (guint32 id, const GError *error)
{
  g_warning ("Transfer %u will not be known after a crash: %s", id, error->message);
}

static gboolean
write_fresh (const char *fresh, GBytes *text, gboolean sync, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (text, &length);

  return g_file_set_contents_full (fresh, data, length,
                                   sync ? G_FILE_SET_CONTENTS_DURABLE : G_FILE_SET_CONTENTS_NONE, 0600,
                                   error);
}

/* Renamed into place, so that whoever dies meanwhile leaves an old or a new entry. */
static gboolean
move_into_place (const char *fresh, const char *path, GError **error)
{
  if (g_rename (fresh, path) == 0)
    return TRUE;
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot write %s", path);
  return FALSE;
}

/* --- the thread --- */

/* What is to be written by then, not what was when it was asked for. */
static void
write_pending (gpointer job, gpointer data)
{
  FdJournal *journal = data;
  guint32 id = GPOINTER_TO_UINT (job);
  g_autofree char *path = entry_path (journal, id);
  g_autofree char *fresh = g_strconcat (path, FRESH_SUFFIX, NULL);
  g_autoptr (GBytes) text = NULL;
  g_autoptr (GError) error = NULL;
  gboolean written;
  gboolean sync;

  g_mutex_lock (&journal->lock);
  g_hash_table_steal_extended (journal->pending, job, NULL, (gpointer *) &text);
  journal->writing = id;
  sync = !journal->ending;
  g_mutex_unlock (&journal->lock);
  if (!text)
    return;
  written = write_fresh (fresh, text, sync, &error);
  g_mutex_lock (&journal->lock);
  if (written && journal->writing == id)
    move_into_place (fresh, path, &error);
  else
    g_unlink (fresh); /* it was removed meanwhile */
  journal->writing = 0;
  g_mutex_unlock (&journal->lock);
  if (error)
    warn (id, error);
}

/* --- for the main thread --- */

/* Of the first one nothing older can be lost, so that it need not be synced. */
static void
write_first (FdJournal *journal, guint32 id, GBytes *text)
{
  g_autofree char *path = entry_path (journal, id);
  g_autofree char *fresh = g_strconcat (path, FRESH_SUFFIX, NULL);
  g_autoptr (GError) error = NULL;

  if (!write_fresh (fresh, text, FALSE, &error) || !move_into_place (fresh, path, &error))
    warn (id, error);
}

void
fd_journal_write (FdJournal *journal, const FdJournalEntry *entry)
{
  gpointer key = GUINT_TO_POINTER (entry->info.id);
  GBytes *text = fd_journal_entry_format (entry);

  if (g_hash_table_add (journal->known, key))
    write_first (journal, entry->info.id, text);
  g_mutex_lock (&journal->lock);
  if (g_hash_table_replace (journal->pending, key, text))
    g_thread_pool_push (journal->writer, key, NULL);
  g_mutex_unlock (&journal->lock);
}

void
fd_journal_remove (FdJournal *journal, guint32 id)
{
  g_autofree char *path = entry_path (journal, id);

  if (!g_hash_table_remove (journal->known, GUINT_TO_POINTER (id)))
    return;
  g_mutex_lock (&journal->lock);
  g_hash_table_remove (journal->pending, GUINT_TO_POINTER (id));
  if (journal->writing == id)
    journal->writing = 0;
  if (g_unlink (path) < 0 && errno != ENOENT)
    g_warning ("Cannot remove %s: %s", path, g_strerror (errno));
  g_mutex_unlock (&journal->lock);
}

/* --- life --- */

FdJournal *
fd_journal_new (const char *directory)
{
  FdJournal *journal = g_new0 (FdJournal, 1);

  journal->directory = g_strdup (directory);
  journal->known = g_hash_table_new (NULL, NULL);
  journal->pending = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_bytes_unref);
  journal->writer = g_thread_pool_new (write_pending, journal, 1, FALSE, NULL);
  g_mutex_init (&journal->lock);
  return journal;
}

void
fd_journal_free (FdJournal *journal)
{
  if (!journal)
    return;
  g_mutex_lock (&journal->lock);
  journal->ending = TRUE;
  g_mutex_unlock (&journal->lock);
  g_thread_pool_free (journal->writer, FALSE, TRUE);
  g_mutex_clear (&journal->lock);
  g_hash_table_unref (journal->pending);
  g_hash_table_unref (journal->known);
  g_free (journal->directory);
  g_free (journal);
}

/* --- reading --- */

static void
set_aside (const char *path, const GError *error)
{
  g_autofree char *aside = g_strconcat (path, DAMAGED_SUFFIX, NULL);

  g_warning ("The journal entry %s is of no use and set aside as %s: %s", path, aside, error->message);
  if (g_rename (path, aside) < 0)
    g_warning ("Cannot rename %s: %s", path, g_strerror (errno));
}

/* Those who look for the reason have had their time. */
static void
tidy (const char *path, const char *name)
{
  gint64 oldest = g_get_real_time () / G_USEC_PER_SEC - FD_JOURNAL_DAYS * 24 * 60 * 60;
  GStatBuf st;

  if (g_str_has_suffix (name, FRESH_SUFFIX)
      || (g_str_has_suffix (name, DAMAGED_SUFFIX) && g_stat (path, &st) == 0 && st.st_mtime < oldest))
    g_unlink (path);
}

static FdJournalEntry *
read_entry (const char *path, guint32 id, GError **error)
{
  g_autofree char *text = NULL;
  GStatBuf st;
  gsize length;

  if (g_stat (path, &st) == 0 && (!S_ISREG (st.st_mode) || st.st_size > FD_JOURNAL_MAX_SIZE))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_FAILED, "It is not a file of at most %d bytes",
                   FD_JOURNAL_MAX_SIZE);
      return NULL;
    }
  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  return fd_journal_entry_parse (text, length, id, error);
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
      g_autoptr (GError) error = NULL;
      FdJournalEntry *entry;
      guint64 id;

      if (!g_ascii_string_to_unsigned (name, 10, 1, G_MAXUINT32, &id, NULL))
        {
          tidy (path, name);
          continue;
        }
      if (entries->len == FD_JOURNAL_MAX_ENTRIES)
        {
          g_warning ("%s holds more than %d transfers: the rest is left alone", journal->directory,
                     FD_JOURNAL_MAX_ENTRIES);
          break;
        }
      entry = read_entry (path, id, &error);
      if (entry)
        {
          g_hash_table_add (journal->known, GUINT_TO_POINTER ((guint32) id));
          g_ptr_array_add (entries, entry);
        }
      else
        set_aside (path, error);
    }
  g_ptr_array_sort (entries, compare_ids);
  return entries;
}

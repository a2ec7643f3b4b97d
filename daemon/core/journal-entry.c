/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Journal entries to and from key files: one row per key, for both ways.
 */
#include "core/journal-entry.h"

#include "base/error.h"
#include "core/transfer-private.h"

#define GROUP "Transfer"

typedef enum
{
  TEXT, /* UTF-8 */
  BYTES, /* file names, escaped */
  NUMBER, /* gint64 */
  UNSIGNED, /* guint64 */
  SMALL, /* guint */
  FLAG,
} Kind;

#define FIELD(field) G_STRUCT_OFFSET (FdJournalEntry, field)

static const struct
{
  const char *key;
  Kind kind;
  gsize offset;
  gboolean needed;
} rows[] = {
  { "Account", TEXT, FIELD (info.account), TRUE },
  { "Owner", SMALL, FIELD (info.owner), FALSE },
  { "Incoming", FLAG, FIELD (info.incoming), TRUE },
  { "Peer", TEXT, FIELD (info.peer), TRUE },
  { "Name", TEXT, FIELD (info.name), TRUE },
  { "Size", NUMBER, FIELD (info.size), TRUE },
  { "Modified", NUMBER, FIELD (info.modified), FALSE },
  { "MimeType", TEXT, FIELD (info.mime_type), FALSE },
  { "Description", TEXT, FIELD (info.description), FALSE },
  { "Batch", TEXT, FIELD (info.batch), FALSE },
  { "AppId", TEXT, FIELD (info.app_id), FALSE },
  { "LocalPath", TEXT, FIELD (info.local_path), FALSE },
  { "Started", UNSIGNED, FIELD (info.started), FALSE },
  { "Transferred", UNSIGNED, FIELD (info.transferred), FALSE },
  { "RateLimit", UNSIGNED, FIELD (info.rate_limit), FALSE },
  { "ResumeId", TEXT, FIELD (resume_id), FALSE },
  { "Agreed", FLAG, FIELD (agreed), FALSE },
  { "Expires", NUMBER, FIELD (expires), FALSE },
  { "Paths", SMALL, FIELD (paths), FALSE },
  { "Target", TEXT, FIELD (target), FALSE },
  { "WireName", TEXT, FIELD (wire_name), FALSE },
  { "Path", BYTES, FIELD (path), FALSE },
  { "SourceStamp", TEXT, FIELD (source_stamp), FALSE },
  { "Timeout", SMALL, FIELD (timeout_s), FALSE },
  { "HashAlways", FLAG, FIELD (hash_always), FALSE },
  { "Directory", BYTES, FIELD (directory), FALSE },
  { "FileName", BYTES, FIELD (file_name), FALSE },
  { "Overwrite", FLAG, FIELD (overwrite), FALSE },
  { "Part", BYTES, FIELD (part), FALSE },
  { "PartStamp", TEXT, FIELD (part_stamp), FALSE },
};

G_STATIC_ASSERT (sizeof (FdPath) == sizeof (guint));

void
fd_journal_entry_free (FdJournalEntry *entry)
{
  if (!entry)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].kind == TEXT || rows[i].kind == BYTES)
      g_clear_pointer (&G_STRUCT_MEMBER (char *, entry, rows[i].offset), g_free);
  fd_transfer_info_clear (&entry->info);
  g_free (entry);
}

/* All that it writes, it reads. */
FdJournalEntry *
fd_journal_entry_copy (const FdJournalEntry *entry)
{
  g_autoptr (GBytes) text = fd_journal_entry_format (entry);
  gsize length;
  const char *data = g_bytes_get_data (text, &length);

  return fd_journal_entry_parse (data, length, entry->info.id, NULL);
}

static void
format_row (GKeyFile *file, const char *key, Kind kind, gconstpointer field)
{
  const char *text = kind == TEXT || kind == BYTES ? *(const char *const *) field : NULL;
  g_autofree char *escaped = text && kind == BYTES ? g_strescape (text, NULL) : NULL;

  switch (kind)
    {
    case TEXT:
    case BYTES:
      if (text && *text)
        g_key_file_set_string (file, GROUP, key, escaped ? escaped : text);
      break;
    case NUMBER:
      g_key_file_set_int64 (file, GROUP, key, *(const gint64 *) field);
      break;
    case UNSIGNED:
      g_key_file_set_uint64 (file, GROUP, key, *(const guint64 *) field);
      break;
    case SMALL:
      g_key_file_set_uint64 (file, GROUP, key, *(const guint *) field);
      break;
    case FLAG:
      g_key_file_set_boolean (file, GROUP, key, *(const gboolean *) field);
      break;
    }
}

GBytes *
fd_journal_entry_format (const FdJournalEntry *entry)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  char *data;
  gsize length;

  g_key_file_set_string (file, GROUP, "State", fd_transfer_state_name (entry->info.state));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    format_row (file, rows[i].key, rows[i].kind, G_STRUCT_MEMBER_P (entry, rows[i].offset));
  if (entry->info.digest.algo != FD_HASH_NONE)
    {
      g_autofree char *base64 = fd_digest_to_base64 (&entry->info.digest);

      g_key_file_set_string (file, GROUP, "HashAlgorithm", fd_hash_name (entry->info.digest.algo));
      g_key_file_set_string (file, GROUP, "Hash", base64);
    }
  data = g_key_file_to_data (file, &length, NULL);
  return g_bytes_new_take (data, length);
}

static char *
read_text (GKeyFile *file, const char *key, Kind kind, GError **error)
{
  char *text = g_key_file_get_string (file, GROUP, key, error);
  char *bytes;

  if (!text || kind == TEXT)
    return text;
  bytes = g_strcompress (text);
  g_free (text);
  return bytes;
}

static void
parse_row (GKeyFile *file, const char *key, Kind kind, gpointer field, GError **error)
{
  guint64 number;

  switch (kind)
    {
    case TEXT:
    case BYTES:
      *(char **) field = read_text (file, key, kind, error);
      break;
    case NUMBER:
      *(gint64 *) field = g_key_file_get_int64 (file, GROUP, key, error);
      break;
    case UNSIGNED:
      *(guint64 *) field = g_key_file_get_uint64 (file, GROUP, key, error);
      break;
    case SMALL:
      number = g_key_file_get_uint64 (file, GROUP, key, error);
      *(guint *) field = MIN (number, G_MAXUINT);
      break;
    case FLAG:
      *(gboolean *) field = g_key_file_get_boolean (file, GROUP, key, error);
      break;
    }
}

static gboolean
read_state (GKeyFile *file, FdTransferState *state, GError **error)
{
  g_autofree char *name = g_key_file_get_string (file, GROUP, "State", error);

  if (!name)
    return FALSE;
  for (FdTransferState i = FD_STATE_QUEUED; i <= FD_STATE_FAILED; i++)
    if (g_str_equal (name, fd_transfer_state_name (i)))
      {
        *state = i;
        return TRUE;
      }
  g_set_error (error, FD_ERROR, FD_ERROR_FAILED, "There is no state \"%s\"", name);
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

FdJournalEntry *
fd_journal_entry_parse (const char *text, gsize length, guint32 id, GError **error)
{
  g_autoptr (FdJournalEntry) entry = g_new0 (FdJournalEntry, 1);
  g_autoptr (GKeyFile) file = g_key_file_new ();

  if (!g_key_file_load_from_data (file, text, length, G_KEY_FILE_NONE, error)
      || !read_state (file, &entry->info.state, error))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GError *wrong = NULL;

      parse_row (file, rows[i].key, rows[i].kind, G_STRUCT_MEMBER_P (entry, rows[i].offset), &wrong);
      if (wrong
          && (rows[i].needed || !g_error_matches (wrong, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND)))
        {
          g_propagate_error (error, wrong);
          return NULL;
        }
      g_clear_error (&wrong);
    }
  entry->info.id = id;
  entry->info.remaining = -1;
  read_digest (file, &entry->info.digest);
  fd_transfer_info_complete (&entry->info);
  return g_steal_pointer (&entry);
}

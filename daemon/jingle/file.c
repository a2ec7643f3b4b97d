/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The description of an offered file as a value.
 */
#include "jingle/file.h"

#include <string.h>

FdFile *
fd_file_new (const char *name, gint64 size)
{
  FdFile *file = g_new0 (FdFile, 1);

  file->name = g_strdup (name ? name : "");
  file->size = size;
  file->media_type = g_strdup ("");
  file->description = g_strdup ("");
  file->mtime = -1;
  file->range_length = -1;
  return file;
}

FdFile *
fd_file_copy (const FdFile *file)
{
  FdFile *copy = g_memdup2 (file, sizeof *file);

  copy->name = g_strdup (file->name);
  copy->media_type = g_strdup (file->media_type);
  copy->description = g_strdup (file->description);
  copy->resume_id = g_strdup (file->resume_id);
  return copy;
}

void
fd_file_free (FdFile *file)
{
  if (!file)
    return;
  g_free (file->name);
  g_free (file->media_type);
  g_free (file->description);
  g_free (file->resume_id);
  g_free (file);
}

gboolean
fd_file_is_id (const char *text)
{
  gsize length = strspn (text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-._");

  return length > 0 && length <= FD_FILE_MAX_ID && text[length] == '\0';
}

void
fd_file_set_hash (FdFile *file, const FdDigest *digest)
{
  guint i = 0;

  while (i < file->n_hashes && file->hashes[i].algo != digest->algo)
    i++;
  file->hashes[i] = *digest;
  file->n_hashes = MAX (file->n_hashes, i + 1);
}

const FdDigest *
fd_file_get_hash (const FdFile *file, FdHashAlgo algo)
{
  for (guint i = 0; i < file->n_hashes; i++)
    if (file->hashes[i].algo == algo)
      return &file->hashes[i];
  return NULL;
}

FdHashAlgo
fd_file_choose_algo (const FdFile *file)
{
  if (file->hash_used == FD_HASH_SHA256 || fd_file_get_hash (file, FD_HASH_SHA256))
    return FD_HASH_SHA256;
  for (guint i = 0; i < file->n_hashes; i++)
    if (fd_hash_is_supported (file->hashes[i].algo))
      return file->hashes[i].algo;
  return fd_hash_is_supported (file->hash_used) ? file->hash_used : FD_HASH_SHA256;
}

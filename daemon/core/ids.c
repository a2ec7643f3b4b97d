/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transfer numbers; see ids.h.
 */
#include "core/ids.h"

#include <gio/gio.h>

struct FdIds
{
  char *path;
  guint32 next;
  guint32 reserved; /* first number that the file does not cover */
};

/* Synced to disk, which may take a moment, but it is once in FD_IDS_AHEAD. */
static void
reserve (FdIds *ids, guint32 up_to)
{
  g_autofree char *text = g_strdup_printf ("%u\n", up_to);
  g_autoptr (GError) error = NULL;

  ids->reserved = up_to;
  if (!g_file_set_contents_full (ids->path, text, -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, &error))
    g_warning ("Transfer numbers may repeat after a restart: %s", error->message);
}

FdIds *
fd_ids_new (const char *directory)
{
  FdIds *ids = g_new0 (FdIds, 1);
  g_autofree char *text = NULL;
  guint64 next;

  ids->path = g_build_filename (directory, "next-id", NULL);
  ids->next = 1;
  if (g_file_get_contents (ids->path, &text, NULL, NULL))
    {
      if (g_ascii_string_to_unsigned (g_strstrip (text), 10, 1, G_MAXUINT32, &next, NULL))
        ids->next = next;
      else
        {
          /* The time is ahead of any counter that went up by one per transfer. */
          ids->next = g_get_real_time () / G_USEC_PER_SEC;
          g_warning ("%s is damaged, transfers are numbered from %u", ids->path, ids->next);
        }
    }
  ids->reserved = ids->next;
  return ids;
}

void
fd_ids_free (FdIds *ids)
{
  if (!ids)
    return;
  if (ids->reserved != ids->next)
    reserve (ids, ids->next);
  g_free (ids->path);
  g_free (ids);
}

guint32
fd_ids_next (FdIds *ids)
{
  if (ids->next >= G_MAXUINT32 - FD_IDS_AHEAD)
    ids->next = ids->reserved = 1;
  if (ids->next == ids->reserved)
    reserve (ids, ids->next + FD_IDS_AHEAD);
  return ids->next++;
}

void
fd_ids_skip (FdIds *ids, guint32 id)
{
  if (id < ids->next || id >= G_MAXUINT32 - FD_IDS_AHEAD)
    return;
  ids->next = id + 1;
  if (ids->reserved < ids->next)
    ids->reserved = ids->next;
}

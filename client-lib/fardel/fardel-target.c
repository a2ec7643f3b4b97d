/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where an accepted file goes if the daemon may not be told a path: in a
 * sandbox the file is made here and passed as a descriptor.
 */
#include "fardel-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>

#define MAX_NAMES 1000

/* NAME (2).EXT and so on. */
static char *
numbered (const char *folder, const char *name, guint number)
{
  const char *dot = strrchr (name, '.');
  gsize length = dot && dot != name ? (gsize) (dot - name) : strlen (name);
  g_autofree char *base = number < 2
                            ? g_strdup (name)
                            : g_strdup_printf ("%.*s (%u)%s", (int) length, name, number, name + length);

  return g_build_filename (folder, base, NULL);
}

static int
open_new (const char *folder, const char *name, char **ret_path)
{
  g_autofree char *path = NULL;
  int fd = -1;

  for (guint number = 1; fd < 0 && number <= MAX_NAMES; number++)
    {
      g_free (path);
      path = numbered (folder, name, number);
      fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_EXCL, 0666);
      if (fd < 0 && errno != EEXIST)
        break;
    }
  *ret_path = g_steal_pointer (&path);
  return fd;
}

/* What is there must not be touched before the transfer is accepted. */
static int
open_beside (const char *folder, const char *name, char **ret_path)
{
  g_autofree char *hidden = g_strdup_printf (".%s.XXXXXX", name);

  *ret_path = g_build_filename (folder, hidden, NULL);
  return g_mkstemp_full (*ret_path, O_WRONLY | O_CLOEXEC, 0666);
}

int
fardel_target_open (GFile *destination, const char *name, gboolean overwrite, char **ret_path,
                    char **ret_replaces, GError **error)
{
  const char *downloads = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);
  g_autofree char *given
    = destination ? g_file_get_path (destination) : g_strdup (downloads ? downloads : g_get_home_dir ());
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  int fd;

  if (g_file_test (given, G_FILE_TEST_IS_DIR))
    folder = g_strdup (given);
  else
    {
      folder = g_path_get_dirname (given);
      name = strrchr (given, '/') + 1;
    }
  fd = overwrite ? open_beside (folder, name, &path) : open_new (folder, name, &path);
  if (fd < 0)
    {
      int errnum = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errnum), "Cannot write %s: %s", path,
                   g_strerror (errnum));
      return -1;
    }
  *ret_path = g_steal_pointer (&path);
  *ret_replaces = overwrite ? g_build_filename (folder, name, NULL) : NULL;
  return fd;
}

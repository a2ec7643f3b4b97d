/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests that write into a directory of their own: its end.
 */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>

/* Links are removed, not followed. */
static inline void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

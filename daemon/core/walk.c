/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Walks directories; see walk.h.
 */
#include "core/walk.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  GPtrArray *files;
  guint max;
  guint entries;
} Walk;

typedef DIR FdDir;

static void
dir_close (DIR *dir)
{
  closedir (dir);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdDir, dir_close)

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
add_file (Walk *walk, const char *path, GError **error)
{
  if (walk->files->len == walk->max)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "There are more than %u files: send an archive, or fewer at a time", walk->max);
      return FALSE;
    }
  g_ptr_array_add (walk->files, g_strdup (path));
  return TRUE;
}

static GPtrArray *
list_directory (Walk *walk, const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (FdDir) dir = opendir (path);
  struct dirent *entry;

  while (dir && (errno = 0, entry = readdir (dir)))
    {
      if (g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, ".."))
        continue;
      if (++walk->entries > FD_WALK_MAX_ENTRIES)
        {
          g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                       "There are more than %d files and directories: send an archive", FD_WALK_MAX_ENTRIES);
          return NULL;
        }
      g_ptr_array_add (names, g_strdup (entry->d_name));
    }
  if (errno != 0)
    {
      fd_error_set_errno (error, errno, FD_ERROR_READ_FAILED, "Cannot read the directory %s", path);
      return NULL;
    }
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

static gboolean
walk_directory (Walk *walk, const char *path, guint depth, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;

  if (depth > FD_WALK_MAX_DEPTH)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED, "%s: directories are nested too deeply", path);
      return FALSE;
    }
  names = list_directory (walk, path, error);
  if (!names)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *child = g_build_filename (path, names->pdata[i], NULL);
      struct stat st;

      if (lstat (child, &st) < 0)
        {
          if (errno == ENOENT)
            continue; /* gone since it was listed */
          fd_error_set_errno (error, errno, FD_ERROR_READ_FAILED, "Cannot look at %s", child);
          return FALSE;
        }
      if (S_ISDIR (st.st_mode))
        {
          if (!walk_directory (walk, child, depth + 1, error))
            return FALSE;
        }
      else if (!S_ISREG (st.st_mode))
        g_info ("%s is left out: it is not a regular file", child);
      else if (!add_file (walk, child, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
walk_path (Walk *walk, const char *path, GError **error)
{
  guint before = walk->files->len;
  struct stat st;

  if (!g_path_is_absolute (path))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "\"%s\" is not an absolute path", path);
      return FALSE;
    }
  if (stat (path, &st) < 0)
    {
      fd_error_set_errno (error, errno, FD_ERROR_INVALID_PATH, "Cannot offer %s", path);
      return FALSE;
    }
  if (S_ISREG (st.st_mode))
    return add_file (walk, path, error);
  if (!S_ISDIR (st.st_mode))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "%s is neither a file nor a directory", path);
      return FALSE;
    }
  if (!walk_directory (walk, path, 1, error))
    return FALSE;
  if (walk->files->len == before)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "There is no file in %s", path);
      return FALSE;
    }
  return TRUE;
}

GPtrArray *
fd_walk (const char *const *paths, guint max, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  Walk walk = { .files = files, .max = max };

  if (!*paths)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "No path was given");
      return NULL;
    }
  for (guint i = 0; paths[i]; i++)
    if (!walk_path (&walk, paths[i], error))
      return NULL;
  return g_steal_pointer (&files);
}

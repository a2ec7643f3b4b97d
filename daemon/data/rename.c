/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Renaming that never replaces a file, on every file system.
 */
#include "data/rename.h"

#include "data/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Each number is a system call; a folder with more files of one name has another problem. */
#define NUMBER_MAX 999

static int
rename_noreplace (int dir_fd, const char *from, const char *to)
{
  int placeholder, result, saved;

  if (renameat2 (dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return -1;

  /* NFS and many FUSE file systems have no such flag, and some of these no hard links either. All have
   * O_EXCL: an empty file of ours holds the name, and is what gets replaced. */
  placeholder = openat (dir_fd, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (placeholder < 0)
    return -1;
  close (placeholder);
  result = renameat (dir_fd, from, dir_fd, to);
  saved = errno;
  if (result < 0)
    unlinkat (dir_fd, to, 0);
  errno = saved;
  return result;
}

char *
fd_rename_numbered (int dir_fd, const char *from, const char *name)
{
  for (guint n = 1; n <= NUMBER_MAX; n++)
    {
      g_autofree char *to = fd_name_numbered (name, n);

      if (rename_noreplace (dir_fd, from, to) == 0)
        return g_steal_pointer (&to);
      if (errno != EEXIST)
        return NULL;
    }
  errno = EEXIST;
  return NULL;
}

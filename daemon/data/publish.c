/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A part becomes the file that was asked for: durable, under a name that nobody has,
 * and only if it is still the file that we made.
 */
#include "base/error.h"
#include "data/name.h"
#include "data/rename.h"
#include "data/sink-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Where the open file is now, if it has a name: for the texts of errors. */
static char *
present_path (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  struct stat st;

  return fstat (fd, &st) == 0 && st.st_nlink > 0 ? g_file_read_link (link, NULL) : NULL;
}

static gboolean
check_part (FdSink *sink, GError **error)
{
  g_autofree char *path = NULL;

  if (fd_sink_part_is_ours (sink))
    return TRUE;
  path = present_path (sink->fd);
  if (path)
    g_set_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED,
                 "Another program moved or replaced “%s”; the received bytes are in “%s”", sink->part_path,
                 path);
  else
    g_set_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED,
                 "Another program deleted “%s”; the received bytes are lost", sink->part_path);
  return FALSE;
}

static gboolean
sync_file (int fd, const char *path, GError **error)
{
  int result;

  do
    result = fsync (fd);
  while (result < 0 && errno == EINTR);

  /* EINVAL: a pipe, or a file system that has nothing to sync. */
  if (result == 0 || errno == EINVAL)
    return TRUE;
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot bring “%s” to the disk", path);
  return FALSE;
}

/* Where a download came from, as browsers tell it. Not every file system has room for that. */
static void
set_attribute (FdSink *sink, const char *name, const char *value)
{
  if (value && fsetxattr (sink->fd, name, value, strlen (value), 0) < 0)
    g_debug ("Cannot set %s of a received file: %s", name, g_strerror (errno));
}

static void
set_attributes (FdSink *sink, gint64 mtime)
{
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = mtime } };

  set_attribute (sink, "user.xdg.origin.url", sink->origin);
  set_attribute (sink, "user.xdg.referrer.url", sink->referrer);
  /* FAT and the like refuse both; the bytes matter more. */
  if (fchmod (sink->fd, sink->mode) < 0)
    g_debug ("Cannot set the mode of a received file: %s", g_strerror (errno));
  if (mtime >= 0 && futimens (sink->fd, times) < 0)
    g_debug ("Cannot set the date of a received file: %s", g_strerror (errno));
}

/* The directory may have been moved since: then the name that the kernel knows it by. */
static char *
make_final_path (FdSink *sink, const char *name)
{
  g_autofree char *moved = NULL;
  struct stat ours, there;

  if (fstat (sink->dir_fd, &ours) == 0
      && (stat (sink->directory, &there) < 0 || ours.st_dev != there.st_dev || ours.st_ino != there.st_ino))
    moved = present_path (sink->dir_fd);
  return g_build_filename (moved ? moved : sink->directory, name, NULL);
}

static gboolean
move_into_place (FdSink *sink, GError **error)
{
  g_autofree char *name = NULL;

  if (!sink->overwrite)
    name = fd_rename_numbered (sink->dir_fd, sink->part_name, sink->name);
  else if (renameat (sink->dir_fd, sink->part_name, sink->dir_fd, sink->name) == 0)
    name = g_strdup (sink->name);
  if (!name)
    {
      fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED,
                          "Cannot rename “%s” to “%s”; the received bytes stay in the former",
                          sink->part_path, sink->intended_path);
      sink->keep = TRUE;
      return FALSE;
    }

  sink->final_path = make_final_path (sink, name);
  g_atomic_int_set (&sink->state, FD_SINK_PUBLISHED);
  return TRUE;
}

gboolean
fd_sink_publish (FdSink *sink, gint64 mtime, GError **error)
{
  if (!fd_sink_is_file (sink))
    return sync_file (sink->fd, "the given descriptor", error);

  /* Who renamed it may have been killed before the folder was on the disk. */
  if (sink->state == FD_SINK_PUBLISHED)
    return sync_file (sink->dir_fd, sink->final_path, error);
  g_return_val_if_fail (sink->state == FD_SINK_PART, FALSE);

  if (!check_part (sink, error))
    return FALSE;
  set_attributes (sink, mtime);
  return sync_file (sink->fd, sink->part_path, error) && move_into_place (sink, error)
         && sync_file (sink->dir_fd, sink->final_path, error);
}

void
fd_sink_keep_corrupt (FdSink *sink)
{
  g_autofree char *stem = NULL;
  g_autofree char *wanted = NULL;
  g_autofree char *name = NULL;

  sink->keep = TRUE;
  if (sink->state != FD_SINK_PART || sink->corrupt_path)
    return;

  stem = fd_name_cut (sink->name, FD_PART_STEM_MAX);
  wanted = g_strdup_printf (".%s.corrupt", stem);
  name = fd_sink_part_is_ours (sink) ? fd_rename_numbered (sink->dir_fd, sink->part_name, wanted) : NULL;
  if (!name)
    {
      g_warning ("Cannot rename “%s” to “%s”: the damaged bytes stay where they are", sink->part_path,
                 wanted);
      return;
    }
  sink->corrupt_path = fd_sink_in_directory (sink, name);
  g_free (sink->part_name);
  sink->part_name = g_steal_pointer (&name);
}

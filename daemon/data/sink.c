/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a received file goes: ".NAME.part" beside its target until it is whole
 * and verified, then renamed without replacing anything; or a descriptor of
 * the caller, which gets the bytes as they come.
 */
#include "data/sink.h"

#include "base/error.h"
#include "base/fd.h"
#include "data/descriptor.h"
#include "data/name.h"
#include "data/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Leaves room for ".", " (999)" and ".corrupt" in NAME_MAX. */
#define PART_STEM_MAX 230
#define PART_NUMBER_MAX 999

typedef enum
{
  STATE_CLOSED,
  STATE_PART, /* the bytes are in .NAME.part */
  STATE_PUBLISHED, /* they are in their final place */
} State;

/* open and publish may run in another thread than the getters: what these
 * return is written once, published with an atomic store and freed at the end. */
struct FdSink
{
  gatomicrefcount refs;
  gint state; /* State, atomic */
  int fd;
  gboolean keep;

  /* a descriptor */
  mode_t type;
  guint64 base; /* a regular file is written from where it stood */
  guint64 written; /* to a pipe or socket */

  /* a file */
  char *directory;
  int dir_fd; /* -1: this is a descriptor */
  char *name;
  gboolean overwrite;
  mode_t mode; /* of the published file */
  char *part_name;
  char *intended_path, *part_path, *final_path, *corrupt_path;
};

/* Reading the umask means to set it. Meanwhile another thread can only make private files. */
static mode_t
default_file_mode (void)
{
  mode_t mask = umask (077);

  umask (mask);
  return 0666 & ~mask;
}

static FdSink *
sink_new (void)
{
  FdSink *sink = g_new0 (FdSink, 1);

  g_atomic_ref_count_init (&sink->refs);
  sink->fd = -1;
  sink->dir_fd = -1;
  sink->intended_path = g_strdup ("");
  return sink;
}

FdSink *
fd_sink_new_file (const char *directory, const char *name, gboolean overwrite, GError **error)
{
  fd_autoclose dir_fd = -1;
  FdSink *sink;

  if (!g_path_is_absolute (directory))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "“%s” is not an absolute path", directory);
      return NULL;
    }
  if (*name == '\0' || strchr (name, '/') || strcmp (name, ".") == 0 || strcmp (name, "..") == 0
      || strlen (name) > NAME_MAX)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "“%s” cannot be the name of a file", name);
      return NULL;
    }
  dir_fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0)
    {
      fd_error_set_errno (error, errno, FD_ERROR_INVALID_PATH, "Cannot save to the folder “%s”", directory);
      return NULL;
    }

  sink = sink_new ();
  sink->type = S_IFREG;
  sink->directory = g_strdup (directory);
  sink->dir_fd = fd_take (&dir_fd);
  sink->name = g_strdup (name);
  sink->overwrite = overwrite;
  sink->mode = default_file_mode ();
  g_free (sink->intended_path);
  sink->intended_path = g_build_filename (directory, name, NULL);
  return sink;
}

FdSink *
fd_sink_new_fd (int fd, GError **error)
{
  fd_autoclose owned = fd;
  FdSink *sink;
  struct stat st;

  if (!fd_descriptor_check (owned, TRUE, &st, error))
    return NULL;

  sink = sink_new ();
  sink->type = st.st_mode & S_IFMT;
  if (fd_sink_is_seekable (sink))
    sink->base = lseek (owned, 0, SEEK_CUR);
  sink->fd = fd_take (&owned);
  return sink;
}

FdSink *
fd_sink_ref (FdSink *sink)
{
  g_atomic_ref_count_inc (&sink->refs);
  return sink;
}

/* Is the part still the file that we made, under the name that we gave it? */
static gboolean
part_is_ours (FdSink *sink)
{
  struct stat ours, there;

  return fstat (sink->fd, &ours) == 0
         && fstatat (sink->dir_fd, sink->part_name, &there, AT_SYMLINK_NOFOLLOW) == 0
         && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

void
fd_sink_unref (FdSink *sink)
{
  if (!g_atomic_ref_count_dec (&sink->refs))
    return;
  if (sink->state == STATE_PART && !sink->keep && part_is_ours (sink))
    unlinkat (sink->dir_fd, sink->part_name, 0);
  fd_close (&sink->fd);
  fd_close (&sink->dir_fd);
  g_free (sink->directory);
  g_free (sink->name);
  g_free (sink->part_name);
  g_free (sink->intended_path);
  g_free (sink->part_path);
  g_free (sink->final_path);
  g_free (sink->corrupt_path);
  g_free (sink);
}

static gboolean
check_free_space (FdSink *sink, gint64 size, GError **error)
{
  g_autofree char *needed = NULL;
  g_autofree char *free_text = NULL;
  struct statvfs fs;
  guint64 free_bytes;

  /* No blocks at all: a file system that does not count them. */
  if (size <= 0 || fstatvfs (sink->dir_fd, &fs) < 0 || fs.f_blocks == 0)
    return TRUE;
  free_bytes = (guint64) fs.f_bavail * fs.f_frsize;
  if ((guint64) size <= free_bytes)
    return TRUE;

  needed = g_format_size (size);
  free_text = g_format_size (free_bytes);
  g_set_error (error, FD_ERROR, FD_ERROR_NO_SPACE, "The file needs %s, “%s” has only %s left", needed,
               sink->directory, free_text);
  return FALSE;
}

static char *
in_directory (FdSink *sink, const char *name)
{
  return g_build_filename (sink->directory, name, NULL);
}

static gboolean
create_part (FdSink *sink, GError **error)
{
  g_autofree char *stem = fd_name_cut (sink->name, PART_STEM_MAX);

  for (guint n = 1; n <= PART_NUMBER_MAX; n++)
    {
      g_autofree char *numbered = fd_name_numbered (stem, n);
      g_autofree char *part = g_strdup_printf (".%s.part", numbered);

      /* Readable, so that it can be hashed again for a resume. */
      sink->fd = openat (sink->dir_fd, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (sink->fd >= 0)
        {
          sink->part_name = g_steal_pointer (&part);
          return TRUE;
        }
      if (errno != EEXIST)
        break;
    }
  if (errno == ENOENT)
    g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "The folder “%s” was removed", sink->directory);
  else
    fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot create a file in “%s”", sink->directory);
  return FALSE;
}

/* So that a full disk shows now and not at 99 %. Where the file system cannot, writing will tell. */
static gboolean
reserve (FdSink *sink, gint64 size, GError **error)
{
  int result = 0;

  if (size > 0)
    do
      result = fallocate (sink->fd, FALLOC_FL_KEEP_SIZE, 0, size);
    while (result < 0 && errno == EINTR);

  if (result == 0 || (errno != ENOSPC && errno != EDQUOT && errno != EFBIG))
    return TRUE;
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "No room for a file of this size in “%s”",
                      sink->directory);
  return FALSE;
}

gboolean
fd_sink_open (FdSink *sink, gint64 size, GError **error)
{
  if (!fd_sink_is_file (sink) || sink->fd >= 0)
    return TRUE;
  if (!check_free_space (sink, size, error) || !create_part (sink, error))
    return FALSE;
  if (!reserve (sink, size, error))
    {
      unlinkat (sink->dir_fd, sink->part_name, 0);
      g_clear_pointer (&sink->part_name, g_free);
      fd_close (&sink->fd);
      return FALSE;
    }
  sink->part_path = in_directory (sink, sink->part_name);
  g_atomic_int_set (&sink->state, STATE_PART);
  return TRUE;
}

int
fd_sink_get_fd (FdSink *sink)
{
  return sink->fd;
}

gboolean
fd_sink_truncate (FdSink *sink, guint64 offset, GError **error)
{
  struct stat st;

  if (!fd_sink_is_file (sink))
    return TRUE;
  if (fstat (sink->fd, &st) == 0)
    {
      if ((guint64) st.st_size < offset)
        {
          g_set_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED,
                       "“%s” has %" G_GINT64_FORMAT " bytes, cannot go on from byte %" G_GUINT64_FORMAT,
                       sink->part_path, (gint64) st.st_size, offset);
          return FALSE;
        }
      if ((guint64) st.st_size == offset || ftruncate (sink->fd, offset) == 0)
        return TRUE;
    }
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot write to “%s”", sink->part_path);
  return FALSE;
}

static gssize
write_in_order (FdSink *sink, const void *data, gsize length)
{
  if (S_ISSOCK (sink->type))
    return send (sink->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  /* A pipe that poll() calls writable has room for this much; more could block. We must not make it
   * non-blocking: that is a property of the caller's end. */
  return write (sink->fd, data, MIN (length, PIPE_BUF));
}

gssize
fd_sink_write (FdSink *sink, guint64 offset, const void *data, gsize length)
{
  gssize n;

  if (fd_sink_is_seekable (sink))
    return pwrite (sink->fd, data, length, sink->base + offset);

  if (offset != sink->written)
    {
      errno = ESPIPE;
      return -1;
    }
  n = write_in_order (sink, data, length);
  if (n > 0)
    sink->written += n;
  return n;
}

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

  if (part_is_ours (sink))
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

static void
set_attributes (FdSink *sink, gint64 mtime)
{
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = mtime } };

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
  g_atomic_int_set (&sink->state, STATE_PUBLISHED);
  return TRUE;
}

gboolean
fd_sink_publish (FdSink *sink, gint64 mtime, GError **error)
{
  if (!fd_sink_is_file (sink))
    return sync_file (sink->fd, "the given descriptor", error);

  if (sink->state == STATE_PUBLISHED)
    return TRUE;
  g_return_val_if_fail (sink->state == STATE_PART, FALSE);

  if (!check_part (sink, error))
    return FALSE;
  set_attributes (sink, mtime);
  return sync_file (sink->fd, sink->part_path, error) && move_into_place (sink, error)
         && sync_file (sink->dir_fd, sink->final_path, error);
}

void
fd_sink_keep (FdSink *sink)
{
  sink->keep = TRUE;
}

void
fd_sink_keep_corrupt (FdSink *sink)
{
  g_autofree char *stem = NULL;
  g_autofree char *wanted = NULL;
  g_autofree char *name = NULL;

  sink->keep = TRUE;
  if (sink->state != STATE_PART || sink->corrupt_path)
    return;

  stem = fd_name_cut (sink->name, PART_STEM_MAX);
  wanted = g_strdup_printf (".%s.corrupt", stem);
  name = part_is_ours (sink) ? fd_rename_numbered (sink->dir_fd, sink->part_name, wanted) : NULL;
  if (!name)
    g_warning ("Cannot rename “%s” to “%s”: the damaged bytes stay where they are", sink->part_path, wanted);
  else
    sink->corrupt_path = in_directory (sink, name);
}

const char *
fd_sink_get_path (FdSink *sink)
{
  return g_atomic_int_get (&sink->state) == STATE_PUBLISHED ? sink->final_path : sink->intended_path;
}

const char *
fd_sink_get_part_path (FdSink *sink)
{
  if (g_atomic_int_get (&sink->state) != STATE_PART)
    return "";
  return sink->corrupt_path ? sink->corrupt_path : sink->part_path;
}

gboolean
fd_sink_is_file (FdSink *sink)
{
  return sink->dir_fd >= 0;
}

gboolean
fd_sink_is_seekable (FdSink *sink)
{
  return S_ISREG (sink->type);
}

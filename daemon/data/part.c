/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file ".NAME.part" that a sink writes while bytes arrive: made, made sure to
 * fit, found again after whatever ended the attempt before.
 */
#include "base/error.h"
#include "base/fd.h"
#include "data/name.h"
#include "data/sink-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

gboolean
fd_sink_part_is_ours (FdSink *sink)
{
  struct stat ours, there;

  return fstat (sink->fd, &ours) == 0
         && fstatat (sink->dir_fd, sink->part_name, &there, AT_SYMLINK_NOFOLLOW) == 0
         && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* What it lacks yet, of @size bytes. */
static gboolean
check_free_space (FdSink *sink, gint64 size, GError **error)
{
  g_autofree char *needed = NULL;
  g_autofree char *free_text = NULL;
  struct statvfs fs;
  struct stat st;
  gint64 lacking = size;
  guint64 free_bytes;

  if (sink->fd >= 0 && fstat (sink->fd, &st) == 0)
    lacking -= MAX ((gint64) st.st_blocks * 512, (gint64) st.st_size);
  /* No blocks at all: a file system that does not count them. */
  if (lacking <= 0 || fstatvfs (sink->dir_fd, &fs) < 0 || fs.f_blocks == 0)
    return TRUE;
  free_bytes = (guint64) fs.f_bavail * fs.f_frsize;
  if ((guint64) lacking <= free_bytes)
    return TRUE;

  needed = g_format_size (lacking);
  free_text = g_format_size (free_bytes);
  g_set_error (error, FD_ERROR, FD_ERROR_NO_SPACE, "The file needs %s, “%s” has only %s left", needed,
               sink->directory, free_text);
  return FALSE;
}

char *
fd_sink_in_directory (FdSink *sink, const char *name)
{
  return g_build_filename (sink->directory, name, NULL);
}

static gboolean
create_part (FdSink *sink, GError **error)
{
  g_autofree char *stem = fd_name_cut (sink->name, FD_PART_STEM_MAX);

  for (guint n = 1; n <= FD_PART_NUMBER_MAX; n++)
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

static void
set_part (FdSink *sink)
{
  sink->part_path = fd_sink_in_directory (sink, sink->part_name);
  g_atomic_int_set (&sink->state, FD_SINK_PART);
}

gboolean
fd_sink_open (FdSink *sink, gint64 size, GError **error)
{
  gboolean there = sink->fd >= 0;

  sink->at_rest = FALSE; /* what the journal says from now on must hold until the next rest */
  if (!fd_sink_is_file (sink) || sink->reserved || sink->state == FD_SINK_PUBLISHED)
    return TRUE;
  if (!check_free_space (sink, size, error) || (!there && !create_part (sink, error)))
    return FALSE;
  sink->reserved = reserve (sink, size, error);
  if (!there && sink->reserved)
    {
      set_part (sink);
    }
  else if (!there)
    {
      unlinkat (sink->dir_fd, sink->part_name, 0);
      g_clear_pointer (&sink->part_name, g_free);
      fd_close (&sink->fd);
    }
  return sink->reserved;
}

gboolean
fd_sink_truncate (FdSink *sink, guint64 offset, GError **error)
{
  struct stat st;

  if (sink->hashed > offset)
    g_clear_pointer (&sink->hash, fd_hash_free);
  if (!fd_sink_is_file (sink))
    {
      if (fd_sink_is_seekable (sink))
        sink->written = MIN (sink->written, offset);
      return TRUE;
    }
  sink->at_rest = FALSE;
  if (fstat (sink->fd, &st) == 0)
    {
      if ((guint64) st.st_size == offset)
        return TRUE;
      if ((guint64) st.st_size < offset || sink->state != FD_SINK_PART)
        {
          g_set_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED,
                       "“%s” has %" G_GINT64_FORMAT " bytes, cannot go on from byte %" G_GUINT64_FORMAT,
                       sink->state == FD_SINK_PART ? sink->part_path : sink->final_path, (gint64) st.st_size,
                       offset);
          return FALSE;
        }
      if (ftruncate (sink->fd, offset) == 0)
        return TRUE;
    }
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot write to “%s”", sink->part_path);
  return FALSE;
}

/* How a part is known again. The number of a file is used again when it was removed, its
 * time of birth is not (0 where the file system keeps none). The device is left out: it
 * may get another number at the next boot.
 *
 * Size and date only count for a part at rest: another program's writing shows in them. A
 * daemon that was killed has written after its last stamp, so nothing can be seen then; what
 * it wrote is all there. A machine that crashed may have brought less to the disk than the
 * stamp says, and nobody knows which of it: a shorter part is taken. Wherever this is wrong,
 * the digest of the whole file shows it at the end, and the transfer begins again. */
typedef struct
{
  guint64 inode;
  gint64 birth, date; /* ns */
  gint64 size;
} Identity;

#define STAMP_FORMAT "%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT
#define REST_FORMAT ":%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT

static gint64
nanoseconds (const struct statx_timestamp *t)
{
  return t->tv_sec * G_GINT64_CONSTANT (1000000000) + t->tv_nsec;
}

static gboolean
identify (int fd, const char *name, Identity *ret_identity)
{
  struct statx st;

  if (statx (fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) < 0
      || !S_ISREG (st.stx_mode))
    return FALSE;
  *ret_identity = (Identity){
    .inode = st.stx_ino,
    .birth = st.stx_mask & STATX_BTIME ? nanoseconds (&st.stx_btime) : 0,
    .date = nanoseconds (&st.stx_mtime),
    .size = st.stx_size,
  };
  return TRUE;
}

char *
fd_sink_get_stamp (FdSink *sink)
{
  g_autofree char *rest = NULL;
  Identity identity;

  if (!fd_sink_is_file (sink) || sink->fd < 0 || !identify (sink->fd, "", &identity))
    return NULL;
  if (sink->at_rest)
    rest = g_strdup_printf (REST_FORMAT, identity.size, identity.date);
  return g_strdup_printf (STAMP_FORMAT "%s", identity.inode, identity.birth, rest ? rest : "");
}

/* What @stamp says of the rest, NULL if it is of another file. */
static const char *
match_identity (const char *stamp, const Identity *identity)
{
  g_autofree char *prefix = g_strdup_printf (STAMP_FORMAT, identity->inode, identity->birth);
  const char *rest = g_str_has_prefix (stamp, prefix) ? stamp + strlen (prefix) : NULL;

  return rest && (*rest == '\0' || *rest == ':') ? rest : NULL;
}

static gboolean
is_as_left (const char *rest, const Identity *identity)
{
  gint64 size, date;

  if (*rest == '\0')
    return TRUE;
  return sscanf (rest, REST_FORMAT, &size, &date) == 2
         && (identity->size < size || (identity->size == size && identity->date == date));
}

static gboolean
is_named (FdSink *sink, const char *name, const char *stamp)
{
  Identity identity;

  return identify (sink->dir_fd, name, &identity) && match_identity (stamp, &identity);
}

/* The name in the folder under which the part was published. */
static char *
find_published (FdSink *sink, const char *stamp)
{
  for (guint n = 1; n <= FD_PART_NUMBER_MAX; n++)
    {
      g_autofree char *name = fd_name_numbered (sink->name, n);

      if (is_named (sink, name, stamp))
        return g_steal_pointer (&name);
    }
  return NULL;
}

static gboolean
open_there (FdSink *sink, const char *name, int flags, GError **error)
{
  g_autofree char *path = fd_sink_in_directory (sink, name);

  sink->fd = openat (sink->dir_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (sink->fd >= 0)
    return TRUE;
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot go on with “%s”", path);
  return FALSE;
}

static gboolean
check_part (FdSink *sink, const char *stamp, GError **error)
{
  const char *rest = NULL;
  Identity identity;
  struct stat st;

  if (identify (sink->fd, "", &identity))
    rest = match_identity (stamp, &identity);
  if (rest && is_as_left (rest, &identity) && fstat (sink->fd, &st) == 0 && st.st_nlink == 1
      && st.st_uid == geteuid ())
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED,
               "“%s” was changed or replaced by another program: the transfer begins again", sink->part_path);
  return FALSE;
}

FdSink *
fd_sink_reopen (const char *directory, const char *name, gboolean overwrite, const char *part_path,
                const char *stamp, GError **error)
{
  g_autoptr (FdSink) sink = fd_sink_new_file (directory, name, overwrite, error);
  g_autofree char *published = NULL;

  if (!sink)
    return NULL;
  sink->keep = TRUE;
  sink->part_name = g_path_get_basename (part_path);
  published = is_named (sink, sink->part_name, stamp) ? NULL : find_published (sink, stamp);
  if (published)
    {
      if (!open_there (sink, published, O_RDONLY, error))
        return NULL;
      sink->final_path = fd_sink_in_directory (sink, published);
      g_atomic_int_set (&sink->state, FD_SINK_PUBLISHED);
      return g_steal_pointer (&sink);
    }
  if (!open_there (sink, sink->part_name, O_RDWR, error))
    return NULL;
  set_part (sink);
  sink->at_rest = TRUE;
  return check_part (sink, stamp, error) ? g_steal_pointer (&sink) : NULL;
}

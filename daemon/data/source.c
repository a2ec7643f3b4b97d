/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file that is being offered: an open descriptor and what fstat() said of it
 * when the offer was made.
 */
#include "data/source.h"

#include "base/error.h"
#include "base/fd.h"
#include "data/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/socket.h>

/* What shared-mime-info's rules look at. */
#define SNIFF_BYTES 4096

struct FdSource
{
  gatomicrefcount refs;
  int fd;
  char *path;
  char *media_type; /* NULL until it was asked for */
  struct stat offered;
  gint64 size;
  guint64 taken; /* bytes read, if not seekable */
};

static FdSource *
source_new (int fd, const char *path, const struct stat *st, gint64 size)
{
  FdSource *source = g_new0 (FdSource, 1);

  g_atomic_ref_count_init (&source->refs);
  source->fd = fd;
  source->path = g_strdup (path);
  source->offered = *st;
  source->size = S_ISREG (st->st_mode) ? st->st_size : size;
  return source;
}

static FdErrorCode
open_error_code (int errnum)
{
  return errnum == ENOTDIR || errnum == ELOOP || errnum == ENAMETOOLONG || errnum == ENXIO
           ? FD_ERROR_INVALID_PATH
           : FD_ERROR_READ_FAILED;
}

FdSource *
fd_source_open (const char *path, GError **error)
{
  fd_autoclose fd = -1;
  struct stat st;

  if (!g_path_is_absolute (path))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "“%s” is not an absolute path", path);
      return NULL;
    }
  /* O_NONBLOCK: a FIFO would make us wait for its writer. It has no effect on regular files. */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      int errnum = errno;

      fd_error_set_errno (error, errnum, open_error_code (errnum), "Cannot open “%s”", path);
      return NULL;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "“%s” is %s, not a regular file", path,
                   S_ISDIR (st.st_mode) ? "a folder" : "a special file");
      return NULL;
    }
  return source_new (fd_take (&fd), path, &st, -1);
}

FdSource *
fd_source_new_fd (int fd, gint64 size, GError **error)
{
  fd_autoclose owned = fd;
  struct stat st;

  if (!fd_descriptor_check (owned, FALSE, &st, error))
    return NULL;
  return source_new (fd_take (&owned), "", &st, size);
}

void
fd_source_find_path (FdSource *source)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", source->fd);
  g_autofree char *path = g_file_read_link (link, NULL);
  struct stat st;

  if (*source->path || !path || !fd_source_is_seekable (source) || stat (path, &st) < 0
      || st.st_dev != source->offered.st_dev || st.st_ino != source->offered.st_ino
      || access (path, R_OK) < 0)
    return;
  g_free (source->path);
  source->path = g_steal_pointer (&path);
}

FdSource *
fd_source_ref (FdSource *source)
{
  g_atomic_ref_count_inc (&source->refs);
  return source;
}

void
fd_source_unref (FdSource *source)
{
  if (!g_atomic_ref_count_dec (&source->refs))
    return;
  close (source->fd);
  g_free (source->path);
  g_free (source->media_type);
  g_free (source);
}

const char *
fd_source_get_path (FdSource *source)
{
  return source->path;
}

int
fd_source_get_fd (FdSource *source)
{
  return source->fd;
}

gint64
fd_source_get_size (FdSource *source)
{
  return source->size;
}

gint64
fd_source_get_mtime (FdSource *source)
{
  return fd_source_is_seekable (source) ? source->offered.st_mtim.tv_sec : -1;
}

gboolean
fd_source_is_seekable (FdSource *source)
{
  return S_ISREG (source->offered.st_mode);
}

const char *
fd_source_get_media_type (FdSource *source, const char *name)
{
  guint8 head[SNIFF_BYTES];
  ssize_t length = -1;
  g_autofree char *type = NULL;

  if (source->media_type)
    return source->media_type;

  if (fd_source_is_seekable (source))
    length = pread (source->fd, head, sizeof head, 0);
  type = g_content_type_guess (name, length > 0 ? head : NULL, MAX (length, 0), NULL);
  if (!g_content_type_is_unknown (type))
    source->media_type = g_content_type_get_mime_type (type);
  if (!source->media_type)
    source->media_type = g_strdup ("");
  return source->media_type;
}

/* Without the device: it may get another number at the next boot. */
char *
fd_source_get_stamp (FdSource *source)
{
  const struct stat *st = &source->offered;

  if (!fd_source_is_seekable (source))
    return NULL;
  return g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ".%09ld",
                          (guint64) st->st_ino, (gint64) st->st_size, (gint64) st->st_mtim.tv_sec,
                          (long) st->st_mtim.tv_nsec);
}

gboolean
fd_source_check (FdSource *source, GError **error)
{
  const struct stat *then = &source->offered;
  struct stat now;

  if (!fd_source_is_seekable (source))
    return TRUE;
  if (fstat (source->fd, &now) < 0)
    {
      fd_error_set_errno (error, errno, FD_ERROR_READ_FAILED, "Cannot look at the file that is being sent");
      return FALSE;
    }
  if (now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec
      && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec)
    return TRUE;

  g_set_error (error, FD_ERROR, FD_ERROR_SOURCE_CHANGED,
               "The file was changed after it had been offered (%" G_GINT64_FORMAT
               " bytes then, %" G_GINT64_FORMAT " now); offer it again",
               (gint64) then->st_size, (gint64) now.st_size);
  return FALSE;
}

gssize
fd_source_read (FdSource *source, guint64 offset, void *buffer, gsize length)
{
  gssize n;

  if (fd_source_is_seekable (source))
    return pread (source->fd, buffer, length, offset);

  if (offset != source->taken)
    {
      errno = ESPIPE;
      return -1;
    }
  n = S_ISSOCK (source->offered.st_mode) ? recv (source->fd, buffer, length, MSG_DONTWAIT)
                                         : read (source->fd, buffer, length);
  if (n > 0)
    source->taken += n;
  return n;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a received file goes: ".NAME.part" beside its target until it is whole
 * and verified, then renamed without replacing anything; or a descriptor of
 * the caller, which gets the bytes as they come.
 */
#include "base/error.h"
#include "base/fd.h"
#include "data/descriptor.h"
#include "data/sink-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HASH_BUFFER_SIZE (256 * 1024)

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

void
fd_sink_unref (FdSink *sink)
{
  if (!g_atomic_ref_count_dec (&sink->refs))
    return;
  if (sink->state == FD_SINK_PART && !sink->keep && fd_sink_part_is_ours (sink))
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
  g_free (sink->origin);
  g_free (sink->referrer);
  fd_hash_free (sink->hash);
  g_free (sink);
}

int
fd_sink_get_fd (FdSink *sink)
{
  return sink->fd;
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

static gssize
write_bytes (FdSink *sink, guint64 offset, const void *data, gsize length)
{
  if (fd_sink_is_seekable (sink))
    return pwrite (sink->fd, data, length, sink->base + offset);
  if (offset == sink->written)
    return write_in_order (sink, data, length);
  errno = ESPIPE;
  return -1;
}

gssize
fd_sink_write (FdSink *sink, guint64 offset, const void *data, gsize length)
{
  gssize n = write_bytes (sink, offset, data, length);

  if (n <= 0)
    return n;
  sink->at_rest = FALSE;
  if (offset == sink->written)
    sink->written += n;
  if (sink->hash && offset == sink->hashed)
    {
      fd_hash_update (sink->hash, data, n);
      sink->hashed += n;
    }
  else
    {
      g_clear_pointer (&sink->hash, fd_hash_free);
    }
  return n;
}

/* Adds to the hash what is there up to @offset. */
static gboolean
read_and_hash (FdSink *sink, guint64 offset, GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (HASH_BUFFER_SIZE);

  while (sink->hashed < offset)
    {
      gssize n
        = pread (sink->fd, buffer, MIN (HASH_BUFFER_SIZE, offset - sink->hashed), sink->base + sink->hashed);

      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error_literal (error, FD_ERROR, FD_ERROR_CANCELLED, "The transfer was stopped");
          return FALSE;
        }
      if (n > 0)
        {
          fd_hash_update (sink->hash, buffer, n);
          sink->hashed += n;
        }
      else if (n == 0)
        {
          g_set_error (error, FD_ERROR, FD_ERROR_READ_FAILED,
                       "The received file has only %" G_GUINT64_FORMAT " bytes", sink->hashed);
          return FALSE;
        }
      else if (errno != EINTR)
        {
          fd_error_set_errno (error, errno, FD_ERROR_READ_FAILED, "Cannot read what was received before");
          return FALSE;
        }
    }
  return TRUE;
}

/* A descriptor may be open for writing only. */
static gboolean
is_readable (FdSink *sink)
{
  return fd_sink_is_seekable (sink) && (fcntl (sink->fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
}

gboolean
fd_sink_hash (FdSink *sink, FdHashAlgo algo, guint64 offset, GCancellable *cancellable, GError **error)
{
  if (sink->hash && (fd_hash_get_algo (sink->hash) != algo || sink->hashed > offset))
    g_clear_pointer (&sink->hash, fd_hash_free);
  if (!sink->hash)
    {
      sink->hash = fd_hash_new (algo);
      sink->hashed = 0;
    }
  if (!sink->hash || sink->hashed == offset)
    return TRUE;
  if (is_readable (sink) && read_and_hash (sink, offset, cancellable, error))
    return TRUE;
  g_clear_pointer (&sink->hash, fd_hash_free);
  return !is_readable (sink);
}

void
fd_sink_get_digest (FdSink *sink, FdDigest *ret_digest)
{
  if (sink->hash)
    fd_hash_get_digest (sink->hash, ret_digest);
  else
    *ret_digest = (FdDigest){ 0 };
}

void
fd_sink_keep (FdSink *sink)
{
  sink->keep = TRUE;
  sink->at_rest = TRUE;
}

void
fd_sink_discard (FdSink *sink)
{
  sink->keep = FALSE;
}

void
fd_sink_set_origin (FdSink *sink, const char *origin, const char *referrer)
{
  g_free (sink->origin);
  g_free (sink->referrer);
  sink->origin = g_strdup (origin);
  sink->referrer = g_strdup (referrer);
}

guint64
fd_sink_get_size (FdSink *sink)
{
  struct stat st;

  if (!fd_sink_is_file (sink))
    return sink->written;
  return sink->fd >= 0 && fstat (sink->fd, &st) == 0 ? (guint64) st.st_size : 0;
}

gboolean
fd_sink_is_published (FdSink *sink)
{
  return g_atomic_int_get (&sink->state) == FD_SINK_PUBLISHED;
}

const char *
fd_sink_get_path (FdSink *sink)
{
  return fd_sink_is_published (sink) ? sink->final_path : sink->intended_path;
}

const char *
fd_sink_get_part_path (FdSink *sink)
{
  if (g_atomic_int_get (&sink->state) != FD_SINK_PART)
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

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file, a stream and a pump between them, for the tests of pumps.
 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "data/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MIB (1024 * 1024)

typedef struct
{
  char *directory;
  char *path; /* of the source file */
  int ends[2]; /* a stream: [0] is the pump's */
} Fixture;

static inline void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("fardel-pump-XXXXXX", NULL);
  f->path = g_build_filename (f->directory, "source", NULL);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->ends), ==, 0);
}

static inline void
tear_down (Fixture *f, gconstpointer data)
{
  fd_close (&f->ends[0]);
  fd_close (&f->ends[1]);
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->path);
  g_free (f->directory);
}

static inline guint8
pattern (gsize i)
{
  return i * 31 + (i >> 8) * 7 + (i >> 16);
}

static inline void
make_source (Fixture *f, gsize size)
{
  g_autofree guint8 *bytes = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    bytes[i] = pattern (i);
  g_assert_true (g_file_set_contents (f->path, (char *) bytes, size, NULL));
}

static inline FdSource *
open_source (Fixture *f, gsize size)
{
  FdSource *source;

  make_source (f, size);
  source = fd_source_open (f->path, NULL);
  g_assert_nonnull (source);
  return source;
}

/* One pump and what became of it. */
typedef struct
{
  FdPump *pump;
  FdPumpResult result;
  GError *error;
  guint calls;
} Run;

static inline void
on_done (FdPump *pump, const FdPumpResult *result, gpointer data)
{
  Run *run = data;

  g_assert_true (g_main_context_is_owner (NULL));
  run->calls++;
  run->result = *result;
  run->error = fd_error_copy (result->error);
  run->result.error = run->error;
  g_assert_true (pump == run->pump);
  g_assert_cmpuint (fd_pump_get_bytes (pump), ==, result->bytes);
  fd_pump_free (pump);
}

static inline void
finish (Run *run)
{
  while (run->calls == 0)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (run->calls, ==, 1);
}

static inline void
finish_well (Run *run, guint64 bytes)
{
  finish (run);
  g_assert_no_error (run->error);
  g_assert_true (run->result.complete);
  g_assert_cmpuint (run->result.bytes, ==, bytes);
}

static inline void
finish_with (Run *run, int code, guint64 bytes)
{
  finish (run);
  g_assert_error (run->error, FD_ERROR, code);
  g_assert_false (run->result.complete);
  g_assert_cmpint (run->result.digest.algo, ==, FD_HASH_NONE);
  g_assert_cmpuint (run->result.bytes, ==, bytes);
  g_clear_error (&run->error);
}

static inline void
start_send (Run *run, Fixture *f, FdSource *source, guint64 offset, gint64 length, gboolean half_close)
{
  FdPumpParams params = {
    .offset = offset, .length = length, .stream = f->ends[0], .half_close = half_close, .algo = FD_HASH_SHA256
  };

  *run = (Run){ 0 };
  run->pump = fd_pump_send (source, &params, on_done, run);
}

static inline void
start_receive (Run *run, int stream, FdSink *sink, guint64 offset, gint64 length)
{
  FdPumpParams params = { .offset = offset, .length = length, .stream = stream, .algo = FD_HASH_SHA256 };

  *run = (Run){ 0 };
  run->pump = fd_pump_receive (sink, &params, on_done, run);
}

static inline FdSink *
new_sink (Fixture *f)
{
  FdSink *sink = fd_sink_new_file (f->directory, "sink", FALSE, NULL);

  g_assert_nonnull (sink);
  return sink;
}

static inline void
assert_part (FdSink *sink, gsize offset, gsize length)
{
  g_autofree char *bytes = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (fd_sink_get_part_path (sink), &bytes, &size, NULL));
  g_assert_cmpuint (size, ==, length);
  for (gsize i = 0; i < size; i++)
    if ((guint8) bytes[i] != pattern (offset + i))
      g_error ("byte %" G_GSIZE_FORMAT " differs", i);
}

static inline void
wait_readable (int fd)
{
  g_assert_cmpint (poll (&(struct pollfd){ fd, POLLIN, 0 }, 1, -1), ==, 1);
}

static inline gpointer
drain (gpointer data)
{
  char buffer[4096];

  while (read (GPOINTER_TO_INT (data), buffer, sizeof buffer) > 0)
    ;
  return NULL;
}

#define ADD(name, test) g_test_add ("/pump/" name, Fixture, NULL, set_up, test, tear_down)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/fd.h"
#include "data/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MIB (1024 * 1024)

typedef struct
{
  char *directory;
  char *path; /* of the source file */
  int ends[2]; /* a stream: [0] is the pump's */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("fardel-pump-XXXXXX", NULL);
  f->path = g_build_filename (f->directory, "source", NULL);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->ends), ==, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_close (&f->ends[0]);
  fd_close (&f->ends[1]);
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->path);
  g_free (f->directory);
}

static guint8
pattern (gsize i)
{
  return i * 31 + (i >> 8) * 7 + (i >> 16);
}

static void
make_source (Fixture *f, gsize size)
{
  g_autofree guint8 *bytes = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    bytes[i] = pattern (i);
  g_assert_true (g_file_set_contents (f->path, (char *) bytes, size, NULL));
}

static FdSource *
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

static void
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

static void
finish (Run *run)
{
  while (run->calls == 0)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (run->calls, ==, 1);
}

static void
finish_well (Run *run, guint64 bytes)
{
  finish (run);
  g_assert_no_error (run->error);
  g_assert_true (run->result.complete);
  g_assert_cmpuint (run->result.bytes, ==, bytes);
}

static void
finish_with (Run *run, int code, guint64 bytes)
{
  finish (run);
  g_assert_error (run->error, FD_ERROR, code);
  g_assert_false (run->result.complete);
  g_assert_cmpint (run->result.digest.algo, ==, FD_HASH_NONE);
  g_assert_cmpuint (run->result.bytes, ==, bytes);
  g_clear_error (&run->error);
}

static void
start_send (Run *run, Fixture *f, FdSource *source, guint64 offset, gint64 length, gboolean half_close)
{
  *run = (Run){ 0 };
  run->pump = fd_pump_send (source, offset, length, f->ends[0], half_close, FD_HASH_SHA256, on_done, run);
}

static void
start_receive (Run *run, int stream, FdSink *sink, guint64 offset, gint64 length)
{
  *run = (Run){ 0 };
  run->pump = fd_pump_receive (sink, offset, length, stream, FD_HASH_SHA256, on_done, run);
}

static FdSink *
new_sink (Fixture *f)
{
  FdSink *sink = fd_sink_new_file (f->directory, "sink", FALSE, NULL);

  g_assert_nonnull (sink);
  return sink;
}

static void
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

/* A whole file over the stream, both pumps at work. */
static void
transfer (Fixture *f, gsize size, gint64 length)
{
  g_autoptr (FdSource) source = open_source (f, size);
  g_autoptr (FdSink) sink = new_sink (f);
  g_autofree char *bytes = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *hex = NULL;
  Run send, receive;

  start_receive (&receive, f->ends[1], sink, 0, length);
  start_send (&send, f, source, 0, length, length < 0);
  finish_well (&send, size);
  finish_well (&receive, size);
  g_assert_true (fd_digest_equal (&send.result.digest, &receive.result.digest));

  assert_part (sink, 0, size);
  g_assert_true (g_file_get_contents (f->path, &bytes, NULL, NULL));
  expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *) bytes, size);
  hex = fd_digest_to_hex (&receive.result.digest);
  g_assert_cmpstr (hex, ==, expected);
}

static void
test_sizes (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 0, 1, 4095, 4097, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3 * MIB };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    transfer (f, sizes[i], sizes[i]);
}

static void
test_eof (Fixture *f, gconstpointer data)
{
  transfer (f, MIB + 1, -1);
}

static void
test_eof_empty (Fixture *f, gconstpointer data)
{
  transfer (f, 0, -1);
}

/* 64 MiB in a memory that does not grow with it. */
static void
test_large (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = NULL;
  g_autoptr (FdSink) sink = new_sink (f);
  int fd = open (f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct rusage before, after;
  Run send, receive;

  g_assert_cmpint (ftruncate (fd, 64 * MIB), ==, 0);
  source = fd_source_new_fd (fd, -1, NULL);
  getrusage (RUSAGE_SELF, &before);
  start_receive (&receive, f->ends[1], sink, 0, 64 * MIB);
  start_send (&send, f, source, 0, -1, FALSE);
  finish_well (&send, 64 * MIB);
  finish_well (&receive, 64 * MIB);
  getrusage (RUSAGE_SELF, &after);
  g_assert_cmpint (after.ru_maxrss - before.ru_maxrss, <, 8 * 1024); /* KiB */
  g_assert_true (fd_digest_equal (&send.result.digest, &receive.result.digest));
}

static void
test_range (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 1000);
  g_autoptr (FdSink) sink = new_sink (f);
  Run send, receive;

  start_receive (&receive, f->ends[1], sink, 0, 300);
  start_send (&send, f, source, 500, 300, FALSE);
  finish_well (&send, 300);
  finish_well (&receive, 300);
  assert_part (sink, 500, 300);
}

/* A second attempt goes on where the first broke off, or forgets what it wrote. */
static void
test_resume (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 10);
  g_autoptr (FdSink) sink = new_sink (f);
  Run send, receive;

  start_send (&send, f, source, 0, 6, TRUE);
  start_receive (&receive, f->ends[1], sink, 0, 10);
  finish_well (&send, 6);
  finish_with (&receive, FD_ERROR_CONNECTION_FAILED, 6);
  fd_close (&f->ends[0]);
  fd_close (&f->ends[1]);

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->ends), ==, 0);
  start_send (&send, f, source, 4, 5, FALSE);
  start_receive (&receive, f->ends[1], sink, 4, 5);
  finish_well (&send, 5);
  finish_well (&receive, 5);
  assert_part (sink, 0, 9);

  start_receive (&receive, f->ends[1], sink, 10, 5);
  finish_with (&receive, FD_ERROR_WRITE_FAILED, 0);
}

static void
test_overrun (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = new_sink (f);
  Run receive;

  g_assert_cmpint (write (f->ends[1], "\0\0\0\0later", 9), ==, 9);
  start_receive (&receive, f->ends[0], sink, 0, 4);
  finish_with (&receive, FD_ERROR_PROTOCOL, 4);
}

static void
test_no_hash (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 5);
  Run send = { 0 };

  send.pump = fd_pump_send (source, 0, 5, f->ends[0], FALSE, FD_HASH_NONE, on_done, &send);
  finish_well (&send, 5);
  g_assert_cmpint (send.result.digest.algo, ==, FD_HASH_NONE);
}

static void
test_half_close (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 3);
  Run send;
  char buffer[8];

  start_send (&send, f, source, 0, 3, FALSE);
  finish_well (&send, 3);
  g_assert_cmpint (recv (f->ends[1], buffer, sizeof buffer, 0), ==, 3);
  g_assert_cmpint (recv (f->ends[1], buffer, sizeof buffer, MSG_DONTWAIT), ==, -1);
  g_assert_cmpint (errno, ==, EAGAIN);

  start_send (&send, f, source, 0, 3, TRUE);
  finish_well (&send, 3);
  g_assert_cmpint (recv (f->ends[1], buffer, sizeof buffer, 0), ==, 3);
  g_assert_cmpint (recv (f->ends[1], buffer, sizeof buffer, MSG_DONTWAIT), ==, 0);
}

static void
test_peer_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, MIB);
  Run send;

  fd_close (&f->ends[1]);
  start_send (&send, f, source, 0, MIB, FALSE);
  finish_with (&send, FD_ERROR_CONNECTION_FAILED, 0);
}

/* Bytes before a reset count for a resume; the reset is not an end of file. */
static void
test_reset (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = new_sink (f);
  Run receive;

  g_assert_cmpint (write (f->ends[0], "unread", 6), ==, 6);
  g_assert_cmpint (write (f->ends[1], "\0\x1f\x3e", 3), ==, 3);
  fd_close (&f->ends[1]);
  start_receive (&receive, f->ends[0], sink, 0, -1);
  finish_with (&receive, FD_ERROR_CONNECTION_FAILED, 3);
  assert_part (sink, 0, 3);
}

static void
test_stop_receiving (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = new_sink (f);
  Run receive;

  start_receive (&receive, f->ends[0], sink, 0, -1);
  g_assert_cmpint (write (f->ends[1], "x", 1), ==, 1);
  while (fd_pump_get_bytes (receive.pump) == 0)
    g_thread_yield ();
  fd_pump_stop (receive.pump);
  fd_pump_stop (receive.pump);
  finish_with (&receive, FD_ERROR_CANCELLED, 1);
}

static void
wait_readable (int fd)
{
  g_assert_cmpint (poll (&(struct pollfd){ fd, POLLIN, 0 }, 1, -1), ==, 1);
}

static void
test_stop_sending (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 4 * MIB);
  Run send;

  start_send (&send, f, source, 0, 4 * MIB, FALSE);
  wait_readable (f->ends[1]); /* nobody reads: it cannot end */
  fd_pump_stop (send.pump);
  finish (&send);
  g_assert_error (send.error, FD_ERROR, FD_ERROR_CANCELLED);
  g_clear_error (&send.error);
}

static void
test_stop_before (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 4 * MIB);
  Run send;

  start_send (&send, f, source, 0, 4 * MIB, FALSE);
  fd_pump_stop (send.pump);
  finish (&send);
  g_assert_error (send.error, FD_ERROR, FD_ERROR_CANCELLED);
  g_clear_error (&send.error);
}

static gpointer
drain (gpointer data)
{
  char buffer[4096];

  while (read (GPOINTER_TO_INT (data), buffer, sizeof buffer) > 0)
    ;
  return NULL;
}

static void
test_source_truncated (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 4 * MIB);
  GThread *reader;
  Run send;

  start_send (&send, f, source, 0, 4 * MIB, FALSE);
  wait_readable (f->ends[1]); /* the stream holds far less than the file: the pump is in its middle */
  g_assert_cmpint (truncate (f->path, 10), ==, 0);
  reader = g_thread_new ("drain", drain, GINT_TO_POINTER (f->ends[1]));
  finish (&send);
  g_assert_error (send.error, FD_ERROR, FD_ERROR_SOURCE_CHANGED);
  g_clear_error (&send.error);
  fd_close (&f->ends[0]);
  g_thread_join (reader);
}

static void
test_source_changed (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 10);
  struct timespec times[2] = { { 0, UTIME_OMIT }, { 5, 0 } };
  Run send;

  g_assert_cmpint (utimensat (AT_FDCWD, f->path, times, 0), ==, 0);
  start_send (&send, f, source, 0, 10, FALSE);
  finish_with (&send, FD_ERROR_SOURCE_CHANGED, 0);
}

static void
test_range_beyond_end (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 10);
  Run send;

  start_send (&send, f, source, 4, 10, FALSE);
  finish_with (&send, FD_ERROR_SOURCE_CHANGED, 6);
}

static FdSource *
pipe_source (int *ret_writer)
{
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  *ret_writer = ends[1];
  return fd_source_new_fd (ends[0], -1, NULL);
}

static void
test_pipe_source (Fixture *f, gconstpointer data)
{
  fd_autoclose writer = -1;
  g_autoptr (FdSource) source = pipe_source (&writer);
  char buffer[16];
  Run send;

  start_send (&send, f, source, 0, -1, TRUE);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (write (writer, "abc", 3), ==, 3);
      g_assert_cmpint (recv (f->ends[1], buffer, 3, MSG_WAITALL), ==, 3);
    }
  fd_close (&writer);
  finish_well (&send, 9);

  start_send (&send, f, source, 0, -1, TRUE);
  finish_with (&send, FD_ERROR_READ_FAILED, 0);
}

static void
test_pipe_source_short (Fixture *f, gconstpointer data)
{
  fd_autoclose writer = -1;
  g_autoptr (FdSource) source = pipe_source (&writer);
  Run send;

  g_assert_cmpint (write (writer, "abc", 3), ==, 3);
  fd_close (&writer);
  start_send (&send, f, source, 0, 4, FALSE);
  finish_with (&send, FD_ERROR_SOURCE_CHANGED, 3);
}

static void
test_pipe_source_stop (Fixture *f, gconstpointer data)
{
  fd_autoclose writer = -1;
  g_autoptr (FdSource) source = pipe_source (&writer);
  Run send;

  start_send (&send, f, source, 0, -1, FALSE);
  fd_pump_stop (send.pump);
  finish_with (&send, FD_ERROR_CANCELLED, 0);
}

static void
test_pipe_source_peer_gone (Fixture *f, gconstpointer data)
{
  fd_autoclose writer = -1;
  g_autoptr (FdSource) source = pipe_source (&writer);
  Run send;

  start_send (&send, f, source, 0, -1, FALSE);
  fd_close (&f->ends[1]);
  finish_with (&send, FD_ERROR_CONNECTION_FAILED, 0);
}

static FdSink *
pipe_sink (int *ret_reader)
{
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  *ret_reader = ends[0];
  return fd_sink_new_fd (ends[1], NULL);
}

/* A reader that takes its time: the pipe is full most of the time. */
static void
test_pipe_sink (Fixture *f, gconstpointer data)
{
  fd_autoclose reader = -1;
  g_autoptr (FdSink) sink = pipe_sink (&reader);
  g_autoptr (FdSource) source = open_source (f, 300001);
  Run send, receive;

  start_send (&send, f, source, 0, 300001, FALSE);
  start_receive (&receive, f->ends[1], sink, 0, 300001);
  for (gsize got = 0; got < 300001;)
    {
      guint8 buffer[1000];
      gssize n = read (reader, buffer, sizeof buffer);

      g_assert_cmpint (n, >, 0);
      for (gssize i = 0; i < n; i++)
        g_assert_cmpint (buffer[i], ==, pattern (got + i));
      got += n;
    }
  finish_well (&send, 300001);
  finish_well (&receive, 300001);
}

static void
test_pipe_sink_stop (Fixture *f, gconstpointer data)
{
  fd_autoclose reader = -1;
  g_autoptr (FdSink) sink = pipe_sink (&reader);
  g_autoptr (FdSource) source = open_source (f, MIB);
  Run send, receive;

  start_send (&send, f, source, 0, MIB, FALSE);
  start_receive (&receive, f->ends[1], sink, 0, MIB);
  wait_readable (reader); /* and do not read */
  fd_pump_stop (receive.pump);
  fd_pump_stop (send.pump);
  finish (&receive);
  g_assert_error (receive.error, FD_ERROR, FD_ERROR_CANCELLED);
  finish (&send);
  g_assert_error (send.error, FD_ERROR, FD_ERROR_CANCELLED);
  g_clear_error (&receive.error);
  g_clear_error (&send.error);
}

static void
sink_reader_gone (Fixture *f, FdSink *sink, int *reader)
{
  Run receive;

  start_receive (&receive, f->ends[0], sink, 0, -1);
  g_assert_cmpint (write (f->ends[1], "x", 1), ==, 1);
  wait_readable (*reader);
  while (fd_pump_get_bytes (receive.pump) == 0)
    g_thread_yield ();
  fd_close (reader); /* noticed though nothing more arrives */
  finish_with (&receive, FD_ERROR_WRITE_FAILED, 1);

  g_assert_cmpint (write (f->ends[1], "y", 1), ==, 1);
  start_receive (&receive, f->ends[0], sink, 1, -1);
  finish_with (&receive, FD_ERROR_WRITE_FAILED, 0);
}

static void
test_pipe_sink_reader_gone (Fixture *f, gconstpointer data)
{
  fd_autoclose reader = -1;
  g_autoptr (FdSink) sink = pipe_sink (&reader);

  sink_reader_gone (f, sink, &reader);
}

static void
test_socket_sink_reader_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  sink = fd_sink_new_fd (ends[0], NULL);
  sink_reader_gone (f, sink, &ends[1]);
}

static void
test_socket_sink (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;
  g_autoptr (FdSource) source = open_source (f, MIB);
  GThread *reader;
  Run send, receive;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  sink = fd_sink_new_fd (ends[0], NULL);
  start_send (&send, f, source, 0, MIB, FALSE);
  start_receive (&receive, f->ends[1], sink, 0, MIB);
  reader = g_thread_new ("drain", drain, GINT_TO_POINTER (ends[1]));
  finish_well (&send, MIB);
  finish_well (&receive, MIB);
  g_clear_pointer (&sink, fd_sink_unref);
  g_thread_join (reader);
  close (ends[1]);
}

/* A disk that fills while bytes of unknown number arrive, and one that is too small from the start. */
static void
test_disk_full (Fixture *f, gconstpointer data)
{
  g_autofree char *mount_point = NULL;
  g_autoptr (FdSource) source = NULL;
  FdSink *sink;
  Run send, receive;

  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    {
      g_test_skip ("needs the right to mount a small file system");
      return;
    }
  mount_point = g_build_filename (f->directory, "disk", NULL);
  g_mkdir (mount_point, 0700);
  g_assert_cmpint (mount ("tmpfs", mount_point, "tmpfs", 0, "size=1m"), ==, 0);
  source = open_source (f, 2 * MIB);

  sink = fd_sink_new_file (mount_point, "sink", FALSE, NULL);
  start_receive (&receive, f->ends[1], sink, 0, 2 * MIB);
  finish_with (&receive, FD_ERROR_NO_SPACE, 0);

  start_receive (&receive, f->ends[1], sink, 0, -1);
  start_send (&send, f, source, 0, 2 * MIB, TRUE);
  finish (&receive);
  g_assert_error (receive.error, FD_ERROR, FD_ERROR_NO_SPACE);
  g_assert_cmpuint (receive.result.bytes, <=, MIB);
  g_clear_error (&receive.error);
  fd_close (&f->ends[1]);
  finish (&send);
  g_assert_error (send.error, FD_ERROR, FD_ERROR_CONNECTION_FAILED);
  g_clear_error (&send.error);

  fd_sink_unref (sink);
  g_assert_cmpint (umount (mount_point), ==, 0);
  g_assert_cmpint (g_rmdir (mount_point), ==, 0);
}

/* Past a limit the kernel also sends SIGXFSZ, which must not end us. */
static void
test_file_limit (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, MIB);
  g_autoptr (FdSink) sink = new_sink (f);
  struct rlimit old, limit;
  Run send, receive;

  getrlimit (RLIMIT_FSIZE, &old);
  limit = old;
  limit.rlim_cur = 100000;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  start_send (&send, f, source, 0, MIB, FALSE);
  start_receive (&receive, f->ends[1], sink, 0, -1);
  finish_with (&receive, FD_ERROR_WRITE_FAILED, 100000);
  setrlimit (RLIMIT_FSIZE, &old);
  fd_close (&f->ends[1]);
  finish (&send);
  g_assert_error (send.error, FD_ERROR, FD_ERROR_CONNECTION_FAILED);
  g_clear_error (&send.error);
}

static void
test_no_descriptors (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) source = open_source (f, 1);
  struct rlimit old, limit;
  Run send;

  getrlimit (RLIMIT_NOFILE, &old);
  limit = old;
  limit.rlim_cur = 0;
  setrlimit (RLIMIT_NOFILE, &limit);
  start_send (&send, f, source, 0, 1, FALSE);
  setrlimit (RLIMIT_NOFILE, &old);
  fd_pump_stop (send.pump);
  finish_with (&send, FD_ERROR_LIMIT_EXCEEDED, 0);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/pump/sizes", test_sizes },
    { "/pump/eof", test_eof },
    { "/pump/eof-empty", test_eof_empty },
    { "/pump/large", test_large },
    { "/pump/range", test_range },
    { "/pump/resume", test_resume },
    { "/pump/overrun", test_overrun },
    { "/pump/no-hash", test_no_hash },
    { "/pump/half-close", test_half_close },
    { "/pump/peer-gone", test_peer_gone },
    { "/pump/reset", test_reset },
    { "/pump/stop-receiving", test_stop_receiving },
    { "/pump/stop-sending", test_stop_sending },
    { "/pump/stop-before", test_stop_before },
    { "/pump/source-truncated", test_source_truncated },
    { "/pump/source-changed", test_source_changed },
    { "/pump/range-beyond-end", test_range_beyond_end },
    { "/pump/pipe-source", test_pipe_source },
    { "/pump/pipe-source-short", test_pipe_source_short },
    { "/pump/pipe-source-stop", test_pipe_source_stop },
    { "/pump/pipe-source-peer-gone", test_pipe_source_peer_gone },
    { "/pump/pipe-sink", test_pipe_sink },
    { "/pump/pipe-sink-stop", test_pipe_sink_stop },
    { "/pump/pipe-sink-reader-gone", test_pipe_sink_reader_gone },
    { "/pump/socket-sink-reader-gone", test_socket_sink_reader_gone },
    { "/pump/socket-sink", test_socket_sink },
    { "/pump/disk-full", test_disk_full },
    { "/pump/file-limit", test_file_limit },
    { "/pump/no-descriptors", test_no_descriptors },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ends of a pump that are no files, and ends that fail.
 */
#include "pump-fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

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
  g_test_init (&argc, &argv, NULL);
  ADD ("pipe-source", test_pipe_source);
  ADD ("pipe-source-short", test_pipe_source_short);
  ADD ("pipe-source-stop", test_pipe_source_stop);
  ADD ("pipe-source-peer-gone", test_pipe_source_peer_gone);
  ADD ("pipe-sink", test_pipe_sink);
  ADD ("pipe-sink-stop", test_pipe_sink_stop);
  ADD ("pipe-sink-reader-gone", test_pipe_sink_reader_gone);
  ADD ("socket-sink-reader-gone", test_socket_sink_reader_gone);
  ADD ("socket-sink", test_socket_sink);
  ADD ("disk-full", test_disk_full);
  ADD ("file-limit", test_file_limit);
  ADD ("no-descriptors", test_no_descriptors);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pump-fixture.h"

#include <sys/resource.h>

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

/* The peer has the first bytes; both digests are of the whole file. */
static void
go_on (Fixture *f, gsize size, gsize offset)
{
  g_autoptr (FdSource) source = open_source (f, size);
  g_autoptr (FdSink) sink = new_sink (f);
  g_autofree char *bytes = NULL, *expected = NULL, *hex = NULL;
  Run send, receive;

  g_assert_true (g_file_get_contents (f->path, &bytes, NULL, NULL));
  g_assert_true (fd_sink_open (sink, size, NULL));
  g_assert_cmpint (fd_sink_write (sink, 0, bytes, offset), ==, offset);
  start_receive (&receive, f->ends[1], sink, offset, size - offset);
  start_send (&send, f, source, offset, size - offset, FALSE);
  finish_well (&send, size - offset);
  finish_well (&receive, size - offset);
  expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *) bytes, size);
  hex = fd_digest_to_hex (&send.result.digest);
  g_assert_cmpstr (hex, ==, expected);
  g_assert_true (fd_digest_equal (&send.result.digest, &receive.result.digest));
  assert_part (sink, 0, size);
}

static void
test_offsets (Fixture *f, gconstpointer data)
{
  static const gsize offsets[] = { 0, 1, 4097, 256 * 1024, 2 * MIB + 5, 3 * MIB - 1, 3 * MIB };

  for (guint i = 0; i < G_N_ELEMENTS (offsets); i++)
    go_on (f, 3 * MIB, offsets[i]);
  go_on (f, 0, 0);
}

/* Two limits, of which the lower one counts, and which let go when they are lifted. */
static void
test_throttled (Fixture *f, gconstpointer data)
{
  g_autoptr (FdThrottle) all = fd_throttle_new (G_GUINT64_CONSTANT (1) << 40);
  g_autoptr (FdThrottle) own = fd_throttle_new (1024);
  g_autoptr (FdSource) source = open_source (f, 3 * MIB);
  g_autoptr (FdSink) sink = new_sink (f);
  FdPumpParams params
    = { .length = 3 * MIB, .stream = f->ends[0], .algo = FD_HASH_SHA256, .throttles = { all, own } };
  Run send = { 0 }, receive = { 0 };

  send.pump = fd_pump_send (source, &params, on_done, &send);
  params.stream = f->ends[1];
  receive.pump = fd_pump_receive (sink, &params, on_done, &receive);
  while (fd_pump_get_bytes (receive.pump) == 0)
    g_thread_yield ();
  g_assert_cmpuint (fd_pump_get_bytes (send.pump), <, MIB);
  fd_throttle_set_rate (own, 0);
  finish_well (&send, 3 * MIB);
  finish_well (&receive, 3 * MIB);
  assert_part (sink, 0, 3 * MIB);
}

static void
test_stop_throttled (Fixture *f, gconstpointer data)
{
  g_autoptr (FdThrottle) throttle = fd_throttle_new (1024);
  g_autoptr (FdSource) source = open_source (f, MIB);
  FdPumpParams params = { .length = MIB, .stream = f->ends[0], .throttles = { throttle } };
  Run send = { 0 };

  send.pump = fd_pump_send (source, &params, on_done, &send);
  while (fd_pump_get_bytes (send.pump) == 0)
    g_thread_yield ();
  fd_pump_stop (send.pump);
  finish (&send);
  g_assert_error (send.error, FD_ERROR, FD_ERROR_CANCELLED);
  g_clear_error (&send.error);
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

  send.pump = fd_pump_send (source, &(FdPumpParams){ .length = 5, .stream = f->ends[0] }, on_done, &send);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("sizes", test_sizes);
  ADD ("offsets", test_offsets);
  ADD ("throttled", test_throttled);
  ADD ("stop-throttled", test_stop_throttled);
  ADD ("eof", test_eof);
  ADD ("eof-empty", test_eof_empty);
  ADD ("large", test_large);
  ADD ("range", test_range);
  ADD ("resume", test_resume);
  ADD ("overrun", test_overrun);
  ADD ("no-hash", test_no_hash);
  ADD ("half-close", test_half_close);
  ADD ("peer-gone", test_peer_gone);
  ADD ("reset", test_reset);
  ADD ("stop-receiving", test_stop_receiving);
  ADD ("stop-sending", test_stop_sending);
  ADD ("stop-before", test_stop_before);
  ADD ("source-truncated", test_source_truncated);
  ADD ("source-changed", test_source_changed);
  ADD ("range-beyond-end", test_range_beyond_end);
  return g_test_run ();
}

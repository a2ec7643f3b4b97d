/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ibb/window.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_USEC_PER_SEC

typedef struct
{
  FdIbbSender sender;
  guint block_size;
  gint64 now;
} Fixture;

static void
set_up (Fixture *f, gconstpointer block_size)
{
  f->block_size = GPOINTER_TO_UINT (block_size);
  fd_ibb_sender_init (&f->sender, f->block_size);
  f->now = 1000 * SECOND;
}

static void
count (gpointer data, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  guint freed = 0, left = f->sender.blocks.length;

  fd_ibb_sender_clear (&f->sender, count, &freed);
  g_assert_cmpuint (freed, ==, left);
}

static FdIbbBlock *
add (Fixture *f)
{
  g_assert_true (fd_ibb_sender_has_room (&f->sender));
  return fd_ibb_sender_add (&f->sender, f->block_size, NULL, f->now);
}

/* Fills the window; each block is answered @rtt later. */
static void
round_trip (Fixture *f, gint64 rtt)
{
  while (fd_ibb_sender_has_room (&f->sender))
    add (f);
  f->now += rtt;
  for (guint n = f->sender.blocks.length; n > 0; n--)
    g_assert_true (fd_ibb_sender_acked (&f->sender, g_queue_peek_head (&f->sender.blocks), f->now));
  g_assert_cmpuint (f->sender.in_flight, ==, 0);
}

static void
round_trips (Fixture *f, guint n, gint64 rtt)
{
  for (guint i = 0; i < n; i++)
    round_trip (f, rtt);
}

static void
test_grows (Fixture *f, gconstpointer data)
{
  round_trips (f, 9, 100 * MS);
  g_assert_cmpuint (f->sender.window, ==, 1); /* not known well enough */
  round_trip (f, 100 * MS);
  g_assert_cmpuint (f->sender.window, ==, 2);
  round_trip (f, 199 * MS);
  g_assert_cmpuint (f->sender.window, ==, 3);
  round_trips (f, 100, 100 * MS);
  g_assert_cmpuint (f->sender.window, ==, FD_IBB_WINDOW_BLOCKS);
}

static void
test_byte_bound (Fixture *f, gconstpointer data)
{
  round_trips (f, 100, 100 * MS);
  g_assert_cmpuint (f->sender.window * f->block_size, <=, FD_IBB_WINDOW_BYTES);
  g_assert_cmpuint (f->sender.window, ==, 4);
}

static void
test_halves (Fixture *f, gconstpointer data)
{
  round_trips (f, 100, 100 * MS);
  round_trip (f, 200 * MS); /* once, though all 16 answers were late */
  g_assert_cmpuint (f->sender.window, ==, 8);
  round_trip (f, 200 * MS);
  round_trip (f, 200 * MS);
  round_trip (f, 200 * MS);
  g_assert_cmpuint (f->sender.window, ==, 1);
}

/* A path that became longer for good is learnt. */
static void
test_learns (Fixture *f, gconstpointer data)
{
  round_trips (f, 100, 100 * MS);
  round_trips (f, 4, 300 * MS);
  g_assert_cmpuint (f->sender.window, ==, 1);
  round_trips (f, 10, 300 * MS);
  g_assert_cmpuint (f->sender.window, ==, 2);
  round_trips (f, 100, 300 * MS);
  g_assert_cmpuint (f->sender.window, ==, FD_IBB_WINDOW_BLOCKS);
}

/* A server that reads 3000 bytes per second after a burst: a ping behind our blocks is answered within 5 s,
 * and so is every block long before its 60 s are over. */
static void
test_throttled (Fixture *f, gconstpointer data)
{
  const double rate = 3000, burst = 20000;
  const double block = f->block_size * 4 / 3 + 300; /* as a stanza */
  double waiting = -burst; /* bytes before the server; below 0: may pass at once */

  for (guint i = 0; i < 200; i++)
    {
      gint64 rtt;

      while (fd_ibb_sender_has_room (&f->sender))
        {
          add (f);
          waiting += block;
        }
      rtt = MAX ((gint64) (waiting / rate * SECOND), 5 * MS);
      g_assert_cmpint (rtt, <, 5 * SECOND); /* the ping's, too */
      f->now += rtt;
      waiting = MAX (waiting - rate * rtt / SECOND, -burst);
      for (guint n = f->sender.blocks.length; n > 0; n--)
        g_assert_true (fd_ibb_sender_acked (&f->sender, g_queue_peek_head (&f->sender.blocks), f->now));
    }
  g_assert_cmpuint (f->sender.window, ==, 1);
}

/* Jitter of a fast path is no queue. */
static void
test_jitter (Fixture *f, gconstpointer data)
{
  round_trips (f, 10, MS / 2);
  for (guint i = 0; i < 6; i++)
    {
      round_trip (f, MS / 2);
      round_trip (f, 40 * MS);
    }
  g_assert_cmpuint (f->sender.window, >=, 8);
}

/* 64 KiB that wait are too many, even if the time has not doubled: of 256 KiB with 500 ms, 59 KiB wait after
 * 650 ms and 73 KiB after 700 ms. */
static void
test_queue_bound (Fixture *f, gconstpointer data)
{
  round_trips (f, 100, 500 * MS);
  round_trip (f, 650 * MS);
  g_assert_cmpuint (f->sender.window, ==, FD_IBB_WINDOW_BLOCKS);
  round_trip (f, 700 * MS);
  g_assert_cmpuint (f->sender.window, ==, FD_IBB_WINDOW_BLOCKS / 2);
}

static void
open_window (Fixture *f)
{
  round_trips (f, 10 + 2, 100 * MS);
  g_assert_cmpuint (f->sender.window, ==, 4);
}

static void
test_retry (Fixture *f, gconstpointer data)
{
  FdIbbBlock *blocks[4];

  open_window (f);
  for (guint i = 0; i < 4; i++)
    blocks[i] = add (f);

  g_assert_true (fd_ibb_sender_acked (&f->sender, blocks[0], f->now + 100 * MS));
  g_assert_true (fd_ibb_sender_bounced (&f->sender, blocks[2], f->now + SECOND));
  g_assert_false (fd_ibb_sender_has_room (&f->sender));
  g_assert_cmpint (f->sender.retry_at, ==, -1);
  g_assert_true (fd_ibb_sender_bounced (&f->sender, blocks[3], f->now + 2 * SECOND));
  g_assert_cmpint (f->sender.retry_at, ==, -1); /* block 1 may have been taken yet */
  g_assert_true (fd_ibb_sender_acked (&f->sender, blocks[1], f->now + 3 * SECOND));
  g_assert_cmpint (f->sender.retry_at, ==, f->now + 13 * SECOND);

  fd_ibb_sender_retry (&f->sender, f->now + 13 * SECOND);
  g_assert_cmpint (f->sender.retry_at, ==, -1);
  g_assert_false (fd_ibb_sender_has_room (&f->sender));
  g_assert_true (fd_ibb_sender_acked (&f->sender, blocks[2], f->now + 14 * SECOND));
  g_assert_false (fd_ibb_sender_bounced (&f->sender, blocks[3], f->now + 14 * SECOND)); /* once only */
}

static void
test_lost (Fixture *f, gconstpointer data)
{
  FdIbbBlock *blocks[3];

  open_window (f);
  for (guint i = 0; i < 3; i++)
    blocks[i] = add (f);
  g_assert_true (fd_ibb_sender_bounced (&f->sender, blocks[1], f->now));
  g_assert_false (fd_ibb_sender_acked (&f->sender, blocks[2], f->now));
  g_assert_true (fd_ibb_sender_acked (&f->sender, blocks[0], f->now));
}

static void
test_numbers (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 65537; i++)
    {
      FdIbbBlock *block = add (f);

      g_assert_cmpuint (block->number, ==, i);
      fd_ibb_sender_acked (&f->sender, block, f->now);
    }
}

static void
test_seq (Fixture *f, gconstpointer data)
{
  static const struct
  {
    guint64 seq, received;
    gboolean follows;
  } cases[] = {
    { 0, 0, TRUE },
    { 1, 0, FALSE },
    { 0, 1, FALSE },
    { 65535, 65535, TRUE },
    { 0, 65536, TRUE },
    { 65536, 65536, TRUE },
    { 1, 65537, TRUE },
    { 65537, 65537, TRUE },
    { 65536, 0, FALSE },
    { 0, 65535, FALSE },
    { 65536, 131072, FALSE },
    { 131072, 131072, TRUE },
    { G_MAXUINT64, 0, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (fd_ibb_seq_follows (cases[i].seq, cases[i].received), ==, cases[i].follows);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    guint block_size;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/ibb-window/grows", 8192, test_grows },
    { "/ibb-window/byte-bound", 65535, test_byte_bound },
    { "/ibb-window/halves", 8192, test_halves },
    { "/ibb-window/learns", 8192, test_learns },
    { "/ibb-window/throttled", 8192, test_throttled },
    { "/ibb-window/jitter", 8192, test_jitter },
    { "/ibb-window/queue-bound", 16384, test_queue_bound },
    { "/ibb-window/retry", 8192, test_retry },
    { "/ibb-window/lost", 8192, test_lost },
    { "/ibb-window/numbers", 1, test_numbers },
    { "/ibb-window/seq", 1, test_seq },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, GUINT_TO_POINTER (tests[i].block_size), set_up, tests[i].run,
                tear_down);
  return g_test_run ();
}

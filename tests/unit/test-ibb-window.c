/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ibb-server.h"

/* --- the window, on ways of all kinds --- */

/* Of what a way carries, how much do we use, and how long does a ping wait behind us? */
static void
test_ways (void)
{
  static const struct
  {
    const char *name;
    Server server;
    gint64 warm_up; /* the start is gentle */
    double share; /* of the rate, afterwards */
    gint64 ping;
  } cases[] = {
    { "local", { SERVER_STEADY, 7e6, 0, MS, 0 }, SECOND, 0.9, 200 * MS },
    { "fast and local", { SERVER_STEADY, 16e6, 0, MS, 0 }, SECOND, 0.9, 200 * MS },
    { "Nagle", { SERVER_STEADY, 7e6, 0, MS, 40 * MS }, SECOND, 0.15, 200 * MS },
    { "50 ms", { SERVER_STEADY, 7e6, 0, 50 * MS, 0 }, SECOND, 0.9, 200 * MS },
    { "50 ms and fast", { SERVER_STEADY, 16e6, 0, 50 * MS, 0 }, SECOND, 0.9, 200 * MS },
    { "300 ms", { SERVER_STEADY, 2e6, 0, 300 * MS, 0 }, 6 * SECOND, 0.9, SECOND },
    { "slow", { SERVER_STEADY, 100e3, 0, 50 * MS, 0 }, 5 * SECOND, 0.9, SECOND },
    { "10 kB/s after 20 kB", { SERVER_STEADY, 10e3, 20e3, 5 * MS, 0 }, 20 * SECOND, 0.8, 3 * SECOND },
    { "3 kB/s after 20 kB", { SERVER_STEADY, 3e3, 20e3, 5 * MS, 0 }, 60 * SECOND, 0.8, 5 * SECOND },
    { "3 kB/s after 6 kB, far", { SERVER_STEADY, 3e3, 6e3, 300 * MS, 0 }, 60 * SECOND, 0.75, 5 * SECOND },
    { "Prosody, 10 kB/s", { SERVER_PAUSES, 10e3, 0, 5 * MS, 0 }, 20 * SECOND, 0.8, 3 * SECOND },
    { "Prosody, 3 kB/s", { SERVER_PAUSES, 3e3, 0, 5 * MS, 0 }, 60 * SECOND, 0.8, 5 * SECOND },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Way way;
      double early, rate;

      way_init (&way, &cases[i].server, 1);
      early = way_run (&way, cases[i].warm_up);
      g_assert_cmpuint (way.worst_queue, <=, 4 * FD_IBB_QUEUE); /* for a moment, until the limit is found */
      way.worst_queue = 0;
      rate = way_run (&way, 60 * SECOND);
      g_test_message ("%s: %.0f, then %.0f bytes/s of %.0f, window %zu, ping %.0f ms, queue %zu",
                      cases[i].name, early, rate, cases[i].server.rate, way.streams[0].sender.window,
                      way.worst_ping / 1e3, way.worst_queue);
      g_assert_cmpfloat (rate, >=, cases[i].share * cases[i].server.rate);
      g_assert_cmpint (way.worst_ping, <=, cases[i].ping);
      g_assert_cmpuint (way.worst_queue, <=, 3 * FD_IBB_QUEUE);
      way_clear (&way);
    }
}

/* Nothing but one stanza until more has come promptly than the burst of a server that throttles. */
static void
test_gentle (void)
{
  const Server server = { SERVER_STEADY, 7e6, 0, 100 * MS, 0 };
  Way way;

  way_init (&way, &server, 1);
  g_assert_cmpuint (way.streams[0].sender.window, ==, 4096);
  while (way.streams[0].acked < 20000)
    {
      way_run (&way, 10 * MS);
      g_assert_cmpuint (way.streams[0].sender.window, <=, 8192);
    }
  way_run (&way, 2 * SECOND);
  g_assert_cmpuint (way.streams[0].sender.window, >, 512 * 1024);
  way_clear (&way);
}

/* A server that begins to throttle is given less at once, and more when it stops. */
static void
test_recovers (void)
{
  const Server fast = { SERVER_STEADY, 7e6, 0, 20 * MS, 0 };
  Way way;
  double rate;

  way_init (&way, &fast, 1);
  way_run (&way, 5 * SECOND);
  way.server.rate = 10e3;
  way_run (&way, 60 * SECOND);
  g_assert_cmpuint (way.streams[0].sender.window, <=, 16384);
  way.worst_ping = 0;
  way_run (&way, 60 * SECOND);
  g_assert_cmpint (way.worst_ping, <, 3 * SECOND);
  way.server.rate = 7e6;
  way_run (&way, 10 * SECOND);
  rate = way_run (&way, 10 * SECOND);
  g_assert_cmpfloat (rate, >, 0.9 * 7e6);
  way_clear (&way);
}

/* A path that became longer for good is learnt, and not taken for a queue. */
static void
test_learns (void)
{
  const Server near = { SERVER_STEADY, 7e6, 0, 20 * MS, 0 };
  Way way;

  way_init (&way, &near, 1);
  way_run (&way, 5 * SECOND);
  way.server.rtt = 300 * MS;
  way_run (&way, 60 * SECOND);
  g_assert_cmpfloat (way_run (&way, 10 * SECOND), >, 0.4 * 7e6); /* the largest window's rate is half */
  way_clear (&way);
}

/* A machine that is busy now and then is no queue. */
static void
test_jitter (void)
{
  const Server server = { SERVER_STEADY, 4e6, 0, 50 * MS, 0 };
  Way way;
  double bytes = 0;

  way_init (&way, &server, 1);
  way_run (&way, 2 * SECOND);
  for (guint i = 0; i < 100; i++)
    {
      bytes += way_run (&way, 250 * MS) / 4;
      way.free_at = MAX (way.free_at, way.now) + 30 * MS;
    }
  g_assert_cmpfloat (bytes / 25, >, 0.75 * 4e6);
  way_clear (&way);
}

/* Who has nothing to send does not earn a window. */
static void
test_little_to_send (void)
{
  const Server server = { SERVER_STEADY, 7e6, 0, 50 * MS, 0 };
  Way way;

  way_init (&way, &server, 1);
  way.streams[0].idle = TRUE;
  for (guint i = 0; i < 1000; i++)
    {
      if (fd_ibb_sender_may_send (&way.streams[0].sender))
        way_send (&way, &way.streams[0]);
      way_run (&way, 60 * MS);
    }
  g_assert_cmpuint (way.streams[0].sender.window, <=, 8192);
  way_clear (&way);
}

/* --- the size of a stanza --- */

static void
test_sizes (void)
{
  static const struct
  {
    gsize block_size, overhead, window;
    gsize payload, stanza;
  } cases[] = {
    { 8192, 200, 4096, 2922, 4096 },
    { 8192, 200, 16383, 2922, 4096 },
    { 8192, 200, 16384, 5994, 8192 },
    { 65535, 200, 1 << 20, 5994, 8192 },
    { 5994, 200, 1 << 20, 5994, 8192 },
    { 5993, 200, 1 << 20, 2922, 4096 },
    { 4096, 200, 1 << 20, 2922, 4096 },
    { 2000, 200, 1 << 20, 1386, 2048 },
    { 1385, 200, 1 << 20, 1385, 200 + 1848 },
    { 1, 200, 1 << 20, 1, 204 },
    { 8192, 3000, 1 << 20, 3072, 3000 + 4096 }, /* JIDs as long as they may be */
    { 8192, 9000, 1 << 20, 3072, 9000 + 4096 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FdIbbShare share = { .senders = G_QUEUE_INIT };
      FdIbbSender sender = { .share = &share,
                             .window = cases[i].window,
                             .block_size = cases[i].block_size,
                             .overhead = cases[i].overhead };
      gsize stanza = 0, payload = fd_ibb_sender_get_size (&sender, &stanza);

      g_assert_cmpuint (payload, ==, cases[i].payload);
      g_assert_cmpuint (stanza, ==, cases[i].stanza);
    }
}

/* --- blocks --- */

typedef struct
{
  FdIbbShare share;
  FdIbbSender sender;
  gint64 now;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  fd_ibb_share_init (&f->share);
  fd_ibb_sender_init (&f->sender, &f->share, f, 1, OVERHEAD);
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
  fd_ibb_share_clear (&f->share);
}

static FdIbbBlock *
add (Fixture *f)
{
  g_assert_true (fd_ibb_sender_may_send (&f->sender));
  return fd_ibb_sender_add (&f->sender, OVERHEAD + 4, NULL, f->now);
}

static void
test_retry (Fixture *f, gconstpointer data)
{
  FdIbbBlock *blocks[4];

  for (guint i = 0; i < 4; i++)
    blocks[i] = add (f);

  g_assert_true (fd_ibb_sender_acked (&f->sender, blocks[0], f->now + 100 * MS));
  g_assert_true (fd_ibb_sender_bounced (&f->sender, blocks[2], f->now + SECOND));
  g_assert_false (fd_ibb_sender_may_send (&f->sender));
  g_assert_cmpint (f->sender.retry_at, ==, -1);
  g_assert_true (fd_ibb_sender_bounced (&f->sender, blocks[3], f->now + 2 * SECOND));
  g_assert_cmpint (f->sender.retry_at, ==, -1); /* block 1 may have been taken yet */
  g_assert_true (fd_ibb_sender_acked (&f->sender, blocks[1], f->now + 3 * SECOND));
  g_assert_cmpint (f->sender.retry_at, ==, f->now + 13 * SECOND);

  fd_ibb_sender_retry (&f->sender, f->now + 13 * SECOND);
  g_assert_cmpint (f->sender.retry_at, ==, -1);
  g_assert_true (fd_ibb_sender_acked (&f->sender, blocks[2], f->now + 14 * SECOND));
  g_assert_false (fd_ibb_sender_bounced (&f->sender, blocks[3], f->now + 14 * SECOND)); /* once only */
}

static void
test_lost (Fixture *f, gconstpointer data)
{
  FdIbbBlock *blocks[3];

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
test_seq (void)
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
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ibb-window/ways", test_ways);
  g_test_add_func ("/ibb-window/gentle", test_gentle);
  g_test_add_func ("/ibb-window/recovers", test_recovers);
  g_test_add_func ("/ibb-window/learns", test_learns);
  g_test_add_func ("/ibb-window/jitter", test_jitter);
  g_test_add_func ("/ibb-window/little-to-send", test_little_to_send);
  g_test_add_func ("/ibb-window/sizes", test_sizes);
  g_test_add ("/ibb-window/retry", Fixture, NULL, set_up, test_retry, tear_down);
  g_test_add ("/ibb-window/lost", Fixture, NULL, set_up, test_lost, tear_down);
  g_test_add ("/ibb-window/numbers", Fixture, NULL, set_up, test_numbers, tear_down);
  g_test_add_func ("/ibb-window/seq", test_seq);
  return g_test_run ();
}

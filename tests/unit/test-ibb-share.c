/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ibb-server.h"

static guint64
get_total (const Way *way)
{
  guint64 total = 0;

  for (guint i = 0; i < way->n_streams; i++)
    total += way->streams[i].acked;
  return total;
}

/* Several streams queue no more than one, and nobody gets less than the others. */
static void
test_fair (void)
{
  static const struct
  {
    Server server;
    guint streams;
    gint64 ping;
  } cases[] = {
    { { SERVER_STEADY, 7e6, 0, 50 * MS, 0 }, 2, 200 * MS },
    { { SERVER_STEADY, 7e6, 0, MS, 0 }, 8, 200 * MS },
    { { SERVER_STEADY, 10e3, 20e3, 5 * MS, 0 }, 4, 3 * SECOND },
    { { SERVER_STEADY, 3e3, 20e3, 5 * MS, 0 }, 8, 5 * SECOND },
    { { SERVER_PAUSES, 3e3, 0, 5 * MS, 0 }, 4, 5 * SECOND },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Way way;
      double rate;

      way_init (&way, &cases[i].server, cases[i].streams);
      way_run (&way, 10 * SECOND);
      rate = way_run (&way, 300 * SECOND);
      g_test_message ("%.0f bytes/s of %.0f, ping %.0f ms", rate, cases[i].server.rate, way.worst_ping / 1e3);
      g_assert_cmpfloat (rate, >, 0.8 * cases[i].server.rate);
      g_assert_cmpint (way.worst_ping, <=, cases[i].ping);
      for (guint j = 0; j < way.n_streams; j++)
        {
          g_test_message ("  %zu: %" G_GUINT64_FORMAT, (gsize) j, way.streams[j].acked);
          g_assert_cmpuint (way.streams[j].acked, >, get_total (&way) / way.n_streams / 2);
        }
      way_clear (&way);
    }
}

/* A receiver that takes nothing holds up nobody but itself. */
static void
test_stalled (void)
{
  const Server server = { SERVER_STEADY, 3e3, 20e3, 5 * MS, 0 };
  Way way;

  way_init (&way, &server, 2);
  way.streams[0].stalled = TRUE;
  g_assert_cmpfloat (way_run (&way, 100 * SECOND), >, 0.8 * 3e3);
  g_assert_cmpuint (way.streams[1].acked, ==, get_total (&way));
  way_clear (&way);
}

/* What a stream had on the way when it ended is forgotten with the next answer. */
static void
test_ended (void)
{
  const Server server = { SERVER_STEADY, 3e3, 0, 5 * MS, 0 };
  Way way;

  way_init (&way, &server, 2);
  way.streams[0].stalled = TRUE;
  way_run (&way, SECOND);
  fd_ibb_sender_clear (&way.streams[0].sender, way_count, NULL);
  way.streams[0].idle = TRUE;
  way_let_send (&way);
  g_assert_cmpfloat (way_run (&way, 100 * SECOND), >, 0.8 * 3e3);
  fd_ibb_sender_clear (&way.streams[1].sender, way_count, NULL);
  way.n_streams = 0;
  way_clear (&way);
}

/* Who is full of work lets one in that comes later. */
static void
test_turns (void)
{
  const Server server = { SERVER_STEADY, 10e3, 0, 5 * MS, 0 };
  Way way;
  guint64 before;

  way_init (&way, &server, 2);
  way.streams[1].idle = TRUE;
  way_run (&way, 60 * SECOND);
  g_assert_cmpuint (way.streams[1].acked, ==, 0);
  way.streams[1].idle = FALSE;
  before = way.streams[0].acked;
  way_run (&way, 60 * SECOND);
  g_assert_cmpuint (way.streams[1].acked * 3, >, way.streams[0].acked - before);
  way_clear (&way);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ibb-share/fair", test_fair);
  g_test_add_func ("/ibb-share/stalled", test_stalled);
  g_test_add_func ("/ibb-share/ended", test_ended);
  g_test_add_func ("/ibb-share/turns", test_turns);
  return g_test_run ();
}

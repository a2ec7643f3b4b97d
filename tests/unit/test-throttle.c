/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data/throttle.h"

#define SECOND G_USEC_PER_SEC

/* @n takers in virtual time, each wants @wanted bytes at a time and comes back when it may move them. */
static void
run_takers (FdThrottle *throttle, guint n, gsize wanted, gint64 duration, guint64 *ret_moved)
{
  g_autofree gint64 *next = g_new0 (gint64, n);
  gint64 now = 0;

  for (guint i = 0; i < n; i++)
    ret_moved[i] = 0;
  while (now < duration)
    {
      guint first = 0;
      gint64 wait;
      gsize taken;

      for (guint i = 1; i < n; i++)
        if (next[i] < next[first])
          first = i;
      now = next[first];
      taken = fd_throttle_take (throttle, wanted, now, &wait);
      g_assert_cmpuint (taken, >=, 1);
      g_assert_cmpuint (taken, <=, wanted);
      g_assert_cmpint (wait, >=, 0);
      if (now + wait < duration)
        ret_moved[first] += taken;
      next[first] = now + MAX (wait, 1);
    }
}

static void
test_rates (void)
{
  static const guint64 rates[]
    = { 1024, 3000, 100 * 1000, 1000 * 1000, 123456789, G_GUINT64_CONSTANT (10000000000) };

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      g_autoptr (FdThrottle) throttle = fd_throttle_new (rates[i]);
      guint64 moved;

      run_takers (throttle, 1, 256 * 1024, 100 * SECOND, &moved);
      g_assert_cmpfloat_with_epsilon ((double) moved / 100 / rates[i], 1, 0.02);
    }
}

/* Nobody gets more than its part, however many there are and whatever they ask for. */
static void
test_fair (void)
{
  for (guint n = 2; n <= 64; n *= 2)
    {
      g_autoptr (FdThrottle) throttle = fd_throttle_new (1000 * 1000);
      guint64 moved[64], sum = 0;

      run_takers (throttle, n, 256 * 1024, 100 * SECOND, moved);
      for (guint i = 0; i < n; i++)
        {
          g_assert_cmpfloat_with_epsilon ((double) moved[i] * n / (100 * 1000 * 1000), 1, 0.1);
          sum += moved[i];
        }
      g_assert_cmpfloat_with_epsilon ((double) sum / (100 * 1000 * 1000), 1, 0.02);
    }
}

static void
test_none (void)
{
  g_autoptr (FdThrottle) throttle = fd_throttle_new (0);
  gint64 wait = 5;

  g_assert_cmpuint (fd_throttle_take (throttle, G_MAXSIZE, 0, &wait), ==, G_MAXSIZE);
  g_assert_cmpint (wait, ==, 0);
  fd_throttle_give_back (throttle, 100);
}

static void
test_change (void)
{
  g_autoptr (FdThrottle) throttle = fd_throttle_new (1024);
  gint64 wait;

  for (guint i = 0; i < 100; i++)
    fd_throttle_take (throttle, 1000, SECOND, &wait);
  g_assert_cmpint (wait, >, 5 * SECOND);
  fd_throttle_set_rate (throttle, 1000 * 1000);
  g_assert_cmpuint (fd_throttle_get_rate (throttle), ==, 1000 * 1000);
  g_assert_cmpuint (fd_throttle_take (throttle, 1000, SECOND, &wait), ==, 1000);
  g_assert_cmpint (wait, ==, 0);
  fd_throttle_set_rate (throttle, 0);
  g_assert_cmpuint (fd_throttle_take (throttle, 1000, SECOND, &wait), ==, 1000);
  g_assert_cmpint (wait, ==, 0);
}

/* The rate is changed while several wait: from then on it is the new one. */
static void
test_change_shared (void)
{
  g_autoptr (FdThrottle) throttle = fd_throttle_new (4096);
  guint64 moved[8], sum = 0;

  run_takers (throttle, 8, 256 * 1024, 10 * SECOND, moved);
  fd_throttle_set_rate (throttle, 1000 * 1000);
  run_takers (throttle, 8, 256 * 1024, 100 * SECOND, moved);
  for (guint i = 0; i < 8; i++)
    sum += moved[i];
  g_assert_cmpfloat_with_epsilon ((double) sum / (100 * 1000 * 1000), 1, 0.02);
}

/* Pumps that ask for little get as much as they ask for beside those that ask for much. */
static void
test_small_pieces (void)
{
  g_autoptr (FdThrottle) throttle = fd_throttle_new (100 * 1000);
  guint64 moved[2];
  gint64 longest = 0, now = 0;

  for (guint i = 0; i < 1000; i++)
    {
      gint64 wait;

      moved[0] = fd_throttle_take (throttle, 256 * 1024, now, &wait);
      moved[1] = fd_throttle_take (throttle, 10, now, &wait);
      g_assert_cmpuint (moved[0], ==, 100 * 1000 / 8);
      g_assert_cmpuint (moved[1], ==, 10);
      longest = MAX (longest, wait);
      now += wait;
    }
  g_assert_cmpint (longest, <=, SECOND / 4); /* its own turn comes behind one piece of the other */
}

static void
test_huge (void)
{
  static const guint64 rates[] = { G_MAXINT64, G_MAXUINT64 - 1, G_MAXUINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      g_autoptr (FdThrottle) throttle = fd_throttle_new (rates[i]);
      const gint64 now = G_GINT64_CONSTANT (3000000) * 3600 * SECOND / 1000; /* years of uptime */
      gint64 wait;

      for (guint n = 0; n < 1000; n++)
        {
          g_assert_cmpuint (fd_throttle_take (throttle, G_MAXSIZE, now, &wait), ==, 1024 * 1024);
          g_assert_cmpint (wait, ==, 0);
        }
      fd_throttle_give_back (throttle, G_MAXSIZE);
    }
}

/* What is not used does not count, and what nobody used is no credit for later. */
static void
test_give_back (void)
{
  g_autoptr (FdThrottle) throttle = fd_throttle_new (8000);
  gint64 wait;

  for (guint i = 0; i < 1000; i++)
    fd_throttle_give_back (throttle, fd_throttle_take (throttle, 1000, SECOND, &wait));
  g_assert_cmpint (wait, ==, 0);
  for (guint i = 0; i < 3; i++)
    fd_throttle_take (throttle, 1000, 1000 * SECOND, &wait);
  g_assert_cmpint (wait, ==, SECOND / 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/throttle/rates", test_rates);
  g_test_add_func ("/throttle/fair", test_fair);
  g_test_add_func ("/throttle/none", test_none);
  g_test_add_func ("/throttle/change", test_change);
  g_test_add_func ("/throttle/change-shared", test_change_shared);
  g_test_add_func ("/throttle/small-pieces", test_small_pieces);
  g_test_add_func ("/throttle/huge", test_huge);
  g_test_add_func ("/throttle/give-back", test_give_back);
  return g_test_run ();
}

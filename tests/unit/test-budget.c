/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When progress is told: the rounds, the limit per round, and no news twice.
 */
#include "bus/budget.h"

#define SECOND G_USEC_PER_SEC
#define MANY 64

typedef struct
{
  FdBudget *budget;
  guint64 bytes[MANY]; /* by id */
  guint told[MANY];
} Fixture;

static void
read_numbers (guint32 id, FdProgress *ret_progress, gpointer data)
{
  Fixture *f = data;

  *ret_progress = (FdProgress){ .transferred = f->bytes[id], .rate = 10, .remaining = -1 };
}

static void
tell (guint32 id, gpointer data)
{
  Fixture *f = data;

  f->told[id]++;
}

static const FdBudgetFuncs funcs = { read_numbers, tell };

static void
set_up (Fixture *f, gconstpointer data)
{
  f->budget = fd_budget_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_budget_free (f->budget);
}

static void
add (Fixture *f, guint32 id)
{
  FdProgress told = { .transferred = f->bytes[id], .rate = 10, .remaining = -1 };

  fd_budget_set (f->budget, id, &told);
}

static guint
sum (const Fixture *f)
{
  guint n = 0;

  for (guint i = 0; i < MANY; i++)
    n += f->told[i];
  return n;
}

static void
test_idle (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, -1);
  g_assert_true (fd_budget_is_empty (f->budget));

  add (f, 1);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), >=, 0);
  fd_budget_remove (f->budget, 1);
  fd_budget_remove (f->budget, 1);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, -1);
}

/* The first news goes out at once, the next not before a second is over. */
static void
test_deadline (Fixture *f, gconstpointer data)
{
  add (f, 1);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), <=, 0);

  fd_budget_round (f->budget, 5 * SECOND, &funcs, f);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, 6 * SECOND);
  add (f, 2);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, 6 * SECOND);

  fd_budget_remove (f->budget, 1);
  fd_budget_remove (f->budget, 2);
  add (f, 3);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, 6 * SECOND);
}

static void
test_unchanged (Fixture *f, gconstpointer data)
{
  add (f, 1);
  add (f, 2);
  fd_budget_round (f->budget, 0, &funcs, f);
  g_assert_cmpuint (sum (f), ==, 0);

  f->bytes[2] = 100;
  fd_budget_round (f->budget, SECOND, &funcs, f);
  fd_budget_round (f->budget, 2 * SECOND, &funcs, f);
  g_assert_cmpuint (f->told[1], ==, 0);
  g_assert_cmpuint (f->told[2], ==, 1);

  /* Told by a change of state meanwhile. */
  f->bytes[2] = 200;
  add (f, 2);
  fd_budget_round (f->budget, 3 * SECOND, &funcs, f);
  g_assert_cmpuint (f->told[2], ==, 1);
}

/* 50 transfers that all go on: 20 a round, everybody as often as anybody. */
static void
test_fair (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 50; i++)
    add (f, i);

  for (guint round = 1; round <= 10; round++)
    {
      for (guint i = 0; i < 50; i++)
        f->bytes[i]++;
      fd_budget_round (f->budget, round * SECOND, &funcs, f);
      g_assert_cmpuint (sum (f), ==, round * FD_BUDGET_PER_ROUND);
    }
  for (guint i = 0; i < 50; i++)
    g_assert_cmpuint (f->told[i], ==, 10 * FD_BUDGET_PER_ROUND / 50);
}

/* Those that stand still take no place from those that move. */
static void
test_stalled (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 60; i++)
    add (f, i);
  f->bytes[59] = 1;
  fd_budget_round (f->budget, SECOND, &funcs, f);
  g_assert_cmpuint (f->told[59], ==, 1);
  g_assert_cmpuint (sum (f), ==, 1);
}

static void
test_news (Fixture *f, gconstpointer data)
{
  fd_budget_add_news (f->budget, 1);
  fd_budget_add_news (f->budget, 4);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, 0);
  g_assert_cmpuint (fd_budget_round (f->budget, 7 * SECOND, &funcs, f), ==, 5);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, -1);

  fd_budget_add_news (f->budget, 2);
  g_assert_cmpint (fd_budget_get_deadline (f->budget), ==, 8 * SECOND);
  g_assert_cmpuint (fd_budget_round (f->budget, 8 * SECOND, &funcs, f), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/budget/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("idle", test_idle);
  ADD ("deadline", test_deadline);
  ADD ("unchanged", test_unchanged);
  ADD ("fair", test_fair);
  ADD ("stalled", test_stalled);
  ADD ("news", test_news);
  return g_test_run ();
}

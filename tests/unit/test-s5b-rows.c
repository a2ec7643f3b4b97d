/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The negotiation machine through the rows of the state table, one script per
 * way through it, and all four ways to activate a proxy.
 */
#include "s5b-script.h"
#include "s5b/timers.h"

/* Offer, answer, start: as a whole session does it. */
static void
open_with (Fixture *f, FdS5bCandidate ours, FdS5bCandidate theirs, gboolean initiator)
{
  if (!initiator)
    remote (f, theirs);
  feed (f, FD_S5B_EV_GATHER, NULL);
  local (f, ours);
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "ready");
  if (initiator)
    remote (f, theirs);
  feed (f, FD_S5B_EV_START, NULL);
  feed (f, FD_S5B_EV_ACKED, NULL);
  expect (f, "dial:r");
}

#define assert_rows_of(f, initiator, ...) \
  G_STMT_START \
  { \
    if (initiator) \
      assert_rows ((f), 1, 2, __VA_ARGS__); \
    else \
      assert_rows ((f), 4, __VA_ARGS__); \
  } \
  G_STMT_END

static void
test_gather (Fixture *f, gconstpointer initiator)
{
  feed (f, FD_S5B_EV_GATHER, NULL);
  pass (f, 1500);
  expect (f, "ready");
  if (!initiator)
    {
      assert_rows (f, 0);
      return;
    }
  assert_rows (f, 1, 2);
}

/* 8, 9: the peer is faster than our user, or than its own accept. */
static void
test_early (Fixture *f, gconstpointer initiator)
{
  remote (f, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_GATHER, NULL);
  local (f, DIRECT ("l", 5));
  remote (f, DIRECT ("s", 4));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  remote (f, DIRECT ("t", 3));
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  expect (f, "ready");
  pass (f, 60000); /* the socket has time until it starts */
  expect (f, "");
  feed (f, FD_S5B_EV_INCOMING, "l");
  feed (f, FD_S5B_EV_START, NULL);
  feed (f, FD_S5B_EV_ACKED, NULL);
  expect (f, "error: connected:incoming:l");
  if (initiator)
    assert_rows (f, 1, 2, 9, 19, 23);
  else
    assert_rows (f, 4, 8, 9, 19, 23);
}

static void
test_used_dialed (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIALED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r connected:dialed:r");
  assert_rows_of (f, initiator, 10, 17, 19, 22);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  remote (f, DIRECT ("late", 9));
  expect (f, "");
  assert_rows_of (f, initiator, 10, 17, 19, 22, 43);
}

static void
test_both_errors (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  assert_rows_of (f, initiator, 12);
  pass (f, 4000);
  expect (f, "error:");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "failed:no-path");
  assert_rows_of (f, initiator, 11, 12, 17, 18);
  notify (f, FD_S5B_ACTIVATED, "r");
  expect (f, "");
  assert_rows_of (f, initiator, 11, 12, 17, 18, 41);
}

static void
test_new_candidate (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  pass (f, 3000);
  remote (f, DIRECT ("s", 4));
  expect (f, "dial:s");
  feed (f, FD_S5B_EV_DIAL_FAILED, "s");
  pass (f, 3999); /* the wait began anew */
  expect (f, "");
  pass (f, 1);
  expect (f, "error:");
  assert_rows_of (f, initiator, 11, 12, 13);
}

static void
test_unknown_and_repeated (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 9), initiator != NULL);
  g_assert_false (notify (f, FD_S5B_CANDIDATE_USED, "x"));
  assert_rows_of (f, initiator, 15);
  feed (f, FD_S5B_EV_INCOMING, "l");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  assert_rows_of (f, initiator, 14, 15);
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  assert_rows_of (f, initiator, 14, 15, 16);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  expect (f, "error: connected:incoming:l");
}

static void
test_priorities (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 9), initiator != NULL);
  feed (f, FD_S5B_EV_DIALED, "r");
  feed (f, FD_S5B_EV_INCOMING, "l");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "used:r connected:dialed:r");
  assert_rows_of (f, initiator, 10, 14, 20, 22);
}

static void
test_tie (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIALED, "r");
  feed (f, FD_S5B_EV_INCOMING, "l");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, initiator ? "used:r connected:dialed:r" : "used:r connected:incoming:l");
  assert_rows_of (f, initiator, 10, 14, 21, initiator ? 22 : 23);
}

static void
test_no_socket (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error:");
  pass (f, 2000);
  expect (f, "failed:no-path");
  assert_rows_of (f, initiator, 12, 14, 18, 19, 23);
}

static void
test_silent_peer (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), DIRECT ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIALED, "r");
  pass (f, 20000);
  expect (f, "used:r connected:dialed:r");
  assert_rows_of (f, initiator, 10, 19, 22, 31);
}

static void
test_silent_peer_with_proxy (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), PROXY ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIALED, "r");
  expect (f, "used:r");
  pass (f, 20000);
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_WAIT_ACT);
  assert_rows_of (f, initiator, 10, 19, 25, 32);
  notify (f, FD_S5B_ACTIVATED, "r");
  expect (f, "connected:dialed:r");
  assert_rows_of (f, initiator, 10, 19, 25, 28, 32);
}

static void
test_activated_only (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), PROXY ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIALED, "r");
  notify (f, FD_S5B_ACTIVATED, "r");
  expect (f, "used:r connected:dialed:r");
  assert_rows_of (f, initiator, 10, 30);
}

/* It waits for 10 s and 10 s for each candidate, at least 20 s, at most 60 s. */
static void
test_peer_time (Fixture *f, gconstpointer initiator)
{
  static const struct
  {
    guint candidates;
    gint64 ms;
  } cases[] = { { 0, 20000 }, { 1, 20000 }, { 2, 30000 }, { 5, 60000 }, { 6, 60000 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      again (f, (FdS5bRules){ .initiator = initiator != NULL });
      for (guint c = 0; c < cases[i].candidates; c++)
        {
          g_autofree char *cid = g_strdup_printf ("l%u", c);

          local (f, DIRECT (cid, c));
        }
      remote (f, DIRECT ("r", 5));
      feed (f, FD_S5B_EV_START, NULL);
      feed (f, FD_S5B_EV_DIALED, "r");
      expect (f, "dial:r used:r");
      pass (f, cases[i].ms - 1);
      expect (f, "");
      pass (f, 1);
      expect (f, "connected:dialed:r");
    }
}

/* 24-29: @initiator × whose proxy × how it ends. */
typedef enum
{
  ACTIVE,
  REFUSED,
  TIMED_OUT,
  ERROR_OF_PEER,
  CLOSED,
  N_ENDS
} End;

static void
test_own_proxy (Fixture *f, gconstpointer initiator, End end)
{
  open_with (f, PROXY ("l", 5), DIRECT ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error: activate:l");
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_ACTIVATING);
  switch (end)
    {
    case ACTIVE:
      feed (f, FD_S5B_EV_ACTIVATED, NULL);
      expect (f, "activated:l connected:activated:l");
      assert_rows_of (f, initiator, 12, 14, 19, 24, 26);
      break;
    case REFUSED:
      feed (f, FD_S5B_EV_ACTIVATION_FAILED, NULL);
      expect (f, "proxy-error:l failed:activation");
      assert_rows_of (f, initiator, 12, 14, 19, 24, 27);
      break;
    case TIMED_OUT:
      pass (f, 30000);
      expect (f, "proxy-error:l failed:act-timeout");
      assert_rows_of (f, initiator, 12, 14, 19, 24, 27);
      break;
    case ERROR_OF_PEER: /* its socket died meanwhile */
      notify (f, FD_S5B_PROXY_ERROR, "l");
      expect (f, "failed:peer-proxy-error");
      assert_rows_of (f, initiator, 12, 14, 19, 24);
      break;
    case CLOSED:
    case N_ENDS:
    default:
      break;
    }
}

static void
test_peer_proxy (Fixture *f, gconstpointer initiator, End end)
{
  open_with (f, DIRECT ("l", 5), PROXY ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIALED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r");
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_WAIT_ACT);
  switch (end)
    {
    case ACTIVE:
      notify (f, FD_S5B_ACTIVATED, "r");
      expect (f, "connected:dialed:r");
      assert_rows_of (f, initiator, 10, 17, 19, 25, 28);
      break;
    case REFUSED:
    case ERROR_OF_PEER:
      notify (f, FD_S5B_PROXY_ERROR, end == REFUSED ? "r" : NULL);
      expect (f, "failed:peer-proxy-error");
      assert_rows_of (f, initiator, 10, 17, 19, 25, 29);
      break;
    case TIMED_OUT:
      pass (f, 30000);
      expect (f, "proxy-error:r failed:act-timeout");
      assert_rows_of (f, initiator, 10, 17, 19, 25, 29);
      break;
    case CLOSED:
      feed (f, FD_S5B_EV_DIAL_CLOSED, "r");
      pass (f, FD_T_ACTIVATED);
      expect (f, "proxy-error:r failed:closed");
      assert_rows_of (f, initiator, 10, 17, 19, 25, 29);
      break;
    case N_ENDS:
    default:
      g_assert_not_reached ();
    }
}

static void
test_activation (Fixture *f, gconstpointer initiator)
{
  for (End end = ACTIVE; end < N_ENDS; end++)
    {
      again (f, (FdS5bRules){ .initiator = initiator != NULL });
      test_own_proxy (f, initiator, end);
      again (f, (FdS5bRules){ .initiator = initiator != NULL });
      test_peer_proxy (f, initiator, end);
    }
}

/* Any proxy that we are connected to, not only the one that we chose. */
static void
test_other_proxy_activated (Fixture *f, gconstpointer initiator)
{
  remote (f, PROXY ("p", 6));
  open_with (f, DIRECT ("l", 5), PROXY ("r", 7), initiator != NULL);
  pass (f, 200);
  expect (f, "dial:p");
  feed (f, FD_S5B_EV_DIALED, "p");
  feed (f, FD_S5B_EV_DIALED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r");
  notify (f, FD_S5B_ACTIVATED, "l"); /* not the peer's to activate */
  notify (f, FD_S5B_ACTIVATED, "nobody's");
  expect (f, "");
  notify (f, FD_S5B_ACTIVATED, "p");
  expect (f, "connected:dialed:p");
}

/* A proxy that cannot be reached is one more dead candidate. */
static void
test_unreachable_proxy (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), PROXY ("r", 5), initiator != NULL);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "error: failed:no-path");
}

static void
test_proxy_error_out_of_place (Fixture *f, gconstpointer initiator)
{
  open_with (f, DIRECT ("l", 5), PROXY ("r", 5), initiator != NULL);
  notify (f, FD_S5B_PROXY_ERROR, "r"); /* nothing is chosen yet */
  expect (f, "");
  feed (f, FD_S5B_EV_DIALED, "r");
  expect (f, "used:r");
  notify (f, FD_S5B_PROXY_ERROR, "nobody's");
  expect (f, "");
  notify (f, FD_S5B_PROXY_ERROR, "r");
  expect (f, "failed:peer-proxy-error");
  notify (f, FD_S5B_PROXY_ERROR, "r"); /* late */
  expect (f, "");
}

static const Script tests[] = {
  { "gather", test_gather },
  { "early", test_early },
  { "used-dialed", test_used_dialed },
  { "both-errors", test_both_errors },
  { "new-candidate", test_new_candidate },
  { "unknown-and-repeated", test_unknown_and_repeated },
  { "priorities", test_priorities },
  { "tie", test_tie },
  { "no-socket", test_no_socket },
  { "silent-peer", test_silent_peer },
  { "silent-peer-with-proxy", test_silent_peer_with_proxy },
  { "activated-only", test_activated_only },
  { "peer-time", test_peer_time },
  { "activation", test_activation },
  { "other-proxy-activated", test_other_proxy_activated },
  { "unreachable-proxy", test_unreachable_proxy },
  { "proxy-error-out-of-place", test_proxy_error_out_of_place },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_scripts ("s5b-rows", tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}

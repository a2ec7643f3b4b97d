/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The negotiation machine alone, by scripts: an event, and the actions that
 * must follow it, on a virtual clock.
 */
#include "s5b-script.h"
#include "s5b/timers.h"

static void
test_gather (Fixture *f, gconstpointer data)
{
  feed (f, FD_S5B_EV_GATHER, NULL);
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_GATHER);
  pass (f, 1400);
  expect (f, "");
  pass (f, 200);
  expect (f, "ready");
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_OFFERED);
  g_assert_cmpint (fd_s5b_negotiation_deadline (f->n), ==, G_MAXINT64);
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "");
}

static void
test_gathered (Fixture *f, gconstpointer data)
{
  remote (f, DIRECT ("r", 5)); /* a responder knows it before */
  feed (f, FD_S5B_EV_GATHER, NULL);
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "ready");
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "dial:r");
}

static void
test_nominate_one (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), TRUE);
  expect (f, "used:r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "connected:dialed:r");
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_CONNECTED);
  g_assert_cmpint (fd_s5b_negotiation_deadline (f->n), ==, G_MAXINT64);
}

static void
test_nominate_one_mirror (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  expect (f, "");
  feed (f, FD_S5B_EV_INCOMING, "l");
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  expect (f, "error: connected:incoming:l");
}

/* Both used, crossing on the way. */
static void
both_used (Fixture *f, guint32 ours, guint32 theirs)
{
  start_one_each (f, DIRECT ("l", ours), DIRECT ("r", theirs), TRUE);
  expect (f, "used:r");
  feed (f, FD_S5B_EV_INCOMING, "l");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
}

static void
test_nominate_prio (Fixture *f, gconstpointer initiator)
{
  both_used (f, 7, 5);
  expect (f, "connected:incoming:l");
  again (f, (FdS5bRules){ .initiator = initiator != NULL });
  both_used (f, 5, 7);
  expect (f, "connected:dialed:r");
}

static void
test_tie_initiator (Fixture *f, gconstpointer initiator)
{
  both_used (f, 5, 5);
  expect (f, "connected:dialed:r");
}

static void
test_tie_responder (Fixture *f, gconstpointer initiator)
{
  both_used (f, 5, 5);
  expect (f, "connected:incoming:l");
}

static void
test_both_error (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  expect (f, "");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL); /* ends the hold */
  expect (f, "error: failed:no-path");
}

static void
test_stagger (Fixture *f, gconstpointer data)
{
  remote (f, PROXY ("p", 1));
  remote (f, DIRECT ("b", 20));
  remote (f, DIRECT ("a", 30));
  remote (f, DIRECT ("c", 10));
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "dial:a");
  pass (f, 199);
  expect (f, "");
  pass (f, 1);
  expect (f, "dial:b");
  feed (f, FD_S5B_EV_DIAL_FAILED, "b"); /* the next at once */
  expect (f, "dial:c");
  pass (f, 799);
  expect (f, "");
  pass (f, 1); /* 1 s after the first direct one */
  expect (f, "dial:p");
}

static void
test_proxy_at_once (Fixture *f, gconstpointer data)
{
  remote (f, PROXY ("p", 1));
  remote (f, DIRECT ("a", 30));
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "dial:a");
  feed (f, FD_S5B_EV_DIAL_FAILED, "a"); /* nothing direct is left to wait for */
  expect (f, "dial:p");
}

static void
test_better_wins (Fixture *f, gconstpointer data)
{
  remote (f, DIRECT ("a", 30));
  remote (f, DIRECT ("b", 20));
  remote (f, DIRECT ("c", 10));
  feed (f, FD_S5B_EV_START, NULL);
  pass (f, 200);
  expect (f, "dial:a dial:b");
  feed (f, FD_S5B_EV_DIALED, "b");
  expect (f, "");
  pass (f, 399);
  expect (f, "");
  feed (f, FD_S5B_EV_DIALED, "a");
  expect (f, "used:a");
}

static void
test_better_too_late (Fixture *f, gconstpointer data)
{
  remote (f, DIRECT ("a", 30));
  remote (f, DIRECT ("b", 20));
  feed (f, FD_S5B_EV_START, NULL);
  pass (f, 200);
  feed (f, FD_S5B_EV_DIALED, "b");
  expect (f, "dial:a dial:b");
  pass (f, 400);
  expect (f, "used:b undial:a");
}

/* A proxy of the peer's choice, while our direct dial is on its way: wait a
 * little, then agree. */
static void
test_peer_took_proxy (Fixture *f, gconstpointer data)
{
  local (f, PROXY ("lp", 5));
  remote (f, DIRECT ("r", 50));
  remote (f, PROXY ("rp", 4));
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "dial:r");
  notify (f, FD_S5B_CANDIDATE_USED, "lp"); /* rp can only lose */
  expect (f, "");
  pass (f, 1399);
  expect (f, "");
  pass (f, 1);
  expect (f, "error: undial:r activate:lp");
}

static void
test_hold_ends (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 3999);
  expect (f, "");
  pass (f, 1);
  expect (f, "error:");
}

static void
test_nothing_offered (Fixture *f, gconstpointer data)
{
  feed (f, FD_S5B_EV_START, NULL);
  pass (f, 4000);
  expect (f, "error:");
}

static void
test_mark_ends_hold (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  expect (f, "");
  feed (f, FD_S5B_EV_REMOTE_DONE, NULL);
  expect (f, "error:");
}

static void
test_mark_expected (Fixture *f, gconstpointer data)
{
  feed (f, FD_S5B_EV_REMOTE_FOLLOW, NULL);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 10000);
  expect (f, "");
  pass (f, 10000); /* the peer is silent for good */
  expect (f, "error: failed:no-path");
}

static void
test_peer_used_after_error (Fixture *f, gconstpointer data)
{
  local (f, DIRECT ("l", 5));
  remote (f, DIRECT ("r", 6));
  feed (f, FD_S5B_EV_START, NULL);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "dial:r");
  feed (f, FD_S5B_EV_INCOMING, "l");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL); /* iris: after its own used; ignored */
  expect (f, "");
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  expect (f, "error: connected:incoming:l");
}

static void
test_used_unknown (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  g_assert_false (notify (f, FD_S5B_CANDIDATE_USED, "nobody's"));
  g_assert_false (notify (f, FD_S5B_CANDIDATE_USED, NULL));
  expect (f, "");
  feed (f, FD_S5B_EV_INCOMING, "l");
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  expect (f, "error: connected:incoming:l");
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "nobody's")); /* late: harmless */
  expect (f, "");
}

static void
test_used_nosocket (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error:");
  pass (f, 1999);
  expect (f, "");
  pass (f, 1);
  expect (f, "failed:no-path");
}

static void
test_used_socket_in_time (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  pass (f, 1999);
  expect (f, "error:");
  feed (f, FD_S5B_EV_INCOMING, "l");
  expect (f, "connected:incoming:l");
}

static void
test_used_twice (Fixture *f, gconstpointer data)
{
  local (f, DIRECT ("m", 4));
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 9), FALSE);
  remote (f, DIRECT ("s", 8));
  expect (f, "dial:s");
  feed (f, FD_S5B_EV_INCOMING, "l");
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "m")); /* too late to choose anew */
  expect (f, "");
  feed (f, FD_S5B_EV_DIAL_FAILED, "s");
  expect (f, "error: connected:incoming:l");
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  expect (f, "");
}

static void
test_used_other_listener (Fixture *f, gconstpointer data)
{
  local (f, DIRECT ("m", 4));
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  feed (f, FD_S5B_EV_INCOMING, "m");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error: connected:incoming:m");
}

static void
test_used_before_start (Fixture *f, gconstpointer data)
{
  local (f, DIRECT ("l", 5));
  feed (f, FD_S5B_EV_INCOMING, "l");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "");
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "error: connected:incoming:l");
}

static void
test_own_proxy (Fixture *f, gconstpointer data)
{
  start_one_each (f, PROXY ("l", 5), DIRECT ("r", 5), FALSE);
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error: activate:l");
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_ACTIVATING);
  feed (f, FD_S5B_EV_ACTIVATED, NULL);
  expect (f, "activated:l connected:activated:l");
}

static void
test_own_proxy_fails (Fixture *f, gconstpointer data)
{
  start_one_each (f, PROXY ("l", 5), DIRECT ("r", 5), FALSE);
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error: activate:l");
  feed (f, FD_S5B_EV_ACTIVATION_FAILED, NULL);
  expect (f, "proxy-error:l failed:activation");
}

static void
test_own_proxy_timeout (Fixture *f, gconstpointer data)
{
  start_one_each (f, PROXY ("l", 5), DIRECT ("r", 5), FALSE);
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error: activate:l");
  pass (f, 30000);
  expect (f, "proxy-error:l failed:act-timeout");
  feed (f, FD_S5B_EV_ACTIVATED, NULL);
  expect (f, "");
}

static void
test_peer_proxy (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), TRUE);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r");
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_WAIT_ACT);
  notify (f, FD_S5B_ACTIVATED, "somebody's");
  expect (f, "");
  notify (f, FD_S5B_ACTIVATED, "r");
  expect (f, "connected:dialed:r");
}

static void
test_peer_proxy_error (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), TRUE);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r");
  notify (f, FD_S5B_PROXY_ERROR, NULL);
  expect (f, "failed:peer-proxy-error");
}

static void
test_peer_proxy_closed (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), TRUE);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r");
  feed (f, FD_S5B_EV_DIAL_CLOSED, "r");
  pass (f, FD_T_ACTIVATED - 100);
  expect (f, "");
  pass (f, 200);
  expect (f, "proxy-error:r failed:closed");
}

/* A file so short that its end comes before the word that it begins. */
static void
test_peer_proxy_through (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), TRUE);
  expect (f, "used:r");
  feed (f, FD_S5B_EV_DIAL_CLOSED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  notify (f, FD_S5B_ACTIVATED, "r");
  expect (f, "connected:dialed:r");
}

static void
test_peer_proxy_closed_early (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), TRUE);
  expect (f, "used:r");
  feed (f, FD_S5B_EV_DIAL_CLOSED, "r"); /* the peer may still come by itself */
  expect (f, "");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  pass (f, FD_T_ACTIVATED);
  expect (f, "proxy-error:r failed:closed");
}

static void
test_act_timeout (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), TRUE);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  pass (f, 30000);
  expect (f, "used:r proxy-error:r failed:act-timeout");
}

/* Conversations as initiator: one proxy, no notification but activated. */
static void
test_silent_relay (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), TRUE);
  expect (f, "used:r");
  pass (f, 5000);
  notify (f, FD_S5B_ACTIVATED, "r");
  expect (f, "connected:dialed:r");
}

/* The same, which cannot be reached: it will replace the transport, or never speak. */
static void
test_silent_error (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), PROXY ("r", 5), FALSE);
  pass (f, 4000);
  expect (f, "error:");
  pass (f, 15999);
  expect (f, "");
  pass (f, 1);
  expect (f, "failed:no-path");
}

static void
test_silent_direct (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), TRUE);
  pass (f, 19999);
  expect (f, "used:r");
  pass (f, 1);
  expect (f, "connected:dialed:r");
}

static void
test_silent_mute_dials (Fixture *f, gconstpointer data)
{
  remote (f, DIRECT ("r", 5)); /* and the driver never answers either */
  feed (f, FD_S5B_EV_START, NULL);
  pass (f, 20000);
  expect (f, "dial:r undial:r error: failed:no-path");
}

static void
test_trickle_in_old (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), TRUE);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r connected:dialed:r");
  remote (f, DIRECT ("late", 9));
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  g_assert_true (notify (f, FD_S5B_PROXY_ERROR, NULL));
  feed (f, FD_S5B_EV_DIAL_CLOSED, "r");
  feed (f, FD_S5B_EV_INCOMING, "l");
  pass (f, 100000);
  expect (f, "");
}

/* Six that do not answer: each dial ends after 5 s. */
static void
test_six_dead (Fixture *f, gconstpointer data)
{
  static const char *const cids[] = { "a", "b", "c", "d", "e", "f" };
  gint64 began = f->now;

  for (guint i = 0; i < 6; i++)
    remote (f, DIRECT (cids[i], 10 - i));
  feed (f, FD_S5B_EV_START, NULL);
  pass (f, 1000);
  expect (f, "dial:a dial:b dial:c dial:d dial:e dial:f");
  pass (f, 4000);
  for (guint i = 0; i < 6; i++)
    {
      feed (f, FD_S5B_EV_DIAL_FAILED, cids[i]);
      pass (f, 200);
    }
  expect (f, "error:");
  g_assert_cmpint (f->now - began, <, 12000000);
}

static void
test_too_many_remotes (Fixture *f, gconstpointer data)
{
  guint dials = 0;
  FdS5bAction *next;

  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *cid = g_strdup_printf ("c%u", i);

      remote (f, DIRECT (cid, i));
      remote (f, DIRECT (cid, i));
    }
  feed (f, FD_S5B_EV_START, NULL);
  pass (f, 10000);
  while ((next = fd_s5b_negotiation_next (f->n)))
    {
      g_autoptr (FdS5bAction) action = next;

      dials += action->type == FD_S5B_DO_DIAL;
    }
  g_assert_cmpuint (dials, ==, FD_S5B_MAX_CANDIDATES);
}

static const Script tests[] = {
  { "gather", test_gather },
  { "gathered", test_gathered },
  { "nominate-one", test_nominate_one },
  { "nominate-one-mirror", test_nominate_one_mirror },
  { "nominate-prio", test_nominate_prio },
  { "both-error", test_both_error },
  { "stagger", test_stagger },
  { "proxy-at-once", test_proxy_at_once },
  { "better-wins", test_better_wins },
  { "better-too-late", test_better_too_late },
  { "peer-took-proxy", test_peer_took_proxy },
  { "hold-ends", test_hold_ends },
  { "nothing-offered", test_nothing_offered },
  { "mark-ends-hold", test_mark_ends_hold },
  { "mark-expected", test_mark_expected },
  { "peer-used-after-error", test_peer_used_after_error },
  { "used-unknown", test_used_unknown },
  { "used-nosocket", test_used_nosocket },
  { "used-socket-in-time", test_used_socket_in_time },
  { "used-twice", test_used_twice },
  { "used-other-listener", test_used_other_listener },
  { "used-before-start", test_used_before_start },
  { "own-proxy", test_own_proxy },
  { "own-proxy-fails", test_own_proxy_fails },
  { "own-proxy-timeout", test_own_proxy_timeout },
  { "peer-proxy", test_peer_proxy },
  { "peer-proxy-error", test_peer_proxy_error },
  { "peer-proxy-closed", test_peer_proxy_closed },
  { "peer-proxy-through", test_peer_proxy_through },
  { "peer-proxy-closed-early", test_peer_proxy_closed_early },
  { "act-timeout", test_act_timeout },
  { "silent-relay", test_silent_relay },
  { "silent-error", test_silent_error },
  { "silent-direct", test_silent_direct },
  { "silent-mute-dials", test_silent_mute_dials },
  { "trickle-in-old", test_trickle_in_old },
  { "six-dead", test_six_dead },
  { "too-many-remotes", test_too_many_remotes },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/s5b-negotiation/tie-initiator", Fixture, GINT_TO_POINTER (1), setup, test_tie_initiator,
              teardown);
  g_test_add ("/s5b-negotiation/tie-responder", Fixture, GINT_TO_POINTER (0), setup, test_tie_responder,
              teardown);
  add_scripts ("s5b-negotiation", tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The negotiation machine and time: candidates that come late, on either side, what
 * must be acknowledged before an error, and peers that must not hear one.
 */
#include "s5b-script.h"
#include "s5b/timers.h"

/* Gathered @late or not, offered, answered, started; the peer has one candidate. */
static void
open_late (Fixture *f, FdS5bRules rules, FdS5bCandidate theirs)
{
  again (f, rules);
  if (!rules.initiator)
    remote (f, theirs);
  feed (f, FD_S5B_EV_GATHER, NULL);
  local (f, DIRECT ("l", 5));
  pass (f, 1500);
  expect (f, "ready");
  g_assert_false (fd_s5b_negotiation_is_complete (f->n));
  if (rules.initiator)
    remote (f, theirs);
  feed (f, FD_S5B_EV_START, NULL);
  feed (f, FD_S5B_EV_ACKED, NULL);
  expect (f, "dial:r");
}

static void
test_is_complete (Fixture *f, gconstpointer initiator)
{
  feed (f, FD_S5B_EV_GATHER, NULL);
  local (f, DIRECT ("l", 5));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "ready");
  g_assert_true (fd_s5b_negotiation_is_complete (f->n));
}

/* No candidate by transport-info to a peer that may not take it. */
static void
test_no_trickle_out (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL }, DIRECT ("r", 5));
  local (f, PROXY ("p", 4));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "");
  g_assert_false (notify (f, FD_S5B_CANDIDATE_USED, "p")); /* it cannot know that one */
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "error: failed:no-path"); /* and nothing is waited for */
}

static void
test_trickle_out (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL, .trickle = TRUE }, DIRECT ("r", 5));
  local (f, PROXY ("p", 4));
  expect (f, "candidates:p");
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, ""); /* no mark for it */
  notify (f, FD_S5B_CANDIDATE_USED, "p");
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  expect (f, ""); /* not before it is acknowledged */
  feed (f, FD_S5B_EV_ACKED, NULL);
  expect (f, "error: activate:p");
}

/* Only iris leaves out the jid, and it takes candidates at any time. */
static void
test_trickle_to_iris (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL }, NO_JID ("r", 5));
  local (f, PROXY ("p", 4));
  expect (f, "candidates:p");
}

/* What was found before the start waits for it: before the accept there is no
 * transport that could take it. */
static void
test_late_before_start (Fixture *f, gconstpointer initiator)
{
  again (f, (FdS5bRules){ .initiator = initiator != NULL, .trickle = TRUE, .mark = TRUE });
  feed (f, FD_S5B_EV_GATHER, NULL);
  pass (f, 1500);
  local (f, PROXY ("p", 4));
  local (f, PROXY ("q", 3));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "ready");
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "candidates:p candidates:q!");
}

static void
test_mark_alone (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL, .mark = TRUE }, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "candidates:!");
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "");
}

/* The mark is in the offer: nothing more. */
static void
test_mark_in_offer (Fixture *f, gconstpointer initiator)
{
  again (f, (FdS5bRules){ .initiator = initiator != NULL, .mark = TRUE });
  feed (f, FD_S5B_EV_GATHER, NULL);
  feed (f, FD_S5B_EV_GATHERED, NULL);
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "ready");
}

/* A responder marks if the offer does, whatever else is known of the peer. */
static void
test_mark_follows_offer (Fixture *f, gconstpointer initiator)
{
  for (FdS5bEventType event = FD_S5B_EV_REMOTE_FOLLOW; event <= FD_S5B_EV_REMOTE_DONE; event++)
    {
      again (f, (FdS5bRules){ .initiator = initiator != NULL });
      remote (f, DIRECT ("r", 5));
      feed (f, event, NULL);
      feed (f, FD_S5B_EV_GATHER, NULL);
      pass (f, 1500);
      feed (f, FD_S5B_EV_START, NULL);
      feed (f, FD_S5B_EV_GATHERED, NULL);
      expect (f, initiator ? "ready dial:r" : "ready dial:r candidates:!");
    }
}

/* Once something works nothing late is needed, but the peer may wait for the end. */
static void
test_used_ends_gathering (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL, .mark = TRUE }, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_DIALED, "r");
  expect (f, "used:r candidates:!");
  local (f, PROXY ("p", 4));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "");
}

/* No error before ours are all out and there. */
static void
test_error_waits_for_ack (Fixture *f, gconstpointer initiator)
{
  again (f, (FdS5bRules){ .initiator = FALSE });
  remote (f, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_GATHER, NULL);
  feed (f, FD_S5B_EV_GATHERED, NULL);
  feed (f, FD_S5B_EV_START, NULL);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "ready dial:r");
  feed (f, FD_S5B_EV_ACKED, NULL);
  expect (f, "error: failed:no-path");
}

/* The answer proves that the initiator's offer is there, its receipt may be late. */
static void
test_answer_is_receipt (Fixture *f, gconstpointer initiator)
{
  again (f, (FdS5bRules){ .initiator = TRUE, .trickle = TRUE });
  feed (f, FD_S5B_EV_GATHER, NULL);
  pass (f, 1500);
  remote (f, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_START, NULL);
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  expect (f, "ready dial:r");
  local (f, PROXY ("p", 4));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "candidates:p");
  feed (f, FD_S5B_EV_ACKED, NULL); /* of the offer */
  pass (f, 5000);
  expect (f, "");
  feed (f, FD_S5B_EV_ACKED, NULL);
  expect (f, "error:");
}

static void
test_error_waits_for_gathering (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL, .trickle = TRUE }, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "");
  local (f, PROXY ("p", 4));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  feed (f, FD_S5B_EV_ACKED, NULL);
  expect (f, "candidates:p"); /* that voids the peer's error: it may use this one */
  pass (f, 4000);
  expect (f, "error:");
  notify (f, FD_S5B_CANDIDATE_USED, "p");
  expect (f, "activate:p");
}

/* An error that crossed our late candidate was said without it. */
static void
test_error_crosses_candidate (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL, .trickle = TRUE }, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  local (f, PROXY ("p", 4));
  feed (f, FD_S5B_EV_GATHERED, NULL);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  feed (f, FD_S5B_EV_ACKED, NULL);
  pass (f, 4000);
  expect (f, "candidates:p error:");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL); /* said again: it counts */
  expect (f, "failed:no-path");
}

/* The peer gets time for what it learns late. */
static void
test_late_extends_peer_time (Fixture *f, gconstpointer initiator)
{
  open_late (f, (FdS5bRules){ .initiator = initiator != NULL, .trickle = TRUE }, DIRECT ("r", 5));
  feed (f, FD_S5B_EV_DIAL_FAILED, "r");
  pass (f, 19000);
  local (f, PROXY ("p", 4));
  feed (f, FD_S5B_EV_ACKED, NULL);
  feed (f, FD_S5B_EV_GATHERED, NULL);
  expect (f, "candidates:p error:");
  pass (f, 9999);
  expect (f, "");
  pass (f, 1);
  expect (f, "failed:no-path");
}

static void
test_hold (Fixture *f, gconstpointer data)
{
  start_one_each (f, NO_JID ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 2000);
  expect (f, "");
  remote (f, PROXY ("p", 1)); /* as iris does, after its answer */
  expect (f, "dial:p");
  feed (f, FD_S5B_EV_DIALED, "p");
  expect (f, "used:p");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  notify (f, FD_S5B_ACTIVATED, "p");
  expect (f, "connected:dialed:p");
}

static void
test_hold_end (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 1000);
  expect (f, "");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "error: failed:no-path");
}

static void
test_eoc (Fixture *f, gconstpointer initiator)
{
  /* Seen: no wait. */
  feed (f, FD_S5B_EV_REMOTE_DONE, NULL);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  expect (f, "error:");

  /* Promised, not seen: no error, not even on the peer's. */
  again (f, (FdS5bRules){ .initiator = initiator != NULL });
  feed (f, FD_S5B_EV_REMOTE_FOLLOW, NULL);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 8000);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "");
  remote (f, DIRECT ("s", 4));
  feed (f, FD_S5B_EV_REMOTE_DONE, NULL);
  expect (f, "dial:s");
  feed (f, FD_S5B_EV_DIAL_FAILED, "s");
  expect (f, "error: failed:no-path");
}

static void
test_used_after_error (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 4000);
  expect (f, "error:");
  remote (f, DIRECT ("late", 5));
  expect (f, "dial:late");
  feed (f, FD_S5B_EV_DIALED, "late");
  expect (f, "used:late");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "connected:dialed:late");
}

/* But not when the peer has decided on our error: it would not listen any more. */
static void
test_no_used_after_decision (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error:");
  remote (f, DIRECT ("late", 9));
  expect (f, "");
  feed (f, FD_S5B_EV_INCOMING, "l");
  expect (f, "connected:incoming:l");
}

/* A peer that ends the session over two errors. */
static void
test_withhold (Fixture *f, gconstpointer initiator)
{
  const FdS5bRules rules = { .initiator = initiator != NULL, .error = FD_S5B_ERROR_NEVER };

  again (f, rules);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 19999);
  expect (f, "");
  pass (f, 1);
  expect (f, "failed:no-path");

  again (f, rules);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "failed:no-path");
  g_assert_false (has_row (f, 11));
  g_assert_true (has_row (f, 18));
}

static void
test_withhold_used (Fixture *f, gconstpointer initiator)
{
  const FdS5bRules rules = { .initiator = initiator != NULL, .error = FD_S5B_ERROR_NEVER };

  again (f, rules);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  feed (f, FD_S5B_EV_INCOMING, "l");
  notify (f, FD_S5B_CANDIDATE_USED, "l");
  expect (f, "error: connected:incoming:l");

  again (f, rules);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), TRUE);
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "used:r connected:dialed:r");
}

/* iris as initiator: its own error first. */
static void
test_error_second (Fixture *f, gconstpointer initiator)
{
  const FdS5bRules rules = { .initiator = initiator != NULL, .error = FD_S5B_ERROR_SECOND };

  again (f, rules);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, FD_T_HOLD);
  expect (f, "");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "error: failed:no-path");

  again (f, rules);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, FD_T_PEER_MIN);
  expect (f, "failed:no-path");
}

static const Script tests[] = {
  { "is-complete", test_is_complete },
  { "no-trickle-out", test_no_trickle_out },
  { "trickle-out", test_trickle_out },
  { "trickle-to-iris", test_trickle_to_iris },
  { "late-before-start", test_late_before_start },
  { "mark-alone", test_mark_alone },
  { "mark-in-offer", test_mark_in_offer },
  { "mark-follows-offer", test_mark_follows_offer },
  { "used-ends-gathering", test_used_ends_gathering },
  { "error-waits-for-ack", test_error_waits_for_ack },
  { "answer-is-receipt", test_answer_is_receipt },
  { "error-waits-for-gathering", test_error_waits_for_gathering },
  { "error-crosses-candidate", test_error_crosses_candidate },
  { "late-extends-peer-time", test_late_extends_peer_time },
  { "hold", test_hold },
  { "hold-end", test_hold_end },
  { "eoc", test_eoc },
  { "used-after-error", test_used_after_error },
  { "no-used-after-decision", test_no_used_after_decision },
  { "withhold", test_withhold },
  { "withhold-used", test_withhold_used },
  { "error-second", test_error_second },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_scripts ("s5b-trickle", tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}

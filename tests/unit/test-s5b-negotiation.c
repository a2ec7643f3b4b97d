/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The negotiation machine alone, by scripts: an event, and the actions that
 * must follow it, on a virtual clock.
 */
#include "s5b/negotiation.h"

#define DIRECT(name, prio) \
  (FdS5bCandidate) \
  { \
    .cid = (char *) name, .priority = prio, .type = FD_S5B_DIRECT \
  }
#define PROXY(name, prio) \
  (FdS5bCandidate) \
  { \
    .cid = (char *) name, .priority = prio, .type = FD_S5B_PROXY \
  }

static const char *const kind_names[] = { "candidates", "used", "error", "activated", "proxy-error" };
static const char *const source_names[] = { "dialed", "incoming", "activated" };
static const char *const failure_names[]
  = { "no-path", "peer-proxy-error", "activation", "act-timeout", "closed" };

typedef struct
{
  FdS5bNegotiation *n;
  gint64 now;
} Fixture;

static void
setup (Fixture *f, gconstpointer initiator)
{
  f->n = fd_s5b_negotiation_new (initiator != NULL, FALSE);
  f->now = G_GINT64_CONSTANT (1000000000);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  fd_s5b_negotiation_free (f->n);
}

static char *
action_text (const FdS5bAction *action)
{
  switch (action->type)
    {
    case FD_S5B_DO_READY:
      return g_strdup ("ready");
    case FD_S5B_DO_DIAL:
      return g_strdup_printf ("dial:%s", action->cid);
    case FD_S5B_DO_UNDIAL:
      return g_strdup_printf ("undial:%s", action->cid);
    case FD_S5B_DO_SEND:
      return g_strdup_printf ("%s:%s", kind_names[action->kind], action->cid ? action->cid : "");
    case FD_S5B_DO_ACTIVATE:
      return g_strdup_printf ("activate:%s", action->cid);
    case FD_S5B_DO_CONNECTED:
      return g_strdup_printf ("connected:%s:%s", source_names[action->source], action->cid);
    case FD_S5B_DO_FAILED:
      return g_strdup_printf ("failed:%s", failure_names[action->failure]);
    default:
      g_assert_not_reached ();
    }
}

/* What the machine wants done now, in one line. */
static void
expect (Fixture *f, const char *wanted)
{
  g_autoptr (GString) got = g_string_new (NULL);
  FdS5bAction *next;

  while ((next = fd_s5b_negotiation_next (f->n)))
    {
      g_autoptr (FdS5bAction) action = next;
      g_autofree char *text = action_text (action);

      g_string_append_printf (got, "%s%s", got->len > 0 ? " " : "", text);
    }
  g_assert_cmpstr (got->str, ==, wanted);
}

static void
feed (Fixture *f, FdS5bEventType type, const char *cid)
{
  const FdS5bEvent event = { .type = type, .cid = cid };

  g_assert_true (fd_s5b_negotiation_feed (f->n, &event, f->now));
}

static void
local (Fixture *f, FdS5bCandidate candidate)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_LOCAL, .candidate = &candidate };

  fd_s5b_negotiation_feed (f->n, &event, f->now);
}

static void
remote (Fixture *f, FdS5bCandidate candidate)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_REMOTE, .candidate = &candidate };

  fd_s5b_negotiation_feed (f->n, &event, f->now);
}

static gboolean
notify (Fixture *f, FdS5bKind kind, const char *cid)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_NOTIFIED, .kind = kind, .cid = cid };

  return fd_s5b_negotiation_feed (f->n, &event, f->now);
}

/* Lets @ms pass, with a time event for each deadline on the way. */
static void
pass (Fixture *f, gint64 ms)
{
  gint64 until = f->now + ms * 1000;

  while (fd_s5b_negotiation_deadline (f->n) <= until)
    {
      f->now = MAX (f->now, fd_s5b_negotiation_deadline (f->n));
      feed (f, FD_S5B_EV_TIME, NULL);
    }
  f->now = until;
}

/* One candidate each, started, ours (if @dialed) reached. */
static void
start_one_each (Fixture *f, FdS5bCandidate ours, FdS5bCandidate theirs, gboolean dialed)
{
  local (f, ours);
  remote (f, theirs);
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "dial:r");
  feed (f, dialed ? FD_S5B_EV_DIALED : FD_S5B_EV_DIAL_FAILED, "r");
}

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
test_nominate_dialed (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), TRUE);
  expect (f, "used:r");
  notify (f, FD_S5B_CANDIDATE_ERROR, NULL);
  expect (f, "connected:dialed:r");
  g_assert_cmpint (fd_s5b_negotiation_get_state (f->n), ==, FD_S5B_CONNECTED);
  g_assert_cmpint (fd_s5b_negotiation_deadline (f->n), ==, G_MAXINT64);
}

static void
test_nominate_incoming (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  expect (f, "");
  feed (f, FD_S5B_EV_INCOMING, "l");
  g_assert_true (notify (f, FD_S5B_CANDIDATE_USED, "l"));
  expect (f, "error: connected:incoming:l");
}

/* Both used, crossing on the way: the higher priority, a tie to the initiator. */
static void
test_both_used (Fixture *f, gconstpointer initiator)
{
  static const struct
  {
    guint32 local, remote;
    const char *wanted_as_initiator, *wanted_as_responder;
  } cases[] = {
    { 7, 5, "connected:incoming:l", "connected:incoming:l" },
    { 5, 7, "connected:dialed:r", "connected:dialed:r" },
    { 5, 5, "connected:dialed:r", "connected:incoming:l" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture g;

      setup (&g, initiator);
      start_one_each (&g, DIRECT ("l", cases[i].local), DIRECT ("r", cases[i].remote), TRUE);
      expect (&g, "used:r");
      feed (&g, FD_S5B_EV_INCOMING, "l");
      notify (&g, FD_S5B_CANDIDATE_USED, "l");
      expect (&g, initiator ? cases[i].wanted_as_initiator : cases[i].wanted_as_responder);
      teardown (&g, NULL);
    }
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
test_hold (Fixture *f, gconstpointer data)
{
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 2000);
  expect (f, "");
  remote (f, PROXY ("p", 1)); /* trickled, as iris does */
  expect (f, "dial:p");
  feed (f, FD_S5B_EV_DIALED, "p");
  expect (f, "used:p");
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
  fd_s5b_negotiation_free (f->n);
  f->n = fd_s5b_negotiation_new (TRUE, TRUE);
  start_one_each (f, DIRECT ("l", 5), DIRECT ("r", 5), FALSE);
  pass (f, 10000);
  expect (f, "");
  pass (f, 10000); /* the peer is silent for good */
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
test_unknown_cid (Fixture *f, gconstpointer data)
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
test_used_without_socket (Fixture *f, gconstpointer data)
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
  pass (f, 1900);
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
  pass (f, 2100);
  expect (f, "proxy-error:r failed:closed");
}

static void
test_peer_proxy_timeout (Fixture *f, gconstpointer data)
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
test_late_is_harmless (Fixture *f, gconstpointer data)
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

static const struct
{
  const char *name;
  void (*run) (Fixture *f, gconstpointer data);
} tests[] = {
  { "gather", test_gather },
  { "gathered", test_gathered },
  { "nominate-dialed", test_nominate_dialed },
  { "nominate-incoming", test_nominate_incoming },
  { "both-used", test_both_used },
  { "both-error", test_both_error },
  { "stagger", test_stagger },
  { "proxy-at-once", test_proxy_at_once },
  { "better-wins", test_better_wins },
  { "better-too-late", test_better_too_late },
  { "peer-took-proxy", test_peer_took_proxy },
  { "hold", test_hold },
  { "hold-ends", test_hold_ends },
  { "nothing-offered", test_nothing_offered },
  { "mark-ends-hold", test_mark_ends_hold },
  { "mark-expected", test_mark_expected },
  { "used-after-error", test_used_after_error },
  { "peer-used-after-error", test_peer_used_after_error },
  { "unknown-cid", test_unknown_cid },
  { "used-without-socket", test_used_without_socket },
  { "used-socket-in-time", test_used_socket_in_time },
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
  { "peer-proxy-timeout", test_peer_proxy_timeout },
  { "silent-relay", test_silent_relay },
  { "silent-direct", test_silent_direct },
  { "silent-mute-dials", test_silent_mute_dials },
  { "late-is-harmless", test_late_is_harmless },
  { "too-many-remotes", test_too_many_remotes },
};

/* Every script runs as either party; where that matters it looks. */
int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      for (int initiator = 0; initiator < 2; initiator++)
        {
          g_autofree char *path = g_strdup_printf ("/s5b-negotiation/%s/%s",
                                                   initiator ? "initiator" : "responder", tests[i].name);

          g_test_add (path, Fixture, GINT_TO_POINTER (initiator), setup, tests[i].run, teardown);
        }
    }
  return g_test_run ();
}

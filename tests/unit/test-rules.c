/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pure rules of the model: whose turn it is, what is taken, how fast it goes.
 */
#include "base/error.h"
#include "core/manager.h"
#include "core/policy.h"
#include "core/queue.h"
#include "core/rate.h"
#include "core/transfer-private.h"

#include <string.h>

/* --- queue --- */

/* One letter per transfer: its kind, then the peer. r ready, o open, b busy,
 * i idle; capitals are incoming. Expected: '+' starts. */
typedef struct
{
  const char *kinds;
  const char *peers;
  guint slots;
  const char *expected;
} QueueRow;

static const QueueRow queue_rows[] = {
  { "rrr", "abc", 4, "+++" },       { "rrr", "abc", 2, "++-" }, { "brr", "abc", 2, "-+-" },
  { "Brr", "abc", 2, "-+-" }, /* receiving takes slots as well */
  { "rrrr", "aaaa", 9, "+++-" }, /* three for one peer */
  { "rrrrr", "aaaab", 9, "+++-+" }, /* the others do not wait for it */
  { "oorr", "aaaa", 9, "--+-" }, /* offers count for their peer … */
  { "oobr", "aaaa", 9, "----" },    { "orr", "abc", 2, "-++" }, /* … but take no slot */
  { "BBBr", "aaaa", 9, "---+" }, /* what a peer sends does not keep us from sending */
  { "iir", "aaa", 1, "--+" },       { "r", "a", 0, "-" },       { "", "", 4, "" },
};

static void
test_queue (void)
{
  for (guint row = 0; row < G_N_ELEMENTS (queue_rows); row++)
    {
      const QueueRow *r = &queue_rows[row];
      guint n = strlen (r->kinds);
      FdQueueItem items[8] = { 0 };
      gboolean start[8];
      char peers[8][2] = { 0 };
      g_autofree char *found = g_strdup (r->expected);

      for (guint i = 0; i < n; i++)
        {
          peers[i][0] = r->peers[i];
          items[i].kind = strchr ("iIrRoObB", r->kinds[i]) - "iIrRoObB";
          items[i].kind /= 2;
          items[i].incoming = g_ascii_isupper (r->kinds[i]);
          items[i].peer = peers[i];
        }
      fd_queue_select (items, n, r->slots, FD_MAX_ACTIVE, start);
      for (guint i = 0; i < n; i++)
        found[i] = start[i] ? '+' : '-';
      g_assert_cmpstr (found, ==, r->expected);
    }
}

static void
test_queue_accounts (void)
{
  int accounts[2];
  FdQueueItem items[4] = { 0 };
  gboolean start[4];

  for (guint i = 0; i < 4; i++)
    items[i] = (FdQueueItem){ .kind = FD_QUEUE_READY, .account = &accounts[i == 3], .peer = "a" };
  items[0].kind = items[1].kind = FD_QUEUE_OPEN;
  fd_queue_select (items, 4, 9, FD_MAX_ACTIVE, start);
  g_assert_true (start[2]);
  g_assert_true (start[3]); /* the same JID seen from another account is another peer */
}

/* Who sends much does not keep others waiting: one each, then the second of each. */
static void
test_queue_fair (void)
{
  FdQueueItem items[6] = { 0 };
  gboolean start[6];

  for (guint i = 0; i < 6; i++)
    items[i] = (FdQueueItem){ .kind = FD_QUEUE_READY,
                              .peer = i < 4    ? "a"
                                      : i == 4 ? "b"
                                               : "c",
                              .batch = "all" };
  fd_queue_select (items, 6, 4, FD_MAX_ACTIVE, start);
  g_assert_true (start[0] && start[1] && start[4] && start[5]);
  g_assert_false (start[2] || start[3]);

  items[0].kind = items[1].kind = FD_QUEUE_BUSY;
  fd_queue_select (items, 6, 4, FD_MAX_ACTIVE, start);
  g_assert_true (start[4] && start[5]);
}

/* Each owner has slots of his own, and a part of what there can be at most. */
static void
test_queue_owners (void)
{
  FdQueueItem items[2 * FD_MAX_ACTIVE];
  gboolean start[G_N_ELEMENTS (items)];
  g_autoptr (GPtrArray) peers = g_ptr_array_new_with_free_func (g_free);
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      g_ptr_array_add (peers, g_strdup_printf ("p%u", i));
      items[i] = (FdQueueItem){ .kind = FD_QUEUE_READY, .peer = peers->pdata[i], .owner = i >= 10 };
    }
  fd_queue_select (items, 20, 2, FD_MAX_ACTIVE, start);
  g_assert_true (start[0] && start[1] && start[10] && start[11]);
  g_assert_false (start[2] || start[12]);

  items[0].kind = items[1].kind = FD_QUEUE_OPEN;
  fd_queue_select (items, 20, 9, 3, start);
  g_assert_true (start[2] && start[10] && start[11] && start[12]);
  g_assert_false (start[3] || start[13]);

  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    items[i] = (FdQueueItem){ .kind = FD_QUEUE_READY, .peer = peers->pdata[i], .owner = i / 4 };
  fd_queue_select (items, G_N_ELEMENTS (items), 4, FD_MAX_ACTIVE, start);
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    n += start[i];
  g_assert_cmpuint (n, ==, FD_MAX_ACTIVE);
}

static void
test_queue_begun (void)
{
  FdQueueItem items[3] = { 0 };
  gboolean start[3];

  for (guint i = 0; i < 3; i++)
    items[i] = (FdQueueItem){ .kind = FD_QUEUE_READY, .peer = "a", .begun = i == 2 };
  fd_queue_select (items, 3, 1, FD_MAX_ACTIVE, start);
  g_assert_true (start[2] && !start[0] && !start[1]);
}

static void
test_queue_account_slots (void)
{
  int accounts[2];
  FdQueueItem items[4] = { 0 };
  gboolean start[4];

  for (guint i = 0; i < 4; i++)
    items[i] = (FdQueueItem){
      .kind = FD_QUEUE_READY, .account = &accounts[i == 3], .account_slots = i == 3 ? 0 : 2, .peer = "a"
    };
  items[0].kind = FD_QUEUE_BUSY;
  items[0].incoming = TRUE;
  fd_queue_select (items, 4, 9, FD_MAX_ACTIVE, start);
  g_assert_true (start[1] && !start[2] && start[3]);
}

/* What can only go through the server waits for what does, and nothing else waits for it. */
static void
test_queue_in_band (void)
{
  int account;
  FdQueueItem items[4] = { 0 };
  gboolean start[4];

  for (guint i = 0; i < 4; i++)
    items[i] = (FdQueueItem){ .kind = FD_QUEUE_READY, .account = &account, .in_band = i < 3, .peer = "a" };
  fd_queue_select (items, 4, 9, FD_MAX_ACTIVE, start);
  g_assert_true (start[0] && !start[1] && !start[2] && start[3]);
  items[0].kind = FD_QUEUE_BUSY;
  fd_queue_select (items, 4, 9, FD_MAX_ACTIVE, start);
  g_assert_true (!start[1] && !start[2] && start[3]);
}

/* One letter per transfer, all to one peer: r ready, o open, s open and shared;
 * and its batch, '-' for none. */
static const struct
{
  const char *kinds;
  const char *batches;
  const char *expected;
} batch_rows[] = {
  { "rrrrr", "aaaaa", "+++--" }, /* it is not known yet whether the peer takes several */
  { "srrrr", "aaaaa", "-++++" }, /* now it is: they join */
  { "orrrr", "aaaaa", "-++--" }, /* and now that it does not */
  { "sssrr", "abca-", "---+-" }, /* three sessions, with room in the first */
  { "sssrr", "aaaab", "---++" }, /* three files are one session */
  { "ssrrr", "aa-b-", "--++-" }, { "ooorr", "-a-aa", "-----" }, { "ssrsr", "aabbb", "--+-+" },
};

static void
test_queue_batches (void)
{
  for (guint row = 0; row < G_N_ELEMENTS (batch_rows); row++)
    {
      FdQueueItem items[8] = { 0 };
      gboolean start[8];
      char batches[8][2] = { 0 };
      g_autofree char *found = g_strdup (batch_rows[row].expected);
      guint n = strlen (found);

      for (guint i = 0; i < n; i++)
        {
          char kind = batch_rows[row].kinds[i];

          batches[i][0] = batch_rows[row].batches[i] == '-' ? '\0' : batch_rows[row].batches[i];
          items[i] = (FdQueueItem){ .kind = kind == 'r' ? FD_QUEUE_READY : FD_QUEUE_OPEN,
                                    .peer = "p",
                                    .batch = batches[i],
                                    .shared = kind == 's' };
        }
      fd_queue_select (items, n, 9, FD_MAX_ACTIVE, start);
      for (guint i = 0; i < n; i++)
        found[i] = start[i] ? '+' : '-';
      g_assert_cmpstr (found, ==, batch_rows[row].expected);
    }
}

/* A session takes only so many, and a new one is not opened for the rest. */
static void
test_queue_session_limit (void)
{
  enum
  {
    MANY = FD_QUEUE_PER_SESSION + 4
  };
  FdQueueItem items[MANY];
  gboolean start[MANY];
  guint n = 0;

  for (guint i = 0; i < MANY; i++)
    items[i] = (FdQueueItem){
      .kind = i ? FD_QUEUE_READY : FD_QUEUE_OPEN, .peer = "p", .batch = "b", .shared = i == 0
    };
  fd_queue_select (items, MANY, 64, FD_MAX_ACTIVE, start);
  for (guint i = 0; i < MANY; i++)
    n += start[i];
  g_assert_cmpuint (n, ==, FD_QUEUE_PER_SESSION - 1);
}

/* Offers that nobody answers must not become more than can run at once. */
static void
test_queue_open_limit (void)
{
  FdQueueItem items[70];
  gboolean start[70];
  char peers[70][8];
  guint n = 0;

  for (guint i = 0; i < 70; i++)
    {
      g_snprintf (peers[i], sizeof peers[i], "p%u", i);
      items[i] = (FdQueueItem){ .kind = i < 62 ? FD_QUEUE_OPEN : FD_QUEUE_READY, .peer = peers[i] };
    }
  fd_queue_select (items, 70, 64, FD_MAX_ACTIVE, start);
  for (guint i = 0; i < 70; i++)
    n += start[i];
  g_assert_cmpuint (n, ==, 2);
}

/* --- policy --- */

static char bob[] = "bob@example.org";

static void
test_policy_incoming (void)
{
  static const struct
  {
    FdIncomingFacts facts;
    const char *reason;
  } rows[] = {
    { { 0 }, NULL },
    { { .pending_from_peer = 31, .pending = 127, .transfers = 1023 }, NULL },
    { { .pending_from_peer = 32 }, "busy" },
    { { .withdrawn_by_peer = 63 }, NULL },
    { { .withdrawn_by_peer = 64 }, "busy" },
    { { .pending = 128 }, "busy" },
    { { .transfers = 1024 }, "busy" },
    { { .stranger = TRUE, .pending_of_strangers = 31 }, NULL },
    { { .stranger = TRUE, .pending_of_strangers = 32 }, "busy" },
    { { .pending_of_strangers = 32 }, NULL },
    { { .stopping = TRUE }, "gone" },
    { { .shared = TRUE, .pending = 31, .transfers = 1023, .transfers_of_owner = 255 }, NULL },
    { { .shared = TRUE, .pending = 32 }, "busy" },
    { { .shared = TRUE, .transfers_of_owner = 256 }, "busy" },
    { { .shared = TRUE, .stranger = TRUE, .pending_of_strangers = 8 }, "busy" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (fd_policy_incoming (&rows[i].facts), ==, rows[i].reason);
}

static void
test_policy_strangers (void)
{
  static const struct
  {
    FdStrangers strangers;
    gboolean accept_from_strangers;
    gboolean admitted;
  } rows[] = {
    { FD_STRANGERS_DEFAULT, FALSE, FALSE }, { FD_STRANGERS_DEFAULT, TRUE, TRUE },
    { FD_STRANGERS_DECLINE, FALSE, FALSE }, { FD_STRANGERS_DECLINE, TRUE, FALSE },
    { FD_STRANGERS_HOLD, FALSE, TRUE },     { FD_STRANGERS_HOLD, TRUE, TRUE },
  };
  FdAccountConfig account = { .auto_accept = (char *[]){ bob, NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      account.strangers = rows[i].strangers;
      g_assert_cmpint (fd_policy_admits (&account, "eve@example.org", FALSE, rows[i].accept_from_strangers),
                       ==, rows[i].admitted);
      g_assert_true (fd_policy_admits (&account, "eve@example.org", TRUE, rows[i].accept_from_strangers));
      g_assert_true (fd_policy_admits (&account, bob, FALSE, rows[i].accept_from_strangers));
    }
}

static void
test_policy_outgoing (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (fd_policy_outgoing (FD_MAX_TRANSFERS - 1, 1000, "", &error)); /* no sandbox, no share */
  g_assert_true (fd_policy_outgoing (300, FD_MAX_TRANSFERS_PER_APP - 1, "org.a.A", &error));
  g_assert_false (fd_policy_outgoing (FD_MAX_TRANSFERS, 0, "", &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&error);
  g_assert_false (fd_policy_outgoing (300, FD_MAX_TRANSFERS_PER_APP, "org.a.A", &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED);
}

static void
test_policy_paths (void)
{
  const FdAccountConfig account = { .id = (char *) "a" };
  const FdAccountConfig relay = { .id = (char *) "a", .relay_only = TRUE };
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (fd_policy_paths (&account, FD_PATH_ANY, TRUE), ==, FD_PATH_ANY);
  g_assert_cmpint (fd_policy_paths (&account, FD_PATH_NONE, TRUE), ==, FD_PATH_ANY);
  g_assert_cmpint (fd_policy_paths (&account, FD_PATH_ANY, FALSE), ==, FD_PATH_SOCKS5_PROXY | FD_PATH_IBB);
  g_assert_cmpint (fd_policy_paths (&account, FD_PATH_SOCKS5_DIRECT, FALSE), ==, FD_PATH_SOCKS5_DIRECT);
  g_assert_cmpint (fd_policy_paths (&account, FD_PATH_IBB, TRUE), ==, FD_PATH_IBB);
  g_assert_true (fd_policy_hides (&account, FD_PATH_NONE, FALSE));
  g_assert_true (fd_policy_hides (&account, FD_PATH_ANY, FALSE));
  g_assert_false (fd_policy_hides (&account, FD_PATH_NONE, TRUE));
  g_assert_false (fd_policy_hides (&account, FD_PATH_SOCKS5_PROXY, FALSE));
  g_assert_true (fd_policy_check_paths (&account, FD_PATH_SOCKS5_DIRECT, &error));

  g_assert_cmpint (fd_policy_paths (&relay, FD_PATH_NONE, TRUE), ==, FD_PATH_SOCKS5_PROXY | FD_PATH_IBB);
  g_assert_cmpint (fd_policy_paths (&relay, FD_PATH_SOCKS5_DIRECT | FD_PATH_IBB, TRUE), ==, FD_PATH_IBB);
  g_assert_true (fd_policy_hides (&relay, FD_PATH_SOCKS5_PROXY, TRUE));
  g_assert_true (fd_policy_check_paths (&relay, FD_PATH_NONE, &error));
  g_assert_false (fd_policy_check_paths (&relay, FD_PATH_SOCKS5_DIRECT, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
}

static void
test_policy_auto_accept (void)
{
  FdAccountConfig account = { .auto_accept = (char *[]){ bob, NULL } };

  g_assert_true (fd_policy_auto_accept (&account, bob, "a.jpg", 0));
  g_assert_true (fd_policy_auto_accept (&account, bob, "a.jpg", G_MAXINT64));
  g_assert_false (fd_policy_auto_accept (&account, "eve@example.org", "a.jpg", 5));
  g_assert_false (fd_policy_auto_accept (&account, bob, "a.jpg", -1));
  g_assert_false (fd_policy_auto_accept (&account, bob, "Setup.EXE", 5));
  g_assert_false (fd_policy_auto_accept (&account, bob, "photo.jpg.desktop", 5));
  g_assert_true (fd_policy_auto_accept (&account, bob, "exe", 5));
  account.auto_accept_max = 5;
  g_assert_true (fd_policy_auto_accept (&account, bob, "a.jpg", 5));
  g_assert_false (fd_policy_auto_accept (&account, bob, "a.jpg", 6));
}

/* --- rate --- */

static void
test_rate_steady (void)
{
  FdRate rate = { 0 };

  g_assert_cmpuint (fd_rate_get (&rate), ==, 0);
  for (guint i = 0; i <= 100; i++)
    fd_rate_add (&rate, i * G_USEC_PER_SEC / 10, i * 1000);
  g_assert_cmpuint (fd_rate_get (&rate), >=, 9900);
  g_assert_cmpuint (fd_rate_get (&rate), <=, 10100);
}

/* A burst, then nothing: after the window it is nothing. */
static void
test_rate_stalls (void)
{
  FdRate rate = { 0 };

  fd_rate_add (&rate, 0, 0);
  g_assert_cmpuint (fd_rate_get (&rate), ==, 0);
  fd_rate_add (&rate, G_USEC_PER_SEC, 5000);
  g_assert_cmpuint (fd_rate_get (&rate), ==, 5000);
  for (guint i = 2; i <= 9; i++)
    fd_rate_add (&rate, i * G_USEC_PER_SEC, 5000);
  g_assert_cmpuint (fd_rate_get (&rate), ==, 0);
}

/* Asked every microsecond or once a minute, it neither overflows nor divides by
 * nothing. */
static void
test_rate_odd_paces (void)
{
  FdRate fast = { 0 };
  FdRate slow = { 0 };

  for (guint i = 0; i < 10000; i++)
    fd_rate_add (&fast, i, i);
  g_assert_cmpuint (fast.n, <=, FD_RATE_SAMPLES);
  fd_rate_add (&slow, 0, 10);
  fd_rate_add (&slow, 0, 20);
  g_assert_cmpuint (fd_rate_get (&slow), ==, 0);
  fd_rate_add (&slow, 60 * G_USEC_PER_SEC, 60020);
  g_assert_cmpuint (fd_rate_get (&slow), >=, 1000);
  fd_rate_add (&slow, 120 * G_USEC_PER_SEC, 30); /* a restart goes back */
  g_assert_cmpuint (fd_rate_get (&slow), ==, 0);
}

/* --- ends --- */

static void
test_outcome (void)
{
  static const struct
  {
    FdOutcome outcome;
    FdEndedBy by;
    FdTransferState state;
    int code; /* -1: no error */
  } rows[] = {
    { FD_OUTCOME_DONE, FD_BY_NOBODY, FD_STATE_DONE, -1 },
    { FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_STATE_REJECTED, FD_ERROR_REJECTED },
    { FD_OUTCOME_REJECTED, FD_BY_LOCAL, FD_STATE_REJECTED, FD_ERROR_REJECTED },
    { FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_STATE_CANCELLED, FD_ERROR_CANCELLED },
    { FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_STATE_CANCELLED, FD_ERROR_REMOTE_CANCELLED },
    { FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_STATE_FAILED, FD_ERROR_FAILED },
  };
  g_autoptr (GError) reason = g_error_new_literal (FD_ERROR, FD_ERROR_NO_TRANSPORT, "no way");
  g_autoptr (GError) kept = NULL;
  FdContentEnd failed = { .outcome = FD_OUTCOME_FAILED, .by = FD_BY_NETWORK, .error = reason };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      FdContentEnd end = { .outcome = rows[i].outcome, .by = rows[i].by };
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (fd_transfer_outcome (&end, &error), ==, rows[i].state);
      g_assert_cmpint (error ? error->code : -1, ==, rows[i].code);
    }
  g_assert_cmpint (fd_transfer_outcome (&failed, &kept), ==, FD_STATE_FAILED);
  g_assert_error (kept, FD_ERROR, FD_ERROR_NO_TRANSPORT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/queue/table", test_queue);
  g_test_add_func ("/queue/accounts", test_queue_accounts);
  g_test_add_func ("/queue/fair", test_queue_fair);
  g_test_add_func ("/queue/begun", test_queue_begun);
  g_test_add_func ("/queue/owners", test_queue_owners);
  g_test_add_func ("/queue/account-slots", test_queue_account_slots);
  g_test_add_func ("/queue/in-band", test_queue_in_band);
  g_test_add_func ("/queue/batches", test_queue_batches);
  g_test_add_func ("/queue/session-limit", test_queue_session_limit);
  g_test_add_func ("/queue/open-limit", test_queue_open_limit);
  g_test_add_func ("/policy/incoming", test_policy_incoming);
  g_test_add_func ("/policy/strangers", test_policy_strangers);
  g_test_add_func ("/policy/outgoing", test_policy_outgoing);
  g_test_add_func ("/policy/paths", test_policy_paths);
  g_test_add_func ("/policy/auto-accept", test_policy_auto_accept);
  g_test_add_func ("/rate/steady", test_rate_steady);
  g_test_add_func ("/rate/stalls", test_rate_stalls);
  g_test_add_func ("/rate/odd-paces", test_rate_odd_paces);
  g_test_add_func ("/transfer/outcome", test_outcome);
  return g_test_run ();
}

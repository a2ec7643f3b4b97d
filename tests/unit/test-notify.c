/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is due for transfers, and what notifications say.
 */
#include "notify/words.h"

#include <locale.h>

static const NtfPeer bob = { .name = (char *) "Bob" };

static void
set (char **text, const char *value)
{
  g_free (*text);
  *text = g_strdup (value);
}

/* Adds a waiting offer; the caller has no reference. */
static NtfTransfer *
add_offer (NtfGroup **group, guint id, const char *name)
{
  NtfTransfer *transfer = ntf_transfer_new (NULL);

  transfer->id = id;
  transfer->incoming = TRUE;
  transfer->size = 1000;
  ntf_transfer_set_state (transfer, FARDEL_STATE_OFFERED);
  set (&transfer->name, name);
  set (&transfer->batch, "b1");
  set (&transfer->account, "/a");
  set (&transfer->peer, "bob@example.net/desk");
  if (!*group)
    *group = ntf_group_new (transfer);
  g_assert_true (ntf_group_fits (*group, transfer));
  ntf_group_add (*group, transfer);
  ntf_transfer_unref (transfer);
  return transfer;
}

static void
finish (NtfTransfer *transfer)
{
  set (&transfer->local_path, "/home/me/file");
  ntf_transfer_set_state (transfer, FARDEL_STATE_DONE);
  transfer->transferred = 1000;
}

static void
assert_actions (const NtfNote *note, const char *keys)
{
  GString *found = g_string_new (NULL);

  for (guint i = 0; i < note->actions->len; i += 2)
    g_string_append_printf (found, "%s ", (const char *) note->actions->pdata[i]);
  g_assert_cmpstr (found->str, ==, keys);
  g_string_free (found, TRUE);
}

static void
assert_same (NtfNote *note, const char *summary, const char *body, const char *actions)
{
  g_assert_cmpstr (note->summary, ==, summary);
  g_assert_cmpstr (note->body, ==, body);
  assert_actions (note, actions);
  ntf_note_free (note);
}

static void
test_offer (void)
{
  const NtfPeer stranger = { .name = (char *) "eve@example.net", .stranger = TRUE };
  NtfGroup *group = NULL;
  NtfTransfer *offer = add_offer (&group, 7, "a.jpg");

  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_OFFER);
  assert_same (ntf_words_offer (group, &bob, NTF_CAN_ACTIONS), "File from Bob", "a.jpg (1.0\u00a0kB)",
               "accept decline ");
  assert_same (ntf_words_offer (group, &bob, NTF_CAN_ACTIONS | NTF_CAN_SAVE_AS), "File from Bob",
               "a.jpg (1.0\u00a0kB)", "accept save-as decline ");
  set (&offer->description, "<b>hi\n\u202e\athere");
  offer->size = -1;
  assert_same (ntf_words_offer (group, &stranger, NTF_CAN_NOTHING), "File from eve@example.net",
               "a.jpg\n<b>hi   there\nThe sender is not one of your contacts.\n"
               "To answer: fardelctl accept 7, or fardelctl reject 7",
               "");
  group->problem = g_strdup ("The disk is full");
  set (&offer->description, "");
  assert_same (ntf_words_offer (group, &bob, NTF_CAN_ACTIONS), "File from Bob", "a.jpg\nThe disk is full",
               "accept decline ");
  ntf_group_free (group);
}

static void
test_batch (void)
{
  NtfGroup *group = NULL;
  NtfTransfer *members[4];

  for (guint i = 0; i < 4; i++)
    {
      const char name[] = { 'a' + i, '\0' };

      members[i] = add_offer (&group, i + 1, name);
    }
  assert_same (ntf_words_offer (group, &bob, NTF_CAN_ACTIONS | NTF_CAN_SAVE_AS), "4 files from Bob",
               "a (1.0\u00a0kB)\nb (1.0\u00a0kB)\nand 2 more", "accept decline ");
  finish (members[0]);
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_OFFER); /* the others wait still */
  assert_same (ntf_words_offer (group, &bob, NTF_CAN_ACTIONS), "3 files from Bob",
               "b (1.0\u00a0kB)\nc (1.0\u00a0kB)\nd (1.0\u00a0kB)", "accept decline ");

  finish (members[1]);
  finish (members[2]);
  ntf_transfer_set_state (members[3], FARDEL_STATE_ACTIVE);
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_NOTHING);
  ntf_transfer_set_state (members[3], FARDEL_STATE_FAILED);
  set (&members[3]->local_path, "/home/me/d");
  set (&members[3]->error, "It broke");
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_RESULT);
  assert_same (ntf_words_result (group, &bob, NTF_CAN_ACTIONS | NTF_CAN_OPEN), "3 of 4 files received",
               "a and 2 more from Bob\nd from Bob\nIt broke", "default show ");
  group->told = TRUE;
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_NOTHING);
  ntf_group_free (group);
}

static void
test_dismissed (void)
{
  NtfGroup *group = NULL;

  add_offer (&group, 1, "a");
  group->dismissed = TRUE;
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_NOTHING);
  g_assert_true (ntf_group_is_open (group));
  add_offer (&group, 2, "b");
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_OFFER);
  group->busy = 1; /* an answer is under way */
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_NOTHING);
  ntf_group_free (group);
}

/* How each end counts. */
static void
test_ends (void)
{
  static const struct
  {
    NtfTransfer transfer;
    NtfEnd end;
  } cases[] = {
    { { .state = FARDEL_STATE_DONE, .incoming = TRUE, .accepted = TRUE, .local_path = (char *) "/f" },
      NTF_END_DONE },
    /* into a descriptor */
    { { .state = FARDEL_STATE_DONE, .incoming = TRUE, .accepted = TRUE }, NTF_END_SILENT },
    /* withdrawn */
    { { .state = FARDEL_STATE_CANCELLED, .incoming = TRUE, .ended_by = (char *) "remote" }, NTF_END_SILENT },
    { { .state = FARDEL_STATE_REJECTED, .incoming = TRUE, .ended_by = (char *) "local" }, NTF_END_SILENT },
    { { .state = FARDEL_STATE_DONE }, NTF_END_SILENT },
    { { .state = FARDEL_STATE_CANCELLED, .ended_by = (char *) "local" }, NTF_END_SILENT },
    { { .state = FARDEL_STATE_REJECTED, .ended_by = (char *) "remote" }, NTF_END_FAILED },
    { { .state = FARDEL_STATE_FAILED, .ended_by = (char *) "network" }, NTF_END_FAILED },
    /* its program tells */
    { { .state = FARDEL_STATE_FAILED, .app_id = (char *) "org.app" }, NTF_END_SILENT },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      NtfTransfer transfer = cases[i].transfer;

      if (!transfer.local_path)
        transfer.local_path = (char *) "";
      if (!transfer.app_id)
        transfer.app_id = (char *) "";
      g_test_message ("%" G_GSIZE_FORMAT, i);
      g_assert_cmpint (ntf_group_get_end (&transfer), ==, cases[i].end);
    }
}

static void
test_accepted_then_cancelled_there (void)
{
  NtfGroup *group = NULL;
  NtfTransfer *transfer = add_offer (&group, 1, "a");

  set (&transfer->local_path, "/f");
  ntf_transfer_set_state (transfer, FARDEL_STATE_ACTIVE);
  ntf_transfer_set_state (transfer, FARDEL_STATE_CANCELLED);
  set (&transfer->ended_by, "remote");
  set (&transfer->error, "Bob cancelled");
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_RESULT);
  assert_same (ntf_words_result (group, &bob, NTF_CAN_ACTIONS), "File not received",
               "a from Bob\nBob cancelled", "");
  ntf_group_free (group);
}

static void
test_single_result (void)
{
  NtfGroup *group = NULL;

  finish (add_offer (&group, 1, "a"));
  assert_same (ntf_words_result (group, &bob, NTF_CAN_ACTIONS | NTF_CAN_OPEN), "File received", "a from Bob",
               "default open show ");
  assert_same (ntf_words_result (group, &bob, NTF_CAN_ACTIONS), "File received", "a from Bob",
               "default show ");
  assert_same (ntf_words_result (group, &bob, NTF_CAN_NOTHING), "File received", "a from Bob", "");
  ntf_group_free (group);
}

static void
test_daemon_lost (void)
{
  NtfGroup *group = NULL;
  NtfTransfer *running = add_offer (&group, 1, "a");

  add_offer (&group, 2, "b");
  ntf_transfer_set_state (running, FARDEL_STATE_ACTIVE);
  ntf_group_daemon_lost (group);
  g_assert_cmpint (ntf_group_get_due (group), ==, NTF_DUE_NOTHING);
  g_assert_cmpuint (ntf_group_count_waiting (group), ==, 0);
  g_assert_false (ntf_group_is_active (group));
  g_assert_true (ntf_group_is_open (group));
  ntf_group_free (group);
}

static void
test_progress (void)
{
  NtfGroup *group = NULL;
  NtfTransfer *first = add_offer (&group, 1, "a");
  NtfTransfer *second = add_offer (&group, 2, "b");
  g_autofree char *title = ntf_words_progress (group, &bob);
  NtfProgress progress;

  g_assert_cmpstr (title, ==, "Receiving a and 1 more from Bob");
  finish (first);
  ntf_transfer_set_state (second, FARDEL_STATE_ACTIVE);
  second->transferred = 250;
  second->rate = 10;
  ntf_group_get_progress (group, &progress);
  g_assert_cmpuint (progress.done, ==, 1250);
  g_assert_cmpuint (progress.total, ==, 2000);
  g_assert_cmpuint (progress.rate, ==, 10);
  g_assert_cmpuint (progress.files_done, ==, 1);
  second->size = -1;
  ntf_group_get_progress (group, &progress);
  g_assert_cmpuint (progress.total, ==, 0);
  ntf_group_free (group);
}

static void
test_strange_members (void)
{
  NtfGroup *group = NULL;
  NtfGroup *same = NULL;
  NtfTransfer *other = add_offer (&same, 2, "b");

  add_offer (&group, 1, "a");
  g_assert_true (ntf_group_fits (group, other));
  other->incoming = FALSE;
  g_assert_false (ntf_group_fits (group, other));
  other->incoming = TRUE;
  set (&other->peer, "eve@example.net/desk");
  g_assert_false (ntf_group_fits (group, other));
  set (&other->peer, "bob@example.net/phone");
  g_assert_true (ntf_group_fits (group, other));
  set (&other->account, "/b");
  g_assert_false (ntf_group_fits (group, other));
  set (&other->account, "/a");
  set (&other->batch, "");
  g_assert_false (ntf_group_fits (group, other));
  ntf_group_free (group);
  ntf_group_free (same);
}

static NtfNote *
account_note (FardelAccountStatus status, gboolean distrusts)
{
  NtfAccount account = { .id = (char *) "alice",
                         .jid = (char *) "a@x",
                         .error = (char *) "Why",
                         .status = status,
                         .distrusts = distrusts };

  return ntf_words_account (&account, NTF_CAN_ACTIONS);
}

static void
test_account (void)
{
  g_assert_null (account_note (FARDEL_ACCOUNT_STATUS_ONLINE, FALSE));
  g_assert_null (account_note (FARDEL_ACCOUNT_STATUS_CONNECTING, TRUE));
  g_assert_null (account_note (FARDEL_ACCOUNT_STATUS_WAITING, FALSE));
  assert_same (account_note (FARDEL_ACCOUNT_STATUS_WAITING_FOR_PASSWORD, FALSE), "a@x needs its password",
               "Why\nTo give it: fardelctl account password alice --save", "connect ");
  assert_same (account_note (FARDEL_ACCOUNT_STATUS_WAITING, TRUE), "The server of a@x is not trusted",
               "Why\nTo change its settings: fardelctl account update alice", "connect ");
  assert_same (account_note (FARDEL_ACCOUNT_STATUS_FAILED, FALSE), "a@x cannot connect",
               "Why\nTo change its settings: fardelctl account update alice", "connect ");
}

static void
test_lines (void)
{
  static const char *const cases[][2] = {
    { "plain", "plain" },
    { " a\nb\tc ", "a b c" },
    { "exe.\u202egpj", "exe. gpj" },
    { "\u2028x", "x" },
    { "\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e" }, /* joiners belong to the script */
    { "1234567890", "12345678…" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = ntf_words_line (cases[i][0], 8);

      g_assert_cmpstr (line, ==, cases[i][1]);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/notify/offer", test_offer);
  g_test_add_func ("/notify/batch", test_batch);
  g_test_add_func ("/notify/dismissed", test_dismissed);
  g_test_add_func ("/notify/ends", test_ends);
  g_test_add_func ("/notify/accepted-then-cancelled", test_accepted_then_cancelled_there);
  g_test_add_func ("/notify/single-result", test_single_result);
  g_test_add_func ("/notify/daemon-lost", test_daemon_lost);
  g_test_add_func ("/notify/progress", test_progress);
  g_test_add_func ("/notify/strange-members", test_strange_members);
  g_test_add_func ("/notify/account", test_account);
  g_test_add_func ("/notify/lines", test_lines);
  return g_test_run ();
}

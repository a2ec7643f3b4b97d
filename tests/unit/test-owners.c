/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Several users of one model: what each sees, may use, and can take from the
 * others. Anna has one account; "home", and what was there before, is root's.
 */
#include "model-fixture.h"

#define ANNA 3000000000u /* more than an int can hold */
#define BERT 1001

static void
set_up_shared (Fixture *f, gconstpointer data)
{
  set_up (f, data);
  write_account ("annas", "[Account]\nJid=anna@example.org\nOwner=3000000000\nEnabled=false\n");
  fd_manager_set_shared (f->manager);
  g_assert_true (fd_manager_reload (f->manager, NULL));
}

static FdTransfer *
offer_by (Fixture *f, guint32 caller, const char *account, GError **error)
{
  g_autofree char *path = put (f, "a.txt", "abc");
  g_autoptr (FdSource) source = fd_source_open (path, NULL);
  FdOfferOptions options = { .caller = caller, .account = account, .peer = BOB };

  return fd_manager_offer (f->manager, source, &options, error);
}

static void
test_accounts (Fixture *f, gconstpointer data)
{
  static const struct
  {
    guint32 caller;
    const char *account;
    guint32 owner; /* of the transfer; NOBODY: there is none */
  } rows[] = {
    { ANNA, "", ANNA },
    { ANNA, "annas", ANNA },
    { ANNA, "home", FD_OWNER_NOBODY },
    { BERT, "", FD_OWNER_NOBODY },
    { BERT, "annas", FD_OWNER_NOBODY },
    { BERT, "none", FD_OWNER_NOBODY },
    { FD_OWNER_ROOT, "", FD_OWNER_ROOT },
    { FD_OWNER_ROOT, "annas", ANNA },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      FdTransfer *transfer = offer_by (f, rows[i].caller, rows[i].account, &error);

      if (transfer)
        g_assert_cmpuint (transfer->info.owner, ==, rows[i].owner);
      else
        {
          g_assert_cmpuint (rows[i].owner, ==, FD_OWNER_NOBODY);
          g_assert_error (error, FD_ERROR, FD_ERROR_NO_SUCH_ACCOUNT);
        }
    }
}

static void
test_numbers (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;

  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  transfer = incoming (f, BOB "/r", "a", 10); /* root's */
  g_assert_cmpuint (transfer->info.owner, ==, FD_OWNER_ROOT);
  g_assert_cmpuint (fd_manager_get_pending (f->manager, ANNA), ==, 0);
  g_assert_cmpuint (fd_manager_get_pending (f->manager, FD_OWNER_ROOT), ==, 1);
  transfer->info.owner = ANNA;
  g_assert_cmpuint (fd_manager_get_pending (f->manager, ANNA), ==, 1);
  g_assert_cmpuint (fd_manager_get_pending (f->manager, BERT), ==, 0);
  g_assert_cmpuint (fd_manager_get_pending (f->manager, FD_OWNER_ROOT), ==, 1);
  transfer->info.state = FD_STATE_ACTIVE;
  transfer->info.transferred = 5;
  g_assert_cmpuint (fd_manager_get_active (f->manager, ANNA), ==, 1);
  g_assert_cmpuint (fd_manager_get_active (f->manager, BERT), ==, 0);
  g_assert_cmpfloat (fd_manager_get_progress (f->manager, ANNA), ==, 0.5);
  g_assert_cmpfloat (fd_manager_get_progress (f->manager, BERT), ==, -1);
  transfer->info.state = FD_STATE_OFFERED;
}

/* Who ends many does not push out what others may still read. */
static void
test_retire (Fixture *f, gconstpointer data)
{
  guint32 annas = 0;

  for (guint i = 0; i < FD_MAX_FINISHED + 4; i++)
    {
      if (i < 2)
        {
          FdTransfer *transfer = offer_by (f, ANNA, "", NULL);

          annas = transfer->info.id;
          fd_transfer_cancel (transfer, NULL);
        }
      fd_transfer_cancel (offer_by (f, FD_OWNER_ROOT, "home", NULL), NULL);
    }
  while (fd_manager_get_transfers (f->manager)->len > FD_MAX_FINISHED + 2)
    g_main_context_iteration (NULL, TRUE);
  settle ();
  g_assert_cmpuint (fd_manager_get_transfers (f->manager)->len, ==, FD_MAX_FINISHED + 2);
  g_assert_nonnull (fd_manager_find_transfer (f->manager, annas));
  g_assert_cmpuint (fd_manager_forget_finished (f->manager, BERT), ==, 0);
  g_assert_cmpuint (fd_manager_forget_finished (f->manager, ANNA), ==, 2);
  g_assert_cmpuint (fd_manager_forget_finished (f->manager, FD_OWNER_ROOT), ==, FD_MAX_FINISHED);
}

static void
test_share (Fixture *f, gconstpointer data)
{
  const guint share = FD_MAX_TRANSFERS / FD_OWNER_SHARE;
  const char *reason = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < share; i++)
    g_assert_nonnull (offer_by (f, FD_OWNER_ROOT, "", NULL));
  g_assert_null (offer_by (f, FD_OWNER_ROOT, "", &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED);
  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  g_assert_null (fake_offer (f->client, BOB "/r", "a", 10, "", &reason));
  g_assert_cmpstr (reason, ==, "busy");
  g_assert_nonnull (offer_by (f, ANNA, "", NULL));
}

static void
test_new_owner (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offer_by (f, ANNA, "", NULL);

  write_account ("annas", "[Account]\nJid=anna@example.org\nOwner=1001\nEnabled=false\n");
  g_assert_true (fd_manager_reload (f->manager, NULL));
  wait_for (transfer, FD_STATE_CANCELLED);
  g_assert_cmpuint (transfer->info.owner, ==, ANNA);
  g_assert_cmpuint (fd_account_get_config (fd_manager_find_account (f->manager, "annas"))->owner, ==, BERT);
}

static void
die_queued (Fixture *f, gconstpointer data)
{
  offer_by (f, ANNA, "", NULL);
  offer_by (f, ANNA, "", NULL);
  die (f);
}

static void
test_restart (Fixture *f, gconstpointer data)
{
  crash (f, "/restart/subprocess");
  for (guint32 id = 1; id <= 2; id++)
    {
      FdTransfer *transfer = fd_manager_find_transfer (f->manager, id);

      g_assert_cmpuint (transfer->info.owner, ==, ANNA);
      g_assert_cmpint (transfer->info.state, ==, FD_STATE_QUEUED);
    }
}

/* Meanwhile the account became another's: the file is not sent in that one's name. */
static void
test_restart_with_new_owner (Fixture *f, gconstpointer data)
{
  fd_manager_free (f->manager);
  g_test_trap_subprocess ("/restart/subprocess", 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  write_account ("annas", "[Account]\nJid=anna@example.org\nOwner=1001\nEnabled=false\n");
  start_manager (f);
  g_assert_cmpuint (fd_manager_find_transfer (f->manager, 1)->info.owner, ==, ANNA);
  g_assert_cmpint (fd_manager_find_transfer (f->manager, 1)->info.state, ==, FD_STATE_FAILED);
}

#define ADD_SHARED(path, function) g_test_add ("/" path, Fixture, NULL, set_up_shared, function, tear_down)

int
main (int argc, char **argv)
{
  begin (&argc, &argv);
  ADD_SHARED ("accounts", test_accounts);
  ADD_SHARED ("numbers", test_numbers);
  ADD_SHARED ("retire", test_retire);
  ADD_SHARED ("share", test_share);
  ADD_SHARED ("new-owner", test_new_owner);
  ADD_SHARED ("restart", test_restart);
  ADD_SHARED ("restart/subprocess", die_queued);
  ADD_SHARED ("restart-with-new-owner", test_restart_with_new_owner);
  return end ();
}

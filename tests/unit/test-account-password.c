/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an account does with a keyring: waiting for it, being refused, saving.
 */
#include "model-fixture.h"

#define PLAIN "[Account]\nJid=alice@example.org\n"

static void
start_with (Fixture *f, const char *account, const char *secret)
{
  fd_manager_free (f->manager);
  write_account ("home", account);
  fake_keyring_built = TRUE;
  fake_keyring_lookups = 0;
  fake_keyring_secret = secret;
  start_manager (f);
  settle ();
}

/* The daemon starts with one account without a command. */
static void
start (Fixture *f, const char *secret)
{
  start_with (f, PLAIN, secret);
}

static void
refuse (Fixture *f)
{
  g_autoptr (GError) refused = g_error_new_literal (FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED, "wrong");

  fake_client_set_status (f->client, FD_CLIENT_FAILED, refused);
  settle ();
}

static void
test_found (Fixture *f, gconstpointer data)
{
  start (f, "pw");
  g_assert_cmpint (fake_keyring_manners, ==, FD_SECRET_QUIET);
  g_assert_cmpstr (f->client->password, ==, "pw");
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "secret-service");
  g_assert_null (fake_keyring_watch);
}

static void
test_waits (Fixture *f, gconstpointer data)
{
  start (f, NULL);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "waiting-for-password");
  g_assert_error (fd_account_get_error (f->account), FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);

  /* A look in the background does not show … */
  g_assert_true (fake_keyring_tell (FD_SECRET_QUICK));
  g_assert_cmpint (fake_keyring_manners, ==, FD_SECRET_QUICK);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "waiting-for-password");
  g_assert_false (fake_keyring_tell (FD_SECRET_QUICK)); /* one at a time */
  settle ();
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "waiting-for-password");

  /* … until it finds something. */
  fake_keyring_secret = "pw";
  g_assert_true (fake_keyring_tell (FD_SECRET_QUICK));
  settle ();
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "connecting");
  g_assert_null (fake_keyring_watch);
}

/* Only who says Connect may be asked something, also while it is looked for. */
static void
test_asks (Fixture *f, gconstpointer data)
{
  start (f, NULL);
  fake_keyring_hangs = TRUE;
  g_assert_true (fake_keyring_tell (FD_SECRET_QUICK));
  fake_keyring_hangs = FALSE;
  fd_account_connect (f->account);
  g_assert_cmpint (fake_keyring_manners, ==, FD_SECRET_ASK);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "connecting");
  settle ();
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "waiting-for-password");
  fd_account_disconnect (f->account);
  g_assert_null (fake_keyring_watch);
}

/* A question that is open does not outlive the wish. */
static void
test_disconnect (Fixture *f, gconstpointer data)
{
  fake_keyring_hangs = TRUE;
  start (f, NULL);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "connecting");
  fd_account_disconnect (f->account);
  settle ();
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "offline");
}

/* A password is used if it is given, but none is looked for. */
static void
test_certificate (Fixture *f, gconstpointer data)
{
  start_with (f, PLAIN "ClientCertificate=/me.pem\n", "pw");
  g_assert_cmpuint (fake_keyring_lookups, ==, 0);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "connecting");
  g_assert_null (f->client->password);
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "none");
  refuse (f);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "failed");
  give_password (f, "given\n", FALSE);
  g_assert_cmpstr (f->client->password, ==, "given");
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "memory");
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  start (f, "old");
  refuse (f);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "waiting-for-password");
  g_assert_nonnull (strstr (fd_account_get_error (f->account)->message, "refused"));
  g_assert_null (fake_keyring_watch); /* no loop */
  g_assert_cmpuint (fake_keyring_lookups, ==, 1);
  give_password (f, "new\n", TRUE);
  g_assert_cmpstr (f->client->password, ==, "new");
  g_assert_null (fake_keyring_stored);
  go_online (f);
  settle ();
  g_assert_cmpstr (fake_keyring_stored, ==, "alice@example.org:home:new");
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "secret-service");
  g_assert_cmpuint (fake_keyring_lookups, ==, 1);
}

static void
test_not_saved (Fixture *f, gconstpointer data)
{
  start (f, NULL);
  give_password (f, "wrong\n", TRUE);
  refuse (f);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "failed");
  give_password (f, "right\n", FALSE);
  go_online (f);
  settle ();
  g_assert_null (fake_keyring_stored);
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "memory");
}

/* Another one given while online is proven by the next login only. */
static void
test_given_online (Fixture *f, gconstpointer data)
{
  start (f, NULL);
  give_password (f, "pw\n", FALSE);
  go_online (f);
  give_password (f, "changed\n", TRUE);
  give_password (f, "changed\n", TRUE);
  settle ();
  g_assert_null (fake_keyring_stored);
  refuse (f); /* the server says so to the old one, when the connection was lost */
  g_assert_cmpstr (f->client->password, ==, "changed");
  go_online (f);
  settle ();
  g_assert_cmpstr (fake_keyring_stored, ==, "alice@example.org:home:changed");
}

static void
test_save_fails (Fixture *f, gconstpointer data)
{
  fake_keyring_locked = TRUE;
  start (f, NULL);
  give_password (f, "pw\n", TRUE);
  go_online (f);
  settle ();
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "online");
  g_assert_error (fd_account_get_error (f->account), FD_ERROR, FD_ERROR_WRITE_FAILED);
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "memory");

  /* It is not tried after every login, */
  fake_keyring_locked = FALSE;
  fake_client_set_status (f->client, FD_CLIENT_WAITING, NULL);
  fake_client_set_status (f->client, FD_CLIENT_CONNECTING, NULL);
  go_online (f);
  settle ();
  g_assert_null (fake_keyring_stored);
  /* but when the user says so again. */
  give_password (f, "pw\n", TRUE);
  settle ();
  g_assert_null (fd_account_get_error (f->account));
  g_assert_cmpstr (fake_keyring_stored, ==, "alice@example.org:home:pw");
}

/* What was saved goes with the account, or with its address. */
static void
test_removed (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = NULL;

  start (f, NULL);
  for (guint i = 0; i < 2; i++)
    {
      give_password (f, "pw\n", TRUE);
      go_online (f);
      settle ();
      g_assert_nonnull (fake_keyring_stored);
      if (i == 0)
        {
          config = fd_account_config_copy (fd_account_get_config (f->account));
          g_free (config->client.jid);
          config->client.jid = g_strdup ("carol@example.org");
          g_assert_true (fd_account_update (f->account, config, NULL));
          while (g_strcmp0 (fd_account_get_status (f->account), "waiting-for-password") != 0)
            g_main_context_iteration (NULL, TRUE);
          f->client = fake_clients->pdata[0];
        }
      else
        g_assert_true (fd_manager_remove_account (f->manager, f->account, NULL));
      settle ();
      g_assert_null (fake_keyring_stored);
    }
}

int
main (int argc, char **argv)
{
  begin (&argc, &argv);
  ADD ("found", test_found);
  ADD ("waits", test_waits);
  ADD ("asks", test_asks);
  ADD ("disconnect", test_disconnect);
  ADD ("certificate", test_certificate);
  ADD ("refused", test_refused);
  ADD ("not-saved", test_not_saved);
  ADD ("given-online", test_given_online);
  ADD ("save-fails", test_save_fails);
  ADD ("removed", test_removed);
  return end ();
}

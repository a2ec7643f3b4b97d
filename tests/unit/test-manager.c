/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accounts, settings, and the beginning and end of the daemon.
 */
#include "model-fixture.h"

/* --- accounts --- */

static void
test_account_password (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) refused = g_error_new_literal (FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED, "wrong");

  g_assert_cmpstr (fd_account_get_status (f->account), ==, "connecting");
  while (f->client->status != FD_CLIENT_CONNECTING)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (f->client->password, ==, "pw");
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "command");
  fake_client_set_status (f->client, FD_CLIENT_FAILED, refused);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "failed");
  g_assert_error (fd_account_get_error (f->account), FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
  give_password (f, "better\n", FALSE);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "connecting");
  g_assert_cmpstr (f->client->password, ==, "better");
  g_assert_cmpstr (fd_account_get_password_source (f->account), ==, "memory");
}

static void
test_account_no_password (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (f->account));
  g_autoptr (GError) error = NULL;

  fd_account_disconnect (f->account);
  settle ();
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "offline");
  g_clear_pointer (&config->password_command, g_strfreev);
  g_assert_true (fd_account_update (f->account, config, &error));
  fd_account_connect (f->account);
  settle ();
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "waiting-for-password");
  g_assert_null (fd_account_get_error (f->account));
  give_password (f, "pw\n", FALSE);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "connecting");
}

static void
test_account_add_remove (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (f->account));
  g_autoptr (GError) error = NULL;
  FdTransfer *queued = offer (f, BOB, "a.txt");
  FdTransfer *open = offered (f);

  g_assert_null (fd_manager_add_account (f->manager, config, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_ACCOUNT_EXISTS);
  g_free (config->id);
  config->id = g_strdup ("work");
  g_assert_nonnull (fd_manager_add_account (f->manager, config, NULL));
  g_assert_cmpuint (fake_clients->len, ==, 2);
  fd_transfer_cancel (queued, NULL);
  wait_for (queued, FD_STATE_CANCELLED);
  g_string_truncate (f->events, 0);
  g_assert_true (fd_manager_remove_account (f->manager, f->account, NULL));
  g_assert_null (fd_manager_find_account (f->manager, "home"));
  wait_for (open, FD_STATE_CANCELLED);
  while (fake_clients->len > 1)
    g_main_context_iteration (NULL, TRUE);
  assert_events (f, "-home 2:cancelled 2!");
}

/* A password that comes while one is looked for is not lost. */
static void
test_account_password_early (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (f->account));
  g_autoptr (GError) error = NULL;

  fd_account_disconnect (f->account);
  settle ();
  g_strfreev (config->password_command);
  config->password_command = g_strsplit ("/bin/sleep 60", " ", -1);
  g_assert_true (fd_account_update (f->account, config, &error));
  fd_account_connect (f->account);
  give_password (f, "typed\n", FALSE);
  g_assert_cmpint (f->client->status, ==, FD_CLIENT_CONNECTING);
  g_assert_cmpstr (f->client->password, ==, "typed");
}

static void
test_account_disconnect (Fixture *f, gconstpointer data)
{
  FdTransfer *begun = offered (f);
  FdTransfer *unanswered = offer (f, BOB, "b.txt");

  wait_for (unanswered, FD_STATE_OFFERED);
  begun->content->hooks->accepted (begun->content, begun);
  fd_account_disconnect (f->account);
  g_assert_cmpint (f->client->status, ==, FD_CLIENT_ONLINE); /* until the peers are told */
  wait_for (begun, FD_STATE_FAILED);
  g_assert_cmpstr (begun->info.error, ==, fd_error_name (FD_ERROR_NOT_CONNECTED));
  wait_for (unanswered, FD_STATE_QUEUED);
  while (!f->client->closing)
    g_main_context_iteration (NULL, TRUE);
  fd_account_connect (f->account); /* too late to keep the stream: a new one follows */
  while (f->client->status != FD_CLIENT_OFFLINE)
    g_main_context_iteration (NULL, TRUE);
  go_online (f);
  wait_for (unanswered, FD_STATE_OFFERED);
}

/* New settings: the peers hear of it, the unanswered offer waits for the new
 * connection. */
static void
test_account_renew (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (f->account));
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer = offered (f);

  config->client.port = 5299;
  g_assert_true (fd_account_update (f->account, config, &error));
  g_assert_cmpstr (transfer->content->asked, ==, "stop");
  g_assert_false (fd_account_is_online (f->account));
  wait_for (transfer, FD_STATE_QUEUED);
  f->client = NULL;
  while (!f->client)
    {
      g_main_context_iteration (NULL, TRUE);
      if (fake_clients->len && ((FdClient *) fake_clients->pdata[0])->settings.port == 5299)
        f->client = fake_clients->pdata[0];
    }
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
}

/* What is only about us does not touch the connection. */
static void
test_account_update_in_place (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (f->account));
  g_autoptr (GError) error = NULL;

  go_online (f);
  g_free (config->auto_accept[0]);
  config->auto_accept[0] = g_strdup ("Carol@example.org");
  g_assert_true (fd_account_update (f->account, config, &error));
  g_assert_cmpstr (fd_account_get_config (f->account)->auto_accept[0], ==, "carol@example.org");
  settle ();
  g_assert_cmpint (f->client->status, ==, FD_CLIENT_ONLINE);
  config->enabled = FALSE;
  g_assert_true (fd_account_update (f->account, config, &error));
  settle ();
  g_assert_cmpint (f->client->status, ==, FD_CLIENT_OFFLINE);
  g_assert_cmpstr (fd_account_get_status (f->account), ==, "offline");
}

/* Offers both ways end; those to others go on. */
static void
test_blocked (Fixture *f, gconstpointer data)
{
  FdTransfer *open = offered (f);
  FdTransfer *queued = offer (f, BOB, "b.txt");
  FdTransfer *other = offer (f, "carol@example.org", "c.txt");
  FdTransfer *pending = incoming (f, BOB "/r", "d.txt", 5);
  g_autofree char *path = put (f, "e.txt", "abc");
  g_autoptr (FdSource) source = fd_source_open (path, NULL);
  const FdOfferOptions options = { .peer = BOB };
  g_autoptr (GError) error = NULL;

  fake_peer_block (f->client, BOB);
  wait_for (open, FD_STATE_FAILED);
  g_assert_cmpstr (open->info.error, ==, fd_error_name (FD_ERROR_BLOCKED));
  wait_for (queued, FD_STATE_FAILED);
  g_assert_cmpstr (queued->info.error, ==, fd_error_name (FD_ERROR_BLOCKED));
  wait_for (pending, FD_STATE_REJECTED);
  settle ();
  g_assert_cmpint (other->info.state, ==, FD_STATE_QUEUED);
  g_assert_null (fd_manager_offer (f->manager, source, &options, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_BLOCKED);
}

/* What was offered before the account became relay-only waits no longer. */
static void
test_relay_only (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (f->account));
  g_autofree char *path = put (f, "a.txt", "abc");
  g_autoptr (FdSource) source = fd_source_open (path, NULL);
  const FdOfferOptions options = { .peer = BOB, .paths = FD_PATH_SOCKS5_DIRECT };
  const FdAcceptOptions accept = { .paths = FD_PATH_SOCKS5_DIRECT };
  g_autofree char *target = NULL;
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer = fd_manager_offer (f->manager, source, &options, &error);
  FdTransfer *open, *pending;

  g_assert_no_error (error);
  config->relay_only = TRUE;
  g_assert_true (fd_account_update (f->account, config, &error));
  open = offered (f);
  g_assert_cmpint (open->content->params.paths, ==, FD_PATH_SOCKS5_PROXY | FD_PATH_IBB);
  g_assert_true (open->content->params.hidden);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_INVALID_OPTION));
  g_assert_null (fd_manager_offer (f->manager, source, &options, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_clear_error (&error);

  pending = incoming (f, BOB "/r", "d.txt", 5);
  g_assert_false (fd_transfer_accept (pending, "", &accept, &target, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_clear_error (&error);
  g_assert_true (fd_transfer_accept (pending, f->folder, &(FdAcceptOptions){ 0 }, &target, &error));
  g_assert_true (pending->content->params.hidden);
}

static void
test_reload (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = fd_config_directory ();
  g_autofree char *conf = g_build_filename (directory, "fardel.conf", NULL);
  FdAccount *account = f->account;

  go_online (f);
  write_account ("new", "[Account]\nJid=new@example.org\nEnabled=false\n");
  g_assert_true (g_file_set_contents (conf, "[Fardel]\nMaxActiveTransfers=7\n", -1, NULL));
  g_assert_true (fd_manager_reload (f->manager, &error));
  g_assert_cmpuint (fd_manager_get_config (f->manager)->max_active, ==, 7);
  g_assert_cmpint (f->client->status, ==, FD_CLIENT_ONLINE);
  g_assert_true (fd_manager_find_account (f->manager, "home") == account);
  assert_events (f, "+new");

  write_account ("home", "[Account]\nJid=\n");
  g_assert_false (fd_manager_reload (f->manager, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_clear_error (&error);
  fd_test_assert_logged ("*home.conf*Jid: is missing*");
  settle ();
  g_assert_cmpint (f->client->status, ==, FD_CLIENT_ONLINE); /* a typo ends nothing */

  g_assert_true (fd_config_remove_account (directory, "new", &error));
  g_assert_false (fd_manager_reload (f->manager, NULL)); /* what is right in it counts */
  fd_test_assert_logged ("*home.conf*");
  assert_events (f, "-new");

  g_assert_true (g_file_set_contents (conf, "[Fardel]\nMaxActiveTransfers=0\n", -1, NULL));
  g_assert_false (fd_manager_reload (f->manager, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_assert_cmpuint (fd_manager_get_config (f->manager)->max_active, ==, 7);
}

/* --- asking --- */

typedef struct
{
  guint calls;
  gboolean online;
  gboolean can_receive;
  FdPath paths;
  int code;
} Answer;

static void
on_queried (const FdPeerSummary *summary, const GError *error, gpointer data)
{
  Answer *answer = data;

  answer->calls++;
  answer->code = error ? error->code : -1;
  if (summary)
    {
      answer->online = summary->online;
      answer->can_receive = summary->can_receive;
      answer->paths = summary->paths;
    }
}

static Answer
query (Fixture *f, const char *peer)
{
  Answer answer = { 0 };

  fd_manager_query_peer (f->manager, FD_OWNER_ANYBODY, peer, "", on_queried, &answer);
  g_assert_cmpuint (answer.calls, ==, 0);
  while (!answer.calls)
    g_main_context_iteration (NULL, TRUE);
  return answer;
}

static void
test_query (Fixture *f, gconstpointer data)
{
  Answer answer;

  g_assert_cmpint (query (f, "@").code, ==, FD_ERROR_INVALID_JID);
  g_assert_cmpint (query (f, BOB).code, ==, FD_ERROR_NOT_CONNECTED);
  go_online (f);
  answer = query (f, BOB);
  g_assert_cmpint (answer.code, ==, -1);
  g_assert_false (answer.online);
  fake_peer_online (f->client, BOB, TRUE);
  answer = query (f, BOB);
  g_assert_true (answer.can_receive);
  g_assert_cmpint (answer.paths, ==, FD_PATH_ANY);
  g_hash_table_add (f->client->peers->unable, g_strdup (BOB));
  answer = query (f, BOB);
  g_assert_true (answer.online);
  g_assert_false (answer.can_receive);
}

static void
test_many_queries (Fixture *f, gconstpointer data)
{
  enum
  {
    MORE_THAN_ALLOWED = 100
  };
  g_autofree Answer *answers = g_new0 (Answer, MORE_THAN_ALLOWED);
  guint refused = 0;

  go_online (f);
  for (guint i = 0; i < MORE_THAN_ALLOWED; i++)
    fd_manager_query_peer (f->manager, FD_OWNER_ANYBODY, BOB, "", on_queried, &answers[i]);
  for (guint i = 0; i < MORE_THAN_ALLOWED; i++)
    {
      while (!answers[i].calls)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (answers[i].calls, ==, 1);
      refused += answers[i].code == FD_ERROR_LIMIT_EXCEEDED;
    }
  g_assert_cmpuint (refused, ==, MORE_THAN_ALLOWED - 64);
}

/* --- the end --- */

static void
on_stopped (gpointer data)
{
  ((Fixture *) data)->stopped = TRUE;
}

/* The queue outlives the daemon. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offered (f);
  FdTransfer *other;

  g_string_truncate (f->events, 0);
  offer (f, "carol@example.org", "b.txt");
  fd_manager_stop (f->manager, on_stopped, f);
  g_assert_cmpstr (transfer->content->asked, ==, "stop");
  while (!f->stopped)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fake_clients->len, ==, 0); /* streams were closed, not cut */
  assert_events (f, "+2:queued 1:queued -home");

  fd_manager_free (f->manager);
  start_manager (f);
  assert_events (f, "+1:queued +2:queued");
  transfer = fd_manager_find_transfer (f->manager, 1);
  other = fd_manager_find_transfer (f->manager, 2);
  g_assert_cmpstr (other->info.name, ==, "b.txt");
  g_assert_cmpstr (other->target, ==, "carol@example.org");
  g_assert_cmpstr (transfer->info.peer, ==, BOB);
  g_assert_cmpuint (offer (f, BOB, "c.txt")->info.id, ==, 3); /* numbers do not come again */
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
  g_assert_true (fd_transfer_cancel (other, NULL));
  g_assert_false (in_journal (2));
}

static void
test_stop_at_once (Fixture *f, gconstpointer data)
{
  fd_manager_stop (f->manager, on_stopped, f);
  while (!f->stopped)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fake_clients->len, ==, 0);
}

/* A content that does not end cannot hold up the end of the daemon. */
static void
test_stop_hangs (Fixture *f, gconstpointer data)
{
  offered (f);
  fake_contents_hang = TRUE;
  fd_manager_stop (f->manager, on_stopped, f);
  hurry (f->manager->stop->timer);
  while (!f->manager->stop->closing_streams)
    g_main_context_iteration (NULL, TRUE);
  fd_test_assert_logged ("Some transfers did not stop in time*");
  hurry (f->manager->stop->timer);
  while (!f->stopped)
    g_main_context_iteration (NULL, TRUE);
}

/* The daemon dies: what it had accepted is named when it comes back. */
static void
test_crash (Fixture *f, gconstpointer data)
{
  FdAcceptOptions options = { 0 };
  g_autofree char *path = NULL;
  g_autofree char *journal = g_strdup_printf ("%s/fardel/transfers/1", g_get_user_state_dir ());
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer;

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  transfer = incoming (f, BOB "/r", "film", 3);
  g_assert_true (fd_transfer_accept (transfer, f->folder, &options, &path, &error));
  g_assert_true (g_file_get_contents (journal, &text, NULL, NULL));
  fd_manager_free (f->manager);
  g_assert_true (g_file_set_contents (journal, text, -1, NULL));
  start_manager (f);
  transfer = fd_manager_find_transfer (f->manager, 1);
  g_assert_nonnull (strstr (transfer->info.error_message, "/.film.part"));
  g_assert_false (fd_transfer_resume (transfer, &transfer, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED);
}

static void
test_retire (Fixture *f, gconstpointer data)
{
  FdTransfer *first = offer (f, BOB, "a.txt");
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_transfer_forget (first, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_NOT_PENDING);
  fd_transfer_cancel (first, NULL);
  for (guint i = 0; i < FD_MAX_FINISHED + 4; i++)
    fd_transfer_cancel (offer (f, BOB, "a.txt"), NULL);
  while (fd_manager_get_transfers (f->manager)->len > FD_MAX_FINISHED)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (fd_manager_find_transfer (f->manager, 5));
  g_assert_nonnull (fd_manager_find_transfer (f->manager, 6));
  g_assert_true (fd_transfer_forget (fd_manager_find_transfer (f->manager, 6), NULL));
  g_assert_cmpuint (fd_manager_forget_finished (f->manager, FD_OWNER_ANYBODY), ==, FD_MAX_FINISHED - 1);
  g_assert_cmpuint (f->manager->retire_timer, ==, 0); /* nothing left to wake up for */
}

/* A peer that offers and takes back, over and over, is heard again later; others are heard at once. */
static void
test_withdrawn (Fixture *f, gconstpointer data)
{
  const char *reason = NULL;
  FdTransfer *first = NULL;

  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  fake_peer_online (f->client, "carol@example.org", TRUE);
  for (guint i = 0; i < FD_MAX_WITHDRAWN_PER_PEER; i++)
    {
      FdTransfer *transfer = incoming (f, BOB "/r", "a.txt", 5);

      first = first ? first : transfer;
      fake_content_end (transfer->content, FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_ERROR_REMOTE_CANCELLED);
    }
  g_assert_null (fake_offer (f->client, BOB "/other", "b.txt", 5, "", &reason));
  g_assert_cmpstr (reason, ==, "busy");
  incoming (f, "carol@example.org/r", "a.txt", 5);
  first->finished_at -= (FD_WITHDRAWN_S + 1) * G_USEC_PER_SEC;
  incoming (f, BOB "/r", "b.txt", 5);
}

static void
test_settings (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_manager_set_max_active (f->manager, 0, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  g_clear_error (&error);
  g_assert_false (fd_manager_set_max_active (f->manager, 65, NULL));
  g_assert_cmpuint (fd_manager_get_config (f->manager)->max_active, ==, 4);
  g_assert_true (fd_manager_set_max_active (f->manager, 64, NULL));
  g_assert_false (fd_manager_set_download_folder (f->manager, "relative", &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_PATH);
  g_assert_true (fd_manager_set_download_folder (f->manager, f->folder, NULL));
  g_assert_cmpstr (fd_manager_get_config (f->manager)->download_folder, ==, f->folder);
  g_assert_true (fd_manager_set_download_folder (f->manager, "", NULL));
  g_assert_cmpstr (fd_manager_get_config (f->manager)->download_folder, !=, f->folder);
}

int
main (int argc, char **argv)
{
  begin (&argc, &argv);
  ADD ("account/password", test_account_password);
  ADD ("account/no-password", test_account_no_password);
  ADD ("account/password-early", test_account_password_early);
  ADD ("account/disconnect", test_account_disconnect);
  ADD ("account/add-remove", test_account_add_remove);
  ADD ("account/renew", test_account_renew);
  ADD ("account/update-in-place", test_account_update_in_place);
  ADD ("blocked", test_blocked);
  ADD ("relay-only", test_relay_only);
  ADD ("reload", test_reload);
  ADD ("query", test_query);
  ADD ("many-queries", test_many_queries);
  ADD ("stop", test_stop);
  ADD ("stop/at-once", test_stop_at_once);
  ADD ("stop/hangs", test_stop_hangs);
  ADD ("crash", test_crash);
  ADD ("retire", test_retire);
  ADD ("withdrawn", test_withdrawn);
  ADD ("settings", test_settings);
  return end ();
}

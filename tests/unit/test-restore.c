/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon was killed: what the next one makes of its journal and of its files.
 */
#include "model-fixture.h"

#define SIZE 6
#define HALF 3

static FdTransfer *
only (Fixture *f)
{
  GPtrArray *transfers = fd_manager_get_transfers (f->manager);

  g_assert_cmpuint (transfers->len, ==, 1);
  return transfers->pdata[0];
}

static void
assert_failed (FdTransfer *transfer, const char *hint)
{
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_FAILED);
  g_assert_cmpint (transfer->info.ended_by, ==, FD_BY_LOCAL);
  g_assert_nonnull (strstr (transfer->info.error_message, hint));
}

/* --- sending --- */

static void
send_half (Fixture *f)
{
  FdTransfer *transfer = offered (f);

  transfer->content->hooks->accepted (transfer->content, transfer);
  transfer->content->hooks->active (transfer->content, FD_PATH_SOCKS5_DIRECT, transfer);
}

static void
die_sending (Fixture *f, gconstpointer data)
{
  send_half (f);
  die (f);
}

static void
test_sending (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;
  g_autofree char *id = NULL;

  crash (f, "/sending/subprocess");
  transfer = only (f);
  id = g_strdup (transfer->resume_id);
  g_assert_nonnull (id);
  assert_events (f, "+1:interrupted");
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  while (!transfer->content)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (transfer->content->file->resume_id, ==, id);
  g_assert_cmpstr (transfer->content->file->name, ==, "a.txt");
  g_assert_cmpint (transfer->content->params.paths, ==, FD_PATH_ANY);
  fake_content_end (transfer->content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_false (in_journal (1));
}

/* The peer knows nothing of that: the user may offer the file once more. */
static void
die_sending_to_old (Fixture *f, gconstpointer data)
{
  g_hash_table_add (f->client->peers->old, g_strdup (BOB));
  send_half (f);
  die (f);
}

static void
test_sending_to_old (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;
  FdTransfer *again;

  crash (f, "/sending/to-old/subprocess");
  transfer = only (f);
  assert_failed (transfer, "Resume offers the file again");
  g_assert_true (fd_transfer_resume (transfer, &again, NULL));
  g_assert_cmpstr (again->resume_id, ==, transfer->resume_id);
  g_assert_cmpstr (again->target, ==, BOB);
  g_assert_false (in_journal (1));
}

static void
test_sending_changed (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;

  crash (f, "/sending/subprocess");
  transfer = only (f);
  g_free (put (f, "a.txt", "xyz"));
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_SOURCE_CHANGED));
}

static void
die_sending_descriptor (Fixture *f, gconstpointer data)
{
  g_autofree char *path = put (f, "a.txt", "abc");
  g_autoptr (FdSource) file = fd_source_new_fd (open (path, O_RDONLY | O_CLOEXEC), -1, NULL);
  FdOfferOptions options = { .peer = BOB };

  fd_manager_offer (f->manager, file, &options, NULL);
  die (f);
}

static void
test_sending_descriptor (Fixture *f, gconstpointer data)
{
  crash (f, "/sending/descriptor/subprocess");
  assert_failed (only (f), "descriptor");
}

/* Nobody had answered: the queue goes on, with what the user had wanted. */
static void
die_queued (Fixture *f, gconstpointer data)
{
  g_autofree char *path = put (f, "a.txt", "abc");
  const char *paths[] = { path, NULL };
  FdOfferOptions options = { .peer = BOB "/r",
                             .description = "d",
                             .timeout_s = 1000,
                             .paths = FD_PATH_IBB,
                             .hash = TRUE,
                             .rate_limit = 5000 };

  g_ptr_array_unref (fd_manager_offer_many (f->manager, paths, &options, NULL));
  offer (f, BOB, "b.txt");
  die (f);
}

static void
test_queued (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;

  crash (f, "/queued/subprocess");
  assert_events (f, "+1:queued +2:queued");
  transfer = fd_manager_find_transfer (f->manager, 1);
  g_assert_cmpstr (transfer->target, ==, BOB "/r");
  g_assert_cmpstr (transfer->info.description, ==, "d");
  g_assert_cmpstr (transfer->info.batch, !=, "");
  g_assert_cmpint (transfer->paths, ==, FD_PATH_IBB);
  g_assert_cmpuint (transfer->info.rate_limit, ==, 5000);
  g_assert_cmpuint (transfer->timeout_s, ==, 1000);
  g_assert_cmpuint (fd_retry_seconds_left (transfer), <=, 1000);
  g_assert_true (transfer->hash_always);
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
}

/* An account that is gone has nobody to wait for. */
static void
test_account_gone (Fixture *f, gconstpointer data)
{
  g_autofree char *directory = fd_config_directory ();
  g_autofree char *path = g_build_filename (directory, "accounts.d", "home.conf", NULL);

  crash (f, "/queued/subprocess");
  fd_manager_free (f->manager);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_string_truncate (f->events, 0);
  start_manager (f);
  assert_events (f, "+1:failed +2:failed");
  assert_failed (fd_manager_find_transfer (f->manager, 1), "no account home");
}

/* Nor has one whose time ran out meanwhile. */
static void
test_queued_too_long (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (root, "fardel/transfers/1", NULL);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  FdTransfer *transfer;

  crash (f, "/queued/subprocess");
  fd_manager_free (f->manager);
  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL));
  g_key_file_set_int64 (file, "Transfer", "Expires", 1000);
  g_assert_true (g_key_file_save_to_file (file, path, NULL));
  start_manager (f);
  transfer = fd_manager_find_transfer (f->manager, 1);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_TIMEOUT));
}

/* --- receiving --- */

static FdContent *
offer_film (Fixture *f, const char *id)
{
  g_autoptr (FdFile) file = fd_file_new ("film", SIZE);
  const char *reason = NULL;

  if (f->client->status != FD_CLIENT_ONLINE)
    go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  file->resume_id = g_strdup (id);
  return fake_offer_file (f->client, BOB "/r", file, "", &reason);
}

static FdContent *
receive (Fixture *f, const char *id)
{
  const FdAcceptOptions options = { 0 };
  g_autofree char *path = NULL;
  FdContent *content = offer_film (f, id);

  g_assert_true (fd_transfer_accept (content->data, f->folder, &options, &path, NULL));
  content->hooks->active (content, FD_PATH_SOCKS5_DIRECT, content->data);
  g_assert_cmpint (fd_sink_write (content->sink, 0, "abc", HALF), ==, HALF);
  return content;
}

static void
wait_for_accept (FdContent *content)
{
  while (!content->accepted)
    g_main_context_iteration (NULL, TRUE);
}

static void
die_receiving (Fixture *f, gconstpointer data)
{
  receive (f, "id");
  die (f);
}

static void
test_receiving (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "film", NULL);
  g_autofree char *text = NULL;
  FdTransfer *transfer;
  FdContent *content;

  crash (f, "/receiving/subprocess");
  transfer = only (f);
  assert_events (f, "+1:interrupted");
  content = offer_film (f, "id");
  g_assert_true (content->data == transfer);
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, HALF);
  g_assert_cmpint (fd_sink_write (content->sink, HALF, "def", HALF), ==, HALF);
  g_assert_true (fd_sink_publish (content->sink, -1, NULL));
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "abcdef");
}

static void
test_receiving_cancelled (Fixture *f, gconstpointer data)
{
  g_autofree char *part = g_build_filename (f->folder, ".film.part", NULL);

  crash (f, "/receiving/subprocess");
  g_assert_true (g_file_test (part, G_FILE_TEST_EXISTS));
  g_assert_true (fd_transfer_cancel (only (f), NULL));
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
}

/* Its sender will not come back with it by itself. */
static void
die_receiving_from_other (Fixture *f, gconstpointer data)
{
  receive (f, NULL);
  die (f);
}

static void
test_receiving_from_other (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;
  g_autoptr (GError) error = NULL;

  crash (f, "/receiving/from-other/subprocess");
  transfer = only (f);
  assert_failed (transfer, "/.film.part");
  g_assert_false (fd_transfer_resume (transfer, &transfer, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED);
}

/* Killed between the last step and the note of it. */
static void
die_published (Fixture *f, gconstpointer data)
{
  FdContent *content = receive (f, "id");

  g_assert_cmpint (fd_sink_write (content->sink, HALF, "def", HALF), ==, HALF);
  g_free (put (f, "film", "in the way"));
  g_assert_true (fd_sink_publish (content->sink, -1, NULL));
  die (f);
}

static void
test_published (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;
  FdContent *content;

  crash (f, "/published/subprocess");
  transfer = only (f);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_DONE);
  g_assert_true (g_str_has_suffix (transfer->info.local_path, "/film (2)"));
  g_assert_cmpuint (transfer->info.transferred, ==, SIZE);
  content = offer_film (f, "id");
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, SIZE);
  only (f); /* and no second one */
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

/* What failed is kept for its sender, also over a restart. */
static void
die_failed (Fixture *f, gconstpointer data)
{
  FdContent *content = receive (f, "id");

  content->bytes = HALF;
  fake_content_end (content, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_NO_SPACE);
  die (f);
}

static void
test_failed (Fixture *f, gconstpointer data)
{
  const FdAcceptOptions options = { 0 };
  g_autofree char *path = NULL;
  FdContent *content;

  crash (f, "/failed/subprocess");
  assert_events (f, "");
  content = offer_film (f, "id");
  g_assert_true (fd_transfer_accept (only (f), f->folder, &options, &path, NULL));
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, HALF);
}

static void
expire_kept (Fixture *f)
{
  ((FdJournalEntry *) f->manager->kept->pdata[0])->expires = 1000;
  g_source_set_ready_time (f->manager->kept_timer, 0);
  while (f->manager->kept->len)
    g_main_context_iteration (NULL, TRUE);
}

/* But not for ever; what is done is forgotten then, not removed. */
static void
test_failed_expires (Fixture *f, gconstpointer data)
{
  g_autofree char *part = g_build_filename (f->folder, ".film.part", NULL);

  crash (f, "/failed/subprocess");
  g_assert_true (g_file_test (part, G_FILE_TEST_EXISTS));
  expire_kept (f);
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  g_assert_false (in_journal (1));
}

static void
test_published_expires (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer;

  crash (f, "/published/subprocess");
  transfer = only (f);
  expire_kept (f);
  g_assert_true (g_file_test (transfer->info.local_path, G_FILE_TEST_EXISTS));
  g_assert_false (in_journal (1));
}

int
main (int argc, char **argv)
{
  begin (&argc, &argv);
  ADD ("sending", test_sending);
  ADD ("sending/subprocess", die_sending);
  ADD ("sending/to-old", test_sending_to_old);
  ADD ("sending/to-old/subprocess", die_sending_to_old);
  ADD ("sending/changed", test_sending_changed);
  ADD ("sending/descriptor", test_sending_descriptor);
  ADD ("sending/descriptor/subprocess", die_sending_descriptor);
  ADD ("queued", test_queued);
  ADD ("queued/subprocess", die_queued);
  ADD ("queued/too-long", test_queued_too_long);
  ADD ("queued/account-gone", test_account_gone);
  ADD ("receiving", test_receiving);
  ADD ("receiving/subprocess", die_receiving);
  ADD ("receiving/cancelled", test_receiving_cancelled);
  ADD ("receiving/from-other", test_receiving_from_other);
  ADD ("receiving/from-other/subprocess", die_receiving_from_other);
  ADD ("published", test_published);
  ADD ("published/subprocess", die_published);
  ADD ("published/expires", test_published_expires);
  ADD ("failed", test_failed);
  ADD ("failed/subprocess", die_failed);
  ADD ("failed/expires", test_failed_expires);
  return end ();
}

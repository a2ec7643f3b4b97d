/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transfers, from the offer to every end.
 */
#include "core/queue.h"
#include "model-fixture.h"

/* --- sending --- */

static void
test_send (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offer (f, BOB, "a.txt");
  const FdTransferInfo *info = fd_transfer_get_info (transfer);
  FdContent *content;

  g_assert_true (in_journal (info->id));
  g_assert_cmpstr (info->peer, ==, BOB);
  g_assert_cmpstr (info->mime_type, !=, NULL);
  settle ();
  go_online (f);
  settle ();
  g_assert_cmpint (info->state, ==, FD_STATE_QUEUED); /* the peer is not there */
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
  g_assert_cmpstr (info->peer, ==, BOB "/r");
  content = transfer->content;
  g_assert_cmpint (content->params.paths, ==, FD_PATH_ANY);
  g_assert_cmpuint (content->params.timeout_s, >, 86000);
  g_assert_cmpuint (content->file->n_hashes, ==, 1); /* small enough to hash first */
  g_assert_cmpuint (fd_manager_get_active (f->manager, FD_OWNER_ANYBODY), ==, 0);

  content->hooks->accepted (content, content->data);
  g_assert_cmpuint (fd_manager_get_active (f->manager, FD_OWNER_ANYBODY), ==, 1);
  content->hooks->active (content, FD_PATH_IBB, content->data);
  content->hooks->active (content, FD_PATH_SOCKS5_PROXY, content->data);
  g_assert_cmpint (info->path, ==, FD_PATH_SOCKS5_PROXY);
  g_assert_cmpuint (info->started, >, 0);
  content->bytes = 2;
  g_assert_true (fd_transfer_sample (transfer));
  g_assert_cmpuint (info->transferred, ==, 2);
  g_assert_cmpfloat (fd_manager_get_progress (f->manager, FD_OWNER_ANYBODY), >, 0.6);
  content->bytes = 3;
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_cmpuint (info->transferred, ==, 3);
  g_assert_cmpint (info->remaining, ==, 0);
  g_assert_cmpstr (info->error, ==, "");
  g_assert_false (fd_transfer_sample (transfer));
  g_assert_cmpfloat (fd_manager_get_progress (f->manager, FD_OWNER_ANYBODY), ==, -1);
  g_assert_false (in_journal (1));
  assert_events (f, "+1:queued 1:offered 1:negotiating 1:active 1:done 1!");
}

static void
test_send_to_stranger (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offer (f, "eve@example.net/x", "a.txt");

  go_online (f);
  fake_peer_online (f->client, "eve@example.net", FALSE);
  wait_for (transfer, FD_STATE_OFFERED);
  g_assert_cmpint (transfer->content->params.paths, ==, FD_PATH_SOCKS5_PROXY | FD_PATH_IBB);
}

static void
test_send_three_per_peer (Fixture *f, gconstpointer data)
{
  FdTransfer *transfers[5];

  for (guint i = 0; i < 5; i++)
    transfers[i] = offer (f, BOB, "a.txt");
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  for (guint i = 0; i < 3; i++) /* hashed by threads, in any order */
    wait_for (transfers[i], FD_STATE_OFFERED);
  settle ();
  g_assert_cmpuint (fake_contents->len, ==, 3);
  g_assert_false (transfers[3]->preparing);
  fake_content_end (transfers[0]->content, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  g_assert_cmpint (transfers[0]->info.state, ==, FD_STATE_REJECTED);
  g_assert_cmpint (transfers[0]->info.ended_by, ==, FD_BY_REMOTE);
  wait_for (transfers[3], FD_STATE_OFFERED);
  g_assert_cmpint (transfers[4]->info.state, ==, FD_STATE_QUEUED);
}

/* The files of a batch that go in one session are one dialog for the peer: they do
 * not wait for each other, while files of their own still may. */
static void
test_send_batch (Fixture *f, gconstpointer data)
{
  FdOfferOptions options = { .peer = BOB, .batch = "b" };
  const char *paths[] = { f->folder, NULL };
  g_autoptr (GPtrArray) transfers = NULL;
  FdTransfer *alone;
  FdTransfer *too_many;

  for (guint i = 0; i < FD_QUEUE_PER_SESSION + 1; i++)
    {
      g_autofree char *name = g_strdup_printf ("%02u", i);

      g_free (put (f, name, "x"));
    }
  fake_sharing = TRUE;
  g_assert_true (fd_manager_set_max_active (f->manager, 64, NULL));
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  transfers = fd_manager_offer_many (f->manager, paths, &options, NULL);
  g_assert_cmpuint (transfers->len, ==, FD_QUEUE_PER_SESSION + 1);
  for (guint i = 0; i < FD_QUEUE_PER_SESSION; i++)
    wait_for (transfers->pdata[i], FD_STATE_OFFERED);
  alone = offer (f, BOB, "alone");
  wait_for (alone, FD_STATE_OFFERED);
  g_assert_cmpstr (alone->content->params.batch, ==, "");
  too_many = transfers->pdata[FD_QUEUE_PER_SESSION];
  g_assert_cmpint (too_many->info.state, ==, FD_STATE_QUEUED);
  g_assert_false (too_many->preparing);
  fake_content_end (((FdTransfer *) transfers->pdata[3])->content, FD_OUTCOME_REJECTED, FD_BY_REMOTE,
                    FD_ERROR_REJECTED);
  wait_for (too_many, FD_STATE_OFFERED);
  g_assert_cmpstr (too_many->content->batch, ==, "b");
}

/* Fresh offers have slots, since they may all be accepted; those that nobody
 * answers do not keep others waiting. */
static void
test_send_slots (Fixture *f, gconstpointer data)
{
  FdTransfer *first;
  FdTransfer *second;

  g_assert_true (fd_manager_set_max_active (f->manager, 1, NULL));
  first = offered (f);
  second = offer (f, BOB, "b.txt");
  settle ();
  g_assert_false (second->preparing);
  hurry_transfer (first, FD_DUE_FRESH);
  wait_for (second, FD_STATE_OFFERED);
  first->content->hooks->accepted (first->content, first);
  g_assert_cmpuint (fd_manager_get_active (f->manager, FD_OWNER_ANYBODY), ==, 1);
}

static void
test_send_unable (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offer (f, BOB, "a.txt");

  go_online (f);
  g_hash_table_add (f->client->peers->unable, g_strdup (BOB));
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_PEER_UNSUPPORTED));
  g_assert_cmpstr (transfer->info.error_message, ==, "no file transfer");
}

static void
test_send_full_jid_offline (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offer (f, BOB "/r", "a.txt");

  go_online (f);
  while (!transfer->blocked)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_QUEUED);
  g_assert_cmpint (transfer->due[FD_DUE_RETRY], !=, 0);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
  g_assert_cmpint (transfer->due[FD_DUE_RETRY], ==, 0);
}

/* The first session failed and a second one is tried: the user sees one way to
 * the end, not two. */
static void
test_send_redial (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offered (f);
  FdContent *content = transfer->content;

  content->hooks->accepted (content, transfer);
  content->hooks->accepted (content, transfer);
  content->hooks->active (content, FD_PATH_SOCKS5_DIRECT, transfer);
  content->hooks->accepted (content, transfer);
  content->hooks->active (content, FD_PATH_IBB, transfer);
  g_assert_cmpint (transfer->info.path, ==, FD_PATH_IBB);
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  assert_events (f, "+1:queued 1:offered 1:negotiating 1:active 1:done 1!");
}

/* The peer goes away before it has answered: the offer is made again. */
static void
test_send_requeue (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offered (f);

  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_PEER_OFFLINE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_QUEUED);
  g_assert_cmpstr (transfer->info.peer, ==, BOB);
  g_assert_true (transfer->blocked);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
  transfer->content->hooks->accepted (transfer->content, transfer);
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_PEER_OFFLINE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_FAILED); /* now it had begun */
  assert_events (f, "+1:queued 1:offered 1:queued 1:offered 1:negotiating 1:failed 1!");
}

/* It is back elsewhere before its old resource is given up: that tells nobody that it comes. */
static void
test_send_elsewhere (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offered (f);

  g_hash_table_replace (f->client->peers->online, g_strdup (BOB), g_strdup (BOB "/elsewhere"));
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_QUEUED);
  g_assert_false (transfer->blocked);
  wait_for (transfer, FD_STATE_OFFERED);
  /* Who is there, and yet is not, must not be asked without end. */
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  g_assert_true (transfer->blocked);
}

static void
test_send_deadline (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offer (f, BOB, "a.txt");

  hurry_transfer (transfer, FD_DUE_DEADLINE);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_TIMEOUT));
  g_assert_cmpint (transfer->info.ended_by, ==, FD_BY_NETWORK);
}

static void
test_send_changed (Fixture *f, gconstpointer data)
{
  g_autofree char *path = put (f, "a.txt", "abc");
  const char *paths[] = { path, NULL };
  FdOfferOptions options = { .peer = BOB };
  g_autoptr (GPtrArray) transfers = fd_manager_offer_many (f->manager, paths, &options, NULL);
  FdTransfer *transfer = transfers->pdata[0];

  g_assert_null (transfer->source); /* opened when its turn comes */
  g_free (put (f, "a.txt", "abcd"));
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_SOURCE_CHANGED));
}

static void
test_send_many (Fixture *f, gconstpointer data)
{
  g_autofree char *first = put (f, "1.txt", "1");
  g_autofree char *second = put (f, "2.txt", "2");
  g_autofree char *missing = g_build_filename (f->folder, "none", NULL);
  const char *good[] = { second, f->folder, NULL };
  const char *bad[] = { first, missing, NULL };
  FdOfferOptions options = { .peer = BOB, .name = "ignored" };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) transfers = NULL;
  const FdTransferInfo *info;

  g_assert_null (fd_manager_offer_many (f->manager, bad, &options, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_FILE_NOT_FOUND);
  g_assert_cmpuint (fd_manager_get_transfers (f->manager)->len, ==, 0);
  transfers = fd_manager_offer_many (f->manager, good, &options, NULL);
  g_assert_cmpuint (transfers->len, ==, 3);
  info = fd_transfer_get_info (transfers->pdata[0]);
  g_assert_cmpstr (info->name, ==, "2.txt");
  g_assert_cmpstr (info->batch, !=, "");
  g_assert_cmpstr (info->batch, ==, fd_transfer_get_info (transfers->pdata[2])->batch);
  g_assert_cmpstr (fd_transfer_get_info (transfers->pdata[1])->name, ==, "1.txt");
}

static void
test_send_bad_options (Fixture *f, gconstpointer data)
{
  static const struct
  {
    FdOfferOptions options;
    int code;
  } rows[] = {
    { { .peer = "" }, FD_ERROR_INVALID_JID },
    { { .peer = "a@b@c/" }, FD_ERROR_INVALID_JID },
    { { .peer = BOB, .account = "work" }, FD_ERROR_NO_SUCH_ACCOUNT },
    { { .peer = BOB "/x", .resource = "y" }, FD_ERROR_INVALID_OPTION },
  };
  g_autofree char *path = put (f, "a", "");
  g_autoptr (FdSource) source = fd_source_open (path, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (fd_manager_offer (f->manager, source, &rows[i].options, &error));
      g_assert_error (error, FD_ERROR, rows[i].code);
    }
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  FdTransfer *queued = offer (f, BOB, "a.txt");
  FdTransfer *preparing = offer (f, BOB, "a.txt");
  FdTransfer *open;
  g_autoptr (GError) error = NULL;

  g_assert_true (fd_transfer_cancel (queued, NULL));
  g_assert_cmpint (queued->info.state, ==, FD_STATE_CANCELLED);
  g_assert_cmpint (queued->info.ended_by, ==, FD_BY_LOCAL);
  g_assert_cmpstr (queued->info.error, ==, fd_error_name (FD_ERROR_CANCELLED));
  g_assert_false (fd_transfer_cancel (queued, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_FINISHED);

  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  while (!preparing->preparing)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (fd_transfer_cancel (preparing, NULL));
  g_assert_cmpint (preparing->info.state, ==, FD_STATE_CANCELLED);

  open = offer (f, BOB, "a.txt");
  wait_for (open, FD_STATE_OFFERED);
  g_assert_true (fd_transfer_cancel (open, NULL));
  g_assert_true (fd_transfer_cancel (open, NULL)); /* it is on its way */
  g_assert_cmpint (open->info.state, ==, FD_STATE_OFFERED); /* not before the pump has stopped */
  wait_for (open, FD_STATE_CANCELLED);
}

static void
test_resume (Fixture *f, gconstpointer data)
{
  g_autofree char *path = put (f, "a.txt", "abc");
  g_autoptr (FdSource) file = fd_source_new_fd (open (path, O_RDONLY | O_CLOEXEC), -1, NULL);
  g_autoptr (FdSource) pipe = NULL;
  FdOfferOptions options = { .peer = BOB, .name = "n", .mime_type = "text/x" };
  g_autoptr (GError) error = NULL;
  FdTransfer *from_path = offer (f, BOB, "a.txt");
  FdTransfer *from_file = fd_manager_offer (f->manager, file, &options, NULL);
  FdTransfer *from_pipe;
  FdTransfer *again = NULL;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  close (fds[1]);
  pipe = fd_source_new_fd (fds[0], -1, NULL);
  from_pipe = fd_manager_offer (f->manager, pipe, &options, NULL);
  g_assert_false (fd_transfer_resume (from_path, &again, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_NOT_PENDING);
  g_clear_error (&error);
  fd_transfer_cancel (from_path, NULL);
  fd_transfer_cancel (from_file, NULL);
  fd_transfer_cancel (from_pipe, NULL);

  g_assert_true (fd_transfer_resume (from_path, &again, NULL));
  g_assert_cmpstr (again->info.local_path, ==, path);
  g_assert_true (fd_transfer_resume (from_file, &again, NULL));
  g_assert_cmpstr (again->info.name, ==, "n");
  g_assert_cmpstr (again->info.mime_type, ==, "text/x");
  g_assert_false (fd_transfer_resume (from_pipe, &again, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED);
  g_clear_error (&error);
  g_free (put (f, "a.txt", "changed"));
  g_assert_false (fd_transfer_resume (from_path, &again, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_SOURCE_CHANGED);
  g_assert_true (fd_transfer_resume (from_file, &again, NULL)); /* the descriptor is of the old file */
}

/* --- receiving --- */

static void
test_receive (Fixture *f, gconstpointer data)
{
  FdAcceptOptions options = { 0 };
  g_autofree char *expected = g_build_filename (f->folder, "passwd", NULL);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer;
  FdContent *content;

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  transfer = incoming (f, BOB "/r", "../../etc/passwd", 3);
  content = transfer->content;
  g_assert_cmpstr (transfer->info.name, ==, "passwd");
  g_assert_cmpuint (fd_manager_get_pending (f->manager, FD_OWNER_ANYBODY), ==, 1);
  g_assert_true (fd_transfer_accept (transfer, f->folder, &options, &path, &error));
  g_assert_cmpstr (path, ==, expected);
  g_assert_cmpuint (fd_manager_get_pending (f->manager, FD_OWNER_ANYBODY), ==, 0);
  g_assert_cmpint (content->params.paths, ==, FD_PATH_ANY); /* the user has agreed */
  g_assert_true (in_journal (1));
  g_assert_false (fd_transfer_accept (transfer, "", &options, &path, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_NOT_PENDING);
  g_clear_error (&error);

  g_free (put (f, "passwd", "in the way"));
  content->hooks->active (content, FD_PATH_SOCKS5_DIRECT, content->data);
  g_assert_cmpint (write (fd_sink_get_fd (content->sink), "abc", 3), ==, 3);
  g_assert_true (fd_sink_publish (content->sink, -1, &error));
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_true (g_str_has_suffix (transfer->info.local_path, "/passwd (2)"));
  g_assert_false (fd_transfer_reject (transfer, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_FINISHED);
  assert_events (f, "+1:offered 1:negotiating 1:active 1:done 1!");
}

static void
test_receive_bad_destination (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *destination;
    int code;
  } rows[] = {
    { "x", FD_ERROR_INVALID_PATH },
    { "../x", FD_ERROR_INVALID_PATH },
    { "/dev/null/x", FD_ERROR_INVALID_PATH },
    { "/nonexistent/", FD_ERROR_FILE_NOT_FOUND },
    { "/nonexistent/dir/file", FD_ERROR_FILE_NOT_FOUND },
  };
  FdAcceptOptions options = { 0 };
  FdTransfer *transfer;

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  transfer = incoming (f, BOB "/r", "a", 3);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_false (fd_transfer_accept (transfer, rows[i].destination, &options, &path, &error));
      g_assert_error (error, FD_ERROR, rows[i].code);
      g_assert_null (path);
      g_assert_cmpint (transfer->info.state, ==, FD_STATE_OFFERED); /* it can be accepted elsewhere */
    }
  g_assert_null (transfer->content->sink);
}

static void
test_receive_no_space (Fixture *f, gconstpointer data)
{
  FdAcceptOptions options = { 0 };
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer;

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  transfer = incoming (f, BOB "/r", "a", G_MAXINT64 / 2);
  g_assert_false (fd_transfer_accept (transfer, f->folder, &options, &path, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_NO_SPACE);
  g_assert_null (transfer->content->sink); /* the peer was told nothing */
}

/* What came before a failure stays and is named, what was never wanted does not. */
static void
test_receive_part (Fixture *f, gconstpointer data)
{
  FdAcceptOptions options = { 0 };
  g_autofree char *part = g_build_filename (f->folder, ".a.part", NULL);
  FdOutcome outcomes[] = { FD_OUTCOME_CANCELLED, FD_OUTCOME_FAILED };

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      FdTransfer *transfer = incoming (f, BOB "/r", "a", 3);
      gboolean kept = outcomes[i] == FD_OUTCOME_FAILED;
      g_autofree char *path = NULL;

      g_assert_true (fd_transfer_accept (transfer, f->folder, &options, &path, NULL));
      transfer->content->hooks->active (transfer->content, FD_PATH_IBB, transfer);
      g_assert_true (g_file_test (part, G_FILE_TEST_EXISTS));
      g_assert_cmpint (fd_sink_write (transfer->content->sink, 0, "x", 1), ==, 1);
      fake_content_end (transfer->content, outcomes[i], FD_BY_NETWORK, FD_ERROR_CONNECTION_FAILED);
      g_assert_true (!kept == !g_file_test (part, G_FILE_TEST_EXISTS));
      g_assert_true (!kept == !strstr (transfer->info.error_message, part));
    }
}

/* The path that is told is one that is free. */
static void
test_receive_taken_name (Fixture *f, gconstpointer data)
{
  FdAcceptOptions plain = { 0 };
  FdAcceptOptions overwrite = { .overwrite = TRUE };
  g_autofree char *taken = put (f, "a.tar.gz", "old");
  g_autofree char *second = g_build_filename (f->folder, "a (2).tar.gz", NULL);
  g_autofree char *path = NULL;
  g_autofree char *same = NULL;

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  g_assert_true (fd_transfer_accept (incoming (f, BOB "/r", "a.tar.gz", 3), f->folder, &plain, &path, NULL));
  g_assert_cmpstr (path, ==, second);
  g_assert_true (fd_transfer_accept (incoming (f, BOB "/r", "x", 3), taken, &overwrite, &same, NULL));
  g_assert_cmpstr (same, ==, taken);
}

static void
test_receive_fd (Fixture *f, gconstpointer data)
{
  FdAcceptOptions options = { .paths = FD_PATH_IBB };
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer;
  int fds[2];

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  transfer = incoming (f, BOB "/r", "a", 3);
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_false (fd_transfer_accept_fd (transfer, fds[0], &options, &error)); /* the reading end */
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_FD);
  g_assert_true (fd_transfer_accept_fd (transfer, fds[1], &options, NULL));
  g_assert_cmpstr (transfer->info.local_path, ==, "");
  g_assert_cmpint (transfer->content->params.paths, ==, FD_PATH_IBB);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_NEGOTIATING);
}

static void
test_receive_declined (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  FdTransfer *rejected;
  FdTransfer *cancelled;
  FdTransfer *withdrawn;

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  rejected = incoming (f, BOB "/r", "a", 3);
  cancelled = incoming (f, BOB "/r", "b", 3);
  withdrawn = incoming (f, BOB "/r", "c", 3);
  g_assert_true (fd_transfer_reject (rejected, NULL));
  g_assert_false (fd_transfer_reject (rejected, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_NOT_PENDING);
  g_assert_true (fd_transfer_cancel (cancelled, NULL));
  fake_content_end (withdrawn->content, FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_ERROR_REMOTE_CANCELLED);
  settle ();
  g_assert_cmpint (rejected->info.state, ==, FD_STATE_REJECTED);
  g_assert_cmpint (rejected->info.ended_by, ==, FD_BY_LOCAL);
  g_assert_cmpint (cancelled->info.state, ==, FD_STATE_REJECTED);
  g_assert_cmpint (withdrawn->info.state, ==, FD_STATE_CANCELLED);
  g_assert_cmpint (withdrawn->info.ended_by, ==, FD_BY_REMOTE);
}

/* All of an empty file is there before its sender is connected. */
static void
test_send_empty (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offered (f);

  transfer->content->hooks->accepted (transfer->content, transfer);
  fake_content_end (transfer->content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_cmpuint (transfer->info.started, ==, transfer->info.ended);
  g_assert_cmpuint (transfer->info.started, >, 0);
  assert_events (f, "+1:queued 1:offered 1:negotiating 1:done 1!");
}

/* Files that came together are shown so, and answered one by one. */
static void
test_receive_batch (Fixture *f, gconstpointer data)
{
  FdAcceptOptions options = { 0 };
  g_autofree char *path = NULL;
  FdTransfer *taken;
  FdTransfer *rejected;
  FdTransfer *open;

  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  taken = incoming_of_batch (f, BOB "/r", "a", 3, "x");
  rejected = incoming_of_batch (f, BOB "/r", "b", 3, "x");
  open = incoming_of_batch (f, BOB "/r", "c", 3, "x");
  g_assert_cmpstr (taken->info.batch, ==, "x");
  g_assert_cmpstr (rejected->info.batch, ==, "x");
  g_assert_cmpstr (incoming (f, BOB "/r", "d", 3)->info.batch, ==, "");
  g_assert_true (fd_transfer_reject (rejected, NULL));
  g_assert_true (fd_transfer_accept (taken, f->folder, &options, &path, NULL));
  wait_for (rejected, FD_STATE_REJECTED);
  g_assert_cmpint (taken->info.state, ==, FD_STATE_NEGOTIATING);
  g_assert_cmpint (open->info.state, ==, FD_STATE_OFFERED);
  g_assert_true (fd_transfer_cancel (taken, NULL));
  wait_for (taken, FD_STATE_CANCELLED);
  g_assert_cmpint (open->info.state, ==, FD_STATE_OFFERED);
}

static void
test_receive_policy (Fixture *f, gconstpointer data)
{
  const char *reason = NULL;

  go_online (f);
  g_assert_null (fake_offer (f->client, "eve@example.net/x", "a", 1, "", &reason));
  g_assert_cmpstr (reason, ==, ""); /* a stranger learns nothing at all */
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  for (guint i = 0; i < FD_MAX_PENDING_PER_PEER; i++)
    incoming (f, i % 2 ? BOB "/r" : BOB "/other", "a", 1);
  g_assert_null (fake_offer (f->client, BOB "/third", "a", 1, "", &reason));
  g_assert_cmpstr (reason, ==, "busy");
  g_assert_cmpuint (fd_manager_get_pending (f->manager, FD_OWNER_ANYBODY), ==, FD_MAX_PENDING_PER_PEER);
}

/* However many there are, contacts get through. */
static void
test_receive_strangers (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAccountConfig) config = fd_account_config_copy (fd_account_get_config (f->account));
  const char *reason = NULL;

  go_online (f);
  config->strangers = FD_STRANGERS_HOLD;
  g_assert_true (fd_account_update (f->account, config, NULL));
  for (guint i = 0; i < FD_MAX_PENDING_STRANGERS; i++)
    {
      g_autofree char *jid = g_strdup_printf ("eve%u@example.net/x", i);

      incoming (f, jid, "a", 1);
    }
  g_assert_null (fake_offer (f->client, "mallory@example.net/x", "a", 1, "", &reason));
  g_assert_cmpstr (reason, ==, "busy");
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
  incoming (f, BOB "/r", "a", 1);
}

static void
test_receive_auto (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer;

  g_assert_true (fd_manager_set_download_folder (f->manager, f->folder, &error));
  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup ("friend@example.org"));
  transfer = incoming (f, "friend@example.org/r", "a", 3);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_OFFERED); /* shown before it is taken */
  settle ();
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_NEGOTIATING);
  g_assert_true (g_str_has_prefix (transfer->info.local_path, f->folder));
}

int
main (int argc, char **argv)
{
  begin (&argc, &argv);
  ADD ("send", test_send);
  ADD ("send/stranger", test_send_to_stranger);
  ADD ("send/three-per-peer", test_send_three_per_peer);
  ADD ("send/batch", test_send_batch);
  ADD ("send/slots", test_send_slots);
  ADD ("send/unable", test_send_unable);
  ADD ("send/full-jid-offline", test_send_full_jid_offline);
  ADD ("send/redial", test_send_redial);
  ADD ("send/empty", test_send_empty);
  ADD ("send/requeue", test_send_requeue);
  ADD ("send/elsewhere", test_send_elsewhere);
  ADD ("send/deadline", test_send_deadline);
  ADD ("send/changed", test_send_changed);
  ADD ("send/many", test_send_many);
  ADD ("send/bad-options", test_send_bad_options);
  ADD ("cancel", test_cancel);
  ADD ("resume", test_resume);
  ADD ("receive", test_receive);
  ADD ("receive/bad-destination", test_receive_bad_destination);
  ADD ("receive/no-space", test_receive_no_space);
  ADD ("receive/part", test_receive_part);
  ADD ("receive/taken-name", test_receive_taken_name);
  ADD ("receive/fd", test_receive_fd);
  ADD ("receive/declined", test_receive_declined);
  ADD ("receive/batch", test_receive_batch);
  ADD ("receive/policy", test_receive_policy);
  ADD ("receive/strangers", test_receive_strangers);
  ADD ("receive/auto", test_receive_auto);
  return end ();
}

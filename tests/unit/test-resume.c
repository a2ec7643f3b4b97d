/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transfers that break and go on: interruptions, offers made again, and the parts of
 * files.
 */
#include "model-fixture.h"

#include <unistd.h>

#define SIZE 10
#define HALF 5

static void
come_online (Fixture *f)
{
  g_assert_true (fd_manager_set_download_folder (f->manager, f->folder, NULL));
  go_online (f);
  g_hash_table_add (f->client->peers->contacts, g_strdup (BOB));
}

/* --- sending --- */

static FdTransfer *
under_way (Fixture *f)
{
  FdTransfer *transfer = offered (f);

  transfer->content->hooks->accepted (transfer->content, transfer);
  transfer->content->hooks->active (transfer->content, FD_PATH_SOCKS5_DIRECT, transfer);
  transfer->content->bytes = 1;
  return transfer;
}

static FdTransfer *
interrupted (Fixture *f)
{
  FdTransfer *transfer = under_way (f);

  fake_content_interrupt (transfer->content, FD_ERROR_CONNECTION_FAILED, FALSE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
  return transfer;
}

static void
wait_for_offer (FdTransfer *transfer)
{
  while (!transfer->content)
    g_main_context_iteration (NULL, TRUE);
}

static void
try_again (FdTransfer *transfer)
{
  hurry_transfer (transfer, FD_DUE_RETRY);
  wait_for_offer (transfer);
}

static void
test_send (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = under_way (f);
  g_autofree char *id = g_strdup (transfer->content->file->resume_id);

  fake_content_interrupt (transfer->content, FD_ERROR_CONNECTION_FAILED, FALSE);
  g_assert_cmpuint (transfer->info.transferred, ==, 1);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_CONNECTION_FAILED));
  g_assert_true (in_journal (1));
  settle ();
  g_assert_null (transfer->content); /* not at once: the way is broken */
  try_again (transfer);
  g_assert_cmpstr (transfer->content->file->resume_id, ==, id);
  transfer->content->hooks->accepted (transfer->content, transfer);
  g_assert_cmpstr (transfer->info.error, ==, "");
  transfer->content->bytes = 1;
  transfer->content->hooks->active (transfer->content, FD_PATH_IBB, transfer);
  g_assert_cmpuint (transfer->info.offset, ==, 1);
  fake_content_end (transfer->content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_false (in_journal (1));
  assert_events (f,
                 "+1:queued 1:offered 1:negotiating 1:active 1:interrupted 1:negotiating 1:active 1:done 1!");
}

/* The waits double up to five minutes, and are short again once bytes have moved. */
static void
test_send_patience (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);
  double expected = 1;

  for (guint i = 0; i < 12; i++)
    {
      gint64 wait = transfer->due[FD_DUE_RETRY] - g_get_monotonic_time ();

      g_assert_cmpint (wait, <=, 1.25 * expected * G_USEC_PER_SEC);
      if (expected > 30) /* whatever the machine was doing meanwhile */
        g_assert_cmpint (wait, >, 0.5 * expected * G_USEC_PER_SEC);
      expected = MIN (2 * expected, 300);
      try_again (transfer);
      fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
      g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
    }
  try_again (transfer);
  transfer->content->hooks->accepted (transfer->content, transfer);
  transfer->content->bytes = 2;
  fake_content_interrupt (transfer->content, FD_ERROR_CONNECTION_FAILED, FALSE);
  g_assert_cmpint (transfer->due[FD_DUE_RETRY] - g_get_monotonic_time (), <=, 2 * G_USEC_PER_SEC);
}

/* That there is no way is the last word, unless there was one: then it may pass. */
static void
test_send_no_way (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = data ? interrupted (f) : offered (f);

  if (data)
    try_again (transfer);
  transfer->content->hooks->accepted (transfer->content, transfer);
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
  g_assert_cmpint (transfer->info.state, ==, data ? FD_STATE_INTERRUPTED : FD_STATE_FAILED);
}

static void
test_send_presence (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);

  fake_peer_offline (f->client, BOB);
  hurry_transfer (transfer, FD_DUE_RETRY);
  settle ();
  g_assert_null (transfer->content); /* nobody there */
  g_assert_false (transfer->preparing);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for_offer (transfer);
}

static void
test_send_stream (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = under_way (f);

  fake_client_set_status (f->client, FD_CLIENT_WAITING, NULL);
  fake_content_interrupt (transfer->content, FD_ERROR_NOT_CONNECTED, FALSE);
  g_assert_false (transfer->blocked);
  settle ();
  g_assert_null (transfer->content);
  fake_client_set_status (f->client, FD_CLIENT_ONLINE, NULL);
  wait_for_offer (transfer);
}

/* The user disconnects the account, and connects it later. */
static void
test_send_disconnect (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = under_way (f);

  transfer->content->accepted = TRUE;
  fd_account_disconnect (f->account);
  wait_for (transfer, FD_STATE_INTERRUPTED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_NOT_CONNECTED));
  while (f->client->status != FD_CLIENT_OFFLINE)
    g_main_context_iteration (NULL, TRUE);
  fd_account_connect (f->account);
  go_online (f);
  wait_for_offer (transfer);
}

static void
test_send_deadline (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);
  gint64 left = transfer->due[FD_DUE_DEADLINE] - g_get_monotonic_time ();

  g_assert_cmpint (left, >, G_GINT64_CONSTANT (86000) * G_USEC_PER_SEC); /* all of it, from now */
  try_again (transfer);
  g_assert_cmpint (transfer->due[FD_DUE_DEADLINE], ==, 0);
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_PEER_OFFLINE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
  hurry_transfer (transfer, FD_DUE_DEADLINE);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_TIMEOUT));
  g_assert_false (in_journal (1));
}

/* What the peer says counts, also about an offer made again. */
static void
test_send_declined (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);

  try_again (transfer);
  fake_content_end (transfer->content, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_REJECTED);
}

static void
test_send_cancelled (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);

  g_assert_true (fd_transfer_cancel (transfer, NULL));
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_CANCELLED);
  g_assert_cmpint (f->manager->next_due, ==, 0); /* nothing left to wake up for */
}

static void
test_send_changed (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);

  g_free (put (f, "a.txt", "abcd"));
  g_clear_pointer (&transfer->source, fd_source_unref); /* as after a restart */
  hurry_transfer (transfer, FD_DUE_RETRY);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_SOURCE_CHANGED));
}

/* The receiver is faster to see that the hash does not fit. */
static void
test_send_changed_heard (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = under_way (f);
  g_autofree char *path = g_build_filename (f->folder, "a.txt", NULL);

  g_assert_cmpint (truncate (path, 1), ==, 0);
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_SOURCE_CHANGED));
  g_assert_cmpint (transfer->info.ended_by, ==, FD_BY_LOCAL);
}

/* What was read from a pipe cannot be read again. */
static void
test_send_pipe (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSource) pipe = NULL;
  FdOfferOptions options = { .peer = BOB };
  FdTransfer *transfer;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  close (fds[1]);
  pipe = fd_source_new_fd (fds[0], -1, NULL);
  transfer = fd_manager_offer (f->manager, pipe, &options, NULL);
  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
  transfer->content->hooks->accepted (transfer->content, transfer);
  fake_content_interrupt (transfer->content, FD_ERROR_CONNECTION_FAILED, FALSE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_FAILED);
}

/* Another client of the peer would begin at the first byte: it is not for a moment
 * without connection that the file goes there. */
static void
test_send_loyal (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);

  g_hash_table_add (f->client->peers->old, g_strdup (BOB));
  hurry_transfer (transfer, FD_DUE_RETRY);
  while (!transfer->preparing)
    g_main_context_iteration (NULL, TRUE);
  while (transfer->preparing)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (transfer->content);
  transfer->interrupted_at -= 100 * G_USEC_PER_SEC;
  try_again (transfer);
  g_assert_false (transfer->agreed);
}

static void
test_send_sha1 (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = offer (f, BOB, "a.txt");

  go_online (f);
  g_hash_table_add (f->client->peers->old, g_strdup (BOB));
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
  g_assert_nonnull (fd_file_get_hash (transfer->content->file, FD_HASH_SHA1));
  g_assert_nonnull (fd_file_get_hash (transfer->content->file, FD_HASH_SHA256));
}

static void
test_resume (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = interrupted (f);
  g_autofree char *id = g_strdup (transfer->resume_id);
  FdTransfer *again = NULL;

  g_assert_true (fd_transfer_resume (transfer, &again, NULL));
  g_assert_true (again == transfer);
  wait_for_offer (transfer);
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_FAILED);
  g_assert_true (fd_transfer_resume (transfer, &again, NULL));
  g_assert_true (again != transfer);
  g_assert_cmpstr (again->resume_id, ==, id);
  wait_for (again, FD_STATE_OFFERED);
  g_assert_cmpstr (again->content->file->resume_id, ==, id);
}

/* --- receiving --- */

static FdContent *
offer_again (Fixture *f, const char *peer, const char *id)
{
  g_autoptr (FdFile) file = fd_file_new ("film", SIZE);
  const char *reason = NULL;

  file->resume_id = g_strdup (id);
  return fake_offer_file (f->client, peer, file, "", &reason);
}

static void
accept (Fixture *f, FdTransfer *transfer, const FdAcceptOptions *options)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (fd_transfer_accept (transfer, f->folder, options, &path, &error));
  g_assert_no_error (error);
}

static void
arrive (FdContent *content, guint64 bytes)
{
  content->hooks->active (content, FD_PATH_IBB, content->data);
  while (content->bytes < bytes)
    {
      char byte = 'a' + content->bytes;

      g_assert_cmpint (fd_sink_write (content->sink, content->bytes, &byte, 1), ==, 1);
      content->bytes++;
    }
}

static FdTransfer *
arrived (Fixture *f, guint64 bytes)
{
  const FdAcceptOptions options = { 0 };
  FdContent *content;

  come_online (f);
  content = offer_again (f, BOB "/r", "id");
  accept (f, content->data, &options);
  arrive (content, bytes);
  return content->data;
}

static FdTransfer *
half_there (Fixture *f)
{
  return arrived (f, HALF);
}

static FdTransfer *
broken (Fixture *f)
{
  FdTransfer *transfer = half_there (f);

  fake_content_interrupt (transfer->content, FD_ERROR_CONNECTION_FAILED, FALSE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
  return transfer;
}

static void
wait_for_accept (FdContent *content)
{
  while (!content->accepted)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
exists (Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
complete (FdContent *content)
{
  g_autoptr (GError) error = NULL;

  content->bytes = MAX (content->bytes, content->params.offset);
  arrive (content, SIZE);
  g_assert_true (fd_sink_publish (content->sink, -1, &error));
  g_assert_no_error (error);
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

static void
assert_film (Fixture *f)
{
  g_autofree char *path = g_build_filename (f->folder, "film", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "abcdefghij");
  g_assert_false (exists (f, ".film.part"));
  g_assert_false (exists (f, "film (2)"));
}

static guint
count (Fixture *f)
{
  return fd_manager_get_transfers (f->manager)->len;
}

static void
test_receive (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = broken (f);
  FdContent *content;

  g_assert_true (exists (f, ".film.part"));
  content = offer_again (f, BOB "/elsewhere", "id");
  g_assert_true (content->data == transfer);
  g_assert_cmpstr (transfer->info.peer, ==, BOB "/elsewhere");
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, HALF);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_NEGOTIATING);
  complete (content);
  assert_film (f);
  g_assert_cmpuint (count (f), ==, 1);
  assert_events (f, "+1:offered 1:negotiating 1:active 1:interrupted 1:negotiating 1:active 1:done 1!");
}

/* There was a way, and now there is none: its sender takes that for an interruption, too. */
static void
test_receive_no_way (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = broken (f);
  FdContent *content = offer_again (f, BOB "/r", "id");

  wait_for_accept (content);
  fake_content_end (content, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
  g_assert_true (exists (f, ".film.part"));
}

/* What is there is known to be damaged. */
static void
test_receive_restart (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = half_there (f);
  FdContent *content;

  fake_content_interrupt (transfer->content, FD_ERROR_HASH_MISMATCH, TRUE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
  g_assert_cmpuint (transfer->info.transferred, ==, 0);
  g_assert_false (exists (f, ".film.part"));
  content = offer_again (f, BOB "/r", "id");
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, 0);
  complete (content);
  assert_film (f);
}

/* The part that waited was removed, or is another file now. */
static void
test_receive_part_gone (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = broken (f);
  g_autofree char *part = g_build_filename (f->folder, ".film.part", NULL);
  FdContent *content;

  g_assert_cmpint (g_unlink (part), ==, 0);
  if (data)
    g_free (put (f, ".film.part", "mine"));
  content = offer_again (f, BOB "/r", "id");
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, 0);
  complete (content);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_DONE);
  g_assert_true (exists (f, ".film.part") == (data != NULL)); /* not ours to remove */
}

/* Its sender was killed, and is back before we noticed. */
static void
test_receive_superseded (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = half_there (f);
  FdContent *old = transfer->content;
  FdContent *content;

  fake_contents_hang = TRUE; /* the pump takes its time */
  old->accepted = TRUE;
  content = offer_again (f, BOB "/r", "id");
  g_assert_cmpstr (old->asked, ==, "stop");
  settle ();
  g_assert_false (content->accepted); /* the file is not free yet */
  arrive (old, HALF + 1);
  fake_content_interrupt (old, FD_ERROR_CANCELLED, FALSE);
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, HALF + 1);
  g_assert_true (content->data == transfer);
  complete (content);
  assert_film (f);
  g_assert_cmpuint (count (f), ==, 1);
}

/* The new session goes before the old one has ended. */
static void
test_receive_superseded_in_vain (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = half_there (f);
  FdContent *old = transfer->content;
  FdContent *third;

  fake_contents_hang = TRUE;
  fake_content_end (offer_again (f, BOB "/r", "id"), FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  g_assert_null (transfer->next);
  offer_again (f, BOB "/r", "id");
  third = offer_again (f, BOB "/r", "id");
  fake_contents_hang = FALSE;
  fake_content_interrupt (old, FD_ERROR_CANCELLED, FALSE);
  wait_for_accept (third);
  g_assert_true (transfer->content == third);
}

/* All had come in the old session: the new one is told so. */
static void
test_receive_superseded_done (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = half_there (f);
  FdContent *content;

  fake_contents_hang = TRUE;
  content = offer_again (f, BOB "/r", "id");
  complete (transfer->content);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_DONE);
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, SIZE);
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  assert_film (f);
}

/* Offered again before anybody answered: it stays one offer. */
static void
test_receive_pending (Fixture *f, gconstpointer data)
{
  const FdAcceptOptions options = { 0 };
  FdContent *old;
  FdContent *content;

  come_online (f);
  old = offer_again (f, BOB "/r", "id");
  content = offer_again (f, BOB "/r", "id");
  g_assert_cmpstr (old->asked, ==, "cancel");
  settle ();
  g_assert_cmpuint (count (f), ==, 1);
  g_assert_cmpuint (fake_contents->len, ==, 1);
  accept (f, content->data, &options);
  complete (content);
  assert_film (f);
}

/* The sender did not hear that the file had arrived. */
static void
test_receive_again (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = half_there (f);
  g_autofree char *path = g_build_filename (f->folder, "film", NULL);
  FdContent *content;

  complete (transfer->content);
  content = offer_again (f, BOB "/r", "id");
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, SIZE);
  g_assert_cmpuint (count (f), ==, 1);
  fake_content_end (content, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  assert_film (f);
  g_assert_cmpuint (f->manager->echoes->len, ==, 0);

  g_assert_cmpint (g_unlink (path), ==, 0); /* then it is wanted once more */
  content = offer_again (f, BOB "/r", "id");
  g_assert_cmpuint (count (f), ==, 2);
  g_assert_false (content->accepted);
}

/* A failure that does not pass by itself: the user is asked, and the part is used. */
/* A part without a byte is of no use to the next try, and nobody would look for it. */
static void
test_receive_nothing (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = arrived (f, 0);

  fd_sink_keep (transfer->sink); /* as a content does that has begun */
  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_NO_SPACE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_FAILED);
  g_assert_false (exists (f, ".film.part"));
  g_assert_false (in_journal (1));
}

static void
test_receive_after_failure (Fixture *f, gconstpointer data)
{
  const FdAcceptOptions options = { .fresh = data != NULL };
  FdTransfer *transfer = half_there (f);
  FdContent *content;

  fake_content_end (transfer->content, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_NO_SPACE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_FAILED);
  g_assert_true (in_journal (1));
  content = offer_again (f, BOB "/r", "id");
  g_assert_cmpuint (count (f), ==, 2);
  accept (f, content->data, &options);
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, data ? 0 : HALF);
  complete (content);
  assert_film (f);
  g_assert_false (in_journal (1));
  g_assert_true (in_journal (2)); /* it is known that it is here */
}

static void
test_receive_cancelled (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = broken (f);

  g_assert_true (fd_transfer_cancel (transfer, NULL));
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_CANCELLED);
  g_assert_false (exists (f, ".film.part"));
  g_assert_false (in_journal (1));
  offer_again (f, BOB "/r", "id");
  g_assert_cmpuint (count (f), ==, 2);
}

static void
test_receive_expired (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = broken (f);

  g_assert_cmpint (transfer->due[FD_DUE_DEADLINE] - g_get_monotonic_time (), >,
                   G_GINT64_CONSTANT (518400) * G_USEC_PER_SEC);
  hurry_transfer (transfer, FD_DUE_DEADLINE);
  wait_for (transfer, FD_STATE_FAILED);
  g_assert_cmpstr (transfer->info.error, ==, fd_error_name (FD_ERROR_TIMEOUT));
  g_assert_false (exists (f, ".film.part"));
}

/* The peer offers again and goes away while the part is hashed. */
static void
test_receive_gone_again (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = broken (f);
  FdContent *content = offer_again (f, BOB "/r", "id");

  g_assert_nonnull (transfer->rehash);
  fake_content_end (content, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
  content = offer_again (f, BOB "/r", "id");
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, HALF);
  complete (content);
  assert_film (f);
}

/* Psi gives no id, but says that it can begin anywhere. */
static void
test_receive_range (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *name;
    gint64 size;
    gint64 mtime;
    gboolean same;
  } rows[] = {
    { "other", SIZE, 1000, FALSE }, { "film", SIZE + 1, 1000, FALSE }, { "film", SIZE, 1001, FALSE },
    { "film", SIZE, -1, FALSE },    { "film", SIZE, 1000, TRUE },
  };
  const FdAcceptOptions options = { 0 };
  g_autoptr (FdFile) file = fd_file_new ("film", SIZE);
  const char *reason = NULL;
  FdContent *content;
  FdTransfer *transfer;

  come_online (f);
  file->ranged = TRUE;
  file->mtime = 1000;
  content = fake_offer_file (f->client, BOB "/r", file, "", &reason);
  transfer = content->data;
  accept (f, transfer, &options);
  arrive (content, HALF);
  fake_content_interrupt (content, FD_ERROR_CONNECTION_FAILED, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FdFile) again = fd_file_new (rows[i].name, rows[i].size);

      again->ranged = TRUE;
      again->mtime = rows[i].mtime;
      content = fake_offer_file (f->client, BOB "/r", again, "", &reason);
      g_assert_true ((content->data == transfer) == rows[i].same);
    }
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, HALF);
}

/* An id is worth something only in the mouth of the peer that it came from. */
static void
test_receive_stranger (Fixture *f, gconstpointer data)
{
  FdTransfer *transfer = broken (f);

  g_hash_table_add (f->client->peers->contacts, g_strdup ("carol@example.org"));
  g_assert_true (offer_again (f, "carol@example.org/r", "id")->data != transfer);
  g_assert_true (offer_again (f, BOB "/r", "other")->data != transfer);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
}

/* A pipe has taken what it has taken: one can go on, but not begin again. */
static void
test_receive_pipe (Fixture *f, gconstpointer data)
{
  const FdAcceptOptions options = { 0 };
  FdTransfer *transfer;
  FdContent *content;
  int fds[2];

  come_online (f);
  content = offer_again (f, BOB "/r", "id");
  transfer = content->data;
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_true (fd_transfer_accept_fd (transfer, fds[1], &options, NULL));
  arrive (content, HALF);
  fake_content_interrupt (content, FD_ERROR_CONNECTION_FAILED, FALSE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_INTERRUPTED);
  content = offer_again (f, BOB "/r", "id");
  wait_for_accept (content);
  g_assert_cmpuint (content->params.offset, ==, HALF);
  fake_content_interrupt (content, FD_ERROR_HASH_MISMATCH, TRUE);
  g_assert_cmpint (transfer->info.state, ==, FD_STATE_FAILED);
  close (fds[0]);
}

int
main (int argc, char **argv)
{
  begin (&argc, &argv);
  ADD ("send", test_send);
  ADD ("send/patience", test_send_patience);
  ADD ("send/no-way", test_send_no_way);
  g_test_add ("/send/no-way-any-more", Fixture, "later", set_up, test_send_no_way, tear_down);
  ADD ("send/presence", test_send_presence);
  ADD ("send/stream", test_send_stream);
  ADD ("send/disconnect", test_send_disconnect);
  ADD ("send/deadline", test_send_deadline);
  ADD ("send/declined", test_send_declined);
  ADD ("send/cancelled", test_send_cancelled);
  ADD ("send/changed", test_send_changed);
  ADD ("send/changed-heard", test_send_changed_heard);
  ADD ("send/pipe", test_send_pipe);
  ADD ("send/loyal", test_send_loyal);
  ADD ("send/sha1", test_send_sha1);
  ADD ("resume", test_resume);
  ADD ("receive", test_receive);
  ADD ("receive/no-way", test_receive_no_way);
  ADD ("receive/restart", test_receive_restart);
  ADD ("receive/part-gone", test_receive_part_gone);
  g_test_add ("/receive/part-replaced", Fixture, "replaced", set_up, test_receive_part_gone, tear_down);
  ADD ("receive/superseded", test_receive_superseded);
  ADD ("receive/superseded-in-vain", test_receive_superseded_in_vain);
  ADD ("receive/superseded-done", test_receive_superseded_done);
  ADD ("receive/pending", test_receive_pending);
  ADD ("receive/again", test_receive_again);
  ADD ("receive/nothing", test_receive_nothing);
  ADD ("receive/after-failure", test_receive_after_failure);
  g_test_add ("/receive/fresh", Fixture, "fresh", set_up, test_receive_after_failure, tear_down);
  ADD ("receive/cancelled", test_receive_cancelled);
  ADD ("receive/expired", test_receive_expired);
  ADD ("receive/gone-again", test_receive_gone_again);
  ADD ("receive/range", test_receive_range);
  ADD ("receive/stranger", test_receive_stranger);
  ADD ("receive/pipe", test_receive_pipe);
  return end ();
}

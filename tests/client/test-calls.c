/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is asked of the daemon: what goes over the bus, and what comes back as an
 * object or an error.
 */
#include "broken-file.h"
#include "fixture.h"
#include "loop.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOURCE "resource:///test/test.gresource.xml"

static void
assert_call (Fake *fake, const char *method, const char *expected)
{
  g_autofree char *text = g_variant_print (fake_last (fake, method)->arguments, FALSE);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_offer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) transfer = NULL;
  g_autoptr (FardelTransfer) second = NULL;
  g_autoptr (GError) error = NULL;

  transfer = fixture_offer (fixture, &error);
  g_assert_no_error (error);
  g_assert_true (fixture_last (fixture->client) == transfer);
  g_assert_cmpuint (fardel_transfer_get_id (transfer), ==, 101);
  assert_call (fixture->fake, "OfferFd", "('bob@x', 0, 'a.txt', {})");
  g_assert_cmpstr (fake_last (fixture->fake, "OfferFd")->data, ==, "content");

  second = fardel_client_offer_file_sync (fixture->client, "bob@x", fixture->file,
                                          g_variant_new_parsed ("{'name': <'b.txt'>, 'hash': <true>}"), NULL,
                                          &error);
  g_assert_no_error (error);
  g_assert_true (fixture_last (fixture->client) == second);
  assert_call (fixture->fake, "OfferFd", "('bob@x', 0, 'b.txt', {'hash': <true>})");
}

static void
test_reply_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  fake_set_offers (fixture->fake, FAKE_REPLY_FIRST);
  transfer = fixture_offer (fixture, &error);
  g_assert_no_error (error);
  loop_until (fixture_last (fixture->client) == transfer);
  g_assert_cmpuint (g_list_model_get_n_items (fardel_client_get_transfers (fixture->client)), ==, 2);
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fake_set_offers (fixture->fake, FAKE_GONE);
  g_assert_null (fixture_offer (fixture, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
  g_assert_cmpuint (g_list_model_get_n_items (fardel_client_get_transfers (fixture->client)), ==, 1);
}

static void
test_errors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) absent = g_file_new_for_path ("/nowhere/a");
  g_autoptr (GFile) folder = g_file_new_for_path (fixture->folder);
  g_autofree char *fifo = g_build_filename (fixture->folder, "fifo", NULL);
  g_autoptr (GFile) special = g_file_new_for_path (fifo);

  fake_fail (fixture->fake, "OfferFd", "org.fardel.Fardel1.Error.Blocked", 0);
  g_assert_null (fixture_offer (fixture, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_BLOCKED);
  g_assert_cmpstr (error->message, ==, "It is said to fail");
  g_clear_error (&error);
  fake_fail (fixture->fake, "QueryPeer", "org.fardel.Fardel1.Error.Tomorrow", 0);
  g_assert_null (fardel_client_query_peer_sync (fixture->client, "bob@x", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_DBUS_ERROR);
  g_assert_cmpstr (error->message, ==, "It is said to fail");
  g_clear_error (&error);
  fake_fail (fixture->fake, "Reject", "org.freedesktop.DBus.Error.AccessDenied", 0);
  g_assert_false (fardel_transfer_reject_sync (fixture_first (fixture->client), NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
  g_clear_error (&error);

  g_assert_null (fardel_client_offer_file_sync (fixture->client, "bob@x", absent, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (fardel_client_offer_file_sync (fixture->client, "bob@x", folder, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_clear_error (&error);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_null (fardel_client_offer_file_sync (fixture->client, "bob@x", special, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_clear_error (&error);
  g_assert_null (fardel_client_offer_fd_sync (fixture->client, "bob@x", 12345, "a", NULL, NULL, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_INVALID_FD);
}

static void
test_cancel_in_flight (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  fake_hold (fixture->fake, "OfferFd");
  fardel_client_offer_file_async (fixture->client, "bob@x", fixture->file, NULL, cancellable, loop_store,
                                  &result);
  fake_wait_held (fixture->fake);
  g_cancellable_cancel (cancellable);
  loop_result (result);
  g_assert_null (fardel_client_offer_file_finish (fixture->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* The daemon made it all the same, and it is in the list. */
  fake_go_on (fixture->fake);
  loop_until (fardel_transfer_get_id (fixture_last (fixture->client)) == 101);

  fake_hold (fixture->fake, "Reject");
  g_clear_object (&result);
  g_clear_error (&error);
  g_cancellable_reset (cancellable);
  fardel_transfer_reject_async (fixture_first (fixture->client), cancellable, loop_store, &result);
  fake_wait_held (fixture->fake);
  g_cancellable_cancel (cancellable);
  loop_result (result);
  g_assert_false (fardel_transfer_reject_finish (fixture_first (fixture->client), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* Nothing is asked for who has cancelled before. */
  g_clear_error (&error);
  g_assert_false (fardel_transfer_cancel_sync (fixture_first (fixture->client), cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (fardel_transfer_cancel_sync (fixture_first (fixture->client), NULL, NULL));
  g_assert_cmpuint (fake_count (fixture->fake, "Cancel"), ==, 1);
}

static void
make_tree (Fixture *fixture, GFile **ret_folder)
{
  const char *names[] = { "tree/b", "tree/a", "tree/sub/c" };
  g_autofree char *sub = g_build_filename (fixture->folder, "tree", "sub", NULL);
  g_autofree char *link = g_build_filename (fixture->folder, "tree", "link", NULL);
  g_autofree char *tree = g_path_get_dirname (sub);

  g_assert_cmpint (g_mkdir_with_parents (sub, 0700), ==, 0);
  g_assert_cmpint (symlink ("a", link), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->folder, names[i], NULL);

      g_assert_true (g_file_set_contents (path, names[i], -1, NULL));
    }
  *ret_folder = g_file_new_for_path (tree);
}

static void
test_files (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) folder = NULL;
  g_autoptr (GPtrArray) transfers = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) options = NULL;
  g_autofree char *batch = NULL;
  GFile *files[2];

  make_tree (fixture, &folder);
  files[0] = folder;
  files[1] = fixture->file;
  fardel_client_offer_files_async (fixture->client, "bob@x", files, 2, NULL, NULL, loop_store, &result);
  loop_result (result);
  transfers = fardel_client_offer_files_finish (fixture->client, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (transfers->len, ==, 4);
  g_assert_true (fixture_last (fixture->client) == transfers->pdata[3]);
  g_assert_cmpstr (fake_last (fixture->fake, "OfferFd")->data, ==, "content");
  options = g_variant_get_child_value (fake_last (fixture->fake, "OfferFd")->arguments, 3);
  g_variant_lookup (options, "batch", "s", &batch);
  g_assert_true (g_uuid_string_is_valid (batch));

  /* All or none. */
  fake_fail (fixture->fake, "OfferFd", "org.fardel.Fardel1.Error.LimitExceeded", 7);
  g_assert_null (fardel_client_offer_files_sync (fixture->client, "bob@x", files, 2, NULL, NULL, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_LIMIT_EXCEEDED);
  g_assert_cmpuint (fake_count (fixture->fake, "Cancel"), ==, 2);
  g_clear_error (&error);
  g_assert_null (fardel_client_offer_files_sync (fixture->client, "bob@x", NULL, 0, NULL, NULL, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_INVALID_PATH);
}

static void
test_stream (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) file = g_file_new_for_uri (RESOURCE);
  g_autoptr (FardelTransfer) transfer = NULL;
  g_autoptr (FardelTransfer) second = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) content = G_INPUT_STREAM (g_file_read (file, NULL, NULL));
  char expected[4096] = "";
  char got[4096] = "";
  gsize length = 0;
  gssize n;
  g_autofree char *call = NULL;

  g_assert_true (g_input_stream_read_all (content, expected, sizeof expected - 1, &length, NULL, NULL));
  transfer = fardel_client_offer_file_sync (fixture->client, "bob@x", file, NULL, NULL, &error);
  g_assert_no_error (error);
  call
    = g_strdup_printf ("('bob@x', 0, 'test.gresource.xml', {'size': <int64 %" G_GSIZE_FORMAT ">})", length);
  assert_call (fixture->fake, "OfferFd", call);
  length = 0;
  while ((n = read (fake_last (fixture->fake, "OfferFd")->fd, got + length, sizeof got - length)) > 0)
    length += n;
  g_assert_cmpint (n, ==, 0);
  g_assert_cmpstr (got, ==, expected);

  /* The daemon may close its end before it read anything; that is not our death. */
  fake_set_offers (fixture->fake, FAKE_SIGNAL_FIRST);
  second = fardel_client_offer_file_sync (fixture->client, "bob@x", file, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* A file that ends too early must not look whole. */
static void
test_broken_stream (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) file = broken_file_new ();
  g_autoptr (FardelTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[16] = "";
  int fd;

  fake_hold (fixture->fake, "Cancel");
  transfer = fardel_client_offer_file_sync (fixture->client, "bob@x", file, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_call (fixture->fake, "OfferFd", "('bob@x', 0, 'broken.txt', {})");
  fake_wait_held (fixture->fake);
  g_assert_cmpstr (fake_last (fixture->fake, "Cancel")->path, ==, TRANSFER (101));
  fd = fake_last (fixture->fake, "OfferFd")->fd;
  g_assert_cmpint (read (fd, buffer, sizeof buffer), ==, strlen (BROKEN_FILE_START));
  /* The end comes after the daemon knows that it is none. */
  g_assert_cmpint (recv (fd, buffer, sizeof buffer, MSG_DONTWAIT), ==, -1);
  fake_go_on (fixture->fake);
  g_assert_cmpint (read (fd, buffer, sizeof buffer), ==, 0);
}

static void
test_accept (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) folder = g_file_new_for_path ("/srv/files");
  g_autoptr (GFile) elsewhere = g_file_new_for_uri ("resource:///folder");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  FardelTransfer *transfer = fixture_first (fixture->client);
  int ends[2];

  fardel_transfer_accept_async (transfer, folder, NULL, NULL, loop_store, &result);
  loop_result (result);
  g_assert_true (fardel_transfer_accept_finish (transfer, result, &error));
  assert_call (fixture->fake, "Accept", "('/srv/files', {})");
  g_assert_true (
    fardel_transfer_accept_sync (transfer, NULL, g_variant_new_parsed ("{'bind': <true>}"), NULL, &error));
  assert_call (fixture->fake, "Accept", "('', {'bind': <true>})");
  g_assert_false (fardel_transfer_accept_sync (transfer, elsewhere, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  g_assert_true (fardel_transfer_accept_fd_sync (transfer, ends[1], NULL, NULL, &error));
  assert_call (fixture->fake, "AcceptFd", "(0, {})");
  g_assert_cmpint (write (ends[1], "x", 1), ==, 1); /* still ours */
  close (ends[0]);
  close (ends[1]);
}

/* In a sandbox the daemon takes no paths. */
static void
test_confined (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) folder = g_file_new_for_path (fixture->folder);
  g_autofree char *second = g_build_filename (fixture->folder, "a (2).txt", NULL);
  g_autofree char *third = g_build_filename (fixture->folder, "a (3).txt", NULL);
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  FardelTransfer *transfer = fixture_first (fixture->client);

  g_setenv ("SNAP", "/snap/test", TRUE);
  fardel_transfer_accept_sync (transfer, folder, g_variant_new_parsed ("{'resume': <true>, 'bind': <true>}"),
                               NULL, &error);
  g_assert_no_error (error);
  assert_call (fixture->fake, "AcceptFd", "(0, {'bind': <true>})");
  g_assert_true (g_file_test (second, G_FILE_TEST_EXISTS));
  fake_fail (fixture->fake, "AcceptFd", "org.freedesktop.DBus.Error.AccessDenied", 0);
  g_assert_false (fardel_transfer_accept_sync (transfer, folder, NULL, NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
  g_assert_false (g_file_test (third, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_get_contents (fixture->path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "content");

  /* One that is to be replaced is there until the transfer is accepted. */
  g_clear_error (&error);
  g_clear_pointer (&content, g_free);
  g_assert_false (fardel_transfer_accept_sync (transfer, folder,
                                               g_variant_new_parsed ("{'overwrite': <true>}"), NULL, &error));
  g_assert_true (g_file_get_contents (fixture->path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "content");
  fake_fail (fixture->fake, NULL, NULL, 0);
  g_assert_true (fardel_transfer_accept_sync (transfer, folder,
                                              g_variant_new_parsed ("{'overwrite': <true>}"), NULL, NULL));
  g_clear_pointer (&content, g_free);
  g_assert_true (g_file_get_contents (fixture->path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "");
  g_unsetenv ("SNAP");
}

static void
test_transfer_calls (Fixture *fixture, gconstpointer data)
{
  FardelTransfer *transfer = fixture_first (fixture->client);
  g_autoptr (FardelTransfer) resumed = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) info = NULL;
  gboolean online = FALSE;

  g_assert_true (fardel_transfer_reject_sync (transfer, NULL, NULL));
  g_assert_cmpstr (fake_last (fixture->fake, "Reject")->path, ==, TRANSFER (1));
  g_assert_true (fardel_transfer_cancel_sync (transfer, NULL, NULL));
  g_assert_true (fardel_transfer_forget_sync (transfer, NULL, NULL));
  g_assert_cmpuint (fake_count (fixture->fake, "Cancel") + fake_count (fixture->fake, "Forget"), ==, 2);
  resumed = fardel_transfer_resume_sync (transfer, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (fixture_last (fixture->client) == resumed);
  info = fardel_client_query_peer_sync (fixture->client, "bob@x", NULL, NULL, &error);
  g_assert_no_error (error);
  g_variant_lookup (info, "online", "b", &online);
  g_assert_true (online);
}

static void
test_account_calls (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelAccount) account = NULL;
  g_autoptr (FardelAccount) listed = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *long_one = g_strnfill (100 * 1000, 'x');

  account = fardel_client_add_account_sync (fixture->client, "work",
                                            g_variant_new_parsed ("{'jid': <'a@x'>}"), NULL, &error);
  g_assert_no_error (error);
  assert_call (fixture->fake, "AddAccount", "('work', {'jid': <'a@x'>})");
  listed = g_list_model_get_item (fardel_client_get_accounts (fixture->client), 1);
  g_assert_true (listed == account);
  fardel_account_set_password_async (account, "secret", g_variant_new_parsed ("{'save': <true>}"), NULL,
                                     loop_store, &result);
  loop_result (result);
  g_assert_true (fardel_account_set_password_finish (account, result, &error));
  assert_call (fixture->fake, "SetPassword", "(0, {'save': <true>})");
  g_assert_cmpstr (fake_last (fixture->fake, "SetPassword")->data, ==, "secret");
  /* More than the daemon reads, and more than a pipe holds. */
  g_assert_true (fardel_account_set_password_sync (account, long_one, NULL, NULL, &error));
  g_assert_true (
    fardel_account_update_sync (account, g_variant_new_parsed ("{'enabled': <false>}"), NULL, NULL));
  assert_call (fixture->fake, "Update", "({'enabled': <false>},)");
  g_assert_true (fardel_account_connect_sync (account, NULL, NULL));
  g_assert_true (fardel_account_remove_sync (account, NULL, NULL));
  g_assert_cmpstr (fake_last (fixture->fake, "Remove")->path, ==, "/org/fardel/Fardel1/account/work");
}

#define ADD(name, function) FIXTURE_ADD ("/calls/" name, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("offer", test_offer);
  ADD ("reply-first", test_reply_first);
  ADD ("gone", test_gone);
  ADD ("errors", test_errors);
  ADD ("cancel-in-flight", test_cancel_in_flight);
  ADD ("files", test_files);
  ADD ("stream", test_stream);
  ADD ("broken-stream", test_broken_stream);
  ADD ("accept", test_accept);
  ADD ("confined", test_confined);
  ADD ("transfer", test_transfer_calls);
  ADD ("account", test_account_calls);
  return fake_run_tests ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is asked of the daemon: what goes over the bus, what comes back as an
 * object or an error, waits, threads, and what a caller who waits does not run.
 */
#include "broken-file.h"
#include "fake.h"
#include "loop.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRANSFER(id) "/org/fardel/Fardel1/transfer/" #id
#define RESOURCE "resource:///test/test.gresource.xml"

typedef struct
{
  Fake *fake;
  FardelClient *client;
  char *folder;
  char *path; /* of a file with "content" */
  GFile *file;
  guint asked; /* how often for all properties, before a wait */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->fake = fake_new ();
  fake_add_transfer (fixture->fake, 1, "{'Direction': <'incoming'>, 'State': <'offered'>}");
  fake_add_account (fixture->fake, "home", "{}");
  fake_appear (fixture->fake);
  fixture->client = fardel_client_new_sync (NULL, NULL);
  g_assert_true (fardel_client_is_running (fixture->client));
  fixture->folder = g_dir_make_tmp ("fardel-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "a.txt", NULL);
  g_assert_true (g_file_set_contents (fixture->path, "content", -1, NULL));
  fixture->file = g_file_new_for_path (fixture->path);
}

static void
remove_tree (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_remove (path);
}

/* No call leaves a reference behind. */
static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (fixture->client), (gpointer *) &fixture->client);
  g_object_unref (fixture->client);
  loop_until (!fixture->client);
  fake_free (fixture->fake);
  g_object_unref (fixture->file);
  remove_tree (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static FardelTransfer *
first (FardelClient *client)
{
  g_autoptr (FardelTransfer) transfer = g_list_model_get_item (fardel_client_get_transfers (client), 0);

  return transfer;
}

static FardelTransfer *
last (FardelClient *client)
{
  GListModel *list = fardel_client_get_transfers (client);
  g_autoptr (FardelTransfer) transfer = g_list_model_get_item (list, g_list_model_get_n_items (list) - 1);

  return transfer;
}

static void
assert_call (Fake *fake, const char *method, const char *expected)
{
  g_autofree char *text = g_variant_print (fake_last (fake, method)->arguments, FALSE);

  g_assert_cmpstr (text, ==, expected);
}

static FardelTransfer *
offer (Fixture *fixture, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  fardel_client_offer_file_async (fixture->client, "bob@x", fixture->file, NULL, NULL, loop_store, &result);
  loop_result (result);
  return fardel_client_offer_file_finish (fixture->client, result, error);
}

static void
test_offer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) transfer = NULL;
  g_autoptr (FardelTransfer) second = NULL;
  g_autoptr (GError) error = NULL;

  transfer = offer (fixture, &error);
  g_assert_no_error (error);
  g_assert_true (last (fixture->client) == transfer);
  g_assert_cmpuint (fardel_transfer_get_id (transfer), ==, 101);
  assert_call (fixture->fake, "OfferFd", "('bob@x', 0, 'a.txt', {})");
  g_assert_cmpstr (fake_last (fixture->fake, "OfferFd")->data, ==, "content");

  second = fardel_client_offer_file_sync (fixture->client, "bob@x", fixture->file,
                                          g_variant_new_parsed ("{'name': <'b.txt'>, 'hash': <true>}"), NULL,
                                          &error);
  g_assert_no_error (error);
  g_assert_true (last (fixture->client) == second);
  assert_call (fixture->fake, "OfferFd", "('bob@x', 0, 'b.txt', {'hash': <true>})");
}

static void
test_reply_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  fake_set_offers (fixture->fake, FAKE_REPLY_FIRST);
  transfer = offer (fixture, &error);
  g_assert_no_error (error);
  loop_until (last (fixture->client) == transfer);
  g_assert_cmpuint (g_list_model_get_n_items (fardel_client_get_transfers (fixture->client)), ==, 2);
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fake_set_offers (fixture->fake, FAKE_GONE);
  g_assert_null (offer (fixture, &error));
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
  g_assert_null (offer (fixture, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_BLOCKED);
  g_assert_cmpstr (error->message, ==, "It is said to fail");
  g_clear_error (&error);
  fake_fail (fixture->fake, "QueryPeer", "org.fardel.Fardel1.Error.Tomorrow", 0);
  g_assert_null (fardel_client_query_peer_sync (fixture->client, "bob@x", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_DBUS_ERROR);
  g_assert_cmpstr (error->message, ==, "It is said to fail");
  g_clear_error (&error);
  fake_fail (fixture->fake, "Reject", "org.freedesktop.DBus.Error.AccessDenied", 0);
  g_assert_false (fardel_transfer_reject_sync (first (fixture->client), NULL, &error));
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
  loop_until (fardel_transfer_get_id (last (fixture->client)) == 101);

  fake_hold (fixture->fake, "Reject");
  g_clear_object (&result);
  g_clear_error (&error);
  g_cancellable_reset (cancellable);
  fardel_transfer_reject_async (first (fixture->client), cancellable, loop_store, &result);
  fake_wait_held (fixture->fake);
  g_cancellable_cancel (cancellable);
  loop_result (result);
  g_assert_false (fardel_transfer_reject_finish (first (fixture->client), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* Nothing is asked for who has cancelled before. */
  g_clear_error (&error);
  g_assert_false (fardel_transfer_cancel_sync (first (fixture->client), cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (fardel_transfer_cancel_sync (first (fixture->client), NULL, NULL));
  g_assert_cmpuint (fake_count (fixture->fake, "Cancel"), ==, 1);
}

typedef struct
{
  Fixture *fixture;
  GCancellable *cancellable;
  guint asked; /* how often before it is cancelled */
} Crossing;

static gpointer
play_crossing (gpointer data)
{
  Crossing *crossing = data;

  while (fake_count (crossing->fixture->fake, "QueryPeer") < crossing->asked)
    g_thread_yield ();
  g_cancellable_cancel (crossing->cancellable);
  return NULL;
}

/* Another thread cancels while a call begins, while its reply comes, and while the
 * end is waited for. Nothing is left, see fake_run_tests(). */
static void
test_cancel_crosses (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Crossing crossing = { fixture, cancellable, i % 3 ? 0 : fake_count (fixture->fake, "QueryPeer") + 1 };
      GThread *thread = g_thread_new ("crossing", play_crossing, &crossing);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) info = NULL;

      if (i % 3 == 2)
        g_assert_false (fardel_transfer_wait_sync (first (fixture->client), cancellable, &error));
      else
        info = fardel_client_query_peer_sync (fixture->client, "bob@x", NULL, cancellable, &error);
      g_assert_true (info || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      g_thread_join (thread);
    }
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
  g_assert_true (last (fixture->client) == transfers->pdata[3]);
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
  FardelTransfer *transfer = first (fixture->client);
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
  FardelTransfer *transfer = first (fixture->client);

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
  FardelTransfer *transfer = first (fixture->client);
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
  g_assert_true (last (fixture->client) == resumed);
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

typedef struct
{
  FardelTransfer *transfer;
  GAsyncResult *result;
} Waiting;

static gboolean
end_wait (Waiting *waiting, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  loop_until (waiting->result);
  result = g_steal_pointer (&waiting->result);
  return fardel_transfer_wait_finish (waiting->transfer, result, error);
}

static void
test_wait (Fixture *fixture, gconstpointer data)
{
  Waiting waiting = { .transfer = first (fixture->client) };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  fardel_transfer_wait_async (waiting.transfer, cancellable, loop_store, &waiting.result);
  g_cancellable_cancel (cancellable);
  g_assert_false (end_wait (&waiting, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  fardel_transfer_wait_async (waiting.transfer, cancellable, loop_store, &waiting.result);
  g_assert_false (end_wait (&waiting, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  /* Away, back as interrupted, away again, and back at its end. */
  g_cancellable_reset (cancellable);
  fardel_transfer_wait_async (waiting.transfer, cancellable, loop_store, &waiting.result);
  fake_vanish (fixture->fake);
  loop_until (!fardel_client_is_running (fixture->client));
  fake_change (fixture->fake, TRANSFER (1), "{'State': <'interrupted'>}");
  fake_appear (fixture->fake);
  loop_until (fardel_client_is_running (fixture->client));
  fake_vanish (fixture->fake);
  loop_until (!fardel_client_is_running (fixture->client));
  g_assert_null (waiting.result);
  fake_change (fixture->fake, TRANSFER (1), "{'State': <'done'>}");
  fake_appear (fixture->fake);
  g_assert_true (end_wait (&waiting, &error));
  g_assert_no_error (error);
  fardel_transfer_wait_async (waiting.transfer, NULL, loop_store, &waiting.result);
  g_assert_true (end_wait (&waiting, &error));
}

static void
test_wait_failure (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) transfer = offer (fixture, NULL);
  g_autoptr (FardelTransfer) removed = offer (fixture, NULL);
  Waiting waiting = { .transfer = transfer };
  g_autoptr (GError) error = NULL;

  fardel_transfer_wait_async (transfer, NULL, loop_store, &waiting.result);
  fake_change (fixture->fake, TRANSFER (101),
               "{'State': <'cancelled'>, 'Error': <'org.fardel.Fardel1.Error.RemoteCancelled'>,"
               " 'ErrorMessage': <'Bob does not want it'>}");
  g_assert_false (end_wait (&waiting, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_REMOTE_CANCELLED);
  g_assert_cmpstr (error->message, ==, "Bob does not want it");
  g_clear_error (&error);

  waiting.transfer = removed;
  fardel_transfer_wait_async (removed, NULL, loop_store, &waiting.result);
  fake_remove (fixture->fake, TRANSFER (102));
  g_assert_false (end_wait (&waiting, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
}

/* A wait keeps the client, an idle transfer does not. */
static void
test_wait_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) transfer = g_object_ref (first (fixture->client));
  FardelClient *other = fardel_client_new_sync (NULL, NULL);
  g_autoptr (FardelTransfer) same = g_object_ref (first (other));
  Waiting waiting = { .transfer = same };
  g_autoptr (GError) error = NULL;

  fardel_transfer_wait_async (same, NULL, loop_store, &waiting.result);
  g_object_add_weak_pointer (G_OBJECT (other), (gpointer *) &other);
  g_object_unref (other);
  fake_change (fixture->fake, TRANSFER (1), "{'State': <'done'>}");
  g_assert_true (end_wait (&waiting, &error));
  loop_until (!other);

  other = fardel_client_new_sync (NULL, NULL);
  fake_add_transfer (fixture->fake, 2, "{}");
  loop_until (fardel_transfer_get_id (last (other)) == 2);
  g_set_object (&same, last (other));
  g_object_unref (other);
  loop_drain ();
  waiting.transfer = same;
  fardel_transfer_wait_async (same, NULL, loop_store, &waiting.result);
  g_assert_false (end_wait (&waiting, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_null (fardel_transfer_resume_sync (same, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  /* It is still good for a call. */
  g_assert_true (fardel_transfer_cancel_sync (same, NULL, NULL));
}

static gboolean
fail_if_run (gpointer data)
{
  g_error ("The default context was run");
  return G_SOURCE_REMOVE;
}

/* The daemon goes and comes back while somebody waits in a thread of their own. */
static gpointer
play_restart (gpointer data)
{
  Fixture *fixture = data;

  while (fake_count (fixture->fake, "GetAll") < 2)
    g_thread_yield ();
  fake_change (fixture->fake, TRANSFER (1), "{'Transferred': <uint64 1>}");
  fake_vanish (fixture->fake);
  fake_appear (fixture->fake);
  while (fake_count (fixture->fake, "GetAll") < 3)
    g_thread_yield ();
  fake_change (fixture->fake, TRANSFER (1),
               "{'State': <'failed'>, 'Error': <'org.fardel.Fardel1.Error.NoSpace'>}");
  return NULL;
}

static gpointer
play_removal (gpointer data)
{
  Fixture *fixture = data;

  while (fake_count (fixture->fake, "GetAll") == fixture->asked)
    g_thread_yield ();
  fake_remove (fixture->fake, TRANSFER (2));
  return NULL;
}

static gpointer
play_cancel (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_sync (Fixture *fixture, gconstpointer data)
{
  FardelTransfer *transfer = first (fixture->client);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FardelTransfer) offered = NULL;
  g_autoptr (FardelTransfer) other = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;
  guint idle;

  fake_add_transfer (fixture->fake, 2, "{}");
  loop_until (fardel_transfer_get_id (last (fixture->client)) == 2);
  other = g_object_ref (last (fixture->client));
  idle = g_idle_add_full (G_PRIORITY_HIGH, fail_if_run, NULL, NULL);
  offered = fardel_client_offer_file_sync (fixture->client, "bob@x", fixture->file, NULL, NULL, &error);
  g_assert_no_error (error);
  thread = g_thread_new ("cancel", play_cancel, cancellable);
  g_assert_false (fardel_transfer_wait_sync (transfer, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_clear_error (&error);
  fixture->asked = fake_count (fixture->fake, "GetAll");
  thread = g_thread_new ("removal", play_removal, fixture);
  g_assert_false (fardel_transfer_wait_sync (other, NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
  g_thread_join (thread);
  g_source_remove (idle);
}

static void
test_sync_restart (Fixture *fixture, gconstpointer data)
{
  FardelTransfer *transfer = first (fixture->client);
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("restart", play_restart, fixture);
  guint idle = g_idle_add_full (G_PRIORITY_HIGH, fail_if_run, NULL, NULL);

  g_assert_false (fardel_transfer_wait_sync (transfer, NULL, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_NO_SPACE);
  /* This is the client's thread, so the object knows at once. */
  g_assert_cmpint (fardel_transfer_get_state (transfer), ==, FARDEL_STATE_FAILED);
  g_source_remove (idle);
  g_thread_join (thread);
}

/* An offer while the answer about everything, which does not have it, is on its way. */
static void
test_younger (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) transfer = NULL;

  fake_vanish (fixture->fake);
  loop_until (!fardel_client_is_running (fixture->client));
  fake_appear (fixture->fake);
  loop_until (fake_count (fixture->fake, "GetManagedObjects") == 2);
  transfer = fardel_client_offer_file_sync (fixture->client, "bob@x", fixture->file, NULL, NULL, NULL);
  fake_change (fixture->fake, TRANSFER (101), "{'State': <'active'>}");
  loop_until (fardel_transfer_get_state (transfer) == FARDEL_STATE_ACTIVE);
  g_assert_true (fardel_client_is_running (fixture->client));
  g_assert_true (last (fixture->client) == transfer);
}

typedef struct
{
  Fixture *fixture;
  FardelTransfer *transfer;
  gboolean done;
} Worker;

static gpointer
work (gpointer data)
{
  Worker *worker = data;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 20; i++)
    {
      g_clear_object (&worker->transfer);
      worker->transfer = fardel_client_offer_file_sync (worker->fixture->client, "bob@x",
                                                        worker->fixture->file, NULL, NULL, &error);
      g_assert_no_error (error);
    }
  fake_change (worker->fixture->fake, fake_last (worker->fixture->fake, "GetAll")->path,
               "{'State': <'done'>}");
  g_atomic_int_set (&worker->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* Threads offer while the loop learns of the same transfers. */
static void
test_threads (Fixture *fixture, gconstpointer data)
{
  GListModel *list = fardel_client_get_transfers (fixture->client);
  Worker workers[4];
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      workers[i] = (Worker){ .fixture = fixture };
      threads[i] = g_thread_new ("worker", work, &workers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      loop_until (g_atomic_int_get (&workers[i].done));
      g_thread_join (threads[i]);
    }
  loop_until (g_list_model_get_n_items (list) == 81);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      g_autoptr (FardelTransfer) listed
        = g_list_model_get_item (list, fardel_transfer_get_id (workers[i].transfer) - 100);

      g_assert_true (listed == workers[i].transfer);
      g_object_unref (workers[i].transfer);
    }
}

#define ADD(name, function) g_test_add ("/calls/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("offer", test_offer);
  ADD ("reply-first", test_reply_first);
  ADD ("gone", test_gone);
  ADD ("errors", test_errors);
  ADD ("cancel-in-flight", test_cancel_in_flight);
  ADD ("cancel-crosses", test_cancel_crosses);
  ADD ("files", test_files);
  ADD ("stream", test_stream);
  ADD ("broken-stream", test_broken_stream);
  ADD ("accept", test_accept);
  ADD ("confined", test_confined);
  ADD ("transfer", test_transfer_calls);
  ADD ("account", test_account_calls);
  ADD ("wait", test_wait);
  ADD ("wait-failure", test_wait_failure);
  ADD ("wait-alone", test_wait_alone);
  ADD ("sync", test_sync);
  ADD ("sync-restart", test_sync_restart);
  ADD ("younger", test_younger);
  ADD ("threads", test_threads);
  return fake_run_tests ();
}

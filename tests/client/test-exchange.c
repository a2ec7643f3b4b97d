/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files between two real daemons, which test_programs.py starts: alice's is on
 * the session bus, bob's on the bus at BOB_BUS. Both are online.
 */
#include "loop.h"

#include <fardel/fardel.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define BOB "bob@fardel.test"
#define RESOURCE "resource:///test/test.gresource.xml"

typedef struct
{
  FardelClient *alice, *bob;
  GQueue offers; /* FardelTransfer, of bob's */
  char *folder;
  GFile *target;
} Fixture;

static void
on_offer (FardelClient *client, FardelTransfer *transfer, gpointer data)
{
  g_queue_push_tail (data, g_object_ref (transfer));
}

static FardelClient *
make_bob (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_dbus_connection_new_for_address_sync (
    g_getenv ("BOB_BUS"),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
    NULL, &error);
  FardelClient *bob;

  g_assert_no_error (error);
  bob = g_initable_new (FARDEL_TYPE_CLIENT, NULL, &error, "connection", bus, NULL);
  g_assert_no_error (error);
  return bob;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fardel_client_new_async (NULL, loop_store, &result);
  loop_result (result);
  fixture->alice = fardel_client_new_finish (result, &error);
  g_assert_no_error (error);
  g_assert_true (fardel_client_is_running (fixture->alice));
  fixture->bob = make_bob ();
  g_queue_init (&fixture->offers);
  g_signal_connect (fixture->bob, "offer-received", G_CALLBACK (on_offer), &fixture->offers);
  fixture->folder = g_dir_make_tmp ("fardel-XXXXXX", NULL);
  fixture->target = g_file_new_build_filename (fixture->folder, "got", NULL);
  g_assert_true (g_file_make_directory (fixture->target, NULL, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -r %s", fixture->folder);

  g_queue_clear_full (&fixture->offers, g_object_unref);
  g_object_add_weak_pointer (G_OBJECT (fixture->alice), (gpointer *) &fixture->alice);
  g_object_unref (fixture->alice);
  loop_until (!fixture->alice);
  g_object_unref (fixture->bob);
  g_object_unref (fixture->target);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (fixture->folder);
}

static GFile *
make_file (Fixture *fixture, const char *name, const char *content)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  return g_file_new_for_path (path);
}

static FardelTransfer *
next_offer (Fixture *fixture)
{
  loop_until (!g_queue_is_empty (&fixture->offers));
  return g_queue_pop_head (&fixture->offers);
}

/* Accepted, waited for on both sides, and whole. */
static void
finish (Fixture *fixture, FardelTransfer *sent, FardelTransfer *received, GFile *source)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) expected = g_file_load_bytes (source, NULL, NULL, NULL);
  g_autoptr (GBytes) got = NULL;
  g_autoptr (GError) error = NULL;

  fardel_transfer_accept_async (received, fixture->target, NULL, NULL, loop_store, &result);
  loop_result (result);
  fardel_transfer_accept_finish (received, result, &error);
  g_assert_no_error (error);
  g_clear_object (&result);
  fardel_transfer_wait_async (received, NULL, loop_store, &result);
  loop_result (result);
  fardel_transfer_wait_finish (received, result, &error);
  g_assert_no_error (error);
  fardel_transfer_wait_sync (sent, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fardel_transfer_get_state (sent), ==, FARDEL_STATE_DONE);
  g_assert_cmpuint (fardel_transfer_get_transferred (sent), ==, g_bytes_get_size (expected));
  got = g_file_load_bytes (fardel_transfer_get_local_file (received), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (expected, got));
}

static void
test_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) file = make_file (fixture, "a.txt", "content");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (FardelTransfer) sent = NULL;
  g_autoptr (FardelTransfer) received = NULL;
  g_autoptr (GError) error = NULL;
  guint position;

  fardel_client_offer_file_async (fixture->alice, BOB, file, NULL, NULL, loop_store, &result);
  loop_result (result);
  sent = fardel_client_offer_file_finish (fixture->alice, result, &error);
  g_assert_no_error (error);
  g_assert_true (
    g_list_store_find (G_LIST_STORE (fardel_client_get_transfers (fixture->alice)), sent, &position));
  received = next_offer (fixture);
  g_assert_true (fardel_transfer_is_incoming (received));
  g_assert_cmpstr (fardel_transfer_get_name (received), ==, "a.txt");
  g_assert_cmpint (fardel_transfer_get_size (received), ==, 7);
  finish (fixture, sent, received, file);
}

static void
test_folder (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) inner = make_file (fixture, "photos/2/b.jpg", "second");
  g_autoptr (GFile) outer = make_file (fixture, "photos/1.jpg", "first");
  g_autoptr (GFile) folder = g_file_get_parent (outer);
  g_autoptr (GPtrArray) sent = NULL;
  g_autoptr (FardelTransfer) received = NULL;
  g_autoptr (FardelTransfer) second = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *batch = NULL;
  g_autofree char *other = NULL;

  sent = fardel_client_offer_files_sync (fixture->alice, BOB, &folder, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sent->len, ==, 2);
  g_object_get (sent->pdata[0], "batch", &batch, NULL);
  g_object_get (sent->pdata[1], "batch", &other, NULL);
  g_assert_cmpstr (batch, ==, other);
  received = next_offer (fixture);
  second = next_offer (fixture);
  if (fardel_transfer_get_size (received) == 6)
    {
      FardelTransfer *swap = received;

      received = second;
      second = swap;
    }
  finish (fixture, sent->pdata[0], received, outer);
  finish (fixture, sent->pdata[1], second, inner);
}

static void
test_stream (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) file = g_file_new_for_uri (RESOURCE);
  g_autoptr (FardelTransfer) sent = NULL;
  g_autoptr (FardelTransfer) received = NULL;
  g_autoptr (GError) error = NULL;

  sent = fardel_client_offer_file_sync (fixture->alice, BOB, file, NULL, NULL, &error);
  g_assert_no_error (error);
  received = next_offer (fixture);
  finish (fixture, sent, received, file);
}

static void
test_descriptors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FardelTransfer) sent = NULL;
  g_autoptr (FardelTransfer) received = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[16] = "";
  int in[2], out[2];

  g_assert_true (g_unix_open_pipe (in, FD_CLOEXEC, NULL));
  g_assert_true (g_unix_open_pipe (out, FD_CLOEXEC, NULL));
  sent = fardel_client_offer_fd_sync (fixture->alice, BOB, in[0], "pipe", NULL, NULL, &error);
  g_assert_no_error (error);
  close (in[0]);
  g_assert_cmpint (write (in[1], "through", 7), ==, 7);
  close (in[1]);
  received = next_offer (fixture);
  g_assert_cmpint (fardel_transfer_get_size (received), ==, -1);
  fardel_transfer_accept_fd_sync (received, out[1], NULL, NULL, &error);
  g_assert_no_error (error);
  close (out[1]);
  fardel_transfer_wait_sync (received, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (out[0], buffer, sizeof buffer), ==, 7);
  g_assert_cmpstr (buffer, ==, "through");
  g_assert_null (fardel_transfer_get_local_file (received));
  close (out[0]);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) file = make_file (fixture, "a.txt", "content");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (FardelTransfer) sent = NULL;
  g_autoptr (FardelTransfer) received = NULL;
  g_autoptr (GError) error = NULL;

  sent = fardel_client_offer_file_sync (fixture->alice, BOB, file, NULL, NULL, &error);
  g_assert_no_error (error);
  received = next_offer (fixture);
  fardel_transfer_reject_async (received, NULL, loop_store, &result);
  loop_result (result);
  g_assert_true (fardel_transfer_reject_finish (received, result, &error));
  g_assert_false (fardel_transfer_wait_sync (sent, NULL, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_REJECTED);
  g_clear_error (&error);
  g_assert_false (fardel_transfer_accept_sync (received, fixture->target, NULL, NULL, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_FINISHED);
  g_clear_error (&error);
  g_assert_true (fardel_transfer_forget_sync (sent, NULL, &error));

  g_clear_object (&sent);
  g_clear_object (&received);
  sent = fardel_client_offer_file_sync (fixture->alice, BOB, file, NULL, NULL, &error);
  received = next_offer (fixture);
  g_assert_true (fardel_transfer_cancel_sync (sent, NULL, &error));
  g_assert_false (fardel_transfer_wait_sync (received, NULL, &error));
  g_assert_error (error, FARDEL_ERROR, FARDEL_ERROR_REMOTE_CANCELLED);
}

#define ADD(name, function) g_test_add ("/exchange/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("file", test_file);
  ADD ("folder", test_folder);
  ADD ("stream", test_stream);
  ADD ("descriptors", test_descriptors);
  ADD ("refused", test_refused);
  return g_test_run ();
}

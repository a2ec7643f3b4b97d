/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model as a whole, over clients and contents that the test plays: what its
 * tests have in common. Include in one file of a test.
 */
#pragma once

#include "core/manager-private.h"
#include "expect-log.h"
#include "fake-secret-service.h"
#include "fake-xmpp.h"
#include "temp-tree.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define BOB "bob@example.org"

static char *root; /* of all that is written, made anew for each test */

typedef struct
{
  FdManager *manager;
  FdAccount *account;
  FdClient *client;
  char *folder; /* to receive into, and to send from */
  GString *events; /* what the observer heard */
  const char *status; /* of the account, as last told */
  gboolean stopped;
} Fixture;

/* --- the observer --- */

static void
on_account_added (FdAccount *account, gpointer data)
{
  g_string_append_printf (((Fixture *) data)->events, "+%s ", fd_account_get_id (account));
}

static void
on_account_removed (FdAccount *account, gpointer data)
{
  g_string_append_printf (((Fixture *) data)->events, "-%s ", fd_account_get_id (account));
}

/* Every try to connect is told once. */
static void
on_account_changed (FdAccount *account, FdAccountFields fields, gpointer data)
{
  Fixture *f = data;
  const char *status = fd_account_get_status (account);

  if (!(fields & FD_ACCOUNT_STATUS))
    return;
  g_assert_false (g_str_equal (status, "connecting") && g_strcmp0 (f->status, status) == 0);
  f->status = status;
}

static void
on_transfer_added (FdTransfer *transfer, gpointer data)
{
  const FdTransferInfo *info = fd_transfer_get_info (transfer);

  g_string_append_printf (((Fixture *) data)->events, "+%u:%s ", info->id,
                          fd_transfer_state_name (info->state));
}

static void
on_transfer_changed (FdTransfer *transfer, FdTransferFields fields, gpointer data)
{
  const FdTransferInfo *info = fd_transfer_get_info (transfer);

  if (fields & FD_TRANSFER_STATE)
    g_string_append_printf (((Fixture *) data)->events, "%u:%s ", info->id,
                            fd_transfer_state_name (info->state));
}

static void
on_transfer_finished (FdTransfer *transfer, gpointer data)
{
  g_string_append_printf (((Fixture *) data)->events, "%u! ", fd_transfer_get_info (transfer)->id);
}

static void
on_transfer_removed (FdTransfer *transfer, gpointer data)
{
  g_string_append_printf (((Fixture *) data)->events, "-%u ", fd_transfer_get_info (transfer)->id);
}

static const FdManagerHooks hooks = {
  .account_added = on_account_added,
  .account_removed = on_account_removed,
  .account_changed = on_account_changed,
  .transfer_added = on_transfer_added,
  .transfer_changed = on_transfer_changed,
  .transfer_finished = on_transfer_finished,
  .transfer_removed = on_transfer_removed,
};

static inline void
assert_events (Fixture *f, const char *expected)
{
  g_assert_cmpstr (g_strchomp (f->events->str), ==, expected);
  g_string_truncate (f->events, 0);
}

/* --- the stage --- */

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
write_account (const char *id, const char *text)
{
  g_autofree char *directory = fd_config_directory ();
  g_autofree char *path = g_strdup_printf ("%s/accounts.d/%s.conf", directory, id);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
start_manager (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->status = NULL;
  f->manager = fd_manager_new (&hooks, f, &error);
  g_assert_no_error (error);
  fd_manager_start (f->manager);
  f->account
    = fd_manager_get_accounts (f->manager)->len ? fd_manager_get_accounts (f->manager)->pdata[0] : NULL;
  f->client = fake_clients->len ? fake_clients->pdata[0] : NULL;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  fake_init ();
  fake_contents_hang = FALSE;
  fake_sharing = FALSE;
  f->events = g_string_new (NULL);
  f->folder = g_build_filename (root, "files", NULL);
  g_assert_cmpint (g_mkdir_with_parents (f->folder, 0700), ==, 0);
  write_account (
    "home",
    "[Account]\nJid=alice@example.org\nPasswordCommand=/bin/echo pw\nAutoAccept=friend@example.org\n");
  start_manager (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_manager_free (f->manager);
  fake_check_nothing_left ();
  settle ();
  fake_keyring_reset ();
  g_string_free (f->events, TRUE);
  g_free (f->folder);
  remove_tree (root);
  fd_test_assert_logged ("");
}

static inline void
on_password_set (const GError *error, gpointer data)
{
  *(gboolean *) data = TRUE;
  g_assert_null (error);
}

static inline void
give_password (Fixture *f, const char *text, gboolean save)
{
  gboolean done = FALSE;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (fds[1], text, strlen (text)), ==, strlen (text));
  close (fds[1]);
  fd_account_set_password (f->account, fds[0], save, on_password_set, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

static void
go_online (Fixture *f)
{
  while (f->client->status != FD_CLIENT_CONNECTING)
    g_main_context_iteration (NULL, TRUE);
  fake_client_set_status (f->client, FD_CLIENT_ONLINE, NULL);
}

/* A timer is due now. */
static inline void
hurry (guint source)
{
  g_source_set_ready_time (g_main_context_find_source_by_id (NULL, source), 0);
}

static inline void
hurry_transfer (FdTransfer *transfer, FdDue due)
{
  g_assert_cmpint (transfer->due[due], >, 0);
  fd_due_set (transfer, due, 1);
}

static char *
put (Fixture *f, const char *name, const char *text)
{
  char *path = g_build_filename (f->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static FdTransfer *
offer (Fixture *f, const char *peer, const char *name)
{
  g_autofree char *path = put (f, name, "abc");
  g_autoptr (FdSource) source = fd_source_open (path, NULL);
  FdOfferOptions options = { .peer = peer };
  g_autoptr (GError) error = NULL;
  FdTransfer *transfer = fd_manager_offer (f->manager, source, &options, &error);

  g_assert_no_error (error);
  return transfer;
}

/* Hashing takes a thread: until the state is this one. */
static void
wait_for (FdTransfer *transfer, FdTransferState state)
{
  while (transfer->info.state != state)
    g_main_context_iteration (NULL, TRUE);
}

static inline FdTransfer *
offered (Fixture *f)
{
  FdTransfer *transfer = offer (f, BOB, "a.txt");

  go_online (f);
  fake_peer_online (f->client, BOB, TRUE);
  wait_for (transfer, FD_STATE_OFFERED);
  return transfer;
}

static FdTransfer *
incoming_of_batch (Fixture *f, const char *peer, const char *name, gint64 size, const char *batch)
{
  const char *reason = NULL;
  FdContent *content = fake_offer (f->client, peer, name, size, batch, &reason);

  g_assert_nonnull (content);
  return content->data;
}

static inline FdTransfer *
incoming (Fixture *f, const char *peer, const char *name, gint64 size)
{
  return incoming_of_batch (f, peer, name, size, "");
}

static inline gboolean
in_journal (guint32 id)
{
  g_autofree char *path = g_strdup_printf ("%s/fardel/transfers/%u", g_get_user_state_dir (), id);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

#define ADD(path, function) g_test_add ("/" path, Fixture, NULL, set_up, function, tear_down)

static void
begin (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  fd_test_capture_log ();
  root = g_test_subprocess () ? g_strdup (g_getenv ("FD_TEST_ROOT"))
                              : g_dir_make_tmp ("fardel-model-XXXXXX", NULL);
  g_setenv ("FD_TEST_ROOT", root, TRUE);
  g_setenv ("XDG_CONFIG_HOME", root, TRUE);
  g_setenv ("XDG_STATE_HOME", root, TRUE);
  g_unsetenv ("CREDENTIALS_DIRECTORY");
}

/* Runs the test at @path in a process of its own, which does not end but dies: what it
 * has left on disk is what there is then. */
static inline void
crash (Fixture *f, const char *path)
{
  fd_manager_free (f->manager);
  g_string_truncate (f->events, 0);
  g_test_trap_subprocess (path, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  start_manager (f);
}

/* The journal is as far as it would be a moment later. */
static inline void
die (Fixture *f)
{
  fd_journal_free (f->manager->journal);
  _exit (0);
}

static int
end (void)
{
  int status = g_test_run ();

  g_free (root);
  return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for the daemon: to the end of a transfer, while it goes and comes, in
 * threads, and what a caller who waits does not run.
 */
#include "fixture.h"
#include "loop.h"

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
  Waiting waiting = { .transfer = fixture_first (fixture->client) };
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
  g_autoptr (FardelTransfer) transfer = fixture_offer (fixture, NULL);
  g_autoptr (FardelTransfer) removed = fixture_offer (fixture, NULL);
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
  g_autoptr (FardelTransfer) transfer = g_object_ref (fixture_first (fixture->client));
  FardelClient *other = fardel_client_new_sync (NULL, NULL);
  g_autoptr (FardelTransfer) same = g_object_ref (fixture_first (other));
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
  loop_until (fardel_transfer_get_id (fixture_last (other)) == 2);
  g_set_object (&same, fixture_last (other));
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

typedef struct
{
  Fixture *fixture;
  GCancellable *cancellable;
  guint asked; /* how often, before it happens */
} Play;

static gpointer
play_removal (gpointer data)
{
  const Play *play = data;

  while (fake_count (play->fixture->fake, "GetAll") < play->asked)
    g_thread_yield ();
  fake_remove (play->fixture->fake, TRANSFER (2));
  return NULL;
}

static gpointer
play_cancel (gpointer data)
{
  const Play *play = data;

  while (fake_count (play->fixture->fake, "QueryPeer") < play->asked)
    g_thread_yield ();
  g_cancellable_cancel (play->cancellable);
  return NULL;
}

static void
test_sync (Fixture *fixture, gconstpointer data)
{
  FardelTransfer *transfer = fixture_first (fixture->client);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FardelTransfer) offered = NULL;
  g_autoptr (FardelTransfer) other = NULL;
  g_autoptr (GError) error = NULL;
  Play play = { fixture, cancellable, 0 };
  GThread *thread;
  guint idle;

  fake_add_transfer (fixture->fake, 2, "{}");
  loop_until (fardel_transfer_get_id (fixture_last (fixture->client)) == 2);
  other = g_object_ref (fixture_last (fixture->client));
  idle = g_idle_add_full (G_PRIORITY_HIGH, fail_if_run, NULL, NULL);
  offered = fardel_client_offer_file_sync (fixture->client, "bob@x", fixture->file, NULL, NULL, &error);
  g_assert_no_error (error);
  thread = g_thread_new ("cancel", play_cancel, &play);
  g_assert_false (fardel_transfer_wait_sync (transfer, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_clear_error (&error);
  play.asked = fake_count (fixture->fake, "GetAll") + 1;
  thread = g_thread_new ("removal", play_removal, &play);
  g_assert_false (fardel_transfer_wait_sync (other, NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
  g_thread_join (thread);
  g_source_remove (idle);
}

static void
test_sync_restart (Fixture *fixture, gconstpointer data)
{
  FardelTransfer *transfer = fixture_first (fixture->client);
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
  g_assert_true (fixture_last (fixture->client) == transfer);
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

/* Another thread cancels while a call begins, while its reply comes, and while the
 * end is waited for. Nothing is left, see fake_run_tests(). */
static void
test_cancel_crosses (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Play play = { fixture, cancellable, i % 3 ? 0 : fake_count (fixture->fake, "QueryPeer") + 1 };
      GThread *thread = g_thread_new ("cancel", play_cancel, &play);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) info = NULL;

      if (i % 3 == 2)
        g_assert_false (fardel_transfer_wait_sync (fixture_first (fixture->client), cancellable, &error));
      else
        info = fardel_client_query_peer_sync (fixture->client, "bob@x", NULL, cancellable, &error);
      g_assert_true (info || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      g_thread_join (thread);
    }
}

#define ADD(name, function) FIXTURE_ADD ("/waits/" name, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("wait", test_wait);
  ADD ("wait-failure", test_wait_failure);
  ADD ("wait-alone", test_wait_alone);
  ADD ("sync", test_sync);
  ADD ("sync-restart", test_sync_restart);
  ADD ("younger", test_younger);
  ADD ("threads", test_threads);
  ADD ("cancel-crosses", test_cancel_crosses);
  return fake_run_tests ();
}

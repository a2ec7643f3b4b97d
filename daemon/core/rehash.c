/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hashes the beginning of a file that is being received; see rehash.h.
 */
#include "core/rehash.h"

struct FdRehash
{
  FdSink *sink;
  FdHashAlgo algo;
  guint64 offset;
  GCancellable *cancellable;
  FdRehashDone done; /* NULL: cancelled */
  gpointer data;
};

static void
run (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  FdRehash *rehash = data;
  GError *error = NULL;

  if (rehash->offset == 0 || fd_sink_hash (rehash->sink, rehash->algo, rehash->offset, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_done (GObject *object, GAsyncResult *result, gpointer data)
{
  FdRehash *rehash = data;
  g_autoptr (GError) error = NULL;

  (void) g_task_propagate_boolean (G_TASK (result), &error);
  if (rehash->done)
    rehash->done (error, rehash->data);
  fd_sink_unref (rehash->sink);
  g_object_unref (rehash->cancellable);
  g_free (rehash);
}

FdRehash *
fd_rehash_start (FdSink *sink, FdHashAlgo algo, guint64 offset, FdRehashDone done, gpointer data)
{
  FdRehash *rehash = g_new0 (FdRehash, 1);
  g_autoptr (GTask) task = NULL;

  rehash->sink = fd_sink_ref (sink);
  rehash->algo = algo;
  rehash->offset = offset;
  rehash->cancellable = g_cancellable_new ();
  rehash->done = done;
  rehash->data = data;
  task = g_task_new (NULL, rehash->cancellable, on_done, rehash);
  g_task_set_check_cancellable (task, FALSE); /* what the thread says counts */
  g_task_set_task_data (task, rehash, NULL);
  g_task_run_in_thread (task, run);
  return rehash;
}

void
fd_rehash_cancel (FdRehash *rehash)
{
  rehash->done = NULL;
  g_cancellable_cancel (rehash->cancellable);
}

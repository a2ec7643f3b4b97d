/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hashes a file on a thread; see prehash.h.
 */
#include "core/prehash.h"

#include "base/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <unistd.h>

#define BLOCK (256 * 1024) /* bytes; also how often a cancellation is noticed */

struct FdPrehash
{
  FdSource *source;
  FdHashAlgo algo;
  GCancellable *cancellable;
  FdPrehashDone done; /* NULL: cancelled */
  gpointer data;
};

static void
prehash_free (FdPrehash *prehash)
{
  fd_source_unref (prehash->source);
  g_object_unref (prehash->cancellable);
  g_free (prehash);
}

static gboolean
hash_file (FdSource *source, FdHashAlgo algo, GCancellable *cancellable, FdDigest *ret_digest, GError **error)
{
  g_autoptr (FdHash) hash = fd_hash_new (algo);
  g_autofree char *block = g_malloc (BLOCK);
  int fd = fd_source_get_fd (source);
  gint64 offset = 0;

  for (;;)
    {
      gssize n = pread (fd, block, BLOCK, offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          fd_error_set_errno (error, errno, FD_ERROR_READ_FAILED, "The file cannot be read");
          return FALSE;
        }
      if (n == 0)
        break;
      fd_hash_update (hash, block, n);
      offset += n;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
    }
  if (!fd_source_check (source, error))
    return FALSE;
  fd_hash_get_digest (hash, ret_digest);
  return TRUE;
}

static void
run (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  FdPrehash *prehash = data;
  g_autofree FdDigest *digest = g_new0 (FdDigest, 1);
  GError *error = NULL;

  if (hash_file (prehash->source, prehash->algo, cancellable, digest, &error))
    g_task_return_pointer (task, g_steal_pointer (&digest), g_free);
  else
    g_task_return_error (task, error);
}

static void
on_done (GObject *object, GAsyncResult *result, gpointer data)
{
  FdPrehash *prehash = data;
  g_autoptr (GError) error = NULL;
  g_autofree FdDigest *digest = g_task_propagate_pointer (G_TASK (result), &error);

  if (prehash->done)
    prehash->done (digest, error, prehash->data);
  prehash_free (prehash);
}

FdPrehash *
fd_prehash_start (FdSource *source, FdHashAlgo algo, FdPrehashDone done, gpointer data)
{
  FdPrehash *prehash = g_new0 (FdPrehash, 1);
  g_autoptr (GTask) task = NULL;

  prehash->source = fd_source_ref (source);
  prehash->algo = algo;
  prehash->cancellable = g_cancellable_new ();
  prehash->done = done;
  prehash->data = data;
  task = g_task_new (NULL, prehash->cancellable, on_done, prehash);
  g_task_set_check_cancellable (task, FALSE); /* what the thread says counts */
  g_task_set_task_data (task, prehash, NULL);
  g_task_run_in_thread (task, run);
  return prehash;
}

void
fd_prehash_cancel (FdPrehash *prehash)
{
  prehash->done = NULL;
  g_cancellable_cancel (prehash->cancellable);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One call of the daemon, waited for or not, and work in a thread that consists
 * of several. Messages of errors come without the D-Bus name in front.
 */
#include "fardel-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>

gboolean
fardel_options_valid (GVariant *options)
{
  return !options || g_variant_is_of_type (options, G_VARIANT_TYPE_VARDICT);
}

GVariant *
fardel_options_take (GVariant *options)
{
  return g_variant_ref_sink (options ? options : g_variant_new ("a{sv}", NULL));
}

/* NULL without a descriptor. Fails if there are too many open ones. */
static gboolean
make_list (int fd, GUnixFDList **ret_fds, GError **error)
{
  g_autoptr (GUnixFDList) fds = fd >= 0 ? g_unix_fd_list_new () : NULL;

  if (fds && g_unix_fd_list_append (fds, fd, error) < 0)
    return FALSE;
  *ret_fds = g_steal_pointer (&fds);
  return TRUE;
}

static void
strip (GError *error)
{
  if (error)
    g_dbus_error_strip_remote_error (error);
}

static void
wake (GCancellable *cancellable, gpointer context)
{
  g_main_context_wakeup (context);
}

gulong
fardel_cancellable_wake (GCancellable *cancellable, GMainContext *context)
{
  return cancellable ? g_cancellable_connect (cancellable, G_CALLBACK (wake), context, NULL) : 0;
}

static void
store_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* GIO leaks the call, and with it a reference to the connection, if another thread
 * cancels at the wrong moment. So that thread only wakes this one, which cancels. */
GVariant *
fardel_call_wait (GDBusConnection *bus, const char *name, const char *path, const char *interface,
                  const char *method, GVariant *arguments, const GVariantType *reply, GDBusCallFlags flags,
                  int timeout_ms, GUnixFDList *fds, GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GCancellable) ours = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  gulong handler = fardel_cancellable_wake (cancellable, context);

  if (g_cancellable_is_cancelled (cancellable))
    g_cancellable_cancel (ours);
  g_main_context_push_thread_default (context);
  g_dbus_connection_call_with_unix_fd_list (bus, name, path, interface, method, arguments, reply, flags,
                                            timeout_ms, fds, ours, store_result, &result);
  while (!result)
    {
      if (g_cancellable_is_cancelled (cancellable))
        g_cancellable_cancel (ours);
      g_main_context_iteration (context, TRUE);
    }
  /* What the cancel left goes too, else it keeps the context, which keeps it. */
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  g_cancellable_disconnect (cancellable, handler);
  return g_dbus_connection_call_with_unix_fd_list_finish (bus, NULL, result, error);
}

GVariant *
fardel_call_sync (const FardelCall *call, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) arguments = call->arguments ? g_variant_ref_sink (call->arguments) : NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GError) failure = NULL;
  GVariant *reply;

  if (!make_list (call->fd, &fds, error))
    return NULL;
  fardel_error_quark ();
  reply = fardel_call_wait (call->bus, FARDEL_NAME, call->path, call->interface, call->method, arguments,
                            call->reply ? G_VARIANT_TYPE (call->reply) : NULL, G_DBUS_CALL_FLAGS_NONE,
                            call->timeout_ms ? call->timeout_ms : -1, fds, cancellable, &failure);
  strip (failure);
  if (failure)
    g_propagate_error (error, g_steal_pointer (&failure));
  return reply;
}

static void
called (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  GVariant *reply
    = g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source), NULL, result, &error);

  strip (error);
  if (reply)
    g_task_return_pointer (task, reply, (GDestroyNotify) g_variant_unref);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
fardel_call_async (const FardelCall *call, gpointer self, gpointer tag, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GVariant) arguments = call->arguments ? g_variant_ref_sink (call->arguments) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GUnixFDList) fds = NULL;

  g_task_set_source_tag (task, tag);
  fardel_error_quark ();
  if (!make_list (call->fd, &fds, &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_dbus_connection_call_with_unix_fd_list (
      call->bus, FARDEL_NAME, call->path, call->interface, call->method, arguments,
      call->reply ? G_VARIANT_TYPE (call->reply) : NULL, G_DBUS_CALL_FLAGS_NONE,
      call->timeout_ms ? call->timeout_ms : -1, fds, cancellable, called, g_steal_pointer (&task));
}

gpointer
fardel_call_finish (gpointer self, GAsyncResult *result, gpointer tag, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
fardel_call_finish_void (gpointer self, GAsyncResult *result, gpointer tag, GError **error)
{
  g_autoptr (GVariant) reply = fardel_call_finish (self, result, tag, error);

  return reply != NULL;
}

gboolean
fardel_call_sync_void (const FardelCall *call, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) reply = fardel_call_sync (call, cancellable, error);

  return reply != NULL;
}

FardelJob *
fardel_job_new (FardelJobFunc run, GDestroyNotify free_result, GVariant *options)
{
  FardelJob *job = g_new0 (FardelJob, 1);

  job->run = run;
  job->free_result = free_result;
  job->options = fardel_options_take (options);
  job->fd = -1;
  return job;
}

void
fardel_job_free (FardelJob *job)
{
  g_free (job->text);
  g_free (job->name);
  g_clear_pointer (&job->files, g_ptr_array_unref);
  g_variant_unref (job->options);
  if (job->fd >= 0)
    g_close (job->fd, NULL);
  g_clear_error (&job->error);
  g_free (job);
}

void
fardel_job_dup_fd (FardelJob *job, int fd)
{
  job->fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (job->fd < 0)
    job->error = g_error_new (FARDEL_ERROR, FARDEL_ERROR_INVALID_FD, "Cannot pass descriptor %d: %s", fd,
                              g_strerror (errno));
}

gpointer
fardel_job_run (FardelJob *job, gpointer self, GCancellable *cancellable, GError **error)
{
  g_autoptr (FardelJob) owned = job;

  if (owned->error)
    {
      g_propagate_error (error, g_steal_pointer (&owned->error));
      return NULL;
    }
  return owned->run (self, owned, cancellable, error);
}

static void
run_in_thread (GTask *task, gpointer self, gpointer data, GCancellable *cancellable)
{
  FardelJob *job = data;
  GDestroyNotify free_result = job->free_result;
  GError *error = NULL;
  gpointer result = job->error ? NULL : job->run (self, job, cancellable, &error);

  if (result)
    g_task_return_pointer (task, result, free_result);
  else
    g_task_return_error (task, error ? error : g_steal_pointer (&job->error));
}

void
fardel_job_start (FardelJob *job, gpointer self, gpointer tag, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, job, (GDestroyNotify) fardel_job_free);
  g_task_run_in_thread (task, run_in_thread);
}

static void
set_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree char *name = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  strip (error);
  if (error)
    g_message ("%s is not changed: %s", name, error->message);
}

void
fardel_call_set (GDBusConnection *bus, const char *path, const char *interface, const char *name,
                 GVariant *value)
{
  g_dbus_connection_call (bus, FARDEL_NAME, path, FARDEL_PROPERTIES, "Set",
                          g_variant_new ("(ssv)", interface, name, value), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                          NULL, set_done, g_strdup (name));
}

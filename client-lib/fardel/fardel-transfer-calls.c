/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What can be asked of a transfer.
 */
#include "fardel-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>

/* In Flatpak and Snap the daemon sees other paths than we do, and takes none. */
static gboolean
is_confined (void)
{
  return g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS) || g_getenv ("SNAP");
}

static gpointer
run_accept_fd (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  FardelCall call = fardel_transfer_call (self, "AcceptFd", g_variant_new ("(h@a{sv})", 0, job->options));

  call.fd = job->fd;
  return fardel_call_sync (&call, cancellable, error);
}

/* AcceptFd has all options but those about the name of the file. */
static void
accept_fd_options (FardelJob *job, gboolean *ret_overwrite)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, job->options);
  g_variant_dict_lookup (&dict, "overwrite", "b", ret_overwrite);
  g_variant_dict_remove (&dict, "overwrite");
  g_variant_dict_remove (&dict, "resume");
  g_variant_unref (job->options);
  job->options = g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gpointer
accept_confined (gpointer self, FardelJob *job, GFile *destination, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *replaces = NULL;
  gboolean overwrite = FALSE;
  gpointer reply;

  accept_fd_options (job, &overwrite);
  job->fd
    = fardel_target_open (destination, fardel_transfer_get_name (self), overwrite, &path, &replaces, error);
  reply = job->fd >= 0 ? run_accept_fd (self, job, cancellable, error) : NULL;
  if (path && !reply)
    g_unlink (path);
  else if (replaces && g_rename (path, replaces) < 0)
    g_message ("%s cannot be replaced: %s. The file is %s", replaces, g_strerror (errno), path);
  return reply;
}

static gpointer
run_accept (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  GFile *destination = job->files->len ? job->files->pdata[0] : NULL;
  g_autofree char *path = destination ? g_file_get_path (destination) : g_strdup ("");

  if (!path)
    {
      g_autofree char *uri = g_file_get_uri (destination);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "%s has no path; choose a local folder, or accept into a descriptor", uri);
      return NULL;
    }
  if (!g_utf8_validate (path, -1, NULL))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME,
                           "The path is not UTF-8; choose another folder, or accept into a descriptor");
      return NULL;
    }
  if (!is_confined ())
    {
      const FardelCall call
        = fardel_transfer_call (self, "Accept", g_variant_new ("(s@a{sv})", path, job->options));

      return fardel_call_sync (&call, cancellable, error);
    }
  return accept_confined (self, job, destination, cancellable, error);
}

static FardelJob *
accept_job (GFile *destination, GVariant *options)
{
  FardelJob *job = fardel_job_new (run_accept, (GDestroyNotify) g_variant_unref, options);

  job->files = g_ptr_array_new_with_free_func (g_object_unref);
  if (destination)
    g_ptr_array_add (job->files, g_object_ref (destination));
  return job;
}

/**
 * fardel_transfer_accept_async:
 * @self: a transfer
 * @destination: (nullable): a folder, or the file to be made; %NULL for the user's download folder
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Accepts an incoming offer.
 *
 * The file gets its name only when it is whole and its checksum is right; until then it is a hidden file
 * beside it. In a sandbox, where the daemon may not be told paths, it has its name from the beginning, and
 * the user must have allowed the application to accept files.
 *
 * Options: `overwrite` (b), `resume` (b), `rate-limit` (t), `bind` (b), `transports` (as), as the D-Bus
 * method `Accept` describes them. The options of a transfer that was accepted are final.
 *
 * Since: 0.1
 */
void
fardel_transfer_accept_async (FardelTransfer *self, GFile *destination, GVariant *options,
                              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_TRANSFER (self));
  g_return_if_fail (!destination || G_IS_FILE (destination));
  g_return_if_fail (fardel_options_valid (options));
  fardel_job_start (accept_job (destination, options), self, FARDEL_TAG (fardel_transfer_accept_async),
                    cancellable, callback, user_data);
}

/**
 * fardel_transfer_accept_finish:
 * @self: a transfer
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Transfer.accept_async].
 *
 * Returns: %TRUE if the offer is accepted; [property@Transfer:state] tells how it goes on
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_accept_finish (FardelTransfer *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_transfer_accept_async), error);
}

/**
 * fardel_transfer_accept_sync:
 * @self: a transfer
 * @destination: (nullable): a folder, or the file to be made; %NULL for the user's download folder
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Transfer.accept_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the offer is accepted
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_accept_sync (FardelTransfer *self, GFile *destination, GVariant *options,
                             GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) reply = NULL;

  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FALSE);
  g_return_val_if_fail (!destination || G_IS_FILE (destination), FALSE);
  g_return_val_if_fail (fardel_options_valid (options), FALSE);
  reply = fardel_job_run (accept_job (destination, options), self, cancellable, error);
  return reply != NULL;
}

static FardelJob *
accept_fd_job (int fd, GVariant *options)
{
  FardelJob *job = fardel_job_new (run_accept_fd, (GDestroyNotify) g_variant_unref, options);

  fardel_job_dup_fd (job, fd);
  return job;
}

/**
 * fardel_transfer_accept_fd_async:
 * @self: a transfer
 * @fd: a descriptor that is open for writing: a regular file, a pipe or a socket. It stays the caller's, who
 * may close it at once
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Accepts an incoming offer into a descriptor.
 *
 * The bytes are written as they come, before their checksum is known: use them only when the state is
 * %FARDEL_STATE_DONE. The end of a pipe is no sign of success.
 *
 * Options: `rate-limit` (t), `bind` (b), `transports` (as).
 *
 * Since: 0.1
 */
void
fardel_transfer_accept_fd_async (FardelTransfer *self, int fd, GVariant *options, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_TRANSFER (self));
  g_return_if_fail (fardel_options_valid (options));
  fardel_job_start (accept_fd_job (fd, options), self, FARDEL_TAG (fardel_transfer_accept_fd_async),
                    cancellable, callback, user_data);
}

/**
 * fardel_transfer_accept_fd_finish:
 * @self: a transfer
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Transfer.accept_fd_async].
 *
 * Returns: %TRUE if the offer is accepted
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_accept_fd_finish (FardelTransfer *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_transfer_accept_fd_async), error);
}

/**
 * fardel_transfer_accept_fd_sync:
 * @self: a transfer
 * @fd: a descriptor that is open for writing
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Transfer.accept_fd_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the offer is accepted
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_accept_fd_sync (FardelTransfer *self, int fd, GVariant *options, GCancellable *cancellable,
                                GError **error)
{
  g_autoptr (GVariant) reply = NULL;

  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FALSE);
  g_return_val_if_fail (fardel_options_valid (options), FALSE);
  reply = fardel_job_run (accept_fd_job (fd, options), self, cancellable, error);
  return reply != NULL;
}

/**
 * fardel_transfer_reject_async:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Declines an incoming offer.
 *
 * It fails with %FARDEL_ERROR_NOT_PENDING if the offer does not wait for an answer any more.
 *
 * Since: 0.1
 */
void
fardel_transfer_reject_async (FardelTransfer *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  FardelCall call;

  g_return_if_fail (FARDEL_IS_TRANSFER (self));
  call = fardel_transfer_call (self, "Reject", NULL);
  fardel_call_async (&call, self, FARDEL_TAG (fardel_transfer_reject_async), cancellable, callback,
                     user_data);
}

/**
 * fardel_transfer_reject_finish:
 * @self: a transfer
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Transfer.reject_async].
 *
 * Returns: %TRUE if the offer is declined
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_reject_finish (FardelTransfer *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_transfer_reject_async), error);
}

/**
 * fardel_transfer_reject_sync:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Transfer.reject_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the offer is declined
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_reject_sync (FardelTransfer *self, GCancellable *cancellable, GError **error)
{
  FardelCall call;

  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FALSE);
  call = fardel_transfer_call (self, "Reject", NULL);
  return fardel_call_sync_void (&call, cancellable, error);
}

/**
 * fardel_transfer_cancel_async:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Ends the transfer, whatever its state. The part of an incoming file is removed.
 *
 * The answer comes when the request is taken; [property@Transfer:state] changes when no more bytes move.
 *
 * Since: 0.1
 */
void
fardel_transfer_cancel_async (FardelTransfer *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  FardelCall call;

  g_return_if_fail (FARDEL_IS_TRANSFER (self));
  call = fardel_transfer_call (self, "Cancel", NULL);
  fardel_call_async (&call, self, FARDEL_TAG (fardel_transfer_cancel_async), cancellable, callback,
                     user_data);
}

/**
 * fardel_transfer_cancel_finish:
 * @self: a transfer
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Transfer.cancel_async].
 *
 * Returns: %TRUE if the transfer ends, or had been asked to
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_cancel_finish (FardelTransfer *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_transfer_cancel_async), error);
}

/**
 * fardel_transfer_cancel_sync:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Transfer.cancel_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the transfer ends, or had been asked to
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_cancel_sync (FardelTransfer *self, GCancellable *cancellable, GError **error)
{
  FardelCall call;

  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FALSE);
  call = fardel_transfer_call (self, "Cancel", NULL);
  return fardel_call_sync_void (&call, cancellable, error);
}

/**
 * fardel_transfer_forget_async:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Removes a transfer that has ended from all lists, before its time. Files stay.
 *
 * Since: 0.1
 */
void
fardel_transfer_forget_async (FardelTransfer *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  FardelCall call;

  g_return_if_fail (FARDEL_IS_TRANSFER (self));
  call = fardel_transfer_call (self, "Forget", NULL);
  fardel_call_async (&call, self, FARDEL_TAG (fardel_transfer_forget_async), cancellable, callback,
                     user_data);
}

/**
 * fardel_transfer_forget_finish:
 * @self: a transfer
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Transfer.forget_async].
 *
 * Returns: %TRUE if it is removed
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_forget_finish (FardelTransfer *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_transfer_forget_async), error);
}

/**
 * fardel_transfer_forget_sync:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Transfer.forget_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if it is removed
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_forget_sync (FardelTransfer *self, GCancellable *cancellable, GError **error)
{
  FardelCall call;

  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FALSE);
  call = fardel_transfer_call (self, "Forget", NULL);
  return fardel_call_sync_void (&call, cancellable, error);
}

static gpointer
run_resume (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  g_autoptr (FardelClient) client = fardel_transfer_ref_client (self, error);
  FardelCall call;

  if (!client)
    return NULL;
  call = fardel_transfer_call (self, "Resume", g_variant_new ("(@a{sv})", job->options));
  call.reply = "(o)";
  return fardel_client_call_for_object (client, &call, cancellable, error);
}

/**
 * fardel_transfer_resume_async:
 * @self: a transfer
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Offers the file of an outgoing transfer that failed or was cancelled once more. A peer that kept what it
 * had asks for the rest only.
 *
 * A transfer that is %FARDEL_STATE_INTERRUPTED tries at once, instead of when it was planned.
 *
 * Options: `bind` (b).
 *
 * Since: 0.1
 */
void
fardel_transfer_resume_async (FardelTransfer *self, GVariant *options, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_TRANSFER (self));
  g_return_if_fail (fardel_options_valid (options));
  fardel_job_start (fardel_job_new (run_resume, g_object_unref, options), self,
                    FARDEL_TAG (fardel_transfer_resume_async), cancellable, callback, user_data);
}

/**
 * fardel_transfer_resume_finish:
 * @self: a transfer
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Transfer.resume_async].
 *
 * Returns: (transfer full): the new transfer, or @self if it was interrupted
 *
 * Since: 0.1
 */
FardelTransfer *
fardel_transfer_resume_finish (FardelTransfer *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish (self, result, FARDEL_TAG (fardel_transfer_resume_async), error);
}

/**
 * fardel_transfer_resume_sync:
 * @self: a transfer
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Transfer.resume_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: (transfer full): the new transfer, or @self if it was interrupted
 *
 * Since: 0.1
 */
FardelTransfer *
fardel_transfer_resume_sync (FardelTransfer *self, GVariant *options, GCancellable *cancellable,
                             GError **error)
{
  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), NULL);
  g_return_val_if_fail (fardel_options_valid (options), NULL);
  return fardel_job_run (fardel_job_new (run_resume, g_object_unref, options), self, cancellable, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What can be asked of an account.
 */
#include "fardel-private.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* More is refused by the daemon, and would not fit into a pipe. */
#define MAX_PASSWORD 4096

/**
 * fardel_account_connect_async:
 * @self: an account
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Connects now: an account that is offline or disabled for this session, one that waits without waiting
 * longer, one that failed once more. If the password is in a locked keyring, the user is asked to unlock it.
 *
 * The answer comes at once; [property@Account:status] tells the outcome.
 *
 * Since: 0.1
 */
void
fardel_account_connect_async (FardelAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  FardelCall call;

  g_return_if_fail (FARDEL_IS_ACCOUNT (self));
  call = fardel_account_call (self, "Connect", NULL);
  fardel_call_async (&call, self, FARDEL_TAG (fardel_account_connect_async), cancellable, callback,
                     user_data);
}

/**
 * fardel_account_connect_finish:
 * @self: an account
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Account.connect_async].
 *
 * Returns: %TRUE if the account connects
 *
 * Since: 0.1
 */
gboolean
fardel_account_connect_finish (FardelAccount *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_account_connect_async), error);
}

/**
 * fardel_account_connect_sync:
 * @self: an account
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Account.connect_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the account connects
 *
 * Since: 0.1
 */
gboolean
fardel_account_connect_sync (FardelAccount *self, GCancellable *cancellable, GError **error)
{
  FardelCall call;

  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), FALSE);
  call = fardel_account_call (self, "Connect", NULL);
  return fardel_call_sync_void (&call, cancellable, error);
}

static FardelCall
update_call (FardelAccount *self, GVariant *settings)
{
  g_autoptr (GVariant) taken = fardel_options_take (settings);

  return fardel_account_call (self, "Update", g_variant_new ("(@a{sv})", taken));
}

/**
 * fardel_account_update_async:
 * @self: an account
 * @settings: what to change, of the type `a{sv}`, with the keys of [method@Client.add_account_async]
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Changes settings of the account; those that are not mentioned stay. Either all changes are made or none.
 *
 * Since: 0.1
 */
void
fardel_account_update_async (FardelAccount *self, GVariant *settings, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  FardelCall call;

  g_return_if_fail (FARDEL_IS_ACCOUNT (self));
  g_return_if_fail (fardel_options_valid (settings));
  call = update_call (self, settings);
  fardel_call_async (&call, self, FARDEL_TAG (fardel_account_update_async), cancellable, callback, user_data);
}

/**
 * fardel_account_update_finish:
 * @self: an account
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Account.update_async].
 *
 * Returns: %TRUE if the settings are changed
 *
 * Since: 0.1
 */
gboolean
fardel_account_update_finish (FardelAccount *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_account_update_async), error);
}

/**
 * fardel_account_update_sync:
 * @self: an account
 * @settings: what to change, of the type `a{sv}`, with the keys of [method@Client.add_account_async]
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Account.update_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the settings are changed
 *
 * Since: 0.1
 */
gboolean
fardel_account_update_sync (FardelAccount *self, GVariant *settings, GCancellable *cancellable,
                            GError **error)
{
  FardelCall call;

  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), FALSE);
  g_return_val_if_fail (fardel_options_valid (settings), FALSE);
  call = update_call (self, settings);
  return fardel_call_sync_void (&call, cancellable, error);
}

static gpointer
run_set_password (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  FardelCall call = fardel_account_call (self, "SetPassword", g_variant_new ("(h@a{sv})", 0, job->options));

  call.fd = job->fd;
  return fardel_call_sync (&call, cancellable, error);
}

static FardelJob *
set_password_job (const char *password, GVariant *options)
{
  FardelJob *job = fardel_job_new (run_set_password, (GDestroyNotify) g_variant_unref, options);
  gsize length = MIN (strlen (password), MAX_PASSWORD + 1);
  int ends[2];

  /* It is all in the pipe before anybody is told of it. */
  if (!g_unix_open_pipe (ends, FD_CLOEXEC, &job->error))
    return job;
  job->fd = ends[0];
  if (write (ends[1], password, length) != (gssize) length)
    g_set_error_literal (&job->error, G_IO_ERROR, G_IO_ERROR_FAILED, "Cannot write into a pipe");
  g_close (ends[1], NULL);
  return job;
}

/**
 * fardel_account_set_password_async:
 * @self: an account
 * @password: the password, at most 4096 bytes on one line
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Gives the daemon the password of the account, which it keeps in memory. An account that waits for it
 * connects; [property@Account:status] tells the outcome.
 *
 * It goes through a pipe, since messages on the bus can be read by the user's other programs.
 *
 * Options: `save` (b): keep it in the user's keyring, once the server has accepted it.
 *
 * Since: 0.1
 */
void
fardel_account_set_password_async (FardelAccount *self, const char *password, GVariant *options,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_ACCOUNT (self));
  g_return_if_fail (password);
  g_return_if_fail (fardel_options_valid (options));
  fardel_job_start (set_password_job (password, options), self,
                    FARDEL_TAG (fardel_account_set_password_async), cancellable, callback, user_data);
}

/**
 * fardel_account_set_password_finish:
 * @self: an account
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Account.set_password_async].
 *
 * Returns: %TRUE if the daemon has the password
 *
 * Since: 0.1
 */
gboolean
fardel_account_set_password_finish (FardelAccount *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_account_set_password_async), error);
}

/**
 * fardel_account_set_password_sync:
 * @self: an account
 * @password: the password, at most 4096 bytes on one line
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Account.set_password_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the daemon has the password
 *
 * Since: 0.1
 */
gboolean
fardel_account_set_password_sync (FardelAccount *self, const char *password, GVariant *options,
                                  GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) reply = NULL;

  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), FALSE);
  g_return_val_if_fail (password, FALSE);
  g_return_val_if_fail (fardel_options_valid (options), FALSE);
  reply = fardel_job_run (set_password_job (password, options), self, cancellable, error);
  return reply != NULL;
}

/**
 * fardel_account_remove_async:
 * @self: an account
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Disconnects and deletes the account with its configuration and the password that was saved for it. Its
 * unfinished transfers are cancelled.
 *
 * Since: 0.1
 */
void
fardel_account_remove_async (FardelAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  FardelCall call;

  g_return_if_fail (FARDEL_IS_ACCOUNT (self));
  call = fardel_account_call (self, "Remove", NULL);
  fardel_call_async (&call, self, FARDEL_TAG (fardel_account_remove_async), cancellable, callback, user_data);
}

/**
 * fardel_account_remove_finish:
 * @self: an account
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Account.remove_async].
 *
 * Returns: %TRUE if the account is removed
 *
 * Since: 0.1
 */
gboolean
fardel_account_remove_finish (FardelAccount *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish_void (self, result, FARDEL_TAG (fardel_account_remove_async), error);
}

/**
 * fardel_account_remove_sync:
 * @self: an account
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Account.remove_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the account is removed
 *
 * Since: 0.1
 */
gboolean
fardel_account_remove_sync (FardelAccount *self, GCancellable *cancellable, GError **error)
{
  FardelCall call;

  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), FALSE);
  call = fardel_account_call (self, "Remove", NULL);
  return fardel_call_sync_void (&call, cancellable, error);
}

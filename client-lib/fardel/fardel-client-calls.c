/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What can be asked of the daemon.
 */
#include "fardel-private.h"

/* The daemon asks a peer for 20 seconds. */
#define QUERY_TIMEOUT_MS 60000

/**
 * fardel_client_new_async:
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Makes a client: connects to the session bus, starts the daemon, and asks what it has.
 *
 * A daemon that is not there is no error; see [property@Client:running].
 *
 * Since: 0.1
 */
void
fardel_client_new_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_async_initable_new_async (FARDEL_TYPE_CLIENT, G_PRIORITY_DEFAULT, cancellable, callback, user_data, NULL);
}

/**
 * fardel_client_new_finish: (constructor)
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [func@Client.new_async].
 *
 * Returns: (transfer full): the client; %NULL if there is no session bus
 *
 * Since: 0.1
 */
FardelClient *
fardel_client_new_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (GObject) source = g_async_result_get_source_object (result);

  return (FardelClient *) g_async_initable_new_finish (G_ASYNC_INITABLE (source), result, error);
}

/**
 * fardel_client_new_sync: (constructor)
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does [func@Client.new_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: (transfer full): the client; %NULL if there is no session bus
 *
 * Since: 0.1
 */
FardelClient *
fardel_client_new_sync (GCancellable *cancellable, GError **error)
{
  return g_initable_new (FARDEL_TYPE_CLIENT, cancellable, error, NULL);
}

static FardelCall
manager_call (FardelClient *self, const char *method, GVariant *arguments, const char *reply)
{
  return (FardelCall){
    fardel_client_get_bus (self), FARDEL_PATH, FARDEL_MANAGER, method, arguments, reply, .fd = -1
  };
}

static gpointer
offer_fd (FardelClient *self, const char *peer, int fd, const char *name, GVariant *options,
          GCancellable *cancellable, GError **error)
{
  FardelCall call
    = manager_call (self, "OfferFd", g_variant_new ("(shs@a{sv})", peer, 0, name, options), "(o)");

  call.fd = fd;
  return fardel_client_call_for_object (self, &call, cancellable, error);
}

/* The name is an argument of the daemon's method, but an option of its sister that
 * takes a path. */
static gpointer
offer_source (FardelClient *self, const char *peer, FardelSource *opened, const char *name, GVariant *options,
              GCancellable *cancellable, GError **error)
{
  g_autoptr (FardelSource) source = opened;
  g_autoptr (GVariant) passed = NULL;
  g_autoptr (FardelTransfer) transfer = NULL;
  GVariantDict dict;

  g_variant_dict_init (&dict, options);
  if (name)
    g_variant_dict_remove (&dict, "name");
  if (fardel_source_get_size (source) >= 0 && !g_variant_dict_contains (&dict, "size"))
    g_variant_dict_insert (&dict, "size", "x", fardel_source_get_size (source));
  passed = g_variant_ref_sink (g_variant_dict_end (&dict));
  transfer = offer_fd (self, peer, fardel_source_get_fd (source),
                       name ? name : fardel_source_get_name (source), passed, cancellable, error);
  if (transfer)
    fardel_source_feed (g_steal_pointer (&source), fardel_client_get_bus (self),
                        fardel_transfer_call (transfer, NULL, NULL).path);
  return g_steal_pointer (&transfer);
}

static gpointer
run_offer_file (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  FardelSource *source = fardel_source_open (job->files->pdata[0], cancellable, error);
  const char *name = NULL;

  g_variant_lookup (job->options, "name", "&s", &name);
  return source ? offer_source (self, job->text, source, name, job->options, cancellable, error) : NULL;
}

/* All or none: those that went out are taken back. */
static void
take_back (GPtrArray *transfers)
{
  for (guint i = 0; i < transfers->len; i++)
    {
      const FardelCall cancel = fardel_transfer_call (transfers->pdata[i], "Cancel", NULL);

      fardel_call_sync_void (&cancel, NULL, NULL);
    }
}

static GVariant *
with_batch (GVariant *options, guint n)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, options);
  if (n > 1 && !g_variant_dict_contains (&dict, "batch"))
    {
      g_autofree char *batch = g_uuid_string_random ();

      g_variant_dict_insert (&dict, "batch", "s", batch);
    }
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gpointer
run_offer_files (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) files = fardel_source_walk (job->files, cancellable, error);
  g_autoptr (GPtrArray) transfers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GVariant) options = NULL;

  if (!files)
    return NULL;
  options = with_batch (job->options, files->len);
  for (guint i = 0; i < files->len; i++)
    {
      FardelSource *source = fardel_source_open (files->pdata[i], cancellable, error);
      FardelTransfer *transfer
        = source ? offer_source (self, job->text, source, NULL, options, cancellable, error) : NULL;

      if (!transfer)
        {
          take_back (transfers);
          return NULL;
        }
      g_ptr_array_add (transfers, transfer);
    }
  return g_steal_pointer (&transfers);
}

static FardelJob *
offer_job (FardelJobFunc run, GDestroyNotify free_result, const char *peer, GFile **files, gsize n_files,
           GVariant *options)
{
  FardelJob *job = fardel_job_new (run, free_result, options);

  job->text = g_strdup (peer);
  job->files = g_ptr_array_new_with_free_func (g_object_unref);
  for (gsize i = 0; i < n_files; i++)
    g_ptr_array_add (job->files, g_object_ref (files[i]));
  return job;
}

/**
 * fardel_client_offer_file_async:
 * @self: a client
 * @peer: the XMPP address of who shall get the file
 * @file: the file
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call. If it is cancelled while the daemon is asked, the
 * offer may be made all the same
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Offers a file.
 *
 * The file is opened here and its descriptor is passed, so this works in a sandbox. A file without a local
 * path is streamed, by a thread of this program, which must not end before the transfer does then.
 *
 * The answer comes as soon as there is a transfer, which then goes on by itself; if the account or the peer
 * is offline, it waits for them.
 *
 * Options: `account` (s), `name` (s), `description` (s), `mime-type` (s), `resource` (s), `batch` (s),
 * `timeout` (u), `transports` (as), `hash` (b), `rate-limit` (t), `bind` (b), as the D-Bus method `Offer`
 * describes them.
 *
 * Since: 0.1
 */
void
fardel_client_offer_file_async (FardelClient *self, const char *peer, GFile *file, GVariant *options,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_CLIENT (self));
  g_return_if_fail (peer);
  g_return_if_fail (G_IS_FILE (file));
  g_return_if_fail (fardel_options_valid (options));
  fardel_job_start (offer_job (run_offer_file, g_object_unref, peer, &file, 1, options), self,
                    FARDEL_TAG (fardel_client_offer_file_async), cancellable, callback, user_data);
}

/**
 * fardel_client_offer_file_finish:
 * @self: a client
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Client.offer_file_async].
 *
 * Returns: (transfer full): the transfer, the same object as in the list
 *
 * Since: 0.1
 */
FardelTransfer *
fardel_client_offer_file_finish (FardelClient *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish (self, result, FARDEL_TAG (fardel_client_offer_file_async), error);
}

/**
 * fardel_client_offer_file_sync:
 * @self: a client
 * @peer: the XMPP address of who shall get the file
 * @file: the file
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Client.offer_file_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: (transfer full): the transfer, the same object as in the list
 *
 * Since: 0.1
 */
FardelTransfer *
fardel_client_offer_file_sync (FardelClient *self, const char *peer, GFile *file, GVariant *options,
                               GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (FARDEL_IS_CLIENT (self), NULL);
  g_return_val_if_fail (peer, NULL);
  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail (fardel_options_valid (options), NULL);
  return fardel_job_run (offer_job (run_offer_file, g_object_unref, peer, &file, 1, options), self,
                         cancellable, error);
}

/**
 * fardel_client_offer_files_async:
 * @self: a client
 * @peer: the XMPP address of who shall get the files
 * @files: (array length=n_files): files and folders
 * @n_files: the number of @files
 * @options: (nullable): options for each file, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Offers several files as one batch: either all of them or none.
 *
 * Folders are walked; symbolic links in them are not followed, and what is not a regular file is left out.
 * More than 1000 files are refused; the daemon may take fewer at a time, since it keeps a descriptor of each.
 *
 * The options are those of [method@Client.offer_file_async] without `name`.
 *
 * Since: 0.1
 */
void
fardel_client_offer_files_async (FardelClient *self, const char *peer, GFile **files, gsize n_files,
                                 GVariant *options, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_CLIENT (self));
  g_return_if_fail (peer);
  g_return_if_fail (files || n_files == 0);
  g_return_if_fail (fardel_options_valid (options));
  fardel_job_start (
    offer_job (run_offer_files, (GDestroyNotify) g_ptr_array_unref, peer, files, n_files, options), self,
    FARDEL_TAG (fardel_client_offer_files_async), cancellable, callback, user_data);
}

/**
 * fardel_client_offer_files_finish:
 * @self: a client
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Client.offer_files_async].
 *
 * Returns: (transfer container) (element-type FardelTransfer): the transfers, in the order of the files;
 * those of a folder by name
 *
 * Since: 0.1
 */
GPtrArray *
fardel_client_offer_files_finish (FardelClient *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish (self, result, FARDEL_TAG (fardel_client_offer_files_async), error);
}

/**
 * fardel_client_offer_files_sync:
 * @self: a client
 * @peer: the XMPP address of who shall get the files
 * @files: (array length=n_files): files and folders
 * @n_files: the number of @files
 * @options: (nullable): options for each file, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Client.offer_files_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: (transfer container) (element-type FardelTransfer): the transfers, in the order of the files;
 * those of a folder by name
 *
 * Since: 0.1
 */
GPtrArray *
fardel_client_offer_files_sync (FardelClient *self, const char *peer, GFile **files, gsize n_files,
                                GVariant *options, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (FARDEL_IS_CLIENT (self), NULL);
  g_return_val_if_fail (peer, NULL);
  g_return_val_if_fail (files || n_files == 0, NULL);
  g_return_val_if_fail (fardel_options_valid (options), NULL);
  return fardel_job_run (
    offer_job (run_offer_files, (GDestroyNotify) g_ptr_array_unref, peer, files, n_files, options), self,
    cancellable, error);
}

static gpointer
run_offer_fd (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  return offer_fd (self, job->text, job->fd, job->name, job->options, cancellable, error);
}

static FardelJob *
offer_fd_job (const char *peer, int fd, const char *name, GVariant *options)
{
  FardelJob *job = fardel_job_new (run_offer_fd, g_object_unref, options);

  job->text = g_strdup (peer);
  job->name = g_strdup (name);
  fardel_job_dup_fd (job, fd);
  return job;
}

/**
 * fardel_client_offer_fd_async:
 * @self: a client
 * @peer: the XMPP address of who shall get the file
 * @fd: a descriptor that is open for reading: a regular file, a pipe or a socket. It stays the caller's, who
 * may close it at once
 * @name: the name of the file for the peer
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Offers what a descriptor holds. A regular file is sent from its start. A pipe or socket is read once, until
 * its end, after the peer accepted.
 *
 * The options are those of [method@Client.offer_file_async] without `name`, and `size` (x): how many bytes
 * will come from a pipe or socket.
 *
 * Since: 0.1
 */
void
fardel_client_offer_fd_async (FardelClient *self, const char *peer, int fd, const char *name,
                              GVariant *options, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_CLIENT (self));
  g_return_if_fail (peer && name);
  g_return_if_fail (fardel_options_valid (options));
  fardel_job_start (offer_fd_job (peer, fd, name, options), self, FARDEL_TAG (fardel_client_offer_fd_async),
                    cancellable, callback, user_data);
}

/**
 * fardel_client_offer_fd_finish:
 * @self: a client
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Client.offer_fd_async].
 *
 * Returns: (transfer full): the transfer, the same object as in the list
 *
 * Since: 0.1
 */
FardelTransfer *
fardel_client_offer_fd_finish (FardelClient *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish (self, result, FARDEL_TAG (fardel_client_offer_fd_async), error);
}

/**
 * fardel_client_offer_fd_sync:
 * @self: a client
 * @peer: the XMPP address of who shall get the file
 * @fd: a descriptor that is open for reading
 * @name: the name of the file for the peer
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Client.offer_fd_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: (transfer full): the transfer, the same object as in the list
 *
 * Since: 0.1
 */
FardelTransfer *
fardel_client_offer_fd_sync (FardelClient *self, const char *peer, int fd, const char *name,
                             GVariant *options, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (FARDEL_IS_CLIENT (self), NULL);
  g_return_val_if_fail (peer && name, NULL);
  g_return_val_if_fail (fardel_options_valid (options), NULL);
  return fardel_job_run (offer_fd_job (peer, fd, name, options), self, cancellable, error);
}

static FardelCall
query_peer_call (FardelClient *self, const char *peer, GVariant *options)
{
  g_autoptr (GVariant) taken = fardel_options_take (options);
  FardelCall call = manager_call (self, "QueryPeer", g_variant_new ("(s@a{sv})", peer, taken), "(a{sv})");

  call.timeout_ms = QUERY_TIMEOUT_MS;
  return call;
}

static GVariant *
first_of (GVariant *taken)
{
  g_autoptr (GVariant) reply = taken;

  return reply ? g_variant_get_child_value (reply, 0) : NULL;
}

/**
 * fardel_client_query_peer_async:
 * @self: a client
 * @peer: an XMPP address
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Asks whether somebody can get a file now. The answer may take 20 seconds. A peer that is offline is an
 * answer and no error.
 *
 * Options: `account` (s).
 *
 * Since: 0.1
 */
void
fardel_client_query_peer_async (FardelClient *self, const char *peer, GVariant *options,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  FardelCall call;

  g_return_if_fail (FARDEL_IS_CLIENT (self));
  g_return_if_fail (peer);
  g_return_if_fail (fardel_options_valid (options));
  call = query_peer_call (self, peer, options);
  fardel_call_async (&call, self, FARDEL_TAG (fardel_client_query_peer_async), cancellable, callback,
                     user_data);
}

/**
 * fardel_client_query_peer_finish:
 * @self: a client
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Client.query_peer_async].
 *
 * Returns: (transfer full): a dictionary of the type `a{sv}`: `jid` (s), `online` (b), `can-receive` (b),
 * `resource` (s), `transports` (as), `client` (s), and what later versions add
 *
 * Since: 0.1
 */
GVariant *
fardel_client_query_peer_finish (FardelClient *self, GAsyncResult *result, GError **error)
{
  return first_of (fardel_call_finish (self, result, FARDEL_TAG (fardel_client_query_peer_async), error));
}

/**
 * fardel_client_query_peer_sync:
 * @self: a client
 * @peer: an XMPP address
 * @options: (nullable): options, of the type `a{sv}`; %NULL for none
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Client.query_peer_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: (transfer full): a dictionary of the type `a{sv}`
 *
 * Since: 0.1
 */
GVariant *
fardel_client_query_peer_sync (FardelClient *self, const char *peer, GVariant *options,
                               GCancellable *cancellable, GError **error)
{
  FardelCall call;

  g_return_val_if_fail (FARDEL_IS_CLIENT (self), NULL);
  g_return_val_if_fail (peer, NULL);
  g_return_val_if_fail (fardel_options_valid (options), NULL);
  call = query_peer_call (self, peer, options);
  return first_of (fardel_call_sync (&call, cancellable, error));
}

static gpointer
run_add_account (gpointer self, FardelJob *job, GCancellable *cancellable, GError **error)
{
  const FardelCall call
    = manager_call (self, "AddAccount", g_variant_new ("(s@a{sv})", job->text, job->options), "(o)");

  return fardel_client_call_for_object (self, &call, cancellable, error);
}

static FardelJob *
add_account_job (const char *id, GVariant *settings)
{
  FardelJob *job = fardel_job_new (run_add_account, g_object_unref, settings);

  job->text = g_strdup (id);
  return job;
}

/**
 * fardel_client_add_account_async:
 * @self: a client
 * @id: the short name of the account: 1 to 32 of `a-z`, `0-9` and `_`
 * @settings: the settings, of the type `a{sv}`; `jid` (s), the bare XMPP address, is required
 * @cancellable: (nullable): a cancellable for the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Adds an account and writes it to the configuration. It connects at once; without a password its status
 * becomes %FARDEL_ACCOUNT_STATUS_WAITING_FOR_PASSWORD, see [method@Account.set_password_async].
 *
 * The other settings, such as `server` (s), `port` (q), `enabled` (b) or `auto-accept` (as), are those of the
 * D-Bus method `AddAccount`.
 *
 * Since: 0.1
 */
void
fardel_client_add_account_async (FardelClient *self, const char *id, GVariant *settings,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (FARDEL_IS_CLIENT (self));
  g_return_if_fail (id);
  g_return_if_fail (fardel_options_valid (settings));
  fardel_job_start (add_account_job (id, settings), self, FARDEL_TAG (fardel_client_add_account_async),
                    cancellable, callback, user_data);
}

/**
 * fardel_client_add_account_finish:
 * @self: a client
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Client.add_account_async].
 *
 * Returns: (transfer full): the account, the same object as in the list
 *
 * Since: 0.1
 */
FardelAccount *
fardel_client_add_account_finish (FardelClient *self, GAsyncResult *result, GError **error)
{
  return fardel_call_finish (self, result, FARDEL_TAG (fardel_client_add_account_async), error);
}

/**
 * fardel_client_add_account_sync:
 * @self: a client
 * @id: the short name of the account: 1 to 32 of `a-z`, `0-9` and `_`
 * @settings: the settings, of the type `a{sv}`
 * @cancellable: (nullable): a cancellable for the call
 * @error: return location for an error
 *
 * Does [method@Client.add_account_async] and waits for the answer. Not for the thread of a user interface.
 *
 * Returns: (transfer full): the account, the same object as in the list
 *
 * Since: 0.1
 */
FardelAccount *
fardel_client_add_account_sync (FardelClient *self, const char *id, GVariant *settings,
                                GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (FARDEL_IS_CLIENT (self), NULL);
  g_return_val_if_fail (id, NULL);
  g_return_val_if_fail (fardel_options_valid (settings), NULL);
  return fardel_job_run (add_account_job (id, settings), self, cancellable, error);
}

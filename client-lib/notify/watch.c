/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Follows the daemon; see watch.h.
 */
#include "watch.h"

struct NtfWatch
{
  const NtfWatchHooks *hooks;
  gpointer data;
  GCancellable *loading;
  FardelClient *client; /* NULL while it is made */
  GPtrArray *transfers; /* of NtfTransfer, as the client's list */
  GPtrArray *accounts; /* of NtfAccount, likewise */
};

/* --- transfers --- */

static void
on_transfer_notify (FardelTransfer *remote, GParamSpec *pspec, gpointer data)
{
  NtfWatch *watch = data;

  for (guint i = 0; i < watch->transfers->len; i++)
    {
      NtfTransfer *transfer = watch->transfers->pdata[i];

      if (transfer->remote != remote)
        continue;
      ntf_transfer_read (transfer);
      watch->hooks->transfer_changed (transfer, watch->data);
      return;
    }
}

static void
remove_transfer (gpointer element, gpointer data)
{
  NtfWatch *watch = data;
  NtfTransfer *transfer = element;

  g_signal_handlers_disconnect_by_data (transfer->remote, watch);
  watch->hooks->transfer_removed (transfer, watch->data);
}

/* Numbers come with each change of the state. */
static void
add_transfer (NtfWatch *watch, guint position, gpointer remote)
{
  NtfTransfer *transfer = ntf_transfer_new (remote);

  g_signal_connect (remote, "notify::state", G_CALLBACK (on_transfer_notify), watch);
  g_signal_connect (remote, "notify::transferred", G_CALLBACK (on_transfer_notify), watch);
  g_ptr_array_insert (watch->transfers, position, transfer);
  watch->hooks->transfer_changed (transfer, watch->data);
}

/* --- accounts --- */

static void
on_account_notify (FardelAccount *remote, GParamSpec *pspec, gpointer data)
{
  NtfWatch *watch = data;

  for (guint i = 0; i < watch->accounts->len; i++)
    {
      NtfAccount *account = watch->accounts->pdata[i];

      if (account->remote != remote)
        continue;
      ntf_account_read (account);
      watch->hooks->account_changed (account, watch->data);
      return;
    }
}

static void
remove_account (gpointer element, gpointer data)
{
  NtfWatch *watch = data;
  NtfAccount *account = element;

  g_signal_handlers_disconnect_by_data (account->remote, watch);
  watch->hooks->account_removed (account, watch->data);
}

static void
add_account (NtfWatch *watch, guint position, gpointer remote)
{
  NtfAccount *account = ntf_account_new (remote);

  g_signal_connect (remote, "notify::status", G_CALLBACK (on_account_notify), watch);
  g_signal_connect (remote, "notify::error", G_CALLBACK (on_account_notify), watch);
  g_ptr_array_insert (watch->accounts, position, account);
  watch->hooks->account_changed (account, watch->data);
}

/* --- the client --- */

static void
follow_list (NtfWatch *watch, GListModel *list, GPtrArray *known, guint position, guint removed, guint added,
             GFunc remove, void (*add) (NtfWatch *watch, guint position, gpointer remote))
{
  for (guint i = 0; i < removed; i++)
    remove (known->pdata[position + i], watch);
  if (removed)
    g_ptr_array_remove_range (known, position, removed);
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (GObject) remote = g_list_model_get_item (list, position + i);

      add (watch, position + i, remote);
    }
}

static void
on_transfers (GListModel *list, guint position, guint removed, guint added, gpointer data)
{
  NtfWatch *watch = data;

  follow_list (watch, list, watch->transfers, position, removed, added, remove_transfer, add_transfer);
}

static void
on_accounts (GListModel *list, guint position, guint removed, guint added, gpointer data)
{
  NtfWatch *watch = data;

  follow_list (watch, list, watch->accounts, position, removed, added, remove_account, add_account);
}

static void
on_progress (GObject *client, GParamSpec *pspec, gpointer data)
{
  NtfWatch *watch = data;

  watch->hooks->progress_changed (watch->data);
}

/* What did not change while the daemon was away has told nothing. */
static void
tell_all (NtfWatch *watch)
{
  for (guint i = 0; i < watch->transfers->len; i++)
    {
      ntf_transfer_read (watch->transfers->pdata[i]);
      watch->hooks->transfer_changed (watch->transfers->pdata[i], watch->data);
    }
  for (guint i = 0; i < watch->accounts->len; i++)
    watch->hooks->account_changed (watch->accounts->pdata[i], watch->data);
}

static void
on_running (GObject *client, GParamSpec *pspec, gpointer data)
{
  NtfWatch *watch = data;

  if (!fardel_client_is_running (watch->client))
    {
      watch->hooks->lost (watch->data);
      return;
    }
  tell_all (watch);
  watch->hooks->loaded (watch->data);
}

static void
on_client (GObject *source, GAsyncResult *result, gpointer data)
{
  NtfWatch *watch = data;
  g_autoptr (GError) error = NULL;
  GObject *client = g_async_initable_new_finish (G_ASYNC_INITABLE (source), result, &error);
  GListModel *transfers, *accounts;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!client)
    {
      g_warning ("Cannot follow the daemon: %s", error->message);
      watch->hooks->lost (watch->data);
      return;
    }
  watch->client = FARDEL_CLIENT (client);
  transfers = fardel_client_get_transfers (watch->client);
  accounts = fardel_client_get_accounts (watch->client);
  g_signal_connect (transfers, "items-changed", G_CALLBACK (on_transfers), watch);
  g_signal_connect (accounts, "items-changed", G_CALLBACK (on_accounts), watch);
  g_signal_connect (client, "notify::running", G_CALLBACK (on_running), watch);
  g_signal_connect (client, "notify::progress", G_CALLBACK (on_progress), watch);
  on_accounts (accounts, 0, 0, g_list_model_get_n_items (accounts), watch);
  on_transfers (transfers, 0, 0, g_list_model_get_n_items (transfers), watch);
  if (fardel_client_is_running (watch->client))
    watch->hooks->loaded (watch->data);
  else
    watch->hooks->lost (watch->data);
}

/* --- life --- */

static void
unref_transfer (gpointer transfer)
{
  ntf_transfer_unref (transfer);
}

static void
free_account (gpointer account)
{
  ntf_account_free (account);
}

NtfWatch *
ntf_watch_new (GDBusConnection *bus, const NtfWatchHooks *hooks, gpointer data)
{
  NtfWatch *watch = g_new0 (NtfWatch, 1);

  watch->hooks = hooks;
  watch->data = data;
  watch->loading = g_cancellable_new ();
  watch->transfers = g_ptr_array_new_with_free_func (unref_transfer);
  watch->accounts = g_ptr_array_new_with_free_func (free_account);
  g_async_initable_new_async (FARDEL_TYPE_CLIENT, G_PRIORITY_DEFAULT, watch->loading, on_client, watch,
                              "connection", bus, "autostart", FALSE, NULL);
  return watch;
}

void
ntf_watch_free (NtfWatch *watch)
{
  g_cancellable_cancel (watch->loading);
  g_object_unref (watch->loading);
  if (watch->client)
    {
      g_signal_handlers_disconnect_by_data (fardel_client_get_transfers (watch->client), watch);
      g_signal_handlers_disconnect_by_data (fardel_client_get_accounts (watch->client), watch);
      g_signal_handlers_disconnect_by_data (watch->client, watch);
    }
  for (guint i = 0; i < watch->transfers->len; i++)
    g_signal_handlers_disconnect_by_data (((NtfTransfer *) watch->transfers->pdata[i])->remote, watch);
  for (guint i = 0; i < watch->accounts->len; i++)
    g_signal_handlers_disconnect_by_data (((NtfAccount *) watch->accounts->pdata[i])->remote, watch);
  g_ptr_array_unref (watch->transfers);
  g_ptr_array_unref (watch->accounts);
  g_clear_object (&watch->client);
  g_free (watch);
}

double
ntf_watch_get_progress (const NtfWatch *watch)
{
  double progress = -1;

  if (watch->client && fardel_client_is_running (watch->client))
    g_object_get (watch->client, "progress", &progress, NULL);
  return progress;
}

char *
ntf_watch_dup_download_folder (const NtfWatch *watch)
{
  char *folder;

  g_object_get (watch->client, "download-folder", &folder, NULL);
  return folder;
}

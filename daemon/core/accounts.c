/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The manager's accounts: adding, removing, choosing one, and what their
 * connections coming and going means for transfers.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "core/secrets.h"

GPtrArray *
fd_manager_get_accounts (FdManager *manager)
{
  return manager->accounts;
}

FdAccount *
fd_manager_find_account (FdManager *manager, const char *id)
{
  for (guint i = 0; i < manager->accounts->len; i++)
    if (g_str_equal (fd_account_get_id (manager->accounts->pdata[i]), id))
      return manager->accounts->pdata[i];
  return NULL;
}

FdAccount *
fd_manager_choose_account (FdManager *manager, guint32 caller, const char *id, const char *peer,
                           GError **error)
{
  FdAccount *first = NULL;
  FdAccount *online = NULL;
  FdAccount *account;

  if (id && *id)
    {
      account = fd_manager_find_account (manager, id);
      if (account && fd_owner_is_seen (fd_account_get_config (account)->owner, caller))
        return account;
      g_set_error (error, FD_ERROR, FD_ERROR_NO_SUCH_ACCOUNT, "There is no account \"%s\"", id);
      return NULL;
    }
  for (guint i = 0; i < manager->accounts->len; i++)
    {
      account = manager->accounts->pdata[i];
      if (caller != FD_OWNER_ANYBODY && caller != fd_account_get_config (account)->owner)
        continue;
      if (!first)
        first = account;
      if (!fd_account_is_online (account))
        continue;
      if (fd_peers_is_contact (fd_account_get_peers (account), peer))
        return account;
      if (!online)
        online = account;
    }
  if (first)
    return online ? online : first;
  g_set_error (error, FD_ERROR, FD_ERROR_NO_SUCH_ACCOUNT, "There is no account: add one first");
  return NULL;
}

/* --- what happens to a connection --- */

static gboolean
is_shown (FdManager *manager, FdAccount *account)
{
  return g_ptr_array_find (manager->accounts, account, NULL);
}

static void
on_changed (FdAccount *account, FdAccountFields fields, gpointer data)
{
  FdManager *manager = data;

  if (manager->hooks.account_changed && is_shown (manager, account))
    manager->hooks.account_changed (account, fields, manager->data);
}

static void
on_online (FdAccount *account, gpointer data)
{
  fd_retry_unblock (data, account, NULL);
}

static void
on_available (FdAccount *account, const char *bare_jid, gpointer data)
{
  fd_retry_unblock (data, account, bare_jid);
}

/* What goes between us and them would not arrive any more. */
static void
on_blocked (FdAccount *account, gpointer data)
{
  FdManager *manager = data;
  FdPeers *peers = fd_account_get_peers (account);

  for (guint i = manager->transfers->len; i-- > 0;)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->account == account && fd_peers_is_blocked (peers, transfer->info.peer))
        fd_transfer_end_blocked (transfer);
    }
}

/* The peers are told; offers that they have not answered are made again when
 * the account comes back, unless it goes for good. */
static void
on_closing (FdAccount *account, gpointer data)
{
  FdManager *manager = data;

  fd_manager_end_queries (manager, account);
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->account != account || transfer->ending)
        continue;
      if (transfer->content)
        {
          transfer->disconnecting = TRUE;
          fd_content_stop (transfer->content);
        }
      else if (transfer->preparing)
        fd_retry_postpone (transfer, FALSE);
    }
}

static gboolean
is_busy (FdAccount *account, gpointer data)
{
  FdManager *manager = data;

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->account == account && transfer->content)
        return TRUE;
    }
  return FALSE;
}

/* Contents that have not ended by now never will: their owner goes. */
static void
on_dropped (FdAccount *account, gpointer data)
{
  FdManager *manager = data;
  g_autoptr (GError) error = g_error_new (FD_ERROR, FD_ERROR_NOT_CONNECTED, "The account %s was disconnected",
                                          fd_account_get_id (account));

  fd_manager_end_queries (manager, account);
  fd_echo_drop (manager, account);
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->account != account)
        continue;
      transfer->next = NULL;
      if (transfer->content)
        fd_transfer_break (transfer, error);
      else if (transfer->preparing)
        fd_retry_postpone (transfer, FALSE);
      if (manager->stopping)
        transfer->account = NULL; /* what is queued stays so, for the journal */
    }
}

static void
on_closed (FdAccount *account, gpointer data)
{
  FdManager *manager = data;

  g_ptr_array_remove (manager->closing, account);
  fd_stop_check (manager);
}

const FdAccountHooks fd_manager_account_hooks = {
  .changed = on_changed,
  .online = on_online,
  .available = on_available,
  .blocked = on_blocked,
  .admit = fd_manager_admit,
  .incoming = fd_manager_incoming,
  .closing = on_closing,
  .busy = is_busy,
  .dropped = on_dropped,
  .closed = on_closed,
};

/* --- adding and removing --- */

static guint
count_accounts (FdManager *manager, guint32 owner)
{
  guint n = 0;

  for (guint i = 0; i < manager->accounts->len; i++)
    n += fd_account_get_config (manager->accounts->pdata[i])->owner == owner;
  return n;
}

FdAccount *
fd_manager_show_account (FdManager *manager, FdAccountConfig *config)
{
  FdAccount *account = fd_account_new (config, manager->directory, &fd_manager_account_hooks, manager);

  g_ptr_array_add (manager->accounts, account);
  if (manager->hooks.account_added)
    manager->hooks.account_added (account, manager->data);
  return account;
}

FdAccount *
fd_manager_add_account (FdManager *manager, const FdAccountConfig *config, GError **error)
{
  g_autoptr (FdAccountConfig) copy = fd_account_config_copy (config);
  FdAccount *account;

  if (!fd_account_config_normalize (copy, error))
    return NULL;
  if (fd_manager_find_account (manager, copy->id))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_ACCOUNT_EXISTS,
                   "There is an account \"%s\" already: choose another id, or update it", copy->id);
      return NULL;
    }
  if (manager->accounts->len >= FD_MAX_ACCOUNTS
      || count_accounts (manager, copy->owner) >= fd_manager_share (manager, FD_MAX_ACCOUNTS))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "There are %u accounts already: remove one first",
                   fd_manager_share (manager, FD_MAX_ACCOUNTS));
      return NULL;
    }
  if (!fd_config_save_account (manager->directory, copy, error))
    return NULL;
  account = fd_manager_show_account (manager, g_steal_pointer (&copy));
  if (fd_account_get_config (account)->enabled)
    fd_account_connect (account);
  return account;
}

static void
cancel_transfers (FdManager *manager, FdAccount *account)
{
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->account == account)
        fd_transfer_cancel (transfer, NULL);
    }
}

void
fd_manager_close_account (FdManager *manager, FdAccount *account)
{
  guint index;

  if (manager->hooks.account_removed)
    manager->hooks.account_removed (account, manager->data);
  if (g_ptr_array_find (manager->accounts, account, &index))
    g_ptr_array_add (manager->closing, g_ptr_array_steal_index (manager->accounts, index));
  fd_account_close (account);
}

void
fd_manager_drop_account (FdManager *manager, FdAccount *account)
{
  cancel_transfers (manager, account);
  fd_account_forget (account);
  fd_manager_close_account (manager, account);
}

gboolean
fd_manager_remove_account (FdManager *manager, FdAccount *account, GError **error)
{
  if (!fd_config_remove_account (manager->directory, fd_account_get_id (account), error))
    return FALSE;
  fd_secret_forget (fd_account_get_config (account));
  fd_manager_drop_account (manager, account);
  return TRUE;
}

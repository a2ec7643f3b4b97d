/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The life of the model, its settings and its numbers, and telling the observer
 * about all of it.
 */
#include "core/manager.h"

#include "base/error.h"
#include "base/timer.h"
#include "core/manager-private.h"
#include "core/secret-service.h"

#include <errno.h>

/* --- transfers: their place and the observer --- */

GPtrArray *
fd_manager_get_transfers (FdManager *manager)
{
  return manager->transfers;
}

FdTransfer *
fd_manager_find_transfer (FdManager *manager, guint32 id)
{
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->info.id == id)
        return transfer;
    }
  return NULL;
}

/* The numbers follow from the states, so they are counted anew: there is no
 * second truth to keep in step. */
static void
recount (FdManager *manager)
{
  FdManagerFields fields = 0;
  guint active = fd_manager_get_active (manager, FD_OWNER_ANYBODY);
  guint pending = fd_manager_get_pending (manager, FD_OWNER_ANYBODY);

  if (active != manager->active)
    fields |= FD_MANAGER_ACTIVE;
  if (pending != manager->pending)
    fields |= FD_MANAGER_PENDING;
  manager->active = active;
  manager->pending = pending;
  if (fields && manager->hooks.changed)
    manager->hooks.changed (fields, manager->data);
}

void
fd_manager_adopt (FdManager *manager, FdTransfer *transfer)
{
  g_ptr_array_add (manager->transfers, transfer);
  if (manager->hooks.transfer_added)
    manager->hooks.transfer_added (transfer, manager->data);
  recount (manager);
}

void
fd_manager_transfer_changed (FdTransfer *transfer, FdTransferFields fields)
{
  FdManager *manager = transfer->manager;

  if (manager->hooks.transfer_changed)
    manager->hooks.transfer_changed (transfer, fields, manager->data);
  if (fields & FD_TRANSFER_STATE)
    recount (manager);
}

void
fd_manager_transfer_finished (FdTransfer *transfer)
{
  FdManager *manager = transfer->manager;

  if (manager->hooks.transfer_finished)
    manager->hooks.transfer_finished (transfer, manager->data);
  fd_retire_add (transfer);
  fd_queue_wake (manager);
  fd_stop_check (manager);
}

void
fd_manager_discard (FdTransfer *transfer)
{
  FdManager *manager = transfer->manager;

  if (manager->hooks.transfer_removed)
    manager->hooks.transfer_removed (transfer, manager->data);
  fd_retire_remove (transfer);
  g_ptr_array_remove (manager->transfers, transfer);
}

guint
fd_manager_forget_finished (FdManager *manager, guint32 viewer)
{
  guint n = 0;

  for (GList *link = manager->retired.head, *next; link; link = next)
    {
      FdTransfer *transfer = link->data;

      next = link->next;
      if (fd_owner_is_seen (transfer->info.owner, viewer))
        n += fd_transfer_forget (transfer, NULL);
    }
  return n;
}

/* --- numbers and settings --- */

guint
fd_manager_get_active (FdManager *manager, guint32 viewer)
{
  guint n = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      const FdTransferInfo *info = fd_transfer_get_info (manager->transfers->pdata[i]);

      n += fd_owner_is_seen (info->owner, viewer)
           && (info->state == FD_STATE_NEGOTIATING || info->state == FD_STATE_ACTIVE);
    }
  return n;
}

guint
fd_manager_get_pending (FdManager *manager, guint32 viewer)
{
  guint n = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      const FdTransferInfo *info = fd_transfer_get_info (manager->transfers->pdata[i]);

      n += fd_owner_is_seen (info->owner, viewer) && info->state == FD_STATE_OFFERED && info->incoming;
    }
  return n;
}

double
fd_manager_get_progress (FdManager *manager, guint32 viewer)
{
  double done = 0;
  double all = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      const FdTransferInfo *info = fd_transfer_get_info (manager->transfers->pdata[i]);

      if (info->state != FD_STATE_ACTIVE || !fd_owner_is_seen (info->owner, viewer))
        continue;
      if (info->size < 0)
        return -1;
      done += info->transferred;
      all += info->size;
    }
  return all > 0 ? MIN (done / all, 1) : -1;
}

const FdConfig *
fd_manager_get_config (FdManager *manager)
{
  return manager->config;
}

static void
settings_changed (FdManager *manager, FdManagerFields fields)
{
  if (manager->hooks.changed)
    manager->hooks.changed (fields, manager->data);
  fd_queue_wake (manager);
}

gboolean
fd_manager_set_max_active (FdManager *manager, guint max, GError **error)
{
  guint old = manager->config->max_active;

  manager->config->max_active = max;
  if (!fd_config_save (manager->directory, manager->config, error))
    {
      manager->config->max_active = old;
      return FALSE;
    }
  settings_changed (manager, FD_MANAGER_MAX_ACTIVE);
  return TRUE;
}

gboolean
fd_manager_set_download_folder (FdManager *manager, const char *path, GError **error)
{
  char *old = manager->config->download_folder;
  g_autofree char *fallback = fd_config_default_download_folder ();

  if (!*path)
    path = fallback;
  if (!g_path_is_absolute (path) || !g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH, "\"%s\" is not the absolute path of a directory",
                   path);
      return FALSE;
    }
  manager->config->download_folder = g_strdup (path);
  if (!fd_config_save (manager->directory, manager->config, error))
    {
      g_free (manager->config->download_folder);
      manager->config->download_folder = old;
      return FALSE;
    }
  g_free (old);
  settings_changed (manager, FD_MANAGER_FOLDER);
  return TRUE;
}

/* --- files that changed --- */

static FdAccountConfig *
find_config (GPtrArray *configs, const char *id)
{
  for (guint i = 0; i < configs->len; i++)
    {
      FdAccountConfig *config = configs->pdata[i];

      if (g_str_equal (config->id, id))
        return config;
    }
  return NULL;
}

/* An account whose file became unreadable keeps what it had: a typo must not end
 * its transfers. */
static gboolean
reload_accounts (FdManager *manager, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GPtrArray) configs = fd_config_load_accounts (manager->directory, &problem);

  for (guint i = manager->accounts->len; i-- > 0;)
    {
      FdAccount *account = manager->accounts->pdata[i];
      const char *id = fd_account_get_id (account);
      FdAccountConfig *config = find_config (configs, id);

      if (config && config->owner == fd_account_get_config (account)->owner)
        fd_account_apply (account, config);
      else if (config || !fd_config_has_account (manager->directory, id))
        fd_manager_drop_account (manager, account);
    }
  for (guint i = 0; i < configs->len; i++)
    {
      FdAccountConfig *config = configs->pdata[i];
      FdAccount *account;

      if (fd_manager_find_account (manager, config->id))
        continue;
      account = fd_manager_show_account (manager, fd_account_config_copy (config));
      if (config->enabled)
        fd_account_connect (account);
    }
  if (!problem)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

gboolean
fd_manager_reload (FdManager *manager, GError **error)
{
  FdConfig *config = fd_config_load (manager->directory, error);

  if (!config)
    return FALSE;
  fd_config_free (manager->config);
  manager->config = config;
  fd_limits_apply (manager);
  settings_changed (manager, FD_MANAGER_MAX_ACTIVE | FD_MANAGER_FOLDER | FD_MANAGER_UPLOAD_LIMIT
                               | FD_MANAGER_DOWNLOAD_LIMIT);
  return reload_accounts (manager, error);
}

/* --- life --- */

FdManager *
fd_manager_new (const FdManagerHooks *hooks, gpointer data, GError **error)
{
  g_autofree char *directory = fd_config_directory ();
  FdConfig *config = fd_config_load (directory, error);
  g_autoptr (GPtrArray) configs = NULL;
  g_autofree char *state = g_build_filename (g_get_user_state_dir (), "fardel", NULL);
  g_autofree char *journal = g_build_filename (state, "transfers", NULL);
  FdManager *manager;

  if (!config)
    return NULL;
  manager = g_new0 (FdManager, 1);
  manager->directory = g_steal_pointer (&directory);
  manager->config = config;
  manager->accounts = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_account_free);
  manager->closing = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_account_free);
  manager->transfers = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_transfer_free);
  manager->queries = g_ptr_array_new ();
  manager->kept = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_journal_entry_free);
  manager->echoes = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_echo_free);
  manager->clock = fd_due_clock_new (manager);
  g_queue_init (&manager->retired);
  if (g_mkdir_with_parents (journal, 0700) < 0)
    g_warning ("Transfers will not survive a crash: cannot make %s: %s", journal, g_strerror (errno));
  manager->ids = fd_ids_new (state);
  manager->journal = fd_journal_new (journal);
  configs = fd_config_load_accounts (manager->directory, NULL);
  for (guint i = 0; i < configs->len; i++)
    fd_manager_show_account (manager, fd_account_config_copy (configs->pdata[i]));
  /* Only now: an observer begins with the lists. */
  manager->hooks = *hooks;
  manager->data = data;
  return manager;
}

void
fd_manager_set_shared (FdManager *manager)
{
  manager->shared = TRUE;
  fd_secret_service_turn_off ();
}

void
fd_manager_wake (FdManager *manager)
{
  for (guint i = 0; i < manager->accounts->len && !manager->stopping; i++)
    fd_account_wake (manager->accounts->pdata[i]);
}

static void
on_network_changed (gpointer data)
{
  fd_manager_wake (data);
}

void
fd_manager_start (FdManager *manager)
{
  manager->net = fd_net_watch_new (on_network_changed, manager);
  fd_manager_restore (manager);
  for (guint i = 0; i < manager->accounts->len; i++)
    {
      FdAccount *account = manager->accounts->pdata[i];

      if (fd_account_get_config (account)->enabled)
        fd_account_start (account);
    }
}

void
fd_manager_free (FdManager *manager)
{
  if (!manager)
    return;
  manager->hooks = (FdManagerHooks){ 0 };
  manager->stopping = TRUE;
  fd_manager_end_queries (manager, NULL);
  g_clear_pointer (&manager->stop, fd_stop_free);
  g_clear_pointer (&manager->net, fd_net_watch_free);
  g_clear_pointer (&manager->clock, fd_timer_free);
  g_clear_pointer (&manager->kept_timer, fd_timer_free);
  g_clear_handle_id (&manager->queue_idle, g_source_remove);
  g_clear_handle_id (&manager->retire_timer, g_source_remove);
  g_ptr_array_unref (manager->accounts);
  g_ptr_array_unref (manager->closing);
  g_clear_handle_id (&manager->retire_timer, g_source_remove);
  g_queue_clear (&manager->retired);
  g_ptr_array_unref (manager->transfers);
  g_ptr_array_unref (manager->queries);
  g_ptr_array_unref (manager->echoes);
  g_ptr_array_unref (manager->kept);
  g_clear_pointer (&manager->upload, fd_throttle_unref);
  g_clear_pointer (&manager->download, fd_throttle_unref);
  fd_journal_free (manager->journal);
  fd_ids_free (manager->ids);
  fd_config_free (manager->config);
  g_free (manager->directory);
  g_free (manager);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bandwidth limits: one for all transfers of a direction, one for each transfer.
 */
#include "core/manager-private.h"

static FdThrottle *
ensure (FdThrottle **throttle, guint64 rate)
{
  if (!*throttle)
    *throttle = fd_throttle_new (rate);
  return *throttle;
}

void
fd_transfer_get_throttles (FdTransfer *transfer, FdThrottle *ret_throttles[FD_PUMP_THROTTLES])
{
  FdManager *manager = transfer->manager;

  ret_throttles[0] = transfer->info.incoming ? ensure (&manager->download, manager->config->download_limit)
                                             : ensure (&manager->upload, manager->config->upload_limit);
  ret_throttles[1] = ensure (&transfer->throttle, transfer->info.rate_limit);
}

gboolean
fd_transfer_set_rate_limit (FdTransfer *transfer, guint64 rate, GError **error)
{
  if (!fd_transfer_check_running (transfer, error) || !fd_config_check_rate (rate, error))
    return FALSE;
  transfer->info.rate_limit = rate;
  if (transfer->throttle)
    fd_throttle_set_rate (transfer->throttle, rate);
  fd_transfer_note (transfer);
  fd_manager_transfer_changed (transfer, FD_TRANSFER_RATE_LIMIT);
  return TRUE;
}

void
fd_limits_apply (FdManager *manager)
{
  if (manager->upload)
    fd_throttle_set_rate (manager->upload, manager->config->upload_limit);
  if (manager->download)
    fd_throttle_set_rate (manager->download, manager->config->download_limit);
}

gboolean
fd_manager_set_limit (FdManager *manager, gboolean download, guint64 rate, GError **error)
{
  guint64 *limit = download ? &manager->config->download_limit : &manager->config->upload_limit;
  guint64 old = *limit;

  *limit = rate;
  if (!fd_config_save (manager->directory, manager->config, error))
    {
      *limit = old;
      return FALSE;
    }
  fd_limits_apply (manager);
  if (manager->hooks.changed)
    manager->hooks.changed (download ? FD_MANAGER_DOWNLOAD_LIMIT : FD_MANAGER_UPLOAD_LIMIT, manager->data);
  return TRUE;
}

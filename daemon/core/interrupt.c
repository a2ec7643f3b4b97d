/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A transfer whose way broke, while both sides know how to go on: the sender offers
 * the file again by itself, the receiver waits for that with what it has.
 */
#include "base/error.h"
#include "core/manager-private.h"

/* Read or written in order, and what is through cannot be had again. */
static gboolean
can_go_on (FdTransfer *transfer, gboolean restart)
{
  if (!transfer->info.incoming)
    return fd_source_is_seekable (transfer->source);
  return transfer->sink && (!restart || fd_sink_is_seekable (transfer->sink));
}

static void
interrupt_incoming (FdTransfer *transfer, gboolean restart)
{
  fd_accept_abort (transfer);
  if (restart)
    fd_accept_drop_part (transfer);
  else if (transfer->sink)
    fd_sink_keep (transfer->sink);
  fd_transfer_look_at_part (transfer);
}

static void
interrupt_outgoing (FdTransfer *transfer, gboolean blocked)
{
  if (transfer->info.transferred > transfer->reached)
    {
      transfer->reached = transfer->info.transferred;
      transfer->retries = 0; /* it gets on */
    }
  transfer->blocked = FALSE;
  fd_due_set (transfer, FD_DUE_RETRY, 0);
  fd_retry_postpone (transfer, blocked);
}

static void
say_why (FdTransferInfo *info, const GError *error)
{
  g_free (info->error);
  info->error = g_strdup (fd_error_dbus_name (error));
  g_free (info->error_message);
  info->error_message = g_strdup (error->message);
}

gboolean
fd_transfer_interrupt (FdTransfer *transfer, const GError *error, gboolean restart)
{
  FdTransferInfo *info = &transfer->info;
  gboolean offline = transfer->disconnecting || !fd_account_is_online (transfer->account);

  if (!can_go_on (transfer, restart))
    return FALSE;
  transfer->content = NULL;
  transfer->disconnecting = FALSE;
  info->rate = 0;
  info->remaining = -1;
  if (restart)
    info->transferred = 0;
  say_why (info, error);
  g_message ("Transfer %u (%s \"%s\", %s) is interrupted after %" G_GUINT64_FORMAT " bytes: %s", info->id,
             info->incoming ? "receiving" : "sending", info->name, info->peer, info->transferred,
             error->message);
  fd_retry_watch_deadline (transfer, TRUE);
  transfer->interrupted_at = g_get_monotonic_time ();
  if (info->incoming)
    interrupt_incoming (transfer, restart);
  fd_transfer_enter (transfer, FD_STATE_INTERRUPTED);
  if (!info->incoming)
    interrupt_outgoing (transfer, !offline);
  return TRUE;
}

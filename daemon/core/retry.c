/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The patience of outgoing transfers: how long they wait for their peer, and when they
 * try again.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "xmpp/jid.h"

/* Who is waited for is tried again at the first sign of life; this is for those who
 * give none. A transfer that was under way is worth more tries. */
static const struct
{
  guint first; /* seconds, doubled with each try … */
  guint max; /* … up to this */
} waits[] = {
  [FD_STATE_QUEUED] = { 60, 3600 },
  [FD_STATE_INTERRUPTED] = { 1, 300 },
};

/* So that a server that comes back is not visited by all at once. */
#define JITTER 0.25

guint
fd_retry_seconds_left (FdTransfer *transfer)
{
  gint64 left = transfer->deadline - g_get_monotonic_time ();

  return left <= 0 ? 0 : (left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
}

void
fd_retry_watch_deadline (FdTransfer *transfer, gboolean anew)
{
  if (anew)
    transfer->deadline = g_get_monotonic_time () + (gint64) transfer->timeout_s * G_USEC_PER_SEC;
  fd_due_set (transfer, FD_DUE_DEADLINE, MAX (transfer->deadline, 1));
}

static GError *
explain_timeout (FdTransfer *transfer)
{
  const FdTransferInfo *info = &transfer->info;

  if (info->incoming)
    return g_error_new (FD_ERROR, FD_ERROR_TIMEOUT,
                        "%s did not go on with it within %d days: ask for the file again", info->peer,
                        FD_JOURNAL_DAYS);
  if (!fd_account_is_online (transfer->account))
    return g_error_new (FD_ERROR, FD_ERROR_TIMEOUT, "The account %s was not connected in time",
                        info->account);
  return g_error_new (FD_ERROR, FD_ERROR_TIMEOUT,
                      "%s could not be reached in time: Resume offers the file again", transfer->target);
}

void
fd_retry_on_deadline (FdTransfer *transfer)
{
  g_autoptr (GError) error = explain_timeout (transfer);

  if (transfer->content)
    {
      transfer->ending = TRUE;
      fd_content_cancel (transfer->content, error);
      return;
    }
  if (transfer->info.incoming)
    fd_accept_drop_part (transfer);
  fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_NETWORK, error);
}

void
fd_retry_on_due (FdTransfer *transfer)
{
  transfer->blocked = FALSE;
  fd_queue_wake (transfer->manager);
}

static gint64
next_wait (FdTransfer *transfer, FdTransferState state)
{
  double seconds = MIN (waits[state].first << MIN (transfer->retries, 12), waits[state].max);

  transfer->retries++;
  return seconds * g_random_double_range (1 - JITTER, 1 + JITTER) * G_USEC_PER_SEC;
}

void
fd_retry_postpone (FdTransfer *transfer, gboolean blocked)
{
  FdTransferState state
    = transfer->info.state == FD_STATE_INTERRUPTED ? FD_STATE_INTERRUPTED : FD_STATE_QUEUED;

  fd_offer_abort (transfer);
  fd_due_set (transfer, FD_DUE_FRESH, 0);
  transfer->blocked = blocked;
  if (blocked && !transfer->due[FD_DUE_RETRY])
    fd_due_set (transfer, FD_DUE_RETRY, g_get_monotonic_time () + next_wait (transfer, state));
  if (state == FD_STATE_QUEUED)
    fd_transfer_set_peer (transfer, transfer->target);
  fd_retry_watch_deadline (transfer, FALSE);
  fd_transfer_enter (transfer, state);
  fd_queue_wake (transfer->manager);
}

void
fd_retry_now (FdTransfer *transfer)
{
  transfer->blocked = FALSE;
  transfer->retries = 0;
  fd_due_set (transfer, FD_DUE_RETRY, 0);
  fd_queue_wake (transfer->manager);
}

void
fd_retry_unblock (FdManager *manager, FdAccount *account, const char *bare_jid)
{
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->account == account && transfer->blocked
          && (!bare_jid || fd_jid_same_bare (transfer->target, bare_jid)))
        {
          transfer->blocked = FALSE;
          fd_due_set (transfer, FD_DUE_RETRY, 0);
        }
    }
  fd_queue_wake (manager);
}

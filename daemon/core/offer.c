/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What happens to an outgoing transfer when its turn has come: the file is
 * opened and hashed, the peer's resource is chosen, the offer goes out.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "core/policy.h"
#include "xmpp/jid.h"

/* Up to this size the offer carries the hash; a bigger file would be read twice,
 * its hash comes as a checksum at the end. */
#define HASH_FIRST_MAX (50 * 1000 * 1000) /* bytes */

/* Who cannot be watched by presence is asked again: after one minute, then each
 * time twice as late, at the latest after an hour. */
#define RETRY_FIRST_SECONDS 60
#define RETRY_MAX_SECONDS 3600

/* An offer keeps its slot for so long; whoever has not answered by then is away
 * from the screen, and others must not wait for that. */
#define FRESH_SECONDS 60

void
fd_offer_abort (FdTransfer *transfer)
{
  g_clear_pointer (&transfer->prehash, fd_prehash_cancel);
  if (transfer->query)
    fd_peers_cancel_query (fd_account_get_peers (transfer->account), transfer->query);
  transfer->query = 0;
  transfer->preparing = FALSE;
}

static gboolean
on_deadline (gpointer data)
{
  FdTransfer *transfer = data;
  g_autoptr (GError) error = NULL;

  transfer->deadline_timer = 0;
  if (!fd_account_is_online (transfer->account))
    error = g_error_new (FD_ERROR, FD_ERROR_TIMEOUT, "The account %s was not connected in time",
                         transfer->info.account);
  else
    error = g_error_new (FD_ERROR, FD_ERROR_TIMEOUT,
                         "%s could not be reached in time: offer the file again later", transfer->target);
  fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_NETWORK, error);
  return G_SOURCE_REMOVE;
}

static guint
seconds_left (FdTransfer *transfer)
{
  gint64 left = transfer->deadline - g_get_monotonic_time ();

  return left <= 0 ? 0 : (left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
}

void
fd_offer_watch_deadline (FdTransfer *transfer)
{
  g_clear_handle_id (&transfer->deadline_timer, g_source_remove);
  transfer->deadline_timer = g_timeout_add_seconds (seconds_left (transfer), on_deadline, transfer);
}

static void
set_peer (FdTransfer *transfer, const char *jid)
{
  if (g_str_equal (transfer->info.peer, jid))
    return;
  g_free (transfer->info.peer);
  transfer->info.peer = g_strdup (jid);
  fd_manager_transfer_changed (transfer, FD_TRANSFER_PEER);
}

static gboolean
on_retry (gpointer data)
{
  FdTransfer *transfer = data;

  transfer->retry_timer = 0;
  transfer->blocked = FALSE;
  fd_queue_wake (transfer->manager);
  return G_SOURCE_REMOVE;
}

void
fd_offer_postpone (FdTransfer *transfer, gboolean blocked)
{
  guint seconds = MIN (RETRY_FIRST_SECONDS << MIN (transfer->retries, 6), RETRY_MAX_SECONDS);

  fd_offer_abort (transfer);
  transfer->blocked = blocked;
  if (blocked && !transfer->retry_timer)
    {
      transfer->retries++;
      transfer->retry_timer = g_timeout_add_seconds (seconds, on_retry, transfer);
    }
  set_peer (transfer, transfer->target);
  fd_offer_watch_deadline (transfer);
  fd_transfer_enter (transfer, FD_STATE_QUEUED);
  fd_queue_wake (transfer->manager);
}

static gboolean
on_not_fresh (gpointer data)
{
  FdTransfer *transfer = data;

  transfer->fresh_timer = 0;
  fd_queue_wake (transfer->manager);
  return G_SOURCE_REMOVE;
}

static FdFile *
describe (FdTransfer *transfer)
{
  const FdTransferInfo *info = &transfer->info;
  FdFile *file = fd_file_new (transfer->wire_name, info->size);

  g_free (file->media_type);
  file->media_type = g_strdup (info->mime_type);
  g_free (file->description);
  file->description = g_strdup (info->description);
  file->mtime = info->modified;
  file->ranged = fd_source_is_seekable (transfer->source);
  if (info->digest.algo != FD_HASH_NONE)
    fd_file_set_hash (file, &info->digest);
  else
    file->hash_used = FD_HASH_SHA256;
  return file;
}

static void
send_offer (FdTransfer *transfer, const FdPeerInfo *peer)
{
  FdAccount *account = transfer->account;
  gboolean contact = fd_peers_is_contact (fd_account_get_peers (account), peer->full_jid);
  FdContentParams params = {
    .paths = fd_policy_offer_paths (transfer->paths, contact),
    .loopback = fd_account_get_config (account)->allow_loopback,
    .hidden = fd_policy_hides (transfer->paths, contact),
    .timeout_s = MAX (seconds_left (transfer), 1),
    .batch = transfer->info.batch,
  };
  g_autoptr (FdFile) file = describe (transfer);

  transfer->preparing = FALSE;
  transfer->retries = 0;
  transfer->fresh_timer = g_timeout_add_seconds (FRESH_SECONDS, on_not_fresh, transfer);
  g_clear_handle_id (&transfer->retry_timer, g_source_remove);
  g_clear_handle_id (&transfer->deadline_timer, g_source_remove);
  transfer->content = fd_jingle_offer (fd_account_get_jingle (account), peer, file, transfer->source, &params,
                                       &fd_transfer_content_hooks, transfer);
  set_peer (transfer, peer->full_jid);
  fd_transfer_enter (transfer, FD_STATE_OFFERED);
  fd_queue_wake (transfer->manager); /* others of its batch may join */
}

static void
on_chosen (const FdPeerInfo *info, const GError *error, gpointer data)
{
  FdTransfer *transfer = data;

  transfer->query = 0;
  if (info)
    send_offer (transfer, info);
  else if (g_error_matches (error, FD_ERROR, FD_ERROR_PEER_OFFLINE)
           || g_error_matches (error, FD_ERROR, FD_ERROR_TIMEOUT))
    fd_offer_postpone (transfer, TRUE);
  else if (g_error_matches (error, FD_ERROR, FD_ERROR_NOT_CONNECTED))
    fd_offer_postpone (transfer, FALSE);
  else
    fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_REMOTE, error);
}

static void
choose_peer (FdTransfer *transfer)
{
  if (fd_account_is_online (transfer->account))
    transfer->query
      = fd_peers_query (fd_account_get_peers (transfer->account), transfer->target, on_chosen, transfer);
  else
    fd_offer_postpone (transfer, FALSE);
}

/* Files of a batch wait for each other's hashes, unless that takes long: then they
 * can be offered in one stanza. */
static gboolean
waits_for (FdTransfer *transfer, FdTransfer *mate)
{
  return mate->prehash && mate->info.size <= HASH_FIRST_MAX && mate->account == transfer->account
         && *mate->info.batch && g_str_equal (mate->info.batch, transfer->info.batch)
         && g_str_equal (mate->target, transfer->target);
}

static gboolean
waits (FdTransfer *transfer)
{
  GPtrArray *transfers = transfer->manager->transfers;

  for (guint i = 0; i < transfers->len; i++)
    if (waits_for (transfer, transfers->pdata[i]))
      return TRUE;
  return FALSE;
}

void
fd_offer_ask (FdManager *manager)
{
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->preparing && !transfer->prehash && !transfer->query && !waits (transfer))
        choose_peer (transfer);
    }
}

static void
on_hashed (const FdDigest *digest, const GError *error, gpointer data)
{
  FdTransfer *transfer = data;

  transfer->prehash = NULL;
  if (!digest)
    {
      fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_LOCAL, error);
      return;
    }
  transfer->info.digest = *digest;
  fd_queue_wake (transfer->manager);
}

/* Between the call and the turn hours may pass. */
static gboolean
open_source (FdTransfer *transfer, GError **error)
{
  g_autoptr (FdSource) source = NULL;

  if (transfer->source)
    return fd_source_check (transfer->source, error);
  source = fd_source_open (transfer->path, error);
  if (!source)
    return FALSE;
  if (fd_source_get_size (source) != transfer->info.size
      || fd_source_get_mtime (source) != transfer->info.modified)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_SOURCE_CHANGED,
                   "%s has changed since it was queued: offer it again", transfer->info.local_path);
      return FALSE;
    }
  transfer->source = g_steal_pointer (&source);
  return TRUE;
}

void
fd_offer_begin (FdTransfer *transfer)
{
  const FdTransferInfo *info = &transfer->info;
  g_autoptr (GError) error = NULL;

  transfer->preparing = TRUE;
  if (!open_source (transfer, &error))
    fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_LOCAL, error);
  else if (info->digest.algo == FD_HASH_NONE && fd_source_is_seekable (transfer->source)
           && (info->size <= HASH_FIRST_MAX || transfer->hash_always))
    transfer->prehash = fd_prehash_start (transfer->source, on_hashed, transfer);
  else
    fd_queue_wake (transfer->manager);
}

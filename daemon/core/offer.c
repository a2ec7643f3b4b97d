/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What happens to an outgoing transfer when its turn has come: the file is
 * opened and hashed, the peer's resource is chosen, the offer goes out.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "core/policy.h"
#include "jingle/quirks.h"

/* Up to this size the offer carries the hash; a bigger file would be read twice,
 * its hash comes as a checksum at the end. */
#define HASH_FIRST_MAX (50 * 1000 * 1000) /* bytes */

/* A peer that goes on where it was may be away for a moment; only after this time another
 * resource gets the file from its first byte. */
#define LOYALTY (60 * G_USEC_PER_SEC)

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

/* --- the offer --- */

static FdFile *
describe (FdTransfer *transfer, const FdPeerInfo *peer)
{
  const FdTransferInfo *info = &transfer->info;
  FdFile *file = fd_file_new (transfer->wire_name, info->size);

  g_free (file->media_type);
  file->media_type = g_strdup (info->mime_type);
  g_free (file->description);
  file->description = g_strdup (info->description);
  file->mtime = info->modified;
  file->ranged = fd_source_is_seekable (transfer->source);
  file->resume_id = g_strdup (transfer->resume_id);
  if (transfer->sha1.algo != FD_HASH_NONE && !peer->file_transfer_5)
    fd_file_set_hash (file, &transfer->sha1);
  if (info->digest.algo != FD_HASH_NONE)
    fd_file_set_hash (file, &info->digest);
  else
    file->hash_used = FD_HASH_SHA256;
  return file;
}

static gboolean
can_resume (const FdPeerInfo *peer)
{
  return g_strv_contains (peer->features, FD_NS_RESUME);
}

static void
send_offer (FdTransfer *transfer, const FdPeerInfo *peer)
{
  FdAccount *account = transfer->account;
  const FdAccountConfig *config = fd_account_get_config (account);
  gboolean contact = fd_peers_is_contact (fd_account_get_peers (account), peer->full_jid);
  FdContentParams params = {
    .paths = fd_policy_paths (config, transfer->paths, contact),
    .loopback = config->allow_loopback,
    .hidden = fd_policy_hides (config, transfer->paths, contact),
    .timeout_s = MAX (fd_retry_seconds_left (transfer), 1),
    .batch = transfer->info.batch,
  };
  g_autoptr (FdFile) file = describe (transfer, peer);

  fd_transfer_get_throttles (transfer, params.throttles);
  transfer->preparing = FALSE;
  transfer->agreed = can_resume (peer);
  fd_due_set (transfer, FD_DUE_FRESH, g_get_monotonic_time () + FRESH_SECONDS * G_USEC_PER_SEC);
  fd_due_set (transfer, FD_DUE_RETRY, 0);
  fd_due_set (transfer, FD_DUE_DEADLINE, 0); /* the content knows it */
  transfer->content = fd_jingle_offer (fd_account_get_jingle (account), peer, file, transfer->source, &params,
                                       &fd_transfer_content_hooks, transfer);
  fd_transfer_set_peer (transfer, peer->full_jid);
  if (transfer->info.state == FD_STATE_QUEUED)
    {
      transfer->retries = 0;
      fd_transfer_enter (transfer, FD_STATE_OFFERED);
    }
  fd_queue_wake (transfer->manager); /* others of its batch may join */
}

/* --- the peer --- */

static void
on_hashed_for_old (const FdDigest *digest, const GError *error, gpointer data)
{
  FdTransfer *transfer = data;

  transfer->prehash = NULL;
  if (digest)
    {
      transfer->sha1 = *digest;
      fd_queue_wake (transfer->manager);
    }
  else
    fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_LOCAL, error);
}

/* file-transfer:4 is of a time that knew SHA-1 only. */
static gboolean
needs_sha1 (FdTransfer *transfer, const FdPeerInfo *peer)
{
  return !peer->file_transfer_5 && transfer->sha1.algo == FD_HASH_NONE
         && fd_source_is_seekable (transfer->source) && transfer->info.size <= HASH_FIRST_MAX;
}

static gboolean
should_wait_for_resumer (FdTransfer *transfer, const FdPeerInfo *peer)
{
  return transfer->info.state == FD_STATE_INTERRUPTED && !can_resume (peer)
         && g_get_monotonic_time () - transfer->interrupted_at < LOYALTY;
}

static void
on_chosen (const FdPeerInfo *info, const GError *error, gpointer data)
{
  FdTransfer *transfer = data;

  transfer->query = 0;
  if (info && needs_sha1 (transfer, info))
    transfer->prehash = fd_prehash_start (transfer->source, FD_HASH_SHA1, on_hashed_for_old, transfer);
  else if (info && !should_wait_for_resumer (transfer, info))
    send_offer (transfer, info);
  else if (info || g_error_matches (error, FD_ERROR, FD_ERROR_PEER_OFFLINE)
           || g_error_matches (error, FD_ERROR, FD_ERROR_TIMEOUT))
    fd_retry_postpone (transfer, TRUE);
  else if (g_error_matches (error, FD_ERROR, FD_ERROR_NOT_CONNECTED))
    fd_retry_postpone (transfer, FALSE);
  else
    fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_REMOTE, error);
}

/* One that has a part of the file comes before the best one. */
static const char *
whom_to_ask (FdTransfer *transfer, FdPeers *peers)
{
  FdPeerInfo info;

  if (transfer->info.state == FD_STATE_INTERRUPTED && fd_peers_lookup (peers, transfer->info.peer, &info)
      && info.can_receive)
    return transfer->info.peer;
  return transfer->target;
}

static void
choose_peer (FdTransfer *transfer)
{
  FdPeers *peers = fd_account_get_peers (transfer->account);
  g_autoptr (GError) error = NULL;

  if (!fd_transfer_check_blocked (transfer->account, transfer->target, &error)
      || !fd_policy_check_paths (fd_account_get_config (transfer->account), transfer->paths, &error))
    fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_LOCAL, error);
  else if (fd_account_is_online (transfer->account))
    transfer->query = fd_peers_query (peers, whom_to_ask (transfer, peers), on_chosen, transfer);
  else
    fd_retry_postpone (transfer, FALSE);
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

/* --- the file --- */

FdSource *
fd_offer_reopen (FdTransfer *transfer, GError **error)
{
  g_autoptr (FdSource) source = fd_source_open (transfer->path, error);
  g_autofree char *stamp = source ? fd_source_get_stamp (source) : NULL;

  if (!source || g_strcmp0 (stamp, transfer->source_stamp) == 0)
    return g_steal_pointer (&source);
  g_set_error (error, FD_ERROR, FD_ERROR_SOURCE_CHANGED,
               "%s is not the file any more that was offered: offer it anew", transfer->info.local_path);
  return NULL;
}

/* Between the call and the turn hours may pass. */
static gboolean
open_source (FdTransfer *transfer, GError **error)
{
  if (!transfer->source)
    transfer->source = fd_offer_reopen (transfer, error);
  return transfer->source && fd_source_check (transfer->source, error);
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
    transfer->prehash = fd_prehash_start (transfer->source, FD_HASH_SHA256, on_hashed, transfer);
  else
    fd_queue_wake (transfer->manager);
}

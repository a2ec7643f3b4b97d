/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Offers of peers: refused, shown, or taken at once.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "core/policy.h"
#include "data/name.h"
#include "xmpp/jid.h"

#include <errno.h>

static gboolean
is_stranger (FdAccount *account, const char *peer)
{
  return !fd_peers_is_contact (fd_account_get_peers (account), peer);
}

static gboolean
was_withdrawn (FdTransfer *transfer, gint64 since)
{
  const FdTransferInfo *info = &transfer->info;

  return info->state == FD_STATE_CANCELLED && info->ended_by == FD_BY_REMOTE && !info->started
         && transfer->finished_at >= since;
}

static const char *
refuse (FdManager *manager, FdAccount *account, const char *peer)
{
  FdIncomingFacts facts = {
    .stopping = manager->stopping,
    .shared = manager->shared,
    .stranger = is_stranger (account, peer),
    .transfers = manager->transfers->len,
  };
  gint64 lately = g_get_monotonic_time () - FD_WITHDRAWN_S * G_USEC_PER_SEC;

  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];
      gboolean same;

      if (transfer->info.owner != fd_account_get_config (account)->owner)
        continue;
      facts.transfers_of_owner++;
      if (!transfer->info.incoming)
        continue;
      same = g_str_equal (transfer->info.account, fd_account_get_id (account))
             && fd_jid_same_bare (transfer->info.peer, peer);
      facts.withdrawn_by_peer += same && was_withdrawn (transfer, lately);
      if (transfer->info.state != FD_STATE_OFFERED)
        continue;
      facts.pending++;
      facts.pending_from_peer += same;
      facts.pending_of_strangers += facts.stranger && is_stranger (transfer->account, transfer->info.peer);
    }
  return fd_policy_incoming (&facts);
}

gboolean
fd_manager_admit (FdAccount *account, const char *peer, gpointer data)
{
  FdManager *manager = data;
  g_autofree char *bare = fd_jid_bare (peer);

  if (fd_policy_admits (fd_account_get_config (account), bare, !is_stranger (account, peer),
                        manager->config->accept_from_strangers))
    return TRUE;
  /* a stranger must not fill the log */
  g_debug ("An offer of %s is not answered: it is no contact", peer);
  return FALSE;
}

/* From an idle, so that the session is through with announcing itself. What
 * cannot be taken stays an offer that the user can answer. */
static gboolean
on_auto_accept (gpointer data)
{
  FdTransfer *transfer = data;
  const char *folder = fd_account_get_config (transfer->account)->auto_accept_folder;
  g_autofree char *destination = folder ? g_strconcat (folder, "/", NULL) : g_strdup ("");
  FdAcceptOptions options = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  transfer->auto_accept_idle = 0;
  if (folder && g_mkdir_with_parents (folder, 0755) < 0)
    fd_error_set_errno (&error, errno, FD_ERROR_WRITE_FAILED, "Cannot make the folder %s", folder);
  if (error || !fd_transfer_accept (transfer, destination, &options, &path, &error))
    g_warning ("Transfer %u cannot be accepted by itself: %s", transfer->info.id, error->message);
  return G_SOURCE_REMOVE;
}

static FdTransfer *
show_offer (FdManager *manager, FdAccount *account, FdContent *content)
{
  const FdFile *file = fd_content_get_file (content);
  FdHashAlgo algo = fd_file_choose_algo (file);
  const FdDigest *digest = fd_file_get_hash (file, algo);
  FdTransferInfo info = {
    .id = fd_ids_next (manager->ids),
    .account = g_strdup (fd_account_get_id (account)),
    .owner = fd_account_get_config (account)->owner,
    .incoming = TRUE,
    .name = fd_name_sanitize (file->name),
    .size = file->size,
    .mime_type = g_strdup (file->media_type),
    .description = g_strdup (file->description),
    .modified = file->mtime,
    .batch = g_strdup (fd_content_get_batch (content)),
    .peer = g_strdup (fd_content_get_peer (content)),
    .state = FD_STATE_OFFERED,
    .remaining = -1,
  };
  FdTransfer *transfer;

  if (digest)
    info.digest = *digest;
  transfer = fd_transfer_new (manager, account, &info);
  transfer->content = content;
  transfer->resume_id = g_strdup (file->resume_id);
  transfer->agreed = file->resume_id || fd_content_can_range (content);
  transfer->timeout_s = FD_JOURNAL_DAYS * 24 * 60 * 60;
  fd_content_set_hooks (content, &fd_transfer_content_hooks, transfer);
  fd_manager_adopt (manager, transfer);
  return transfer;
}

gboolean
fd_manager_incoming (FdAccount *account, FdContent *content, const char **ret_reason, gpointer data)
{
  FdManager *manager = data;
  const char *peer = fd_content_get_peer (content);
  FdTaken taken = manager->stopping ? FD_TAKEN_NOT : fd_takeup_incoming (manager, account, content);
  const char *reason = taken == FD_TAKEN_REFUSED ? "decline" : refuse (manager, account, peer);
  g_autofree char *bare = fd_jid_bare (peer);
  FdTransfer *transfer;

  if (taken == FD_TAKEN)
    return TRUE;
  if (reason)
    {
      g_debug ("An offer of %s is refused (%s)", peer, reason);
      *ret_reason = reason;
      return FALSE;
    }
  transfer = show_offer (manager, account, content);
  if (fd_policy_auto_accept (fd_account_get_config (account), bare, transfer->info.name, transfer->info.size))
    transfer->auto_accept_idle = g_idle_add (on_auto_accept, transfer);
  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A sender offers a file again that was offered before: by the id that its offers
 * carry (urn:x-fardel:resume:0), or by what it says of the file if it can begin
 * anywhere (XEP-0234 §7). The user is not asked again.
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "data/name.h"
#include "xmpp/jid.h"

/* Without an id: the hash decides if both offers have it, else the date. */
static gboolean
looks_the_same (const FdTransferInfo *info, FdContent *content)
{
  const FdFile *file = fd_content_get_file (content);
  const FdDigest *digest = fd_file_get_hash (file, info->digest.algo);
  g_autofree char *name = fd_name_sanitize (file->name);

  if (!fd_content_can_range (content) || info->size < 0 || !g_str_equal (info->name, name))
    return FALSE;
  if (digest)
    return fd_digest_equal (digest, &info->digest);
  return info->modified >= 0 && info->modified == file->mtime;
}

gboolean
fd_takeup_matches (const FdJournalEntry *entry, FdContent *content)
{
  const FdFile *file = fd_content_get_file (content);

  if (entry->info.size != file->size || !fd_jid_same_bare (entry->info.peer, fd_content_get_peer (content)))
    return FALSE;
  if (entry->resume_id || file->resume_id)
    return g_strcmp0 (entry->resume_id, file->resume_id) == 0;
  return !fd_transfer_state_is_final (entry->info.state) || entry->info.state == FD_STATE_FAILED
           ? looks_the_same (&entry->info, content)
           : FALSE;
}

/* Of those without an id only what waits: the same file may be sent twice at once. */
static FdTransfer *
find_live (FdManager *manager, FdAccount *account, FdContent *content)
{
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];
      FdJournalEntry entry = { .info = transfer->info, .resume_id = transfer->resume_id };

      if (transfer->account == account && transfer->info.incoming
          && (transfer->resume_id || transfer->info.state == FD_STATE_INTERRUPTED)
          && fd_takeup_matches (&entry, content))
        return transfer;
    }
  return NULL;
}

/* --- what happens to the file --- */

static void
join (FdTransfer *transfer, FdContent *content)
{
  transfer->content = content;
  fd_content_set_hooks (content, &fd_transfer_content_hooks, transfer);
  fd_transfer_set_peer (transfer, fd_content_get_peer (content));
}

static void
take_up (FdTransfer *transfer, FdContent *content)
{
  g_autoptr (GError) error = NULL;

  join (transfer, content);
  fd_due_set (transfer, FD_DUE_DEADLINE, 0);
  if (fd_accept_find_part (transfer, &error))
    {
      fd_accept_begin (transfer);
      return;
    }
  transfer->ending = TRUE;
  fd_content_cancel (content, error);
}

/* Nobody has answered the old offer; its sender does not know of it any more. */
static void
replace_offer (FdTransfer *transfer, FdContent *content)
{
  FdContent *old = transfer->content;

  join (transfer, content);
  fd_content_set_hooks (old, NULL, NULL);
  fd_content_cancel (old, NULL);
}

static void
on_next_ended (FdContent *content, const FdContentEnd *end, gpointer data)
{
  FdTransfer *transfer = data;

  transfer->next = NULL;
}

/* The file belongs to the old session until its pump has stopped. */
static void
supersede (FdTransfer *transfer, FdContent *content)
{
  static const FdContentHooks hooks = { .ended = on_next_ended };

  fd_takeup_forget_next (transfer);
  transfer->next = content;
  fd_content_set_hooks (content, &hooks, transfer);
  fd_content_stop (transfer->content);
}

void
fd_takeup_next (FdTransfer *transfer)
{
  FdContent *content = g_steal_pointer (&transfer->next);

  if (content)
    take_up (transfer, content);
}

void
fd_takeup_forget_next (FdTransfer *transfer)
{
  FdContent *content = g_steal_pointer (&transfer->next);

  if (!content)
    return;
  fd_content_set_hooks (content, NULL, NULL);
  fd_content_cancel (content, NULL);
}

void
fd_takeup_settle_next (FdTransfer *transfer)
{
  FdContent *content = transfer->next;
  FdJournalEntry *entry = content ? fd_kept_find (transfer->manager, transfer->account, content) : NULL;

  if (entry && entry->info.state == FD_STATE_DONE
      && fd_echo_start (transfer->manager, transfer->account, entry, content))
    transfer->next = NULL;
  fd_takeup_forget_next (transfer);
}

FdTaken
fd_takeup_incoming (FdManager *manager, FdAccount *account, FdContent *content)
{
  FdTransfer *transfer = find_live (manager, account, content);
  FdJournalEntry *entry;

  if (transfer && transfer->ending)
    return FD_TAKEN_REFUSED;
  if (!transfer)
    {
      entry = fd_kept_find (manager, account, content);
      return entry && entry->info.state == FD_STATE_DONE && fd_echo_start (manager, account, entry, content)
               ? FD_TAKEN
               : FD_TAKEN_NOT;
    }
  g_info ("Transfer %u is offered again by %s", transfer->info.id, fd_content_get_peer (content));
  if (transfer->info.state == FD_STATE_OFFERED)
    replace_offer (transfer, content);
  else if (transfer->content)
    supersede (transfer, content);
  else
    take_up (transfer, content);
  return FD_TAKEN;
}

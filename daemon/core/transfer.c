/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The states of a transfer and its ends: what the content's hooks, the user and
 * the daemon do to it.
 */
#include "core/transfer.h"

#include "base/error.h"
#include "core/manager-private.h"

#include <string.h>

static const char *const state_names[] = {
  [FD_STATE_QUEUED] = "queued",           [FD_STATE_OFFERED] = "offered",
  [FD_STATE_NEGOTIATING] = "negotiating", [FD_STATE_ACTIVE] = "active",
  [FD_STATE_INTERRUPTED] = "interrupted", [FD_STATE_DONE] = "done",
  [FD_STATE_REJECTED] = "rejected",       [FD_STATE_CANCELLED] = "cancelled",
  [FD_STATE_FAILED] = "failed",
};

const char *
fd_transfer_state_name (FdTransferState state)
{
  return state_names[state];
}

const FdTransferInfo *
fd_transfer_get_info (FdTransfer *transfer)
{
  return &transfer->info;
}

static const gsize info_strings[] = {
  G_STRUCT_OFFSET (FdTransferInfo, account),       G_STRUCT_OFFSET (FdTransferInfo, name),
  G_STRUCT_OFFSET (FdTransferInfo, mime_type),     G_STRUCT_OFFSET (FdTransferInfo, description),
  G_STRUCT_OFFSET (FdTransferInfo, batch),         G_STRUCT_OFFSET (FdTransferInfo, app_id),
  G_STRUCT_OFFSET (FdTransferInfo, peer),          G_STRUCT_OFFSET (FdTransferInfo, error),
  G_STRUCT_OFFSET (FdTransferInfo, error_message), G_STRUCT_OFFSET (FdTransferInfo, local_path),
};

void
fd_transfer_info_complete (FdTransferInfo *info)
{
  for (guint i = 0; i < G_N_ELEMENTS (info_strings); i++)
    if (!G_STRUCT_MEMBER (char *, info, info_strings[i]))
      G_STRUCT_MEMBER (char *, info, info_strings[i]) = g_strdup ("");
}

void
fd_transfer_info_clear (FdTransferInfo *info)
{
  for (guint i = 0; i < G_N_ELEMENTS (info_strings); i++)
    g_clear_pointer (&G_STRUCT_MEMBER (char *, info, info_strings[i]), g_free);
}

static void
set_string (char **string, const char *value)
{
  g_free (*string);
  *string = g_strdup (value);
}

/* --- states --- */

void
fd_transfer_enter (FdTransfer *transfer, FdTransferState state)
{
  FdTransferInfo *info = &transfer->info;

  if (info->state == state)
    return;
  info->state = state;
  if (state != FD_STATE_OFFERED)
    fd_due_set (transfer, FD_DUE_FRESH, 0);
  if (state != FD_STATE_INTERRUPTED)
    {
      set_string (&info->error, "");
      set_string (&info->error_message, "");
    }
  if (state == FD_STATE_ACTIVE && !info->started)
    info->started = g_get_real_time () / G_USEC_PER_SEC;
  fd_transfer_note (transfer);
  fd_manager_transfer_changed (transfer, FD_TRANSFER_STATE | FD_TRANSFER_PROGRESS);
}

void
fd_transfer_set_peer (FdTransfer *transfer, const char *jid)
{
  if (g_str_equal (transfer->info.peer, jid))
    return;
  set_string (&transfer->info.peer, jid);
  fd_manager_transfer_changed (transfer, FD_TRANSFER_PEER);
}

/* A descriptor is gone when it is closed; as long as the transfer can be seen it
 * can be resumed. */
static gboolean
keeps_source (FdTransfer *transfer)
{
  FdTransferState state = transfer->info.state;

  return transfer->source && !transfer->path && fd_source_is_seekable (transfer->source)
         && (state == FD_STATE_FAILED || state == FD_STATE_CANCELLED);
}

/* Everything that may still run; the content's owner ends that. */
static void
release (FdTransfer *transfer)
{
  fd_offer_abort (transfer);
  g_clear_pointer (&transfer->rehash, fd_rehash_cancel);
  g_clear_handle_id (&transfer->auto_accept_idle, g_source_remove);
  if (!keeps_source (transfer))
    g_clear_pointer (&transfer->source, fd_source_unref);
  g_clear_pointer (&transfer->sink, fd_sink_unref);
  transfer->content = NULL;
  transfer->account = NULL;
}

/* What has arrived before a failure is kept, and the message names it, or it
 * would never be found. */
static char *
describe_error (FdTransfer *transfer, FdTransferState state, const GError *error)
{
  const char *part;

  if (state != FD_STATE_FAILED || !transfer->sink || !transfer->info.started)
    return g_strdup (error->message);
  if (fd_sink_is_file (transfer->sink) && fd_sink_get_size (transfer->sink) == 0)
    {
      fd_sink_discard (transfer->sink); /* nobody would come back for it */
      return g_strdup (error->message);
    }
  fd_sink_keep (transfer->sink);
  part = fd_sink_get_part_path (transfer->sink);
  if (!*part || strstr (error->message, part))
    return g_strdup (error->message);
  return g_strdup_printf ("%s (what arrived is in %s)", error->message, part);
}

void
fd_transfer_finish (FdTransfer *transfer, FdTransferState state, FdEndedBy by, const GError *error)
{
  FdTransferInfo *info = &transfer->info;
  FdTransferFields fields = FD_TRANSFER_STATE | FD_TRANSFER_PROGRESS;
  /* offers that are taken back would let a peer fill the log */
  gboolean withdrawn = info->incoming && info->state == FD_STATE_OFFERED && by == FD_BY_REMOTE;

  g_return_if_fail (!fd_transfer_state_is_final (info->state));
  if (error)
    {
      set_string (&info->error, fd_error_dbus_name (error));
      g_free (info->error_message);
      info->error_message = describe_error (transfer, state, error);
    }
  if (state == FD_STATE_DONE && transfer->sink
      && !g_str_equal (info->local_path, fd_sink_get_path (transfer->sink)))
    {
      set_string (&info->local_path, fd_sink_get_path (transfer->sink));
      fields |= FD_TRANSFER_LOCAL_PATH;
    }
  info->state = state;
  info->ended_by = by;
  info->ended = g_get_real_time () / G_USEC_PER_SEC;
  if (state == FD_STATE_DONE && !info->started)
    info->started = info->ended; /* an empty file may be there before we are connected */
  info->rate = 0;
  info->remaining = state == FD_STATE_DONE ? 0 : -1;
  for (FdDue due = 0; due < FD_N_DUES; due++)
    fd_due_set (transfer, due, 0);
  /* Who comes back after the going down of the daemon shall see what became of it. */
  if (!fd_kept_add (transfer) && !(transfer->manager->stopping && state == FD_STATE_FAILED))
    fd_journal_remove (transfer->manager->journal, info->id);
  fd_takeup_settle_next (transfer);
  if (info->incoming && (state == FD_STATE_CANCELLED || state == FD_STATE_REJECTED))
    fd_accept_drop_part (transfer);
  release (transfer);
  g_log (G_LOG_DOMAIN, withdrawn ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_MESSAGE,
         "Transfer %u (%s \"%s\", %s) is %s%s%s", info->id, info->incoming ? "receiving" : "sending",
         info->name, info->peer, fd_transfer_state_name (state), error ? ": " : "", info->error_message);
  fd_manager_transfer_changed (transfer, fields);
  fd_manager_transfer_finished (transfer);
}

FdTransferState
fd_transfer_outcome (const FdContentEnd *end, GError **ret_error)
{
  static const struct
  {
    FdTransferState state;
    FdErrorCode code; /* if the content gave none */
    const char *text;
  } outcomes[] = {
    [FD_OUTCOME_DONE] = { FD_STATE_DONE, FD_ERROR_FAILED, NULL },
    [FD_OUTCOME_REJECTED] = { FD_STATE_REJECTED, FD_ERROR_REJECTED, "The offer was declined" },
    [FD_OUTCOME_CANCELLED] = { FD_STATE_CANCELLED, FD_ERROR_CANCELLED, "The transfer was cancelled" },
    [FD_OUTCOME_FAILED] = { FD_STATE_FAILED, FD_ERROR_FAILED, "The transfer failed" },
  };
  FdErrorCode code = outcomes[end->outcome].code;

  if (code == FD_ERROR_CANCELLED && end->by == FD_BY_REMOTE)
    code = FD_ERROR_REMOTE_CANCELLED;
  if (end->error)
    *ret_error = g_error_copy (end->error);
  else if (end->outcome != FD_OUTCOME_DONE)
    *ret_error = g_error_new_literal (FD_ERROR, code, outcomes[end->outcome].text);
  return outcomes[end->outcome].state;
}

/* --- the content --- */

static void
on_accepted (FdContent *content, gpointer data)
{
  FdTransfer *transfer = data;

  /* After a second session was needed it is said again. */
  if (transfer->content == content
      && (transfer->info.state == FD_STATE_OFFERED || transfer->info.state == FD_STATE_INTERRUPTED))
    fd_transfer_enter (transfer, FD_STATE_NEGOTIATING);
}

static void
on_active (FdContent *content, FdPath path, gpointer data)
{
  FdTransfer *transfer = data;

  if (transfer->content != content)
    return;
  transfer->info.path = path;
  transfer->info.offset = MAX (fd_content_get_bytes (content), transfer->offset);
  fd_manager_transfer_changed (transfer, FD_TRANSFER_PATH);
  fd_transfer_enter (transfer, FD_STATE_ACTIVE);
}

/* The peer, or the way to it, was not there: no answer, and no failure yet. */
static gboolean
is_unanswered (const FdTransfer *transfer, const FdContentEnd *end)
{
  static const FdErrorCode codes[] = { FD_ERROR_NOT_CONNECTED, FD_ERROR_PEER_OFFLINE };
  static const FdErrorCode more[]
    = { FD_ERROR_TIMEOUT, FD_ERROR_CONNECTION_FAILED, FD_ERROR_PEER_UNSUPPORTED };
  gboolean interrupted = transfer->info.state == FD_STATE_INTERRUPTED;

  if (transfer->disconnecting || transfer->manager->stopping || (interrupted && transfer->info.incoming))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (end->error, FD_ERROR, codes[i]))
      return TRUE;
  for (guint i = 0; interrupted && i < G_N_ELEMENTS (more); i++)
    if (g_error_matches (end->error, FD_ERROR, more[i]))
      return TRUE;
  return FALSE;
}

/* Who was offered the file is gone, and there is another one: its coming will not be told again. */
static gboolean
is_elsewhere (const FdTransfer *transfer)
{
  FdPeers *peers = fd_account_get_peers (transfer->account);

  return fd_peers_is_online (peers, transfer->target) && !fd_peers_is_online (peers, transfer->info.peer);
}

/* There was a way to this peer in an earlier session. */
static gboolean
lost_the_way (const FdTransfer *transfer, const FdContentEnd *end)
{
  return transfer->agreed && transfer->info.started
         && g_error_matches (end->error, FD_ERROR, FD_ERROR_NO_TRANSPORT);
}

/* An offer that nobody answered is made again, and what was under way is not over
 * if it can go on. */
static gboolean
goes_on (FdTransfer *transfer, const FdContentEnd *end)
{
  const FdTransferInfo *info = &transfer->info;
  g_autoptr (GError) offline = NULL;

  if (end->outcome != FD_OUTCOME_FAILED || transfer->ending)
    return FALSE;
  if (info->state == FD_STATE_OFFERED && !info->incoming && is_unanswered (transfer, end))
    {
      transfer->content = NULL;
      transfer->disconnecting = FALSE;
      fd_retry_postpone (transfer, g_error_matches (end->error, FD_ERROR, FD_ERROR_PEER_OFFLINE)
                                     && !is_elsewhere (transfer));
      return TRUE;
    }
  if (!end->interrupted && !transfer->next && !lost_the_way (transfer, end)
      && (info->state != FD_STATE_INTERRUPTED || !is_unanswered (transfer, end)))
    return FALSE;
  if (transfer->disconnecting)
    offline
      = g_error_new (FD_ERROR, FD_ERROR_NOT_CONNECTED, "The account %s was disconnected", info->account);
  return fd_transfer_interrupt (transfer, offline ? offline : end->error, end->restart);
}

/* A receiver that is fast sees a wrong hash before we have looked at the file for the last time. */
static void
look_for_change (FdTransfer *transfer, FdEndedBy *by, GError **error)
{
  g_autoptr (GError) changed = NULL;

  if (transfer->info.incoming || !transfer->source
      || !g_error_matches (*error, FD_ERROR, FD_ERROR_REMOTE_FAILED)
      || fd_source_check (transfer->source, &changed))
    return;
  g_clear_error (error);
  *error = g_steal_pointer (&changed);
  *by = FD_BY_LOCAL;
}

static void
take_results (FdTransfer *transfer, const FdContentEnd *end)
{
  FdEndedBy by = end->by;
  FdTransferInfo *info = &transfer->info;
  g_autoptr (GError) error = NULL;
  FdTransferState state = fd_transfer_outcome (end, &error);

  if (transfer->disconnecting && state == FD_STATE_FAILED)
    {
      g_clear_error (&error);
      error
        = g_error_new (FD_ERROR, FD_ERROR_NOT_CONNECTED, "The account %s was disconnected", info->account);
    }
  look_for_change (transfer, &by, &error);
  info->verified = end->verified;
  if (end->digest)
    info->digest = *end->digest;
  fd_transfer_finish (transfer, state, by, error);
}

static void
on_ended (FdContent *content, const FdContentEnd *end, gpointer data)
{
  FdTransfer *transfer = data;
  FdAccount *account = transfer->account;

  if (transfer->content != content)
    return;
  transfer->info.transferred = MAX (fd_content_get_bytes (content), transfer->offset);
  if (goes_on (transfer, end))
    {
      fd_takeup_next (transfer);
      fd_stop_check (transfer->manager);
    }
  else
    take_results (transfer, end);
  fd_account_content_ended (account);
}

void
fd_transfer_break (FdTransfer *transfer, const GError *error)
{
  FdContentEnd end
    = { .outcome = FD_OUTCOME_FAILED, .by = FD_BY_LOCAL, .error = error, .interrupted = transfer->agreed };

  transfer->info.transferred = fd_content_get_bytes (transfer->content);
  if (!goes_on (transfer, &end))
    fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_LOCAL, error);
}

const FdContentHooks fd_transfer_content_hooks = {
  .accepted = on_accepted,
  .active = on_active,
  .ended = on_ended,
};

/* --- what the user may do --- */

gboolean
fd_transfer_check_running (FdTransfer *transfer, GError **error)
{
  if (!fd_transfer_state_is_final (transfer->info.state))
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_FINISHED, "Transfer %u is over: it is %s", transfer->info.id,
               fd_transfer_state_name (transfer->info.state));
  return FALSE;
}

gboolean
fd_transfer_check_pending (FdTransfer *transfer, GError **error)
{
  const FdTransferInfo *info = &transfer->info;

  if (!fd_transfer_check_running (transfer, error))
    return FALSE;
  if (!info->incoming)
    g_set_error (error, FD_ERROR, FD_ERROR_NOT_PENDING,
                 "Transfer %u is an offer of yours: only the peer can answer it", info->id);
  else if (info->state != FD_STATE_OFFERED)
    g_set_error (error, FD_ERROR, FD_ERROR_NOT_PENDING,
                 "Transfer %u is %s, not offered: it was answered before", info->id,
                 fd_transfer_state_name (info->state));
  else if (transfer->ending)
    g_set_error (error, FD_ERROR, FD_ERROR_NOT_PENDING,
                 "Transfer %u was answered before: it is being declined", info->id);
  else
    return TRUE;
  return FALSE;
}

static void
decline (FdTransfer *transfer)
{
  transfer->ending = TRUE;
  g_clear_handle_id (&transfer->auto_accept_idle, g_source_remove);
  fd_content_reject (transfer->content);
}

gboolean
fd_transfer_reject (FdTransfer *transfer, GError **error)
{
  if (!fd_transfer_check_pending (transfer, error))
    return FALSE;
  decline (transfer);
  return TRUE;
}

gboolean
fd_transfer_cancel (FdTransfer *transfer, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (!fd_transfer_check_running (transfer, error))
    return FALSE;
  if (transfer->ending)
    return TRUE;
  if (transfer->info.incoming && transfer->info.state == FD_STATE_OFFERED)
    decline (transfer);
  else if (transfer->content)
    {
      transfer->ending = TRUE;
      fd_content_cancel (transfer->content, NULL);
    }
  else
    {
      reason = g_error_new (FD_ERROR, FD_ERROR_CANCELLED, "The transfer was cancelled while it waited");
      fd_transfer_finish (transfer, FD_STATE_CANCELLED, FD_BY_LOCAL, reason);
    }
  return TRUE;
}

gboolean
fd_transfer_check_blocked (FdAccount *account, const char *jid, GError **error)
{
  if (!fd_peers_is_blocked (fd_account_get_peers (account), jid))
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_BLOCKED,
               "%s is blocked in the account %s: unblock it with a chat program first", jid,
               fd_account_get_id (account));
  return FALSE;
}

void
fd_transfer_end_blocked (FdTransfer *transfer)
{
  const FdTransferInfo *info = &transfer->info;
  g_autoptr (GError) error = NULL;

  if (transfer->ending || fd_transfer_check_blocked (transfer->account, info->peer, &error))
    return;
  if (info->incoming && info->state == FD_STATE_OFFERED)
    decline (transfer);
  else if (transfer->content)
    {
      transfer->ending = TRUE;
      fd_content_cancel (transfer->content, error);
    }
  else
    fd_transfer_finish (transfer, FD_STATE_FAILED, FD_BY_LOCAL, error);
}

gboolean
fd_transfer_forget (FdTransfer *transfer, GError **error)
{
  if (!fd_transfer_state_is_final (transfer->info.state))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_NOT_PENDING, "Transfer %u is %s: cancel it first",
                   transfer->info.id, fd_transfer_state_name (transfer->info.state));
      return FALSE;
    }
  fd_journal_remove (transfer->manager->journal, transfer->info.id);
  fd_manager_discard (transfer);
  return TRUE;
}

gboolean
fd_transfer_sample (FdTransfer *transfer)
{
  FdTransferInfo *info = &transfer->info;
  guint64 bytes;
  guint64 rate;
  gint64 remaining = -1;
  gboolean changed;

  if (info->state != FD_STATE_ACTIVE || !transfer->content)
    return FALSE;
  bytes = fd_content_get_bytes (transfer->content);
  fd_rate_add (&transfer->rate, g_get_monotonic_time (), bytes);
  rate = fd_rate_get (&transfer->rate);
  if (rate > 0 && info->size >= 0 && bytes <= (guint64) info->size)
    remaining = (double) (info->size - bytes) * G_USEC_PER_SEC / rate;
  changed = bytes != info->transferred || rate != info->rate || remaining != info->remaining;
  info->transferred = bytes;
  info->rate = rate;
  info->remaining = remaining;
  return changed;
}

/* --- life --- */

FdTransfer *
fd_transfer_new (FdManager *manager, FdAccount *account, FdTransferInfo *info)
{
  FdTransfer *transfer = g_new0 (FdTransfer, 1);

  fd_transfer_info_complete (info);
  transfer->info = *info;
  *info = (FdTransferInfo){ 0 };
  transfer->manager = manager;
  transfer->account = account;
  return transfer;
}

void
fd_transfer_free (FdTransfer *transfer)
{
  if (!transfer)
    return;
  release (transfer);
  g_clear_pointer (&transfer->source, fd_source_unref);
  fd_transfer_info_clear (&transfer->info);
  g_free (transfer->resume_id);
  g_free (transfer->target);
  g_free (transfer->wire_name);
  g_free (transfer->path);
  g_free (transfer->source_stamp);
  g_free (transfer->directory);
  g_free (transfer->file_name);
  g_free (transfer->part);
  g_free (transfer->part_stamp);
  g_clear_pointer (&transfer->throttle, fd_throttle_unref);
  g_free (transfer);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What matters here of the library's objects; see model.h.
 */
#include "model.h"

#include <string.h>

NtfTransfer *
ntf_transfer_new (FardelTransfer *remote)
{
  NtfTransfer *transfer = g_rc_box_new0 (NtfTransfer);
  char **const texts[]
    = { &transfer->account, &transfer->name,  &transfer->description, &transfer->batch,     &transfer->app_id,
        &transfer->peer,    &transfer->error, &transfer->ended_by,    &transfer->local_path };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    *texts[i] = g_strdup ("");
  transfer->size = -1;
  if (remote)
    {
      transfer->remote = g_object_ref (remote);
      ntf_transfer_read (transfer);
    }
  return transfer;
}

NtfTransfer *
ntf_transfer_ref (NtfTransfer *transfer)
{
  return g_rc_box_acquire (transfer);
}

static void
clear_texts (NtfTransfer *transfer)
{
  g_free (transfer->account);
  g_free (transfer->name);
  g_free (transfer->description);
  g_free (transfer->batch);
  g_free (transfer->app_id);
  g_free (transfer->peer);
  g_free (transfer->error);
  g_free (transfer->ended_by);
  g_free (transfer->local_path);
}

static void
clear_transfer (gpointer object)
{
  NtfTransfer *transfer = object;

  clear_texts (transfer);
  g_clear_object (&transfer->remote);
}

void
ntf_transfer_unref (NtfTransfer *transfer)
{
  g_rc_box_release_full (transfer, clear_transfer);
}

void
ntf_transfer_set_state (NtfTransfer *transfer, FardelState state)
{
  transfer->state = state;
  if (state >= FARDEL_STATE_NEGOTIATING && state <= FARDEL_STATE_DONE)
    transfer->accepted = TRUE;
}

void
ntf_transfer_read (NtfTransfer *transfer)
{
  g_autoptr (FardelAccount) account = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = NULL;
  FardelState state;

  clear_texts (transfer);
  g_object_get (transfer->remote, "id", &transfer->id, "account", &account, "incoming", &transfer->incoming,
                "name", &transfer->name, "size", &transfer->size, "description", &transfer->description,
                "batch", &transfer->batch, "app-id", &transfer->app_id, "peer", &transfer->peer, "state",
                &state, "error", &error, "ended-by", &transfer->ended_by, "transferred",
                &transfer->transferred, "rate", &transfer->rate, "local-file", &file, NULL);
  transfer->account = NULL;
  if (account)
    g_object_get (account, "object-path", &transfer->account, NULL);
  else
    transfer->account = g_strdup ("");
  transfer->error = g_strdup (error ? error->message : "");
  transfer->local_path = file ? g_file_get_path (file) : g_strdup ("");
  ntf_transfer_set_state (transfer, state);
}

gboolean
ntf_transfer_is_waiting (const NtfTransfer *transfer)
{
  return transfer->incoming && transfer->state == FARDEL_STATE_OFFERED;
}

gboolean
ntf_transfer_is_over (const NtfTransfer *transfer)
{
  return transfer->state >= FARDEL_STATE_DONE;
}

void
ntf_transfer_withdraw (NtfTransfer *transfer)
{
  transfer->state = FARDEL_STATE_CANCELLED;
  g_free (transfer->ended_by);
  transfer->ended_by = g_strdup ("local");
}

char *
ntf_transfer_dup_peer (const NtfTransfer *transfer)
{
  return g_strndup (transfer->peer, strcspn (transfer->peer, "/"));
}

NtfAccount *
ntf_account_new (FardelAccount *remote)
{
  NtfAccount *account = g_new0 (NtfAccount, 1);

  if (remote)
    {
      account->remote = g_object_ref (remote);
      ntf_account_read (account);
    }
  return account;
}

void
ntf_account_free (NtfAccount *account)
{
  g_clear_object (&account->remote);
  g_free (account->id);
  g_free (account->jid);
  g_free (account->error);
  g_free (account);
}

void
ntf_account_read (NtfAccount *account)
{
  g_autoptr (GError) error = NULL;

  g_free (account->id);
  g_free (account->jid);
  g_free (account->error);
  g_object_get (account->remote, "id", &account->id, "jid", &account->jid, "status", &account->status,
                "error", &error, NULL);
  account->distrusts = g_error_matches (error, FARDEL_ERROR, FARDEL_ERROR_TLS_FAILED);
  account->error = g_strdup (error ? error->message : "");
}

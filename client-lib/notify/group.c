/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is due for transfers; see group.h.
 */
#include "group.h"

/* A batch is the daemon's for incoming files, any program's text for outgoing. */
static char *
make_key (const NtfTransfer *transfer)
{
  g_autofree char *peer = ntf_transfer_dup_peer (transfer);

  if (!*transfer->batch)
    return g_strdup_printf ("%u", transfer->id);
  return g_strjoin ("\n", transfer->incoming ? "from" : "to", transfer->account, peer, transfer->batch, NULL);
}

static void
unref_member (gpointer member)
{
  ntf_transfer_unref (member);
}

NtfGroup *
ntf_group_new (const NtfTransfer *first)
{
  NtfGroup *group = g_new0 (NtfGroup, 1);

  group->key = make_key (first);
  group->members = g_ptr_array_new_with_free_func (unref_member);
  return group;
}

void
ntf_group_free (NtfGroup *group)
{
  g_ptr_array_unref (group->members);
  g_free (group->problem);
  g_free (group->key);
  g_free (group);
}

gboolean
ntf_group_fits (const NtfGroup *group, const NtfTransfer *transfer)
{
  g_autofree char *key = make_key (transfer);

  return g_str_equal (group->key, key);
}

gboolean
ntf_group_has (const NtfGroup *group, const NtfTransfer *transfer)
{
  return g_ptr_array_find (group->members, transfer, NULL);
}

void
ntf_group_add (NtfGroup *group, NtfTransfer *transfer)
{
  if (ntf_group_has (group, transfer))
    return;
  g_ptr_array_add (group->members, ntf_transfer_ref (transfer));
  group->dismissed = FALSE;
}

guint
ntf_group_count_waiting (const NtfGroup *group)
{
  guint n = 0;

  for (guint i = 0; i < group->members->len; i++)
    n += ntf_transfer_is_waiting (group->members->pdata[i]);
  return n;
}

NtfTransfer *
ntf_group_get_first_waiting (const NtfGroup *group)
{
  for (guint i = 0; i < group->members->len; i++)
    if (ntf_transfer_is_waiting (group->members->pdata[i]))
      return group->members->pdata[i];
  return NULL;
}

gboolean
ntf_group_is_open (const NtfGroup *group)
{
  for (guint i = 0; i < group->members->len; i++)
    if (!ntf_transfer_is_over (group->members->pdata[i]))
      return TRUE;
  return group->busy > 0;
}

gboolean
ntf_group_is_active (const NtfGroup *group)
{
  for (guint i = 0; i < group->members->len; i++)
    {
      const NtfTransfer *transfer = group->members->pdata[i];

      if (transfer->state == FARDEL_STATE_NEGOTIATING || transfer->state == FARDEL_STATE_ACTIVE)
        return TRUE;
    }
  return FALSE;
}

void
ntf_group_daemon_lost (NtfGroup *group)
{
  for (guint i = 0; i < group->members->len; i++)
    {
      NtfTransfer *transfer = group->members->pdata[i];

      if (ntf_transfer_is_waiting (transfer))
        ntf_transfer_withdraw (transfer);
      else if (!ntf_transfer_is_over (transfer))
        ntf_transfer_set_state (transfer, FARDEL_STATE_INTERRUPTED);
    }
}

/* Of outgoing files the program that sent them tells that they arrived; that they
 * did not may come a day later, when it has gone. Without a path a program took
 * the file by a descriptor. */
NtfEnd
ntf_group_get_end (const NtfTransfer *transfer)
{
  if (transfer->incoming ? !transfer->accepted || !*transfer->local_path : *transfer->app_id != '\0')
    return NTF_END_SILENT;
  switch (transfer->state)
    {
    case FARDEL_STATE_DONE:
      return transfer->incoming ? NTF_END_DONE : NTF_END_SILENT;
    case FARDEL_STATE_REJECTED:
    case FARDEL_STATE_CANCELLED:
      return g_str_equal (transfer->ended_by, "local") ? NTF_END_SILENT : NTF_END_FAILED;
    case FARDEL_STATE_FAILED:
      return NTF_END_FAILED;
    default:
      return NTF_END_SILENT;
    }
}

NtfDue
ntf_group_get_due (const NtfGroup *group)
{
  if (group->told || group->busy)
    return NTF_DUE_NOTHING;
  if (ntf_group_count_waiting (group) > 0)
    return group->dismissed ? NTF_DUE_NOTHING : NTF_DUE_OFFER;
  if (ntf_group_is_open (group))
    return NTF_DUE_NOTHING;
  for (guint i = 0; i < group->members->len; i++)
    if (ntf_group_get_end (group->members->pdata[i]) != NTF_END_SILENT)
      return NTF_DUE_RESULT;
  return NTF_DUE_NOTHING;
}

void
ntf_group_get_progress (const NtfGroup *group, NtfProgress *ret_progress)
{
  NtfProgress progress = { 0 };
  gboolean known = TRUE;

  for (guint i = 0; i < group->members->len; i++)
    {
      const NtfTransfer *transfer = group->members->pdata[i];

      if (ntf_transfer_is_waiting (transfer) || transfer->state > FARDEL_STATE_DONE)
        continue;
      progress.done += transfer->transferred;
      progress.rate += transfer->rate;
      progress.files_done += transfer->state == FARDEL_STATE_DONE;
      if (transfer->size < 0)
        known = FALSE;
      else
        progress.total += transfer->size;
    }
  if (!known)
    progress.total = 0;
  *ret_progress = progress;
}

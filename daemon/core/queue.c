/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The queue of outgoing transfers; see queue.h.
 */
#include "core/queue.h"

#include "core/manager-private.h"
#include "xmpp/jid.h"

/* --- counters by what they count --- */

static guint
count (GHashTable *counts, const char *key)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (counts, key));
}

static void
add (GHashTable *counts, const char *key)
{
  g_hash_table_replace (counts, g_strdup (key), GUINT_TO_POINTER (count (counts, key) + 1));
}

/* The sessions of a peer and account. */
static char *
peer_key (const FdQueueItem *item)
{
  return g_strdup_printf ("%p %s", item->account, item->peer);
}

/* The files in the shared session of a batch. */
static char *
batch_key (const FdQueueItem *item)
{
  return g_strdup_printf ("%p %s\n%s", item->account, item->peer, item->batch ? item->batch : "");
}

static gboolean
joins (GHashTable *counts, const FdQueueItem *item, const char *batch)
{
  return item->batch && *item->batch && count (counts, batch) > 0;
}

static void
note (GHashTable *counts, const FdQueueItem *item)
{
  g_autofree char *peer = peer_key (item);
  g_autofree char *batch = batch_key (item);

  if (!joins (counts, item, batch))
    add (counts, peer);
  if (item->shared || joins (counts, item, batch))
    add (counts, batch);
}

static gboolean
fits (GHashTable *counts, const FdQueueItem *item)
{
  g_autofree char *peer = peer_key (item);
  g_autofree char *batch = batch_key (item);

  if (joins (counts, item, batch))
    return count (counts, batch) < FD_QUEUE_PER_SESSION;
  return count (counts, peer) < FD_QUEUE_PER_PEER;
}

/* --- whose turn --- */

void
fd_queue_select (const FdQueueItem *items, guint n, guint slots, guint max, gboolean *ret_start)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint busy = 0;
  guint open = 0;

  for (guint i = 0; i < n; i++)
    {
      ret_start[i] = FALSE;
      busy += items[i].kind == FD_QUEUE_BUSY;
      open += items[i].kind == FD_QUEUE_OPEN;
      if (!items[i].incoming && items[i].kind >= FD_QUEUE_OPEN)
        note (counts, &items[i]);
    }
  for (guint i = 0; i < n && busy < slots && busy + open < max; i++)
    if (items[i].kind == FD_QUEUE_READY && fits (counts, &items[i]))
      {
        note (counts, &items[i]);
        ret_start[i] = TRUE;
        busy++;
      }
}

/* A bare JID without presence has nobody to ask; a full one can be tried. */
static gboolean
can_start (FdTransfer *transfer)
{
  return !transfer->blocked && fd_account_is_online (transfer->account)
         && (fd_jid_resource (transfer->target)
             || fd_peers_is_online (fd_account_get_peers (transfer->account), transfer->target));
}

static FdQueueKind
classify (FdTransfer *transfer)
{
  switch (transfer->info.state)
    {
    case FD_STATE_QUEUED:
      if (transfer->preparing)
        return FD_QUEUE_BUSY;
      return can_start (transfer) ? FD_QUEUE_READY : FD_QUEUE_IDLE;
    case FD_STATE_OFFERED:
      if (transfer->info.incoming)
        return FD_QUEUE_IDLE;
      return transfer->fresh_timer ? FD_QUEUE_BUSY : FD_QUEUE_OPEN;
    case FD_STATE_NEGOTIATING:
    case FD_STATE_ACTIVE:
      return FD_QUEUE_BUSY;
    default:
      return FD_QUEUE_IDLE;
    }
}

static gboolean
on_idle (gpointer data)
{
  FdManager *manager = data;
  guint n = manager->transfers->len;
  g_autofree FdQueueItem *items = g_new0 (FdQueueItem, n);
  g_autofree gboolean *start = g_new0 (gboolean, n);
  g_autoptr (GPtrArray) bare_jids = g_ptr_array_new_with_free_func (g_free);

  manager->queue_idle = 0;
  if (manager->stopping)
    return G_SOURCE_REMOVE;
  fd_offer_ask (manager);
  for (guint i = 0; i < n; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];
      char *bare = fd_jid_bare (transfer->info.peer);

      g_ptr_array_add (bare_jids, bare);
      items[i] = (FdQueueItem){ .kind = classify (transfer),
                                .incoming = transfer->info.incoming,
                                .account = transfer->account,
                                .peer = bare,
                                .batch = transfer->info.batch,
                                .shared = transfer->content && fd_content_is_shared (transfer->content) };
    }
  fd_queue_select (items, n, manager->config->max_active, FD_MAX_ACTIVE, start);
  /* Starting one never takes another off the list, nor does asking. */
  for (guint i = 0; i < n; i++)
    if (start[i])
      fd_offer_begin (manager->transfers->pdata[i]);
  return G_SOURCE_REMOVE;
}

void
fd_queue_wake (FdManager *manager)
{
  if (!manager->queue_idle && !manager->stopping)
    manager->queue_idle = g_idle_add (on_idle, manager);
}

void
fd_queue_unblock (FdManager *manager, FdAccount *account, const char *bare_jid)
{
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      if (transfer->account == account && transfer->blocked
          && (!bare_jid || fd_jid_same_bare (transfer->target, bare_jid)))
        {
          transfer->blocked = FALSE;
          g_clear_handle_id (&transfer->retry_timer, g_source_remove);
        }
    }
  fd_queue_wake (manager);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The queue of outgoing transfers; see queue.h.
 */
#include "core/queue.h"

#include "core/manager-private.h"
#include "xmpp/jid.h"

/* What is under way of one owner, with one account, one peer, or one batch. */
typedef struct
{
  guint sessions; /* a peer's */
  guint files; /* a batch's, in its shared session */
  guint busy;
  guint open; /* an owner's: offered for long */
  guint in_band;
} Tally;

typedef struct
{
  const FdQueueItem *item;
  Tally *owner, *account, *peer, *batch;
} Entry;

static Tally *
get_tally (GHashTable *tallies, char *key)
{
  Tally *tally = g_hash_table_lookup (tallies, key);

  if (tally)
    {
      g_free (key);
      return tally;
    }
  tally = g_new0 (Tally, 1);
  g_hash_table_insert (tallies, key, tally);
  return tally;
}

static Entry
make_entry (GHashTable *tallies, const FdQueueItem *item)
{
  return (Entry){
    .item = item,
    .owner = get_tally (tallies, g_strdup_printf ("%u", item->owner)),
    .account = get_tally (tallies, g_strdup_printf ("%p", item->account)),
    .peer = get_tally (tallies, g_strdup_printf ("%p %s", item->account, item->peer)),
    .batch = item->batch && *item->batch
               ? get_tally (tallies, g_strdup_printf ("%p %s\n%s", item->account, item->peer, item->batch))
               : NULL,
  };
}

static gboolean
joins (const Entry *entry)
{
  return entry->batch && entry->batch->files > 0;
}

static void
note_busy (const Entry *entry)
{
  entry->owner->busy++;
  entry->account->busy++;
  entry->account->in_band += entry->item->in_band;
  if (!entry->item->incoming)
    entry->peer->busy++;
}

static void
note_session (const Entry *entry)
{
  gboolean joined = joins (entry);

  entry->peer->sessions += !joined;
  if (entry->batch && (entry->item->shared || joined))
    entry->batch->files++;
}

static gboolean
fits (const Entry *entry, guint slots, guint max)
{
  const FdQueueItem *item = entry->item;

  if (entry->owner->busy >= slots || entry->owner->busy + entry->owner->open >= max)
    return FALSE;
  if ((item->account_slots > 0 && entry->account->busy >= item->account_slots)
      || (item->in_band && entry->account->in_band > 0))
    return FALSE;
  return joins (entry) ? entry->batch->files < FD_QUEUE_PER_SESSION
                       : entry->peer->sessions < FD_QUEUE_PER_PEER;
}

/* --- whose turn --- */

void
fd_queue_select (const FdQueueItem *items, guint n, guint slots, guint max, gboolean *ret_start)
{
  g_autoptr (GHashTable) tallies = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree Entry *entries = g_new (Entry, n);
  guint under_way = 0;

  for (guint i = 0; i < n; i++)
    {
      entries[i] = make_entry (tallies, &items[i]);
      ret_start[i] = FALSE;
      under_way += items[i].kind >= FD_QUEUE_OPEN;
      entries[i].owner->open += items[i].kind == FD_QUEUE_OPEN;
      if (items[i].kind == FD_QUEUE_BUSY)
        note_busy (&entries[i]);
      if (!items[i].incoming && items[i].kind >= FD_QUEUE_OPEN)
        note_session (&entries[i]);
    }
  /* Who has least under way is next; what was begun once comes before what was not. */
  for (guint turn = 0; turn < 2 * slots; turn++)
    for (guint i = 0; i < n && under_way < FD_MAX_ACTIVE; i++)
      if (items[i].kind == FD_QUEUE_READY && !ret_start[i] && entries[i].peer->busy <= turn / 2
          && (items[i].begun || turn % 2 == 1) && fits (&entries[i], slots, max))
        {
          note_session (&entries[i]);
          note_busy (&entries[i]);
          ret_start[i] = TRUE;
          under_way++;
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
    case FD_STATE_OFFERED:
    case FD_STATE_INTERRUPTED:
      if (transfer->info.incoming)
        return FD_QUEUE_IDLE;
      if (transfer->preparing || transfer->due[FD_DUE_FRESH])
        return FD_QUEUE_BUSY;
      if (transfer->content)
        return FD_QUEUE_OPEN;
      return can_start (transfer) ? FD_QUEUE_READY : FD_QUEUE_IDLE;
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
      items[i]
        = (FdQueueItem){ .kind = classify (transfer),
                         .incoming = transfer->info.incoming,
                         .begun = transfer->info.state == FD_STATE_INTERRUPTED,
                         .in_band = transfer->paths == FD_PATH_IBB || transfer->info.path == FD_PATH_IBB,
                         .account = transfer->account,
                         .owner = transfer->info.owner,
                         .account_slots
                         = transfer->account ? fd_account_get_config (transfer->account)->max_active : 0,
                         .peer = bare,
                         .batch = transfer->info.batch,
                         .shared = transfer->content && fd_content_is_shared (transfer->content) };
    }
  fd_queue_select (items, n, manager->config->max_active, fd_manager_share (manager, FD_MAX_ACTIVE), start);
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

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to tell the bus of progress: a queue of transfers, the one that waits
 * longest in front.
 */
#include "bus/budget.h"

typedef struct
{
  guint32 id;
  FdProgress told;
} Entry;

struct FdBudget
{
  GQueue queue; /* Entry */
  GHashTable *links; /* id -> GList of the queue */
  gint64 last; /* round */
  guint news;
};

FdBudget *
fd_budget_new (void)
{
  FdBudget *budget = g_new0 (FdBudget, 1);

  g_queue_init (&budget->queue);
  budget->links = g_hash_table_new (NULL, NULL);
  budget->last = -FD_BUDGET_INTERVAL;
  return budget;
}

void
fd_budget_free (FdBudget *budget)
{
  g_queue_clear_full (&budget->queue, g_free);
  g_hash_table_unref (budget->links);
  g_free (budget);
}

static GList *
find (FdBudget *budget, guint32 id)
{
  return g_hash_table_lookup (budget->links, GUINT_TO_POINTER (id));
}

void
fd_budget_set (FdBudget *budget, guint32 id, const FdProgress *told)
{
  GList *link = find (budget, id);

  if (!link)
    {
      Entry *entry = g_new (Entry, 1);

      entry->id = id;
      g_queue_push_tail (&budget->queue, entry);
      link = budget->queue.tail;
      g_hash_table_insert (budget->links, GUINT_TO_POINTER (id), link);
    }
  ((Entry *) link->data)->told = *told;
}

void
fd_budget_remove (FdBudget *budget, guint32 id)
{
  GList *link = find (budget, id);

  if (!link)
    return;
  g_hash_table_remove (budget->links, GUINT_TO_POINTER (id));
  g_free (link->data);
  g_queue_delete_link (&budget->queue, link);
}

gboolean
fd_budget_is_empty (FdBudget *budget)
{
  return g_queue_is_empty (&budget->queue);
}

void
fd_budget_add_news (FdBudget *budget, guint news)
{
  budget->news |= news;
}

gint64
fd_budget_get_deadline (FdBudget *budget)
{
  return fd_budget_is_empty (budget) && !budget->news ? -1 : budget->last + FD_BUDGET_INTERVAL;
}

guint
fd_budget_round (FdBudget *budget, gint64 now, const FdBudgetFuncs *funcs, gpointer data)
{
  guint news = budget->news;
  guint told = 0;

  for (guint n = budget->queue.length; n > 0 && told < FD_BUDGET_PER_ROUND; n--)
    {
      GList *link = g_queue_pop_head_link (&budget->queue);
      Entry *entry = link->data;
      FdProgress now_is = { 0 };

      g_queue_push_tail_link (&budget->queue, link);
      funcs->read (entry->id, &now_is, data);
      if (now_is.transferred == entry->told.transferred && now_is.rate == entry->told.rate
          && now_is.remaining == entry->told.remaining)
        continue;

      entry->told = now_is;
      funcs->tell (entry->id, data);
      told++;
    }

  budget->news = 0;
  budget->last = now;
  return news;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The clean end: first peers are told and pumps stop, then the streams close,
 * all within five seconds.
 */
#include "base/timer.h"
#include "core/manager-private.h"

#define CONTENTS_SECONDS 3 /* then the streams close anyhow … */
#define STREAMS_SECONDS 2 /* … and get this long */

static guint
count_contents (FdManager *manager)
{
  guint n = 0;

  for (guint i = 0; i < manager->transfers->len; i++)
    n += ((FdTransfer *) manager->transfers->pdata[i])->content != NULL;
  return n;
}

static gboolean
on_done (gpointer data)
{
  FdStop *stop = data;

  stop->timer = 0;
  stop->done (stop->data);
  return G_SOURCE_REMOVE;
}

static void
close_streams (FdStop *stop)
{
  FdManager *manager = stop->manager;

  stop->closing_streams = TRUE;
  g_clear_handle_id (&stop->timer, g_source_remove);
  stop->timer = g_timeout_add_seconds (STREAMS_SECONDS, on_done, stop);
  while (manager->accounts->len)
    fd_manager_close_account (manager, manager->accounts->pdata[manager->accounts->len - 1]);
  fd_stop_check (manager);
}

static gboolean
on_contents_late (gpointer data)
{
  FdStop *stop = data;

  stop->timer = 0;
  g_warning ("Some transfers did not stop in time");
  close_streams (stop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_contents_ended (gpointer data)
{
  FdStop *stop = data;

  stop->timer = 0;
  close_streams (stop);
  return G_SOURCE_REMOVE;
}

/* The next step is taken from an idle, for the caller may be in the middle of
 * freeing what that step would touch. */
void
fd_stop_check (FdManager *manager)
{
  FdStop *stop = manager->stop;
  GSourceFunc next;

  if (!stop)
    return;
  if (!stop->closing_streams && count_contents (manager) == 0)
    next = on_contents_ended;
  else if (stop->closing_streams && manager->closing->len == 0)
    next = on_done;
  else
    return;
  g_clear_handle_id (&stop->timer, g_source_remove);
  stop->timer = g_idle_add (next, stop);
}

void
fd_manager_stop (FdManager *manager, void (*done) (gpointer data), gpointer data)
{
  FdStop *stop = g_new0 (FdStop, 1);

  g_return_if_fail (!manager->stop);
  stop->manager = manager;
  stop->done = done;
  stop->data = data;
  manager->stop = stop;
  manager->stopping = TRUE;
  g_clear_pointer (&manager->clock, fd_timer_free);
  g_clear_pointer (&manager->kept_timer, fd_timer_free);
  fd_manager_end_queries (manager, NULL);
  for (guint i = 0; i < manager->transfers->len; i++)
    {
      FdTransfer *transfer = manager->transfers->pdata[i];

      fd_offer_abort (transfer);
      if (transfer->content)
        fd_content_stop (transfer->content);
    }
  stop->timer = g_timeout_add_seconds (CONTENTS_SECONDS, on_contents_late, stop);
  fd_stop_check (manager);
}

void
fd_stop_free (FdStop *stop)
{
  if (!stop)
    return;
  g_clear_handle_id (&stop->timer, g_source_remove);
  g_free (stop);
}

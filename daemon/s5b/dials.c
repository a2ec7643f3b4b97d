/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which of the peer's candidates to dial when: by priority, staggered, the
 * next at once after a failure, proxies behind direct ones (XEP-0260 §4).
 */
#include "s5b/dials.h"
#include "s5b/timers.h"

static void
dial_free (gpointer data)
{
  g_free (((FdS5bDial *) data)->cid);
  g_free (data);
}

void
fd_s5b_dials_init (FdS5bDials *dials)
{
  *dials = (FdS5bDials){ .dials = g_ptr_array_new_with_free_func (dial_free) };
}

void
fd_s5b_dials_clear (FdS5bDials *dials)
{
  g_ptr_array_unref (dials->dials);
}

gboolean
fd_s5b_dials_add (FdS5bDials *dials, const FdS5bCandidate *candidate)
{
  FdS5bDial *dial;

  if (dials->dials->len >= FD_S5B_MAX_CANDIDATES || fd_s5b_dials_find (dials, candidate->cid))
    return FALSE;
  dial = g_new0 (FdS5bDial, 1);
  dial->cid = g_strdup (candidate->cid);
  dial->priority = candidate->priority;
  dial->proxy = candidate->type == FD_S5B_PROXY;
  g_ptr_array_add (dials->dials, dial);
  return TRUE;
}

FdS5bDial *
fd_s5b_dials_find (FdS5bDials *dials, const char *cid)
{
  for (guint i = 0; cid && i < dials->dials->len; i++)
    {
      FdS5bDial *dial = dials->dials->pdata[i];

      if (g_str_equal (dial->cid, cid))
        return dial;
    }
  return NULL;
}

FdS5bDial *
fd_s5b_dials_best (FdS5bDials *dials)
{
  FdS5bDial *best = NULL;

  for (guint i = 0; i < dials->dials->len; i++)
    {
      FdS5bDial *dial = dials->dials->pdata[i];

      if (dial->state == FD_S5B_DIAL_OK && (!best || dial->priority > best->priority))
        best = dial;
    }
  return best;
}

static gboolean
is_open (const FdS5bDial *dial)
{
  return dial->state == FD_S5B_DIAL_WAITING || dial->state == FD_S5B_DIAL_RUNNING;
}

gboolean
fd_s5b_dials_is_open (FdS5bDials *dials)
{
  for (guint i = 0; i < dials->dials->len; i++)
    {
      if (is_open (dials->dials->pdata[i]))
        return TRUE;
    }
  return FALSE;
}

FdS5bDial *
fd_s5b_dials_drop (FdS5bDials *dials, gint64 floor, gboolean *ret_running)
{
  for (guint i = 0; i < dials->dials->len; i++)
    {
      FdS5bDial *dial = dials->dials->pdata[i];

      if (!is_open (dial) || dial->priority > floor)
        continue;
      *ret_running = dial->state == FD_S5B_DIAL_RUNNING;
      dial->state = FD_S5B_DIAL_DEAD;
      return dial;
    }
  return NULL;
}

/* Direct candidates first, then by priority. */
static FdS5bDial *
next_waiting (FdS5bDials *dials, gboolean *ret_direct_running)
{
  FdS5bDial *next = NULL;

  *ret_direct_running = FALSE;
  for (guint i = 0; i < dials->dials->len; i++)
    {
      FdS5bDial *dial = dials->dials->pdata[i];

      if (dial->state == FD_S5B_DIAL_RUNNING && !dial->proxy)
        *ret_direct_running = TRUE;
      if (dial->state != FD_S5B_DIAL_WAITING)
        continue;
      if (!next || (next->proxy && !dial->proxy)
          || (next->proxy == dial->proxy && dial->priority > next->priority))
        next = dial;
    }
  return next;
}

FdS5bDial *
fd_s5b_dials_start (FdS5bDials *dials, gint64 now, gint64 *ret_due)
{
  gboolean direct_running;
  FdS5bDial *dial = next_waiting (dials, &direct_running);
  gint64 due = dials->next;

  if (!dial)
    {
      *ret_due = G_MAXINT64;
      return NULL;
    }
  if (dial->proxy && direct_running)
    due = MAX (due, dials->proxies_from);
  if (due > now)
    {
      *ret_due = due;
      return NULL;
    }

  if (!dial->proxy && dials->proxies_from == 0)
    dials->proxies_from = now + FD_MS (FD_T_PROXY_DELAY);
  dials->next = now + FD_MS (FD_T_STAGGER);
  dial->state = FD_S5B_DIAL_RUNNING;
  return dial;
}

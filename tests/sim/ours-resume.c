/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that outlive their session: what the model above jingle/ remembers of them,
 * also when its process is killed.
 */
#include "ours.h"

#define FIRST_WAIT SIM_SEC /* doubled with each try … */
#define LONGEST_WAIT (300 * SIM_SEC) /* … up to this */

/* Of the same file at this side. */
static SimContent *
find_other (SimContent *content)
{
  for (SimSession *session = content->session->ours->sessions; session; session = session->next)
    for (SimContent *other = session->contents; other; other = other->next)
      if (other->file == content->file && other != content)
        return other;
  return NULL;
}

static gboolean
is_named (SimContent *content)
{
  return fd_content_machine_get_file (content->machine)->resume_id != NULL;
}

/* --- the receiver --- */

/* Its sender does not know of the old session any more, or noticed first that the way broke. */
static void
supersede (SimContent *old)
{
  gboolean pending = fd_content_machine_get_state (old->machine) == FD_CONTENT_OFFERED;

  SIM_CHART (old->session->ours->side, "   superseded: %s", old->file->name);
  sim_content_abort (old, pending ? FD_OUTCOME_CANCELLED : FD_OUTCOME_FAILED, pending ? "cancel" : "gone",
                     FD_ERROR_CANCELLED);
  sim_session_schedule (old->session);
}

gboolean
sim_resume_take_up (SimContent *content)
{
  SimFile *file = content->file;
  SimSide *side = content->session->ours->side;
  SimContent *old = find_other (content);

  if (!is_named (content))
    return FALSE;
  if (old)
    supersede (old);
  if (!file->taken && !file->published)
    return FALSE;
  content->echo = file->published;
  if (!content->echo)
    sim_file_begin (file, side);
  SIM_CHART (side, "   taken up: %s", file->name);
  sim_timer_arm (&side->world->clock, &content->answer,
                 SIM_NOW (side->world) + sim_range (side->world, 0, SIM_SEC));
  return TRUE;
}

gboolean
sim_resume_find_part (SimContent *content, guint64 *ret_offset)
{
  SimFile *file = content->file;
  SimWorld *world = file->world;

  if (!is_named (content) || !file->resumable)
    return TRUE;
  if (find_other (content))
    return FALSE; /* its pump still writes */
  if (!file->taken)
    file->part = 0;
  if (!file->published && file->part > 0 && file->damage)
    {
      SIM_CHART (content->session->ours->side, "!! somebody writes into the part of %s", file->name);
      world->hits |= SIM_HIT_DAMAGED;
      file->part_unequal = TRUE;
      file->damage = FALSE;
    }
  content->there = file->published;
  *ret_offset = content->there ? file->size : file->part;
  if (!fd_content_machine_can_range (content->machine))
    sim_violate (world, "%s: an id, and no range", file->name);
  file->taken = TRUE;
  world->coverage->resumes += *ret_offset > 0;
  world->coverage->echoes += file->published;
  return TRUE;
}

static void
receiver_ended (SimContent *content, const FdContentEnd *end)
{
  SimFile *file = content->file;

  if (end->outcome == FD_OUTCOME_DONE || end->interrupted || find_other (content))
    return;
  file->taken = FALSE;
  file->part = 0;
}

/* --- the sender --- */

static void
offer_again (SimFile *file)
{
  SimWorld *world = file->world;
  gint64 wait = MIN (FIRST_WAIT << file->tries, LONGEST_WAIT);

  if (file->tries++ < SIM_MAX_TRIES)
    sim_timer_arm (&world->clock, &file->again, SIM_NOW (world) + wait);
}

/* Offered again, and nobody was there. */
static gboolean
is_unanswered (SimContent *content, const FdContentEnd *end)
{
  static const FdErrorCode codes[] = { FD_ERROR_NOT_CONNECTED, FD_ERROR_PEER_OFFLINE, FD_ERROR_TIMEOUT,
                                       FD_ERROR_CONNECTION_FAILED, FD_ERROR_PEER_UNSUPPORTED };

  if (content->accepted || !content->file->agreed || end->outcome != FD_OUTCOME_FAILED)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (end->error, FD_ERROR, codes[i]))
      return TRUE;
  return FALSE;
}

void
sim_resume_ended (SimContent *content, const FdContentEnd *end)
{
  SimFile *file = content->file;

  if (!file->resumable)
    return;
  SIM_CHART (content->session->ours->side, "   %s: %s", file->name,
             end->restart       ? "to begin anew"
             : end->interrupted ? "to go on"
                                : "final");
  file->restarts += end->restart;
  file->world->coverage->restarts += end->restart;
  if (!content->session->initiator)
    receiver_ended (content, end);
  else if (end->interrupted || is_unanswered (content, end))
    offer_again (file);
}

void
sim_resume_killed (SimContent *content)
{
  if (content->session->initiator && content->file->agreed
      && content->file->views[content->file->world->sender].end != SIM_END_DONE)
    offer_again (content->file);
}

void
sim_resume_cancel (SimSide *side, SimFile *file)
{
  SimView *view = &file->views[side->index];

  if (side->index == side->world->sender && sim_timer_is_armed (&file->again))
    {
      sim_timer_disarm (&side->world->clock, &file->again);
      file->hits |= SIM_HIT_CANCELLED;
      view->end = SIM_END_CANCELLED;
      view->by = FD_BY_LOCAL;
    }
  else if (side->index != side->world->sender && file->taken && !file->published)
    {
      file->hits |= SIM_HIT_CANCELLED;
      file->taken = FALSE;
      file->part = 0;
    }
}

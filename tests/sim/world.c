/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One run from its seed to its last event.
 */
#include "world.h"
#include "proxy.h"

#include <stdarg.h>
#include <string.h>

#define LONGEST (60 * 3600 * SIM_SEC) /* two offers that nobody answers, one after the other */

const char *const sim_kind_names[SIM_N_KINDS] = {
  [SIM_OURS] = "ours",
  [SIM_DINO] = "dino",
  [SIM_IRIS] = "iris",
  [SIM_PSI_PLUS] = "psi-plus",
  [SIM_GAJIM] = "gajim",
  [SIM_CONVERSATIONS] = "conversations",
  [SIM_CONVERSATIONS_OLD] = "conversations-old",
  [SIM_SWIFT] = "swift",
};

/* --- files --- */

SimFile *
sim_file_find (SimWorld *world, const char *name)
{
  for (guint i = 0; i < world->n_files; i++)
    if (g_strcmp0 (world->files[i].name, name) == 0)
      return &world->files[i];
  return NULL;
}

void
sim_file_begin (SimFile *file, SimSide *side)
{
  SimView *view = &file->views[side->index];

  view->begun++;
  view->running++;
  view->end = SIM_END_NONE;
}

void
sim_file_end (SimFile *file, SimSide *side, SimEndKind end, FdEndedBy by, int code, FdVerified verified)
{
  static const char *const names[] = { "?", "done", "rejected", "cancelled", "failed" };
  static const char *const blames[] = { "", ", by itself", ", by the peer", ", by the network" };
  SimView *view = &file->views[side->index];

  if (view->running == 0)
    sim_violate (file->world, "%s: %s ends and is not running", side->jid, file->name);
  else
    view->running--;
  if (view->end != SIM_END_DONE) /* else the end of an attempt before that one */
    {
      view->end = end;
      view->by = by;
      view->code = code;
      view->verified = verified;
      view->ended_at = SIM_NOW (file->world);
    }
  side->world->coverage->errors[code]++;
  SIM_CHART (side, "== %s: %s%s%s", file->name, names[end], blames[by],
             verified == FD_VERIFIED_OK         ? ", verified"
             : verified == FD_VERIFIED_MISMATCH ? ", mismatch"
                                                : "");
}

void
sim_file_digest (FdHashAlgo algo, guint32 tag, guint64 length, gboolean corrupt, FdDigest *ret_digest)
{
  *ret_digest = (FdDigest){ .algo = algo, .length = 32 };
  memcpy (ret_digest->bytes, &tag, sizeof tag);
  memcpy (ret_digest->bytes + 8, &length, sizeof length);
  ret_digest->bytes[16] = corrupt ? 1 : 0;
}

FdFile *
sim_file_describe (const SimFile *file)
{
  FdFile *description = fd_file_new (file->name, file->unsized ? -1 : (gint64) file->size);
  FdDigest digest;

  description->ranged = TRUE;
  description->resume_id = file->resumable ? g_strconcat ("id-", file->name, NULL) : NULL;
  if (file->hash == SIM_HASH_OFFERED)
    {
      sim_file_digest (FD_HASH_SHA256, file->tag, file->size, FALSE, &digest);
      fd_file_set_hash (description, &digest);
    }
  else if (file->hash == SIM_HASH_CHECKSUM)
    description->hash_used = FD_HASH_SHA256;
  return description;
}

void
sim_new_sid (SimWorld *world, const char *prefix, char *ret_sid)
{
  g_snprintf (ret_sid, SIM_SID_SIZE, "%s%u", prefix, ++world->last_sid);
}

/* --- what happens to the sides --- */

static void
on_add (gpointer data)
{
  SimFile *file = data;
  SimSide *side = &file->world->sides[file->world->sender];

  if (!side->online)
    {
      if (!(file->world->hits & SIM_HIT_CRASHED))
        sim_timer_arm (&file->world->clock, &file->add, SIM_NOW (file->world) + SIM_SEC);
      return;
    }
  SIM_CHART (side, "   offer %s, %" G_GUINT64_FORMAT " bytes", file->name, file->size);
  side->ops->offer (side, file);
}

static void
on_again (gpointer data)
{
  SimFile *file = data;
  SimWorld *world = file->world;
  SimSide *side = &world->sides[world->sender];

  if (!side->online)
    {
      sim_timer_arm (&world->clock, &file->again, SIM_NOW (world) + SIM_SEC);
      return;
    }
  SIM_CHART (side, "   offer %s once more", file->name);
  world->coverage->tries++;
  file->redials = 0;
  file->moved_now = FALSE;
  side->ops->offer (side, file);
}

static void
cancel (SimFile *file, guint index)
{
  SimSide *side = &file->world->sides[index];

  SIM_CHART (side, "   cancel %s", file->name);
  side->ops->cancel (side, file);
}

static void
on_cancel_first (gpointer data)
{
  cancel (data, 0);
}

static void
on_cancel_second (gpointer data)
{
  cancel (data, 1);
}

static void
back (SimTrouble *trouble)
{
  SimSide *side = &trouble->world->sides[trouble->side];

  if (trouble->kind == SIM_TROUBLE_SLOW)
    {
      side->extra_delay = 0;
      SIM_CHART (side, "!! as fast as before");
      return;
    }
  if (side->online)
    return;
  SIM_CHART (side, "!! connected again");
  sim_wire_up (side);
  side->ops->stream_up (side);
}

static void
lose (SimTrouble *trouble, SimSide *side)
{
  SimSide *other = sim_other (side);

  if (!side->online)
    return;
  trouble->world->hits |= trouble->kind == SIM_TROUBLE_KILL ? SIM_HIT_KILLED : SIM_HIT_STREAM;
  SIM_CHART (side, "!! %s", trouble->kind == SIM_TROUBLE_KILL ? "killed" : "loses its stream");
  if (trouble->kind == SIM_TROUBLE_KILL)
    side->ops->vanish (side);
  sim_wire_lose (side);
  if (trouble->kind == SIM_TROUBLE_STREAM)
    side->ops->stream_lost (side);
  if (trouble->presence && other->online)
    other->ops->peer_gone (other);
}

static void
on_trouble (gpointer data)
{
  SimTrouble *trouble = data;
  SimWorld *world = trouble->world;
  SimSide *side = &world->sides[trouble->side];

  if (trouble->over)
    {
      back (trouble);
      return;
    }
  trouble->over = TRUE;
  switch (trouble->kind)
    {
    case SIM_TROUBLE_STREAM:
    case SIM_TROUBLE_KILL:
      lose (trouble, side);
      break;
    case SIM_TROUBLE_GONE:
      world->hits |= SIM_HIT_GONE;
      SIM_CHART (side, "!! looks unavailable");
      if (sim_other (side)->online)
        sim_other (side)->ops->peer_gone (sim_other (side));
      return;
    case SIM_TROUBLE_NETWORK:
      world->hits |= SIM_HIT_NETWORK;
      SIM_CHART (side, "!! other network");
      side->ops->network_changed (side);
      return;
    case SIM_TROUBLE_DROP:
      side->drop_next = TRUE;
      return;
    case SIM_TROUBLE_BOUNCE:
      /* others give up, and we at the second time */
      side->bounce_next = side->plan.kind == SIM_OURS && !world->bounced;
      world->bounced = TRUE;
      return;
    case SIM_TROUBLE_SLOW:
    default:
      world->hits |= SIM_HIT_SLOW;
      side->extra_delay = sim_range (world, 5 * SIM_SEC, 40 * SIM_SEC);
      SIM_CHART (side, "!! becomes slow");
      break;
    }
  sim_timer_arm (&world->clock, &trouble->timer, SIM_NOW (world) + trouble->length);
}

/* --- the run --- */

SimWorld *
sim_world_new (SimCoverage *coverage)
{
  SimWorld *world = g_new0 (SimWorld, 1);

  sim_clock_init (&world->clock, SIM_START);
  world->offers = g_array_new (FALSE, FALSE, sizeof (SimOffer));
  world->coverage = coverage;
  return world;
}

void
sim_world_free (SimWorld *world)
{
  while (world->free_segments)
    {
      SimSegment *segment = world->free_segments;

      world->free_segments = segment->next;
      g_free (segment);
    }
  while (world->free_stanzas)
    {
      SimStanza *stanza = world->free_stanzas;

      world->free_stanzas = stanza->next;
      g_free (stanza);
    }
  g_array_unref (world->offers);
  g_array_unref (world->nominations);
  g_free (world->clock.heap);
  g_free (world->violation);
  g_free (world);
}

static void
set_up (SimWorld *world, guint64 seed, gboolean chart)
{
  static void (*const on_cancels[]) (gpointer) = { on_cancel_first, on_cancel_second };

  sim_clock_reset (&world->clock, SIM_START);
  sim_prng_seed (&world->prng, seed);
  world->seed = seed;
  world->chart = chart;
  world->hits = 0;
  world->last_sid = 0;
  world->rows = 0;
  world->n_troubles = world->n_files = 0;
  world->lossy = world->slow_tcp = world->bounced = FALSE;
  g_array_set_size (world->offers, 0);
  sim_nominations_clear (world);
  g_clear_pointer (&world->violation, g_free);
  memset (world->files, 0, sizeof world->files);
  memset (world->troubles, 0, sizeof world->troubles);
  for (guint i = 0; i < 2; i++)
    {
      world->sides[i] = (SimSide){ .world = world, .index = i, .jid = i == 0 ? "anna@x/a" : "bert@x/b" };
      sim_wire_init (&world->sides[i]);
    }
  for (guint i = 0; i < SIM_MAX_FILES; i++)
    {
      SimFile *file = &world->files[i];

      file->world = world;
      file->index = i;
      sim_timer_init (&file->add, on_add, file);
      sim_timer_init (&file->again, on_again, file);
      for (guint j = 0; j < 2; j++)
        sim_timer_init (&file->cancels[j], on_cancels[j], file);
    }
  for (guint i = 0; i < SIM_MAX_TROUBLES; i++)
    {
      world->troubles[i].world = world;
      sim_timer_init (&world->troubles[i].timer, on_trouble, &world->troubles[i]);
    }
}

static void
clear_side (SimSide *side)
{
  if (side->plan.kind == SIM_OURS)
    sim_ours_clear (side);
  else
    sim_model_clear (side);
  sim_wire_clear (side);
}

static void
tear_down (SimWorld *world)
{
  for (guint i = 0; i < 2; i++)
    clear_side (&world->sides[i]);
  for (guint i = 0; i < SIM_N_PROXIES; i++)
    g_clear_pointer (&world->proxies[i], sim_proxy_free);
  sim_conns_free_all (world);
  if (world->live_sessions || world->live_contents || world->live_transports)
    sim_violate (world, "not freed: %u sessions, %u contents, %u transports", world->live_sessions,
                 world->live_contents, world->live_transports);
  world->live_sessions = world->live_contents = world->live_transports = 0;
}

static void
run (SimWorld *world)
{
  while (!world->violation && sim_clock_step (&world->clock))
    {
      for (guint i = 0; i < 2; i++)
        world->sides[i].ops->check (&world->sides[i]);
      if (world->clock.fired > SIM_MAX_EVENTS)
        sim_violate (world, "no end after %u events", SIM_MAX_EVENTS);
      else if (SIM_NOW (world) > SIM_START + LONGEST)
        sim_violate (world, "no end after %" G_GINT64_FORMAT " hours", LONGEST / (3600 * SIM_SEC));
    }
}

static void
note_coverage (SimWorld *world)
{
  SimCoverage *coverage = world->coverage;
  guint kind = world->sides[1].plan.kind, sends = world->sender == 0;

  coverage->runs[kind][sends]++;
  coverage->events += world->clock.fired;
  for (guint row = 1; row <= FD_ROWS; row++)
    coverage->rows[row - 1] += fd_rows_have (world->rows, row);
  for (guint i = 0; i < world->n_files; i++)
    {
      const SimView *view = &world->files[i].views[0];

      coverage->files[kind][sends]++;
      coverage->done[kind][sends] += view->end == SIM_END_DONE;
    }
}

gboolean
sim_world_run (SimWorld *world, guint64 seed, gboolean chart)
{
  set_up (world, seed, chart);
  sim_scenario_choose (world);
  for (guint i = 0; i < 2; i++)
    {
      if (world->sides[i].plan.kind == SIM_OURS)
        sim_ours_init (&world->sides[i]);
      else
        sim_model_init (&world->sides[i]);
    }
  run (world);
  if (!world->violation)
    sim_check_end (world);
  tear_down (world);
  note_coverage (world);
  return world->violation == NULL;
}

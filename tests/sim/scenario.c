/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What one seed stands for: who meets whom over which network with which files,
 * what the users do and what goes wrong.
 */
#include "proxy.h"
#include "world.h"

#define DIRECT (126u << 16)
#define PROXY (10u << 16)

/* Some moment from now: often soon, sometimes after a minute. */
static gint64
moment (SimWorld *world)
{
  return sim_range (world, 0, G_GINT64_CONSTANT (1) << (12 + sim_below (world, 15)));
}

typedef enum
{
  MOOD_FINE,
  MOOD_MIXED,
  MOOD_DEAD,
} Mood;

static Mood
choose_mood (SimWorld *world)
{
  guint dice = sim_below (world, 100);

  return dice < 35 ? MOOD_FINE : dice < 75 ? MOOD_MIXED : MOOD_DEAD;
}

static SimReach
choose_reach (SimWorld *world, Mood mood)
{
  static const SimReach dead[] = { SIM_REACH_REFUSED, SIM_REACH_HANGS, SIM_REACH_MUTE };

  if (mood == MOOD_FINE || (mood == MOOD_MIXED && sim_once_in (world, 3)))
    return SIM_REACH_WORKS;
  if (mood == MOOD_MIXED && sim_once_in (world, 3))
    return SIM_REACH_DIES_EARLY + sim_below (world, SIM_N_REACHES - SIM_REACH_DIES_EARLY);
  return dead[sim_below (world, G_N_ELEMENTS (dead))];
}

static guint64
choose_fate (SimWorld *world)
{
  return (guint64) sim_range (world, 0, 6 * SIM_BLOCK);
}

static void
choose_proxies (SimWorld *world, Mood mood)
{
  for (guint i = 0; i < SIM_N_PROXIES; i++)
    {
      SimProxyPlan plan = { .holds_tail = sim_once_in (world, 2),
                            .fate = { .dies_after = G_MAXUINT64, .stalls_after = G_MAXUINT64 } };

      for (guint side = 0; side < 2; side++)
        {
          plan.reach[side] = choose_reach (world, mood);
          if (plan.reach[side] >= SIM_REACH_DIES_EARLY)
            plan.reach[side] = SIM_REACH_WORKS;
        }
      if (mood == MOOD_MIXED && sim_once_in (world, 4))
        plan.activation = 1 + sim_below (world, SIM_ACTIVATION_NOT_FOUND);
      if (mood == MOOD_MIXED && sim_once_in (world, 6))
        plan.drops_after = 1 + moment (world);
      if (mood == MOOD_MIXED && sim_once_in (world, 6))
        plan.fate.dies_after = choose_fate (world);
      if (mood == MOOD_MIXED && sim_once_in (world, 8))
        plan.fate.stalls_after = choose_fate (world);
      world->proxies[i] = sim_proxy_new (world, i, &plan);
    }
}

static void
add_candidate (SimSide *side, const SimCandidatePlan *candidate)
{
  if (side->plan.n_candidates < SIM_MAX_CANDIDATES)
    side->plan.candidates[side->plan.n_candidates++] = *candidate;
}

static void
choose_candidates (SimSide *side, Mood mood, gboolean late, gboolean ties)
{
  SimWorld *world = side->world;
  guint n_direct = sim_below (world, 4), n_proxies = sim_below (world, 3);
  gboolean hidden = side->plan.hidden;
  guint offset = ties ? 0 : 16 * side->index; /* fardel chooses priorities that the peer has not */

  for (guint i = 0; i < n_direct && !hidden; i++)
    add_candidate (side, &(SimCandidatePlan){
                           .priority = DIRECT + 0x5000 - offset - i,
                           .reach = choose_reach (world, mood),
                           .dies_after = choose_fate (world),
                           .late = late && sim_once_in (world, 2) ? 1 + moment (world) / 8 : 0,
                         });
  for (guint i = 0; i < n_proxies; i++)
    add_candidate (side, &(SimCandidatePlan){
                           .proxy = TRUE,
                           .which = hidden || (i == 0 && !sim_once_in (world, 4)) ? side->index : 2,
                           .priority = PROXY + 0x5000 - offset - i,
                           .late = late && sim_once_in (world, 2) ? 1 + moment (world) / 8 : 0,
                         });
  if (hidden && n_proxies == 2)
    side->plan.n_candidates--;
  else if (n_proxies == 2 && side->plan.candidates[side->plan.n_candidates - 2].which == 2)
    side->plan.n_candidates--; /* the same one twice */
}

static FdPath
choose_paths (SimWorld *world)
{
  static const FdPath rare[] = { FD_PATH_IBB,
                                 FD_PATH_SOCKS5_DIRECT,
                                 FD_PATH_SOCKS5_PROXY,
                                 FD_PATH_SOCKS5_DIRECT | FD_PATH_SOCKS5_PROXY,
                                 FD_PATH_SOCKS5_PROXY | FD_PATH_IBB,
                                 FD_PATH_SOCKS5_DIRECT | FD_PATH_IBB };

  return sim_once_in (world, 6) ? rare[sim_below (world, G_N_ELEMENTS (rare))] : FD_PATH_ANY;
}

static void
choose_side (SimSide *side, SimKind kind, Mood mood, gboolean late, gboolean ties)
{
  SimWorld *world = side->world;

  side->plan.kind = kind;
  side->plan.paths = kind == SIM_OURS ? choose_paths (world) : FD_PATH_ANY;
  side->plan.gather_time = sim_once_in (world, 5) ? moment (world) / 16 : 0;
  if (kind == SIM_OURS && !sim_once_in (world, 3))
    side->plan.extensions = sim_below (world, 32);
  side->plan.knows_quirks = !sim_once_in (world, 4);
  side->plan.relaxed = sim_once_in (world, 10);
  side->plan.hidden = kind == SIM_OURS && sim_once_in (world, 12);
  side->plan.mischief = kind != SIM_OURS && sim_once_in (world, 6);
  side->plan.stock = kind == SIM_GAJIM && sim_once_in (world, 4);
  choose_candidates (side, mood, late, ties);
}

static guint64
choose_size (SimWorld *world)
{
  static const guint64 sizes[] = { 0, 1, SIM_BLOCK - 1, SIM_BLOCK, SIM_BLOCK + 1, 3 * SIM_BLOCK };

  return sim_once_in (world, 2) ? sizes[sim_below (world, G_N_ELEMENTS (sizes))]
                                : (guint64) sim_range (world, 1, 8 * SIM_BLOCK);
}

static void
choose_user (SimFile *file, gint64 add)
{
  SimWorld *world = file->world;

  file->answer_after = moment (world) / 4;
  if (sim_once_in (world, 20))
    file->answer_after = moment (world) * (sim_once_in (world, 3) ? 100 : 3);
  if (sim_once_in (world, 60))
    file->answer_after = -1;
  file->reject = sim_once_in (world, 25);
  file->busy = sim_once_in (world, 50);
  for (guint i = 0; i < 2; i++)
    if (sim_once_in (world, 16))
      sim_timer_arm (&world->clock, &file->cancels[i], add + moment (world));
}

static void
choose_file (SimFile *file, gint64 add, gboolean calm)
{
  SimWorld *world = file->world;

  g_snprintf (file->name, sizeof file->name, "f%u", file->index);
  file->tag = 2 * file->index + 2;
  file->size = choose_size (world);
  file->hash = sim_below (world, SIM_HASH_CHECKSUM + 1);
  file->unsized = world->sides[1].plan.kind == SIM_OURS && sim_once_in (world, 25);
  file->resumable = world->sides[1].plan.kind == SIM_OURS && !file->unsized
                    && (world->sides[0].plan.extensions & world->sides[1].plan.extensions & FD_EXT_RESUME);
  file->damage = file->resumable && sim_once_in (world, 8);
  file->disk_full_at = file->source_changes_at = -1;
  sim_timer_arm (&world->clock, &file->add, add);
  if (calm)
    {
      file->answer_after = moment (world) / 16;
      return;
    }
  choose_user (file, add);
  if (sim_once_in (world, 40))
    file->disk_full_at = sim_range (world, 0, (gint64) file->size);
  if (sim_once_in (world, 40))
    file->source_changes_at = sim_range (world, 0, (gint64) file->size);
  file->unpublishable = sim_once_in (world, 60);
}

static void
choose_files (SimWorld *world, gboolean calm)
{
  gint64 add = SIM_START;

  world->n_files = sim_once_in (world, 3) ? 2 + sim_below (world, SIM_MAX_FILES - 1) : 1;
  for (guint i = 0; i < world->n_files; i++)
    {
      choose_file (&world->files[i], add, calm);
      if (sim_once_in (world, 3))
        add += moment (world) / 4;
    }
}

static void
choose_troubles (SimWorld *world)
{
  world->n_troubles = 1 + sim_below (world, 3);
  for (guint i = 0; i < world->n_troubles; i++)
    {
      SimTrouble *trouble = &world->troubles[i];

      trouble->kind = sim_below (world, SIM_N_TROUBLES);
      trouble->side = sim_below (world, 2);
      trouble->length = moment (world) + moment (world);
      trouble->presence = !sim_once_in (world, 3);
      sim_timer_arm (&world->clock, &trouble->timer, SIM_START + moment (world));
    }
}

/* What connects does not last: only together several connections carry a file. */
static void
make_choppy (SimSide *side)
{
  for (guint i = 0; i < side->plan.n_candidates; i++)
    {
      SimCandidatePlan *candidate = &side->plan.candidates[i];

      if (!candidate->proxy && candidate->reach == SIM_REACH_WORKS)
        candidate->reach = SIM_REACH_DIES;
    }
}

void
sim_scenario_choose (SimWorld *world)
{
  SimKind kind = sim_below (world, 100) < 55 ? SIM_OURS : 1 + sim_below (world, SIM_N_KINDS - 1);
  Mood mood = choose_mood (world);
  gboolean calm = sim_below (world, 100) < 40;
  gboolean late = sim_once_in (world, 6), ties = sim_once_in (world, 4);

  world->sender = sim_below (world, 2);
  choose_proxies (world, mood);
  choose_side (&world->sides[0], SIM_OURS, mood, late, ties);
  choose_side (&world->sides[1], kind, mood, late, ties);
  if (kind == SIM_OURS && sim_once_in (world, 8))
    for (guint i = 0; i < 2; i++)
      make_choppy (&world->sides[i]);
  world->lossy = sim_once_in (world, 8);
  world->slow_tcp = sim_once_in (world, 12);
  choose_files (world, calm);
  if (!calm && sim_once_in (world, 2))
    choose_troubles (world);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What must hold at the end of every run, and what the two sides may believe of
 * one file:
 *
 * - What begins ends, on both sides, and nothing is left over.
 * - A sender is done only if the file was published with equal bytes. A receiver
 *   is done exactly if it published.
 * - Unequal bytes are published only if they were damaged on the way, or changed
 *   at the source, and no digest could tell: none was offered, or the promised
 *   one did not come.
 * - With XMPP and the nominated connection unharmed, both are done or none is,
 *   and of two that are not done at least one ended it by itself or both blame
 *   the network. The one exception: the sender's user cancelled, or its file
 *   changed, while the receiver's last word was on its way.
 * - Both sides of a transport go on with the two ends of one connection.
 * - The end of a file without a size is the end of its stream, whatever the
 *   reason: of these only undisturbed ones are looked at.
 * - With another client, done means that the file was published, unless the
 *   network broke: some report success on whatever arrived.
 * - A file that came in several sessions is published with equal bytes if there
 *   was a hash, even if its checksum was lost; and none is published twice.
 * - A file that both sides agreed to take up again, and of which something had come, is done
 *   in the end, whatever happened to XMPP and the processes, if some way lasts long enough.
 * - A transfer succeeds if nothing stands in its way, see is_required(), and for
 *   other clients the table in models/required.c.
 */
#include "proxy.h"
#include "world.h"

#include <stdarg.h>
#include <string.h>

#define LONGEST_TRANSFER (60 * SIM_SEC) /* what two of ours may take after the accept */

void
sim_violate (SimWorld *world, const char *format, ...)
{
  va_list args;

  if (world->violation)
    return;
  va_start (args, format);
  world->violation = g_strdup_vprintf (format, args);
  va_end (args);
}

/* --- nomination --- */

typedef struct
{
  char sid[SIM_SID_SIZE];
  SimEnd *ends[2];
} Nomination;

static Nomination *
find_nomination (SimWorld *world, const char *sid)
{
  for (guint i = 0; i < world->nominations->len; i++)
    {
      Nomination *nomination = &g_array_index (world->nominations, Nomination, i);

      if (strcmp (nomination->sid, sid) == 0)
        return nomination;
    }
  return NULL;
}

void
sim_nominations_clear (SimWorld *world)
{
  if (!world->nominations)
    world->nominations = g_array_new (FALSE, FALSE, sizeof (Nomination));
  g_array_set_size (world->nominations, 0);
}

void
sim_check_nomination (SimWorld *world, SimSide *side, const char *sid, SimEnd *end)
{
  Nomination *nomination = find_nomination (world, sid), added = { .ends = { NULL } };
  SimEnd *other, *far;

  if (!nomination && !end)
    return;
  if (!nomination)
    {
      g_strlcpy (added.sid, sid, sizeof added.sid);
      added.ends[side->index] = end;
      g_array_append_val (world->nominations, added);
      return;
    }
  nomination->ends[side->index] = end;
  other = nomination->ends[1 - side->index];
  if (!end || !other || end->stream.broken || other->stream.broken || (world->hits & SIM_HITS_WIRE))
    return;
  far = sim_end_far (end);
  if (far && far != other)
    sim_violate (world, "transport %s: the sides go on with different connections", sid);
}

/* --- is success required? --- */

static const SimCandidatePlan *
candidate_at (const SimSide *side, guint index)
{
  return &side->plan.candidates[index];
}

/* Somebody may connect to it, and then it is of no use. */
static gboolean
is_trap (SimWorld *world, const SimCandidatePlan *candidate)
{
  const SimProxyPlan *proxy;

  if (!candidate->proxy)
    return candidate->reach >= SIM_REACH_DIES_EARLY;
  proxy = sim_proxy_get_plan (world->proxies[candidate->which]);
  return proxy->activation != SIM_ACTIVATION_WORKS || proxy->drops_after > 0
         || proxy->reach[0] != proxy->reach[1];
}

static gboolean
works (SimWorld *world, const SimCandidatePlan *candidate)
{
  const SimProxyPlan *proxy;

  if (!candidate->proxy)
    return candidate->reach == SIM_REACH_WORKS;
  proxy = sim_proxy_get_plan (world->proxies[candidate->which]);
  return proxy->reach[0] == SIM_REACH_WORKS && proxy->reach[1] == SIM_REACH_WORKS;
}

static gboolean
tcp_works (SimWorld *world, FdPath paths)
{
  /* then late candidates reach the other side, and it waits for them */
  gboolean trickles = (world->sides[1 - world->sender].plan.extensions & FD_EXT_EOC) != 0, found = FALSE;

  for (guint i = 0; i < 2; i++)
    for (guint j = 0; j < world->sides[i].plan.n_candidates; j++)
      {
        const SimCandidatePlan *candidate = candidate_at (&world->sides[i], j);

        if (is_trap (world, candidate))
          return FALSE;
        if (world->sides[1 - i].plan.hidden)
          continue;
        if ((trickles || (candidate->late == 0 && world->sides[i].plan.gather_time == 0))
            && (paths & (candidate->proxy ? FD_PATH_SOCKS5_PROXY : FD_PATH_SOCKS5_DIRECT)))
          found |= works (world, candidate);
      }
  return found;
}

/* Two of ours: the users want it, nothing breaks, and there is a path. */
static gboolean
is_required (SimWorld *world, const SimFile *file)
{
  FdPath paths = world->sides[0].plan.paths & world->sides[1].plan.paths;

  if ((world->hits & (SIM_HITS_WIRE | SIM_HITS_TCP | SIM_HIT_SOURCE | SIM_HIT_NETWORK)) || file->hits)
    return FALSE;
  return (paths & FD_PATH_IBB) || tcp_works (world, paths);
}

/* Each connection to it brings the file further. */
static gboolean
lasts (SimWorld *world, const SimCandidatePlan *candidate)
{
  return !is_trap (world, candidate)
         || (!candidate->proxy && candidate->reach == SIM_REACH_DIES
             && candidate->dies_after >= 2 * SIM_BLOCK);
}

/* Two of ours that agreed to go on. */
static gboolean
must_go_on (SimWorld *world, const SimFile *file)
{
  FdPath paths = world->sides[0].plan.paths & world->sides[1].plan.paths;

  if (!file->agreed || !file->moved || file->restarts || file->hits || file->tries > SIM_MAX_TRIES
      || (world->hits & (SIM_HIT_SOURCE | SIM_HIT_CORRUPTED | SIM_HIT_DROPPED))) /* be it the accept */
    return FALSE;
  for (guint i = 0; i < 2; i++)
    for (guint j = 0; j < world->sides[i].plan.n_candidates; j++)
      if (!lasts (world, candidate_at (&world->sides[i], j)))
        return FALSE;
  return (paths & FD_PATH_IBB) != 0;
}

/* --- what both believe --- */

static const SimView *
sender_view (SimWorld *world, const SimFile *file)
{
  return &file->views[world->sender];
}

static const SimView *
receiver_view (SimWorld *world, const SimFile *file)
{
  return &file->views[1 - world->sender];
}

static void
check_bytes (SimWorld *world, const SimFile *file)
{
  const SimView *receiver = receiver_view (world, file);
  guint damage = world->hits & (SIM_HIT_CORRUPTED | SIM_HIT_SOURCE);

  if (!file->published || file->published_equal)
    return;
  if (file->hash == SIM_HASH_NONE)
    damage |= world->hits & SIM_HIT_DAMAGED;
  if (file->spliced && file->hash != SIM_HASH_NONE)
    sim_violate (world, "%s: what several sessions brought was published unequal", file->name);
  else if (!damage)
    sim_violate (world, "%s: unequal bytes were published", file->name);
  else if (world->sides[1 - world->sender].plan.kind != SIM_OURS)
    ; /* others hardly verify */
  else if (receiver->end == SIM_END_DONE && receiver->verified == FD_VERIFIED_OK)
    sim_violate (world, "%s: unequal bytes were verified", file->name);
  else if (file->hash == SIM_HASH_OFFERED)
    sim_violate (world, "%s: unequal bytes were published against the hash of the offer", file->name);
  else if (file->hash == SIM_HASH_CHECKSUM && world->sides[world->sender].plan.kind == SIM_OURS
           && !(world->hits & (SIM_HITS_WIRE | SIM_HIT_SOURCE | SIM_HIT_DIED)))
    sim_violate (world, "%s: unequal bytes were published against the checksum", file->name);
}

static gboolean
may_differ (SimWorld *world, const SimFile *file)
{
  const SimView *sender = sender_view (world, file);

  if (world->hits & (SIM_HITS_WIRE | SIM_HIT_DIED | SIM_HIT_STALLED))
    return TRUE;
  return sender->by == FD_BY_LOCAL && ((file->hits & SIM_HIT_CANCELLED) || (world->hits & SIM_HIT_SOURCE));
}

static void
check_agreement (SimWorld *world, const SimFile *file)
{
  const SimView *sender = sender_view (world, file), *receiver = receiver_view (world, file);
  gboolean sent = sender->end == SIM_END_DONE, received = receiver->end == SIM_END_DONE;

  if (sent && !file->published)
    sim_violate (world, "%s: the sender is done, the receiver has no file", file->name);
  else if (sent && !file->published_equal && !(world->hits & (SIM_HIT_CORRUPTED | SIM_HIT_DAMAGED)))
    sim_violate (world, "%s: the sender is done, the receiver has other bytes", file->name);
  else if (received && !file->published)
    sim_violate (world, "%s: the receiver is done without a file", file->name);
  else if (sent && !received && !(world->hits & SIM_HIT_KILLED))
    sim_violate (world, "%s: the sender is done, the receiver is not", file->name);
  else if (received && !sent && !may_differ (world, file))
    sim_violate (world, "%s: the receiver is done, the sender is not", file->name);
}

static gboolean
is_cancelled (SimWorld *world)
{
  guint hits = 0;

  for (guint i = 0; i < world->n_files; i++)
    hits |= world->files[i].hits;
  return hits & SIM_HIT_CANCELLED;
}

/* @one says that @other ended it. */
static void
check_blame (SimWorld *world, const SimFile *file, const SimView *one, const SimView *other)
{
  gboolean refused = one->end == SIM_END_REJECTED || one->end == SIM_END_CANCELLED;

  if (one->by != FD_BY_REMOTE)
    return;
  if (other->by == FD_BY_REMOTE)
    sim_violate (world, "%s: each blames the other", file->name);
  /* a cancel before the answer is how Gajim declines */
  if (one->end == SIM_END_REJECTED && !(file->hits & (SIM_HIT_REJECTED | SIM_HIT_CANCELLED)))
    sim_violate (world, "%s: rejected by nobody", file->name);
  if (one->end == SIM_END_CANCELLED && !is_cancelled (world))
    sim_violate (world, "%s: cancelled by nobody", file->name);
  if (other->by == FD_BY_LOCAL && (other->end == SIM_END_REJECTED || other->end == SIM_END_CANCELLED)
      && !refused)
    sim_violate (world, "%s: one side was not told that the other cancelled", file->name);
}

/* Who ended it is known to both. */
static void
check_reasons (SimWorld *world, const SimFile *file)
{
  const SimView *sender = sender_view (world, file), *receiver = receiver_view (world, file);

  if ((world->hits & (SIM_HITS_WIRE | SIM_HITS_TCP)) || receiver->begun == 0)
    return;
  check_blame (world, file, sender, receiver);
  check_blame (world, file, receiver, sender);
}

/* Another client: what it says is no proof, but what we say must be true. */
static void
check_success (SimWorld *world, const SimFile *file)
{
  if (file->views[0].end != SIM_END_DONE || (world->hits & (SIM_HITS_WIRE | SIM_HITS_TCP | SIM_HIT_MISCHIEF))
      || (file->hits & SIM_HIT_DISK))
    return;
  if (!file->published)
    sim_violate (world, "%s: we are done, there is no file", file->name);
  else if (!file->published_equal)
    sim_violate (world, "%s: we are done, the file has other bytes", file->name);
}

static gboolean
is_slow (SimWorld *world)
{
  return world->slow_tcp || world->sides[0].plan.relaxed || world->sides[1].plan.relaxed;
}

/* No timer is there for nothing: with a path, none but the short ones expire. */
static void
check_time (SimWorld *world, const SimFile *file)
{
  gint64 time = sender_view (world, file)->ended_at - file->accepted_at;

  world->coverage->longest = MAX (world->coverage->longest, (guint64) time);
  if (time > LONGEST_TRANSFER)
    sim_violate (world, "%s: it took %" G_GINT64_FORMAT " s", file->name, time / SIM_SEC);
}

static void
check_file (SimWorld *world, const SimFile *file)
{
  SimCoverage *coverage = world->coverage;
  guint kind = world->sides[1].plan.kind;
  gboolean required;

  for (guint i = 0; i < 2; i++)
    if (file->views[i].running > 0 && world->sides[i].plan.kind == SIM_OURS)
      sim_violate (world, "%s: %s does not end it", file->name, world->sides[i].jid);
  if (sender_view (world, file)->begun == 0 || (file->unsized && (world->hits || file->hits)))
    return;
  check_bytes (world, file);
  if (kind == SIM_OURS)
    {
      check_agreement (world, file);
      check_reasons (world, file);
    }
  else
    check_success (world, file);
  if (kind == SIM_OURS && must_go_on (world, file))
    {
      coverage->gone_on++;
      if (file->views[0].end != SIM_END_DONE || file->views[1].end != SIM_END_DONE)
        sim_violate (world, "%s: it was interrupted, could go on, and did not", file->name);
    }
  required = kind == SIM_OURS ? is_required (world, file) : sim_model_requires (world, file);
  coverage->required[kind][world->sender == 0] += required;
  if (!required)
    return;
  if (file->views[0].end != SIM_END_DONE)
    sim_violate (world, "%s: nothing stood in its way, and it failed", file->name);
  else if (kind == SIM_OURS && !is_slow (world))
    check_time (world, file);
}

void
sim_check_end (SimWorld *world)
{
  for (guint i = 0; i < 2; i++)
    if (world->sides[i].plan.kind == SIM_OURS && !world->sides[i].ops->is_idle (&world->sides[i]))
      sim_violate (world, "%s waits for something that does not come", world->sides[i].jid);
  for (guint i = 0; i < world->n_files; i++)
    check_file (world, &world->files[i]);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two negotiation machines against each other in a small world with a virtual
 * clock: random candidates, some of them late, reachability and delays. Both must
 * come to the same end, over a path if one works, and never sit without a deadline.
 */
#include "s5b/negotiation.h"

#include <string.h>

#define MS G_GINT64_CONSTANT (1000)
#define N_SEEDS 30000

typedef enum
{
  BOTH_DIAL, /* every candidate is reachable by its own chance */
  ONLY_INITIATOR_REACHABLE,
  ONLY_RESPONDER_REACHABLE,
  ONLY_PROXIES,
  NOTHING_REACHABLE,
  ACTIVATION_FAILS,
  N_WORLDS
} Kind;

/* How the parties treat candidates that are not found in time for the offer. */
typedef enum
{
  KEEP_LATE,
  TRICKLE_LATE,
  TRICKLE_MARKED,
  N_WAYS
} Way;

typedef struct
{
  FdS5bCandidate candidate;
  char cid[8];
  gboolean reachable;
  gint64 found; /* after the gathering began */
  gboolean told; /* to the peer */
} Offered;

typedef struct
{
  FdS5bNegotiation *n;
  Offered offered[FD_S5B_MAX_OFFERED];
  guint n_offered;
  gint64 channel_free; /* stanzas keep their order */
  guint known; /* of those offered, how many were found */
  guint unacked; /* stanzas with candidates */
  gboolean done; /* the peer has our mark */
  gboolean said_used, said_error;
  gboolean ended, connected;
  FdS5bSource source;
  FdS5bFailure failure;
  char cid[8];
} Party;

typedef struct World World;
typedef struct Happening Happening;

struct Happening
{
  gint64 when;
  guint serial;
  Party *to;
  void (*what) (World *world, Happening *happening);
  FdS5bEvent event;
  char cid[8];
  guint from, until; /* candidates of the other party */
  FdS5bMark mark;
};

struct World
{
  Party party[2]; /* initiator, responder */
  GRand *rand;
  Kind kind;
  Way way;
  gint64 now;
  guint serial;
  GSequence *agenda; /* Happening */
};

static int
compare (gconstpointer a, gconstpointer b, gpointer data)
{
  const Happening *left = a, *right = b;

  if (left->when != right->when)
    return left->when < right->when ? -1 : 1;
  return left->serial < right->serial ? -1 : 1;
}

static Happening *
plan_call (World *world, gint64 when, Party *to, void (*what) (World *world, Happening *happening))
{
  Happening *happening = g_new0 (Happening, 1);

  happening->when = when;
  happening->serial = world->serial++;
  happening->to = to;
  happening->what = what;
  g_sequence_insert_sorted (world->agenda, happening, compare, NULL);
  return happening;
}

static void happen (World *world, Party *party, const FdS5bEvent *event);

static void
call_event (World *world, Happening *happening)
{
  happen (world, happening->to, &happening->event);
}

static void
plan (World *world, gint64 when, Party *to, FdS5bEvent event)
{
  Happening *happening = plan_call (world, when, to, call_event);

  happening->event = event;
  g_strlcpy (happening->cid, event.cid ? event.cid : "", sizeof happening->cid);
  happening->event.cid = event.cid ? happening->cid : NULL;
}

static Party *
other (World *world, Party *party)
{
  return party == &world->party[0] ? &world->party[1] : &world->party[0];
}

static gint64
between (World *world, int from_ms, int to_ms)
{
  return g_rand_int_range (world->rand, from_ms, to_ms) * MS;
}

static gboolean
is_reachable (World *world, gboolean of_initiator, gboolean proxy)
{
  switch (world->kind)
    {
    case ONLY_INITIATOR_REACHABLE:
      return of_initiator && !proxy;
    case ONLY_RESPONDER_REACHABLE:
      return !of_initiator && !proxy;
    case ONLY_PROXIES:
    case ACTIVATION_FAILS:
      return proxy;
    case NOTHING_REACHABLE:
      return FALSE;
    case BOTH_DIAL:
    case N_WORLDS:
    default:
      return g_rand_boolean (world->rand);
    }
}

static int
by_time (gconstpointer a, gconstpointer b)
{
  const Offered *left = a, *right = b;

  return (left->found > right->found) - (left->found < right->found);
}

static void
populate (World *world, Party *party)
{
  gboolean initiator = party == &world->party[0];
  const FdS5bRules rules = { .initiator = initiator,
                             .trickle = world->way == TRICKLE_LATE,
                             .mark = initiator && world->way == TRICKLE_MARKED };

  party->n = fd_s5b_negotiation_new (&rules);
  party->n_offered = g_rand_int_range (world->rand, 0, FD_S5B_MAX_OFFERED + 1);
  for (guint i = 0; i < party->n_offered; i++)
    party->offered[i].found = g_rand_boolean (world->rand) ? 0 : between (world, 0, 9000);
  qsort (party->offered, party->n_offered, sizeof (Offered), by_time);
  for (guint i = 0; i < party->n_offered; i++)
    {
      Offered *offered = &party->offered[i];
      gboolean proxy = world->kind == ACTIVATION_FAILS || g_rand_boolean (world->rand);

      g_snprintf (offered->cid, sizeof offered->cid, "%c%u", initiator ? 'i' : 'r', i);
      offered->candidate.cid = offered->cid;
      offered->candidate.jid = (char *) "peer@example/x";
      offered->candidate.type = proxy ? FD_S5B_PROXY : FD_S5B_DIRECT;
      /* Few values: ties between the sides, and within one. */
      offered->candidate.priority = (proxy ? 100 : 200) + g_rand_int_range (world->rand, 0, 4);
      offered->reachable = is_reachable (world, initiator, proxy);
    }
}

static void
call_local (World *world, Happening *happening)
{
  Party *party = happening->to;
  const FdS5bEvent event
    = { .type = FD_S5B_EV_LOCAL, .candidate = &party->offered[party->known++].candidate };

  happen (world, party, &event);
}

static void
gather (World *world, Party *party)
{
  static const FdS5bEvent event = { .type = FD_S5B_EV_GATHER };
  gint64 last = 0;

  happen (world, party, &event);
  for (guint i = 0; i < party->n_offered; i++)
    {
      plan_call (world, world->now + party->offered[i].found, party, call_local);
      last = party->offered[i].found;
    }
  plan (world, world->now + last + between (world, 0, 100), party,
        (FdS5bEvent){ .type = FD_S5B_EV_GATHERED });
}

static Offered *
find (Party *party, const char *cid)
{
  for (guint i = 0; i < party->n_offered; i++)
    {
      if (g_str_equal (party->offered[i].cid, cid))
        return &party->offered[i];
    }
  g_assert_not_reached ();
}

/* The offerer's listener sees the socket before the dialer has the answer. */
static void
dial (World *world, Party *dialer, const char *cid)
{
  Party *offerer = other (world, dialer);
  const Offered *offered = find (offerer, cid);
  gboolean direct = offered->candidate.type != FD_S5B_PROXY;
  gint64 half = between (world, 0, 1500), answer = half + between (world, 0, 1500);

  if (!offered->reachable)
    {
      plan (world, world->now + between (world, 0, 10000), dialer,
            (FdS5bEvent){ .type = FD_S5B_EV_DIAL_FAILED, .cid = cid });
      return;
    }
  if (direct)
    plan (world, world->now + half, offerer, (FdS5bEvent){ .type = FD_S5B_EV_INCOMING, .cid = cid });
  plan (world, world->now + answer, dialer, (FdS5bEvent){ .type = FD_S5B_EV_DIALED, .cid = cid });
}

/* When a stanza that leaves now arrives. */
static gint64
channel (World *world, Party *from)
{
  gint64 arrival = world->now + between (world, 0, 2000);

  return from->channel_free = MAX (arrival, from->channel_free);
}

static void
call_acked (World *world, Happening *happening)
{
  static const FdS5bEvent event = { .type = FD_S5B_EV_ACKED };

  happening->to->unacked--;
  happen (world, happening->to, &event);
}

/* A stanza with candidates arrives. */
static void
call_candidates (World *world, Happening *happening)
{
  static const FdS5bEvent follow = { .type = FD_S5B_EV_REMOTE_FOLLOW },
                          done = { .type = FD_S5B_EV_REMOTE_DONE };
  Party *from = other (world, happening->to);

  plan_call (world, channel (world, happening->to), from, call_acked);
  for (guint i = happening->from; i < happening->until; i++)
    {
      const FdS5bEvent event = { .type = FD_S5B_EV_REMOTE, .candidate = &from->offered[i].candidate };

      from->offered[i].told = TRUE;
      happen (world, happening->to, &event);
    }
  if (happening->mark == FD_S5B_MARK_FOLLOW)
    happen (world, happening->to, &follow);
  if (happening->mark == FD_S5B_MARK_DONE)
    {
      from->done = TRUE;
      happen (world, happening->to, &done);
    }
}

static void
call_offer (World *world, Happening *happening)
{
  call_candidates (world, happening);
  gather (world, happening->to);
}

static void
call_answer (World *world, Happening *happening)
{
  static const FdS5bEvent start = { .type = FD_S5B_EV_START };

  call_candidates (world, happening);
  happen (world, happening->to, &start);
}

static void
offer (World *world, Party *party)
{
  gboolean initiator = party == &world->party[0];
  Happening *happening
    = plan_call (world, channel (world, party), other (world, party), initiator ? call_offer : call_answer);

  happening->until = party->known;
  if (world->way == TRICKLE_MARKED)
    happening->mark = fd_s5b_negotiation_is_complete (party->n) ? FD_S5B_MARK_DONE : FD_S5B_MARK_FOLLOW;
  party->unacked++;
  if (!initiator)
    plan (world, world->now, party, (FdS5bEvent){ .type = FD_S5B_EV_START });
}

static void
trickle (World *world, Party *party, const FdS5bAction *action)
{
  Happening *happening = plan_call (world, channel (world, party), other (world, party), call_candidates);

  g_assert_cmpint (world->way, !=, KEEP_LATE);
  if (action->cid)
    {
      happening->from = find (party, action->cid) - party->offered;
      happening->until = happening->from + 1;
    }
  happening->mark = action->last ? FD_S5B_MARK_DONE : FD_S5B_MARK_NONE;
  party->unacked++;
}

/* Each is said once, an error only when nothing is open any more. */
static void
transmit (World *world, Party *from, const FdS5bAction *action)
{
  g_assert_false (from->said_used && action->kind <= FD_S5B_CANDIDATE_ERROR);
  g_assert_false (from->said_error && action->kind == FD_S5B_CANDIDATE_ERROR);
  from->said_used |= action->kind == FD_S5B_CANDIDATE_USED;
  from->said_error |= action->kind == FD_S5B_CANDIDATE_ERROR;
  if (action->kind == FD_S5B_CANDIDATE_ERROR)
    {
      /* The answer proves that the offer is there. */
      g_assert_cmpuint (from->unacked, <=, from == &world->party[0] ? 1 : 0);
      g_assert_true (world->way != TRICKLE_MARKED || other (world, from)->done);
    }
  plan (world, channel (world, from), other (world, from),
        (FdS5bEvent){ .type = FD_S5B_EV_NOTIFIED, .kind = action->kind, .cid = action->cid });
}

static void
perform (World *world, Party *party, const FdS5bAction *action)
{
  g_assert_false (party->ended);
  switch (action->type)
    {
    case FD_S5B_DO_DIAL:
      dial (world, party, action->cid);
      break;
    case FD_S5B_DO_UNDIAL: /* an answer on its way still comes */
      break;
    case FD_S5B_DO_SEND:
      if (action->kind == FD_S5B_CANDIDATES)
        trickle (world, party, action);
      else
        transmit (world, party, action);
      break;
    case FD_S5B_DO_ACTIVATE:
      plan (world, world->now + between (world, 0, 3000), party,
            (FdS5bEvent){ .type = world->kind == ACTIVATION_FAILS ? FD_S5B_EV_ACTIVATION_FAILED
                                                                  : FD_S5B_EV_ACTIVATED });
      break;
    case FD_S5B_DO_CONNECTED:
      party->ended = party->connected = TRUE;
      party->source = action->source;
      g_strlcpy (party->cid, action->cid, sizeof party->cid);
      break;
    case FD_S5B_DO_FAILED:
      party->ended = TRUE;
      party->failure = action->failure;
      break;
    case FD_S5B_DO_READY:
      offer (world, party);
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
happen (World *world, Party *party, const FdS5bEvent *event)
{
  FdS5bAction *next;

  g_assert_true (fd_s5b_negotiation_feed (party->n, event, world->now));
  while ((next = fd_s5b_negotiation_next (party->n)))
    {
      g_autoptr (FdS5bAction) action = next;

      perform (world, party, action);
    }
}

/* The next event or deadline; FALSE if there is none. */
static gboolean
advance (World *world)
{
  static const FdS5bEvent time_event = { .type = FD_S5B_EV_TIME };
  GSequenceIter *first = g_sequence_get_begin_iter (world->agenda);
  gint64 next = g_sequence_iter_is_end (first) ? G_MAXINT64 : ((Happening *) g_sequence_get (first))->when;

  for (guint i = 0; i < 2; i++)
    {
      gint64 deadline = fd_s5b_negotiation_deadline (world->party[i].n);

      g_assert_true (deadline != G_MAXINT64 || world->party[i].ended
                     || fd_s5b_negotiation_get_state (world->party[i].n) < FD_S5B_NEGOTIATE);
      if (deadline < next)
        {
          world->now = MAX (world->now, deadline);
          happen (world, &world->party[i], &time_event);
          return TRUE;
        }
    }
  if (next == G_MAXINT64)
    return FALSE;

  Happening *happening = g_sequence_get (first);
  world->now = happening->when;
  happening->what (world, happening);
  g_sequence_remove (first);
  return TRUE;
}

static gboolean
has_path (World *world)
{
  for (guint p = 0; p < 2; p++)
    {
      for (guint i = 0; i < world->party[p].n_offered; i++)
        {
          if (world->party[p].offered[i].reachable && world->party[p].offered[i].told)
            return TRUE;
        }
    }
  return FALSE;
}

/* One end dialed, the other offered; of proxies the offerer activated. */
static void
assert_same_path (World *world)
{
  const Party *a = &world->party[0], *b = &world->party[1];
  const Party *dialer = a->source == FD_S5B_FROM_DIALED ? a : b, *offerer = dialer == a ? b : a;
  const Offered *offered;

  g_assert_cmpstr (a->cid, ==, b->cid);
  g_assert_cmpint (dialer->source, ==, FD_S5B_FROM_DIALED);
  offered = find ((Party *) offerer, offerer->cid);
  g_assert_true (offered->reachable);
  g_assert_cmpint (offerer->source, ==,
                   offered->candidate.type == FD_S5B_PROXY ? FD_S5B_FROM_ACTIVATED : FD_S5B_FROM_INCOMING);
}

static void
run_world (Kind kind, Way way, guint seed, gint64 *ret_took)
{
  World world = { .kind = kind, .way = way, .rand = g_rand_new_with_seed (seed), .now = G_USEC_PER_SEC };
  gint64 began = world.now, settled = 0;

  world.agenda = g_sequence_new (g_free);
  for (guint p = 0; p < 2; p++)
    populate (&world, &world.party[p]);
  gather (&world, &world.party[0]);

  while (advance (&world))
    {
      if (settled == 0 && world.party[0].ended && world.party[1].ended)
        settled = world.now;
    }

  g_assert_true (world.party[0].ended && world.party[1].ended);
  g_assert_cmpint (world.party[0].connected, ==, world.party[1].connected);
  if (kind == ACTIVATION_FAILS)
    g_assert_false (world.party[0].connected);
  else if (way != TRICKLE_LATE) /* there two errors may cross a candidate that would work */
    g_assert_cmpint (world.party[0].connected, ==, has_path (&world));
  if (world.party[0].connected)
    assert_same_path (&world);
  *ret_took = settled - began;

  g_sequence_free (world.agenda);
  g_rand_free (world.rand);
  for (guint p = 0; p < 2; p++)
    fd_s5b_negotiation_free (world.party[p].n);
}

static void
test_world (gconstpointer data)
{
  Kind kind = GPOINTER_TO_INT (data) / N_WAYS;
  Way way = GPOINTER_TO_INT (data) % N_WAYS;
  gint64 longest = 0;

  for (guint seed = 0; seed < N_SEEDS / N_WORLDS / N_WAYS; seed++)
    {
      gint64 took;

      g_test_message ("seed %u", seed);
      run_world (kind, way, seed, &took);
      longest = MAX (longest, took);
    }
  g_test_message ("longest negotiation: %" G_GINT64_FORMAT " ms of virtual time", longest / MS);
  /* Gathering, the slowest dials (10 s), the stanzas' ways, an activation: nobody
   * waited for one of the long timers, unless a crossing left one side in doubt. */
  g_assert_cmpint (longest, <, way == TRICKLE_LATE ? 80000 * MS : 35000 * MS);
}

int
main (int argc, char **argv)
{
  static const char *const names[N_WORLDS] = {
    [BOTH_DIAL] = "both-dial",
    [ONLY_INITIATOR_REACHABLE] = "only-initiator-reachable",
    [ONLY_RESPONDER_REACHABLE] = "only-responder-reachable",
    [ONLY_PROXIES] = "only-proxies",
    [NOTHING_REACHABLE] = "nothing-reachable",
    [ACTIVATION_FAILS] = "activation-fails",
  };
  static const char *const ways[N_WAYS] = { "keep-late", "trickle-late", "trickle-marked" };

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < N_WORLDS * N_WAYS; i++)
    {
      g_autofree char *path = g_strdup_printf ("/s5b-pair/%s/%s", names[i / N_WAYS], ways[i % N_WAYS]);

      g_test_add_data_func (path, GINT_TO_POINTER (i), test_world);
    }
  return g_test_run ();
}

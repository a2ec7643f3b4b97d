/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One run: two sides, their files, the network between them, what is planned to
 * happen, what did happen, and whether that was right.
 */
#pragma once

#include "clock.h"
#include "net.h"
#include "prng.h"
#include "s5b/negotiation.h"
#include "wire.h"

#define SIM_MAX_FILES 4
#define SIM_MAX_CANDIDATES 5 /* of a side */
#define SIM_N_PROXIES 3 /* of the first side, of the second, shared */
#define SIM_MAX_TROUBLES 6
#define SIM_MAX_EVENTS 60000
#define SIM_START (1000 * G_USEC_PER_SEC)
#define SIM_BLOCK 4096
#define SIM_MAX_TRIES 12 /* of a sender to go on with a file */
#define SIM_WINDOW (4 * SIM_BLOCK) /* of a TCP connection */

typedef enum
{
  SIM_OURS,
  SIM_DINO,
  SIM_IRIS,
  SIM_PSI_PLUS,
  SIM_GAJIM,
  SIM_CONVERSATIONS,
  SIM_CONVERSATIONS_OLD,
  SIM_SWIFT,
  SIM_N_KINDS
} SimKind;

extern const char *const sim_kind_names[SIM_N_KINDS];

/* --- what is planned --- */

typedef struct
{
  gboolean proxy;
  guint which; /* proxy: index into the world's */
  guint32 priority;
  SimReach reach; /* for the other side */
  guint64 dies_after;
  gint64 late; /* µs after gathering began */
} SimCandidatePlan;

typedef struct
{
  SimKind kind;
  SimCandidatePlan candidates[SIM_MAX_CANDIDATES];
  guint n_candidates;
  FdPath paths; /* that its user allows */
  gint64 gather_time; /* µs */
  FdExtensions extensions; /* that it advertises */
  gboolean knows_quirks; /* of the other */
  gboolean relaxed; /* a file takes long to publish */
  gboolean hidden; /* dials nothing that the peer names */
  gboolean mischief; /* a model that breaks the rules now and then */
  gboolean stock; /* Gajim: as it is, it cannot receive */
} SimSidePlan;

typedef enum
{
  SIM_ACTIVATION_WORKS,
  SIM_ACTIVATION_FORBIDDEN,
  SIM_ACTIVATION_MUTE,
  SIM_ACTIVATION_NOT_FOUND,
} SimActivation;

typedef enum
{
  SIM_TROUBLE_STREAM, /* of a side is lost; it is back after @length */
  SIM_TROUBLE_KILL, /* a side forgets everything; it is back after @length */
  SIM_TROUBLE_GONE, /* a side looks unavailable and is not */
  SIM_TROUBLE_DROP, /* a stanza of a side vanishes */
  SIM_TROUBLE_NETWORK, /* a side's transports that wait for an answer break */
  SIM_TROUBLE_BOUNCE, /* blocks of a side come back, to be sent again */
  SIM_TROUBLE_SLOW, /* stanzas of a side take @length more from now on */
  SIM_N_TROUBLES
} SimTroubleKind;

typedef struct
{
  SimTroubleKind kind;
  guint side;
  gint64 length; /* µs */
  gboolean presence; /* the other side is told */
  SimTimer timer;
  SimWorld *world;
  gboolean over;
} SimTrouble;

typedef enum
{
  SIM_HASH_NONE,
  SIM_HASH_OFFERED,
  SIM_HASH_CHECKSUM, /* promised, sent after the data */
} SimHash;

/* --- what happened --- */

typedef enum
{
  SIM_HIT_STREAM = 1 << 0,
  SIM_HIT_KILLED = 1 << 1,
  SIM_HIT_GONE = 1 << 2,
  SIM_HIT_DROPPED = 1 << 3,
  SIM_HIT_SLOW = 1 << 4,
  SIM_HIT_DIED = 1 << 5, /* a connection, after payload */
  SIM_HIT_STALLED = 1 << 6,
  SIM_HIT_CORRUPTED = 1 << 7,
  SIM_HIT_CANCELLED = 1 << 8,
  SIM_HIT_REJECTED = 1 << 9,
  SIM_HIT_DISK = 1 << 10,
  SIM_HIT_SOURCE = 1 << 11,
  SIM_HIT_UNANSWERED = 1 << 12, /* the receiver's user never looked */
  SIM_HIT_CRASHED = 1 << 13, /* a model, as the real client does */
  SIM_HIT_MISCHIEF = 1 << 14, /* a model breaks the rules */
  SIM_HIT_NETWORK = 1 << 15, /* a side lost its addresses */
  SIM_HIT_DAMAGED = 1 << 16, /* somebody wrote into a part */
} SimHits;

/* Hits that belong to the network as a whole. */
#define SIM_HITS_WIRE (SIM_HIT_STREAM | SIM_HIT_KILLED | SIM_HIT_GONE | SIM_HIT_DROPPED | SIM_HIT_SLOW)
#define SIM_HITS_TCP (SIM_HIT_DIED | SIM_HIT_STALLED | SIM_HIT_CORRUPTED)

typedef enum
{
  SIM_END_NONE,
  SIM_END_DONE,
  SIM_END_REJECTED,
  SIM_END_CANCELLED,
  SIM_END_FAILED,
} SimEndKind;

/* What one side thinks of one file. */
typedef struct
{
  guint begun; /* attempts */
  guint running;
  SimEndKind end; /* of the last attempt */
  FdEndedBy by;
  int code; /* FdErrorCode */
  FdVerified verified;
  gint64 ended_at; /* µs */
} SimView;

typedef struct
{
  SimWorld *world;
  guint index;
  char name[4];
  guint64 size;
  guint32 tag; /* of the bytes as offered */
  SimHash hash;
  gboolean unsized; /* its size is not told */
  guint hits; /* SimHits of this file */
  /* plan */
  gint64 answer_after; /* µs; -1: never */
  gboolean reject;
  gboolean busy; /* refused by policy at once */
  gint64 disk_full_at; /* bytes; -1: never */
  gint64 source_changes_at;
  gboolean unpublishable; /* the rename fails */
  SimTimer add; /* the sender's user offers it */
  SimTimer cancels[2]; /* that side's user */
  gboolean resumable; /* both sides are ours and have the extension */
  gboolean damage; /* once, between two sessions, somebody writes into the part */
  SimTimer again; /* the sender offers it once more, by itself */
  /* fact */
  SimView views[2];
  gboolean published, published_equal;
  gboolean spliced; /* what was published came in several sessions */
  gboolean agreed; /* the sender heard that the receiver keeps what it gets */
  gboolean taken; /* the receiver does, and asks nobody when it is offered again */
  guint64 part; /* bytes on the receiver's disk */
  gboolean part_unequal;
  guint tries; /* of the sender, after the first */
  guint restarts; /* at the first byte */
  guint redials; /* of the last try */
  gint64 accepted_at; /* µs */
  gboolean moved; /* some byte arrived … */
  gboolean moved_now; /* … of the last try */
} SimFile;

/* --- sides --- */

typedef struct
{
  void (*receive) (SimSide *side, SimStanza *request); /* it must be answered */
  void (*stream_lost) (SimSide *side);
  void (*stream_up) (SimSide *side);
  void (*peer_gone) (SimSide *side);
  void (*offer) (SimSide *side, SimFile *file);
  void (*cancel) (SimSide *side, SimFile *file);
  void (*network_changed) (SimSide *side);
  void (*vanish) (SimSide *side); /* frees everything, tells nobody */
  void (*check) (SimSide *side);
  gboolean (*is_idle) (SimSide *side);
} SimSideOps;

struct SimSide
{
  SimWorld *world;
  guint index;
  const SimSideOps *ops;
  gpointer self;
  SimSidePlan plan;
  const char *jid;
  gboolean online;
  SimChannel out;
  SimRequest *requests;
  guint32 last_id;
  gint64 extra_delay; /* µs, of its stanzas */
  gboolean drop_next, bounce_next;
  gint64 bounce_until;
};

typedef struct
{
  guint64 rows[FD_ROWS]; /* seeds */
  guint64 contents[FD_N_CONTENT_STATES]; /* events after which one was in it */
  guint64 sessions[FD_SESSION_ENDED + 1];
  guint64 negotiations[FD_S5B_FAILED + 1];
  guint64 failures[8];
  guint64 errors[FD_N_ERRORS];
  guint64 runs[SIM_N_KINDS][2]; /* the first side is ours, it sends or not */
  guint64 files[SIM_N_KINDS][2];
  guint64 done[SIM_N_KINDS][2];
  guint64 required[SIM_N_KINDS][2];
  guint64 paths[3]; /* direct, proxy, IBB */
  guint64 redials;
  guint64 tries, resumes, restarts, echoes; /* offers again, and what became of them */
  guint64 gone_on; /* files that had to be done after an interruption */
  guint64 events;
  guint64 longest; /* µs, from the accept; not a sum */
} SimCoverage;

struct SimWorld
{
  guint64 seed;
  SimPrng prng;
  SimClock clock;
  SimSide sides[2]; /* the first one is always ours */
  guint sender; /* index of the side that offers */
  SimFile files[SIM_MAX_FILES];
  guint n_files;
  SimProxy *proxies[SIM_N_PROXIES];
  SimTrouble troubles[SIM_MAX_TROUBLES];
  guint n_troubles;
  gboolean slow_tcp; /* bytes take seconds, stanzas do not */
  gboolean bounced;
  gboolean lossy; /* some stanzas are reordered against sockets by seconds */
  guint hits; /* SimHits */
  guint last_sid;
  FdRows rows;
  GArray *nominations;

  GArray *offers; /* SimOffer */
  SimConn *conns;
  SimSegment *free_segments;
  SimStanza *free_stanzas;
  guint live_sessions, live_contents, live_transports; /* of our driver */

  gboolean chart; /* print */
  char *violation; /* the first */
  SimCoverage *coverage;
};

#define SIM_NOW(world) ((world)->clock.now)
#define SIM_MSEC G_GINT64_CONSTANT (1000)
#define SIM_SEC G_GINT64_CONSTANT (1000000)

static inline SimSide *
sim_other (SimSide *side)
{
  return &side->world->sides[1 - side->index];
}

static inline guint
sim_below (SimWorld *world, guint n)
{
  return sim_prng_below (&world->prng, n);
}

static inline gboolean
sim_once_in (SimWorld *world, guint n)
{
  return sim_prng_once_in (&world->prng, n);
}

static inline gint64
sim_range (SimWorld *world, gint64 low, gint64 high)
{
  return sim_prng_range (&world->prng, low, high);
}

/* One way through the network. */
static inline gint64
sim_latency (SimWorld *world)
{
  return sim_range (world, 1 * SIM_MSEC, 60 * SIM_MSEC);
}

SimWorld *sim_world_new (SimCoverage *coverage);
void sim_world_free (SimWorld *world);
/* Runs @seed to its end; FALSE and world->violation if an invariant broke. */
gboolean sim_world_run (SimWorld *world, guint64 seed, gboolean chart);

/* Chooses everything about @world (scenario.c). */
void sim_scenario_choose (SimWorld *world);

/* --- invariants.c --- */
void sim_violate (SimWorld *world, const char *format, ...) G_GNUC_PRINTF (2, 3);
void sim_check_end (SimWorld *world);
void sim_nominations_clear (SimWorld *world);
/* @side's transport @sid goes on with @end; @end NULL: it is gone. */
void sim_check_nomination (SimWorld *world, SimSide *side, const char *sid, SimEnd *end);

/* --- files --- */
SimFile *sim_file_find (SimWorld *world, const char *name); /* NULL: none of ours */
void sim_file_begin (SimFile *file, SimSide *side);
void sim_file_end (SimFile *file, SimSide *side, SimEndKind end, FdEndedBy by, int code, FdVerified verified);
void sim_file_digest (FdHashAlgo algo, guint32 tag, guint64 length, gboolean corrupt, FdDigest *ret_digest);
FdFile *sim_file_describe (const SimFile *file);
/* A new sid, into SIM_SID_SIZE bytes. */
void sim_new_sid (SimWorld *world, const char *prefix, char *ret_sid);

/* --- chart.c: lines for --seed --- */
void sim_chart (SimSide *side, const char *format, ...) G_GNUC_PRINTF (2, 3);
void sim_chart_stanza (SimSide *from, const SimStanza *stanza);
void sim_chart_arrival (SimSide *to, const SimStanza *stanza, const char *what);
#define SIM_CHART(side, ...) \
  do \
    if ((side)->world->chart) \
      sim_chart ((side), __VA_ARGS__); \
  while (0)

extern const SimSideOps sim_ours_ops, sim_model_ops;
void sim_ours_init (SimSide *side);
void sim_ours_clear (SimSide *side);
void sim_model_init (SimSide *side);
void sim_model_clear (SimSide *side);
gboolean sim_model_requires (SimWorld *world, const SimFile *file); /* models/required.c */

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The network below XMPP: streams of bytes that carry what a file is made of
 * without its bytes, TCP connections with a fate, SOCKS5 candidates and dials.
 */
#pragma once

#include "clock.h"

#include <glib.h>

typedef struct SimWorld SimWorld;
typedef struct SimSide SimSide;
typedef struct SimProxy SimProxy;

/* --- streams --- */

/* A run of bytes of a file, or the end. */
typedef struct SimSegment SimSegment;
struct SimSegment
{
  SimSegment *next;
  gint64 when; /* it arrives */
  guint64 offset; /* in the file */
  guint32 bytes; /* 0: the end */
  guint32 tag; /* which bytes: of which file, in which version */
  gboolean corrupt;
};

typedef struct SimStream SimStream;

typedef struct
{
  guint64 (*room) (SimStream *stream); /* bytes that may be written now */
  void (*write) (SimStream *stream, const SimSegment *segment); /* copied */
  void (*shut) (SimStream *stream); /* no more will be written */
} SimStreamOps;

/* One end, as a pump sees it. */
struct SimStream
{
  const SimStreamOps *ops;
  SimWorld *world;
  SimSegment *head, *tail; /* arrived, not read */
  gboolean broken;
  void (*wake) (gpointer data); /* something to read, room to write, or broken; deferred by the callee */
  gpointer wake_data;
};

SimSegment *sim_segment_new (SimWorld *world, const SimSegment *from);
void sim_segment_free (SimWorld *world, SimSegment *segment);

void sim_stream_init (SimStream *stream, SimWorld *world, const SimStreamOps *ops);
void sim_stream_clear (SimStream *stream); /* drops what was not read */
void sim_stream_deliver (SimStream *stream, SimSegment *segment); /* takes it */
/* NULL: nothing yet. The caller frees it, unless it is the end, which stays. */
SimSegment *sim_stream_read (SimStream *stream);
void sim_stream_break (SimStream *stream);
gboolean sim_stream_is_dead (const SimStream *stream); /* broken, or the end is next */

/* --- connections --- */

typedef struct SimConn SimConn;

typedef struct
{
  SimStream stream; /* first: a stream can be cast */
  SimConn *conn;
  gboolean closed, shut;
  SimSegment *way, *way_tail; /* on the way to this end */
  SimTimer arrival;
  guint64 outstanding; /* bytes on the way or unread */
} SimEnd;

typedef struct
{
  guint64 dies_after; /* bytes; G_MAXUINT64: never */
  guint64 stalls_after;
  gint64 dies_in; /* µs after it was made; 0: never */
  guint corrupts; /* the segment with this number, from 1; 0: none */
} SimFate;

struct SimConn
{
  SimWorld *world;
  SimEnd ends[2];
  SimFate fate;
  SimTimer death;
  gboolean taken; /* it was nominated */
  guint64 passed; /* bytes */
  guint segments;
  SimConn *next; /* of the world's */
};

SimConn *sim_conn_new (SimWorld *world, const SimFate *fate);
SimEnd *sim_end_other (SimEnd *end);
/* The other end reads the end after what is on the way; the connection is freed with its second end. */
void sim_end_close (SimEnd *end);
/* The pair that this end belongs to if bytes pass now: through a proxy, the far end. */
SimEnd *sim_end_far (SimEnd *end);
/* It is the transport now: its death is a misfortune. */
void sim_end_take (SimEnd *end);
void sim_conns_free_all (SimWorld *world);

/* --- candidates --- */

/* A DST.ADDR, by who comes first in it. */
typedef enum
{
  SIM_DST_NONE,
  SIM_DST_INI, /* H(initiator, responder) */
  SIM_DST_RESP, /* H(responder, initiator) */
  SIM_DST_CID,
} SimDst;

#define SIM_MAX_DSTS 4

/* What meets somebody who dials a candidate. */
typedef enum
{
  SIM_REACH_WORKS,
  SIM_REACH_REFUSED,
  SIM_REACH_HANGS,
  SIM_REACH_MUTE, /* connects, never answers */
  SIM_REACH_DIES_EARLY, /* before the first byte of payload */
  SIM_REACH_DIES,
  SIM_REACH_STALLS,
  SIM_N_REACHES
} SimReach;

/* Something that can be dialed: registered under its cid while it can. */
typedef struct
{
  SimSide *side; /* whose candidate; NULL: not any more */
  gpointer owner; /* its transport */
  guint index; /* among its candidates */
  SimReach reach;
  guint64 dies_after;
  guint accepts; /* bits of SimDst */
  SimProxy *proxy; /* NULL: direct */
  void (*incoming) (gpointer owner, guint index, SimDst dst, SimEnd *end); /* the callee's now */
} SimOffer;

/* Returns the number N of its cid "cN". */
guint sim_offer_add (SimWorld *world, const SimOffer *offer);
void sim_offer_remove (SimWorld *world, guint number);
SimOffer *sim_offer_find (SimWorld *world, const char *cid); /* NULL: none */

/* --- dialing --- */

typedef struct
{
  SimSide *side;
  const char *sid; /* of the transport, for proxies; copied */
  const char *cid; /* copied */
  SimDst dsts[SIM_MAX_DSTS]; /* one connection each */
  guint n_dsts;
  guint patience_ms;
  gboolean takes_refusal; /* Gajim: whatever SOCKS says */
  /* @end: ours now, or NULL. The dial is gone already. */
  void (*done) (gpointer data, const char *cid, SimEnd *end);
  gpointer data;
} SimDialParams;

typedef struct SimDial SimDial;
SimDial *sim_dial_new (SimWorld *world, const SimDialParams *params);
void sim_dial_free (SimDial *dial); /* gives up; NULL is fine */

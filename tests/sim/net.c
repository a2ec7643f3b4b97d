/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams and TCP connections: what is written arrives in order and later, or
 * the connection dies, or it stalls.
 */
#include "net.h"
#include "world.h"

/* --- segments --- */

SimSegment *
sim_segment_new (SimWorld *world, const SimSegment *from)
{
  SimSegment *segment = world->free_segments;

  if (segment)
    world->free_segments = segment->next;
  else
    segment = g_new (SimSegment, 1);
  *segment = *from;
  segment->next = NULL;
  return segment;
}

void
sim_segment_free (SimWorld *world, SimSegment *segment)
{
  segment->next = world->free_segments;
  world->free_segments = segment;
}

/* --- streams --- */

void
sim_stream_init (SimStream *stream, SimWorld *world, const SimStreamOps *ops)
{
  *stream = (SimStream){ .ops = ops, .world = world };
}

static void
wake (SimStream *stream)
{
  if (stream->wake)
    stream->wake (stream->wake_data);
}

void
sim_stream_clear (SimStream *stream)
{
  SimSegment *segment;

  while ((segment = stream->head))
    {
      stream->head = segment->next;
      sim_segment_free (stream->world, segment);
    }
  stream->tail = NULL;
  stream->wake = NULL;
}

void
sim_stream_deliver (SimStream *stream, SimSegment *segment)
{
  segment->next = NULL;
  if (stream->tail)
    stream->tail->next = segment;
  else
    stream->head = segment;
  stream->tail = segment;
  wake (stream);
}

void
sim_stream_break (SimStream *stream)
{
  if (stream->broken)
    return;
  stream->broken = TRUE;
  wake (stream);
}

gboolean
sim_stream_is_dead (const SimStream *stream)
{
  return stream->broken || (stream->head && stream->head->bytes == 0);
}

/* --- connections --- */

static SimEnd *
end_of (SimStream *stream)
{
  return (SimEnd *) stream;
}

SimEnd *
sim_end_other (SimEnd *end)
{
  SimConn *conn = end->conn;

  return &conn->ends[end == &conn->ends[0]];
}

static guint64
end_room (SimStream *stream)
{
  guint64 outstanding = sim_end_other (end_of (stream))->outstanding;

  return outstanding >= SIM_WINDOW ? 0 : SIM_WINDOW - outstanding;
}

/* Puts a segment on the way to @end. */
static void
send_to (SimEnd *end, const SimSegment *from)
{
  SimWorld *world = end->conn->world;
  SimSegment *segment = sim_segment_new (world, from);

  segment->when = SIM_NOW (world) + sim_latency (world);
  if (world->slow_tcp)
    segment->when += sim_range (world, 0, 7 * SIM_SEC);
  if (end->way_tail)
    {
      segment->when = MAX (segment->when, end->way_tail->when);
      end->way_tail->next = segment;
    }
  else
    {
      end->way = segment;
      sim_timer_arm (&world->clock, &end->arrival, segment->when);
    }
  end->way_tail = segment;
}

static void
end_write (SimStream *stream, const SimSegment *segment)
{
  SimEnd *end = end_of (stream), *other = sim_end_other (end);

  if (stream->broken || end->shut)
    return;
  if (other->closed)
    {
      sim_stream_break (stream); /* a reset comes back */
      return;
    }
  other->outstanding += segment->bytes;
  send_to (other, segment);
}

static void
end_shut (SimStream *stream)
{
  SimEnd *end = end_of (stream), *other = sim_end_other (end);
  static const SimSegment eof = { .bytes = 0 };

  if (end->shut || stream->broken)
    return;
  end->shut = TRUE;
  if (!other->closed)
    send_to (other, &eof);
}

static const SimStreamOps end_ops = { .room = end_room, .write = end_write, .shut = end_shut };

static void
drop_way (SimEnd *end)
{
  SimSegment *segment;

  sim_timer_disarm (&end->conn->world->clock, &end->arrival);
  while ((segment = end->way))
    {
      end->way = segment->next;
      sim_segment_free (end->conn->world, segment);
    }
  end->way_tail = NULL;
}

static void
kill_conn (gpointer data)
{
  SimConn *conn = data;

  sim_timer_disarm (&conn->world->clock, &conn->death);
  if (conn->taken || conn->passed > 0)
    conn->world->hits |= SIM_HIT_DIED;
  for (guint i = 0; i < 2; i++)
    drop_way (&conn->ends[i]);
  for (guint i = 0; i < 2; i++)
    sim_stream_break (&conn->ends[i].stream);
}

static void
arrive (gpointer data)
{
  SimEnd *end = data;
  SimConn *conn = end->conn;
  SimSegment *segment = end->way;

  if (segment->bytes > 0 && conn->passed + segment->bytes > conn->fate.stalls_after)
    {
      conn->world->hits |= SIM_HIT_STALLED;
      return; /* for ever */
    }
  if (segment->bytes > 0 && conn->passed + segment->bytes > conn->fate.dies_after)
    {
      conn->taken = TRUE; /* payload is under way, whatever the other end knows */
      kill_conn (conn);
      return;
    }
  end->way = segment->next;
  if (!end->way)
    end->way_tail = NULL;
  else
    sim_timer_arm (&conn->world->clock, &end->arrival, end->way->when);
  conn->passed += segment->bytes;
  if (segment->bytes > 0 && ++conn->segments == conn->fate.corrupts)
    {
      segment->corrupt = TRUE;
      conn->world->hits |= SIM_HIT_CORRUPTED;
    }
  sim_stream_deliver (&end->stream, segment);
}

SimSegment *
sim_stream_read (SimStream *stream)
{
  SimSegment *segment = stream->head;

  if (!segment || segment->bytes == 0)
    return segment; /* the end stays the end */
  stream->head = segment->next;
  if (!stream->head)
    stream->tail = NULL;
  if (stream->ops == &end_ops)
    {
      SimEnd *end = end_of (stream);

      end->outstanding -= segment->bytes;
      if (!sim_end_other (end)->closed)
        wake (&sim_end_other (end)->stream);
    }
  return segment;
}

SimConn *
sim_conn_new (SimWorld *world, const SimFate *fate)
{
  SimConn *conn = g_new0 (SimConn, 1);

  conn->world = world;
  conn->fate = *fate;
  for (guint i = 0; i < 2; i++)
    {
      sim_stream_init (&conn->ends[i].stream, world, &end_ops);
      conn->ends[i].conn = conn;
      sim_timer_init (&conn->ends[i].arrival, arrive, &conn->ends[i]);
    }
  sim_timer_init (&conn->death, kill_conn, conn);
  if (fate->dies_in > 0)
    sim_timer_arm (&world->clock, &conn->death, SIM_NOW (world) + fate->dies_in);
  conn->next = world->conns;
  world->conns = conn;
  return conn;
}

static void
conn_free (SimConn *conn)
{
  SimConn **link = &conn->world->conns;

  while (*link != conn)
    link = &(*link)->next;
  *link = conn->next;
  sim_timer_disarm (&conn->world->clock, &conn->death);
  for (guint i = 0; i < 2; i++)
    {
      drop_way (&conn->ends[i]);
      sim_stream_clear (&conn->ends[i].stream);
    }
  g_free (conn);
}

void
sim_end_close (SimEnd *end)
{
  if (!end || end->closed)
    return;
  end_shut (&end->stream);
  end->closed = TRUE;
  drop_way (end);
  sim_stream_clear (&end->stream);
  if (sim_end_other (end)->closed)
    conn_free (end->conn);
}

void
sim_end_take (SimEnd *end)
{
  end->conn->taken = TRUE;
}

void
sim_conns_free_all (SimWorld *world)
{
  while (world->conns)
    conn_free (world->conns);
}

/* --- candidates --- */

guint
sim_offer_add (SimWorld *world, const SimOffer *offer)
{
  g_array_append_vals (world->offers, offer, 1);
  return world->offers->len - 1;
}

SimOffer *
sim_offer_find (SimWorld *world, const char *cid)
{
  guint64 number;
  SimOffer *offer;

  if (!cid || cid[0] != 'c' || !g_ascii_string_to_unsigned (cid + 1, 10, 0, G_MAXUINT, &number, NULL)
      || number >= world->offers->len)
    return NULL;
  offer = &g_array_index (world->offers, SimOffer, number);
  return offer->side ? offer : NULL;
}

void
sim_offer_remove (SimWorld *world, guint number)
{
  g_array_index (world->offers, SimOffer, number).side = NULL;
}

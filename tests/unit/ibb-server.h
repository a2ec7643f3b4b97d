/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model of the way from our in-band streams through a server and back, in virtual time.
 */
#pragma once

#include "ibb/window.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_USEC_PER_SEC
#define OVERHEAD 200
#define MAX_STREAMS 8

typedef enum
{
  SERVER_STEADY, /* so many bytes in a second, after a burst */
  SERVER_PAUSES, /* as Prosody: reads 8192 bytes at most, then pauses for them */
} ServerKind;

typedef struct
{
  ServerKind kind;
  double rate; /* bytes per second */
  double burst;
  gint64 rtt; /* of the path, without the server */
  gint64 nagle; /* what every second answer comes later */
} Server;

typedef struct
{
  FdIbbSender sender;
  gboolean idle; /* has nothing to send */
  gboolean stalled; /* its receiver does not answer */
  guint64 acked; /* bytes */
} Stream;

typedef struct
{
  Stream *stream;
  FdIbbBlock *block;
  gint64 at; /* when the answer is here */
} Answer;

typedef struct
{
  Server server;
  FdIbbShare share;
  Stream streams[MAX_STREAMS];
  guint n_streams;
  gint64 now;
  double tokens; /* of the burst */
  gint64 free_at; /* when the server has taken what it has */
  gsize next; /* bytes of its next read, which is then */
  guint answers_made;
  GQueue answers; /* Answer*, in order */
  gint64 worst_ping; /* of one that could have been sent at any time */
  gsize worst_queue;
} Way;

static inline void
way_init (Way *way, const Server *server, guint n_streams)
{
  *way = (Way){ .server = *server, .n_streams = n_streams, .now = 1000 * SECOND, .tokens = server->burst };
  way->free_at = way->now;
  g_queue_init (&way->answers);
  fd_ibb_share_init (&way->share);
  for (guint i = 0; i < n_streams; i++)
    fd_ibb_sender_init (&way->streams[i].sender, &way->share, &way->streams[i], 8192, OVERHEAD);
}

static inline void
way_count (gpointer data, gpointer user_data)
{
}

static inline void
way_clear (Way *way)
{
  for (guint i = 0; i < way->n_streams; i++)
    fd_ibb_sender_clear (&way->streams[i].sender, way_count, NULL);
  fd_ibb_share_clear (&way->share);
  g_queue_clear_full (&way->answers, g_free);
}

static inline gint64
time_of (const Way *way, double bytes)
{
  return bytes / way->server.rate * SECOND;
}

/* It reads what has come meanwhile in one piece, and pauses for that. */
static inline gint64
read_and_pause (Way *way, gsize bytes, gint64 arrives)
{
  while (way->next > 0 && (arrives > way->free_at || way->next + bytes > 8192))
    {
      way->free_at += time_of (way, way->next);
      way->next = 0;
    }
  if (arrives >= way->free_at)
    {
      way->free_at = arrives + time_of (way, bytes);
      return arrives;
    }
  way->next += bytes;
  return way->free_at;
}

static inline gint64
read_steadily (Way *way, gsize bytes, gint64 arrives)
{
  if (arrives > way->free_at)
    {
      way->tokens
        = MIN (way->server.burst, way->tokens + way->server.rate * (arrives - way->free_at) / SECOND);
      way->free_at = arrives;
    }
  way->tokens -= bytes;
  if (way->tokens < 0)
    {
      way->free_at += time_of (way, -way->tokens);
      way->tokens = 0;
    }
  return way->free_at;
}

/* When the server has @bytes that are sent now. */
static inline gint64
way_read (Way *way, gsize bytes)
{
  gint64 arrives = way->now + way->server.rtt / 2;

  return way->server.kind == SERVER_PAUSES ? read_and_pause (way, bytes, arrives)
                                           : read_steadily (way, bytes, arrives);
}

/* What else would find on its way now. */
static inline void
way_ping (Way *way)
{
  Way copy = *way;
  gint64 delay = way_read (&copy, 200) - way->now;

  way->worst_ping = MAX (way->worst_ping, delay + way->server.rtt / 2);
  way->worst_queue = MAX (way->worst_queue, way->server.rate * (delay - way->server.rtt / 2) / SECOND);
}

static inline void
way_send (Way *way, Stream *stream)
{
  gsize stanza;
  Answer *answer = g_new0 (Answer, 1);
  gint64 read;

  fd_ibb_sender_get_size (&stream->sender, &stanza);
  read = way_read (way, stanza);
  answer->stream = stream;
  answer->block = fd_ibb_sender_add (&stream->sender, stanza, NULL, way->now);
  answer->at = read + way->server.rtt / 2 + MS / 2 + (way->answers_made++ % 2 ? way->server.nagle : 0);
  if (way->answers.tail)
    answer->at = MAX (answer->at, ((Answer *) way->answers.tail->data)->at);
  if (stream->stalled)
    g_free (answer);
  else
    g_queue_push_tail (&way->answers, answer);
  way_ping (way);
}

static inline void
way_fill (Way *way, Stream *stream)
{
  while (!stream->idle && fd_ibb_sender_may_send (&stream->sender))
    way_send (way, stream);
}

static inline void
way_let_send (Way *way)
{
  FdIbbSender *sender;

  while ((sender = fd_ibb_share_next (&way->share)))
    way_fill (way, sender->owner);
}

/* Lets all send whatever they may for a while. Returns bytes per second, of whole stanzas. */
static inline double
way_run (Way *way, gint64 duration)
{
  gint64 start = way->now, end = start + duration;
  guint64 bytes = 0;

  for (guint i = 0; i < way->n_streams; i++)
    way_fill (way, &way->streams[i]);
  for (Answer *answer; (answer = g_queue_peek_head (&way->answers)) && answer->at <= end;)
    {
      g_queue_pop_head (&way->answers);
      way->now = MAX (way->now, answer->at);
      bytes += answer->block->bytes;
      answer->stream->acked += answer->block->bytes;
      g_assert_true (fd_ibb_sender_acked (&answer->stream->sender, answer->block, way->now));
      way_fill (way, answer->stream);
      way_let_send (way);
      g_free (answer);
    }
  way->now = end;
  return bytes / ((double) duration / SECOND);
}

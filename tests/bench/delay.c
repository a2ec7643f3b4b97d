/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A long link: connections to the port that it tells reach the server's port, and every byte comes out
 * later by a fixed time, in both directions, however many there are.
 *
 *   delay SERVER-PORT MICROSECONDS
 */
#include "end.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_SIZE (64 * 1024)

typedef struct
{
  gint64 due;
  gsize length, done; /* nothing: the end of the direction */
  char data[];
} Chunk;

/* One direction of one connection. */
typedef struct
{
  int from, to;
  GQueue chunks;
  gboolean ended, blocked;
} Pipe;

static GPtrArray *pipes; /* kept for the life of the program: some dozens */
static gint64 delay_us;

static void
add_pipe (int from, int to)
{
  Pipe *pipe = g_new0 (Pipe, 1);

  setsockopt (to, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  pipe->from = from;
  pipe->to = to;
  g_ptr_array_add (pipes, pipe);
}

static void
take_connection (int listener, guint16 server)
{
  int client = accept (listener, NULL, NULL);
  int other;

  if (client < 0)
    die ("accept");
  other = end_connect (server);
  add_pipe (client, other);
  add_pipe (other, client);
}

static void
read_chunk (Pipe *pipe)
{
  static char buffer[CHUNK_SIZE];
  ssize_t n = recv (pipe->from, buffer, sizeof buffer, MSG_DONTWAIT);
  Chunk *chunk;

  if (n < 0 && errno == EAGAIN)
    return;
  pipe->ended = n <= 0;
  n = MAX (n, 0);
  chunk = g_malloc (sizeof *chunk + n);
  *chunk = (Chunk){ .due = g_get_monotonic_time () + delay_us, .length = n };
  memcpy (chunk->data, buffer, n);
  g_queue_push_tail (&pipe->chunks, chunk);
}

static void
write_chunks (Pipe *pipe)
{
  Chunk *chunk;

  while (!pipe->blocked && (chunk = g_queue_peek_head (&pipe->chunks))
         && chunk->due <= g_get_monotonic_time ())
    {
      ssize_t n = send (pipe->to, chunk->data + chunk->done, chunk->length - chunk->done,
                        MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n < 0 && errno == EAGAIN)
        pipe->blocked = TRUE;
      else if (n > 0)
        chunk->done += n;
      if (chunk->length == 0)
        shutdown (pipe->to, SHUT_WR);
      if (n < 0 ? !pipe->blocked : chunk->done == chunk->length)
        g_free (g_queue_pop_head (&pipe->chunks));
    }
}

static gint64
next_due (void)
{
  gint64 due = G_MAXINT64;

  for (guint i = 0; i < pipes->len; i++)
    {
      Pipe *pipe = pipes->pdata[i];
      Chunk *chunk = g_queue_peek_head (&pipe->chunks);

      if (chunk && !pipe->blocked)
        due = MIN (due, chunk->due);
    }
  return due;
}

/* Until something can be read, what was full has room, or the next chunk is due. */
static void
wait_and_move (int listener, guint16 server)
{
  guint count = pipes->len;
  g_autofree struct pollfd *fds = g_new0 (struct pollfd, 1 + 2 * count);
  gint64 due = next_due ();
  gint64 now = g_get_monotonic_time ();
  gint64 left = due == G_MAXINT64 ? 0 : MAX (due - now, 0);
  struct timespec timeout = { left / G_USEC_PER_SEC, left % G_USEC_PER_SEC * 1000 };

  fds[0] = (struct pollfd){ listener, POLLIN, 0 };
  for (guint i = 0; i < count; i++)
    {
      Pipe *pipe = pipes->pdata[i];

      fds[1 + 2 * i] = (struct pollfd){ pipe->ended ? -1 : pipe->from, POLLIN, 0 };
      fds[2 + 2 * i] = (struct pollfd){ pipe->blocked ? pipe->to : -1, POLLOUT, 0 };
    }
  if (ppoll (fds, 1 + 2 * count, due == G_MAXINT64 ? NULL : &timeout, NULL) < 0)
    die ("ppoll");
  for (guint i = 0; i < count; i++)
    {
      Pipe *pipe = pipes->pdata[i];

      if (fds[1 + 2 * i].revents)
        read_chunk (pipe);
      if (fds[2 + 2 * i].revents)
        pipe->blocked = FALSE;
      write_chunks (pipe);
    }
  if (fds[0].revents)
    take_connection (listener, server);
}

int
main (int argc, char **argv)
{
  guint16 port;
  int listener;

  if (argc != 3)
    {
      fprintf (stderr, "usage: %s SERVER-PORT MICROSECONDS\n", argv[0]);
      return 2;
    }
  delay_us = strtoll (argv[2], NULL, 10);
  pipes = g_ptr_array_new ();
  listener = end_listen (&port);
  tell ("port %u", port);
  for (;;)
    wait_and_move (listener, atoi (argv[1]));
}

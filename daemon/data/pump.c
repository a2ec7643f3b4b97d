/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Moves the bytes of one transfer between a file and a connected stream socket
 * on a thread of its own, hashing them on the way.
 */
#include "base/error.h"
#include "base/fd.h"
#include "data/pump-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* Measured with two processes on two cores, TCP over loopback, tmpfs, sha-256 at both ends, medians of 7 to
 * 15 alternating runs, in CPU seconds per GB, of which 0.6 are the hash. The pump costs what a plain loop of
 * read, send, recv and write does.
 *
 * Kept: 256 KiB for the sender (1.0; 1.07 with 512 and more, which leave the cache before they are hashed),
 * 512 KiB for the receiver (1.1; 1.35 with 256, 1.04 with 1 MiB; a sixth more goodput than with 256), and
 * the hash after the send.
 *
 * Did not pay: sending from a mapped file (1.8 to 2.2, with MSG_ZEROCOPY 1.9), sendfile() or splice() with a
 * second read for the hash (1.0 and 1.5), receiving into a mapped file (3.8 to 5.3), SO_RCVLOWAT, huge pages.
 * A large SO_SNDBUF or SO_RCVBUF saves a tenth here, but takes the kernel's tuning from long links.
 * fallocate() is neutral on tmpfs. Both cores are busy, so a thread for the hash has nowhere to run; and with
 * four system calls per half a megabyte io_uring has nothing to save. */
#define SEND_SIZE (256 * 1024)
#define RECEIVE_SIZE (512 * 1024)
#define PAGE_SIZE 4096

/* For each buffer sent, this much of what the peer has is hashed. */
#define CATCH_UP_SIZE (4 * SEND_SIZE)

/* A limit that is changed is felt by those that wait after this time at most. */
#define LIMIT_CHECK_MS 250

/* The bytes ended: is that the end that was agreed? */
static gboolean
check_end (FdPump *pump)
{
  if (pump->params.length < 0)
    return TRUE;
  if (pump->sink)
    fd_pump_set_stream_error (pump, 0);
  else
    g_set_error (&pump->error, FD_ERROR, FD_ERROR_SOURCE_CHANGED,
                 "The file ended after %" G_GUINT64_FORMAT
                 " bytes, but more had been offered; offer it again",
                 pump->params.offset + pump->bytes);
  return FALSE;
}

/* The digest is of the whole file, but the peer may have the first part: that is read and hashed
 * beside the sending, in small steps, so that nobody waits for it. FALSE with the error set. */
static gboolean
hash_source (FdPump *pump, guint64 end)
{
  while (pump->hashed < end)
    {
      gssize n
        = fd_source_read (pump->source, pump->hashed, pump->buffer, MIN (SEND_SIZE, end - pump->hashed));

      if (!fd_pump_check_stop (pump))
        return FALSE;
      if (n == 0)
        return check_end (pump);
      if (n < 0 && errno != EINTR)
        {
          fd_pump_set_source_error (pump, errno);
          return FALSE;
        }
      if (n > 0)
        {
          fd_hash_update (pump->hash, pump->buffer, n);
          pump->hashed += n;
        }
    }
  return TRUE;
}

/* The buffer was sent. */
static gboolean
hash_sent (FdPump *pump, gsize length)
{
  guint64 sent = pump->params.offset + pump->bytes;

  if (!pump->hash)
    return TRUE;
  if (pump->hashed != sent - length)
    return hash_source (pump, MIN (sent, pump->hashed + CATCH_UP_SIZE));
  fd_hash_update (pump->hash, pump->buffer, length);
  pump->hashed += length;
  return TRUE;
}

static gboolean
is_throttled (FdPump *pump, guint64 ret_rates[FD_PUMP_THROTTLES])
{
  gboolean throttled = FALSE;

  for (guint i = 0; i < FD_PUMP_THROTTLES; i++)
    {
      ret_rates[i] = pump->params.throttles[i] ? fd_throttle_get_rate (pump->params.throttles[i]) : 0;
      throttled = throttled || ret_rates[i] > 0;
    }
  return throttled;
}

/* Until the turn comes, somebody stops the pump, or a limit is changed. */
static gboolean
wait_for_turn (FdPump *pump, gint64 until, const guint64 rates[FD_PUMP_THROTTLES])
{
  guint64 now_rates[FD_PUMP_THROTTLES];
  gint64 left;

  while ((left = until - g_get_monotonic_time ()) > 0)
    {
      struct pollfd wake = { pump->wake, POLLIN, 0 };

      poll (&wake, 1, MIN ((left + 999) / 1000, LIMIT_CHECK_MS));
      if (!fd_pump_check_stop (pump))
        return FALSE;
      is_throttled (pump, now_rates);
      if (memcmp (rates, now_rates, sizeof now_rates) != 0)
        break;
    }
  return TRUE;
}

static void
give_back (FdPump *pump, gsize unused)
{
  for (guint i = 0; unused > 0 && i < FD_PUMP_THROTTLES; i++)
    if (pump->params.throttles[i])
      fd_throttle_give_back (pump->params.throttles[i], unused);
}

/* How many of @wanted bytes may move now; 0 if the pump is to end. There is something to
 * move, so that nobody else waits for those that we take. */
static gsize
take_turn (FdPump *pump, gsize wanted)
{
  guint64 rates[FD_PUMP_THROTTLES];
  gint64 now = g_get_monotonic_time (), longest = 0;

  if (!is_throttled (pump, rates))
    return wanted;
  if (pump->sink && !fd_pump_wait_for (pump, pump->params.stream, POLLIN, fd_sink_get_fd (pump->sink)))
    return 0;
  for (guint i = 0; i < FD_PUMP_THROTTLES; i++)
    if (rates[i] > 0)
      {
        gint64 wait;
        gsize taken = fd_throttle_take (pump->params.throttles[i], wanted, now, &wait);

        for (guint j = 0; j < i; j++)
          if (rates[j] > 0)
            fd_throttle_give_back (pump->params.throttles[j], wanted - taken);
        wanted = taken;
        longest = MAX (longest, wait);
      }
  if (wait_for_turn (pump, now + longest, rates))
    return wanted;
  give_back (pump, wanted);
  return 0;
}

static gsize
buffer_size (FdPump *pump)
{
  return pump->source ? SEND_SIZE : RECEIVE_SIZE;
}

/* Moves all bytes, in pieces of the buffer. */
static gboolean
move (FdPump *pump)
{
  const gsize size = buffer_size (pump);

  while (pump->params.length < 0 || pump->bytes < (guint64) pump->params.length)
    {
      gsize wanted = pump->params.length < 0 ? size : MIN (size, (guint64) pump->params.length - pump->bytes);
      gssize n;

      if (!fd_pump_check_stop (pump))
        return FALSE;
      wanted = take_turn (pump, wanted);
      if (wanted == 0)
        return FALSE;
      n = pump->source ? fd_pump_read_source (pump, wanted) : fd_pump_read_stream (pump, wanted);
      give_back (pump, wanted - MAX (n, 0));
      if (n < 0)
        return FALSE;
      if (n == 0)
        return check_end (pump);
      /* The hash comes last, so that the peer has something to do meanwhile. */
      if (!(pump->source ? fd_pump_write_stream (pump, n) && hash_sent (pump, n)
                         : fd_pump_write_sink (pump, n)))
        return FALSE;
    }
  return !pump->hash || hash_source (pump, pump->params.offset + pump->bytes);
}

static gboolean
send_all (FdPump *pump)
{
  if (fd_source_is_seekable (pump->source))
    posix_fadvise (fd_source_get_fd (pump->source), pump->params.offset, 0, POSIX_FADV_SEQUENTIAL);
  if (!fd_source_check (pump->source, &pump->error) || !move (pump)
      || !fd_source_check (pump->source, &pump->error))
    return FALSE;
  if (pump->params.half_close && shutdown (pump->params.stream, SHUT_WR) < 0)
    {
      fd_pump_set_stream_error (pump, errno);
      return FALSE;
    }
  return TRUE;
}

/* A sender that goes on after the size it offered means another file. */
static gboolean
check_surplus (FdPump *pump)
{
  char byte;

  if (pump->params.length < 0 || recv (pump->params.stream, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
    return TRUE;
  g_set_error_literal (&pump->error, FD_ERROR, FD_ERROR_PROTOCOL,
                       "The peer sends more bytes than it offered; ask for the file again");
  return FALSE;
}

static gboolean
receive_all (FdPump *pump)
{
  guint64 end = pump->params.offset + MAX (pump->params.length, 0);
  gint64 size = pump->params.length < 0 ? -1 : (gint64) MIN (end, G_MAXINT64);

  return fd_sink_open (pump->sink, size, &pump->error)
         && fd_sink_truncate (pump->sink, pump->params.offset, &pump->error)
         && fd_sink_hash (pump->sink, pump->params.algo, pump->params.offset, NULL, &pump->error)
         && move (pump) && check_surplus (pump);
}

static gboolean
on_finished (gpointer data)
{
  FdPump *pump = data;

  if (pump->thread)
    g_thread_join (pump->thread);
  pump->finished = TRUE;
  pump->done (pump, &pump->result, pump->data); /* may free it */
  return G_SOURCE_REMOVE;
}

/* Not g_main_context_invoke(), which would run it here if no loop runs at the moment. */
static void
finish (FdPump *pump)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  pump->result.bytes = pump->bytes;
  pump->result.error = pump->error;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_finished, pump, NULL);
  g_source_attach (source, NULL);
}

static gpointer
run (gpointer data)
{
  FdPump *pump = data;
  sigset_t all;

  /* Signals are the main thread's. The two that a write can raise in this one, SIGPIPE and SIGXFSZ, are
   * errors of the call as well. */
  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL);

  pump->buffer = g_aligned_alloc (1, buffer_size (pump), PAGE_SIZE);
  pump->result.complete = pump->source ? send_all (pump) : receive_all (pump);
  g_clear_pointer (&pump->buffer, g_aligned_free);
  if (pump->result.complete && pump->sink)
    fd_sink_get_digest (pump->sink, &pump->result.digest);
  else if (pump->result.complete && pump->hash)
    fd_hash_get_digest (pump->hash, &pump->result.digest);
  finish (pump);
  return NULL;
}

static FdPump *
start (FdPump pump)
{
  FdPump *self = g_memdup2 (&pump, sizeof pump);

  if (self->source)
    self->hash = fd_hash_new (pump.params.algo);
  for (guint i = 0; i < FD_PUMP_THROTTLES; i++)
    if (pump.params.throttles[i])
      fd_throttle_ref (pump.params.throttles[i]);

  self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->wake >= 0)
    self->thread = g_thread_try_new ("pump", run, self, NULL);
  if (!self->thread)
    {
      g_set_error_literal (&self->error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                           "No descriptor or thread is left for another transfer");
      finish (self);
    }
  return self;
}

FdPump *
fd_pump_send (FdSource *source, const FdPumpParams *params, FdPumpDone done, gpointer data)
{
  return start ((FdPump){ .source = fd_source_ref (source), .params = *params, .done = done, .data = data });
}

FdPump *
fd_pump_receive (FdSink *sink, const FdPumpParams *params, FdPumpDone done, gpointer data)
{
  return start ((FdPump){ .sink = fd_sink_ref (sink), .params = *params, .done = done, .data = data });
}

guint64
fd_pump_get_bytes (FdPump *pump)
{
  return __atomic_load_n (&pump->bytes, __ATOMIC_RELAXED);
}

void
fd_pump_stop (FdPump *pump)
{
  g_atomic_int_set (&pump->stop, TRUE);
  eventfd_write (pump->wake, 1);
}

void
fd_pump_free (FdPump *pump)
{
  g_return_if_fail (pump->finished);

  g_clear_pointer (&pump->source, fd_source_unref);
  g_clear_pointer (&pump->sink, fd_sink_unref);
  g_clear_pointer (&pump->hash, fd_hash_free);
  for (guint i = 0; i < FD_PUMP_THROTTLES; i++)
    g_clear_pointer (&pump->params.throttles[i], fd_throttle_unref);
  g_clear_error (&pump->error);
  fd_close (&pump->wake);
  g_free (pump);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two ends of a pump: reads and writes of the file and of the stream, and
 * what it means when one of them fails.
 */
#include "base/error.h"
#include "data/pump-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

/* Written bytes go to the disk while more arrive. Else the kernel gathers gigabytes, and the fsync() at the
 * end takes longer than the peer's patience (Swift gives us 5 s). For 2 GB on this disk: 0.3 s, not 1.1. */
#define WRITE_OUT_SIZE (8 * 1024 * 1024)

gboolean
fd_pump_check_stop (FdPump *pump)
{
  if (!g_atomic_int_get (&pump->stop))
    return TRUE;
  g_set_error_literal (&pump->error, FD_ERROR, FD_ERROR_CANCELLED, "The transfer was stopped");
  return FALSE;
}

void
fd_pump_set_stream_error (FdPump *pump, int errnum)
{
  g_set_error (&pump->error, FD_ERROR, FD_ERROR_CONNECTION_FAILED,
               "The connection to the peer broke after %" G_GUINT64_FORMAT " bytes: %s",
               fd_pump_get_bytes (pump), errnum ? g_strerror (errnum) : "the peer closed it");
}

static void
set_sink_error (FdPump *pump, int errnum)
{
  if (errnum == EPIPE || errnum == ECONNRESET)
    g_set_error_literal (&pump->error, FD_ERROR, FD_ERROR_WRITE_FAILED,
                         "The program that reads the received bytes closed its end");
  else if (errnum == ESPIPE)
    g_set_error_literal (&pump->error, FD_ERROR, FD_ERROR_WRITE_FAILED,
                         "The descriptor got some of the bytes already, and a pipe cannot start again");
  else
    fd_error_set_errno (&pump->error, errnum, FD_ERROR_WRITE_FAILED, "Cannot write the received bytes");
}

void
fd_pump_set_source_error (FdPump *pump, int errnum)
{
  if (errnum == ESPIPE)
    g_set_error_literal (&pump->error, FD_ERROR, FD_ERROR_READ_FAILED,
                         "The descriptor was read already, and a pipe cannot start again");
  else
    fd_error_set_errno (&pump->error, errnum, FD_ERROR_READ_FAILED, "Cannot read the file");
}

gboolean
fd_pump_wait_for (FdPump *pump, int fd, short events, int other)
{
  struct pollfd fds[] = { { fd, events, 0 }, { pump->wake, POLLIN, 0 }, { other, 0, 0 } };

  while (fd_pump_check_stop (pump))
    {
      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
        {
          if (errno == EINTR)
            continue;
          g_error ("poll: %s", g_strerror (errno)); /* only for a bad argument */
        }
      if (fds[0].revents)
        return TRUE;
      if (!fds[2].revents)
        continue;
      if (pump->source)
        fd_pump_set_stream_error (pump, 0);
      else
        set_sink_error (pump, EPIPE);
      return FALSE;
    }
  return FALSE;
}

gssize
fd_pump_read_source (FdPump *pump, gsize wanted)
{
  int fd = fd_source_get_fd (pump->source);

  for (;;)
    {
      gssize n;

      if (!fd_source_is_seekable (pump->source) && !fd_pump_wait_for (pump, fd, POLLIN, pump->params.stream))
        return -1;
      n = fd_source_read (pump->source, pump->params.offset + pump->bytes, pump->buffer, wanted);
      if (n >= 0)
        return n;
      if (errno != EINTR && errno != EAGAIN)
        {
          fd_pump_set_source_error (pump, errno);
          return -1;
        }
    }
}

gboolean
fd_pump_write_stream (FdPump *pump, gsize length)
{
  for (gsize done = 0; done < length;)
    {
      gssize n = send (pump->params.stream, pump->buffer + done, length - done, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n >= 0)
        {
          done += n;
          __atomic_fetch_add (&pump->bytes, n, __ATOMIC_RELAXED);
        }
      else if (errno == EAGAIN)
        {
          if (!fd_pump_wait_for (pump, pump->params.stream, POLLOUT, -1))
            return FALSE;
        }
      else if (errno != EINTR)
        {
          fd_pump_set_stream_error (pump, errno);
          return FALSE;
        }
    }
  return TRUE;
}

gssize
fd_pump_read_stream (FdPump *pump, gsize wanted)
{
  gsize got = 0;

  while (got < wanted && !pump->stream_failed)
    {
      gssize n = recv (pump->params.stream, pump->buffer + got, wanted - got, MSG_DONTWAIT);

      if (n > 0)
        got += n;
      else if (n == 0 || (errno == EAGAIN && got > 0))
        return got;
      else if (errno == EAGAIN)
        {
          if (!fd_pump_wait_for (pump, pump->params.stream, POLLIN, fd_sink_get_fd (pump->sink)))
            return -1;
        }
      else if (errno != EINTR)
        pump->stream_failed = errno;
    }
  if (got > 0)
    return got;
  fd_pump_set_stream_error (pump, pump->stream_failed);
  return -1;
}

static void
write_out (FdPump *pump)
{
  if (!fd_sink_is_file (pump->sink) || pump->bytes - pump->written_out < WRITE_OUT_SIZE)
    return;
  /* Only a hint: fsync() at the end is what counts. */
  sync_file_range (fd_sink_get_fd (pump->sink), pump->params.offset + pump->written_out,
                   pump->bytes - pump->written_out, SYNC_FILE_RANGE_WRITE);
  pump->written_out = pump->bytes;
}

gboolean
fd_pump_write_sink (FdPump *pump, gsize length)
{
  int fd = fd_sink_get_fd (pump->sink);

  for (gsize done = 0; done < length;)
    {
      gssize n;

      if (!fd_sink_is_seekable (pump->sink) && !fd_pump_wait_for (pump, fd, POLLOUT, -1))
        return FALSE;
      n = fd_sink_write (pump->sink, pump->params.offset + pump->bytes, pump->buffer + done, length - done);
      if (n >= 0)
        {
          done += n;
          __atomic_fetch_add (&pump->bytes, n, __ATOMIC_RELAXED);
        }
      else if (errno != EINTR && errno != EAGAIN)
        {
          set_sink_error (pump, errno);
          return FALSE;
        }
    }
  write_out (pump);
  return TRUE;
}

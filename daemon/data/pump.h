/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Moves the bytes of one transfer between a file and a connected stream socket
 * on a thread of its own, hashing them on the way. Nothing of it runs on the
 * main loop but the final callback.
 */
#pragma once

#include "data/hash.h"
#include "data/sink.h"
#include "data/source.h"

typedef struct FdPump FdPump;

typedef struct
{
  guint64 bytes; /* moved by this pump, without the offset */
  gboolean complete; /* all of the length, or EOF if the length is unknown */
  FdDigest digest; /* of the bytes moved, if complete */
  /* NULL if complete. CANCELLED: fd_pump_stop(). READ_FAILED, SOURCE_CHANGED,
   * NO_SPACE, WRITE_FAILED: the file. CONNECTION_FAILED: the stream broke or
   * ended early. PROTOCOL: the peer sent more than @length. */
  const GError *error;
} FdPumpResult;

/* Once, on the main context, when the thread has ended; free the pump in it or later. */
typedef void (*FdPumpDone) (FdPump *pump, const FdPumpResult *result, gpointer data);

/* Sends @length bytes (-1: until EOF) of @source from @offset. Takes
 * @stream_fd's number only while it runs: the caller closes it after done.
 * With @half_close the write side is shut down after the last byte, which a
 * SOCKS5 proxy or an IBB stream needs; a direct stream stays open. The source is
 * checked for changes before the first and after the last byte. */
FdPump *fd_pump_send (FdSource *source, guint64 offset, gint64 length, int stream_fd, gboolean half_close,
                      FdHashAlgo algo, FdPumpDone done, gpointer data);

/* Receives exactly @length bytes (-1: until EOF) into @sink at @offset; that
 * more have come is an error. The sink is opened if it is not. */
FdPump *fd_pump_receive (FdSink *sink, guint64 offset, gint64 length, int stream_fd, FdHashAlgo algo,
                         FdPumpDone done, gpointer data);

/* Bytes moved so far; any thread. */
guint64 fd_pump_get_bytes (FdPump *pump);

/* Asks it to end soon; done is still called (with CANCELLED if it was not done). */
void fd_pump_stop (FdPump *pump);

/* Only after done was called. */
void fd_pump_free (FdPump *pump);

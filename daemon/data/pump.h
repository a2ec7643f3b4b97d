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
#include "data/throttle.h"

typedef struct FdPump FdPump;

typedef struct
{
  guint64 bytes; /* moved by this pump, without the offset */
  gboolean complete; /* all of the length, or EOF if the length is unknown */
  FdDigest digest; /* of the file from its first byte to the last one moved, if complete */
  /* NULL if complete. CANCELLED: fd_pump_stop(). READ_FAILED, SOURCE_CHANGED,
   * NO_SPACE, WRITE_FAILED: the file. CONNECTION_FAILED: the stream broke or
   * ended early. PROTOCOL: the peer sent more than @length. */
  const GError *error;
} FdPumpResult;

/* Once, on the main context, when the thread has ended; free the pump in it or later. */
typedef void (*FdPumpDone) (FdPump *pump, const FdPumpResult *result, gpointer data);

#define FD_PUMP_THROTTLES 2

typedef struct
{
  guint64 offset; /* in the file */
  gint64 length; /* bytes from there; -1: until EOF */
  int stream; /* its number is only used while the pump runs: the caller closes it after done */
  FdHashAlgo algo; /* of the digest; NONE: none is computed */
  FdThrottle *throttles[FD_PUMP_THROTTLES]; /* all of them count; NULL: none. Referenced */
  gboolean half_close; /* sending: shut the write side down after the last byte, which a SOCKS5 proxy or an
                          IBB stream needs; a direct stream stays open */
} FdPumpParams;

/* Sends a part of @source. The bytes before the offset are read, too, but only for
 * the digest. The source is checked for changes before the first and after the last
 * byte. */
FdPump *fd_pump_send (FdSource *source, const FdPumpParams *params, FdPumpDone done, gpointer data);

/* Receives exactly params->length bytes (-1: until EOF) into @sink at the offset; that
 * more have come is an error. The sink is opened if it is not; the digest
 * includes what it has before the offset. */
FdPump *fd_pump_receive (FdSink *sink, const FdPumpParams *params, FdPumpDone done, gpointer data);

/* Bytes moved so far; any thread. */
guint64 fd_pump_get_bytes (FdPump *pump);

/* Asks it to end soon; done is still called (with CANCELLED if it was not done). */
void fd_pump_stop (FdPump *pump);

/* Only after done was called. */
void fd_pump_free (FdPump *pump);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What pump.c (the thread and the digest) and pump-ends.c (the file and the
 * stream) share. The functions run on the pump's thread; those that fail set
 * pump->error.
 */
#pragma once

#include "data/pump.h"

struct FdPump
{
  FdSource *source; /* sends, or */
  FdSink *sink; /* receives */
  FdPumpParams params;
  FdPumpDone done;
  gpointer data;

  GThread *thread;
  int wake; /* eventfd: stop was asked for */
  gint stop;
  guint64 bytes; /* atomic */
  guint64 written_out; /* of these, handed to the disk */

  guint8 *buffer;
  FdHash *hash; /* sending; NULL: none wanted or none known */
  guint64 hashed; /* bytes of the file */
  int stream_failed; /* errno that came after good bytes */
  FdPumpResult result;
  GError *error;
  gboolean finished;
};

gboolean fd_pump_check_stop (FdPump *pump);
/* @errnum 0: the stream ended. */
void fd_pump_set_stream_error (FdPump *pump, int errnum);
void fd_pump_set_source_error (FdPump *pump, int errnum);

/* Sleeps until @fd has @events. Meanwhile the other end of the way, @other (or -1), may break. */
gboolean fd_pump_wait_for (FdPump *pump, int fd, short events, int other);

/* Up to @wanted bytes to the buffer: 0 at the end, -1 with the error set. The stream gives
 * as much as has arrived, so that a fast one makes large writes. */
gssize fd_pump_read_source (FdPump *pump, gsize wanted);
gssize fd_pump_read_stream (FdPump *pump, gsize wanted);

/* All @length bytes of the buffer. */
gboolean fd_pump_write_stream (FdPump *pump, gsize length);
gboolean fd_pump_write_sink (FdPump *pump, gsize length);

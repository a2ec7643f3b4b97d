/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The work of threads for one file: bytes between a socket and the file, and the
 * file's last step. It may be left alone at any time and then ends by itself: a
 * thread takes a moment to stop.
 */
#pragma once

#include "data/pump.h"

typedef struct FdFlow FdFlow;
typedef struct FdPublish FdPublish;

/* Once, from the main loop; the flow is gone. @stream is the receiver's: peers read
 * its EOF as a failure, so it stays open until the session is over. */
typedef void (*FdFlowDone) (int stream, const FdPumpResult *result, gpointer data);

/* Take params->stream; otherwise as fd_pump_send() and fd_pump_receive(). */
FdFlow *fd_flow_send (FdSource *source, const FdPumpParams *params, FdFlowDone done, gpointer data);
FdFlow *fd_flow_receive (FdSink *sink, const FdPumpParams *params, FdFlowDone done, gpointer data);
guint64 fd_flow_get_bytes (FdFlow *flow);
/* Is it the file that holds it up? Bytes that have come are not stored yet, or none is
 * there to be sent. */
gboolean fd_flow_waits_here (FdFlow *flow);
void fd_flow_stop (FdFlow *flow); /* done follows */
void fd_flow_leave (FdFlow *flow); /* stops it, and nothing follows */

/* Once, from the main loop; it is gone. */
typedef void (*FdPublished) (const GError *error, gpointer data);
FdPublish *fd_publish_start (FdSink *sink, gint64 mtime, FdPublished published, gpointer data);
void fd_publish_leave (FdPublish *publish); /* it goes on, and nothing follows */

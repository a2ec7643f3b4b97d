/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pumps and publishing that outlive whoever started them; see flow.h.
 */
#include "jingle/flow.h"

#include "base/fd.h"

#include <gio/gio.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

struct FdFlow
{
  FdPump *pump;
  int stream;
  gboolean sends;
  FdFlowDone done; /* NULL: left alone */
  gpointer data;
};

struct FdPublish
{
  FdSink *sink;
  gint64 mtime;
  FdPublished published; /* NULL: left alone */
  gpointer data;
};

/* --- bytes --- */

static void
on_pumped (FdPump *pump, const FdPumpResult *result, gpointer data)
{
  FdFlow *flow = data;

  if (flow->done)
    flow->done (fd_take (&flow->stream), result, flow->data);
  fd_close (&flow->stream);
  fd_pump_free (pump);
  g_free (flow);
}

static FdFlow *
flow_new (int stream, gboolean sends, FdFlowDone done, gpointer data)
{
  FdFlow *flow = g_new0 (FdFlow, 1);

  flow->stream = stream;
  flow->sends = sends;
  flow->done = done;
  flow->data = data;
  return flow;
}

FdFlow *
fd_flow_send (FdSource *source, const FdPumpParams *params, FdFlowDone done, gpointer data)
{
  FdFlow *flow = flow_new (params->stream, TRUE, done, data);

  flow->pump = fd_pump_send (source, params, on_pumped, flow);
  return flow;
}

FdFlow *
fd_flow_receive (FdSink *sink, const FdPumpParams *params, FdFlowDone done, gpointer data)
{
  FdFlow *flow = flow_new (params->stream, FALSE, done, data);

  flow->pump = fd_pump_receive (sink, params, on_pumped, flow);
  return flow;
}

guint64
fd_flow_get_bytes (FdFlow *flow)
{
  return fd_pump_get_bytes (flow->pump);
}

gboolean
fd_flow_waits_here (FdFlow *flow)
{
  int bytes; /* in the socket */

  if (ioctl (flow->stream, flow->sends ? SIOCOUTQ : SIOCINQ, &bytes) < 0)
    return FALSE;
  return flow->sends ? bytes == 0 : bytes > 0;
}

void
fd_flow_stop (FdFlow *flow)
{
  fd_pump_stop (flow->pump);
}

void
fd_flow_leave (FdFlow *flow)
{
  flow->done = NULL;
  fd_pump_stop (flow->pump);
}

/* --- the last step --- */

static void
publish_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  FdPublish *publish = data;
  GError *error = NULL;

  if (fd_sink_publish (publish->sink, publish->mtime, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_published (GObject *source, GAsyncResult *result, gpointer data)
{
  FdPublish *publish = data;
  g_autoptr (GError) error = NULL;

  (void) g_task_propagate_boolean (G_TASK (result), &error);
  fd_sink_unref (publish->sink);
  if (publish->published)
    publish->published (error, publish->data);
  g_free (publish);
}

FdPublish *
fd_publish_start (FdSink *sink, gint64 mtime, FdPublished published, gpointer data)
{
  FdPublish *publish = g_new0 (FdPublish, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_published, publish);

  publish->sink = fd_sink_ref (sink);
  publish->mtime = mtime;
  publish->published = published;
  publish->data = data;
  g_task_set_task_data (task, publish, NULL);
  g_task_run_in_thread (task, publish_thread);
  return publish;
}

void
fd_publish_leave (FdPublish *publish)
{
  publish->published = NULL;
}

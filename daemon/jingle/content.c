/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file of a session at work: its transport, pump and file do what its machine
 * decides, and tell the machine what happened.
 */
#include "jingle/content.h"

#include "base/error.h"
#include "base/fd.h"
#include "jingle/carrier.h"
#include "jingle/flow.h"

#include <glib-unix.h>
#include <string.h>

struct FdContent
{
  FdSession *session; /* owner */
  FdContentMachine *machine;
  FdContentParams params;
  FdSource *source;
  FdSink *sink;
  gint64 since; /* µs: when it was offered */

  FdCarrier *carrier;
  FdRows rows; /* of the carriers before */
  int stream; /* connected, -1 none, or it is the flow's */
  FdPath path;
  FdFlow *flow; /* while bytes move */
  guint watch; /* of the stream, after its last byte; 0 none */
  FdPublish *publish; /* while a thread renames */
  guint64 offset; /* where the bytes begin */
  guint64 bytes; /* of the file, after the flow ended */

  const FdContentHooks *hooks;
  gpointer hooks_data;
};

/* --- life --- */

FdContent *
fd_content_new (FdSession *session, FdContentMachine *machine, FdSource *source,
                const FdContentParams *params)
{
  FdContent *content = g_new0 (FdContent, 1);

  content->session = session;
  content->machine = machine;
  content->params = *params;
  content->params.batch = NULL; /* the session's */
  content->source = source ? fd_source_ref (source) : NULL;
  content->since = g_get_monotonic_time ();
  content->stream = -1;
  fd_content_machine_set_data (machine, content);
  return content;
}

static void
drop_transport (FdContent *content)
{
  if (content->carrier)
    content->rows |= fd_carrier_get_rows (content->carrier);
  g_clear_pointer (&content->carrier, fd_carrier_free);
  g_clear_handle_id (&content->watch, g_source_remove);
  fd_close (&content->stream);
}

void
fd_content_close (FdContent *content)
{
  g_clear_pointer (&content->flow, fd_flow_leave);
  g_clear_pointer (&content->publish, fd_publish_leave);
  drop_transport (content);
  fd_content_machine_set_data (content->machine, NULL);
  g_clear_pointer (&content->source, fd_source_unref);
  g_clear_pointer (&content->sink, fd_sink_unref);
  g_free (content);
}

void
fd_content_move (FdContent *content, FdSession *session, FdContentMachine *machine)
{
  drop_transport (content);
  fd_content_machine_set_data (content->machine, NULL);
  content->session = session;
  content->machine = machine;
  content->rows = 0;
  content->path = FD_PATH_NONE;
  content->bytes = 0;
  fd_content_machine_set_data (machine, content);
}

/* --- its transport --- */

static void
ready (const FdTransportInfo *local, gpointer data)
{
  FdContent *content = data;

  fd_content_machine_transport_ready (content->machine, local, fd_session_now (content->session));
  if (local->s5b) /* an in-band one is ready while the machine's actions are carried out */
    fd_session_run (content->session);
}

static void
send_info (const FdS5bInfo *info, gpointer data)
{
  FdContent *content = data;

  fd_content_machine_send_transport_info (content->machine, info);
  fd_session_run (content->session);
}

static void
connected (int fd, FdPath path, gpointer data)
{
  FdContent *content = data;

  fd_close (&content->stream);
  content->stream = fd;
  content->path = path;
  fd_content_machine_transport_connected (content->machine, path, fd_session_now (content->session));
  fd_session_run (content->session);
}

static void
drained (gpointer data)
{
  FdContent *content = data;

  fd_content_machine_transport_drained (content->machine, fd_session_now (content->session));
  fd_session_run (content->session);
}

static void
failed (const GError *error, gpointer data)
{
  FdContent *content = data;

  fd_content_machine_transport_failed (content->machine, error, fd_session_now (content->session));
  fd_session_run (content->session);
}

static const FdCarrierHooks carrier_hooks = {
  .ready = ready,
  .send = send_info,
  .connected = connected,
  .drained = drained,
  .failed = failed,
};

static void
prepare (FdContent *content, FdTransportKind kind, const FdTransportInfo *remote)
{
  const FdCarrierParams params = {
    .jingle = fd_session_get_jingle (content->session),
    .config = fd_session_get_config (content->session),
    .content = &content->params,
    .quirks = fd_content_machine_get_quirks (content->machine),
    .size = fd_content_get_file (content)->size,
    .age = g_get_monotonic_time () - content->since,
  };

  drop_transport (content);
  content->carrier = fd_carrier_new (&params, &carrier_hooks, content);
  fd_carrier_prepare (content->carrier, kind, remote);
}

gboolean
fd_content_take (FdContent *content, const FdTransportInfo *remote)
{
  return !content->carrier || fd_carrier_take (content->carrier, remote); /* if not, it is given up */
}

void
fd_content_acked (FdContent *content, const FdTransportInfo *transport, gboolean ok)
{
  if (content->carrier)
    fd_carrier_acked (content->carrier, transport, ok);
}

/* --- bytes --- */

static gboolean
stream_ended (int fd, GIOCondition condition, gpointer data)
{
  FdContent *content = data;

  content->watch = 0;
  fd_content_machine_stream_ended (content->machine, fd_session_now (content->session));
  fd_session_run (content->session);
  return G_SOURCE_REMOVE;
}

static void
pumped (int stream, const FdPumpResult *result, gpointer data)
{
  FdContent *content = data;
  gint64 now = fd_session_now (content->session);

  content->flow = NULL;
  content->bytes = content->offset + result->bytes;
  content->stream = stream;
  if (result->complete && fd_session_get_config (content->session)->initiator)
    content->watch = g_unix_fd_add (stream, G_IO_IN | G_IO_HUP | G_IO_ERR, stream_ended, content);
  fd_content_machine_pumped (content->machine, result, now);
  fd_session_run (content->session);
}

static void
start_flow (FdContent *content, guint64 offset, gint64 length)
{
  FdPumpParams params = {
    .offset = offset,
    .length = length,
    .stream = fd_take (&content->stream),
    .algo = fd_file_choose_algo (fd_content_get_file (content)),
    /* A proxy holds back the tail, and a receiver that knows no size waits for the end. */
    .half_close = content->path != FD_PATH_SOCKS5_DIRECT || length < 0,
  };

  memcpy (params.throttles, content->params.throttles, sizeof params.throttles);
  if (fd_session_get_config (content->session)->initiator)
    content->flow = fd_flow_send (content->source, &params, pumped, content);
  else
    content->flow = fd_flow_receive (content->sink, &params, pumped, content);
}

void
fd_content_feed_progress (FdContent *content)
{
  if (content->flow)
    fd_content_machine_progress (content->machine, fd_flow_get_bytes (content->flow),
                                 fd_flow_waits_here (content->flow));
}

static void
published (const GError *error, gpointer data)
{
  FdContent *content = data;

  content->publish = NULL;
  fd_content_machine_published (content->machine, error, fd_session_now (content->session));
  fd_session_run (content->session);
}

/* --- actions --- */

void
fd_content_carry_out (FdContent *content, const FdAction *action)
{
  switch (action->what)
    {
    case FD_DO_PREPARE:
      prepare (content, action->kind, &action->remote);
      break;
    case FD_DO_REMOTE:
      (void) fd_content_take (content, &action->remote);
      break;
    case FD_DO_START:
      if (content->carrier)
        fd_carrier_start (content->carrier);
      break;
    case FD_DO_DROP:
      drop_transport (content);
      break;
    case FD_DO_PUMP:
      start_flow (content, action->offset, action->length);
      break;
    case FD_DO_STOP_PUMP:
      if (content->flow)
        fd_flow_stop (content->flow);
      break;
    case FD_DO_PUBLISH:
      content->publish
        = fd_publish_start (content->sink, fd_content_get_file (content)->mtime, published, content);
      break;
    case FD_DO_KEEP:
      fd_sink_keep (content->sink);
      break;
    case FD_DO_KEEP_CORRUPT:
      fd_sink_keep_corrupt (content->sink);
      break;
    case FD_DO_DISCARD:
      fd_sink_discard (content->sink);
      break;
    case FD_DO_TELL_ACCEPTED:
      if (content->hooks && content->hooks->accepted)
        content->hooks->accepted (content, content->hooks_data);
      break;
    case FD_DO_TELL_ACTIVE:
      content->offset = content->bytes = action->offset;
      if (content->hooks && content->hooks->active)
        content->hooks->active (content, action->path, content->hooks_data);
      break;
    case FD_DO_TELL_OFFERED:
    case FD_DO_REDIAL:
    case FD_DO_END_CONTENT:
    case FD_DO_SEND:
    case FD_DO_END:
      g_assert_not_reached (); /* session.c */
    }
}

void
fd_content_tell_ended (FdContent *content)
{
  if (content->hooks && content->hooks->ended)
    content->hooks->ended (content, fd_content_machine_get_end (content->machine), content->hooks_data);
}

void
fd_content_log_rows (FdContent *content)
{
  FdRows rows = content->rows | fd_session_get_rows (content->session);
  g_autoptr (GString) text = g_string_new (NULL);

  if (content->carrier)
    rows |= fd_carrier_get_rows (content->carrier);
  for (guint row = 1; row <= FD_ROWS; row++)
    if (fd_rows_have (rows, row))
      g_string_append_printf (text, " %u", row);
  g_debug ("%s, content %s: rows%s", fd_content_get_peer (content),
           fd_content_machine_get_name (content->machine), text->str);
}

/* --- for the model above --- */

void
fd_content_set_hooks (FdContent *content, const FdContentHooks *hooks, gpointer data)
{
  content->hooks = hooks;
  content->hooks_data = data;
}

/* What ended in this turn of the loop is told in the next one; an answer until then changes nothing. */
static gboolean
has_ended (FdContent *content)
{
  return fd_content_machine_get_state (content->machine) == FD_CONTENT_ENDED;
}

void
fd_content_accept (FdContent *content, FdSink *sink, const FdContentParams *params)
{
  if (has_ended (content))
    return;
  content->sink = fd_sink_ref (sink);
  content->params = *params;
  fd_content_machine_accept (content->machine, params->paths, params->offset,
                             fd_session_now (content->session));
  fd_session_schedule (content->session);
}

void
fd_content_reject (FdContent *content)
{
  if (has_ended (content))
    return;
  fd_content_machine_reject (content->machine, fd_session_now (content->session));
  fd_session_schedule (content->session);
}

static void
give_up (FdContent *content, FdOutcome outcome, const char *reason, const GError *error)
{
  fd_content_machine_abort (content->machine, outcome, reason, error, fd_session_now (content->session));
  fd_session_schedule (content->session);
}

void
fd_content_cancel (FdContent *content, const GError *error)
{
  g_autoptr (GError) cancelled = NULL;

  if (error)
    {
      give_up (content, FD_OUTCOME_FAILED, "failed-application", error);
      return;
    }
  cancelled = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "The transfer was cancelled here");
  give_up (content, FD_OUTCOME_CANCELLED, "cancel", cancelled);
}

void
fd_content_stop (FdContent *content)
{
  g_autoptr (GError) error
    = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "fardeld was stopped; resume the transfer");

  give_up (content, FD_OUTCOME_FAILED, "gone", error);
}

FdContentMachine *
fd_content_get_machine (FdContent *content)
{
  return content->machine;
}

const FdContentParams *
fd_content_get_params (FdContent *content)
{
  return &content->params;
}

const char *
fd_content_get_peer (FdContent *content)
{
  return fd_session_get_config (content->session)->peer;
}

const FdFile *
fd_content_get_file (FdContent *content)
{
  return fd_content_machine_get_file (content->machine);
}

const char *
fd_content_get_batch (FdContent *content)
{
  return fd_session_get_batch (content->session);
}

gboolean
fd_content_can_range (FdContent *content)
{
  return fd_content_machine_can_range (content->machine);
}

gboolean
fd_content_is_shared (FdContent *content)
{
  return *fd_session_get_batch (content->session)
         && (fd_session_get_config (content->session)->extensions & FD_EXT_BATCH) != 0;
}

guint64
fd_content_get_bytes (FdContent *content)
{
  if (content->carrier && content->path == FD_PATH_IBB)
    return content->offset + fd_carrier_get_acked (content->carrier);
  return content->flow ? content->offset + fd_flow_get_bytes (content->flow) : content->bytes;
}

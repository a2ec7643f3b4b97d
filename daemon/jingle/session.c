/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One session at work: carries out what its machine decides, with the real
 * transports, pump and files, and feeds back what happened.
 */
#include "jingle/session.h"

#include "base/error.h"
#include "base/fd.h"
#include "data/pump.h"

#include <gio/gio.h>

struct FdSession
{
  FdJingle *jingle; /* owner */
  FdMachine *machine;
  char *peer;
  char *sid;
  gboolean initiator;
  FdSessionParams params;
  FdSource *source;
  FdSink *sink;

  FdS5bTransport *s5b;
  FdIbbTransport *ibb;
  FdTransportInfo local; /* of an IBB transport that is proposed */
  int stream; /* connected, -1 none, or it is the flow's */
  FdPath path;
  struct Flow *flow; /* while bytes move */
  struct Publish *publish; /* while a thread renames */
  guint64 offset; /* where the flow began */
  guint64 bytes; /* of the file, after the flow ended */

  GHashTable *requests; /* iq id -> Request */
  GSource *wake; /* the machine's deadline, or now */
  const FdSessionHooks *hooks;
  gpointer hooks_data;
};

typedef struct
{
  FdSession *session;
  FdJingleAction action;
  guint id;
} Request;

/* A pump at work and its socket. It outlives a session that is freed under it:
 * the thread takes a moment to stop. */
typedef struct Flow
{
  FdSession *session; /* NULL: orphaned */
  FdPump *pump;
  int stream;
} Flow;

/* A sink at work, likewise. */
typedef struct Publish
{
  FdSession *session;
  FdSink *sink;
  gint64 mtime;
} Publish;

/* --- waking up --- */

static gboolean
wake_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  callback (data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs wake_funcs = { .dispatch = wake_dispatch };

static gboolean
wake (gpointer data)
{
  FdSession *session = data;

  g_source_set_ready_time (session->wake, -1);
  fd_machine_tick (session->machine, session->flow ? fd_pump_get_bytes (session->flow->pump) : 0,
                   g_get_monotonic_time ());
  fd_session_run (session);
  return G_SOURCE_CONTINUE;
}

void
fd_session_schedule (FdSession *session)
{
  g_source_set_ready_time (session->wake, 0);
}

/* --- life --- */

FdSession *
fd_session_new (FdJingle *jingle, const FdMachineConfig *config, const FdFile *file, FdSource *source,
                const FdSessionParams *params)
{
  FdSession *session = g_new0 (FdSession, 1);

  session->jingle = jingle;
  session->machine = fd_machine_new (config, file);
  session->peer = g_strdup (config->peer);
  session->sid = g_strdup (config->sid);
  session->initiator = config->initiator;
  session->params = *params;
  session->source = source ? fd_source_ref (source) : NULL;
  session->stream = -1;
  session->requests = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  session->wake = g_source_new (&wake_funcs, sizeof (GSource));
  g_source_set_callback (session->wake, wake, session, NULL);
  g_source_attach (session->wake, NULL);
  return session;
}

static void
drop_transport (FdSession *session)
{
  g_clear_pointer (&session->s5b, fd_s5b_transport_free);
  g_clear_pointer (&session->ibb, fd_ibb_transport_free);
  fd_close (&session->stream);
}

void
fd_session_free (FdSession *session)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, session->requests);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    fd_iq_cancel (fd_client_get_iq (fd_jingle_get_client (session->jingle)), GPOINTER_TO_UINT (id));
  g_hash_table_unref (session->requests);
  if (session->flow)
    {
      session->flow->session = NULL;
      fd_pump_stop (session->flow->pump);
    }
  if (session->publish)
    session->publish->session = NULL;
  drop_transport (session);
  g_source_destroy (session->wake);
  g_source_unref (session->wake);
  fd_transport_info_clear (&session->local);
  g_clear_pointer (&session->source, fd_source_unref);
  g_clear_pointer (&session->sink, fd_sink_unref);
  fd_machine_free (session->machine);
  g_free (session->peer);
  g_free (session->sid);
  g_free (session);
}

/* --- S5B --- */

static void
s5b_ready (FdS5bTransport *transport, gpointer data)
{
  FdSession *session = data;
  FdTransportInfo local
    = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = (FdS5bInfo *) fd_s5b_transport_get_local (transport) };

  fd_machine_transport_ready (session->machine, &local, g_get_monotonic_time ());
  fd_session_run (session);
}

static void send_message (FdSession *session, const FdJingleMessage *message);

static void
s5b_send (FdS5bTransport *transport, const FdS5bInfo *info, gpointer data)
{
  FdSession *session = data;
  g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_TRANSPORT_INFO, session->sid);
  FdTransportInfo transport_info = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = (FdS5bInfo *) info };
  FdContent *content
    = fd_jingle_message_add_content (message, TRUE, fd_machine_get_content (session->machine));

  content->senders = FD_SENDERS_INITIATOR;
  fd_transport_info_copy (&content->transport, &transport_info);
  message->initiator = g_strdup (
    session->initiator ? fd_client_get_full_jid (fd_jingle_get_client (session->jingle)) : session->peer);
  send_message (session, message);
}

static void
connected (FdSession *session, int fd, FdPath path)
{
  fd_close (&session->stream);
  session->stream = fd;
  session->path = path;
  fd_machine_transport_connected (session->machine, path, g_get_monotonic_time ());
  fd_session_run (session);
}

static void
failed (FdSession *session, const GError *error)
{
  fd_machine_transport_failed (session->machine, error, g_get_monotonic_time ());
  fd_session_run (session);
}

static void
s5b_connected (FdS5bTransport *transport, int fd, FdS5bPath path, gpointer data)
{
  connected (data, fd, path == FD_S5B_PATH_PROXY ? FD_PATH_SOCKS5_PROXY : FD_PATH_SOCKS5_DIRECT);
}

static void
s5b_failed (FdS5bTransport *transport, const GError *error, gpointer data)
{
  failed (data, error);
}

static const FdS5bHooks s5b_hooks = {
  .ready = s5b_ready,
  .send = s5b_send,
  .connected = s5b_connected,
  .failed = s5b_failed,
};

static FdS5bPolicy
s5b_policy (const FdSessionParams *params)
{
  FdS5bPolicy policy = 0;

  if (params->paths & FD_PATH_SOCKS5_DIRECT)
    policy |= FD_S5B_ALLOW_DIRECT;
  if (params->paths & FD_PATH_SOCKS5_PROXY)
    policy |= FD_S5B_ALLOW_PROXY;
  if (params->loopback)
    policy |= FD_S5B_ALLOW_LOOPBACK;
  if (params->hidden)
    policy |= FD_S5B_HIDE;
  return policy;
}

static void
prepare_s5b (FdSession *session, const FdTransportInfo *remote)
{
  FdClient *client = fd_jingle_get_client (session->jingle);
  g_autofree char *own_sid = remote->s5b && remote->s5b->sid ? NULL : fd_jingle_random_id ();
  FdS5bParams params = {
    .iq = fd_client_get_iq (client),
    .proxies = fd_jingle_get_proxies (session->jingle),
    .sid = own_sid ? own_sid : remote->s5b->sid,
    .me = fd_client_get_full_jid (client),
    .peer = session->peer,
    .initiator = session->initiator,
    .policy = s5b_policy (&session->params),
  };

  session->s5b = fd_s5b_transport_new (&params, &s5b_hooks, session);
  if (remote->s5b)
    (void) fd_session_take_transport_info (session, remote->s5b);
  fd_s5b_transport_gather (session->s5b);
}

gboolean
fd_session_take_transport_info (FdSession *session, const FdS5bInfo *info)
{
  g_autoptr (GError) error = NULL;

  if (!session->s5b)
    return TRUE; /* given up meanwhile */
  if (fd_s5b_transport_remote (session->s5b, info, &error))
    return TRUE;
  g_info ("%s: %s", session->peer, error->message);
  return FALSE;
}

/* --- IBB --- */

static void
ibb_connected (FdIbbTransport *transport, int fd, gpointer data)
{
  connected (data, fd, FD_PATH_IBB);
}

static void
ibb_drained (FdIbbTransport *transport, gpointer data)
{
  FdSession *session = data;

  fd_machine_transport_drained (session->machine, g_get_monotonic_time ());
  fd_session_run (session);
}

static void
ibb_failed (FdIbbTransport *transport, const GError *error, gpointer data)
{
  failed (data, error);
}

static const FdIbbHooks ibb_hooks = {
  .connected = ibb_connected,
  .drained = ibb_drained,
  .failed = ibb_failed,
};

static void
create_ibb (FdSession *session, const FdIbbInfo *agreed)
{
  session->ibb = fd_ibb_transport_new (fd_jingle_get_ibb (session->jingle), session->peer, agreed->sid,
                                       agreed->block_size, session->initiator, &ibb_hooks, session);
}

/* A proposal is only made up here; the stream is created when its block size
 * is agreed: as responder at once, as initiator with the answer. */
static void
prepare_ibb (FdSession *session, const FdTransportInfo *remote)
{
  g_autofree char *own_sid = remote->ibb && remote->ibb->sid ? NULL : fd_jingle_random_id ();
  guint block_size = remote->ibb ? MIN (remote->ibb->block_size, FD_IBB_BLOCK_SIZE) : FD_IBB_BLOCK_SIZE;

  fd_transport_info_clear (&session->local);
  session->local.kind = FD_TRANSPORT_KIND_IBB;
  session->local.ibb = fd_ibb_info_new (own_sid ? own_sid : remote->ibb->sid, block_size);
  if (remote->ibb)
    create_ibb (session, session->local.ibb);
  fd_machine_transport_ready (session->machine, &session->local, g_get_monotonic_time ());
}

static void
take_remote (FdSession *session, const FdTransportInfo *remote)
{
  if (remote->kind == FD_TRANSPORT_KIND_S5B)
    (void) fd_session_take_transport_info (session, remote->s5b);
  else if (!session->ibb)
    {
      session->local.ibb->block_size = remote->ibb->block_size;
      create_ibb (session, session->local.ibb);
    }
}

static void
start_transport (FdSession *session)
{
  if (session->s5b)
    fd_s5b_transport_start (session->s5b);
  else if (session->ibb)
    fd_ibb_transport_start (session->ibb);
}

/* --- stanzas --- */

/* XEP-0166 §7.3: an error with <unknown-session/> means the session is over there. */
static gboolean
is_unknown_session (xmpp_stanza_t *reply)
{
  xmpp_stanza_t *error = reply ? fd_xml_child (reply, "error", NULL) : NULL;

  return error && fd_xml_child (error, "unknown-session", FD_NS_JINGLE_ERRORS) != NULL;
}

static void
answered (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  Request *request = data;
  FdSession *session = request->session;
  FdJingleAction action = request->action;

  g_hash_table_remove (session->requests, GUINT_TO_POINTER (request->id));
  if (error)
    g_info ("%s answered %s with an error: %s", session->peer, fd_jingle_action_name (action),
            error->message);
  if (action == FD_JINGLE_TRANSPORT_INFO && session->s5b)
    fd_s5b_transport_sent (session->s5b, error == NULL);
  fd_machine_answered (session->machine, action, error, is_unknown_session (reply), g_get_monotonic_time ());
  fd_session_run (session);
}

static void
send_message (FdSession *session, const FdJingleMessage *message)
{
  FdIq *iq = fd_client_get_iq (fd_jingle_get_client (session->jingle));
  gboolean ping = message->action == FD_JINGLE_SESSION_INFO && message->info == FD_SESSION_INFO_PING;
  Request *request;

  if (message->action == FD_JINGLE_SESSION_TERMINATE)
    {
      fd_jingle_say_goodbye (session->jingle, session->peer, message);
      return;
    }
  request = g_new0 (Request, 1);
  request->session = session;
  request->action = message->action;
  request->id = fd_iq_send (iq, "set", session->peer, fd_jingle_message_build (message),
                            ping ? FD_T_PING * 1000 : FD_IQ_TIMEOUT_MS, answered, request);
  g_hash_table_insert (session->requests, GUINT_TO_POINTER (request->id), request);
}

/* --- bytes --- */

static void
pumped (FdPump *pump, const FdPumpResult *result, gpointer data)
{
  Flow *flow = data;
  FdSession *session = flow->session;

  if (session)
    {
      session->flow = NULL;
      session->bytes = session->offset + result->bytes;
      session->stream = fd_take (&flow->stream); /* open until the session ends: peers read EOF as failure */
      fd_machine_pumped (session->machine, result, g_get_monotonic_time ());
    }
  fd_close (&flow->stream);
  fd_pump_free (pump);
  g_free (flow);
  if (session)
    fd_session_run (session);
}

static void
start_pump (FdSession *session, guint64 offset, gint64 length)
{
  const FdFile *file = fd_machine_get_file (session->machine);
  Flow *flow = g_new0 (Flow, 1);

  flow->session = session;
  flow->stream = fd_take (&session->stream);
  session->offset = offset;
  session->flow = flow;
  if (session->initiator)
    /* A proxy holds back the tail, and a receiver that knows no size waits for the end. */
    flow->pump = fd_pump_send (session->source, offset, length, flow->stream,
                               session->path != FD_PATH_SOCKS5_DIRECT || length < 0,
                               fd_file_choose_algo (file), pumped, flow);
  else
    flow->pump = fd_pump_receive (session->sink, offset, length, flow->stream, fd_file_choose_algo (file),
                                  pumped, flow);
}

static void
publish_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Publish *publish = data;
  GError *error = NULL;

  if (fd_sink_publish (publish->sink, publish->mtime, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
published (GObject *source, GAsyncResult *result, gpointer data)
{
  Publish *publish = data;
  FdSession *session = publish->session;
  g_autoptr (GError) error = NULL;

  (void) g_task_propagate_boolean (G_TASK (result), &error);
  fd_sink_unref (publish->sink);
  g_free (publish);
  if (!session)
    return;
  session->publish = NULL;
  fd_machine_published (session->machine, error, g_get_monotonic_time ());
  fd_session_run (session);
}

static void
start_publish (FdSession *session)
{
  Publish *publish = g_new0 (Publish, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, published, publish);

  publish->session = session;
  publish->sink = fd_sink_ref (session->sink);
  publish->mtime = fd_machine_get_file (session->machine)->mtime;
  session->publish = publish;
  g_task_set_task_data (task, publish, NULL);
  g_task_run_in_thread (task, publish_thread);
}

/* --- actions --- */

static void
end (FdSession *session)
{
  fd_jingle_remove (session->jingle, session);
  if (session->hooks && session->hooks->ended)
    session->hooks->ended (session, fd_machine_get_end (session->machine), session->hooks_data);
  fd_session_free (session);
}

static void
carry_out (FdSession *session, const FdAction *action)
{
  switch (action->what)
    {
    case FD_DO_SEND:
      send_message (session, action->message);
      break;
    case FD_DO_PREPARE:
      if (action->kind == FD_TRANSPORT_KIND_S5B)
        prepare_s5b (session, &action->remote);
      else
        prepare_ibb (session, &action->remote);
      break;
    case FD_DO_REMOTE:
      take_remote (session, &action->remote);
      break;
    case FD_DO_START:
      start_transport (session);
      break;
    case FD_DO_DROP:
      drop_transport (session);
      break;
    case FD_DO_PUMP:
      start_pump (session, action->offset, action->length);
      break;
    case FD_DO_STOP_PUMP:
      if (session->flow)
        fd_pump_stop (session->flow->pump);
      break;
    case FD_DO_PUBLISH:
      start_publish (session);
      break;
    case FD_DO_KEEP:
      fd_sink_keep (session->sink);
      break;
    case FD_DO_KEEP_CORRUPT:
      fd_sink_keep_corrupt (session->sink);
      break;
    case FD_DO_TELL_ACCEPTED:
      if (session->hooks && session->hooks->accepted)
        session->hooks->accepted (session, session->hooks_data);
      break;
    case FD_DO_TELL_ACTIVE:
      if (session->hooks && session->hooks->active)
        session->hooks->active (session, action->path, session->hooks_data);
      break;
    case FD_DO_END:
      g_assert_not_reached (); /* fd_session_run() */
    }
}

void
fd_session_run (FdSession *session)
{
  FdAction *action;

  while ((action = fd_machine_next (session->machine)))
    {
      FdDo what = action->what;

      if (what != FD_DO_END)
        carry_out (session, action);
      fd_action_free (action);
      if (what == FD_DO_END)
        {
          end (session);
          return;
        }
    }
  g_source_set_ready_time (session->wake, fd_machine_get_deadline (session->machine));
}

/* --- for the model above --- */

void
fd_session_set_hooks (FdSession *session, const FdSessionHooks *hooks, gpointer data)
{
  session->hooks = hooks;
  session->hooks_data = data;
}

void
fd_session_accept (FdSession *session, FdSink *sink, const FdSessionParams *params)
{
  g_return_if_fail (fd_machine_get_state (session->machine) == FD_MACHINE_OFFERED);

  session->sink = fd_sink_ref (sink);
  session->params = *params;
  fd_machine_accept (session->machine, params->paths, g_get_monotonic_time ());
  fd_session_schedule (session);
}

void
fd_session_reject (FdSession *session)
{
  g_return_if_fail (fd_machine_get_state (session->machine) == FD_MACHINE_OFFERED);

  fd_machine_reject (session->machine, g_get_monotonic_time ());
  fd_session_schedule (session);
}

void
fd_session_cancel (FdSession *session, const GError *error)
{
  g_autoptr (GError) cancelled = NULL;

  if (error)
    fd_machine_abort (session->machine, FD_OUTCOME_FAILED, "failed-application", error,
                      g_get_monotonic_time ());
  else
    {
      cancelled = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "The transfer was cancelled here");
      fd_machine_abort (session->machine, FD_OUTCOME_CANCELLED, "cancel", cancelled, g_get_monotonic_time ());
    }
  fd_session_schedule (session);
}

void
fd_session_stop (FdSession *session)
{
  g_autoptr (GError) error
    = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "fardeld was stopped; resume the transfer");

  fd_machine_abort (session->machine, FD_OUTCOME_FAILED, "gone", error, g_get_monotonic_time ());
  fd_session_schedule (session);
}

void
fd_session_stream_changed (FdSession *session, gboolean up)
{
  if (up)
    fd_machine_stream_up (session->machine, g_get_monotonic_time ());
  else
    fd_machine_stream_lost (session->machine, g_get_monotonic_time ());
  fd_session_schedule (session);
}

void
fd_session_peer_gone (FdSession *session)
{
  fd_machine_peer_gone (session->machine, g_get_monotonic_time ());
  fd_session_schedule (session);
}

const char *
fd_session_get_peer (FdSession *session)
{
  return session->peer;
}

const char *
fd_session_get_sid (FdSession *session)
{
  return session->sid;
}

FdMachine *
fd_session_get_machine (FdSession *session)
{
  return session->machine;
}

const FdFile *
fd_session_get_file (FdSession *session)
{
  return fd_machine_get_file (session->machine);
}

guint64
fd_session_get_bytes (FdSession *session)
{
  if (session->ibb && session->path == FD_PATH_IBB)
    return session->offset + fd_ibb_transport_get_bytes (session->ibb);
  return session->flow ? session->offset + fd_pump_get_bytes (session->flow->pump) : session->bytes;
}

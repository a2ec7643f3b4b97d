/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file of a session at work: its transport, pump and file do what its machine
 * decides, and tell the machine what happened.
 */
#include "jingle/content.h"

#include "base/error.h"
#include "base/fd.h"
#include "jingle/flow.h"

/* A proxy that nobody came to drops its only connection after a minute. */
#define STALE_PROXY_TIME FD_MS (55000)
#define STALE_PROXY_MAX_SIZE 5000000 /* bytes that are worth sending in-band instead */

struct FdContent
{
  FdSession *session; /* owner */
  FdContentMachine *machine;
  FdContentParams params;
  FdSource *source;
  FdSink *sink;
  gint64 since; /* µs: when it was offered */

  FdS5bTransport *s5b;
  FdIbbTransport *ibb;
  FdTransportInfo local; /* of an IBB transport that is proposed */
  FdRows rows; /* of the transports before */
  int stream; /* connected, -1 none, or it is the flow's */
  FdPath path;
  FdFlow *flow; /* while bytes move */
  FdPublish *publish; /* while a thread renames */
  guint64 offset; /* where the flow began */
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
  if (content->s5b)
    content->rows |= fd_s5b_transport_get_rows (content->s5b);
  g_clear_pointer (&content->s5b, fd_s5b_transport_free);
  g_clear_pointer (&content->ibb, fd_ibb_transport_free);
  fd_close (&content->stream);
}

void
fd_content_close (FdContent *content)
{
  g_clear_pointer (&content->flow, fd_flow_leave);
  g_clear_pointer (&content->publish, fd_publish_leave);
  drop_transport (content);
  fd_content_machine_set_data (content->machine, NULL);
  fd_transport_info_clear (&content->local);
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

/* --- S5B --- */

static gboolean
has_quirk (FdContent *content, FdQuirks quirk)
{
  return (fd_content_machine_get_quirks (content->machine) & quirk) != 0;
}

static void
s5b_ready (FdS5bTransport *transport, gpointer data)
{
  FdContent *content = data;
  FdTransportInfo local
    = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = (FdS5bInfo *) fd_s5b_transport_get_local (transport) };

  fd_content_machine_transport_ready (content->machine, &local, fd_session_now (content->session));
  fd_session_run (content->session);
}

static void
s5b_send (FdS5bTransport *transport, const FdS5bInfo *info, gpointer data)
{
  FdContent *content = data;

  fd_content_machine_send_transport_info (content->machine, info);
  fd_session_run (content->session);
}

static void
connected (FdContent *content, int fd, FdPath path)
{
  fd_close (&content->stream);
  content->stream = fd;
  content->path = path;
  fd_content_machine_transport_connected (content->machine, path, fd_session_now (content->session));
  fd_session_run (content->session);
}

static void
failed (FdContent *content, const GError *error)
{
  fd_content_machine_transport_failed (content->machine, error, fd_session_now (content->session));
  fd_session_run (content->session);
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

gboolean
fd_content_is_stale (const FdS5bInfo *offer, gint64 age, gint64 size)
{
  if (offer->dstaddr || offer->candidates->len == 0 || age <= STALE_PROXY_TIME || size < 0
      || size > STALE_PROXY_MAX_SIZE)
    return FALSE;
  for (guint i = 0; i < offer->candidates->len; i++)
    if (((FdS5bCandidate *) offer->candidates->pdata[i])->type != FD_S5B_PROXY)
      return FALSE;
  return TRUE;
}

static FdS5bPolicy
s5b_policy (FdContent *content, const FdS5bInfo *remote)
{
  const FdContentParams *params = &content->params;
  gboolean receiver = !fd_session_get_config (content->session)->initiator;
  gint64 age = g_get_monotonic_time () - content->since;
  FdS5bPolicy policy = 0;

  if (params->paths & FD_PATH_SOCKS5_DIRECT)
    policy |= FD_S5B_ALLOW_DIRECT;
  if (params->paths & FD_PATH_SOCKS5_PROXY)
    policy |= FD_S5B_ALLOW_PROXY;
  if (params->loopback)
    policy |= FD_S5B_ALLOW_LOOPBACK;
  if (params->hidden)
    policy |= FD_S5B_HIDE;
  if (has_quirk (content, FD_QUIRK_BAD_LISTENER))
    policy |= FD_S5B_NO_PEER_DIRECT | (receiver ? FD_S5B_REPEAT_PROXY : 0);
  if (receiver && remote && fd_content_is_stale (remote, age, fd_content_get_file (content)->size))
    policy |= FD_S5B_NO_PEER_PROXY;
  if (has_quirk (content, FD_QUIRK_LITERAL_HOSTS))
    policy |= FD_S5B_LITERAL_HOSTS;
  return policy;
}

static void
prepare_s5b (FdContent *content, const FdS5bInfo *remote)
{
  FdJingle *jingle = fd_session_get_jingle (content->session);
  const FdSessionConfig *config = fd_session_get_config (content->session);
  g_autofree char *own_sid = remote && remote->sid ? NULL : fd_jingle_random_id ();
  FdS5bParams params = {
    .iq = fd_client_get_iq (fd_jingle_get_client (jingle)),
    .proxies = fd_jingle_get_proxies (jingle),
    .sid = own_sid ? own_sid : remote->sid,
    .me = config->me,
    .peer = config->peer,
    .initiator = config->initiator,
    .policy = s5b_policy (content, remote),
    .ini_first = has_quirk (content, FD_QUIRK_INI_FIRST),
    .trickle = has_quirk (content, FD_QUIRK_TRICKLES),
    .error = fd_quirks_error_rule (fd_content_machine_get_quirks (content->machine), config->initiator),
    .mark_candidates = (config->extensions & FD_EXT_EOC) != 0,
    .cid_dst = (config->extensions & FD_EXT_CID_DST) != 0,
  };

  content->s5b = fd_s5b_transport_new (&params, &s5b_hooks, content);
  if (remote)
    (void) fd_content_take_info (content, remote);
  fd_s5b_transport_gather (content->s5b);
}

gboolean
fd_content_take_info (FdContent *content, const FdS5bInfo *info)
{
  g_autoptr (GError) error = NULL;

  if (!content->s5b)
    return TRUE; /* given up meanwhile */
  if (fd_s5b_transport_remote (content->s5b, info, &error))
    return TRUE;
  g_info ("%s: %s", fd_content_get_peer (content), error->message);
  return FALSE;
}

void
fd_content_acked (FdContent *content, const FdTransportInfo *transport, gboolean ok)
{
  if (transport->s5b && content->s5b
      && g_strcmp0 (transport->s5b->sid, fd_s5b_transport_get_local (content->s5b)->sid) == 0)
    fd_s5b_transport_acked (content->s5b, transport->s5b->kind, ok);
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
  FdContent *content = data;

  fd_content_machine_transport_drained (content->machine, fd_session_now (content->session));
  fd_session_run (content->session);
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
create_ibb (FdContent *content, const FdIbbInfo *agreed)
{
  const FdSessionConfig *config = fd_session_get_config (content->session);

  content->ibb
    = fd_ibb_transport_new (fd_jingle_get_ibb (fd_session_get_jingle (content->session)), config->peer,
                            agreed->sid, agreed->block_size, config->initiator, &ibb_hooks, content);
}

/* A proposal is only made up here; the stream is created when its block size
 * is agreed: as responder at once, as initiator with the answer. */
static void
prepare_ibb (FdContent *content, const FdIbbInfo *remote)
{
  g_autofree char *own_sid = remote && remote->sid ? NULL : fd_jingle_random_id ();
  guint block_size = remote ? MIN (remote->block_size, FD_IBB_BLOCK_SIZE) : FD_IBB_BLOCK_SIZE;

  fd_transport_info_clear (&content->local);
  content->local.kind = FD_TRANSPORT_KIND_IBB;
  content->local.ibb = fd_ibb_info_new (own_sid ? own_sid : remote->sid, block_size);
  if (remote)
    create_ibb (content, content->local.ibb);
  fd_content_machine_transport_ready (content->machine, &content->local, fd_session_now (content->session));
}

static void
take_remote (FdContent *content, const FdTransportInfo *remote)
{
  if (remote->s5b)
    (void) fd_content_take_info (content, remote->s5b);
  else if (remote->ibb && !content->ibb)
    {
      content->local.ibb->block_size = remote->ibb->block_size;
      create_ibb (content, content->local.ibb);
    }
}

static void
start_transport (FdContent *content)
{
  if (content->s5b)
    fd_s5b_transport_start (content->s5b);
  else if (content->ibb)
    fd_ibb_transport_start (content->ibb);
}

/* --- bytes --- */

static void
pumped (int stream, const FdPumpResult *result, gpointer data)
{
  FdContent *content = data;
  gint64 now = fd_session_now (content->session);

  content->flow = NULL;
  content->bytes = content->offset + result->bytes;
  content->stream = stream;
  fd_content_machine_pumped (content->machine, result, now);
  fd_session_run (content->session);
}

static void
start_flow (FdContent *content, guint64 offset, gint64 length)
{
  FdHashAlgo algo = fd_file_choose_algo (fd_content_get_file (content));
  /* A proxy holds back the tail, and a receiver that knows no size waits for the end. */
  gboolean half_close = content->path != FD_PATH_SOCKS5_DIRECT || length < 0;
  int stream = fd_take (&content->stream);

  content->offset = offset;
  if (fd_session_get_config (content->session)->initiator)
    content->flow = fd_flow_send (content->source, offset, length, stream, half_close, algo, pumped, content);
  else
    content->flow = fd_flow_receive (content->sink, offset, length, stream, algo, pumped, content);
}

void
fd_content_feed_progress (FdContent *content)
{
  if (content->flow)
    fd_content_machine_progress (content->machine, fd_flow_get_bytes (content->flow));
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

static void
prepare (FdContent *content, const FdAction *action)
{
  drop_transport (content);
  if (action->kind == FD_TRANSPORT_KIND_S5B)
    prepare_s5b (content, action->remote.s5b);
  else
    prepare_ibb (content, action->remote.ibb);
}

void
fd_content_carry_out (FdContent *content, const FdAction *action)
{
  switch (action->what)
    {
    case FD_DO_PREPARE:
      prepare (content, action);
      break;
    case FD_DO_REMOTE:
      take_remote (content, &action->remote);
      break;
    case FD_DO_START:
      start_transport (content);
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
    case FD_DO_TELL_ACCEPTED:
      if (content->hooks && content->hooks->accepted)
        content->hooks->accepted (content, content->hooks_data);
      break;
    case FD_DO_TELL_ACTIVE:
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

  if (content->s5b)
    rows |= fd_s5b_transport_get_rows (content->s5b);
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

void
fd_content_accept (FdContent *content, FdSink *sink, const FdContentParams *params)
{
  g_return_if_fail (fd_content_machine_get_state (content->machine) == FD_CONTENT_OFFERED);

  content->sink = fd_sink_ref (sink);
  content->params = *params;
  fd_content_machine_accept (content->machine, params->paths, fd_session_now (content->session));
  fd_session_schedule (content->session);
}

void
fd_content_reject (FdContent *content)
{
  g_return_if_fail (fd_content_machine_get_state (content->machine) == FD_CONTENT_OFFERED);

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
fd_content_is_shared (FdContent *content)
{
  return *fd_session_get_batch (content->session)
         && (fd_session_get_config (content->session)->extensions & FD_EXT_BATCH) != 0;
}

guint64
fd_content_get_bytes (FdContent *content)
{
  if (content->ibb && content->path == FD_PATH_IBB)
    return content->offset + fd_ibb_transport_get_bytes (content->ibb);
  return content->flow ? content->offset + fd_flow_get_bytes (content->flow) : content->bytes;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of one S5B negotiation (XEP-0260 §2): feeds the machine with what
 * listeners, dialers, the proxy and the peer say, and does what it asks for.
 */
#include "s5b/transport.h"
#include "base/error.h"
#include "base/fd.h"
#include "s5b/activation.h"
#include "s5b/dstaddr.h"
#include "s5b/gather.h"
#include "s5b/negotiation.h"
#include "s5b/remote.h"
#include "s5b/socket.h"

struct FdS5bTransport
{
  FdIq *iq;
  FdS5bProxies *proxies;
  char *sid, *me, *peer;
  gboolean initiator;
  FdS5bPolicy policy;
  gboolean ini_first;
  FdS5bHooks hooks;
  gpointer data;
  FdS5bNegotiation *negotiation;
  GSource *turn; /* runs the machine's timers and actions */
  FdS5bInfo *local; /* our offer */
  GPtrArray *locals; /* FdS5bLocal behind it */
  GPtrArray *remotes; /* FdS5bRemote */
  char *peer_sid; /* of a peer that answers with another sid than ours */
  char *peer_dstaddr;
  FdS5bActivation *activation;
  int activated_fd;
  char *activation_error;
};

static FdS5bRemote *
find_remote (FdS5bTransport *transport, const char *cid)
{
  for (guint i = 0; i < transport->remotes->len; i++)
    {
      FdS5bRemote *remote = transport->remotes->pdata[i];

      if (g_str_equal (fd_s5b_remote_get_candidate (remote)->cid, cid))
        return remote;
    }
  return NULL;
}

static FdS5bLocal *
find_local (FdS5bTransport *transport, const char *cid)
{
  for (guint i = 0; i < transport->locals->len; i++)
    {
      FdS5bLocal *local = transport->locals->pdata[i];

      if (g_str_equal (local->candidate->cid, cid))
        return local;
    }
  return NULL;
}

/* The machine's actions are done in a turn of their own, so that no hook is
 * called from inside a call of the session. */
static void
schedule (FdS5bTransport *transport)
{
  gint64 deadline = fd_s5b_negotiation_deadline (transport->negotiation);

  if (!fd_s5b_negotiation_is_idle (transport->negotiation))
    g_source_set_ready_time (transport->turn, 0);
  else
    g_source_set_ready_time (transport->turn, deadline == G_MAXINT64 ? -1 : deadline);
}

static gboolean
feed_event (FdS5bTransport *transport, const FdS5bEvent *event)
{
  gboolean known = fd_s5b_negotiation_feed (transport->negotiation, event, g_get_monotonic_time ());

  schedule (transport);
  return known;
}

static void
feed (FdS5bTransport *transport, FdS5bEventType type, const char *cid)
{
  const FdS5bEvent event = { .type = type, .cid = cid };

  feed_event (transport, &event);
}

static void
feed_candidate (FdS5bTransport *transport, FdS5bEventType type, const FdS5bCandidate *candidate)
{
  const FdS5bEvent event = { .type = type, .candidate = candidate };

  feed_event (transport, &event);
}

static FdS5bNames
names (FdS5bTransport *transport)
{
  return (FdS5bNames){
    .sid = transport->sid,
    .me = transport->me,
    .peer = transport->peer,
    .initiator = transport->initiator,
  };
}

/* Collecting candidates. */

static void
on_accepted (FdS5bListener *listener, gpointer data)
{
  FdS5bTransport *transport = data;

  for (guint i = 0; i < transport->locals->len; i++)
    {
      const FdS5bLocal *local = transport->locals->pdata[i];

      if (local->listener == listener)
        feed (transport, FD_S5B_EV_INCOMING, local->candidate->cid);
    }
}

static void
on_proxies (gpointer data)
{
  feed (data, FD_S5B_EV_GATHERED, NULL);
}

static void
collect (FdS5bTransport *transport)
{
  const FdS5bNames who = names (transport);
  g_auto (GStrv) dstaddrs = fd_s5b_dstaddrs_accepted (&who);
  g_autoptr (GPtrArray) remote = g_ptr_array_new ();
  const FdS5bGather gather = {
    .policy = transport->policy,
    .jid = transport->me,
    .dstaddrs = (const char *const *) dstaddrs,
    .streamhosts = transport->proxies ? fd_s5b_proxies_get (transport->proxies) : NULL,
    .remote = remote,
    .accepted = on_accepted,
    .data = transport,
  };

  if (transport->proxies)
    fd_s5b_proxies_unwait (transport->proxies, transport);
  for (guint i = 0; i < transport->remotes->len; i++)
    g_ptr_array_add (remote, (gpointer) fd_s5b_remote_get_candidate (transport->remotes->pdata[i]));

  g_ptr_array_unref (transport->locals);
  transport->locals = fd_s5b_gather (&gather);
  for (guint i = 0; i < transport->locals->len; i++)
    {
      const FdS5bLocal *local = transport->locals->pdata[i];

      g_ptr_array_add (transport->local->candidates, fd_s5b_candidate_copy (local->candidate));
      feed_candidate (transport, FD_S5B_EV_LOCAL, local->candidate);
    }
}

/* Dialing. */

static void
on_dial (FdS5bEventType event, const char *cid, gpointer data)
{
  feed (data, event, cid);
}

/* Why this candidate is not to be dialed, or NULL. */
static const char *
forbidden (FdS5bTransport *transport, const FdS5bCandidate *candidate)
{
  if (transport->policy & FD_S5B_HIDE)
    return "not dialed: the peer shall not learn our address";
  if (candidate->type == FD_S5B_PROXY)
    return transport->policy & FD_S5B_ALLOW_PROXY ? NULL : "not dialed: proxies are switched off";
  if (!(transport->policy & FD_S5B_ALLOW_DIRECT))
    return "not dialed: direct connections are switched off";
  for (guint i = 0; i < transport->locals->len; i++)
    {
      const FdS5bLocal *local = transport->locals->pdata[i];

      if (local->candidate->port == candidate->port && g_str_equal (local->candidate->host, candidate->host))
        return "not dialed: it is our own";
    }
  return NULL;
}

static void
dial (FdS5bTransport *transport, FdS5bRemote *remote)
{
  const FdS5bCandidate *candidate = fd_s5b_remote_get_candidate (remote);
  const FdS5bNames who = names (transport);
  gboolean proxy = candidate->type == FD_S5B_PROXY;
  /* iris names no jid in its direct candidates; no other client leaves it out. */
  gboolean ini_first = transport->ini_first || (!proxy && !candidate->jid);
  const char *why = forbidden (transport, candidate);
  g_auto (GStrv) dstaddrs = fd_s5b_dstaddrs_dialed (&who, transport->peer_dstaddr, proxy, ini_first);

  if (why)
    fd_s5b_remote_refuse (remote, why);
  else
    fd_s5b_remote_dial (remote, (const char *const *) dstaddrs, transport->policy & FD_S5B_ALLOW_LOOPBACK);
}

/* Our proxy. */

static void
on_activated (FdS5bActivation *activation, int fd, const GError *error, gpointer data)
{
  FdS5bTransport *transport = data;

  transport->activated_fd = fd;
  if (error)
    transport->activation_error = g_strdup (error->message);
  feed (transport, error ? FD_S5B_EV_ACTIVATION_FAILED : FD_S5B_EV_ACTIVATED, NULL);
}

static void
activate (FdS5bTransport *transport, const char *cid)
{
  const FdS5bLocal *proxy = find_local (transport, cid);
  g_autofree char *dstaddr = fd_s5b_dstaddr (transport->sid, transport->me, transport->peer);

  g_assert (proxy);
  transport->activation
    = fd_s5b_activation_new (transport->iq, proxy->candidate, transport->sid, dstaddr, transport->peer,
                             transport->policy & FD_S5B_ALLOW_LOOPBACK, on_activated, transport);
}

/* The end. */

static void
close_listeners (FdS5bTransport *transport)
{
  for (guint i = 0; i < transport->locals->len; i++)
    {
      const FdS5bLocal *local = transport->locals->pdata[i];

      if (local->listener)
        fd_s5b_listener_close (local->listener);
    }
}

static void
connected (FdS5bTransport *transport, const FdS5bAction *action)
{
  FdS5bPath path = FD_S5B_PATH_DIRECT;
  const FdS5bLocal *local = find_local (transport, action->cid);
  FdS5bRemote *remote = find_remote (transport, action->cid);
  int fd = -1;

  close_listeners (transport);
  switch (action->source)
    {
    case FD_S5B_FROM_DIALED:
      g_assert (remote);
      if (fd_s5b_remote_get_candidate (remote)->type == FD_S5B_PROXY)
        path = FD_S5B_PATH_PROXY;
      fd = fd_s5b_remote_take (remote);
      break;
    case FD_S5B_FROM_INCOMING:
      g_assert (local);
      fd = fd_s5b_listener_take (local->listener);
      break;
    case FD_S5B_FROM_ACTIVATED:
    default:
      path = FD_S5B_PATH_PROXY;
      fd = fd_take (&transport->activated_fd);
    }
  fd_s5b_socket_tune (fd);
  transport->hooks.connected (transport, fd, path, transport->data);
}

static char *
describe_proxy (FdS5bTransport *transport, const char *cid)
{
  const FdS5bLocal *local = cid ? find_local (transport, cid) : NULL;
  FdS5bRemote *remote = cid ? find_remote (transport, cid) : NULL;

  if (!local && !remote)
    return g_strdup ("the proxy");
  return fd_s5b_candidate_describe (local ? local->candidate : fd_s5b_remote_get_candidate (remote));
}

static char *
describe_failure (FdS5bTransport *transport, const FdS5bAction *action)
{
  g_autofree char *proxy = describe_proxy (transport, action->cid);

  switch (action->failure)
    {
    case FD_S5B_FAIL_PEER_PROXY_ERROR:
      return g_strdup_printf ("the peer could not use %s", proxy);
    case FD_S5B_FAIL_ACTIVATION:
      return g_strdup_printf ("%s: %s", proxy, transport->activation_error);
    case FD_S5B_FAIL_ACTIVATION_TIMEOUT:
      return g_strdup_printf ("%s was not activated in time", proxy);
    case FD_S5B_FAIL_PROXY_CLOSED:
      return g_strdup_printf ("%s closed the connection before it was activated", proxy);
    case FD_S5B_FAIL_NO_PATH:
    default:
      return g_strdup (transport->locals->len > 0 ? "the peer reached none of ours"
                                                  : "we had nothing to offer");
    }
}

static void
failed (FdS5bTransport *transport, const FdS5bAction *action)
{
  g_autoptr (GString) tried = g_string_new (NULL);
  g_autofree char *failure = describe_failure (transport, action);
  g_autoptr (GError) error = NULL;

  close_listeners (transport);
  for (guint i = 0; i < transport->remotes->len; i++)
    {
      FdS5bRemote *remote = transport->remotes->pdata[i];
      g_autofree char *name = fd_s5b_candidate_describe (fd_s5b_remote_get_candidate (remote));
      const char *outcome = fd_s5b_remote_get_outcome (remote);

      if (outcome)
        g_string_append_printf (tried, "%s%s %s", tried->len > 0 ? ", " : "", name, outcome);
    }
  if (transport->remotes->len == 0)
    g_string_append (tried, "the peer offered nothing");

  error = g_error_new (FD_ERROR, FD_ERROR_NO_TRANSPORT, "No TCP path: %s%s%s", tried->str,
                       tried->len > 0 ? "; " : "", failure);
  transport->hooks.failed (transport, error, transport->data);
}

static void
send_notification (FdS5bTransport *transport, const FdS5bAction *action)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (action->kind, transport->sid);

  info->cid = g_strdup (action->cid);
  transport->hooks.send (transport, info, transport->data);
}

/* What only concerns us; FALSE if a hook is to be called. */
static gboolean
do_inner (FdS5bTransport *transport, const FdS5bAction *action)
{
  switch (action->type)
    {
    case FD_S5B_DO_DIAL:
      dial (transport, find_remote (transport, action->cid));
      return TRUE;
    case FD_S5B_DO_UNDIAL:
      fd_s5b_remote_undial (find_remote (transport, action->cid));
      return TRUE;
    case FD_S5B_DO_ACTIVATE:
      activate (transport, action->cid);
      return TRUE;
    case FD_S5B_DO_READY:
    case FD_S5B_DO_SEND:
    case FD_S5B_DO_CONNECTED:
    case FD_S5B_DO_FAILED:
    default:
      return FALSE;
    }
}

/* Each of them may free the transport: nothing may follow. */
static void
call_hook (FdS5bTransport *transport, const FdS5bAction *action)
{
  switch (action->type)
    {
    case FD_S5B_DO_READY:
      transport->hooks.ready (transport, transport->data);
      break;
    case FD_S5B_DO_SEND:
      send_notification (transport, action);
      break;
    case FD_S5B_DO_CONNECTED:
      connected (transport, action);
      break;
    case FD_S5B_DO_FAILED:
      failed (transport, action);
      break;
    case FD_S5B_DO_DIAL:
    case FD_S5B_DO_UNDIAL:
    case FD_S5B_DO_ACTIVATE:
    default:
      g_return_if_reached ();
    }
}

static gboolean
on_turn (gpointer data)
{
  FdS5bTransport *transport = data;
  FdS5bAction *next;

  feed (transport, FD_S5B_EV_TIME, NULL);
  while ((next = fd_s5b_negotiation_next (transport->negotiation)))
    {
      g_autoptr (FdS5bAction) action = next;

      if (do_inner (transport, action))
        continue;
      if (action->type == FD_S5B_DO_READY)
        collect (transport);
      schedule (transport);
      call_hook (transport, action);
      return G_SOURCE_CONTINUE;
    }
  schedule (transport);
  return G_SOURCE_CONTINUE;
}

static gboolean
turn_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs turn_funcs = { .dispatch = turn_dispatch };

FdS5bTransport *
fd_s5b_transport_new (const FdS5bParams *params, const FdS5bHooks *hooks, gpointer data)
{
  FdS5bTransport *transport = g_new0 (FdS5bTransport, 1);

  transport->iq = params->iq;
  transport->proxies = params->policy & FD_S5B_ALLOW_PROXY ? params->proxies : NULL;
  transport->sid = g_strdup (params->sid);
  transport->me = g_strdup (params->me);
  transport->peer = g_strdup (params->peer);
  transport->initiator = params->initiator;
  transport->policy = params->policy;
  transport->ini_first = params->dial_ini_first;
  transport->hooks = *hooks;
  transport->data = data;
  transport->negotiation = fd_s5b_negotiation_new (params->initiator, params->marks_end);
  transport->local = fd_s5b_info_new (FD_S5B_CANDIDATES, params->sid);
  transport->local->dstaddr = fd_s5b_dstaddr (params->sid, params->me, params->peer);
  transport->local->candidates_done = params->marks_end;
  transport->locals = g_ptr_array_new ();
  transport->remotes = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_s5b_remote_free);
  transport->activated_fd = -1;

  transport->turn = g_source_new (&turn_funcs, sizeof (GSource));
  g_source_set_callback (transport->turn, on_turn, transport, NULL);
  g_source_attach (transport->turn, NULL);
  return transport;
}

void
fd_s5b_transport_free (FdS5bTransport *transport)
{
  if (!transport)
    return;
  g_source_destroy (transport->turn);
  g_source_unref (transport->turn);
  if (transport->proxies)
    fd_s5b_proxies_unwait (transport->proxies, transport);
  fd_s5b_activation_free (transport->activation);
  fd_close (&transport->activated_fd);
  g_ptr_array_unref (transport->locals);
  g_ptr_array_unref (transport->remotes);
  fd_s5b_negotiation_free (transport->negotiation);
  fd_s5b_info_free (transport->local);
  g_free (transport->sid);
  g_free (transport->me);
  g_free (transport->peer);
  g_free (transport->peer_sid);
  g_free (transport->peer_dstaddr);
  g_free (transport->activation_error);
  g_free (transport);
}

void
fd_s5b_transport_gather (FdS5bTransport *transport)
{
  feed (transport, FD_S5B_EV_GATHER, NULL);
  if (!transport->proxies || !fd_s5b_proxies_wait (transport->proxies, on_proxies, transport))
    feed (transport, FD_S5B_EV_GATHERED, NULL);
}

const FdS5bInfo *
fd_s5b_transport_get_local (FdS5bTransport *transport)
{
  return transport->local;
}

static void
add_remote (FdS5bTransport *transport, const FdS5bCandidate *candidate)
{
  if (transport->remotes->len >= FD_S5B_MAX_CANDIDATES || find_remote (transport, candidate->cid))
    return;
  g_ptr_array_add (transport->remotes, fd_s5b_remote_new (candidate, on_dial, transport));
  feed_candidate (transport, FD_S5B_EV_REMOTE, candidate);
}

/* A notification for a transport that this one has replaced. */
static gboolean
is_stale (FdS5bTransport *transport, const FdS5bInfo *info)
{
  return info->kind != FD_S5B_CANDIDATES && info->sid && !g_str_equal (info->sid, transport->sid)
         && g_strcmp0 (info->sid, transport->peer_sid) != 0;
}

gboolean
fd_s5b_transport_remote (FdS5bTransport *transport, const FdS5bInfo *info, GError **error)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_NOTIFIED, .kind = info->kind, .cid = info->cid };

  if (is_stale (transport, info))
    return TRUE;
  if (info->kind == FD_S5B_CANDIDATES && info->sid)
    {
      g_free (transport->peer_sid);
      transport->peer_sid = g_strdup (info->sid);
    }
  if (info->dstaddr)
    {
      g_free (transport->peer_dstaddr);
      transport->peer_dstaddr = g_strdup (info->dstaddr);
    }
  for (guint i = 0; i < info->candidates->len; i++)
    add_remote (transport, info->candidates->pdata[i]);
  if (info->candidates_done)
    feed (transport, FD_S5B_EV_REMOTE_DONE, NULL);

  if (info->kind == FD_S5B_CANDIDATES || feed_event (transport, &event))
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL, "The peer uses candidate %s, which was not offered",
               info->cid ? info->cid : "without a name");
  return FALSE;
}

void
fd_s5b_transport_start (FdS5bTransport *transport)
{
  feed (transport, FD_S5B_EV_START, NULL);
}

/* A refusal changes nothing: clients answer repeated or late notifications
 * with errors, and the timers end what really hangs. */
void
fd_s5b_transport_sent (FdS5bTransport *transport, gboolean acked)
{
  if (!acked)
    g_info ("%s refused or did not answer a notification of bytestream %s", transport->peer, transport->sid);
}

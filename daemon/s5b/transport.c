/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of one S5B negotiation (XEP-0260 §2): feeds the machine with what
 * listeners, dialers, the proxy and the peer say, and does what it asks for.
 */
#include "s5b/transport.h"
#include "base/error.h"
#include "base/timer.h"
#include "s5b/locals.h"
#include "s5b/remote.h"
#include "s5b/socket.h"

struct FdS5bTransport
{
  char *sid, *me, *peer;
  FdS5bNames names; /* of those */
  FdS5bPolicy policy;
  gboolean ini_first;
  FdS5bHooks hooks;
  gpointer data;
  FdS5bNegotiation *negotiation;
  FdRows rows; /* beside the negotiation's */
  GSource *turn; /* runs the machine's timers and actions */
  FdS5bInfo *local; /* our offer */
  FdS5bLocals *locals; /* behind it */
  gboolean marks; /* it says whether more may follow */
  GPtrArray *remotes; /* FdS5bRemote */
  GPtrArray *candidates; /* FdS5bCandidate of each of them */
  gboolean peer_cid_dst; /* the peer has hashes per candidate */
  char *peer_sid; /* of a peer that answers with another sid than ours */
  char *peer_dstaddr;
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
on_local (const FdS5bEvent *event, gpointer data)
{
  FdS5bTransport *transport = data;

  if (event->type == FD_S5B_EV_LOCAL
      && fd_s5b_negotiation_get_state (transport->negotiation) < FD_S5B_OFFERED)
    g_ptr_array_add (transport->local->candidates, fd_s5b_candidate_copy (event->candidate));
  feed_event (transport, event);
}

static void
on_dial (FdS5bEventType event, const char *cid, gpointer data)
{
  feed (data, event, cid);
}

/* Dialing. */

/* Why this candidate is not to be dialed, or NULL. */
static const char *
forbidden (FdS5bTransport *transport, const FdS5bCandidate *candidate)
{
  gboolean proxy = candidate->type == FD_S5B_PROXY;

  if (transport->policy & FD_S5B_HIDE)
    return "not dialed: the peer shall not learn our address";
  if (proxy && !(transport->policy & FD_S5B_ALLOW_PROXY))
    return "not dialed: proxies are switched off";
  if (proxy && transport->policy & FD_S5B_NO_PEER_PROXY)
    return "not dialed: the peer's own connection to it is too old";
  if (!proxy && !(transport->policy & FD_S5B_ALLOW_DIRECT))
    return "not dialed: direct connections are switched off";
  if (!proxy && transport->policy & FD_S5B_NO_PEER_DIRECT)
    return "not dialed: the peer loses bytes there";
  if (!proxy && fd_s5b_locals_have (transport->locals, candidate))
    return "not dialed: it is our own";
  return NULL;
}

static void
dial (FdS5bTransport *transport, FdS5bRemote *remote)
{
  const FdS5bCandidate *candidate = fd_s5b_remote_get_candidate (remote);
  gboolean proxy = candidate->type == FD_S5B_PROXY;
  gboolean per_cid = transport->local->cid_dst && transport->peer_cid_dst;
  /* iris names no jid in its direct candidates; no other client leaves it out. */
  gboolean ini_first = transport->ini_first || (!proxy && !candidate->jid);
  const char *why = forbidden (transport, candidate);
  g_auto (GStrv) dstaddrs = fd_s5b_dstaddrs_dialed (&transport->names, per_cid ? candidate->cid : NULL,
                                                    transport->peer_dstaddr, proxy, ini_first);

  if (why)
    fd_s5b_remote_refuse (remote, why);
  else
    fd_s5b_remote_dial (remote, (const char *const *) dstaddrs, transport->policy & FD_S5B_ALLOW_LOOPBACK);
}

/* The end. */

static void
connected (FdS5bTransport *transport, const FdS5bAction *action)
{
  FdS5bPath path = FD_S5B_PATH_DIRECT;
  FdS5bRemote *remote = find_remote (transport, action->cid);
  int fd = -1;

  fd_s5b_locals_close (transport->locals);
  switch (action->source)
    {
    case FD_S5B_FROM_DIALED:
      g_assert (remote);
      if (fd_s5b_remote_get_candidate (remote)->type == FD_S5B_PROXY)
        path = FD_S5B_PATH_PROXY;
      fd = fd_s5b_remote_take (remote);
      break;
    case FD_S5B_FROM_INCOMING:
      fd = fd_s5b_locals_take_incoming (transport->locals, action->cid);
      break;
    case FD_S5B_FROM_ACTIVATED:
    default:
      path = FD_S5B_PATH_PROXY;
      fd = fd_s5b_locals_take_activated (transport->locals);
    }
  fd_s5b_socket_tune (fd);
  transport->hooks.connected (transport, fd, path, transport->data);
}

static char *
describe_proxy (FdS5bTransport *transport, const char *cid)
{
  const FdS5bCandidate *local = cid ? fd_s5b_locals_find (transport->locals, cid) : NULL;
  FdS5bRemote *remote = cid ? find_remote (transport, cid) : NULL;

  if (!local && !remote)
    return g_strdup ("the proxy");
  return fd_s5b_candidate_describe (local ? local : fd_s5b_remote_get_candidate (remote));
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
      return g_strdup_printf ("%s: %s", proxy, fd_s5b_locals_get_activation_error (transport->locals));
    case FD_S5B_FAIL_ACTIVATION_TIMEOUT:
      return g_strdup_printf ("%s was not activated in time", proxy);
    case FD_S5B_FAIL_PROXY_CLOSED:
      return g_strdup_printf ("%s closed the connection before it was activated", proxy);
    case FD_S5B_FAIL_NOTHING_TO_OFFER:
      return g_strdup ("addresses are not to be shown, and there is no proxy");
    case FD_S5B_FAIL_NO_PATH:
    default:
      return g_strdup (fd_s5b_locals_is_empty (transport->locals) ? "we had nothing to offer"
                                                                  : "the peer reached none of ours");
    }
}

static void
failed (FdS5bTransport *transport, const FdS5bAction *action)
{
  g_autoptr (GString) tried = g_string_new (NULL);
  g_autofree char *failure = describe_failure (transport, action);
  g_autoptr (GError) error = NULL;

  fd_s5b_locals_close (transport->locals);
  for (guint i = 0; i < transport->remotes->len; i++)
    {
      FdS5bRemote *remote = transport->remotes->pdata[i];
      g_autofree char *name = fd_s5b_candidate_describe (fd_s5b_remote_get_candidate (remote));
      const char *outcome = fd_s5b_remote_get_outcome (remote);

      if (outcome)
        g_string_append_printf (tried, "%s%s %s", tried->len > 0 ? ", " : "", name, outcome);
    }
  if (transport->remotes->len == 0 && action->failure != FD_S5B_FAIL_NOTHING_TO_OFFER)
    g_string_append (tried, "the peer offered nothing");

  error = g_error_new (FD_ERROR, FD_ERROR_NO_TRANSPORT, "No TCP path: %s%s%s", tried->str,
                       tried->len > 0 ? "; " : "", failure);
  transport->hooks.failed (transport, error, transport->data);
}

/* A candidate that came late, with what a peer needs to dial it. */
static FdS5bInfo *
make_trickle (FdS5bTransport *transport, const FdS5bAction *action)
{
  FdS5bInfo *info = fd_s5b_info_new (FD_S5B_CANDIDATES, transport->sid);

  info->dstaddr = g_strdup (transport->local->dstaddr);
  if (action->cid)
    g_ptr_array_add (info->candidates,
                     fd_s5b_candidate_copy (fd_s5b_locals_find (transport->locals, action->cid)));
  if (action->last)
    info->mark = FD_S5B_MARK_DONE;
  return info;
}

static FdS5bInfo *
make_notification (FdS5bTransport *transport, const FdS5bAction *action)
{
  FdS5bInfo *info = fd_s5b_info_new (action->kind, transport->sid);

  info->cid = g_strdup (action->cid);
  return info;
}

static void
send_info (FdS5bTransport *transport, const FdS5bAction *action)
{
  g_autoptr (FdS5bInfo) info = action->kind == FD_S5B_CANDIDATES ? make_trickle (transport, action)
                                                                 : make_notification (transport, action);

  transport->hooks.send (transport, info, transport->data);
}

static void
offer (FdS5bTransport *transport)
{
  if (transport->marks)
    transport->local->mark
      = fd_s5b_negotiation_is_complete (transport->negotiation) ? FD_S5B_MARK_DONE : FD_S5B_MARK_FOLLOW;
  transport->hooks.ready (transport, transport->data);
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
      fd_s5b_locals_activate (transport->locals, action->cid);
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
      offer (transport);
      break;
    case FD_S5B_DO_SEND:
      send_info (transport, action);
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
      schedule (transport);
      call_hook (transport, action);
      return G_SOURCE_CONTINUE;
    }
  schedule (transport);
  return G_SOURCE_CONTINUE;
}

FdS5bTransport *
fd_s5b_transport_new (const FdS5bParams *params, const FdS5bHooks *hooks, gpointer data)
{
  const FdS5bRules rules = {
    .initiator = params->initiator,
    .trickle = params->trickle,
    .mark = params->initiator && params->mark_candidates,
    .hidden = (params->policy & FD_S5B_HIDE) != 0,
    .error = params->error,
  };
  FdS5bTransport *transport = g_new0 (FdS5bTransport, 1);

  transport->sid = g_strdup (params->sid);
  transport->me = g_strdup (params->me);
  transport->peer = g_strdup (params->peer);
  transport->names = (FdS5bNames){
    .sid = transport->sid, .me = transport->me, .peer = transport->peer, .initiator = params->initiator
  };
  transport->policy = params->policy;
  transport->ini_first = params->ini_first;
  transport->hooks = *hooks;
  transport->data = data;
  transport->negotiation = fd_s5b_negotiation_new (&rules);
  transport->marks = rules.mark;
  transport->local = fd_s5b_info_new (FD_S5B_CANDIDATES, params->sid);
  transport->local->dstaddr = fd_s5b_dstaddr (params->sid, params->me, params->peer);
  transport->local->cid_dst = params->initiator && params->cid_dst;
  transport->remotes = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_s5b_remote_free);
  transport->candidates = g_ptr_array_new ();
  transport->locals
    = fd_s5b_locals_new (params->iq, params->policy & FD_S5B_ALLOW_PROXY ? params->proxies : NULL,
                         &transport->names, params->policy, transport->candidates, on_local, transport);

  transport->turn = fd_timer_new ("bytestream", on_turn, transport);
  return transport;
}

void
fd_s5b_transport_free (FdS5bTransport *transport)
{
  if (!transport)
    return;
  fd_timer_free (transport->turn);
  fd_s5b_locals_free (transport->locals);
  g_ptr_array_unref (transport->candidates);
  g_ptr_array_unref (transport->remotes);
  fd_s5b_negotiation_free (transport->negotiation);
  fd_s5b_info_free (transport->local);
  g_free (transport->sid);
  g_free (transport->me);
  g_free (transport->peer);
  g_free (transport->peer_sid);
  g_free (transport->peer_dstaddr);
  g_free (transport);
}

void
fd_s5b_transport_gather (FdS5bTransport *transport)
{
  feed (transport, FD_S5B_EV_GATHER, NULL);
  fd_s5b_locals_gather (transport->locals, transport->local->cid_dst);
}

const FdS5bInfo *
fd_s5b_transport_get_local (FdS5bTransport *transport)
{
  return transport->local;
}

static void
add_remote (FdS5bTransport *transport, const FdS5bCandidate *candidate)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_REMOTE, .candidate = candidate };
  FdS5bRemote *remote;

  if (transport->remotes->len >= FD_S5B_MAX_CANDIDATES || find_remote (transport, candidate->cid))
    return;
  remote = fd_s5b_remote_new (candidate, on_dial, transport);
  g_ptr_array_add (transport->remotes, remote);
  g_ptr_array_add (transport->candidates, (gpointer) fd_s5b_remote_get_candidate (remote));
  feed_event (transport, &event);
}

/* For a transport that this one has replaced. A peer may answer with a sid of its own. */
static gboolean
is_stale (FdS5bTransport *transport, const FdS5bInfo *info)
{
  if (!info->sid || g_str_equal (info->sid, transport->sid))
    return FALSE;
  if (transport->peer_sid)
    return !g_str_equal (info->sid, transport->peer_sid);
  return info->kind != FD_S5B_CANDIDATES;
}

/* A responder follows the offer in what extensions it uses. */
static void
take_extensions (FdS5bTransport *transport, const FdS5bInfo *info)
{
  gboolean follow
    = !transport->names.initiator && fd_s5b_negotiation_get_state (transport->negotiation) == FD_S5B_NEW;

  transport->peer_cid_dst = transport->peer_cid_dst || info->cid_dst;
  if (follow)
    {
      transport->local->cid_dst = transport->peer_cid_dst;
      transport->marks = transport->marks || info->mark != FD_S5B_MARK_NONE;
    }
  if (info->mark != FD_S5B_MARK_NONE)
    feed (transport, info->mark == FD_S5B_MARK_DONE ? FD_S5B_EV_REMOTE_DONE : FD_S5B_EV_REMOTE_FOLLOW, NULL);
}

static void
take_candidates (FdS5bTransport *transport, const FdS5bInfo *info)
{
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
}

gboolean
fd_s5b_transport_remote (FdS5bTransport *transport, const FdS5bInfo *info, GError **error)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_NOTIFIED, .kind = info->kind, .cid = info->cid };

  if (is_stale (transport, info))
    {
      fd_row (&transport->rows, 41);
      return TRUE;
    }
  take_candidates (transport, info);
  take_extensions (transport, info); /* after them: the mark may end it all */

  if (info->kind == FD_S5B_CANDIDATES || feed_event (transport, &event))
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL, "The peer uses candidate %s, which was not offered",
               info->cid ? info->cid : "without a name");
  return FALSE;
}

/* Who offers a proxy connection from long ago (Conversations) offers nothing
 * later: there is nothing to wait for. */
void
fd_s5b_transport_start (FdS5bTransport *transport)
{
  feed (transport, FD_S5B_EV_START, NULL);
  if (transport->policy & FD_S5B_NO_PEER_PROXY)
    feed (transport, FD_S5B_EV_REMOTE_DONE, NULL);
}

/* A refusal changes nothing: clients answer repeated or late notifications
 * with errors, and the timers end what really hangs. */
void
fd_s5b_transport_acked (FdS5bTransport *transport, FdS5bKind kind, gboolean ok)
{
  if (!ok)
    g_info ("%s refused or did not answer a stanza of bytestream %s", transport->peer, transport->sid);
  if (kind == FD_S5B_CANDIDATES)
    feed (transport, FD_S5B_EV_ACKED, NULL);
}

FdRows
fd_s5b_transport_get_rows (FdS5bTransport *transport)
{
  return fd_s5b_negotiation_get_rows (transport->negotiation) | transport->rows;
}

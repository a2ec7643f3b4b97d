/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One SOCKS5 transport of ours: s5b/transport.c over the simulated network.
 */
#include "ours.h"

#include "ours-locals.h"
#include "proxy.h"

#include <string.h>

#define DIRECT_PATIENCE_MS 5000 /* as in s5b/dialer.h */
#define PROXY_PATIENCE_MS 8000

typedef struct
{
  SimS5b *s5b;
  FdS5bCandidate *candidate;
  SimDial *dial;
  SimEnd *end;
} Remote;

struct SimS5b
{
  SimWorld *world;
  SimSide *side;
  SimContent *content;
  FdS5bNegotiation *negotiation;
  char sid[SIM_SID_SIZE];
  gboolean initiator, ini_first, marks;
  gboolean cid_dst, peer_cid_dst;
  FdPath paths;
  gboolean no_peer_direct, hidden;
  SimDst announced; /* the peer's dstaddr */
  FdS5bInfo *local;
  SimLocals *locals;
  guint peer_proxies; /* bits */
  Remote remotes[FD_S5B_MAX_CANDIDATES];
  guint n_remotes;
  SimTimer turn;
};

/* --- feeding the machine --- */

static void
schedule (SimS5b *s5b)
{
  gint64 deadline = fd_s5b_negotiation_deadline (s5b->negotiation);

  if (!fd_s5b_negotiation_is_idle (s5b->negotiation))
    deadline = 0;
  if (deadline == G_MAXINT64)
    sim_timer_disarm (&s5b->world->clock, &s5b->turn);
  else
    sim_timer_arm (&s5b->world->clock, &s5b->turn, deadline);
}

static gboolean
feed_event (SimS5b *s5b, const FdS5bEvent *event)
{
  gboolean known = fd_s5b_negotiation_feed (s5b->negotiation, event, SIM_NOW (s5b->world));

  schedule (s5b);
  return known;
}

static void
feed (SimS5b *s5b, FdS5bEventType type, const char *cid)
{
  feed_event (s5b, &(FdS5bEvent){ .type = type, .cid = cid });
}

static Remote *
find_remote (SimS5b *s5b, const char *cid)
{
  for (guint i = 0; i < s5b->n_remotes; i++)
    if (strcmp (s5b->remotes[i].candidate->cid, cid) == 0)
      return &s5b->remotes[i];
  return NULL;
}

/* --- our candidates --- */

static void
on_local (const FdS5bEvent *event, gpointer data)
{
  SimS5b *s5b = data;

  if (event->type == FD_S5B_EV_LOCAL && fd_s5b_negotiation_get_state (s5b->negotiation) < FD_S5B_OFFERED)
    g_ptr_array_add (s5b->local->candidates, fd_s5b_candidate_copy (event->candidate));
  feed_event (s5b, event);
}

void
sim_s5b_gather (SimS5b *s5b)
{
  feed (s5b, FD_S5B_EV_GATHER, NULL);
  sim_locals_gather (s5b->locals, s5b->cid_dst);
}

static void
set_marks (SimS5b *s5b)
{
  if (s5b->marks)
    s5b->local->mark
      = fd_s5b_negotiation_is_complete (s5b->negotiation) ? FD_S5B_MARK_DONE : FD_S5B_MARK_FOLLOW;
  s5b->local->cid_dst = s5b->cid_dst;
}

/* --- the peer's candidates --- */

static void
on_proxy_socket (gpointer data)
{
  Remote *remote = data;

  if (!sim_stream_is_dead (&remote->end->stream))
    return;
  remote->end->stream.wake = NULL;
  feed (remote->s5b, FD_S5B_EV_DIAL_CLOSED, remote->candidate->cid);
}

static void
on_dialed (gpointer data, const char *cid, SimEnd *end)
{
  Remote *remote = data;
  SimS5b *s5b = remote->s5b;

  remote->dial = NULL;
  remote->end = end;
  SIM_CHART (s5b->side, "   dial %s: %s", cid, end ? "connected" : "failed");
  feed (s5b, end ? FD_S5B_EV_DIALED : FD_S5B_EV_DIAL_FAILED, cid);
  if (end && remote->candidate->type == FD_S5B_PROXY)
    {
      end->stream.wake = on_proxy_socket;
      end->stream.wake_data = remote;
      on_proxy_socket (remote);
    }
}

static void
add_dst (SimDialParams *params, SimDst dst)
{
  for (guint i = 0; i < params->n_dsts; i++)
    if (params->dsts[i] == dst)
      return;
  params->dsts[params->n_dsts++] = dst;
}

/* As fd_s5b_dstaddrs_dialed(). */
static void
dial (SimS5b *s5b, Remote *remote)
{
  const FdS5bCandidate *candidate = remote->candidate;
  gboolean proxy = candidate->type == FD_S5B_PROXY;
  SimDialParams params = { .side = s5b->side,
                           .sid = s5b->sid,
                           .cid = candidate->cid,
                           .patience_ms = proxy ? PROXY_PATIENCE_MS : DIRECT_PATIENCE_MS,
                           .done = on_dialed,
                           .data = remote };

  if (s5b->hidden || !(s5b->paths & (proxy ? FD_PATH_SOCKS5_PROXY : FD_PATH_SOCKS5_DIRECT))
      || (!proxy && s5b->no_peer_direct))
    {
      on_dialed (remote, candidate->cid, NULL);
      return;
    }
  if (!proxy && s5b->cid_dst && s5b->peer_cid_dst)
    add_dst (&params, SIM_DST_CID);
  if (!proxy && (s5b->ini_first || !candidate->jid))
    add_dst (&params, SIM_DST_INI);
  if (s5b->announced)
    add_dst (&params, s5b->announced);
  if (!proxy || !s5b->announced)
    add_dst (&params, s5b->initiator ? SIM_DST_RESP : SIM_DST_INI);
  if (!proxy)
    add_dst (&params, SIM_DST_INI);
  remote->dial = sim_dial_new (s5b->world, &params);
  SIM_CHART (s5b->side, "   dial %s", candidate->cid);
}

static void
add_remote (SimS5b *s5b, const FdS5bCandidate *candidate)
{
  Remote *remote = &s5b->remotes[s5b->n_remotes];
  const SimOffer *offer = sim_offer_find (s5b->world, candidate->cid);

  if (offer && offer->proxy)
    s5b->peer_proxies |= 1u << sim_proxy_get_number (offer->proxy);
  if (s5b->n_remotes == FD_S5B_MAX_CANDIDATES || find_remote (s5b, candidate->cid))
    return;
  *remote = (Remote){ .s5b = s5b, .candidate = fd_s5b_candidate_copy (candidate) };
  s5b->n_remotes++;
  feed_event (s5b, &(FdS5bEvent){ .type = FD_S5B_EV_REMOTE, .candidate = candidate });
}

gboolean
sim_s5b_remote (SimS5b *s5b, const FdS5bInfo *info)
{
  gboolean follow = !s5b->initiator && fd_s5b_negotiation_get_state (s5b->negotiation) == FD_S5B_NEW;

  if (info->kind != FD_S5B_CANDIDATES && info->sid && strcmp (info->sid, s5b->sid) != 0)
    return TRUE; /* of a transport before */
  if (info->dstaddr)
    s5b->announced = strcmp (info->dstaddr, "ini") == 0 ? SIM_DST_INI : SIM_DST_RESP;
  if (info->cid_dst)
    s5b->peer_cid_dst = TRUE;
  for (guint i = 0; i < info->candidates->len; i++)
    add_remote (s5b, info->candidates->pdata[i]);
  if (follow)
    {
      s5b->cid_dst = s5b->peer_cid_dst;
      s5b->marks = s5b->marks || info->mark != FD_S5B_MARK_NONE;
    }
  if (info->mark != FD_S5B_MARK_NONE)
    feed (s5b, info->mark == FD_S5B_MARK_DONE ? FD_S5B_EV_REMOTE_DONE : FD_S5B_EV_REMOTE_FOLLOW, NULL);
  if (info->kind == FD_S5B_CANDIDATES)
    return TRUE;
  return feed_event (s5b, &(FdS5bEvent){ .type = FD_S5B_EV_NOTIFIED, .kind = info->kind, .cid = info->cid });
}

/* --- what the machine wants --- */

static void
connected (SimS5b *s5b, const FdS5bAction *action)
{
  FdPath path = FD_PATH_SOCKS5_DIRECT;
  Remote *remote = find_remote (s5b, action->cid);
  SimEnd *end;

  sim_locals_close (s5b->locals);
  switch (action->source)
    {
    case FD_S5B_FROM_DIALED:
      if (remote->candidate->type == FD_S5B_PROXY)
        path = FD_PATH_SOCKS5_PROXY;
      end = g_steal_pointer (&remote->end);
      break;
    case FD_S5B_FROM_INCOMING:
      end = sim_locals_take_incoming (s5b->locals, action->cid);
      break;
    case FD_S5B_FROM_ACTIVATED:
    default:
      path = FD_PATH_SOCKS5_PROXY;
      end = sim_locals_take_activated (s5b->locals);
      break;
    }
  if (!end)
    {
      sim_violate (s5b->world, "connected to %s, which has no socket", action->cid);
      return;
    }
  end->stream.wake = NULL;
  sim_end_take (end);
  sim_check_nomination (s5b->world, s5b->side, s5b->sid, end);
  s5b->content->end = end;
  sim_content_connected (s5b->content, &end->stream, path);
}

static void
send (SimS5b *s5b, const FdS5bAction *action)
{
  SimSession *session = s5b->content->session;
  FdS5bInfo *info = fd_s5b_info_new (action->kind, s5b->sid);
  const FdS5bCandidate *candidate = action->cid ? sim_locals_find (s5b->locals, action->cid) : NULL;

  if (action->kind != FD_S5B_CANDIDATES)
    info->cid = g_strdup (action->cid);
  else
    {
      if (candidate)
        g_ptr_array_add (info->candidates, fd_s5b_candidate_copy (candidate));
      info->mark = action->last ? FD_S5B_MARK_DONE : FD_S5B_MARK_NONE;
      info->dstaddr = g_strdup (s5b->local->dstaddr);
    }
  sim_session_feed_progress (session);
  fd_content_machine_send_transport_info (s5b->content->machine, info);
  fd_s5b_info_free (info);
  sim_session_run (session);
}

static void
ready (SimS5b *s5b)
{
  FdTransportInfo local = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = s5b->local };
  SimSession *session = s5b->content->session;

  sim_session_feed_progress (session);
  fd_content_machine_transport_ready (s5b->content->machine, &local, SIM_NOW (s5b->world));
  sim_session_run (session);
}

/* TRUE if the transport is still there. */
static gboolean
carry_out (SimS5b *s5b, const FdS5bAction *action)
{
  Remote *remote;

  switch (action->type)
    {
    case FD_S5B_DO_DIAL:
      dial (s5b, find_remote (s5b, action->cid));
      return TRUE;
    case FD_S5B_DO_UNDIAL:
      remote = find_remote (s5b, action->cid);
      SIM_CHART (s5b->side, "   give up %s", action->cid);
      g_clear_pointer (&remote->dial, sim_dial_free);
      return TRUE;
    case FD_S5B_DO_ACTIVATE:
      sim_locals_activate (s5b->locals, action->cid);
      return TRUE;
    case FD_S5B_DO_READY:
      set_marks (s5b);
      ready (s5b);
      return FALSE;
    case FD_S5B_DO_SEND:
      send (s5b, action);
      return FALSE;
    case FD_S5B_DO_CONNECTED:
      connected (s5b, action);
      return FALSE;
    case FD_S5B_DO_FAILED:
    default:
      SIM_CHART (s5b->side, "   no TCP path (%u)", action->failure);
      s5b->world->coverage->failures[action->failure]++;
      sim_locals_close (s5b->locals);
      sim_content_failed (s5b->content, FD_ERROR_NO_TRANSPORT);
      return FALSE;
    }
}

static void
on_turn (gpointer data)
{
  SimS5b *s5b = data;
  FdS5bAction *action;

  feed (s5b, FD_S5B_EV_TIME, NULL);
  while ((action = fd_s5b_negotiation_next (s5b->negotiation)))
    {
      gboolean inner = action->type <= FD_S5B_DO_UNDIAL && action->type != FD_S5B_DO_READY;

      if (!inner && action->type != FD_S5B_DO_ACTIVATE)
        schedule (s5b); /* the rest in another turn, if it is still there */
      inner = carry_out (s5b, action);
      fd_s5b_action_free (action);
      if (!inner)
        return;
    }
  schedule (s5b);
}

/* --- life --- */

SimS5b *
sim_s5b_new (SimContent *content, const FdTransportInfo *remote)
{
  SimSession *session = content->session;
  SimSide *side = session->ours->side;
  FdQuirks quirks = fd_content_machine_get_quirks (content->machine);
  FdExtensions peer = sim_other (side)->plan.extensions;
  SimS5b *s5b = g_new0 (SimS5b, 1);
  FdS5bRules rules = { .initiator = session->initiator,
                       .trickle = (quirks & FD_QUIRK_TRICKLES) != 0,
                       .mark = session->initiator && (peer & FD_EXT_EOC),
                       .hidden = side->plan.hidden,
                       .error = fd_quirks_error_rule (quirks, session->initiator) };

  s5b->world = side->world;
  s5b->side = side;
  s5b->content = content;
  s5b->initiator = session->initiator;
  s5b->ini_first = (quirks & FD_QUIRK_INI_FIRST) != 0;
  s5b->no_peer_direct = (quirks & FD_QUIRK_BAD_LISTENER) != 0;
  s5b->paths = content->paths;
  s5b->hidden = side->plan.hidden;
  s5b->marks = rules.mark;
  s5b->cid_dst = session->initiator && (peer & FD_EXT_CID_DST);
  if (remote->s5b && remote->s5b->sid)
    g_strlcpy (s5b->sid, remote->s5b->sid, sizeof s5b->sid);
  else
    sim_new_sid (s5b->world, "t", s5b->sid);
  s5b->negotiation = fd_s5b_negotiation_new (&rules);
  s5b->local = fd_s5b_info_new (FD_S5B_CANDIDATES, s5b->sid);
  s5b->local->dstaddr = g_strdup (s5b->initiator ? "ini" : "resp");
  sim_timer_init (&s5b->turn, on_turn, s5b);
  s5b->locals = sim_locals_new (&(SimLocalsParams){ .side = side,
                                                    .sid = s5b->sid,
                                                    .initiator = s5b->initiator,
                                                    .paths = s5b->paths,
                                                    .peer_proxies = &s5b->peer_proxies,
                                                    .happened = on_local,
                                                    .data = s5b });
  s5b->world->live_transports++;
  if (remote->s5b)
    (void) sim_s5b_remote (s5b, remote->s5b);
  return s5b;
}

void
sim_s5b_free (SimS5b *s5b)
{
  s5b->world->rows |= fd_s5b_negotiation_get_rows (s5b->negotiation);
  s5b->world->live_transports--;
  sim_locals_free (s5b->locals);
  for (guint i = 0; i < s5b->n_remotes; i++)
    {
      sim_dial_free (s5b->remotes[i].dial);
      sim_end_close (s5b->remotes[i].end);
      fd_s5b_candidate_free (s5b->remotes[i].candidate);
    }
  sim_timer_disarm (&s5b->world->clock, &s5b->turn);
  fd_s5b_negotiation_free (s5b->negotiation);
  fd_s5b_info_free (s5b->local);
  g_free (s5b);
}

/* --- for the content --- */

void
sim_s5b_start (SimS5b *s5b)
{
  feed (s5b, FD_S5B_EV_START, NULL);
}

void
sim_s5b_acked (SimS5b *s5b, FdS5bKind kind)
{
  if (kind == FD_S5B_CANDIDATES)
    feed (s5b, FD_S5B_EV_ACKED, NULL);
}

const char *
sim_s5b_get_sid (const SimS5b *s5b)
{
  return s5b->sid;
}

FdS5bState
sim_s5b_get_state (const SimS5b *s5b)
{
  return fd_s5b_negotiation_get_state (s5b->negotiation);
}

gboolean
sim_s5b_is_live (const SimS5b *s5b)
{
  if (sim_timer_is_armed (&s5b->turn) || sim_locals_is_activating (s5b->locals))
    return TRUE;
  for (guint i = 0; i < s5b->n_remotes; i++)
    if (s5b->remotes[i].dial)
      return TRUE;
  return FALSE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport of a file, of either kind: what each is given, and what it says.
 */
#include "jingle/carrier.h"

/* A proxy that nobody came to drops its only connection after a minute. */
#define STALE_PROXY_TIME FD_MS (55000)
#define STALE_PROXY_MAX_SIZE 5000000 /* bytes that are worth sending in-band instead */

struct FdCarrier
{
  FdCarrierParams params;
  const FdCarrierHooks *hooks;
  gpointer data;
  FdS5bTransport *s5b;
  FdIbbTransport *ibb;
  FdTransportInfo local; /* of an in-band transport that is proposed */
};

FdCarrier *
fd_carrier_new (const FdCarrierParams *params, const FdCarrierHooks *hooks, gpointer data)
{
  FdCarrier *carrier = g_new0 (FdCarrier, 1);

  carrier->params = *params;
  carrier->hooks = hooks;
  carrier->data = data;
  return carrier;
}

void
fd_carrier_free (FdCarrier *carrier)
{
  if (!carrier)
    return;
  g_clear_pointer (&carrier->s5b, fd_s5b_transport_free);
  g_clear_pointer (&carrier->ibb, fd_ibb_transport_free);
  fd_transport_info_clear (&carrier->local);
  g_free (carrier);
}

/* --- S5B --- */

static void
s5b_ready (FdS5bTransport *transport, gpointer data)
{
  FdCarrier *carrier = data;
  FdTransportInfo local
    = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = (FdS5bInfo *) fd_s5b_transport_get_local (transport) };

  carrier->hooks->ready (&local, carrier->data);
}

static void
s5b_send (FdS5bTransport *transport, const FdS5bInfo *info, gpointer data)
{
  FdCarrier *carrier = data;

  carrier->hooks->send (info, carrier->data);
}

static void
s5b_connected (FdS5bTransport *transport, int fd, FdS5bPath path, gpointer data)
{
  FdCarrier *carrier = data;

  carrier->hooks->connected (fd, path == FD_S5B_PATH_PROXY ? FD_PATH_SOCKS5_PROXY : FD_PATH_SOCKS5_DIRECT,
                             carrier->data);
}

static void
s5b_failed (FdS5bTransport *transport, const GError *error, gpointer data)
{
  FdCarrier *carrier = data;

  carrier->hooks->failed (error, carrier->data);
}

static const FdS5bHooks s5b_hooks = {
  .ready = s5b_ready,
  .send = s5b_send,
  .connected = s5b_connected,
  .failed = s5b_failed,
};

gboolean
fd_carrier_is_stale (const FdS5bInfo *offer, gint64 age, gint64 size)
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
s5b_policy (const FdCarrierParams *params, const FdS5bInfo *remote)
{
  const FdContentParams *content = params->content;
  gboolean receiver = !params->config->initiator;
  FdS5bPolicy policy = 0;

  if (content->paths & FD_PATH_SOCKS5_DIRECT)
    policy |= FD_S5B_ALLOW_DIRECT;
  if (content->paths & FD_PATH_SOCKS5_PROXY)
    policy |= FD_S5B_ALLOW_PROXY;
  if (content->loopback)
    policy |= FD_S5B_ALLOW_LOOPBACK;
  /* Who dials nothing must offer its proxy, also if the peer named the same. */
  if (content->hidden)
    policy |= FD_S5B_HIDE | (receiver ? FD_S5B_REPEAT_PROXY : 0);
  if (params->quirks & FD_QUIRK_BAD_LISTENER)
    policy |= FD_S5B_NO_PEER_DIRECT | (receiver ? FD_S5B_REPEAT_PROXY : 0);
  if (receiver && remote && fd_carrier_is_stale (remote, params->age, params->size))
    policy |= FD_S5B_NO_PEER_PROXY;
  if (params->quirks & FD_QUIRK_LITERAL_HOSTS)
    policy |= FD_S5B_LITERAL_HOSTS;
  return policy;
}

static void
prepare_s5b (FdCarrier *carrier, const FdTransportInfo *remote)
{
  const FdCarrierParams *params = &carrier->params;
  const FdSessionConfig *config = params->config;
  const char *sid = fd_transport_info_get_sid (remote);
  g_autofree char *own_sid = sid ? NULL : fd_jingle_random_id ();
  FdS5bParams s5b = {
    .iq = fd_client_get_iq (fd_jingle_get_client (params->jingle)),
    .proxies = fd_jingle_get_proxies (params->jingle),
    .sid = own_sid ? own_sid : sid,
    .me = config->me,
    .peer = config->peer,
    .initiator = config->initiator,
    .policy = s5b_policy (params, remote->s5b),
    .ini_first = (params->quirks & FD_QUIRK_INI_FIRST) != 0,
    .trickle = (params->quirks & FD_QUIRK_TRICKLES) != 0,
    .error = fd_quirks_error_rule (params->quirks, config->initiator),
    .mark_candidates = (config->extensions & FD_EXT_EOC) != 0,
    .cid_dst = (config->extensions & FD_EXT_CID_DST) != 0,
  };

  carrier->s5b = fd_s5b_transport_new (&s5b, &s5b_hooks, carrier);
  (void) fd_carrier_take (carrier, remote);
  fd_s5b_transport_gather (carrier->s5b);
}

/* --- IBB --- */

static void
ibb_connected (FdIbbTransport *transport, int fd, gpointer data)
{
  FdCarrier *carrier = data;

  carrier->hooks->connected (fd, FD_PATH_IBB, carrier->data);
}

static void
ibb_drained (FdIbbTransport *transport, gpointer data)
{
  FdCarrier *carrier = data;

  carrier->hooks->drained (carrier->data);
}

static void
ibb_failed (FdIbbTransport *transport, const GError *error, gpointer data)
{
  FdCarrier *carrier = data;

  carrier->hooks->failed (error, carrier->data);
}

static const FdIbbHooks ibb_hooks = {
  .connected = ibb_connected,
  .drained = ibb_drained,
  .failed = ibb_failed,
};

static void
create_ibb (FdCarrier *carrier)
{
  const FdSessionConfig *config = carrier->params.config;
  const FdIbbInfo *agreed = carrier->local.ibb;

  carrier->ibb = fd_ibb_transport_new (fd_jingle_get_ibb (carrier->params.jingle), config->peer, agreed->sid,
                                       agreed->block_size, config->initiator, &ibb_hooks, carrier);
}

/* A proposal is only made up here; the stream is created when its block size
 * is agreed: as responder at once, as initiator with the answer. */
static void
prepare_ibb (FdCarrier *carrier, const FdIbbInfo *remote)
{
  g_autofree char *own_sid = remote && remote->sid ? NULL : fd_jingle_random_id ();
  guint block_size = remote ? MIN (remote->block_size, FD_IBB_BLOCK_SIZE) : FD_IBB_BLOCK_SIZE;

  carrier->local.kind = FD_TRANSPORT_KIND_IBB;
  carrier->local.ibb = fd_ibb_info_new (own_sid ? own_sid : remote->sid, block_size);
  if (remote)
    create_ibb (carrier);
  carrier->hooks->ready (&carrier->local, carrier->data);
}

/* --- both --- */

void
fd_carrier_prepare (FdCarrier *carrier, FdTransportKind kind, const FdTransportInfo *remote)
{
  if (kind == FD_TRANSPORT_KIND_S5B)
    prepare_s5b (carrier, remote);
  else
    prepare_ibb (carrier, remote->ibb);
}

gboolean
fd_carrier_take (FdCarrier *carrier, const FdTransportInfo *remote)
{
  g_autoptr (GError) error = NULL;

  if (remote->s5b && carrier->s5b && !fd_s5b_transport_remote (carrier->s5b, remote->s5b, &error))
    {
      g_info ("%s: %s", carrier->params.config->peer, error->message);
      return FALSE;
    }
  if (remote->ibb && !carrier->ibb && carrier->local.ibb)
    {
      carrier->local.ibb->block_size = remote->ibb->block_size;
      create_ibb (carrier);
    }
  return TRUE; /* also if it was for one that is given up */
}

void
fd_carrier_start (FdCarrier *carrier)
{
  if (carrier->s5b)
    fd_s5b_transport_start (carrier->s5b);
  else if (carrier->ibb)
    fd_ibb_transport_start (carrier->ibb);
}

void
fd_carrier_acked (FdCarrier *carrier, const FdTransportInfo *transport, gboolean ok)
{
  if (transport->s5b && carrier->s5b
      && g_strcmp0 (transport->s5b->sid, fd_s5b_transport_get_local (carrier->s5b)->sid) == 0)
    fd_s5b_transport_acked (carrier->s5b, transport->s5b->kind, ok);
}

guint64
fd_carrier_get_acked (FdCarrier *carrier)
{
  return carrier->ibb ? fd_ibb_transport_get_bytes (carrier->ibb) : 0;
}

FdRows
fd_carrier_get_rows (FdCarrier *carrier)
{
  return carrier->s5b ? fd_s5b_transport_get_rows (carrier->s5b) : 0;
}

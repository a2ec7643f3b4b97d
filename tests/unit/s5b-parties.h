/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two whole S5B transports over real loopback sockets, a proxy and the servers
 * that announce it; only the stanzas are handed over directly.
 */
#pragma once

#include "base/error.h"
#include "s5b/dstaddr.h"
#include "s5b/proxies.h"
#include "s5b/transport.h"

#include "fake-proxy.h"
#include "fake-server.h"

#define SID "vj3hs98y"
#define ROMEO "romeo@montague.lit/orchard"
#define JULIET "juliet@capulet.lit/balcony"
#define DIRECT_HERE (FD_S5B_ALLOW_DIRECT | FD_S5B_ALLOW_LOOPBACK)
#define PROXY_HERE (FD_S5B_ALLOW_PROXY | FD_S5B_ALLOW_LOOPBACK)

typedef enum
{
  AT_NOTHING,
  AT_READY,
  AT_SEND,
  AT_CONNECTED,
  AT_FAILED,
  N_STAGES
} Stage;

typedef struct Pair Pair;

typedef struct
{
  Pair *pair;
  const char *jid;
  FakeServer server;
  FdS5bProxies *proxies;
  FdS5bTransport *transport;
  Stage free_at;
  gboolean in_call; /* of ours into a transport: no hook may come */
  gboolean ready;
  GQueue inbox; /* FdS5bInfo */
  GString *sent; /* the kinds, for comparison */
  int fd;
  FdS5bPath path;
  char *error;
} Party;

struct Pair
{
  Party party[2]; /* initiator, responder */
  FakeProxy proxy;
  char *streamhosts;
  FakeAnswer answers[4];
  gboolean refuses; /* the proxy: as answers[] says */
};

static FdS5bInfo *
info_copy (const FdS5bInfo *info)
{
  g_autoptr (FdXml) element = fd_s5b_info_build (info);
  FdS5bInfo *copy = fd_s5b_info_parse (element, NULL);

  g_assert_nonnull (copy);
  return copy;
}

static Party *
other (Party *party)
{
  return party == &party->pair->party[0] ? &party->pair->party[1] : &party->pair->party[0];
}

/* TRUE if the transport was to go at this stage, and is gone. */
static gboolean
passed (Party *party, Stage stage)
{
  g_assert_false (party->in_call);
  if (party->free_at != stage)
    return FALSE;
  g_clear_pointer (&party->transport, fd_s5b_transport_free);
  return TRUE;
}

static void
on_ready (FdS5bTransport *transport, gpointer data)
{
  Party *party = data;

  party->ready = TRUE;
  passed (party, AT_READY);
}

static void
on_send (FdS5bTransport *transport, const FdS5bInfo *info, gpointer data)
{
  static const char *const names[] = { "candidates", "used", "error", "activated", "proxy-error" };
  Party *party = data;

  g_string_append_printf (party->sent, "%s%s", party->sent->len > 0 ? " " : "", names[info->kind]);
  g_queue_push_tail (&other (party)->inbox, info_copy (info));
  passed (party, AT_SEND);
}

static void
on_connected (FdS5bTransport *transport, int fd, FdS5bPath path, gpointer data)
{
  Party *party = data;

  party->fd = fd;
  party->path = path;
  passed (party, AT_CONNECTED);
}

static void
on_failed (FdS5bTransport *transport, const GError *error, gpointer data)
{
  Party *party = data;

  g_assert_error (error, FD_ERROR, FD_ERROR_NO_TRANSPORT);
  party->error = g_strdup (error->message);
  passed (party, AT_FAILED);
}

/* The proxy does what the activate request says, if it may. */
static gboolean
on_activate (FakeServer *server, xmpp_stanza_t *request, const char **ret_answer)
{
  Pair *pair = server->data;
  xmpp_stanza_t *query = fd_xml_child (request, "query", FD_NS_BYTESTREAMS);
  g_autofree char *target = query ? fd_xml_child_text (query, "activate") : NULL;
  g_autofree char *hash = NULL;

  if (!target || pair->refuses)
    return FALSE;
  g_assert_cmpstr (fd_xml_attr (request, "to"), ==, "proxy.lit/node");
  g_assert_cmpstr (fd_xml_attr (request, "type"), ==, "set");
  g_assert_cmpstr (fd_xml_attr (query, "sid"), ==, SID);
  hash = fd_s5b_dstaddr (SID, fd_iq_get_own_jid (server->iq), target);
  *ret_answer = fake_proxy_activate (&pair->proxy, hash) ? "" : NULL;
  return TRUE;
}

static void
party_init (Pair *pair, guint index, FdS5bPolicy policy)
{
  static const FdS5bHooks hooks = { on_ready, on_send, on_connected, on_failed };
  Party *party = &pair->party[index];
  FdS5bParams params = {
    .sid = SID,
    .me = index == 0 ? ROMEO : JULIET,
    .peer = index == 0 ? JULIET : ROMEO,
    .initiator = index == 0,
    .policy = policy,
    .mark_candidates = TRUE,
    .cid_dst = TRUE,
  };

  *party = (Party){ .pair = pair, .jid = params.me, .fd = -1, .sent = g_string_new (NULL) };
  g_queue_init (&party->inbox);
  fake_server_init (&party->server, params.me, pair->answers);
  party->server.hook = on_activate;
  party->server.data = pair;
  party->proxies = fd_s5b_proxies_new (party->server.iq);
  params.iq = party->server.iq;
  params.proxies = party->proxies;
  party->transport = fd_s5b_transport_new (&params, &hooks, party);
}

static void
pair_init (Pair *pair, FdS5bPolicy initiator, FdS5bPolicy responder)
{
  static const char *const jids[] = { "proxy.lit", NULL };

  *pair = (Pair){ 0 };
  fake_proxy_init (&pair->proxy);
  pair->streamhosts
    = g_strdup_printf ("<query xmlns='" FD_NS_BYTESTREAMS "'><streamhost jid='proxy.lit/node' "
                       "host='127.0.0.1' port='%u'/></query>",
                       pair->proxy.port);
  pair->answers[0] = (FakeAnswer){ .to = "proxy.lit", .ns = FD_NS_BYTESTREAMS, .answer = pair->streamhosts };
  party_init (pair, 0, initiator);
  party_init (pair, 1, responder);
  for (guint i = 0; i < 2; i++)
    {
      fd_s5b_proxies_configure (pair->party[i].proxies, jids);
      if ((i == 0 ? initiator : responder) & FD_S5B_ALLOW_PROXY)
        fd_s5b_proxies_stream_up (pair->party[i].proxies);
    }
}

static void
pair_clear (Pair *pair)
{
  for (guint i = 0; i < 2; i++)
    {
      Party *party = &pair->party[i];

      fd_s5b_transport_free (party->transport);
      fd_s5b_proxies_free (party->proxies);
      fake_server_clear (&party->server);
      g_queue_clear_full (&party->inbox, (GDestroyNotify) fd_s5b_info_free);
      g_string_free (party->sent, TRUE);
      g_free (party->error);
      if (party->fd >= 0)
        close (party->fd);
    }
  fake_proxy_clear (&pair->proxy);
  g_free (pair->streamhosts);
}

static void
deliver (Party *party, const FdS5bInfo *info)
{
  g_autoptr (GError) error = NULL;

  if (!party->transport)
    return;
  party->in_call = TRUE;
  g_assert_true (fd_s5b_transport_remote (party->transport, info, &error));
  g_assert_no_error (error);
  party->in_call = FALSE;
}

static void
acknowledge (Party *party, FdS5bKind kind)
{
  if (party->transport)
    fd_s5b_transport_acked (party->transport, kind, TRUE);
}

static void
gather (Party *party)
{
  party->in_call = TRUE;
  fd_s5b_transport_gather (party->transport);
  party->in_call = FALSE;
  RUN_UNTIL (party->ready);
}

static void
start (Party *party)
{
  if (!party->transport)
    return;
  party->in_call = TRUE;
  fd_s5b_transport_start (party->transport);
  party->in_call = FALSE;
}

static gboolean
is_over (const Party *party)
{
  return !party->transport || party->fd >= 0 || party->error;
}

/* What arrived, in a call of its own, as from the XMPP stream. */
static void
read_inbox (Party *party)
{
  g_autoptr (FdS5bInfo) info = g_queue_pop_head (&party->inbox);

  if (!info)
    return;
  deliver (party, info);
  acknowledge (other (party), info->kind);
}

static void
run (Pair *pair)
{
  while (!is_over (&pair->party[0]) || !is_over (&pair->party[1]))
    {
      read_inbox (&pair->party[0]);
      read_inbox (&pair->party[1]);
      g_main_context_iteration (NULL, pair->party[0].inbox.length + pair->party[1].inbox.length == 0);
      /* A freed party leaves its peer to its timers; here the session would end it. */
      for (guint i = 0; i < 2; i++)
        {
          if (!pair->party[i].transport)
            g_clear_pointer (&pair->party[1 - i].transport, fd_s5b_transport_free);
        }
    }
}

/* Offer, answer, and both dial. @mute: offers nothing, -1 for nobody. */
static void
negotiate (Pair *pair, int mute)
{
  Party *initiator = &pair->party[0], *responder = &pair->party[1];

  for (int i = 0; i < 2; i++)
    {
      Party *party = &pair->party[i];
      g_autoptr (FdS5bInfo) info = NULL;

      if (i != mute)
        gather (party);
      if (!party->transport || !other (party)->transport)
        break;
      info = info_copy (fd_s5b_transport_get_local (party->transport));
      deliver (other (party), info);
      acknowledge (party, FD_S5B_CANDIDATES);
    }
  start (responder);
  start (initiator);
  run (pair);
}

static void
assert_stream (Pair *pair, FdS5bPath path)
{
  for (guint i = 0; i < 2; i++)
    {
      const Party *from = &pair->party[i], *to = &pair->party[1 - i];
      char text[5];

      g_assert_cmpstr (from->error, ==, NULL);
      g_assert_cmpint (from->path, ==, path);
      put_bytes (from->fd, "hello", 5);
      g_assert_true (get_bytes (to->fd, text, 5));
      g_assert_cmpmem (text, 5, "hello", 5);
    }
}

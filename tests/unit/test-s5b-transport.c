/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two whole S5B transports over real loopback sockets, a proxy and the servers
 * that announce it; only the stanzas are handed over directly.
 */
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
  const char *activation_condition; /* NULL: the proxy does as asked */
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

  if (!target)
    return FALSE;
  g_assert_cmpstr (fd_xml_attr (request, "to"), ==, "proxy.lit/node");
  g_assert_cmpstr (fd_xml_attr (request, "type"), ==, "set");
  g_assert_cmpstr (fd_xml_attr (query, "sid"), ==, SID);
  hash = fd_s5b_dstaddr (SID, fd_iq_get_own_jid (server->iq), target);
  *ret_answer = !pair->activation_condition && fake_proxy_activate (&pair->proxy, hash) ? "" : NULL;
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
    .marks_end = TRUE,
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
  if (other (party)->transport)
    fd_s5b_transport_sent (other (party)->transport, TRUE);
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

static void
test_direct (void)
{
  Pair pair;

  pair_init (&pair, DIRECT_HERE, DIRECT_HERE);
  negotiate (&pair, -1);
  assert_stream (&pair, FD_S5B_PATH_DIRECT);
  pair_clear (&pair);
}

static void
test_direct_one_side (gconstpointer mute)
{
  Pair pair;

  pair_init (&pair, DIRECT_HERE, DIRECT_HERE);
  negotiate (&pair, GPOINTER_TO_INT (mute));
  assert_stream (&pair, FD_S5B_PATH_DIRECT);
  g_assert_cmpstr (pair.party[GPOINTER_TO_INT (mute)].sent->str, ==, "used");
  g_assert_cmpstr (pair.party[1 - GPOINTER_TO_INT (mute)].sent->str, ==, "error");
  pair_clear (&pair);
}

static void
test_proxy (gconstpointer mute)
{
  Pair pair;

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  negotiate (&pair, GPOINTER_TO_INT (mute));
  assert_stream (&pair, FD_S5B_PATH_PROXY);
  g_assert_cmpstr (pair.party[GPOINTER_TO_INT (mute)].sent->str, ==, "used");
  g_assert_cmpstr (pair.party[1 - GPOINTER_TO_INT (mute)].sent->str, ==, "error activated");
  pair_clear (&pair);
}

/* Both servers know the same proxy: the responder does not offer it again. */
static void
test_proxy_of_both (void)
{
  Pair pair;

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  negotiate (&pair, -1);
  assert_stream (&pair, FD_S5B_PATH_PROXY);
  g_assert_cmpuint (fd_s5b_transport_get_local (pair.party[1].transport)->candidates->len, ==, 0);
  pair_clear (&pair);
}

static void
test_direct_before_proxy (void)
{
  Pair pair;

  pair_init (&pair, DIRECT_HERE | PROXY_HERE, DIRECT_HERE | PROXY_HERE);
  negotiate (&pair, -1);
  assert_stream (&pair, FD_S5B_PATH_DIRECT);
  g_assert_cmpuint (pair.proxy.clients->len, ==, 0); /* not even dialed */
  pair_clear (&pair);
}

static void
test_activation_refused (void)
{
  Pair pair;
  g_autofree char *activation = NULL, *peer = NULL;

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  pair.activation_condition = "forbidden";
  negotiate (&pair, 1);
  activation = g_strdup_printf ("No TCP path: the peer offered nothing; proxy 127.0.0.1:%u: "
                                "proxy.lit/node answered item-not-found",
                                pair.proxy.port);
  peer = g_strdup_printf ("No TCP path: the peer could not use proxy 127.0.0.1:%u", pair.proxy.port);
  g_assert_cmpstr (pair.party[0].error, ==, activation);
  g_assert_cmpstr (pair.party[1].error, ==, peer);
  g_assert_cmpstr (pair.party[0].sent->str, ==, "error proxy-error");
  pair_clear (&pair);
}

/* The peer's proxy lets us in, then drops us before it is activated. */
static void
test_proxy_drops (void)
{
  Pair pair;
  Party *initiator = &pair.party[0], *responder = &pair.party[1];
  g_autoptr (FdS5bInfo) offer = NULL, error = fd_s5b_info_new (FD_S5B_CANDIDATE_ERROR, SID);

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  gather (initiator);
  offer = info_copy (fd_s5b_transport_get_local (initiator->transport));
  deliver (responder, offer);
  start (responder);
  RUN_UNTIL (responder->sent->len > 0);
  deliver (responder, error);
  fake_proxy_drop_clients (&pair.proxy);
  RUN_UNTIL (responder->error);
  g_assert_cmpstr (responder->sent->str, ==, "used proxy-error");
  g_assert_nonnull (strstr (responder->error, "closed the connection before it was activated"));
  pair_clear (&pair);
}

static void
add_candidate (FdS5bInfo *info, const char *cid, FdS5bType type, const char *host, guint16 port)
{
  FdS5bCandidate candidate = { .cid = (char *) cid,
                               .host = (char *) host,
                               .jid = (char *) "peer@example/x",
                               .port = port,
                               .priority = 100 - info->candidates->len,
                               .type = type };

  g_ptr_array_add (info->candidates, fd_s5b_candidate_copy (&candidate));
}

/* One party against a peer that offers @info and reaches nothing itself. */
static char *
fail_against (FdS5bPolicy policy, const FdS5bInfo *info)
{
  Pair pair;
  Party *party = &pair.party[0];
  g_autoptr (FdS5bInfo) error = fd_s5b_info_new (FD_S5B_CANDIDATE_ERROR, SID);
  char *text;

  pair_init (&pair, policy, 0);
  gather (party);
  deliver (party, info);
  start (party);
  deliver (party, error);
  RUN_UNTIL (party->error);
  text = g_strdup (party->error);
  pair_clear (&pair);
  return text;
}

static void
test_nothing_works (void)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (FD_S5B_CANDIDATES, SID);
  guint16 port = loopback_dead_port ();
  g_autofree char *wanted = g_strdup_printf (
    "No TCP path: 127.0.0.1:%u refused, [ff02::1]:9 not dialed: an address of this host or of nobody, "
    "proxy 192.0.2.77:9 not dialed: proxies are switched off; the peer reached none of ours",
    port);
  g_autofree char *got = NULL;

  add_candidate (info, "a", FD_S5B_DIRECT, "127.0.0.1", port);
  add_candidate (info, "b", FD_S5B_DIRECT, "ff02::1", 9);
  add_candidate (info, "c", FD_S5B_PROXY, "192.0.2.77", 9);
  got = fail_against (DIRECT_HERE, info);
  g_assert_cmpstr (got, ==, wanted);
}

static void
test_relay_only (void)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (FD_S5B_CANDIDATES, SID);
  g_autofree char *got = NULL;

  add_candidate (info, "a", FD_S5B_DIRECT, "192.0.2.77", 9);
  got = fail_against (0, info);
  g_assert_cmpstr (
    got, ==,
    "No TCP path: 192.0.2.77:9 not dialed: direct connections are switched off; we had nothing to offer");
}

/* A stranger may call its own host a proxy. */
static void
test_hidden (void)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (FD_S5B_CANDIDATES, SID);
  g_autofree char *got = NULL;

  add_candidate (info, "a", FD_S5B_PROXY, "192.0.2.77", 9);
  got = fail_against (FD_S5B_ALLOW_PROXY | FD_S5B_HIDE, info);
  g_assert_nonnull (strstr (got, "proxy 192.0.2.77:9 not dialed: the peer shall not learn our address"));
}

static void
test_nothing_offered (void)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (FD_S5B_CANDIDATES, SID);
  g_autofree char *got = fail_against (0, info);

  g_assert_cmpstr (got, ==, "No TCP path: the peer offered nothing; we had nothing to offer");
}

/* A peer that sends our own candidate back does not make us talk to ourselves. */
static void
test_own_listener (void)
{
  Pair pair;
  Party *party = &pair.party[0];
  g_autoptr (FdS5bInfo) info = NULL, error = fd_s5b_info_new (FD_S5B_CANDIDATE_ERROR, SID);

  pair_init (&pair, DIRECT_HERE, 0);
  gather (party);
  info = info_copy (fd_s5b_transport_get_local (party->transport));
  g_assert_cmpuint (info->candidates->len, >, 0);
  deliver (party, info);
  start (party);
  deliver (party, error);
  RUN_UNTIL (party->error);
  g_assert_nonnull (strstr (party->error, "not dialed: it is our own"));
  pair_clear (&pair);
}

static void
test_own_offer (void)
{
  Pair pair;
  const FdS5bInfo *local;
  g_autofree char *dstaddr = fd_s5b_dstaddr (SID, ROMEO, JULIET);

  pair_init (&pair, DIRECT_HERE | PROXY_HERE, 0);
  gather (&pair.party[0]);
  local = fd_s5b_transport_get_local (pair.party[0].transport);
  g_assert_cmpstr (local->sid, ==, SID);
  g_assert_cmpstr (local->dstaddr, ==, dstaddr);
  g_assert_cmpuint (local->candidates->len, >=, 2);
  g_assert_cmpuint (local->candidates->len, <=, FD_S5B_MAX_OFFERED);
  for (guint i = 0; i < local->candidates->len; i++)
    {
      const FdS5bCandidate *candidate = local->candidates->pdata[i];
      gboolean proxy = i + 1 == local->candidates->len;

      g_assert_cmpint (candidate->type, ==, proxy ? FD_S5B_PROXY : FD_S5B_DIRECT);
      g_assert_cmpuint (candidate->priority >> 16, ==, proxy ? 10 : 126);
      g_assert_cmpstr (candidate->jid, ==, proxy ? "proxy.lit/node" : ROMEO);
      g_assert_cmpuint (candidate->port, >, 0);
      g_assert_null (strpbrk (candidate->host, "[]%"));
      for (guint j = 0; j < i; j++)
        {
          const FdS5bCandidate *earlier = local->candidates->pdata[j];

          g_assert_cmpuint (earlier->priority, >, candidate->priority);
          g_assert_cmpstr (earlier->cid, !=, candidate->cid);
        }
    }
  pair_clear (&pair);
}

static void
test_unknown_candidate (void)
{
  Pair pair;
  g_autoptr (FdS5bInfo) used = fd_s5b_info_new (FD_S5B_CANDIDATE_USED, SID);
  g_autoptr (FdS5bInfo) stale = fd_s5b_info_new (FD_S5B_CANDIDATE_USED, "an earlier stream");
  g_autoptr (GError) error = NULL;

  used->cid = g_strdup ("nobody's");
  stale->cid = g_strdup ("nobody's");
  pair_init (&pair, DIRECT_HERE, 0);
  gather (&pair.party[0]);
  start (&pair.party[0]);
  g_assert_true (fd_s5b_transport_remote (pair.party[0].transport, stale, &error));
  g_assert_false (fd_s5b_transport_remote (pair.party[0].transport, used, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
  pair_clear (&pair);
}

/* Whenever a transport goes, nothing of it stays. */
static void
test_free_at_each_stage (void)
{
  static const FdS5bPolicy policies[] = { DIRECT_HERE, PROXY_HERE, 0 };

  for (guint p = 0; p < G_N_ELEMENTS (policies); p++)
    {
      for (Stage stage = AT_NOTHING; stage < N_STAGES; stage++)
        {
          for (guint who = 0; who < 2; who++)
            {
              guint fds = count_fds ();
              Pair pair;

              pair_init (&pair, policies[p], policies[p]);
              pair.party[who].free_at = stage;
              negotiate (&pair, -1);
              pair_clear (&pair);
              g_assert_cmpuint (count_fds (), ==, fds);
            }
        }
    }
}

/* Freed while it waits for the proxies, which are found all the same. */
static void
test_free_while_gathering (void)
{
  Pair pair;
  Party *party = &pair.party[0];

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  fd_s5b_transport_gather (party->transport);
  g_assert_false (party->ready);
  g_clear_pointer (&party->transport, fd_s5b_transport_free);
  RUN_UNTIL (fd_s5b_proxies_get (party->proxies)->len == 1);
  g_assert_false (party->ready);
  pair_clear (&pair);
}

/* Freed without notice after any number of turns of the loop. */
static void
test_free_any_time (void)
{
  for (guint turns = 0; turns < 40; turns++)
    {
      guint fds = count_fds ();
      Pair pair;
      g_autoptr (FdS5bInfo) offer = NULL, answer = NULL;

      pair_init (&pair, DIRECT_HERE | PROXY_HERE, DIRECT_HERE | PROXY_HERE);
      gather (&pair.party[0]);
      offer = info_copy (fd_s5b_transport_get_local (pair.party[0].transport));
      deliver (&pair.party[1], offer);
      gather (&pair.party[1]);
      answer = info_copy (fd_s5b_transport_get_local (pair.party[1].transport));
      deliver (&pair.party[0], answer);
      start (&pair.party[0]);
      start (&pair.party[1]);
      for (guint i = 0; i < turns; i++)
        {
          read_inbox (&pair.party[i % 2]);
          g_main_context_iteration (NULL, FALSE);
        }
      pair_clear (&pair);
      g_assert_cmpuint (count_fds (), ==, fds);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/s5b-transport/direct", test_direct);
  g_test_add_data_func ("/s5b-transport/direct-of-responder", GINT_TO_POINTER (0), test_direct_one_side);
  g_test_add_data_func ("/s5b-transport/direct-of-initiator", GINT_TO_POINTER (1), test_direct_one_side);
  g_test_add_data_func ("/s5b-transport/proxy-of-responder", GINT_TO_POINTER (0), test_proxy);
  g_test_add_data_func ("/s5b-transport/proxy-of-initiator", GINT_TO_POINTER (1), test_proxy);
  g_test_add_func ("/s5b-transport/proxy-of-both", test_proxy_of_both);
  g_test_add_func ("/s5b-transport/direct-before-proxy", test_direct_before_proxy);
  g_test_add_func ("/s5b-transport/activation-refused", test_activation_refused);
  g_test_add_func ("/s5b-transport/proxy-drops", test_proxy_drops);
  g_test_add_func ("/s5b-transport/nothing-works", test_nothing_works);
  g_test_add_func ("/s5b-transport/relay-only", test_relay_only);
  g_test_add_func ("/s5b-transport/hidden", test_hidden);
  g_test_add_func ("/s5b-transport/nothing-offered", test_nothing_offered);
  g_test_add_func ("/s5b-transport/own-listener", test_own_listener);
  g_test_add_func ("/s5b-transport/own-offer", test_own_offer);
  g_test_add_func ("/s5b-transport/unknown-candidate", test_unknown_candidate);
  g_test_add_func ("/s5b-transport/free-at-each-stage", test_free_at_each_stage);
  g_test_add_func ("/s5b-transport/free-while-gathering", test_free_while_gathering);
  g_test_add_func ("/s5b-transport/free-any-time", test_free_any_time);
  return g_test_run ();
}

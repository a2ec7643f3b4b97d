/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole S5B transports: paths, proxies, refusals, and being freed at any stage.
 */
#include "s5b-parties.h"

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
test_dup_hostport (void)
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
test_activate_fail (gconstpointer condition)
{
  Pair pair;
  g_autofree char *activation = NULL, *peer = NULL;

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  pair.refuses = TRUE;
  pair.answers[1] = (FakeAnswer){ .to = "proxy.lit/node", .ns = FD_NS_BYTESTREAMS, .condition = condition };
  negotiate (&pair, 1);
  activation = g_strdup_printf ("No TCP path: the peer offered nothing; proxy 127.0.0.1:%u: "
                                "proxy.lit/node answered %s",
                                pair.proxy.port, (const char *) condition);
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

/* A stranger may call its own host a proxy. */
static void
test_hidden (void)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (FD_S5B_CANDIDATES, SID);
  g_autoptr (FdS5bInfo) error = fd_s5b_info_new (FD_S5B_CANDIDATE_ERROR, SID);
  Pair pair;
  Party *party = &pair.party[1];

  add_candidate (info, "a", FD_S5B_PROXY, "192.0.2.77", 9);
  pair_init (&pair, 0, FD_S5B_ALLOW_PROXY | FD_S5B_HIDE);
  deliver (party, info);
  gather (party);
  acknowledge (party, FD_S5B_CANDIDATES);
  start (party);
  deliver (party, error);
  RUN_UNTIL (party->error);
  g_assert_nonnull (
    strstr (party->error, "proxy 192.0.2.77:9 not dialed: the peer shall not learn our address"));
  pair_clear (&pair);
}

/* … so that an offer without a proxy of ours would be one of nothing. */
static void
test_hidden_offer (void)
{
  Pair pair;
  Party *party = &pair.party[0];

  pair_init (&pair, FD_S5B_ALLOW_PROXY | FD_S5B_HIDE, 0);
  fd_s5b_transport_gather (party->transport);
  RUN_UNTIL (party->error);
  g_assert_nonnull (strstr (party->error, "there is no proxy"));
  pair_clear (&pair);
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

/* Conversations drops a candidate without one of these, Dino the whole offer. */
static void
test_cand_attrs (void)
{
  static const char *const attributes[] = { "cid", "host", "jid", "port", "priority", "type" };
  Pair pair;
  g_autoptr (FdXml) element = NULL;
  g_autoptr (GHashTable) cids = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *dstaddr = fd_s5b_dstaddr (SID, ROMEO, JULIET);
  guint64 earlier = G_MAXUINT64, proxies = 0;

  pair_init (&pair, DIRECT_HERE | PROXY_HERE, 0);
  gather (&pair.party[0]);
  element = fd_s5b_info_build (fd_s5b_transport_get_local (pair.party[0].transport));
  g_assert_cmpstr (fd_xml_attr (element, "sid"), ==, SID);
  g_assert_cmpstr (fd_xml_attr (element, "dstaddr"), ==, dstaddr);
  g_assert_nonnull (fd_xml_child (element, "candidates-done", FD_NS_EOC));
  g_assert_nonnull (fd_xml_child (element, "cid-dst", FD_NS_CID_DST));
  FD_XML_FOREACH (child, element)
    {
      gboolean proxy = g_strcmp0 (fd_xml_attr (child, "type"), "proxy") == 0;
      guint64 priority;

      if (!fd_xml_is (child, "candidate", NULL))
        continue;
      for (guint i = 0; i < G_N_ELEMENTS (attributes); i++)
        g_assert_nonnull (fd_xml_attr (child, attributes[i]));
      g_assert_true (fd_xml_attr_uint (child, "priority", 1, earlier - 1, &priority)); /* unique */
      earlier = priority;
      g_assert_cmpuint (priority >> 16, ==, proxy ? 10 : 126);
      g_assert_cmpstr (fd_xml_attr (child, "jid"), ==, proxy ? "proxy.lit/node" : ROMEO);
      g_assert_null (strpbrk (fd_xml_attr (child, "host"), "[]%"));
      g_assert_true (g_hash_table_add (cids, (gpointer) fd_xml_attr (child, "cid")));
      proxies += proxy;
    }
  g_assert_cmpuint (proxies, ==, 1);
  g_assert_cmpuint (g_hash_table_size (cids), >=, 2);
  g_assert_cmpuint (g_hash_table_size (cids), <=, FD_S5B_MAX_OFFERED);
  pair_clear (&pair);
}

/* The host of the proxy as a name, for a peer that can resolve it or not. */
static void
test_literal_hosts (gconstpointer literal)
{
  static const char *const hosts[] = { "localhost", "no-such-name.invalid" };
  FdS5bPolicy policy = PROXY_HERE | (literal ? FD_S5B_LITERAL_HOSTS : 0);

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      Pair pair;
      const FdS5bInfo *local;

      pair_init (&pair, policy, policy);
      g_free (pair.streamhosts);
      pair.streamhosts
        = g_strdup_printf ("<query xmlns='" FD_NS_BYTESTREAMS "'><streamhost jid='proxy.lit/node' "
                           "host='%s' port='%u'/></query>",
                           hosts[i], pair.proxy.port);
      pair.answers[0].answer = pair.streamhosts;
      negotiate (&pair, 1);
      local = fd_s5b_transport_get_local (pair.party[0].transport);
      if (literal && i == 1)
        {
          g_assert_cmpuint (local->candidates->len, ==, 0);
        }
      else
        {
          g_assert_cmpuint (local->candidates->len, ==, 1);
          g_assert_cmpstr (((FdS5bCandidate *) local->candidates->pdata[0])->host, ==,
                           literal ? "127.0.0.1" : hosts[i]);
        }
      if (i == 0)
        assert_stream (&pair, FD_S5B_PATH_PROXY);
      pair_clear (&pair);
    }
}

/* Servers allow an account a few streams through their proxy: then offer none. */
static void
test_proxies_full (void)
{
  Pair pair;

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  for (guint i = 1; i < FD_S5B_MAX_PROXIED; i++)
    fd_s5b_proxies_enter (pair.party[0].proxies);
  negotiate (&pair, 1);
  assert_stream (&pair, FD_S5B_PATH_PROXY);
  g_assert_true (fd_s5b_proxies_is_full (pair.party[0].proxies)); /* while the stream lives */
  g_clear_pointer (&pair.party[0].transport, fd_s5b_transport_free);
  g_assert_false (fd_s5b_proxies_is_full (pair.party[0].proxies));
  pair_clear (&pair);

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  for (guint i = 0; i < FD_S5B_MAX_PROXIED; i++)
    fd_s5b_proxies_enter (pair.party[0].proxies);
  gather (&pair.party[0]);
  g_assert_cmpuint (fd_s5b_transport_get_local (pair.party[0].transport)->candidates->len, ==, 0);
  pair_clear (&pair);
}

/* The server does not answer … */
static void
stall (FakeServer *server)
{
  g_clear_handle_id (&server->turn, g_source_remove);
  server->turn = G_MAXUINT; /* no turn is planned while there is one */
}

/* … and then does. */
static void
go_on (FakeServer *server)
{
  server->turn = g_idle_add_full (G_PRIORITY_DEFAULT, fake_server_turn, server, NULL);
}

/* The server tells its proxy only after the offer had to leave. */
static void
test_late_proxy (void)
{
  Pair pair;
  Party *late = &pair.party[0];
  g_autoptr (FdS5bInfo) offer = NULL, answer = NULL;

  pair_init (&pair, PROXY_HERE, PROXY_HERE);
  fd_s5b_proxies_stream_lost (pair.party[1].proxies); /* it has none */
  stall (&late->server);
  gather (late);
  offer = info_copy (fd_s5b_transport_get_local (late->transport));
  g_assert_cmpuint (offer->candidates->len, ==, 0);
  g_assert_cmpint (offer->mark, ==, FD_S5B_MARK_FOLLOW);
  deliver (&pair.party[1], offer);
  acknowledge (late, FD_S5B_CANDIDATES);
  gather (&pair.party[1]);
  answer = info_copy (fd_s5b_transport_get_local (pair.party[1].transport));
  g_assert_cmpint (answer->mark, ==, FD_S5B_MARK_DONE);
  deliver (late, answer);
  acknowledge (&pair.party[1], FD_S5B_CANDIDATES);
  start (&pair.party[1]);
  start (late);
  go_on (&late->server);
  run (&pair);
  assert_stream (&pair, FD_S5B_PATH_PROXY);
  g_assert_cmpstr (late->sent->str, ==, "candidates error activated");
  pair_clear (&pair);
}

static void
test_used_unknown (void)
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
  g_test_add_data_func ("/s5b-transport/own-proxy/of-responder", GINT_TO_POINTER (0), test_proxy);
  g_test_add_data_func ("/s5b-transport/own-proxy/of-initiator", GINT_TO_POINTER (1), test_proxy);
  g_test_add_func ("/s5b-transport/dup-hostport", test_dup_hostport);
  g_test_add_func ("/s5b-transport/direct-before-proxy", test_direct_before_proxy);
  g_test_add_data_func ("/s5b-transport/activate-fail/item-not-found", "item-not-found", test_activate_fail);
  g_test_add_data_func ("/s5b-transport/activate-fail/forbidden", "forbidden", test_activate_fail);
  g_test_add_data_func ("/s5b-transport/activate-fail/resource-constraint", "resource-constraint",
                        test_activate_fail);
  g_test_add_func ("/s5b-transport/proxy-drops", test_proxy_drops);
  g_test_add_func ("/s5b-transport/nothing-works", test_nothing_works);
  g_test_add_func ("/s5b-transport/hidden", test_hidden);
  g_test_add_func ("/s5b-transport/hidden-offer", test_hidden_offer);
  g_test_add_func ("/s5b-transport/nothing-offered", test_nothing_offered);
  g_test_add_func ("/s5b-transport/own-listener", test_own_listener);
  g_test_add_func ("/s5b-transport/cand-attrs", test_cand_attrs);
  g_test_add_data_func ("/s5b-transport/host-by-name", NULL, test_literal_hosts);
  g_test_add_data_func ("/s5b-transport/host-by-address", "", test_literal_hosts);
  g_test_add_func ("/s5b-transport/proxies-full", test_proxies_full);
  g_test_add_func ("/s5b-transport/late-proxy", test_late_proxy);
  g_test_add_func ("/s5b-transport/used-unknown", test_used_unknown);
  g_test_add_func ("/s5b-transport/free-at-each-stage", test_free_at_each_stage);
  g_test_add_func ("/s5b-transport/free-while-gathering", test_free_while_gathering);
  g_test_add_func ("/s5b-transport/free-any-time", test_free_any_time);
  return g_test_run ();
}

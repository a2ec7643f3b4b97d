/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finding the proxies of a server, among services that are none, refuse, or
 * answer nonsense.
 */
#include "s5b/proxies.h"

#include "fake-server.h"
#include "loopback.h"

#define ITEMS "http://jabber.org/protocol/disco#items"
#define INFO "http://jabber.org/protocol/disco#info"
#define PROXY_INFO "<query xmlns='" INFO "'><feature var='" FD_NS_BYTESTREAMS "'/></query>"
#define HOSTS(hosts) "<query xmlns='" FD_NS_BYTESTREAMS "'>" hosts "</query>"
#define HOST(jid, host, port) "<streamhost jid='" jid "' host='" host "' port='" port "'/>"
#define ITEM(jid) "<item jid='" jid "'/>"

typedef struct
{
  FakeServer server;
  FdS5bProxies *proxies;
  guint settled;
} Fixture;

static void
setup (Fixture *f, gconstpointer answers)
{
  fake_server_init (&f->server, "juliet@capulet.lit/balcony", answers);
  f->proxies = fd_s5b_proxies_new (f->server.iq);
  f->settled = 0;
}

static void
teardown (Fixture *f, gconstpointer data)
{
  fd_s5b_proxies_free (f->proxies);
  fake_server_clear (&f->server);
}

static void
on_settled (gpointer data)
{
  ((Fixture *) data)->settled++;
}

static void
assert_found (Fixture *f, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const GPtrArray *found = fd_s5b_proxies_get (f->proxies);

  for (guint i = 0; i < found->len; i++)
    {
      const FdS5bStreamhost *host = found->pdata[i];

      g_string_append_printf (text, "%s%s@%s:%u", i > 0 ? " " : "", host->jid, host->host, host->port);
    }
  g_assert_cmpstr (text->str, ==, wanted);
}

static const FakeAnswer many[] = {
  { "capulet.lit", ITEMS,
    "<query xmlns='" ITEMS "'>" ITEM ("conference.capulet.lit") ITEM ("closed.capulet.lit")
      ITEM ("proxy.capulet.lit") ITEM ("proxy.capulet.lit") ITEM ("silly.capulet.lit")
        ITEM ("gone.capulet.lit") "<item jid='capulet.lit' node='x'/></query>",
    NULL },
  { "conference.capulet.lit", INFO,
    "<query xmlns='" INFO "'><identity category='conference' type='text'/></query>", NULL },
  { "closed.capulet.lit", INFO, PROXY_INFO, NULL },
  { "closed.capulet.lit", FD_NS_BYTESTREAMS, NULL, "forbidden" },
  { "proxy.capulet.lit", INFO,
    "<query xmlns='" INFO "'><identity category='proxy' type='bytestreams'/></query>", NULL },
  { "proxy.capulet.lit", FD_NS_BYTESTREAMS,
    HOSTS (HOST ("proxy.capulet.lit/node1", "192.0.2.1", "7777") HOST (
      "proxy.capulet.lit/node2", "192.0.2.2", "7777") HOST ("proxy.capulet.lit/again", "192.0.2.1", "7777")),
    NULL },
  { "silly.capulet.lit", INFO, PROXY_INFO, NULL },
  { "silly.capulet.lit", FD_NS_BYTESTREAMS,
    HOSTS (HOST ("silly.capulet.lit", "192.0.2.9", "0") HOST ("silly.capulet.lit", "", "1")
             HOST ("silly.capulet.lit", "192.0.2.9", "70000") "<streamhost jid='x' host='y'/><other/>"),
    NULL },
  { "own.example", FD_NS_BYTESTREAMS, HOSTS (HOST ("own.example", "own.example", "1080")), NULL },
  { NULL, NULL, NULL, NULL },
};

static void
test_proxy_acl (Fixture *f, gconstpointer data)
{
  g_assert_false (fd_s5b_proxies_wait (f->proxies, on_settled, f)); /* not connected: nothing to wait for */
  fd_s5b_proxies_stream_up (f->proxies);
  g_assert_true (fd_s5b_proxies_wait (f->proxies, on_settled, f));
  RUN_UNTIL (f->settled == 1);
  assert_found (f, "proxy.capulet.lit/node1@192.0.2.1:7777 proxy.capulet.lit/node2@192.0.2.2:7777");
  g_assert_cmpuint (f->server.n_requests, ==, 1 + 5 + 3);
  g_assert_false (fd_s5b_proxies_wait (f->proxies, on_settled, f)); /* cached */
}

static void
test_configured (Fixture *f, gconstpointer data)
{
  static const char *const jids[] = { "own.example", NULL };

  fd_s5b_proxies_configure (f->proxies, jids);
  fd_s5b_proxies_stream_up (f->proxies);
  g_assert_true (fd_s5b_proxies_wait (f->proxies, on_settled, f));
  RUN_UNTIL (f->settled == 1);
  assert_found (f, "own.example@own.example:1080 proxy.capulet.lit/node1@192.0.2.1:7777 "
                   "proxy.capulet.lit/node2@192.0.2.2:7777");
}

static void
test_none (Fixture *f, gconstpointer data)
{
  f->server.answers = NULL;
  fd_s5b_proxies_stream_up (f->proxies);
  g_assert_true (fd_s5b_proxies_wait (f->proxies, on_settled, f));
  RUN_UNTIL (f->settled == 1);
  assert_found (f, "");
}

/* Those that wait are told when the stream is gone; what was found stays known. */
static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  fd_s5b_proxies_stream_up (f->proxies);
  g_assert_true (fd_s5b_proxies_wait (f->proxies, on_settled, f));
  fd_s5b_proxies_stream_lost (f->proxies);
  g_assert_cmpuint (f->settled, ==, 1);
  assert_found (f, "");

  fd_s5b_proxies_stream_up (f->proxies);
  g_assert_true (fd_s5b_proxies_wait (f->proxies, on_settled, f));
  RUN_UNTIL (f->settled == 2);
  fd_s5b_proxies_stream_lost (f->proxies);
  assert_found (f, "proxy.capulet.lit/node1@192.0.2.1:7777 proxy.capulet.lit/node2@192.0.2.2:7777");
}

static void
test_full (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < FD_S5B_MAX_PROXIED; i++)
    {
      g_assert_false (fd_s5b_proxies_is_full (f->proxies));
      fd_s5b_proxies_enter (f->proxies);
    }
  g_assert_true (fd_s5b_proxies_is_full (f->proxies));
  fd_s5b_proxies_leave (f->proxies);
  g_assert_false (fd_s5b_proxies_is_full (f->proxies));
}

static void
test_unwait (Fixture *f, gconstpointer data)
{
  fd_s5b_proxies_stream_up (f->proxies);
  g_assert_true (fd_s5b_proxies_wait (f->proxies, on_settled, f));
  fd_s5b_proxies_unwait (f->proxies, f);
  RUN_UNTIL (f->server.n_requests == 9);
  g_assert_cmpuint (f->settled, ==, 0);
}

/* Freed after each number of answers; the rest of them must hurt nobody. */
static void
test_free_early (Fixture *f, gconstpointer data)
{
  for (guint answers = 0; answers < 9; answers++)
    {
      fd_s5b_proxies_free (f->proxies);
      f->proxies = fd_s5b_proxies_new (f->server.iq);
      fd_s5b_proxies_stream_up (f->proxies);
      f->server.n_requests = 0;
      RUN_UNTIL (f->server.n_requests >= answers);
      g_clear_pointer (&f->proxies, fd_s5b_proxies_free);
      RUN_UNTIL (f->server.turn == 0);
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/s5b-proxies/proxy-acl", test_proxy_acl },
    { "/s5b-proxies/configured", test_configured },
    { "/s5b-proxies/none", test_none },
    { "/s5b-proxies/stream-lost", test_stream_lost },
    { "/s5b-proxies/full", test_full },
    { "/s5b-proxies/unwait", test_unwait },
    { "/s5b-proxies/free-early", test_free_early },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, many, setup, tests[i].run, teardown);
  return g_test_run ();
}

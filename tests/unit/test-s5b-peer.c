/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One whole S5B transport against a peer of raw sockets: which hashes its listener
 * takes, which it dials with, in which order, and whom it does not dial at all.
 */
#include "s5b/dstaddr.h"
#include "s5b/transport.h"

#include "fake-server.h"
#include "loopback.h"

#include <glib-unix.h>

#define SID "vj3hs98y"
#define ME "juliet@capulet.lit/balcony"
#define PEER "romeo@montague.lit/orchard"
#define ME_PEER "1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba"
#define PEER_ME "972b7bf47291ca609517f67f86b5081086052dad"
#define ANNOUNCED "0123456789012345678901234567890123456789"
#define WRONG "ffffffffffffffffffffffffffffffffffffffff"
#define HERE (FD_S5B_ALLOW_DIRECT | FD_S5B_ALLOW_PROXY | FD_S5B_ALLOW_LOOPBACK)

/* Ours. */
typedef struct
{
  FakeServer server;
  FdS5bTransport *transport;
  gboolean ready;
  GString *sent;
  int fd;
  FdS5bPath path;
  char *error;
} One;

static void
on_ready (FdS5bTransport *transport, gpointer data)
{
  ((One *) data)->ready = TRUE;
}

static void
on_send (FdS5bTransport *transport, const FdS5bInfo *info, gpointer data)
{
  static const char *const names[] = { "candidates", "used", "error", "activated", "proxy-error" };
  One *one = data;

  g_string_append_printf (one->sent, "%s%s:%s", one->sent->len > 0 ? " " : "", names[info->kind],
                          info->cid ? info->cid : "");
}

static void
on_connected (FdS5bTransport *transport, int fd, FdS5bPath path, gpointer data)
{
  ((One *) data)->fd = fd;
  ((One *) data)->path = path;
}

static void
on_failed (FdS5bTransport *transport, const GError *error, gpointer data)
{
  ((One *) data)->error = g_strdup (error->message);
}

static void
one_init (One *one, FdS5bParams params)
{
  static const FdS5bHooks hooks = { on_ready, on_send, on_connected, on_failed };

  *one = (One){ .fd = -1, .sent = g_string_new (NULL) };
  fake_server_init (&one->server, ME, NULL);
  params.iq = one->server.iq;
  params.sid = SID;
  params.me = ME;
  params.peer = PEER;
  one->transport = fd_s5b_transport_new (&params, &hooks, one);
}

static void
one_clear (One *one)
{
  fd_s5b_transport_free (one->transport);
  fake_server_clear (&one->server);
  g_string_free (one->sent, TRUE);
  g_free (one->error);
  if (one->fd >= 0)
    close (one->fd);
}

static void
tell (One *one, const char *attributes, const char *children)
{
  g_autofree char *xml = g_strdup_printf ("<transport xmlns='" FD_NS_S5B "' sid='" SID "' %s>%s</transport>",
                                          attributes, children);
  g_autoptr (FdXml) element = fd_xml_parse (xml, NULL);
  g_autoptr (FdS5bInfo) info = fd_s5b_info_parse (element, NULL);

  g_assert_true (fd_s5b_transport_remote (one->transport, info, NULL));
}

static void
gather (One *one)
{
  fd_s5b_transport_gather (one->transport);
  RUN_UNTIL (one->ready);
}

static void
start (One *one)
{
  fd_s5b_transport_start (one->transport);
  fd_s5b_transport_acked (one->transport, FD_S5B_CANDIDATES, TRUE);
}

/* The peer's listener, or a proxy. */
typedef struct
{
  const char *takes; /* a hash, NULL: any */
  gboolean slams; /* closes instead of answering a request */
  gboolean once; /* takes one connection ever */
  int fd;
  guint16 port;
  guint watch;
  guint connections;
  GString *heard; /* the hashes */
  GPtrArray *guests; /* Guest */
} Door;

typedef struct
{
  Door *door;
  int fd;
  guint watch;
  gboolean greeted;
} Guest;

static void
guest_free (gpointer data)
{
  Guest *guest = data;

  g_clear_handle_id (&guest->watch, g_source_remove);
  if (guest->fd >= 0)
    close (guest->fd);
  g_free (guest);
}

/* Each message is read alone, as Prosody's proxy does. */
static gboolean
on_message (int fd, GIOCondition condition, gpointer data)
{
  Guest *guest = data;
  Door *door = guest->door;
  char message[64];
  gssize n = recv (fd, message, sizeof message, 0);
  gboolean granted;

  if (!guest->greeted && n == 3)
    {
      guest->greeted = TRUE;
      put_bytes (fd, "\x05\x00", 2);
      return G_SOURCE_CONTINUE;
    }
  guest->watch = 0;
  if (n <= 0)
    return G_SOURCE_REMOVE;

  g_assert_cmpint (n, ==, 47);
  g_string_append_printf (door->heard, "%s%.40s", door->heard->len > 0 ? " " : "", message + 5);
  granted = !door->slams && (!door->takes || memcmp (door->takes, message + 5, 40) == 0);
  message[1] = 0;
  if (granted)
    {
      put_bytes (fd, message, 47);
    }
  else
    {
      close (fd);
      guest->fd = -1;
    }
  return G_SOURCE_REMOVE;
}

static gboolean
on_connection (int fd, GIOCondition condition, gpointer data)
{
  Door *door = data;
  Guest *guest = g_new0 (Guest, 1);

  door->connections++;
  guest->door = door;
  guest->fd = accept4 (fd, NULL, NULL, SOCK_CLOEXEC);
  guest->watch = g_unix_fd_add (guest->fd, G_IO_IN, on_message, guest);
  g_ptr_array_add (door->guests, guest);
  if (!door->once)
    return G_SOURCE_CONTINUE;
  door->watch = 0;
  close (door->fd);
  door->fd = -1;
  return G_SOURCE_REMOVE;
}

static void
door_init (Door *door)
{
  door->fd = loopback_listen (&door->port);
  door->watch = g_unix_fd_add (door->fd, G_IO_IN, on_connection, door);
  door->heard = g_string_new (NULL);
  door->guests = g_ptr_array_new_with_free_func (guest_free);
}

static void
door_clear (Door *door)
{
  g_clear_handle_id (&door->watch, g_source_remove);
  g_ptr_array_unref (door->guests);
  g_string_free (door->heard, TRUE);
  if (door->fd >= 0)
    close (door->fd);
}

static char *
candidate (const char *cid, const Door *door, const char *attributes)
{
  return g_strdup_printf ("<candidate cid='%s' host='127.0.0.1' port='%u' %s/>", cid, door->port, attributes);
}

/* We are the initiator; the peer's answer has these attributes and one candidate @c. We
 * say something about it. */
static void
dial (Door *door, gboolean cid_dst, const char *answer, const char *attributes, const char *extension,
      const char *sent)
{
  g_autofree char *child = NULL, *children = NULL;
  One one;

  door_init (door);
  child = candidate ("c", door, attributes);
  children = g_strconcat (child, extension, NULL);
  one_init (&one, (FdS5bParams){ .initiator = TRUE, .policy = HERE, .cid_dst = cid_dst });
  gather (&one);
  tell (&one, answer, children);
  start (&one);
  RUN_UNTIL (one.sent->len > 0);
  g_assert_cmpstr (one.sent->str, ==, sent);
  one_clear (&one);
}

#define DIRECT "type='direct' priority='8257636' jid='" PEER "'"
#define PROXY "type='proxy' priority='7' jid='proxy.lit'"
#define CID_DST "<cid-dst xmlns='" FD_NS_CID_DST "'/>"
#define DONE "<candidates-done xmlns='" FD_NS_EOC "'/>"

/* What is said to a listener, in which order, and how often it is called. */
static const struct
{
  const char *name;
  Door door;
  const char *answer, *attributes;
  const char *heard;
  guint connections;
} dials[] = {
  { "dial-attr", { 0 }, "dstaddr='" ANNOUNCED "'", DIRECT, ANNOUNCED, 1 },
  { "dial-noattr", { 0 }, "", DIRECT, PEER_ME, 1 },
  { "dial-retry", { .takes = ME_PEER }, "", DIRECT, PEER_ME " " ME_PEER, 2 },
  { "dial-attr-retry",
    { .takes = ME_PEER },
    "dstaddr='" ANNOUNCED "'",
    DIRECT,
    ANNOUNCED " " PEER_ME " " ME_PEER,
    3 },
  { "dial-iris", { 0 }, "", "priority='8257536'", ME_PEER, 1 },
  { "dial-single-accept", { .takes = PEER_ME, .once = TRUE }, "", DIRECT, PEER_ME, 1 },
  { "proxy-strict", { 0 }, "dstaddr='" ANNOUNCED "'", PROXY, ANNOUNCED, 1 },
  { "dial-proxy-noattr", { 0 }, "", PROXY, PEER_ME, 1 },
  { "cand-lenient", { 0 }, "", "", ME_PEER, 1 },
};

static void
test_dial (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  Door door = dials[i].door;

  dial (&door, FALSE, dials[i].answer, dials[i].attributes, "", "used:c");
  g_assert_cmpstr (door.heard->str, ==, dials[i].heard);
  g_assert_cmpuint (door.connections, ==, dials[i].connections);
  door_clear (&door);
}

/* A proxy sees a hash once, also if it does not like it; then the next candidate. */
static void
test_dial_proxy_once (void)
{
  Door proxy = { .slams = TRUE }, other = { 0 };
  g_autofree char *first = NULL, *second = NULL, *children = NULL;
  One one;

  door_init (&proxy);
  door_init (&other);
  first = candidate ("p", &proxy, PROXY);
  second = candidate ("q", &other, "type='proxy' priority='6' jid='proxy.lit'");
  children = g_strconcat (first, second, NULL);
  one_init (&one, (FdS5bParams){ .initiator = TRUE, .policy = HERE });
  gather (&one);
  tell (&one, "", children);
  start (&one);
  RUN_UNTIL (one.sent->len > 0);
  g_assert_cmpstr (one.sent->str, ==, "used:q");
  g_assert_cmpuint (proxy.connections, ==, 1);
  g_assert_cmpstr (proxy.heard->str, ==, PEER_ME);
  g_assert_cmpuint (other.connections, ==, 1);
  one_clear (&one);
  door_clear (&proxy);
  door_clear (&other);
}

static void
test_cid_dst_on (void)
{
  const FdS5bNames names = { .sid = SID, .me = ME, .peer = PEER, .initiator = TRUE };
  g_autofree char *per_cid = fd_s5b_dstaddr_of (&names, "c");
  Door door = { 0 };

  dial (&door, TRUE, "", DIRECT, CID_DST, "used:c");
  g_assert_cmpstr (door.heard->str, ==, per_cid);
  door_clear (&door);

  /* Proxies know nothing of it. */
  door = (Door){ 0 };
  dial (&door, TRUE, "", PROXY, CID_DST, "used:c");
  g_assert_cmpstr (door.heard->str, ==, PEER_ME);
  door_clear (&door);
}

/* One side alone: plain hashes. */
static void
test_cid_dst_off (void)
{
  Door door = { 0 };
  One one;

  dial (&door, TRUE, "", DIRECT, "", "used:c");
  g_assert_cmpstr (door.heard->str, ==, PEER_ME);
  door_clear (&door);

  door = (Door){ 0 };
  dial (&door, FALSE, "", DIRECT, CID_DST, "used:c");
  g_assert_cmpstr (door.heard->str, ==, PEER_ME);
  door_clear (&door);

  /* A responder follows the offer, whatever it knows of the peer. */
  for (int offered = 0; offered < 2; offered++)
    {
      one_init (&one, (FdS5bParams){ .policy = HERE, .cid_dst = !offered });
      tell (&one, "", offered ? CID_DST : "");
      gather (&one);
      g_assert_cmpint (fd_s5b_transport_get_local (one.transport)->cid_dst, ==, offered);
      one_clear (&one);
    }
}

/* The same for the end-of-candidates mark; with it, no error waits. */
static void
test_eoc (void)
{
  for (int offered = 0; offered < 2; offered++)
    {
      One one;

      one_init (&one, (FdS5bParams){ .policy = HERE, .mark_candidates = !offered });
      tell (&one, "", offered ? DONE : "");
      gather (&one);
      g_assert_cmpint (fd_s5b_transport_get_local (one.transport)->mark, ==,
                       offered ? FD_S5B_MARK_DONE : FD_S5B_MARK_NONE);
      if (offered)
        {
          start (&one);
          RUN_UNTIL (one.sent->len > 0);
          g_assert_cmpstr (one.sent->str, ==, "error:");
        }
      one_clear (&one);
    }
}

/* Who gets in, and who does not. */
static const struct
{
  const char *name;
  gboolean initiator;
  const char *hash;
  gboolean granted;
} knocks[] = {
  { "dst-init", TRUE, ME_PEER, TRUE },
  { "dst-init-swapped", TRUE, PEER_ME, FALSE },
  { "dst-resp-off", FALSE, ME_PEER, TRUE },
  { "dst-resp-ini", FALSE, PEER_ME, TRUE },
  { "dst-bogus", FALSE, WRONG, FALSE },
  { "dst-case", FALSE, "1A12FB7BC625E55F3ED5B29A53DBE0E4AA7D80BA", TRUE },
};

static const FdS5bCandidate *
candidate_at (One *one, const char *host)
{
  const GPtrArray *candidates = fd_s5b_transport_get_local (one->transport)->candidates;

  for (guint i = 0; i < candidates->len; i++)
    {
      const FdS5bCandidate *own = candidates->pdata[i];

      if (g_str_equal (own->host, host))
        return own;
    }
  g_assert_not_reached ();
}

/* The file descriptor, or -1 if refused. */
static int
knock (guint16 port, const char *hash)
{
  int fd = loopback_connect (port);
  char bytes[47];

  put_bytes (fd, "\x05\x01\x00", 3);
  g_assert_true (get_bytes (fd, bytes, 2));
  memcpy (bytes, "\x05\x01\x00\x03\x28", 5);
  memcpy (bytes + 5, hash, 40);
  memcpy (bytes + 45, "\x00\x00", 2);
  put_bytes (fd, bytes, 47);
  if (get_bytes (fd, bytes, 47))
    return fd;
  close (fd);
  return -1;
}

static void
test_knock (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  const FdS5bCandidate *own;
  g_autofree char *used = NULL;
  char byte;
  One one;
  int fd;

  one_init (&one, (FdS5bParams){ .initiator = knocks[i].initiator, .policy = HERE });
  gather (&one);
  start (&one);
  own = candidate_at (&one, "127.0.0.1");
  used = g_strdup_printf ("<candidate-used cid='%s'/>", own->cid);
  fd = knock (own->port, knocks[i].hash);
  g_assert_cmpint (fd >= 0, ==, knocks[i].granted);
  if (fd < 0) /* the right one on a new socket */
    fd = knock (own->port, ME_PEER);
  tell (&one, "", used);
  RUN_UNTIL (one.fd >= 0);
  g_assert_cmpint (one.path, ==, FD_S5B_PATH_DIRECT);
  put_bytes (one.fd, "x", 1);
  g_assert_true (get_bytes (fd, &byte, 1));
  close (fd);
  one_clear (&one);
}

/* The socket of the candidate that its hash names, not of the port it arrived at. */
static void
test_cid_dst_socket (void)
{
  const FdS5bNames names = { .sid = SID, .me = ME, .peer = PEER };
  const FdS5bCandidate *reached;
  const GPtrArray *candidates;
  char byte;
  One one;
  int fds[FD_S5B_MAX_OFFERED], fd;

  one_init (&one, (FdS5bParams){ .policy = HERE });
  tell (&one, "", CID_DST);
  gather (&one);
  start (&one);
  reached = candidate_at (&one, "127.0.0.1");
  candidates = fd_s5b_transport_get_local (one.transport)->candidates;
  for (guint i = 0; i < candidates->len; i++)
    {
      g_autofree char *hash = fd_s5b_dstaddr_of (&names, ((FdS5bCandidate *) candidates->pdata[i])->cid);

      fds[i] = knock (reached->port, hash);
      g_assert_cmpint (fds[i], >=, 0);
    }

  g_autofree char *used
    = g_strdup_printf ("<candidate-used cid='%s'/>", ((FdS5bCandidate *) candidates->pdata[0])->cid);
  tell (&one, "", used);
  RUN_UNTIL (one.fd >= 0);
  fd = fds[0];
  put_bytes (one.fd, "x", 1);
  g_assert_true (get_bytes (fd, &byte, 1));
  for (guint i = 0; i < candidates->len; i++)
    close (fds[i]);
  one_clear (&one);
}

/* Not to be dialed, whatever the hash; the peer learns nothing but an error. */
static void
refuse (FdS5bPolicy policy, const char *children, const char *outcome)
{
  One one;

  one_init (&one, (FdS5bParams){ .policy = policy });
  tell (&one, "", children);
  gather (&one);
  start (&one);
  tell (&one, "", "<candidate-error/>");
  RUN_UNTIL (one.error);
  g_assert_cmpstr (one.sent->str, ==, "error:");
  g_assert_nonnull (strstr (one.error, outcome));
  one_clear (&one);
}

static void
test_ssrf (void)
{
  static const char *const hosts[] = { "127.0.0.1", "::1",       "::ffff:127.0.0.1", "0.0.0.0",
                                       "0.1.2.3",   "224.0.0.1", "ff02::1",          "169.254.1.1",
                                       "fe80::1",   "::",        "255.255.255.255",  "localhost",
                                       "240.0.0.1" };
  Door door = { 0 };

  door_init (&door);
  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *child
        = g_strdup_printf ("<candidate cid='c' host='%s' port='%u' " DIRECT "/>", hosts[i], door.port);

      g_test_message ("%s", hosts[i]);
      refuse (FD_S5B_ALLOW_DIRECT, child, "not dialed: an address of this host or of nobody");
    }
  g_assert_cmpuint (door.connections, ==, 0);
  door_clear (&door);
}

static void
test_relay_only (void)
{
  Door door = { 0 };
  g_autofree char *direct = NULL;
  One one;

  door_init (&door);
  direct = candidate ("c", &door, DIRECT);
  refuse (FD_S5B_ALLOW_PROXY | FD_S5B_ALLOW_LOOPBACK, direct, "direct connections are switched off");
  g_assert_cmpuint (door.connections, ==, 0);
  door_clear (&door);

  one_init (&one, (FdS5bParams){ .initiator = TRUE, .policy = FD_S5B_ALLOW_PROXY | FD_S5B_ALLOW_LOOPBACK });
  gather (&one);
  g_assert_cmpuint (fd_s5b_transport_get_local (one.transport)->candidates->len, ==, 0);
  one_clear (&one);
}

/* Gajim cannot send from its own listener. */
static void
test_not_serving (void)
{
  Door door = { 0 };
  g_autofree char *direct = NULL;

  door_init (&door);
  direct = candidate ("c", &door, DIRECT);
  refuse (HERE | FD_S5B_NO_PEER_DIRECT, direct, "the peer loses bytes there");
  g_assert_cmpuint (door.connections, ==, 0);
  door_clear (&door);
}

/* Conversations connected to its proxy when it made the offer, long ago: an error
 * at once, for it to propose something else. */
static void
test_stale_proxy (void)
{
  Door door = { 0 };
  g_autofree char *proxy = NULL;
  One one;

  door_init (&door);
  proxy = candidate ("c", &door, PROXY);
  one_init (&one, (FdS5bParams){ .policy = HERE | FD_S5B_NO_PEER_PROXY });
  tell (&one, "", proxy);
  gather (&one);
  start (&one);
  RUN_UNTIL (one.sent->len > 0);
  g_assert_cmpstr (one.sent->str, ==, "error:");
  g_assert_cmpuint (door.connections, ==, 0);
  one_clear (&one);
  door_clear (&door);
}

static void
test_dstaddr_always (void)
{
  for (int initiator = 0; initiator < 2; initiator++)
    {
      g_autoptr (FdXml) element = NULL;
      One one;

      one_init (&one, (FdS5bParams){ .initiator = initiator });
      gather (&one);
      element = fd_s5b_info_build (fd_s5b_transport_get_local (one.transport));
      g_assert_cmpstr (fd_xml_attr (element, "dstaddr"), ==, ME_PEER);
      g_assert_cmpstr (fd_xml_attr (element, "sid"), ==, SID);
      one_clear (&one);
    }
}

static void
test_v6_only (void)
{
  static const char *const dstaddrs[] = { PEER_ME, NULL };
  struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  socklen_t length = sizeof sa;
  Door door = { .takes = dstaddrs[0], .heard = g_string_new (NULL) };
  g_autofree char *child = NULL;
  One one;

  door.guests = g_ptr_array_new_with_free_func (guest_free);
  door.fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (door.fd < 0 || bind (door.fd, (struct sockaddr *) &sa, length) < 0)
    {
      g_test_skip ("this host has no IPv6");
      door_clear (&door);
      return;
    }
  g_assert_cmpint (listen (door.fd, 16), ==, 0);
  g_assert_cmpint (getsockname (door.fd, (struct sockaddr *) &sa, &length), ==, 0);
  door.watch = g_unix_fd_add (door.fd, G_IO_IN, on_connection, &door);

  child = g_strdup_printf ("<candidate cid='c' host='::1' port='%u' " DIRECT "/>", ntohs (sa.sin6_port));
  one_init (&one, (FdS5bParams){ .initiator = TRUE, .policy = HERE });
  gather (&one);
  tell (&one, "", child);
  start (&one);
  tell (&one, "", "<candidate-error/>");
  RUN_UNTIL (one.fd >= 0);
  g_assert_cmpstr (one.sent->str, ==, "used:c");
  g_assert_cmpstr (candidate_at (&one, "::1")->host, ==, "::1");
  one_clear (&one);
  door_clear (&door);
}

/* The sid of a transport that this one has replaced. */
static void
test_old_sid (void)
{
  g_autoptr (FdS5bInfo) old = fd_s5b_info_new (FD_S5B_CANDIDATE_ERROR, "an earlier one");
  One one;

  one_init (&one, (FdS5bParams){ .initiator = TRUE, .policy = HERE });
  gather (&one);
  start (&one);
  g_assert_true (fd_s5b_transport_remote (one.transport, old, NULL));
  g_assert_true (fd_rows_have (fd_s5b_transport_get_rows (one.transport), 41));
  g_assert_false (fd_rows_have (fd_s5b_transport_get_rows (one.transport), 17));
  one_clear (&one);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (dials); i++)
    {
      g_autofree char *path = g_strconcat ("/s5b-peer/", dials[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_dial);
    }
  for (guint i = 0; i < G_N_ELEMENTS (knocks); i++)
    {
      g_autofree char *path = g_strconcat ("/s5b-peer/", knocks[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_knock);
    }
  g_test_add_func ("/s5b-peer/dial-proxy-once", test_dial_proxy_once);
  g_test_add_func ("/s5b-peer/cid-dst-on", test_cid_dst_on);
  g_test_add_func ("/s5b-peer/cid-dst-off", test_cid_dst_off);
  g_test_add_func ("/s5b-peer/cid-dst-socket", test_cid_dst_socket);
  g_test_add_func ("/s5b-peer/eoc", test_eoc);
  g_test_add_func ("/s5b-peer/ssrf", test_ssrf);
  g_test_add_func ("/s5b-peer/relay-only", test_relay_only);
  g_test_add_func ("/s5b-peer/not-serving", test_not_serving);
  g_test_add_func ("/s5b-peer/stale-proxy", test_stale_proxy);
  g_test_add_func ("/s5b-peer/dstaddr-always", test_dstaddr_always);
  g_test_add_func ("/s5b-peer/v6-only", test_v6_only);
  g_test_add_func ("/s5b-peer/old-sid", test_old_sid);
  return g_test_run ();
}

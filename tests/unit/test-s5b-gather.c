/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What of the host's addresses and the account's proxies gets into an offer.
 */
#include "net/addresses.h"
#include "net/select.h"
#include "s5b/gather.h"

#include "loopback.h"

#include <net/if.h>

static void
on_accepted (FdS5bListener *listener, const char *cid, gpointer data)
{
  g_assert_not_reached ();
}

/* All of them are bound, so they are of this host. */
static void
add_address (GPtrArray *addresses, FdAddressKind kind, const char *text)
{
  FdAddress *address = g_new0 (FdAddress, 1);

  address->address = g_inet_address_new_from_string (text);
  address->kind = kind;
  address->interface = g_strdup ("test0");
  g_ptr_array_add (addresses, address);
}

static void
address_free (gpointer data)
{
  FdAddress *address = data;

  g_object_unref (address->address);
  g_free (address->interface);
  g_free (address);
}

/* "HOST:PRIORITY", port left out as it is ephemeral. */
static char *
gathered (FdS5bPolicy policy, guint n_addresses, guint n_streamhosts, const GPtrArray *remote)
{
  static const char *const dstaddrs[] = { "972b7bf47291ca609517f67f86b5081086052dad", NULL };
  static const char *const addresses[]
    = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7" };
  static FdS5bStreamhost streamhosts[] = { { (char *) "p.lit", (char *) "192.0.2.1", 7777 },
                                           { (char *) "p.lit", (char *) "192.0.2.2", 7777 },
                                           { (char *) "p.lit", (char *) "p3.lit", 7777 },
                                           { (char *) "q.lit", (char *) "127.0.0.1", 7777 } };
  g_autoptr (GPtrArray) from = g_ptr_array_new_with_free_func (address_free);
  g_autoptr (GPtrArray) proxies = g_ptr_array_new ();
  g_autoptr (GPtrArray) locals = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  const FdS5bGather gather = { .policy = policy,
                               .jid = "a@b/c",
                               .dstaddrs = dstaddrs,
                               .streamhosts = proxies,
                               .remote = remote,
                               .accepted = on_accepted };

  for (guint i = 0; i < n_addresses; i++)
    add_address (from, i == 0 ? FD_ADDRESS_GLOBAL_V6 : FD_ADDRESS_PRIVATE_V4, addresses[i]);
  for (guint i = 0; i < n_streamhosts; i++)
    g_ptr_array_add (proxies, &streamhosts[i]);
  locals = fd_s5b_gather_from (&gather, from);
  for (guint i = 0; i < locals->len; i++)
    {
      const FdS5bLocal *local = locals->pdata[i];

      g_assert_true ((local->listener != NULL) == (local->candidate->type != FD_S5B_PROXY));
      g_string_append_printf (text, "%s%s:%u/%x", i > 0 ? " " : "", local->candidate->host,
                              local->candidate->priority >> 16, local->candidate->priority & 0xffff);
    }
  return g_strdup (text->str);
}

static void
assert_gathered (FdS5bPolicy policy, guint n_addresses, guint n_streamhosts, const GPtrArray *remote,
                 const char *wanted)
{
  g_autofree char *got = gathered (policy, n_addresses, n_streamhosts, remote);

  g_assert_cmpstr (got, ==, wanted);
}

static void
test_limit (void)
{
  assert_gathered (FD_S5B_ALLOW_PROXY, 7, 0, NULL,
                   "127.0.0.1:126/6000 127.0.0.2:126/5000 127.0.0.3:126/4fff 127.0.0.4:126/4ffe "
                   "127.0.0.5:126/4ffd 127.0.0.6:126/4ffc");
  assert_gathered (FD_S5B_ALLOW_PROXY, 7, 3, NULL,
                   "127.0.0.1:126/6000 127.0.0.2:126/5000 127.0.0.3:126/4fff 127.0.0.4:126/4ffe "
                   "192.0.2.1:10/5000 192.0.2.2:10/4fff");
  assert_gathered (FD_S5B_ALLOW_PROXY, 1, 3, NULL,
                   "127.0.0.1:126/6000 192.0.2.1:10/5000 192.0.2.2:10/4fff p3.lit:10/4ffe");
}

static void
test_policy (void)
{
  assert_gathered (0, 1, 3, NULL, "127.0.0.1:126/6000");
  assert_gathered (FD_S5B_ALLOW_PROXY, 0, 4, NULL, "192.0.2.1:10/5000 192.0.2.2:10/4fff p3.lit:10/4ffe");
  assert_gathered (FD_S5B_ALLOW_PROXY | FD_S5B_ALLOW_LOOPBACK, 0, 4, NULL,
                   "192.0.2.1:10/5000 192.0.2.2:10/4fff p3.lit:10/4ffe 127.0.0.1:10/4ffd");
}

/* As responder: no proxy twice, no priority that the peer uses already. */
static void
test_answer (void)
{
  g_autoptr (GPtrArray) remote = g_ptr_array_new ();
  FdS5bCandidate proxy = { .host = (char *) "P3.lit", .port = 7777, .priority = 10 << 16 | 0x5000 };
  FdS5bCandidate direct = { .host = (char *) "192.0.2.1", .port = 7778, .priority = 126 << 16 | 0x6000 };

  g_ptr_array_add (remote, &proxy);
  g_ptr_array_add (remote, &direct);
  assert_gathered (FD_S5B_ALLOW_PROXY, 1, 3, remote,
                   "127.0.0.1:126/5fff 192.0.2.1:10/4fff 192.0.2.2:10/4ffe");
}

/* Loopback addresses on interfaces of these names. */
static GPtrArray *
select_from (const char *const *interfaces)
{
  struct sockaddr_in addresses[8] = { 0 };
  struct ifaddrs list[8] = { 0 };
  guint n = 0;

  for (; interfaces[n]; n++)
    {
      addresses[n].sin_family = AF_INET;
      addresses[n].sin_addr.s_addr = htonl (INADDR_LOOPBACK + n);
      list[n].ifa_name = (char *) interfaces[n];
      list[n].ifa_flags = IFF_UP | IFF_RUNNING;
      list[n].ifa_addr = (struct sockaddr *) &addresses[n];
      list[n].ifa_next = interfaces[n + 1] ? &list[n + 1] : NULL;
    }
  return fd_addresses_select (list, "", TRUE);
}

static void
test_vpn_filter (void)
{
  static const char *const interfaces[] = { "tun0", "eth0", "docker0", "virbr0", "wlan0", NULL };
  static const char *const dstaddrs[] = { NULL };
  g_autoptr (GPtrArray) from = select_from (interfaces);
  const FdS5bGather gather = { .dstaddrs = dstaddrs, .jid = "a@b/c", .accepted = on_accepted };
  g_autoptr (GPtrArray) locals = fd_s5b_gather_from (&gather, from);

  g_assert_cmpuint (locals->len, ==, 2);
  g_assert_cmpstr (((FdS5bLocal *) locals->pdata[0])->candidate->host, ==, "127.0.0.2");
  g_assert_cmpstr (((FdS5bLocal *) locals->pdata[1])->candidate->host, ==, "127.0.0.5");
}

/* Room is left for what is not known yet, and then used. */
static void
test_proxies_later (void)
{
  static const char *const dstaddrs[] = { NULL };
  static FdS5bStreamhost hosts[] = { { (char *) "p.lit", (char *) "192.0.2.1", 7777 },
                                     { (char *) "q.lit", (char *) "q.lit", 7777 },
                                     { (char *) "r.lit", (char *) "r.lit", 7777 } };
  g_autoptr (GPtrArray) from = g_ptr_array_new_with_free_func (address_free);
  g_autoptr (GPtrArray) streamhosts = g_ptr_array_new (), locals = NULL;
  FdS5bGather gather = { .policy = FD_S5B_ALLOW_PROXY,
                         .dstaddrs = dstaddrs,
                         .jid = "a@b/c",
                         .proxies_later = TRUE,
                         .accepted = on_accepted };

  for (guint i = 1; i < 8; i++)
    {
      g_autofree char *text = g_strdup_printf ("127.0.0.%u", i);

      add_address (from, FD_ADDRESS_PRIVATE_V4, text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    g_ptr_array_add (streamhosts, &hosts[i]);
  locals = fd_s5b_gather_from (&gather, from);
  g_assert_cmpuint (locals->len, ==, 4);
  gather.streamhosts = streamhosts;
  fd_s5b_gather_more (&gather, locals);
  g_assert_cmpuint (locals->len, ==, FD_S5B_MAX_OFFERED);
  g_assert_cmpstr (((FdS5bLocal *) locals->pdata[5])->candidate->host, ==, "q.lit");
}

/* One port for three candidates; the hash tells which one was meant, wherever the
 * socket arrives. */
typedef struct
{
  const FdS5bListener *listener;
  char *cid;
} Arrival;

static void
on_arrival (FdS5bListener *listener, const char *cid, gpointer data)
{
  Arrival *arrival = data;

  arrival->listener = listener;
  arrival->cid = g_strdup (cid);
}

static void
knock (const char *host, guint16 port, const char *dstaddr, Arrival *arrival)
{
  struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons (port) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char bytes[64];

  g_assert_cmpint (inet_pton (AF_INET, host, &sa.sin_addr), ==, 1);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &sa, sizeof sa), ==, 0);
  put_bytes (fd, "\x05\x01\x00", 3);
  g_assert_true (get_bytes (fd, bytes, 2));
  memcpy (bytes, "\x05\x01\x00\x03\x28", 5);
  memcpy (bytes + 5, dstaddr, 40);
  memcpy (bytes + 45, "\x00\x00", 2);
  put_bytes (fd, bytes, 47);
  RUN_UNTIL (arrival->listener);
  close (fd);
}

static void
test_cid_dst_on (void)
{
  static const char *const dstaddrs[] = { "972b7bf47291ca609517f67f86b5081086052dad", NULL };
  const FdS5bNames names = { .sid = "s", .me = "me@x/y", .peer = "peer@x/y" };
  g_autoptr (GPtrArray) from = g_ptr_array_new_with_free_func (address_free);
  g_autoptr (GPtrArray) locals = NULL;
  Arrival arrival = { 0 };
  const FdS5bGather gather = { .dstaddrs = dstaddrs,
                               .names = &names,
                               .one_port = TRUE,
                               .jid = "me@x/y",
                               .accepted = on_arrival,
                               .data = &arrival };
  const FdS5bCandidate *candidates[3];

  for (guint i = 1; i <= 3; i++)
    {
      g_autofree char *text = g_strdup_printf ("127.0.0.%u", i);

      add_address (from, FD_ADDRESS_PRIVATE_V4, text);
    }
  locals = fd_s5b_gather_from (&gather, from);
  g_assert_cmpuint (locals->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      candidates[i] = ((FdS5bLocal *) locals->pdata[i])->candidate;
      g_assert_cmpuint (candidates[i]->port, ==, candidates[0]->port);
      g_assert_cmpuint (strlen (candidates[i]->cid), ==, 16);
    }

  for (guint meant = 0; meant < 3; meant++)
    {
      for (guint reached = 0; reached < 3; reached++)
        {
          g_autofree char *dstaddr = fd_s5b_dstaddr_of (&names, candidates[meant]->cid);

          arrival = (Arrival){ 0 };
          knock (candidates[reached]->host, candidates[reached]->port, dstaddr, &arrival);
          g_assert_cmpstr (arrival.cid, ==, candidates[meant]->cid);
          g_free (arrival.cid);
        }
    }
  arrival = (Arrival){ 0 };
  knock (candidates[1]->host, candidates[1]->port, dstaddrs[0], &arrival);
  g_assert_null (arrival.cid); /* of the stream: the address tells */
  g_assert_true (arrival.listener == ((FdS5bLocal *) locals->pdata[1])->listener);
}

/* Without the extension each has a port of its own. */
static void
test_cid_dst_off (void)
{
  static const char *const dstaddrs[] = { NULL };
  g_autoptr (GPtrArray) from = g_ptr_array_new_with_free_func (address_free);
  g_autoptr (GPtrArray) locals = NULL;
  const FdS5bGather gather = { .dstaddrs = dstaddrs, .jid = "a@b/c", .accepted = on_accepted };

  add_address (from, FD_ADDRESS_PRIVATE_V4, "127.0.0.1");
  add_address (from, FD_ADDRESS_PRIVATE_V4, "127.0.0.2");
  locals = fd_s5b_gather_from (&gather, from);
  g_assert_cmpuint (((FdS5bLocal *) locals->pdata[0])->candidate->port, !=,
                    ((FdS5bLocal *) locals->pdata[1])->candidate->port);
}

/* Local preferences that other clients use would tie. */
static void
test_preferences (void)
{
  static const char *const dstaddrs[] = { NULL };
  g_autoptr (GPtrArray) from = g_ptr_array_new_with_free_func (address_free);
  g_autoptr (GPtrArray) locals = NULL;
  const FdS5bGather gather = { .dstaddrs = dstaddrs, .jid = "a@b/c", .accepted = on_accepted };

  for (FdAddressKind kind = FD_ADDRESS_GLOBAL_V6; kind <= FD_ADDRESS_LOOPBACK; kind++)
    {
      g_autofree char *text = g_strdup_printf ("127.0.0.%d", kind + 1);

      add_address (from, kind, text);
    }
  locals = fd_s5b_gather_from (&gather, from);
  g_assert_cmpuint (locals->len, ==, 5);
  for (guint i = 0; i < locals->len; i++)
    {
      guint32 priority = ((FdS5bLocal *) locals->pdata[i])->candidate->priority;

      g_assert_cmpuint (priority, >=, 8257536); /* Gajim's: below it Gajim's own would win */
      g_assert_cmpuint (priority & 0xffff, >, 16);
      g_assert_cmpuint (ABS ((int) (priority & 0xffff) - 32768), >, 16);
    }
}

static void
test_v6_only (void)
{
  static const char *const dstaddrs[] = { NULL };
  g_autoptr (GPtrArray) from = g_ptr_array_new_with_free_func (address_free);
  g_autoptr (GPtrArray) locals = NULL;
  const FdS5bGather gather = { .dstaddrs = dstaddrs, .jid = "a@b/c", .accepted = on_accepted };

  add_address (from, FD_ADDRESS_GLOBAL_V6, "::1");
  locals = fd_s5b_gather_from (&gather, from);
  if (locals->len == 0)
    {
      g_test_skip ("this host has no IPv6");
      return;
    }
  g_assert_cmpstr (((FdS5bLocal *) locals->pdata[0])->candidate->host, ==, "::1");
}

static void
test_not_bindable (void)
{
  static const char *const dstaddrs[] = { NULL };
  g_autoptr (GPtrArray) from = g_ptr_array_new_with_free_func (address_free);
  g_autoptr (GPtrArray) locals = NULL;
  const FdS5bGather gather = { .dstaddrs = dstaddrs, .jid = "a@b/c", .accepted = on_accepted };

  add_address (from, FD_ADDRESS_GLOBAL_V4, "198.51.100.77"); /* gone meanwhile */
  add_address (from, FD_ADDRESS_LOOPBACK, "127.0.0.1");
  locals = fd_s5b_gather_from (&gather, from);
  g_assert_cmpuint (locals->len, ==, 1);
}

static void
test_this_host (void)
{
  static const char *const dstaddrs[] = { NULL };
  const FdS5bGather with = { .policy = FD_S5B_ALLOW_DIRECT | FD_S5B_ALLOW_LOOPBACK,
                             .dstaddrs = dstaddrs,
                             .jid = "a@b/c",
                             .accepted = on_accepted };
  const FdS5bGather without
    = { .policy = FD_S5B_ALLOW_LOOPBACK, .dstaddrs = dstaddrs, .jid = "a@b/c", .accepted = on_accepted };
  g_autoptr (GPtrArray) some = fd_s5b_gather (&with);
  g_autoptr (GPtrArray) none = fd_s5b_gather (&without);

  g_assert_cmpuint (some->len, >, 0);
  g_assert_cmpuint (none->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/s5b-gather/limit", test_limit);
  g_test_add_func ("/s5b-gather/policy", test_policy);
  g_test_add_func ("/s5b-gather/answer", test_answer);
  g_test_add_func ("/s5b-gather/vpn-filter", test_vpn_filter);
  g_test_add_func ("/s5b-gather/proxies-later", test_proxies_later);
  g_test_add_func ("/s5b-gather/cid-dst-on", test_cid_dst_on);
  g_test_add_func ("/s5b-gather/cid-dst-off", test_cid_dst_off);
  g_test_add_func ("/s5b-gather/preferences", test_preferences);
  g_test_add_func ("/s5b-gather/v6-only", test_v6_only);
  g_test_add_func ("/s5b-gather/not-bindable", test_not_bindable);
  g_test_add_func ("/s5b-gather/this-host", test_this_host);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What of the host's addresses and the account's proxies gets into an offer.
 */
#include "net/addresses.h"
#include "s5b/gather.h"

static void
on_accepted (FdS5bListener *listener, gpointer data)
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
  g_test_add_func ("/s5b-gather/not-bindable", test_not_bindable);
  g_test_add_func ("/s5b-gather/this-host", test_this_host);
  return g_test_run ();
}

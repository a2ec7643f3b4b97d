/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which addresses a peer is told, and which it can make us dial.
 */
#include "net/select.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#define UP (IFF_UP | IFF_RUNNING)

typedef struct
{
  struct ifaddrs entry;
  struct sockaddr_storage sa;
} Entry;

static void
set (Entry *entry, const char *interface, guint flags, const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  g_autoptr (GSocketAddress) sa = g_inet_socket_address_new (address, 0);

  *entry = (Entry){ .entry = { .ifa_name = (char *) interface, .ifa_flags = flags } };
  g_assert_true (g_socket_address_to_native (sa, &entry->sa, sizeof entry->sa, NULL));
  entry->entry.ifa_addr = (struct sockaddr *) &entry->sa;
}

/* The chosen addresses in one line. */
static char *
selected (Entry *entries, guint n, const char *flags, gboolean with_loopback)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) found = NULL;

  for (guint i = 0; i + 1 < n; i++)
    entries[i].entry.ifa_next = &entries[i + 1].entry;
  found = fd_addresses_select (&entries[0].entry, flags, with_loopback);
  for (guint i = 0; i < found->len; i++)
    {
      const FdAddress *address = found->pdata[i];
      g_autofree char *host = g_inet_address_to_string (address->address);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", host);
    }
  return g_strdup (text->str);
}

static void
test_order (void)
{
  Entry entries[7];
  g_autofree char *without = NULL, *with = NULL;

  set (&entries[0], "lo", UP, "127.0.0.1");
  set (&entries[1], "eth0", UP, "fd00::1");
  set (&entries[2], "eth0", UP, "203.0.113.7");
  set (&entries[3], "eth0", UP, "192.168.1.2");
  set (&entries[4], "eth0", UP, "fe80::1");
  set (&entries[5], "eth1", UP, "100.64.3.4");
  set (&entries[6], "eth0", UP, "2001:db8::1");
  without = selected (entries, 7, "", FALSE);
  with = selected (entries, 7, "", TRUE);
  g_assert_cmpstr (without, ==, "2001:db8::1 192.168.1.2 100.64.3.4 203.0.113.7 fd00::1");
  g_assert_cmpstr (with, ==, "2001:db8::1 192.168.1.2 100.64.3.4 203.0.113.7 fd00::1 127.0.0.1");
}

static void
test_hidden_interfaces (void)
{
  static const char *const hidden[] = { "docker0", "br-1234", "virbr0", "veth9", "tun0", "tap3", "wg0" };

  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    {
      Entry entries[2];
      g_autofree char *text = NULL;

      set (&entries[0], hidden[i], UP, "10.1.2.3");
      set (&entries[1], "wlan0", UP, "10.0.0.9");
      text = selected (entries, 2, "", FALSE);
      g_assert_cmpstr (text, ==, "10.0.0.9");
    }
}

static void
test_down (void)
{
  Entry entries[2];
  g_autofree char *text = NULL;

  set (&entries[0], "eth0", IFF_UP, "10.0.0.1");
  set (&entries[1], "eth1", UP, "10.0.0.2");
  text = selected (entries, 2, "", FALSE);
  g_assert_cmpstr (text, ==, "10.0.0.2");
}

static void
test_inet6_flags (void)
{
  /* stable (mngtmpaddr), temporary, deprecated temporary, tentative */
  static const char *const flags = "20010db8000000000000000000000001 02 40 00 100    eth0\n"
                                   "20010db8000000000000000000000002 02 40 00 01     eth0\n"
                                   "20010db8000000000000000000000003 02 40 00 21     eth0\n"
                                   "20010db8000000000000000000000004 02 40 00 40     eth0\n"
                                   "20010db8000000000000000000000005 03 40 00 80     eth1\n";
  Entry entries[5];
  g_autofree char *text = NULL;

  set (&entries[0], "eth0", UP, "2001:db8::1");
  set (&entries[1], "eth0", UP, "2001:db8::2");
  set (&entries[2], "eth0", UP, "2001:db8::3");
  set (&entries[3], "eth0", UP, "2001:db8::4");
  set (&entries[4], "eth1", UP, "2001:db8::5");
  text = selected (entries, 5, flags, FALSE);
  g_assert_cmpstr (text, ==, "2001:db8::2 2001:db8::5");
}

static void
test_dialable (void)
{
  static const struct
  {
    const char *address;
    gboolean dialable, dialable_with_loopback;
  } cases[] = {
    { "192.0.2.1", TRUE, TRUE },
    { "10.0.0.1", TRUE, TRUE },
    { "2001:db8::1", TRUE, TRUE },
    { "fd00::1", TRUE, TRUE },
    { "127.0.0.1", FALSE, TRUE },
    { "127.9.9.9", FALSE, TRUE },
    { "::1", FALSE, TRUE },
    { "::ffff:127.0.0.1", FALSE, TRUE },
    { "::ffff:10.0.0.1", TRUE, TRUE },
    { "0.0.0.0", FALSE, FALSE },
    { "0.1.2.3", FALSE, FALSE },
    { "::", FALSE, FALSE },
    { "224.0.0.1", FALSE, FALSE },
    { "ff02::1", FALSE, FALSE },
    { "255.255.255.255", FALSE, FALSE },
    { "240.0.0.1", FALSE, FALSE },
    { "169.254.1.1", FALSE, FALSE },
    { "fe80::1", FALSE, FALSE },
    { "::ffff:224.0.0.1", FALSE, FALSE },
    { "::ffff:169.254.169.254", FALSE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (cases[i].address);

      g_test_message ("%s", cases[i].address);
      g_assert_cmpint (fd_address_is_dialable (address, FALSE), ==, cases[i].dialable);
      g_assert_cmpint (fd_address_is_dialable (address, TRUE), ==, cases[i].dialable_with_loopback);
    }
}

static void
test_this_host (void)
{
  g_autoptr (GPtrArray) found = fd_addresses_list (TRUE);
  gboolean loopback = FALSE;

  for (guint i = 0; i < found->len; i++)
    {
      const FdAddress *address = found->pdata[i];

      loopback |= address->kind == FD_ADDRESS_LOOPBACK;
      g_assert_true (fd_address_is_dialable (address->address, TRUE));
      g_assert_nonnull (address->interface);
    }
  g_assert_true (loopback);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/addresses/order", test_order);
  g_test_add_func ("/addresses/hidden-interfaces", test_hidden_interfaces);
  g_test_add_func ("/addresses/down", test_down);
  g_test_add_func ("/addresses/inet6-flags", test_inet6_flags);
  g_test_add_func ("/addresses/dialable", test_dialable);
  g_test_add_func ("/addresses/this-host", test_this_host);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The addresses of this host that a peer may be told (XEP-0260 §2.1), and the
 * addresses of a peer that may be dialed (no port scanner for strangers).
 */
#include "net/addresses.h"
#include "net/select.h"

#include <errno.h>
#include <linux/if_addr.h>

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Containers, virtual machines, VPNs and overlays: their addresses lead
 * nowhere for the peer, or tell it more than the user wants to show. */
static const char *const hidden_interfaces[] = {
  "docker",  "br-",    "virbr",    "veth",   "vnet", "vmnet", "vboxnet", "lxc",
  "lxdbr",   "podman", "cni",      "tun",    "tap",  "wg",    "zt",      "tailscale",
  "flannel", "cali",   "nordlynx", "proton", "pvpn", "dummy",
};

static void
address_free (gpointer data)
{
  FdAddress *address = data;

  g_object_unref (address->address);
  g_free (address->interface);
  g_free (address);
}

static gboolean
is_hidden (const char *interface)
{
  for (gsize i = 0; i < G_N_ELEMENTS (hidden_interfaces); i++)
    {
      if (g_str_has_prefix (interface, hidden_interfaces[i]))
        return TRUE;
    }
  return FALSE;
}

/* The IPv4 address inside ::ffff:0:0/96, or NULL. */
static GInetAddress *
unmap (GInetAddress *address)
{
  static const guint8 prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6
      || memcmp (bytes, prefix, sizeof prefix) != 0)
    return NULL;
  return g_inet_address_new_from_bytes (bytes + sizeof prefix, G_SOCKET_FAMILY_IPV4);
}

gboolean
fd_address_is_dialable (GInetAddress *address, gboolean with_loopback)
{
  g_autoptr (GInetAddress) v4 = unmap (address);
  const guint8 *bytes;

  if (v4)
    return fd_address_is_dialable (v4, with_loopback);

  if (g_inet_address_get_is_loopback (address))
    return with_loopback;
  if (g_inet_address_get_is_any (address) || g_inet_address_get_is_multicast (address)
      || g_inet_address_get_is_link_local (address))
    return FALSE;
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6)
    return TRUE;
  bytes = g_inet_address_to_bytes (address);
  return bytes[0] != 0 && bytes[0] < 240; /* "this network"; reserved and broadcast */
}

static FdAddressKind
classify (GInetAddress *address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_is_loopback (address))
    return FD_ADDRESS_LOOPBACK;
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6)
    return (bytes[0] & 0xfe) == 0xfc ? FD_ADDRESS_PRIVATE_V6 : FD_ADDRESS_GLOBAL_V6;
  if (g_inet_address_get_is_site_local (address) || (bytes[0] == 100 && (bytes[1] & 0xc0) == 64))
    return FD_ADDRESS_PRIVATE_V4;
  return FD_ADDRESS_GLOBAL_V4;
}

/* IFA_F_* of an address on an interface, 0 if it is not listed. */
static guint
inet6_flags_of (const char *table, GInetAddress *address, const char *interface)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);
  g_auto (GStrv) lines = g_strsplit (table, "\n", -1);
  char hex[33];

  for (guint i = 0; i < 16; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", bytes[i]);

  for (char **line = lines; *line; line++)
    {
      char name[IF_NAMESIZE], address_hex[33];
      guint flags;

      if (sscanf (*line, "%32s %*x %*x %*x %x %15s", address_hex, &flags, name) == 3
          && g_str_equal (address_hex, hex) && g_str_equal (name, interface))
        return flags;
    }
  return 0;
}

static GInetAddress *
from_sockaddr (const struct sockaddr *sa)
{
  if (sa && sa->sa_family == AF_INET)
    return g_inet_address_new_from_bytes ((const guint8 *) &((const struct sockaddr_in *) sa)->sin_addr,
                                          G_SOCKET_FAMILY_IPV4);
  if (sa && sa->sa_family == AF_INET6)
    return g_inet_address_new_from_bytes ((const guint8 *) &((const struct sockaddr_in6 *) sa)->sin6_addr,
                                          G_SOCKET_FAMILY_IPV6);
  return NULL;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const FdAddress *left = *(FdAddress *const *) a, *right = *(FdAddress *const *) b;

  return (int) left->kind - (int) right->kind;
}

/* A host with privacy extensions shows its temporary address, not the stable
 * one beside it that would identify the machine for ever. */
static gboolean
has_temporary (const struct ifaddrs *list, const char *inet6_flags, const char *interface)
{
  for (const struct ifaddrs *i = list; i; i = i->ifa_next)
    {
      g_autoptr (GInetAddress) address = from_sockaddr (i->ifa_addr);
      guint flags;

      if (!address || i->ifa_addr->sa_family != AF_INET6 || !g_str_equal (i->ifa_name, interface))
        continue;
      flags = inet6_flags_of (inet6_flags, address, interface);
      if ((flags & IFA_F_TEMPORARY) && !(flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE))
          && classify (address) == FD_ADDRESS_GLOBAL_V6)
        return TRUE;
    }
  return FALSE;
}

GPtrArray *
fd_addresses_select (const struct ifaddrs *list, const char *inet6_flags, gboolean with_loopback)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (address_free);

  for (const struct ifaddrs *i = list; i; i = i->ifa_next)
    {
      g_autoptr (GInetAddress) address = from_sockaddr (i->ifa_addr);
      FdAddressKind kind;

      if (!address || !(i->ifa_flags & IFF_UP) || !(i->ifa_flags & IFF_RUNNING) || is_hidden (i->ifa_name)
          || !fd_address_is_dialable (address, with_loopback))
        continue;

      kind = classify (address);
      if (i->ifa_addr->sa_family == AF_INET6)
        {
          guint flags = inet6_flags_of (inet6_flags, address, i->ifa_name);

          if (flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED))
            continue;
          if (kind == FD_ADDRESS_GLOBAL_V6 && !(flags & (IFA_F_TEMPORARY | IFA_F_PERMANENT))
              && has_temporary (list, inet6_flags, i->ifa_name))
            continue;
        }

      FdAddress *entry = g_new0 (FdAddress, 1);
      entry->address = g_steal_pointer (&address);
      entry->kind = kind;
      entry->interface = g_strdup (i->ifa_name);
      g_ptr_array_add (found, entry);
    }

  g_ptr_array_sort (found, compare);
  return found;
}

GPtrArray *
fd_addresses_list (gboolean with_loopback)
{
  g_autofree char *flags = NULL;
  struct ifaddrs *list = NULL;
  GPtrArray *found;

  if (getifaddrs (&list) < 0)
    {
      g_warning ("Cannot list the addresses of this host: %s", g_strerror (errno));
      return g_ptr_array_new_with_free_func (address_free);
    }
  if (!g_file_get_contents ("/proc/self/net/if_inet6", &flags, NULL, NULL))
    flags = g_strdup (""); /* no IPv6 on this host */

  found = fd_addresses_select (list, flags, with_loopback);
  freeifaddrs (list);
  return found;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The addresses of this host that a peer may be told.
 */
#pragma once

#include <gio/gio.h>

typedef enum
{
  FD_ADDRESS_GLOBAL_V6,
  FD_ADDRESS_PRIVATE_V4, /* RFC 1918 and 100.64/10 */
  FD_ADDRESS_GLOBAL_V4,
  FD_ADDRESS_PRIVATE_V6, /* fc00::/7 */
  FD_ADDRESS_LOOPBACK,
} FdAddressKind;

typedef struct
{
  GInetAddress *address;
  FdAddressKind kind;
  char *interface;
} FdAddress;

/* Up interfaces, without link-local, deprecated and temporary-expired
 * addresses, and without the interfaces of containers, bridges and VPNs
 * (docker*, br-*, virbr*, veth*, tun*, tap*, wg*, …). Loopback addresses are
 * listed only if @with_loopback (tests; both sides on one host). Array of
 * FdAddress, best first; free with g_ptr_array_unref(). */
GPtrArray *fd_addresses_list (gboolean with_loopback);

/* May we dial this address for a peer? Refuses unspecified, multicast,
 * broadcast, 0/8 and, unless @with_loopback, loopback; link-local too. */
gboolean fd_address_is_dialable (GInetAddress *address, gboolean with_loopback);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pure half of net/addresses.h: which addresses of a given interface list
 * a peer may be told. Private to net/ and its test.
 */
#pragma once

#include "net/addresses.h"

#include <ifaddrs.h>

/* @inet6_flags: the text of /proc/net/if_inet6, which alone tells temporary and
 * deprecated addresses apart; "" if unknown. */
GPtrArray *fd_addresses_select (const struct ifaddrs *list, const char *inet6_flags, gboolean with_loopback);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SOCKS5 proxies (XEP-0065 §6) as real servers are: two sockets per hash, a
 * waiting one is dropped after a while, and the last bytes may be held back
 * until the sender closes (Prosody).
 */
#pragma once

#include "net.h"

typedef struct
{
  SimReach reach[2]; /* from either side */
  int activation; /* SimActivation */
  gint64 drops_after; /* µs, a socket that waits; 0: never */
  gboolean holds_tail;
  SimFate fate; /* of the activated stream */
} SimProxyPlan;

SimProxy *sim_proxy_new (SimWorld *world, guint number, const SimProxyPlan *plan);
void sim_proxy_free (SimProxy *proxy);
const SimProxyPlan *sim_proxy_get_plan (const SimProxy *proxy);
guint sim_proxy_get_number (const SimProxy *proxy);

/* A socket that says the hash of @sid and @dst: the dialer's end, NULL if it is refused. */
SimEnd *sim_proxy_accept (SimProxy *proxy, const char *sid, SimDst dst);

/* Both sockets are there and now joined; FALSE: item-not-found. */
gboolean sim_proxy_activate (SimProxy *proxy, const char *sid, SimDst dst);

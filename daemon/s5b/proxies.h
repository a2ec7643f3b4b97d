/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the transports of an account need of FdS5bProxies; the public half is
 * in s5b/transport.h.
 */
#pragma once

#include "s5b/transport.h"

#define FD_NS_BYTESTREAMS "http://jabber.org/protocol/bytestreams"

typedef struct
{
  char *jid; /* to activate at */
  char *host;
  guint16 port;
} FdS5bStreamhost;

/* Copies; @host may be NULL. */
FdS5bStreamhost *fd_s5b_streamhost_new (const char *jid, const char *host, guint16 port);
GPtrArray *fd_s5b_streamhosts_new (void); /* of FdS5bStreamhost, owned */

/* The streamhosts known now (FdS5bStreamhost), the configured ones first;
 * borrowed, valid until the next turn of the loop. Old ones are asked for again in
 * the background. */
const GPtrArray *fd_s5b_proxies_get (FdS5bProxies *proxies);

/* Calls @settled once, from the main loop, when the discovery that runs now
 * has ended; FALSE, and no call, if none runs. */
typedef void (*FdS5bProxiesSettled) (gpointer data);
gboolean fd_s5b_proxies_wait (FdS5bProxies *proxies, FdS5bProxiesSettled settled, gpointer data);
void fd_s5b_proxies_unwait (FdS5bProxies *proxies, gpointer data);

/* Streams that run through our proxies: servers allow an account a few (ejabberd's
 * example five). Full: offer none. */
#define FD_S5B_MAX_PROXIED 4
gboolean fd_s5b_proxies_is_full (FdS5bProxies *proxies);
void fd_s5b_proxies_enter (FdS5bProxies *proxies);
void fd_s5b_proxies_leave (FdS5bProxies *proxies);

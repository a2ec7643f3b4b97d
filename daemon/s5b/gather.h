/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our candidates (XEP-0260 §2.1): the addresses of this host, each with a
 * listener of its own, and the proxies of the account.
 */
#pragma once

#include "s5b/dstaddr.h"
#include "s5b/listener.h"
#include "s5b/proxies.h"

typedef struct
{
  FdS5bCandidate *candidate;
  FdS5bListener *listener; /* NULL for a proxy */
} FdS5bLocal;

typedef struct
{
  FdS5bPolicy policy;
  const char *jid; /* ours */
  const char *const *dstaddrs; /* that every listener lets in */
  const FdS5bNames *names; /* for a hash per candidate; NULL: none */
  gboolean one_port; /* candidates of a family share a port if it is free */
  const GPtrArray *streamhosts; /* FdS5bStreamhost or NULL */
  gboolean proxies_later; /* leave room for fd_s5b_gather_more() */
  const GPtrArray *remote; /* FdS5bCandidate: of the peer, not to be repeated */
  FdS5bAccepted accepted;
  gpointer data;
} FdS5bGather;

/* Array of FdS5bLocal, best first, at most FD_S5B_MAX_OFFERED. What cannot be
 * bound is logged and left out. */
GPtrArray *fd_s5b_gather (const FdS5bGather *gather);

/* The same from given addresses (FdAddress), for tests. */
GPtrArray *fd_s5b_gather_from (const FdS5bGather *gather, const GPtrArray *addresses);

/* Adds the proxies of @gather to the array. */
void fd_s5b_gather_more (const FdS5bGather *gather, GPtrArray *locals);

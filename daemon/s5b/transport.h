/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One S5B transport of one session at work: owns the negotiation machine and
 * the listeners, dialers, proxies and sockets that it commands.
 */
#pragma once

#include "s5b/info.h"
#include "s5b/rows.h"
#include "xmpp/iq.h"

typedef struct FdS5bTransport FdS5bTransport;
typedef struct FdS5bProxies FdS5bProxies;

/* The proxies an account can offer: discovered from its server (XEP-0065 §4)
 * and configured, cached for the stream. Shared by its transports. */
FdS5bProxies *fd_s5b_proxies_new (FdIq *iq);
void fd_s5b_proxies_free (FdS5bProxies *proxies);
/* JIDs from the configuration, on top of the server's own; copied. */
void fd_s5b_proxies_configure (FdS5bProxies *proxies, const char *const *jids);
/* A bound stream: discovery starts in the background; and its end. */
void fd_s5b_proxies_stream_up (FdS5bProxies *proxies);
void fd_s5b_proxies_stream_lost (FdS5bProxies *proxies);

typedef enum
{
  FD_S5B_ALLOW_DIRECT = 1 << 0, /* show and dial addresses */
  FD_S5B_ALLOW_PROXY = 1 << 1,
  FD_S5B_ALLOW_LOOPBACK = 1 << 2, /* both ends on one host; set by option */
  FD_S5B_HIDE = 1 << 3, /* dial nothing that the peer names: any host may call itself a proxy */
  FD_S5B_NO_PEER_DIRECT = 1 << 4, /* the listener of the peer loses bytes (Gajim) */
  FD_S5B_NO_PEER_PROXY = 1 << 5, /* the peer's connection to its proxy is too old (Conversations) */
  FD_S5B_LITERAL_HOSTS = 1 << 6, /* offer proxies by address: the peer cannot resolve names (Swift) */
  FD_S5B_REPEAT_PROXY
  = 1 << 7, /* offer the proxy that it offers, too: it sends before its own is active (Gajim) */
} FdS5bPolicy;

typedef struct
{
  FdIq *iq; /* for proxy activation; outlives the transport */
  FdS5bProxies *proxies; /* NULL: none */
  const char *sid;
  const char *me; /* full JIDs exactly as in the stanzas: they are hashed */
  const char *peer;
  gboolean initiator; /* we sent session-initiate */
  FdS5bPolicy policy;
  gboolean ini_first; /* its listener takes H(initiator, responder): dial with that first */
  gboolean trickle; /* it takes candidates after the offer */
  FdS5bErrorRule error;
  /* Initiator: the peer advertises the extension. A responder follows the offer. */
  gboolean mark_candidates; /* urn:x-fardel:eoc:0 */
  gboolean cid_dst; /* urn:x-fardel:cid-dst:0 */
} FdS5bParams;

typedef enum
{
  FD_S5B_PATH_DIRECT,
  FD_S5B_PATH_PROXY,
} FdS5bPath;

/* Never called from inside a call of ours into the transport, always from the
 * main loop; each may free the transport. */
typedef struct
{
  /* Candidates are gathered: fd_s5b_transport_get_local() may be sent. */
  void (*ready) (FdS5bTransport *transport, gpointer data);
  /* Send this as a transport-info; tell the outcome with fd_s5b_transport_acked(). */
  void (*send) (FdS5bTransport *transport, const FdS5bInfo *info, gpointer data);
  /* The bytestream is up; @fd is the receiver's now, non-blocking. Losing
   * sockets stay open until the transport is freed (Gajim). */
  void (*connected) (FdS5bTransport *transport, int fd, FdS5bPath path, gpointer data);
  /* No path; the error text says what was tried. */
  void (*failed) (FdS5bTransport *transport, const GError *error, gpointer data);
} FdS5bHooks;

FdS5bTransport *fd_s5b_transport_new (const FdS5bParams *params, const FdS5bHooks *hooks, gpointer data);
/* Closes listeners and sockets, forgets activations. */
void fd_s5b_transport_free (FdS5bTransport *transport);

/* Opens listeners, collects candidates: ready follows within 1.5 s, mostly in
 * the same loop turn. As responder call fd_s5b_transport_remote() first, so
 * that a proxy the peer already offered is not offered twice. */
void fd_s5b_transport_gather (FdS5bTransport *transport);

/* The own <transport/> with candidates, borrowed. */
const FdS5bInfo *fd_s5b_transport_get_local (FdS5bTransport *transport);

/* The peer's <transport/>: its offer or answer, and each transport-info.
 * Returns FALSE and PROTOCOL for what must be refused with item-not-found (a
 * candidate-used of a candidate that is not ours). */
gboolean fd_s5b_transport_remote (FdS5bTransport *transport, const FdS5bInfo *info, GError **error);

/* Offer and answer are both out: dial. */
void fd_s5b_transport_start (FdS5bTransport *transport);

/* The peer acknowledged (or refused, or did not answer in time) a stanza with
 * @kind: CANDIDATES also for the stanza that carried our offer or answer. */
void fd_s5b_transport_acked (FdS5bTransport *transport, FdS5bKind kind, gboolean ok);

/* For the log: the rows of the state table that it went through. */
FdRows fd_s5b_transport_get_rows (FdS5bTransport *transport);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport that a file has at the moment, of either kind (XEP-0260, XEP-0261):
 * content.c says what its machine decides, and gets a connected socket.
 */
#pragma once

#include "jingle/session.h"

typedef struct FdCarrier FdCarrier;

/* From the main loop, except @ready, which an in-band transport calls at once. */
typedef struct
{
  void (*ready) (const FdTransportInfo *local, gpointer data);
  void (*send) (const FdS5bInfo *info, gpointer data);
  void (*connected) (int fd, FdPath path, gpointer data); /* @fd is the receiver's */
  void (*drained) (gpointer data);
  void (*failed) (const GError *error, gpointer data);
} FdCarrierHooks;

typedef struct
{
  FdJingle *jingle;
  const FdSessionConfig *config; /* borrowed, as long as the carrier lives */
  const FdContentParams *content; /* what is allowed */
  FdQuirks quirks;
  gint64 size; /* of the file, -1 unknown */
  gint64 age; /* µs, of the offer */
} FdCarrierParams;

FdCarrier *fd_carrier_new (const FdCarrierParams *params, const FdCarrierHooks *hooks, gpointer data);
void fd_carrier_free (FdCarrier *carrier); /* its sockets, too */

/* Once: finds out what we have to offer, or to answer to the peer's @remote; ready or failed follows. */
void fd_carrier_prepare (FdCarrier *carrier, FdTransportKind kind, const FdTransportInfo *remote);

/* The peer's side of it, or more of it: FALSE if it names what is not ours. */
gboolean fd_carrier_take (FdCarrier *carrier, const FdTransportInfo *remote);
/* Both sides know both sides' part. */
void fd_carrier_start (FdCarrier *carrier);
/* A stanza with @transport was answered. */
void fd_carrier_acked (FdCarrier *carrier, const FdTransportInfo *transport, gboolean ok);

guint64 fd_carrier_get_acked (FdCarrier *carrier); /* bytes; in-band only, else 0 */
FdRows fd_carrier_get_rows (FdCarrier *carrier);

/* Conversations connects to its proxy when it offers, says no dstaddr, and waits
 * without end if the proxy has dropped that connection meanwhile. Is @offer,
 * received @age µs ago, of that kind and the file small enough for in-band? */
gboolean fd_carrier_is_stale (const FdS5bInfo *offer, gint64 age, gint64 size);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * In-band bytestreams (XEP-0047, XEP-0261): one stream over the XMPP
 * connection, shown to the rest of the daemon as one end of a socket pair, so
 * that the pump does not know the difference.
 */
#pragma once

#include "xmpp/iq.h"

#define FD_NS_IBB "http://jabber.org/protocol/ibb"
#define FD_NS_JINGLE_IBB "urn:xmpp:jingle:transports:ibb:1"
#define FD_IBB_BLOCK_SIZE 8192 /* what we offer */
#define FD_IBB_BLOCK_SIZE_MAX 65535 /* XEP-0047 §2.1 */
#define FD_T_OPEN 30000 /* ms: who accepted the transport is opened to at once, or not at all */

/* The IBB <transport/> element (XEP-0261 §2). */
typedef struct
{
  char *sid; /* NULL if missing */
  guint block_size; /* bytes; 4096 if missing or 0 */
} FdIbbInfo;

FdIbbInfo *fd_ibb_info_new (const char *sid, guint block_size);
void fd_ibb_info_free (FdIbbInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdIbbInfo, fd_ibb_info_free)
/* PROTOCOL if it is no such element, or its block size is none. */
FdIbbInfo *fd_ibb_info_parse (xmpp_stanza_t *transport, GError **error);
xmpp_stanza_t *fd_ibb_info_build (const FdIbbInfo *info);

/* Per account: hands <open/>, <data/>, <close/> to the stream they belong to,
 * refuses the rest. */
typedef struct FdIbb FdIbb;
FdIbb *fd_ibb_new (FdIq *iq);
void fd_ibb_free (FdIbb *ibb); /* after all its transports */

typedef struct FdIbbTransport FdIbbTransport;

/* Always from the main loop, never from inside a call into the transport; each
 * may free the transport. */
typedef struct
{
  /* Open on both sides: @fd is the receiver's now. Reading it yields what the
   * peer sends, EOF after its close; shutdown(SHUT_WR) says that all is written. */
  void (*connected) (FdIbbTransport *transport, int fd, gpointer data);
  /* The sender's side: every byte written before SHUT_WR was acknowledged. On
   * the receiver's it only means that the fd was closed. */
  void (*drained) (FdIbbTransport *transport, gpointer data);
  /* Refused, broken, timed out. After it nothing more comes. The fd reads EOF
   * then, too: that is no end of a file whose size is unknown. */
  void (*failed) (FdIbbTransport *transport, const GError *error, gpointer data);
} FdIbbHooks;

/* @opener: we send <open/> (the session initiator does); else the peer's is
 * taken from now on. @block_size: agreed. */
FdIbbTransport *fd_ibb_transport_new (FdIbb *ibb, const char *peer, const char *sid, guint block_size,
                                      gboolean opener, const FdIbbHooks *hooks, gpointer data);
void fd_ibb_transport_free (FdIbbTransport *transport); /* sends <close/> if it is open */

/* Both sides agreed on the transport: the opener opens, the other waits FD_T_OPEN. */
void fd_ibb_transport_start (FdIbbTransport *transport);

/* Bytes acknowledged by the peer (sending) or stored (receiving). */
guint64 fd_ibb_transport_get_bytes (FdIbbTransport *transport);

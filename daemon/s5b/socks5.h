/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SOCKS5 as bytestreams use it (RFC 1928, XEP-0065 §5.3.2): no authentication,
 * CONNECT to a hash. Two byte machines without I/O.
 */
#pragma once

#include <glib.h>

#define FD_SOCKS5_MAX_MESSAGE 262 /* ver, cmd, rsv, atyp, length, 255 bytes, port */

typedef enum
{
  FD_SOCKS5_MORE, /* write the output, then read what is wanted */
  FD_SOCKS5_ASK, /* server: decide on the dstaddr with fd_socks5_server_answer() */
  FD_SOCKS5_DONE, /* write the output; everything after it is payload */
  FD_SOCKS5_FAILED, /* write the output, close */
} FdSocks5Status;

typedef struct
{
  FdSocks5Status status;
  guint step;
  gboolean server;
  guint8 in[FD_SOCKS5_MAX_MESSAGE];
  guint have, need;
  guint8 out[FD_SOCKS5_MAX_MESSAGE];
  guint out_length;
  char dstaddr[256];
  const char *reason; /* of FAILED */
} FdSocks5;

/* @dstaddr: at most 255 bytes. */
void fd_socks5_client_init (FdSocks5 *socks, const char *dstaddr);
void fd_socks5_server_init (FdSocks5 *socks);

/* How many bytes may be read now; never one beyond the handshake, as the next
 * could be payload. 0 as long as there is output, and when nothing is expected. */
gsize fd_socks5_want (const FdSocks5 *socks);

/* At most fd_socks5_want() bytes. */
FdSocks5Status fd_socks5_feed (FdSocks5 *socks, const guint8 *data, gsize length);

/* The server's decision on socks->dstaddr, after ASK. */
FdSocks5Status fd_socks5_server_answer (FdSocks5 *socks, gboolean grant);

/* The driver has written the first @length bytes of socks->out. */
void fd_socks5_written (FdSocks5 *socks, gsize length);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The listening socket of one candidate of ours and the sockets that came in
 * through it: the port, or the hash, tells which candidate the peer reached.
 */
#pragma once

#include <gio/gio.h>

typedef struct FdS5bListener FdS5bListener;

/* A socket named one of our hashes; @cid: the candidate that the hash is of, NULL
 * if it is of the whole stream. From the main loop; may free the listener. */
typedef void (*FdS5bAccepted) (FdS5bListener *listener, const char *cid, gpointer data);

/* @port: 0 for any. @dstaddrs: the hashes of the stream, copied. NULL and
 * CONNECTION_FAILED if the address cannot be bound. */
FdS5bListener *fd_s5b_listener_new (GInetAddress *address, guint16 port, const char *const *dstaddrs,
                                    FdS5bAccepted accepted, gpointer data, GError **error);
void fd_s5b_listener_free (FdS5bListener *listener);

/* Lets in the hash of one candidate, too. */
void fd_s5b_listener_admit (FdS5bListener *listener, const char *dstaddr, const char *cid);

guint16 fd_s5b_listener_get_port (FdS5bListener *listener);

/* Stops listening. The sockets that came in stay: EOF on one of them would
 * confuse some peers. */
void fd_s5b_listener_close (FdS5bListener *listener);

/* The newest authenticated socket for @cid, as in the callback, that is alive, else
 * the newest; -1 if there is none. The caller owns it. */
int fd_s5b_listener_take (FdS5bListener *listener, const char *cid);

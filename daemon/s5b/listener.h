/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The listening socket of one candidate of ours and the sockets that came in
 * through it: one port per candidate tells which one the peer reached.
 */
#pragma once

#include <gio/gio.h>

typedef struct FdS5bListener FdS5bListener;

/* A socket named one of our hashes. From the main loop; may free the listener. */
typedef void (*FdS5bAccepted) (FdS5bListener *listener, gpointer data);

/* @dstaddrs: the hashes let in, copied. NULL and CONNECTION_FAILED if the
 * address cannot be bound. */
FdS5bListener *fd_s5b_listener_new (GInetAddress *address, const char *const *dstaddrs,
                                    FdS5bAccepted accepted, gpointer data, GError **error);
void fd_s5b_listener_free (FdS5bListener *listener);

guint16 fd_s5b_listener_get_port (FdS5bListener *listener);

/* Stops listening. The sockets that came in stay: EOF on one of them would
 * confuse some peers. */
void fd_s5b_listener_close (FdS5bListener *listener);

/* The newest authenticated socket that is alive, else the newest; -1 if there
 * is none. The caller owns it. */
int fd_s5b_listener_take (FdS5bListener *listener);

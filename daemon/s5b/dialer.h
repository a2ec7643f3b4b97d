/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One outgoing bytestream connection: name, TCP, SOCKS5, and a new TCP
 * connection with the next hash if the first is refused.
 */
#pragma once

#include <gio/gio.h>

typedef struct FdS5bDialer FdS5bDialer;

/* Once, from the main loop, never from inside fd_s5b_dialer_new(): either the
 * connected non-blocking @fd, which the receiver owns, or the error, whose text
 * completes "HOST:PORT …". May free the dialer. */
typedef void (*FdS5bDialed) (FdS5bDialer *dialer, int fd, const GError *error, gpointer data);

/* @host: an IP literal or a name. @dstaddrs: tried in this order, copied.
 * @patience_ms: for the TCP connection. @with_loopback: may dial this host. */
FdS5bDialer *fd_s5b_dialer_new (const char *host, guint16 port, const char *const *dstaddrs,
                                guint patience_ms, gboolean with_loopback, FdS5bDialed dialed, gpointer data);
void fd_s5b_dialer_free (FdS5bDialer *dialer); /* gives up, closes */

#define FD_S5B_DIRECT_PATIENCE_MS 5000
#define FD_S5B_PROXY_PATIENCE_MS 8000

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The SOCKS5 machine on a non-blocking socket, and what all our TCP sockets
 * have set.
 */
#pragma once

#include "s5b/socks5.h"

#include <gio/gio.h>

#define FD_S5B_SOCKS_TIMEOUT_MS 5000 /* per phase: greeting, request */

/* Writes and reads until the machine has an answer (its status is returned)
 * or the socket would block: then MORE, and *ret_wait says for what. A broken
 * socket is FAILED with a reason. */
FdSocks5Status fd_s5b_socket_drive (int fd, FdSocks5 *socks, GIOCondition *ret_wait);

/* The stream is up: small writes leave at once, a dead peer is noticed. */
void fd_s5b_socket_tune (int fd);

/* Closed by the other end with nothing left to read, or broken. */
gboolean fd_s5b_socket_is_dead (int fd);

/* A new non-blocking TCP socket for the family of @address, bound to or
 * connecting to it. -1 and errno. *port 0: any, which is then there. */
int fd_s5b_socket_listen (GInetAddress *address, guint16 *port);
int fd_s5b_socket_connect (GInetAddress *address, guint16 port);

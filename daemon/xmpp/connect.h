/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a host to a connected TCP socket: addresses, happy eyeballs (RFC 8305)
 * and the system's proxies, by GIO.
 */
#pragma once

#include "xmpp/failure.h"

typedef struct FdConnect FdConnect;

/* Called once, from the main loop; the attempt is over. @fd is non-blocking,
 * close-on-exec and the callee's; or -1 and @failure, the callee's to take from. */
typedef void (*FdConnectDone) (int fd, FdFailure *failure, gpointer data);

FdConnect *fd_connect_new (const char *host, guint16 port, FdConnectDone done, gpointer data);
void fd_connect_cancel (FdConnect *connect); /* no callback after this */

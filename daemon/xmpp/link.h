/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a domain to a connected TCP socket: SRV records (RFC 6120 §3.2,
 * XEP-0368), happy eyeballs, time-outs. Knows nothing of XML and TLS.
 */
#pragma once

#include <glib.h>

typedef struct FdLink FdLink;

/* Called once from the main loop. @fd is non-blocking, close-on-exec and the
 * callee's; or -1 and @error: CONNECTION_FAILED or TIMEOUT, saying which host
 * and why. The link may be freed in it. */
typedef void (*FdLinkDone) (int fd, const GError *error, gpointer data);

/* @server NULL: the SRV records of @domain, else the domain itself. @port 0:
 * 5222, or 5223 for direct TLS. */
FdLink *fd_link_new (const char *domain, const char *server, guint16 port, gboolean direct_tls,
                     FdLinkDone done, gpointer data);

/* No callback after this. */
void fd_link_free (FdLink *link);

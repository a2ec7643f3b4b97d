/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a domain to a byte pipe that is verified TLS: SRV records, happy
 * eyeballs, proxies, STARTTLS or direct TLS, and then a queue of what is to be
 * sent (RFC 6120 §3, §5, XEP-0368). Nothing of it ever blocks, and every step has its
 * time. Knows nothing of what is said inside.
 */
#pragma once

#include "xmpp/failure.h"
#include "xmpp/tls.h"

typedef struct FdLink FdLink;

typedef struct
{
  const char *server; /* NULL: the SRV records of the domain, else the domain itself */
  guint16 port; /* 0: 5222, or 5223 for direct TLS */
  gboolean direct_tls; /* where no SRV record tells */
  const char *ca_file; /* PEM, trusted instead of the system's authorities; NULL: the system's */
  FdTlsSettings tls; /* without authorities */
} FdLinkSettings;

typedef struct
{
  /* TLS is there, and verified. */
  void (*up) (FdLink *link, gpointer data);

  /* Bytes from inside TLS. */
  void (*received) (FdLink *link, const char *bytes, gsize length, gpointer data);

  /* It failed or was closed; the last call, from the main loop. The link may be
   * freed in this one only. @failure is the callback's to take from. */
  void (*down) (FdLink *link, FdFailure *failure, gpointer data);
} FdLinkHooks;

FdLink *fd_link_new (const FdLinkSettings *settings, const FdLinkHooks *hooks, gpointer data);

/* Sends what the socket takes at once, says goodbye, and closes. No hook after this. */
void fd_link_free (FdLink *link);

/* Queues; after up. What is queued in one turn of the loop leaves together. */
void fd_link_send (FdLink *link, const char *bytes, gsize length);
gsize fd_link_get_queued (FdLink *link); /* bytes */

/* NULL before up. Borrowed. */
FdTls *fd_link_get_tls (FdLink *link);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hosts that serve a domain, in the order in which they are tried: SRV
 * records of both services (RFC 6120 §3.2, XEP-0368 §3), by RFC 2782.
 */
#pragma once

#include <gio/gio.h>

typedef struct
{
  char *host;
  guint16 port;
  gboolean direct_tls;
} FdTarget;

FdTarget *fd_target_new (const char *host, guint16 port, gboolean direct_tls);
void fd_target_free (FdTarget *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdTarget, fd_target_free)

/* "host", "host:port", "[IPv6]:port"; NULL if it is none of them. */
FdTarget *fd_target_parse (const char *text, guint16 default_port, gboolean direct_tls);

/* The records of both services, as from g_resolver_lookup_records(); either may
 * be NULL. Lower priorities first; among equals by chance, in proportion to their
 * weights. At most 8; fewer if a record says ".", for which there is no service. */
GQueue *fd_targets_merge (GList *starttls, GList *direct);

typedef struct FdTargetsLookup FdTargetsLookup;

/* @targets is the callback's: empty if the domain says that it offers no such
 * service, NULL if it has no records or they cannot be looked up. */
typedef void (*FdTargetsFound) (GQueue *targets, gpointer data);

/* Asks for both services, or for direct TLS only. Takes no time of its own: who
 * does not want to wait cancels. */
FdTargetsLookup *fd_targets_lookup (const char *domain, gboolean direct_only, FdTargetsFound found,
                                    gpointer data);
void fd_targets_lookup_cancel (FdTargetsLookup *lookup); /* no callback after this */

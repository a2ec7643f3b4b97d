/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers to disco#info (XEP-0030 §3.1) as values, the verification string of
 * XEP-0115 §5, and the cache of verified answers that all accounts share.
 */
#pragma once

#include "xmpp/xml.h"

#define FD_NS_CAPS "http://jabber.org/protocol/caps"
#define FD_NS_DISCO_INFO "http://jabber.org/protocol/disco#info"
#define FD_NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"

/* What an entity can do; immutable, counted. */
typedef struct
{
  char **features; /* sorted, without duplicates, NULL-terminated */
  char *software; /* XEP-0232, else the name of the identity; "" if unknown */
  char *software_version; /* XEP-0232; "" if unknown */
  char *client_type; /* of a client: pc, phone, web, …; "" if unknown */
} FdDisco;

/* From a <query/> of disco#info; PROTOCOL if it exceeds the limits. */
FdDisco *fd_disco_parse (xmpp_stanza_t *query, GError **error);
FdDisco *fd_disco_ref (FdDisco *disco);
void fd_disco_unref (FdDisco *disco);
gboolean fd_disco_has (const FdDisco *disco, const char *feature);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdDisco, fd_disco_unref)

/* The verification string of a <query/>. @hash is the name that <c/> carries:
 * sha-1, sha-256 or sha-512. NULL if the hash is another one or the answer is
 * ill-formed in the sense of §5.4, so nothing can be concluded from it. */
char *fd_caps_ver (xmpp_stanza_t *query, const char *hash);

/* The cache. Lookup returns a borrowed value or NULL. Only what
 * fd_caps_ver() confirmed may be added. */
FdDisco *fd_caps_cache_lookup (const char *hash, const char *ver);
void fd_caps_cache_add (const char *hash, const char *ver, FdDisco *disco);

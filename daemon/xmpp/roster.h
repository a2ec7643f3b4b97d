/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The contact list as the server holds it (RFC 6121 §2).
 */
#pragma once

#include "xmpp/iq.h"

typedef struct FdRoster FdRoster;

typedef struct
{
  char *jid; /* bare */
  char *name; /* "" if unnamed */
  char *subscription; /* none to from both */
  char **groups;
} FdRosterItem;

FdRoster *fd_roster_new (FdIq *iq);
void fd_roster_free (FdRoster *roster);

/* Asks for the whole list and replaces what is known when it arrives. What was
 * known stays valid between streams. */
void fd_roster_fetch (FdRoster *roster);

/* NULL if not a contact; @jid may be full. */
const FdRosterItem *fd_roster_lookup (FdRoster *roster, const char *jid);

/* Borrowed FdRosterItem's sorted by JID; free the container. */
GPtrArray *fd_roster_list (FdRoster *roster);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The contact list as the server holds it (RFC 6121 §2), kept in a file where
 * the server tells versions of it, so that only changes need to be sent.
 */
#pragma once

#include "xmpp/iq.h"

typedef struct FdRoster FdRoster;

typedef struct
{
  char *jid; /* bare */
  char *name; /* "" if unnamed */
  char *subscription; /* none to from both */
  gboolean asked; /* we asked to see its presence and wait for the answer */
  char **groups;
} FdRosterItem;

/* @data is that of fd_roster_new(), whose @changed is called, from the main loop, when
 * the list is another one. */
typedef void (*FdRosterChanged) (gpointer data);

FdRoster *fd_roster_new (FdIq *iq, FdRosterChanged changed, gpointer data);
void fd_roster_free (FdRoster *roster);

/* Begins with the list of the account @jid that @path holds, if it does, and
 * keeps it there. NULL: keeps it nowhere from now on. */
void fd_roster_use_file (FdRoster *roster, const char *jid, const char *path);

/* Asks for the list and replaces what is known when it arrives. @versioned: the
 * server announced that it can leave out what we know (§2.6.1). What was known
 * stays valid between streams. @fetched (may be NULL) is called when the list is
 * what the server has, or will not come; not if it is fetched anew before. */
void fd_roster_fetch (FdRoster *roster, gboolean versioned, FdRosterChanged fetched);

/* NULL if not a contact; @jid may be full. */
const FdRosterItem *fd_roster_lookup (FdRoster *roster, const char *jid);

guint fd_roster_get_size (FdRoster *roster);

/* Borrowed FdRosterItem's sorted by JID; free the container. */
GPtrArray *fd_roster_list (FdRoster *roster);

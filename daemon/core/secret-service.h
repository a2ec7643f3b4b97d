/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The user's keyring, by the Secret Service API of freedesktop.org. A password
 * is an item with the schema "org.fardel.Account" and the attribute "jid", the
 * bare JID; one that we stored has the attribute "account", our id, too.
 */
#pragma once

#include <glib.h>

/* How much a lookup may do. */
typedef enum
{
  FD_SECRET_QUICK, /* takes what is unlocked in a service that runs; 2 s at the most */
  FD_SECRET_QUIET, /* starts the service, unlocks what needs no question */
  FD_SECRET_ASK, /* the service may ask the user to unlock; there is no limit to that */
} FdSecretManners;

/* Is the daemon built with it, and did nobody turn it off? */
gboolean fd_secret_service_is_there (void);
/* For good: this process is of no single user. */
void fd_secret_service_turn_off (void);

/* One that is under way. @done comes once, from the main loop, unless the call is
 * cancelled. NULL where that is not there: nothing will come. */
typedef struct FdServiceCall FdServiceCall;
typedef void (*FdServiceDone) (const char *secret, const GError *error, gpointer data);

/* The newest item for @jid. @secret is borrowed, and may be anything. */
FdServiceCall *fd_secret_service_lookup (const char *jid, FdSecretManners manners, FdServiceDone done,
                                         gpointer data);

/* Replaces what was stored for @account before. May ask the user to unlock. */
FdServiceCall *fd_secret_service_store (const char *jid, const char *account, const char *secret,
                                        FdServiceDone done, gpointer data);

/* Removes what was stored for @account, as far as it is unlocked. */
FdServiceCall *fd_secret_service_forget (const char *jid, const char *account, FdServiceDone done,
                                         gpointer data);

void fd_secret_service_cancel (FdServiceCall *call);

/* Tells when a lookup may find more than before: a service has come (QUIET) or
 * something in it has changed (QUICK). FALSE: not now, ask again soon. */
typedef struct FdServiceWatch FdServiceWatch;
typedef gboolean (*FdServiceNews) (FdSecretManners manners, gpointer data);

FdServiceWatch *fd_secret_service_watch (FdServiceNews news, gpointer data);
void fd_secret_service_unwatch (FdServiceWatch *watch); /* NULL is nothing */

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SASL and resource binding (RFC 6120 §6, §7) by libstrophe, which lives behind
 * a fence: it is connected to this process only, hears nothing but what we
 * write anew from elements that passed the guard, and is gone when the resource
 * is bound.
 */
#pragma once

#include "xmpp/failure.h"

typedef struct FdLogin FdLogin;

typedef struct
{
  /* Bytes for the server. */
  void (*output) (const char *bytes, gsize length, gpointer data);

  /* The last call: @bound_jid, or NULL and @failure, the callback's to take from. The login may
   * be freed in it. */
  void (*done) (const char *bound_jid, FdFailure *failure, gpointer data);
} FdLoginHooks;

/* A number below FD_SETSIZE that is kept free: the library uses select(). -1 if
 * there is none. */
int fd_login_reserve_fd (void);

/* @full_jid: with the resource to ask for. @password: NULL if there is only the client
 * certificate. @certificate: TLS has one, so EXTERNAL (XEP-0178) is the first choice.
 * Closes *@low_fd for the library to take its number. NULL and LIMIT_EXCEEDED or
 * CONNECTION_FAILED. */
FdLogin *fd_login_new (const char *full_jid, const char *password, gboolean certificate, int *low_fd,
                       const FdLoginHooks *hooks, gpointer data, GError **error);
void fd_login_free (FdLogin *login);

/* An element of the server's stream, its header included. FALSE and @failure if
 * it ends the login. */
gboolean fd_login_feed (FdLogin *login, xmpp_stanza_t *element, FdFailure *failure);

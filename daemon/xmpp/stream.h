/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One XML stream with a server, from the first look-up to the end: the link,
 * the login, and then stanzas, each through the guard (RFC 6120 §4). It never
 * comes back: the next attempt is another stream.
 */
#pragma once

#include "xmpp/link.h"

typedef struct FdStream FdStream;

typedef struct
{
  const char *jid; /* full: the resource to ask for */
  const char *password; /* NULL: there is only the client certificate */
  FdLinkSettings link; /* the domain is filled in */
  int *low_fd; /* of fd_login_reserve_fd(), closed for the login and reserved anew after it; outlives the
                  stream */
} FdStreamSettings;

typedef struct
{
  /* Logged in and bound. */
  void (*up) (FdStream *stream, const char *full_jid, gpointer data);

  /* An iq or presence, borrowed; messages are not for us. */
  void (*stanza) (FdStream *stream, xmpp_stanza_t *stanza, gpointer data);

  /* It is over, before or after up; called once, from the main loop, and the
   * stream may be freed in it. */
  void (*down) (FdStream *stream, const FdFailure *failure, gpointer data);
} FdStreamHooks;

FdStream *fd_stream_new (const FdStreamSettings *settings, const FdStreamHooks *hooks, gpointer data);

/* Sends what is queued as far as the socket takes it at once, and the end of
 * the stream, and closes. No hook after this; not from within up or stanza. */
void fd_stream_free (FdStream *stream);

/* Queues serialized stanzas. Nothing before up and after the end. */
void fd_stream_send (FdStream *stream, const char *xml, gsize length);

/* Gives the stream up: down follows with @error. */
void fd_stream_abort (FdStream *stream, const GError *error);

/* Did the server announce roster versioning (RFC 6121 §2.6.1)? */
gboolean fd_stream_has_roster_versions (FdStream *stream);

/* NULL before TLS and after the end. */
FdTls *fd_stream_get_tls (FdStream *stream);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One XML stream over one connected socket: TLS, SASL and binding by
 * libstrophe, driven as a GSource. It never connects and never comes back:
 * the next attempt is another stream. No libstrophe connection crosses this
 * interface; stanzas that do are copies in fd_xml_ctx().
 */
#pragma once

#include "xmpp/xml.h"

typedef struct FdStream FdStream;

typedef struct
{
  const char *jid; /* full: the resource to ask for */
  const char *password;
  const char *ca_file; /* NULL: the system's authorities only */
  gboolean direct_tls;
} FdStreamSettings;

typedef struct
{
  /* Logged in and bound. */
  void (*up) (FdStream *stream, const char *full_jid, gpointer data);

  /* An iq or presence, borrowed; messages are not for us. */
  void (*stanza) (FdStream *stream, xmpp_stanza_t *stanza, gpointer data);

  /* It is over, before or after up; called once, from the main loop, and the
   * stream may be freed in it. @fatal: another attempt would end the same way
   * (password, certificate, conflict). */
  void (*down) (FdStream *stream, const GError *error, gboolean fatal, gpointer data);
} FdStreamHooks;

/* Takes @fd, a connected non-blocking TCP socket. NULL and @error if the
 * settings cannot work or there is no descriptor below FD_SETSIZE. */
FdStream *fd_stream_new (const FdStreamSettings *settings, int fd, const FdStreamHooks *hooks, gpointer data,
                         GError **error);

/* Sends what is queued as far as the socket takes it at once, and the end of
 * the stream, and closes. No hook after this; not from within up or stanza. */
void fd_stream_free (FdStream *stream);

/* Queues serialized stanzas. Nothing before up and after the end. */
void fd_stream_send (FdStream *stream, const char *xml, gsize length);

/* Gives the stream up: down follows with @error. */
void fd_stream_abort (FdStream *stream, const GError *error);

/* SHA-256 of the server's certificate in lowercase hex, "" before up. */
const char *fd_stream_get_certificate (FdStream *stream);

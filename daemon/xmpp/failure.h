/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Why a connection failed or ended, in words, and what follows from it (RFC
 * 6120 §4.9.3, §6.5).
 */
#pragma once

#include "base/error.h"
#include "xmpp/xml.h"

typedef struct
{
  GError *error; /* NULL: nothing failed */
  gboolean fatal; /* another attempt would end the same way: password, certificate, conflict */
  char *refused; /* SHA-256 of the server's certificate, if that is the reason */
  char *redirect; /* <see-other-host/>: "host" or "host:port" to go to instead */
} FdFailure;

void fd_failure_clear (FdFailure *failure);

/* The first reason stays: what follows is its consequence. */
void fd_failure_set (FdFailure *failure, gboolean fatal, FdErrorCode code, const char *format, ...)
  G_GNUC_PRINTF (4, 5);

/* @element: <stream:error/>, which may be empty. */
void fd_failure_from_stream_error (FdFailure *failure, xmpp_stanza_t *element, const char *domain);

/* @element: SASL's <failure/>. @credential: what was shown to the server, e.g. "password". */
void fd_failure_from_sasl (FdFailure *failure, xmpp_stanza_t *element, const char *credential,
                           const char *jid, const char *domain);

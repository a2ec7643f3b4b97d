/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * STARTTLS (RFC 6120 §5.4): the few words that are spoken in the clear. Plain
 * machine: bytes go in, bytes to send come out; there is no way on without TLS.
 */
#pragma once

#include "xmpp/failure.h"

typedef struct FdStarttls FdStarttls;

typedef enum
{
  FD_STARTTLS_GOES_ON,
  FD_STARTTLS_PROCEED, /* the next byte is TLS */
  FD_STARTTLS_FAILED,
} FdStarttlsState;

/* @domain: of the JID. */
FdStarttls *fd_starttls_new (const char *domain);
void fd_starttls_free (FdStarttls *starttls);

/* What is to be sent now, or NULL; once each. Static or valid until the next call. */
const char *fd_starttls_take_output (FdStarttls *starttls);

/* @length 0: the server closed the connection. On FAILED @failure is filled. */
FdStarttlsState fd_starttls_feed (FdStarttls *starttls, const char *bytes, gsize length, FdFailure *failure);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TLS on a connected non-blocking socket (RFC 6120 §5, §13.7, XEP-0368), by
 * OpenSSL. Never blocks: every call says what to wait for.
 */
#pragma once

#include "xmpp/failure.h"

#include <openssl/x509.h>
#include <sys/types.h>

typedef struct FdTls FdTls;

typedef struct
{
  const char *domain; /* of the JID: the name that is sent and checked, whatever the host's is */
  X509_STORE *authorities; /* the trusted ones; NULL: none. Referenced. */
  const char
    *pin; /* SHA-256 in lowercase hex of the only certificate to accept, whoever issued it; NULL: none */
  const char *client_certificate; /* PEM, with its chain, for a server that asks for one; NULL: none */
  const char *client_key; /* PEM, not encrypted; NULL: in the same file */
} FdTlsSettings;

typedef enum
{
  FD_TLS_DONE,
  FD_TLS_WANTS_READ,
  FD_TLS_WANTS_WRITE,
  FD_TLS_CLOSED, /* by the peer, with or without a word */
  FD_TLS_FAILED,
} FdTlsResult;

/* For one connection. NULL and TLS_FAILED if the settings cannot work. */
FdTls *fd_tls_new (const FdTlsSettings *settings, GError **error);
void fd_tls_free (FdTls *tls);

/* @fd: a connected non-blocking socket, borrowed. */
void fd_tls_attach (FdTls *tls, int fd);

/* Until DONE. CLOSED and FAILED come with the reason in @failure. */
FdTlsResult fd_tls_handshake (FdTls *tls, FdFailure *failure);

/* DONE with @ret_length > 0, or why not. */
FdTlsResult fd_tls_read (FdTls *tls, char *buffer, gsize size, gsize *ret_length);
FdTlsResult fd_tls_write (FdTls *tls, const char *bytes, gsize length, gsize *ret_length);

/* Bytes that were read from the socket already: poll() does not see them. */
gboolean fd_tls_has_pending (FdTls *tls);

/* Says goodbye, if the socket takes it. */
void fd_tls_shutdown (FdTls *tls);

/* Of the finished handshake, e.g. "TLSv1.3", "TLS_AES_256_GCM_SHA384", and
 * SHA-256 in lowercase hex. */
const char *fd_tls_get_protocol (FdTls *tls);
const char *fd_tls_get_cipher (FdTls *tls);
const char *fd_tls_get_certificate (FdTls *tls);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The words about a server's certificate.
 */
#pragma once

#include <glib.h>
#include <openssl/x509v3.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)

/* SHA-256 of the DER form in lowercase hex; g_free(). */
char *fd_certificate_get_sha256 (X509 *certificate);

/* Why @certificate is not accepted for @domain (@code: X509_V_ERR_…), what to do,
 * and whose it is; g_free(). */
char *fd_certificate_describe (X509 *certificate, int code, const char *domain);

/* The same where the reason is that another one is pinned. */
char *fd_certificate_describe_unpinned (X509 *certificate, const char *domain);

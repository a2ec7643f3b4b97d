/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificate authorities that a TLS connection trusts: the system's, or
 * those in a file of the user's. All of them in one file take a tenth of a second
 * to read, so a thread does it, and what it read is kept until the file changes.
 */
#pragma once

#include <gio/gio.h>
#include <openssl/x509.h>

typedef struct FdAuthoritiesLoad FdAuthoritiesLoad;

/* @authorities: the callee's, X509_STORE_free(); NULL if there is an @error (TLS_FAILED). */
typedef void (*FdAuthoritiesLoaded) (X509_STORE *authorities, const GError *error, gpointer data);

/* @ca_file: PEM; NULL: the system's. The callback comes from the main loop, once. */
FdAuthoritiesLoad *fd_authorities_load (const char *ca_file, FdAuthoritiesLoaded loaded, gpointer data);

/* No callback any more. Not from within it. */
void fd_authorities_load_cancel (FdAuthoritiesLoad *load);

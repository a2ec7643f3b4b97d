/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Digests by their XEP-0300 names, computed with OpenSSL.
 */
#pragma once

#include <glib.h>

typedef enum
{
  FD_HASH_NONE,
  FD_HASH_SHA1,
  FD_HASH_SHA256,
  FD_HASH_SHA512,
  FD_HASH_SHA3_256,
  FD_HASH_SHA3_512,
  FD_HASH_BLAKE2B_256,
  FD_HASH_BLAKE2B_512,
  FD_N_HASHES
} FdHashAlgo;

#define FD_DIGEST_MAX 64

typedef struct
{
  FdHashAlgo algo; /* FD_HASH_NONE: no digest */
  guint8 length;
  guint8 bytes[FD_DIGEST_MAX];
} FdDigest;

const char *fd_hash_name (FdHashAlgo algo); /* "sha-256" */
FdHashAlgo fd_hash_from_name (const char *name); /* FD_HASH_NONE if unknown */
gboolean fd_hash_is_supported (FdHashAlgo algo); /* can fd_hash_new() compute it? */
gboolean fd_digest_equal (const FdDigest *a, const FdDigest *b);

/* XEP-0300 §2: base64. FALSE if it is not a digest of @algo's length. */
gboolean fd_digest_from_base64 (FdHashAlgo algo, const char *base64, FdDigest *ret_digest);
char *fd_digest_to_base64 (const FdDigest *digest);
char *fd_digest_to_hex (const FdDigest *digest);

/* Incremental computation; any thread, one at a time. */
typedef struct FdHash FdHash;
/* NULL for FD_HASH_NONE and for what this OpenSSL lacks (blake2b-256 before 3.2). */
FdHash *fd_hash_new (FdHashAlgo algo);
void fd_hash_update (FdHash *hash, const void *data, gsize length);
FdHashAlgo fd_hash_get_algo (FdHash *hash);
/* Of all so far; more can follow. */
void fd_hash_get_digest (FdHash *hash, FdDigest *ret_digest);
void fd_hash_free (FdHash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdHash, fd_hash_free)

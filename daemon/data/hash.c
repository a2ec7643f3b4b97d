/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Digests by their XEP-0300 names, computed with OpenSSL.
 */
#include "data/hash.h"

#include "base/openssl.h"
#include "data/base64.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

static const struct
{
  const char *name; /* XEP-0300 §2 */
  const char *openssl; /* of a provider */
  guint8 length;
} algos[] = {
  [FD_HASH_NONE] = { "", NULL, 0 },
  [FD_HASH_SHA1] = { "sha-1", "SHA1", 20 },
  [FD_HASH_SHA256] = { "sha-256", "SHA256", 32 },
  [FD_HASH_SHA512] = { "sha-512", "SHA512", 64 },
  [FD_HASH_SHA3_256] = { "sha3-256", "SHA3-256", 32 },
  [FD_HASH_SHA3_512] = { "sha3-512", "SHA3-512", 64 },
  [FD_HASH_BLAKE2B_256] = { "blake2b-256", "BLAKE2B-512", 32 },
  [FD_HASH_BLAKE2B_512] = { "blake2b-512", "BLAKE2B-512", 64 },
};
G_STATIC_ASSERT (G_N_ELEMENTS (algos) == FD_N_HASHES);

struct FdHash
{
  FdHashAlgo algo;
  EVP_MD_CTX *context;
};

FD_KEEP_OPENSSL

const char *
fd_hash_name (FdHashAlgo algo)
{
  g_return_val_if_fail (algo < FD_N_HASHES, "");
  return algos[algo].name;
}

FdHashAlgo
fd_hash_from_name (const char *name)
{
  for (FdHashAlgo algo = FD_HASH_NONE + 1; name && algo < FD_N_HASHES; algo++)
    if (strcmp (name, algos[algo].name) == 0)
      return algo;
  return FD_HASH_NONE;
}

gboolean
fd_hash_is_supported (FdHashAlgo algo)
{
  g_autoptr (FdHash) hash = fd_hash_new (algo);

  return hash != NULL;
}

gboolean
fd_digest_equal (const FdDigest *a, const FdDigest *b)
{
  return a->algo != FD_HASH_NONE && a->algo == b->algo && a->length == b->length
         && memcmp (a->bytes, b->bytes, a->length) == 0;
}

gboolean
fd_digest_from_base64 (FdHashAlgo algo, const char *base64, FdDigest *ret_digest)
{
  g_autofree guint8 *bytes = NULL;
  gsize length;

  g_return_val_if_fail (algo < FD_N_HASHES, FALSE);

  if (algo == FD_HASH_NONE || !fd_base64_decode (base64, algos[algo].length, &bytes, &length)
      || length != algos[algo].length)
    return FALSE;

  *ret_digest = (FdDigest){ .algo = algo, .length = length };
  memcpy (ret_digest->bytes, bytes, length);
  return TRUE;
}

char *
fd_digest_to_base64 (const FdDigest *digest)
{
  return g_base64_encode (digest->bytes, digest->length);
}

char *
fd_digest_to_hex (const FdDigest *digest)
{
  char *hex = g_malloc (digest->length * 2 + 1);

  for (guint i = 0; i < digest->length; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", digest->bytes[i]);
  hex[digest->length * 2] = '\0';
  return hex;
}

/* OpenSSL >= 3.2; older ones would ignore the parameter, so ask first. */
static gboolean
set_length (EVP_MD_CTX *context, const EVP_MD *md, gsize length)
{
  const OSSL_PARAM *settable = EVP_MD_settable_ctx_params (md);
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_size_t (OSSL_DIGEST_PARAM_SIZE, &length),
    OSSL_PARAM_construct_end (),
  };

  return settable && OSSL_PARAM_locate_const (settable, OSSL_DIGEST_PARAM_SIZE)
         && EVP_DigestInit_ex2 (context, md, params);
}

FdHash *
fd_hash_new (FdHashAlgo algo)
{
  g_autoptr (FdHash) hash = NULL;
  EVP_MD *md;
  gboolean ok;

  g_return_val_if_fail (algo < FD_N_HASHES, NULL);
  if (algo == FD_HASH_NONE)
    return NULL;

  hash = g_new0 (FdHash, 1);
  hash->algo = algo;
  hash->context = EVP_MD_CTX_new ();
  md = EVP_MD_fetch (NULL, algos[algo].openssl, NULL);
  ok = md && EVP_DigestInit_ex (hash->context, md, NULL);

  /* The length is an input of BLAKE2b, so a cut digest would be a wrong one. */
  if (ok && EVP_MD_get_size (md) != algos[algo].length)
    ok = set_length (hash->context, md, algos[algo].length);
  EVP_MD_free (md);
  return ok ? g_steal_pointer (&hash) : NULL;
}

void
fd_hash_update (FdHash *hash, const void *data, gsize length)
{
  /* Fails only for a context that is not initialised, and fd_hash_new() returns none of these. */
  if (!EVP_DigestUpdate (hash->context, data, length))
    g_error ("OpenSSL could not compute a %s digest", fd_hash_name (hash->algo));
}

FdHashAlgo
fd_hash_get_algo (FdHash *hash)
{
  return hash->algo;
}

void
fd_hash_get_digest (FdHash *hash, FdDigest *ret_digest)
{
  FdDigest digest = { .algo = hash->algo, .length = algos[hash->algo].length };
  EVP_MD_CTX *copy = EVP_MD_CTX_new ();

  if (!copy || !EVP_MD_CTX_copy_ex (copy, hash->context) || !EVP_DigestFinal_ex (copy, digest.bytes, NULL))
    g_error ("OpenSSL could not compute a %s digest", fd_hash_name (hash->algo));
  EVP_MD_CTX_free (copy);
  *ret_digest = digest;
}

void
fd_hash_free (FdHash *hash)
{
  if (!hash)
    return;
  EVP_MD_CTX_free (hash->context);
  g_free (hash);
}

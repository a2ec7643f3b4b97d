/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The signature of the server, computed beside the library; see scram.h.
 */
#include "xmpp/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_KEY "Server Key"

/* The value of "x=…" in a message, of which the first is at its start. Free with g_free(). */
static char *
get_value (const char *message, const char *name)
{
  g_auto (GStrv) attributes = g_strsplit (message, ",", -1);

  for (guint i = 0; attributes[i]; i++)
    if (g_str_has_prefix (attributes[i], name))
      return g_strdup (attributes[i] + strlen (name));
  return NULL;
}

/* What both sides sign: without the header of the first message and the proof of the last. */
static char *
make_auth_message (const char *client_first, const char *server_first, const char *client_final)
{
  g_auto (GStrv) parts = g_strsplit (client_first, ",", 3);
  const char *proof = g_strrstr (client_final, ",p=");

  if (g_strv_length (parts) < 3 || !proof)
    return NULL;
  return g_strdup_printf ("%s,%s,%.*s", parts[2], server_first, (int) (proof - client_final), client_final);
}

/* As long as the digest, in @ret_key. */
static gboolean
make_server_key (const EVP_MD *md, const char *password, const char *server_first, guchar *ret_key)
{
  g_autofree char *salt64 = get_value (server_first, "s=");
  g_autofree char *iterations = get_value (server_first, "i=");
  g_autofree guchar *salt = NULL;
  guchar salted[EVP_MAX_MD_SIZE];
  gsize length;
  gboolean fine;

  if (!salt64 || !iterations)
    return FALSE;
  salt = g_base64_decode (salt64, &length);
  fine = PKCS5_PBKDF2_HMAC (password, -1, salt, length, atoi (iterations), md, EVP_MD_get_size (md), salted)
         && HMAC (md, salted, EVP_MD_get_size (md), (const guchar *) SERVER_KEY, strlen (SERVER_KEY), ret_key,
                  NULL);
  OPENSSL_cleanse (salted, sizeof salted);
  return fine;
}

gboolean
fd_scram_verify (const char *mechanism, const char *password, const char *client_first,
                 const char *server_first, const char *client_final, const char *server_final)
{
  const EVP_MD *md = EVP_get_digestbyname (mechanism + strlen ("SCRAM-"));
  g_autofree char *message = make_auth_message (client_first, server_first, client_final);
  g_autofree char *shown64 = get_value (server_final, "v=");
  g_autofree guchar *shown = NULL;
  guchar key[EVP_MAX_MD_SIZE], expected[EVP_MAX_MD_SIZE];
  gsize length;
  gboolean fine;

  if (!md || !message || !shown64)
    return FALSE;
  shown = g_base64_decode (shown64, &length);
  fine = make_server_key (md, password, server_first, key)
         && HMAC (md, key, EVP_MD_get_size (md), (const guchar *) message, strlen (message), expected, NULL)
         && length == (gsize) EVP_MD_get_size (md) && CRYPTO_memcmp (shown, expected, length) == 0;
  OPENSSL_cleanse (key, sizeof key);
  return fine;
}

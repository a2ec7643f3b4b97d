/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Client certificates and keys, as users put them into files.
 */
#include "tls-server.h"
#include "xmpp/tls.h"

#include <openssl/err.h>

typedef struct
{
  char *directory;
  char *certificate, *key, *both, *encrypted, *other_key, *rsa_key, *text, *missing;
} Files;

static char *
new_file (Files *files, const char *name, X509 *certificate, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
  char *path = g_build_filename (files->directory, name, NULL);
  FILE *file = fopen (path, "w");

  g_assert_nonnull (file);
  if (certificate)
    PEM_write_X509 (file, certificate);
  if (key)
    PEM_write_PKCS8PrivateKey (file, key, cipher, cipher ? "passphrase" : NULL, cipher ? 10 : 0, NULL, NULL);
  fclose (file);
  return path;
}

static void
set_up (Files *files, gconstpointer unused)
{
  EVP_PKEY *key = EVP_EC_gen ("P-256"), *other = EVP_EC_gen ("P-256"), *rsa = EVP_RSA_gen (2048);
  X509 *certificate = tls_server_make_certificate (key, "romeo.example");

  files->directory = g_dir_make_tmp ("fardel-XXXXXX", NULL);
  files->certificate = new_file (files, "certificate", certificate, NULL, NULL);
  files->key = new_file (files, "key", NULL, key, NULL);
  files->both = new_file (files, "both", certificate, key, NULL);
  files->encrypted = new_file (files, "encrypted", certificate, key, EVP_aes_128_cbc ());
  files->other_key = new_file (files, "other-key", NULL, other, NULL);
  files->rsa_key = new_file (files, "rsa-key", NULL, rsa, NULL);
  files->text = new_file (files, "text", NULL, NULL, NULL);
  files->missing = g_build_filename (files->directory, "missing", NULL);
  X509_free (certificate);
  EVP_PKEY_free (key);
  EVP_PKEY_free (other);
  EVP_PKEY_free (rsa);
}

static void
tear_down (Files *files, gconstpointer unused)
{
  char *paths[] = { files->certificate, files->key,     files->both, files->encrypted,
                    files->other_key,   files->rsa_key, files->text, files->missing };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      unlink (paths[i]);
      g_free (paths[i]);
    }
  rmdir (files->directory);
  g_free (files->directory);
}

/* @words: of the error; NULL: there is none. */
static void
check (const char *certificate, const char *key, const char *path, const char *words)
{
  FdTlsSettings settings = { .domain = "example.org", .client_certificate = certificate, .client_key = key };
  g_autoptr (GError) error = NULL;
  FdTls *tls = fd_tls_new (&settings, &error);

  g_assert_cmpuint (ERR_peek_error (), ==, 0);
  if (words)
    {
      g_assert_null (tls);
      g_assert_error (error, FD_ERROR, FD_ERROR_TLS_FAILED);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, path));
      g_assert_nonnull (strstr (error->message, words));
      return;
    }
  g_assert_no_error (error);
  fd_tls_free (tls);
}

static void
test_good (Files *files, gconstpointer unused)
{
  check (files->certificate, files->key, NULL, NULL);
  check (files->both, NULL, NULL, NULL);
  check (files->both, files->both, NULL, NULL);
}

static void
test_bad (Files *files, gconstpointer unused)
{
  check (files->certificate, files->other_key, files->other_key, "is not that of the client certificate");
  check (files->certificate, files->rsa_key, files->rsa_key, "is not that of the client certificate");
  check (files->certificate, NULL, files->certificate, "is no private key");
  check (files->certificate, files->text, files->text, "is no private key");
  check (files->key, files->key, files->key, "cannot be used");
  check (files->certificate, files->encrypted, files->encrypted, "is encrypted");
  check (files->encrypted, NULL, files->encrypted, "is encrypted");
  check (files->certificate, files->missing, files->missing, "cannot be read");
  check (files->missing, files->key, files->missing, "cannot be read");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/tls/client-certificate/good", Files, NULL, set_up, test_good, tear_down);
  g_test_add ("/tls/client-certificate/bad", Files, NULL, set_up, test_bad, tear_down);
  return g_test_run ();
}

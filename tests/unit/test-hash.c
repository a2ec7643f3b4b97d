/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data/base64.h"
#include "data/hash.h"

#include <stdlib.h>
#include <string.h>

/* Of "abc": FIPS 180-4, FIPS 202 and RFC 7693 examples, blake2b-256 by Python's hashlib. */
static const struct
{
  FdHashAlgo algo;
  const char *name, *hex;
} vectors[] = {
  { FD_HASH_SHA1, "sha-1", "a9993e364706816aba3e25717850c26c9cd0d89d" },
  { FD_HASH_SHA256, "sha-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
  { FD_HASH_SHA512, "sha-512",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
  { FD_HASH_SHA3_256, "sha3-256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
  { FD_HASH_SHA3_512, "sha3-512",
    "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
    "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0" },
  { FD_HASH_BLAKE2B_256, "blake2b-256", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319" },
  { FD_HASH_BLAKE2B_512, "blake2b-512",
    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923" },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autoptr (FdHash) hash = fd_hash_new (vectors[i].algo);
      g_autofree char *hex = NULL;
      g_autofree char *base64 = NULL;
      FdDigest digest, again;

      g_assert_cmpstr (fd_hash_name (vectors[i].algo), ==, vectors[i].name);
      g_assert_cmpint (fd_hash_from_name (vectors[i].name), ==, vectors[i].algo);
      g_assert_cmpint (hash != NULL, ==, fd_hash_is_supported (vectors[i].algo));
      if (!hash)
        {
          g_assert_cmpint (vectors[i].algo, ==, FD_HASH_BLAKE2B_256);
          continue;
        }
      fd_hash_update (hash, "a", 1);
      fd_hash_update (hash, "", 0);
      fd_hash_update (hash, "bc", 2);
      fd_hash_get_digest (hash, &digest);
      hex = fd_digest_to_hex (&digest);
      g_assert_cmpstr (hex, ==, vectors[i].hex);

      base64 = fd_digest_to_base64 (&digest);
      g_assert_true (fd_digest_from_base64 (vectors[i].algo, base64, &again));
      g_assert_true (fd_digest_equal (&digest, &again));
      again.bytes[again.length - 1] ^= 1;
      g_assert_false (fd_digest_equal (&digest, &again));
    }
}

static void
test_none (void)
{
  FdDigest none = { 0 }, other = { 0 };

  g_assert_null (fd_hash_new (FD_HASH_NONE));
  g_assert_cmpint (fd_hash_from_name ("md5"), ==, FD_HASH_NONE);
  g_assert_cmpint (fd_hash_from_name (""), ==, FD_HASH_NONE);
  g_assert_cmpint (fd_hash_from_name (NULL), ==, FD_HASH_NONE);
  g_assert_false (fd_digest_equal (&none, &other)); /* two unknown files are not the same */
  g_assert_false (fd_digest_from_base64 (FD_HASH_NONE, "", &none));
}

static void
test_digest_refused (void)
{
  static const char *const bad[] = {
    "",
    "qZk+NkcGgWq6PiVxeFDCbJzQ2A==" /* 19 */,
    "qZk+NkcGgWq6PiVxeFDCbJzQ2J0A" /* 21 */,
    "qZk+NkcGgWq6PiVxeFDCbJzQ2J0" /* padding cut */,
    "a9993e364706816aba3e25717850c26c9cd0d89d" /* hex */,
  };
  FdDigest digest = { .algo = FD_HASH_SHA512 };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (fd_digest_from_base64 (FD_HASH_SHA1, bad[i], &digest));
  g_assert_cmpint (digest.algo, ==, FD_HASH_SHA512);
  g_assert_true (fd_digest_from_base64 (FD_HASH_SHA1, "qZk+NkcGgWq6PiVx\n  eFDCbJzQ2J0=\n", &digest));
}

static void
test_base64 (void)
{
  static const struct
  {
    const char *text, *bytes;
  } cases[] = {
    { "", "" },
    { "Zg==", "f" },
    { "Zm8=", "fo" },
    { "Zm9v", "foo" },
    { " Zm\n9v\r\tYg = =\n", "foob" },
    { "=AAA", NULL },
    { "BBBB=CCC", NULL },
    { "Zg=", NULL },
    { "Zg", NULL },
    { "Zg==Zg==", NULL },
    { "Z===", NULL },
    { "====", NULL },
    { "Zm9v!", NULL },
    { "Zm9-", NULL },
    { "Zm9v\xc2\xa0", NULL },
    { "=", NULL },
    { "A", NULL },
    { "Zm9vYmFyYg==", NULL },
    { "Zm9vYmFy", "foobar" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree guint8 *bytes = NULL;
      gsize length = 99;
      gboolean ok = fd_base64_decode (cases[i].text, 6, &bytes, &length);

      g_assert_cmpint (ok, ==, cases[i].bytes != NULL);
      if (ok)
        g_assert_cmpmem (bytes, length, cases[i].bytes, strlen (cases[i].bytes));
      else
        g_assert_cmpuint (length, ==, 99);
    }
}

/* --- a thread that outlives main() --- */

static GThread *late;
static GAsyncQueue *to_late, *from_late;

static gpointer
hash_late (gpointer data)
{
  g_autoptr (FdHash) hash = fd_hash_new (FD_HASH_SHA256);
  FdDigest digest;

  g_async_queue_push (from_late, GINT_TO_POINTER (TRUE));
  g_async_queue_pop (to_late);
  fd_hash_update (hash, "abc", 3);
  fd_hash_get_digest (hash, &digest);
  return NULL;
}

static void
end_late (void)
{
  g_async_queue_push (to_late, GINT_TO_POINTER (TRUE));
  g_thread_join (late);
  g_async_queue_unref (to_late);
  g_async_queue_unref (from_late);
}

/* exit() runs OpenSSL's own cleanup, if it has one, before ours: it would be
 * registered later. Under LeakSanitizer nothing may be left then. */
static void
exit_while_hashing (void)
{
  atexit (end_late);
  to_late = g_async_queue_new ();
  from_late = g_async_queue_new ();
  late = g_thread_new ("late", hash_late, NULL);
  g_async_queue_pop (from_late);
}

static void
test_exit_while_hashing (void)
{
  g_test_trap_subprocess ("/hash/exit/subprocess", 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hash/vectors", test_vectors);
  g_test_add_func ("/hash/none", test_none);
  g_test_add_func ("/hash/digest-refused", test_digest_refused);
  g_test_add_func ("/hash/base64", test_base64);
  g_test_add_func ("/hash/exit", test_exit_while_hashing);
  g_test_add_func ("/hash/exit/subprocess", exit_while_hashing);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The SOCKS5 byte machines: exact bytes, byte by byte, refusals, nothing read
 * beyond the handshake.
 */
#include "s5b/socks5.h"

#include <string.h>

#define HASH "972b7bf47291ca609517f67f86b5081086052dad"
#define REQUEST "\x05\x01\x00\x03\x28" HASH "\x00\x00"
#define REPLY "\x05\x00\x00\x03\x28" HASH "\x00\x00"
#define MESSAGE_LENGTH 47

static void
assert_output (FdSocks5 *socks, const char *bytes, gsize length)
{
  g_assert_cmpmem (socks->out, socks->out_length, bytes, length);
  fd_socks5_written (socks, socks->out_length);
}

/* Feeds what the machine wants of @bytes and returns how much that was. */
static gsize
pour (FdSocks5 *socks, const char *bytes, gsize length, gsize step)
{
  gsize used = 0;

  while (used < length && fd_socks5_want (socks) > 0)
    {
      gsize n = MIN (MIN (step, fd_socks5_want (socks)), length - used);

      fd_socks5_feed (socks, (const guint8 *) bytes + used, n);
      used += n;
    }
  return used;
}

static void
test_client_bytes (void)
{
  FdSocks5 socks;

  fd_socks5_client_init (&socks, HASH);
  g_assert_cmpuint (fd_socks5_want (&socks), ==, 0); /* not before the greeting is out */
  assert_output (&socks, "\x05\x01\x00", 3);
  g_assert_cmpuint (pour (&socks, "\x05\x00", 2, 1), ==, 2);
  g_assert_cmpuint (fd_socks5_want (&socks), ==, 0);
  assert_output (&socks, REQUEST, MESSAGE_LENGTH);
  g_assert_cmpuint (pour (&socks, REPLY, MESSAGE_LENGTH, 1), ==, MESSAGE_LENGTH);
  g_assert_cmpint (socks.status, ==, FD_SOCKS5_DONE);
  g_assert_cmpuint (fd_socks5_want (&socks), ==, 0);
}

/* Whatever address type the grant has, the payload behind it is not touched. */
static void
test_client_trailing (void)
{
  static const struct
  {
    const char *bytes;
    gsize length;
  } replies[] = {
    { "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", 10 },
    { "\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x50", 22 },
    { "\x05\x00\x00\x03\x00\x00\x00", 7 },
    { REPLY, MESSAGE_LENGTH },
  };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      for (gsize step = 1; step < 64; step++)
        {
          g_autofree char *stream = g_malloc0 (replies[i].length + 16);
          FdSocks5 socks;

          memcpy (stream, replies[i].bytes, replies[i].length);
          fd_socks5_client_init (&socks, HASH);
          fd_socks5_written (&socks, 3);
          pour (&socks, "\x05\x00", 2, 2);
          fd_socks5_written (&socks, MESSAGE_LENGTH);
          g_assert_cmpuint (pour (&socks, stream, replies[i].length + 16, step), ==, replies[i].length);
          g_assert_cmpint (socks.status, ==, FD_SOCKS5_DONE);
        }
    }
}

static void
test_client_refused (void)
{
  static const struct
  {
    const char *method, *reply;
    const char *reason;
  } cases[] = {
    { "\x05\xff", NULL, "wants authentication" },
    { "HT", NULL, "not a SOCKS5 server" },
    { "\x05\x00", "\x05\x01\x00\x03\x00\x00\x00", "SOCKS server failure" },
    { "\x05\x00", "\x05\x02", "not allowed" },
    { "\x05\x00", "\x05\x63", "refused" },
    { "\x05\x00", "\x04\x00", "not a SOCKS5 server" },
    { "\x05\x00", "\x05\x00\x00\x02\x00", "sent a malformed SOCKS5 reply" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FdSocks5 socks;

      fd_socks5_client_init (&socks, HASH);
      fd_socks5_written (&socks, 3);
      pour (&socks, cases[i].method, 2, 2);
      if (cases[i].reply)
        {
          fd_socks5_written (&socks, socks.out_length);
          pour (&socks, cases[i].reply, 7, 1);
        }
      g_assert_cmpint (socks.status, ==, FD_SOCKS5_FAILED);
      g_assert_cmpstr (socks.reason, ==, cases[i].reason);
      g_assert_cmpuint (fd_socks5_want (&socks), ==, 0);
    }
}

/* Prosody's refusal has seven bytes: two of them tell. */
static void
test_socks_shortfail (void)
{
  FdSocks5 socks;

  fd_socks5_client_init (&socks, HASH);
  fd_socks5_written (&socks, socks.out_length);
  pour (&socks, "\x05\x00", 2, 2);
  fd_socks5_written (&socks, socks.out_length);
  g_assert_cmpuint (pour (&socks, "\x05\x01\x00\x03\x00\x00\x00", 7, 7), <=, 7);
  g_assert_cmpint (socks.status, ==, FD_SOCKS5_FAILED);
  g_assert_cmpstr (socks.reason, ==, "SOCKS server failure");
}

/* Dino compares every byte of the answer. */
static void
test_socks_echo (void)
{
  for (gsize step = 1; step < 64; step++)
    {
      FdSocks5 socks;

      fd_socks5_server_init (&socks);
      g_assert_cmpuint (pour (&socks, "\x05\x02\x02\x00", 4, step), ==, 4);
      assert_output (&socks, "\x05\x00", 2);
      g_assert_cmpuint (pour (&socks, REQUEST "x", MESSAGE_LENGTH + 1, step), ==, MESSAGE_LENGTH);
      g_assert_cmpint (socks.status, ==, FD_SOCKS5_ASK);
      g_assert_cmpstr (socks.dstaddr, ==, HASH);
      g_assert_cmpint (fd_socks5_server_answer (&socks, TRUE), ==, FD_SOCKS5_DONE);
      assert_output (&socks, REPLY, MESSAGE_LENGTH);
    }
}

static void
test_server_longest (void)
{
  FdSocks5 socks;
  char methods[2 + 255] = { 5, (char) 255 };
  char request[FD_SOCKS5_MAX_MESSAGE] = { 5, 1, 0, 3, (char) 255 };

  memset (request + 5, 'a', 255);
  fd_socks5_server_init (&socks);
  g_assert_cmpuint (pour (&socks, methods, sizeof methods, 300), ==, sizeof methods);
  fd_socks5_written (&socks, 2);
  g_assert_cmpuint (pour (&socks, request, sizeof request, 300), ==, sizeof request);
  g_assert_cmpuint (strlen (socks.dstaddr), ==, 255);
  fd_socks5_server_answer (&socks, TRUE);
  g_assert_cmpuint (socks.out_length, ==, FD_SOCKS5_MAX_MESSAGE);
}

static void
test_server_refuses (void)
{
  static const struct
  {
    const char *methods;
    gsize methods_length;
    const char *request;
    gsize request_length;
    const char *answer;
    gsize answer_length;
  } cases[] = {
    { "\x05\x01\x02", 3, NULL, 0, "\x05\xff", 2 },
    { "\x05\x00", 2, NULL, 0, "", 0 },
    { "\x04\x01", 2, NULL, 0, "", 0 },
    { "\x05\x01\x00", 3, "\x05\x02\x00\x03\x28", 5, "\x05\x07\x00\x03\x00\x00\x00", 7 },
    { "\x05\x01\x00", 3, "\x05\x01\x00\x01\x7f", 5, "\x05\x08\x00\x03\x00\x00\x00", 7 },
    { "\x05\x01\x00", 3, "\x05\x01\x00\x03\x02\x61\x00\x00\x00", 9, "\x05\x02\x00\x03\x00\x00\x00", 7 },
    { "\x05\x01\x00", 3, "GET /", 5, "", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FdSocks5 socks;

      g_test_message ("case %u", i);
      fd_socks5_server_init (&socks);
      pour (&socks, cases[i].methods, cases[i].methods_length, 1);
      if (cases[i].request)
        {
          fd_socks5_written (&socks, socks.out_length);
          pour (&socks, cases[i].request, cases[i].request_length, 1);
        }
      g_assert_cmpint (socks.status, ==, FD_SOCKS5_FAILED);
      assert_output (&socks, cases[i].answer, cases[i].answer_length);
    }
}

static void
test_server_denies (void)
{
  FdSocks5 socks;

  fd_socks5_server_init (&socks);
  pour (&socks, "\x05\x01\x00", 3, 3);
  fd_socks5_written (&socks, 2);
  pour (&socks, REQUEST, MESSAGE_LENGTH, 9);
  g_assert_cmpint (fd_socks5_server_answer (&socks, FALSE), ==, FD_SOCKS5_FAILED);
  assert_output (&socks, "\x05\x02\x00\x03\x00\x00\x00", 7);
}

/* No input makes either machine read or write out of bounds. */
static void
test_noise (void)
{
  for (guint seed = 0; seed < 2000; seed++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
      FdSocks5 socks;

      if (seed % 2)
        fd_socks5_server_init (&socks);
      else
        fd_socks5_client_init (&socks, HASH);
      for (guint i = 0; i < 600; i++)
        {
          guint8 byte
            = g_rand_boolean (rand) ? g_rand_int_range (rand, 0, 6) : g_rand_int_range (rand, 0, 256);

          fd_socks5_written (&socks, socks.out_length);
          if (socks.status == FD_SOCKS5_ASK)
            fd_socks5_server_answer (&socks, g_rand_boolean (rand));
          if (fd_socks5_want (&socks) == 0)
            break;
          g_assert_cmpuint (socks.have + fd_socks5_want (&socks), <=, FD_SOCKS5_MAX_MESSAGE);
          fd_socks5_feed (&socks, &byte, 1);
        }
      g_assert_cmpint (socks.status, !=, FD_SOCKS5_ASK);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/socks5/client-bytes", test_client_bytes);
  g_test_add_func ("/socks5/client-trailing", test_client_trailing);
  g_test_add_func ("/socks5/client-refused", test_client_refused);
  g_test_add_func ("/socks5/socks-shortfail", test_socks_shortfail);
  g_test_add_func ("/socks5/socks-echo", test_socks_echo);
  g_test_add_func ("/socks5/server-longest", test_server_longest);
  g_test_add_func ("/socks5/server-refuses", test_server_refuses);
  g_test_add_func ("/socks5/server-denies", test_server_denies);
  g_test_add_func ("/socks5/noise", test_noise);
  return g_test_run ();
}

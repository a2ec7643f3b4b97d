/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listening sockets: who gets in, who does not, and that strangers cannot keep
 * the peer out.
 */
#include "s5b/listener.h"

#include "loopback.h"

#define HASH "972b7bf47291ca609517f67f86b5081086052dad"
#define OTHER "1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba"
#define UPPER "972B7BF47291CA609517F67F86B5081086052DAD"
#define WRONG "ffffffffffffffffffffffffffffffffffffffff"
#define MESSAGE_LENGTH 47

typedef struct
{
  FdS5bListener *listener;
  guint accepted;
  const char *cid; /* of the latest */
  guint fds;
} Fixture;

static void
on_accepted (FdS5bListener *listener, const char *cid, gpointer data)
{
  Fixture *f = data;

  f->accepted++;
  f->cid = cid;
}

static void
setup (Fixture *f, gconstpointer data)
{
  static const char *const dstaddrs[] = { HASH, OTHER, NULL };
  g_autoptr (GInetAddress) address = loopback ();
  g_autoptr (GError) error = NULL;

  f->fds = count_fds ();
  f->listener = fd_s5b_listener_new (address, 0, dstaddrs, on_accepted, f, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  fd_s5b_listener_free (f->listener);
  g_assert_cmpuint (count_fds (), ==, f->fds);
}

static void
greet (int fd)
{
  char reply[2];

  put_bytes (fd, "\x05\x01\x00", 3);
  g_assert_true (get_bytes (fd, reply, 2));
  g_assert_cmpmem (reply, 2, "\x05\x00", 2);
}

static void
make_request (char *request, const char *hash)
{
  memcpy (request, "\x05\x01\x00\x03\x28", 5);
  memcpy (request + 5, hash, 40);
  memcpy (request + 45, "\x00\x00", 2);
}

/* A whole handshake; TRUE if granted. */
static gboolean
knock (Fixture *f, const char *hash, int *ret_fd)
{
  int fd = loopback_connect (fd_s5b_listener_get_port (f->listener));
  char request[MESSAGE_LENGTH], reply[MESSAGE_LENGTH];

  greet (fd);
  make_request (request, hash);
  put_bytes (fd, request, sizeof request);
  g_assert_true (get_bytes (fd, reply, 7));
  if (reply[1] != 0)
    {
      g_assert_cmpmem (reply, 7, "\x05\x02\x00\x03\x00\x00\x00", 7);
      g_assert_false (get_bytes (fd, reply, 1)); /* and closed */
      close (fd);
      return FALSE;
    }
  g_assert_true (get_bytes (fd, reply + 7, MESSAGE_LENGTH - 7));
  request[1] = 0;
  g_assert_cmpmem (reply, sizeof reply, request, sizeof request);
  *ret_fd = fd;
  return TRUE;
}

static void
assert_joined (int ours, int theirs)
{
  char byte;

  put_bytes (theirs, "x", 1);
  g_assert_true (get_bytes (ours, &byte, 1));
  g_assert_cmpint (byte, ==, 'x');
  close (ours);
  close (theirs);
}

static void
test_hashes (Fixture *f, gconstpointer data)
{
  static const char *const hashes[] = { HASH, OTHER, UPPER };

  for (guint i = 0; i < G_N_ELEMENTS (hashes); i++)
    {
      int fd;

      g_assert_false (knock (f, WRONG, &fd));
      g_assert_true (knock (f, hashes[i], &fd));
      g_assert_cmpuint (f->accepted, ==, i + 1);
      assert_joined (fd_s5b_listener_take (f->listener, NULL), fd);
    }
  g_assert_cmpint (fd_s5b_listener_take (f->listener, NULL), ==, -1);
}

static void
test_dst_bogus (Fixture *f, gconstpointer data)
{
  int fd;

  g_assert_false (knock (f, WRONG, &fd));
  g_assert_cmpuint (f->accepted, ==, 0);
  g_assert_true (knock (f, HASH, &fd));
  assert_joined (fd_s5b_listener_take (f->listener, NULL), fd);
}

static void
test_dst_case (Fixture *f, gconstpointer data)
{
  int fd;

  g_assert_true (knock (f, UPPER, &fd));
  assert_joined (fd_s5b_listener_take (f->listener, NULL), fd);
}

/* A hash of one candidate tells which one. */
static void
test_admit (Fixture *f, gconstpointer data)
{
  static const char hash[] = "0123456789012345678901234567890123456789";
  int plain, tagged;

  g_assert_false (knock (f, hash, &tagged));
  fd_s5b_listener_admit (f->listener, hash, "c1");
  g_assert_true (knock (f, HASH, &plain));
  g_assert_null (f->cid);
  g_assert_true (knock (f, hash, &tagged));
  g_assert_cmpstr (f->cid, ==, "c1");
  g_assert_cmpint (fd_s5b_listener_take (f->listener, "c2"), ==, -1);
  assert_joined (fd_s5b_listener_take (f->listener, "c1"), tagged);
  g_assert_cmpint (fd_s5b_listener_take (f->listener, "c1"), ==, -1);
  assert_joined (fd_s5b_listener_take (f->listener, NULL), plain);
}

static void
test_socks_bytewise (Fixture *f, gconstpointer data)
{
  int fd = loopback_connect (fd_s5b_listener_get_port (f->listener));
  char request[MESSAGE_LENGTH];
  char reply[MESSAGE_LENGTH];

  greet (fd);
  make_request (request, HASH);
  for (guint i = 0; i < sizeof request; i++)
    {
      put_bytes (fd, request + i, 1);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_true (get_bytes (fd, reply, sizeof reply));
  assert_joined (fd_s5b_listener_take (f->listener, NULL), fd);
}

/* Whoever connects and says nothing, or half of it, is sent away. */
static void
test_socks_silence (Fixture *f, gconstpointer data)
{
  int mute = loopback_connect (fd_s5b_listener_get_port (f->listener));
  int half = loopback_connect (fd_s5b_listener_get_port (f->listener));
  char byte;

  greet (half);
  while (recv (mute, &byte, 1, MSG_DONTWAIT) != 0 || recv (half, &byte, 1, MSG_DONTWAIT) != 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (f->accepted, ==, 0);
  close (mute);
  close (half);
}

/* What follows the request at once is payload. */
static void
test_payload_behind_request (Fixture *f, gconstpointer data)
{
  int fd = loopback_connect (fd_s5b_listener_get_port (f->listener)), ours;
  char request[MESSAGE_LENGTH + 7], payload[7];

  greet (fd);
  make_request (request, HASH);
  memcpy (request + MESSAGE_LENGTH, "payload", 7);
  put_bytes (fd, request, sizeof request);
  RUN_UNTIL (f->accepted == 1);
  ours = fd_s5b_listener_take (f->listener, NULL);
  g_assert_true (get_bytes (ours, payload, 7));
  g_assert_cmpmem (payload, 7, "payload", 7);
  close (ours);
  close (fd);
}

static void
test_slowloris (Fixture *f, gconstpointer data)
{
  int crowd[100], fd;
  guint before = count_fds ();

  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    {
      crowd[i] = loopback_connect (fd_s5b_listener_get_port (f->listener));
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_true (knock (f, HASH, &fd));
  g_assert_cmpuint (count_fds (), <=, before + G_N_ELEMENTS (crowd) + 8 + 2);
  assert_joined (fd_s5b_listener_take (f->listener, NULL), fd);
  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    close (crowd[i]);
}

static void
test_guessing (Fixture *f, gconstpointer data)
{
  guint16 port = fd_s5b_listener_get_port (f->listener);
  struct sockaddr_in sa;
  int fd;

  for (guint i = 0; i < 20; i++)
    g_assert_false (knock (f, WRONG, &fd));
  fd = loopback_socket (&sa, port);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &sa, sizeof sa), ==, -1);
  close (fd);
}

static void
test_newest_live (Fixture *f, gconstpointer data)
{
  int first, second, third, ours;
  char byte;

  g_assert_true (knock (f, HASH, &first));
  g_assert_true (knock (f, HASH, &second));
  g_assert_true (knock (f, HASH, &third));
  close (third);
  ours = fd_s5b_listener_take (f->listener, NULL);
  put_bytes (ours, "y", 1);
  g_assert_true (get_bytes (second, &byte, 1));
  close (ours);
  close (first);
  close (second);
}

/* A peer that knows the hash is bounded too. */
static void
test_many_authenticated (Fixture *f, gconstpointer data)
{
  int fds[20];
  guint before = count_fds ();

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    g_assert_true (knock (f, HASH, &fds[i]));
  g_assert_cmpuint (count_fds (), ==, before + G_N_ELEMENTS (fds) + 8);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static void
test_close_keeps_authenticated (Fixture *f, gconstpointer data)
{
  int fd;

  g_assert_true (knock (f, HASH, &fd));
  fd_s5b_listener_close (f->listener);
  assert_joined (fd_s5b_listener_take (f->listener, NULL), fd);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/s5b-listener/hashes", test_hashes },
    { "/s5b-listener/dst-bogus", test_dst_bogus },
    { "/s5b-listener/dst-case", test_dst_case },
    { "/s5b-listener/admit", test_admit },
    { "/s5b-listener/socks-bytewise", test_socks_bytewise },
    { "/s5b-listener/socks-silence", test_socks_silence },
    { "/s5b-listener/payload-behind-request", test_payload_behind_request },
    { "/s5b-listener/slowloris", test_slowloris },
    { "/s5b-listener/guessing", test_guessing },
    { "/s5b-listener/newest-live", test_newest_live },
    { "/s5b-listener/many-authenticated", test_many_authenticated },
    { "/s5b-listener/close-keeps-authenticated", test_close_keeps_authenticated },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, setup, tests[i].run, teardown);
  return g_test_run ();
}

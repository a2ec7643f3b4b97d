/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Outgoing bytestream connections against servers that disagree, refuse, close
 * or are not there.
 */
#include "base/error.h"
#include "s5b/dialer.h"
#include "s5b/listener.h"

#include <glib-unix.h>

#include "loopback.h"

#define HASH "972b7bf47291ca609517f67f86b5081086052dad"
#define OTHER "1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba"
#define WRONG "ffffffffffffffffffffffffffffffffffffffff"

typedef struct
{
  FdS5bDialer *dialer;
  gboolean done;
  int fd;
  char *error;
} Call;

static void
on_dialed (FdS5bDialer *dialer, int fd, const GError *error, gpointer data)
{
  Call *call = data;

  g_assert_false (call->done);
  g_assert_true ((fd >= 0) != (error != NULL));
  call->done = TRUE;
  call->fd = fd;
  call->error = error ? g_strdup (error->message) : NULL;
  g_clear_pointer (&call->dialer, fd_s5b_dialer_free); /* which it may */
}

static void
call_to (Call *call, const char *host, guint16 port, const char *const *dstaddrs, gboolean with_loopback)
{
  *call = (Call){ .fd = -1 };
  call->dialer
    = fd_s5b_dialer_new (host, port, dstaddrs, FD_S5B_DIRECT_PATIENCE_MS, with_loopback, on_dialed, call);
  g_assert_false (call->done); /* never at once */
  RUN_UNTIL (call->done);
}

static void
assert_fails (const char *host, guint16 port, gboolean with_loopback, const char *text)
{
  static const char *const dstaddrs[] = { HASH, OTHER, NULL };
  Call call;

  call_to (&call, host, port, dstaddrs, with_loopback);
  g_assert_cmpstr (call.error, ==, text);
  g_free (call.error);
}

static void
count (FdS5bListener *listener, const char *cid, gpointer data)
{
  ++*(guint *) data;
}

static void
test_retry (void)
{
  static const char *const taken[] = { OTHER, NULL };
  static const char *const dialed[] = { WRONG, HASH, OTHER, NULL };
  g_autoptr (GInetAddress) address = loopback ();
  guint accepted = 0;
  FdS5bListener *listener = fd_s5b_listener_new (address, 0, taken, count, &accepted, NULL);
  Call call;

  call_to (&call, "127.0.0.1", fd_s5b_listener_get_port (listener), dialed, TRUE);
  g_assert_null (call.error);
  g_assert_cmpuint (accepted, ==, 1);
  close (call.fd);
  fd_s5b_listener_free (listener);
}

static void
test_name (void)
{
  static const char *const hashes[] = { HASH, NULL };
  g_autoptr (GInetAddress) address = loopback ();
  guint accepted = 0;
  FdS5bListener *listener = fd_s5b_listener_new (address, 0, hashes, count, &accepted, NULL);
  Call call;

  call_to (&call, "localhost", fd_s5b_listener_get_port (listener), hashes, TRUE);
  g_assert_null (call.error);
  close (call.fd);
  fd_s5b_listener_free (listener);
}

static void
test_all_refused (void)
{
  static const char *const taken[] = { WRONG, NULL };
  g_autoptr (GInetAddress) address = loopback ();
  guint accepted = 0;
  FdS5bListener *listener = fd_s5b_listener_new (address, 0, taken, count, &accepted, NULL);

  assert_fails ("127.0.0.1", fd_s5b_listener_get_port (listener), TRUE, "not allowed");
  g_assert_cmpuint (accepted, ==, 0);
  fd_s5b_listener_free (listener);
}

static void
test_nobody_there (void)
{
  assert_fails ("127.0.0.1", loopback_dead_port (), TRUE, "refused");
}

static void
test_not_dialable (void)
{
  static const char *const hosts[]
    = { "127.0.0.1", "::1", "::ffff:127.0.0.1", "224.0.0.1", "0.0.0.0", "localhost" };

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    assert_fails (hosts[i], 1, FALSE, "not dialed: an address of this host or of nobody");
}

/* A server that reads one message per step and answers with fixed bytes. */
typedef struct
{
  const char *answers[2];
  gsize lengths[2];
  guint connections, step;
  guint accept_watch, watch;
  int fd;
} Server;

static gboolean
on_message (int fd, GIOCondition condition, gpointer data)
{
  Server *server = data;
  char buffer[64];
  gssize n = recv (fd, buffer, sizeof buffer, 0);

  if (server->step < 2 && server->answers[server->step])
    {
      g_assert_cmpint (n, ==, server->step == 0 ? 3 : 47); /* never pipelined */
      put_bytes (fd, server->answers[server->step], server->lengths[server->step]);
      server->step++;
      return G_SOURCE_CONTINUE;
    }
  server->watch = 0;
  close (fd);
  return G_SOURCE_REMOVE;
}

static gboolean
on_connection (int fd, GIOCondition condition, gpointer data)
{
  Server *server = data;

  g_clear_handle_id (&server->watch, g_source_remove);
  server->connections++;
  server->step = 0;
  server->fd = accept4 (fd, NULL, NULL, SOCK_CLOEXEC);
  server->watch = g_unix_fd_add (server->fd, G_IO_IN, on_message, server);
  return G_SOURCE_CONTINUE;
}

static int
serve (Server *server, guint16 *ret_port)
{
  int fd = loopback_listen (ret_port);

  server->accept_watch = g_unix_fd_add (fd, G_IO_IN, on_connection, server);
  return fd;
}

/* The same under every address of this host. */
static int
serve_any (Server *server, guint16 *ret_port)
{
  struct sockaddr_in sa = { .sin_family = AF_INET };
  socklen_t length = sizeof sa;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &sa, length), ==, 0);
  g_assert_cmpint (listen (fd, 16), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &sa, &length), ==, 0);
  *ret_port = ntohs (sa.sin_port);
  server->accept_watch = g_unix_fd_add (fd, G_IO_IN, on_connection, server);
  return fd;
}

static void
stop (Server *server, int listener)
{
  g_source_remove (server->accept_watch);
  g_clear_handle_id (&server->watch, g_source_remove);
  close (listener);
}

static void
test_bad_servers (void)
{
  static const struct
  {
    Server server;
    const char *error;
    guint connections; /* a new one for each hash, as far as it goes */
  } cases[] = {
    { { .answers = { NULL } }, "closed the connection", 2 },
    { { .answers = { "\x05\x00", NULL }, .lengths = { 2 } }, "closed the connection", 2 },
    { { .answers = { "\x05\xff" }, .lengths = { 2 } }, "wants authentication", 2 },
    { { .answers = { "HTTP/1.1 400 Bad Request\r\n" }, .lengths = { 26 } }, "not a SOCKS5 server", 2 },
    { { .answers = { "\x05\x00", "\x05\x01\x00\x03\x00\x00\x00" }, .lengths = { 2, 7 } },
      "SOCKS server failure",
      2 },
    { { .answers = { "\x05\x00", "\x05\x02" }, .lengths = { 2, 2 } }, "not allowed", 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Server server = cases[i].server;
      guint16 port;
      int listener = serve (&server, &port);

      g_test_message ("case %u", i);
      assert_fails ("127.0.0.1", port, TRUE, cases[i].error);
      g_assert_cmpuint (server.connections, ==, cases[i].connections);
      while (server.watch) /* it sees our end close */
        g_main_context_iteration (NULL, TRUE);
      stop (&server, listener);
    }
}

/* The grant and the first data in one segment: the data stays in the socket. */
static void
test_socks_trailing (void)
{
  static const char *const hashes[] = { HASH, NULL };
  Server server
    = { .answers = { "\x05\x00", "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00payload" }, .lengths = { 2, 17 } };
  char payload[7];
  guint16 port;
  int listener = serve (&server, &port);
  Call call;

  call_to (&call, "127.0.0.1", port, hashes, TRUE);
  g_assert_null (call.error);
  g_assert_true (get_bytes (call.fd, payload, 7));
  g_assert_cmpmem (payload, 7, "payload", 7);
  close (call.fd);
  RUN_UNTIL (server.watch == 0);
  stop (&server, listener);
}

/* A resolver that gives every name the same two addresses. */
typedef struct
{
  GResolver parent;
} TwoAddresses;

typedef struct
{
  GResolverClass parent;
} TwoAddressesClass;

static GType two_addresses_get_type (void);
G_DEFINE_TYPE (TwoAddresses, two_addresses, G_TYPE_RESOLVER)

static void
free_addresses (gpointer data)
{
  g_list_free_full (data, g_object_unref);
}

static void
two_addresses_lookup (GResolver *resolver, const char *name, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, data);
  GList *addresses = g_list_append (NULL, g_inet_address_new_from_string ("127.0.0.2"));

  addresses = g_list_append (addresses, g_inet_address_new_from_string ("127.0.0.3"));
  g_task_return_pointer (task, addresses, free_addresses);
}

static GList *
two_addresses_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
two_addresses_class_init (TwoAddressesClass *class)
{
  G_RESOLVER_CLASS (class)->lookup_by_name_async = two_addresses_lookup;
  G_RESOLVER_CLASS (class)->lookup_by_name_finish = two_addresses_finish;
}

static void
two_addresses_init (TwoAddresses *resolver)
{
}

/* A name with two addresses: who answers under one of them is not asked again under
 * the other, as a proxy would take the second socket for the peer's. */
static void
test_one_address_answers (void)
{
  static const char *const hashes[] = { HASH, NULL };
  g_autoptr (GResolver) before = g_resolver_get_default ();
  g_autoptr (GResolver) two = g_object_new (two_addresses_get_type (), NULL);
  Server server = { .answers = { "\x05\x00", NULL }, .lengths = { 2 } };
  Call call;
  guint16 port;
  int listener = serve_any (&server, &port);

  g_resolver_set_default (two);
  call_to (&call, "proxy.example", port, hashes, TRUE);
  g_resolver_set_default (before);
  g_assert_cmpstr (call.error, ==, "closed the connection");
  g_assert_cmpuint (server.connections, ==, 1);
  g_free (call.error);
  RUN_UNTIL (server.watch == 0);
  stop (&server, listener);
}

/* Given up in every state that a mute server leaves it in. */
static void
test_free_early (void)
{
  static const char *const hashes[] = { HASH, NULL };
  static const char *const hosts[] = { "127.0.0.1", "localhost", "no-such-name.invalid" };
  guint fds;
  guint16 port;
  int listener = loopback_listen (&port);

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      for (guint turns = 0; turns < 6; turns++)
        {
          Call call = { .fd = -1 };

          fds = count_fds ();
          call.dialer
            = fd_s5b_dialer_new (hosts[i], port, hashes, FD_S5B_DIRECT_PATIENCE_MS, TRUE, on_dialed, &call);
          for (guint t = 0; t < turns; t++)
            g_main_context_iteration (NULL, FALSE);
          g_clear_pointer (&call.dialer, fd_s5b_dialer_free);
          g_clear_pointer (&call.error, g_free);
          while (g_main_context_iteration (NULL, FALSE))
            ;
          if (i == 0)
            g_assert_cmpuint (count_fds (), ==, fds);
        }
    }
  close (listener);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/s5b-dialer/retry", test_retry);
  g_test_add_func ("/s5b-dialer/name", test_name);
  g_test_add_func ("/s5b-dialer/all-refused", test_all_refused);
  g_test_add_func ("/s5b-dialer/nobody-there", test_nobody_there);
  g_test_add_func ("/s5b-dialer/not-dialable", test_not_dialable);
  g_test_add_func ("/s5b-dialer/bad-servers", test_bad_servers);
  g_test_add_func ("/s5b-dialer/socks-trailing", test_socks_trailing);
  g_test_add_func ("/s5b-dialer/one-address-answers", test_one_address_answers);
  g_test_add_func ("/s5b-dialer/free-early", test_free_early);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client against a scripted server in the same main loop, as far as it
 * goes without TLS.
 */
#include "base/error.h"
#include "xmpp/client.h"

#include <gio/gio.h>

#define HEADER \
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
  "xmlns:stream='http://etherx.jabber.org/streams' " \
  "id='1' from='localhost' version='1.0'>"
#define STREAM_ERROR(condition) \
  HEADER "<stream:error><" condition \
         " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"

typedef struct
{
  GSocketService *service;
  const char *script; /* the answer to the first bytes of each connection */
  guint connections;
  guint16 port;
  FdClient *client;
} Fixture;

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  Fixture *f = data;
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  char header[1024];
  gssize length;

  f->connections++;
  /* the client runs in this same thread and must get its turn to speak */
  do
    {
      length = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (input), header,
                                                         sizeof header, NULL, NULL);
      if (length < 0)
        g_main_context_iteration (NULL, FALSE);
    }
  while (length < 0);
  if (length == 0)
    return TRUE;
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                                            f->script, strlen (f->script), NULL, NULL, NULL));
  return TRUE;
}

static void
set_up (Fixture *f, gconstpointer script)
{
  f->script = script;
  f->service = g_socket_service_new ();
  f->port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (f->service), NULL, NULL);
  g_assert_cmpuint (f->port, !=, 0);
  g_signal_connect (f->service, "incoming", G_CALLBACK (on_incoming), f);
}

static void
tear_down (Fixture *f, gconstpointer script)
{
  fd_client_free (f->client);
  g_socket_service_stop (f->service);
  g_socket_listener_close (G_SOCKET_LISTENER (f->service));
  g_object_unref (f->service);
}

static void
start (Fixture *f, char *server, const char *ca_file)
{
  FdClientSettings settings
    = { .jid = (char *) "romeo@localhost", .server = server, .port = f->port, .ca_file = (char *) ca_file };

  f->client = fd_client_new (&settings, &(FdClientHooks){ NULL }, NULL);
  g_assert_cmpint (fd_client_get_status (f->client), ==, FD_CLIENT_OFFLINE);
  fd_client_connect (f->client, "secret");
  g_assert_cmpint (fd_client_get_status (f->client), ==, FD_CLIENT_CONNECTING);
}

static void
assert_ends (Fixture *f, FdClientStatus status, FdErrorCode code, const char *words)
{
  const GError *error;

  while (fd_client_get_status (f->client) == FD_CLIENT_CONNECTING)
    g_main_context_iteration (NULL, TRUE);
  error = fd_client_get_error (f->client);
  g_assert_error (error, FD_ERROR, (gint) code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_cmpint (fd_client_get_status (f->client), ==, status);
  g_assert_cmpstr (fd_client_get_full_jid (f->client), ==, "");
}

static void
test_no_tls (Fixture *f, gconstpointer script)
{
  start (f, NULL, NULL);
  assert_ends (f, FD_CLIENT_FAILED, FD_ERROR_TLS_FAILED, "offers no TLS");
}

/* Before TLS anybody on the way can say so. */
static void
test_early_conflict (Fixture *f, gconstpointer script)
{
  start (f, NULL, NULL);
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_CONNECTION_FAILED, "another session");
}

static void
test_host_unknown (Fixture *f, gconstpointer script)
{
  start (f, NULL, NULL);
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_CONNECTION_FAILED, "does not serve");
}

static void
test_empty_stream_error (Fixture *f, gconstpointer script)
{
  start (f, NULL, NULL);
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_PROTOCOL, "no reason");
}

static void
test_malformed (Fixture *f, gconstpointer script)
{
  start (f, NULL, NULL);
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_PROTOCOL, "malformed");
}

/* A server that sends us to itself: not for ever. */
static void
test_see_other_host (Fixture *f, gconstpointer script)
{
  g_autofree char *error = g_strdup_printf (
    HEADER "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>localhost:%u"
           "</see-other-host></stream:error></stream:stream>",
    f->port);

  f->script = error;
  start (f, NULL, NULL);
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_CONNECTION_FAILED, "another host");
  g_assert_cmpuint (f->connections, ==, 1 + 3);
}

static void
test_closed (Fixture *f, gconstpointer script)
{
  start (f, NULL, NULL);
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_CONNECTION_FAILED, "broke off");
  /* who does not want to wait for the retry connects anew */
  fd_client_connect (f->client, "secret");
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_CONNECTION_FAILED, "broke off");
  g_assert_cmpuint (f->connections, ==, 2);
}

static void
test_refused (Fixture *f, gconstpointer script)
{
  /* bound and not listening: nobody else gets the port */
  g_autoptr (GSocket) bound
    = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) local = NULL;

  g_assert_true (g_socket_bind (bound, any, FALSE, NULL));
  local = g_socket_get_local_address (bound, NULL);
  f->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local));
  start (f, (char *) "127.0.0.1", NULL);
  assert_ends (f, FD_CLIENT_WAITING, FD_ERROR_CONNECTION_FAILED, "refused");
}

static void
test_ca_file (Fixture *f, gconstpointer script)
{
  start (f, NULL, "/nonexistent/ca.pem");
  assert_ends (f, FD_CLIENT_FAILED, FD_ERROR_TLS_FAILED, "/nonexistent/ca.pem");
}

static void
test_disconnect (Fixture *f, gconstpointer script)
{
  start (f, NULL, NULL);
  while (f->connections == 0)
    g_main_context_iteration (NULL, TRUE);
  fd_client_disconnect (f->client);
  while (fd_client_get_status (f->client) != FD_CLIENT_OFFLINE)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (fd_client_get_error (f->client));
}

static void
on_reply (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  g_assert_error (error, FD_ERROR, FD_ERROR_NOT_CONNECTED);
  *(gboolean *) data = TRUE;
}

static void
test_offline (Fixture *f, gconstpointer script)
{
  gboolean replied = FALSE;
  FdClientTls tls;

  start (f, NULL, NULL);
  fd_iq_send (fd_client_get_iq (f->client), "get", NULL, fd_xml_new ("a", "b", NULL), 1000, on_reply,
              &replied);
  g_assert_false (replied);
  while (!replied)
    g_main_context_iteration (NULL, TRUE);
  fd_client_get_tls (f->client, &tls);
  g_assert_cmpstr (tls.protocol, ==, "");
  g_assert_cmpstr (tls.certificate_sha256, ==, "");
}

#define ADD(path, script, function) g_test_add (path, Fixture, script, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/client/no-tls",
       HEADER
       "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
       "</mechanisms></stream:features></stream:stream>",
       test_no_tls);
  ADD ("/client/early-conflict", STREAM_ERROR ("conflict"), test_early_conflict);
  ADD ("/client/host-unknown", STREAM_ERROR ("host-unknown"), test_host_unknown);
  ADD ("/client/empty-stream-error", HEADER "<stream:error/></stream:stream>", test_empty_stream_error);
  ADD ("/client/malformed", HEADER "<a></b>", test_malformed);
  ADD ("/client/see-other-host", "", test_see_other_host);
  ADD ("/client/closed", HEADER "</stream:stream>", test_closed);
  ADD ("/client/refused", "", test_refused);
  ADD ("/client/ca-file", "", test_ca_file);
  ADD ("/client/disconnect", HEADER, test_disconnect);
  ADD ("/client/offline", HEADER, test_offline);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connecting by GSocketClient.
 */
#include "xmpp/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS_TIMEOUT_S 10 /* for one address: a SYN is repeated after 1, 3 and 7 s */
#define TOTAL_TIMEOUT_S 20 /* for the host, with DNS and all its addresses */

/* A dead path is found by the kernel within a minute, so that an idle daemon
 * sleeps; the probes start after half a minute without a packet. */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT 3
#define USER_TIMEOUT_MS 30000 /* for data that nobody acknowledges */

struct FdConnect
{
  char *host;
  guint16 port;
  FdConnectDone done; /* NULL: over */
  gpointer data;
  GCancellable *cancellable;
  guint timeout;
};

/* Called when GIO is done, cancelled or not. */
static void
connect_free (FdConnect *connect)
{
  g_clear_handle_id (&connect->timeout, g_source_remove);
  g_object_unref (connect->cancellable);
  g_free (connect->host);
  g_free (connect);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdConnect, connect_free)

static void
finish (FdConnect *connect, int fd, FdFailure *failure)
{
  FdConnectDone done = connect->done;

  connect->done = NULL;
  g_clear_handle_id (&connect->timeout, g_source_remove);
  if (done)
    done (fd, failure, connect->data);
  fd_failure_clear (failure);
}

static void
describe (const FdConnect *connect, const GError *cause, FdFailure *failure)
{
  static const struct
  {
    GIOErrorEnum code;
    const char *text;
  } texts[] = {
    { G_IO_ERROR_CONNECTION_REFUSED, "the connection was refused, nothing listens there" },
    { G_IO_ERROR_HOST_UNREACHABLE, "the host is unreachable" },
    { G_IO_ERROR_NETWORK_UNREACHABLE, "the network is unreachable" },
    { G_IO_ERROR_TIMED_OUT, "no answer within " G_STRINGIFY (ADDRESS_TIMEOUT_S) " s" },
  };
  FdErrorCode code = FD_ERROR_CONNECTION_FAILED;
  const char *text = cause->message;

  if (g_error_matches (cause, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    {
      fd_failure_set (failure, FALSE, code,
                      "There is no host named %s; check the JID or set the server of the account",
                      connect->host);
      return;
    }
  if (cause->domain == G_RESOLVER_ERROR)
    {
      fd_failure_set (failure, FALSE, code, "The name %s could not be looked up: %s", connect->host,
                      cause->message);
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (g_error_matches (cause, G_IO_ERROR, texts[i].code))
        text = texts[i].text;
    }
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    code = FD_ERROR_TIMEOUT;
  fd_failure_set (failure, FALSE, code, "Cannot connect to %s port %u: %s", connect->host, connect->port,
                  text);
}

/* A failure to set one of these only makes the connection less lively. */
static void
set_options (int fd)
{
  static const struct
  {
    int level;
    int name;
    int value;
  } options[] = {
    { IPPROTO_TCP, TCP_NODELAY, 1 },
    { SOL_SOCKET, SO_KEEPALIVE, 1 },
    { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
    { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
    { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
    { IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      if (setsockopt (fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value) < 0)
        g_debug ("setsockopt %d/%d: %s", options[i].level, options[i].name, g_strerror (errno));
    }
}

static void
on_connected (GObject *client, GAsyncResult *result, gpointer data)
{
  g_autoptr (FdConnect) connect = data;
  g_autoptr (GError) cause = NULL;
  g_autoptr (GSocketConnection) connection
    = g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (client), result, &cause);
  FdFailure failure = { 0 };
  int fd = -1;

  if (!connect->done)
    return;
  if (connection)
    {
      fd = fcntl (g_socket_get_fd (g_socket_connection_get_socket (connection)), F_DUPFD_CLOEXEC, 0);
      if (fd < 0)
        fd_failure_set (&failure, FALSE, FD_ERROR_CONNECTION_FAILED,
                        "No file descriptor for the connection: %s", g_strerror (errno));
      else
        set_options (fd);
    }
  else
    describe (connect, cause, &failure);
  finish (connect, fd, &failure);
}

static gboolean
on_timeout (gpointer data)
{
  FdConnect *connect = data;
  FdFailure failure = { 0 };

  connect->timeout = 0;
  g_cancellable_cancel (connect->cancellable);
  fd_failure_set (&failure, FALSE, FD_ERROR_TIMEOUT,
                  "Cannot connect to %s port %u: neither DNS nor the host answered within " G_STRINGIFY (
                    TOTAL_TIMEOUT_S) " s",
                  connect->host, connect->port);
  finish (connect, -1, &failure);
  return G_SOURCE_REMOVE;
}

FdConnect *
fd_connect_new (const char *host, guint16 port, FdConnectDone done, gpointer data)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  FdConnect *connect = g_new0 (FdConnect, 1);
  /* an IPv6 literal would be taken for host:port */
  g_autofree char *name
    = strchr (host, ':') && host[0] != '[' ? g_strdup_printf ("[%s]", host) : g_strdup (host);

  connect->host = g_strdup (host);
  connect->port = port;
  connect->done = done;
  connect->data = data;
  connect->cancellable = g_cancellable_new ();
  connect->timeout = g_timeout_add_seconds (TOTAL_TIMEOUT_S, on_timeout, connect);
  g_socket_client_set_timeout (client, ADDRESS_TIMEOUT_S);
  g_socket_client_connect_to_host_async (client, name, port, connect->cancellable, on_connected, connect);
  return connect;
}

void
fd_connect_cancel (FdConnect *connect)
{
  connect->done = NULL;
  g_clear_handle_id (&connect->timeout, g_source_remove);
  g_cancellable_cancel (connect->cancellable);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SRV lookup and connecting, asynchronously by GIO (RFC 6120 §3.2).
 */
#include "xmpp/link.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define ADDRESS_TIMEOUT_S 10 /* for one address: a SYN is repeated after 1, 3 and 7 s */
#define TOTAL_TIMEOUT_S 30 /* with DNS; a silent resolver alone takes 20 s */
#define MAX_TARGETS 8 /* SRV records that are tried */

/* A dead connection is found by the kernel, so that an idle daemon sleeps. */
#define KEEPALIVE_IDLE_S 120
#define KEEPALIVE_INTERVAL_S 20
#define KEEPALIVE_COUNT 3
#define USER_TIMEOUT_MS 60000 /* for data that nobody acknowledges */

struct FdLink
{
  int refs; /* the owner's and one for each operation of GIO under way */
  char *domain;
  guint16 port; /* 0: the default */
  gboolean direct_tls;
  FdLinkDone done;
  gpointer data;
  GSocketClient *client;
  GCancellable *cancellable;
  GQueue targets; /* of Target */
  guint timeout;
};

typedef struct
{
  char *host;
  guint16 port;
} Target;

static void
target_free (gpointer data)
{
  Target *target = data;

  g_free (target->host);
  g_free (target);
}

typedef GList Records;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Records, g_resolver_free_targets)

static void
link_unref (FdLink *link)
{
  if (--link->refs > 0)
    return;
  g_clear_handle_id (&link->timeout, g_source_remove);
  g_queue_clear_full (&link->targets, target_free);
  g_object_unref (link->client);
  g_object_unref (link->cancellable);
  g_free (link->domain);
  g_free (link);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdLink, link_unref)

static void
finish (FdLink *link, int fd, const GError *error)
{
  FdLinkDone done = link->done;

  link->done = NULL;
  g_clear_handle_id (&link->timeout, g_source_remove);
  g_cancellable_cancel (link->cancellable);
  if (done)
    done (fd, error, link->data);
}

static GError *
new_connect_error (const Target *target, const GError *cause)
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

  if (g_error_matches (cause, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    return g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED,
                        "There is no host named %s; check the JID or set the server of the account",
                        target->host);
  if (cause->domain == G_RESOLVER_ERROR)
    return g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED, "The name %s could not be looked up: %s",
                        target->host, cause->message);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (g_error_matches (cause, G_IO_ERROR, texts[i].code))
        return g_error_new (
          FD_ERROR, texts[i].code == G_IO_ERROR_TIMED_OUT ? FD_ERROR_TIMEOUT : FD_ERROR_CONNECTION_FAILED,
          "Cannot connect to %s port %u: %s", target->host, target->port, texts[i].text);
    }
  return g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED, "Cannot connect to %s port %u: %s", target->host,
                      target->port, cause->message);
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

static void try_next (FdLink *link);

static void
on_connected (GObject *client, GAsyncResult *result, gpointer data)
{
  g_autoptr (FdLink) link = data;
  g_autoptr (GError) cause = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection
    = g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (client), result, &cause);
  int fd;

  if (!link->done)
    return;
  if (!connection)
    {
      Target *failed = g_queue_pop_head (&link->targets);

      error = new_connect_error (failed, cause);
      target_free (failed);
      if (g_queue_is_empty (&link->targets))
        {
          finish (link, -1, error);
          return;
        }
      g_message ("%s; trying the next server of %s", error->message, link->domain);
      try_next (link);
      return;
    }

  fd = fcntl (g_socket_get_fd (g_socket_connection_get_socket (connection)), F_DUPFD_CLOEXEC, 0);
  if (fd < 0)
    {
      error = g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED, "No file descriptor for the connection: %s",
                           g_strerror (errno));
    }
  else
    {
      set_options (fd);
    }
  finish (link, fd, error);
}

/* The head of the queue is the one being tried. */
static void
try_next (FdLink *link)
{
  const Target *target = g_queue_peek_head (&link->targets);
  /* an IPv6 literal would be taken for host:port */
  g_autofree char *host = strchr (target->host, ':') && target->host[0] != '['
                            ? g_strdup_printf ("[%s]", target->host)
                            : g_strdup (target->host);

  link->refs++;
  g_socket_client_connect_to_host_async (link->client, host, target->port, link->cancellable, on_connected,
                                         link);
}

static void
add_target (FdLink *link, const char *host, guint16 port)
{
  Target *target = g_new (Target, 1);

  *target = (Target){ g_strdup (host), port ? port : link->direct_tls ? 5223 : 5222 };
  g_queue_push_tail (&link->targets, target);
}

static void
on_srv (GObject *resolver, GAsyncResult *result, gpointer data)
{
  g_autoptr (FdLink) link = data;
  g_autoptr (GError) cause = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (Records) records = g_resolver_lookup_service_finish (G_RESOLVER (resolver), result, &cause);

  if (!link->done)
    return;
  if (records && !records->next && g_str_equal (g_srv_target_get_hostname (records->data), "."))
    {
      error = g_error_new (FD_ERROR, FD_ERROR_CONNECTION_FAILED,
                           "%s says by its SRV record that it offers no XMPP%s", link->domain,
                           link->direct_tls ? " with direct TLS" : "");
      finish (link, -1, error);
      return;
    }

  if (cause)
    g_debug ("No SRV record of %s: %s", link->domain, cause->message);
  for (GList *record = records; record && link->targets.length < MAX_TARGETS; record = record->next)
    add_target (link, g_srv_target_get_hostname (record->data), g_srv_target_get_port (record->data));
  if (!records)
    add_target (link, link->domain, link->port);
  try_next (link);
}

static gboolean
on_timeout (gpointer data)
{
  FdLink *link = data;
  g_autoptr (GError) error
    = g_error_new (FD_ERROR, FD_ERROR_TIMEOUT,
                   "No server of %s answered within " G_STRINGIFY (TOTAL_TIMEOUT_S) " s", link->domain);

  link->timeout = 0;
  finish (link, -1, error);
  return G_SOURCE_REMOVE;
}

/* No SRV records exist for these; asking would only wait for a resolver. */
static gboolean
has_no_srv (const char *domain)
{
  return domain[0] == '[' || g_hostname_is_ip_address (domain) || g_str_equal (domain, "localhost")
         || g_str_has_suffix (domain, ".localhost");
}

FdLink *
fd_link_new (const char *domain, const char *server, guint16 port, gboolean direct_tls, FdLinkDone done,
             gpointer data)
{
  FdLink *link = g_new0 (FdLink, 1);

  link->refs = 1;
  link->domain = g_strdup (domain);
  link->port = port;
  link->direct_tls = direct_tls;
  link->done = done;
  link->data = data;
  link->client = g_socket_client_new ();
  g_socket_client_set_timeout (link->client, ADDRESS_TIMEOUT_S);
  link->cancellable = g_cancellable_new ();
  g_queue_init (&link->targets);
  link->timeout = g_timeout_add_seconds (TOTAL_TIMEOUT_S, on_timeout, link);

  if (server || port || has_no_srv (domain))
    {
      add_target (link, server ? server : domain, port);
      try_next (link);
    }
  else
    {
      g_autoptr (GResolver) resolver = g_resolver_get_default ();

      link->refs++;
      g_resolver_lookup_service_async (resolver, direct_tls ? "xmpps-client" : "xmpp-client", "tcp", domain,
                                       link->cancellable, on_srv, link);
    }
  return link;
}

void
fd_link_free (FdLink *link)
{
  if (!link)
    return;
  link->done = NULL;
  g_clear_handle_id (&link->timeout, g_source_remove);
  g_cancellable_cancel (link->cancellable);
  link_unref (link);
}

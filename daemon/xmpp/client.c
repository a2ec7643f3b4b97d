/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Staying connected: link, then stream, then patience (RFC 6120 §3.3).
 */
#include "xmpp/client.h"

#include "base/error.h"
#include "base/fd.h"
#include "xmpp/disco.h"
#include "xmpp/jid.h"
#include "xmpp/login.h"
#include "xmpp/patience.h"
#include "xmpp/ping.h"
#include "xmpp/stream.h"
#include "xmpp/targets.h"

#include <string.h>

#define RANDOM_RESOURCE 8 /* characters */
#define MAX_REDIRECTS 3 /* <see-other-host/> in a row: servers must not play ping-pong with us */

struct FdClient
{
  FdClientSettings settings;
  FdClientHooks hooks;
  gpointer data;
  char *password;
  FdIq *iq;
  FdPeers *peers;
  FdPing *ping;

  gboolean wanted; /* the user wants to be online */
  FdClientStatus status;
  GError *error;
  char *refused; /* SHA-256 of the certificate that made it fail, or NULL */
  FdStream *stream;
  FdTarget *redirect; /* where the server sent us, or NULL */
  guint redirects; /* in a row */
  guint attempts; /* failed in a row */
  gboolean bound; /* the stream is up; online once the contacts are known */
  gint64 bound_at; /* µs, monotonic */
  guint retry;
  guint closing; /* idle */
  int low_fd; /* a number below FD_SETSIZE kept free for libstrophe's select() */
};

/* -- settings ------------------------------------------------------------- */

void
fd_client_settings_clear (FdClientSettings *settings)
{
  g_free (settings->jid);
  g_free (settings->server);
  g_free (settings->ca_file);
  g_free (settings->pin);
  g_free (settings->client_certificate);
  g_free (settings->client_key);
  g_free (settings->resource);
  *settings = (FdClientSettings){ 0 };
}

void
fd_client_settings_copy (FdClientSettings *dest, const FdClientSettings *src)
{
  *dest = (FdClientSettings){
    .jid = g_strdup (src->jid),
    .server = g_strdup (src->server),
    .port = src->port,
    .tls = src->tls,
    .ca_file = g_strdup (src->ca_file),
    .pin = g_strdup (src->pin),
    .client_certificate = g_strdup (src->client_certificate),
    .client_key = g_strdup (src->client_key),
    .resource = g_strdup (src->resource),
  };
}

static char *
new_resource (void)
{
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  char random[RANDOM_RESOURCE + 1] = "";

  for (guint i = 0; i < RANDOM_RESOURCE; i++)
    random[i] = alphabet[g_random_int_range (0, sizeof alphabet - 1)];
  return g_strconcat ("fardel-", random, NULL);
}

static void
wipe_password (FdClient *client)
{
  if (client->password)
    explicit_bzero (client->password, strlen (client->password));
  g_clear_pointer (&client->password, g_free);
}

/* -- the status machine --------------------------------------------------- */

/* Ends whatever there is, without a word to the owner. */
static void
drop_stream (FdClient *client)
{
  g_clear_handle_id (&client->retry, g_source_remove);
  g_clear_pointer (&client->stream, fd_stream_free);
  if (client->low_fd < 0)
    client->low_fd = fd_login_reserve_fd ();
  fd_ping_stop (client->ping);
}

/* Sets the status, ends what hung on the stream and tells the owner, last. */
static void
set_status (FdClient *client, FdClientStatus status, const GError *error)
{
  GError *copy = fd_error_copy (error);
  gboolean lost = client->bound && status != FD_CLIENT_ONLINE;

  g_clear_error (&client->error);
  if (status != FD_CLIENT_FAILED)
    g_clear_pointer (&client->refused, g_free);
  client->error = copy;
  client->status = status;
  if (lost)
    {
      client->bound = FALSE;
      fd_iq_stream_lost (client->iq);
      fd_peers_stream_lost (client->peers);
    }
  if (client->hooks.status)
    client->hooks.status (client, status, client->data);
}

static void attempt (FdClient *client);

static gboolean
on_retry (gpointer data)
{
  FdClient *client = data;

  client->retry = 0;
  attempt (client);
  return G_SOURCE_REMOVE;
}

/* Takes the way that the server shows, if it may. */
static gboolean
follow (FdClient *client, const FdFailure *failure)
{
  FdTarget *target = failure->redirect && client->redirects < MAX_REDIRECTS
                       ? fd_target_parse (failure->redirect, 0, FALSE)
                       : NULL;

  fd_target_free (client->redirect);
  client->redirect = target;
  client->redirects = target ? client->redirects + 1 : 0;
  return target != NULL;
}

static void
on_stream_down (FdStream *stream, const FdFailure *failure, gpointer data)
{
  FdClient *client = data;
  g_autoptr (GError) reason = g_error_copy (failure->error);
  gint64 lived = client->bound ? g_get_monotonic_time () - client->bound_at : -1;
  g_autofree char *refused = g_strdup (failure->refused);
  gboolean fatal = failure->fatal, redirected;

  if (lived > FD_PATIENCE_STABLE_US)
    client->redirects = 0;
  redirected = follow (client, failure);
  drop_stream (client); /* and with it the failure */
  if (!client->wanted)
    return; /* the idle that closes is on its way */
  g_message ("%s: %s", client->settings.jid, reason->message);
  if (redirected)
    {
      attempt (client);
      return;
    }
  if (fatal)
    {
      client->refused = g_steal_pointer (&refused);
      set_status (client, FD_CLIENT_FAILED, reason);
      return;
    }
  client->retry = g_timeout_add (fd_patience_fail (&client->attempts, lived), on_retry, client);
  set_status (client, FD_CLIENT_WAITING, reason);
}

/* Nobody sees us before we know who the contacts are. */
static void
on_peers_ready (gpointer data)
{
  FdClient *client = data;
  g_autoptr (FdXml) presence = NULL;

  if (!client->bound)
    return; /* the stream went down meanwhile */
  presence = fd_disco_new_presence (NULL);
  fd_iq_write (client->iq, presence);
  set_status (client, FD_CLIENT_ONLINE, NULL);
}

static void
on_up (FdStream *stream, const char *full_jid, gpointer data)
{
  FdClient *client = data;

  client->bound = TRUE;
  client->bound_at = g_get_monotonic_time ();
  fd_iq_set_own_jid (client->iq, full_jid);
  fd_peers_stream_up (client->peers, fd_stream_has_roster_versions (stream), on_peers_ready, client);
}

static void
on_stanza (FdStream *stream, xmpp_stanza_t *stanza, gpointer data)
{
  FdClient *client = data;

  fd_ping_traffic (client->ping, TRUE);
  if (fd_xml_is (stanza, "iq", NULL))
    fd_iq_receive (client->iq, stanza);
  else
    fd_peers_presence (client->peers, stanza);
}

static void
attempt (FdClient *client)
{
  static const FdStreamHooks hooks = { on_up, on_stanza, on_stream_down };
  const FdTarget *redirect = client->redirect;
  g_autofree char *full_jid = g_strconcat (client->settings.jid, "/", client->settings.resource, NULL);
  FdStreamSettings settings = {
    .jid = full_jid,
    .password = client->password,
    .link = {
      .server = redirect ? redirect->host : client->settings.server,
      .port = redirect ? redirect->port : client->settings.port,
      .direct_tls = client->settings.tls == FD_TLS_DIRECT,
      .ca_file = client->settings.ca_file,
      .tls = {
        .pin = client->settings.pin,
        .client_certificate = client->settings.client_certificate,
        .client_key = client->settings.client_key,
      },
    },
    .low_fd = &client->low_fd,
  };

  client->stream = fd_stream_new (&settings, &hooks, client);
  set_status (client, FD_CLIENT_CONNECTING, NULL);
}

static gboolean
on_closing (gpointer data)
{
  FdClient *client = data;

  client->closing = 0;
  drop_stream (client);
  client->attempts = 0;
  set_status (client, FD_CLIENT_OFFLINE, NULL);
  return G_SOURCE_REMOVE;
}

/* -- the interface -------------------------------------------------------- */

static void
write_stanza (const char *xml, gsize length, gpointer data)
{
  FdClient *client = data;

  if (!client->stream)
    return;
  fd_stream_send (client->stream, xml, length);
  fd_ping_traffic (client->ping, FALSE);
}

static void
on_dead (gpointer data)
{
  FdClient *client = data;
  g_autoptr (GError) error
    = g_error_new (FD_ERROR, FD_ERROR_TIMEOUT, "The server of %s no longer answers", client->settings.jid);

  if (client->stream)
    fd_stream_abort (client->stream, error);
}

FdClient *
fd_client_new (const FdClientSettings *settings, const FdClientHooks *hooks, gpointer data)
{
  FdClient *client = g_new0 (FdClient, 1);

  fd_client_settings_copy (&client->settings, settings);
  if (!client->settings.resource)
    client->settings.resource = new_resource ();
  client->hooks = *hooks;
  client->data = data;
  client->low_fd = fd_login_reserve_fd ();
  client->iq = fd_iq_new (write_stanza, client);
  fd_disco_serve (client->iq);
  client->peers = fd_peers_new (client->iq);
  client->ping = fd_ping_new (client->iq, on_dead, client);
  return client;
}

void
fd_client_free (FdClient *client)
{
  if (!client)
    return;
  g_clear_handle_id (&client->closing, g_source_remove);
  drop_stream (client);
  fd_close (&client->low_fd);
  fd_target_free (client->redirect);
  fd_ping_free (client->ping);
  fd_peers_free (client->peers);
  fd_iq_free (client->iq);
  wipe_password (client);
  g_clear_error (&client->error);
  g_free (client->refused);
  fd_client_settings_clear (&client->settings);
  g_free (client);
}

void
fd_client_connect (FdClient *client, const char *password)
{
  char *copy = g_strdup (password);

  wipe_password (client);
  client->password = copy;
  client->wanted = TRUE;
  g_clear_handle_id (&client->closing, g_source_remove);
  if (client->stream)
    return;
  g_clear_handle_id (&client->retry, g_source_remove);
  attempt (client);
}

void
fd_client_disconnect (FdClient *client)
{
  client->wanted = FALSE;
  if (!client->closing && client->status != FD_CLIENT_OFFLINE)
    client->closing = g_idle_add (on_closing, client);
}

void
fd_client_wake (FdClient *client)
{
  if (client->retry)
    {
      g_debug ("%s: trying again at once", client->settings.jid);
      client->attempts = 0;
      g_clear_handle_id (&client->retry, g_source_remove);
      attempt (client);
    }
  else if (client->status == FD_CLIENT_ONLINE)
    fd_ping_probe (client->ping);
}

FdClientStatus
fd_client_get_status (FdClient *client)
{
  return client->status;
}

const GError *
fd_client_get_error (FdClient *client)
{
  return client->error;
}

const char *
fd_client_get_full_jid (FdClient *client)
{
  return client->status == FD_CLIENT_ONLINE ? fd_iq_get_own_jid (client->iq) : "";
}

void
fd_client_get_tls (FdClient *client, FdClientTls *ret_tls)
{
  FdTls *tls
    = client->status == FD_CLIENT_ONLINE && client->stream ? fd_stream_get_tls (client->stream) : NULL;

  *ret_tls = (FdClientTls){
    .protocol = tls ? fd_tls_get_protocol (tls) : "",
    .cipher = tls ? fd_tls_get_cipher (tls) : "",
    .certificate_sha256 = tls               ? fd_tls_get_certificate (tls)
                          : client->refused ? client->refused
                                            : "",
  };
}

FdIq *
fd_client_get_iq (FdClient *client)
{
  return client->iq;
}

FdPeers *
fd_client_get_peers (FdClient *client)
{
  return client->peers;
}

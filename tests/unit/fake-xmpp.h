/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Clients, peers and Jingle sessions that do what a test says, in place of the
 * real ones: the model above them does not notice. Include in one file of a test.
 */
#pragma once

#include "base/error.h"
#include "jingle/jingle.h"
#include "xmpp/jid.h"

struct FdPeers
{
  FdClient *client;
  GHashTable *online; /* bare JID -> full JID */
  GHashTable *contacts; /* bare JIDs */
  GHashTable *unable; /* bare JIDs that cannot receive */
  FdPeersAvailable available;
  gpointer data;
  GQueue queries; /* FakeQuery */
};

typedef struct
{
  FdPeers *peers;
  guint id; /* also the source of the answer */
  char *jid;
  FdPeersChosen callback;
  gpointer data;
} FakeQuery;

struct FdClient
{
  FdClientSettings settings;
  FdClientHooks hooks;
  gpointer data;
  FdClientStatus status;
  GError *error;
  char *password;
  char *full_jid;
  FdPeers *peers;
  guint closing;
};

struct FdJingle
{
  FdClient *client;
  FdJingleIncoming incoming;
  gpointer data;
  guint ups;
  guint losses;
};

struct FdSession
{
  FdJingle *jingle;
  char *peer;
  FdFile *file;
  FdSource *source;
  FdSink *sink;
  FdSessionParams params;
  const FdSessionHooks *hooks;
  gpointer data;
  guint64 bytes;
  const char *asked; /* "cancel", "reject", "stop": the last thing we asked for */
  guint ending;
};

/* What exists, newest last; borrowed by tests. */
static GPtrArray *fake_clients;
static GPtrArray *fake_jingles;
static GPtrArray *fake_sessions;
/* Sessions end only by fake_session_end(). */
static gboolean fake_sessions_hang;

/* --- client --- */

void
fd_client_settings_clear (FdClientSettings *settings)
{
  g_free (settings->jid);
  g_free (settings->server);
  g_free (settings->ca_file);
  g_free (settings->resource);
}

void
fd_client_settings_copy (FdClientSettings *dest, const FdClientSettings *src)
{
  *dest = *src;
  dest->jid = g_strdup (src->jid);
  dest->server = g_strdup (src->server);
  dest->ca_file = g_strdup (src->ca_file);
  dest->resource = g_strdup (src->resource);
}

FdClient *
fd_client_new (const FdClientSettings *settings, const FdClientHooks *hooks, gpointer data)
{
  FdClient *client = g_new0 (FdClient, 1);

  fd_client_settings_copy (&client->settings, settings);
  client->hooks = *hooks;
  client->data = data;
  client->full_jid = g_strdup ("");
  client->peers = g_new0 (FdPeers, 1);
  client->peers->client = client;
  client->peers->online = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  client->peers->contacts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  client->peers->unable = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_ptr_array_add (fake_clients, client);
  return client;
}

void
fd_client_free (FdClient *client)
{
  if (!client)
    return;
  g_assert_cmpuint (client->peers->queries.length, ==, 0); /* nobody waits for the dead */
  g_ptr_array_remove (fake_clients, client);
  g_clear_handle_id (&client->closing, g_source_remove);
  g_hash_table_unref (client->peers->online);
  g_hash_table_unref (client->peers->contacts);
  g_hash_table_unref (client->peers->unable);
  g_free (client->peers);
  g_clear_error (&client->error);
  g_free (client->password);
  g_free (client->full_jid);
  fd_client_settings_clear (&client->settings);
  g_free (client);
}

static void
fake_client_set_status (FdClient *client, FdClientStatus status, const GError *error)
{
  client->status = status;
  g_clear_error (&client->error);
  client->error = fd_error_copy (error);
  g_free (client->full_jid);
  client->full_jid
    = status == FD_CLIENT_ONLINE ? g_strconcat (client->settings.jid, "/fake", NULL) : g_strdup ("");
  client->hooks.status (client, status, client->data);
}

void
fd_client_connect (FdClient *client, const char *password)
{
  char *copy = g_strdup (password);

  g_free (client->password);
  client->password = copy;
  g_clear_handle_id (&client->closing, g_source_remove);
  if (client->status != FD_CLIENT_CONNECTING && client->status != FD_CLIENT_ONLINE)
    fake_client_set_status (client, FD_CLIENT_CONNECTING, NULL);
}

static gboolean
fake_client_closed (gpointer data)
{
  FdClient *client = data;

  client->closing = 0;
  fake_client_set_status (client, FD_CLIENT_OFFLINE, NULL);
  return G_SOURCE_REMOVE;
}

void
fd_client_disconnect (FdClient *client)
{
  if (client->status != FD_CLIENT_OFFLINE && !client->closing)
    client->closing = g_idle_add (fake_client_closed, client);
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
  return client->full_jid;
}

void
fd_client_get_tls (FdClient *client, FdClientTls *ret_tls)
{
  *ret_tls = (FdClientTls){ "", "", "" };
}

FdPeers *
fd_client_get_peers (FdClient *client)
{
  return client->peers;
}

/* --- peers --- */

static void
fake_query_free (FakeQuery *query)
{
  g_queue_remove (&query->peers->queries, query);
  g_free (query->jid);
  g_free (query);
}

static gboolean
fake_query_answer (gpointer data)
{
  FakeQuery *query = data;
  FdPeers *peers = query->peers;
  g_autofree char *bare = fd_jid_bare (query->jid);
  g_autofree char *full = g_strdup (g_hash_table_lookup (peers->online, bare));
  FdPeerInfo info = { .full_jid = full, .can_receive = TRUE, .caps_node = "fake" };
  g_autoptr (GError) error = NULL;
  FdPeersChosen callback = query->callback;
  gpointer callback_data = query->data;

  info.transports = FD_TRANSPORT_S5B | FD_TRANSPORT_IBB;
  if (!full)
    error = g_error_new_literal (FD_ERROR, FD_ERROR_PEER_OFFLINE, "offline");
  else if (g_hash_table_contains (peers->unable, bare))
    error = g_error_new_literal (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED, "no file transfer");
  fake_query_free (query);
  callback (error ? NULL : &info, error, callback_data);
  return G_SOURCE_REMOVE;
}

guint
fd_peers_query (FdPeers *peers, const char *jid, FdPeersChosen callback, gpointer data)
{
  FakeQuery *query = g_new0 (FakeQuery, 1);

  query->peers = peers;
  query->jid = g_strdup (jid);
  query->callback = callback;
  query->data = data;
  g_queue_push_tail (&peers->queries, query);
  query->id = g_idle_add (fake_query_answer, query);
  return query->id;
}

void
fd_peers_cancel_query (FdPeers *peers, guint id)
{
  for (GList *l = peers->queries.head; l; l = l->next)
    if (((FakeQuery *) l->data)->id == id)
      {
        g_source_remove (id);
        fake_query_free (l->data);
        return;
      }
  g_assert_not_reached ();
}

gboolean
fd_peers_is_contact (FdPeers *peers, const char *jid)
{
  g_autofree char *bare = fd_jid_bare (jid);

  return g_hash_table_contains (peers->contacts, bare);
}

gboolean
fd_peers_is_online (FdPeers *peers, const char *jid)
{
  g_autofree char *bare = fd_jid_bare (jid);

  return g_hash_table_contains (peers->online, bare);
}

void
fd_peers_set_available_callback (FdPeers *peers, FdPeersAvailable callback, gpointer data)
{
  peers->available = callback;
  peers->data = data;
}

static void
fake_peer_online (FdClient *client, const char *bare, gboolean contact)
{
  FdPeers *peers = client->peers;

  g_hash_table_replace (peers->online, g_strdup (bare), g_strconcat (bare, "/r", NULL));
  if (contact)
    g_hash_table_add (peers->contacts, g_strdup (bare));
  peers->available (bare, peers->data);
}

/* --- sessions --- */

FdJingle *
fd_jingle_new (FdClient *client, FdJingleIncoming incoming, gpointer data)
{
  FdJingle *jingle = g_new0 (FdJingle, 1);

  jingle->client = client;
  jingle->incoming = incoming;
  jingle->data = data;
  g_ptr_array_add (fake_jingles, jingle);
  return jingle;
}

static void
fake_session_free (FdSession *session)
{
  g_ptr_array_remove (fake_sessions, session);
  g_clear_handle_id (&session->ending, g_source_remove);
  g_clear_pointer (&session->source, fd_source_unref);
  g_clear_pointer (&session->sink, fd_sink_unref);
  fd_file_free (session->file);
  g_free (session->peer);
  g_free (session);
}

void
fd_jingle_free (FdJingle *jingle)
{
  if (!jingle)
    return;
  for (guint i = fake_sessions->len; i-- > 0;)
    if (((FdSession *) fake_sessions->pdata[i])->jingle == jingle)
      fake_session_free (fake_sessions->pdata[i]);
  g_ptr_array_remove (fake_jingles, jingle);
  g_free (jingle);
}

void
fd_jingle_stream_up (FdJingle *jingle)
{
  jingle->ups++;
}

void
fd_jingle_stream_lost (FdJingle *jingle)
{
  jingle->losses++;
}

FdS5bProxies *
fd_jingle_get_proxies (FdJingle *jingle)
{
  return NULL;
}

void
fd_s5b_proxies_configure (FdS5bProxies *proxies, const char *const *jids)
{
}

static FdSession *
fake_session_new (FdJingle *jingle, const char *peer, const FdFile *file)
{
  FdSession *session = g_new0 (FdSession, 1);

  session->jingle = jingle;
  session->peer = g_strdup (peer);
  session->file = fd_file_copy (file);
  g_ptr_array_add (fake_sessions, session);
  return session;
}

FdSession *
fd_jingle_offer (FdJingle *jingle, const FdPeerInfo *peer, const FdFile *file, FdSource *source,
                 const FdSessionParams *params, const FdSessionHooks *hooks, gpointer data)
{
  FdSession *session = fake_session_new (jingle, peer->full_jid, file);

  session->source = fd_source_ref (source);
  session->params = *params;
  session->hooks = hooks;
  session->data = data;
  return session;
}

void
fd_session_set_hooks (FdSession *session, const FdSessionHooks *hooks, gpointer data)
{
  session->hooks = hooks;
  session->data = data;
}

static void
fake_session_end (FdSession *session, FdOutcome outcome, FdEndedBy by, int code)
{
  g_autoptr (GError) error
    = outcome == FD_OUTCOME_DONE ? NULL : g_error_new_literal (FD_ERROR, code, "fake end");
  FdSessionEnd end = { .outcome = outcome, .by = by, .error = error };

  g_clear_handle_id (&session->ending, g_source_remove);
  session->hooks->ended (session, &end, session->data);
  fake_session_free (session);
}

static gboolean
fake_session_obey (gpointer data)
{
  FdSession *session = data;

  session->ending = 0;
  if (g_str_equal (session->asked, "reject"))
    fake_session_end (session, FD_OUTCOME_REJECTED, FD_BY_LOCAL, FD_ERROR_REJECTED);
  else if (g_str_equal (session->asked, "cancel"))
    fake_session_end (session, FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  else
    fake_session_end (session, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  return G_SOURCE_REMOVE;
}

static void
fake_session_ask (FdSession *session, const char *what)
{
  session->asked = what;
  if (!session->ending && !fake_sessions_hang)
    session->ending = g_idle_add (fake_session_obey, session);
}

void
fd_session_accept (FdSession *session, FdSink *sink, const FdSessionParams *params)
{
  session->sink = fd_sink_ref (sink);
  session->params = *params;
}

void
fd_session_reject (FdSession *session)
{
  fake_session_ask (session, "reject");
}

void
fd_session_cancel (FdSession *session, const GError *error)
{
  fake_session_ask (session, "cancel");
}

void
fd_session_stop (FdSession *session)
{
  fake_session_ask (session, "stop");
}

const char *
fd_session_get_peer (FdSession *session)
{
  return session->peer;
}

const FdFile *
fd_session_get_file (FdSession *session)
{
  return session->file;
}

guint64
fd_session_get_bytes (FdSession *session)
{
  return session->bytes;
}

/* A peer offers a file: the session if it was kept, else NULL and the reason. */
static FdSession *
fake_offer (FdClient *client, const char *peer, const char *name, gint64 size, const char **ret_reason)
{
  g_autoptr (FdFile) file = fd_file_new (name, size);

  for (guint i = 0; i < fake_jingles->len; i++)
    {
      FdJingle *jingle = fake_jingles->pdata[i];
      FdSession *session;

      if (jingle->client != client)
        continue;
      session = fake_session_new (jingle, peer, file);
      if (jingle->incoming (session, ret_reason, jingle->data))
        return session;
      fake_session_free (session);
      return NULL;
    }
  g_assert_not_reached ();
}

static void
fake_init (void)
{
  fake_clients = g_ptr_array_new ();
  fake_jingles = g_ptr_array_new ();
  fake_sessions = g_ptr_array_new ();
}

static void
fake_check_nothing_left (void)
{
  g_assert_cmpuint (fake_clients->len, ==, 0);
  g_assert_cmpuint (fake_jingles->len, ==, 0);
  g_assert_cmpuint (fake_sessions->len, ==, 0);
  g_ptr_array_unref (fake_clients);
  g_ptr_array_unref (fake_jingles);
  g_ptr_array_unref (fake_sessions);
}

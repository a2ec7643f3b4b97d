/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Clients, peers and Jingle contents that do what a test says, in place of the
 * real ones: the model above them does not notice. Include in one file of a test.
 */
#pragma once

#include "base/error.h"
#include "jingle/jingle.h"
#include "jingle/quirks.h"
#include "xmpp/jid.h"

struct FdPeers
{
  FdClient *client;
  GHashTable *online; /* bare JID -> full JID */
  GHashTable *contacts; /* bare JIDs */
  GHashTable *unable; /* bare JIDs that cannot receive */
  GHashTable *old; /* bare JIDs that know neither file-transfer:5 nor our extensions */
  GHashTable *blocked; /* bare JIDs */
  FdPeersAvailable available;
  FdPeersChanged changed;
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
  FdJingleHooks hooks;
  gpointer data;
  guint ups;
  guint losses;
};

struct FdContent
{
  FdJingle *jingle;
  char *peer;
  FdFile *file;
  FdSource *source;
  FdSink *sink;
  FdContentParams params;
  char *batch;
  const FdContentHooks *hooks;
  gpointer data;
  guint64 bytes;
  gboolean accepted;
  const char *asked; /* "cancel", "fail", "reject", "stop": the last thing we asked for */
  int code; /* why it was to fail or stop */
  guint ending;
};

/* What exists, newest last; borrowed by tests. */
static GPtrArray *fake_clients;
static GPtrArray *fake_jingles;
static GPtrArray *fake_contents;
/* Contents end only by fake_content_end(). */
static gboolean fake_contents_hang;
/* Peers take several files in one session. */
static gboolean fake_sharing;

/* --- client --- */

void
fd_client_settings_clear (FdClientSettings *settings)
{
  g_free (settings->jid);
  g_free (settings->server);
  g_free (settings->ca_file);
  g_free (settings->client_certificate);
  g_free (settings->resource);
}

void
fd_client_settings_copy (FdClientSettings *dest, const FdClientSettings *src)
{
  *dest = *src;
  dest->jid = g_strdup (src->jid);
  dest->server = g_strdup (src->server);
  dest->ca_file = g_strdup (src->ca_file);
  dest->client_certificate = g_strdup (src->client_certificate);
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
  client->peers->old = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  client->peers->blocked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
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
  g_hash_table_unref (client->peers->old);
  g_hash_table_unref (client->peers->blocked);
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

void
fd_client_wake (FdClient *client)
{
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

static void
fake_describe (FdPeers *peers, const char *bare, const char *full_jid, FdPeerInfo *ret_info)
{
  static const char *const features[] = { FD_NS_RESUME, NULL };
  gboolean old = g_hash_table_contains (peers->old, bare);

  *ret_info = (FdPeerInfo){
    .full_jid = full_jid,
    .can_receive = TRUE,
    .file_transfer_5 = !old,
    .transports = FD_TRANSPORT_S5B | FD_TRANSPORT_IBB,
    .caps_node = "fake",
    .features = old ? features + 1 : features,
  };
}

static gboolean
fake_query_answer (gpointer data)
{
  FakeQuery *query = data;
  FdPeers *peers = query->peers;
  g_autofree char *bare = fd_jid_bare (query->jid);
  g_autofree char *full = g_strdup (g_hash_table_lookup (peers->online, bare));
  FdPeerInfo info;
  g_autoptr (GError) error = NULL;
  FdPeersChosen callback = query->callback;
  gpointer callback_data = query->data;

  fake_describe (peers, bare, full, &info);
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
fd_peers_lookup (FdPeers *peers, const char *full_jid, FdPeerInfo *ret_info)
{
  g_autofree char *bare = fd_jid_bare (full_jid);

  if (g_strcmp0 (g_hash_table_lookup (peers->online, bare), full_jid) != 0)
    return FALSE;
  fake_describe (peers, bare, full_jid, ret_info);
  return TRUE;
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
  const char *full = g_hash_table_lookup (peers->online, bare);

  return full && (!fd_jid_resource (jid) || g_str_equal (jid, full));
}

void
fd_peers_set_available_callback (FdPeers *peers, FdPeersAvailable callback, gpointer data)
{
  peers->available = callback;
  peers->data = data;
}

void
fd_peers_set_changed_callback (FdPeers *peers, FdPeersChanged callback, gpointer data)
{
  peers->changed = callback;
}

void
fd_peers_use_roster_file (FdPeers *peers, const char *jid, const char *path)
{
}

gboolean
fd_peers_is_blocked (FdPeers *peers, const char *jid)
{
  g_autofree char *bare = fd_jid_bare (jid);

  return g_hash_table_contains (peers->blocked, bare);
}

static inline void
fake_peer_block (FdClient *client, const char *bare)
{
  g_hash_table_add (client->peers->blocked, g_strdup (bare));
  client->peers->changed (TRUE, client->peers->data);
}

static inline void
fake_peer_offline (FdClient *client, const char *bare)
{
  g_hash_table_remove (client->peers->online, bare);
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

/* --- contents --- */

FdJingle *
fd_jingle_new (FdClient *client, const FdJingleHooks *hooks, gpointer data)
{
  FdJingle *jingle = g_new0 (FdJingle, 1);

  jingle->client = client;
  jingle->hooks = *hooks;
  jingle->data = data;
  g_ptr_array_add (fake_jingles, jingle);
  return jingle;
}

static void
fake_content_free (FdContent *content)
{
  g_ptr_array_remove (fake_contents, content);
  g_clear_handle_id (&content->ending, g_source_remove);
  g_clear_pointer (&content->source, fd_source_unref);
  g_clear_pointer (&content->sink, fd_sink_unref);
  fd_file_free (content->file);
  g_free (content->peer);
  g_free (content->batch);
  g_free (content);
}

void
fd_jingle_free (FdJingle *jingle)
{
  if (!jingle)
    return;
  for (guint i = fake_contents->len; i-- > 0;)
    if (((FdContent *) fake_contents->pdata[i])->jingle == jingle)
      fake_content_free (fake_contents->pdata[i]);
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

static FdContent *
fake_content_new (FdJingle *jingle, const char *peer, const FdFile *file, const char *batch)
{
  FdContent *content = g_new0 (FdContent, 1);

  content->jingle = jingle;
  content->peer = g_strdup (peer);
  content->file = fd_file_copy (file);
  content->batch = g_strdup (batch);
  g_ptr_array_add (fake_contents, content);
  return content;
}

FdContent *
fd_jingle_offer (FdJingle *jingle, const FdPeerInfo *peer, const FdFile *file, FdSource *source,
                 const FdContentParams *params, const FdContentHooks *hooks, gpointer data)
{
  FdContent *content = fake_content_new (jingle, peer->full_jid, file, params->batch);

  content->source = fd_source_ref (source);
  content->params = *params;
  content->hooks = hooks;
  content->data = data;
  return content;
}

void
fd_content_set_hooks (FdContent *content, const FdContentHooks *hooks, gpointer data)
{
  content->hooks = hooks;
  content->data = data;
}

static void
fake_content_tell_end (FdContent *content, const FdContentEnd *end)
{
  g_clear_handle_id (&content->ending, g_source_remove);
  if (content->hooks)
    content->hooks->ended (content, end, content->data);
  fake_content_free (content);
}

static void
fake_content_end (FdContent *content, FdOutcome outcome, FdEndedBy by, int code)
{
  g_autoptr (GError) error
    = outcome == FD_OUTCOME_DONE ? NULL : g_error_new_literal (FD_ERROR, code, "fake end");
  FdContentEnd end = { .outcome = outcome, .by = by, .error = error };

  fake_content_tell_end (content, &end);
}

/* The way breaks, and both sides know how to go on. */
static inline void
fake_content_interrupt (FdContent *content, int code, gboolean restart)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, code, "fake interruption");
  FdContentEnd end = {
    .outcome = FD_OUTCOME_FAILED, .by = FD_BY_NETWORK, .error = error, .interrupted = TRUE, .restart = restart
  };

  fake_content_tell_end (content, &end);
}

static gboolean
fake_content_obey (gpointer data)
{
  FdContent *content = data;

  content->ending = 0;
  if (g_str_equal (content->asked, "reject"))
    fake_content_end (content, FD_OUTCOME_REJECTED, FD_BY_LOCAL, FD_ERROR_REJECTED);
  else if (g_str_equal (content->asked, "cancel"))
    fake_content_end (content, FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  else if (g_str_equal (content->asked, "stop") && content->file->resume_id && content->accepted)
    fake_content_interrupt (content, FD_ERROR_CANCELLED, FALSE);
  else
    fake_content_end (content, FD_OUTCOME_FAILED, FD_BY_LOCAL, content->code);
  return G_SOURCE_REMOVE;
}

static void
fake_content_ask (FdContent *content, const char *what)
{
  content->asked = what;
  if (!content->ending && !fake_contents_hang)
    content->ending = g_idle_add (fake_content_obey, content);
}

void
fd_content_accept (FdContent *content, FdSink *sink, const FdContentParams *params)
{
  g_assert_false (content->accepted);
  content->accepted = TRUE;
  content->sink = fd_sink_ref (sink);
  content->params = *params;
}

void
fd_content_reject (FdContent *content)
{
  fake_content_ask (content, "reject");
}

void
fd_content_cancel (FdContent *content, const GError *error)
{
  content->code = error ? error->code : FD_ERROR_CANCELLED;
  fake_content_ask (content, error ? "fail" : "cancel");
}

void
fd_content_stop (FdContent *content)
{
  content->code = FD_ERROR_CANCELLED;
  fake_content_ask (content, "stop");
}

const char *
fd_content_get_peer (FdContent *content)
{
  return content->peer;
}

const FdFile *
fd_content_get_file (FdContent *content)
{
  return content->file;
}

const char *
fd_content_get_batch (FdContent *content)
{
  return content->batch;
}

gboolean
fd_content_can_range (FdContent *content)
{
  return content->file->resume_id || content->file->ranged;
}

gboolean
fd_content_is_shared (FdContent *content)
{
  return fake_sharing && *content->batch;
}

guint64
fd_content_get_bytes (FdContent *content)
{
  return content->bytes;
}

/* A peer offers a file: the content if it was kept, else NULL and the reason;
 * "" if the whole session was not admitted. */
static FdContent *
fake_offer_file (FdClient *client, const char *peer, const FdFile *file, const char *batch,
                 const char **ret_reason)
{
  for (guint i = 0; i < fake_jingles->len; i++)
    {
      FdJingle *jingle = fake_jingles->pdata[i];
      FdContent *content;

      if (jingle->client != client)
        continue;
      *ret_reason = "";
      if (!jingle->hooks.admit (peer, jingle->data))
        return NULL;
      content = fake_content_new (jingle, peer, file, batch);
      if (jingle->hooks.incoming (content, ret_reason, jingle->data))
        return content;
      fake_content_free (content);
      return NULL;
    }
  g_assert_not_reached ();
}

static FdContent *
fake_offer (FdClient *client, const char *peer, const char *name, gint64 size, const char *batch,
            const char **ret_reason)
{
  g_autoptr (FdFile) file = fd_file_new (name, size);

  return fake_offer_file (client, peer, file, batch, ret_reason);
}

static void
fake_init (void)
{
  fake_clients = g_ptr_array_new ();
  fake_jingles = g_ptr_array_new ();
  fake_contents = g_ptr_array_new ();
}

static void
fake_check_nothing_left (void)
{
  g_assert_cmpuint (fake_clients->len, ==, 0);
  g_assert_cmpuint (fake_jingles->len, ==, 0);
  g_assert_cmpuint (fake_contents->len, ==, 0);
  g_ptr_array_unref (fake_clients);
  g_ptr_array_unref (fake_jingles);
  g_ptr_array_unref (fake_contents);
}

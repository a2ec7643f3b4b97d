/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Routes the Jingle requests of one account to its sessions by peer *and* sid
 * (XEP-0166 §6), opens sessions both ways, and sees that a goodbye arrives.
 */
#include "jingle/jingle.h"

#include "base/error.h"
#include "jingle/session.h"

#include <string.h>

#define MAX_SESSIONS 1200 /* the model's own limit on transfers is lower */
#define MAX_GOODBYES 256 /* a peer that vanished for good costs no more than this */
#define GOODBYE_RETRIES 12
#define GOODBYE_RETRY_S 5

struct FdJingle
{
  FdClient *client;
  FdS5bProxies *proxies;
  FdIbb *ibb;
  FdJingleHooks hooks;
  gpointer data;
  GHashTable *sessions; /* "peer\nsid" -> FdSession, owned */
  GQueue goodbyes; /* Goodbye */
};

typedef struct
{
  FdJingle *jingle;
  char *peer;
  char *payload;
  guint tries;
  guint request; /* iq id, 0 none */
  guint timer;
  gboolean waits_for_stream;
} Goodbye;

static char *
session_key (const char *peer, const char *sid)
{
  return g_strconcat (peer, "\n", sid, NULL);
}

char *
fd_jingle_random_id (void)
{
  g_autofree char *uuid = g_uuid_string_random ();

  return g_strdup_printf ("fd-%s", uuid);
}

/* --- goodbyes --- */

static void
goodbye_free (Goodbye *goodbye)
{
  if (goodbye->request)
    fd_iq_cancel (fd_client_get_iq (goodbye->jingle->client), goodbye->request);
  g_clear_handle_id (&goodbye->timer, g_source_remove);
  g_free (goodbye->peer);
  g_free (goodbye->payload);
  g_free (goodbye);
}

static void goodbye_send (Goodbye *goodbye);

static gboolean
goodbye_again (gpointer data)
{
  Goodbye *goodbye = data;

  goodbye->timer = 0;
  goodbye_send (goodbye);
  return G_SOURCE_REMOVE;
}

/* Absent, or its server is: it may be connecting again. A server answers
 * service-unavailable for a resource that is not there (RFC 6121 §8.5.3.2.3). */
static gboolean
may_be_back (const GError *error)
{
  return g_error_matches (error, FD_ERROR, FD_ERROR_PEER_OFFLINE)
         || g_error_matches (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED)
         || g_error_matches (error, FD_ERROR, FD_ERROR_TIMEOUT);
}

static void
goodbye_answered (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  Goodbye *goodbye = data;

  goodbye->request = 0;
  if (g_error_matches (error, FD_ERROR, FD_ERROR_NOT_CONNECTED))
    {
      goodbye->waits_for_stream = TRUE;
      return;
    }
  if (may_be_back (error) && ++goodbye->tries < GOODBYE_RETRIES)
    {
      goodbye->timer = g_timeout_add_seconds (GOODBYE_RETRY_S, goodbye_again, goodbye);
      return;
    }
  g_queue_remove (&goodbye->jingle->goodbyes, goodbye);
  goodbye_free (goodbye);
}

static void
goodbye_send (Goodbye *goodbye)
{
  goodbye->waits_for_stream = FALSE;
  goodbye->request
    = fd_iq_send_raw (fd_client_get_iq (goodbye->jingle->client), "set", goodbye->peer, goodbye->payload,
                      strlen (goodbye->payload), FD_IQ_TIMEOUT_MS, goodbye_answered, goodbye);
}

void
fd_jingle_say_goodbye (FdJingle *jingle, const char *peer, const FdJingleMessage *message)
{
  g_autoptr (FdXml) payload = fd_jingle_message_build (message);
  Goodbye *goodbye = g_new0 (Goodbye, 1);

  goodbye->jingle = jingle;
  goodbye->peer = g_strdup (peer);
  goodbye->payload = fd_xml_to_string (payload);
  if (g_queue_get_length (&jingle->goodbyes) == MAX_GOODBYES)
    goodbye_free (g_queue_pop_head (&jingle->goodbyes));
  g_queue_push_tail (&jingle->goodbyes, goodbye);
  goodbye_send (goodbye);
}

/* --- requests of peers --- */

static const struct
{
  const char *type;
  const char *condition;
  const char *app;
} replies[] = {
  [FD_REPLY_BAD_REQUEST] = { "modify", "bad-request", NULL },
  [FD_REPLY_OUT_OF_ORDER] = { "wait", "unexpected-request", "out-of-order" },
  [FD_REPLY_TIE_BREAK] = { "cancel", "conflict", "tie-break" },
  [FD_REPLY_UNSUPPORTED_INFO] = { "modify", "feature-not-implemented", "unsupported-info" },
  [FD_REPLY_ITEM_NOT_FOUND] = { "cancel", "item-not-found", NULL },
};

void
fd_jingle_reply (FdJingle *jingle, xmpp_stanza_t *request, FdReply how)
{
  FdIq *iq = fd_client_get_iq (jingle->client);

  if (how == FD_REPLY_OK)
    fd_iq_reply (iq, request, NULL);
  else
    fd_iq_reply_error (iq, request, replies[how].type, replies[how].condition, replies[how].app,
                       replies[how].app ? FD_NS_JINGLE_ERRORS : NULL, NULL);
}

gboolean
fd_jingle_show (FdJingle *jingle, FdContent *content, const char **ret_reason)
{
  return jingle->hooks.incoming (content, ret_reason, jingle->data);
}

static void
receive_initiate (FdJingle *jingle, FdIq *iq, xmpp_stanza_t *request, const FdJingleMessage *message,
                  const char *peer)
{
  FdPeerInfo info = { 0 };
  gboolean known = fd_peers_lookup (fd_client_get_peers (jingle->client), peer, &info);
  const FdSessionConfig config = {
    .me = fd_client_get_full_jid (jingle->client),
    .peer = peer,
    .sid = message->sid,
    /* What it may fall back to. Unknown: it will say. */
    .peer_transports = info.transports ? info.transports : FD_TRANSPORT_S5B | FD_TRANSPORT_IBB,
    .quirks = known ? fd_quirks_find (&info) : 0,
  };
  FdSession *session;

  if (!jingle->hooks.admit (peer, jingle->data))
    fd_iq_reply_error (iq, request, "cancel", "service-unavailable", NULL, NULL, NULL);
  else if (g_hash_table_size (jingle->sessions) >= MAX_SESSIONS)
    fd_iq_reply_error (iq, request, "wait", "resource-constraint", NULL, NULL, NULL);
  else
    {
      session = fd_session_new (jingle, &config);
      g_hash_table_insert (jingle->sessions, session_key (peer, message->sid), session);
      fd_session_receive (session, request, message);
    }
}

static void
handle_jingle (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload, gpointer data)
{
  FdJingle *jingle = data;
  const char *from = xmpp_stanza_get_from (request);
  g_autoptr (GError) error = NULL;
  g_autoptr (FdJingleMessage) message = fd_jingle_message_parse (payload, &error);
  g_autofree char *key = NULL;
  FdSession *session;

  if (!message || !from)
    {
      fd_iq_reply_error (iq, request, "modify", "bad-request", NULL, NULL, error ? error->message : NULL);
      return;
    }
  key = session_key (from, message->sid);
  session = g_hash_table_lookup (jingle->sessions, key);
  if (session)
    fd_session_receive (session, request, message);
  else if (message->action == FD_JINGLE_SESSION_INITIATE)
    receive_initiate (jingle, iq, request, message, from);
  else if (message->action == FD_JINGLE_SESSION_TERMINATE)
    fd_iq_reply (iq, request, NULL); /* both ended it at once */
  else
    fd_iq_reply_error (iq, request, "cancel", "item-not-found", "unknown-session", FD_NS_JINGLE_ERRORS, NULL);
}

/* --- life --- */

/* The sessions as they are now; a session may leave the table under a loop. */
static GList *
list_sessions (FdJingle *jingle)
{
  return g_hash_table_get_values (jingle->sessions);
}

static void
peer_gone (const char *full_jid, gpointer data)
{
  g_autoptr (GList) sessions = list_sessions (data);

  for (GList *l = sessions; l; l = l->next)
    if (g_str_equal (fd_session_get_config (l->data)->peer, full_jid))
      fd_session_peer_gone (l->data);
}

FdJingle *
fd_jingle_new (FdClient *client, const FdJingleHooks *hooks, gpointer data)
{
  FdJingle *jingle = g_new0 (FdJingle, 1);
  FdIq *iq = fd_client_get_iq (client);

  jingle->client = client;
  jingle->proxies = fd_s5b_proxies_new (iq);
  jingle->ibb = fd_ibb_new (iq);
  jingle->hooks = *hooks;
  jingle->data = data;
  jingle->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&jingle->goodbyes);
  fd_iq_handle (iq, "set", FD_NS_JINGLE, handle_jingle, jingle);
  fd_peers_set_gone_callback (fd_client_get_peers (client), peer_gone, jingle);
  return jingle;
}

void
fd_jingle_free (FdJingle *jingle)
{
  g_autoptr (GList) sessions = NULL;

  if (!jingle)
    return;
  sessions = list_sessions (jingle);
  fd_iq_handle (fd_client_get_iq (jingle->client), "set", FD_NS_JINGLE, NULL, NULL);
  fd_peers_set_gone_callback (fd_client_get_peers (jingle->client), NULL, NULL);
  for (GList *l = sessions; l; l = l->next)
    fd_session_free (l->data);
  g_hash_table_unref (jingle->sessions);
  g_queue_clear_full (&jingle->goodbyes, (GDestroyNotify) goodbye_free);
  fd_ibb_free (jingle->ibb);
  fd_s5b_proxies_free (jingle->proxies);
  g_free (jingle);
}

void
fd_jingle_stream_up (FdJingle *jingle)
{
  g_autoptr (GList) sessions = list_sessions (jingle);

  fd_s5b_proxies_stream_up (jingle->proxies);
  for (GList *l = sessions; l; l = l->next)
    fd_session_stream_changed (l->data, TRUE);
  for (GList *l = jingle->goodbyes.head; l; l = l->next)
    if (((Goodbye *) l->data)->waits_for_stream)
      goodbye_send (l->data);
}

void
fd_jingle_stream_lost (FdJingle *jingle)
{
  g_autoptr (GList) sessions = list_sessions (jingle);

  fd_s5b_proxies_stream_lost (jingle->proxies);
  for (GList *l = sessions; l; l = l->next)
    fd_session_stream_changed (l->data, FALSE);
}

void
fd_jingle_remove (FdJingle *jingle, FdSession *session)
{
  const FdSessionConfig *config = fd_session_get_config (session);
  g_autofree char *key = session_key (config->peer, config->sid);

  g_hash_table_remove (jingle->sessions, key);
  if (config->initiator)
    fd_peers_hide_presence (fd_client_get_peers (jingle->client), config->peer);
}

/* --- offering --- */

FdSession *
fd_jingle_open (FdJingle *jingle, const FdSessionConfig *config)
{
  g_autofree char *sid = fd_jingle_random_id ();
  FdSessionConfig own = *config;
  FdSession *session;

  own.sid = sid;
  fd_peers_show_presence (fd_client_get_peers (jingle->client), own.peer);
  session = fd_session_new (jingle, &own);
  g_hash_table_insert (jingle->sessions, session_key (own.peer, sid), session);
  return session;
}

/* Into a session that carries files of the same batch, if there is one with room. */
static FdContent *
join (FdJingle *jingle, const FdPeerInfo *peer, const FdFile *file, FdSource *source,
      const FdContentParams *params)
{
  GHashTableIter iter;
  gpointer session;

  g_hash_table_iter_init (&iter, jingle->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    {
      const FdSessionConfig *config = fd_session_get_config (session);
      FdContent *content;

      if (config->initiator && g_str_equal (config->peer, peer->full_jid)
          && g_str_equal (fd_session_get_batch (session), params->batch)
          && (content = fd_session_offer (session, file, source, params)))
        return content;
    }
  return NULL;
}

FdContent *
fd_jingle_offer (FdJingle *jingle, const FdPeerInfo *peer, const FdFile *file, FdSource *source,
                 const FdContentParams *params, const FdContentHooks *hooks, gpointer data)
{
  gboolean batch = params->batch && *params->batch;
  const FdSessionConfig config = {
    .initiator = TRUE,
    .me = fd_client_get_full_jid (jingle->client),
    .peer = peer->full_jid,
    .peer_transports = peer->transports,
    .version = peer->file_transfer_5 ? FD_FT_5 : FD_FT_4,
    .quirks = fd_quirks_find (peer),
    .extensions = fd_extensions_find (peer) & ~(batch ? 0 : FD_EXT_BATCH),
    .timeout_s = params->timeout_s,
    .batch = params->batch,
  };
  FdContent *content = NULL;

  if (batch)
    content = join (jingle, peer, file, source, params);
  if (!content)
    content = fd_session_offer (fd_jingle_open (jingle, &config), file, source, params);
  fd_content_set_hooks (content, hooks, data);
  return content;
}

/* --- for session.c and content.c --- */

FdClient *
fd_jingle_get_client (FdJingle *jingle)
{
  return jingle->client;
}

FdS5bProxies *
fd_jingle_get_proxies (FdJingle *jingle)
{
  return jingle->proxies;
}

FdIbb *
fd_jingle_get_ibb (FdJingle *jingle)
{
  return jingle->ibb;
}

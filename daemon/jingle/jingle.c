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
  FdJingleIncoming incoming;
  gpointer data;
  GHashTable *sessions; /* "peer\nsid" -> FdSession, owned */
  GQueue goodbyes; /* Goodbye */
};

typedef struct
{
  FdJingle *jingle;
  char *peer;
  char *sid;
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
  g_free (goodbye->sid);
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
  goodbye->sid = g_strdup (message->sid);
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

static void
reply (FdIq *iq, xmpp_stanza_t *request, FdReply how)
{
  if (how == FD_REPLY_OK)
    fd_iq_reply (iq, request, NULL);
  else
    fd_iq_reply_error (iq, request, replies[how].type, replies[how].condition, replies[how].app,
                       replies[how].app ? FD_NS_JINGLE_ERRORS : NULL, NULL);
}

static void
receive (FdSession *session, FdIq *iq, xmpp_stanza_t *request, const FdJingleMessage *message)
{
  FdReply how = fd_machine_receive (fd_session_get_machine (session), message, g_get_monotonic_time ());

  if (how == FD_REPLY_ASK_TRANSPORT)
    {
      const FdContent *content = fd_jingle_message_get_content (message);

      how = fd_session_take_transport_info (session, content->transport.s5b) ? FD_REPLY_OK
                                                                             : FD_REPLY_ITEM_NOT_FOUND;
    }
  reply (iq, request, how);
  fd_session_run (session);
}

/* What the peer may fall back to. Unknown: it will say. */
static FdTransports
peer_transports (FdJingle *jingle, const char *peer)
{
  FdPeerInfo info;

  if (fd_peers_lookup (fd_client_get_peers (jingle->client), peer, &info) && info.transports != 0)
    return info.transports;
  return FD_TRANSPORT_S5B | FD_TRANSPORT_IBB;
}

static void
receive_initiate (FdJingle *jingle, FdIq *iq, xmpp_stanza_t *request, const FdJingleMessage *message,
                  const char *peer)
{
  const FdSessionParams params = { .paths = FD_PATH_ANY };
  const FdMachineConfig config = {
    .me = fd_client_get_full_jid (jingle->client),
    .peer = peer,
    .sid = message->sid,
    .peer_transports = peer_transports (jingle, peer),
    .paths = FD_PATH_ANY,
  };
  const char *reason = NULL;
  FdSession *session;
  FdMachine *machine;
  FdReply how;

  if (g_hash_table_size (jingle->sessions) >= MAX_SESSIONS)
    {
      fd_iq_reply_error (iq, request, "wait", "resource-constraint", NULL, NULL, NULL);
      return;
    }
  session = fd_session_new (jingle, &config, NULL, NULL, &params);
  machine = fd_session_get_machine (session);
  how = fd_machine_receive (machine, message, g_get_monotonic_time ());
  if (how != FD_REPLY_OK)
    {
      reply (iq, request, how);
      fd_session_free (session);
      return;
    }
  g_hash_table_insert (jingle->sessions, session_key (peer, message->sid), session);
  if (fd_machine_get_state (machine) == FD_MACHINE_OFFERED
      && !jingle->incoming (session, &reason, jingle->data))
    {
      g_autoptr (GError) error
        = g_error_new_literal (FD_ERROR, FD_ERROR_BUSY, "The offer was refused by policy");

      if (!reason)
        {
          fd_iq_reply_error (iq, request, "cancel", "service-unavailable", NULL, NULL, NULL);
          fd_jingle_remove (jingle, session);
          fd_session_free (session);
          return;
        }
      fd_machine_abort (machine, FD_OUTCOME_FAILED, reason, error, g_get_monotonic_time ());
    }
  reply (iq, request, FD_REPLY_OK);
  fd_session_run (session);
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
    receive (session, iq, request, message);
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
    if (strcmp (fd_session_get_peer (l->data), full_jid) == 0)
      fd_session_peer_gone (l->data);
}

FdJingle *
fd_jingle_new (FdClient *client, FdJingleIncoming incoming, gpointer data)
{
  FdJingle *jingle = g_new0 (FdJingle, 1);
  FdIq *iq = fd_client_get_iq (client);

  jingle->client = client;
  jingle->proxies = fd_s5b_proxies_new (iq);
  jingle->ibb = fd_ibb_new (iq);
  jingle->incoming = incoming;
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
  g_autofree char *key = session_key (fd_session_get_peer (session), fd_session_get_sid (session));

  g_hash_table_remove (jingle->sessions, key);
}

FdSession *
fd_jingle_offer (FdJingle *jingle, const FdPeerInfo *peer, const FdFile *file, FdSource *source,
                 const FdSessionParams *params, const FdSessionHooks *hooks, gpointer data)
{
  g_autofree char *sid = fd_jingle_random_id ();
  const FdMachineConfig config = {
    .initiator = TRUE,
    .me = fd_client_get_full_jid (jingle->client),
    .peer = peer->full_jid,
    .sid = sid,
    .peer_transports = peer->transports,
    .paths = params->paths,
    .timeout_s = params->timeout_s,
  };
  FdSession *session = fd_session_new (jingle, &config, file, source, params);

  fd_session_set_hooks (session, hooks, data);
  g_hash_table_insert (jingle->sessions, session_key (peer->full_jid, sid), session);
  fd_machine_start (fd_session_get_machine (session), g_get_monotonic_time ());
  fd_session_schedule (session);
  return session;
}

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

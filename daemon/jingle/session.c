/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One session at work (XEP-0166): owns its machine and the files in it, sends
 * what the machine says, and gives what the peer says to whom it concerns.
 */
#include "jingle/session.h"

#include "base/error.h"
#include "base/timer.h"
#include "jingle/content.h"
#include "xmpp/jid.h"

struct FdSession
{
  FdJingle *jingle; /* owner */
  FdSessionConfig config; /* its strings are ours */
  FdSessionMachine *machine;
  char *batch; /* NULL: none */
  GPtrArray *contents; /* FdContent */
  GHashTable *requests; /* iq id -> Request */
  GSource *wake; /* the machine's deadline, or now */
};

/* A stanza of ours that waits for its answer. */
typedef struct
{
  FdSession *session;
  FdJingleMessage *message;
  guint id;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  fd_jingle_message_free (request->message);
  g_free (request);
}

/* --- waking up --- */

static gboolean
wake (gpointer data)
{
  FdSession *session = data;

  g_source_set_ready_time (session->wake, -1);
  fd_session_machine_tick (session->machine, fd_session_now (session));
  fd_session_run (session);
  return G_SOURCE_CONTINUE;
}

void
fd_session_schedule (FdSession *session)
{
  g_source_set_ready_time (session->wake, 0);
}

gint64
fd_session_now (FdSession *session)
{
  for (guint i = 0; i < session->contents->len; i++)
    fd_content_feed_progress (session->contents->pdata[i]);
  return g_get_monotonic_time ();
}

/* --- life --- */

FdSession *
fd_session_new (FdJingle *jingle, const FdSessionConfig *config)
{
  FdSession *session = g_new0 (FdSession, 1);

  session->jingle = jingle;
  session->config = *config;
  session->config.me = g_strdup (config->me);
  session->config.peer = g_strdup (config->peer);
  session->config.sid = g_strdup (config->sid);
  session->machine = fd_session_machine_new (config);
  session->config.batch = session->batch = g_strdup (config->batch);
  session->contents = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_content_close);
  session->requests = g_hash_table_new_full (NULL, NULL, NULL, request_free);
  session->wake = fd_timer_new ("session", wake, session);
  return session;
}

void
fd_session_free (FdSession *session)
{
  FdIq *iq = fd_client_get_iq (fd_jingle_get_client (session->jingle));
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, session->requests);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    fd_iq_cancel (iq, GPOINTER_TO_UINT (id));
  g_hash_table_unref (session->requests);
  g_ptr_array_unref (session->contents);
  fd_timer_free (session->wake);
  fd_session_machine_free (session->machine);
  g_free ((char *) session->config.me);
  g_free ((char *) session->config.peer);
  g_free ((char *) session->config.sid);
  g_free (session->batch);
  g_free (session);
}

static FdContent *
add_content (FdSession *session, FdContentMachine *machine, FdSource *source, const FdContentParams *params)
{
  FdContent *content = fd_content_new (session, machine, source, params);

  g_ptr_array_add (session->contents, content);
  return content;
}

FdContent *
fd_session_offer (FdSession *session, const FdFile *file, FdSource *source, const FdContentParams *params)
{
  FdContentMachine *machine
    = fd_session_machine_add (session->machine, file, params->paths, fd_session_now (session));

  if (!machine)
    return NULL;
  fd_session_schedule (session);
  return add_content (session, machine, source, params);
}

/* --- stanzas out --- */

/* XEP-0166 §7.3: an error with <unknown-session/> means the session is over there. */
static gboolean
is_unknown_session (xmpp_stanza_t *reply)
{
  xmpp_stanza_t *error = reply ? fd_xml_child (reply, "error", NULL) : NULL;

  return error && fd_xml_child (error, "unknown-session", FD_NS_JINGLE_ERRORS) != NULL;
}

static FdContent *
find_content (FdSession *session, const char *name)
{
  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContent *content = session->contents->pdata[i];

      if (g_str_equal (fd_content_machine_get_name (fd_content_get_machine (content)), name))
        return content;
    }
  return NULL;
}

/* The transports whose candidates or notifications the stanza carried want to
 * know that they are there. */
static void
tell_transports (FdSession *session, const FdJingleMessage *message, gboolean ok)
{
  for (guint i = 0; i < message->contents->len; i++)
    {
      const FdJingleContent *sent = message->contents->pdata[i];
      FdContent *content = find_content (session, sent->name);

      if (content)
        fd_content_acked (content, &sent->transport, ok);
    }
}

static void
answered (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  Request *request = data;
  FdSession *session = request->session;
  const FdJingleMessage *message = request->message;

  if (error)
    g_info ("%s answered %s with an error: %s", session->config.peer, fd_jingle_action_name (message->action),
            error->message);
  tell_transports (session, message, error == NULL);
  fd_session_machine_answered (session->machine, message, error, is_unknown_session (reply),
                               fd_session_now (session));
  g_hash_table_remove (session->requests, GUINT_TO_POINTER (request->id));
  fd_session_run (session);
}

/* Takes @message. */
static void
send_message (FdSession *session, FdJingleMessage *message)
{
  FdIq *iq = fd_client_get_iq (fd_jingle_get_client (session->jingle));
  gboolean ping = message->action == FD_JINGLE_SESSION_INFO && message->info == FD_SESSION_INFO_PING;
  Request *request;

  if (message->action == FD_JINGLE_SESSION_TERMINATE)
    {
      fd_jingle_say_goodbye (session->jingle, session->config.peer, message);
      fd_jingle_message_free (message);
      return;
    }
  request = g_new0 (Request, 1);
  request->session = session;
  request->message = message;
  request->id = fd_iq_send (iq, "set", session->config.peer, fd_jingle_message_build (message),
                            ping ? FD_T_PING : FD_IQ_TIMEOUT_MS, answered, request);
  g_hash_table_insert (session->requests, GUINT_TO_POINTER (request->id), request);
}

/* --- stanzas in --- */

void
fd_session_receive (FdSession *session, xmpp_stanza_t *request, const FdJingleMessage *message)
{
  FdContentMachine *asked = NULL;
  FdReply how = fd_session_machine_receive (session->machine, message, &asked, fd_session_now (session));

  if (how == FD_REPLY_ASK_TRANSPORT)
    {
      const FdTransportInfo *info = &fd_jingle_message_get_content (message)->transport;

      how
        = fd_content_take (fd_content_machine_get_data (asked), info) ? FD_REPLY_OK : FD_REPLY_ITEM_NOT_FOUND;
    }
  fd_jingle_reply (session->jingle, request, how);
  fd_session_run (session);
}

/* --- actions --- */

/* The same for all sessions of one batch, and of no use to others who learn what it is called. */
static char *
make_batch (FdSession *session)
{
  const char *id = fd_session_machine_get_batch (session->machine);
  g_autofree char *bare = fd_jid_bare (session->config.peer);
  g_autofree char *text = g_strconcat (bare, "\n", id, NULL);

  return id ? g_compute_checksum_for_string (G_CHECKSUM_SHA1, text, -1) : g_uuid_string_random ();
}

static void
show (FdSession *session, FdContentMachine *machine)
{
  const FdContentParams params = { .paths = FD_PATH_ANY };
  FdContent *content = add_content (session, machine, NULL, &params);
  const char *reason = "decline";
  g_autoptr (GError) error = NULL;

  if (!session->batch && fd_session_machine_is_batch (session->machine))
    session->batch = make_batch (session);
  if (fd_jingle_show (session->jingle, content, &reason))
    return;
  error = g_error_new_literal (FD_ERROR, FD_ERROR_BUSY, "The offer was refused by policy");
  fd_content_machine_abort (machine, FD_OUTCOME_FAILED, reason, error, fd_session_now (session));
}

/* The file goes to a session of its own, which knows if it is the last try. */
static void
redial (FdSession *session, FdContent *content, gboolean last)
{
  FdSessionConfig config = session->config;
  FdSession *again;
  FdContentMachine *machine;
  guint index;

  g_info ("%s is offered the file in a new session: %s", config.peer,
          last ? "no path was found in the first" : "the first ended before it was seen there");
  fd_content_log_rows (content);
  config.redialed |= last;
  if (last)
    {
      config.extensions &= ~FD_EXT_BATCH;
      config.batch = NULL;
    }
  again = fd_jingle_open (session->jingle, &config);
  machine = fd_session_machine_add (again->machine, fd_content_get_file (content),
                                    fd_content_get_params (content)->paths, g_get_monotonic_time ());
  if (g_ptr_array_find (session->contents, content, &index))
    g_ptr_array_steal_index (session->contents, index);
  fd_content_move (content, again, machine);
  g_ptr_array_add (again->contents, content);
  fd_session_schedule (again);
}

static void
end_content (FdSession *session, FdContent *content)
{
  fd_content_log_rows (content);
  fd_content_tell_ended (content);
  g_ptr_array_remove (session->contents, content);
}

static void
carry_out (FdSession *session, FdAction *action)
{
  FdContent *content = action->content ? fd_content_machine_get_data (action->content) : NULL;

  switch (action->what)
    {
    case FD_DO_SEND:
      send_message (session, g_steal_pointer (&action->message));
      break;
    case FD_DO_TELL_OFFERED:
      show (session, action->content);
      break;
    case FD_DO_REDIAL:
      redial (session, content, action->kind == FD_TRANSPORT_KIND_IBB);
      break;
    case FD_DO_END_CONTENT:
      end_content (session, content);
      break;
    default:
      fd_content_carry_out (content, action);
    }
}

void
fd_session_run (FdSession *session)
{
  FdAction *action;

  while ((action = fd_session_machine_next (session->machine)))
    {
      gboolean over = action->what == FD_DO_END;

      if (!over)
        carry_out (session, action);
      fd_action_free (action);
      if (over)
        {
          fd_jingle_remove (session->jingle, session);
          fd_session_free (session);
          return;
        }
    }
  g_source_set_ready_time (session->wake, fd_session_machine_get_deadline (session->machine));
}

/* --- for jingle.c and content.c --- */

void
fd_session_stream_changed (FdSession *session, gboolean up)
{
  gint64 now = fd_session_now (session);

  if (up)
    fd_session_machine_stream_up (session->machine, now);
  else
    fd_session_machine_stream_lost (session->machine, now);
  fd_session_schedule (session);
}

void
fd_session_peer_gone (FdSession *session)
{
  fd_session_machine_peer_gone (session->machine, fd_session_now (session));
  fd_session_schedule (session);
}

FdJingle *
fd_session_get_jingle (FdSession *session)
{
  return session->jingle;
}

const FdSessionConfig *
fd_session_get_config (FdSession *session)
{
  return &session->config;
}

const char *
fd_session_get_batch (FdSession *session)
{
  return session->batch ? session->batch : "";
}

FdRows
fd_session_get_rows (FdSession *session)
{
  return fd_session_machine_get_rows (session->machine);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session around the files: what is offered, accepted and ended together
 * (XEP-0166 §6), and what concerns all of them. The peer's requests are in
 * session-receive.c.
 */
#include "jingle/machine-private.h"

#include <string.h>

/* --- life --- */

FdSessionMachine *
fd_session_machine_new (const FdSessionConfig *config)
{
  FdSessionMachine *session = g_new0 (FdSessionMachine, 1);
  gint64 answer = config->timeout_s > 0 ? (gint64) config->timeout_s * G_USEC_PER_SEC : FD_MS (FD_T_ANSWER);

  session->initiator = config->initiator;
  session->me = g_strdup (config->me);
  session->peer = g_strdup (config->peer);
  session->sid = g_strdup (config->sid);
  session->batch = g_strdup (config->batch);
  session->peer_transports = config->peer_transports;
  session->version = config->version;
  session->quirks = config->quirks;
  session->extensions = config->initiator ? config->extensions : 0;
  session->answer_time = config->initiator ? answer : answer + FD_MS (FD_T_GRACE);
  session->redialed = config->redialed;
  session->linger = -1;
  session->gone = -1;
  session->stream_up = TRUE;
  session->contents = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_content_free);
  g_queue_init (&session->actions);
  return session;
}

void
fd_session_machine_free (FdSessionMachine *session)
{
  if (!session)
    return;
  g_queue_clear_full (&session->actions, (GDestroyNotify) fd_action_free);
  g_ptr_array_unref (session->contents);
  g_free (session->me);
  g_free (session->peer);
  g_free (session->sid);
  g_free (session->batch);
  g_free (session);
}

void
fd_action_free (FdAction *action)
{
  g_clear_pointer (&action->message, fd_jingle_message_free);
  fd_transport_info_clear (&action->remote);
  g_free (action);
}

FdAction *
fd_session_machine_next (FdSessionMachine *session)
{
  return g_queue_pop_head (&session->actions);
}

static void
earlier (gint64 *deadline, gint64 other)
{
  if (other >= 0 && (*deadline < 0 || other < *deadline))
    *deadline = other;
}

gint64
fd_session_machine_get_deadline (FdSessionMachine *session)
{
  gint64 deadline = -1;

  earlier (&deadline, session->linger);
  earlier (&deadline, session->gone);
  for (guint i = 0; i < session->contents->len; i++)
    earlier (&deadline, ((FdContentMachine *) session->contents->pdata[i])->deadline);
  return deadline;
}

FdSessionState
fd_session_machine_get_state (FdSessionMachine *session)
{
  return session->state;
}

FdRows
fd_session_machine_get_rows (FdSessionMachine *session)
{
  FdRows rows = session->rows;

  for (guint i = 0; i < session->contents->len; i++)
    rows |= ((FdContentMachine *) session->contents->pdata[i])->rows;
  return rows;
}

gboolean
fd_session_machine_is_batch (FdSessionMachine *session)
{
  return (session->extensions & FD_EXT_BATCH) != 0 || session->contents->len > 1;
}

const char *
fd_session_machine_get_batch (FdSessionMachine *session)
{
  return session->batch;
}

/* --- what the other files use --- */

FdAction *
fd_session_do (FdSessionMachine *session, FdDo what)
{
  FdAction *action = g_new0 (FdAction, 1);

  action->what = what;
  g_queue_push_tail (&session->actions, action);
  return action;
}

FdContentMachine *
fd_session_append (FdSessionMachine *session, const char *name, const FdFile *file)
{
  FdContentMachine *content = g_new0 (FdContentMachine, 1);

  content->session = session;
  content->name = g_strdup (name);
  content->file = file ? fd_file_copy (file) : NULL;
  content->version = session->version;
  content->deadline = -1;
  content->answer_by = -1;
  content->length = -1;
  content->complete_by = -1;
  g_queue_init (&content->held);
  g_queue_init (&content->early);
  g_ptr_array_add (session->contents, content);
  return content;
}

FdContentMachine *
fd_session_find (const FdSessionMachine *session, const char *name)
{
  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      if (strcmp (content->name, name) == 0)
        return content;
    }
  return NULL;
}

static gboolean
has_state (const FdSessionMachine *session, FdContentState state)
{
  for (guint i = 0; i < session->contents->len; i++)
    if (((FdContentMachine *) session->contents->pdata[i])->state == state)
      return TRUE;
  return FALSE;
}

gboolean
fd_session_has_live (const FdSessionMachine *session)
{
  for (guint i = 0; i < session->contents->len; i++)
    if (!((FdContentMachine *) session->contents->pdata[i])->over)
      return TRUE;
  return FALSE;
}

FdJingleMessage *
fd_session_message (FdSessionMachine *session, FdJingleAction what)
{
  FdJingleMessage *message = fd_jingle_message_new (what, session->sid);

  message->initiator = g_strdup (session->initiator ? session->me : session->peer);
  return message;
}

void
fd_session_send (FdSessionMachine *session, FdContentMachine *content, FdJingleMessage *message)
{
  FdAction *action = fd_session_do (session, FD_DO_SEND);

  action->content = content && content->state != FD_CONTENT_ENDED ? content : NULL;
  action->message = message;
}

void
fd_session_terminate (FdSessionMachine *session, const char *reason, const char *detail, const char *text)
{
  FdJingleMessage *message;

  if (session->terminated || !session->announced)
    return;
  session->terminated = TRUE;
  session->linger = -1;
  message = fd_session_message (session, FD_JINGLE_SESSION_TERMINATE);
  message->reason = g_strdup (reason);
  message->reason_detail = g_strdup (detail);
  message->reason_text = g_strdup (text);
  fd_session_send (session, NULL, message);
}

/* --- offers and accepts --- */

/* Appends all that are ready to @message. */
static void
describe_ready (FdSessionMachine *session, FdJingleMessage *message)
{
  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];
      const FdTransportInfo none = { .kind = FD_TRANSPORT_KIND_NONE };

      if (content->state == FD_CONTENT_READY)
        fd_content_describe (content, message, content->omit_transport ? &none : &content->local, TRUE);
    }
}

/* Initiator: all that are added so far go out together, later ones as they come. */
static void
send_offers (FdSessionMachine *session)
{
  FdJingleMessage *message;

  if (!has_state (session, FD_CONTENT_READY)
      || (!session->announced && has_state (session, FD_CONTENT_PREPARING)))
    return;
  message
    = fd_session_message (session, session->announced ? FD_JINGLE_CONTENT_ADD : FD_JINGLE_SESSION_INITIATE);
  message->batch = (session->extensions & FD_EXT_BATCH) != 0;
  if (message->batch)
    message->batch_id = g_strdup (session->batch);
  describe_ready (session, message);
  fd_session_send (session, NULL, message);

  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      if (content->state != FD_CONTENT_READY)
        continue;
      content->added = session->announced;
      content->proposed = TRUE;
      content->answer_by = session->now + session->answer_time;
      fd_content_enter (content, FD_CONTENT_OFFERED, content->answer_by);
      fd_content_release (content);
    }
  if (!session->announced)
    session->state = FD_SESSION_PENDING;
  session->announced = TRUE;
}

/* Responder: without the batch extension the answer is one for all. */
static void
send_accepts (FdSessionMachine *session)
{
  g_autoptr (GPtrArray) accepted = g_ptr_array_new ();
  FdJingleMessage *message;
  gboolean first = session->state == FD_SESSION_PENDING;

  if (!has_state (session, FD_CONTENT_READY)
      || (first && !(session->extensions & FD_EXT_BATCH)
          && (has_state (session, FD_CONTENT_OFFERED) || has_state (session, FD_CONTENT_PREPARING))))
    return;
  message = fd_session_message (session, first ? FD_JINGLE_SESSION_ACCEPT : FD_JINGLE_CONTENT_ACCEPT);
  message->responder = first ? g_strdup (session->me) : NULL;
  describe_ready (session, message);
  fd_session_send (session, NULL, message);
  session->state = FD_SESSION_ACTIVE;

  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      if (content->state == FD_CONTENT_READY)
        {
          fd_row (&content->rows, 5);
          fd_content_enter (content, FD_CONTENT_NEGOTIATING, -1);
          g_ptr_array_add (accepted, content);
        }
      else if (content->over)
        fd_content_release (content); /* the refusal */
    }
  for (guint i = 0; i < accepted->len; i++)
    fd_content_begin (accepted->pdata[i]);
}

void
fd_session_advance (FdSessionMachine *session)
{
  if (!session->terminated && session->initiator)
    send_offers (session);
  else if (!session->terminated)
    send_accepts (session);

  for (guint i = 0; i < session->contents->len; i++)
    if (((FdContentMachine *) session->contents->pdata[i])->state != FD_CONTENT_ENDED)
      return;
  if (session->state == FD_SESSION_ENDED || session->linger >= 0)
    return;
  session->state = FD_SESSION_ENDED;
  session->gone = -1;
  fd_session_do (session, FD_DO_END);
}

FdContentMachine *
fd_session_machine_add (FdSessionMachine *session, const FdFile *file, FdPath paths, gint64 now)
{
  g_autofree char *name = NULL;
  FdContentMachine *content;

  g_return_val_if_fail (session->initiator, NULL);

  if (session->state == FD_SESSION_ENDED || session->terminated
      || session->contents->len == FD_JINGLE_MAX_CONTENTS
      || (session->contents->len > 0 && !(session->extensions & FD_EXT_BATCH)))
    return NULL;
  session->now = now;
  name = session->contents->len == 0 ? g_strdup ("file")
                                     : g_strdup_printf ("file-%u", session->contents->len + 1);
  content = fd_session_append (session, name, file);
  content->told = TRUE;
  content->paths = paths;
  fd_content_name_for_resume (content);
  fd_content_prepare_offer (content);
  return content;
}

/* --- the world around --- */

void
fd_session_machine_stream_lost (FdSessionMachine *session, gint64 now)
{
  session->now = now;
  session->stream_up = FALSE;
  if (session->linger >= 0)
    {
      session->linger = -1;
      session->terminated = TRUE;
    }
  for (guint i = 0; i < session->contents->len; i++)
    fd_content_stream_lost (session->contents->pdata[i]);
  fd_session_advance (session);
}

void
fd_session_machine_stream_up (FdSessionMachine *session, gint64 now)
{
  session->now = now;
  session->stream_up = TRUE;
  for (guint i = 0; i < session->contents->len; i++)
    fd_content_check_delivered (session->contents->pdata[i]);
}

void
fd_session_machine_peer_gone (FdSessionMachine *session, gint64 now)
{
  session->now = now;
  if (!session->announced || session->state == FD_SESSION_ENDED || session->gone >= 0)
    return;
  fd_row (&session->rows, 52);
  session->gone = now + FD_MS (FD_T_PEER_GONE);
  for (guint i = 0; i < session->contents->len; i++)
    fd_content_peer_gone (session->contents->pdata[i]);
}

static void
give_up (FdSessionMachine *session)
{
  g_autoptr (GPtrArray) idle = g_ptr_array_new ();

  for (guint i = 0; i < session->contents->len; i++)
    if (!fd_content_is_busy (session->contents->pdata[i]))
      g_ptr_array_add (idle, session->contents->pdata[i]);
  if (idle->len < session->contents->len)
    session->gone = session->now + FD_MS (FD_T_PEER_GONE);
  else
    {
      session->terminated = TRUE; /* nobody is there to be told */
      session->linger = -1;
    }
  for (guint i = 0; i < idle->len; i++)
    fd_content_give_up (idle->pdata[i]);
  fd_session_advance (session);
}

void
fd_session_machine_tick (FdSessionMachine *session, gint64 now)
{
  session->now = now;
  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      if (content->deadline >= 0 && now >= content->deadline)
        fd_content_tick (content);
    }
  if (session->gone >= 0 && now >= session->gone)
    {
      session->gone = -1;
      give_up (session);
    }
  if (session->linger >= 0 && now >= session->linger)
    {
      session->linger = -1;
      fd_session_terminate (session, "success", NULL, NULL);
      fd_session_advance (session);
    }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file of a session: what the peer is told of it, the user's answer, its
 * timers and its end (XEP-0166 §6). Its bytes are in content-bytes.c, its transport
 * in content-transport.c, the peer's requests in content-receive.c.
 */
#include "jingle/machine-private.h"

#include <stdarg.h>

/* --- life --- */

void
fd_content_free (FdContentMachine *content)
{
  g_queue_clear_full (&content->held, (GDestroyNotify) fd_jingle_message_free);
  g_queue_clear_full (&content->early, (GDestroyNotify) fd_s5b_info_free);
  fd_transport_info_clear (&content->local);
  fd_transport_info_clear (&content->remote);
  fd_transport_info_clear (&content->proposal);
  g_clear_pointer (&content->file, fd_file_free);
  g_clear_error (&content->failure);
  g_clear_error (&content->error);
  g_free (content->said);
  g_free (content->name);
  g_free (content);
}

FdContentState
fd_content_machine_get_state (FdContentMachine *content)
{
  return content->state;
}

const FdFile *
fd_content_machine_get_file (FdContentMachine *content)
{
  return content->file;
}

const char *
fd_content_machine_get_name (FdContentMachine *content)
{
  return content->name;
}

FdQuirks
fd_content_machine_get_quirks (FdContentMachine *content)
{
  return content->session->quirks | content->quirks;
}

const FdContentEnd *
fd_content_machine_get_end (FdContentMachine *content)
{
  return &content->end;
}

void
fd_content_machine_set_data (FdContentMachine *content, gpointer data)
{
  content->data = data;
}

gpointer
fd_content_machine_get_data (FdContentMachine *content)
{
  return content->data;
}

/* --- what the other files use --- */

GError *
fd_content_error (FdErrorCode code, const char *format, ...)
{
  va_list args;
  GError *error;

  va_start (args, format);
  error = g_error_new_valist (FD_ERROR, code, format, args);
  va_end (args);
  return error;
}

FdAction *
fd_content_do (FdContentMachine *content, FdDo what)
{
  FdAction *action = fd_session_do (content->session, what);

  action->content = content;
  return action;
}

void
fd_content_enter (FdContentMachine *content, FdContentState state, gint64 deadline)
{
  content->state = state;
  content->deadline = deadline;
}

void
fd_content_expect (FdContentMachine *content, FdEndedBy blame, GError *error)
{
  g_clear_error (&content->error);
  content->error = error;
  content->blame = blame;
}

/* --- what the peer is told --- */

void
fd_content_describe (FdContentMachine *content, FdJingleMessage *message, const FdTransportInfo *transport,
                     gboolean with_file)
{
  FdJingleContent *described = fd_jingle_message_add_content (message, TRUE, content->name);

  described->senders = FD_SENDERS_INITIATOR;
  described->version = content->version;
  fd_transport_info_copy (&described->transport, transport);
  if (with_file)
    described->file = fd_file_copy (content->file);
}

void
fd_content_send (FdContentMachine *content, FdJingleAction what, const FdTransportInfo *transport)
{
  FdJingleMessage *message = fd_session_message (content->session, what);

  fd_content_describe (content, message, transport, what == FD_JINGLE_SESSION_ACCEPT);
  if (what == FD_JINGLE_SESSION_ACCEPT)
    message->responder = g_strdup (content->session->me);
  message->early_accept = what == FD_JINGLE_TRANSPORT_REPLACE && !content->accepted;
  fd_session_send (content->session, content, message);
}

void
fd_content_release (FdContentMachine *content)
{
  FdJingleMessage *message;

  while ((message = g_queue_pop_head (&content->held)))
    fd_session_send (content->session, content, message);
}

void
fd_content_send_info (FdContentMachine *content, FdSessionInfoKind info, const FdDigest *digest)
{
  FdJingleMessage *message = fd_session_message (content->session, FD_JINGLE_SESSION_INFO);

  message->info = info;
  message->info_content = g_strdup (info == FD_SESSION_INFO_PING ? NULL : content->name);
  message->version = content->version;
  if (digest)
    {
      message->checksum = fd_file_new (NULL, -1);
      fd_file_set_hash (message->checksum, digest);
    }
  fd_session_send (content->session, content, message);
}

void
fd_content_machine_send_transport_info (FdContentMachine *content, const FdS5bInfo *info)
{
  FdSessionMachine *session = content->session;
  FdTransportInfo transport = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = (FdS5bInfo *) info };
  FdJingleMessage *message;

  if (content->over)
    return;
  message = fd_session_message (session, FD_JINGLE_TRANSPORT_INFO);
  fd_content_describe (content, message, &transport, FALSE);
  /* Conversations wants the accept first. */
  if (session->initiator ? content->proposed : content->accepted)
    fd_session_send (session, content, message);
  else
    g_queue_push_tail (&content->held, message);
}

/* A content ends while others go on. */
static void
send_removal (FdContentMachine *content, const char *reason, const char *detail, const char *text)
{
  FdSessionMachine *session = content->session;
  gboolean reject = content->added && !content->accepted && !session->initiator;
  FdTransportInfo none = { .kind = FD_TRANSPORT_KIND_NONE };
  FdJingleMessage *message
    = fd_session_message (session, reject ? FD_JINGLE_CONTENT_REJECT : FD_JINGLE_CONTENT_REMOVE);

  fd_content_describe (content, message, &none, FALSE);
  message->reason = g_strdup (reason);
  message->reason_detail = g_strdup (detail);
  message->reason_text = g_strdup (text);
  g_queue_push_tail (&content->held, message);
  /* Without the extension one does not answer singly before the accept. */
  if (session->initiator || reject || session->state != FD_SESSION_PENDING
      || (session->extensions & FD_EXT_BATCH))
    fd_content_release (content);
}

void
fd_content_tell_end (FdContentMachine *content, const char *reason, const char *detail, const char *text)
{
  gboolean known = content->proposed && !content->over;

  content->over = TRUE;
  g_queue_clear_full (&content->held, (GDestroyNotify) fd_jingle_message_free);
  if (!known || content->session->terminated)
    return;
  if (fd_session_has_live (content->session))
    send_removal (content, reason, detail, text);
  else
    fd_session_terminate (content->session, reason, detail, text);
}

/* --- the end --- */

void
fd_content_end (FdContentMachine *content)
{
  fd_content_enter (content, FD_CONTENT_ENDED, -1);
  content->redial &= content->moved == 0; /* known for sure now that no pump runs */
  fd_content_judge (content);
  if (content->told)
    {
      fd_content_do (content, FD_DO_DROP);
      if (content->redial || content->reoffer)
        fd_content_do (content, FD_DO_REDIAL)->kind
          = content->redial ? FD_TRANSPORT_KIND_IBB : FD_TRANSPORT_KIND_NONE;
      else
        fd_content_do (content, FD_DO_END_CONTENT);
    }
}

/* What was there before the session stays unless somebody says otherwise, what it
 * began goes. */
static void
keep_part (FdContentMachine *content)
{
  gboolean mismatch = content->end.verified == FD_VERIFIED_MISMATCH;

  if (content->end.outcome == FD_OUTCOME_FAILED && !mismatch && content->started)
    fd_content_do (content, FD_DO_KEEP);
  else if (content->end.outcome == FD_OUTCOME_FAILED && mismatch && content->offset == 0)
    fd_content_do (content, FD_DO_KEEP_CORRUPT);
  else if (content->offset > 0 && (content->end.outcome == FD_OUTCOME_CANCELLED || mismatch))
    fd_content_do (content, FD_DO_DISCARD);
}

void
fd_content_finish (FdContentMachine *content, FdOutcome outcome, FdEndedBy by, GError *error)
{
  FdSessionMachine *session = content->session;

  g_clear_error (&content->error);
  content->error = error;
  if (session->initiator && content->received && outcome == FD_OUTCOME_DONE)
    content->end.verified = FD_VERIFIED_OK; /* a mere success proves nothing: Dino and Gajim always say it */
  content->end.outcome = outcome;
  content->end.by = by;
  content->end.error = error;
  content->end.digest = content->pumped && content->digest.algo != FD_HASH_NONE ? &content->digest : NULL;
  content->over = TRUE;
  if (!session->initiator)
    keep_part (content);
  if (content->pumping)
    {
      fd_content_enter (content, FD_CONTENT_STOPPING, -1);
      fd_content_do (content, FD_DO_STOP_PUMP);
    }
  else
    fd_content_end (content);
  if (!fd_session_has_live (session) && session->linger < 0)
    fd_session_terminate (session, outcome == FD_OUTCOME_DONE ? "success" : "cancel", NULL, NULL);
  fd_session_advance (session);
}

void
fd_content_refuse (FdContentMachine *content, const char *reason, const char *detail, const char *text)
{
  fd_content_tell_end (content, reason, detail, text);
  fd_content_finish (content, FD_OUTCOME_FAILED, FD_BY_LOCAL,
                     fd_content_error (FD_ERROR_PROTOCOL, "%s", text));
}

void
fd_content_conclude (FdContentMachine *content)
{
  fd_content_tell_end (content, "success", NULL, NULL);
  fd_content_finish (content, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
}

/* --- the user's answer --- */

void
fd_content_machine_accept (FdContentMachine *content, FdPath paths, guint64 offset, gint64 now)
{
  FdS5bInfo *early;

  g_return_if_fail (!content->session->initiator && content->state == FD_CONTENT_OFFERED);

  content->session->now = now;
  content->paths = paths;
  if (content->remote.kind == FD_TRANSPORT_KIND_IBB && !(paths & FD_PATH_IBB))
    {
      fd_content_tell_end (content, "unsupported-transports", NULL, NULL);
      fd_content_finish (
        content, FD_OUTCOME_FAILED, FD_BY_LOCAL,
        fd_content_error (FD_ERROR_NO_TRANSPORT,
                          "%s offers in-band bytestreams only, and those are not allowed here",
                          content->session->peer));
      return;
    }
  fd_content_ask_range (content, offset);
  fd_content_prepare (content, content->remote.kind, FD_PREPARE_ACCEPT);
  while ((early = g_queue_pop_head (&content->early)))
    {
      FdAction *action = fd_content_do (content, FD_DO_REMOTE);

      action->remote.kind = FD_TRANSPORT_KIND_S5B;
      action->remote.s5b = early;
    }
}

void
fd_content_machine_reject (FdContentMachine *content, gint64 now)
{
  g_return_if_fail (!content->session->initiator && content->state == FD_CONTENT_OFFERED);

  content->session->now = now;
  fd_content_tell_end (content, "decline", NULL, NULL);
  fd_content_finish (content, FD_OUTCOME_REJECTED, FD_BY_LOCAL,
                     fd_content_error (FD_ERROR_REJECTED, "The offer was rejected here"));
}

void
fd_content_machine_abort (FdContentMachine *content, FdOutcome outcome, const char *reason,
                          const GError *error, gint64 now)
{
  content->session->now = now;
  /* A file that is complete is not thrown away for a cancel that came late. */
  if (content->state >= FD_CONTENT_PUBLISHING)
    return;
  if (content->state == FD_CONTENT_SENT && content->received)
    {
      fd_content_conclude (content);
      return;
    }
  fd_content_tell_end (content, reason, NULL, NULL);
  fd_content_finish (content, outcome, FD_BY_LOCAL, g_error_copy (error));
}

/* --- the world around --- */

void
fd_content_stream_lost (FdContentMachine *content)
{
  if (content->state == FD_CONTENT_SENT)
    fd_content_check_delivered (content); /* what was not confirmed is so when the stream is up again */
  if (content->state >= FD_CONTENT_PUBLISHING)
    return;
  if (content->state == FD_CONTENT_BROKEN && content->started)
    {
      fd_content_tick (content); /* the reason will not come */
      return;
    }
  if (content->state >= FD_CONTENT_ACTIVE && content->state != FD_CONTENT_BROKEN
      && content->transport == FD_TRANSPORT_KIND_S5B)
    {
      fd_row (&content->rows, 50);
      return;
    }
  fd_row (&content->rows, 51);
  fd_content_tell_end (content, "connectivity-error", NULL, NULL);
  fd_content_finish (
    content, FD_OUTCOME_FAILED, FD_BY_NETWORK,
    fd_content_error (FD_ERROR_NOT_CONNECTED, "The connection to the server was lost; try again"));
}

void
fd_content_time_out (FdContentMachine *content, const char *reason, FdErrorCode code, const char *text)
{
  if (!content->error)
    fd_content_expect (content, FD_BY_NETWORK,
                       fd_content_error (code, "%s %s", content->session->peer, text));
  fd_content_tell_end (content, reason, NULL, NULL);
  fd_content_finish (content, FD_OUTCOME_FAILED, content->blame, g_error_copy (content->error));
}

/* Nothing came that would explain it. */
static void
end_broken (FdContentMachine *content)
{
  if (content->started)
    {
      fd_content_time_out (content, "connectivity-error", FD_ERROR_CONNECTION_FAILED, "lost the connection");
      return;
    }
  if (!content->asked)
    {
      fd_content_end_without_way (content);
      return;
    }
  g_clear_error (&content->error);
  fd_content_time_out (content, "timeout", FD_ERROR_TIMEOUT, "cannot be reached, and does not answer");
}

void
fd_content_tick (FdContentMachine *content)
{
  content->deadline = -1;
  switch (content->state)
    {
    case FD_CONTENT_OFFERED:
      fd_content_time_out (
        content, "expired", FD_ERROR_TIMEOUT,
        content->session->initiator
          ? "acknowledged the offer but never answered it; Gajim 1.4 to 1.7 cannot receive files, and "
            "Dino ignores offers from a contact with whom it has no conversation"
          : "waited too long for an answer");
      break;
    case FD_CONTENT_REPLACING:
      fd_content_replace_failed (content, FD_BY_NETWORK,
                                 fd_content_error (FD_ERROR_NO_TRANSPORT,
                                                   "%s did not agree on another transport in time",
                                                   content->session->peer));
      break;
    case FD_CONTENT_WAIT_REPLACE:
      fd_row (&content->rows, 42);
      fd_content_time_out (content, "failed-transport", FD_ERROR_NO_TRANSPORT,
                           "did not agree on another transport in time");
      break;
    case FD_CONTENT_ACTIVE:
      if (content->success)
        fd_content_time_out (content, "success", FD_ERROR_REMOTE_FAILED,
                             "reported success before all bytes were sent");
      else
        fd_content_check_progress (content);
      break;
    case FD_CONTENT_DRAINING:
      fd_content_check_drain (content);
      break;
    case FD_CONTENT_BROKEN:
      end_broken (content);
      break;
    case FD_CONTENT_SENT:
      fd_content_check_confirmed (content);
      break;
    case FD_CONTENT_CHECKING:
      if (fd_content_can_trust (content))
        fd_content_publish (content);
      else
        fd_content_time_out (content, "timeout", FD_ERROR_TIMEOUT,
                             "did not send the promised checksum, without which a resumed file is not taken");
      break;
    case FD_CONTENT_PUBLISHING:
      fd_content_confirm (content);
      break;
    default: /* no other state arms the timer */
      g_return_if_reached ();
    }
}

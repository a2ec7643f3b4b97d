/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether the peer of a file and the way to it are still there: bytes that stopped,
 * a word that does not come, session pings (XEP-0166 §6.8) and their answers.
 */
#include "jingle/machine-private.h"

/* --- pings --- */

static void
ping (FdContentMachine *content)
{
  FdSessionMachine *session = content->session;

  content->pinged = TRUE;
  if (!session->stream_up)
    return;
  content->asked = session->pings++ == 0; /* else the answer would be to an older one */
  fd_content_send_info (content, FD_SESSION_INFO_PING, NULL);
}

/* Who has our extension answers pings; others refuse them while they are alive, as iris does. */
static gboolean
may_ask (const FdContentMachine *content)
{
  return content->file->resume_id && !content->over
         && (content->session->initiator ? content->proposed : content->accepted);
}

void
fd_content_ask (FdContentMachine *content)
{
  if (may_ask (content))
    ping (content);
}

static void
answered_by_peer (FdSessionMachine *session)
{
  session->gone = -1; /* it is there */
  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];
      gboolean asked = content->asked;

      content->asked = FALSE;
      /* A reason would have come before this answer. */
      if (asked && content->state == FD_CONTENT_BROKEN)
        fd_content_tick (content);
    }
}

static gboolean
is_stuck (const FdContentMachine *content, gboolean silent)
{
  if (!content->pinged || content->over)
    return FALSE;
  if (silent)
    return content->state == FD_CONTENT_ACTIVE || content->state == FD_CONTENT_SENT;
  return may_ask (content) && content->state != FD_CONTENT_CHECKING && content->state < FD_CONTENT_PUBLISHING;
}

static void
not_answered (FdSessionMachine *session, const GError *error)
{
  gboolean silent = g_error_matches (error, FD_ERROR, FD_ERROR_TIMEOUT);

  if (g_error_matches (error, FD_ERROR, FD_ERROR_NOT_CONNECTED))
    return; /* says nothing of the peer */
  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      if (!is_stuck (content, silent))
        continue;
      fd_content_tell_end (content, "connectivity-error", NULL, NULL);
      fd_content_finish (
        content, FD_OUTCOME_FAILED, FD_BY_NETWORK,
        silent ? g_error_copy (error)
               : fd_content_error (FD_ERROR_PEER_OFFLINE, "%s is not there any more", session->peer));
    }
}

void
fd_session_ping_answered (FdSessionMachine *session, const GError *error)
{
  if (session->pings > 0)
    session->pings--;
  if (error)
    not_answered (session, error);
  else
    answered_by_peer (session);
}

/* --- the peer's presence --- */

void
fd_content_peer_gone (FdContentMachine *content)
{
  gboolean by_itself = content->state == FD_CONTENT_ACTIVE && content->transport == FD_TRANSPORT_KIND_S5B;

  content->last_sign = content->moved;
  if (!by_itself && content->state < FD_CONTENT_CHECKING)
    fd_content_ask (content); /* who is not there cannot answer, and the server says so */
}

gboolean
fd_content_is_busy (FdContentMachine *content)
{
  gboolean moved = content->moved != content->last_sign;

  content->last_sign = content->moved;
  return (content->pumping && moved) || content->state == FD_CONTENT_CHECKING
         || content->state == FD_CONTENT_PUBLISHING;
}

void
fd_content_give_up (FdContentMachine *content)
{
  if (content->over)
    return;
  content->over = TRUE; /* nobody is there to be told */
  if (content->state == FD_CONTENT_SENT)
    fd_content_tick (content);
  else
    fd_content_finish (content, FD_OUTCOME_FAILED, FD_BY_REMOTE,
                       fd_content_error (FD_ERROR_PEER_OFFLINE, "%s went offline", content->session->peer));
}

/* --- bytes, and the word on them --- */

gint64
fd_content_stall_after (const FdContentMachine *content)
{
  return fd_content_after (content, content->resumable ? FD_T_STALL_RESUMABLE : FD_T_STALL);
}

void
fd_content_check_progress (FdContentMachine *content)
{
  FdSessionMachine *session = content->session;
  /* A receiver that can be reached sees what arrives, and will say if nothing does. */
  gboolean hashing = content->moved == 0 && session->now < content->hashed_by;
  gboolean patient = content->resumable && session->stream_up && (session->initiator || hashing);

  content->deadline = fd_content_stall_after (content);
  if (content->moved != content->seen || content->waits_here || (!session->stream_up && !content->resumable))
    {
      content->seen = content->moved;
      content->pinged = FALSE;
      return;
    }
  fd_row (&content->rows, 47);
  if (!content->pinged || patient)
    ping (content);
  else
    fd_content_time_out (content, "connectivity-error", FD_ERROR_TIMEOUT, "did not move a byte for too long");
}

void
fd_content_check_confirmed (FdContentMachine *content)
{
  if (content->received)
    fd_content_conclude (content);
  else if (content->resumable && !content->over)
    {
      ping (content); /* who answers may still be at it: the way is full of what we wrote */
      content->deadline = fd_content_stall_after (content);
    }
  else
    fd_content_time_out (content, "timeout", FD_ERROR_TIMEOUT,
                         "got all bytes, but never confirmed that it has the file");
}

void
fd_content_check_drain (FdContentMachine *content)
{
  if (content->moved == content->seen)
    fd_content_time_out (content, "timeout", FD_ERROR_REMOTE_FAILED,
                         "ended the session before all bytes had come");
  else
    content->deadline = fd_content_after (content, FD_T_DRAIN);
  content->seen = content->moved;
}

void
fd_content_machine_stream_ended (FdContentMachine *content, gint64 now)
{
  content->session->now = now;
  if (content->state == FD_CONTENT_SENT)
    fd_content_ask (content); /* a proxy may close when all is through, and so may who has died */
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bytes of a file: whether they have all moved, are what was offered, and are
 * safe, and who says so to whom (XEP-0234 §8).
 */
#include "jingle/machine-private.h"

void
fd_content_machine_progress (FdContentMachine *content, guint64 bytes, gboolean waits_here)
{
  content->moved = bytes;
  content->waits_here = waits_here;
}

/* The stream broke with bytes under way. The peer may be about to say why. */
void
fd_content_break_off (FdContentMachine *content, const GError *error)
{
  gboolean silent = content->over || !content->session->stream_up;

  fd_row (&content->rows, content->session->initiator ? 46 : 45);
  if (!content->over || !content->error) /* else the peer told the reason before */
    fd_content_expect (content, FD_BY_NETWORK, g_error_copy (error));
  fd_content_enter (content, FD_CONTENT_BROKEN, fd_content_after (content, silent ? 0 : FD_T_BROKEN));
  fd_content_ask (content);
}

/* Sender: is what the peer told us worth an end? */
void
fd_content_check_delivered (FdContentMachine *content)
{
  FdSessionMachine *session = content->session;
  gboolean alone = TRUE;

  if (content->state != FD_CONTENT_SENT || !content->drained)
    return;
  for (guint i = 0; i < session->contents->len; i++)
    alone
      &= session->contents->pdata[i] == content || ((FdContentMachine *) session->contents->pdata[i])->over;
  /* Of several files, and of what is a batch, each is confirmed by itself; else
   * the receiver's session-terminate comes with its word, unless it cannot. */
  if (content->success
      || (content->received && (!alone || (session->extensions & FD_EXT_BATCH) || !session->stream_up)))
    fd_content_finish (content, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
  else
    content->deadline = !session->stream_up  ? -1
                        : content->received  ? fd_content_after (content, FD_T_RECEIVED)
                        : content->resumable ? fd_content_stall_after (content)
                                             : fd_content_after (content, FD_T_FIN);
}

static void
all_sent (FdContentMachine *content)
{
  const FdDigest *offered = fd_file_get_hash (content->file, content->digest.algo);
  gboolean whole = fd_content_ends_whole (content);

  if (offered && whole && !fd_digest_equal (offered, &content->digest))
    {
      fd_content_tell_end (content, "failed-application", NULL, "The file changed while it was being sent");
      fd_content_finish (
        content, FD_OUTCOME_FAILED, FD_BY_LOCAL,
        fd_content_error (FD_ERROR_SOURCE_CHANGED,
                          "The file changed between the offer and its last byte; offer it again"));
      return;
    }
  if (!offered && whole && !content->over)
    fd_content_send_info (content, FD_SESSION_INFO_CHECKSUM, &content->digest);
  fd_content_enter (content, FD_CONTENT_SENT, -1);
  fd_content_check_delivered (content);
}

void
fd_content_publish (FdContentMachine *content)
{
  /* Ends with the disk; but file-transfer:4 is in a hurry. */
  fd_content_enter (content, FD_CONTENT_PUBLISHING, content->over ? -1 : content->complete_by);
  fd_content_do (content, FD_DO_PUBLISH);
}

gboolean
fd_content_can_trust (const FdContentMachine *content)
{
  return content->offset == 0 || content->file->hash_used == FD_HASH_NONE;
}

/* The sender of a resumed file may still be negotiating, or hash what is before the offset. */
static void
await_checksum (FdContentMachine *content)
{
  guint time = content->over ? 0 : content->offset > 0 ? FD_T_FIN : FD_T_CHECKSUM;

  fd_content_enter (content, FD_CONTENT_CHECKING,
                    fd_content_after (content, time)
                      + (content->over ? 0 : fd_content_get_hash_time (content)));
}

/* Receiver: all bytes are here. */
void
fd_content_verify (FdContentMachine *content)
{
  const FdDigest *expected = fd_file_get_hash (content->file, content->digest.algo);
  gboolean promised = content->file->hash_used == content->digest.algo;

  if (!expected)
    {
      if (fd_content_can_trust (content) && (!promised || content->over))
        fd_content_publish (content);
      else if (content->state != FD_CONTENT_CHECKING)
        await_checksum (content);
      return;
    }
  if (fd_digest_equal (expected, &content->digest))
    {
      content->end.verified = FD_VERIFIED_OK;
      fd_content_publish (content);
      return;
    }
  content->end.verified = FD_VERIFIED_MISMATCH;
  fd_content_tell_end (content, "media-error", NULL, "The hash does not match what arrived");
  fd_content_finish (
    content, FD_OUTCOME_FAILED, FD_BY_LOCAL,
    fd_content_error (FD_ERROR_HASH_MISMATCH,
                      "What arrived is not what was offered: its %s differs; ask for the file again",
                      fd_hash_name (content->digest.algo)));
}

static void
file_failure (FdContentMachine *content, const GError *error)
{
  gboolean surplus = g_error_matches (error, FD_ERROR, FD_ERROR_PROTOCOL);
  gboolean too_large = surplus || g_error_matches (error, FD_ERROR, FD_ERROR_NO_SPACE);

  fd_content_tell_end (content, too_large ? "media-error" : "failed-application",
                       too_large ? "file-too-large" : NULL, NULL);
  fd_content_finish (content, FD_OUTCOME_FAILED, surplus ? FD_BY_REMOTE : FD_BY_LOCAL, g_error_copy (error));
}

/* The pump is out while bytes were to flow. */
static void
flow_ended (FdContentMachine *content, const FdPumpResult *result)
{
  if (result->complete && content->session->initiator)
    all_sent (content);
  else if (result->complete)
    {
      if (content->file->size < 0)
        fd_row (&content->rows, 46); /* the end of the stream is the end of the file */
      if (content->version == FD_FT_4)
        content->complete_by = fd_content_after (content, FD_T_SWIFT);
      fd_content_verify (content);
    }
  else if (!g_error_matches (result->error, FD_ERROR, FD_ERROR_CONNECTION_FAILED))
    file_failure (content, result->error);
  else if (result->bytes == 0 && !content->over && content->transport == FD_TRANSPORT_KIND_S5B)
    {
      fd_row (&content->rows, 44);
      fd_content_fall_back (content, result->error);
    }
  else
    fd_content_break_off (content, result->error);
}

/* The peer proposed another transport while the pump ran. */
static void
flow_given_up (FdContentMachine *content, const FdPumpResult *result)
{
  gboolean stopped = g_error_matches (result->error, FD_ERROR, FD_ERROR_CANCELLED);
  g_autoptr (GError) broken = NULL;

  if (!result->complete && result->bytes == 0 && !content->over)
    {
      fd_content_take_proposal (content);
      return;
    }
  if (!content->over)
    fd_content_send (content, FD_JINGLE_TRANSPORT_REJECT, &content->proposal);
  fd_transport_info_clear (&content->proposal);
  if (!stopped)
    {
      flow_ended (content, result);
      return;
    }
  broken = fd_content_error (FD_ERROR_CONNECTION_FAILED,
                             "%s gave up the connection while bytes were under way", content->session->peer);
  fd_content_break_off (content, broken);
}

void
fd_content_machine_pumped (FdContentMachine *content, const FdPumpResult *result, gint64 now)
{
  content->session->now = now;
  content->pumping = FALSE;
  content->moved = result->bytes;
  if (result->complete)
    {
      content->pumped = TRUE;
      content->digest = result->digest;
    }

  switch (content->state)
    {
    case FD_CONTENT_STOPPING:
      fd_content_end (content);
      fd_session_advance (content->session);
      break;
    case FD_CONTENT_ACTIVE:
    case FD_CONTENT_DRAINING:
      if (content->proposal.kind != FD_TRANSPORT_KIND_NONE)
        flow_given_up (content, result);
      else
        flow_ended (content, result);
      break;
    default: /* BROKEN: the transport said so first */
      break;
    }
}

/* The receiver's word that the file is safe. The session ends with the last one,
 * but of a batch the initiator knows best which is the last. */
void
fd_content_confirm (FdContentMachine *content)
{
  FdSessionMachine *session = content->session;

  fd_content_send_info (content, FD_SESSION_INFO_RECEIVED, NULL);
  content->over = TRUE;
  if (fd_session_has_live (session))
    return;
  if (session->extensions & FD_EXT_BATCH)
    session->linger = fd_content_after (content, FD_T_RECEIVED);
  else
    fd_session_terminate (session, "success", NULL, NULL);
}

void
fd_content_machine_published (FdContentMachine *content, const GError *error, gint64 now)
{
  g_return_if_fail (content->state == FD_CONTENT_PUBLISHING);

  content->session->now = now;
  if (error)
    {
      file_failure (content, error);
      return;
    }
  if (!content->over)
    fd_content_confirm (content);
  fd_content_finish (content, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
}

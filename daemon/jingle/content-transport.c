/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport of a file as the session sees it: prepared, up, failed, and what
 * comes next: another one (XEP-0260 §3), another session, or the end.
 */
#include "jingle/machine-private.h"

gboolean
fd_content_may_use (const FdContentMachine *content, FdTransportKind kind)
{
  const FdSessionMachine *session = content->session;
  FdQuirks no_ibb = FD_QUIRK_NO_IBB | (session->initiator ? FD_QUIRK_NO_IBB_RECEIVE : 0);

  if (kind == FD_TRANSPORT_KIND_S5B)
    return (content->paths & (FD_PATH_SOCKS5_DIRECT | FD_PATH_SOCKS5_PROXY)) != 0
           && (session->peer_transports & FD_TRANSPORT_S5B) != 0;
  return (content->paths & FD_PATH_IBB) != 0 && (session->peer_transports & FD_TRANSPORT_IBB) != 0
         && (session->quirks & no_ibb) == 0;
}

void
fd_content_drop_transport (FdContentMachine *content)
{
  fd_content_do (content, FD_DO_DROP);
  content->replaced = TRUE;
}

void
fd_content_prepare (FdContentMachine *content, FdTransportKind kind, FdPrepareFor what_for)
{
  FdAction *action;

  content->transport = kind;
  content->prepare_for = what_for;
  fd_content_enter (content, FD_CONTENT_PREPARING, -1); /* the transport has its own timer */
  action = fd_content_do (content, FD_DO_PREPARE);
  action->kind = kind;
  if (what_for == FD_PREPARE_ACCEPT || what_for == FD_PREPARE_REPLACE_ACCEPT)
    fd_transport_info_copy (&action->remote, &content->remote);
}

void
fd_content_prepare_offer (FdContentMachine *content)
{
  gboolean in_band = fd_content_may_use (content, FD_TRANSPORT_KIND_IBB);

  if (fd_content_may_use (content, FD_TRANSPORT_KIND_S5B) && !(content->session->redialed && in_band))
    fd_content_prepare (content, FD_TRANSPORT_KIND_S5B, FD_PREPARE_OFFER);
  else if (in_band)
    fd_content_prepare (content, FD_TRANSPORT_KIND_IBB, FD_PREPARE_OFFER);
  else
    fd_content_finish (
      content, FD_OUTCOME_FAILED, FD_BY_LOCAL,
      fd_content_explain (content,
                          fd_content_error (FD_ERROR_NO_TRANSPORT,
                                            "%s has no transport in common with those that were allowed",
                                            content->session->peer)));
}

void
fd_content_await_accept (FdContentMachine *content)
{
  content->agreed = TRUE;
  fd_content_enter (content, FD_CONTENT_OFFERED, content->answer_by);
}

void
fd_content_begin (FdContentMachine *content)
{
  g_autoptr (GError) failure = g_steal_pointer (&content->failure);

  content->accepted = TRUE;
  fd_content_release (content);
  if (!failure)
    {
      fd_content_enter (content, FD_CONTENT_NEGOTIATING, -1); /* the transport's timers */
      fd_content_do (content, FD_DO_START);
      return;
    }
  if (!content->session->initiator)
    {
      g_autoptr (FdS5bInfo) info
        = fd_s5b_info_new (FD_S5B_CANDIDATE_ERROR, fd_transport_info_get_sid (&content->local));

      fd_content_machine_send_transport_info (content, info);
    }
  fd_content_fall_back (content, failure);
}

void
fd_content_machine_transport_ready (FdContentMachine *content, const FdTransportInfo *local, gint64 now)
{
  if (content->state != FD_CONTENT_PREPARING)
    return;
  content->session->now = now;
  fd_transport_info_clear (&content->local);
  fd_transport_info_copy (&content->local, local);

  switch (content->prepare_for)
    {
    case FD_PREPARE_OFFER:
    case FD_PREPARE_ACCEPT:
      fd_content_enter (content, FD_CONTENT_READY, -1); /* the others have timers */
      fd_session_advance (content->session);
      return;
    case FD_PREPARE_REPLACE:
      fd_content_send (content, FD_JINGLE_TRANSPORT_REPLACE, local);
      fd_content_enter (content, FD_CONTENT_REPLACING, fd_content_after (content, FD_T_REPLACE));
      return;
    case FD_PREPARE_REPLACE_ACCEPT:
      if (fd_content_machine_get_quirks (content) & FD_QUIRK_ACCEPT_FOR_REPLACE)
        fd_content_send (content, FD_JINGLE_SESSION_ACCEPT, local);
      fd_content_send (content, FD_JINGLE_TRANSPORT_ACCEPT, local);
      if (content->session->initiator && !content->accepted)
        fd_content_await_accept (content);
      else
        fd_content_begin (content);
      return;
    }
}

void
fd_content_machine_transport_connected (FdContentMachine *content, FdPath path, gint64 now)
{
  FdAction *action;

  if (content->state != FD_CONTENT_NEGOTIATING)
    return;
  content->session->now = now;
  fd_content_enter (content, FD_CONTENT_ACTIVE, fd_content_stall_after (content));
  content->hashed_by = now + fd_content_get_hash_time (content);
  g_clear_error (&content->error); /* of the transport before */
  content->moved = 0;
  content->seen = 0;
  content->pinged = FALSE;
  content->waits_here = FALSE;
  content->drained = path != FD_PATH_IBB;
  action = fd_content_do (content, FD_DO_TELL_ACTIVE);
  action->path = path;
  action->offset = content->offset;
  action = fd_content_do (content, FD_DO_PUMP);
  action->offset = content->offset;
  action->length = content->length >= 0       ? content->length
                   : content->file->size >= 0 ? content->file->size - (gint64) content->offset
                                              : -1;
  content->pumping = TRUE;
  content->started = TRUE;
}

void
fd_content_machine_transport_drained (FdContentMachine *content, gint64 now)
{
  content->session->now = now;
  content->drained = TRUE;
  fd_content_check_delivered (content);
}

/* --- failures --- */

GError *
fd_content_explain (const FdContentMachine *content, GError *error)
{
  const FdSessionMachine *session = content->session;

  if (session->initiator && (session->quirks & (FD_QUIRK_NO_IBB | FD_QUIRK_NO_IBB_RECEIVE)))
    g_prefix_error (&error,
                    "%s cannot receive in-band, so only a direct connection or a SOCKS5 proxy of either "
                    "server can work: ",
                    session->peer);
  return error;
}

gboolean
fd_content_can_redial (const FdContentMachine *content)
{
  const FdSessionMachine *session = content->session;
  gboolean in_band_untried
    = content->transport == FD_TRANSPORT_KIND_S5B || content->state == FD_CONTENT_REPLACING
      || (content->state == FD_CONTENT_PREPARING && content->prepare_for == FD_PREPARE_REPLACE);

  return session->initiator && !session->redialed && session->stream_up && content->moved == 0
         && !content->pumped && in_band_untried && fd_content_may_use (content, FD_TRANSPORT_KIND_IBB);
}

void
fd_content_end_without_way (FdContentMachine *content)
{
  g_autoptr (GError) error = g_steal_pointer (&content->error);

  fd_content_tell_end (
    content, content->transport == FD_TRANSPORT_KIND_IBB ? "failed-transport" : "connectivity-error", NULL,
    error->message);
  fd_content_finish (content, FD_OUTCOME_FAILED, FD_BY_NETWORK,
                     fd_content_explain (content, g_error_copy (error)));
}

/* Is there no way, or is it the network that is not well, with all ways and the stream? Then it
 * is only interrupted, and the peer will see it so. */
static void
ask_before_end (FdContentMachine *content)
{
  fd_content_enter (content, FD_CONTENT_BROKEN, fd_content_after (content, FD_T_NO_WAY));
  fd_content_ask (content);
}

/* No byte can move on this transport: another one, or the end. */
void
fd_content_fall_back (FdContentMachine *content, const GError *error)
{
  gboolean in_band
    = content->transport == FD_TRANSPORT_KIND_S5B && fd_content_may_use (content, FD_TRANSPORT_KIND_IBB);

  if (in_band && !content->session->initiator)
    {
      fd_row (&content->rows, 37);
      fd_content_drop_transport (content);
      fd_content_enter (content, FD_CONTENT_WAIT_REPLACE, fd_content_after (content, FD_T_WAIT_REPLACE));
      fd_content_expect (content, FD_BY_NETWORK, g_error_copy (error));
      return;
    }
  if (in_band && !(content->session->quirks & FD_QUIRK_REJECTS_REPLACE))
    {
      fd_row (&content->rows, 36);
      fd_content_drop_transport (content);
      fd_content_prepare (content, FD_TRANSPORT_KIND_IBB, FD_PREPARE_REPLACE);
      return;
    }
  fd_row (&content->rows, 38);
  content->redial = fd_content_can_redial (content);
  fd_content_expect (content, FD_BY_NETWORK, g_error_copy (error));
  if (content->resumable && content->accepted && !content->started && !content->redial)
    ask_before_end (content);
  else
    fd_content_end_without_way (content);
}

void
fd_content_replace_failed (FdContentMachine *content, FdEndedBy by, GError *error)
{
  fd_row (&content->rows, 40);
  content->redial = fd_content_can_redial (content);
  fd_content_tell_end (content, "failed-transport", NULL, NULL);
  fd_content_finish (content, FD_OUTCOME_FAILED, by, error);
}

/* Nothing was offered yet: in-band instead. */
static void
offer_failed (FdContentMachine *content, const GError *error)
{
  if (content->transport == FD_TRANSPORT_KIND_S5B && fd_content_may_use (content, FD_TRANSPORT_KIND_IBB))
    {
      fd_row (&content->rows, 3);
      fd_content_do (content, FD_DO_DROP);
      fd_content_prepare (content, FD_TRANSPORT_KIND_IBB, FD_PREPARE_OFFER);
      return;
    }
  fd_content_finish (content, FD_OUTCOME_FAILED, FD_BY_NETWORK,
                     fd_content_explain (content, g_error_copy (error)));
}

/* The user took the file, but our side of the transport is dead before we could
 * say so: accept without candidates, and hope for a replacement. */
static void
accept_failed (FdContentMachine *content, const GError *error)
{
  const char *sid = fd_transport_info_get_sid (&content->remote);

  if (content->transport != FD_TRANSPORT_KIND_S5B || !fd_content_may_use (content, FD_TRANSPORT_KIND_IBB))
    {
      fd_content_fall_back (content, error);
      return;
    }
  fd_content_do (content, FD_DO_DROP);
  fd_transport_info_clear (&content->local);
  content->local.kind = FD_TRANSPORT_KIND_S5B;
  content->local.s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, sid);
  content->failure = g_error_copy (error);
  fd_content_enter (content, FD_CONTENT_READY, -1);
  fd_session_advance (content->session);
}

/* The offer is out and its transport has died. */
static void
offered_failed (FdContentMachine *content, const GError *error)
{
  gboolean negotiable = content->transport == FD_TRANSPORT_KIND_S5B
                        && fd_content_may_use (content, FD_TRANSPORT_KIND_IBB)
                        && !(content->session->quirks & FD_QUIRK_REJECTS_REPLACE);

  if (!negotiable || (content->session->extensions & FD_EXT_EARLY_ACCEPT))
    fd_content_fall_back (content, error);
  else
    {
      fd_content_drop_transport (content);
      content->failure = g_error_copy (error);
    }
}

void
fd_content_machine_transport_failed (FdContentMachine *content, const GError *error, gint64 now)
{
  gboolean initiator = content->session->initiator;

  content->session->now = now;
  switch (content->state)
    {
    case FD_CONTENT_PREPARING:
    case FD_CONTENT_READY:
      if (content->state == FD_CONTENT_PREPARING && content->prepare_for >= FD_PREPARE_REPLACE)
        fd_content_fall_back (content, error);
      else if (initiator)
        offer_failed (content, error);
      else
        accept_failed (content, error);
      break;
    case FD_CONTENT_OFFERED:
      if (!content->failure)
        offered_failed (content, error);
      break;
    case FD_CONTENT_NEGOTIATING:
      fd_content_fall_back (content, error);
      break;
    case FD_CONTENT_ACTIVE:
    case FD_CONTENT_SENT:
      if (content->pumping)
        fd_content_do (content, FD_DO_STOP_PUMP);
      fd_content_break_off (content, error);
      break;
    default: /* it is not needed any more */
      break;
    }
}

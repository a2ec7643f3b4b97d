/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What each request of the peer does to a file in each of its states, and how it
 * is answered (XEP-0166 §7.2, XEP-0234 §8, XEP-0260 §3).
 */
#include "jingle/machine-private.h"

#include <string.h>

#define MAX_REPLACES 3 /* Dino proposes S5B again for ever */
#define MAX_EARLY 32 /* transport-infos before our user answered */

/* --- how it ends by the peer's word --- */

static const struct
{
  const char *reason;
  FdOutcome outcome;
  FdErrorCode code;
  const char *text;
} reasons[] = {
  { "decline", FD_OUTCOME_REJECTED, FD_ERROR_REJECTED, "declined the file" },
  { "busy", FD_OUTCOME_REJECTED, FD_ERROR_BUSY, "is busy and declined the file; try later" },
  { "cancel", FD_OUTCOME_CANCELLED, FD_ERROR_REMOTE_CANCELLED, "cancelled the transfer" },
  { "gone", FD_OUTCOME_FAILED, FD_ERROR_PEER_OFFLINE, "went offline" },
  { "expired", FD_OUTCOME_FAILED, FD_ERROR_TIMEOUT, "says that the offer has expired" },
  { "timeout", FD_OUTCOME_FAILED, FD_ERROR_TIMEOUT, "gave up waiting" },
  { "connectivity-error", FD_OUTCOME_FAILED, FD_ERROR_NO_TRANSPORT, "found no way to connect" },
  { "failed-transport", FD_OUTCOME_FAILED, FD_ERROR_NO_TRANSPORT, "could not use the transport" },
  { "unsupported-transports", FD_OUTCOME_FAILED, FD_ERROR_PEER_UNSUPPORTED, "knows none of our transports" },
  { "unsupported-applications", FD_OUTCOME_FAILED, FD_ERROR_PEER_UNSUPPORTED, "cannot receive files" },
  { "success", FD_OUTCOME_FAILED, FD_ERROR_REMOTE_FAILED, "reported success before the file was through" },
};

/* What the peer's reason means for the user. */
static FdOutcome
read_reason (FdContentMachine *content, const FdJingleMessage *message, const char *reason,
             GError **ret_error)
{
  FdOutcome outcome = FD_OUTCOME_FAILED;
  FdErrorCode code = FD_ERROR_REMOTE_FAILED;
  const char *text = NULL;
  g_autofree char *unknown = NULL;

  if (strcmp (reason, "cancel") == 0 && content->session->initiator && content->state == FD_CONTENT_OFFERED)
    reason = "decline"; /* how Gajim declines */
  for (guint i = 0; i < G_N_ELEMENTS (reasons) && !text; i++)
    if (strcmp (reasons[i].reason, reason) == 0)
      {
        outcome = reasons[i].outcome;
        code = reasons[i].code;
        text = reasons[i].text;
      }
  if (!text)
    text = unknown
      = g_strdup_printf ("ended the transfer with %s%s%s", reason, message->reason_detail ? ", " : "",
                         message->reason_detail ? message->reason_detail : "");
  g_free (content->said);
  content->said = g_strconcat (reason, message->reason_detail ? ", " : NULL, message->reason_detail, NULL);
  *ret_error
    = fd_content_error (code, "%s %s%s%s", content->session->peer, text, message->reason_text ? ": " : "",
                        message->reason_text ? message->reason_text : "");
  return outcome;
}

static void
end_by_peer (FdContentMachine *content, const FdJingleMessage *message, const char *reason)
{
  static const char *const of_transport[]
    = { "failed-transport", "connectivity-error", "unsupported-transports", NULL };
  GError *error = NULL;
  FdOutcome outcome = read_reason (content, message, reason, &error);

  /* The peer ended the session for other files, and this one was on its way. */
  content->reoffer = fd_content_is_unseen (content) && strcmp (reason, "gone") != 0;
  if (g_strv_contains (of_transport, reason) && !content->reoffer)
    {
      content->redial = fd_content_can_redial (content);
      if (content->error) /* of our side of it: Dino's own text says nothing */
        {
          GError *ours = fd_content_error (error->code, "%s; %s", error->message, content->error->message);

          g_error_free (error);
          error = ours;
        }
      error = fd_content_explain (content, error);
    }
  fd_content_finish (content, outcome, FD_BY_REMOTE, error);
}

static void
drain (FdContentMachine *content, const FdJingleMessage *message, const char *reason)
{
  GError *error = NULL;

  (void) read_reason (content, message, reason, &error); /* holds unless the bytes are all there */
  fd_content_expect (content, FD_BY_REMOTE, error);
  content->seen = content->moved;
  fd_content_enter (content, FD_CONTENT_DRAINING, fd_content_after (content, FD_T_DRAIN));
}

/* The sender ended it: bytes that are on their way still count, unless it is told
 * that they do not: Swift and Dino end early. */
static gboolean
may_drain (const char *reason)
{
  static const char *const final[] = { "cancel", "decline", "security-error", NULL };

  return !g_strv_contains (final, reason);
}

void
fd_content_receive_end (FdContentMachine *content, const FdJingleMessage *message, const char *otherwise)
{
  const char *reason = message->reason ? message->reason : otherwise;
  gboolean sender = content->session->initiator;
  gboolean only = content->session->contents->len == 1;
  /* What it confirmed before stands, whatever becomes of other files; and of
   * several, success does not say which. */
  gboolean success = (only && strcmp (reason, "success") == 0) || content->received;

  content->over = TRUE;
  switch (content->state)
    {
    case FD_CONTENT_PUBLISHING:
      content->deadline = -1;
      break;
    case FD_CONTENT_STOPPING:
    case FD_CONTENT_ENDED:
      break;
    case FD_CONTENT_CHECKING:
      if (may_drain (reason) && fd_content_can_trust (content))
        fd_content_publish (content); /* all bytes are here, no checksum will come */
      else
        end_by_peer (content, message, reason);
      break;
    case FD_CONTENT_ACTIVE:
    case FD_CONTENT_SENT:
      if (sender && success)
        {
          content->success = TRUE; /* believed when our last byte is out */
          content->deadline = fd_content_after (content, FD_T_DRAIN);
          fd_content_check_delivered (content);
        }
      else if (!sender && may_drain (reason))
        drain (content, message, reason);
      else
        end_by_peer (content, message, reason);
      break;
    case FD_CONTENT_NEGOTIATING:
      if (sender && success && fd_content_is_nothing (content))
        {
          fd_content_finish (content, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
          break;
        }
      G_GNUC_FALLTHROUGH;
    default:
      end_by_peer (content, message, reason);
      break;
    }
}

/* --- accepts --- */

gboolean
fd_content_is_usable (const FdTransportInfo *transport)
{
  return transport->kind == FD_TRANSPORT_KIND_IBB
         || (transport->kind == FD_TRANSPORT_KIND_S5B && !transport->s5b->udp);
}

/* iris writes direct candidates without a JID, and names of its own. */
void
fd_content_recognise (FdContentMachine *content, const FdTransportInfo *transport)
{
  const char *sid = fd_transport_info_get_sid (transport);
  gboolean iris = sid && (g_str_has_prefix (sid, "s5b_") || g_str_has_prefix (sid, "ibb_"))
                  && g_str_has_prefix (content->name, "fileoffer_");

  for (guint i = 0; transport->s5b && i < transport->s5b->candidates->len; i++)
    {
      const FdS5bCandidate *candidate = transport->s5b->candidates->pdata[i];

      iris |= candidate->type == FD_S5B_DIRECT && !candidate->jid;
    }
  if (iris)
    content->quirks |= FD_QUIRKS_IRIS;
}

/* The peer's transport for our proposal, with what it left out filled in. */
static void
take_transport (FdContentMachine *content, const FdTransportInfo *answer)
{
  FdAction *action = fd_content_do (content, FD_DO_REMOTE);
  const char *sid = fd_transport_info_get_sid (&content->local);
  char **theirs;

  fd_content_recognise (content, answer);
  fd_transport_info_copy (&action->remote, answer);
  theirs = answer->kind == FD_TRANSPORT_KIND_S5B ? &action->remote.s5b->sid : &action->remote.ibb->sid;
  g_free (*theirs);
  *theirs = g_strdup (sid); /* a missing or another one is ours */
  if (answer->kind == FD_TRANSPORT_KIND_IBB)
    action->remote.ibb->block_size = MIN (answer->ibb->block_size, content->local.ibb->block_size);
}

/* An answer to our transport-replace. */
static gboolean
take_replacement (FdContentMachine *content, const FdTransportInfo *answer)
{
  if (answer->kind != content->local.kind)
    return FALSE;
  fd_row (&content->rows, 39);
  take_transport (content, answer);
  if (content->accepted)
    fd_content_begin (content);
  else
    fd_content_await_accept (content);
  return TRUE;
}

/* The first accept of a content. */
static void
take_accept (FdContentMachine *content, const FdJingleContent *answer)
{
  const FdTransportInfo *transport = &answer->transport;
  const char *misfit = fd_content_take_range (content, answer->file);

  if (misfit)
    {
      fd_content_refuse (content, "failed-application", NULL, misfit);
      return;
    }
  if (content->state == FD_CONTENT_OFFERED && !content->agreed && transport->kind != content->local.kind)
    {
      fd_row (&content->rows, 7);
      fd_content_refuse (content, "failed-application", NULL,
                         "Accepted with another transport than was offered");
      return;
    }
  if (content->state == FD_CONTENT_OFFERED)
    {
      fd_row (&content->rows, 6);
      if (!content->agreed && !content->failure)
        take_transport (content, transport);
      fd_content_begin (content);
    }
  else /* our replacement is under way: Gajim may mean that one */
    {
      content->accepted = TRUE;
      if (content->state == FD_CONTENT_REPLACING)
        (void) take_replacement (content, transport);
    }
  if (content->state != FD_CONTENT_ENDED)
    fd_content_do (content, FD_DO_TELL_ACCEPTED);
}

FdReply
fd_content_receive_accept (FdContentMachine *content, const FdJingleContent *answer)
{
  if (!content->session->initiator)
    return FD_REPLY_OUT_OF_ORDER;
  if (content->accepted && content->state == FD_CONTENT_REPLACING)
    /* Gajim answers a transport-replace with a session-accept. */
    return take_replacement (content, &answer->transport) ? FD_REPLY_OK : FD_REPLY_OUT_OF_ORDER;
  if (content->accepted || !content->proposed)
    return FD_REPLY_OUT_OF_ORDER;
  if (!content->over) /* else it crossed our removal */
    take_accept (content, answer);
  return FD_REPLY_OK;
}

/* --- transport-info --- */

static FdReply
keep_early (FdContentMachine *content, const FdTransportInfo *transport)
{
  FdTransportInfo copy;

  if (g_queue_get_length (&content->early) < MAX_EARLY)
    {
      fd_transport_info_copy (&copy, transport);
      g_queue_push_tail (&content->early, copy.s5b);
    }
  return FD_REPLY_OK;
}

FdReply
fd_content_receive_transport_info (FdContentMachine *content, const FdJingleContent *info)
{
  const char *sid = fd_transport_info_get_sid (&info->transport);
  const char *current = fd_transport_info_get_sid (
    content->local.kind != FD_TRANSPORT_KIND_NONE ? &content->local : &content->remote);

  if (info->transport.kind != FD_TRANSPORT_KIND_S5B && info->transport.kind != FD_TRANSPORT_KIND_IBB)
    return FD_REPLY_BAD_REQUEST;
  if (content->state == FD_CONTENT_REPLACING)
    fd_row (&content->rows, 41);
  if (content->state >= FD_CONTENT_ACTIVE && !content->over)
    fd_row (&content->rows, 43);
  if (info->transport.kind != content->transport)
    return content->replaced || content->over ? FD_REPLY_OK : FD_REPLY_BAD_REQUEST;
  if (info->transport.kind == FD_TRANSPORT_KIND_IBB || content->state >= FD_CONTENT_ACTIVE
      || content->state == FD_CONTENT_WAIT_REPLACE || content->failure)
    return FD_REPLY_OK;
  if (content->replaced && g_strcmp0 (sid, current) != 0)
    return FD_REPLY_OK; /* about one that is given up */
  if (!content->session->initiator && content->state == FD_CONTENT_OFFERED)
    return keep_early (content, &info->transport);
  fd_content_recognise (content, &info->transport);
  return FD_REPLY_ASK_TRANSPORT;
}

/* --- replacements --- */

/* The peer's proposal becomes what it offers. */
static void
take_proposal (FdContentMachine *content, const FdTransportInfo *proposal)
{
  fd_transport_info_clear (&content->remote);
  fd_transport_info_copy (&content->remote, proposal);
  fd_transport_info_clear (&content->local);
  fd_content_recognise (content, proposal);
  content->transport = proposal->kind;
  content->replaced = TRUE;
  g_clear_error (&content->failure);
  g_queue_clear_full (&content->early, (GDestroyNotify) fd_s5b_info_free);
}

/* Responder, before its accept is out: agree now, begin with the accept. What we
 * answer must show no address of ours. */
static void
agree_early (FdContentMachine *content, const FdTransportInfo *proposal, gboolean omit)
{
  FdTransportInfo answer = { .kind = proposal->kind };

  take_proposal (content, proposal);
  if (content->remote.ibb)
    {
      if (!content->remote.ibb->sid)
        content->remote.ibb->sid = g_strdup (content->session->sid);
      content->remote.ibb->block_size = MIN (content->remote.ibb->block_size, FD_IBB_BLOCK_SIZE);
      answer.ibb = fd_ibb_info_new (content->remote.ibb->sid, content->remote.ibb->block_size);
    }
  else
    answer.s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, content->remote.s5b->sid);
  fd_content_send (content, FD_JINGLE_TRANSPORT_ACCEPT, &answer);
  fd_transport_info_clear (&answer);
  content->omit_transport = omit && proposal->kind == FD_TRANSPORT_KIND_IBB;
  if (content->state != FD_CONTENT_OFFERED)
    {
      fd_content_do (content, FD_DO_DROP);
      fd_content_prepare (content, proposal->kind, FD_PREPARE_ACCEPT);
    }
}

void
fd_content_take_proposal (FdContentMachine *content)
{
  FdTransportInfo proposal = content->proposal;

  content->proposal = (FdTransportInfo){ .kind = FD_TRANSPORT_KIND_NONE };
  fd_content_drop_transport (content);
  take_proposal (content, &proposal);
  fd_content_prepare (content, proposal.kind, FD_PREPARE_REPLACE_ACCEPT);
  fd_transport_info_clear (&proposal);
}

static gboolean
may_take (const FdContentMachine *content, const FdTransportInfo *proposal)
{
  const FdSessionMachine *session = content->session;
  gboolean in_band = proposal->kind == FD_TRANSPORT_KIND_IBB;
  gboolean answered = content->state != FD_CONTENT_OFFERED; /* by our user: which paths are allowed */

  if (!fd_content_is_usable (proposal)
      || content->replaces > (session->initiator && !in_band ? 1 : MAX_REPLACES))
    return FALSE;
  if (!in_band
      && g_strcmp0 (proposal->s5b->sid,
                    fd_transport_info_get_sid (session->initiator ? &content->local : &content->remote))
           == 0)
    return FALSE;
  if (session->initiator)
    return fd_content_may_use (content, proposal->kind);
  if (in_band)
    return (!answered || (content->paths & FD_PATH_IBB)) && !(session->quirks & FD_QUIRK_NO_IBB);
  return !answered || (content->paths & (FD_PATH_SOCKS5_DIRECT | FD_PATH_SOCKS5_PROXY));
}

/* The peer gave up its transport, and we do not take the next. */
static void
reject_replace (FdContentMachine *content, const FdTransportInfo *proposal)
{
  gboolean hopeless = proposal->kind == FD_TRANSPORT_KIND_IBB || content->replaces > MAX_REPLACES;

  fd_content_send (content, FD_JINGLE_TRANSPORT_REJECT, proposal);
  /* Conversations acknowledges a reject and then waits for ever. */
  if (hopeless && !content->session->initiator && content->state < FD_CONTENT_ACTIVE)
    {
      fd_content_tell_end (content, "failed-transport", NULL, NULL);
      fd_content_finish (content, FD_OUTCOME_FAILED, FD_BY_LOCAL,
                         fd_content_error (FD_ERROR_NO_TRANSPORT, "No path that is allowed here leads to %s",
                                           content->session->peer));
    }
}

FdReply
fd_content_receive_replace (FdContentMachine *content, const FdJingleContent *proposed, gboolean omit)
{
  const FdTransportInfo *proposal = &proposed->transport;
  gboolean initiator = content->session->initiator;
  gboolean replacing
    = content->state == FD_CONTENT_REPLACING
      || (content->state == FD_CONTENT_PREPARING && content->prepare_for == FD_PREPARE_REPLACE);

  if (content->over)
    return FD_REPLY_ITEM_NOT_FOUND;
  if (initiator && (replacing || content->failure))
    {
      fd_row (&content->rows, content->state == FD_CONTENT_REPLACING ? 35 : 34);
      return FD_REPLY_TIE_BREAK; /* ours wins, be it out or about to be */
    }
  if (initiator && !content->accepted
      && (content->state != FD_CONTENT_OFFERED || proposal->kind != FD_TRANSPORT_KIND_IBB))
    return FD_REPLY_OUT_OF_ORDER;
  content->replaces++;
  fd_row (&content->rows, content->state >= FD_CONTENT_ACTIVE ? 43 : initiator ? 34 : 33);

  switch (content->state)
    {
    case FD_CONTENT_PREPARING:
    case FD_CONTENT_READY:
    case FD_CONTENT_OFFERED:
    case FD_CONTENT_NEGOTIATING:
    case FD_CONTENT_WAIT_REPLACE:
      if (!may_take (content, proposal))
        break;
      if (!content->accepted && !initiator)
        agree_early (content, proposal, omit);
      else
        {
          fd_transport_info_copy (&content->proposal, proposal);
          fd_content_take_proposal (content);
        }
      return FD_REPLY_OK;
    case FD_CONTENT_ACTIVE: /* is it dead for the peer? */
      if (content->moved > 0 || !content->pumping || content->proposal.kind != FD_TRANSPORT_KIND_NONE
          || !may_take (content, proposal))
        break;
      fd_transport_info_copy (&content->proposal, proposal);
      fd_content_do (content, FD_DO_STOP_PUMP);
      return FD_REPLY_OK;
    default:
      break;
    }
  reject_replace (content, proposal);
  return FD_REPLY_OK;
}

FdReply
fd_content_receive_replace_accept (FdContentMachine *content, const FdJingleContent *answer)
{
  if (content->state != FD_CONTENT_REPLACING)
    {
      fd_row (&content->rows, 48);
      return FD_REPLY_OUT_OF_ORDER;
    }
  if (!take_replacement (content, &answer->transport))
    fd_content_replace_failed (content, FD_BY_REMOTE,
                               fd_content_error (FD_ERROR_NO_TRANSPORT,
                                                 "%s accepted another transport than was proposed",
                                                 content->session->peer));
  return FD_REPLY_OK;
}

FdReply
fd_content_receive_replace_reject (FdContentMachine *content)
{
  if (content->state != FD_CONTENT_REPLACING)
    {
      fd_row (&content->rows, 48);
      return FD_REPLY_OUT_OF_ORDER;
    }
  fd_content_replace_failed (content, FD_BY_REMOTE,
                             fd_content_error (FD_ERROR_NO_TRANSPORT,
                                               "%s cannot be reached by TCP and refused to receive in-band",
                                               content->session->peer));
  return FD_REPLY_OK;
}

/* --- session-info --- */

void
fd_content_receive_received (FdContentMachine *content)
{
  gboolean empty = content->state == FD_CONTENT_NEGOTIATING && fd_content_is_nothing (content);

  if (content->over || !content->session->initiator || (content->state < FD_CONTENT_ACTIVE && !empty))
    return; /* of what? */
  content->received = TRUE;
  if (empty)
    fd_content_finish (content, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
  else
    fd_content_check_delivered (content);
}

void
fd_content_receive_checksum (FdContentMachine *content, const FdFile *checksum)
{
  if (content->session->initiator)
    return;
  for (guint i = 0; i < checksum->n_hashes; i++)
    fd_file_set_hash (content->file, &checksum->hashes[i]);
  if (content->state == FD_CONTENT_CHECKING)
    fd_content_verify (content);
}

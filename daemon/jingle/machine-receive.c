/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What each request of the peer does to a session in each state (XEP-0166 §7.2)
 * and how it is answered.
 */
#include "jingle/machine-private.h"

#include <string.h>

#define MAX_REPLACES 3 /* Dino proposes S5B again for ever */
#define MAX_EARLY 32 /* transport-infos before our user answered */

/* --- how a session ends by the peer's word --- */

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
read_reason (FdMachine *machine, const FdJingleMessage *message, GError **ret_error)
{
  const char *reason = message->reason ? message->reason : "no reason";
  FdOutcome outcome = FD_OUTCOME_FAILED;
  FdErrorCode code = FD_ERROR_REMOTE_FAILED;
  const char *text = NULL;
  g_autofree char *unknown = NULL;

  if (strcmp (reason, "cancel") == 0 && machine->initiator && machine->state == FD_MACHINE_OFFERED)
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
  *ret_error = fd_machine_error (code, "%s %s%s%s", machine->peer, text, message->reason_text ? ": " : "",
                                 message->reason_text ? message->reason_text : "");
  return outcome;
}

static void
end_by_peer (FdMachine *machine, const FdJingleMessage *message)
{
  GError *error = NULL;
  FdOutcome outcome = read_reason (machine, message, &error);

  fd_machine_finish (machine, outcome, FD_BY_REMOTE, error);
}

static void
drain (FdMachine *machine, const FdJingleMessage *message, gint64 now)
{
  GError *error = NULL;

  (void) read_reason (machine, message, &error); /* holds unless the bytes are all there */
  fd_machine_expect (machine, FD_BY_REMOTE, error);
  fd_machine_enter (machine, FD_MACHINE_DRAINING, fd_machine_after (now, FD_T_DRAIN));
}

/* The sender ended the session: bytes that are on their way still count, unless
 * it is told that they do not: Swift and Dino end early. */
static gboolean
may_drain (const FdJingleMessage *message)
{
  static const char *const final[] = { "cancel", "decline", "security-error", NULL };

  return !message->reason || !g_strv_contains (final, message->reason);
}

static gboolean
is_success (const FdJingleMessage *message)
{
  return g_strcmp0 (message->reason, "success") == 0;
}

static void
receive_terminate (FdMachine *machine, const FdJingleMessage *message, gint64 now)
{
  machine->terminated = TRUE;
  switch (machine->state)
    {
    case FD_MACHINE_PUBLISHING:
    case FD_MACHINE_STOPPING:
    case FD_MACHINE_ENDED:
      break;
    case FD_MACHINE_CHECKING:
      if (may_drain (message))
        fd_machine_publish (machine); /* all bytes are here, no checksum will come */
      else
        end_by_peer (machine, message);
      break;
    case FD_MACHINE_ACTIVE:
    case FD_MACHINE_SENT:
      if (machine->initiator && is_success (message))
        {
          machine->success = TRUE; /* believed when our last byte is out */
          machine->deadline = fd_machine_after (now, FD_T_DRAIN);
          fd_machine_check_delivered (machine, now);
        }
      else if (!machine->initiator && may_drain (message))
        drain (machine, message, now);
      else
        end_by_peer (machine, message);
      break;
    case FD_MACHINE_NEGOTIATING:
      if (machine->initiator && is_success (message) && machine->file->size == 0)
        {
          /* The receiver is connected, we are not yet: of an empty file it has all. */
          fd_machine_finish (machine, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
          break;
        }
      G_GNUC_FALLTHROUGH;
    default:
      end_by_peer (machine, message);
      break;
    }
}

/* --- beginning --- */

static void
refuse (FdMachine *machine, const char *reason, const char *detail, const char *text)
{
  fd_machine_terminate (machine, reason, detail, text);
  fd_machine_finish (machine, FD_OUTCOME_FAILED, FD_BY_LOCAL,
                     fd_machine_error (FD_ERROR_PROTOCOL, "%s", text));
}

static gboolean
is_usable (const FdTransportInfo *transport)
{
  return transport->kind == FD_TRANSPORT_KIND_IBB
         || (transport->kind == FD_TRANSPORT_KIND_S5B && !transport->s5b->udp);
}

static FdReply
receive_initiate (FdMachine *machine, const FdJingleMessage *message, gint64 now)
{
  const FdContent *content = fd_jingle_message_get_content (message);

  if (machine->announced)
    return machine->initiator ? FD_REPLY_TIE_BREAK : FD_REPLY_OUT_OF_ORDER;
  if (!content)
    return FD_REPLY_BAD_REQUEST;

  machine->announced = TRUE;
  machine->content = g_strdup (content->name);
  if (!content->file)
    refuse (machine, "unsupported-applications", NULL, "Only files are taken here");
  else if (message->contents->len > 1)
    refuse (machine, "failed-application", NULL, "Please offer one file per session");
  else if (content->secured)
    refuse (machine, "security-error", NULL, "Encrypted files cannot be decrypted here");
  else if (content->senders == FD_SENDERS_RESPONDER)
    refuse (machine, "failed-application", "file-not-available", "No files are published here");
  else if (!is_usable (&content->transport))
    refuse (machine, "unsupported-transports", NULL, "SOCKS5 and in-band bytestreams are known here");
  else
    {
      machine->file = fd_file_copy (content->file);
      machine->transport = content->transport.kind;
      fd_transport_info_copy (&machine->remote, &content->transport);
      fd_machine_enter (machine, FD_MACHINE_OFFERED, now + machine->answer_time);
    }
  return FD_REPLY_OK;
}

/* The peer's transport for our proposal, with what it left out filled in. */
static gboolean
take_answer (FdMachine *machine, const FdTransportInfo *answer)
{
  FdAction *action;

  if (answer->kind != machine->local.kind)
    return FALSE;
  action = fd_machine_do (machine, FD_DO_REMOTE);
  fd_transport_info_copy (&action->remote, answer);
  if (answer->kind == FD_TRANSPORT_KIND_IBB)
    action->remote.ibb->block_size = MIN (answer->ibb->block_size, machine->local.ibb->block_size);
  fd_machine_enter (machine, FD_MACHINE_NEGOTIATING, -1);
  fd_machine_do (machine, FD_DO_START);
  return TRUE;
}

/* The receiver may ask to start further on (XEP-0234 §7). */
static gboolean
take_range (FdMachine *machine, const FdFile *file)
{
  guint64 size = machine->file->size >= 0 ? (guint64) machine->file->size : 0;

  if (!file || !file->ranged || !machine->file->ranged)
    return TRUE;
  if (file->range_offset > size
      || (file->range_length >= 0 && (guint64) file->range_length > size - file->range_offset))
    return FALSE;
  machine->offset = file->range_offset;
  machine->length = file->range_length;
  return TRUE;
}

static FdReply
receive_accept (FdMachine *machine, const FdJingleMessage *message, const FdContent *content)
{
  /* Gajim answers a transport-replace with a session-accept. */
  if (machine->state == FD_MACHINE_REPLACING)
    return take_answer (machine, &content->transport) ? FD_REPLY_OK : FD_REPLY_OUT_OF_ORDER;
  if (!machine->initiator || machine->state != FD_MACHINE_OFFERED)
    return FD_REPLY_OUT_OF_ORDER;

  if (!take_range (machine, content->file))
    refuse (machine, "failed-application", NULL, "The accepted range lies outside the file");
  else if (take_answer (machine, &content->transport))
    fd_machine_do (machine, FD_DO_TELL_ACCEPTED);
  else
    refuse (machine, "failed-application", NULL, "Accepted with another transport than was offered");
  return FD_REPLY_OK;
}

/* --- transports --- */

static FdReply
receive_transport_info (FdMachine *machine, const FdContent *content)
{
  if (content->transport.kind == FD_TRANSPORT_KIND_IBB)
    return FD_REPLY_OK;
  if (content->transport.kind != FD_TRANSPORT_KIND_S5B)
    return FD_REPLY_BAD_REQUEST;
  if (machine->transport != FD_TRANSPORT_KIND_S5B || machine->state >= FD_MACHINE_STOPPING
      || machine->state == FD_MACHINE_WAIT_REPLACE)
    return FD_REPLY_OK; /* about one that is given up */
  if (!machine->initiator && machine->state == FD_MACHINE_OFFERED)
    {
      FdTransportInfo copy;

      if (machine->early->len < MAX_EARLY)
        {
          fd_transport_info_copy (&copy, &content->transport);
          g_ptr_array_add (machine->early, copy.s5b);
        }
      return FD_REPLY_OK;
    }
  return FD_REPLY_ASK_TRANSPORT;
}

static void
reject_replace (FdMachine *machine, const FdContent *content)
{
  fd_machine_send_content (machine, FD_JINGLE_TRANSPORT_REJECT, &content->transport);
}

static void
take_replace (FdMachine *machine, const FdContent *content)
{
  fd_transport_info_clear (&machine->remote);
  fd_transport_info_copy (&machine->remote, &content->transport);
  g_ptr_array_set_size (machine->early, 0);
}

static FdReply
receive_replace (FdMachine *machine, const FdContent *content)
{
  gboolean possible = content->transport.kind == FD_TRANSPORT_KIND_IBB && machine->replaces < MAX_REPLACES;

  if (machine->state == FD_MACHINE_REPLACING)
    return FD_REPLY_TIE_BREAK; /* only the initiator gets there, and it wins */
  machine->replaces++;

  switch (machine->state)
    {
    case FD_MACHINE_OFFERED: /* our user has not answered: agree now, begin later */
      if (machine->initiator)
        return FD_REPLY_OUT_OF_ORDER;
      if (!possible)
        break;
      take_replace (machine, content);
      machine->transport = FD_TRANSPORT_KIND_IBB;
      fd_machine_send_content (machine, FD_JINGLE_TRANSPORT_ACCEPT, &machine->remote);
      return FD_REPLY_OK;
    case FD_MACHINE_PREPARING:
    case FD_MACHINE_NEGOTIATING:
    case FD_MACHINE_WAIT_REPLACE:
      if (!possible || (machine->paths & FD_PATH_IBB) == 0)
        break;
      take_replace (machine, content);
      fd_machine_do (machine, FD_DO_DROP);
      if (machine->state == FD_MACHINE_PREPARING && machine->prepare_for == FD_PREPARE_ACCEPT)
        {
          fd_machine_send_content (machine, FD_JINGLE_TRANSPORT_ACCEPT, &machine->remote);
          fd_machine_prepare (machine, FD_TRANSPORT_KIND_IBB, FD_PREPARE_ACCEPT);
        }
      else
        fd_machine_prepare (machine, FD_TRANSPORT_KIND_IBB, FD_PREPARE_REPLACE_ACCEPT);
      return FD_REPLY_OK;
    default: /* bytes flow */
      break;
    }
  reject_replace (machine, content);
  return FD_REPLY_OK;
}

static FdReply
receive_replace_answer (FdMachine *machine, const FdJingleMessage *message, const FdContent *content)
{
  if (machine->state != FD_MACHINE_REPLACING)
    return FD_REPLY_OUT_OF_ORDER;
  if (message->action == FD_JINGLE_TRANSPORT_ACCEPT && take_answer (machine, &content->transport))
    return FD_REPLY_OK;
  fd_machine_terminate (machine, "failed-transport", NULL, NULL);
  fd_machine_finish (machine, FD_OUTCOME_FAILED, FD_BY_REMOTE,
                     fd_machine_error (FD_ERROR_NO_TRANSPORT,
                                       "%s cannot be reached by TCP and refused to receive in-band",
                                       machine->peer));
  return FD_REPLY_OK;
}

/* --- the rest --- */

static FdReply
receive_info (FdMachine *machine, const FdJingleMessage *message, gint64 now)
{
  switch (message->info)
    {
    case FD_SESSION_INFO_PING:
      return FD_REPLY_OK;
    case FD_SESSION_INFO_RECEIVED:
      machine->received = TRUE;
      fd_machine_check_delivered (machine, now);
      return FD_REPLY_OK;
    case FD_SESSION_INFO_CHECKSUM:
      for (guint i = 0; !machine->initiator && i < message->checksum->n_hashes; i++)
        fd_file_set_hash (machine->file, &message->checksum->hashes[i]);
      if (machine->state == FD_MACHINE_CHECKING)
        fd_machine_verify (machine, now);
      return FD_REPLY_OK;
    default:
      return FD_REPLY_UNSUPPORTED_INFO;
    }
}

static gboolean
needs_content (FdJingleAction action)
{
  switch (action)
    {
    case FD_JINGLE_SESSION_ACCEPT:
    case FD_JINGLE_TRANSPORT_ACCEPT:
    case FD_JINGLE_TRANSPORT_INFO:
    case FD_JINGLE_TRANSPORT_REJECT:
    case FD_JINGLE_TRANSPORT_REPLACE:
    case FD_JINGLE_CONTENT_ADD:
    case FD_JINGLE_CONTENT_REMOVE:
      return TRUE;
    default:
      return FALSE;
    }
}

FdReply
fd_machine_receive (FdMachine *machine, const FdJingleMessage *message, gint64 now)
{
  const FdContent *content = fd_jingle_message_get_content (message);

  if (message->action == FD_JINGLE_SESSION_INITIATE)
    return receive_initiate (machine, message, now);
  if (needs_content (message->action))
    {
      if (!content)
        return FD_REPLY_BAD_REQUEST;
      if (message->action != FD_JINGLE_CONTENT_ADD && strcmp (content->name, machine->content) != 0)
        return FD_REPLY_ITEM_NOT_FOUND;
    }

  switch (message->action)
    {
    case FD_JINGLE_SESSION_TERMINATE:
      receive_terminate (machine, message, now);
      return FD_REPLY_OK;
    case FD_JINGLE_SESSION_ACCEPT:
      return receive_accept (machine, message, content);
    case FD_JINGLE_SESSION_INFO:
      return receive_info (machine, message, now);
    case FD_JINGLE_TRANSPORT_INFO:
      return receive_transport_info (machine, content);
    case FD_JINGLE_TRANSPORT_REPLACE:
      return receive_replace (machine, content);
    case FD_JINGLE_TRANSPORT_ACCEPT:
    case FD_JINGLE_TRANSPORT_REJECT:
      return receive_replace_answer (machine, message, content);
    case FD_JINGLE_CONTENT_ADD:
      fd_machine_send (machine, FD_JINGLE_CONTENT_REJECT);
      {
        FdAction *action = g_queue_peek_tail (&machine->actions);
        FdContent *rejected
          = fd_jingle_message_add_content (action->message, content->by_initiator, content->name);

        rejected->senders = content->senders == FD_SENDERS_MISSING ? FD_SENDERS_INITIATOR : content->senders;
        action->message->reason = g_strdup ("failed-application");
      }
      return FD_REPLY_OK;
    case FD_JINGLE_CONTENT_REMOVE: /* the only one: the session has nothing left */
      if (machine->state < FD_MACHINE_PUBLISHING)
        {
          fd_machine_terminate (machine, "cancel", NULL, NULL);
          end_by_peer (machine, message);
        }
      return FD_REPLY_OK;
    case FD_JINGLE_CONTENT_ACCEPT:
    case FD_JINGLE_CONTENT_REJECT:
      return FD_REPLY_OUT_OF_ORDER;
    default: /* content-modify, description-info, security-info: nothing to change */
      return FD_REPLY_OK;
    }
}

/* --- answers to our own requests --- */

static void
request_failed (FdMachine *machine, FdJingleAction action, const GError *error, gint64 now)
{
  gboolean silent = g_error_matches (error, FD_ERROR, FD_ERROR_TIMEOUT);

  switch (action)
    {
    case FD_JINGLE_SESSION_INITIATE:
      if (machine->state != FD_MACHINE_OFFERED)
        return; /* it was accepted before it was acknowledged */
      if (silent)
        fd_machine_terminate (machine, "timeout", NULL, NULL);
      break;
    case FD_JINGLE_SESSION_INFO:
      if (!machine->pinged || !silent)
        return; /* any answer is a sign of life */
      fd_machine_terminate (machine, "connectivity-error", NULL, NULL);
      break;
    case FD_JINGLE_SESSION_ACCEPT:
      if (machine->state >= FD_MACHINE_ACTIVE)
        return;
      fd_machine_terminate (machine, "general-error", NULL, NULL);
      break;
    case FD_JINGLE_TRANSPORT_REPLACE:
      if (machine->state != FD_MACHINE_REPLACING)
        return;
      fd_machine_terminate (machine, "failed-transport", NULL, NULL);
      break;
    default: /* Gajim answers transport-accept with an error and goes on */
      return;
    }
  machine->terminated = TRUE;
  fd_machine_finish (machine, FD_OUTCOME_FAILED, silent ? FD_BY_NETWORK : FD_BY_REMOTE, g_error_copy (error));
}

void
fd_machine_answered (FdMachine *machine, FdJingleAction action, const GError *error, gboolean unknown_session,
                     gint64 now)
{
  if (machine->state >= FD_MACHINE_PUBLISHING || action == FD_JINGLE_SESSION_TERMINATE)
    return;
  if (!error)
    return;
  if (unknown_session && action != FD_JINGLE_SESSION_INITIATE && !machine->terminated)
    {
      machine->terminated = TRUE;
      fd_machine_finish (machine, FD_OUTCOME_FAILED, FD_BY_REMOTE,
                         fd_machine_error (FD_ERROR_REMOTE_FAILED,
                                           "%s has ended the transfer without saying so", machine->peer));
      return;
    }
  request_failed (machine, action, error, now);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The peer's requests for a session: which contents they are about, and whether
 * they are in order (XEP-0166 §7.2). What they do to one is in content-receive.c.
 */
#include "jingle/machine-private.h"

#include <string.h>

/* --- offers --- */

/* Why a content cannot be taken. */
typedef struct
{
  const char *reason;
  const char *detail;
  const char *text;
} Refusal;

static const Refusal no_file = { "unsupported-applications", NULL, "Only files are taken here" };
static const Refusal encrypted = { "security-error", NULL, "Encrypted files cannot be decrypted here" };
static const Refusal request = { "failed-application", "file-not-available", "No files are published here" };
static const Refusal no_transport
  = { "unsupported-transports", NULL, "SOCKS5 and in-band bytestreams are known here" };

static const Refusal *
examine (const FdJingleContent *offer)
{
  if (!offer->file)
    return &no_file;
  if (offer->secured)
    return &encrypted;
  /* Swift sends no senders, Gajim both: a file is offered by whoever describes it. */
  if (offer->senders == FD_SENDERS_RESPONDER)
    return &request;
  if (!fd_content_is_usable (&offer->transport))
    return &no_transport;
  return NULL;
}

/* Contents of one name are alternatives: the first that we can take. */
static const FdJingleContent *
choose (const FdJingleMessage *message, const FdJingleContent *first)
{
  for (guint i = 0; i < message->contents->len; i++)
    {
      const FdJingleContent *offer = message->contents->pdata[i];

      if (strcmp (offer->name, first->name) == 0 && !examine (offer))
        return offer;
    }
  return first;
}

static FdContentMachine *
take_offer (FdSessionMachine *session, const FdJingleContent *offer)
{
  FdContentMachine *content = fd_session_append (session, offer->name, offer->file);

  /* Our accept repeats the file; what is to be sent of it is ours to say. */
  if (content->file)
    {
      content->file->range_offset = 0;
      content->file->range_length = -1;
    }
  content->version = offer->version;
  content->proposed = TRUE;
  content->added = session->announced;
  content->transport = offer->transport.kind;
  fd_transport_info_copy (&content->remote, &offer->transport);
  fd_content_recognise (content, &offer->transport);
  content->answer_by = session->now + session->answer_time;
  fd_content_enter (content, FD_CONTENT_OFFERED, content->answer_by);
  return content;
}

static void
show_offers (FdSessionMachine *session, guint from)
{
  for (guint i = from; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      if (content->state != FD_CONTENT_OFFERED)
        continue;
      content->told = TRUE;
      fd_content_do (content, FD_DO_TELL_OFFERED);
    }
}

/* The contents of @message that are new here; those that cannot be taken are
 * refused singly, or together if no other is left. */
static void
take_offers (FdSessionMachine *session, const FdJingleMessage *message)
{
  g_autoptr (GPtrArray) refused = g_ptr_array_new (); /* FdContentMachine */
  g_autoptr (GPtrArray) refusals = g_ptr_array_new (); /* why, of each */
  guint from = session->contents->len;

  for (guint i = 0; i < message->contents->len; i++)
    {
      const FdJingleContent *offer = message->contents->pdata[i];
      const Refusal *refusal;
      FdContentMachine *content;

      if (fd_session_find (session, offer->name))
        continue; /* another alternative */
      offer = choose (message, offer);
      content = take_offer (session, offer);
      refusal = examine (offer);
      if (!refusal)
        continue;
      g_ptr_array_add (refused, content);
      g_ptr_array_add (refusals, (gpointer) refusal);
    }
  session->announced = TRUE;
  if (refused->len == session->contents->len)
    {
      const Refusal *refusal = refusals->pdata[0];

      fd_session_terminate (session, refusal->reason, refusal->detail, refusal->text);
    }
  for (guint i = 0; i < refused->len; i++)
    {
      const Refusal *refusal = refusals->pdata[i];

      fd_content_refuse (refused->pdata[i], refusal->reason, refusal->detail, refusal->text);
    }
  show_offers (session, from);
}

static FdReply
receive_initiate (FdSessionMachine *session, const FdJingleMessage *message)
{
  if (session->announced)
    return session->initiator ? FD_REPLY_TIE_BREAK : FD_REPLY_OUT_OF_ORDER;
  if (session->initiator || message->contents->len == 0)
    {
      if (!session->initiator)
        fd_session_advance (session); /* there is nothing: it ends */
      return FD_REPLY_BAD_REQUEST;
    }
  session->state = FD_SESSION_PENDING;
  if (message->batch)
    session->extensions |= FD_EXT_BATCH;
  session->batch = g_strdup (message->batch_id);
  take_offers (session, message);
  return FD_REPLY_OK;
}

/* We take no file from the side that we offer ours to, nor more than a few. */
static void
reject_add (FdSessionMachine *session, const FdJingleMessage *message, const char *reason, const char *text)
{
  FdJingleMessage *reject = fd_session_message (session, FD_JINGLE_CONTENT_REJECT);

  for (guint i = 0; i < message->contents->len; i++)
    {
      const FdJingleContent *added = message->contents->pdata[i];
      FdJingleContent *rejected = fd_jingle_message_add_content (reject, added->by_initiator, added->name);

      rejected->senders = added->senders == FD_SENDERS_MISSING ? FD_SENDERS_INITIATOR : added->senders;
    }
  reject->reason = g_strdup (reason);
  reject->reason_text = g_strdup (text);
  fd_session_send (session, NULL, reject);
}

static FdReply
receive_add (FdSessionMachine *session, const FdJingleMessage *message)
{
  if (!session->announced || session->terminated)
    return FD_REPLY_OUT_OF_ORDER;
  if (session->initiator)
    {
      reject_add (session, message, "failed-application", "Please offer files in a session of your own");
      return FD_REPLY_OK;
    }
  for (guint i = 0; i < message->contents->len; i++)
    if (fd_session_find (session, ((FdJingleContent *) message->contents->pdata[i])->name))
      return FD_REPLY_BAD_REQUEST; /* that name is taken */
  if (session->contents->len + message->contents->len > FD_JINGLE_MAX_CONTENTS)
    {
      reject_add (session, message, "busy", "Please open another session for more files");
      return FD_REPLY_OK;
    }
  session->linger = -1;
  take_offers (session, message);
  return FD_REPLY_OK;
}

/* --- accepts --- */

/* In a running session only what answers a replacement, or a content-add. */
static gboolean
is_late (const FdSessionMachine *session, const FdJingleMessage *message)
{
  for (guint i = 0; i < message->contents->len; i++)
    {
      const FdJingleContent *answer = message->contents->pdata[i];

      if (fd_session_find (session, answer->name)->state != FD_CONTENT_REPLACING
          && (message->action == FD_JINGLE_SESSION_ACCEPT || session->state != FD_SESSION_ACTIVE))
        return TRUE;
    }
  return FALSE;
}

static FdReply
receive_accept (FdSessionMachine *session, const FdJingleMessage *message)
{
  FdReply reply = FD_REPLY_OK;

  if (message->action == FD_JINGLE_SESSION_ACCEPT && session->state == FD_SESSION_PENDING
      && session->initiator)
    session->state = FD_SESSION_ACTIVE;
  else if (is_late (session, message))
    return FD_REPLY_OUT_OF_ORDER;
  for (guint i = 0; i < message->contents->len && reply == FD_REPLY_OK; i++)
    {
      const FdJingleContent *answer = message->contents->pdata[i];

      reply = fd_content_receive_accept (fd_session_find (session, answer->name), answer);
    }
  return reply;
}

/* --- session-info --- */

/* Gajim names no content: the only one is meant. */
static FdContentMachine *
find_named (const FdSessionMachine *session, const char *name)
{
  if (name)
    return fd_session_find (session, name);
  return session->contents->len == 1 ? session->contents->pdata[0] : NULL;
}

static FdReply
receive_info (FdSessionMachine *session, const FdJingleMessage *message)
{
  FdContentMachine *content = find_named (session, message->info_content);

  if (message->info == FD_SESSION_INFO_PING)
    return FD_REPLY_OK;
  if (message->info == FD_SESSION_INFO_OTHER)
    return FD_REPLY_UNSUPPORTED_INFO;
  if (!content)
    return message->info_content ? FD_REPLY_ITEM_NOT_FOUND : FD_REPLY_OK;
  if (message->info == FD_SESSION_INFO_RECEIVED)
    fd_content_receive_received (content);
  else
    fd_content_receive_checksum (content, message->checksum);
  return FD_REPLY_OK;
}

/* --- ends --- */

static FdReply
receive_terminate (FdSessionMachine *session, const FdJingleMessage *message)
{
  fd_row (&session->rows, 49);
  session->terminated = TRUE;
  session->linger = -1;
  for (guint i = 0; i < session->contents->len; i++)
    ((FdContentMachine *) session->contents->pdata[i])->over = TRUE;
  for (guint i = 0; i < session->contents->len; i++)
    fd_content_receive_end (session->contents->pdata[i], message, "no reason");
  fd_session_advance (session);
  return FD_REPLY_OK;
}

static FdReply
receive_removal (FdSessionMachine *session, const FdJingleMessage *message)
{
  gboolean reject = message->action == FD_JINGLE_CONTENT_REJECT;

  for (guint i = 0; i < message->contents->len; i++)
    {
      FdContentMachine *content
        = fd_session_find (session, ((FdJingleContent *) message->contents->pdata[i])->name);

      if (reject && !content->over && (!session->initiator || content->accepted))
        return FD_REPLY_OUT_OF_ORDER;
      if (!content->over)
        fd_content_receive_end (content, message, reject ? "decline" : "cancel");
    }
  return FD_REPLY_OK;
}

/* --- transports --- */

/* Several at once can only be answered together (iris does so). */
static FdReply
receive_transport_infos (FdSessionMachine *session, const FdJingleMessage *message,
                         FdContentMachine **ret_content)
{
  FdReply reply = FD_REPLY_OK;

  for (guint i = 0; i < message->contents->len && (reply == FD_REPLY_OK || reply == FD_REPLY_ASK_TRANSPORT);
       i++)
    {
      const FdJingleContent *info = message->contents->pdata[i];
      FdContentMachine *content = fd_session_find (session, info->name);

      reply = fd_content_receive_transport_info (content, info);
      if (reply != FD_REPLY_ASK_TRANSPORT)
        continue;
      if (message->contents->len == 1)
        {
          *ret_content = content;
          return reply;
        }
      fd_transport_info_copy (&fd_content_do (content, FD_DO_REMOTE)->remote, &info->transport);
    }
  return reply == FD_REPLY_ASK_TRANSPORT ? FD_REPLY_OK : reply;
}

static FdReply
receive_transports (FdSessionMachine *session, const FdJingleMessage *message)
{
  FdReply reply = FD_REPLY_OK;

  for (guint i = 0; i < message->contents->len && reply == FD_REPLY_OK; i++)
    {
      const FdJingleContent *theirs = message->contents->pdata[i];
      FdContentMachine *content = fd_session_find (session, theirs->name);

      if (message->action == FD_JINGLE_TRANSPORT_REPLACE)
        reply = fd_content_receive_replace (content, theirs, message->early_accept);
      else if (message->action == FD_JINGLE_TRANSPORT_ACCEPT)
        reply = fd_content_receive_replace_accept (content, theirs);
      else
        reply = fd_content_receive_replace_reject (content);
    }
  return reply;
}

/* --- all of them --- */

/* Whether it is about contents of this session. */
static FdReply
check_contents (const FdSessionMachine *session, const FdJingleMessage *message)
{
  switch (message->action)
    {
    case FD_JINGLE_CONTENT_ADD:
      return message->contents->len > 0 ? FD_REPLY_OK : FD_REPLY_BAD_REQUEST;
    case FD_JINGLE_SESSION_ACCEPT:
    case FD_JINGLE_CONTENT_ACCEPT:
    case FD_JINGLE_CONTENT_REJECT:
    case FD_JINGLE_CONTENT_REMOVE:
    case FD_JINGLE_TRANSPORT_ACCEPT:
    case FD_JINGLE_TRANSPORT_INFO:
    case FD_JINGLE_TRANSPORT_REJECT:
    case FD_JINGLE_TRANSPORT_REPLACE:
      if (message->contents->len == 0)
        return FD_REPLY_BAD_REQUEST;
      for (guint i = 0; i < message->contents->len; i++)
        if (!fd_session_find (session, ((FdJingleContent *) message->contents->pdata[i])->name))
          return FD_REPLY_ITEM_NOT_FOUND;
      return FD_REPLY_OK;
    default:
      return FD_REPLY_OK;
    }
}

FdReply
fd_session_machine_receive (FdSessionMachine *session, const FdJingleMessage *message,
                            FdContentMachine **ret_content, gint64 now)
{
  FdReply reply;

  session->now = now;
  session->gone = -1; /* it is there */
  if (message->action == FD_JINGLE_SESSION_INITIATE)
    return receive_initiate (session, message);
  reply = check_contents (session, message);
  if (reply != FD_REPLY_OK)
    return reply;

  switch (message->action)
    {
    case FD_JINGLE_CONTENT_ADD:
      return receive_add (session, message);
    case FD_JINGLE_SESSION_ACCEPT:
    case FD_JINGLE_CONTENT_ACCEPT:
      return receive_accept (session, message);
    case FD_JINGLE_CONTENT_REJECT:
    case FD_JINGLE_CONTENT_REMOVE:
      return receive_removal (session, message);
    case FD_JINGLE_SESSION_INFO:
      return receive_info (session, message);
    case FD_JINGLE_SESSION_TERMINATE:
      return receive_terminate (session, message);
    case FD_JINGLE_TRANSPORT_INFO:
      return receive_transport_infos (session, message, ret_content);
    case FD_JINGLE_TRANSPORT_ACCEPT:
    case FD_JINGLE_TRANSPORT_REJECT:
    case FD_JINGLE_TRANSPORT_REPLACE:
      return receive_transports (session, message);
    default: /* content-modify, description-info, security-info: nothing to change */
      return FD_REPLY_OK;
    }
}

/* --- answers to our own requests --- */

/* All that are not safe yet; nobody is there to be told. */
static void
end_all (FdSessionMachine *session, FdEndedBy by, const GError *error)
{
  session->terminated = TRUE;
  session->linger = -1;
  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      content->over = TRUE;
      if (content->state < FD_CONTENT_PUBLISHING)
        fd_content_finish (content, FD_OUTCOME_FAILED, by, g_error_copy (error));
    }
  fd_session_advance (session);
}

/* To who has our extension, and of whom we saw that it went, "not supported" is what its
 * server says when it is not there (RFC 6121 §8.5.3.2.3). */
static GError *
refusal (const FdSessionMachine *session, const GError *error, gboolean extended)
{
  if (g_error_matches (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED) && (extended || session->gone >= 0))
    return fd_content_error (FD_ERROR_PEER_OFFLINE, "%s is not there any more", session->peer);
  return g_error_copy (error);
}

static void
initiate_failed (FdSessionMachine *session, const GError *error, gboolean silent)
{
  g_autoptr (GError) reason = refusal (session, error, FALSE);

  if (session->state != FD_SESSION_PENDING)
    return; /* it was accepted before it was acknowledged */
  if (silent)
    fd_session_terminate (session, "timeout", NULL, NULL);
  end_all (session, silent ? FD_BY_NETWORK : FD_BY_REMOTE, reason);
}

/* One of the contents that the refused @action was about. */
static void
content_failed (FdSessionMachine *session, const char *name, FdJingleAction action, const GError *error,
                gboolean silent)
{
  FdContentMachine *content = fd_session_find (session, name);
  FdEndedBy by = silent ? FD_BY_NETWORK : FD_BY_REMOTE;

  if (!content)
    return; /* we never took it */
  switch (action)
    {
    case FD_JINGLE_CONTENT_ADD:
      if (content->state != FD_CONTENT_OFFERED)
        return;
      content->over = TRUE; /* it never was there */
      fd_content_finish (content, FD_OUTCOME_FAILED, by, refusal (session, error, FALSE));
      break;
    case FD_JINGLE_SESSION_ACCEPT:
    case FD_JINGLE_CONTENT_ACCEPT:
      if (content->state >= FD_CONTENT_ACTIVE || content->replaces > 0) /* the second one, for Gajim */
        return;
      fd_content_tell_end (content, "general-error", NULL, NULL);
      fd_content_finish (content, FD_OUTCOME_FAILED, by,
                         refusal (session, error, content->file->resume_id != NULL));
      break;
    case FD_JINGLE_TRANSPORT_REPLACE:
      if (content->state == FD_CONTENT_REPLACING)
        fd_content_replace_failed (content, by, g_error_copy (error));
      break;
    default: /* Gajim answers transport-accept with an error and goes on */
      break;
    }
}

static void
set_known (FdSessionMachine *session, const FdJingleMessage *asked)
{
  for (guint i = 0; i < asked->contents->len; i++)
    {
      FdContentMachine *content
        = fd_session_find (session, ((FdJingleContent *) asked->contents->pdata[i])->name);

      if (content)
        content->known = TRUE;
    }
}

/* The peer does not know the session: it has crashed, or lost count. */
static void
forgotten (FdSessionMachine *session)
{
  g_autoptr (GError) error
    = session->gone >= 0
        ? fd_content_error (FD_ERROR_PEER_OFFLINE, "%s was gone, and knows of no transfer", session->peer)
        : fd_content_error (FD_ERROR_REMOTE_FAILED, "%s has ended the transfer without saying so",
                            session->peer);

  for (guint i = 0; i < session->contents->len; i++)
    {
      FdContentMachine *content = session->contents->pdata[i];

      content->reoffer = fd_content_is_unseen (content);
      g_free (content->said);
      content->said = g_strdup (FD_SAID_NOTHING);
    }
  end_all (session, FD_BY_REMOTE, error);
}

void
fd_session_machine_answered (FdSessionMachine *session, const FdJingleMessage *asked, const GError *error,
                             gboolean unknown_session, gint64 now)
{
  gboolean silent = g_error_matches (error, FD_ERROR, FD_ERROR_TIMEOUT);
  gboolean ping = asked->action == FD_JINGLE_SESSION_INFO && asked->info == FD_SESSION_INFO_PING;

  session->now = now;
  if (!error && asked->action == FD_JINGLE_CONTENT_ADD)
    set_known (session, asked);
  if (ping && session->state != FD_SESSION_ENDED && !unknown_session)
    fd_session_ping_answered (session, error);
  if (!error || session->state == FD_SESSION_ENDED || asked->action == FD_JINGLE_SESSION_TERMINATE)
    return;
  if (asked->action == FD_JINGLE_SESSION_INITIATE)
    initiate_failed (session, error, silent);
  else if (unknown_session && !session->terminated)
    forgotten (session);
  else
    for (guint i = 0; i < asked->contents->len; i++)
      content_failed (session, ((FdJingleContent *) asked->contents->pdata[i])->name, asked->action, error,
                      silent);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session's own steps: offering, accepting, moving bytes, checking them and
 * ending truthfully (XEP-0166 §6, XEP-0234 §8). The peer's requests are in
 * machine-receive.c.
 */
#include "jingle/machine-private.h"

#include <stdarg.h>

#define RESPONDER_GRACE_S 3600 /* an offer that we show outlives the offerer's own timer */
#define PEER_GONE_S 10 /* from its unavailable presence to giving up on a confirmation */

/* --- life --- */

FdMachine *
fd_machine_new (const FdMachineConfig *config, const FdFile *file)
{
  FdMachine *machine = g_new0 (FdMachine, 1);
  guint timeout = config->timeout_s > 0 ? config->timeout_s : FD_T_ANSWER;

  machine->initiator = config->initiator;
  machine->me = g_strdup (config->me);
  machine->peer = g_strdup (config->peer);
  machine->sid = g_strdup (config->sid);
  machine->peer_transports = config->peer_transports;
  machine->paths = config->paths;
  machine->answer_time
    = (gint64) (config->initiator ? timeout : timeout + RESPONDER_GRACE_S) * G_USEC_PER_SEC;
  machine->deadline = -1;
  machine->length = -1;
  machine->stream_up = TRUE;
  machine->early = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_s5b_info_free);
  if (file)
    {
      machine->file = fd_file_copy (file);
      machine->content = g_strdup ("file");
    }
  g_queue_init (&machine->actions);
  return machine;
}

void
fd_machine_free (FdMachine *machine)
{
  if (!machine)
    return;
  g_queue_clear_full (&machine->actions, (GDestroyNotify) fd_action_free);
  g_ptr_array_unref (machine->early);
  fd_transport_info_clear (&machine->local);
  fd_transport_info_clear (&machine->remote);
  g_clear_pointer (&machine->file, fd_file_free);
  g_clear_error (&machine->error);
  g_free (machine->content);
  g_free (machine->me);
  g_free (machine->peer);
  g_free (machine->sid);
  g_free (machine);
}

void
fd_action_free (FdAction *action)
{
  g_clear_pointer (&action->message, fd_jingle_message_free);
  fd_transport_info_clear (&action->remote);
  g_free (action);
}

FdAction *
fd_machine_next (FdMachine *machine)
{
  return g_queue_pop_head (&machine->actions);
}

gint64
fd_machine_get_deadline (FdMachine *machine)
{
  return machine->deadline;
}

FdMachineState
fd_machine_get_state (FdMachine *machine)
{
  return machine->state;
}

const FdFile *
fd_machine_get_file (FdMachine *machine)
{
  return machine->file;
}

const char *
fd_machine_get_content (FdMachine *machine)
{
  return machine->content;
}

const FdSessionEnd *
fd_machine_get_end (FdMachine *machine)
{
  return &machine->end;
}

/* --- what both files use --- */

GError *
fd_machine_error (FdErrorCode code, const char *format, ...)
{
  va_list args;
  GError *error;

  va_start (args, format);
  error = g_error_new_valist (FD_ERROR, code, format, args);
  va_end (args);
  return error;
}

FdAction *
fd_machine_do (FdMachine *machine, FdDo what)
{
  FdAction *action = g_new0 (FdAction, 1);

  action->what = what;
  g_queue_push_tail (&machine->actions, action);
  return action;
}

FdJingleMessage *
fd_machine_send (FdMachine *machine, FdJingleAction what)
{
  FdJingleMessage *message = fd_jingle_message_new (what, machine->sid);

  message->initiator = g_strdup (machine->initiator ? machine->me : machine->peer);
  fd_machine_do (machine, FD_DO_SEND)->message = message;
  return message;
}

FdContent *
fd_machine_send_content (FdMachine *machine, FdJingleAction what, const FdTransportInfo *transport)
{
  FdContent *content
    = fd_jingle_message_add_content (fd_machine_send (machine, what), TRUE, machine->content);

  content->senders = FD_SENDERS_INITIATOR;
  fd_transport_info_copy (&content->transport, transport);
  return content;
}

void
fd_machine_enter (FdMachine *machine, FdMachineState state, gint64 deadline)
{
  machine->state = state;
  machine->deadline = deadline;
}

void
fd_machine_expect (FdMachine *machine, FdEndedBy blame, GError *error)
{
  g_clear_error (&machine->error);
  machine->error = error;
  machine->blame = blame;
}

void
fd_machine_terminate (FdMachine *machine, const char *reason, const char *detail, const char *text)
{
  FdJingleMessage *message;

  if (machine->terminated || !machine->announced)
    return;
  machine->terminated = TRUE;
  message = fd_machine_send (machine, FD_JINGLE_SESSION_TERMINATE);
  message->reason = g_strdup (reason);
  message->reason_detail = g_strdup (detail);
  message->reason_text = g_strdup (text);
}

static void
end (FdMachine *machine)
{
  fd_machine_enter (machine, FD_MACHINE_ENDED, -1);
  fd_machine_do (machine, FD_DO_DROP);
  fd_machine_do (machine, FD_DO_END);
}

void
fd_machine_finish (FdMachine *machine, FdOutcome outcome, FdEndedBy by, GError *error)
{
  g_clear_error (&machine->error);
  machine->error = error;
  if (machine->initiator && machine->received && outcome == FD_OUTCOME_DONE)
    machine->end.verified = FD_VERIFIED_OK; /* a mere success proves nothing: Dino and Gajim always say it */
  machine->end.outcome = outcome;
  machine->end.by = by;
  machine->end.error = error;
  machine->end.digest = machine->pumped && machine->digest.algo != FD_HASH_NONE ? &machine->digest : NULL;
  if (outcome == FD_OUTCOME_FAILED && machine->started && !machine->initiator
      && machine->end.verified != FD_VERIFIED_MISMATCH)
    fd_machine_do (machine, FD_DO_KEEP);
  if (!machine->pumping)
    {
      end (machine);
      return;
    }
  fd_machine_enter (machine, FD_MACHINE_STOPPING, -1);
  fd_machine_do (machine, FD_DO_STOP_PUMP);
}

void
fd_machine_prepare (FdMachine *machine, FdTransportKind kind, FdPrepareFor what_for)
{
  FdAction *action;

  machine->transport = kind;
  machine->prepare_for = what_for;
  fd_machine_enter (machine, FD_MACHINE_PREPARING, -1); /* the transport has its own timer */
  action = fd_machine_do (machine, FD_DO_PREPARE);
  action->kind = kind;
  if (what_for == FD_PREPARE_ACCEPT || what_for == FD_PREPARE_REPLACE_ACCEPT)
    fd_transport_info_copy (&action->remote, &machine->remote);
}

/* --- beginning --- */

static gboolean
may_use (FdMachine *machine, FdTransportKind kind)
{
  if (kind == FD_TRANSPORT_KIND_S5B)
    return (machine->paths & (FD_PATH_SOCKS5_DIRECT | FD_PATH_SOCKS5_PROXY)) != 0
           && (machine->peer_transports & FD_TRANSPORT_S5B) != 0;
  return (machine->paths & FD_PATH_IBB) != 0 && (machine->peer_transports & FD_TRANSPORT_IBB) != 0;
}

void
fd_machine_start (FdMachine *machine, gint64 now)
{
  g_return_if_fail (machine->initiator && machine->state == FD_MACHINE_PREPARING);

  if (may_use (machine, FD_TRANSPORT_KIND_S5B))
    fd_machine_prepare (machine, FD_TRANSPORT_KIND_S5B, FD_PREPARE_INITIATE);
  else if (may_use (machine, FD_TRANSPORT_KIND_IBB))
    fd_machine_prepare (machine, FD_TRANSPORT_KIND_IBB, FD_PREPARE_INITIATE);
  else
    fd_machine_finish (machine, FD_OUTCOME_FAILED, FD_BY_LOCAL,
                       fd_machine_error (FD_ERROR_NO_TRANSPORT,
                                         "%s has no transport in common with those that were allowed",
                                         machine->peer));
}

void
fd_machine_accept (FdMachine *machine, FdPath paths, gint64 now)
{
  g_return_if_fail (!machine->initiator && machine->state == FD_MACHINE_OFFERED);

  machine->paths = paths;
  fd_machine_prepare (machine, machine->remote.kind, FD_PREPARE_ACCEPT);
  for (guint i = 0; i < machine->early->len; i++)
    {
      FdTransportInfo info = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = machine->early->pdata[i] };

      fd_transport_info_copy (&fd_machine_do (machine, FD_DO_REMOTE)->remote, &info);
    }
  g_ptr_array_set_size (machine->early, 0);
}

void
fd_machine_reject (FdMachine *machine, gint64 now)
{
  g_return_if_fail (!machine->initiator && machine->state == FD_MACHINE_OFFERED);

  fd_machine_terminate (machine, "decline", NULL, NULL);
  fd_machine_finish (machine, FD_OUTCOME_REJECTED, FD_BY_LOCAL,
                     fd_machine_error (FD_ERROR_REJECTED, "The offer was rejected here"));
}

void
fd_machine_abort (FdMachine *machine, FdOutcome outcome, const char *reason, const GError *error, gint64 now)
{
  /* A file that is complete is not thrown away for a cancel that came late. */
  if (machine->state >= FD_MACHINE_PUBLISHING)
    return;
  fd_machine_terminate (machine, reason, NULL, NULL);
  fd_machine_finish (machine, outcome, FD_BY_LOCAL, g_error_copy (error));
}

/* --- the transport --- */

static void
send_offer (FdMachine *machine, gint64 now)
{
  FdContent *content = fd_machine_send_content (machine, FD_JINGLE_SESSION_INITIATE, &machine->local);

  content->file = fd_file_copy (machine->file);
  machine->announced = TRUE;
  fd_machine_enter (machine, FD_MACHINE_OFFERED, now + machine->answer_time);
}

static void
send_accept (FdMachine *machine)
{
  FdContent *content = fd_machine_send_content (machine, FD_JINGLE_SESSION_ACCEPT, &machine->local);
  FdAction *action = g_queue_peek_tail (&machine->actions);

  action->message->responder = g_strdup (machine->me);
  content->file = fd_file_copy (machine->file);
}

void
fd_machine_transport_ready (FdMachine *machine, const FdTransportInfo *local, gint64 now)
{
  if (machine->state != FD_MACHINE_PREPARING)
    return;
  fd_transport_info_clear (&machine->local);
  fd_transport_info_copy (&machine->local, local);

  switch (machine->prepare_for)
    {
    case FD_PREPARE_INITIATE:
      send_offer (machine, now);
      return;
    case FD_PREPARE_REPLACE:
      fd_machine_send_content (machine, FD_JINGLE_TRANSPORT_REPLACE, local);
      fd_machine_enter (machine, FD_MACHINE_REPLACING, fd_machine_after (now, FD_T_REPLACE));
      return;
    case FD_PREPARE_ACCEPT:
      send_accept (machine); /* before anything the transport sends */
      break;
    case FD_PREPARE_REPLACE_ACCEPT:
      fd_machine_send_content (machine, FD_JINGLE_TRANSPORT_ACCEPT, local);
      break;
    }
  fd_machine_enter (machine, FD_MACHINE_NEGOTIATING, -1); /* the transport's timers */
  fd_machine_do (machine, FD_DO_START);
}

void
fd_machine_transport_connected (FdMachine *machine, FdPath path, gint64 now)
{
  FdAction *action;

  if (machine->state != FD_MACHINE_NEGOTIATING)
    return;
  fd_machine_enter (machine, FD_MACHINE_ACTIVE, fd_machine_after (now, FD_T_STALL));
  g_clear_error (&machine->error); /* of the transport before */
  machine->bytes = 0;
  machine->pinged = FALSE;
  machine->drained = path != FD_PATH_IBB;
  fd_machine_do (machine, FD_DO_TELL_ACTIVE)->path = path;
  action = fd_machine_do (machine, FD_DO_PUMP);
  action->offset = machine->offset;
  action->length = machine->length >= 0       ? machine->length
                   : machine->file->size >= 0 ? machine->file->size - (gint64) machine->offset
                                              : -1;
  machine->pumping = TRUE;
  machine->started = TRUE;
}

/* No byte can move on this transport: another one, or the end. */
static void
fall_back (FdMachine *machine, const GError *error, gint64 now)
{
  gboolean possible = machine->transport == FD_TRANSPORT_KIND_S5B && may_use (machine, FD_TRANSPORT_KIND_IBB);

  if (possible)
    fd_machine_do (machine, FD_DO_DROP);
  if (possible && machine->initiator)
    {
      fd_machine_prepare (machine, FD_TRANSPORT_KIND_IBB, FD_PREPARE_REPLACE);
      return;
    }
  if (possible)
    {
      fd_machine_enter (machine, FD_MACHINE_WAIT_REPLACE, fd_machine_after (now, FD_T_WAIT_REPLACE));
      fd_machine_expect (machine, FD_BY_NETWORK, g_error_copy (error));
      return;
    }
  fd_machine_terminate (
    machine, machine->transport == FD_TRANSPORT_KIND_IBB ? "failed-transport" : "connectivity-error", NULL,
    error->message);
  fd_machine_finish (machine, FD_OUTCOME_FAILED, FD_BY_NETWORK, g_error_copy (error));
}

/* The stream broke with bytes under way. The peer may be about to say why. */
static void
break_off (FdMachine *machine, const GError *error, gint64 now)
{
  if (!machine->terminated || !machine->error) /* else the peer told the reason before */
    fd_machine_expect (machine, FD_BY_NETWORK, g_error_copy (error));
  fd_machine_enter (machine, FD_MACHINE_BROKEN,
                    fd_machine_after (now, machine->terminated ? 0 : FD_T_BROKEN));
}

void
fd_machine_transport_failed (FdMachine *machine, const GError *error, gint64 now)
{
  switch (machine->state)
    {
    case FD_MACHINE_PREPARING:
    case FD_MACHINE_OFFERED:
    case FD_MACHINE_NEGOTIATING:
      fall_back (machine, error, now);
      break;
    case FD_MACHINE_ACTIVE:
    case FD_MACHINE_SENT:
      if (machine->pumping)
        fd_machine_do (machine, FD_DO_STOP_PUMP);
      break_off (machine, error, now);
      break;
    default: /* it is not needed any more */
      break;
    }
}

void
fd_machine_transport_drained (FdMachine *machine, gint64 now)
{
  machine->drained = TRUE;
  fd_machine_check_delivered (machine, now);
}

/* --- the bytes --- */

/* Sender: is what the peer told us worth an end? */
void
fd_machine_check_delivered (FdMachine *machine, gint64 now)
{
  if (machine->state != FD_MACHINE_SENT || !machine->drained)
    return;
  if (machine->success)
    fd_machine_finish (machine, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
  else
    machine->deadline
      = machine->stream_up ? fd_machine_after (now, machine->received ? FD_T_RECEIVED : FD_T_FIN) : -1;
}

static void
all_sent (FdMachine *machine, gint64 now)
{
  const FdDigest *offered = fd_file_get_hash (machine->file, machine->digest.algo);

  if (offered && machine->offset == 0 && machine->length < 0 && !fd_digest_equal (offered, &machine->digest))
    {
      fd_machine_terminate (machine, "failed-application", NULL, "The file changed while it was being sent");
      fd_machine_finish (
        machine, FD_OUTCOME_FAILED, FD_BY_LOCAL,
        fd_machine_error (FD_ERROR_SOURCE_CHANGED,
                          "The file changed between the offer and its last byte; offer it again"));
      return;
    }
  if (!offered && machine->offset == 0 && !machine->terminated)
    {
      FdJingleMessage *message = fd_machine_send (machine, FD_JINGLE_SESSION_INFO);

      message->info = FD_SESSION_INFO_CHECKSUM;
      message->info_content = g_strdup (machine->content);
      message->checksum = fd_file_new (NULL, -1);
      fd_file_set_hash (message->checksum, &machine->digest);
    }
  fd_machine_enter (machine, FD_MACHINE_SENT, -1);
  fd_machine_check_delivered (machine, now);
}

void
fd_machine_publish (FdMachine *machine)
{
  fd_machine_enter (machine, FD_MACHINE_PUBLISHING, -1); /* ends with the disk */
  fd_machine_do (machine, FD_DO_PUBLISH);
}

/* Receiver: all bytes are here. */
void
fd_machine_verify (FdMachine *machine, gint64 now)
{
  const FdDigest *expected
    = machine->offset == 0 ? fd_file_get_hash (machine->file, machine->digest.algo) : NULL;

  if (!expected)
    {
      if (machine->file->hash_used == machine->digest.algo && machine->state != FD_MACHINE_CHECKING
          && !machine->terminated)
        fd_machine_enter (machine, FD_MACHINE_CHECKING, fd_machine_after (now, FD_T_CHECKSUM));
      else
        fd_machine_publish (machine);
      return;
    }
  if (fd_digest_equal (expected, &machine->digest))
    {
      machine->end.verified = FD_VERIFIED_OK;
      fd_machine_publish (machine);
      return;
    }
  machine->end.verified = FD_VERIFIED_MISMATCH;
  fd_machine_do (machine, FD_DO_KEEP_CORRUPT);
  fd_machine_terminate (machine, "media-error", NULL, "The hash does not match what arrived");
  fd_machine_finish (
    machine, FD_OUTCOME_FAILED, FD_BY_LOCAL,
    fd_machine_error (FD_ERROR_HASH_MISMATCH,
                      "What arrived is not what was offered: its %s differs; ask for the file again",
                      fd_hash_name (machine->digest.algo)));
}

static void
local_failure (FdMachine *machine, const GError *error)
{
  gboolean no_space = g_error_matches (error, FD_ERROR, FD_ERROR_NO_SPACE);

  fd_machine_terminate (machine, no_space ? "media-error" : "failed-application",
                        no_space ? "file-too-large" : NULL, NULL);
  fd_machine_finish (machine, FD_OUTCOME_FAILED, FD_BY_LOCAL, g_error_copy (error));
}

void
fd_machine_pumped (FdMachine *machine, const FdPumpResult *result, gint64 now)
{
  machine->pumping = FALSE;
  if (result->complete)
    {
      machine->pumped = TRUE;
      machine->digest = result->digest;
    }

  switch (machine->state)
    {
    case FD_MACHINE_STOPPING:
      end (machine);
      break;
    case FD_MACHINE_ACTIVE:
    case FD_MACHINE_DRAINING:
      if (result->complete && machine->initiator)
        all_sent (machine, now);
      else if (result->complete)
        fd_machine_verify (machine, now);
      else if (!g_error_matches (result->error, FD_ERROR, FD_ERROR_CONNECTION_FAILED))
        local_failure (machine, result->error);
      else if (result->bytes == 0 && !machine->terminated && machine->transport == FD_TRANSPORT_KIND_S5B)
        fall_back (machine, result->error, now);
      else
        break_off (machine, result->error, now);
      break;
    default: /* BROKEN: the transport said so first */
      break;
    }
}

void
fd_machine_published (FdMachine *machine, const GError *error, gint64 now)
{
  FdJingleMessage *message;

  g_return_if_fail (machine->state == FD_MACHINE_PUBLISHING);
  if (error)
    {
      local_failure (machine, error);
      return;
    }
  if (!machine->terminated)
    {
      message = fd_machine_send (machine, FD_JINGLE_SESSION_INFO);
      message->info = FD_SESSION_INFO_RECEIVED;
      message->info_content = g_strdup (machine->content);
    }
  fd_machine_terminate (machine, "success", NULL, NULL);
  fd_machine_finish (machine, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
}

/* --- the world around --- */

void
fd_machine_stream_lost (FdMachine *machine, gint64 now)
{
  machine->stream_up = FALSE;
  if (machine->state >= FD_MACHINE_PUBLISHING)
    return;
  if (machine->state >= FD_MACHINE_ACTIVE && machine->transport == FD_TRANSPORT_KIND_S5B)
    {
      if (machine->state == FD_MACHINE_SENT)
        machine->deadline = -1; /* the confirmation cannot come: stream_up arms it again */
      return;
    }
  fd_machine_terminate (machine, "connectivity-error", NULL, NULL);
  fd_machine_finish (
    machine, FD_OUTCOME_FAILED, FD_BY_NETWORK,
    fd_machine_error (FD_ERROR_NOT_CONNECTED, "The connection to the server was lost; try again"));
}

void
fd_machine_stream_up (FdMachine *machine, gint64 now)
{
  machine->stream_up = TRUE;
  fd_machine_check_delivered (machine, now);
}

void
fd_machine_peer_gone (FdMachine *machine, gint64 now)
{
  if (machine->state == FD_MACHINE_SENT && machine->deadline >= 0)
    machine->deadline = MIN (machine->deadline, fd_machine_after (now, PEER_GONE_S));
  if (machine->state >= FD_MACHINE_ACTIVE || !machine->announced)
    return;
  machine->terminated = TRUE; /* nobody is there to be told */
  fd_machine_finish (machine, FD_OUTCOME_FAILED, FD_BY_REMOTE,
                     fd_machine_error (FD_ERROR_PEER_OFFLINE, "%s went offline", machine->peer));
}

static void
time_out (FdMachine *machine, const char *reason, FdErrorCode code, const char *text)
{
  if (!machine->error)
    fd_machine_expect (machine, FD_BY_NETWORK, fd_machine_error (code, "%s %s", machine->peer, text));
  fd_machine_terminate (machine, reason, NULL, NULL);
  fd_machine_finish (machine, FD_OUTCOME_FAILED, machine->blame, g_error_copy (machine->error));
}

/* No byte for a while: is the peer still there? */
static void
check_progress (FdMachine *machine, guint64 bytes, gint64 now)
{
  if (bytes != machine->bytes || !machine->stream_up)
    {
      machine->bytes = bytes;
      machine->pinged = FALSE;
      machine->deadline = fd_machine_after (now, FD_T_STALL);
    }
  else if (!machine->pinged)
    {
      machine->pinged = TRUE;
      fd_machine_send (machine, FD_JINGLE_SESSION_INFO)->info = FD_SESSION_INFO_PING;
      machine->deadline = fd_machine_after (now, FD_T_STALL);
    }
  else
    time_out (machine, "connectivity-error", FD_ERROR_TIMEOUT, "did not move a byte for two minutes");
}

void
fd_machine_tick (FdMachine *machine, guint64 bytes, gint64 now)
{
  if (machine->deadline < 0 || now < machine->deadline)
    return;
  machine->deadline = -1;

  switch (machine->state)
    {
    case FD_MACHINE_OFFERED:
      time_out (machine, "expired", FD_ERROR_TIMEOUT,
                machine->initiator ? "did not answer the offer in time" : "waited too long for an answer");
      break;
    case FD_MACHINE_REPLACING:
    case FD_MACHINE_WAIT_REPLACE:
      time_out (machine, "failed-transport", FD_ERROR_NO_TRANSPORT,
                "did not agree on another transport in time");
      break;
    case FD_MACHINE_ACTIVE:
      if (machine->success)
        time_out (machine, "success", FD_ERROR_REMOTE_FAILED, "reported success before all bytes were sent");
      else
        check_progress (machine, bytes, now);
      break;
    case FD_MACHINE_DRAINING:
      if (bytes == machine->bytes)
        time_out (machine, "timeout", FD_ERROR_REMOTE_FAILED, "ended the session before all bytes had come");
      else
        machine->deadline = fd_machine_after (now, FD_T_DRAIN);
      machine->bytes = bytes;
      break;
    case FD_MACHINE_BROKEN:
      time_out (machine, "connectivity-error", FD_ERROR_CONNECTION_FAILED, "lost the connection");
      break;
    case FD_MACHINE_SENT:
      if (machine->received)
        {
          fd_machine_terminate (machine, "success", NULL, NULL);
          fd_machine_finish (machine, FD_OUTCOME_DONE, FD_BY_NOBODY, NULL);
        }
      else
        time_out (machine, "timeout", FD_ERROR_TIMEOUT,
                  "got all bytes, but never confirmed that it has the file");
      break;
    case FD_MACHINE_CHECKING:
      fd_machine_publish (machine);
      break;
    default: /* no other state arms the timer */
      g_return_if_reached ();
    }
}

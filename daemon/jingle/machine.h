/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The state machine of one file transfer session (XEP-0166 §6, XEP-0234 §5-§8).
 * Sans-IO: events and the time (µs, monotonic) go in, actions come out, in the
 * order in which they are to be carried out. It knows one content, its file and
 * which transport is in use; negotiating that transport is the transport's own.
 */
#pragma once

#include "data/pump.h"
#include "jingle/jingle.h"
#include "jingle/message.h"

typedef struct FdMachine FdMachine;

typedef enum
{
  FD_MACHINE_PREPARING, /* the transport gathers candidates */
  FD_MACHINE_OFFERED, /* the peer, or our user, must answer */
  FD_MACHINE_NEGOTIATING,
  FD_MACHINE_REPLACING, /* we proposed another transport */
  FD_MACHINE_WAIT_REPLACE, /* the initiator must propose one */
  FD_MACHINE_ACTIVE, /* bytes flow */
  FD_MACHINE_DRAINING, /* the sender ended the session, bytes may still come */
  FD_MACHINE_BROKEN, /* the stream broke: the peer's terminate may tell why */
  FD_MACHINE_SENT, /* all bytes are out: the receiver must confirm */
  FD_MACHINE_CHECKING, /* all bytes are in: a checksum was promised */
  FD_MACHINE_PUBLISHING,
  FD_MACHINE_STOPPING, /* the end is known, the pump is not out yet */
  FD_MACHINE_ENDED,
} FdMachineState;

/* Every wait, in seconds. */
#define FD_T_ANSWER (24 * 3600) /* an offer */
#define FD_T_REPLACE 30
#define FD_T_WAIT_REPLACE 60
#define FD_T_STALL 60
#define FD_T_PING 15
#define FD_T_DRAIN 10 /* without a byte */
#define FD_T_BROKEN 5
#define FD_T_FIN 60
#define FD_T_RECEIVED 2 /* from received to terminate */
#define FD_T_CHECKSUM 2

typedef enum
{
  FD_DO_SEND, /* message */
  FD_DO_PREPARE, /* remote: the peer's proposal, NONE if we propose; kind */
  FD_DO_REMOTE, /* remote: give it to the transport */
  FD_DO_START, /* the transport: both sides know both sides' candidates */
  FD_DO_DROP, /* the transport and its sockets */
  FD_DO_PUMP, /* offset, length: move bytes */
  FD_DO_STOP_PUMP, /* fd_machine_pumped() follows */
  FD_DO_PUBLISH, /* the sink; fd_machine_published() follows */
  FD_DO_KEEP, /* the part for a resume */
  FD_DO_KEEP_CORRUPT,
  FD_DO_TELL_ACCEPTED,
  FD_DO_TELL_ACTIVE, /* path */
  FD_DO_END, /* end; nothing follows */
} FdDo;

typedef struct
{
  FdDo what;
  FdJingleMessage *message;
  FdTransportKind kind;
  FdTransportInfo remote;
  guint64 offset; /* bytes */
  gint64 length; /* bytes, -1 unknown */
  FdPath path;
} FdAction;

void fd_action_free (FdAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdAction, fd_action_free)

typedef struct
{
  gboolean initiator; /* and thus the sender of the file */
  const char *me; /* full JIDs */
  const char *peer;
  const char *sid;
  FdTransports peer_transports; /* what the peer advertises; as responder: what it may fall back to */
  FdPath paths; /* allowed; as responder known with fd_machine_accept() */
  guint timeout_s; /* for the answer; 0: FD_T_ANSWER */
} FdMachineConfig;

/* As initiator @file is what to offer (copied); as responder NULL. */
FdMachine *fd_machine_new (const FdMachineConfig *config, const FdFile *file);
void fd_machine_free (FdMachine *machine);

/* Next action, NULL if there is none now; free with fd_action_free(). */
FdAction *fd_machine_next (FdMachine *machine);

/* When fd_machine_tick() is due, µs; -1: nothing is waited for. */
gint64 fd_machine_get_deadline (FdMachine *machine);
FdMachineState fd_machine_get_state (FdMachine *machine);
const FdFile *fd_machine_get_file (FdMachine *machine); /* NULL before an offer came */
const char *fd_machine_get_content (FdMachine *machine); /* its name; NULL before an offer came */

/* The result: meaningful from FD_DO_END on. */
const FdSessionEnd *fd_machine_get_end (FdMachine *machine);

/* --- events --- */

/* How to answer a request. */
typedef enum
{
  FD_REPLY_OK,
  FD_REPLY_ASK_TRANSPORT, /* give it the message's info: ok, or item-not-found if it refuses */
  FD_REPLY_BAD_REQUEST,
  FD_REPLY_OUT_OF_ORDER,
  FD_REPLY_TIE_BREAK,
  FD_REPLY_UNSUPPORTED_INFO,
  FD_REPLY_ITEM_NOT_FOUND,
} FdReply;

/* Initiator: begin. */
void fd_machine_start (FdMachine *machine, gint64 now);
/* A request of the peer for this session. The reply is to be sent before the
 * actions are carried out. */
FdReply fd_machine_receive (FdMachine *machine, const FdJingleMessage *message, gint64 now);
/* A request of ours was answered; @error NULL for a result. @unknown_session:
 * the peer does not know the session. */
void fd_machine_answered (FdMachine *machine, FdJingleAction action, const GError *error,
                          gboolean unknown_session, gint64 now);
/* Responder's user. */
void fd_machine_accept (FdMachine *machine, FdPath paths, gint64 now);
void fd_machine_reject (FdMachine *machine, gint64 now);
/* Either user, or the daemon: @reason is the Jingle reason to tell. @outcome
 * CANCELLED or FAILED. */
void fd_machine_abort (FdMachine *machine, FdOutcome outcome, const char *reason, const GError *error,
                       gint64 now);

void fd_machine_transport_ready (FdMachine *machine, const FdTransportInfo *local, gint64 now);
void fd_machine_transport_connected (FdMachine *machine, FdPath path, gint64 now);
void fd_machine_transport_failed (FdMachine *machine, const GError *error, gint64 now);
/* IBB: every byte that the pump wrote was acknowledged. */
void fd_machine_transport_drained (FdMachine *machine, gint64 now);

void fd_machine_pumped (FdMachine *machine, const FdPumpResult *result, gint64 now);
void fd_machine_published (FdMachine *machine, const GError *error, gint64 now);
/* The XMPP stream is gone for good (not resumed), or back. */
void fd_machine_stream_lost (FdMachine *machine, gint64 now);
void fd_machine_stream_up (FdMachine *machine, gint64 now);
/* The peer's resource went away. */
void fd_machine_peer_gone (FdMachine *machine, gint64 now);
/* A deadline passed. @bytes: moved so far by the pump. */
void fd_machine_tick (FdMachine *machine, guint64 bytes, gint64 now);

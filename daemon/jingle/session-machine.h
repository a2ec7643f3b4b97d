/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The state machine of one Jingle session (XEP-0166 §6, §7) and of each file in
 * it (XEP-0234 §5-§8). Sans-IO: events and the time (µs, monotonic) go in, actions
 * come out, in the order in which they are to be carried out. A session has one
 * content per file; each content has a transport of its own, whose negotiation is
 * the transport's business.
 */
#pragma once

#include "data/pump.h"
#include "jingle/jingle.h"
#include "jingle/message.h"
#include "jingle/quirks.h"
#include "s5b/rows.h"
#include "s5b/timers.h"

typedef struct FdSessionMachine FdSessionMachine;
typedef struct FdContentMachine FdContentMachine;

typedef enum
{
  FD_SESSION_CREATED, /* the offer is being prepared */
  FD_SESSION_PENDING, /* offered, no session-accept yet */
  FD_SESSION_ACTIVE,
  FD_SESSION_ENDED,
} FdSessionState;

typedef enum
{
  FD_CONTENT_PREPARING, /* the transport gathers candidates */
  FD_CONTENT_READY, /* prepared, waits for others that are told with it */
  FD_CONTENT_OFFERED, /* the peer, or our user, must answer */
  FD_CONTENT_NEGOTIATING,
  FD_CONTENT_REPLACING, /* we proposed another transport */
  FD_CONTENT_WAIT_REPLACE, /* the initiator must propose one */
  FD_CONTENT_ACTIVE, /* bytes flow */
  FD_CONTENT_DRAINING, /* the sender ended the session, bytes may still come */
  FD_CONTENT_BROKEN, /* the stream broke: the peer's terminate may tell why */
  FD_CONTENT_SENT, /* all bytes are out: the receiver must confirm */
  FD_CONTENT_CHECKING, /* all bytes are in: a checksum was promised */
  FD_CONTENT_PUBLISHING,
  FD_CONTENT_STOPPING, /* the end is known, the pump is not out yet */
  FD_CONTENT_ENDED,
  FD_N_CONTENT_STATES
} FdContentState;

typedef enum
{
  /* of a content */
  FD_DO_TELL_OFFERED, /* incoming: a new content; the peer's stanza is acknowledged already */
  FD_DO_PREPARE, /* kind; remote: the peer's proposal, NONE if we propose */
  FD_DO_REMOTE, /* remote: give it to the transport */
  FD_DO_START, /* the transport: both sides know both sides' candidates */
  FD_DO_DROP, /* the transport and its sockets */
  FD_DO_PUMP, /* offset, length: move bytes */
  FD_DO_STOP_PUMP, /* fd_content_machine_pumped() follows */
  FD_DO_PUBLISH, /* the sink; fd_content_machine_published() follows */
  FD_DO_KEEP, /* the part for a resume */
  FD_DO_KEEP_CORRUPT,
  FD_DO_DISCARD, /* the part, also of sessions before */
  FD_DO_TELL_ACCEPTED,
  FD_DO_TELL_ACTIVE, /* path, offset */
  FD_DO_REDIAL, /* instead of END_CONTENT: offer the file in a new session; kind: IBB if that is the last
                 * try, in-band first, NONE if the peer has not seen the first offer */
  FD_DO_END_CONTENT, /* fd_content_machine_get_end(); no more of this content */
  /* of the session */
  FD_DO_SEND, /* message; content if it is about one that has not ended */
  FD_DO_END, /* nothing follows: free the machine */
} FdDo;

typedef struct
{
  FdDo what;
  FdContentMachine *content; /* borrowed; NULL for actions of the session */
  FdJingleMessage *message;
  FdTransportKind kind; /* of PREPARE, REDIAL */
  FdTransportInfo remote;
  guint64 offset; /* bytes */
  gint64 length; /* bytes, -1 unknown */
  FdPath path;
} FdAction;

void fd_action_free (FdAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdAction, fd_action_free)

typedef struct
{
  gboolean initiator; /* and thus the sender of the files */
  const char *me; /* full JIDs */
  const char *peer;
  const char *sid;
  const char *batch; /* initiator: what its files have in common, random; NULL: nothing */
  FdTransports peer_transports; /* what the peer advertises; as responder: what it may fall back to */
  FdFtVersion version; /* initiator: what the peer speaks */
  FdQuirks quirks;
  FdExtensions extensions; /* initiator: what the peer advertises; a responder follows the offer */
  guint timeout_s; /* for the answer; 0: FD_T_ANSWER */
  gboolean redialed; /* this is the second try: its failure is final, in-band is tried first */
} FdSessionConfig;

FdSessionMachine *fd_session_machine_new (const FdSessionConfig *config);
void fd_session_machine_free (FdSessionMachine *machine); /* and its contents */

/* Next action, NULL if there is none now; free with fd_action_free(). */
FdAction *fd_session_machine_next (FdSessionMachine *machine);

/* When fd_session_machine_tick() is due, µs; -1: nothing is waited for. */
gint64 fd_session_machine_get_deadline (FdSessionMachine *machine);
FdSessionState fd_session_machine_get_state (FdSessionMachine *machine);
FdRows fd_session_machine_get_rows (FdSessionMachine *machine); /* of all contents, too */

/* Several files in one session: the peer said so. Incoming: its files belong together. */
gboolean fd_session_machine_is_batch (FdSessionMachine *machine);
/* As the initiator calls it; NULL if it does not. The same in all sessions that its files take. */
const char *fd_session_machine_get_batch (FdSessionMachine *machine);

/* --- events of the session --- */

/* Initiator: offers one more file (copied) over @paths: with the session-initiate
 * if that is not out, else by content-add. NULL if the session cannot take one
 * more: it is ending, full, or the peer takes one file per session. */
FdContentMachine *fd_session_machine_add (FdSessionMachine *machine, const FdFile *file, FdPath paths,
                                          gint64 now);

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

/* A request of the peer for this session. The reply is to be sent before the
 * actions are carried out. *ret_content: whose transport to ask. */
FdReply fd_session_machine_receive (FdSessionMachine *machine, const FdJingleMessage *message,
                                    FdContentMachine **ret_content, gint64 now);

/* A request of ours was answered; @error NULL for a result. @unknown_session:
 * the peer does not know the session. */
void fd_session_machine_answered (FdSessionMachine *machine, const FdJingleMessage *request,
                                  const GError *error, gboolean unknown_session, gint64 now);

/* The XMPP stream is gone for good (not resumed), or back. */
void fd_session_machine_stream_lost (FdSessionMachine *machine, gint64 now);
void fd_session_machine_stream_up (FdSessionMachine *machine, gint64 now);
/* The peer's resource went away. */
void fd_session_machine_peer_gone (FdSessionMachine *machine, gint64 now);
/* A deadline passed. */
void fd_session_machine_tick (FdSessionMachine *machine, gint64 now);

/* --- one content --- */

FdContentState fd_content_machine_get_state (FdContentMachine *content);
const FdFile *fd_content_machine_get_file (FdContentMachine *content);
const char *fd_content_machine_get_name (FdContentMachine *content); /* of the content */
/* The quirks of the session and what the peer's transport shows (iris). */
FdQuirks fd_content_machine_get_quirks (FdContentMachine *content);
/* The result: meaningful from END_CONTENT or REDIAL on. */
const FdContentEnd *fd_content_machine_get_end (FdContentMachine *content);

/* The driver's. */
void fd_content_machine_set_data (FdContentMachine *content, gpointer data);
gpointer fd_content_machine_get_data (FdContentMachine *content);

/* --- events of a content --- */

/* Responder's user. @offset: bytes that are there already; not 0 only if the sender can range. */
void fd_content_machine_accept (FdContentMachine *content, FdPath paths, guint64 offset, gint64 now);
gboolean fd_content_machine_can_range (FdContentMachine *content);
void fd_content_machine_reject (FdContentMachine *content, gint64 now);
/* Either user, or the daemon: @reason is the Jingle reason to tell. @outcome
 * CANCELLED or FAILED. */
void fd_content_machine_abort (FdContentMachine *content, FdOutcome outcome, const char *reason,
                               const GError *error, gint64 now);

void fd_content_machine_transport_ready (FdContentMachine *content, const FdTransportInfo *local, gint64 now);
void fd_content_machine_transport_connected (FdContentMachine *content, FdPath path, gint64 now);
void fd_content_machine_transport_failed (FdContentMachine *content, const GError *error, gint64 now);
/* IBB: every byte that the pump wrote was acknowledged. */
void fd_content_machine_transport_drained (FdContentMachine *content, gint64 now);

/* Tells the peer: candidates, or a notification of its S5B transport. */
void fd_content_machine_send_transport_info (FdContentMachine *content, const FdS5bInfo *info);

/* While its pump runs, before any other event is fed: what it has moved so far, and
 * whether it is our side that lets the peer wait. */
void fd_content_machine_progress (FdContentMachine *content, guint64 bytes, gboolean waits_here);
void fd_content_machine_pumped (FdContentMachine *content, const FdPumpResult *result, gint64 now);
/* Sender, with the pump out: the peer, or a proxy, has closed the connection. */
void fd_content_machine_stream_ended (FdContentMachine *content, gint64 now);
void fd_content_machine_published (FdContentMachine *content, const GError *error, gint64 now);

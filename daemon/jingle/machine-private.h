/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the session machine share: session-machine.c and
 * session-receive.c (the session), content-machine.c, content-alive.c,
 * content-bytes.c, content-transport.c, content-receive.c and content-resume.c (one
 * file in it).
 */
#pragma once

#include "base/error.h"
#include "jingle/session-machine.h"

/* Why a transport is being prepared: what to send when it is ready. */
typedef enum
{
  FD_PREPARE_OFFER,
  FD_PREPARE_ACCEPT,
  FD_PREPARE_REPLACE,
  FD_PREPARE_REPLACE_ACCEPT,
} FdPrepareFor;

struct FdSessionMachine
{
  gboolean initiator;
  char *me;
  char *peer;
  char *sid;
  char *batch;
  FdTransports peer_transports;
  FdFtVersion version;
  FdQuirks quirks;
  FdExtensions extensions; /* in use; as responder those of the offer */
  gint64 answer_time; /* µs */
  gboolean redialed;

  FdSessionState state;
  gint64 now; /* µs, of the event at hand */
  gint64 linger; /* µs: all files are through, the initiator may add more until then; -1 */
  gint64 gone; /* µs: the peer's resource went away, patience ends then; -1 */
  guint pings; /* that are not answered */
  gboolean announced; /* the peer knows the session */
  gboolean terminated; /* a session-terminate was sent or received */
  gboolean stream_up;
  FdRows rows;
  GPtrArray *contents; /* FdContentMachine; also those that ended */
  GQueue actions;
};

struct FdContentMachine
{
  FdSessionMachine *session; /* owner */
  gpointer data;
  char *name;
  FdFile *file;
  FdFtVersion version;
  FdPath paths; /* allowed; as responder known from the user's answer on */
  FdQuirks quirks; /* what its transport shows of the peer */
  FdRows rows;

  FdContentState state;
  gint64 deadline; /* µs, -1 none: the one timer of the state */
  gint64 answer_by; /* µs: of the offer */

  gboolean told; /* the driver knows it */
  gboolean added; /* by content-add */
  gboolean proposed; /* the peer was told of it */
  gboolean known; /* and has said that it knows */
  gboolean accepted; /* by an accept that was sent or received */
  gboolean over; /* the peer knows that, or there is nobody to tell */
  GQueue held; /* FdJingleMessage, until the accept or the offer is out */

  FdTransportKind transport; /* in use or being prepared */
  FdTransportInfo local; /* what we offered or accepted last */
  FdTransportInfo remote; /* what the peer offered last */
  FdPrepareFor prepare_for;
  GQueue early; /* FdS5bInfo that came before our user accepted */
  GError *failure; /* of a transport that died before the accept */
  FdTransportInfo proposal; /* a replacement that waits for the pump to stop */
  guint replaces; /* of the peer */
  gboolean replaced; /* some transport was given up for another */
  gboolean agreed; /* early: the replacement was accepted before the offer was */
  gboolean omit_transport; /* from the accept: the peer's replacement allows it */

  gboolean pumping;
  gboolean pumped; /* all bytes moved */
  gboolean drained; /* and acknowledged, where the transport knows */
  gboolean received; /* the peer has the file, so it says */
  gboolean success; /* the peer ended with success: believed once pumped */
  gboolean pinged; /* since the last byte */
  gboolean asked; /* the next answer to a ping is to one that was sent for this */
  gboolean started; /* some pump ran: there may be a part */
  guint64 moved; /* bytes, by the pump that runs or ran last */
  guint64 seen; /* of them at the last look */
  guint64 last_sign; /* of them when the peer's resource was away */
  gboolean waits_here; /* at the last look: bytes that our side has to move */
  guint64 offset; /* where the sender starts */
  gint64 length; /* -1: to the end */
  gboolean resumable; /* both sides keep what they have for another session */
  gint64 hashed_by; /* µs: nothing moves while the sender hashes what is before the offset */
  gint64 complete_by; /* µs: when a sender of file-transfer:4 wants to hear of it; -1 */

  gboolean redial; /* it ends to begin again, in-band */
  gboolean reoffer; /* … or as it was: the session ended before the peer saw it */
  FdContentEnd end;
  GError *error; /* end.error; before the end, what will be it unless things get better */
  FdEndedBy blame; /* and who has caused that */
  char *said; /* by the peer, as its reason for the end; NULL if it was none */
  FdDigest digest; /* end.digest */
};

/* --- session-machine.c --- */

FdAction *fd_session_do (FdSessionMachine *session, FdDo what);
FdContentMachine *fd_session_append (FdSessionMachine *session, const char *name, const FdFile *file);
FdContentMachine *fd_session_find (const FdSessionMachine *session, const char *name); /* NULL if unknown */
gboolean fd_session_has_live (const FdSessionMachine *session); /* some content is not over */

/* A message of this session, to be filled in and sent. */
FdJingleMessage *fd_session_message (FdSessionMachine *session, FdJingleAction what);
void fd_session_send (FdSessionMachine *session, FdContentMachine *content, FdJingleMessage *message);

/* Ends it for the peer: nothing is sent if that knows, or never knew it. */
void fd_session_terminate (FdSessionMachine *session, const char *reason, const char *detail,
                           const char *text);

/* Sends offers and accepts that are due; ends the session when nothing is left. */
void fd_session_advance (FdSessionMachine *session);

/* --- content-machine.c --- */

void fd_content_free (FdContentMachine *content);
FdAction *fd_content_do (FdContentMachine *content, FdDo what);
void fd_content_enter (FdContentMachine *content, FdContentState state, gint64 deadline);

/* Initiator: the session goes on without the peer having seen this one. */
static inline gboolean
fd_content_is_unseen (const FdContentMachine *content)
{
  return content->session->initiator && content->session->announced && !content->accepted
         && (!content->proposed || (content->added && !content->known));
}

/* The message's content, with @transport and with the file if it is to be told. */
void fd_content_describe (FdContentMachine *content, FdJingleMessage *message,
                          const FdTransportInfo *transport, gboolean with_file);
/* Queues a message about this content alone. */
void fd_content_send (FdContentMachine *content, FdJingleAction what, const FdTransportInfo *transport);
void fd_content_send_info (FdContentMachine *content, FdSessionInfoKind info, const FdDigest *digest);
void fd_content_release (FdContentMachine *content); /* sends what was held */

/* Tells the peer that the content ends, unless it knows or never knew of it;
 * with the last one ends the session. */
void fd_content_tell_end (FdContentMachine *content, const char *reason, const char *detail,
                          const char *text);

/* The wait is over: the end is content->error, else @code and @text. */
void fd_content_time_out (FdContentMachine *content, const char *reason, FdErrorCode code, const char *text);

/* The end is known: stops the pump if it runs, then ends. Takes @error. */
void fd_content_finish (FdContentMachine *content, FdOutcome outcome, FdEndedBy by, GError *error);

/* With the pump out: nothing of it follows. */
void fd_content_end (FdContentMachine *content);

/* tell_end and finish, for what the peer sent and we do not take. */
void fd_content_refuse (FdContentMachine *content, const char *reason, const char *detail, const char *text);

/* What the end will be if nothing better comes. Takes @error. */
void fd_content_expect (FdContentMachine *content, FdEndedBy blame, GError *error);
void fd_content_tick (FdContentMachine *content);
void fd_content_stream_lost (FdContentMachine *content);
/* The receiver has the file, and leaves it to us to end the session. */
void fd_content_conclude (FdContentMachine *content);
GError *fd_content_error (FdErrorCode code, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* --- content-alive.c --- */

/* No byte for a while: is the peer still there? */
void fd_content_check_progress (FdContentMachine *content);
/* All bytes are out, and the receiver has not said that it has them. */
void fd_content_check_confirmed (FdContentMachine *content);
/* The sender ended the session: bytes may still be on their way. */
void fd_content_check_drain (FdContentMachine *content);
gint64 fd_content_stall_after (const FdContentMachine *content);
/* Is the peer of a resumable file still there? Its answer, or its absence, comes at once. */
void fd_content_ask (FdContentMachine *content);
void fd_session_ping_answered (FdSessionMachine *session, const GError *error);
void fd_content_peer_gone (FdContentMachine *content);
/* The peer is away: do bytes move all the same, since the last look? */
gboolean fd_content_is_busy (FdContentMachine *content);
void fd_content_give_up (FdContentMachine *content);

/* --- content-bytes.c --- */

/* Receiver: all bytes are here. */
void fd_content_verify (FdContentMachine *content);
void fd_content_publish (FdContentMachine *content);
/* Without the promised checksum: may it be taken as it is? Not what two sessions brought. */
gboolean fd_content_can_trust (const FdContentMachine *content);
/* The receiver's word that the file is safe. */
void fd_content_confirm (FdContentMachine *content);
/* Sender: is what the peer told us worth an end? */
void fd_content_check_delivered (FdContentMachine *content);
/* The stream broke with bytes under way. The peer may be about to say why. */
void fd_content_break_off (FdContentMachine *content, const GError *error);

/* --- content-transport.c --- */

gboolean fd_content_may_use (const FdContentMachine *content, FdTransportKind kind);
void fd_content_prepare (FdContentMachine *content, FdTransportKind kind, FdPrepareFor what_for);
void fd_content_prepare_offer (FdContentMachine *content);
void fd_content_drop_transport (FdContentMachine *content);

/* Initiator: the transport was replaced and agreed on before the offer was. */
void fd_content_await_accept (FdContentMachine *content);

/* Both sides know both sides' transport, and the content is accepted. */
void fd_content_begin (FdContentMachine *content);
void fd_content_fall_back (FdContentMachine *content, const GError *error);
void fd_content_end_without_way (FdContentMachine *content); /* because of content->error */
void fd_content_replace_failed (FdContentMachine *content, FdEndedBy by, GError *error);
gboolean fd_content_can_redial (const FdContentMachine *content);
/* Adds to an error of ours that there is no other way to this peer. Takes @error. */
GError *fd_content_explain (const FdContentMachine *content, GError *error);

/* --- content-receive.c --- */

gboolean fd_content_is_usable (const FdTransportInfo *transport);
void fd_content_recognise (FdContentMachine *content, const FdTransportInfo *transport);
FdReply fd_content_receive_accept (FdContentMachine *content, const FdJingleContent *answer);
FdReply fd_content_receive_transport_info (FdContentMachine *content, const FdJingleContent *info);
FdReply fd_content_receive_replace (FdContentMachine *content, const FdJingleContent *proposal,
                                    gboolean omit);
FdReply fd_content_receive_replace_accept (FdContentMachine *content, const FdJingleContent *answer);
FdReply fd_content_receive_replace_reject (FdContentMachine *content);
/* session-terminate, content-remove, content-reject; @otherwise is the reason if none was given. */
void fd_content_receive_end (FdContentMachine *content, const FdJingleMessage *message,
                             const char *otherwise);
void fd_content_receive_received (FdContentMachine *content);
void fd_content_receive_checksum (FdContentMachine *content, const FdFile *checksum);
/* Takes a replacement that waited for the pump. */
void fd_content_take_proposal (FdContentMachine *content);

/* --- content-resume.c --- */

#define FD_HASH_RATE 50 /* bytes/µs: of the slowest disks and processors in use */
#define FD_SAID_NOTHING "" /* for content->said: the peer does not know the session any more */

/* Initiator: whether this offer can have the name that it was given. */
void fd_content_name_for_resume (FdContentMachine *content);
/* Responder: what the accept says. */
void fd_content_ask_range (FdContentMachine *content, guint64 offset);
/* Initiator: what the accept says; NULL, or why that cannot be done. */
const char *fd_content_take_range (FdContentMachine *content, const FdFile *answer);
/* Of an empty file, or one that the receiver has already, no byte moves: whoever is
 * connected first is through before the other. */
gboolean fd_content_is_nothing (const FdContentMachine *content);
/* Is the last byte that moves the last one of the file? */
gboolean fd_content_ends_whole (const FdContentMachine *content);
/* µs that the sender may need to hash what is before the offset. */
gint64 fd_content_get_hash_time (const FdContentMachine *content);
/* With the end known: is it one? */
void fd_content_judge (FdContentMachine *content);

static inline gint64
fd_content_after (const FdContentMachine *content, guint ms)
{
  return content->session->now + FD_MS (ms);
}

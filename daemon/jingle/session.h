/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What jingle.c (routing), session.c (one session at work) and content.c (one
 * file in it) need of each other; everybody else uses jingle/jingle.h.
 */
#pragma once

#include "jingle/session-machine.h"

typedef struct FdSession FdSession;

/* Creates one that is not in the table yet. */
FdSession *fd_session_new (FdJingle *jingle, const FdSessionConfig *config);
void fd_session_free (FdSession *session); /* and its contents, without a word to their hooks */

/* Initiator: offers one more file. NULL if the session cannot take it. */
FdContent *fd_session_offer (FdSession *session, const FdFile *file, FdSource *source,
                             const FdContentParams *params);

/* A request of the peer: answers it and carries out what follows; may free the session. */
void fd_session_receive (FdSession *session, xmpp_stanza_t *request, const FdJingleMessage *message);

/* Carries out the machine's actions; may free the session. */
void fd_session_run (FdSession *session);
/* The same, from the main loop. */
void fd_session_schedule (FdSession *session);

/* The time for an event. Before any event the machine is told how far the pumps
 * are: whether bytes moved decides what a failure means. */
gint64 fd_session_now (FdSession *session);

void fd_session_stream_changed (FdSession *session, gboolean up);
/* The peer's resource sent unavailable presence. */
void fd_session_peer_gone (FdSession *session);

FdJingle *fd_session_get_jingle (FdSession *session);
const FdSessionConfig *fd_session_get_config (FdSession *session);
/* "" if its files do not belong together. */
const char *fd_session_get_batch (FdSession *session);
FdRows fd_session_get_rows (FdSession *session);

/* --- jingle.c's side --- */

FdClient *fd_jingle_get_client (FdJingle *jingle);
FdIbb *fd_jingle_get_ibb (FdJingle *jingle);
/* 128 random bits as text: session and stream ids. */
char *fd_jingle_random_id (void);
/* A session of ours, with an id of its own and in the table; @config without sid. */
FdSession *fd_jingle_open (FdJingle *jingle, const FdSessionConfig *config);
/* Takes the session out of the table, without freeing it. */
void fd_jingle_remove (FdJingle *jingle, FdSession *session);
/* Shows the file to the model above: FALSE and the reason if it is refused. */
gboolean fd_jingle_show (FdJingle *jingle, FdContent *content, const char **ret_reason);
/* How a request is answered. */
void fd_jingle_reply (FdJingle *jingle, xmpp_stanza_t *request, FdReply how);
/* Sends a session-terminate, and again if the stream or the peer was away. */
void fd_jingle_say_goodbye (FdJingle *jingle, const char *peer, const FdJingleMessage *message);

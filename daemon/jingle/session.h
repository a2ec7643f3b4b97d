/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What jingle.c (routing) and session.c (one session at work) need of each
 * other; everybody else uses jingle/jingle.h.
 */
#pragma once

#include "jingle/machine.h"

/* Creates one that is not in the table yet. @params are the defaults until
 * fd_session_accept() for an incoming one. */
FdSession *fd_session_new (FdJingle *jingle, const FdMachineConfig *config, const FdFile *file,
                           FdSource *source, const FdSessionParams *params);
void fd_session_free (FdSession *session);

const char *fd_session_get_sid (FdSession *session);
FdMachine *fd_session_get_machine (FdSession *session);

/* Carries out the machine's actions; may free the session. */
void fd_session_run (FdSession *session);
/* The same, from the main loop. */
void fd_session_schedule (FdSession *session);

/* Hands a transport-info to the transport: FALSE if it names what is not ours. */
gboolean fd_session_take_transport_info (FdSession *session, const FdS5bInfo *info);

void fd_session_stream_changed (FdSession *session, gboolean up);
/* The peer's resource sent unavailable presence. */
void fd_session_peer_gone (FdSession *session);

/* --- jingle.c's side --- */
FdClient *fd_jingle_get_client (FdJingle *jingle);
FdIbb *fd_jingle_get_ibb (FdJingle *jingle);
/* 128 random bits as text: session and stream ids. */
char *fd_jingle_random_id (void);
/* Takes the session out of the table, without freeing it. */
void fd_jingle_remove (FdJingle *jingle, FdSession *session);
/* Sends a session-terminate, and again if the stream or the peer was away. */
void fd_jingle_say_goodbye (FdJingle *jingle, const char *peer, const FdJingleMessage *message);

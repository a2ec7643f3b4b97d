/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What session.c needs of the files in it; the model above uses
 * jingle/jingle.h.
 */
#pragma once

#include "jingle/session.h"

/* @params are the defaults until fd_content_accept() for an incoming one. */
FdContent *fd_content_new (FdSession *session, FdContentMachine *machine, FdSource *source,
                           const FdContentParams *params);
void fd_content_close (FdContent *content); /* frees it, stops what it does */

/* Carries out one action of its machine, except END_CONTENT and REDIAL, which
 * are the session's. */
void fd_content_carry_out (FdContent *content, const FdAction *action);

/* Tells the hooks that it is over. */
void fd_content_tell_ended (FdContent *content);

/* The same file goes on in another session. */
void fd_content_move (FdContent *content, FdSession *session, FdContentMachine *machine);

FdContentMachine *fd_content_get_machine (FdContent *content);
const FdContentParams *fd_content_get_params (FdContent *content);

/* Tells the machine what a running pump has moved. */
void fd_content_feed_progress (FdContent *content);

/* Hands what the peer says to the transport: FALSE if it names what is not ours. */
gboolean fd_content_take (FdContent *content, const FdTransportInfo *remote);

/* A stanza with @transport was answered. */
void fd_content_acked (FdContent *content, const FdTransportInfo *transport, gboolean ok);

/* For the log: notes which rows of the state table led to the end. */
void fd_content_log_rows (FdContent *content);

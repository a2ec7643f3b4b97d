/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our candidates at work: collecting them, the sockets that come in through
 * them, the activation of a proxy among them.
 */
#pragma once

#include "s5b/dstaddr.h"
#include "s5b/negotiation.h"
#include "s5b/transport.h"

typedef struct FdS5bLocals FdS5bLocals;

/* LOCAL, GATHERED, INCOMING, ACTIVATED or ACTIVATION_FAILED, ready to be fed. From the
 * main loop, and from inside fd_s5b_locals_gather(). */
typedef void (*FdS5bHappened) (const FdS5bEvent *event, gpointer data);

/* @proxies: NULL if none is to be offered. @names, @remote (FdS5bCandidate of the
 * peer as they come): borrowed for life. */
FdS5bLocals *fd_s5b_locals_new (FdIq *iq, FdS5bProxies *proxies, const FdS5bNames *names, FdS5bPolicy policy,
                                const GPtrArray *remote, FdS5bHappened happened, gpointer data);
void fd_s5b_locals_free (FdS5bLocals *locals);

/* @cid_dst: candidates are told apart by their hashes, too. */
void fd_s5b_locals_gather (FdS5bLocals *locals, gboolean cid_dst);

/* Borrowed; NULL if there is none. */
const FdS5bCandidate *fd_s5b_locals_find (FdS5bLocals *locals, const char *cid);
gboolean fd_s5b_locals_is_empty (FdS5bLocals *locals);

/* Is that one of our own? */
gboolean fd_s5b_locals_have (FdS5bLocals *locals, const FdS5bCandidate *candidate);

void fd_s5b_locals_activate (FdS5bLocals *locals, const char *cid);
const char *fd_s5b_locals_get_activation_error (FdS5bLocals *locals);

/* The newest socket that came in for @cid, or the one of the active proxy. */
int fd_s5b_locals_take_incoming (FdS5bLocals *locals, const char *cid);
int fd_s5b_locals_take_activated (FdS5bLocals *locals);

/* Stops listening; the sockets that came in stay. */
void fd_s5b_locals_close (FdS5bLocals *locals);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One candidate of the peer: the dial to it, the socket it led to, and what
 * became of it in words.
 */
#pragma once

#include "s5b/negotiation.h"

typedef struct FdS5bRemote FdS5bRemote;

/* @event: DIALED, DIAL_FAILED or DIAL_CLOSED. From the main loop, and from
 * inside fd_s5b_remote_refuse(). */
typedef void (*FdS5bRemoteChanged) (FdS5bEventType event, const char *cid, gpointer data);

FdS5bRemote *fd_s5b_remote_new (const FdS5bCandidate *candidate, FdS5bRemoteChanged changed, gpointer data);
void fd_s5b_remote_free (FdS5bRemote *remote);

/* Borrowed. */
const FdS5bCandidate *fd_s5b_remote_get_candidate (FdS5bRemote *remote);

/* Why it led nowhere, to be read after its name; NULL if it works or was not needed. */
const char *fd_s5b_remote_get_outcome (FdS5bRemote *remote);

void fd_s5b_remote_dial (FdS5bRemote *remote, const char *const *dstaddrs, gboolean with_loopback);
void fd_s5b_remote_refuse (FdS5bRemote *remote, const char *why);
void fd_s5b_remote_undial (FdS5bRemote *remote);

/* The socket, which otherwise stays open until the end, also if it lost. */
int fd_s5b_remote_take (FdS5bRemote *remote);

/* "192.0.2.1:1080", "[2001:db8::1]:1080", "proxy NAME:1080"; free with g_free(). */
char *fd_s5b_candidate_describe (const FdS5bCandidate *candidate);

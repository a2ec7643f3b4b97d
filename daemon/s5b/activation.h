/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our own proxy was nominated: connect to it and have it join the two sockets
 * (XEP-0065 §6.3.5, XEP-0260 §2.4).
 */
#pragma once

#include "s5b/info.h"
#include "xmpp/iq.h"

typedef struct FdS5bActivation FdS5bActivation;

/* Once, from the main loop, not from inside fd_s5b_activation_new(): the
 * active stream's @fd, which the receiver owns, or the error. May free the
 * activation. */
typedef void (*FdS5bActivated) (FdS5bActivation *activation, int fd, const GError *error, gpointer data);

/* @proxy: the candidate as offered, its jid is the streamhost's. @dstaddr:
 * H(me, peer). @peer: the full JID as hashed. */
FdS5bActivation *fd_s5b_activation_new (FdIq *iq, const FdS5bCandidate *proxy, const char *sid,
                                        const char *dstaddr, const char *peer, gboolean with_loopback,
                                        FdS5bActivated activated, gpointer data);
void fd_s5b_activation_free (FdS5bActivation *activation);

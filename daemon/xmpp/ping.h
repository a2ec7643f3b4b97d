/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Is the stream still alive (XEP-0199)? After half a minute of silence that
 * follows traffic the server is pinged once; then the process sleeps, and the
 * kernel's TCP keep-alive watches (connect.c). So an idle stream costs no
 * wake-ups, and a dead one is found within a minute.
 */
#pragma once

#include "xmpp/iq.h"

typedef struct FdPing FdPing;

#define FD_PING_SILENCE_MS 30000
#define FD_PING_TIMEOUT_MS 30000
#define FD_PING_PROBE_MS 10000 /* there is reason to doubt */

/* The server did not answer a ping. */
typedef void (*FdPingDead) (gpointer data);

/* Also answers the pings of others on @iq. */
FdPing *fd_ping_new (FdIq *iq, FdPingDead dead, gpointer data);
void fd_ping_free (FdPing *ping);

/* Something was sent or received. */
void fd_ping_traffic (FdPing *ping, gboolean received);

/* The path may have gone: pings now. */
void fd_ping_probe (FdPing *ping);

/* The stream is gone. */
void fd_ping_stop (FdPing *ping);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libstrophe performs the TLS handshake in a loop without an end: only another
 * thread can stop it, by shutting the socket down.
 */
#pragma once

#include <glib.h>

typedef struct FdWatchdog FdWatchdog;

/* Shuts @fd (borrowed, duplicated) down after @seconds. NULL if there is no
 * thread or descriptor to be had. */
FdWatchdog *fd_watchdog_start (int fd, guint seconds);

/* Sets the deadline anew. */
void fd_watchdog_extend (FdWatchdog *watchdog, guint seconds);

/* Ends and frees it; TRUE if it bit. */
gboolean fd_watchdog_stop (FdWatchdog *watchdog);

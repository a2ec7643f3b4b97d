/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tells when the host's network has changed and there is one.
 */
#pragma once

#include <glib.h>

typedef struct FdNetWatch FdNetWatch;

/* @changed: from the main loop, once for a burst of changes. */
FdNetWatch *fd_net_watch_new (void (*changed) (gpointer data), gpointer data);
void fd_net_watch_free (FdNetWatch *watch);

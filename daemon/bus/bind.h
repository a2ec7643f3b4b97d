/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The option "bind": a transfer ends when the caller that made or accepted it
 * leaves the bus.
 */
#pragma once

#include "bus/sd.h"

typedef struct FdBinds FdBinds;

/* @left is called for each bound transfer of a caller that left. */
FdBinds *fd_binds_new (sd_bus *sd, void (*left) (guint32 id, gpointer data), gpointer data);
void fd_binds_free (FdBinds *binds);

/* Binds a transfer to the sender of @message; @left is called at once if that has left already. */
void fd_binds_add (FdBinds *binds, sd_bus_message *message, guint32 id);

/* The transfer is over. */
void fd_binds_remove (FdBinds *binds, guint32 id);

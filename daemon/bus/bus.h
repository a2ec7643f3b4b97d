/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The D-Bus face: shows the model as org.fardel.Fardel1 on the session bus, or on
 * the system bus, where each user sees what is his own.
 */
#pragma once

#include "core/manager.h"

typedef struct FdBus FdBus;

/* Connects to the session bus, or @shared to the system bus; CONNECTION_FAILED. */
FdBus *fd_bus_new (gboolean shared, GError **error);
void fd_bus_free (FdBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdBus, fd_bus_free)

/* For fd_manager_new(), with the FdBus as data. They may be called before
 * fd_bus_start() and until fd_bus_free(). */
const FdManagerHooks *fd_bus_get_hooks (void);

/* Exports the objects and requests the name; @manager is borrowed until
 * fd_bus_free(). FAILED if another daemon has the name. */
gboolean fd_bus_start (FdBus *bus, FdManager *manager, GError **error);

/* Called once, from the main loop, when the connection is lost. The bus may be
 * freed in it. */
void fd_bus_set_lost_callback (FdBus *bus, void (*lost) (gpointer data), gpointer data);

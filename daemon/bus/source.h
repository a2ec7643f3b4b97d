/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An sd-bus connection as a GSource.
 */
#pragma once

#include "bus/sd.h"

typedef void (*FdSourceLost) (gpointer data);

/* Attached to the default context; holds a reference on @sd. When the
 * connection breaks, the source ends and @lost is called once; it may destroy
 * the source. */
GSource *fd_bus_source_new (sd_bus *sd, FdSourceLost lost, gpointer data);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The addresses of proxies, for peers that cannot resolve a name.
 */
#pragma once

#include "s5b/proxies.h"

typedef struct FdS5bLiterals FdS5bLiterals;

/* Once, from the main loop, when every lookup has ended: those that have an address, in their
 * order (FdS5bStreamhost, borrowed). May free the lookups. */
typedef void (*FdS5bLiteralsFound) (const GPtrArray *streamhosts, gpointer data);

/* @streamhosts: at least one; copied. */
FdS5bLiterals *fd_s5b_literals_new (const GPtrArray *streamhosts, FdS5bLiteralsFound found, gpointer data);
void fd_s5b_literals_free (FdS5bLiterals *literals);

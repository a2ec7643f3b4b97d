/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transfer numbers that never come again, also after a crash: a counter in a
 * file that is always ahead of what was given out.
 */
#pragma once

#include <glib.h>

#define FD_IDS_AHEAD 100 /* numbers reserved by one write */

typedef struct FdIds FdIds;

/* Reads @directory/next-id. A file that says nonsense is replaced. */
FdIds *fd_ids_new (const char *directory);
/* Gives back what was reserved and not used. */
void fd_ids_free (FdIds *ids);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdIds, fd_ids_free)

/* Never 0. A counter that cannot be written is warned of. */
guint32 fd_ids_next (FdIds *ids);

/* @id was seen: only higher ones from now on. */
void fd_ids_skip (FdIds *ids, guint32 id);

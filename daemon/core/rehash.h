/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hash of what has arrived of a file, on a thread, before the rest is asked for.
 */
#pragma once

#include "data/sink.h"

typedef struct FdRehash FdRehash;

/* Once, from the main loop, also if there was nothing to do; the FdRehash is gone then. READ_FAILED. */
typedef void (*FdRehashDone) (const GError *error, gpointer data);

/* @sink is referenced. */
FdRehash *fd_rehash_start (FdSink *sink, FdHashAlgo algo, guint64 offset, FdRehashDone done, gpointer data);

/* No callback any more; @sink may be in use for another moment. */
void fd_rehash_cancel (FdRehash *rehash);

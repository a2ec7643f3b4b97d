/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hash of a file before it is offered, on a thread, so that the offer can
 * carry it (XEP-0234 §4).
 */
#pragma once

#include "data/source.h"

typedef struct FdPrehash FdPrehash;

/* Once, from the main loop; the FdPrehash is gone then. SOURCE_CHANGED,
 * READ_FAILED. */
typedef void (*FdPrehashDone) (const FdDigest *digest, const GError *error, gpointer data);

/* @source must be seekable; it is referenced. */
FdPrehash *fd_prehash_start (FdSource *source, FdHashAlgo algo, FdPrehashDone done, gpointer data);

/* No callback any more. */
void fd_prehash_cancel (FdPrehash *prehash);

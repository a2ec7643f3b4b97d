/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a descriptor from a caller must be before we read or write it.
 */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/* Is @fd open for reading (or writing), not O_PATH, and a regular file, pipe
 * or connected stream socket? INVALID_FD if not. */
gboolean fd_descriptor_check (int fd, gboolean for_writing, struct stat *ret_stat, GError **error);

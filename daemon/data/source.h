/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file that is being offered: an open descriptor and what fstat() said of it
 * when the offer was made.
 */
#pragma once

#include "data/hash.h"

typedef struct FdSource FdSource;

/* Opens an absolute path of a regular file that we may read. INVALID_PATH,
 * FILE_NOT_FOUND, ACCESS_DENIED. */
FdSource *fd_source_open (const char *path, GError **error);

/* Takes @fd (also on failure): readable (F_GETFL), not O_PATH, a regular file,
 * pipe or socket; INVALID_FD otherwise. A regular file is read from its start.
 * @size is for pipes and sockets: bytes, or -1 if unknown. */
FdSource *fd_source_new_fd (int fd, gint64 size, GError **error);

FdSource *fd_source_ref (FdSource *source);
void fd_source_unref (FdSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdSource, fd_source_unref)

/* Looks up the path of a descriptor's file, if one leads to it that we may read: so
 * it can be opened again, after a restart too. Only where the descriptor's giver may name paths. */
void fd_source_find_path (FdSource *source);

const char *fd_source_get_path (FdSource *source); /* "" for descriptors */
int fd_source_get_fd (FdSource *source);
gint64 fd_source_get_size (FdSource *source); /* bytes; -1 unknown */
gint64 fd_source_get_mtime (FdSource *source); /* seconds since the epoch; -1 unknown */
gboolean fd_source_is_seekable (FdSource *source);
const char *fd_source_get_media_type (FdSource *source,
                                      const char *name); /* by GIO from name and first bytes; "" unknown */

/* Tells this file, as it was when it was opened, from any other and from a later state
 * of itself; NULL for pipes. g_free() */
char *fd_source_get_stamp (FdSource *source);

/* Still the file that was offered (same inode, size, mtime)? SOURCE_CHANGED if
 * not. Always TRUE for pipes. Any thread. */
gboolean fd_source_check (FdSource *source, GError **error);

/* Like pread(). A pipe or socket gives its bytes once and in order: any other
 * @offset is ESPIPE. Wait with poll() before; a pipe may block without. Any
 * thread, one at a time. */
gssize fd_source_read (FdSource *source, guint64 offset, void *buffer, gsize length);

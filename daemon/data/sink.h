/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a received file goes: ".NAME.part" beside its target until it is
 * whole and verified, then renamed without replacing anything; or a descriptor
 * of the caller, which gets the bytes as they come.
 */
#pragma once

#include <glib.h>

typedef struct FdSink FdSink;

/* A target in directory @directory (absolute, must exist). @name is sanitised
 * already. Nothing is created yet. */
FdSink *fd_sink_new_file (const char *directory, const char *name, gboolean overwrite, GError **error);

/* Takes @fd (also on failure): writable, not O_PATH, regular file, pipe or
 * socket; INVALID_FD otherwise. */
FdSink *fd_sink_new_fd (int fd, GError **error);

FdSink *fd_sink_ref (FdSink *sink);
/* The last unref of a part that was neither published nor kept removes it. */
void fd_sink_unref (FdSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdSink, fd_sink_unref)

/* Creates the part (O_EXCL|O_NOFOLLOW, 0600, ".NAME.part", ".NAME (2).part"…),
 * checks free space for @size (-1 unknown) and reserves it. NO_SPACE,
 * ACCESS_DENIED, INVALID_PATH, WRITE_FAILED. Idempotent. Any thread. */
gboolean fd_sink_open (FdSink *sink, gint64 size, GError **error);
int fd_sink_get_fd (FdSink *sink); /* -1 before fd_sink_open() */

/* Makes a part end at @offset, where bytes come next: what an earlier attempt
 * wrote after it is forgotten. WRITE_FAILED if there are fewer bytes than that.
 * Does nothing to a descriptor. Any thread. */
gboolean fd_sink_truncate (FdSink *sink, guint64 offset, GError **error);

/* Like pwrite(). A regular file given as a descriptor counts from where it
 * stood; a pipe or socket takes its bytes once and in order: any other @offset
 * is ESPIPE. Wait with poll() before; a pipe may block without. Any thread, one
 * at a time. */
gssize fd_sink_write (FdSink *sink, guint64 offset, const void *data, gsize length);

/* fsync, rename with RENAME_NOREPLACE ("name (2).ext" if taken, or over the old
 * file if overwrite was asked), fsync of the directory. @mtime (seconds, -1
 * none) is set on the file. For a descriptor: fsync where it applies. Fails if
 * the part or its directory is no longer what we made (WRITE_FAILED, the text
 * says where the bytes are). Any thread, may take long. */
gboolean fd_sink_publish (FdSink *sink, gint64 mtime, GError **error);

/* Leaves the part on disk for a later resume, or as ".NAME.corrupt". */
void fd_sink_keep (FdSink *sink);
void fd_sink_keep_corrupt (FdSink *sink);

/* Final path after publish, before it the intended one; "" for a descriptor.
 * Owned by the sink; main thread. */
const char *fd_sink_get_path (FdSink *sink);
/* Where the bytes are now; "" if nowhere. */
const char *fd_sink_get_part_path (FdSink *sink);
gboolean fd_sink_is_file (FdSink *sink); /* ours, not a descriptor */
gboolean fd_sink_is_seekable (FdSink *sink);

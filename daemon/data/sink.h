/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a received file goes: ".NAME.part" beside its target until it is
 * whole and verified, then renamed without replacing anything; or a descriptor
 * of the caller, which gets the bytes as they come.
 */
#pragma once

#include "data/hash.h"

#include <gio/gio.h>

typedef struct FdSink FdSink;

/* A target in directory @directory (absolute, must exist). @name is sanitised
 * already. Nothing is created yet. */
FdSink *fd_sink_new_file (const char *directory, const char *name, gboolean overwrite, GError **error);

/* Takes @fd (also on failure): writable, not O_PATH, regular file, pipe or
 * socket; INVALID_FD otherwise. */
FdSink *fd_sink_new_fd (int fd, GError **error);

/* The part of an earlier fd_sink_new_file(), also of another process, and what it
 * has so far: same arguments, and what fd_sink_get_part_path() and
 * fd_sink_get_stamp() said last. A part that was published meanwhile is taken as
 * such. FILE_NOT_FOUND if there is none; WRITE_FAILED if it is not that file any more,
 * or another program wrote to it. The part stays on disk until it is published or the
 * sink is discarded. */
FdSink *fd_sink_reopen (const char *directory, const char *name, gboolean overwrite, const char *part_path,
                        const char *stamp, GError **error);

FdSink *fd_sink_ref (FdSink *sink);
/* The last unref of a part that was neither published nor kept removes it. */
void fd_sink_unref (FdSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdSink, fd_sink_unref)

/* Creates the part (O_EXCL|O_NOFOLLOW, 0600, ".NAME.part", ".NAME (2).part"…),
 * checks free space for @size (-1 unknown) and reserves it. NO_SPACE,
 * ACCESS_DENIED, INVALID_PATH, WRITE_FAILED. Idempotent. Any thread. */
gboolean fd_sink_open (FdSink *sink, gint64 size, GError **error);
int fd_sink_get_fd (FdSink *sink); /* -1 before fd_sink_open() */

/* Computes the digest of what is there up to @offset, so that bytes can be added and
 * the digest of all of them known. Fast if nothing but those was written since.
 * READ_FAILED, CANCELLED; UNSUPPORTED is no error: @algo NONE. Any thread, may take
 * long. */
gboolean fd_sink_hash (FdSink *sink, FdHashAlgo algo, guint64 offset, GCancellable *cancellable,
                       GError **error);
/* Of all bytes up to the last written one; algo NONE if fd_sink_hash() was not called or
 * cannot compute it. */
void fd_sink_get_digest (FdSink *sink, FdDigest *ret_digest);

/* Makes a part end at @offset, where bytes come next: what an earlier attempt
 * wrote after it is forgotten. WRITE_FAILED if there are fewer bytes than that.
 * Does nothing to a descriptor. Any thread. */
gboolean fd_sink_truncate (FdSink *sink, guint64 offset, GError **error);

/* Like pwrite(). A regular file given as a descriptor counts from where it
 * stood; a pipe or socket takes its bytes once and in order: any other @offset
 * is ESPIPE. Wait with poll() before; a pipe may block without. Any thread, one
 * at a time. */
gssize fd_sink_write (FdSink *sink, guint64 offset, const void *data, gsize length);

/* Told to the file when it is published: extended attributes user.xdg.origin.url and
 * user.xdg.referrer.url, where the file system has such. */
void fd_sink_set_origin (FdSink *sink, const char *origin, const char *referrer);

/* fsync, rename with RENAME_NOREPLACE ("name (2).ext" if taken, or over the old
 * file if overwrite was asked), fsync of the directory. @mtime (seconds, -1
 * none) is set on the file. For a descriptor: fsync where it applies. Fails if
 * the part or its directory is no longer what we made (WRITE_FAILED, the text
 * says where the bytes are). Any thread, may take long. */
gboolean fd_sink_publish (FdSink *sink, gint64 mtime, GError **error);

/* Leaves the part on disk for a later resume, or as ".NAME.corrupt". */
void fd_sink_keep (FdSink *sink);
void fd_sink_keep_corrupt (FdSink *sink);
/* The opposite: the last unref removes it, whoever made it. */
void fd_sink_discard (FdSink *sink);

/* Final path after publish, before it the intended one; "" for a descriptor.
 * Owned by the sink; main thread. */
const char *fd_sink_get_path (FdSink *sink);
/* Where the bytes are now; "" if nowhere. */
const char *fd_sink_get_part_path (FdSink *sink);
/* How many bytes there are that a later transfer can go on from: of a part its size, of a
 * descriptor what was written in order. */
guint64 fd_sink_get_size (FdSink *sink);
/* What tells the part from any other file, and shows whether somebody else wrote to it
 * since; NULL if there is none. To be noted after fd_sink_open(), before bytes come, and
 * after fd_sink_keep(). g_free() */
char *fd_sink_get_stamp (FdSink *sink);
gboolean fd_sink_is_published (FdSink *sink);
gboolean fd_sink_is_file (FdSink *sink); /* ours, not a descriptor */
gboolean fd_sink_is_seekable (FdSink *sink);

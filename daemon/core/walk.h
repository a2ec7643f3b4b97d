/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The files behind a list of paths: directories are walked.
 */
#pragma once

#include <glib.h>

#define FD_WALK_MAX_DEPTH 64 /* directories inside each other */
#define FD_WALK_MAX_ENTRIES 20000 /* looked at, so that a tree of nothing ends too */

/* Regular files in the order of @paths, those of a directory sorted by name
 * bytewise, each directory before what sorts after it. Symbolic links and special
 * files inside directories are left out. Array of char* paths, free with
 * g_ptr_array_unref(). INVALID_PATH (relative, special, no file at all),
 * FILE_NOT_FOUND, ACCESS_DENIED, READ_FAILED; LIMIT_EXCEEDED if there are more
 * than @max files. */
GPtrArray *fd_walk (const char *const *paths, guint max, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Renaming that never replaces a file, on every file system.
 */
#pragma once

#include <glib.h>

/* Renames @from to @name, or "name (2).ext" … if that is taken, both in
 * @dir_fd. The name that it got, or NULL with errno; EEXIST: all numbers up to
 * 999 are taken. */
char *fd_rename_numbered (int dir_fd, const char *from, const char *name);

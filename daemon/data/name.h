/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * File names from peers are hostile; this makes them safe base names.
 */
#pragma once

#include <glib.h>

#define FD_NAME_MAX 200 /* bytes: leaves room for ".", " (99)" and ".part" in NAME_MAX */

/* A safe base name: the last path component; '/', '\\', NUL, control and
 * bidirectional-override characters percent-escaped; invalid UTF-8 replaced;
 * leading dots and trailing dots/spaces removed; names reserved by Windows
 * prefixed with "_"; cut at a character boundary to FD_NAME_MAX bytes keeping
 * the extension; "file" if nothing is left. NULL is "file". */
char *fd_name_sanitize (const char *name);

/* "name (2).ext" for n = 2, the name for n < 2; the double extensions .tar.* are
 * kept together. Never more than NAME_MAX bytes. */
char *fd_name_numbered (const char *name, guint n);

/* Cut at a character boundary to @max bytes, which must be more than 32, keeping
 * the extension. */
char *fd_name_cut (const char *name, gsize max);

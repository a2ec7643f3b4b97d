/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file without a path or a size, that cannot be read to its end.
 */
#pragma once

#include <gio/gio.h>

/* What comes before reading fails. */
#define BROKEN_FILE_START "start"

GFile *broken_file_new (void);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rows of the transfer state table (daemon/PROTOCOL.md, "State table"). The machines
 * note which rows they went through: for the log, and for tests to see that every
 * row is reached.
 */
#pragma once

#include <glib.h>

#define FD_ROWS 52

typedef guint64 FdRows; /* bit n-1: row n */

static inline void
fd_row (FdRows *rows, guint row)
{
  *rows |= G_GUINT64_CONSTANT (1) << (row - 1);
}

static inline gboolean
fd_rows_have (FdRows rows, guint row)
{
  return (rows >> (row - 1)) & 1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits as people type them: "500k", "2.5M", "none".
 */
#pragma once

#include <glib.h>

/* Bytes per second; k, M and G are powers of 1000; "none" is 0. FALSE if it is nothing of
 * that. */
gboolean ctl_rate_parse (const char *text, guint64 *ret_rate);

/* "2.5 MB/s", or "none"; g_free(). */
char *ctl_rate_text (guint64 rate);

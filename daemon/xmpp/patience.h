/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long to wait before the next attempt to connect (RFC 6120 §3.3).
 */
#pragma once

#include <glib.h>

#define FD_PATIENCE_STABLE_US (60 * G_USEC_PER_SEC) /* a stream that lived so long did not fail */

/* Notes that a stream has ended that was up for @lived µs, or never was (-1), among @attempts,
 * those that failed in a row. Returns the time in ms until the next. */
guint fd_patience_fail (guint *attempts, gint64 lived);

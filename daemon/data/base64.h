/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Strict base64 (RFC 4648 §4) for what peers send: GLib's decoder skips junk,
 * which XEP-0047 §7 forbids.
 */
#pragma once

#include <glib.h>

/* White space is allowed anywhere, since some peers wrap lines; every other
 * character must belong, and '=' only at the end. FALSE if it is not base64 or
 * more than @max bytes. The result has @ret_length bytes, free with g_free();
 * it may be empty. */
gboolean fd_base64_decode (const char *text, gsize max, guint8 **ret_bytes, gsize *ret_length);

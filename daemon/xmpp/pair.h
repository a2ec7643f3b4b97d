/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two ends of a TCP connection inside this process. A socket pair of another
 * family would not do for a library that insists on connecting.
 */
#pragma once

#include <glib.h>

/* Both non-blocking, close-on-exec, and each other's by address and port. @ret_near
 * came from a non-blocking connect(): one more on it succeeds. FALSE and CONNECTION_FAILED. */
gboolean fd_pair_new (int *ret_near, int *ret_far, GError **error);

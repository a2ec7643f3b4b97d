/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which resource can take a file (XEP-0234 §4) and which does it best.
 */
#pragma once

#include "xmpp/peers.h"
#include "xmpp/presence.h"

/* None while its features are unknown. */
FdTransports fd_resource_get_transports (const FdResource *resource);

gboolean fd_resource_has_file_transfer_5 (const FdResource *resource); /* of known features */
gboolean fd_resource_can_receive (const FdResource *resource);

/* All that is known of it. */
FdPeerInfo fd_resource_describe (const FdResource *resource);

/* What one that cannot receive and whose features are known lacks, in words. */
const char *fd_resource_get_missing (const FdResource *resource);

/* TRUE if @a is the better one to send to: by transports, version of file
 * transfer, extensions of ours, then show, priority, and the newer presence. Both
 * can receive. */
gboolean fd_resource_is_better (const FdResource *a, const FdResource *b);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between the registry of one account's in-band bytestreams and the streams.
 */
#pragma once

#include "ibb/share.h"
#include "ibb/transport.h"

/* FALSE if there is such a stream already, or there are too many. */
gboolean fd_ibb_add (FdIbb *ibb, FdIbbTransport *transport, const char *peer, const char *sid);
void fd_ibb_remove (FdIbb *ibb, const char *peer, const char *sid);
FdIq *fd_ibb_get_iq (FdIbb *ibb);
FdIbbShare *fd_ibb_get_share (FdIbb *ibb); /* of all its streams */

/* The peer's requests for this stream; each is answered exactly once, now or later. */
void fd_ibb_transport_handle_open (FdIbbTransport *transport, xmpp_stanza_t *request, xmpp_stanza_t *open);
void fd_ibb_transport_handle_data (FdIbbTransport *transport, xmpp_stanza_t *request, xmpp_stanza_t *data);
void fd_ibb_transport_handle_close (FdIbbTransport *transport, xmpp_stanza_t *request, xmpp_stanza_t *close);

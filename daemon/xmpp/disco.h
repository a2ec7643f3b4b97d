/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What we say of ourselves: identity, features, caps (XEP-0030, XEP-0115).
 */
#pragma once

#include "xmpp/iq.h"

/* Answers disco#info and disco#items on @iq. */
void fd_disco_serve (FdIq *iq);

/* Our presence with its <c/>; @to NULL: to everybody who may see it. */
xmpp_stanza_t *fd_disco_new_presence (const char *to);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which SASL mechanism is used (RFC 6120 §13.8): a policy of ours, not the
 * library's.
 */
#pragma once

#include "xmpp/xml.h"

/* The best one that @features offers, or NULL. EXTERNAL (XEP-0178) with a client
 * @certificate, since that gives nothing away; SCRAM by the strength of its hash;
 * PLAIN, which is only ever said inside verified TLS, if there is no SCRAM; no
 * other. SCRAM with channel binding is left to who has the binding: the TLS is ours and
 * the library, which speaks SASL, does not see it. */
const char *fd_mechanisms_choose (xmpp_stanza_t *features, gboolean certificate);

/* Is this a SCRAM challenge (RFC 5802 §7), base64, that the library can be given:
 * well-formed, in answer to @our_nonce, of a short salt, and neither too costly nor
 * too cheap? */
gboolean fd_mechanisms_check_challenge (const char *base64, const char *our_nonce, GError **error);

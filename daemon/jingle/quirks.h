/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What single clients do differently, and which extensions a peer shares with us.
 * Told by the caps (XEP-0115) of a peer; a peer without caps has no quirks.
 */
#pragma once

#include "s5b/info.h"
#include "xmpp/peers.h"

typedef enum
{
  FD_QUIRK_NO_IBB = 1 << 0, /* dies of any in-band stream */
  FD_QUIRK_NO_IBB_RECEIVE = 1 << 1, /* acknowledges in-band data and drops it */
  FD_QUIRK_REJECTS_REPLACE = 1 << 2, /* every transport-replace */
  FD_QUIRK_WITHHOLD_ERROR = 1 << 3, /* gives up the session if both sides say candidate-error */
  FD_QUIRK_INI_FIRST = 1 << 4, /* its listener takes H(initiator, responder) */
  FD_QUIRK_TRICKLES = 1 << 5, /* candidates may follow in transport-info, both ways */
  FD_QUIRK_BAD_LISTENER
  = 1 << 6, /* loses the bytes of its own listener, and as sender those of its own proxy */
  FD_QUIRK_ACCEPT_FOR_REPLACE = 1 << 7, /* answer its transport-replace with session-accept, too */
  FD_QUIRK_LITERAL_HOSTS = 1 << 8, /* cannot resolve the host of a candidate */
  FD_QUIRK_RANGES = 1 << 9, /* starts its file where the accept says, with or without our extension */
} FdQuirks;

/* Upstream iris, seen in real runs with its revision of August 2026. */
#define FD_QUIRKS_IRIS (FD_QUIRK_WITHHOLD_ERROR | FD_QUIRK_INI_FIRST | FD_QUIRK_TRICKLES | FD_QUIRK_RANGES)

FdQuirks fd_quirks_find (const FdPeerInfo *peer);

/* @initiator: we are. iris gives up over two errors as responder; as initiator it
 * proposes another transport, once ours has followed its own. */
FdS5bErrorRule fd_quirks_error_rule (FdQuirks quirks, gboolean initiator);

/* --- our extensions, see docs/extensions.md --- */
#define FD_NS_EARLY_ACCEPT \
  "urn:x-fardel:early-accept:0" /* accept without repeating an accepted transport \
                                 */
#define FD_NS_BATCH "urn:x-fardel:batch:0" /* several files per session, answered one by one */
#define FD_NS_RESUME "urn:x-fardel:resume:0" /* a file has a name that is good for another try */

typedef enum
{
  FD_EXT_EOC = 1 << 0,
  FD_EXT_CID_DST = 1 << 1,
  FD_EXT_EARLY_ACCEPT = 1 << 2,
  FD_EXT_BATCH = 1 << 3,
  FD_EXT_RESUME = 1 << 4,
} FdExtensions;

/* Those that the peer advertises. As initiator we use them; as responder we use
 * what the peer's offer uses, whatever is known of it. */
FdExtensions fd_extensions_find (const FdPeerInfo *peer);

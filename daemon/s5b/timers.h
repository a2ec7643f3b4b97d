/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every wait of a transfer, from the first candidate to the last confirmation, in
 * milliseconds: nothing waits without one.
 */
#pragma once

#include <glib.h>

#define FD_MS(ms) ((ms) *G_GINT64_CONSTANT (1000)) /* the machines count µs */

/* --- XEP-0260: the negotiation --- */
#define FD_T_GATHER 1500 /* a slow server must not delay the offer; caches make this 0 */
#define FD_T_STAGGER 200 /* between two dials (RFC 8305) */
#define FD_T_PROXY_DELAY 1000 /* proxies are dialed behind the first direct candidate */
#define FD_T_BETTER 400 /* a success waits for a better dial in flight */
#define FD_T_HOLD 4000 /* Psi sends its proxies after its answer: no candidate-error before */
#define FD_T_PEER_BASE 10000 /* the peer's notification: it may dial ours one by one … */
#define FD_T_PEER_EACH 10000 /* … for 3 to 10 s each */
#define FD_T_PEER_MIN 20000
#define FD_T_PEER_MAX 60000
#define FD_T_SOCKET 2000 /* candidate-used overtakes the socket that it is about */
#define FD_T_ACT 30000 /* activation of a proxy */
#define FD_T_ACTIVATED 10000 /* the end of a short file overtakes activated */

/* --- XEP-0166, XEP-0234: the session around it --- */
#define FD_T_ANSWER (24 * 3600 * 1000) /* an offer */
#define FD_T_GRACE (3600 * 1000) /* an offer that we show outlives the offerer's own timer */
#define FD_T_REPLACE 30000 /* transport-replace to transport-accept */
#define FD_T_WAIT_REPLACE 60000 /* the initiator must propose another transport */
#define FD_T_STALL 60000 /* without a byte */
#define FD_T_STALL_RESUMABLE 20000 /* the same for a file that can go on later: three are a minute */
#define FD_T_PING 15000 /* session ping */
#define FD_T_DRAIN 10000 /* without a byte, after the sender ended the session */
#define FD_T_BROKEN 5000 /* a stream broke: the peer's terminate may tell why */
#define FD_T_NO_WAY 1000 /* no way was found: the answer to a ping, if the network is well */
#define FD_T_FIN 60000 /* all bytes are out: the receiver must confirm */
#define FD_T_RECEIVED 2000 /* from received to terminate */
#define FD_T_CHECKSUM 2000 /* a promised one, after the last byte */
#define FD_T_SWIFT 3500 /* from the last byte to our word: after 5 s file-transfer:4 gives up */
#define FD_T_PEER_GONE 10000 /* unavailable presence while nothing moves */

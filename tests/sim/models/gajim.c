/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gajim 1.7.3: the first TCP connection counts, whatever SOCKS says; nothing goes
 * out of its own listener; activated before it is; in-band with the sid "None",
 * after a session-accept. As receiver it is modelled with the fix of 1.9, too;
 * as it is, it forgets each offer.
 */
#include "model.h"

const SimTraits sim_gajim = {
  .content = "file",
  .direct_priority = 126u << 16,
  .proxy_priority = 10u << 16,
  .pace = SIM_PACE_PARALLEL,
  .patience_ms = 30000,
  .says = SIM_SAYS_INITIATOR,
  .takes = SIM_TAKES_ANYTHING,
  .takes_refusal = TRUE,
  .not_serving = TRUE,
  .hasty = TRUE,
  .as_initiator = SIM_FAILS_BY_REPLACE,
  .as_responder = SIM_FAILS_BY_WAITING,
  .replace = SIM_REPLACE_ACCEPTED,
  .replaced_by_accept = TRUE,
  .ibb_sid = "None",
  .block_size = 4096,
  .closes = TRUE,
  .closes_ibb = TRUE,
  .needs_close = TRUE,
  .lies = TRUE,
  .hash = SIM_HASH_OFFERED,
  .declines = "cancel",
  .no_empty = TRUE,
};

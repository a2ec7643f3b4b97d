/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dino 0.4.2: TCP or nothing. It acknowledges in-band data and loses them, rejects
 * each transport-replace, proposes SOCKS5 again and again as responder, and
 * reports success on whatever arrived.
 */
#include "model.h"

const SimTraits sim_dino = {
  .content = "a-file-offer",
  .dstaddr = TRUE,
  .direct_priority = (126u << 16) + 32768,
  .proxy_priority = (10u << 16) + 32768,
  .descending = TRUE,
  .pace = SIM_PACE_SERIAL,
  .patience_ms = 3000,
  .says = SIM_SAYS_ANNOUNCED,
  .takes = SIM_TAKES_OFFERER,
  .refuses_repeats = TRUE,
  .proxy_error = TRUE,
  .as_initiator = SIM_FAILS_BY_END,
  .as_responder = SIM_FAILS_BY_S5B,
  .replace = SIM_REPLACE_REJECTED,
  .block_size = 4096,
  .drops_ibb = TRUE,
  .dies_of_failure = TRUE,
  .closes = TRUE,
  .closes_ibb = TRUE,
  .lies = TRUE,
  .declines = "decline",
  .no_empty = TRUE,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Psi with upstream iris of August 2026, and Psi+ 1.4.1456, whose iris has no
 * direct candidates, dies of in-band streams and of what comes after two errors.
 */
#include "model.h"

const SimTraits sim_iris = {
  .content = "fileoffer_",
  .no_jid = TRUE,
  .trickles = TRUE,
  .proxy_dstaddr = TRUE,
  .direct_priority = 126u << 16,
  .proxy_priority = 10u << 16,
  .pace = SIM_PACE_STAGGERED,
  .patience_ms = 127000, /* the kernel's */
  .says = SIM_SAYS_INITIATOR,
  .takes = SIM_TAKES_INITIATOR,
  .one_at_a_time = TRUE,
  .error_after_used = TRUE,
  .refuses_without_socket = TRUE,
  .proxy_error = TRUE,
  .as_initiator = SIM_FAILS_BY_REPLACE,
  .as_responder = SIM_FAILS_BY_REMOVE,
  .replace = SIM_REPLACE_ACCEPTED,
  .replaces_late = TRUE,
  .block_size = 4096,
  .closes_ibb = TRUE,
  .tells_received = TRUE,
  .hash = SIM_HASH_OFFERED,
  .declines = "decline",
  .multi = TRUE,
  .ranges = TRUE,
};

const SimTraits sim_psi_plus = {
  .content = "fileoffer_",
  .no_direct = TRUE,
  .proxy_dstaddr = TRUE,
  .direct_priority = 126u << 16,
  .proxy_priority = 10u << 16,
  .pace = SIM_PACE_STAGGERED,
  .patience_ms = 127000, /* the kernel's */
  .says = SIM_SAYS_INITIATOR,
  .takes = SIM_TAKES_INITIATOR,
  .one_at_a_time = TRUE,
  .proxy_error = TRUE,
  .as_initiator = SIM_FAILS_BY_WAITING,
  .as_responder = SIM_FAILS_BY_WAITING,
  .replace = SIM_REPLACE_ACCEPTED,
  .block_size = 4096,
  .dies_of_ibb = TRUE,
  .dies_of_end = TRUE,
  .closes = TRUE,
  .hash = SIM_HASH_OFFERED,
  .declines = "decline",
  .multi = TRUE,
  .ranges = TRUE,
};

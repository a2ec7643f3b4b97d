/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Conversations 2.19 and what comes from it: as initiator it offers only its
 * proxy, to which it is connected by then, and never says used or error. And
 * Conversations up to 2.12, which negotiates both ways.
 */
#include "model.h"

const SimTraits sim_conversations = {
  .content = "c",
  .only_proxies_offered = TRUE,
  .direct_priority = (126u << 16) + 100,
  .proxy_priority = (10u << 16) + 100,
  .descending = TRUE,
  .pace = SIM_PACE_SERIAL,
  .patience_ms = 3000,
  .says = SIM_SAYS_OFFERER,
  .takes = SIM_TAKES_OFFERER,
  .silent = TRUE,
  .holds_proxy = TRUE,
  .as_initiator = SIM_FAILS_BY_REPLACE,
  .as_responder = SIM_FAILS_BY_WAITING,
  .replace = SIM_REPLACE_ACCEPTED,
  .block_size = 8192,
  .tells_received = TRUE,
  .checksum = TRUE,
  .declines = "decline",
};

const SimTraits sim_conversations_old = {
  .content = "c",
  .direct_priority = (126u << 16) + 100,
  .proxy_priority = (10u << 16) + 100,
  .descending = TRUE,
  .pace = SIM_PACE_SERIAL,
  .patience_ms = 3000,
  .says = SIM_SAYS_OFFERER,
  .takes = SIM_TAKES_OFFERER,
  .as_initiator = SIM_FAILS_BY_REPLACE,
  .as_responder = SIM_FAILS_BY_WAITING,
  .replace = SIM_REPLACE_AFTER_ERRORS,
  .proxy_error = TRUE,
  .block_size = 8192,
  .checksum = TRUE,
  .declines = "decline",
};

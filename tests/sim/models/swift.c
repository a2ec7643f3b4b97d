/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Swift of 2020: file-transfer:4, no senders attribute, a replacement only after
 * two errors, and media-error 5 s after the last byte that it sent.
 */
#include "model.h"

const SimTraits sim_swift = {
  .version = FD_FT_4,
  .content = "s",
  .dstaddr = TRUE,
  .direct_priority = (126u << 16) + 200,
  .proxy_priority = (10u << 16) + 200,
  .descending = TRUE,
  .pace = SIM_PACE_SERIAL,
  .patience_ms = 3000,
  .says = SIM_SAYS_ANNOUNCED,
  .takes = SIM_TAKES_OFFERER,
  .holds_proxy = TRUE,
  .proxy_error = TRUE,
  .as_initiator = SIM_FAILS_BY_REPLACE,
  .as_responder = SIM_FAILS_BY_WAITING,
  .replace = SIM_REPLACE_AFTER_ERRORS,
  .block_size = 4096,
  .hash = SIM_HASH_CHECKSUM,
  .waits_for_checksum_ms = 5000,
  .impatient_ms = 5000,
  .declines = "decline",
};

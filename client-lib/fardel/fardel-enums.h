/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The states of transfers and accounts.
 */
#pragma once

#if !defined(FARDEL_INSIDE) && !defined(FARDEL_COMPILATION)
#error "Only <fardel/fardel.h> can be included directly."
#endif

#include <gio/gio.h>

/* What the library shows; everything else is hidden. */
#define FARDEL_API __attribute__ ((visibility ("default")))

G_BEGIN_DECLS

/**
 * FardelState:
 * @FARDEL_STATE_UNKNOWN: Not one of these; a newer daemon may have more. The transfer still runs.
 * @FARDEL_STATE_QUEUED: Outgoing: waits for a free slot, for the account or for the peer to be online.
 * @FARDEL_STATE_OFFERED: Waits for an answer: the peer's if outgoing, the user's if incoming.
 * @FARDEL_STATE_NEGOTIATING: Accepted; a path for the bytes is being found.
 * @FARDEL_STATE_ACTIVE: Bytes move. Also the end, when the file is verified.
 * @FARDEL_STATE_INTERRUPTED: Accepted, but the way broke; it goes on by itself from the byte where it
 * stopped.
 * @FARDEL_STATE_DONE: The file is whole, verified as far as possible, and in its place.
 * @FARDEL_STATE_REJECTED: The offer was declined.
 * @FARDEL_STATE_CANCELLED: One side ended it on purpose.
 * @FARDEL_STATE_FAILED: It ended otherwise; [property@Transfer:error] says why.
 *
 * Where a transfer is.
 *
 * The states from `FARDEL_STATE_DONE` on are final, so `state >= FARDEL_STATE_DONE` means that nothing
 * changes any more, which is also what [property@Transfer:finished] says.
 *
 * Since: 0.1
 */
typedef enum
{
  FARDEL_STATE_UNKNOWN,
  FARDEL_STATE_QUEUED,
  FARDEL_STATE_OFFERED,
  FARDEL_STATE_NEGOTIATING,
  FARDEL_STATE_ACTIVE,
  FARDEL_STATE_INTERRUPTED,
  FARDEL_STATE_DONE,
  FARDEL_STATE_REJECTED,
  FARDEL_STATE_CANCELLED,
  FARDEL_STATE_FAILED,
} FardelState;

#define FARDEL_TYPE_STATE (fardel_state_get_type ())
FARDEL_API
GType fardel_state_get_type (void);

/**
 * FardelAccountStatus:
 * @FARDEL_ACCOUNT_STATUS_UNKNOWN: Not one of these; a newer daemon may have more.
 * @FARDEL_ACCOUNT_STATUS_OFFLINE: Not connected and not trying.
 * @FARDEL_ACCOUNT_STATUS_CONNECTING: On the way.
 * @FARDEL_ACCOUNT_STATUS_ONLINE: Transfers are possible.
 * @FARDEL_ACCOUNT_STATUS_WAITING_FOR_PASSWORD: There is no password, or the one in the keyring was refused;
 * see [method@Account.set_password_async].
 * @FARDEL_ACCOUNT_STATUS_WAITING: The connection failed for a passing reason; it is tried again by itself.
 * @FARDEL_ACCOUNT_STATUS_FAILED: Nothing is tried again without a change, e.g. of password, settings or
 * certificate.
 *
 * What the connection of an account does.
 *
 * Since: 0.1
 */
typedef enum
{
  FARDEL_ACCOUNT_STATUS_UNKNOWN,
  FARDEL_ACCOUNT_STATUS_OFFLINE,
  FARDEL_ACCOUNT_STATUS_CONNECTING,
  FARDEL_ACCOUNT_STATUS_ONLINE,
  FARDEL_ACCOUNT_STATUS_WAITING_FOR_PASSWORD,
  FARDEL_ACCOUNT_STATUS_WAITING,
  FARDEL_ACCOUNT_STATUS_FAILED,
} FardelAccountStatus;

#define FARDEL_TYPE_ACCOUNT_STATUS (fardel_account_status_get_type ())
FARDEL_API
GType fardel_account_status_get_type (void);

G_END_DECLS

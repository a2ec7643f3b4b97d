/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The enumerations as GTypes. A nick is the word of the D-Bus contract.
 */
#include "fardel-enums.h"

GType
fardel_state_get_type (void)
{
  static const GEnumValue values[] = {
    { FARDEL_STATE_UNKNOWN, "FARDEL_STATE_UNKNOWN", "unknown" },
    { FARDEL_STATE_QUEUED, "FARDEL_STATE_QUEUED", "queued" },
    { FARDEL_STATE_OFFERED, "FARDEL_STATE_OFFERED", "offered" },
    { FARDEL_STATE_NEGOTIATING, "FARDEL_STATE_NEGOTIATING", "negotiating" },
    { FARDEL_STATE_ACTIVE, "FARDEL_STATE_ACTIVE", "active" },
    { FARDEL_STATE_INTERRUPTED, "FARDEL_STATE_INTERRUPTED", "interrupted" },
    { FARDEL_STATE_DONE, "FARDEL_STATE_DONE", "done" },
    { FARDEL_STATE_REJECTED, "FARDEL_STATE_REJECTED", "rejected" },
    { FARDEL_STATE_CANCELLED, "FARDEL_STATE_CANCELLED", "cancelled" },
    { FARDEL_STATE_FAILED, "FARDEL_STATE_FAILED", "failed" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("FardelState", values));
  return type;
}

GType
fardel_account_status_get_type (void)
{
  static const GEnumValue values[] = {
    { FARDEL_ACCOUNT_STATUS_UNKNOWN, "FARDEL_ACCOUNT_STATUS_UNKNOWN", "unknown" },
    { FARDEL_ACCOUNT_STATUS_OFFLINE, "FARDEL_ACCOUNT_STATUS_OFFLINE", "offline" },
    { FARDEL_ACCOUNT_STATUS_CONNECTING, "FARDEL_ACCOUNT_STATUS_CONNECTING", "connecting" },
    { FARDEL_ACCOUNT_STATUS_ONLINE, "FARDEL_ACCOUNT_STATUS_ONLINE", "online" },
    { FARDEL_ACCOUNT_STATUS_WAITING_FOR_PASSWORD, "FARDEL_ACCOUNT_STATUS_WAITING_FOR_PASSWORD",
      "waiting-for-password" },
    { FARDEL_ACCOUNT_STATUS_WAITING, "FARDEL_ACCOUNT_STATUS_WAITING", "waiting" },
    { FARDEL_ACCOUNT_STATUS_FAILED, "FARDEL_ACCOUNT_STATUS_FAILED", "failed" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("FardelAccountStatus", values));
  return type;
}

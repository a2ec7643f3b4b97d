/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits and policies; see policy.h.
 */
#include "core/policy.h"

#include "base/error.h"
#include "core/manager.h"

#include <string.h>

static gboolean
is_listed (const FdAccountConfig *account, const char *peer)
{
  return g_strv_contains ((const char *const *) account->auto_accept, peer);
}

gboolean
fd_policy_admits (const FdAccountConfig *account, const char *peer, gboolean contact,
                  gboolean accept_from_strangers)
{
  gboolean hold = account->strangers == FD_STRANGERS_DEFAULT ? accept_from_strangers
                                                             : account->strangers == FD_STRANGERS_HOLD;

  return contact || hold || is_listed (account, peer);
}

const char *
fd_policy_incoming (const FdIncomingFacts *facts)
{
  guint share = facts->shared ? FD_OWNER_SHARE : 1;

  if (facts->stopping)
    return "gone";
  if (facts->pending_from_peer >= FD_MAX_PENDING_PER_PEER || facts->pending >= FD_MAX_PENDING / share
      || facts->withdrawn_by_peer >= FD_MAX_WITHDRAWN_PER_PEER || facts->transfers >= FD_MAX_TRANSFERS
      || facts->transfers_of_owner >= FD_MAX_TRANSFERS / share
      || (facts->stranger && facts->pending_of_strangers >= FD_MAX_PENDING_STRANGERS / share))
    return "busy";
  return NULL;
}

gboolean
fd_policy_outgoing (guint transfers, guint of_app, const char *app_id, GError **error)
{
  if (transfers >= FD_MAX_TRANSFERS)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "There are %d transfers already: wait for some to end, or forget finished ones",
                   FD_MAX_TRANSFERS);
      return FALSE;
    }
  if (*app_id && of_app >= FD_MAX_TRANSFERS_PER_APP)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "%s has %d transfers already: wait for some to end, or forget finished ones", app_id,
                   FD_MAX_TRANSFERS_PER_APP);
      return FALSE;
    }
  return TRUE;
}

gboolean
fd_policy_share (guint of_owner, GError **error)
{
  if (of_owner < FD_MAX_TRANSFERS / FD_OWNER_SHARE)
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
               "This user has %d transfers already: wait for some to end, or forget finished ones",
               FD_MAX_TRANSFERS / FD_OWNER_SHARE);
  return FALSE;
}

gboolean
fd_policy_hides (const FdAccountConfig *account, FdPath wanted, gboolean trusted)
{
  return account->relay_only || (!trusted && (wanted == FD_PATH_NONE || wanted == FD_PATH_ANY));
}

FdPath
fd_policy_paths (const FdAccountConfig *account, FdPath wanted, gboolean trusted)
{
  FdPath paths = wanted != FD_PATH_NONE ? wanted : FD_PATH_ANY;

  return fd_policy_hides (account, wanted, trusted) ? paths & ~FD_PATH_SOCKS5_DIRECT : paths;
}

gboolean
fd_policy_check_paths (const FdAccountConfig *account, FdPath wanted, GError **error)
{
  if (fd_policy_paths (account, wanted, TRUE) != FD_PATH_NONE)
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
               "The account %s is relay-only: it never uses socks5-direct", account->id);
  return FALSE;
}

static gboolean
is_program (const char *name)
{
  static const char *const suffixes[]
    = { ".appimage", ".bat", ".cmd", ".com", ".desktop", ".exe", ".flatpakref", ".hta", ".jar",
        ".js",       ".lnk", ".msi", ".ps1", ".run",     ".scr", ".sh",         ".vbs", NULL };
  g_autofree char *lower = g_ascii_strdown (name, -1);

  for (guint i = 0; suffixes[i]; i++)
    if (g_str_has_suffix (lower, suffixes[i]))
      return TRUE;
  return FALSE;
}

gboolean
fd_policy_auto_accept (const FdAccountConfig *account, const char *peer, const char *name, gint64 size)
{
  guint64 max = account->auto_accept_max;

  return is_listed (account, peer) && size >= 0 && (max == 0 || (guint64) size <= max) && !is_program (name);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For builds without libsecret: there is no keyring.
 */
#include "core/secret-service.h"

gboolean
fd_secret_service_is_there (void)
{
  return FALSE;
}

void
fd_secret_service_turn_off (void)
{
}

FdServiceCall *
fd_secret_service_lookup (const char *jid, FdSecretManners manners, FdServiceDone done, gpointer data)
{
  return NULL;
}

FdServiceCall *
fd_secret_service_store (const char *jid, const char *account, const char *secret, FdServiceDone done,
                         gpointer data)
{
  return NULL;
}

FdServiceCall *
fd_secret_service_forget (const char *jid, const char *account, FdServiceDone done, gpointer data)
{
  return NULL;
}

void
fd_secret_service_cancel (FdServiceCall *call)
{
}

FdServiceWatch *
fd_secret_service_watch (FdServiceNews news, gpointer data)
{
  return NULL;
}

void
fd_secret_service_unwatch (FdServiceWatch *watch)
{
}

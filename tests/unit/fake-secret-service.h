/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A keyring that the test fills, in place of the user's own. Include in one file
 * of a test.
 */
#pragma once

#include "base/error.h"
#include "core/secret-service.h"

#include <string.h>

struct FdServiceCall
{
  FdServiceDone done;
  gpointer data;
  guint idle;
  gboolean lookup;
};

struct FdServiceWatch
{
  FdServiceNews news;
  gpointer data;
};

static gboolean fake_keyring_built; /* FALSE: as in a daemon without libsecret */
static const char *fake_keyring_secret; /* what lookups find; NULL: they fail */
static gboolean fake_keyring_hangs; /* no answer ever */
static gboolean fake_keyring_locked; /* for storing */
static FdSecretManners fake_keyring_manners; /* of the last lookup */
static guint fake_keyring_lookups;
static char *fake_keyring_stored; /* JID:ACCOUNT:SECRET, or NULL */
static FdServiceWatch *fake_keyring_watch; /* the last one, while it is there */

gboolean
fd_secret_service_is_there (void)
{
  return fake_keyring_built;
}

void
fd_secret_service_turn_off (void)
{
}

static gboolean
fake_keyring_answer (gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;
  const char *secret = call->lookup ? fake_keyring_secret : NULL;

  if (call->lookup ? !secret : fake_keyring_locked)
    error = g_error_new_literal (FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED, "fake keyring");
  call->idle = 0;
  call->done (secret, error, call->data);
  g_free (call);
  return G_SOURCE_REMOVE;
}

static FdServiceCall *
fake_keyring_call (gboolean lookup, FdServiceDone done, gpointer data)
{
  FdServiceCall *call;

  if (!fake_keyring_built)
    return NULL;
  call = g_new0 (FdServiceCall, 1);
  call->lookup = lookup;
  call->done = done;
  call->data = data;
  if (!fake_keyring_hangs)
    call->idle = g_idle_add (fake_keyring_answer, call);
  return call;
}

FdServiceCall *
fd_secret_service_lookup (const char *jid, FdSecretManners manners, FdServiceDone done, gpointer data)
{
  fake_keyring_lookups++;
  fake_keyring_manners = manners;
  return fake_keyring_call (TRUE, done, data);
}

FdServiceCall *
fd_secret_service_store (const char *jid, const char *account, const char *secret, FdServiceDone done,
                         gpointer data)
{
  if (!fake_keyring_locked)
    {
      g_free (fake_keyring_stored);
      fake_keyring_stored = g_strdup_printf ("%s:%s:%s", jid, account, secret);
    }
  return fake_keyring_call (FALSE, done, data);
}

FdServiceCall *
fd_secret_service_forget (const char *jid, const char *account, FdServiceDone done, gpointer data)
{
  g_autofree char *prefix = g_strdup_printf ("%s:%s:", jid, account);

  if (fake_keyring_stored && g_str_has_prefix (fake_keyring_stored, prefix))
    g_clear_pointer (&fake_keyring_stored, g_free);
  return fake_keyring_call (FALSE, done, data);
}

void
fd_secret_service_cancel (FdServiceCall *call)
{
  g_clear_handle_id (&call->idle, g_source_remove);
  g_free (call);
}

FdServiceWatch *
fd_secret_service_watch (FdServiceNews news, gpointer data)
{
  FdServiceWatch *watch;

  if (!fake_keyring_built)
    return NULL;
  watch = g_new0 (FdServiceWatch, 1);
  watch->news = news;
  watch->data = data;
  fake_keyring_watch = watch;
  return watch;
}

void
fd_secret_service_unwatch (FdServiceWatch *watch)
{
  if (fake_keyring_watch == watch)
    fake_keyring_watch = NULL;
  g_free (watch);
}

static inline gboolean
fake_keyring_tell (FdSecretManners manners)
{
  return fake_keyring_watch->news (manners, fake_keyring_watch->data);
}

static inline void
fake_keyring_reset (void)
{
  g_assert_null (fake_keyring_watch); /* nobody waits any more */
  fake_keyring_built = FALSE;
  fake_keyring_secret = NULL;
  fake_keyring_hangs = FALSE;
  fake_keyring_locked = FALSE;
  fake_keyring_lookups = 0;
  g_clear_pointer (&fake_keyring_stored, g_free);
}

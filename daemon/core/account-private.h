/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the manager knows of accounts and nobody else does.
 */
#pragma once

#include "core/account.h"

typedef struct
{
  void (*changed) (FdAccount *account, FdAccountFields fields, gpointer data);
  /* The stream is up. */
  void (*online) (FdAccount *account, gpointer data);
  /* A resource of this contact can receive files now. */
  void (*available) (FdAccount *account, const char *bare_jid, gpointer data);
  /* The user blocks other peers than before. */
  void (*blocked) (FdAccount *account, gpointer data);
  /* As FdJingleHooks. */
  gboolean (*admit) (FdAccount *account, const char *peer, gpointer data);
  gboolean (*incoming) (FdAccount *account, FdContent *content, const char **ret_reason, gpointer data);
  /* The stream will be closed on purpose: peers must be told now … */
  void (*closing) (FdAccount *account, gpointer data);
  /* … and are waited for: are there any? */
  gboolean (*busy) (FdAccount *account, gpointer data);
  /* Client, peers and contents are freed right after this. */
  void (*dropped) (FdAccount *account, gpointer data);
  /* Last event after fd_account_close(), from an idle: free it. */
  void (*closed) (FdAccount *account, gpointer data);
} FdAccountHooks;

/* Takes @config, which is normalized. Changes are saved in @directory. */
FdAccount *fd_account_new (FdAccountConfig *config, const char *directory, const FdAccountHooks *hooks,
                           gpointer data);
void fd_account_free (FdAccount *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdAccount, fd_account_free)

/* Like fd_account_update() with a normalized @config that is in the file already. */
void fd_account_apply (FdAccount *account, const FdAccountConfig *config);

/* Like fd_account_connect() at the start of the session, when nobody asked for
 * anything: it waits for a locked keyring in silence. */
void fd_account_start (FdAccount *account);
/* Removes what is kept of it beside its configuration. */
void fd_account_forget (FdAccount *account);

/* Disconnects for good; closed follows, also if it was not connected. */
void fd_account_close (FdAccount *account);

/* One of its contents has ended: busy may be FALSE now. */
void fd_account_content_ended (FdAccount *account);

FdJingle *fd_account_get_jingle (FdAccount *account);

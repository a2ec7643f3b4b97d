/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One account of the user: its configuration, its password, its connection.
 */
#pragma once

#include "core/config.h"
#include "jingle/jingle.h"

typedef struct FdManager FdManager;
typedef struct FdAccount FdAccount;

/* What may change, for fd_account's observers. */
typedef enum
{
  FD_ACCOUNT_JID = 1 << 0, /* Jid, AutoAccept…, Strangers, RelayOnly, Enabled: the configuration */
  FD_ACCOUNT_STATUS = 1 << 1, /* Status, Error, ErrorMessage, FullJid, Tls */
  FD_ACCOUNT_PASSWORD = 1 << 2, /* PasswordSource */
  FD_ACCOUNT_CONTACTS = 1 << 3, /* what fd_peers_list_contacts() returns */
} FdAccountFields;

const FdAccountConfig *fd_account_get_config (FdAccount *account);
const char *fd_account_get_id (FdAccount *account);

/* offline connecting online waiting-for-password waiting failed */
const char *fd_account_get_status (FdAccount *account);
const GError *fd_account_get_error (FdAccount *account); /* NULL if none */
const char *fd_account_get_full_jid (FdAccount *account); /* "" when not online */
/* credential secret-service command memory none */
const char *fd_account_get_password_source (FdAccount *account);
void fd_account_get_tls (FdAccount *account, FdClientTls *ret_tls);
gboolean fd_account_is_online (FdAccount *account);
FdPeers *fd_account_get_peers (FdAccount *account);

/* The ways to a peer that has these transports. */
FdPath fd_account_get_paths (FdAccount *account, FdTransports transports);

/* Connects now, whatever Enabled says; waits for a password if there is none.
 * A locked keyring asks the user. Errors show in the status. */
void fd_account_connect (FdAccount *account);
void fd_account_disconnect (FdAccount *account);

/* Reads a password from @fd (taken) up to EOF or newline, asynchronously: 4096
 * bytes and 10 s at the most. It is used at once if the account waits for one or
 * was refused, and kept in memory only; with @save it goes to the keyring when the
 * server has taken it. */
typedef void (*FdAccountDone) (const GError *error, gpointer data);
void fd_account_set_password (FdAccount *account, int fd, gboolean save, FdAccountDone done, gpointer data);

/* The network changed, or the machine woke up. */
void fd_account_wake (FdAccount *account);

/* Validated, saved, applied; reconnects if a connection setting changed. */
gboolean fd_account_update (FdAccount *account, const FdAccountConfig *config, GError **error);

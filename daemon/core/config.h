/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration: $XDG_CONFIG_HOME/fardel/fardel.conf and
 * accounts.d/ID.conf, GKeyFiles written atomically with mode 0600. Passwords
 * are not in it, a file that holds one is refused.
 */
#pragma once

#include "core/owner.h"
#include "xmpp/client.h"

#define FD_MAX_ACCOUNTS 32
#define FD_MAX_ACTIVE 64 /* each has a thread and some descriptors */
#define FD_DEFAULT_ACTIVE 4

/* What becomes of the offers of those who are no contacts. */
typedef enum
{
  FD_STRANGERS_DEFAULT, /* as accept_from_strangers says */
  FD_STRANGERS_DECLINE, /* answered as if no files were taken here */
  FD_STRANGERS_HOLD, /* shown, to be answered by the user */
} FdStrangers;

typedef struct
{
  char *id; /* [a-z0-9_]{1,32} */
  guint32 owner; /* uid */
  gboolean enabled;
  FdClientSettings client;
  char **password_command; /* argv, or NULL */
  char **proxy_jids; /* never NULL */
  char **auto_accept; /* bare prepared JIDs, never NULL */
  guint64 auto_accept_max; /* bytes; bigger files are only offered; 0: any size */
  char *auto_accept_folder; /* absolute; NULL: the download folder */
  FdStrangers strangers;
  gboolean relay_only; /* no peer learns our addresses, not even when its file is accepted */
  gboolean allow_loopback;
  guint max_active; /* transfers of this account under way at once; 0: as many as of all */
} FdAccountConfig;

/* "", "decline", "hold"; NULL-terminated. */
extern const char *const fd_strangers_names[];

void fd_account_config_free (FdAccountConfig *config);
FdAccountConfig *fd_account_config_copy (const FdAccountConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdAccountConfig, fd_account_config_free)

typedef struct
{
  char *download_folder; /* absolute; default XDG_DOWNLOAD_DIR, else ~/Downloads, else ~ */
  guint max_active; /* 1…64, default 4 */
  guint64 upload_limit; /* bytes/s, 0: none */
  guint64 download_limit;
  gboolean accept_from_strangers; /* hold their offers, in accounts that do not say; default FALSE */
  char **allow_apps; /* sandboxed app ids that may take incoming offers */
} FdConfig;

void fd_config_free (FdConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdConfig, fd_config_free)

char *fd_config_default_download_folder (void); /* g_free() */

/* The directory, e.g. "/home/me/.config/fardel"; g_free(). */
char *fd_config_directory (void);

gboolean fd_account_id_is_valid (const char *id);

/* Prepares the JIDs and the resource in place and checks the rest. INVALID_JID,
 * INVALID_PATH and INVALID_OPTION name the key. */
gboolean fd_account_config_normalize (FdAccountConfig *config, GError **error);

/* Defaults for what is missing; INVALID_OPTION with file, group and key for
 * what is wrong. A missing file is all defaults. */
FdConfig *fd_config_load (const char *directory, GError **error);
/* A limit in bytes/s; 0 is none. INVALID_OPTION if it is too low. */
gboolean fd_config_check_rate (guint64 rate, GError **error);
gboolean fd_config_validate (const FdConfig *config, GError **error);
gboolean fd_config_save (const char *directory, const FdConfig *config, GError **error);

/* Every account file; those that cannot be read are logged, with the reason,
 * and left out; @ret_problem gets the first reason (INVALID_OPTION). Array of
 * FdAccountConfig. */
GPtrArray *fd_config_load_accounts (const char *directory, GError **ret_problem);
/* Is there a file, readable or not? */
gboolean fd_config_has_account (const char *directory, const char *id);
gboolean fd_config_save_account (const char *directory, const FdAccountConfig *config, GError **error);
gboolean fd_config_remove_account (const char *directory, const char *id, GError **error);

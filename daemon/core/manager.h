/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model: accounts, transfers, the queue, limits and policies. Knows neither
 * D-Bus nor XML; whoever shows it registers hooks.
 */
#pragma once

#include "core/transfer.h"

/* What a caller or a peer may make us hold. */
#define FD_MAX_TRANSFERS 1024 /* live objects */
#define FD_MAX_TRANSFERS_PER_APP 256
#define FD_MAX_PENDING_PER_PEER 32 /* incoming offers that nobody answered */
#define FD_MAX_PENDING 128
#define FD_MAX_WITHDRAWN_PER_PEER 64 /* offers taken back in the last seconds: nobody can read that fast */
#define FD_WITHDRAWN_S 10
#define FD_MAX_PENDING_STRANGERS 32 /* of all of them together, so that they leave room for contacts */
#define FD_MAX_FINISHED 100 /* kept for late readers */
#define FD_FINISHED_SECONDS 600
#define FD_MAX_BATCH 1000 /* files of one OfferMany */

typedef enum
{
  FD_MANAGER_ACTIVE = 1 << 0, /* ActiveTransfers */
  FD_MANAGER_PENDING = 1 << 1, /* PendingOffers */
  FD_MANAGER_MAX_ACTIVE = 1 << 2, /* MaxActiveTransfers */
  FD_MANAGER_FOLDER = 1 << 3, /* DownloadFolder */
  FD_MANAGER_UPLOAD_LIMIT = 1 << 4,
  FD_MANAGER_DOWNLOAD_LIMIT = 1 << 5,
} FdManagerFields;

/* Synchronous notifications; the observer must not call methods that change
 * the model from inside them. */
typedef struct
{
  void (*account_added) (FdAccount *account, gpointer data);
  void (*account_changed) (FdAccount *account, FdAccountFields fields, gpointer data);
  void (*account_removed) (FdAccount *account, gpointer data); /* still valid */
  void (*transfer_added) (FdTransfer *transfer, gpointer data);
  void (*transfer_changed) (FdTransfer *transfer, FdTransferFields fields, gpointer data);
  void (*transfer_finished) (FdTransfer *transfer, gpointer data); /* after the change of state */
  void (*transfer_removed) (FdTransfer *transfer, gpointer data); /* still valid */
  void (*changed) (FdManagerFields fields, gpointer data);
} FdManagerHooks;

/* Loads configuration; accounts connect with fd_manager_start(). */
FdManager *fd_manager_new (const FdManagerHooks *hooks, gpointer data, GError **error);
/* Before the start: several users share the daemon. What is told of numbers, lists
 * and limits is each one's own, and there is no keyring, which would be one user's. */
void fd_manager_set_shared (FdManager *manager);
void fd_manager_start (FdManager *manager);
void fd_manager_free (FdManager *manager);

/* The machine woke up: accounts that wait for their next attempt try at once, the
 * others look whether their connection is still there. A change of the network does
 * the same by itself. */
void fd_manager_wake (FdManager *manager);

/* Clean end: peers are told, parts kept, streams closed; @done within 5 s. */
void fd_manager_stop (FdManager *manager, void (*done) (gpointer data), gpointer data);

/* Re-reads the files: new, changed and removed accounts take effect. INVALID_OPTION
 * names what is wrong: a wrong fardel.conf changes nothing, a wrong account file
 * leaves that account as it is. */
gboolean fd_manager_reload (FdManager *manager, GError **error);

/* --- accounts --- */
GPtrArray *fd_manager_get_accounts (FdManager *manager); /* FdAccount, borrowed */
FdAccount *fd_manager_find_account (FdManager *manager, const char *id); /* NULL if none */
/* @config has the owner. ACCOUNT_EXISTS, INVALID_OPTION (id), LIMIT_EXCEEDED, write errors. Connects if
 * enabled. */
FdAccount *fd_manager_add_account (FdManager *manager, const FdAccountConfig *config, GError **error);
/* Cancels its transfers, closes it, removes its file. */
gboolean fd_manager_remove_account (FdManager *manager, FdAccount *account, GError **error);

/* --- transfers --- */
GPtrArray *fd_manager_get_transfers (FdManager *manager); /* FdTransfer by id, borrowed */
FdTransfer *fd_manager_find_transfer (FdManager *manager, guint32 id);

typedef struct
{
  guint32 caller; /* by whom: a uid or ANYBODY; not by those who do not see the account */
  const char
    *account; /* id; "": the online one that has the peer as contact, else the first online, else the first */
  const char *peer; /* any JID */
  const char *name; /* "": the file's own */
  const char *description;
  const char *mime_type; /* "": found out */
  const char *resource; /* "": the best one */
  const char *batch; /* "": none */
  const char *app_id; /* of the caller */
  guint timeout_s; /* 0: 24 h */
  FdPath paths; /* FD_PATH_ANY */
  gboolean hash; /* compute the hash before offering, whatever the size */
  guint64 rate_limit; /* bytes/s, 0 none */
} FdOfferOptions;

/* Takes a reference on @source. The transfer is queued at once; whatever goes
 * wrong later shows in it. INVALID_JID, NO_SUCH_ACCOUNT, LIMIT_EXCEEDED. */
FdTransfer *fd_manager_offer (FdManager *manager, FdSource *source, const FdOfferOptions *options,
                              GError **error);

/* Files and directories (walked, links not followed, sorted); one batch.
 * Nothing is offered if any of it cannot be. Array of FdTransfer, borrowed. */
GPtrArray *fd_manager_offer_many (FdManager *manager, const char *const *paths, const FdOfferOptions *options,
                                  GError **error);

/* All that @viewer sees; how many. */
guint fd_manager_forget_finished (FdManager *manager, guint32 viewer);

typedef struct
{
  const char *jid; /* as asked, prepared */
  gboolean online;
  gboolean can_receive;
  const char *resource; /* the chosen one, "" if none */
  FdPath paths; /* what it could do with us */
  const char *client; /* caps node, "" unknown */
} FdPeerSummary;

/* Calls back once, within 20 s: @summary, or an error: INVALID_JID,
 * NO_SUCH_ACCOUNT, NOT_CONNECTED, TIMEOUT. An offline or unable peer is no error. */
typedef void (*FdManagerQueried) (const FdPeerSummary *summary, const GError *error, gpointer data);
void fd_manager_query_peer (FdManager *manager, guint32 caller, const char *peer, const char *account,
                            FdManagerQueried callback, gpointer data);

/* --- numbers and settings --- */
guint fd_manager_get_active (FdManager *manager, guint32 viewer); /* of what @viewer sees */
guint fd_manager_get_pending (FdManager *manager, guint32 viewer);
/* All active together, 0…1; -1 none or unknown. */
double fd_manager_get_progress (FdManager *manager, guint32 viewer);
const FdConfig *fd_manager_get_config (FdManager *manager);
gboolean fd_manager_set_max_active (FdManager *manager, guint max, GError **error);
/* Of all transfers in that direction together; bytes/s, 0 none. INVALID_OPTION below FD_THROTTLE_MIN. */
gboolean fd_manager_set_limit (FdManager *manager, gboolean download, guint64 rate, GError **error);
/* "" is the default again. */
gboolean fd_manager_set_download_folder (FdManager *manager, const char *path, GError **error);

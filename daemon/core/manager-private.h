/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The inside of the manager, shared by the files of this directory: manager.c
 * (life, settings), accounts.c, offers.c (new outgoing transfers), incoming.c
 * (new incoming ones), queue.c, retire.c (finished ones), query.c, stop.c.
 */
#pragma once

#include "core/ids.h"
#include "core/journal.h"
#include "core/manager.h"
#include "core/transfer-private.h"
#include "net/watch.h"

typedef struct
{
  FdManager *manager;
  void (*done) (gpointer data);
  gpointer data;
  gboolean closing_streams;
  guint timer; /* of the step */
} FdStop;

struct FdManager
{
  FdManagerHooks hooks;
  gpointer data;
  char *directory; /* of the configuration */
  FdConfig *config;
  gboolean shared; /* see fd_manager_set_shared() */
  FdIds *ids; /* NULL before fd_manager_start() */
  FdJournal *journal;

  GPtrArray *accounts; /* FdAccount */
  GPtrArray *closing; /* FdAccount: removed, their streams end */
  GPtrArray *transfers; /* FdTransfer, by id */
  guint active; /* as last told */
  guint pending;

  FdNetWatch *net; /* NULL before fd_manager_start() */

  FdThrottle *upload, *download; /* of all transfers */

  GSource *clock; /* see due.c; NULL when the end has begun */
  gint64 next_due; /* monotonic µs, 0 none */
  GPtrArray *kept; /* FdJournalEntry, oldest first: see kept.c */
  GSource *kept_timer;
  GPtrArray *echoes; /* FdEcho */

  guint queue_idle;
  GQueue retired; /* FdTransfer, finished, oldest first */
  guint retire_timer;
  GPtrArray *queries;
  FdStop *stop; /* fd_manager_stop() under way */
  gboolean stopping; /* for good, also in fd_manager_free() */
};

/* How much of @limit one user may have. */
static inline guint
fd_manager_share (const FdManager *manager, guint limit)
{
  return manager->shared ? limit / FD_OWNER_SHARE : limit;
}

/* --- manager.c: the hooks, and what follows from a change --- */

/* Gives it its place and shows it. */
void fd_manager_adopt (FdManager *manager, FdTransfer *transfer);
/* What the configuration says now. */
void fd_limits_apply (FdManager *manager);

void fd_manager_transfer_changed (FdTransfer *transfer, FdTransferFields fields);
void fd_manager_transfer_finished (FdTransfer *transfer);
/* Takes it off the list, stops showing it, frees it. */
void fd_manager_discard (FdTransfer *transfer);

/* --- accounts.c --- */

extern const FdAccountHooks fd_manager_account_hooks;
/* Takes @config, which is normalized and in its file. */
FdAccount *fd_manager_show_account (FdManager *manager, FdAccountConfig *config);
/* Stops showing it and ends its stream; it is freed when that is done. */
void fd_manager_close_account (FdManager *manager, FdAccount *account);
/* The same after cancelling its transfers; its file is not touched. */
void fd_manager_drop_account (FdManager *manager, FdAccount *account);
/* Of those that @caller sees; without an @id of those that are the caller's own. */
FdAccount *fd_manager_choose_account (FdManager *manager, guint32 caller, const char *id, const char *peer,
                                      GError **error);

/* --- incoming.c --- */

gboolean fd_manager_admit (FdAccount *account, const char *peer, gpointer data);
gboolean fd_manager_incoming (FdAccount *account, FdContent *content, const char **ret_reason, gpointer data);

/* --- queue.c --- */

/* Looks for transfers whose turn it is, from an idle. */
void fd_queue_wake (FdManager *manager);

/* --- takeup.c --- */

typedef enum
{
  FD_TAKEN_NOT, /* it is a new offer */
  FD_TAKEN, /* it goes on with what is there */
  FD_TAKEN_REFUSED,
} FdTaken;

/* Is the file of @content one that was offered before? */
FdTaken fd_takeup_incoming (FdManager *manager, FdAccount *account, FdContent *content);
/* The old session of an interrupted one has ended: the new one, if there is one, has its turn. */
void fd_takeup_next (FdTransfer *transfer);
/* Nobody takes that one any more. */
void fd_takeup_forget_next (FdTransfer *transfer);
/* The transfer is over: if it is done, so is the new session. */
void fd_takeup_settle_next (FdTransfer *transfer);
/* Does @entry tell of the file that @content offers? */
gboolean fd_takeup_matches (const FdJournalEntry *entry, FdContent *content);

/* --- kept.c: what finished incoming transfers leave --- */

/* A finished one whose sender may offer the same file again: FALSE if there is no
 * point in that. Its journal entry stays. */
gboolean fd_kept_add (FdTransfer *transfer);
/* The same for an entry that an earlier daemon wrote; takes it. */
void fd_kept_restore (FdManager *manager, FdJournalEntry *entry);
FdJournalEntry *fd_kept_find (FdManager *manager, FdAccount *account, FdContent *content);
/* It has been taken over: its part is not touched. */
void fd_kept_forget (FdManager *manager, FdJournalEntry *entry);
void fd_kept_forget_id (FdManager *manager, guint32 id);

/* --- echo.c --- */

typedef struct FdEcho FdEcho;
void fd_echo_free (FdEcho *echo);
/* The file of @entry is here, but its sender does not know: it is told again. FALSE if the file is gone. */
gboolean fd_echo_start (FdManager *manager, FdAccount *account, const FdJournalEntry *entry,
                        FdContent *content);
/* Those of @account lose their contents. */
void fd_echo_drop (FdManager *manager, FdAccount *account);

/* --- due.c --- */

GSource *fd_due_clock_new (FdManager *manager);

/* --- restore.c --- */

/* What an earlier daemon left. */
void fd_manager_restore (FdManager *manager);

/* --- retire.c --- */

void fd_retire_add (FdTransfer *transfer);
void fd_retire_remove (FdTransfer *transfer);

/* --- query.c --- */

/* Ends the questions to peers of @account (NULL: of all) with NOT_CONNECTED. */
void fd_manager_end_queries (FdManager *manager, FdAccount *account);

/* --- stop.c --- */

/* Something ended: is it time for the next step? */
void fd_stop_check (FdManager *manager);
void fd_stop_free (FdStop *stop);

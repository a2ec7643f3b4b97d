/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The inside of a transfer, shared by the files of this directory: transfer.c
 * (states and ends), accept.c (incoming), offer.c (outgoing), queue.c (whose
 * turn it is).
 */
#pragma once

#include "core/account-private.h"
#include "core/journal.h"
#include "core/prehash.h"
#include "core/rate.h"
#include "core/rehash.h"
#include "core/transfer.h"

/* What a transfer has to do at a certain time. */
typedef enum
{
  FD_DUE_DEADLINE, /* to be given up */
  FD_DUE_RETRY, /* to need no news of the peer for another try */
  FD_DUE_FRESH, /* to lose its slot: its offer is not fresh any more */
  FD_N_DUES
} FdDue;

struct FdTransfer
{
  FdTransferInfo info;
  FdManager *manager;
  FdAccount *account; /* NULL once the state is final */
  FdContent *content; /* NULL: none (any more) */
  FdRate rate;
  FdThrottle *throttle; /* its own */
  gboolean disconnecting; /* it ends because its account goes offline */
  gboolean ending; /* cancelled or rejected, the content has not ended yet */
  gint64 finished_at; /* monotonic µs */
  gint64 due[FD_N_DUES]; /* monotonic µs, 0 not at all; see fd_due_set() */
  char *resume_id; /* the same in every try; NULL: the peer gave none */
  gboolean agreed; /* the other side keeps what it has of the file */
  FdPath paths; /* FD_PATH_NONE: as the policy says */

  /* outgoing */
  char *target; /* the JID that was asked for: bare, or full if one resource is meant */
  char *wire_name; /* not made safe: the receiver does that */
  char *path; /* in the encoding of file names; NULL for a descriptor */
  FdSource *source; /* NULL: @path is opened when its turn comes */
  char *source_stamp; /* of the file that was offered */
  gboolean hash_always;
  FdDigest sha1; /* for those who know no better hash; NONE until one asks for it */
  guint timeout_s; /* how long it may wait for its peer */
  gint64 deadline; /* until then; monotonic µs */
  gboolean preparing; /* holds a slot: opening, hashing, asking the peer */
  FdPrehash *prehash; /* NULL: it is hashed, or need not be */
  guint query; /* of FdPeers, 0: none */
  gboolean blocked; /* waits until something is heard of the peer, or FD_DUE_RETRY */
  guint retries;
  guint64 reached; /* bytes: the farthest that a try has come */
  gint64 interrupted_at; /* monotonic µs */

  /* incoming */
  FdSink *sink; /* NULL until accepted, and when it waits since an earlier daemon */
  char *directory; /* what fd_sink_reopen() wants; NULL: into a descriptor */
  char *file_name;
  gboolean overwrite;
  char *part; /* as last looked at; NULL none */
  char *part_stamp;
  FdContent *next; /* offered anew while the old session was believed alive */
  FdRehash *rehash; /* of what is there, before the rest is asked for */
  guint64 offset; /* bytes that are there */
  guint auto_accept_idle;
};

/* --- transfer.c --- */

void fd_transfer_info_complete (FdTransferInfo *info); /* NULL strings become "" */
void fd_transfer_info_clear (FdTransferInfo *info);

/* Takes what @info owns. */
FdTransfer *fd_transfer_new (FdManager *manager, FdAccount *account, FdTransferInfo *info);
/* Stops what runs, without telling anybody. */
void fd_transfer_free (FdTransfer *transfer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdTransfer, fd_transfer_free)

/* The content's hooks; data is the FdTransfer. */
extern const FdContentHooks fd_transfer_content_hooks;

/* A state that is not final. */
void fd_transfer_enter (FdTransfer *transfer, FdTransferState state);

/* The end; @error is NULL exactly for DONE. Releases everything. */
void fd_transfer_finish (FdTransfer *transfer, FdTransferState state, FdEndedBy by, const GError *error);

/* The end of a content in terms of the transfer: state and, unless it is DONE,
 * an error in any case. Pure. */
FdTransferState fd_transfer_outcome (const FdContentEnd *end, GError **ret_error);

/* NOT_PENDING or FINISHED, saying what state it is in, unless the transfer is an
 * incoming offer that can be answered. */
gboolean fd_transfer_check_pending (FdTransfer *transfer, GError **error);

/* The content ended, but the transfer goes on by itself when it can; with @restart at
 * the first byte. FALSE: its file cannot be had once more. */
gboolean fd_transfer_interrupt (FdTransfer *transfer, const GError *error, gboolean restart);

/* Its content is being freed without an end. */
void fd_transfer_break (FdTransfer *transfer, const GError *error);

/* BLOCKED, and what to do, if the account's user blocks this JID. */
gboolean fd_transfer_check_blocked (FdAccount *account, const char *jid, GError **error);
/* It ends because of that. */
void fd_transfer_end_blocked (FdTransfer *transfer);

void fd_transfer_set_peer (FdTransfer *transfer, const char *jid);

/* What limits its bytes, for FdContentParams. */
void fd_transfer_get_throttles (FdTransfer *transfer, FdThrottle *ret_throttles[FD_PUMP_THROTTLES]);

/* FINISHED unless it still goes on. */
gboolean fd_transfer_check_running (FdTransfer *transfer, GError **error);

/* --- due.c --- */

/* Sets when it has that to do: monotonic µs, 0 not at all. */
void fd_due_set (FdTransfer *transfer, FdDue due, gint64 when);

/* --- record.c --- */

/* The part as it is now, that it may be known again. */
void fd_transfer_look_at_part (FdTransfer *transfer);
/* What the journal is to know of it; all is borrowed. */
void fd_transfer_record (FdTransfer *transfer, FdJournalEntry *ret_entry);
/* Writes that. */
void fd_transfer_note (FdTransfer *transfer);

/* --- offer.c --- */

/* Its turn: opens, hashes, asks the peer, offers. Ends in the state offered or
 * failed, or waits again if the peer is away. */
void fd_offer_begin (FdTransfer *transfer);
/* Those that are prepared, and with them their batch, go on with asking the peer. */
void fd_offer_ask (FdManager *manager);
/* Stops the preparation, if there is one. */
void fd_offer_abort (FdTransfer *transfer);
/* The file that was offered, if it still is that one: SOURCE_CHANGED, and the errors of fd_source_open(). */
FdSource *fd_offer_reopen (FdTransfer *transfer, GError **error);

/* --- retry.c: the queue's patience --- */

guint fd_retry_seconds_left (FdTransfer *transfer);
/* Starts the clock of the deadline; anew: with all of its time. */
void fd_retry_watch_deadline (FdTransfer *transfer, gboolean anew);
/* The peer cannot be had now: the transfer waits; with @blocked, until the peer is
 * heard of or some time has passed. */
void fd_retry_postpone (FdTransfer *transfer, gboolean blocked);
/* At once, if the account is there. */
void fd_retry_now (FdTransfer *transfer);
/* Those of @account that wait for this peer (NULL: for any) need not any more. */
void fd_retry_unblock (FdManager *manager, FdAccount *account, const char *bare_jid);
void fd_retry_on_deadline (FdTransfer *transfer);
void fd_retry_on_due (FdTransfer *transfer);

/* --- accept.c --- */

/* The peer's content takes the file into transfer->sink, from transfer->offset on, once
 * that much has been hashed. */
void fd_accept_begin (FdTransfer *transfer);
/* What has arrived is of no use any more. */
void fd_accept_drop_part (FdTransfer *transfer);
/* A part in the place that the user has chosen: the one that is there, or a new one. */
gboolean fd_accept_find_part (FdTransfer *transfer, GError **error);
/* Stops the hashing, if there is some. */
void fd_accept_abort (FdTransfer *transfer);

/* --- part.c --- */

/* The part as it was noted, if it is ours and unchanged. */
FdSink *fd_part_reopen (const FdJournalEntry *entry, GError **error);
/* Removes it, if it is ours. */
void fd_part_remove (const FdJournalEntry *entry);

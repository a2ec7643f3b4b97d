/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The inside of a transfer, shared by the files of this directory: transfer.c
 * (states and ends), accept.c (incoming), offer.c (outgoing), queue.c (whose
 * turn it is).
 */
#pragma once

#include "core/account-private.h"
#include "core/prehash.h"
#include "core/rate.h"
#include "core/transfer.h"

struct FdTransfer
{
  FdTransferInfo info;
  FdManager *manager;
  FdAccount *account; /* NULL once the state is final */
  FdContent *content; /* NULL: none (any more) */
  FdRate rate;
  gboolean disconnecting; /* it ends because its account goes offline */
  gboolean ending; /* cancelled or rejected, the content has not ended yet */
  gint64 finished_at; /* monotonic µs */

  /* outgoing */
  char *target; /* the JID that was asked for: bare, or full if one resource is meant */
  char *wire_name; /* not made safe: the receiver does that */
  char *path; /* in the encoding of file names; NULL for a descriptor */
  FdSource *source; /* NULL: @path is opened when its turn comes */
  FdPath paths; /* FD_PATH_NONE: as the policy says */
  gboolean hash_always;
  gint64 deadline; /* monotonic µs */
  guint deadline_timer;
  gboolean preparing; /* holds a slot: opening, hashing, asking the peer */
  FdPrehash *prehash; /* NULL: it is hashed, or need not be */
  guint query; /* of FdPeers, 0: none */
  gboolean blocked; /* queued until something is heard of the peer */
  guint retry_timer; /* or until then */
  guint retries;
  guint fresh_timer; /* offered a moment ago: may be accepted any time, so it has a slot */

  /* incoming */
  FdSink *sink; /* NULL until accepted */
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

/* FINISHED unless it still goes on. */
gboolean fd_transfer_check_running (FdTransfer *transfer, GError **error);

/* --- offer.c --- */

/* Its turn: opens, hashes, asks the peer, offers. Ends in the state offered or
 * failed, or queued again if the peer is away. */
void fd_offer_begin (FdTransfer *transfer);
/* Those that are prepared, and with them their batch, go on with asking the peer. */
void fd_offer_ask (FdManager *manager);
/* Stops the preparation, if there is one. */
void fd_offer_abort (FdTransfer *transfer);
/* Back into the queue: with @blocked, until the peer is heard of. */
void fd_offer_postpone (FdTransfer *transfer, gboolean blocked);
/* (Re)starts the clock of the deadline while it is queued. */
void fd_offer_watch_deadline (FdTransfer *transfer);

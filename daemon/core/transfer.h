/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One transfer as the user sees it: from the offer to one of four ends, which
 * never change again.
 */
#pragma once

#include "core/account.h"

typedef struct FdTransfer FdTransfer;

typedef enum
{
  FD_STATE_QUEUED, /* outgoing: waits for the account, the peer or a slot */
  FD_STATE_OFFERED, /* one side must answer */
  FD_STATE_NEGOTIATING,
  FD_STATE_ACTIVE,
  FD_STATE_INTERRUPTED, /* bytes moved, the way broke: goes on by itself when it can */
  FD_STATE_DONE,
  FD_STATE_REJECTED,
  FD_STATE_CANCELLED,
  FD_STATE_FAILED,
} FdTransferState;

const char *fd_transfer_state_name (FdTransferState state); /* "queued" … */
static inline gboolean
fd_transfer_state_is_final (FdTransferState state)
{
  return state >= FD_STATE_DONE;
}

/* What may change, for observers. */
typedef enum
{
  FD_TRANSFER_STATE = 1 << 0, /* State, Error, ErrorMessage, EndedBy, Started, Ended, Verified, Hashes */
  FD_TRANSFER_PROGRESS = 1 << 1, /* Transferred, Rate, Remaining */
  FD_TRANSFER_PEER = 1 << 2, /* Peer */
  FD_TRANSFER_PATH = 1 << 3, /* Transport, Offset, Encryption */
  FD_TRANSFER_LOCAL_PATH = 1 << 4, /* LocalPath */
  FD_TRANSFER_RATE_LIMIT = 1 << 5, /* RateLimit */
} FdTransferFields;

/* All that D-Bus shows; read-only outside core, strings are never NULL. */
typedef struct
{
  guint32 id;
  char *account; /* id */
  guint32 owner; /* the account's */
  gboolean incoming;
  char *name; /* safe base name */
  gint64 size; /* bytes, -1 unknown */
  char *mime_type;
  char *description;
  gint64 modified; /* seconds, -1 unknown */
  char *batch;
  char *app_id; /* of the offering app, "" for unconfined callers */
  char *peer; /* bare until a resource is chosen */
  FdTransferState state;
  char *error; /* D-Bus error name, "" */
  char *error_message;
  FdEndedBy ended_by;
  guint64 transferred; /* bytes of the file */
  guint64 rate; /* bytes/s over the last seconds */
  gint64 remaining; /* µs, -1 unknown */
  guint64 offset; /* bytes that were there before */
  guint64 rate_limit; /* bytes/s, 0 none */
  FdPath path;
  FdDigest digest; /* FD_HASH_NONE until known */
  FdVerified verified;
  char *local_path; /* "" for descriptors */
  guint64 started; /* seconds since the epoch, 0 not yet */
  guint64 ended;
} FdTransferInfo;

const FdTransferInfo *fd_transfer_get_info (FdTransfer *transfer);

typedef struct
{
  gboolean overwrite;
  FdPath paths; /* FD_PATH_ANY */
  gboolean fresh; /* begin at the first byte, whatever an earlier transfer of the same file left */
  guint64 rate_limit; /* bytes/s, 0 none */
} FdAcceptOptions;

/* Incoming, state offered; NOT_PENDING or FINISHED otherwise. @destination: ""
 * download folder; a directory, or anything with a trailing '/': into it; else
 * the file. Relative: INVALID_PATH. @ret_path: where the file will be, unless
 * that name is taken meanwhile. */
gboolean fd_transfer_accept (FdTransfer *transfer, const char *destination, const FdAcceptOptions *options,
                             char **ret_path, GError **error);

/* The same into a descriptor (taken, also on failure). */
gboolean fd_transfer_accept_fd (FdTransfer *transfer, int fd, const FdAcceptOptions *options, GError **error);

gboolean fd_transfer_reject (FdTransfer *transfer, GError **error);

/* Idempotent until the end: TRUE means that it will end soon (the state says
 * when); FINISHED if it has. An incoming one that is still offered is rejected. */
gboolean fd_transfer_cancel (FdTransfer *transfer, GError **error);

/* A new transfer that offers the file of a failed or cancelled one again.
 * NOT_PENDING in other states; PEER_UNSUPPORTED for incoming ones and for what
 * came from a pipe; SOURCE_CHANGED, and the errors of fd_manager_offer(). */
gboolean fd_transfer_resume (FdTransfer *transfer, FdTransfer **ret_transfer, GError **error);

/* At once, whatever the state; FINISHED after the end, INVALID_OPTION below FD_THROTTLE_MIN. 0: none. */
gboolean fd_transfer_set_rate_limit (FdTransfer *transfer, guint64 rate, GError **error);

/* Removes a finished one; NOT_PENDING if it is not finished. */
gboolean fd_transfer_forget (FdTransfer *transfer, GError **error);

/* Takes the numbers from the content: TRUE if transferred, rate or remaining
 * changed. Called by whoever shows progress, at its own pace. */
gboolean fd_transfer_sample (FdTransfer *transfer);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whose turn it is. Pure: the transfers' situation comes in, those to start go
 * out.
 */
#pragma once

#include <glib.h>

#define FD_QUEUE_PER_PEER 3 /* sessions with one peer at a time: clients show each as a dialog */
#define FD_QUEUE_PER_SESSION 16 /* files at a time in one that takes several: a peer has limits, too */

typedef enum
{
  FD_QUEUE_IDLE, /* waits for its account or peer, or is over */
  FD_QUEUE_READY, /* could start */
  FD_QUEUE_OPEN, /* offered for long: no slot, but it may need one any time */
  FD_QUEUE_BUSY, /* holds a slot */
} FdQueueKind;

typedef struct
{
  FdQueueKind kind;
  gboolean incoming; /* does not count for its peer */
  gboolean begun; /* READY: it was under way before */
  gboolean in_band; /* goes through the server, which one at a time of an account should */
  gconstpointer account;
  guint32 owner; /* of the account */
  guint account_slots; /* BUSY ones of the account; 0: no limit of its own */
  const char *peer; /* bare JID */
  const char *batch; /* "" or NULL: belongs to no other */
  gboolean shared; /* OPEN or BUSY: others of its batch may join its session */
} FdQueueItem;

/* Sets @ret_start (of @n) for READY items to start now: peers with the least under
 * way first, then in their order; at most @slots BUSY ones of an owner, at most FD_QUEUE_PER_PEER sessions to
 * a peer, each of which has one file or, if it is shared, up to FD_QUEUE_PER_SESSION of a batch, and at most
 * @max of an owner, and FD_MAX_ACTIVE of all, that are OPEN or BUSY. */
void fd_queue_select (const FdQueueItem *items, guint n, guint slots, guint max, gboolean *ret_start);

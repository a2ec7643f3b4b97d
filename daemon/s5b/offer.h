/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our own candidates (XEP-0260 §2.1, §2.2): which are in the offer, which come
 * late, what the peer has of them and which sockets they brought. Without I/O, a
 * part of the negotiation machine.
 */
#pragma once

#include "s5b/info.h"

typedef struct
{
  char *cid;
  guint32 priority;
  gboolean proxy;
  gboolean late; /* not in the offer and not sent yet */
  guint sockets; /* authenticated by the listener of this candidate */
} FdS5bOffered;

typedef struct
{
  GPtrArray *offered; /* FdS5bOffered */
  gboolean gathering; /* more may come */
  gboolean complete; /* none came after the offer */
  gboolean ended; /* the peer was told so */
  guint sent, acked; /* stanzas with candidates; the first is the offer */
} FdS5bOffer;

void fd_s5b_offer_init (FdS5bOffer *offer);
void fd_s5b_offer_clear (FdS5bOffer *offer);

/* @late: after fd_s5b_offer_close() */
void fd_s5b_offer_add (FdS5bOffer *offer, const FdS5bCandidate *candidate, gboolean late);

/* The offer goes to the peer as it is. */
void fd_s5b_offer_close (FdS5bOffer *offer);

FdS5bOffered *fd_s5b_offer_find (FdS5bOffer *offer, const char *cid); /* @cid may be NULL */

/* Where the socket of a direct candidate is to be found: at its own listener,
 * or, with one socket in all, wherever that came in. NULL: nowhere. */
const FdS5bOffered *fd_s5b_offer_find_socket (FdS5bOffer *offer, const FdS5bOffered *wanted);

/* One that is late, marked as sent; NULL if there is none. */
FdS5bOffered *fd_s5b_offer_send_late (FdS5bOffer *offer);

void fd_s5b_offer_acked (FdS5bOffer *offer);

/* Has the peer all stanzas that left? @answered: it answered the offer, so it
 * has that, whatever became of its receipt. */
gboolean fd_s5b_offer_is_known (const FdS5bOffer *offer, gboolean answered);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which of the peer's candidates to dial when (XEP-0260 §2.3, §4): a plan
 * without I/O, a part of the negotiation machine.
 */
#pragma once

#include "s5b/info.h"

typedef enum
{
  FD_S5B_DIAL_WAITING,
  FD_S5B_DIAL_RUNNING,
  FD_S5B_DIAL_OK,
  FD_S5B_DIAL_DEAD, /* failed, given up or closed again */
} FdS5bDialState;

typedef struct
{
  char *cid;
  guint32 priority;
  gboolean proxy;
  gboolean closed; /* the socket got its EOF while we wait for the activation */
  FdS5bDialState state;
} FdS5bDial;

typedef struct
{
  GPtrArray *dials; /* FdS5bDial, in the order of arrival */
  gint64 next; /* when the next may start */
  gint64 proxies_from; /* 0 until the first direct dial */
} FdS5bDials;

void fd_s5b_dials_init (FdS5bDials *dials);
void fd_s5b_dials_clear (FdS5bDials *dials);

/* FALSE if it is known already or one too many. */
gboolean fd_s5b_dials_add (FdS5bDials *dials, const FdS5bCandidate *candidate);

FdS5bDial *fd_s5b_dials_find (FdS5bDials *dials, const char *cid); /* @cid may be NULL */
FdS5bDial *fd_s5b_dials_best (FdS5bDials *dials); /* highest that is OK, or NULL */

/* Marks one open dial whose priority is not above @floor as dead and returns
 * it, so that it can be stopped if it ran; NULL if there is none. */
FdS5bDial *fd_s5b_dials_drop (FdS5bDials *dials, gint64 floor, gboolean *ret_running);

/* Waits or runs one? */
gboolean fd_s5b_dials_is_open (FdS5bDials *dials);

/* The one to start now, marked as running; or NULL, and *ret_due says when to
 * ask again (G_MAXINT64: when something changes). */
FdS5bDial *fd_s5b_dials_start (FdS5bDials *dials, gint64 now, gint64 *ret_due);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our candidates at work, as s5b/locals.h: found sooner or later, their sockets,
 * the activation of a proxy among them.
 */
#pragma once

#include "world.h"

typedef struct SimLocals SimLocals;

typedef struct
{
  SimSide *side;
  const char *sid; /* borrowed for life */
  gboolean initiator;
  FdPath paths;
  const guint *peer_proxies; /* bits: what the peer offers is not offered again */
  /* LOCAL, GATHERED, INCOMING, ACTIVATED, ACTIVATION_FAILED */
  void (*happened) (const FdS5bEvent *event, gpointer data);
  gpointer data;
} SimLocalsParams;

SimLocals *sim_locals_new (const SimLocalsParams *params);
void sim_locals_free (SimLocals *locals);
void sim_locals_gather (SimLocals *locals, gboolean cid_dst);
const FdS5bCandidate *sim_locals_find (SimLocals *locals, const char *cid); /* NULL: none */
void sim_locals_activate (SimLocals *locals, const char *cid);
gboolean sim_locals_is_activating (const SimLocals *locals);
SimEnd *sim_locals_take_incoming (SimLocals *locals, const char *cid);
SimEnd *sim_locals_take_activated (SimLocals *locals);
void sim_locals_close (SimLocals *locals); /* the listeners; the sockets stay */

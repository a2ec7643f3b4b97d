/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Available resources by contact (RFC 6121 §4) and what is known of each:
 * a bounded table, no requests.
 */
#pragma once

#include "xmpp/caps.h"

typedef struct
{
  char *full_jid;
  gboolean available; /* FALSE: never seen, but asked by full JID */
  int show; /* smaller is better: chat or none, away, xa, dnd */
  int priority;
  guint64 order; /* larger is newer */
  char *caps_node; /* "" if none */
  char *caps_hash;
  char *caps_ver;
  FdDisco *disco; /* NULL: not known yet */

  /* of peers.c, which asks */
  gpointer asker;
  guint request;
  GError *error; /* why the last request gave nothing */
} FdResource;

typedef struct FdPresence FdPresence;

/* @drop is called before a resource goes away or changes its caps, so that a
 * request about it can be cancelled. */
typedef void (*FdPresenceDrop) (FdResource *resource, gpointer data);

FdPresence *fd_presence_new (FdPresenceDrop drop, gpointer data);
void fd_presence_free (FdPresence *presence);
void fd_presence_clear (FdPresence *presence);

/* How many bare JIDs there may be. Whoever is known does not need room; those
 * that were only asked about make it. */
void fd_presence_set_room (FdPresence *presence, guint max);

/* Applies one stanza. Returns the resource if it is available now and that is
 * news (just came, or other caps), else NULL. */
FdResource *fd_presence_apply (FdPresence *presence, xmpp_stanza_t *stanza);

FdResource *fd_presence_lookup (FdPresence *presence, const char *full_jid);

/* The entry of a full JID that never sent presence; NULL if the table is full. */
FdResource *fd_presence_ensure (FdPresence *presence, const char *full_jid);

/* Borrowed array of FdResource of a bare JID, NULL if there is none. */
GPtrArray *fd_presence_get (FdPresence *presence, const char *bare_jid);

/* All of them. */
void fd_presence_foreach (FdPresence *presence, void (*each) (FdResource *resource, gpointer data),
                          gpointer data);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who is there and what can they do: roster, presence, XEP-0115 caps with a
 * cache over all accounts, and the choice of a resource for a bare JID.
 */
#pragma once

#include "xmpp/iq.h"

typedef struct FdPeers FdPeers;

typedef enum
{
  FD_TRANSPORT_S5B = 1 << 0,
  FD_TRANSPORT_IBB = 1 << 1,
} FdTransports;

/* What is known of one full JID, borrowed. */
typedef struct
{
  const char *full_jid;
  gboolean can_receive; /* jingle:1, file-transfer:5 or :4, and a transport of ours */
  gboolean file_transfer_5; /* else only :4 */
  FdTransports transports;
  const char *show; /* "" away xa dnd */
  const char *caps_node; /* "" if unknown: which client it is, for quirks */
  const char *client_type; /* pc, phone, web, …; "" if unknown */
  const char *software; /* what it calls itself, "" if unknown */
  const char *software_version; /* "" if unknown */
  const char *const *features; /* sorted, NULL-terminated */
} FdPeerInfo;

/* Borrowed until the main loop turns. */
typedef struct
{
  const char *jid; /* bare */
  const char *name; /* "" if unnamed */
  const char *subscription; /* none to from both */
  gboolean asked; /* a request to see its presence waits for an answer */
  gboolean online;
  gboolean can_receive; /* some resource can, as far as known */
  gboolean blocked;
  const char *const *groups;
  GArray *resources; /* FdPeerInfo of those that are available, by full JID */
} FdContact;

FdPeers *fd_peers_new (FdIq *iq);
void fd_peers_free (FdPeers *peers);

/* Begins with the roster of the account @jid in @path, if there is one, and
 * keeps it there; @path NULL: keeps it nowhere from now on. */
void fd_peers_use_roster_file (FdPeers *peers, const char *jid, const char *path);

typedef void (*FdPeersReady) (gpointer data);

/* A bound stream: fetches roster and block list, and calls @ready (may be NULL) once it is known
 * who the contacts are, or will not be; and its end: all presence is
 * forgotten. @roster_versions: see fd_roster_fetch(). */
void fd_peers_stream_up (FdPeers *peers, gboolean roster_versions, FdPeersReady ready, gpointer data);
void fd_peers_stream_lost (FdPeers *peers);

/* Feeds one received presence. */
void fd_peers_presence (FdPeers *peers, xmpp_stanza_t *presence);

/* Chooses the resource of @jid (bare: the best one that can receive; full:
 * that one, asked by disco#info if unknown) and calls back once, from the main
 * loop: @info on success; PEER_OFFLINE if there is no available resource,
 * PEER_UNSUPPORTED if none can receive files (the text names what is missing),
 * TIMEOUT if disco was not answered in 5 s. Returns an id for
 * fd_peers_cancel_query(). */
typedef void (*FdPeersChosen) (const FdPeerInfo *info, const GError *error, gpointer data);
guint fd_peers_query (FdPeers *peers, const char *jid, FdPeersChosen callback, gpointer data);
void fd_peers_cancel_query (FdPeers *peers, guint id);

/* What is known now, without asking; FALSE if nothing. */
gboolean fd_peers_lookup (FdPeers *peers, const char *full_jid, FdPeerInfo *ret_info);

/* May this JID know our addresses without asking the user (subscription from
 * or both, and not blocked; or the own account)? */
gboolean fd_peers_is_contact (FdPeers *peers, const char *jid);

gboolean fd_peers_is_online (FdPeers *peers, const char *jid);

/* Does the user's block list (XEP-0191) cover this JID? */
gboolean fd_peers_is_blocked (FdPeers *peers, const char *jid);

/* A session with @full_jid begins and ends: as long as there is one our presence
 * is shown to it, unless it sees it anyhow. In pairs. */
void fd_peers_show_presence (FdPeers *peers, const char *full_jid);
void fd_peers_hide_presence (FdPeers *peers, const char *full_jid);

/* Array of FdContact, free with g_ptr_array_unref(); sorted by JID. */
GPtrArray *fd_peers_list_contacts (FdPeers *peers);

/* A resource of @bare_jid came online or learned to receive files: wakes
 * offers that wait. */
typedef void (*FdPeersAvailable) (const char *bare_jid, gpointer data);
void fd_peers_set_available_callback (FdPeers *peers, FdPeersAvailable callback, gpointer data);

/* What fd_peers_list_contacts() returns may be another list now; @blocklist: whom
 * the user blocks, too. */
typedef void (*FdPeersChanged) (gboolean blocklist, gpointer data);
void fd_peers_set_changed_callback (FdPeers *peers, FdPeersChanged callback, gpointer data);

/* A resource sent unavailable presence. */
typedef void (*FdPeersGone) (const char *full_jid, gpointer data);
void fd_peers_set_gone_callback (FdPeers *peers, FdPeersGone callback, gpointer data);

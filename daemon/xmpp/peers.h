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
  const char *caps_node; /* "" if unknown: which client it is, for quirks */
  const char *software; /* what it calls itself, "" if unknown */
  const char *software_version; /* "" if unknown */
  const char *const *features; /* sorted, NULL-terminated */
} FdPeerInfo;

typedef struct
{
  char *jid; /* bare */
  char *name; /* "" if unnamed */
  char *subscription; /* none to from both */
  gboolean online;
  gboolean can_receive; /* some resource can, as far as known */
  char **groups;
} FdContact;

FdPeers *fd_peers_new (FdIq *iq);
void fd_peers_free (FdPeers *peers);

/* A bound stream: fetches the roster; and its end: all presence is forgotten. */
void fd_peers_stream_up (FdPeers *peers);
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
 * or both, or the own account)? */
gboolean fd_peers_is_contact (FdPeers *peers, const char *jid);

gboolean fd_peers_is_online (FdPeers *peers, const char *jid);

/* Array of FdContact, free with g_ptr_array_unref(); sorted by JID. */
GPtrArray *fd_peers_list_contacts (FdPeers *peers);

/* A resource of @bare_jid came online or learned to receive files: wakes
 * offers that wait. */
typedef void (*FdPeersAvailable) (const char *bare_jid, gpointer data);
void fd_peers_set_available_callback (FdPeers *peers, FdPeersAvailable callback, gpointer data);

/* A resource sent unavailable presence. */
typedef void (*FdPeersGone) (const char *full_jid, gpointer data);
void fd_peers_set_gone_callback (FdPeers *peers, FdPeersGone callback, gpointer data);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Jingle file transfers of one account (XEP-0166, XEP-0234): routes Jingle iqs
 * to sessions and drives each session's machine, transports and pump. This is
 * what the model above sees of all protocol work.
 */
#pragma once

#include "data/sink.h"
#include "data/source.h"
#include "jingle/file.h"
#include "s5b/transport.h"
#include "xmpp/client.h"

typedef struct FdJingle FdJingle;
typedef struct FdSession FdSession;

/* How the bytes travel; also the set of what is allowed. */
typedef enum
{
  FD_PATH_NONE = 0,
  FD_PATH_SOCKS5_DIRECT = 1 << 0,
  FD_PATH_SOCKS5_PROXY = 1 << 1,
  FD_PATH_IBB = 1 << 2,
  FD_PATH_ANY = FD_PATH_SOCKS5_DIRECT | FD_PATH_SOCKS5_PROXY | FD_PATH_IBB,
} FdPath;

typedef enum
{
  FD_OUTCOME_DONE,
  FD_OUTCOME_REJECTED, /* the receiver declined */
  FD_OUTCOME_CANCELLED,
  FD_OUTCOME_FAILED,
} FdOutcome;

typedef enum
{
  FD_BY_NOBODY,
  FD_BY_LOCAL,
  FD_BY_REMOTE,
  FD_BY_NETWORK,
} FdEndedBy;

typedef enum
{
  FD_VERIFIED_NONE, /* nothing to compare with */
  FD_VERIFIED_OK,
  FD_VERIFIED_MISMATCH,
} FdVerified;

typedef struct
{
  FdOutcome outcome;
  FdEndedBy by;
  const GError *error; /* NULL exactly if outcome is DONE */
  FdVerified verified;
  const FdDigest *digest; /* of the file's bytes as sent or received; NULL if incomplete */
} FdSessionEnd;

/* From the main loop, never from inside a call into the session. */
typedef struct
{
  /* Outgoing: the peer accepted, paths are being tried. */
  void (*accepted) (FdSession *session, gpointer data);
  /* Bytes flow. May come again with another path after a fallback. */
  void (*active) (FdSession *session, FdPath path, gpointer data);
  /* The end, once; the pump has stopped, the file is published or kept. The
   * session is freed after this returns. */
  void (*ended) (FdSession *session, const FdSessionEnd *end, gpointer data);
} FdSessionHooks;

/* A peer offers a file: keep the session with fd_session_set_hooks(), or
 * return FALSE with @ret_reason, a Jingle reason ("busy", "decline"), to refuse
 * it; NULL refuses as if no Jingle were spoken here. */
typedef gboolean (*FdJingleIncoming) (FdSession *session, const char **ret_reason, gpointer data);

FdJingle *fd_jingle_new (FdClient *client, FdJingleIncoming incoming, gpointer data);
/* Ends every session without telling peers; see fd_session_stop() for that. */
void fd_jingle_free (FdJingle *jingle);

/* Forwarded by the owner of the client. */
void fd_jingle_stream_up (FdJingle *jingle);
void fd_jingle_stream_lost (FdJingle *jingle);

FdS5bProxies *fd_jingle_get_proxies (FdJingle *jingle);

typedef struct
{
  FdPath paths; /* allowed */
  gboolean loopback; /* 127.0.0.1 and ::1 are candidates too */
  gboolean hidden; /* the peer must not learn our address: no path but our own proxies and IBB */
  guint timeout_s; /* outgoing: how long the peer may take to answer; 0: 24 h */
} FdSessionParams;

/* Offers @source as @file to the full JID @peer. */
FdSession *fd_jingle_offer (FdJingle *jingle, const FdPeerInfo *peer, const FdFile *file, FdSource *source,
                            const FdSessionParams *params, const FdSessionHooks *hooks, gpointer data);

void fd_session_set_hooks (FdSession *session, const FdSessionHooks *hooks, gpointer data);

/* Incoming: take the file into @sink. */
void fd_session_accept (FdSession *session, FdSink *sink, const FdSessionParams *params);

/* Incoming: decline. ended follows. */
void fd_session_reject (FdSession *session);

/* Either side: cancel; the peer is told, the pump stops, ended follows with
 * @outcome CANCELLED, or with FAILED if @error is not NULL (copied). */
void fd_session_cancel (FdSession *session, const GError *error);

/* The daemon goes down: the peer is told "gone", a part is kept, ended follows
 * with FAILED. */
void fd_session_stop (FdSession *session);

const char *fd_session_get_peer (FdSession *session); /* full JID */
const FdFile *fd_session_get_file (FdSession *session); /* the peer's, or ours */
guint64 fd_session_get_bytes (
  FdSession *session); /* of the file, with the offset; acknowledged ones for IBB */

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Jingle file transfers of one account (XEP-0166, XEP-0234): routes Jingle iqs
 * to sessions and drives each session's machine, transports and pump. This is
 * what the model above sees of all protocol work.
 */
#pragma once

#include "data/pump.h"
#include "jingle/file.h"
#include "s5b/transport.h"
#include "xmpp/client.h"

typedef struct FdJingle FdJingle;
typedef struct FdContent FdContent; /* one file in a session (XEP-0166: a content) */

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
  const FdDigest *digest; /* of the whole file as sent or received; NULL if incomplete */
  gboolean interrupted; /* FAILED for a reason that may pass, and the peer takes the file up again: outgoing:
                         * offer it once more, with the same resume_id; incoming: the peer will */
  gboolean restart; /* interrupted, and what is there so far is of no use: begin at the first byte */
} FdContentEnd;

/* From the main loop, never from inside a call into the content. */
typedef struct
{
  /* Outgoing: the peer accepted, paths are being tried. */
  void (*accepted) (FdContent *content, gpointer data);
  /* Bytes flow. May come again with another path after a fallback. */
  void (*active) (FdContent *content, FdPath path, gpointer data);
  /* The end, once; the pump has stopped, the file is published or kept. The
   * content is freed after this returns. */
  void (*ended) (FdContent *content, const FdContentEnd *end, gpointer data);
} FdContentHooks;

typedef struct
{
  /* A session is offered: may @peer (full JID) know that files are taken here?
   * FALSE answers as if no Jingle were spoken. */
  gboolean (*admit) (const char *peer, gpointer data);
  /* A file is offered: keep it with fd_content_set_hooks(), or return FALSE with
   * @ret_reason, a Jingle reason ("busy", "decline"), to refuse it. */
  gboolean (*incoming) (FdContent *content, const char **ret_reason, gpointer data);
} FdJingleHooks;

FdJingle *fd_jingle_new (FdClient *client, const FdJingleHooks *hooks, gpointer data);
/* Ends every session without telling peers; see fd_content_stop() for that. */
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
  const char *batch; /* outgoing: files with the same text share a session where the peer can; NULL: alone */
  guint64 offset; /* incoming, if fd_content_can_range(): what the sink has already; 0: all is asked for */
  FdThrottle *throttles[FD_PUMP_THROTTLES]; /* limits of its bytes; NULL: none. Referenced */
} FdContentParams;

/* Offers @source as @file to the full JID @peer. */
FdContent *fd_jingle_offer (FdJingle *jingle, const FdPeerInfo *peer, const FdFile *file, FdSource *source,
                            const FdContentParams *params, const FdContentHooks *hooks, gpointer data);

void fd_content_set_hooks (FdContent *content, const FdContentHooks *hooks, gpointer data);

/* Incoming: take the file into @sink. */
void fd_content_accept (FdContent *content, FdSink *sink, const FdContentParams *params);

/* Incoming: decline. ended follows. */
void fd_content_reject (FdContent *content);

/* Either side: cancel; the peer is told, the pump stops, ended follows with
 * @outcome CANCELLED, or with FAILED if @error is not NULL (copied). */
void fd_content_cancel (FdContent *content, const GError *error);

/* The daemon goes down: the peer is told "gone", a part is kept, ended follows
 * with FAILED. */
void fd_content_stop (FdContent *content);

const char *fd_content_get_peer (FdContent *content); /* full JID */
const FdFile *fd_content_get_file (FdContent *content); /* the peer's, or ours */
const char *fd_content_get_batch (
  FdContent *content); /* incoming: the same for files that belong together, or "" */
gboolean fd_content_can_range (
  FdContent *content); /* incoming: will the sender start where it is asked to? */
gboolean fd_content_is_shared (FdContent *content); /* outgoing: others of its batch may join its session */
guint64 fd_content_get_bytes (
  FdContent *content); /* of the file, with the offset; acknowledged ones for IBB */

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The S5B <transport/> element as a struct (XEP-0260 §2.2-2.4).
 */
#pragma once

#include "xmpp/xml.h"

#define FD_NS_S5B "urn:xmpp:jingle:transports:s5b:1"
#define FD_NS_EOC "urn:x-fardel:eoc:0" /* end of candidates, docs/extensions.md */
#define FD_NS_CID_DST "urn:x-fardel:cid-dst:0" /* DST.ADDR per candidate */
#define FD_S5B_MAX_CANDIDATES 16 /* of a peer; more are ignored */
#define FD_S5B_MAX_OFFERED 6 /* ours: serial dialers spend seconds on each */

typedef enum
{
  FD_S5B_DIRECT,
  FD_S5B_ASSISTED,
  FD_S5B_TUNNEL,
  FD_S5B_PROXY,
} FdS5bType;

typedef struct
{
  char *cid;
  char *host; /* IP literal without brackets or scope, or a name */
  char *jid; /* NULL if the peer sent none */
  guint16 port;
  guint32 priority;
  FdS5bType type;
} FdS5bCandidate;

void fd_s5b_candidate_free (FdS5bCandidate *candidate);
FdS5bCandidate *fd_s5b_candidate_copy (const FdS5bCandidate *candidate);

/* The same host, however it is spelt, and port. */
gboolean fd_s5b_candidate_is_at (const FdS5bCandidate *candidate, const char *host, guint16 port);

/* What a <transport/> says: candidates or at most one notification. */
typedef enum
{
  FD_S5B_CANDIDATES,
  FD_S5B_CANDIDATE_USED,
  FD_S5B_CANDIDATE_ERROR,
  FD_S5B_ACTIVATED,
  FD_S5B_PROXY_ERROR,
} FdS5bKind;

/* When candidate-error may be said to a peer that has not said candidate-used. */
typedef enum
{
  FD_S5B_ERROR_FREELY, /* as soon as it is certain */
  FD_S5B_ERROR_SECOND, /* after its own: iris as initiator must have got that acknowledged */
  FD_S5B_ERROR_NEVER, /* fail instead: it gives up the session over two errors */
} FdS5bErrorRule;

/* What an element with candidates says of those to come (urn:x-fardel:eoc:0). */
typedef enum
{
  FD_S5B_MARK_NONE, /* the peer does not say */
  FD_S5B_MARK_FOLLOW, /* more may follow; the mark will come */
  FD_S5B_MARK_DONE, /* these were the last */
} FdS5bMark;

typedef struct
{
  FdS5bKind kind;
  char *sid; /* NULL if missing */
  char *dstaddr; /* lowercase hex or NULL */
  gboolean udp; /* mode='udp': not usable for files */
  FdS5bMark mark;
  gboolean cid_dst; /* urn:x-fardel:cid-dst:0 is offered, or agreed to */
  GPtrArray *candidates; /* FdS5bCandidate, never NULL */
  char *cid; /* of the notification; NULL if missing */
} FdS5bInfo;

FdS5bInfo *fd_s5b_info_new (FdS5bKind kind, const char *sid);
FdS5bInfo *fd_s5b_info_copy (const FdS5bInfo *info);
void fd_s5b_info_free (FdS5bInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdS5bInfo, fd_s5b_info_free)

/* Leniently: one bad candidate is dropped, never the whole. NULL and PROTOCOL
 * only if the element makes no sense at all. */
FdS5bInfo *fd_s5b_info_parse (xmpp_stanza_t *transport, GError **error);

/* A <transport/> with every attribute that some client needs. */
xmpp_stanza_t *fd_s5b_info_build (const FdS5bInfo *info);

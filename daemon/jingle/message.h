/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The <jingle/> element as a struct (XEP-0166 §7) with the parts that a file
 * transfer uses: contents, transports, reasons, session-info payloads.
 */
#pragma once

#include "ibb/transport.h"
#include "jingle/file.h"
#include "s5b/info.h"

#define FD_NS_JINGLE "urn:xmpp:jingle:1"
#define FD_NS_JINGLE_ERRORS "urn:xmpp:jingle:errors:1"
#define FD_NS_FILE_TRANSFER "urn:xmpp:jingle:apps:file-transfer:5"
#define FD_NS_FILE_TRANSFER_4 "urn:xmpp:jingle:apps:file-transfer:4" /* Swift */
#define FD_NS_FILE_TRANSFER_ERRORS "urn:xmpp:jingle:apps:file-transfer:errors:0"
#define FD_NS_HASHES "urn:xmpp:hashes:2"
#define FD_NS_HASHES_1 "urn:xmpp:hashes:1" /* goes with file-transfer:4 */

#define FD_JINGLE_MAX_CONTENTS 32 /* of one message; more make it malformed */

typedef enum
{
  FD_JINGLE_CONTENT_ACCEPT,
  FD_JINGLE_CONTENT_ADD,
  FD_JINGLE_CONTENT_MODIFY,
  FD_JINGLE_CONTENT_REJECT,
  FD_JINGLE_CONTENT_REMOVE,
  FD_JINGLE_DESCRIPTION_INFO,
  FD_JINGLE_SECURITY_INFO,
  FD_JINGLE_SESSION_ACCEPT,
  FD_JINGLE_SESSION_INFO,
  FD_JINGLE_SESSION_INITIATE,
  FD_JINGLE_SESSION_TERMINATE,
  FD_JINGLE_TRANSPORT_ACCEPT,
  FD_JINGLE_TRANSPORT_INFO,
  FD_JINGLE_TRANSPORT_REJECT,
  FD_JINGLE_TRANSPORT_REPLACE,
  FD_N_JINGLE_ACTIONS
} FdJingleAction;

const char *fd_jingle_action_name (FdJingleAction action);

typedef enum
{
  FD_TRANSPORT_KIND_NONE, /* no <transport/> */
  FD_TRANSPORT_KIND_S5B,
  FD_TRANSPORT_KIND_IBB,
  FD_TRANSPORT_KIND_OTHER, /* one that we do not know */
} FdTransportKind;

typedef struct
{
  FdTransportKind kind;
  FdS5bInfo *s5b; /* exactly for S5B */
  FdIbbInfo *ibb; /* exactly for IBB */
} FdTransportInfo;

void fd_transport_info_clear (FdTransportInfo *info);
void fd_transport_info_copy (FdTransportInfo *dest, const FdTransportInfo *src);
const char *fd_transport_info_get_sid (const FdTransportInfo *info); /* NULL if none */

/* Of file transfer: an answer is in the version of the offer. */
typedef enum
{
  FD_FT_5,
  FD_FT_4,
} FdFtVersion;

typedef enum
{
  FD_SENDERS_MISSING,
  FD_SENDERS_INITIATOR,
  FD_SENDERS_RESPONDER,
  FD_SENDERS_BOTH,
  FD_SENDERS_NONE,
} FdSenders;

typedef struct
{
  gboolean by_initiator; /* creator */
  char *name;
  FdSenders senders;
  FdFile *file; /* NULL: no <description/>, or not of file transfer */
  FdFtVersion version; /* of @file */
  char *application; /* namespace of the description, NULL if none */
  FdTransportInfo transport;
  gboolean secured; /* a <security/> element is there */
} FdJingleContent;

FdJingleContent *fd_jingle_content_new (gboolean by_initiator, const char *name);
void fd_jingle_content_free (FdJingleContent *content);

/* What a session-info says (XEP-0234 §8). */
typedef enum
{
  FD_SESSION_INFO_PING, /* empty */
  FD_SESSION_INFO_CHECKSUM,
  FD_SESSION_INFO_RECEIVED,
  FD_SESSION_INFO_OTHER,
} FdSessionInfoKind;

typedef struct
{
  FdJingleAction action;
  char *sid;
  char *initiator; /* full JID or NULL */
  char *responder;
  GPtrArray *contents; /* FdJingleContent, never NULL */
  char *reason; /* element name, '_' read as '-'; NULL if none */
  char *reason_text; /* NULL if none */
  char *reason_detail; /* application condition, e.g. "file-too-large"; NULL if none */
  FdSessionInfoKind info; /* of SESSION_INFO */
  FdFile *checksum; /* of FD_SESSION_INFO_CHECKSUM: only its hashes count */
  char *info_content; /* name attribute of checksum and received; NULL if none */
  FdFtVersion version; /* of checksum and received */
  gboolean batch; /* urn:x-fardel:batch:0 is in use */
  char *batch_id; /* NULL if none */
  gboolean early_accept; /* urn:x-fardel:early-accept:0 is in use */
} FdJingleMessage;

FdJingleMessage *fd_jingle_message_new (FdJingleAction action, const char *sid);
void fd_jingle_message_free (FdJingleMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdJingleMessage, fd_jingle_message_free)

/* Appends and returns a content that the message owns. */
FdJingleContent *fd_jingle_message_add_content (FdJingleMessage *message, gboolean by_initiator,
                                                const char *name);

/* The first content, NULL if none. */
FdJingleContent *fd_jingle_message_get_content (const FdJingleMessage *message);

/* PROTOCOL for a missing sid, an unknown action, a malformed content or a
 * transport that makes no sense: the answer is bad-request. Descriptions and transports that we do not know
 * are no error here. */
FdJingleMessage *fd_jingle_message_parse (xmpp_stanza_t *jingle, GError **error);
xmpp_stanza_t *fd_jingle_message_build (const FdJingleMessage *message);

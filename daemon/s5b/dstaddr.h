/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The SOCKS5 DST.ADDR of a bytestream (XEP-0065 §5.3.2, XEP-0260 §2.2), which
 * the XEPs leave ambiguous for the direct candidates of a responder.
 */
#pragma once

#include <glib.h>

#define FD_S5B_DSTADDR_LENGTH 40

/* Lowercase hex of SHA-1 over the three strings; free with g_free(). */
char *fd_s5b_dstaddr (const char *sid, const char *first_jid, const char *second_jid);

typedef struct
{
  const char *sid;
  const char *me;
  const char *peer;
  gboolean initiator;
} FdS5bNames;

/* urn:x-fardel:cid-dst:0: of one candidate that is no proxy, whoever offers it. */
char *fd_s5b_dstaddr_of (const FdS5bNames *names, const char *cid);

/* What our listener lets in: NULL-terminated, free with g_strfreev(). */
char **fd_s5b_dstaddrs_accepted (const FdS5bNames *names);

/* What to say to a candidate of the peer, in this order, one TCP connection
 * each. @cid: of the
 * candidate, NULL unless the hash per candidate is agreed. @announced: the
 * 'dstaddr' attribute or NULL. @ini_first: the peer is
 * known to listen for H(initiator, responder). A proxy is asked once. */
char **fd_s5b_dstaddrs_dialed (const FdS5bNames *names, const char *cid, const char *announced,
                               gboolean proxy, gboolean ini_first);

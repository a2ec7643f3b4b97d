/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <description/> and <file/> of XEP-0234 §4 to and from FdFile.
 */
#pragma once

#include "jingle/message.h"

const char *fd_description_ns (FdFtVersion version);

/* FALSE if @ns is no version of file transfer that we speak. */
gboolean fd_description_find_version (const char *ns, FdFtVersion *ret_version);

/* Reads <file/>, or the hashes of a <checksum/>'s <file/>. Never fails: what
 * cannot be read is as if it were missing. */
FdFile *fd_description_parse_file (xmpp_stanza_t *file);

/* Appends <file/> to a <description/>. */
void fd_description_add_file (xmpp_stanza_t *description, const FdFile *file, FdFtVersion version);

/* Appends <file><hash/>…</file> to a <checksum/>. */
void fd_description_add_checksum (xmpp_stanza_t *checksum, const FdFile *file, FdFtVersion version);

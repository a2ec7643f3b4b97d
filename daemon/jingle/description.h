/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <description/> and <file/> of XEP-0234 §4 to and from FdFile.
 */
#pragma once

#include "jingle/file.h"
#include "xmpp/xml.h"

/* Reads <file/>, or the hashes of a <checksum/>'s <file/>. Never fails: what
 * cannot be read is as if it were missing. */
FdFile *fd_description_parse_file (xmpp_stanza_t *file);

/* Appends <file/> to @parent. */
void fd_description_add_file (xmpp_stanza_t *parent, const FdFile *file);

/* Appends <file><hash/>…</file> to a <checksum/>. */
void fd_description_add_checksum (xmpp_stanza_t *parent, const FdFile *file);

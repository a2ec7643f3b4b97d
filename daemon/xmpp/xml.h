/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading and building stanza trees: thin conveniences over libstrophe's
 * xmpp_stanza_t, so that codecs say what they mean in one line each.
 */
#pragma once

#include <glib.h>
#include <strophe.h>

/* The context that every tree of the daemon is allocated in. It never runs a
 * connection and lives as long as the process. */
xmpp_ctx_t *fd_xml_ctx (void);

/* A new element. @ns may be NULL (then the parent's holds). Attribute pairs
 * end with NULL; a pair whose value is NULL is left out. */
xmpp_stanza_t *fd_xml_new (const char *name, const char *ns, ...) G_GNUC_NULL_TERMINATED;

/* Appends a new element to @parent and returns it, owned by the parent. */
xmpp_stanza_t *fd_xml_add (xmpp_stanza_t *parent, const char *name, const char *ns,
                           ...) G_GNUC_NULL_TERMINATED;

/* Appends <name>text</name>. */
void fd_xml_add_text (xmpp_stanza_t *parent, const char *name, const char *text);

/* Sets the text of an element that has none. */
void fd_xml_set_text (xmpp_stanza_t *element, const char *text);

/* Parses one element with its children; NULL and PROTOCOL if it is not one. */
xmpp_stanza_t *fd_xml_parse (const char *xml, GError **error);

/* The serialized tree, free with g_free(). What XML cannot hold (control
 * characters, invalid UTF-8) becomes U+FFFD: it would end the stream. */
char *fd_xml_to_string (xmpp_stanza_t *element);

/* Escaped, and with what XML forbids replaced. */
void fd_xml_append_text (GString *out, const char *text);

/* Does the element have this name and, unless @ns is NULL, this namespace? */
gboolean fd_xml_is (xmpp_stanza_t *element, const char *name, const char *ns);

/* First child element; @name and @ns may each be NULL for "any". NULL if none. */
xmpp_stanza_t *fd_xml_child (xmpp_stanza_t *element, const char *name, const char *ns);

/* Iteration over child *elements* (text nodes are skipped). */
xmpp_stanza_t *fd_xml_first (xmpp_stanza_t *element);
xmpp_stanza_t *fd_xml_next (xmpp_stanza_t *element);
#define FD_XML_FOREACH(child, parent) \
  for (xmpp_stanza_t *child = fd_xml_first (parent); child; child = fd_xml_next (child))

/* Attribute value or NULL, owned by the element. */
const char *fd_xml_attr (xmpp_stanza_t *element, const char *name);

/* Unsigned decimal attribute or text in [min, max]: FALSE, and @ret untouched,
 * if it is missing or anything else. */
gboolean fd_xml_attr_uint (xmpp_stanza_t *element, const char *name, guint64 min, guint64 max, guint64 *ret);

/* The text of an element with surrounding white space removed; "" if none.
 * Free with g_free(). */
char *fd_xml_text (xmpp_stanza_t *element);

/* All of it as it is, without a copy; NULL if it is not in one piece. */
const char *fd_xml_peek_text (xmpp_stanza_t *element);

/* Text of the first child with that name (any namespace), NULL if there is no
 * such child. Free with g_free(). */
char *fd_xml_child_text (xmpp_stanza_t *element, const char *name);

static inline void
fd_xml_free (xmpp_stanza_t *element)
{
  if (element)
    xmpp_stanza_release (element);
}

typedef xmpp_stanza_t FdXml;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdXml, fd_xml_free)

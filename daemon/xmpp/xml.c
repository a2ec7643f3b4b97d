/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Stanza trees: building, reading, and a serializer that escapes once
 * (xmpp_stanza_to_text() renders everything twice).
 */
#include "xmpp/xml.h"

#include "base/error.h"

#include <stdarg.h>
#include <string.h>

xmpp_ctx_t *
fd_xml_ctx (void)
{
  static xmpp_ctx_t *ctx;

  if (!ctx)
    {
      xmpp_stanza_t *first;

      xmpp_initialize ();
      ctx = xmpp_ctx_new (NULL, NULL);
      /* libstrophe lets expat use the allocator of the first context that
       * parses, for ever: it must be this one, which is never freed. */
      first = xmpp_stanza_new_from_string (ctx, "<x/>");
      xmpp_stanza_release (first);
    }
  return ctx;
}

static xmpp_stanza_t *
xml_new (const char *name, const char *ns, va_list attributes)
{
  xmpp_stanza_t *element = xmpp_stanza_new (fd_xml_ctx ());
  const char *key;

  xmpp_stanza_set_name (element, name);
  if (ns)
    xmpp_stanza_set_ns (element, ns);
  while ((key = va_arg (attributes, const char *)))
    {
      const char *value = va_arg (attributes, const char *);

      if (value)
        xmpp_stanza_set_attribute (element, key, value);
    }
  return element;
}

xmpp_stanza_t *
fd_xml_new (const char *name, const char *ns, ...)
{
  xmpp_stanza_t *element;
  va_list attributes;

  va_start (attributes, ns);
  element = xml_new (name, ns, attributes);
  va_end (attributes);
  return element;
}

xmpp_stanza_t *
fd_xml_add (xmpp_stanza_t *parent, const char *name, const char *ns, ...)
{
  xmpp_stanza_t *element;
  va_list attributes;

  va_start (attributes, ns);
  /* inherited here and not only on the wire: readers compare namespaces */
  element = xml_new (name, ns ? ns : xmpp_stanza_get_ns (parent), attributes);
  va_end (attributes);
  xmpp_stanza_add_child_ex (parent, element, FALSE);
  return element;
}

void
fd_xml_add_text (xmpp_stanza_t *parent, const char *name, const char *text)
{
  fd_xml_set_text (fd_xml_add (parent, name, NULL, NULL), text);
}

void
fd_xml_set_text (xmpp_stanza_t *element, const char *text)
{
  xmpp_stanza_t *node = xmpp_stanza_new (fd_xml_ctx ());

  xmpp_stanza_set_text (node, text);
  xmpp_stanza_add_child_ex (element, node, FALSE);
}

xmpp_stanza_t *
fd_xml_parse (const char *xml, GError **error)
{
  /* The library stops at the end of the first element and says nothing about
   * what follows; inside a wrapper the rest shows. */
  g_autofree char *wrapped = g_strconcat ("<x>", xml, "</x>", NULL);
  g_autoptr (FdXml) wrapper = xmpp_stanza_new_from_string (fd_xml_ctx (), wrapped);
  g_autofree char *text = wrapper ? fd_xml_text (wrapper) : NULL;
  xmpp_stanza_t *element = wrapper ? fd_xml_first (wrapper) : NULL;

  if (!element || fd_xml_next (element) || *text)
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_PROTOCOL, "This is not one well-formed XML element");
      return NULL;
    }
  return xmpp_stanza_copy (element);
}

static gboolean
is_xml_char (gunichar c)
{
  return c >= 0x20 ? c != 0xfffe && c != 0xffff : c == '\t' || c == '\n' || c == '\r';
}

static void
append_escaped (GString *out, const char *text)
{
  while (*text)
    {
      gsize plain
        = strcspn (text, "<>&\"\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15"
                         "\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\xef");

      g_string_append_len (out, text, plain);
      text += plain;
      switch (*text)
        {
        case '\0':
          return;
        case '<':
          g_string_append (out, "&lt;");
          break;
        case '>':
          g_string_append (out, "&gt;");
          break;
        case '&':
          g_string_append (out, "&amp;");
          break;
        case '"':
          g_string_append (out, "&quot;");
          break;
        default:
          {
            gunichar c = g_utf8_get_char (text);

            g_string_append_unichar (out, is_xml_char (c) ? c : 0xfffd);
            text = g_utf8_next_char (text);
            continue;
          }
        }
      text++;
    }
}

void
fd_xml_append_text (GString *out, const char *text)
{
  if (g_utf8_validate (text, -1, NULL))
    {
      append_escaped (out, text);
    }
  else
    {
      g_autofree char *valid = g_utf8_make_valid (text, -1);

      append_escaped (out, valid);
    }
}

static void
append_node (GString *out, xmpp_stanza_t *node, const char *parent_ns)
{
  int n_attributes = 2 * xmpp_stanza_get_attribute_count (node);
  g_autofree const char **attributes = NULL;
  const char *name, *ns;
  xmpp_stanza_t *child;

  if (xmpp_stanza_is_text (node))
    {
      fd_xml_append_text (out, xmpp_stanza_get_text_ptr (node));
      return;
    }

  name = xmpp_stanza_get_name (node);
  g_string_append_c (out, '<');
  g_string_append (out, name);
  attributes = g_new (const char *, n_attributes);
  n_attributes = xmpp_stanza_get_attributes (node, attributes, n_attributes);
  for (int i = 0; i < n_attributes; i += 2)
    {
      if (g_str_equal (attributes[i], "xmlns") && g_strcmp0 (attributes[i + 1], parent_ns) == 0)
        continue;
      g_string_append_c (out, ' ');
      g_string_append (out, attributes[i]);
      g_string_append (out, "=\"");
      fd_xml_append_text (out, attributes[i + 1]);
      g_string_append_c (out, '"');
    }

  child = xmpp_stanza_get_children (node);
  if (!child)
    {
      g_string_append (out, "/>");
      return;
    }
  g_string_append_c (out, '>');
  ns = xmpp_stanza_get_ns (node);
  for (; child; child = xmpp_stanza_get_next (child))
    append_node (out, child, ns ? ns : parent_ns);
  g_string_append (out, "</");
  g_string_append (out, name);
  g_string_append_c (out, '>');
}

char *
fd_xml_to_string (xmpp_stanza_t *element)
{
  GString *out = g_string_sized_new (256);

  append_node (out, element, "jabber:client");
  return g_string_free (out, FALSE);
}

gboolean
fd_xml_is (xmpp_stanza_t *element, const char *name, const char *ns)
{
  return g_strcmp0 (xmpp_stanza_get_name (element), name) == 0
         && (!ns || g_strcmp0 (xmpp_stanza_get_ns (element), ns) == 0);
}

xmpp_stanza_t *
fd_xml_child (xmpp_stanza_t *element, const char *name, const char *ns)
{
  FD_XML_FOREACH (child, element)
    {
      if ((!name || g_strcmp0 (xmpp_stanza_get_name (child), name) == 0)
          && (!ns || g_strcmp0 (xmpp_stanza_get_ns (child), ns) == 0))
        return child;
    }
  return NULL;
}

static xmpp_stanza_t *
skip_text (xmpp_stanza_t *node)
{
  while (node && !xmpp_stanza_is_tag (node))
    node = xmpp_stanza_get_next (node);
  return node;
}

xmpp_stanza_t *
fd_xml_first (xmpp_stanza_t *element)
{
  return skip_text (xmpp_stanza_get_children (element));
}

xmpp_stanza_t *
fd_xml_next (xmpp_stanza_t *element)
{
  return skip_text (xmpp_stanza_get_next (element));
}

const char *
fd_xml_attr (xmpp_stanza_t *element, const char *name)
{
  return xmpp_stanza_get_attribute (element, name);
}

gboolean
fd_xml_attr_uint (xmpp_stanza_t *element, const char *name, guint64 min, guint64 max, guint64 *ret)
{
  const char *value = fd_xml_attr (element, name);

  return value && g_ascii_string_to_unsigned (value, 10, min, max, ret, NULL);
}

char *
fd_xml_text (xmpp_stanza_t *element)
{
  char *raw = xmpp_stanza_get_text (element);
  char *text = g_strstrip (g_strdup (raw ? raw : ""));

  if (raw)
    xmpp_free (xmpp_stanza_get_context (element), raw);
  return text;
}

const char *
fd_xml_peek_text (xmpp_stanza_t *element)
{
  xmpp_stanza_t *only = xmpp_stanza_get_children (element);

  return only && xmpp_stanza_is_text (only) && !xmpp_stanza_get_next (only) ? xmpp_stanza_get_text_ptr (only)
                                                                            : NULL;
}

char *
fd_xml_child_text (xmpp_stanza_t *element, const char *name)
{
  xmpp_stanza_t *child = fd_xml_child (element, name, NULL);

  return child ? fd_xml_text (child) : NULL;
}

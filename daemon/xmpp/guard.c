/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The guard: expat, limits, and trees of what passed.
 */
#include "xmpp/guard.h"

#include "base/error.h"
#include "xmpp/ns.h"

#include <expat.h>
#include <string.h>

#define MAX_DEPTH 32 /* ours and those of peers stay below 10; bounds recursion over trees */
#define MAX_CHILDREN 4096 /* of one element: a large roster; libstrophe's append is quadratic in it */
#define MAX_NODES 32768 /* of one stanza: a large roster with groups */
#define MAX_ATTRIBUTES 64 /* no element of any XEP comes near */
#define MAX_NAME 1024 /* with its namespace, which is a URI */
#define MAX_VALUE 8192 /* of an attribute: a JID has 3071 at most */

/* A tag that is not complete is read anew with each piece, so one that comes
 * byte by byte costs the square of its length. */
#define MAX_TOKEN (16 * 1024)
#define PIECE (16 * 1024) /* bytes between two looks at the lengths */

#define SEPARATOR '\n' /* between namespace and name; neither may hold it */

typedef struct
{
  xmpp_stanza_t *element; /* owned by its parent, except the outermost */
  guint n_children;
} Level;

struct FdGuard
{
  gsize max_stanza;
  XML_Parser parser;
  GError *error;
  GQueue ready; /* FdXml */
  gboolean closed;
  gboolean final; /* it must hear from us before it goes on */

  gsize fed; /* bytes of the document */
  gsize start; /* of the stanza, in it */
  guint depth; /* 0 outside the stream, 1 between stanzas */
  guint n_nodes;
  gboolean from_peer; /* the stanza may be a peer's that the server only passes on */
  gboolean skip; /* it is too much: its end is waited for, and it is forgotten */
  Level levels[MAX_DEPTH + 1]; /* of the stanza, by depth */
  GString *text; /* not yet in the tree */
};

/* Only the first one counts. */
static void fail (FdGuard *guard, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
fail (FdGuard *guard, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  if (guard->error)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  guard->error = g_error_new_literal (FD_ERROR, FD_ERROR_PROTOCOL, text);
  XML_StopParser (guard->parser, XML_FALSE);
}

/* Too much of something: whoever can write stanzas to us can do that, and shall not be able to
 * end our stream. */
static void
refuse (FdGuard *guard, const char *what, guint limit)
{
  if (!guard->from_peer)
    {
      fail (guard, "%s more than %u", what, limit);
      return;
    }
  g_debug ("A stanza is not taken: it has %s more than %u", what, limit);
  guard->skip = TRUE;
  g_clear_pointer (&guard->levels[1].element, fd_xml_free);
  g_string_truncate (guard->text, 0);
}

/* -- trees ---------------------------------------------------------------- */

static gboolean
is_xml_space (const char *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++) /* no NUL at its end */
    {
      if (!strchr (" \t\r\n", bytes[i]))
        return FALSE;
    }
  return TRUE;
}

static void
add_node (FdGuard *guard, xmpp_stanza_t *node)
{
  Level *parent = &guard->levels[guard->depth - 1];

  if (++parent->n_children > MAX_CHILDREN)
    refuse (guard, "children of one element:", MAX_CHILDREN);
  else if (++guard->n_nodes > MAX_NODES)
    refuse (guard, "elements of one stanza:", MAX_NODES);
  else
    xmpp_stanza_add_child (parent->element, node);
}

static void
flush_text (FdGuard *guard)
{
  g_autoptr (FdXml) node = NULL;

  if (guard->text->len == 0)
    return;
  node = xmpp_stanza_new (fd_xml_ctx ());
  xmpp_stanza_set_text_with_size (node, guard->text->str, guard->text->len);
  add_node (guard, node);
  g_string_truncate (guard->text, 0);
}

/* "namespace\nname", "namespace\nname\nprefix" never, or "name". */
static const char *
split_name (const char *qualified, char *ns)
{
  const char *separator = strchr (qualified, SEPARATOR);

  ns[0] = '\0';
  if (!separator)
    return qualified;
  memcpy (ns, qualified, separator - qualified);
  ns[separator - qualified] = '\0';
  return separator + 1;
}

/* A foreign attribute must not pass for one of ours. */
static void
set_attributes (FdGuard *guard, xmpp_stanza_t *element, const char **attributes)
{
  for (guint i = 0; attributes[i]; i += 2)
    {
      const char *name = attributes[i];

      if (i / 2 >= MAX_ATTRIBUTES)
        {
          refuse (guard, "attributes of one element:", MAX_ATTRIBUTES);
          return;
        }
      if (strlen (name) > MAX_NAME || strlen (attributes[i + 1]) > MAX_VALUE)
        {
          refuse (guard, "bytes of one attribute:", MAX_VALUE);
          return;
        }
      if (g_str_equal (name, NS_XML "\nlang"))
        name = "lang";
      if (!strchr (name, SEPARATOR))
        xmpp_stanza_set_attribute (element, name, attributes[i + 1]);
    }
}

static xmpp_stanza_t *
new_element (FdGuard *guard, const char *qualified, const char **attributes)
{
  g_autoptr (FdXml) element = xmpp_stanza_new (fd_xml_ctx ());
  char ns[MAX_NAME + 1];

  if (strlen (qualified) > MAX_NAME)
    {
      refuse (guard, "bytes of one name:", MAX_NAME);
      return NULL;
    }
  xmpp_stanza_set_name (element, split_name (qualified, ns));
  set_attributes (guard, element, attributes);
  if (ns[0])
    xmpp_stanza_set_ns (element, ns);
  return guard->error || guard->skip ? NULL : g_steal_pointer (&element);
}

/* -- expat's callbacks ---------------------------------------------------- */

static void
open_stream (FdGuard *guard, xmpp_stanza_t *header)
{
  if (!fd_xml_is (header, "stream", NS_STREAMS))
    {
      fail (guard, "XML that is no XMPP");
      xmpp_stanza_release (header);
      return;
    }
  g_queue_push_tail (&guard->ready, header);
}

static void
begin_stanza (FdGuard *guard, const char *qualified)
{
  static const char *const names[]
    = { NS_CLIENT "\niq", NS_CLIENT "\nmessage", NS_CLIENT "\npresence", NULL };

  guard->start = XML_GetCurrentByteIndex (guard->parser);
  guard->n_nodes = 1;
  guard->from_peer = g_strv_contains (names, qualified);
}

/* At the depth where the guard is. */
static void
add_element (FdGuard *guard, const char *name, const char **attributes)
{
  xmpp_stanza_t *element;

  if (guard->depth >= 2)
    flush_text (guard);
  element = guard->error || guard->skip ? NULL : new_element (guard, name, attributes);
  if (!element)
    return;
  if (guard->depth == 0)
    {
      open_stream (guard, element);
      return;
    }
  if (guard->depth >= 2)
    {
      add_node (guard, element);
      xmpp_stanza_release (element); /* its parent has it, or it is refused */
    }
  if (!guard->skip)
    guard->levels[guard->depth] = (Level){ .element = element };
}

static void
on_start (void *data, const char *name, const char **attributes)
{
  FdGuard *guard = data;

  if (guard->error)
    return; /* expat calls on until the end of the tag */
  if (guard->final)
    {
      fail (guard, "more than it may before it hears from us");
      return;
    }
  if (XML_GetCurrentByteCount (guard->parser) > MAX_TOKEN)
    {
      fail (guard, "a tag of more than %d bytes", MAX_TOKEN);
      return;
    }
  if (guard->depth == 1)
    begin_stanza (guard, name);
  if (guard->depth > MAX_DEPTH && !guard->skip)
    refuse (guard, "elements in elements, deep:", MAX_DEPTH);
  if (!guard->skip)
    add_element (guard, name, attributes);
  guard->depth++;
}

static void
finish_stanza (FdGuard *guard)
{
  xmpp_stanza_t *stanza = g_steal_pointer (&guard->levels[1].element);

  guard->from_peer = guard->skip = FALSE;
  if (!stanza)
    return;
  guard->final = fd_xml_is (stanza, "success", NS_SASL) || fd_xml_is (stanza, "proceed", NS_TLS);
  g_queue_push_tail (&guard->ready, stanza);
  if (XML_GetCurrentByteIndex (guard->parser) - guard->start > guard->max_stanza)
    fail (guard, "a stanza of more than %" G_GSIZE_FORMAT " bytes", guard->max_stanza);
}

static void
on_end (void *data, const char *name)
{
  FdGuard *guard = data;

  if (guard->depth >= 2 && !guard->skip)
    flush_text (guard);
  if (guard->error)
    return;
  guard->depth--;
  if (guard->depth == 0)
    guard->closed = TRUE;
  else if (guard->depth == 1)
    finish_stanza (guard);
}

static void
on_text (void *data, const char *text, int length)
{
  FdGuard *guard = data;

  if (guard->depth >= 2 && !guard->skip)
    g_string_append_len (guard->text, text, length);
  else if (guard->depth < 2 && !is_xml_space (text, length))
    fail (guard, "text outside of stanzas");
}

static void
on_comment (void *data, const char *text)
{
  fail (data, "a comment, which XMPP forbids");
}

static void
on_instruction (void *data, const char *target, const char *text)
{
  fail (data, "a processing instruction, which XMPP forbids");
}

static void
on_doctype (void *data, const char *name, const char *system_id, const char *public_id, int internal)
{
  fail (data, "a document type, which XMPP forbids");
}

/* -- feeding -------------------------------------------------------------- */

/* Weak, because expat has it since 2.6 only, and distributions put it into
 * older ones: what counts is which one is there when we run. */
extern XML_Bool XML_SetReparseDeferralEnabled (XML_Parser parser, XML_Bool enabled) __attribute__ ((weak));

static void
make_parser (FdGuard *guard)
{
  /* the encoding that is given here rules out every other (RFC 6120 §11.6) */
  guard->parser = XML_ParserCreateNS ("UTF-8", SEPARATOR);
  /* expat would put off a tag that comes in pieces until as much again has
   * come, and a server that waits for our answer sends no more */
  if (XML_SetReparseDeferralEnabled)
    XML_SetReparseDeferralEnabled (guard->parser, XML_FALSE);
  XML_SetUserData (guard->parser, guard);
  XML_SetElementHandler (guard->parser, on_start, on_end);
  XML_SetCharacterDataHandler (guard->parser, on_text);
  XML_SetCommentHandler (guard->parser, on_comment);
  XML_SetProcessingInstructionHandler (guard->parser, on_instruction);
  XML_SetStartDoctypeDeclHandler (guard->parser, on_doctype);
  guard->fed = guard->start = 0;
  guard->depth = 0;
  guard->closed = guard->final = guard->from_peer = guard->skip = FALSE;
}

static void
drop_parser (FdGuard *guard)
{
  g_clear_pointer (&guard->parser, XML_ParserFree);
  g_clear_pointer (&guard->levels[1].element, fd_xml_free);
  g_string_truncate (guard->text, 0);
}

static void
feed_piece (FdGuard *guard, const char *bytes, gsize length)
{
  static const int never[] = { 0, 0xfe, 0xff };
  gboolean fine = TRUE;
  gsize seen;

  /* expat obeys the byte-order mark of UTF-16 whatever it is told */
  for (guint i = 0; i < G_N_ELEMENTS (never); i++)
    {
      const char *found = memchr (bytes, never[i], length);

      if (found)
        length = found - bytes;
      fine = fine && !found;
    }
  if (XML_Parse (guard->parser, bytes, length, XML_FALSE) == XML_STATUS_ERROR && !guard->error)
    {
      fail (guard, "malformed XML (%s)", XML_ErrorString (XML_GetErrorCode (guard->parser)));
      return;
    }
  if (guard->error)
    return;
  guard->fed += length;
  seen = MAX (XML_GetCurrentByteIndex (guard->parser), 0);
  if (guard->depth >= 2 && guard->fed - guard->start > guard->max_stanza)
    fail (guard, "a stanza of more than %" G_GSIZE_FORMAT " bytes", guard->max_stanza);
  else if (guard->fed - seen > MAX_TOKEN + length)
    fail (guard, "a tag of more than %d bytes", MAX_TOKEN);
  else if (!fine)
    fail (guard, "bytes that are not UTF-8");
}

gboolean
fd_guard_feed (FdGuard *guard, const char *bytes, gsize length, GError **error)
{
  if (length > 0 && guard->closed && !guard->error)
    fail (guard, "something after the end of the stream");
  for (gsize done = 0; done < length && !guard->error; done += PIECE)
    feed_piece (guard, bytes + done, MIN (PIECE, length - done));
  if (!guard->error)
    return TRUE;
  g_propagate_error (error, g_error_copy (guard->error));
  return FALSE;
}

xmpp_stanza_t *
fd_guard_take (FdGuard *guard)
{
  return g_queue_pop_head (&guard->ready);
}

gboolean
fd_guard_is_closed (FdGuard *guard)
{
  return guard->closed && guard->ready.length == 0;
}

void
fd_guard_restart (FdGuard *guard)
{
  drop_parser (guard);
  make_parser (guard);
}

FdGuard *
fd_guard_new (gsize max_stanza)
{
  FdGuard *guard = g_new0 (FdGuard, 1);

  guard->max_stanza = max_stanza;
  guard->text = g_string_new (NULL);
  g_queue_init (&guard->ready);
  make_parser (guard);
  return guard;
}

void
fd_guard_free (FdGuard *guard)
{
  if (!guard)
    return;
  drop_parser (guard);
  g_queue_clear_full (&guard->ready, (GDestroyNotify) fd_xml_free);
  g_string_free (guard->text, TRUE);
  g_clear_error (&guard->error);
  g_free (guard);
}

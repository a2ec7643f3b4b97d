/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The iq router: our own table of requests (RFC 6120 §8.2.3), since
 * libstrophe's id handlers leak and match replies by id alone.
 */
#include "xmpp/iq.h"

#include "base/error.h"
#include "xmpp/jid.h"

#include <string.h>

#define NS_STANZA_ERROR "urn:ietf:params:xml:ns:xmpp-stanzas"
#define MAX_ERROR_TEXT 200 /* of a peer, shown to the user */

typedef struct
{
  FdIq *iq;
  guint id;
  char *to; /* NULL: own server */
  gsize bytes;
  guint timeout_ms;
  guint source; /* time-out, or the idle that says not connected */
  FdIqReply callback;
  gpointer data;
} Pending;

typedef struct
{
  FdIqHandler callback;
  gpointer data;
} Handler;

struct FdIq
{
  FdIqWrite write;
  gpointer data;
  char *own_jid;
  char *id_prefix; /* so that replies to an earlier stream's requests match nothing */
  guint last_id;
  GHashTable *pending; /* id -> Pending */
  GHashTable *handlers; /* "type namespace" -> Handler */
  FdIqRefuses refuses; /* NULL: nobody */
  gpointer refuses_data;
  gsize outstanding;
};

static const struct
{
  const char *condition;
  FdErrorCode code;
} conditions[] = {
  { "service-unavailable", FD_ERROR_PEER_UNSUPPORTED },
  { "feature-not-implemented", FD_ERROR_PEER_UNSUPPORTED },
  { "recipient-unavailable", FD_ERROR_PEER_OFFLINE },
  { "remote-server-not-found", FD_ERROR_PEER_OFFLINE },
  { "remote-server-timeout", FD_ERROR_PEER_OFFLINE },
};

static void
pending_free (gpointer data)
{
  Pending *pending = data;

  pending->iq->outstanding -= pending->bytes;
  g_clear_handle_id (&pending->source, g_source_remove);
  g_free (pending->to);
  g_free (pending);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pending, pending_free)

FdIq *
fd_iq_new (FdIqWrite write, gpointer data)
{
  FdIq *iq = g_new0 (FdIq, 1);

  iq->write = write;
  iq->data = data;
  iq->own_jid = g_strdup ("");
  iq->id_prefix = g_strdup_printf ("%08x-", g_random_int ());
  iq->pending = g_hash_table_new_full (NULL, NULL, NULL, pending_free);
  iq->handlers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return iq;
}

void
fd_iq_free (FdIq *iq)
{
  if (!iq)
    return;
  g_hash_table_unref (iq->pending);
  g_hash_table_unref (iq->handlers);
  g_free (iq->own_jid);
  g_free (iq->id_prefix);
  g_free (iq);
}

void
fd_iq_set_own_jid (FdIq *iq, const char *full_jid)
{
  g_free (iq->own_jid);
  iq->own_jid = g_strdup (full_jid);
}

const char *
fd_iq_get_own_jid (FdIq *iq)
{
  return iq->own_jid;
}

/* Takes the request out of the table first: the callback may do anything but
 * free the router. */
static void
finish (FdIq *iq, guint id, xmpp_stanza_t *reply, const GError *error)
{
  gpointer stolen = NULL;
  g_autoptr (Pending) pending = NULL;

  if (!g_hash_table_steal_extended (iq->pending, GUINT_TO_POINTER (id), NULL, &stolen))
    return;
  pending = stolen;
  if (pending->callback)
    pending->callback (reply, error, pending->data);
}

static gboolean
on_timeout (gpointer data)
{
  Pending *pending = data;
  g_autoptr (GError) error
    = g_error_new (FD_ERROR, FD_ERROR_TIMEOUT, "%s did not answer within %u s",
                   pending->to ? pending->to : "The server", (pending->timeout_ms + 999) / 1000);

  pending->source = 0;
  finish (pending->iq, pending->id, NULL, error);
  return G_SOURCE_REMOVE;
}

static GError *
new_not_connected (void)
{
  return g_error_new_literal (FD_ERROR, FD_ERROR_NOT_CONNECTED, "The account is not connected to its server");
}

static gboolean
on_not_connected (gpointer data)
{
  Pending *pending = data;
  g_autoptr (GError) error = new_not_connected ();

  pending->source = 0;
  finish (pending->iq, pending->id, NULL, error);
  return G_SOURCE_REMOVE;
}

static void
append_to (GString *xml, const char *to)
{
  if (!to)
    return;
  g_string_append (xml, " to=\"");
  fd_xml_append_text (xml, to);
  g_string_append_c (xml, '"');
}

guint
fd_iq_begin (FdIq *iq, const char *type, const char *to, GString *xml)
{
  Pending *pending = g_new0 (Pending, 1);

  do
    iq->last_id++;
  while (iq->last_id == 0 || g_hash_table_contains (iq->pending, GUINT_TO_POINTER (iq->last_id)));

  pending->iq = iq;
  pending->id = iq->last_id;
  pending->to = g_strdup (to);
  g_hash_table_insert (iq->pending, GUINT_TO_POINTER (pending->id), pending);

  g_string_append_printf (xml, "<iq type=\"%s\" id=\"%s%u\"", type, iq->id_prefix, pending->id);
  append_to (xml, to);
  g_string_append_c (xml, '>');
  return pending->id;
}

void
fd_iq_end (FdIq *iq, guint id, GString *xml, guint timeout_ms, FdIqReply callback, gpointer data)
{
  Pending *pending = g_hash_table_lookup (iq->pending, GUINT_TO_POINTER (id));

  pending->timeout_ms = timeout_ms;
  pending->callback = callback;
  pending->data = data;
  if (iq->own_jid[0] == '\0')
    {
      pending->source = g_idle_add (on_not_connected, pending);
      return;
    }
  g_string_append (xml, "</iq>");
  pending->source = g_timeout_add (timeout_ms, on_timeout, pending);
  pending->bytes = xml->len;
  iq->outstanding += xml->len;
  iq->write (xml->str, xml->len, iq->data);
}

guint
fd_iq_send_raw (FdIq *iq, const char *type, const char *to, const char *payload, gsize length,
                guint timeout_ms, FdIqReply callback, gpointer data)
{
  g_autoptr (GString) xml = g_string_sized_new (length + 256);
  guint id = fd_iq_begin (iq, type, to, xml);

  g_string_append_len (xml, payload, length);
  fd_iq_end (iq, id, xml, timeout_ms, callback, data);
  return id;
}

guint
fd_iq_send (FdIq *iq, const char *type, const char *to, xmpp_stanza_t *payload, guint timeout_ms,
            FdIqReply callback, gpointer data)
{
  g_autoptr (FdXml) owned = payload;
  g_autofree char *text = fd_xml_to_string (owned);

  return fd_iq_send_raw (iq, type, to, text, strlen (text), timeout_ms, callback, data);
}

void
fd_iq_cancel (FdIq *iq, guint id)
{
  g_hash_table_remove (iq->pending, GUINT_TO_POINTER (id));
}

void
fd_iq_handle (FdIq *iq, const char *type, const char *ns, FdIqHandler handler, gpointer data)
{
  g_autofree char *key = g_strconcat (type, " ", ns, NULL);
  Handler *entry;

  if (!handler)
    {
      g_hash_table_remove (iq->handlers, key);
      return;
    }
  entry = g_new (Handler, 1);
  *entry = (Handler){ handler, data };
  g_hash_table_insert (iq->handlers, g_steal_pointer (&key), entry);
}

static xmpp_stanza_t *
new_answer (xmpp_stanza_t *request, const char *type)
{
  return fd_xml_new ("iq", NULL, "type", type, "id", fd_xml_attr (request, "id"), "to",
                     fd_xml_attr (request, "from"), NULL);
}

static void
write_tree (FdIq *iq, xmpp_stanza_t *tree)
{
  g_autofree char *xml = fd_xml_to_string (tree);

  iq->write (xml, strlen (xml), iq->data);
}

/* One for each block of in-band data, so without a tree. */
static void
write_empty_result (FdIq *iq, xmpp_stanza_t *request)
{
  g_autoptr (GString) xml = g_string_sized_new (256);

  g_string_append (xml, "<iq type=\"result\" id=\"");
  fd_xml_append_text (xml, fd_xml_attr (request, "id"));
  g_string_append_c (xml, '"');
  append_to (xml, fd_xml_attr (request, "from"));
  g_string_append (xml, "/>");
  iq->write (xml->str, xml->len, iq->data);
}

void
fd_iq_write (FdIq *iq, xmpp_stanza_t *stanza)
{
  if (iq->own_jid[0] != '\0')
    write_tree (iq, stanza);
}

void
fd_iq_set_refusal (FdIq *iq, FdIqRefuses refuses, gpointer data)
{
  iq->refuses = refuses;
  iq->refuses_data = data;
}

void
fd_iq_reply (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload)
{
  g_autoptr (FdXml) answer = NULL;

  if (!payload)
    {
      write_empty_result (iq, request);
      return;
    }
  answer = new_answer (request, "result");
  xmpp_stanza_add_child_ex (answer, payload, FALSE);
  write_tree (iq, answer);
}

void
fd_iq_reply_error (FdIq *iq, xmpp_stanza_t *request, const char *type, const char *condition,
                   const char *app_name, const char *app_ns, const char *text)
{
  g_autoptr (FdXml) answer = new_answer (request, "error");
  xmpp_stanza_t *error = fd_xml_add (answer, "error", NULL, "type", type, NULL);

  fd_xml_add (error, condition, NS_STANZA_ERROR, NULL);
  if (text)
    fd_xml_set_text (fd_xml_add (error, "text", NS_STANZA_ERROR, NULL), text);
  if (app_name)
    fd_xml_add (error, app_name, app_ns, NULL);
  write_tree (iq, answer);
}

/* Only whom we asked may answer: others could guess the id. The own server
 * answers as the account, as its domain or without 'from' (RFC 6120 §8.1.2.1). */
static gboolean
may_answer (FdIq *iq, const char *to, const char *from)
{
  g_autofree char *domain = fd_jid_domain (iq->own_jid);
  gboolean to_server = !to || (fd_jid_same_bare (to, iq->own_jid) && !fd_jid_resource (to));

  if (!from)
    return to_server || g_str_equal (to, iq->own_jid) || g_str_equal (to, domain);
  if (to && g_str_equal (to, from))
    return TRUE;
  return to_server && (fd_jid_same_bare (from, iq->own_jid) || g_str_equal (from, domain));
}

static GError *
error_from_stanza (xmpp_stanza_t *stanza, const char *who)
{
  xmpp_stanza_t *error = fd_xml_child (stanza, "error", NULL);
  xmpp_stanza_t *text_element = error ? fd_xml_child (error, "text", NS_STANZA_ERROR) : NULL;
  g_autofree char *text = text_element ? fd_xml_text (text_element) : NULL;
  g_autofree char *shown
    = text ? g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), MAX_ERROR_TEXT)) : NULL;
  const char *condition = "an error without a condition";
  FdErrorCode code = FD_ERROR_PROTOCOL;

  if (error)
    {
      FD_XML_FOREACH (child, error)
        {
          if (child != text_element && g_strcmp0 (xmpp_stanza_get_ns (child), NS_STANZA_ERROR) == 0)
            condition = xmpp_stanza_get_name (child);
        }
    }
  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++)
    {
      if (g_str_equal (conditions[i].condition, condition))
        code = conditions[i].code;
    }
  return g_error_new (FD_ERROR, code, "%s answered %s%s%s%s", who ? who : "The server", condition,
                      shown ? " (" : "", shown ? shown : "", shown ? ")" : "");
}

static void
receive_answer (FdIq *iq, xmpp_stanza_t *stanza, gboolean is_result)
{
  const char *id = fd_xml_attr (stanza, "id");
  const char *from = fd_xml_attr (stanza, "from");
  guint64 number;
  Pending *pending;

  if (!id || !g_str_has_prefix (id, iq->id_prefix)
      || !g_ascii_string_to_unsigned (id + strlen (iq->id_prefix), 10, 1, G_MAXUINT, &number, NULL))
    return;
  pending = g_hash_table_lookup (iq->pending, GUINT_TO_POINTER ((guint) number));
  if (!pending)
    return;
  if (!may_answer (iq, pending->to, from))
    {
      g_message ("Ignoring an answer of %s to a request that went to %s", from ? from : "the server",
                 pending->to ? pending->to : "the server");
      return;
    }

  if (is_result)
    {
      finish (iq, pending->id, stanza, NULL);
    }
  else
    {
      g_autoptr (GError) error = error_from_stanza (stanza, pending->to);

      finish (iq, pending->id, stanza, error);
    }
}

static void
receive_request (FdIq *iq, xmpp_stanza_t *stanza, const char *type)
{
  const char *from = fd_xml_attr (stanza, "from");
  xmpp_stanza_t *payload = fd_xml_first (stanza);
  const char *ns = payload ? xmpp_stanza_get_ns (payload) : NULL;
  g_autofree char *key = g_strconcat (type, " ", ns ? ns : "", NULL);
  const Handler *handler;

  if (!fd_xml_attr (stanza, "id"))
    return; /* nothing that an answer could refer to */
  if (from && iq->refuses && iq->refuses (from, iq->refuses_data))
    {
      fd_iq_reply_error (iq, stanza, "cancel", "service-unavailable", NULL, NULL, NULL);
      return;
    }
  if (!payload || fd_xml_next (payload))
    {
      fd_iq_reply_error (iq, stanza, "modify", "bad-request", NULL, NULL, NULL);
      return;
    }
  handler = g_hash_table_lookup (iq->handlers, key);
  if (handler)
    handler->callback (iq, stanza, payload, handler->data);
  else
    fd_iq_reply_error (iq, stanza, "cancel", "service-unavailable", NULL, NULL, NULL);
}

void
fd_iq_receive (FdIq *iq, xmpp_stanza_t *stanza)
{
  const char *type = fd_xml_attr (stanza, "type");

  if (g_strcmp0 (type, "result") == 0 || g_strcmp0 (type, "error") == 0)
    receive_answer (iq, stanza, type[0] == 'r');
  else if (g_strcmp0 (type, "get") == 0 || g_strcmp0 (type, "set") == 0)
    receive_request (iq, stanza, type);
}

void
fd_iq_stream_lost (FdIq *iq)
{
  g_autofree gpointer *ids = NULL;
  g_autoptr (GError) error = new_not_connected ();
  guint n_ids;

  fd_iq_set_own_jid (iq, "");
  /* by id, since a callback may cancel another request or make a new one */
  ids = g_hash_table_get_keys_as_array (iq->pending, &n_ids);
  for (guint i = 0; i < n_ids; i++)
    finish (iq, GPOINTER_TO_UINT (ids[i]), NULL, error);
}

gsize
fd_iq_get_outstanding (FdIq *iq)
{
  return iq->outstanding;
}

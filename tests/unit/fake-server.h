/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests: an XMPP server behind an FdIq. It answers each request, in a later
 * turn of the loop, with what the test's table says for its addressee and
 * namespace.
 */
#pragma once

#include "xmpp/iq.h"

#include <gio/gio.h>

typedef struct
{
  const char *to; /* NULL ends the table */
  const char *ns; /* of the request's child */
  const char *answer; /* children of the result; NULL: an error of this condition */
  const char *condition;
} FakeAnswer;

typedef struct FakeServer FakeServer;

struct FakeServer
{
  FdIq *iq;
  const FakeAnswer *answers;
  /* Instead of the table, for what it returns TRUE for. */
  gboolean (*hook) (FakeServer *server, xmpp_stanza_t *request, const char **ret_answer);
  gpointer data;
  GQueue queue; /* char *: requests on their way */
  guint turn;
  guint n_requests;
};

static inline void
fake_server_reply (FakeServer *server, xmpp_stanza_t *request)
{
  const char *id = fd_xml_attr (request, "id"), *to = fd_xml_attr (request, "to");
  xmpp_stanza_t *child = fd_xml_first (request);
  const char *answer = NULL, *condition = "item-not-found";
  g_autofree char *xml = NULL;
  g_autoptr (FdXml) reply = NULL;

  if (!server->hook || !server->hook (server, request, &answer))
    {
      for (const FakeAnswer *i = server->answers; i && i->to; i++)
        {
          if (g_strcmp0 (i->to, to) == 0 && g_strcmp0 (xmpp_stanza_get_ns (child), i->ns) == 0)
            {
              answer = i->answer;
              condition = i->condition;
            }
        }
    }
  if (answer)
    xml = g_strdup_printf ("<iq type='result' id='%s' from='%s'>%s</iq>", id, to, answer);
  else
    xml = g_strdup_printf ("<iq type='error' id='%s' from='%s'><error type='cancel'>"
                           "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                           id, to, condition);
  reply = fd_xml_parse (xml, NULL);
  g_assert_nonnull (reply);
  fd_iq_receive (server->iq, reply);
}

static inline gboolean
fake_server_turn (gpointer data)
{
  FakeServer *server = data;
  g_autofree char *xml = g_queue_pop_head (&server->queue);
  g_autoptr (FdXml) request = fd_xml_parse (xml, NULL);
  gboolean more = server->queue.length > 0;

  if (!more)
    server->turn = 0;
  server->n_requests++;
  fake_server_reply (server, request);
  return more;
}

static inline void
fake_server_write (const char *xml, gsize length, gpointer data)
{
  FakeServer *server = data;

  g_queue_push_tail (&server->queue, g_strndup (xml, length));
  if (!server->turn)
    server->turn = g_idle_add_full (G_PRIORITY_DEFAULT, fake_server_turn, server, NULL);
}

static inline void
fake_server_init (FakeServer *server, const char *client_jid, const FakeAnswer *answers)
{
  *server = (FakeServer){ .answers = answers };
  g_queue_init (&server->queue);
  server->iq = fd_iq_new (fake_server_write, server);
  fd_iq_set_own_jid (server->iq, client_jid);
}

static inline void
fake_server_clear (FakeServer *server)
{
  g_clear_handle_id (&server->turn, g_source_remove);
  g_queue_clear_full (&server->queue, g_free);
  fd_iq_free (server->iq);
}

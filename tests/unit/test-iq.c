/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "xmpp/iq.h"

#define OWN "romeo@montague.lit/orchard"
#define PEER "juliet@capulet.lit/balcony"

typedef struct
{
  FdIq *iq;
  GPtrArray *written; /* FdXml */
  guint calls;
  GError *error;
  char *reply; /* type */
} Fixture;

static void
on_write (const char *xml, gsize length, gpointer data)
{
  Fixture *f = data;
  xmpp_stanza_t *stanza = fd_xml_parse (xml, NULL);

  g_assert_cmpuint (strlen (xml), ==, length);
  g_assert_nonnull (stanza);
  g_ptr_array_add (f->written, stanza);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->iq = fd_iq_new (on_write, f);
  f->written = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_xml_free);
  fd_iq_set_own_jid (f->iq, OWN);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_iq_free (f->iq);
  g_ptr_array_unref (f->written);
  g_clear_error (&f->error);
  g_free (f->reply);
}

static void
on_reply (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  Fixture *f = data;

  f->calls++;
  g_clear_error (&f->error);
  f->error = fd_error_copy (error);
  g_free (f->reply);
  f->reply = g_strdup (reply ? fd_xml_attr (reply, "type") : NULL);
}

static xmpp_stanza_t *
last (Fixture *f)
{
  g_assert_cmpuint (f->written->len, >, 0);
  return f->written->pdata[f->written->len - 1];
}

static guint
ask (Fixture *f, const char *to)
{
  return fd_iq_send (f->iq, "get", to, fd_xml_new ("ping", "urn:xmpp:ping", NULL), 30000, on_reply, f);
}

/* The answer to the last request, as @from. */
static void
answer (Fixture *f, const char *from, const char *type, const char *content)
{
  g_autofree char *xml
    = g_strdup_printf ("<iq type='%s' id='%s' %s%s%s>%s</iq>", type, fd_xml_attr (last (f), "id"),
                       from ? "from='" : "", from ? from : "", from ? "'" : "", content);
  g_autoptr (FdXml) stanza = fd_xml_parse (xml, NULL);

  g_assert_nonnull (stanza);
  fd_iq_receive (f->iq, stanza);
}

static void
receive (Fixture *f, const char *xml)
{
  g_autoptr (FdXml) stanza = fd_xml_parse (xml, NULL);

  g_assert_nonnull (stanza);
  fd_iq_receive (f->iq, stanza);
}

static void
assert_answered_error (Fixture *f, const char *condition)
{
  xmpp_stanza_t *error = fd_xml_child (last (f), "error", NULL);

  g_assert_cmpstr (fd_xml_attr (last (f), "type"), ==, "error");
  g_assert_nonnull (error);
  g_assert_nonnull (fd_xml_child (error, condition, "urn:ietf:params:xml:ns:xmpp-stanzas"));
}

static void
test_result (Fixture *f, gconstpointer data)
{
  ask (f, PEER);
  g_assert_cmpstr (fd_xml_attr (last (f), "to"), ==, PEER);
  g_assert_cmpstr (fd_xml_attr (last (f), "type"), ==, "get");
  g_assert_nonnull (fd_xml_child (last (f), "ping", "urn:xmpp:ping"));
  g_assert_cmpuint (fd_iq_get_outstanding (f->iq), >, 0);

  answer (f, PEER, "result", "");
  g_assert_cmpuint (f->calls, ==, 1);
  g_assert_no_error (f->error);
  g_assert_cmpuint (fd_iq_get_outstanding (f->iq), ==, 0);

  answer (f, PEER, "result", "");
  g_assert_cmpuint (f->calls, ==, 1);
}

static void
test_wrong_sender (Fixture *f, gconstpointer data)
{
  static const char *const liars[] = { "mallory@evil.example/x", "juliet@capulet.lit", "capulet.lit", NULL };

  ask (f, PEER);
  for (guint i = 0; i < G_N_ELEMENTS (liars); i++)
    answer (f, liars[i], "result", "");
  g_assert_cmpuint (f->calls, ==, 0);
  answer (f, PEER, "result", "");
  g_assert_cmpuint (f->calls, ==, 1);
}

static void
test_own_server (Fixture *f, gconstpointer data)
{
  static const char *const servers[] = { NULL, OWN, "romeo@montague.lit", "montague.lit" };

  for (guint i = 0; i < G_N_ELEMENTS (servers); i++)
    {
      ask (f, NULL);
      answer (f, PEER, "result", "");
      g_assert_cmpuint (f->calls, ==, i);
      answer (f, servers[i], "result", "");
      g_assert_cmpuint (f->calls, ==, i + 1);
    }
}

static void
test_errors (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *condition;
    FdErrorCode code;
  } cases[] = {
    { "service-unavailable", FD_ERROR_PEER_UNSUPPORTED },
    { "feature-not-implemented", FD_ERROR_PEER_UNSUPPORTED },
    { "recipient-unavailable", FD_ERROR_PEER_OFFLINE },
    { "remote-server-not-found", FD_ERROR_PEER_OFFLINE },
    { "remote-server-timeout", FD_ERROR_PEER_OFFLINE },
    { "item-not-found", FD_ERROR_PROTOCOL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *content
        = g_strdup_printf ("<error type='cancel'><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>why</text>"
                           "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><app xmlns='urn:app'/></error>",
                           cases[i].condition);

      ask (f, PEER);
      answer (f, PEER, "error", content);
      g_assert_error (f->error, FD_ERROR, (gint) cases[i].code);
      g_assert_nonnull (strstr (f->error->message, cases[i].condition));
      g_assert_nonnull (strstr (f->error->message, "why"));
      g_assert_cmpstr (f->reply, ==, "error");
    }

  ask (f, PEER);
  answer (f, PEER, "error", "");
  g_assert_error (f->error, FD_ERROR, FD_ERROR_PROTOCOL);
}

static void
test_timeout (Fixture *f, gconstpointer data)
{
  fd_iq_send (f->iq, "get", PEER, fd_xml_new ("ping", "urn:xmpp:ping", NULL), 1, on_reply, f);
  while (f->calls == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (f->error, FD_ERROR, FD_ERROR_TIMEOUT);
  g_assert_null (f->reply);
  answer (f, PEER, "result", "");
  g_assert_cmpuint (f->calls, ==, 1);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  guint id = ask (f, PEER);

  g_assert_cmpuint (id, !=, 0);
  fd_iq_cancel (f->iq, id);
  fd_iq_cancel (f->iq, id);
  answer (f, PEER, "result", "");
  g_assert_cmpuint (f->calls, ==, 0);
  g_assert_cmpuint (fd_iq_get_outstanding (f->iq), ==, 0);
}

static void
ask_again (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  g_assert_error (error, FD_ERROR, FD_ERROR_NOT_CONNECTED);
  ask (data, PEER);
}

static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  ask (f, PEER);
  ask (f, NULL);
  fd_iq_send (f->iq, "get", PEER, fd_xml_new ("a", "b", NULL), 30000, ask_again, f);
  fd_iq_stream_lost (f->iq);
  g_assert_cmpuint (f->calls, ==, 2);
  g_assert_error (f->error, FD_ERROR, FD_ERROR_NOT_CONNECTED);
  g_assert_cmpuint (fd_iq_get_outstanding (f->iq), ==, 0);
  g_assert_cmpuint (f->written->len, ==, 3);

  /* what a callback sent meanwhile ends as well, but later */
  while (f->calls < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (f->error, FD_ERROR, FD_ERROR_NOT_CONNECTED);
}

static void
test_raw (Fixture *f, gconstpointer data)
{
  static const char payload[] = "<data xmlns='http://jabber.org/protocol/ibb' seq='0' sid='a'>AAAA</data>";
  g_autoptr (GString) xml = g_string_new (NULL);
  guint id;

  fd_iq_send_raw (f->iq, "set", "a@b/<&'\">", payload, strlen (payload), 30000, on_reply, f);
  g_assert_cmpstr (fd_xml_attr (last (f), "to"), ==, "a@b/<&'\">");
  g_assert_nonnull (fd_xml_child (last (f), "data", "http://jabber.org/protocol/ibb"));
  g_assert_cmpuint (fd_iq_get_outstanding (f->iq), >, strlen (payload));
  fd_iq_stream_lost (f->iq);
  g_assert_cmpuint (fd_iq_get_outstanding (f->iq), ==, 0);

  /* In two steps, and not online. */
  id = fd_iq_begin (f->iq, "set", "a@b/c", xml);
  g_string_append (xml, payload);
  fd_iq_end (f->iq, id, xml, 30000, on_reply, f);
  g_assert_cmpuint (f->written->len, ==, 1);
  while (f->calls < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (f->error, FD_ERROR, FD_ERROR_NOT_CONNECTED);
}

static void
on_request (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload, gpointer data)
{
  g_assert_true (fd_xml_is (payload, "q", "urn:q"));
  fd_iq_reply (iq, request, fd_xml_new ("done", "urn:q", NULL));
}

static void
on_request_error (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload, gpointer data)
{
  fd_iq_reply_error (iq, request, "cancel", "item-not-found", "unknown-session", "urn:xmpp:jingle:errors:1",
                     "gone");
}

static void
test_requests (Fixture *f, gconstpointer data)
{
  xmpp_stanza_t *error;

  fd_iq_handle (f->iq, "get", "urn:q", on_request, NULL);
  fd_iq_handle (f->iq, "set", "urn:q", on_request_error, NULL);

  receive (f, "<iq type='get' id='1' from='" PEER "'><q xmlns='urn:q'/></iq>");
  g_assert_cmpstr (fd_xml_attr (last (f), "type"), ==, "result");
  g_assert_cmpstr (fd_xml_attr (last (f), "to"), ==, PEER);
  g_assert_cmpstr (fd_xml_attr (last (f), "id"), ==, "1");
  g_assert_nonnull (fd_xml_child (last (f), "done", "urn:q"));

  receive (f, "<iq type='set' id='2' from='" PEER "'><q xmlns='urn:q'/></iq>");
  assert_answered_error (f, "item-not-found");
  error = fd_xml_child (last (f), "error", NULL);
  g_assert_nonnull (fd_xml_child (error, "unknown-session", "urn:xmpp:jingle:errors:1"));

  fd_iq_handle (f->iq, "get", "urn:q", NULL, NULL);
  receive (f, "<iq type='get' id='3'><q xmlns='urn:q'/></iq>");
  assert_answered_error (f, "service-unavailable");
  g_assert_null (fd_xml_attr (last (f), "to"));
}

static gboolean
refuses_peer (const char *from, gpointer data)
{
  return g_str_equal (from, data);
}

static void
test_refusal (Fixture *f, gconstpointer data)
{
  fd_iq_handle (f->iq, "get", "urn:q", on_request, NULL);
  fd_iq_set_refusal (f->iq, refuses_peer, (gpointer) PEER);
  receive (f, "<iq type='get' id='1' from='" PEER "'><q xmlns='urn:q'/></iq>");
  assert_answered_error (f, "service-unavailable");
  receive (f, "<iq type='get' id='2' from='" PEER "/other'><q xmlns='urn:q'/></iq>");
  g_assert_cmpstr (fd_xml_attr (last (f), "type"), ==, "result");
  receive (f, "<iq type='get' id='3'><q xmlns='urn:q'/></iq>");
  g_assert_cmpstr (fd_xml_attr (last (f), "type"), ==, "result");
  fd_iq_set_refusal (f->iq, NULL, NULL);
  receive (f, "<iq type='get' id='4' from='" PEER "'><q xmlns='urn:q'/></iq>");
  g_assert_cmpstr (fd_xml_attr (last (f), "type"), ==, "result");
}

static void
test_bad_requests (Fixture *f, gconstpointer data)
{
  static const char *const silent[] = {
    "<iq type='get'><q xmlns='urn:q'/></iq>",
    "<iq type='strange' id='1'><q xmlns='urn:q'/></iq>",
    "<iq id='1'/>",
    "<iq type='result' id='nobody-asked' from='" PEER "'/>",
    "<iq type='error' id='1' from='" PEER "'/>",
  };

  receive (f, "<iq type='get' id='1' from='" PEER "'/>");
  assert_answered_error (f, "bad-request");
  receive (f, "<iq type='set' id='2' from='" PEER "'><a xmlns='x'/><b xmlns='x'/></iq>");
  assert_answered_error (f, "bad-request");
  g_assert_cmpuint (f->written->len, ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    receive (f, silent[i]);
  g_assert_cmpuint (f->written->len, ==, 2);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/iq/result", test_result);
  ADD ("/iq/wrong-sender", test_wrong_sender);
  ADD ("/iq/own-server", test_own_server);
  ADD ("/iq/errors", test_errors);
  ADD ("/iq/timeout", test_timeout);
  ADD ("/iq/cancel", test_cancel);
  ADD ("/iq/stream-lost", test_stream_lost);
  ADD ("/iq/raw", test_raw);
  ADD ("/iq/requests", test_requests);
  ADD ("/iq/refusal", test_refusal);
  ADD ("/iq/bad-requests", test_bad_requests);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What passes the guard, what does not, and that it does not matter how the
 * bytes are cut.
 */
#include "base/error.h"
#include "xmpp/guard.h"

#include <string.h>

#define OPEN \
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
  "xmlns:stream='http://etherx.jabber.org/streams' from='example.org' version='1.0'>"

/* Feeds @xml in pieces of @step bytes. The elements that come out, one a line; the
 * error is what the guard says. */
static char *
digest (FdGuard *guard, const char *xml, gsize length, gsize step, GError **error)
{
  GString *text = g_string_new (NULL);
  gboolean fine = TRUE;

  for (gsize done = 0; done < length && fine; done += step)
    {
      xmpp_stanza_t *element;

      fine = fd_guard_feed (guard, xml + done, MIN (step, length - done), error);
      while ((element = fd_guard_take (guard)))
        {
          g_autofree char *one = fd_xml_to_string (element);

          g_string_append_printf (text, "%s\n", one);
          xmpp_stanza_release (element);
        }
    }
  return g_string_free (text, FALSE);
}

static char *
digest_all (const char *xml, gsize step, GError **error)
{
  g_autoptr (FdGuard) guard = fd_guard_new (FD_GUARD_MAX_STANZA);

  return digest (guard, xml, strlen (xml), step, error);
}

static void
assert_passes (const char *xml, const char *expected)
{
  static const gsize steps[] = { 1, 7, G_MAXSIZE / 2 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = digest_all (xml, steps[i], &error);

      g_assert_no_error (error);
      g_assert_cmpstr (text, ==, expected);
    }
}

static void
assert_refused (const char *xml, const char *words)
{
  static const gsize steps[] = { 1, 4096, G_MAXSIZE / 2 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = digest_all (xml, steps[i], &error);

      g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, words));
    }
}

#define HEADER_OUT \
  "<stream xmlns=\"http://etherx.jabber.org/streams\" from=\"example.org\" version=\"1.0\"/>\n"

static void
test_passes (void)
{
  assert_passes (OPEN, HEADER_OUT);
  assert_passes (OPEN " \n<iq type='get'/> ", HEADER_OUT "<iq type=\"get\"/>\n");
  assert_passes (OPEN "<a>x<b xmlns='urn:b'/>y&amp;<![CDATA[<z>]]></a></stream:stream>",
                 HEADER_OUT "<a>x<b xmlns=\"urn:b\"/>y&amp;&lt;z&gt;</a>\n");
  /* prefixes are the sender's business */
  assert_passes (OPEN "<q:a xmlns:q='urn:q'><q:b/></q:a>", HEADER_OUT "<a xmlns=\"urn:q\"><b/></a>\n");
}

static void
test_foreign_attributes (void)
{
  assert_passes (OPEN "<a xmlns:x='urn:x' x:type='set' type='get' xml:lang='de'/>",
                 HEADER_OUT "<a lang=\"de\" type=\"get\"/>\n");
}

static void
test_forbidden (void)
{
  assert_refused ("<!DOCTYPE x [<!ENTITY a 'b'>]>" OPEN, "document type");
  assert_refused (OPEN "<!-- hello -->", "comment");
  assert_refused (OPEN "<a><!-- hello --></a>", "comment");
  assert_refused (OPEN "<?php x?>", "processing instruction");
  assert_refused (OPEN "<a>&lol;</a>", "malformed");
  assert_refused (OPEN "hello", "text outside");
  assert_refused (OPEN "<a></b>", "malformed");
  assert_refused (OPEN "<x:a/>", "malformed");
  assert_refused (OPEN "<a b='1' b='2'/>", "malformed");
  assert_refused (OPEN "<a>\x01</a>", "malformed");
  assert_refused (OPEN "<a>\xff\xfe</a>", "not UTF-8");
  assert_refused (OPEN "</stream:stream><a/>", "");
  assert_refused ("<html><body/></html>", "no XMPP");
  assert_refused ("HTTP/1.1 400 Bad Request\r\n\r\n", "malformed");
  assert_refused ("<stream xmlns='jabber:client'>", "no XMPP");
}

/* Nothing but UTF-8, whatever the declaration says. */
static void
test_encoding (void)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  assert_refused ("<?xml version='1.0' encoding='ISO-8859-1'?>"
                  "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><a>\xe4</a>",
                  "malformed");
  text = digest_all (OPEN "<a>\xc3\xa4</a>", 1, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (text, "\xc3\xa4"));
}

static char *
repeat (const char *before, const char *what, guint count, const char *after)
{
  GString *text = g_string_new (before);

  for (guint i = 0; i < count; i++)
    g_string_append (text, what);
  g_string_append (text, after);
  return g_string_free (text, FALSE);
}

static void
test_limits (void)
{
  static const struct
  {
    const char *before, *what;
    guint allowed, too_many;
    const char *after, *words;
  } cases[] = {
    { OPEN, "<a>", 32, 33, "", "deep" },
    { OPEN "<q>", "<a/>", 4096, 4097, "</q>", "children" },
    { OPEN "<q>", "<b><a/><a/><a/><a/><a/><a/><a/></b>", 4095, 4096, "</q>", "elements" },
    { OPEN "<q a='", "x", 8192, 8193, "'/>", "attribute" },
    { OPEN "<q ", "abcdefgh", 125, 140, "='1'/>", "attribute" },
    { OPEN "<", "abcdefgh", 120, 140, "/>", "name" },
    { OPEN "<q xmlns='", "abcdefgh", 120, 140, "'/>", "name" },
    { OPEN "<q>", "0123456789abcdef", 65530, 65540, "</q>", "stanza" },
    { OPEN "<q>", "<![CDATA[0123]]>", 65530, 65540, "</q>", "stanza" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *fine = repeat (cases[i].before, cases[i].what, cases[i].allowed, cases[i].after);
      g_autofree char *bad = repeat (cases[i].before, cases[i].what, cases[i].too_many, cases[i].after);
      g_autoptr (GError) error = NULL;
      g_autofree char *text = digest_all (fine, 4096, &error);

      g_test_message ("%s", cases[i].words);
      g_assert_no_error (error);
      assert_refused (bad, cases[i].words);
    }
}

/* Any peer can have a good server pass these on. */
static void
test_peers (void)
{
  static const struct
  {
    const char *before, *what;
    guint too_many;
    const char *after;
  } cases[] = {
    { "<message>", "<a></a>", 4097, "</message>" },
    { "<message>", "<b><a/><a/><a/><a/><a/><a/><a/></b>", 4096, "</message>" },
    { "<presence>", "<a/>b", 3000, "</presence>" },
    { "<iq id='1' a='", "x", 8193, "'><a/></iq>" },
    { "<iq><q a='", "x", 8193, "'>text<a/></q>text</iq>" },
    { "<iq><", "abcdefgh", 140, "/></iq>" },
    { "<message><a><a><a><a>", "<a><a>", 20, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *bad = repeat (OPEN, "", 0, cases[i].before);
      g_autofree char *filled = repeat (bad, cases[i].what, cases[i].too_many, cases[i].after);
      g_autofree char *closed
        = repeat (filled, "</a>", *cases[i].after ? 0 : 44, *cases[i].after ? "" : "</message>");
      g_autofree char *xml = g_strconcat (closed, "<presence id='2'/>", NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *text = digest_all (xml, 4096, &error);

      g_assert_no_error (error);
      g_assert_null (strstr (text, "<message"));
      g_assert_null (strstr (text, "<iq"));
      g_assert_nonnull (strstr (text, "id=\"2\""));
    }
}

static void
test_attributes (void)
{
  g_autoptr (GString) text = g_string_new (OPEN "<a");

  for (guint i = 0; i < 65; i++)
    g_string_append_printf (text, " a%u=''", i);
  g_string_append (text, "/>");
  assert_refused (text->str, "attributes");
}

/* It never ends, and its beginning is read anew with each byte. */
static void
test_endless_tag (void)
{
  g_autofree char *text = repeat (OPEN "<a ", "b='1234567890' ", 10000, "");

  assert_refused (text, "tag of more than");
}

static void
test_stream_error_may_be_empty (void)
{
  assert_passes (OPEN "<stream:error/></stream:stream>",
                 HEADER_OUT "<error xmlns=\"http://etherx.jabber.org/streams\"/>\n");
}

static void
test_closed (void)
{
  g_autoptr (FdGuard) guard = fd_guard_new (FD_GUARD_MAX_STANZA);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = digest (guard, OPEN, strlen (OPEN), 4096, &error);

  g_assert_false (fd_guard_is_closed (guard));
  g_assert_true (fd_guard_feed (guard, "</stream:stream>", 16, &error));
  g_assert_true (fd_guard_is_closed (guard));
  g_assert_false (fd_guard_feed (guard, "<", 1, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
}

/* Who speaks on after <success/> does not wait for the new stream. */
static void
test_restart (void)
{
  static const char success[] = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
  g_autoptr (FdGuard) guard = fd_guard_new (FD_GUARD_MAX_STANZA);
  g_autoptr (GError) error = NULL;
  g_autofree char *first = digest (guard, OPEN, strlen (OPEN), 1, &error);
  g_autofree char *second = digest (guard, success, strlen (success), 1, &error);
  g_autofree char *third = NULL;

  fd_guard_restart (guard);
  third = digest (guard, OPEN "<a/>", strlen (OPEN "<a/>"), 1, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (third, ==, HEADER_OUT "<a/>\n");

  assert_refused (OPEN "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><iq/>", "before it hears");
  assert_refused (OPEN "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><iq/>", "before it hears");
}

static void
test_clear_limit (void)
{
  g_autofree char *xml = repeat (OPEN "<a>", "0123456789abcdef", 4100, "</a>");
  g_autoptr (FdGuard) guard = fd_guard_new (FD_GUARD_MAX_CLEAR);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = digest (guard, xml, strlen (xml), 4096, &error);

  g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
}

/* In-band blocks; prints how fast. */
static void
test_blocks (void)
{
  g_autofree char *stanza
    = repeat ("<iq type='set' id='x' from='a@b/c' to='d@e/f'><data xmlns='http://jabber.org/protocol/ibb' "
              "seq='1' sid='s'>",
              "0123456789abcdef", 5461, "</data></iq>");
  g_autoptr (FdGuard) guard = fd_guard_new (FD_GUARD_MAX_STANZA);
  g_autoptr (GError) error = NULL;
  gsize length = strlen (stanza);
  guint n_blocks = g_test_perf () ? 20000 : 200, taken = 0;
  gint64 start = g_get_monotonic_time ();
  double seconds;

  g_assert_true (fd_guard_feed (guard, OPEN, strlen (OPEN), &error));
  for (guint i = 0; i < n_blocks; i++)
    {
      for (gsize done = 0; done < length; done += 16384)
        g_assert_true (fd_guard_feed (guard, stanza + done, MIN (16384, length - done), &error));
      for (xmpp_stanza_t *element; (element = fd_guard_take (guard)); taken++)
        xmpp_stanza_release (element);
    }
  g_assert_cmpuint (taken, ==, n_blocks + 1);
  seconds = (g_get_monotonic_time () - start) / 1e6;
  g_test_maximized_result (length * n_blocks / 1e6 / seconds, "%.0f MB/s", length * n_blocks / 1e6 / seconds);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guard/passes", test_passes);
  g_test_add_func ("/guard/foreign-attributes", test_foreign_attributes);
  g_test_add_func ("/guard/forbidden", test_forbidden);
  g_test_add_func ("/guard/encoding", test_encoding);
  g_test_add_func ("/guard/limits", test_limits);
  g_test_add_func ("/guard/peers", test_peers);
  g_test_add_func ("/guard/attributes", test_attributes);
  g_test_add_func ("/guard/endless-tag", test_endless_tag);
  g_test_add_func ("/guard/empty-stream-error", test_stream_error_may_be_empty);
  g_test_add_func ("/guard/closed", test_closed);
  g_test_add_func ("/guard/restart", test_restart);
  g_test_add_func ("/guard/clear-limit", test_clear_limit);
  g_test_add_func ("/guard/blocks", test_blocks);
  return g_test_run ();
}

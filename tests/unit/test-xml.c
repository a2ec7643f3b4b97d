/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "xmpp/xml.h"

static void
assert_round_trip (const char *xml)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdXml) parsed = fd_xml_parse (xml, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = fd_xml_to_string (parsed);
  g_assert_cmpstr (text, ==, xml);
}

static void
test_round_trip (void)
{
  assert_round_trip ("<a/>");
  assert_round_trip ("<a b=\"&lt;&amp;&quot;'\">x &lt;y&gt; &amp; z</a>");
  assert_round_trip ("<a xmlns=\"u\"><b/><c xmlns=\"v\"><d/>text<e xmlns=\"u\"/></c></a>");
  assert_round_trip ("<a>\xe2\x82\xac \xef\xbf\xa0</a>");
}

static void
test_parse_errors (void)
{
  static const char *const texts[]
    = { "", "text", "<a>", "<a/><b/>", "<a/>text", "<a></b>", "<a b=c/>", "</x><x>", "<!DOCTYPE a><a/>" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", texts[i]);
      g_assert_null (fd_xml_parse (texts[i], &error));
      g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
    }
}

static void
test_build (void)
{
  g_autoptr (FdXml) root = fd_xml_new ("iq", NULL, "type", "set", "to", NULL, "id", "1", NULL);
  xmpp_stanza_t *child = fd_xml_add (root, "jingle", "urn:xmpp:jingle:1", NULL);
  xmpp_stanza_t *content = fd_xml_add (child, "content", NULL, "name", "a<b", NULL);
  g_autoptr (FdXml) parsed = NULL;
  g_autofree char *text = NULL;

  fd_xml_add_text (content, "name", "1 < 2");
  g_assert_true (fd_xml_is (content, "content", "urn:xmpp:jingle:1"));
  g_assert_null (fd_xml_attr (root, "to"));

  text = fd_xml_to_string (root);
  parsed = fd_xml_parse (text, NULL);
  g_assert_nonnull (parsed);
  child = fd_xml_child (parsed, "jingle", "urn:xmpp:jingle:1");
  g_assert_nonnull (child);
  content = fd_xml_first (child);
  g_assert_cmpstr (fd_xml_attr (content, "name"), ==, "a<b");
  g_free (text);
  text = fd_xml_child_text (content, "name");
  g_assert_cmpstr (text, ==, "1 < 2");
}

/* What a file name can hold and XML cannot must not end the stream. */
static void
test_impossible_text (void)
{
  g_autoptr (FdXml) element = fd_xml_new ("a", NULL, "b", "\x02", NULL);
  g_autoptr (FdXml) parsed = NULL;
  g_autofree char *text = NULL;

  fd_xml_set_text (element, "x\x01\xef\xbf\xbe\xff\ty");
  text = fd_xml_to_string (element);
  g_assert_cmpstr (text, ==, "<a b=\"\xef\xbf\xbd\">x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\ty</a>");
  parsed = fd_xml_parse (text, NULL);
  g_assert_nonnull (parsed);
}

static void
test_read (void)
{
  g_autoptr (FdXml) root
    = fd_xml_parse ("<a xmlns='u' n='7' bad='+7' big='300'> <b/> text <c xmlns='v'> x\n</c></a>", NULL);
  g_autofree char *text = NULL, *missing = NULL, *empty = NULL;
  guint64 number = 99;
  guint n_children = 0;

  FD_XML_FOREACH (child, root)
    n_children++;
  g_assert_cmpuint (n_children, ==, 2);
  g_assert_nonnull (fd_xml_child (root, NULL, "v"));
  g_assert_nonnull (fd_xml_child (root, "c", NULL));
  g_assert_null (fd_xml_child (root, "c", "u"));
  g_assert_false (fd_xml_is (root, "a", "v"));

  text = fd_xml_child_text (root, "c");
  g_assert_cmpstr (text, ==, "x");
  missing = fd_xml_child_text (root, "d");
  g_assert_null (missing);
  empty = fd_xml_child_text (root, "b");
  g_assert_cmpstr (empty, ==, "");

  g_assert_false (fd_xml_attr_uint (root, "none", 0, 255, &number));
  g_assert_false (fd_xml_attr_uint (root, "bad", 0, 255, &number));
  g_assert_false (fd_xml_attr_uint (root, "big", 0, 255, &number));
  g_assert_cmpuint (number, ==, 99);
  g_assert_true (fd_xml_attr_uint (root, "n", 0, 255, &number));
  g_assert_cmpuint (number, ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/xml/round-trip", test_round_trip);
  g_test_add_func ("/xml/parse-errors", test_parse_errors);
  g_test_add_func ("/xml/build", test_build);
  g_test_add_func ("/xml/impossible-text", test_impossible_text);
  g_test_add_func ("/xml/read", test_read);
  return g_test_run ();
}

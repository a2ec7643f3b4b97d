/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "xmpp/caps.h"
#include "xmpp/disco.h"

#define QUERY(content) "<query xmlns='http://jabber.org/protocol/disco#info'>" content "</query>"
#define FEATURES \
  "<feature var='http://jabber.org/protocol/disco#items'/>" \
  "<feature var='http://jabber.org/protocol/caps'/>" \
  "<feature var='http://jabber.org/protocol/muc'/>" \
  "<feature var='http://jabber.org/protocol/disco#info'/>"

/* XEP-0115 §5.2 and §5.3 */
#define SIMPLE QUERY ("<identity category='client' name='Exodus 0.9.1' type='pc'/>" FEATURES)
#define SIMPLE_VER "QgayPKawpkPSDYmwT/WM94uAlu0="
#define COMPLEX \
  QUERY ("<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>" \
         "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>" FEATURES \
         "<x xmlns='jabber:x:data' type='result'>" \
         "<field var='os'><value>Mac</value></field>" \
         "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>" \
         "<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>" \
         "<field var='os_version'><value>10.5.1</value></field>" \
         "<field var='software'><value>Psi</value></field>" \
         "<field var='software_version'><value>0.11</value></field></x>")
#define COMPLEX_VER "q07IKJEyjvHSyhy//CH0CxmKi8w="

static char *
ver_of (const char *xml, const char *hash)
{
  g_autoptr (FdXml) query = fd_xml_parse (xml, NULL);

  g_assert_nonnull (query);
  return fd_caps_ver (query, hash);
}

static void
test_vectors (void)
{
  g_autofree char *simple = ver_of (SIMPLE, "sha-1");
  g_autofree char *complex = ver_of (COMPLEX, "sha-1");
  g_autofree char *sha256 = ver_of (SIMPLE, "sha-256");

  g_assert_cmpstr (simple, ==, SIMPLE_VER);
  g_assert_cmpstr (complex, ==, COMPLEX_VER);
  g_assert_cmpuint (strlen (sha256), ==, 44);
  g_assert_null (ver_of (SIMPLE, "md5"));
}

static void
test_ignored_form (void)
{
  g_autofree char *ver
    = ver_of (QUERY ("<identity category='client' name='Exodus 0.9.1' type='pc'/>" FEATURES
                     "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>a</value></field></x>"
                     "<x xmlns='jabber:x:data'><field var='b'/></x>"),
              "sha-1");

  g_assert_cmpstr (ver, ==, SIMPLE_VER);
}

static void
test_ill_formed (void)
{
#define FORM(type) \
  "<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>" type "</value></field></x>"
  static const char *const cases[] = {
    QUERY ("<feature var='a'/><feature var='a'/>"),
    QUERY ("<feature/>"),
    QUERY ("<identity category='a' type='b'/><identity category='a' type='b'/>"),
    QUERY (FORM ("a") FORM ("a")),
    QUERY ("<x xmlns='jabber:x:data'><field var='FORM_TYPE' "
           "type='hidden'><value>a</value><value>b</value></field></x>"),
    /* a separator inside a part would make two answers look alike */
    QUERY ("<feature var='a&lt;b'/>"),
    QUERY ("<identity category='a' type='b' name='&lt;'/>"),
    QUERY (FORM ("a&lt;b")),
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i]);
      g_assert_null (ver_of (cases[i], "sha-1"));
    }
}

static void
test_parse (void)
{
  g_autoptr (FdXml) query
    = fd_xml_parse (QUERY ("<feature var='b'/><feature/><feature var='a'/><feature var='b'/>"), NULL);
  g_autoptr (FdDisco) disco = fd_disco_parse (query, NULL);

  g_assert_cmpuint (g_strv_length (disco->features), ==, 2);
  g_assert_cmpstr (disco->features[0], ==, "a");
  g_assert_true (fd_disco_has (disco, "b"));
  g_assert_false (fd_disco_has (disco, "c"));
}

static void
test_parse_limit (void)
{
  g_autoptr (FdXml) query = fd_xml_new ("query", FD_NS_DISCO_INFO, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 513; i++)
    {
      g_autofree char *var = g_strdup_printf ("f%u", i);

      fd_xml_add (query, "feature", NULL, "var", var, NULL);
    }
  g_assert_null (fd_disco_parse (query, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
}

/* Which client it is. */
static void
test_software (void)
{
#define SOFTWARE(fields) \
  QUERY ("<identity category='client' type='pc' name='Named'/>" \
         "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>other</value></field>" \
         "<field var='software'><value>Wrong</value></field></x>" \
         "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>" \
         "<value>urn:xmpp:dataforms:softwareinfo</value></field>" fields "</x>")
  g_autofree char *longest = g_strnfill (128, 'v');
  const struct
  {
    const char *xml, *software, *version;
  } cases[] = {
    { COMPLEX, "Psi", "0.11" },
    { SIMPLE, "Exodus 0.9.1", "" }, /* no form: the identity */
    { QUERY (""), "", "" },
    { QUERY ("<identity category='client' type='pc'/>"), "", "" },
    { SOFTWARE (""), "", "" },
    { SOFTWARE ("<field var='software'/>"), "", "" },
    { SOFTWARE ("<field var='software_version'><value>1.4.1456 (x)</value></field>"), "", "1.4.1456 (x)" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FdXml) query = fd_xml_parse (cases[i].xml, NULL);
      g_autoptr (FdDisco) disco = fd_disco_parse (query, NULL);

      g_assert_cmpstr (disco->software, ==, cases[i].software);
      g_assert_cmpstr (disco->software_version, ==, cases[i].version);
    }
  for (guint over = 0; over < 2; over++)
    {
      g_autofree char *xml = g_strdup_printf (
        SOFTWARE ("<field var='software_version'><value>%s%s</value></field>"), longest, over ? "v" : "");
      g_autoptr (FdXml) query = fd_xml_parse (xml, NULL);
      g_autoptr (FdDisco) disco = fd_disco_parse (query, NULL);

      g_assert_cmpstr (disco->software_version, ==, over ? "" : longest);
    }
}

static void
test_cache (void)
{
  g_autoptr (FdXml) query = fd_xml_parse (SIMPLE, NULL);
  g_autoptr (FdDisco) disco = fd_disco_parse (query, NULL);

  g_assert_null (fd_caps_cache_lookup ("sha-1", SIMPLE_VER));
  fd_caps_cache_add ("sha-1", SIMPLE_VER, disco);
  g_assert_true (fd_caps_cache_lookup ("sha-1", SIMPLE_VER) == disco);
  g_assert_null (fd_caps_cache_lookup ("sha-256", SIMPLE_VER));

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *ver = g_strdup_printf ("v%u", i);

      fd_caps_cache_add ("sha-1", ver, disco);
    }
  g_assert_null (fd_caps_cache_lookup ("sha-1", SIMPLE_VER));
  g_assert_nonnull (fd_caps_cache_lookup ("sha-1", "v999"));
}

static void
on_write (const char *xml, gsize length, gpointer data)
{
  xmpp_stanza_t **last = data;

  g_clear_pointer (last, fd_xml_free);
  *last = fd_xml_parse (xml, NULL);
}

static void
ask (FdIq *iq, const char *node)
{
  g_autoptr (FdXml) request = fd_xml_new ("iq", NULL, "type", "get", "id", "1", "from", "a@b/c", NULL);

  fd_xml_add (request, "query", FD_NS_DISCO_INFO, "node", node, NULL);
  fd_iq_receive (iq, request);
}

/* What presence claims is what disco#info answers. */
static void
test_own (void)
{
  static const char *const expected[] = {
    "http://jabber.org/protocol/ibb",
    "urn:xmpp:hashes:1",
    "urn:xmpp:hashes:2",
    "urn:xmpp:hash-function-text-names:sha-256",
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:apps:file-transfer:4",
    "urn:xmpp:jingle:apps:file-transfer:5",
    "urn:xmpp:jingle:transports:ibb:1",
    "urn:xmpp:jingle:transports:s5b:1",
    "urn:x-fardel:batch:0",
    "urn:x-fardel:cid-dst:0",
    "urn:x-fardel:early-accept:0",
    "urn:x-fardel:eoc:0",
    "urn:x-fardel:resume:0",
  };
  g_autoptr (FdXml) presence = fd_disco_new_presence (NULL);
  xmpp_stanza_t *caps = fd_xml_child (presence, "c", FD_NS_CAPS);
  g_autoptr (FdXml) answer = NULL;
  g_autofree char *node = g_strdup_printf ("%s#%s", fd_xml_attr (caps, "node"), fd_xml_attr (caps, "ver"));
  g_autofree char *ver = NULL;
  g_autoptr (FdDisco) disco = NULL;
  xmpp_stanza_t *query;
  FdIq *iq = fd_iq_new (on_write, &answer);

  fd_disco_serve (iq);
  ask (iq, "https://other.example#x");
  g_assert_cmpstr (fd_xml_attr (answer, "type"), ==, "error");
  ask (iq, NULL);
  g_assert_cmpstr (fd_xml_attr (answer, "type"), ==, "result");
  ask (iq, node);
  query = fd_xml_child (answer, "query", FD_NS_DISCO_INFO);
  g_assert_cmpstr (fd_xml_attr (query, "node"), ==, node);

  ver = fd_caps_ver (query, "sha-1");
  g_assert_cmpstr (ver, ==, fd_xml_attr (caps, "ver"));
  disco = fd_disco_parse (query, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_true (fd_disco_has (disco, expected[i]));
  for (guint i = 0; disco->features[i]; i++) /* Gajim and Psi take the strongest: only ours */
    g_assert_true (!g_str_has_prefix (disco->features[i], "urn:xmpp:hash-function-text-names:")
                   || g_str_has_suffix (disco->features[i], ":sha-256"));
  g_assert_false (fd_disco_has (disco, "http://jabber.org/protocol/bytestreams"));
  fd_iq_free (iq);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/caps/vectors", test_vectors);
  g_test_add_func ("/caps/ignored-form", test_ignored_form);
  g_test_add_func ("/caps/ill-formed", test_ill_formed);
  g_test_add_func ("/caps/parse", test_parse);
  g_test_add_func ("/caps/parse-limit", test_parse_limit);
  g_test_add_func ("/caps/software", test_software);
  g_test_add_func ("/caps/cache", test_cache);
  g_test_add_func ("/caps/own", test_own);
  return g_test_run ();
}

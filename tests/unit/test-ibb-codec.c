/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "ibb/transport.h"

#define OPEN "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' "

static void
test_parse (void)
{
  static const struct
  {
    const char *xml, *sid;
    guint block_size; /* 0: refused */
  } cases[] = {
    { OPEN "block-size='8192' sid='s1'/>", "s1", 8192 },
    { OPEN "block-size='1' sid='s1' stanza='iq'/>", "s1", 1 },
    { OPEN "block-size='65535'/>", NULL, 65535 },
    { OPEN "block-size='0' sid='s'/>", "s", 4096 },
    { OPEN "sid='None'/>", "None", 4096 },
    { OPEN "block-size='65536' sid='s'/>", NULL, 0 },
    { OPEN "block-size='-1' sid='s'/>", NULL, 0 },
    { OPEN "block-size='many' sid='s'/>", NULL, 0 },
    { OPEN "block-size='' sid='s'/>", NULL, 0 },
    { "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='s'/>", NULL, 0 },
    { "<open xmlns='urn:xmpp:jingle:transports:ibb:1' sid='s'/>", NULL, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FdXml) xml = fd_xml_parse (cases[i].xml, &error);
      g_autoptr (FdIbbInfo) info = NULL;

      g_assert_no_error (error);
      info = fd_ibb_info_parse (xml, &error);
      if (cases[i].block_size == 0)
        {
          g_assert_null (info);
          g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (info->sid, ==, cases[i].sid);
      g_assert_cmpuint (info->block_size, ==, cases[i].block_size);
    }
}

static void
test_build (void)
{
  g_autoptr (FdIbbInfo) info = fd_ibb_info_new ("a&b", FD_IBB_BLOCK_SIZE);
  g_autoptr (FdIbbInfo) no_sid = fd_ibb_info_new (NULL, 0);
  g_autoptr (FdXml) built = fd_ibb_info_build (info);
  g_autoptr (FdXml) built_no_sid = fd_ibb_info_build (no_sid);
  g_autofree char *text = fd_xml_to_string (built);
  g_autoptr (FdXml) parsed = fd_xml_parse (text, NULL);
  g_autoptr (FdIbbInfo) again = fd_ibb_info_parse (parsed, NULL);

  g_assert_true (fd_xml_is (built, "transport", FD_NS_JINGLE_IBB));
  g_assert_cmpstr (again->sid, ==, "a&b");
  g_assert_cmpuint (again->block_size, ==, 8192);
  g_assert_null (fd_xml_attr (built_no_sid, "sid"));
  g_assert_cmpstr (fd_xml_attr (built_no_sid, "block-size"), ==, "4096");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ibb-codec/parse", test_parse);
  g_test_add_func ("/ibb-codec/build", test_build);
  return g_test_run ();
}

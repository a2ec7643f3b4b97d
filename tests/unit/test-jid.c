/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "xmpp/jid.h"

static void
test_prepare (void)
{
  static const struct
  {
    const char *jid;
    const char *prepared; /* NULL: refused */
  } cases[] = {
    { "juliet@capulet.lit", "juliet@capulet.lit" },
    { "Juliet@CAPULET.lit/Balcony", "juliet@capulet.lit/Balcony" },
    { "capulet.lit", "capulet.lit" },
    { "capulet.lit.", "capulet.lit" },
    { "evil.example/bob@good.example/r", "evil.example/bob@good.example/r" },
    { "\xc3\x84rger@b\xc3\xbc"
      "cher.example",
      "\xc3\xa4rger@b\xc3\xbc"
      "cher.example" },
    { "a@[::1]", "a@[::1]" },
    { "a@127.0.0.1", "a@127.0.0.1" },
    { "a@b/with space \xe2\x98\x83", "a@b/with space \xe2\x98\x83" },
    { "", NULL },
    { "@capulet.lit", NULL },
    { "juliet@", NULL },
    { "juliet@capulet.lit/", NULL },
    { "ju liet@capulet.lit", NULL },
    { "ju\"liet@capulet.lit", NULL },
    { "a@b@c", NULL },
    { "juliet@capulet..lit", NULL },
    { "juliet@capu let.lit", NULL },
    { "juliet@[capulet]", NULL },
    { "juliet@capulet.lit/\x01", NULL },
    { "juliet\xff@capulet.lit", NULL },
    { "\xc2\xad@capulet.lit", NULL }, /* a soft hyphen is mapped to nothing */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *prepared = fd_jid_prepare (cases[i].jid, &error);

      g_test_message ("case %u", i);
      g_assert_cmpstr (prepared, ==, cases[i].prepared);
      if (!cases[i].prepared)
        g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_JID);
    }
}

static void
test_long (void)
{
  g_autofree char *limit = g_strnfill (1023, 'a');
  g_autofree char *over = g_strnfill (1024, 'a');
  g_autofree char *valid = g_strconcat ("a@b/", limit, NULL);
  g_autofree char *too_long = g_strconcat (over, "@b", NULL);
  g_autofree char *prepared = fd_jid_prepare (valid, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (prepared, ==, valid);
  g_assert_null (fd_jid_prepare (too_long, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_JID);
}

static void
test_bare (void)
{
  static const char *const refused[] = { "capulet.lit", "juliet@capulet.lit/x", "capulet.lit/a@b" };
  g_autofree char *bare = fd_jid_prepare_bare ("Juliet@capulet.lit", NULL);

  g_assert_cmpstr (bare, ==, "juliet@capulet.lit");
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (fd_jid_prepare_bare (refused[i], &error));
      g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_JID);
    }
}

static void
test_parts (void)
{
  static const struct
  {
    const char *jid, *bare, *node, *domain, *resource;
  } cases[] = {
    { "a@b/c", "a@b", "a", "b", "c" },      { "a@b", "a@b", "a", "b", NULL }, { "b", "b", NULL, "b", NULL },
    { "b/c@d/e", "b", NULL, "b", "c@d/e" }, { "a@b/", "a@b", "a", "b", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *bare = fd_jid_bare (cases[i].jid);
      g_autofree char *node = fd_jid_node (cases[i].jid);
      g_autofree char *domain = fd_jid_domain (cases[i].jid);

      g_assert_cmpstr (bare, ==, cases[i].bare);
      g_assert_cmpstr (node, ==, cases[i].node);
      g_assert_cmpstr (domain, ==, cases[i].domain);
      g_assert_cmpstr (fd_jid_resource (cases[i].jid), ==, cases[i].resource);
    }
}

static void
test_same_bare (void)
{
  g_assert_true (fd_jid_same_bare ("a@b/x", "a@b"));
  g_assert_true (fd_jid_same_bare ("a@b/x", "a@b/y"));
  g_assert_false (fd_jid_same_bare ("a@b", "a@bc"));
  g_assert_false (fd_jid_same_bare ("a@bc/x", "a@b/x"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jid/prepare", test_prepare);
  g_test_add_func ("/jid/long", test_long);
  g_test_add_func ("/jid/bare", test_bare);
  g_test_add_func ("/jid/parts", test_parts);
  g_test_add_func ("/jid/same-bare", test_same_bare);
  return g_test_run ();
}

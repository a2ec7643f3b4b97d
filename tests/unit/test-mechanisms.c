/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which SASL mechanism is chosen, and which challenge is too dear.
 */
#include "base/error.h"
#include "xmpp/mechanisms.h"

#include <string.h>

static void
assert_choice (const char *offered, gboolean certificate, const char *chosen)
{
  g_autoptr (FdXml) features = fd_xml_new ("features", "http://etherx.jabber.org/streams", NULL);
  xmpp_stanza_t *mechanisms = fd_xml_add (features, "mechanisms", "urn:ietf:params:xml:ns:xmpp-sasl", NULL);
  g_auto (GStrv) names = g_strsplit (offered, " ", -1);

  for (guint i = 0; names[i]; i++)
    fd_xml_add_text (mechanisms, "mechanism", names[i]);
  g_assert_cmpstr (fd_mechanisms_choose (features, certificate), ==, chosen);
}

static void
test_choice (void)
{
  static const struct
  {
    const char *offered;
    const char *chosen;
  } cases[] = {
    { "PLAIN SCRAM-SHA-1", "SCRAM-SHA-1" },
    { "SCRAM-SHA-1 SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN", "SCRAM-SHA-256" },
    { "SCRAM-SHA-1 SCRAM-SHA-512 SCRAM-SHA-256", "SCRAM-SHA-512" },
    { "DIGEST-MD5 PLAIN EXTERNAL ANONYMOUS", "PLAIN" },
    { "EXTERNAL", NULL },
    { "SCRAM-SHA-1-PLUS", NULL },
    { "DIGEST-MD5 ANONYMOUS", NULL },
    { "plain", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_choice (cases[i].offered, FALSE, cases[i].chosen);
  assert_choice ("SCRAM-SHA-256 PLAIN EXTERNAL", TRUE, "EXTERNAL");
  assert_choice ("PLAIN SCRAM-SHA-256", TRUE, "SCRAM-SHA-256");
  assert_choice ("ANONYMOUS", TRUE, NULL);
}

static void
test_none (void)
{
  g_autoptr (FdXml) features = fd_xml_new ("features", "http://etherx.jabber.org/streams", NULL);

  g_assert_null (fd_mechanisms_choose (features, TRUE));
}

/* 65 bytes; the library would abort at 125. */
#define SALT_OF_65 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
test_challenge (void)
{
  static const struct
  {
    const char *text;
    gboolean fine;
  } cases[] = {
    { "r=abc,s=c2FsdA==,i=4096", TRUE },
    { "r=abc,s=c2FsdA==,i=20000", TRUE },
    { "r=abc,s=c2FsdA==,i=4096,h=new", TRUE },
    { "r=abc,s=c2FsdA==,i=20001", FALSE },
    { "r=abc,s=c2FsdA==,i=4095", FALSE },
    { "r=abc,s=c2FsdA==,i=4096,i=4000000000", FALSE },
    { "r=abc,s=c2FsdA==,i=4096,r=other", FALSE },
    { "r=abc,s=c2FsdA==,i=4096,", FALSE },
    { "m=new,r=abc,s=c2FsdA==,i=4096", FALSE },
    { "s=c2FsdA==,r=abc,i=4096", FALSE },
    { "r=,s=c2FsdA==,i=4096", FALSE },
    { "r=ab,s=c2FsdA==,i=4096", FALSE }, /* nothing of the server's */
    { "r=xabc,s=c2FsdA==,i=4096", FALSE },
    { "r=abc,s=,i=4096", FALSE },
    { "r=abc,s=@@@@,i=4096", FALSE },
    { "r=abc,s=" SALT_OF_65 ",i=4096", FALSE },
    { "r=abc,s=c2FsdA==,i=4294967295", FALSE },
    { "r=abc,s=c2FsdA==,i=0", FALSE },
    { "r=abc,s=c2FsdA==,i=-1", FALSE },
    { "r=abc,s=c2FsdA==,i=9x", FALSE },
    { "r=abc,s=c2FsdA==", FALSE },
    { "", FALSE },
    { "r=abc,s=c2FsdA==,i=4095", FALSE },
    { "r=ab,s=c2FsdA==,i=4096", FALSE },
    { "r=bbc,s=c2FsdA==,i=4096", FALSE },
    { "r=abc,s=,i=4096", FALSE },
    { "r=abc,s=c2FsdA=,i=4096", FALSE },
    { "m=x,r=abc,s=c2FsdA==,i=4096", FALSE },
    { "r=abc,s=c2FsdA==,i=4096,x=y", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *base64 = g_base64_encode ((const guchar *) cases[i].text, strlen (cases[i].text));
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (fd_mechanisms_check_challenge (base64, "ab", &error), ==, cases[i].fine);
      if (!cases[i].fine)
        g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
    }
}

/* libstrophe aborts at such a salt. */
static void
test_long_challenge (void)
{
  g_autofree char *salt = g_strnfill (200000, 'A');
  g_autofree char *text = g_strdup_printf ("r=abc,s=%s,i=4096", salt);
  g_autofree char *base64 = g_base64_encode ((const guchar *) text, strlen (text));
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_mechanisms_check_challenge (base64, "ab", &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_PROTOCOL);
  g_assert_false (fd_mechanisms_check_challenge ("not base64!", "ab", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mechanisms/choice", test_choice);
  g_test_add_func ("/mechanisms/none", test_none);
  g_test_add_func ("/mechanisms/challenge", test_challenge);
  g_test_add_func ("/mechanisms/long-challenge", test_long_challenge);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The words in the clear: the one good way, and each other one.
 */
#include "xmpp/starttls.h"

#include <string.h>

#define OPEN \
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
  "xmlns:stream='http://etherx.jabber.org/streams' from='example.org' version='1.0'>"
#define OFFER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
#define PROCEED "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

/* Feeds @xml in pieces; the last state. What is to be sent is added to @sent. */
static FdStarttlsState
feed (const char *xml, gsize step, GString *sent, FdFailure *failure)
{
  FdStarttls *starttls = fd_starttls_new ("example.org");
  FdStarttlsState state = FD_STARTTLS_GOES_ON;
  gsize length = strlen (xml);
  const char *output = fd_starttls_take_output (starttls);

  g_string_append (sent, output);
  for (gsize done = 0; done < length && state == FD_STARTTLS_GOES_ON; done += step)
    {
      state = fd_starttls_feed (starttls, xml + done, MIN (step, length - done), failure);
      output = fd_starttls_take_output (starttls);
      if (output)
        g_string_append (sent, output);
    }
  fd_starttls_free (starttls);
  return state;
}

static void
test_proceed (void)
{
  static const gsize steps[] = { 1, 10000 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GString) sent = g_string_new (NULL);
      FdFailure failure = { 0 };

      g_assert_cmpint (feed (OPEN OFFER PROCEED, steps[i], sent, &failure), ==, FD_STARTTLS_PROCEED);
      g_assert_no_error (failure.error);
      g_assert_true (g_str_has_prefix (sent->str, "<?xml version='1.0'?><stream:stream to='example.org'"));
      g_assert_true (g_str_has_suffix (sent->str, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
    }
}

/* Somebody put features of his own behind the last word in the clear. */
static void
test_injection (void)
{
  g_autoptr (GString) sent = g_string_new (NULL);
  FdFailure failure = { 0 };

  g_assert_cmpint (feed (OPEN OFFER PROCEED
                         "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-"
                         "sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>",
                         10000, sent, &failure),
                   ==, FD_STARTTLS_FAILED);
  g_assert_null (strstr (sent->str, "auth"));
  g_assert_error (failure.error, FD_ERROR, FD_ERROR_PROTOCOL);
  fd_failure_clear (&failure);
}

static void
test_failures (void)
{
  static const struct
  {
    const char *xml;
    gboolean fatal;
    FdErrorCode code;
    const char *words;
  } cases[] = {
    { OPEN "<stream:features/>", TRUE, FD_ERROR_TLS_FAILED, "offers no TLS" },
    { OPEN "<stream:features><starttls/></stream:features>", TRUE, FD_ERROR_TLS_FAILED, "offers no TLS" },
    { OPEN PROCEED, FALSE, FD_ERROR_PROTOCOL, "something else" },
    { OPEN OFFER OFFER, FALSE, FD_ERROR_PROTOCOL, "something else" },
    { OPEN OFFER "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", FALSE, FD_ERROR_PROTOCOL,
      "something else" },
    { OPEN OFFER "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", FALSE, FD_ERROR_TLS_FAILED,
      "just now" },
    { OPEN "<stream:error/>", FALSE, FD_ERROR_PROTOCOL, "no reason" },
    { OPEN "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
           "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Bye!</text></stream:error>",
      FALSE, FD_ERROR_CONNECTION_FAILED, "shutting down (Bye!)" },
    { OPEN "<stream:error><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Full</text>"
           "<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
      FALSE, FD_ERROR_BUSY, "overloaded (Full)" },
    { OPEN "<stream:error><frobnicated xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", FALSE,
      FD_ERROR_PROTOCOL, "(frobnicated)" },
    { OPEN "</stream:stream>", FALSE, FD_ERROR_CONNECTION_FAILED, "broke off" },
    { OPEN "<!-- -->", FALSE, FD_ERROR_PROTOCOL, "comment" },
    { "SSH-2.0-OpenSSH\r\n", FALSE, FD_ERROR_PROTOCOL, "malformed" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) sent = g_string_new (NULL);
      FdFailure failure = { 0 };

      g_assert_cmpint (feed (cases[i].xml, 10000, sent, &failure), ==, FD_STARTTLS_FAILED);
      g_assert_error (failure.error, FD_ERROR, (gint) cases[i].code);
      g_test_message ("%s", failure.error->message);
      g_assert_nonnull (strstr (failure.error->message, cases[i].words));
      g_assert_cmpint (failure.fatal, ==, cases[i].fatal);
      g_assert_null (failure.redirect);
      fd_failure_clear (&failure);
    }
}

static void
test_eof (void)
{
  FdStarttls *starttls = fd_starttls_new ("example.org");
  FdFailure failure = { 0 };

  g_assert_cmpint (fd_starttls_feed (starttls, "", 0, &failure), ==, FD_STARTTLS_FAILED);
  g_assert_error (failure.error, FD_ERROR, FD_ERROR_CONNECTION_FAILED);
  fd_failure_clear (&failure);
  fd_starttls_free (starttls);
}

static void
test_see_other_host (void)
{
  g_autoptr (GString) sent = g_string_new (NULL);
  FdFailure failure = { 0 };

  g_assert_cmpint (feed (OPEN "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
                              "b.example.org:5333</see-other-host></stream:error>",
                         10000, sent, &failure),
                   ==, FD_STARTTLS_FAILED);
  g_assert_cmpstr (failure.redirect, ==, "b.example.org:5333");
  g_assert_false (failure.fatal);
  fd_failure_clear (&failure);
}

static void
test_domain_is_escaped (void)
{
  FdStarttls *starttls = fd_starttls_new ("a'><b");

  g_assert_null (strstr (fd_starttls_take_output (starttls), "a'>"));
  fd_starttls_free (starttls);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/starttls/proceed", test_proceed);
  g_test_add_func ("/starttls/injection", test_injection);
  g_test_add_func ("/starttls/failures", test_failures);
  g_test_add_func ("/starttls/eof", test_eof);
  g_test_add_func ("/starttls/see-other-host", test_see_other_host);
  g_test_add_func ("/starttls/escaped", test_domain_is_escaped);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The library behind its fence, with the test as the server's side of the guard.
 */
#include "base/fd.h"
#include "xmpp/login.h"

#include <string.h>

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define BIND "xmlns='urn:ietf:params:xml:ns:xmpp-bind'"

typedef struct
{
  FdLogin *login;
  int low_fd;
  GString *output;
  char *bound;
  gboolean done;
  FdFailure failure;
} Fixture;

static void
on_output (const char *bytes, gsize length, gpointer data)
{
  Fixture *f = data;

  g_string_append_len (f->output, bytes, length);
}

static void
on_done (const char *bound_jid, FdFailure *failure, gpointer data)
{
  Fixture *f = data;

  f->done = TRUE;
  f->bound = g_strdup (bound_jid);
  f->failure = *failure;
  *failure = (FdFailure){ 0 };
}

typedef struct
{
  const char *password;
  gboolean certificate;
} Credentials;

static void
set_up (Fixture *f, gconstpointer data)
{
  const Credentials *credentials = data;
  static const FdLoginHooks hooks = { on_output, on_done };
  g_autoptr (GError) error = NULL;

  *f = (Fixture){ .output = g_string_new (NULL), .low_fd = fd_login_reserve_fd () };
  f->login = fd_login_new ("romeo@example.org/desk", credentials->password, credentials->certificate,
                           &f->low_fd, &hooks, f, &error);
  g_assert_no_error (error);
  g_assert_nonnull (f->login);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  fd_login_free (f->login);
  fd_close (&f->low_fd);
  fd_failure_clear (&f->failure);
  g_free (f->bound);
  g_string_free (f->output, TRUE);
}

/* Until the library has said @text; forgets what it said. */
static char *
expect (Fixture *f, const char *text)
{
  char *said;

  while (!strstr (f->output->str, text))
    {
      g_assert_false (f->done);
      g_main_context_iteration (NULL, TRUE);
    }
  said = g_strdup (f->output->str);
  g_string_truncate (f->output, 0);
  return said;
}

static gboolean
feed (Fixture *f, const char *xml)
{
  g_autoptr (FdXml) element = fd_xml_parse (xml, NULL);

  g_assert_nonnull (element);
  return fd_login_feed (f->login, element, &f->failure);
}

static void
open_stream (Fixture *f)
{
  g_autoptr (FdXml) header = fd_xml_new ("stream", NS_STREAMS, NULL);
  g_autofree char *said = expect (f, "<stream:stream");

  g_assert_nonnull (strstr (said, "to=\"example.org\""));
  g_assert_true (fd_login_feed (f->login, header, &f->failure));
}

static gboolean
offer (Fixture *f, const char *mechanisms)
{
  g_autofree char *xml = g_strconcat (
    "<features xmlns='" NS_STREAMS "'>"
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls><mechanisms " SASL ">",
    mechanisms, "</mechanisms></features>", NULL);

  open_stream (f);
  return feed (f, xml);
}

static void
bind_resource (Fixture *f)
{
  g_autofree char *bind = NULL, *answer = NULL, *id = NULL;

  open_stream (f);
  g_assert_true (feed (f, "<features xmlns='" NS_STREAMS "'><bind " BIND "/>"
                          "<sm xmlns='urn:xmpp:sm:3'/></features>"));
  bind = expect (f, "</iq>");
  g_assert_nonnull (strstr (bind, "<resource>desk</resource>"));
  id = g_strndup (strstr (bind, "id=\"") + 4, strcspn (strstr (bind, "id=\"") + 4, "\""));
  answer = g_strdup_printf ("<iq xmlns='jabber:client' type='result' id='%s'><bind " BIND ">"
                            "<jid>romeo@example.org/desk7</jid></bind></iq>",
                            id);
  g_assert_true (feed (f, answer));
  while (!f->done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (f->bound, ==, "romeo@example.org/desk7");
  g_assert_no_error (f->failure.error);
}

static void
test_plain (Fixture *f, gconstpointer unused)
{
  g_autofree char *auth = NULL, *expected = NULL;

  g_assert_true (offer (f, "<mechanism>DIGEST-MD5</mechanism><mechanism>PLAIN</mechanism>"));
  auth = expect (f, "</auth>");
  expected = g_base64_encode ((const guchar *) "\0romeo\0secret", 13);
  g_assert_nonnull (strstr (auth, "mechanism=\"PLAIN\""));
  g_assert_nonnull (strstr (auth, expected));

  g_assert_true (feed (f, "<success " SASL "/>"));
  bind_resource (f);
}

#define EXTERNAL "<mechanism>EXTERNAL</mechanism>"
/* base64 of romeo@example.org */
#define OUR_AUTH "<auth " SASL " mechanism='EXTERNAL'>cm9tZW9AZXhhbXBsZS5vcmc=</auth>"

static void
test_external (Fixture *f, gconstpointer unused)
{
  g_autofree char *auth = NULL;

  g_assert_true (offer (f, "<mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism>" EXTERNAL));
  auth = expect (f, "</auth>");
  g_assert_cmpstr (auth, ==, OUR_AUTH); /* and nothing of the library's */
  g_assert_true (feed (f, "<success " SASL "/>"));
  bind_resource (f);
}

/* The library has not said its word yet when it hears that it was good. */
static void
test_external_hasty (Fixture *f, gconstpointer unused)
{
  g_autofree char *said = NULL;

  g_assert_true (offer (f, EXTERNAL));
  g_assert_true (feed (f, "<success " SASL "/>"));
  said = expect (f, "<stream:stream");
  g_assert_true (g_str_has_prefix (said, OUR_AUTH));
  g_assert_null (strstr (said, "PLAIN"));
}

static void
test_external_refused (Fixture *f, gconstpointer unused)
{
  g_autofree char *auth = NULL;

  g_assert_true (offer (f, EXTERNAL));
  auth = expect (f, "</auth>");
  g_assert_false (feed (f, "<failure " SASL "><not-authorized/></failure>"));
  g_assert_error (f->failure.error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
  g_assert_true (f->failure.fatal);
  g_assert_nonnull (
    strstr (f->failure.error->message, "refused the client certificate of romeo@example.org"));
}

/* The password is there for servers that do not take the certificate. */
static void
test_external_not_offered (Fixture *f, gconstpointer data)
{
  const Credentials *credentials = data;
  g_autofree char *auth = NULL;

  g_assert_cmpint (offer (f, "<mechanism>SCRAM-SHA-1</mechanism>"), ==, credentials->password != NULL);
  if (credentials->password)
    {
      auth = expect (f, "</auth>");
      g_assert_nonnull (strstr (auth, "SCRAM-SHA-1"));
      return;
    }
  g_assert_error (f->failure.error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
  g_assert_nonnull (strstr (f->failure.error->message, "EXTERNAL"));
}

static void
test_scram_first (Fixture *f, gconstpointer unused)
{
  g_autofree char *auth = NULL;

  g_assert_true (offer (f, "<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-256-PLUS</mechanism>"
                           "<mechanism>SCRAM-SHA-1</mechanism><mechanism>SCRAM-SHA-256</mechanism>"));
  auth = expect (f, "</auth>");
  g_assert_nonnull (strstr (auth, "mechanism=\"SCRAM-SHA-256\""));
}

static void
test_iterations (Fixture *f, gconstpointer unused)
{
  g_autofree char *auth = NULL, *challenge = NULL, *xml = NULL, *first = NULL, *text = NULL;
  g_autofree guchar *decoded = NULL;
  gsize length;

  g_assert_true (offer (f, "<mechanism>SCRAM-SHA-1</mechanism>"));
  auth = expect (f, "</auth>");
  first = g_strndup (strchr (auth, '>') + 1, strstr (auth, "</auth>") - strchr (auth, '>') - 1);
  decoded = g_base64_decode (first, &length);
  text = g_strdup_printf ("%sx,s=c2FsdA==,i=4000000000", g_strstr_len ((char *) decoded, length, ",r=") + 1);
  challenge = g_base64_encode ((const guchar *) text, strlen (text));
  xml = g_strdup_printf ("<challenge " SASL ">%s</challenge>", challenge);
  g_assert_false (feed (f, xml));
  g_assert_error (f->failure.error, FD_ERROR, FD_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (f->failure.error->message, "iterations"));
}

static void
test_no_mechanism (Fixture *f, gconstpointer unused)
{
  g_assert_false (offer (f, "<mechanism>ANONYMOUS</mechanism>"));
  g_assert_error (f->failure.error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
  g_assert_true (f->failure.fatal);
  g_assert_cmpuint (f->output->len, ==, 0);
}

static void
test_failures (Fixture *f, gconstpointer unused)
{
  static const struct
  {
    const char *children;
    gboolean fatal;
    const char *words;
  } cases[] = {
    { "<not-authorized/>", TRUE, "refused the password of romeo@example.org" },
    { "<text>Locked</text><account-disabled/>", TRUE, "is disabled (Locked)" },
    { "<temporary-auth-failure/>", FALSE, "just now" },
    { "<invalid-mechanism/>", TRUE, "(invalid-mechanism)" },
    { "", TRUE, "did not log" },
  };

  g_assert_true (offer (f, "<mechanism>PLAIN</mechanism>"));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *xml = g_strdup_printf ("<failure " SASL ">%s</failure>", cases[i].children);

      fd_failure_clear (&f->failure);
      g_assert_false (feed (f, xml));
      g_assert_error (f->failure.error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
      g_test_message ("%s", f->failure.error->message);
      g_assert_nonnull (strstr (f->failure.error->message, cases[i].words));
      g_assert_cmpint (f->failure.fatal, ==, cases[i].fatal);
    }
}

/* Freed at any moment. */
static void
test_early_end (Fixture *f, gconstpointer unused)
{
  g_assert_true (offer (f, "<mechanism>PLAIN</mechanism>"));
}

#define ADD_WITH(credentials, path, function) \
  g_test_add (path, Fixture, &credentials, set_up, function, tear_down)
#define ADD(path, function) ADD_WITH (password, path, function)

int
main (int argc, char **argv)
{
  static const Credentials password = { "secret", FALSE }, certificate = { NULL, TRUE },
                           both = { "secret", TRUE };

  g_test_init (&argc, &argv, NULL);
  ADD ("/login/plain", test_plain);
  ADD_WITH (certificate, "/login/external", test_external);
  ADD_WITH (both, "/login/external/before-password", test_external);
  ADD_WITH (both, "/login/external/hasty", test_external_hasty);
  ADD_WITH (certificate, "/login/external/refused", test_external_refused);
  ADD_WITH (certificate, "/login/external/not-offered", test_external_not_offered);
  ADD_WITH (both, "/login/external/not-offered-but-password", test_external_not_offered);
  ADD ("/login/scram-first", test_scram_first);
  ADD ("/login/iterations", test_iterations);
  ADD ("/login/no-mechanism", test_no_mechanism);
  ADD ("/login/failures", test_failures);
  ADD ("/login/early-end", test_early_end);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The link against a server with real TLS: whom it trusts, what it says about
 * whom it does not, and that bytes pass.
 */
#include "tls-server.h"
#include "xmpp/link.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define OPEN \
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
  "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
#define OFFER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
#define PROCEED "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

#define BULK (64 * 1024 * 1024)

typedef struct
{
  TlsServer server;
  GAsyncQueue *over; /* the server's data: what it waits for, if it does */
  FdLink *link;
  gboolean up, down;
  FdFailure failure;
  GString *received;
  gsize n_received;
  char *certificate;
} Fixture;

static void
on_up (FdLink *link, gpointer data)
{
  Fixture *f = data;

  f->up = TRUE;
  g_assert_true (g_str_has_prefix (fd_tls_get_protocol (fd_link_get_tls (link)), "TLSv1."));
  g_assert_cmpstr (fd_tls_get_cipher (fd_link_get_tls (link)), !=, "");
  f->certificate = g_strdup (fd_tls_get_certificate (fd_link_get_tls (link)));
  g_assert_cmpuint (strlen (f->certificate), ==, 64);
}

static void
on_received (FdLink *link, const char *bytes, gsize length, gpointer data)
{
  Fixture *f = data;

  f->n_received += length;
  if (f->received->len < 1024)
    g_string_append_len (f->received, bytes, MIN (length, 1024));
}

static void
on_down (FdLink *link, FdFailure *failure, gpointer data)
{
  Fixture *f = data;

  f->down = TRUE;
  f->failure = *failure;
  *failure = (FdFailure){ 0 };
}

static void
start (Fixture *f, gboolean direct, const char *ca_file, const char *pin)
{
  static const FdLinkHooks hooks = { on_up, on_received, on_down };
  FdLinkSettings settings
    = { "127.0.0.1", f->server.port, direct, ca_file, { .domain = "example.org", .pin = pin } };

  f->received = g_string_new (NULL);
  f->link = fd_link_new (&settings, &hooks, f);
}

static void
wait_up (Fixture *f)
{
  while (!f->up)
    {
      g_assert_no_error (f->failure.error);
      g_main_context_iteration (NULL, TRUE);
    }
}

static void
wait_down (Fixture *f)
{
  while (!f->down)
    g_main_context_iteration (NULL, TRUE);
}

static void
end (Fixture *f)
{
  if (!f->link)
    return;
  fd_link_free (f->link);
  fd_failure_clear (&f->failure);
  g_string_free (f->received, TRUE);
  g_free (f->certificate);
  f->link = NULL;
  f->certificate = NULL;
  f->up = f->down = FALSE;
  f->n_received = 0;
}

static void
assert_refused (Fixture *f, FdErrorCode code, const char *words)
{
  wait_down (f);
  g_assert_false (f->up);
  g_assert_error (f->failure.error, FD_ERROR, (gint) code);
  g_test_message ("%s", f->failure.error->message);
  g_assert_nonnull (strstr (f->failure.error->message, words));
}

/* -- servers -------------------------------------------------------------- */

static void
echo (TlsServer *server, int fd)
{
  SSL *ssl = tls_server_accept (server, fd);
  char buffer[16384];
  int length;

  while (ssl && (length = SSL_read (ssl, buffer, sizeof buffer)) > 0 && SSL_write (ssl, buffer, length) > 0)
    ;
  SSL_free (ssl);
}

static void
starttls_echo (TlsServer *server, int fd)
{
  if (!tls_server_expect (fd, "version='1.0'"))
    return;
  tls_server_say (fd, OPEN OFFER);
  if (!tls_server_expect (fd, "<starttls"))
    return;
  tls_server_say (fd, PROCEED);
  g_assert_true (tls_server_expect (fd, "/>"));
  echo (server, fd);
}

static void
hang_up (TlsServer *server, int fd)
{
}

static void
old_tls (TlsServer *server, int fd)
{
  SSL_CTX_set_max_proto_version (server->ctx, TLS1_1_VERSION);
  SSL_CTX_set_security_level (server->ctx, 0);
  echo (server, fd);
}

/* Says what came in the handshake. */
static void
tell_names (TlsServer *server, int fd)
{
  SSL *ssl = tls_server_accept (server, fd);
  const char *name = ssl ? SSL_get_servername (ssl, TLSEXT_NAMETYPE_host_name) : NULL;

  if (name)
    SSL_write (ssl, name, strlen (name));
  if (ssl)
    SSL_shutdown (ssl);
  SSL_free (ssl);
}

/* -- tests ---------------------------------------------------------------- */

static void
exchange (Fixture *f)
{
  wait_up (f);
  fd_link_send (f->link, "hello ", 6);
  fd_link_send (f->link, "world", 5);
  while (f->n_received < 11)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (f->received->str, ==, "hello world");
  g_assert_cmpuint (fd_link_get_queued (f->link), ==, 0);
}

static void
test_direct (Fixture *f, gconstpointer unused)
{
  start (f, TRUE, f->server.pem, NULL);
  exchange (f);
}

static void
test_starttls (Fixture *f, gconstpointer unused)
{
  start (f, FALSE, f->server.pem, NULL);
  exchange (f);
}

static void
test_untrusted (Fixture *f, gconstpointer unused)
{
  start (f, TRUE, NULL, NULL);
  assert_refused (f, FD_ERROR_TLS_FAILED, "self-signed");
  g_assert_true (f->failure.fatal);
  g_assert_nonnull (
    strstr (f->failure.error->message, "It is for example.org, issued by CN=fardel test, valid"));
  g_assert_nonnull (strstr (f->failure.error->message, "SHA-256 "));
}

/* The system's authorities, in either of the forms that systems have them in. */
static void
test_system (Fixture *f, gconstpointer unused)
{
  g_autofree char *directory = g_dir_make_tmp ("fardel-XXXXXX", NULL);
  g_autofree char *name = NULL;

  name = g_strdup_printf ("%s/%08lx.0", directory,
                          X509_subject_name_hash (SSL_CTX_get0_certificate (f->server.ctx)));
  g_assert_no_errno (symlink (f->server.pem, name));
  g_setenv ("SSL_CERT_DIR", directory, TRUE);
  start (f, TRUE, NULL, NULL);
  exchange (f);
  end (f);
  g_unsetenv ("SSL_CERT_DIR");

  g_setenv ("SSL_CERT_FILE", f->server.pem, TRUE);
  for (guint i = 0; i < 2; i++)
    {
      start (f, TRUE, NULL, NULL);
      exchange (f);
      end (f);
    }
  g_unsetenv ("SSL_CERT_FILE");
  g_assert_no_errno (unlink (name));
  g_assert_no_errno (rmdir (directory));
}

static gboolean
on_turn (gpointer turned)
{
  *(gboolean *) turned = TRUE;
  return G_SOURCE_REMOVE;
}

/* Authorities that are not to be had, as on a dead file server, hold up nobody else. */
static void
test_stuck_file (Fixture *f, gconstpointer unused)
{
  g_autofree char *directory = g_dir_make_tmp ("fardel-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "fifo", NULL);
  gboolean turned = FALSE;
  int writer;

  g_assert_no_errno (mkfifo (path, 0600));
  start (f, TRUE, path, NULL);
  g_timeout_add (1, on_turn, &turned);
  while (!turned)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (f->up || f->down);
  end (f);
  writer = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_no_errno (writer);
  close (writer);
  g_assert_no_errno (unlink (path));
  g_assert_no_errno (rmdir (directory));
}

/* The program ends while the authorities are read: what OpenSSL needs for that stays. */
static Fixture *late;
static char *late_path, *late_pem;

static void
end_late (void)
{
  FILE *writer;

  if (!late)
    return;
  writer = fopen (late_path, "we");
  g_assert_nonnull (writer);
  fputs (late_pem, writer);
  fclose (writer);
  wait_down (late);
  g_assert_error (late->failure.error, FD_ERROR, FD_ERROR_CONNECTION_FAILED); /* not of the certificate */
  fd_link_free (late->link);
  fd_failure_clear (&late->failure);
  g_string_free (late->received, TRUE);
  g_free (late);
  unlink (late_path);
  g_free (late_path);
  g_free (late_pem);
}

static char *
make_pem (void)
{
  EVP_PKEY *key = EVP_EC_gen ("P-256");
  X509 *certificate = tls_server_make_certificate (key, "example.org");
  BIO *bio = BIO_new (BIO_s_mem ());
  char *bytes, *pem;
  long length;

  PEM_write_bio_X509 (bio, certificate);
  length = BIO_get_mem_data (bio, &bytes);
  pem = g_strndup (bytes, length);
  BIO_free (bio);
  X509_free (certificate);
  EVP_PKEY_free (key);
  return pem;
}

static void
exit_while_loading (void)
{
  g_autofree char *directory = g_dir_make_tmp ("fardel-XXXXXX", NULL);

  late = g_new0 (Fixture, 1);
  late_path = g_build_filename (directory, "fifo", NULL);
  g_assert_no_errno (mkfifo (late_path, 0600));
  late_pem = make_pem ();
  start (late, TRUE, late_path, NULL);
}

static void
test_exit (void)
{
  g_test_trap_subprocess ("/link/exit/subprocess", 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_other_name (Fixture *f, gconstpointer unused)
{
  start (f, TRUE, f->server.pem, NULL);
  assert_refused (f, FD_ERROR_TLS_FAILED, "for elsewhere.example");
}

/* The pin is enough, and necessary. */
static void
test_pin (Fixture *f, gconstpointer unused)
{
  g_autofree char *fingerprint = NULL, *wrong = g_strnfill (64, '0');

  start (f, TRUE, f->server.pem, wrong);
  assert_refused (f, FD_ERROR_TLS_FAILED, "is not the one that is pinned");
  g_assert_true (f->failure.fatal);
  fingerprint = g_strndup (strstr (f->failure.error->message, "SHA-256 ") + 8, 64);
  end (f);

  start (f, TRUE, NULL, fingerprint);
  exchange (f);
  g_assert_cmpstr (f->certificate, ==, fingerprint);
}

static void
test_old_tls (Fixture *f, gconstpointer unused)
{
  start (f, TRUE, f->server.pem, NULL);
  assert_refused (f, FD_ERROR_TLS_FAILED, "No TLS could be agreed on");
}

static void
test_hang_up (Fixture *f, gconstpointer unused)
{
  for (guint direct = 0; direct < 2; direct++)
    {
      start (f, direct, f->server.pem, NULL);
      assert_refused (f, FD_ERROR_CONNECTION_FAILED, "broke off");
      g_assert_false (f->failure.fatal);
      end (f);
    }
}

static void
test_names (Fixture *f, gconstpointer unused)
{
  start (f, TRUE, f->server.pem, NULL);
  wait_down (f);
  g_assert_true (f->up);
  g_assert_cmpstr (f->received->str, ==, "example.org");
  g_assert_error (f->failure.error, FD_ERROR, FD_ERROR_CONNECTION_FAILED);
}

/* Much in both directions at once; prints how fast. */
static void
test_bulk (Fixture *f, gconstpointer unused)
{
  g_autofree char *block = g_malloc0 (1024 * 1024);
  gsize size = g_test_perf () ? 8 * (gsize) BULK : BULK / 4, queued = 0;
  gint64 begin;
  double rate;

  start (f, TRUE, f->server.pem, NULL);
  wait_up (f);
  begin = g_get_monotonic_time ();
  while (f->n_received < size)
    {
      for (; queued < size && fd_link_get_queued (f->link) < 4 * 1024 * 1024; queued += 1024 * 1024)
        fd_link_send (f->link, block, 1024 * 1024);
      g_main_context_iteration (NULL, TRUE);
      g_assert_false (f->down);
    }
  rate = size / 1e6 / ((g_get_monotonic_time () - begin) / 1e6);
  g_test_maximized_result (rate, "%.0f MB/s there and back", rate);
}

/* Who does not read is no reason to wait. */
static void
deaf (TlsServer *server, int fd)
{
  SSL *ssl = tls_server_accept (server, fd);
  GAsyncQueue *over = server->data;

  g_async_queue_pop (over);
  SSL_free (ssl);
}

static void
test_deaf (Fixture *f, gconstpointer unused)
{
  g_autofree char *block = g_malloc0 (BULK);

  start (f, TRUE, f->server.pem, NULL);
  wait_up (f);
  fd_link_send (f->link, block, BULK);
  while (fd_link_get_queued (f->link) == BULK)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (fd_link_get_queued (f->link), >, 0);
  end (f);
  g_async_queue_push (f->over, f->over);
}

typedef struct
{
  const char *name; /* what the certificate is for */
  void (*serve) (TlsServer *server, int fd);
} Setup;

static void
set_up (Fixture *f, gconstpointer data)
{
  const Setup *setup = data;

  f->over = g_async_queue_new ();
  tls_server_start (&f->server, setup->name, setup->serve, f->over);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  end (f);
  tls_server_stop (&f->server);
  g_async_queue_unref (f->over);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    Setup setup;
    void (*test) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/link/direct", { "example.org", echo }, test_direct },
    { "/link/starttls", { "example.org", starttls_echo }, test_starttls },
    { "/link/untrusted", { "example.org", echo }, test_untrusted },
    { "/link/system", { "example.org", echo }, test_system },
    { "/link/stuck-file", { "example.org", echo }, test_stuck_file },
    { "/link/other-name", { "elsewhere.example", echo }, test_other_name },
    { "/link/pin", { "elsewhere.example", echo }, test_pin },
    { "/link/old-tls", { "example.org", old_tls }, test_old_tls },
    { "/link/hang-up", { "example.org", hang_up }, test_hang_up },
    { "/link/names", { "example.org", tell_names }, test_names },
    { "/link/bulk", { "example.org", echo }, test_bulk },
    { "/link/deaf", { "example.org", deaf }, test_deaf },
  };

  atexit (end_late); /* the last of all: OpenSSL is not in use yet */
  signal (SIGPIPE, SIG_IGN);
  /* whatever this machine trusts */
  g_unsetenv ("SSL_CERT_FILE");
  g_unsetenv ("SSL_CERT_DIR");
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, &tests[i].setup, set_up, tests[i].test, tear_down);
  g_test_add_func ("/link/exit", test_exit);
  g_test_add_func ("/link/exit/subprocess", exit_while_loading);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "core/secrets.h"
#include "expect-log.h"
#include "fake-secret-service.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  guint calls;
  char *secret;
  FdSecretSource source;
  GError *error;
} Answer;

static void
on_done (const char *secret, FdSecretSource source, const GError *error, gpointer data)
{
  Answer *answer = data;

  answer->calls++;
  answer->secret = g_strdup (secret);
  answer->source = source;
  answer->error = fd_error_copy (error);
}

static void
wait_for (Answer *answer)
{
  while (!answer->calls)
    g_main_context_iteration (NULL, TRUE);
}

static void
clear (Answer *answer)
{
  g_free (answer->secret);
  g_clear_error (&answer->error);
  *answer = (Answer){ 0 };
}

static void
look_up (const char *const *command, Answer *answer)
{
  FdAccountConfig config = { .id = (char *) "home", .password_command = (char **) command };

  fd_secret_lookup (&config, FD_SECRET_QUIET, on_done, answer);
  g_assert_cmpuint (answer->calls, ==, 0); /* never from inside the call */
  wait_for (answer);
}

static void
test_none (void)
{
  Answer answer = { 0 };

  look_up (NULL, &answer);
  g_assert_null (answer.secret);
  g_assert_no_error (answer.error);
  g_assert_cmpint (answer.source, ==, FD_SECRET_NONE);
}

static void
test_command (void)
{
  static const struct
  {
    const char *argv[4];
    const char *secret; /* NULL: an error */
    int code;
  } rows[] = {
    { { "/bin/echo", "pass word", NULL }, "pass word", 0 },
    { { "/bin/echo", "$HOME;id", NULL }, "$HOME;id", 0 }, /* no shell looked at it */
    { { "/usr/bin/printf", "first\\nuser: me\\n", NULL }, "first", 0 },
    { { "/usr/bin/printf", "no newline", NULL }, "no newline", 0 },
    { { "/usr/bin/printf", "\\377", NULL }, NULL, FD_ERROR_AUTHENTICATION_FAILED },
    { { "/bin/true", NULL }, NULL, FD_ERROR_AUTHENTICATION_FAILED },
    { { "/bin/false", NULL }, NULL, FD_ERROR_AUTHENTICATION_FAILED },
    { { "/bin/sh", "-c", "echo secret; exit 3", NULL }, NULL, FD_ERROR_AUTHENTICATION_FAILED },
    { { "/nonexistent/program", NULL }, NULL, FD_ERROR_AUTHENTICATION_FAILED },
    { { "/usr/bin/yes", NULL }, NULL, FD_ERROR_INVALID_OPTION },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Answer answer = { 0 };

      look_up (rows[i].argv, &answer);
      g_assert_cmpstr (answer.secret, ==, rows[i].secret);
      if (rows[i].secret)
        g_assert_cmpint (answer.source, ==, FD_SECRET_COMMAND);
      else
        {
          g_assert_error (answer.error, FD_ERROR, rows[i].code);
          g_assert_nonnull (strstr (answer.error->message, rows[i].argv[0]));
          g_assert_null (strstr (answer.error->message, "secret"));
        }
      clear (&answer);
    }
}

/* The service comes before the command and after the credential. */
static void
test_service (void)
{
  static const char *const command[] = { "/bin/echo", "of the command", NULL };
  Answer answer = { 0 };

  fake_keyring_built = TRUE;
  look_up (NULL, &answer);
  g_assert_cmpint (fake_keyring_manners, ==, FD_SECRET_QUIET);
  g_assert_null (answer.secret);
  g_assert_error (answer.error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
  clear (&answer);

  look_up (command, &answer);
  g_assert_cmpint (fake_keyring_manners, ==, FD_SECRET_QUICK);
  g_assert_no_error (answer.error);
  g_assert_cmpstr (answer.secret, ==, "of the command");
  g_assert_cmpint (answer.source, ==, FD_SECRET_COMMAND);
  clear (&answer);

  fake_keyring_secret = "of the service\n";
  look_up (command, &answer);
  g_assert_cmpstr (answer.secret, ==, "of the service");
  g_assert_cmpint (answer.source, ==, FD_SECRET_SERVICE);
  clear (&answer);

  for (guint i = 0; i < 2; i++)
    {
      fake_keyring_secret = i ? "" : "\xff\xfe";
      look_up (NULL, &answer);
      g_assert_null (answer.secret);
      g_assert_error (answer.error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
      clear (&answer);
    }
  fake_keyring_reset ();
}

static void
test_save (void)
{
  FdAccountConfig config = { .id = (char *) "home", .client.jid = (char *) "me@example.org" };
  Answer answer = { 0 };

  g_assert_null (fd_secret_save (&config, "pw", on_done, &answer));
  fake_keyring_built = TRUE;
  fd_secret_save (&config, "pw", on_done, &answer);
  wait_for (&answer);
  g_assert_no_error (answer.error);
  g_assert_null (answer.secret);
  g_assert_cmpstr (fake_keyring_stored, ==, "me@example.org:home:pw");
  clear (&answer);
  fd_secret_forget (&config);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (fake_keyring_stored);

  fake_keyring_locked = TRUE;
  fd_secret_save (&config, "pw", on_done, &answer);
  wait_for (&answer);
  g_assert_error (answer.error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
  clear (&answer);
  fd_secret_request_cancel (fd_secret_save (&config, "pw", on_done, &answer));
  fake_keyring_reset ();
}

static void
test_credential (void)
{
  static const char *const command[] = { "/bin/echo", "other", NULL };
  g_autofree char *directory = g_dir_make_tmp ("fardel-secrets-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "fardel.home.password", NULL);
  Answer answer = { 0 };

  g_setenv ("CREDENTIALS_DIRECTORY", directory, TRUE);
  look_up (command, &answer);
  g_assert_cmpstr (answer.secret, ==, "other"); /* no such credential */
  clear (&answer);

  g_assert_true (g_file_set_contents (path, "from systemd\r\n", -1, NULL));
  look_up (command, &answer);
  g_assert_cmpstr (answer.secret, ==, "from systemd");
  g_assert_cmpint (answer.source, ==, FD_SECRET_CREDENTIAL);
  clear (&answer);

  g_assert_true (g_file_set_contents (path, "\n", -1, NULL));
  look_up (NULL, &answer);
  fd_test_assert_logged ("*fardel.home.password is empty*");
  g_assert_null (answer.secret);
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  g_remove (path);
  g_rmdir (directory);
}

static void
test_pipe (void)
{
  static const struct
  {
    const char *text;
    gboolean keep_open;
    const char *secret;
    int code;
  } rows[] = {
    { "hunter2\n", TRUE, "hunter2", 0 }, /* a newline is enough */
    { "hunter2", FALSE, "hunter2", 0 },
    { "a\nb\n", FALSE, "a", 0 },
    { "", FALSE, NULL, FD_ERROR_INVALID_OPTION },
    { "\n", FALSE, NULL, FD_ERROR_INVALID_OPTION },
    { "\xff\xfe", FALSE, NULL, FD_ERROR_INVALID_OPTION },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Answer answer = { 0 };
      int fds[2];

      g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
      g_assert_cmpint (write (fds[1], rows[i].text, strlen (rows[i].text)), ==, strlen (rows[i].text));
      if (!rows[i].keep_open)
        close (fds[1]);
      fd_secret_read (fds[0], on_done, &answer);
      wait_for (&answer);
      g_assert_cmpstr (answer.secret, ==, rows[i].secret);
      if (!rows[i].secret)
        g_assert_error (answer.error, FD_ERROR, rows[i].code);
      if (rows[i].keep_open)
        close (fds[1]);
      clear (&answer);
    }
}

static void
test_pipe_too_long (void)
{
  g_autofree char *text = g_strnfill (FD_SECRET_MAX + 1, 'x');
  Answer answer = { 0 };
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (fds[1], text, FD_SECRET_MAX + 1), ==, FD_SECRET_MAX + 1);
  close (fds[1]);
  fd_secret_read (fds[0], on_done, &answer);
  wait_for (&answer);
  g_assert_error (answer.error, FD_ERROR, FD_ERROR_INVALID_OPTION);
  clear (&answer);
}

/* Cancelled requests never call back, in none of their stages. */
static void
test_cancel (void)
{
  static const char *const forever[] = { "/bin/cat", "/dev/zero", NULL };
  FdAccountConfig endless = { .id = (char *) "home", .password_command = (char **) forever };
  FdAccountConfig nothing = { .id = (char *) "home" };
  Answer answer = { 0 };
  Answer other = { 0 };
  int fds[2];

  fake_keyring_built = TRUE;
  fd_secret_request_cancel (fd_secret_lookup (&nothing, FD_SECRET_ASK, on_done, &answer));
  fake_keyring_reset ();
  fd_secret_request_cancel (fd_secret_lookup (&nothing, FD_SECRET_QUIET, on_done, &answer));
  fd_secret_request_cancel (fd_secret_lookup (&endless, FD_SECRET_QUIET, on_done, &answer));
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  fd_secret_request_cancel (fd_secret_read (fds[0], on_done, &answer));
  close (fds[1]);
  look_up (NULL, &other);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (answer.calls, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fd_test_capture_log ();
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  g_test_add_func ("/secrets/none", test_none);
  g_test_add_func ("/secrets/command", test_command);
  g_test_add_func ("/secrets/service", test_service);
  g_test_add_func ("/secrets/save", test_save);
  g_test_add_func ("/secrets/credential", test_credential);
  g_test_add_func ("/secrets/pipe", test_pipe);
  g_test_add_func ("/secrets/pipe-too-long", test_pipe_too_long);
  g_test_add_func ("/secrets/cancel", test_cancel);
  return g_test_run ();
}

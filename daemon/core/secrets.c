/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passwords: the order of their sources; systemd credentials, PasswordCommand
 * and pipes.
 */
#include "core/secrets.h"

#include "base/error.h"

#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <string.h>

struct FdSecretRequest
{
  FdSecretDone done; /* NULL: cancelled, nobody is interested any more */
  gpointer data;
  FdSecretSource source;
  char *secret; /* found at once */
  GError *error;
  FdServiceCall *call; /* while the Secret Service is asked */
  char **command; /* PasswordCommand, or NULL; a pipe has none */
  GSubprocess *process;
  GInputStream *stream;
  GCancellable *cancellable;
  guint timer; /* also the idle of a lookup that needs no reading */
  gboolean timed_out;
  gsize length;
  char buffer[FD_SECRET_MAX + 1];
};

const char *
fd_secret_source_name (FdSecretSource source)
{
  static const char *const names[] = {
    [FD_SECRET_NONE] = "none",
    [FD_SECRET_CREDENTIAL] = "credential",
    [FD_SECRET_SERVICE] = "secret-service",
    [FD_SECRET_COMMAND] = "command",
    [FD_SECRET_MEMORY] = "memory",
  };

  return names[source];
}

char *
fd_secret_new (const char *bytes, gsize length)
{
  gsize line = 0;

  while (line < length && !strchr ("\r\n", bytes[line]))
    line++;
  return line ? g_strndup (bytes, line) : NULL;
}

void
fd_secret_free (char *secret)
{
  if (secret)
    explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

static void
request_free (FdSecretRequest *request)
{
  g_clear_handle_id (&request->timer, g_source_remove);
  g_clear_object (&request->process);
  g_clear_object (&request->stream);
  g_clear_object (&request->cancellable);
  g_clear_error (&request->error);
  fd_secret_free (request->secret);
  explicit_bzero (request->buffer, sizeof request->buffer);
  g_strfreev (request->command);
  g_free (request);
}

static void
finish (FdSecretRequest *request)
{
  if (request->done)
    request->done (request->secret, request->secret ? request->source : FD_SECRET_NONE, request->error,
                   request->data);
  request_free (request);
}

static void
fail (FdSecretRequest *request, FdErrorCode code, const char *text)
{
  if (request->process)
    g_subprocess_force_exit (request->process);
  if (request->command)
    g_set_error (&request->error, FD_ERROR, code, "PasswordCommand \"%s\" %s", request->command[0], text);
  else
    g_set_error (&request->error, FD_ERROR, code, "The password %s", text);
  finish (request);
}

/* What is in the buffer is all there is. */
static void
take_buffer (FdSecretRequest *request)
{
  FdErrorCode code = request->process ? FD_ERROR_AUTHENTICATION_FAILED : FD_ERROR_INVALID_OPTION;

  request->secret = fd_secret_new (request->buffer, request->length);
  if (!request->secret)
    fail (request, code, request->process ? "printed no password" : "is empty");
  else if (!g_utf8_validate (request->secret, -1, NULL))
    {
      g_clear_pointer (&request->secret, fd_secret_free);
      fail (request, code, request->process ? "printed what is no UTF-8 text" : "is no UTF-8 text");
    }
  else
    finish (request);
}

static gboolean
on_timeout (gpointer data)
{
  FdSecretRequest *request = data;

  request->timer = 0;
  request->timed_out = TRUE;
  g_cancellable_cancel (request->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_exited (GObject *object, GAsyncResult *result, gpointer data)
{
  FdSecretRequest *request = data;
  g_autoptr (GError) error = NULL;

  if (g_subprocess_wait_check_finish (G_SUBPROCESS (object), result, &error))
    take_buffer (request);
  else if (request->timed_out)
    fail (request, FD_ERROR_TIMEOUT, "did not end in time");
  else
    fail (request, FD_ERROR_AUTHENTICATION_FAILED, error->message);
}

static void read_more (FdSecretRequest *request);

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  FdSecretRequest *request = data;
  g_autoptr (GError) error = NULL;
  gssize n = g_input_stream_read_finish (request->stream, result, &error);

  request->length += MAX (n, 0);
  if (n < 0 && request->timed_out)
    fail (request, FD_ERROR_TIMEOUT, request->process ? "did not end in time" : "did not arrive in time");
  else if (n < 0)
    fail (request, FD_ERROR_READ_FAILED, error->message);
  else if (request->length > FD_SECRET_MAX)
    fail (request, FD_ERROR_INVALID_OPTION, "is longer than " G_STRINGIFY (FD_SECRET_MAX) " bytes");
  else if (n > 0 && (request->process || !memchr (request->buffer, '\n', request->length)))
    read_more (request);
  else if (request->process)
    g_subprocess_wait_check_async (request->process, request->cancellable, on_exited, request);
  else
    take_buffer (request);
}

static void
read_more (FdSecretRequest *request)
{
  g_input_stream_read_async (request->stream, request->buffer + request->length,
                             sizeof request->buffer - request->length, G_PRIORITY_DEFAULT,
                             request->cancellable, on_read, request);
}

static FdSecretRequest *
request_new (FdSecretSource source, FdSecretDone done, gpointer data)
{
  FdSecretRequest *request = g_new0 (FdSecretRequest, 1);

  request->source = source;
  request->done = done;
  request->data = data;
  request->cancellable = g_cancellable_new ();
  return request;
}

static gboolean
on_idle (gpointer data)
{
  FdSecretRequest *request = data;

  request->timer = 0;
  finish (request);
  return G_SOURCE_REMOVE;
}

/* systemd keeps credentials in memory, so reading one does not block. */
static char *
read_credential (const char *id)
{
  const char *directory = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *name = g_strdup_printf ("fardel.%s.password", id);
  g_autofree char *path = NULL;
  char *text;
  gsize length;
  char *secret;

  if (!directory)
    return NULL;
  path = g_build_filename (directory, name, NULL);
  if (!g_file_get_contents (path, &text, &length, NULL))
    return NULL;
  secret = length <= FD_SECRET_MAX ? fd_secret_new (text, length) : NULL;
  if (!secret)
    g_warning ("%s is empty or longer than %d bytes and is ignored", path, FD_SECRET_MAX);
  explicit_bzero (text, length);
  g_free (text);
  return secret;
}

static void
run_command (FdSecretRequest *request)
{
  g_autoptr (GError) error = NULL;

  if (request->command)
    {
      request->source = FD_SECRET_COMMAND;
      request->process
        = g_subprocess_newv ((const char *const *) request->command, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
      if (!request->process)
        g_set_error (&request->error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED,
                     "PasswordCommand \"%s\" cannot be run: %s", request->command[0], error->message);
    }
  if (request->process)
    {
      request->stream = g_object_ref (g_subprocess_get_stdout_pipe (request->process));
      request->timer = g_timeout_add_seconds (FD_SECRET_COMMAND_SECONDS, on_timeout, request);
      read_more (request);
    }
  else
    request->timer = g_idle_add (on_idle, request);
}

static void
on_service_asked (const char *secret, const GError *error, gpointer data)
{
  FdSecretRequest *request = data;

  request->call = NULL;
  request->error = fd_error_copy (error);
  if (secret && g_utf8_validate (secret, -1, NULL))
    request->secret = fd_secret_new (secret, strlen (secret));
  if (secret && !request->secret)
    g_set_error_literal (&request->error, FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED,
                         "What the keyring has as the password is empty or no UTF-8 text");
  if (!request->secret && request->command)
    {
      g_clear_error (&request->error);
      run_command (request);
    }
  else
    finish (request);
}

FdSecretRequest *
fd_secret_lookup (const FdAccountConfig *config, FdSecretManners manners, FdSecretDone done, gpointer data)
{
  FdSecretRequest *request = request_new (FD_SECRET_CREDENTIAL, done, data);

  request->secret = read_credential (config->id);
  if (request->secret)
    {
      request->timer = g_idle_add (on_idle, request);
      return request;
    }
  request->source = FD_SECRET_SERVICE;
  request->command = g_strdupv (config->password_command);
  request->call = fd_secret_service_lookup (config->client.jid, request->command ? FD_SECRET_QUICK : manners,
                                            on_service_asked, request);
  if (!request->call)
    run_command (request);
  return request;
}

FdSecretRequest *
fd_secret_save (const FdAccountConfig *config, const char *secret, FdSecretDone done, gpointer data)
{
  FdSecretRequest *request = request_new (FD_SECRET_NONE, done, data);

  request->call = fd_secret_service_store (config->client.jid, config->id, secret, on_service_asked, request);
  if (!request->call)
    g_clear_pointer (&request, request_free);
  return request;
}

static void
on_forgotten (const char *secret, const GError *error, gpointer data)
{
  if (error)
    g_info ("No password was removed from the keyring: %s", error->message);
}

void
fd_secret_forget (const FdAccountConfig *config)
{
  fd_secret_service_forget (config->client.jid, config->id, on_forgotten, NULL);
}

FdSecretRequest *
fd_secret_read (int fd, FdSecretDone done, gpointer data)
{
  FdSecretRequest *request = request_new (FD_SECRET_MEMORY, done, data);

  request->stream = g_unix_input_stream_new (fd, TRUE);
  request->timer = g_timeout_add_seconds (FD_SECRET_PIPE_SECONDS, on_timeout, request);
  read_more (request);
  return request;
}

/* A read that runs still needs the buffer: its callback frees the request. */
void
fd_secret_request_cancel (FdSecretRequest *request)
{
  request->done = NULL;
  if (request->call)
    fd_secret_service_cancel (request->call);
  if (!request->stream)
    {
      request_free (request);
      return;
    }
  g_clear_handle_id (&request->timer, g_source_remove);
  g_cancellable_cancel (request->cancellable);
}

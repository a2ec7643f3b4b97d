/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One account: finds its password, owns its client and its Jingle sessions, and
 * says truthfully how it is doing.
 */
#include "core/account-private.h"

#include "base/error.h"
#include "core/policy.h"
#include "core/secrets.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

/* How long sessions may take to say goodbye before the stream is closed. */
#define DRAIN_SECONDS 1

struct FdAccount
{
  FdAccountConfig *config;
  char *directory;
  const FdAccountHooks *hooks;
  gpointer data;

  FdClient *client;
  FdJingle *jingle;
  gboolean online; /* what jingle was told last */
  const char *shown_status; /* what the hooks were told last; NULL: nothing */

  FdSecretRequest *lookup; /* NULL: no password is being looked for */
  FdServiceWatch *watch; /* while a keyring may get the password that is missing */
  GPtrArray *pipes; /* PasswordPipe: fd_account_set_password() under way */
  char *memory; /* the password the user gave, or NULL */
  gboolean memory_used; /* the client has it: no other was given since */
  gboolean save; /* it, when the server took it */
  FdSecretRequest *saving;
  GError *save_error;
  FdSecretSource source;
  GError *secret_error; /* why the lookup found nothing */

  gboolean wanted; /* should be connected */
  gboolean password_missing;
  gboolean draining; /* the stream is closed when the sessions have ended */
  guint drain_timer;
  gboolean renew; /* the settings changed: new client when the old one is offline */
  gboolean closing;
  guint settle_idle;
};

typedef struct
{
  FdAccount *account;
  FdSecretRequest *request;
  gboolean save;
  FdAccountDone done;
  gpointer data;
} PasswordPipe;

/* --- what is shown --- */

const FdAccountConfig *
fd_account_get_config (FdAccount *account)
{
  return account->config;
}

const char *
fd_account_get_id (FdAccount *account)
{
  return account->config->id;
}

const char *
fd_account_get_status (FdAccount *account)
{
  static const char *const names[] = {
    [FD_CLIENT_OFFLINE] = "offline", [FD_CLIENT_CONNECTING] = "connecting", [FD_CLIENT_ONLINE] = "online",
    [FD_CLIENT_WAITING] = "waiting", [FD_CLIENT_FAILED] = "failed",
  };
  FdClientStatus status = fd_client_get_status (account->client);

  if (account->password_missing) /* also while it is looked for again */
    return "waiting-for-password";
  if (account->lookup)
    return "connecting";
  return names[status];
}

const GError *
fd_account_get_error (FdAccount *account)
{
  if (account->lookup || account->password_missing)
    return account->secret_error;
  if (fd_client_get_status (account->client) == FD_CLIENT_ONLINE)
    return account->save_error;
  return fd_client_get_error (account->client);
}

const char *
fd_account_get_full_jid (FdAccount *account)
{
  return fd_client_get_full_jid (account->client);
}

const char *
fd_account_get_password_source (FdAccount *account)
{
  return fd_secret_source_name (account->source);
}

void
fd_account_get_tls (FdAccount *account, FdClientTls *ret_tls)
{
  fd_client_get_tls (account->client, ret_tls);
}

gboolean
fd_account_is_online (FdAccount *account)
{
  return fd_client_get_status (account->client) == FD_CLIENT_ONLINE && !account->draining && !account->renew
         && !account->closing;
}

FdPeers *
fd_account_get_peers (FdAccount *account)
{
  return fd_client_get_peers (account->client);
}

FdPath
fd_account_get_paths (FdAccount *account, FdTransports transports)
{
  FdPath paths = (transports & FD_TRANSPORT_S5B ? FD_PATH_SOCKS5_DIRECT | FD_PATH_SOCKS5_PROXY : FD_PATH_NONE)
                 | (transports & FD_TRANSPORT_IBB ? FD_PATH_IBB : FD_PATH_NONE);

  return paths != FD_PATH_NONE ? fd_policy_paths (account->config, paths, TRUE) : FD_PATH_NONE;
}

FdJingle *
fd_account_get_jingle (FdAccount *account)
{
  return account->jingle;
}

static void
emit (FdAccount *account, FdAccountFields fields)
{
  const char *status = fd_account_get_status (account);

  /* While the password is looked up, and then for real: it says the same twice. */
  if (g_strcmp0 (status, "connecting") == 0 && g_strcmp0 (account->shown_status, status) == 0)
    fields &= ~FD_ACCOUNT_STATUS;
  if (fields & FD_ACCOUNT_STATUS)
    account->shown_status = status;
  if (!fields)
    return;
  account->hooks->changed (account, fields, account->data);
}

/* --- the connection --- */

static gboolean on_settled (gpointer data);

static gboolean
was_refused (FdAccount *account)
{
  return fd_client_get_status (account->client) == FD_CLIENT_FAILED
         && g_error_matches (fd_client_get_error (account->client), FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED);
}

/* The user has given another password meanwhile. */
static gboolean
has_better_password (FdAccount *account)
{
  return account->memory && !account->memory_used && was_refused (account);
}

/* The stream has ended: is there something to do next? Not here, since client
 * and jingle must not be freed from inside their callbacks. */
static void
settle_if_offline (FdAccount *account)
{
  FdClientStatus status = fd_client_get_status (account->client);
  gboolean off = status == FD_CLIENT_OFFLINE || status == FD_CLIENT_FAILED;
  gboolean reconnect = account->wanted && (status == FD_CLIENT_OFFLINE || has_better_password (account));

  if (!account->settle_idle && !account->draining
      && (((account->closing || account->renew) && off) || reconnect))
    account->settle_idle = g_idle_add (on_settled, account);
}

/* The user will hear of it, and it is not tried again until they act. */
static void
note_refusal (FdAccount *account)
{
  account->password_missing = TRUE;
  g_clear_error (&account->secret_error);
  account->secret_error = g_error_new (FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED,
                                       "The server refused the password of %s that is in the keyring: give "
                                       "another, or put it there and connect again",
                                       account->config->client.jid);
}

static void
on_saved (const char *secret, FdSecretSource source, const GError *error, gpointer data)
{
  FdAccount *account = data;

  account->saving = NULL;
  account->save = FALSE; /* the keyring asks once, not after every login */
  if (error)
    account->save_error
      = g_error_new (FD_ERROR, FD_ERROR_WRITE_FAILED, "The password was not saved: %s", error->message);
  else
    {
      g_clear_pointer (&account->memory, fd_secret_free);
      account->memory_used = FALSE;
      account->source = FD_SECRET_SERVICE;
    }
  emit (account, FD_ACCOUNT_STATUS | FD_ACCOUNT_PASSWORD);
}

static void
save_password (FdAccount *account)
{
  account->saving = fd_secret_save (account->config, account->memory, on_saved, account);
}

static void
on_status (FdClient *client, FdClientStatus status, gpointer data)
{
  FdAccount *account = data;
  gboolean came = status == FD_CLIENT_ONLINE && !account->online;
  gboolean went = status != FD_CLIENT_ONLINE && account->online;

  account->online = status == FD_CLIENT_ONLINE;
  if (account->source == FD_SECRET_SERVICE && !account->memory && was_refused (account))
    note_refusal (account);
  if (came && account->save && account->memory_used)
    save_password (account);
  if (came)
    fd_jingle_stream_up (account->jingle);
  else if (went)
    fd_jingle_stream_lost (account->jingle);
  emit (account, FD_ACCOUNT_STATUS);
  if (came)
    account->hooks->online (account, account->data);
  settle_if_offline (account);
}

static void
on_available (const char *bare_jid, gpointer data)
{
  FdAccount *account = data;

  account->hooks->available (account, bare_jid, account->data);
}

static gboolean
on_incoming (FdContent *content, const char **ret_reason, gpointer data)
{
  FdAccount *account = data;

  return account->hooks->incoming (account, content, ret_reason, account->data);
}

static gboolean
on_admit (const char *peer, gpointer data)
{
  FdAccount *account = data;

  return account->hooks->admit (account, peer, account->data);
}

static void
on_contacts_changed (gboolean blocklist, gpointer data)
{
  FdAccount *account = data;

  if (blocklist)
    account->hooks->blocked (account, account->data);
  emit (account, FD_ACCOUNT_CONTACTS);
}

static char *
roster_path (FdAccount *account, gboolean make_directory)
{
  g_autofree char *directory = g_build_filename (g_get_user_state_dir (), "fardel", "rosters", NULL);

  if (make_directory && g_mkdir_with_parents (directory, 0700) < 0)
    g_message ("Contact lists are not kept: cannot make %s: %s", directory, g_strerror (errno));
  return g_build_filename (directory, account->config->id, NULL);
}

static void
make_client (FdAccount *account)
{
  static const FdClientHooks hooks = { .status = on_status };
  static const FdJingleHooks jingle_hooks = { .admit = on_admit, .incoming = on_incoming };

  g_autofree char *roster = roster_path (account, TRUE);
  FdPeers *peers;

  account->client = fd_client_new (&account->config->client, &hooks, account);
  account->jingle = fd_jingle_new (account->client, &jingle_hooks, account);
  account->online = FALSE;
  peers = fd_client_get_peers (account->client);
  fd_peers_set_available_callback (peers, on_available, account);
  fd_peers_set_changed_callback (peers, on_contacts_changed, account);
  fd_peers_use_roster_file (peers, account->config->client.jid, roster);
  fd_s5b_proxies_configure (fd_jingle_get_proxies (account->jingle),
                            (const char *const *) account->config->proxy_jids);
}

static void
drop_client (FdAccount *account)
{
  account->hooks->dropped (account, account->data);
  g_clear_pointer (&account->jingle, fd_jingle_free);
  g_clear_pointer (&account->client, fd_client_free);
}

static gboolean
on_settled (gpointer data)
{
  FdAccount *account = data;

  account->settle_idle = 0;
  if (account->closing)
    {
      account->hooks->closed (account, account->data);
      return G_SOURCE_REMOVE;
    }
  if (account->renew)
    {
      account->renew = FALSE;
      drop_client (account);
      make_client (account);
      emit (account, FD_ACCOUNT_STATUS);
    }
  if (account->wanted)
    fd_account_connect (account);
  return G_SOURCE_REMOVE;
}

/* --- connecting --- */

static void
use_password (FdAccount *account, const char *password, FdSecretSource source)
{
  account->source = source;
  account->memory_used = source == FD_SECRET_MEMORY;
  g_clear_pointer (&account->watch, fd_secret_service_unwatch);
  account->password_missing = FALSE;
  g_clear_error (&account->secret_error);
  emit (account, FD_ACCOUNT_PASSWORD);
  fd_client_connect (account->client, password);
}

static gboolean on_service_news (FdSecretManners manners, gpointer data);

static void
on_looked_up (const char *secret, FdSecretSource source, const GError *error, gpointer data)
{
  FdAccount *account = data;

  account->lookup = NULL;
  if (secret)
    {
      use_password (account, secret, source);
      return;
    }
  account->password_missing = TRUE;
  g_clear_error (&account->secret_error);
  account->secret_error = fd_error_copy (error);
  account->source = FD_SECRET_NONE;
  /* A command may ask the user something: not each time when a keyring changes. */
  if (!account->watch && !account->config->password_command)
    account->watch = fd_secret_service_watch (on_service_news, account);
  emit (account, FD_ACCOUNT_STATUS | FD_ACCOUNT_PASSWORD);
}

static void
look_up (FdAccount *account, FdSecretManners manners)
{
  account->lookup = fd_secret_lookup (account->config, manners, on_looked_up, account);
}

static gboolean
on_service_news (FdSecretManners manners, gpointer data)
{
  FdAccount *account = data;

  if (account->lookup)
    return FALSE;
  look_up (account, manners);
  return TRUE;
}

/* What the user typed last comes before what is stored: a stored password that
 * was refused would be the reason for typing. */
static void
connect_with (FdAccount *account, FdSecretManners manners)
{
  FdClientStatus status = fd_client_get_status (account->client);

  if (account->closing)
    return;
  account->wanted = TRUE;
  if (account->draining && !account->renew)
    {
      account->draining = FALSE;
      g_clear_handle_id (&account->drain_timer, g_source_remove);
    }
  if (account->password_missing) /* more may be done now than in the background */
    g_clear_pointer (&account->lookup, fd_secret_request_cancel);
  if (account->renew || account->lookup || status == FD_CLIENT_CONNECTING || status == FD_CLIENT_ONLINE)
    return;
  g_clear_pointer (&account->watch, fd_secret_service_unwatch);
  if (account->memory)
    {
      use_password (account, account->memory, FD_SECRET_MEMORY);
      return;
    }
  if (account->config->client.client_certificate)
    {
      /* nobody is asked for what is mostly not needed */
      use_password (account, NULL, FD_SECRET_NONE);
      return;
    }
  account->password_missing = FALSE;
  g_clear_error (&account->secret_error);
  look_up (account, manners);
  emit (account, FD_ACCOUNT_STATUS);
}

void
fd_account_connect (FdAccount *account)
{
  connect_with (account, FD_SECRET_ASK);
}

void
fd_account_start (FdAccount *account)
{
  connect_with (account, FD_SECRET_QUIET);
}

static gboolean
on_drained (gpointer data)
{
  FdAccount *account = data;

  account->drain_timer = 0;
  account->draining = FALSE;
  fd_client_disconnect (account->client);
  settle_if_offline (account);
  return G_SOURCE_REMOVE;
}

void
fd_account_content_ended (FdAccount *account)
{
  if (!account->draining || account->hooks->busy (account, account->data))
    return;
  g_clear_handle_id (&account->drain_timer, g_source_remove);
  account->drain_timer = g_idle_add (on_drained, account);
}

/* Ends the stream but not the wish to be connected. */
static void
close_stream (FdAccount *account)
{
  g_clear_pointer (&account->lookup, fd_secret_request_cancel);
  g_clear_pointer (&account->watch, fd_secret_service_unwatch);
  account->password_missing = FALSE;
  g_clear_error (&account->secret_error);
  account->draining = TRUE;
  g_clear_handle_id (&account->drain_timer, g_source_remove);
  account->drain_timer = g_timeout_add_seconds (DRAIN_SECONDS, on_drained, account);
  account->hooks->closing (account, account->data);
  emit (account, FD_ACCOUNT_STATUS);
  fd_account_content_ended (account);
}

void
fd_account_disconnect (FdAccount *account)
{
  account->wanted = FALSE;
  close_stream (account);
}

void
fd_account_wake (FdAccount *account)
{
  if (!account->draining && !account->renew && !account->closing)
    fd_client_wake (account->client);
}

/* --- passwords from a pipe --- */

/* Is it a password that the account lacks? One that is still being looked for is
 * not waited for: the user was faster. */
static gboolean
needs_password (FdAccount *account)
{
  return account->password_missing || account->lookup || was_refused (account);
}

/* One that the server has taken already can be saved at once. */
static void
take_password (FdAccount *account, const char *secret, gboolean save)
{
  g_clear_pointer (&account->saving, fd_secret_request_cancel);
  if (account->save_error)
    {
      g_clear_error (&account->save_error);
      emit (account, FD_ACCOUNT_STATUS);
    }
  if (g_strcmp0 (secret, account->memory) != 0)
    {
      fd_secret_free (account->memory);
      account->memory = fd_secret_new (secret, strlen (secret));
      account->memory_used = FALSE;
    }
  account->save = save;
  if (save && account->memory_used && account->online)
    save_password (account);
}

static void
on_pipe_read (const char *secret, FdSecretSource source, const GError *error, gpointer data)
{
  PasswordPipe *pipe = data;
  FdAccount *account = pipe->account;

  pipe->request = NULL;
  if (secret)
    take_password (account, secret, pipe->save);
  pipe->done (error, pipe->data);
  g_ptr_array_remove_fast (account->pipes, pipe);
  if (secret && needs_password (account))
    {
      g_clear_pointer (&account->lookup, fd_secret_request_cancel);
      fd_account_connect (account);
    }
}

static void
pipe_free (gpointer data)
{
  PasswordPipe *pipe = data;

  if (pipe->request)
    {
      g_autoptr (GError) error
        = g_error_new (FD_ERROR, FD_ERROR_NO_SUCH_ACCOUNT, "The account was removed meanwhile");

      fd_secret_request_cancel (pipe->request);
      pipe->done (error, pipe->data);
    }
  g_free (pipe);
}

void
fd_account_set_password (FdAccount *account, int fd, gboolean save, FdAccountDone done, gpointer data)
{
  PasswordPipe *pipe = g_new0 (PasswordPipe, 1);

  pipe->account = account;
  pipe->save = save;
  pipe->done = done;
  pipe->data = data;
  pipe->request = fd_secret_read (fd, on_pipe_read, pipe);
  g_ptr_array_add (account->pipes, pipe);
}

/* --- settings --- */

static gboolean
same_connection (const FdClientSettings *a, const FdClientSettings *b)
{
  return g_str_equal (a->jid, b->jid) && g_strcmp0 (a->server, b->server) == 0 && a->port == b->port
         && a->tls == b->tls && g_strcmp0 (a->ca_file, b->ca_file) == 0 && g_strcmp0 (a->pin, b->pin) == 0
         && g_strcmp0 (a->client_certificate, b->client_certificate) == 0
         && g_strcmp0 (a->client_key, b->client_key) == 0 && g_strcmp0 (a->resource, b->resource) == 0;
}

static void
renew_connection (FdAccount *account)
{
  account->renew = TRUE;
  close_stream (account);
}

void
fd_account_apply (FdAccount *account, const FdAccountConfig *config)
{
  FdAccountConfig *old = account->config;
  gboolean same = same_connection (&old->client, &config->client);
  gboolean had_failed
    = account->password_missing || fd_client_get_status (account->client) == FD_CLIENT_FAILED;

  account->config = fd_account_config_copy (config);
  fd_s5b_proxies_configure (fd_jingle_get_proxies (account->jingle),
                            (const char *const *) config->proxy_jids);
  if (!g_str_equal (old->client.jid, config->client.jid))
    {
      g_clear_pointer (&account->saving, fd_secret_request_cancel);
      fd_secret_forget (old);
      g_clear_pointer (&account->memory, fd_secret_free);
      account->memory_used = FALSE;
    }
  emit (account, FD_ACCOUNT_JID);

  if (old->enabled != config->enabled)
    account->wanted = config->enabled;
  if (!same)
    renew_connection (account);
  else if (old->enabled && !config->enabled)
    fd_account_disconnect (account);
  else if (account->wanted && (!old->enabled || had_failed))
    fd_account_connect (account);
  fd_account_config_free (old);
}

gboolean
fd_account_update (FdAccount *account, const FdAccountConfig *config, GError **error)
{
  g_autoptr (FdAccountConfig) copy = fd_account_config_copy (config);

  if (!g_str_equal (copy->id, account->config->id))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "The id of account %s cannot change: add a new account instead", account->config->id);
      return FALSE;
    }
  if (!fd_account_config_normalize (copy, error) || !fd_config_save_account (account->directory, copy, error))
    return FALSE;
  fd_account_apply (account, copy);
  return TRUE;
}

/* --- life --- */

FdAccount *
fd_account_new (FdAccountConfig *config, const char *directory, const FdAccountHooks *hooks, gpointer data)
{
  FdAccount *account = g_new0 (FdAccount, 1);

  account->config = config;
  account->directory = g_strdup (directory);
  account->hooks = hooks;
  account->data = data;
  account->pipes = g_ptr_array_new_with_free_func (pipe_free);
  make_client (account);
  return account;
}

void
fd_account_forget (FdAccount *account)
{
  g_autofree char *roster = roster_path (account, FALSE);

  fd_peers_use_roster_file (fd_account_get_peers (account), NULL, NULL);
  g_unlink (roster);
}

void
fd_account_close (FdAccount *account)
{
  account->closing = TRUE;
  g_clear_pointer (&account->saving, fd_secret_request_cancel);
  g_ptr_array_set_size (account->pipes, 0);
  fd_account_disconnect (account);
}

void
fd_account_free (FdAccount *account)
{
  if (!account)
    return;
  g_clear_handle_id (&account->settle_idle, g_source_remove);
  g_clear_handle_id (&account->drain_timer, g_source_remove);
  g_clear_pointer (&account->lookup, fd_secret_request_cancel);
  g_clear_pointer (&account->watch, fd_secret_service_unwatch);
  g_clear_pointer (&account->saving, fd_secret_request_cancel);
  g_ptr_array_unref (account->pipes);
  drop_client (account);
  fd_account_config_free (account->config);
  fd_secret_free (account->memory);
  g_clear_error (&account->secret_error);
  g_clear_error (&account->save_error);
  g_free (account->directory);
  g_free (account);
}

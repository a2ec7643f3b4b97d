/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fardel.conf and accounts.d/ID.conf: which keys there are, what they may say
 * and how they are written back.
 */
#include "core/config.h"

#include "base/error.h"
#include "core/keyfile.h"
#include "data/throttle.h"
#include "xmpp/jid.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define MAIN_GROUP "Fardel"
#define ACCOUNT_GROUP "Account"

#define PIN_DIGITS 64 /* of a SHA-256 */

static const char *const main_keys[]
  = { "DownloadFolder", "MaxActiveTransfers",  "UploadLimit", "DownloadLimit",
      "AllowApps",      "AcceptFromStrangers", NULL };
static const char *const account_keys[] = { "Jid",
                                            "Enabled",
                                            "Server",
                                            "Port",
                                            "Tls",
                                            "CaFile",
                                            "PinSha256",
                                            "ClientCertificate",
                                            "ClientKey",
                                            "Resource",
                                            "PasswordCommand",
                                            "ProxyJids",
                                            "AutoAccept",
                                            "AllowLoopback",
                                            "MaxActiveTransfers",
                                            "AutoAcceptMaxSize",
                                            "AutoAcceptFolder",
                                            "Strangers",
                                            "RelayOnly",
                                            "Owner",
                                            NULL };
static const char *const tls_names[] = { [FD_TLS_STARTTLS] = "starttls", [FD_TLS_DIRECT] = "direct", NULL };
const char *const fd_strangers_names[]
  = { [FD_STRANGERS_DEFAULT] = "", [FD_STRANGERS_DECLINE] = "decline", [FD_STRANGERS_HOLD] = "hold", NULL };

void
fd_account_config_free (FdAccountConfig *config)
{
  if (!config)
    return;
  g_free (config->id);
  fd_client_settings_clear (&config->client);
  g_strfreev (config->password_command);
  g_strfreev (config->proxy_jids);
  g_strfreev (config->auto_accept);
  g_free (config->auto_accept_folder);
  g_free (config);
}

FdAccountConfig *
fd_account_config_copy (const FdAccountConfig *config)
{
  FdAccountConfig *copy = g_new0 (FdAccountConfig, 1);

  copy->id = g_strdup (config->id);
  copy->owner = config->owner;
  copy->enabled = config->enabled;
  fd_client_settings_copy (&copy->client, &config->client);
  copy->password_command = g_strdupv (config->password_command);
  copy->proxy_jids = g_strdupv (config->proxy_jids);
  copy->auto_accept = g_strdupv (config->auto_accept);
  copy->auto_accept_max = config->auto_accept_max;
  copy->auto_accept_folder = g_strdup (config->auto_accept_folder);
  copy->strangers = config->strangers;
  copy->relay_only = config->relay_only;
  copy->allow_loopback = config->allow_loopback;
  copy->max_active = config->max_active;
  return copy;
}

void
fd_config_free (FdConfig *config)
{
  if (!config)
    return;
  g_free (config->download_folder);
  g_strfreev (config->allow_apps);
  g_free (config);
}

char *
fd_config_directory (void)
{
  return g_build_filename (g_get_user_config_dir (), "fardel", NULL);
}

gboolean
fd_account_id_is_valid (const char *id)
{
  gsize length = strspn (id, "abcdefghijklmnopqrstuvwxyz0123456789_");

  return length >= 1 && length <= 32 && id[length] == '\0';
}

/* --- fardel.conf --- */

char *
fd_config_default_download_folder (void)
{
  const char *folder = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);
  g_autofree char *downloads = g_build_filename (g_get_home_dir (), "Downloads", NULL);

  if (folder)
    return g_strdup (folder);
  return g_file_test (downloads, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&downloads)
                                                     : g_strdup (g_get_home_dir ());
}

gboolean
fd_config_check_rate (guint64 rate, GError **error)
{
  if (rate == 0 || rate >= FD_THROTTLE_MIN)
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
               "A limit of %" G_GUINT64_FORMAT
               " bytes per second looks like a broken connection to the peer; "
               "use %u or more, or 0 for none",
               rate, FD_THROTTLE_MIN);
  return FALSE;
}

static gboolean
check_rate (const char *key, guint64 rate, GError **error)
{
  if (fd_config_check_rate (rate, error))
    return TRUE;
  g_prefix_error (error, "[" MAIN_GROUP "] %s: ", key);
  return FALSE;
}

gboolean
fd_config_validate (const FdConfig *config, GError **error)
{
  if (!g_path_is_absolute (config->download_folder))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "[" MAIN_GROUP "] DownloadFolder: \"%s\" is not an absolute path",
                   config->download_folder);
      return FALSE;
    }
  if (config->max_active < 1 || config->max_active > FD_MAX_ACTIVE)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "[" MAIN_GROUP "] MaxActiveTransfers: must be a number from 1 to %u", FD_MAX_ACTIVE);
      return FALSE;
    }
  return check_rate ("UploadLimit", config->upload_limit, error)
         && check_rate ("DownloadLimit", config->download_limit, error);
}

static gboolean
read_main (GKeyFile *file, FdConfig *config, GError **error)
{
  guint64 max_active = FD_DEFAULT_ACTIVE;

  if (!fd_keyfile_get_string (file, MAIN_GROUP, "DownloadFolder", &config->download_folder, error)
      || !fd_keyfile_get_uint (file, MAIN_GROUP, "MaxActiveTransfers", 1, FD_MAX_ACTIVE, &max_active, error)
      || !fd_keyfile_get_uint (file, MAIN_GROUP, "UploadLimit", 0, G_MAXINT64, &config->upload_limit, error)
      || !fd_keyfile_get_uint (file, MAIN_GROUP, "DownloadLimit", 0, G_MAXINT64, &config->download_limit,
                               error)
      || !fd_keyfile_get_boolean (file, MAIN_GROUP, "AcceptFromStrangers", &config->accept_from_strangers,
                                  error)
      || !fd_keyfile_get_list (file, MAIN_GROUP, "AllowApps", &config->allow_apps, error))
    return FALSE;
  config->max_active = max_active;
  return fd_config_validate (config, error);
}

FdConfig *
fd_config_load (const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "fardel.conf", NULL);
  g_autoptr (GKeyFile) file = fd_keyfile_load (path, MAIN_GROUP, main_keys, error);
  g_autoptr (FdConfig) config = NULL;

  if (!file)
    return NULL;
  config = g_new0 (FdConfig, 1);
  config->download_folder = fd_config_default_download_folder ();
  config->allow_apps = g_new0 (char *, 1);
  if (read_main (file, config, error))
    return g_steal_pointer (&config);
  g_prefix_error (error, "%s: ", path);
  return NULL;
}

gboolean
fd_config_save (const char *directory, const FdConfig *config, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "fardel.conf", NULL);
  g_autofree char *folder = fd_config_default_download_folder ();
  g_autoptr (GKeyFile) file = NULL;

  if (!fd_config_validate (config, error))
    return FALSE;
  file = fd_keyfile_load (path, MAIN_GROUP, main_keys, error);
  if (!file)
    return FALSE;
  fd_keyfile_set_string (file, MAIN_GROUP, "DownloadFolder",
                         g_str_equal (config->download_folder, folder) ? NULL : config->download_folder,
                         NULL);
  fd_keyfile_set_uint (file, MAIN_GROUP, "MaxActiveTransfers", config->max_active, FD_DEFAULT_ACTIVE);
  fd_keyfile_set_uint (file, MAIN_GROUP, "UploadLimit", config->upload_limit, 0);
  fd_keyfile_set_uint (file, MAIN_GROUP, "DownloadLimit", config->download_limit, 0);
  fd_keyfile_set_boolean (file, MAIN_GROUP, "AcceptFromStrangers", config->accept_from_strangers, FALSE);
  fd_keyfile_set_list (file, MAIN_GROUP, "AllowApps", (const char *const *) config->allow_apps);
  return fd_keyfile_save (file, path, error);
}

/* --- accounts.d/ID.conf --- */

static gboolean
prepare_jids (char **jids, const char *key, gboolean bare, GError **error)
{
  for (guint i = 0; jids[i]; i++)
    {
      char *prepared = bare ? fd_jid_prepare_bare (jids[i], error) : fd_jid_prepare (jids[i], error);

      if (!prepared)
        {
          g_prefix_error (error, "[" ACCOUNT_GROUP "] %s: ", key);
          return FALSE;
        }
      g_free (jids[i]);
      jids[i] = prepared;
    }
  return TRUE;
}

/* As tools show it, with colons or in capitals, to as it is compared. */
static gboolean
prepare_pin (FdClientSettings *client, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (client->pin ? client->pin : "", ":", -1);
  g_autofree char *joined = g_strjoinv ("", parts);
  g_autofree char *pin = g_ascii_strdown (joined, -1);

  if (!client->pin)
    return TRUE;
  if (strlen (pin) != PIN_DIGITS || strspn (pin, "0123456789abcdef") != PIN_DIGITS)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "[" ACCOUNT_GROUP "] PinSha256: \"%s\" is no SHA-256, which has %d hexadecimal digits",
                   client->pin, PIN_DIGITS);
      return FALSE;
    }
  g_free (client->pin);
  client->pin = g_steal_pointer (&pin);
  return TRUE;
}

/* The resource is prepared as what it is: the end of the account's full JID. */
static gboolean
prepare_resource (FdClientSettings *client, GError **error)
{
  g_autofree char *full = NULL;
  g_autofree char *prepared = NULL;

  if (!client->resource)
    return TRUE;
  full = g_strconcat (client->jid, "/", client->resource, NULL);
  prepared = fd_jid_prepare (full, error);
  if (!prepared)
    {
      g_prefix_error (error, "[" ACCOUNT_GROUP "] Resource: ");
      return FALSE;
    }
  g_free (client->resource);
  client->resource = g_strdup (fd_jid_resource (prepared));
  return TRUE;
}

static gboolean
check_path (const char *key, const char *path, GError **error)
{
  if (!path || g_path_is_absolute (path))
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_PATH,
               "[" ACCOUNT_GROUP "] %s: \"%s\" is not an absolute path", key, path);
  return FALSE;
}

gboolean
fd_account_config_normalize (FdAccountConfig *config, GError **error)
{
  FdClientSettings *client = &config->client;
  g_autofree char *jid = NULL;

  if (!fd_account_id_is_valid (config->id))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "\"%s\" is no account id: use 1 to 32 of a-z, 0-9 and _", config->id);
      return FALSE;
    }
  if (!client->jid)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "[" ACCOUNT_GROUP "] Jid: is missing; say which account it is, e.g. alice@example.org");
      return FALSE;
    }
  if (config->max_active > FD_MAX_ACTIVE)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "[" ACCOUNT_GROUP "] MaxActiveTransfers: must be a number from 0 to %u", FD_MAX_ACTIVE);
      return FALSE;
    }
  if (client->client_key && !client->client_certificate)
    {
      g_set_error_literal (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                           "[" ACCOUNT_GROUP "] ClientKey: there is no ClientCertificate that it is for");
      return FALSE;
    }
  if (!check_path ("CaFile", client->ca_file, error)
      || !check_path ("ClientCertificate", client->client_certificate, error)
      || !check_path ("ClientKey", client->client_key, error)
      || !check_path ("AutoAcceptFolder", config->auto_accept_folder, error))
    return FALSE;
  jid = fd_jid_prepare_bare (client->jid, error);
  if (!jid)
    {
      g_prefix_error (error, "[" ACCOUNT_GROUP "] Jid: ");
      return FALSE;
    }
  g_free (client->jid);
  client->jid = g_steal_pointer (&jid);
  return prepare_pin (client, error) && prepare_resource (client, error)
         && prepare_jids (config->proxy_jids, "ProxyJids", FALSE, error)
         && prepare_jids (config->auto_accept, "AutoAccept", TRUE, error);
}

/* Two words, or the first of three is none at all. */
static gboolean
read_choice (GKeyFile *file, const char *key, const char *const *names, guint *value, GError **error)
{
  const char *const *words = *names[0] ? names : names + 1;
  g_autofree char *text = NULL;

  if (!fd_keyfile_get_string (file, ACCOUNT_GROUP, key, &text, error))
    return FALSE;
  if (!text)
    return TRUE;
  for (guint i = 0; names[i]; i++)
    if (g_str_equal (text, names[i]))
      {
        *value = i;
        return TRUE;
      }
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
               "[" ACCOUNT_GROUP "] %s: \"%s\" is neither %s nor %s", key, text, words[0], words[1]);
  return FALSE;
}

/* Quoted as for a shell, though none ever runs it. */
static gboolean
read_command (GKeyFile *file, char ***argv, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;

  if (!fd_keyfile_get_string (file, ACCOUNT_GROUP, "PasswordCommand", &text, error))
    return FALSE;
  if (!text || g_shell_parse_argv (text, NULL, argv, &local))
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION, "[" ACCOUNT_GROUP "] PasswordCommand: %s",
               local->message);
  return FALSE;
}

static FdAccountConfig *
load_account (const char *path, const char *id, GError **error)
{
  g_autoptr (GKeyFile) file = fd_keyfile_load (path, ACCOUNT_GROUP, account_keys, error);
  g_autoptr (FdAccountConfig) config = NULL;
  guint64 port = 0, max_active = 0, owner = FD_OWNER_ROOT;
  guint tls = FD_TLS_STARTTLS, strangers = FD_STRANGERS_DEFAULT;

  if (!file)
    return NULL;
  config = g_new0 (FdAccountConfig, 1);
  config->id = g_strdup (id);
  config->enabled = TRUE;
  config->proxy_jids = g_new0 (char *, 1);
  config->auto_accept = g_new0 (char *, 1);
  if (!fd_keyfile_get_string (file, ACCOUNT_GROUP, "Jid", &config->client.jid, error)
      || !fd_keyfile_get_boolean (file, ACCOUNT_GROUP, "Enabled", &config->enabled, error)
      || !fd_keyfile_get_string (file, ACCOUNT_GROUP, "Server", &config->client.server, error)
      || !fd_keyfile_get_uint (file, ACCOUNT_GROUP, "Port", 0, G_MAXUINT16, &port, error)
      || !read_choice (file, "Tls", tls_names, &tls, error)
      || !fd_keyfile_get_string (file, ACCOUNT_GROUP, "CaFile", &config->client.ca_file, error)
      || !fd_keyfile_get_string (file, ACCOUNT_GROUP, "PinSha256", &config->client.pin, error)
      || !fd_keyfile_get_string (file, ACCOUNT_GROUP, "ClientCertificate", &config->client.client_certificate,
                                 error)
      || !fd_keyfile_get_string (file, ACCOUNT_GROUP, "ClientKey", &config->client.client_key, error)
      || !fd_keyfile_get_string (file, ACCOUNT_GROUP, "Resource", &config->client.resource, error)
      || !read_command (file, &config->password_command, error)
      || !fd_keyfile_get_list (file, ACCOUNT_GROUP, "ProxyJids", &config->proxy_jids, error)
      || !fd_keyfile_get_list (file, ACCOUNT_GROUP, "AutoAccept", &config->auto_accept, error)
      || !fd_keyfile_get_uint (file, ACCOUNT_GROUP, "AutoAcceptMaxSize", 0, G_MAXINT64,
                               &config->auto_accept_max, error)
      || !fd_keyfile_get_string (file, ACCOUNT_GROUP, "AutoAcceptFolder", &config->auto_accept_folder, error)
      || !read_choice (file, "Strangers", fd_strangers_names, &strangers, error)
      || !fd_keyfile_get_boolean (file, ACCOUNT_GROUP, "RelayOnly", &config->relay_only, error)
      || !fd_keyfile_get_boolean (file, ACCOUNT_GROUP, "AllowLoopback", &config->allow_loopback, error)
      || !fd_keyfile_get_uint (file, ACCOUNT_GROUP, "MaxActiveTransfers", 0, FD_MAX_ACTIVE, &max_active,
                               error)
      || !fd_keyfile_get_uint (file, ACCOUNT_GROUP, "Owner", 0, FD_OWNER_NOBODY - 1, &owner, error)
      || !fd_account_config_normalize (config, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  config->client.port = port;
  config->client.tls = tls;
  config->strangers = strangers;
  config->max_active = max_active;
  config->owner = owner;
  return g_steal_pointer (&config);
}

static char *
account_path (const char *directory, const char *id)
{
  g_autofree char *name = g_strconcat (id, ".conf", NULL);

  return g_build_filename (directory, "accounts.d", name, NULL);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The ids of the account files, sorted, so that "the first account" is the same
 * one every time. */
static GPtrArray *
list_ids (const char *directory)
{
  g_autofree char *folder = g_build_filename (directory, "accounts.d", NULL);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;

  if (!dir && !g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_warning ("%s", error->message);
  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *id = NULL;

      if (!g_str_has_suffix (name, ".conf"))
        continue;
      id = g_strndup (name, strlen (name) - strlen (".conf"));
      if (fd_account_id_is_valid (id))
        g_ptr_array_add (ids, g_steal_pointer (&id));
      else
        g_warning ("%s/%s is ignored: an account's file name is 1 to 32 of a-z, 0-9 and _, and .conf", folder,
                   name);
    }
  g_ptr_array_sort (ids, compare_names);
  return g_steal_pointer (&ids);
}

GPtrArray *
fd_config_load_accounts (const char *directory, GError **ret_problem)
{
  g_autoptr (GPtrArray) ids = list_ids (directory);
  GPtrArray *accounts = g_ptr_array_new_with_free_func ((GDestroyNotify) fd_account_config_free);

  for (guint i = 0; i < ids->len; i++)
    {
      g_autofree char *path = account_path (directory, ids->pdata[i]);
      g_autoptr (GError) error = NULL;
      FdAccountConfig *config;

      if (accounts->len == FD_MAX_ACCOUNTS)
        {
          g_warning ("%s and those after it are ignored: there are more than %d accounts", path,
                     FD_MAX_ACCOUNTS);
          break;
        }
      config = load_account (path, ids->pdata[i], &error);
      if (config)
        {
          g_ptr_array_add (accounts, config);
          continue;
        }
      g_warning ("The account is left out: %s", error->message);
      if (ret_problem && !*ret_problem)
        g_set_error_literal (ret_problem, FD_ERROR, FD_ERROR_INVALID_OPTION, error->message);
    }
  return accounts;
}

gboolean
fd_config_has_account (const char *directory, const char *id)
{
  g_autofree char *path = account_path (directory, id);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* What the file says is left as it was written if it means the same. */
static void
write_command (GKeyFile *file, char **argv)
{
  g_auto (GStrv) old = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (read_command (file, &old, NULL) && old && argv
      && g_strv_equal ((const char *const *) old, (const char *const *) argv))
    return;
  for (guint i = 0; argv && argv[i]; i++)
    {
      g_autofree char *quoted = g_shell_quote (argv[i]);

      g_string_append_printf (text, "%s%s", i ? " " : "", quoted);
    }
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "PasswordCommand", text->str, NULL);
}

gboolean
fd_config_save_account (const char *directory, const FdAccountConfig *config, GError **error)
{
  g_autofree char *path = account_path (directory, config->id);
  g_autoptr (GKeyFile) file = fd_keyfile_load (path, ACCOUNT_GROUP, account_keys, error);

  if (!file)
    return FALSE;
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "Jid", config->client.jid, NULL);
  fd_keyfile_set_boolean (file, ACCOUNT_GROUP, "Enabled", config->enabled, TRUE);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "Server", config->client.server, NULL);
  fd_keyfile_set_uint (file, ACCOUNT_GROUP, "Port", config->client.port, 0);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "Tls", tls_names[config->client.tls],
                         tls_names[FD_TLS_STARTTLS]);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "CaFile", config->client.ca_file, NULL);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "PinSha256", config->client.pin, NULL);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "ClientCertificate", config->client.client_certificate, NULL);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "ClientKey", config->client.client_key, NULL);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "Resource", config->client.resource, NULL);
  write_command (file, config->password_command);
  fd_keyfile_set_list (file, ACCOUNT_GROUP, "ProxyJids", (const char *const *) config->proxy_jids);
  fd_keyfile_set_list (file, ACCOUNT_GROUP, "AutoAccept", (const char *const *) config->auto_accept);
  fd_keyfile_set_uint (file, ACCOUNT_GROUP, "AutoAcceptMaxSize", config->auto_accept_max, 0);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "AutoAcceptFolder", config->auto_accept_folder, NULL);
  fd_keyfile_set_string (file, ACCOUNT_GROUP, "Strangers", fd_strangers_names[config->strangers], NULL);
  fd_keyfile_set_boolean (file, ACCOUNT_GROUP, "RelayOnly", config->relay_only, FALSE);
  fd_keyfile_set_boolean (file, ACCOUNT_GROUP, "AllowLoopback", config->allow_loopback, FALSE);
  fd_keyfile_set_uint (file, ACCOUNT_GROUP, "MaxActiveTransfers", config->max_active, 0);
  fd_keyfile_set_uint (file, ACCOUNT_GROUP, "Owner", config->owner, FD_OWNER_ROOT);
  return fd_keyfile_save (file, path, error);
}

gboolean
fd_config_remove_account (const char *directory, const char *id, GError **error)
{
  g_autofree char *path = account_path (directory, id);

  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot remove %s", path);
  return FALSE;
}

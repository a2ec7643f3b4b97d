/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commands about accounts.
 */
#include "ctl.h"

#include "json.h"
#include "password.h"
#include "text.h"
#include "value.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Options of "account add" and "account update", as they are typed. */
typedef struct
{
  char *id;
  char *jid;
  char *server;
  int port;
  char *tls;
  char *ca_file;
  char *pin;
  char *client_certificate;
  char *client_key;
  char *resource;
  char *password_command;
  char **proxy_jids;
  char **auto_accept;
  char *auto_accept_max;
  char *auto_accept_folder;
  char *strangers;
  gboolean relay_only;
  gboolean no_relay_only;
  gboolean connect;
  gboolean no_connect;
  gboolean allow_loopback;
  gboolean no_loopback;
  int max_active;
} Settings;

static void
settings_clear (Settings *settings)
{
  g_free (settings->id);
  g_free (settings->jid);
  g_free (settings->server);
  g_free (settings->tls);
  g_free (settings->ca_file);
  g_free (settings->pin);
  g_free (settings->client_certificate);
  g_free (settings->client_key);
  g_free (settings->resource);
  g_free (settings->password_command);
  g_strfreev (settings->proxy_jids);
  g_strfreev (settings->auto_accept);
  g_free (settings->auto_accept_max);
  g_free (settings->auto_accept_folder);
  g_free (settings->strangers);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* ctl_parse() with the options of both commands and @own, one entry, before
 * them. */
static gboolean
settings_parse (Ctl *ctl, Settings *settings, GOptionEntry own, int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    own,
    { "server", 0, 0, G_OPTION_ARG_STRING, &settings->server, "Connect to this host instead of the domain's",
      "HOST" },
    { "port", 0, 0, G_OPTION_ARG_INT, &settings->port, "Connect to this TCP port", "PORT" },
    { "tls", 0, 0, G_OPTION_ARG_STRING, &settings->tls, "\"starttls\" (default) or \"direct\"", "KIND" },
    { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &settings->ca_file,
      "Trust these certificates, not the system's", "FILE" },
    { "pin-sha256", 0, 0, G_OPTION_ARG_STRING, &settings->pin,
      "Accept the server's certificate with this SHA-256 and no other", "HEX" },
    { "client-certificate", 0, 0, G_OPTION_ARG_FILENAME, &settings->client_certificate,
      "Log in with this certificate, where the server takes it", "FILE" },
    { "client-key", 0, 0, G_OPTION_ARG_FILENAME, &settings->client_key,
      "Its key, not encrypted (default: in the same file)", "FILE" },
    { "resource", 0, 0, G_OPTION_ARG_STRING, &settings->resource, "Resource to ask the server for", "NAME" },
    { "password-command", 0, 0, G_OPTION_ARG_STRING, &settings->password_command,
      "Program that prints the password, and its arguments, quoted as in a shell", "COMMAND" },
    { "proxy-jid", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings->proxy_jids,
      "Use this SOCKS5 proxy (repeatable)", "JID" },
    { "auto-accept", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings->auto_accept,
      "Accept files of this contact without asking (repeatable)", "JID" },
    { "auto-accept-max", 0, 0, G_OPTION_ARG_STRING, &settings->auto_accept_max,
      "But ask if they are bigger, e.g. 20M; none: never", "BYTES" },
    { "auto-accept-folder", 0, 0, G_OPTION_ARG_FILENAME, &settings->auto_accept_folder,
      "Put them here, not into the download folder", "DIRECTORY" },
    { "strangers", 0, 0, G_OPTION_ARG_STRING, &settings->strangers,
      "\"decline\" or \"hold\" offers of those who are no contacts", "WHAT" },
    { "relay-only", 0, 0, G_OPTION_ARG_NONE, &settings->relay_only,
      "Show no peer the addresses of this computer", NULL },
    { "no-relay-only", 0, 0, G_OPTION_ARG_NONE, &settings->no_relay_only, "Show them where it helps", NULL },
    { "connect", 0, 0, G_OPTION_ARG_NONE, &settings->connect, "Connect now and at every start", NULL },
    { "no-connect", 0, 0, G_OPTION_ARG_NONE, &settings->no_connect, "Connect only on \"account connect\"",
      NULL },
    { "allow-loopback", 0, 0, G_OPTION_ARG_NONE, &settings->allow_loopback, "Use loopback addresses (tests)",
      NULL },
    { "no-allow-loopback", 0, 0, G_OPTION_ARG_NONE, &settings->no_loopback, "Do not use them", NULL },
    { "max-active", 0, 0, G_OPTION_ARG_INT, &settings->max_active,
      "Transfers of this account at once (0: as many as of all)", "NUMBER" },
    { NULL },
  };

  settings->port = -1;
  settings->max_active = -1;
  return ctl_parse (ctl, entries, argc, argv, 1, 1);
}

/* "" goes back to the default; NULL was not given. */
static char *
absolute_or_empty (const char *path)
{
  return path && *path ? ctl_absolute_path (path) : g_strdup (path);
}

/* The a{sv} for the daemon: only what was given. */
static CtlExit
settings_collect (Ctl *ctl, const Settings *settings, GVariant **ret_dict)
{
  g_autoptr (GVariantDict) dict = g_variant_dict_new (NULL);
  g_auto (GStrv) command = NULL;
  g_autofree char *ca_file = absolute_or_empty (settings->ca_file);
  g_autofree char *certificate = absolute_or_empty (settings->client_certificate);
  g_autofree char *key = absolute_or_empty (settings->client_key);
  g_autofree char *folder = absolute_or_empty (settings->auto_accept_folder);
  g_autoptr (GError) error = NULL;
  guint64 max = 0;

  if (settings->password_command && *settings->password_command
      && !g_shell_parse_argv (settings->password_command, NULL, &command, &error))
    return ctl_fail (ctl, CTL_USAGE, "", "--password-command: %s", error->message);
  if (settings->port > G_MAXUINT16 || settings->port < -1)
    return ctl_fail (ctl, CTL_USAGE, "", "--port: %d is not a TCP port.", settings->port);
  if (!ctl_parse_rate (ctl, settings->auto_accept_max, &max))
    return CTL_USAGE;

  ctl_value_insert_string (dict, "jid", settings->jid);
  ctl_value_insert_string (dict, "server", settings->server);
  if (settings->port >= 0)
    g_variant_dict_insert (dict, "port", "q", settings->port);
  ctl_value_insert_string (dict, "tls", settings->tls);
  ctl_value_insert_string (dict, "ca-file", ca_file);
  ctl_value_insert_string (dict, "pin-sha256", settings->pin);
  ctl_value_insert_string (dict, "client-certificate", certificate);
  ctl_value_insert_string (dict, "client-key", key);
  ctl_value_insert_string (dict, "resource", settings->resource);
  if (settings->password_command)
    g_variant_dict_insert (dict, "password-command", "^as", command ? command : (char *[]){ NULL });
  ctl_value_insert_strings (dict, "proxy-jids", settings->proxy_jids);
  ctl_value_insert_strings (dict, "auto-accept", settings->auto_accept);
  if (settings->auto_accept_max)
    g_variant_dict_insert (dict, "auto-accept-max-size", "t", max);
  ctl_value_insert_string (dict, "auto-accept-folder", folder);
  ctl_value_insert_string (dict, "strangers", settings->strangers);
  if (settings->relay_only || settings->no_relay_only)
    g_variant_dict_insert (dict, "relay-only", "b", !settings->no_relay_only);
  if (settings->connect || settings->no_connect)
    g_variant_dict_insert (dict, "enabled", "b", !settings->no_connect);
  if (settings->allow_loopback || settings->no_loopback)
    g_variant_dict_insert (dict, "allow-loopback", "b", !settings->no_loopback);
  if (settings->max_active >= 0)
    g_variant_dict_insert (dict, "max-active", "u", settings->max_active);
  *ret_dict = g_variant_ref_sink (g_variant_dict_end (dict));
  return CTL_OK;
}

/* "Alice.B@example.org" is "alice_b", unless the user says otherwise. */
static char *
id_from_jid (const char *jid)
{
  g_autofree char *local = g_strndup (jid, MIN (strcspn (jid, "@"), 32));
  g_autofree char *lower = g_ascii_strdown (local, -1);

  return g_strdup (g_strcanon (lower, "abcdefghijklmnopqrstuvwxyz0123456789_", '_'));
}

static CtlExit
account_add (Ctl *ctl, int argc, char **argv)
{
  g_auto (Settings) settings = { 0 };
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (GVariant) reply = NULL;
  const char *path, *id;
  CtlExit status;

  if (!settings_parse (ctl, &settings,
                       (GOptionEntry){ "id", 0, 0, G_OPTION_ARG_STRING, &settings.id,
                                       "Short name for the account (default: made of the JID)", "ID" },
                       &argc, &argv))
    return CTL_USAGE;
  settings.jid = g_strdup (argv[1]);
  if (!settings.id)
    settings.id = id_from_jid (argv[1]);

  status = settings_collect (ctl, &settings, &dict);
  if (status == CTL_OK)
    status = ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "AddAccount",
                       g_variant_new ("(s@a{sv})", settings.id, dict), &reply);
  if (status != CTL_OK)
    return status;

  g_variant_get (reply, "(&o)", &path);
  id = strrchr (path, '/') + 1; /* on the system bus it has got a prefix */
  if (ctl->json)
    ctl_json_print (ctl->out, g_variant_new_parsed ("{'Id': <%s>, 'Path': <%o>}", id, path));
  else
    {
      gboolean ready = settings.password_command || settings.client_certificate;

      fprintf (ctl->out, "Added account %s.%s%s%s\n", id,
               ready ? "" : " Give its password with \"fardelctl account password ", ready ? "" : id,
               ready ? "" : "\".");
    }
  return CTL_OK;
}

static CtlExit
account_update (Ctl *ctl, int argc, char **argv)
{
  g_auto (Settings) settings = { 0 };
  g_autoptr (GVariant) dict = NULL;
  g_autofree char *path = NULL;
  CtlExit status;

  if (!settings_parse (
        ctl, &settings,
        (GOptionEntry){ "jid", 0, 0, G_OPTION_ARG_STRING, &settings.jid, "Another address", "JID" }, &argc,
        &argv))
    return CTL_USAGE;
  path = ctl_account_path (ctl, argv[1]);
  if (!path)
    return CTL_USAGE;
  status = settings_collect (ctl, &settings, &dict);
  if (status == CTL_OK && g_variant_n_children (dict) == 0)
    return ctl_fail (ctl, CTL_USAGE, "", "What shall change? Try \"fardelctl account update --help\".");
  return status != CTL_OK
           ? status
           : ctl_call (ctl, path, CTL_ACCOUNT, "Update", g_variant_new ("(@a{sv})", dict), NULL);
}

static void
print_account (CtlTable *table, GVariant *properties)
{
  const char *id = "", *jid = "", *status = "", *message = "";

  g_variant_lookup (properties, "Id", "&s", &id);
  g_variant_lookup (properties, "Jid", "&s", &jid);
  g_variant_lookup (properties, "Status", "&s", &status);
  g_variant_lookup (properties, "ErrorMessage", "&s", &message);
  ctl_table_add (table, (const char *[]){ id, status, jid, message, NULL });
}

static CtlExit
account_list (Ctl *ctl, int argc, char **argv)
{
  static const char *const headings[] = { "ID", "STATUS", "JID", "", NULL };
  g_autoptr (CtlTable) table = ctl_table_new (headings);
  g_autoptr (GVariant) accounts = NULL;
  GVariantBuilder json;
  GVariantIter iter;
  GVariant *properties;
  const char *path;
  CtlExit status;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 0, 0))
    return CTL_USAGE;
  status = ctl_list_accounts (ctl, &accounts);
  if (status != CTL_OK)
    return status;

  g_variant_builder_init (&json, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_iter_init (&iter, accounts);
  while (g_variant_iter_loop (&iter, "{&o@a{sv}}", &path, &properties))
    {
      print_account (table, properties);
      g_variant_builder_add_value (&json,
                                   ctl_json_prepend (properties, "Path", g_variant_new_object_path (path)));
    }
  if (ctl->json)
    ctl_json_print (ctl->out, g_variant_builder_end (&json));
  else
    ctl_table_print (table, ctl->out);
  g_variant_builder_clear (&json);
  return CTL_OK;
}

/* Commands that call a method without arguments on one account. */
static CtlExit
call_simple (Ctl *ctl, int argc, char **argv, const char *method)
{
  g_autofree char *path = NULL;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 1, 1))
    return CTL_USAGE;
  path = ctl_account_path (ctl, argv[1]);
  return path ? ctl_call (ctl, path, CTL_ACCOUNT, method, NULL, NULL) : CTL_USAGE;
}

static CtlExit
account_remove (Ctl *ctl, int argc, char **argv)
{
  return call_simple (ctl, argc, argv, "Remove");
}

static CtlExit
account_connect (Ctl *ctl, int argc, char **argv)
{
  return call_simple (ctl, argc, argv, "Connect");
}

static CtlExit
account_disconnect (Ctl *ctl, int argc, char **argv)
{
  return call_simple (ctl, argc, argv, "Disconnect");
}

static CtlExit
account_password (Ctl *ctl, int argc, char **argv)
{
  gboolean save = FALSE;
  const GOptionEntry entries[] = {
    { "save", 0, 0, G_OPTION_ARG_NONE, &save, "Keep it in the keyring when the server has accepted it",
      NULL },
    { NULL },
  };
  g_autoptr (GVariantDict) options = g_variant_dict_new (NULL);
  g_autofree char *path = NULL;
  CtlExit status;
  int fd;

  if (!ctl_parse (ctl, entries, &argc, &argv, 1, 1))
    return CTL_USAGE;
  path = ctl_account_path (ctl, argv[1]);
  if (!path)
    return CTL_USAGE;
  fd = ctl_password_read (argv[1]);
  if (fd == -EINTR)
    return CTL_INTERRUPTED;
  if (fd < 0)
    return ctl_fail (ctl, CTL_FAILED, "", "Cannot read the password: %s.",
                     fd == -ENODATA ? "it is empty" : g_strerror (-fd));
  if (save)
    g_variant_dict_insert (options, "save", "b", TRUE);
  status = ctl_call (ctl, path, CTL_ACCOUNT, "SetPassword",
                     g_variant_new ("(h@a{sv})", fd, g_variant_dict_end (options)), NULL);
  close (fd);
  return status;
}

const CtlCommand ctl_account_commands[] = {
  { "account list", "", "Show the accounts", account_list },
  { "account add", "JID", "Add an account", account_add },
  { "account update", "ID", "Change settings of an account", account_update },
  { "account remove", "ID", "Remove an account", account_remove },
  { "account connect", "ID", "Connect now", account_connect },
  { "account disconnect", "ID", "Go offline", account_disconnect },
  { "account password", "ID", "Give the password, asked for or from standard input", account_password },
  { NULL },
};

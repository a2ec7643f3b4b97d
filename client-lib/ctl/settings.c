/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An account's settings as options.
 */
#include "settings.h"

#include "value.h"

#include <string.h>

void
ctl_settings_clear (CtlSettings *settings)
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
gboolean
ctl_settings_parse (Ctl *ctl, CtlSettings *settings, const GOptionEntry *own, int *argc, char ***argv,
                    int min)
{
  const GOptionEntry entries[] = {
    { "server", 0, 0, G_OPTION_ARG_STRING, &settings->server,
      N_ ("Connect to this host instead of the domain's"), N_ ("HOST") },
    { "port", 0, 0, G_OPTION_ARG_INT, &settings->port, N_ ("Connect to this TCP port"), N_ ("PORT") },
    { "tls", 0, 0, G_OPTION_ARG_STRING, &settings->tls, N_ ("\"starttls\" (default) or \"direct\""),
      N_ ("KIND") },
    { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &settings->ca_file,
      N_ ("Trust these certificates, not the system's"), N_ ("FILE") },
    { "pin-sha256", 0, 0, G_OPTION_ARG_STRING, &settings->pin,
      N_ ("Accept the server's certificate with this SHA-256 and no other"), N_ ("HEX") },
    { "client-certificate", 0, 0, G_OPTION_ARG_FILENAME, &settings->client_certificate,
      N_ ("Log in with this certificate, where the server takes it"), N_ ("FILE") },
    { "client-key", 0, 0, G_OPTION_ARG_FILENAME, &settings->client_key,
      N_ ("Its key, not encrypted (default: in the same file)"), N_ ("FILE") },
    { "resource", 0, 0, G_OPTION_ARG_STRING, &settings->resource, N_ ("Resource to ask the server for"),
      N_ ("NAME") },
    { "password-command", 0, 0, G_OPTION_ARG_STRING, &settings->password_command,
      N_ ("Program that prints the password, and its arguments, quoted as in a shell"), N_ ("COMMAND") },
    { "proxy-jid", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings->proxy_jids,
      N_ ("Use this SOCKS5 proxy (repeatable)"), N_ ("JID") },
    { "auto-accept", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings->auto_accept,
      N_ ("Accept files of this contact without asking (repeatable)"), N_ ("JID") },
    { "auto-accept-max", 0, 0, G_OPTION_ARG_STRING, &settings->auto_accept_max,
      N_ ("But ask if they are bigger, e.g. 20M; none: never"), N_ ("BYTES") },
    { "auto-accept-folder", 0, 0, G_OPTION_ARG_FILENAME, &settings->auto_accept_folder,
      N_ ("Put them here, not into the download folder"), N_ ("DIRECTORY") },
    { "strangers", 0, 0, G_OPTION_ARG_STRING, &settings->strangers,
      N_ ("\"decline\" or \"hold\" offers of those who are no contacts"), N_ ("WHAT") },
    { "relay-only", 0, 0, G_OPTION_ARG_NONE, &settings->relay_only,
      N_ ("Show no peer the addresses of this computer"), NULL },
    { "no-relay-only", 0, 0, G_OPTION_ARG_NONE, &settings->no_relay_only, N_ ("Show them where it helps"),
      NULL },
    { "connect", 0, 0, G_OPTION_ARG_NONE, &settings->connect, N_ ("Connect now and at every start"), NULL },
    { "no-connect", 0, 0, G_OPTION_ARG_NONE, &settings->no_connect,
      N_ ("Connect only on \"account connect\""), NULL },
    { "allow-loopback", 0, 0, G_OPTION_ARG_NONE, &settings->allow_loopback,
      N_ ("Use loopback addresses (tests)"), NULL },
    { "no-allow-loopback", 0, 0, G_OPTION_ARG_NONE, &settings->no_loopback, N_ ("Do not use them"), NULL },
    { "max-active", 0, 0, G_OPTION_ARG_INT, &settings->max_active,
      N_ ("Transfers of this account at once (0: as many as of all)"), N_ ("NUMBER") },
    { NULL },
  };

  settings->port = -1;
  settings->max_active = -1;
  return ctl_parse_groups (ctl, (const GOptionEntry *[]){ own, entries, NULL }, argc, argv, min, 1);
}

/* "" goes back to the default; NULL was not given. */
static char *
absolute_or_empty (const char *path)
{
  return path && *path ? ctl_absolute_path (path) : g_strdup (path);
}

/* One empty text is the empty list. */
static void
insert_list (GVariantDict *dict, const char *key, char **values)
{
  gboolean empty = values && !*values[0] && !values[1];

  ctl_value_insert_strings (dict, key, empty ? (char *[]){ NULL } : values);
}

CtlExit
ctl_settings_collect (Ctl *ctl, const CtlSettings *settings, GVariant **ret_dict)
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
    return ctl_fail (ctl, CTL_USAGE, "", _ ("--password-command: %s"), error->message);
  if (settings->port > G_MAXUINT16 || settings->port < -1)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("--port: %d is not a TCP port."), settings->port);
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
  insert_list (dict, "proxy-jids", settings->proxy_jids);
  insert_list (dict, "auto-accept", settings->auto_accept);
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

char *
ctl_settings_id_from_jid (const char *jid)
{
  g_autofree char *local = g_strndup (jid, MIN (strcspn (jid, "@"), 32));
  g_autofree char *lower = g_ascii_strdown (local, -1);

  return g_strdup (g_strcanon (lower, "abcdefghijklmnopqrstuvwxyz0123456789_", '_'));
}

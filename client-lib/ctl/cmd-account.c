/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commands about accounts.
 */
#include "ctl.h"

#include "json.h"
#include "prompt.h"
#include "settings.h"
#include "text.h"
#include "value.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static CtlExit
account_update (Ctl *ctl, int argc, char **argv)
{
  g_auto (CtlSettings) settings = { 0 };
  const GOptionEntry own[] = {
    { "jid", 0, 0, G_OPTION_ARG_STRING, &settings.jid, N_ ("Another address"), N_ ("JID") },
    { NULL },
  };
  g_autoptr (GVariant) dict = NULL;
  g_autofree char *path = NULL;
  CtlExit status;

  if (!ctl_settings_parse (ctl, &settings, own, &argc, &argv, 1))
    return CTL_USAGE;
  path = ctl_account_path (ctl, argv[1]);
  if (!path)
    return CTL_USAGE;
  status = ctl_settings_collect (ctl, &settings, &dict);
  if (status == CTL_OK && g_variant_n_children (dict) == 0)
    return ctl_fail (ctl, CTL_USAGE, "", _ ("What shall change? Try \"fardelctl account update --help\"."));
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
  ctl_table_add (table, (const char *[]){ id, ctl_text_state (status), jid, message, NULL });
}

static CtlExit
account_list (Ctl *ctl, int argc, char **argv)
{
  static const char *const headings[] = { N_ ("ID"), N_ ("STATUS"), N_ ("JID"), "", NULL };
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

/* For people; g_free(). */
static char *
format_value (GVariant *value)
{
  g_autofree const char **list = NULL;
  GString *text;
  GVariantIter iter;
  const char *key, *string;
  GVariant *child;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (value, NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? "yes" : "no");
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    return g_variant_get_uint64 (value) ? ctl_text_size ((gint64) g_variant_get_uint64 (value))
                                        : g_strdup ("");
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      list = g_variant_get_strv (value, NULL);
      return g_strjoinv (", ", (char **) list);
    }
  text = g_string_new (NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    {
      g_variant_iter_init (&iter, value);
      while (g_variant_iter_loop (&iter, "{&sv}", &key, &child))
        if (g_variant_is_of_type (child, G_VARIANT_TYPE_STRING))
          {
            string = g_variant_get_string (child, NULL);
            g_string_append_printf (text, "%s%s %s", text->len ? ", " : "", key, string);
          }
    }
  return g_string_free (text, FALSE);
}

/* Those that say something, one a line. */
static void
print_properties (GVariant *properties, FILE *out)
{
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      g_autofree char *text = format_value (value);
      g_autofree char *safe = ctl_text_safe (text);

      if (*safe)
        fprintf (out, "%17s: %s\n", name, safe);
    }
}

static CtlExit
account_show (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GVariant) properties = NULL;
  CtlExit status;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 1, 1))
    return CTL_USAGE;
  path = ctl_account_path (ctl, argv[1]);
  if (!path)
    return CTL_USAGE;
  status = ctl_get_all (ctl, path, CTL_ACCOUNT, &properties);
  if (status != CTL_OK)
    return status;
  if (ctl->json)
    ctl_json_print (ctl->out, ctl_json_prepend (properties, "Path", g_variant_new_object_path (path)));
  else
    print_properties (properties, ctl->out);
  return CTL_OK;
}

static CtlExit
account_password (Ctl *ctl, int argc, char **argv)
{
  gboolean save = FALSE;
  const GOptionEntry entries[] = {
    { "save", 0, 0, G_OPTION_ARG_NONE, &save, N_ ("Keep it in the keyring when the server has accepted it"),
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
  fd = ctl_ask_password (argv[1]);
  if (fd == -EINTR)
    return CTL_INTERRUPTED;
  if (fd < 0)
    return ctl_fail (ctl, CTL_FAILED, "", _ ("Cannot read the password: %s."),
                     fd == -ENODATA || fd == -ENOMSG ? _ ("it is empty") : g_strerror (-fd));
  if (save)
    g_variant_dict_insert (options, "save", "b", TRUE);
  status = ctl_call (ctl, path, CTL_ACCOUNT, "SetPassword",
                     g_variant_new ("(h@a{sv})", fd, g_variant_dict_end (options)), NULL);
  close (fd);
  return status;
}

const CtlCommand ctl_account_commands[] = {
  { "account list", "", N_ ("Show the accounts"), account_list, "[ACCOUNT]" },
  { "account show", "ID", N_ ("Show all about one account"), account_show, "ACCOUNT" },
  { "account add", "[JID]", N_ ("Add an account; on a terminal ask for what is missing, and try it"),
    ctl_account_add, "{Id: string, Path: string}, and nothing is asked" },
  { "account update", "ID", N_ ("Change settings of an account"), account_update, NULL },
  { "account remove", "ID", N_ ("Remove an account"), account_remove, NULL },
  { "account connect", "ID", N_ ("Connect now"), account_connect, NULL },
  { "account disconnect", "ID", N_ ("Go offline"), account_disconnect, NULL },
  { "account password", "ID", N_ ("Give the password, asked for or from standard input"), account_password,
    NULL },
  { NULL },
};

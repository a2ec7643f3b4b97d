/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commands about peers, and about the daemon itself.
 */
#include "ctl.h"

#include "json.h"
#include "rate.h"
#include "text.h"

#include <string.h>

static const char *
lookup_string (GVariant *dict, const char *key)
{
  const char *value = "";

  g_variant_lookup (dict, key, "&s", &value);
  return value;
}

static gboolean
lookup_boolean (GVariant *dict, const char *key)
{
  gboolean value = FALSE;

  g_variant_lookup (dict, key, "b", &value);
  return value;
}

/* "a, b"; g_free(). */
static char *
lookup_list (GVariant *dict, const char *key)
{
  g_autofree const char **values = NULL;

  return g_variant_lookup (dict, key, "^a&s", &values) ? g_strjoinv (", ", (char **) values) : g_strdup ("");
}

static CtlExit
query (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *account = NULL;
  const GOptionEntry entries[] = {
    { "account", 'a', 0, G_OPTION_ARG_STRING, &account, "Ask with this account", "ID" },
    { NULL },
  };
  g_autoptr (GVariantDict) options = g_variant_dict_new (NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) info = NULL;
  g_autofree char *text = NULL, *safe = NULL, *safe_client = NULL, *transports = NULL;
  CtlExit status;

  if (!ctl_parse (ctl, entries, &argc, &argv, 1, 1))
    return CTL_USAGE;
  if (account)
    g_variant_dict_insert (options, "account", "s", account);
  status = ctl_call (ctl, CTL_ROOT, CTL_MANAGER, "QueryPeer",
                     g_variant_new ("(s@a{sv})", argv[1], g_variant_dict_end (options)), &reply);
  if (status != CTL_OK)
    return status;

  info = g_variant_get_child_value (reply, 0);
  transports = lookup_list (info, "transports");
  text = lookup_boolean (info, "can-receive") ? g_strdup_printf ("can receive files: resource %s, %s",
                                                                 lookup_string (info, "resource"), transports)
         : lookup_boolean (info, "online")    ? g_strdup ("is online, but cannot receive files")
                                              : g_strdup ("is offline");
  safe = ctl_text_safe (text);
  safe_client = ctl_text_safe (lookup_string (info, "client"));
  if (ctl->json)
    ctl_json_print (ctl->out, info);
  else
    fprintf (ctl->out, "%s %s%s%s\n", lookup_string (info, "jid"), safe, *safe_client ? "\nclient: " : "",
             safe_client);
  return CTL_OK;
}

/* One row per resource that is there. */
static void
add_resources (CtlTable *table, const char *id, GVariant *contact)
{
  const char *jid = lookup_string (contact, "jid");
  g_autoptr (GVariantIter) iter = NULL;
  GVariant *resource;

  if (!g_variant_lookup (contact, "resources", "aa{sv}", &iter))
    return;
  while (g_variant_iter_loop (iter, "@a{sv}", &resource))
    {
      const char *name = lookup_string (resource, "resource");
      g_autofree char *full = *name ? g_strconcat (jid, "/", name, NULL) : g_strdup (jid);
      gboolean can = lookup_boolean (resource, "can-receive");
      g_autofree char *transports = can ? lookup_list (resource, "transports") : g_strdup ("none");
      const char *software = lookup_string (resource, "software");

      ctl_table_add (table,
                     (const char *[]){ id, full, transports, lookup_string (resource, "client-type"),
                                       *software ? software : lookup_string (resource, "client"), NULL });
    }
}

static void
add_contact (CtlTable *table, const char *id, GVariant *contact)
{
  const char *presence = lookup_boolean (contact, "blocked")       ? "blocked"
                         : lookup_boolean (contact, "can-receive") ? "can receive"
                         : lookup_boolean (contact, "online")      ? "online"
                                                                   : "offline";
  g_autofree char *groups = lookup_list (contact, "groups");

  ctl_table_add (table, (const char *[]){ id, lookup_string (contact, "jid"), presence,
                                          lookup_string (contact, "subscription"),
                                          lookup_string (contact, "name"), groups, NULL });
}

/* Adds the contacts of one account to @table, by @add, and to @json, an aa{sv};
 * there with the key "account". */
static CtlExit
add_contacts (Ctl *ctl, const char *account, GVariant *filter, CtlTable *table,
              void (*add) (CtlTable *table, const char *id, GVariant *contact), GVariantBuilder *json)
{
  g_autofree char *path = ctl_account_path (ctl, account);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  GVariant *contact;
  const char *id;
  CtlExit status;

  if (!path)
    return CTL_USAGE;
  id = strrchr (path, '/') + 1;
  status = ctl_call (ctl, path, CTL_ACCOUNT, "ListContacts", g_variant_new ("(@a{sv})", filter), &reply);
  if (status != CTL_OK)
    return status;

  g_variant_get (reply, "(aa{sv})", &iter);
  while (g_variant_iter_loop (iter, "@a{sv}", &contact))
    {
      add (table, id, contact);
      g_variant_builder_add_value (json, ctl_json_prepend (contact, "account", g_variant_new_string (id)));
    }
  return CTL_OK;
}

static CtlExit
contacts (Ctl *ctl, int argc, char **argv)
{
  static const char *const headings[]
    = { "ACCOUNT", "JID", "PRESENCE", "SUBSCRIPTION", "NAME", "GROUPS", NULL };
  static const char *const resource_headings[] = { "ACCOUNT", "JID", "TRANSPORTS", "TYPE", "PROGRAM", NULL };
  g_autofree char *account = NULL;
  gboolean online = FALSE, resources = FALSE;
  const GOptionEntry entries[] = {
    { "account", 'a', 0, G_OPTION_ARG_STRING, &account, "Of this account only", "ID" },
    { "online", 0, 0, G_OPTION_ARG_NONE, &online, "Only those who are online", NULL },
    { "resources", 'r', 0, G_OPTION_ARG_NONE, &resources, "Show the programs they are online with", NULL },
    { NULL },
  };
  g_autoptr (CtlTable) table = NULL;
  g_auto (GVariantBuilder) json = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) filter = NULL;
  g_autoptr (GVariant) accounts = NULL;
  GVariantIter iter;
  const char *path;
  CtlExit status = CTL_OK;

  if (!ctl_parse (ctl, entries, &argc, &argv, 0, 0))
    return CTL_USAGE;
  table = ctl_table_new (resources ? resource_headings : headings);
  filter = g_variant_ref_sink (g_variant_new_parsed (online ? "{'online': <true>}" : "@a{sv} {}"));
  if (account)
    status = add_contacts (ctl, account, filter, table, resources ? add_resources : add_contact, &json);
  else
    {
      status = ctl_list_accounts (ctl, &accounts);
      if (status != CTL_OK)
        return status;
      g_variant_iter_init (&iter, accounts);
      while (status == CTL_OK && g_variant_iter_next (&iter, "{&o@a{sv}}", &path, NULL))
        status = add_contacts (ctl, path, filter, table, resources ? add_resources : add_contact, &json);
    }
  if (status != CTL_OK)
    return status;
  if (ctl->json)
    ctl_json_print (ctl->out, g_variant_builder_end (&json));
  else
    ctl_table_print (table, ctl->out);
  return CTL_OK;
}

static CtlExit
show_status (Ctl *ctl, int argc, char **argv)
{
  g_autoptr (GVariant) properties = NULL;
  g_autofree char *features = NULL, *safe_folder = NULL;
  g_autofree char *up = NULL, *down = NULL;
  guint32 active = 0, pending = 0, max = 0;
  guint64 upload = 0, download = 0;
  CtlExit status;

  if (!ctl_parse (ctl, NULL, &argc, &argv, 0, 0))
    return CTL_USAGE;
  status = ctl_get_all (ctl, CTL_ROOT, CTL_MANAGER, &properties);
  if (status != CTL_OK)
    return status;
  if (ctl->json)
    {
      ctl_json_print (ctl->out, properties);
      return CTL_OK;
    }

  features = lookup_list (properties, "Features");
  safe_folder = ctl_text_safe (lookup_string (properties, "DownloadFolder"));
  g_variant_lookup (properties, "ActiveTransfers", "u", &active);
  g_variant_lookup (properties, "PendingOffers", "u", &pending);
  g_variant_lookup (properties, "MaxActiveTransfers", "u", &max);
  g_variant_lookup (properties, "UploadLimit", "t", &upload);
  g_variant_lookup (properties, "DownloadLimit", "t", &download);
  up = ctl_rate_text (upload);
  down = ctl_rate_text (download);
  fprintf (ctl->out, "%16s: %s\n%16s: %s\n%16s: %u of %u\n%16s: %u\n%16s: %s\n%16s: %s up, %s down\n",
           "fardeld", lookup_string (properties, "Version"), "Features", features, "Active transfers", active,
           max, "Pending offers", pending, "Download folder", safe_folder, "Limits", up, down);
  return CTL_OK;
}

const CtlCommand ctl_peer_commands[] = {
  { "query", "PEER", "Ask whether a peer can receive files now", query },
  { "contacts", "", "Show the contacts", contacts },
  { "status", "", "Show the daemon's version and settings", show_status },
  { NULL },
};

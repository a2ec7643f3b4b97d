/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commands about peers.
 */
#include "ctl.h"

#include "json.h"
#include "text.h"
#include "value.h"

#include <string.h>

static CtlExit
query (Ctl *ctl, int argc, char **argv)
{
  g_autofree char *account = NULL;
  const GOptionEntry entries[] = {
    { "account", 'a', 0, G_OPTION_ARG_STRING, &account, N_ ("Ask with this account"), N_ ("ACCOUNT") },
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
  transports = ctl_value_lookup_list (info, "transports");
  text = ctl_value_lookup_boolean (info, "can-receive") ? g_strdup_printf (
           _ ("can receive files: resource %s, %s"), ctl_value_lookup_string (info, "resource"), transports)
         : ctl_value_lookup_boolean (info, "online") ? g_strdup (_ ("is online, but cannot receive files"))
                                                     : g_strdup (_ ("is offline"));
  safe = ctl_text_safe (text);
  safe_client = ctl_text_safe (ctl_value_lookup_string (info, "client"));
  if (ctl->json)
    ctl_json_print (ctl->out, info);
  else
    fprintf (ctl->out, "%s %s\n", ctl_value_lookup_string (info, "jid"), safe);
  if (!ctl->json && *safe_client)
    fprintf (ctl->out, _ ("client: %s\n"), safe_client);
  return CTL_OK;
}

/* One row per resource that is there. */
static void
add_resources (CtlTable *table, const char *id, GVariant *contact)
{
  const char *jid = ctl_value_lookup_string (contact, "jid");
  g_autoptr (GVariantIter) iter = NULL;
  GVariant *resource;

  if (!g_variant_lookup (contact, "resources", "aa{sv}", &iter))
    return;
  while (g_variant_iter_loop (iter, "@a{sv}", &resource))
    {
      const char *name = ctl_value_lookup_string (resource, "resource");
      g_autofree char *full = *name ? g_strconcat (jid, "/", name, NULL) : g_strdup (jid);
      gboolean can = ctl_value_lookup_boolean (resource, "can-receive");
      g_autofree char *transports
        = can ? ctl_value_lookup_list (resource, "transports") : g_strdup (_ ("none"));
      const char *software = ctl_value_lookup_string (resource, "software");

      ctl_table_add (
        table, (const char *[]){ id, full, transports, ctl_value_lookup_string (resource, "client-type"),
                                 *software ? software : ctl_value_lookup_string (resource, "client"), NULL });
    }
}

static void
add_contact (CtlTable *table, const char *id, GVariant *contact)
{
  const char *presence = ctl_value_lookup_boolean (contact, "blocked")       ? _ ("blocked")
                         : ctl_value_lookup_boolean (contact, "can-receive") ? _ ("can receive")
                         : ctl_value_lookup_boolean (contact, "online")      ? _ ("online")
                                                                             : _ ("offline");
  g_autofree char *groups = ctl_value_lookup_list (contact, "groups");

  ctl_table_add (table, (const char *[]){ id, ctl_value_lookup_string (contact, "jid"), presence,
                                          ctl_value_lookup_string (contact, "subscription"),
                                          ctl_value_lookup_string (contact, "name"), groups, NULL });
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
    = { N_ ("ACCOUNT"), N_ ("JID"), N_ ("PRESENCE"), N_ ("SUBSCRIPTION"), N_ ("NAME"), N_ ("GROUPS"), NULL };
  static const char *const resource_headings[]
    = { N_ ("ACCOUNT"), N_ ("JID"), N_ ("TRANSPORTS"), N_ ("TYPE"), N_ ("PROGRAM"), NULL };
  g_autofree char *account = NULL;
  g_autofree char *group = NULL;
  gboolean online = FALSE, can_receive = FALSE, resources = FALSE;
  const GOptionEntry entries[] = {
    { "account", 'a', 0, G_OPTION_ARG_STRING, &account, N_ ("Of this account only"), N_ ("ACCOUNT") },
    { "online", 0, 0, G_OPTION_ARG_NONE, &online, N_ ("Only those who are online"), NULL },
    { "can-receive", 0, 0, G_OPTION_ARG_NONE, &can_receive, N_ ("Only those who can receive files now"),
      NULL },
    { "group", 'g', 0, G_OPTION_ARG_STRING, &group, N_ ("Only those in this group of the contact list"),
      N_ ("GROUP") },
    { "resources", 'r', 0, G_OPTION_ARG_NONE, &resources, N_ ("Show the programs they are online with"),
      NULL },
    { NULL },
  };
  g_autoptr (CtlTable) table = NULL;
  g_auto (GVariantBuilder) json = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariantDict) dict = NULL;
  g_autoptr (GVariant) filter = NULL;
  g_autoptr (GVariant) accounts = NULL;
  GVariantIter iter;
  const char *path;
  CtlExit status = CTL_OK;

  if (!ctl_parse (ctl, entries, &argc, &argv, 0, 0))
    return CTL_USAGE;
  table = ctl_table_new (resources ? resource_headings : headings);
  dict = g_variant_dict_new (NULL);
  if (online)
    g_variant_dict_insert (dict, "online", "b", TRUE);
  if (can_receive)
    g_variant_dict_insert (dict, "can-receive", "b", TRUE);
  ctl_value_insert_string (dict, "group", group);
  filter = g_variant_ref_sink (g_variant_dict_end (dict));
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

const CtlCommand ctl_peer_commands[] = {
  { "query", "PEER", N_ ("Ask whether a peer can receive files now"), query,
    "{jid: string, online: boolean, can-receive: boolean, resource: string, transports: [string], client: "
    "string}" },
  { "contacts", "", N_ ("Show the contacts"), contacts,
    "[{account: string, jid: string, name: string, subscription: string, asked: boolean, blocked: boolean, "
    "online: "
    "boolean, can-receive: boolean, groups: [string], resources: [{resource: string, show: string, "
    "can-receive: "
    "boolean, transports: [string], client: string, client-type: string, software: string, software-version: "
    "string}]}]" },
  { NULL },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Account.ListContacts, and the signal that says that its answer is out of date.
 */
#include "base/timer.h"
#include "bus/object.h"
#include "bus/options.h"
#include "xmpp/jid.h"

/* Contacts come and go in crowds, e.g. all of them after the login. */
#define SIGNAL_DELAY (1 * G_USEC_PER_SEC)

/* --- the list --- */

typedef struct
{
  gboolean online;
  gboolean can_receive;
  const char *group;
} ContactFilter;

#define ANY (-1)

static const FdOption contact_filter[] = {
  { "online", FD_OPTION_BOOL, G_STRUCT_OFFSET (ContactFilter, online), NULL },
  { "can-receive", FD_OPTION_BOOL, G_STRUCT_OFFSET (ContactFilter, can_receive), NULL },
  { "group", FD_OPTION_TEXT, G_STRUCT_OFFSET (ContactFilter, group), NULL },
};

static gboolean
contact_fits (const FdContact *contact, const ContactFilter *filter)
{
  return (filter->online == ANY || filter->online == !!contact->online)
         && (filter->can_receive == ANY || filter->can_receive == !!contact->can_receive)
         && (!filter->group || g_strv_contains (contact->groups, filter->group));
}

static int
append_resource (sd_bus_message *message, FdAccount *account, const FdPeerInfo *info)
{
  const char *paths[FD_N_PATHS + 1];
  const char *resource = fd_jid_resource (info->full_jid);
  int r = sd_bus_message_open_container (message, 'a', "{sv}");

  fd_path_names (fd_account_get_paths (account, info->transports), paths);
  if (r >= 0)
    r = sd_bus_message_append (
      message, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "resource", "s", resource ? resource : "", "show", "s",
      info->show, "can-receive", "b", info->can_receive, "client", "s", info->caps_node, "client-type", "s",
      info->client_type, "software", "s", info->software, "software-version", "s", info->software_version);
  if (r >= 0)
    r = fd_sd_append_strv_entry (message, "transports", paths);
  return r < 0 ? r : sd_bus_message_close_container (message);
}

static int
append_resources (sd_bus_message *message, FdAccount *account, const GArray *resources)
{
  int r = sd_bus_message_open_container (message, 'e', "sv");

  if (r >= 0)
    r = sd_bus_message_append (message, "s", "resources");
  if (r >= 0)
    r = sd_bus_message_open_container (message, 'v', "aa{sv}");
  if (r >= 0)
    r = sd_bus_message_open_container (message, 'a', "a{sv}");
  for (guint i = 0; r >= 0 && i < resources->len; i++)
    r = append_resource (message, account, &g_array_index (resources, FdPeerInfo, i));
  for (guint i = 0; r >= 0 && i < 3; i++)
    r = sd_bus_message_close_container (message);
  return r;
}

static int
append_contact (sd_bus_message *message, FdAccount *account, const FdContact *contact)
{
  int r = sd_bus_message_open_container (message, 'a', "{sv}");

  if (r >= 0)
    r = sd_bus_message_append (message, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "jid", "s", contact->jid, "name", "s",
                               contact->name, "subscription", "s", contact->subscription, "asked", "b",
                               contact->asked, "blocked", "b", contact->blocked, "online", "b",
                               contact->online, "can-receive", "b", contact->can_receive);
  if (r >= 0)
    r = fd_sd_append_strv_entry (message, "groups", contact->groups);
  if (r >= 0)
    r = append_resources (message, account, contact->resources);
  return r < 0 ? r : sd_bus_message_close_container (message);
}

gboolean
fd_contacts_list (const FdCall *call, GError **error)
{
  ContactFilter filter = { ANY, ANY, NULL };
  g_autoptr (sd_bus_message) reply = NULL;
  g_autoptr (GPtrArray) contacts = NULL;
  FdObject *object;
  int r;

  if (!fd_options_read (call->message, contact_filter, G_N_ELEMENTS (contact_filter), &filter, error))
    return FALSE;

  object = g_hash_table_lookup (call->bus->objects, call->account);
  object->contacts_listed = TRUE;
  contacts = fd_peers_list_contacts (fd_account_get_peers (call->account));
  r = sd_bus_message_new_method_return (call->message, &reply);
  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "a{sv}");
  for (guint i = 0; r >= 0 && i < contacts->len; i++)
    if (contact_fits (contacts->pdata[i], &filter))
      r = append_contact (reply, call->account, contacts->pdata[i]);
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  return fd_call_send (call, reply, r);
}

/* --- the signal --- */

static gboolean
on_signal (gpointer data)
{
  FdObject *object = data;

  g_source_set_ready_time (object->contacts_timer, -1);
  object->contacts_listed = FALSE;
  fd_bus_emit_contacts_changed (object);
  return G_SOURCE_CONTINUE;
}

/* Once for each list that was given out: where nobody asks, nothing is sent. */
void
fd_contacts_changed (FdBus *bus, FdAccount *account)
{
  FdObject *object = g_hash_table_lookup (bus->objects, account);

  if (!object || !object->contacts_listed)
    return;
  if (!object->contacts_timer)
    object->contacts_timer = fd_timer_new ("contacts", on_signal, object);
  if (g_source_get_ready_time (object->contacts_timer) < 0)
    g_source_set_ready_time (object->contacts_timer, g_get_monotonic_time () + SIGNAL_DELAY);
}

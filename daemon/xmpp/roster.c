/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Roster fetch and pushes (RFC 6121 §2.1.3, §2.1.6).
 */
#include "xmpp/roster.h"

#include "xmpp/jid.h"

#define NS_ROSTER "jabber:iq:roster"

#define MAX_CONTACTS 4000 /* servers allow about 1000 */
#define MAX_GROUPS 32 /* of one contact */

struct FdRoster
{
  FdIq *iq;
  GHashTable *items; /* bare JID -> FdRosterItem */
  guint request;
};

static void
item_free (gpointer data)
{
  FdRosterItem *item = data;

  g_free (item->jid);
  g_free (item->name);
  g_free (item->subscription);
  g_strfreev (item->groups);
  g_free (item);
}

static char **
read_groups (xmpp_stanza_t *element)
{
  g_autoptr (GStrvBuilder) groups = g_strv_builder_new ();
  guint n_groups = 0;

  FD_XML_FOREACH (child, element)
    {
      g_autofree char *name = NULL;

      if (!fd_xml_is (child, "group", NULL) || n_groups++ == MAX_GROUPS)
        continue;
      name = fd_xml_text (child);
      g_strv_builder_add (groups, name);
    }
  return g_strv_builder_end (groups);
}

static void
apply_item (FdRoster *roster, xmpp_stanza_t *element)
{
  static const char *const subscriptions[] = { "none", "to", "from", "both", NULL };
  const char *jid = fd_xml_attr (element, "jid");
  const char *name = fd_xml_attr (element, "name");
  const char *subscription = fd_xml_attr (element, "subscription");
  FdRosterItem *item;

  if (!jid || !fd_xml_is (element, "item", NULL))
    return;
  if (g_strcmp0 (subscription, "remove") == 0)
    {
      g_hash_table_remove (roster->items, jid);
      return;
    }
  if (g_hash_table_size (roster->items) >= MAX_CONTACTS && !g_hash_table_contains (roster->items, jid))
    return;

  item = g_new0 (FdRosterItem, 1);
  item->jid = g_strdup (jid);
  item->name = g_strdup (name ? name : "");
  item->subscription
    = g_strdup (subscription && g_strv_contains (subscriptions, subscription) ? subscription : "none");
  item->groups = read_groups (element);
  g_hash_table_replace (roster->items, item->jid, item);
}

static void
on_roster (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  FdRoster *roster = data;
  xmpp_stanza_t *query;

  roster->request = 0;
  if (error)
    {
      g_message ("The contact list could not be fetched: %s", error->message);
      return;
    }
  g_hash_table_remove_all (roster->items);
  query = fd_xml_child (reply, "query", NS_ROSTER);
  if (!query)
    return;
  FD_XML_FOREACH (item, query)
    apply_item (roster, item);
}

/* A push is the server's alone: no 'from', or the own account. */
static void
on_push (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *query, gpointer data)
{
  FdRoster *roster = data;
  const char *from = fd_xml_attr (request, "from");
  xmpp_stanza_t *item = fd_xml_first (query);

  if (from && (!fd_jid_same_bare (from, fd_iq_get_own_jid (iq)) || fd_jid_resource (from)))
    {
      fd_iq_reply_error (iq, request, "cancel", "service-unavailable", NULL, NULL, NULL);
      return;
    }
  if (item)
    apply_item (roster, item);
  fd_iq_reply (iq, request, NULL);
}

FdRoster *
fd_roster_new (FdIq *iq)
{
  FdRoster *roster = g_new0 (FdRoster, 1);

  roster->iq = iq;
  roster->items = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, item_free);
  fd_iq_handle (iq, "set", NS_ROSTER, on_push, roster);
  return roster;
}

void
fd_roster_free (FdRoster *roster)
{
  if (!roster)
    return;
  if (roster->request)
    fd_iq_cancel (roster->iq, roster->request);
  fd_iq_handle (roster->iq, "set", NS_ROSTER, NULL, NULL);
  g_hash_table_unref (roster->items);
  g_free (roster);
}

void
fd_roster_fetch (FdRoster *roster)
{
  if (roster->request)
    fd_iq_cancel (roster->iq, roster->request);
  roster->request = fd_iq_send (roster->iq, "get", NULL, fd_xml_new ("query", NS_ROSTER, NULL),
                                FD_IQ_TIMEOUT_MS, on_roster, roster);
}

const FdRosterItem *
fd_roster_lookup (FdRoster *roster, const char *jid)
{
  g_autofree char *bare = fd_jid_bare (jid);

  return g_hash_table_lookup (roster->items, bare);
}

static int
compare_items (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 ((*(const FdRosterItem *const *) a)->jid, (*(const FdRosterItem *const *) b)->jid);
}

GPtrArray *
fd_roster_list (FdRoster *roster)
{
  GPtrArray *list = g_ptr_array_sized_new (g_hash_table_size (roster->items));
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, roster->items);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    g_ptr_array_add (list, item);
  g_ptr_array_sort (list, compare_items);
  return list;
}

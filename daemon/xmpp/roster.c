/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Roster fetch, versions and pushes (RFC 6121 §2.1.3, §2.1.6, §2.6), and the
 * copy on disk, which has the form of the server's own answer.
 */
#include "xmpp/roster.h"

#include "base/timer.h"
#include "xmpp/jid.h"

#include <string.h>

#define NS_ROSTER "jabber:iq:roster"

#define MAX_CONTACTS 4000 /* servers allow about 1000 */
#define MAX_GROUPS 32 /* of one contact */
#define MAX_JID 3071 /* bytes (RFC 7622 §3.1) */
#define MAX_NAME 256 /* characters of a name or a group; what is longer is cut */
#define MAX_VERSION 1024 /* bytes; the server's own words, to be given back */
#define MAX_FILE (4 * 1024 * 1024) /* bytes; a usual list has some 10000 */
#define SAVE_DELAY (2 * G_USEC_PER_SEC) /* one write for the pushes of an import */

struct FdRoster
{
  FdIq *iq;
  FdRosterChanged changed;
  FdRosterChanged fetched; /* once, or NULL */
  gpointer data;
  GHashTable *items; /* bare JID -> FdRosterItem */
  char *version; /* NULL: the server told none */
  gboolean cut; /* there are contacts that we left out */
  guint request;
  char *owner; /* bare JID, for the file */
  char *path; /* NULL: not kept */
  GSource *save_timer;
  gboolean dirty; /* the file is to be written */
};

/* -- items ---------------------------------------------------------------- */

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

/* Takes @text. */
static char *
cut_text (char *text)
{
  if (g_utf8_strlen (text, -1) > MAX_NAME)
    *g_utf8_offset_to_pointer (text, MAX_NAME) = '\0';
  return text;
}

static char **
read_groups (xmpp_stanza_t *element)
{
  g_autoptr (GStrvBuilder) groups = g_strv_builder_new ();
  guint n_groups = 0;

  FD_XML_FOREACH (child, element)
    {
      g_autofree char *name = NULL;

      if (!fd_xml_is (child, "group", NULL) || n_groups++ >= MAX_GROUPS)
        continue;
      name = cut_text (fd_xml_text (child));
      g_strv_builder_add (groups, name);
    }
  return g_strv_builder_end (groups);
}

static gboolean
has_room (FdRoster *roster, const char *jid)
{
  if (g_hash_table_size (roster->items) < MAX_CONTACTS || g_hash_table_contains (roster->items, jid))
    return TRUE;
  if (!roster->cut)
    g_warning ("The contact list of %s has more than %d contacts: the others are left out",
               fd_iq_get_own_jid (roster->iq), MAX_CONTACTS);
  roster->cut = TRUE;
  return FALSE;
}

static void
apply_item (FdRoster *roster, xmpp_stanza_t *element)
{
  static const char *const subscriptions[] = { "none", "to", "from", "both", NULL };
  const char *given = fd_xml_attr (element, "jid");
  g_autofree char *jid = given ? fd_jid_prepare (given, NULL) : NULL;
  const char *name = fd_xml_attr (element, "name");
  const char *subscription = fd_xml_attr (element, "subscription");
  FdRosterItem *item;

  if (!jid || strlen (jid) > MAX_JID || !fd_xml_is (element, "item", NULL))
    return;
  if (g_strcmp0 (subscription, "remove") == 0)
    {
      g_hash_table_remove (roster->items, jid);
      return;
    }
  if (!has_room (roster, jid))
    return;

  item = g_new0 (FdRosterItem, 1);
  item->jid = g_steal_pointer (&jid);
  item->name = cut_text (g_strdup (name ? name : ""));
  item->subscription
    = g_strdup (subscription && g_strv_contains (subscriptions, subscription) ? subscription : "none");
  item->asked = g_strcmp0 (fd_xml_attr (element, "ask"), "subscribe") == 0;
  item->groups = read_groups (element);
  g_hash_table_replace (roster->items, item->jid, item);
}

static void
set_version (FdRoster *roster, const char *version)
{
  char *copy = version && strlen (version) <= MAX_VERSION ? g_strdup (version) : NULL;

  g_free (roster->version);
  roster->version = copy;
}

static void
replace_all (FdRoster *roster, xmpp_stanza_t *query)
{
  g_hash_table_remove_all (roster->items);
  roster->cut = FALSE;
  FD_XML_FOREACH (item, query)
    apply_item (roster, item);
  set_version (roster, fd_xml_attr (query, "ver"));
}

/* -- the file ------------------------------------------------------------- */

static void
append_item (xmpp_stanza_t *query, const FdRosterItem *item)
{
  xmpp_stanza_t *element
    = fd_xml_add (query, "item", NULL, "jid", item->jid, "name", *item->name ? item->name : NULL,
                  "subscription", item->subscription, "ask", item->asked ? "subscribe" : NULL, NULL);

  for (guint i = 0; item->groups[i]; i++)
    fd_xml_add_text (element, "group", item->groups[i]);
}

static void
save (FdRoster *roster)
{
  g_autoptr (FdXml) query
    = fd_xml_new ("query", NS_ROSTER, "owner", roster->owner, "ver", roster->version, NULL);
  g_autoptr (GPtrArray) items = fd_roster_list (roster);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  roster->dirty = FALSE;
  for (guint i = 0; i < items->len; i++)
    append_item (query, items->pdata[i]);
  text = fd_xml_to_string (query);
  length = strlen (text);
  if (length <= MAX_FILE
      && !g_file_set_contents_full (roster->path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_message ("The contact list will be fetched as a whole next time: %s", error->message);
}

static gboolean
on_save (gpointer data)
{
  FdRoster *roster = data;

  g_source_set_ready_time (roster->save_timer, -1);
  save (roster);
  return G_SOURCE_CONTINUE;
}

/* Without a version the file would be of no use, and of a list that was cut it
 * would hide that forever. */
static void
save_later (FdRoster *roster)
{
  if (!roster->path || !roster->version || roster->cut || roster->dirty)
    return;
  roster->dirty = TRUE;
  g_source_set_ready_time (roster->save_timer, g_get_monotonic_time () + SAVE_DELAY);
}

static void
load (FdRoster *roster)
{
  g_autofree char *text = NULL;
  g_autoptr (FdXml) query = NULL;
  gsize length;

  if (!g_file_get_contents (roster->path, &text, &length, NULL) || length > MAX_FILE)
    return;
  query = fd_xml_parse (text, NULL);
  if (query && fd_xml_is (query, "query", NS_ROSTER)
      && g_strcmp0 (fd_xml_attr (query, "owner"), roster->owner) == 0)
    replace_all (roster, query);
}

static void
stop_saving (FdRoster *roster)
{
  if (roster->dirty && roster->path)
    save (roster);
  roster->dirty = FALSE;
  g_source_set_ready_time (roster->save_timer, -1);
}

void
fd_roster_use_file (FdRoster *roster, const char *jid, const char *path)
{
  if (!path)
    g_clear_pointer (&roster->path, g_free);
  stop_saving (roster);
  if (!path)
    return;
  g_free (roster->owner);
  g_free (roster->path);
  roster->owner = g_strdup (jid);
  roster->path = g_strdup (path);
  load (roster);
}

/* -- the server ----------------------------------------------------------- */

static void
on_roster (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  FdRoster *roster = data;
  FdRosterChanged fetched = roster->fetched;
  xmpp_stanza_t *query = error ? NULL : fd_xml_child (reply, "query", NS_ROSTER);

  roster->request = 0;
  roster->fetched = NULL;
  if (error)
    g_message ("The contact list could not be fetched: %s", error->message);
  else if (query) /* else nothing is new, or pushes will tell */
    {
      replace_all (roster, query);
      save_later (roster);
      roster->changed (roster->data);
    }
  if (fetched)
    fetched (roster->data);
}

/* A push is the server's alone: no 'from', or the own account. */
static void
on_push (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *query, gpointer data)
{
  FdRoster *roster = data;
  const char *from = fd_xml_attr (request, "from");
  const char *version = fd_xml_attr (query, "ver");
  xmpp_stanza_t *item = fd_xml_first (query);

  if (from && (!fd_jid_same_bare (from, fd_iq_get_own_jid (iq)) || fd_jid_resource (from)))
    {
      fd_iq_reply_error (iq, request, "cancel", "service-unavailable", NULL, NULL, NULL);
      return;
    }
  fd_iq_reply (iq, request, NULL);
  if (!item)
    return;
  apply_item (roster, item);
  if (version)
    set_version (roster, version);
  save_later (roster);
  roster->changed (roster->data);
}

void
fd_roster_fetch (FdRoster *roster, gboolean versioned, FdRosterChanged fetched)
{
  const char *version = roster->version ? roster->version : "";

  if (roster->request)
    fd_iq_cancel (roster->iq, roster->request);
  roster->fetched = fetched;
  roster->request = fd_iq_send (roster->iq, "get", NULL,
                                fd_xml_new ("query", NS_ROSTER, "ver", versioned ? version : NULL, NULL),
                                FD_IQ_TIMEOUT_MS, on_roster, roster);
}

/* -- life and look-up ----------------------------------------------------- */

FdRoster *
fd_roster_new (FdIq *iq, FdRosterChanged changed, gpointer data)
{
  FdRoster *roster = g_new0 (FdRoster, 1);

  roster->iq = iq;
  roster->changed = changed;
  roster->data = data;
  roster->items = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, item_free);
  roster->save_timer = fd_timer_new ("roster", on_save, roster);
  fd_iq_handle (iq, "set", NS_ROSTER, on_push, roster);
  return roster;
}

void
fd_roster_free (FdRoster *roster)
{
  if (!roster)
    return;
  stop_saving (roster);
  if (roster->request)
    fd_iq_cancel (roster->iq, roster->request);
  fd_iq_handle (roster->iq, "set", NS_ROSTER, NULL, NULL);
  fd_timer_free (roster->save_timer);
  g_hash_table_unref (roster->items);
  g_free (roster->version);
  g_free (roster->owner);
  g_free (roster->path);
  g_free (roster);
}

const FdRosterItem *
fd_roster_lookup (FdRoster *roster, const char *jid)
{
  g_autofree char *bare = fd_jid_bare (jid);

  return g_hash_table_lookup (roster->items, bare);
}

guint
fd_roster_get_size (FdRoster *roster)
{
  return g_hash_table_size (roster->items);
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

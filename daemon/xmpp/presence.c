/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of resources (RFC 6121 §4, XEP-0115 §4).
 */
#include "xmpp/presence.h"

#include "xmpp/jid.h"

#define MAX_RESOURCES 24 /* of one bare JID; servers allow about 10 */

struct FdPresence
{
  GHashTable *people; /* bare JID -> GPtrArray of FdResource */
  guint max_people;
  guint64 order;
  FdPresenceDrop drop;
  gpointer data;
};

static void
resource_free (gpointer data)
{
  FdResource *resource = data;

  g_free (resource->full_jid);
  g_free (resource->caps_node);
  g_free (resource->caps_hash);
  g_free (resource->caps_ver);
  fd_disco_unref (resource->disco);
  g_clear_error (&resource->error);
  g_free (resource);
}

FdPresence *
fd_presence_new (FdPresenceDrop drop, gpointer data)
{
  FdPresence *presence = g_new0 (FdPresence, 1);

  presence->people
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  presence->drop = drop;
  presence->data = data;
  return presence;
}

void
fd_presence_free (FdPresence *presence)
{
  if (!presence)
    return;
  fd_presence_clear (presence);
  g_hash_table_unref (presence->people);
  g_free (presence);
}

void
fd_presence_clear (FdPresence *presence)
{
  fd_presence_foreach (presence, presence->drop, presence->data);
  g_hash_table_remove_all (presence->people);
}

GPtrArray *
fd_presence_get (FdPresence *presence, const char *bare_jid)
{
  return g_hash_table_lookup (presence->people, bare_jid);
}

FdResource *
fd_presence_lookup (FdPresence *presence, const char *full_jid)
{
  g_autofree char *bare = fd_jid_bare (full_jid);
  GPtrArray *resources = fd_presence_get (presence, bare);

  for (guint i = 0; resources && i < resources->len; i++)
    {
      FdResource *resource = resources->pdata[i];

      if (g_str_equal (resource->full_jid, full_jid))
        return resource;
    }
  return NULL;
}

static void remove_resource (FdPresence *presence, FdResource *resource);

/* Forgets somebody who never sent presence and is not being asked. */
static gboolean
make_room (FdPresence *presence)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, presence->people);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GPtrArray *resources = value;
      FdResource *resource = resources->pdata[0];

      if (resources->len > 1 || resource->available || resource->request)
        continue;
      remove_resource (presence, resource);
      return TRUE;
    }
  return FALSE;
}

void
fd_presence_set_room (FdPresence *presence, guint max)
{
  presence->max_people = max;
}

FdResource *
fd_presence_ensure (FdPresence *presence, const char *full_jid)
{
  g_autofree char *bare = fd_jid_bare (full_jid);
  FdResource *resource = fd_presence_lookup (presence, full_jid);
  GPtrArray *resources = fd_presence_get (presence, bare);

  if (resource)
    return resource;
  if (resources ? resources->len >= MAX_RESOURCES
                : g_hash_table_size (presence->people) >= presence->max_people && !make_room (presence))
    return NULL;

  if (!resources)
    {
      resources = g_ptr_array_new_with_free_func (resource_free);
      g_hash_table_insert (presence->people, g_steal_pointer (&bare), resources);
    }
  resource = g_new0 (FdResource, 1);
  resource->full_jid = g_strdup (full_jid);
  resource->caps_node = g_strdup ("");
  g_ptr_array_add (resources, resource);
  return resource;
}

static void
remove_resource (FdPresence *presence, FdResource *resource)
{
  g_autofree char *bare = fd_jid_bare (resource->full_jid);
  GPtrArray *resources = fd_presence_get (presence, bare);

  presence->drop (resource, presence->data);
  g_ptr_array_remove (resources, resource);
  if (resources->len == 0)
    g_hash_table_remove (presence->people, bare);
}

/* From a bare JID it means all of them. */
static void
apply_unavailable (FdPresence *presence, const char *from)
{
  FdResource *resource = fd_presence_lookup (presence, from);
  GPtrArray *resources;

  if (resource)
    {
      remove_resource (presence, resource);
    }
  else if (!fd_jid_resource (from) && (resources = fd_presence_get (presence, from)))
    {
      g_ptr_array_foreach (resources, (GFunc) presence->drop, presence->data);
      g_hash_table_remove (presence->people, from);
    }
}

static int
read_show (xmpp_stanza_t *stanza)
{
  static const char *const shows[] = { "chat", "away", "xa", "dnd" };
  g_autofree char *show = fd_xml_child_text (stanza, "show");

  for (guint i = 0; show && i < G_N_ELEMENTS (shows); i++)
    {
      if (g_str_equal (shows[i], show))
        return i;
    }
  return 0;
}

static int
read_priority (xmpp_stanza_t *stanza)
{
  g_autofree char *text = fd_xml_child_text (stanza, "priority");
  gint64 priority = 0;

  if (text)
    g_ascii_string_to_signed (text, 10, -128, 127, &priority, NULL);
  return priority;
}

/* TRUE if the caps are not those from before. */
static gboolean
apply_caps (FdPresence *presence, FdResource *resource, xmpp_stanza_t *stanza)
{
  xmpp_stanza_t *c = fd_xml_child (stanza, "c", FD_NS_CAPS);
  const char *node = c ? fd_xml_attr (c, "node") : NULL;
  /* without 'hash' it is the legacy format, which verifies nothing */
  const char *hash = c ? fd_xml_attr (c, "hash") : NULL;
  const char *ver = hash ? fd_xml_attr (c, "ver") : NULL;

  if (resource->available && g_strcmp0 (ver, resource->caps_ver) == 0
      && g_strcmp0 (hash, resource->caps_hash) == 0)
    return FALSE;

  presence->drop (resource, presence->data);
  g_clear_pointer (&resource->disco, fd_disco_unref);
  g_clear_error (&resource->error);
  g_free (resource->caps_node);
  g_free (resource->caps_hash);
  g_free (resource->caps_ver);
  resource->caps_node = g_strdup (node ? node : "");
  resource->caps_hash = g_strdup (hash);
  resource->caps_ver = g_strdup (ver);
  if (ver)
    {
      FdDisco *known = fd_caps_cache_lookup (hash, ver);

      resource->disco = known ? fd_disco_ref (known) : NULL;
    }
  return TRUE;
}

FdResource *
fd_presence_apply (FdPresence *presence, xmpp_stanza_t *stanza)
{
  const char *type = fd_xml_attr (stanza, "type");
  const char *from = fd_xml_attr (stanza, "from");
  FdResource *resource;
  gboolean news;

  if (!from)
    return NULL;
  if (g_strcmp0 (type, "unavailable") == 0)
    apply_unavailable (presence, from);
  if (type)
    return NULL;

  resource = fd_presence_ensure (presence, from);
  if (!resource)
    return NULL;
  news = apply_caps (presence, resource, stanza);
  resource->available = TRUE;
  resource->show = read_show (stanza);
  resource->priority = read_priority (stanza);
  resource->order = ++presence->order;
  return news ? resource : NULL;
}

void
fd_presence_foreach (FdPresence *presence, void (*each) (FdResource *resource, gpointer data), gpointer data)
{
  GHashTableIter iter;
  gpointer resources;

  g_hash_table_iter_init (&iter, presence->people);
  while (g_hash_table_iter_next (&iter, NULL, &resources))
    g_ptr_array_foreach (resources, (GFunc) each, data);
}

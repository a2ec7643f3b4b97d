/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Roster, presence and disco#info joined: asking resources what they can do
 * (XEP-0030 §3.1, XEP-0115 §5.4) and answering who can take a file.
 */
#include "xmpp/peers.h"

#include "base/error.h"
#include "xmpp/blocking.h"
#include "xmpp/choice.h"
#include "xmpp/directed.h"
#include "xmpp/jid.h"
#include "xmpp/roster.h"

#define DISCO_TIMEOUT_MS 5000 /* a user waits for the answer */
#define MAX_STRANGERS 256 /* whose presence is kept, if there are no contacts */
#define MAX_PEOPLE 9000 /* all contacts, and strangers who came before them */

struct FdPeers
{
  FdIq *iq;
  FdRoster *roster;
  FdPeersReady ready;
  gpointer ready_data;
  FdBlocking *blocking;
  FdDirected *directed;
  FdPresence *presence;
  GHashTable *queries; /* id -> Query */
  guint last_query;
  guint idle; /* looks which queries can be answered */
  FdPeersAvailable available;
  gpointer available_data;
  FdPeersChanged changed;
  gpointer changed_data;
  FdPeersGone gone;
  gpointer gone_data;
};

typedef struct
{
  guint id;
  char *jid;
  FdPeersChosen callback;
  gpointer data;
} Query;

static void
query_free (gpointer data)
{
  Query *query = data;

  g_free (query->jid);
  g_free (query);
}

static gboolean
is_self (FdPeers *peers, const FdResource *resource)
{
  return g_str_equal (resource->full_jid, fd_iq_get_own_jid (peers->iq));
}

static void
tell_changed (FdPeers *peers, gboolean blocklist)
{
  if (peers->changed)
    peers->changed (blocklist, peers->changed_data);
}

static void
announce (FdPeers *peers, const FdResource *resource)
{
  g_autofree char *bare = fd_jid_bare (resource->full_jid);

  if (peers->available && resource->available && !is_self (peers, resource))
    peers->available (bare, peers->available_data);
}

/* -- asking ------------------------------------------------------------- */

static gboolean on_idle (gpointer data);

static void
wake_queries (FdPeers *peers)
{
  if (!peers->idle && g_hash_table_size (peers->queries) > 0)
    peers->idle = g_idle_add (on_idle, peers);
}

typedef struct
{
  FdPeers *peers;
  const char *hash;
  const char *ver;
  FdDisco *disco;
  GPtrArray *learned;
} Spread;

/* What is verified for one resource holds for all with the same caps. */
static void
spread (FdResource *resource, gpointer data)
{
  Spread *context = data;

  if (resource->disco || g_strcmp0 (resource->caps_ver, context->ver) != 0
      || g_strcmp0 (resource->caps_hash, context->hash) != 0)
    return;
  if (resource->request)
    {
      fd_iq_cancel (context->peers->iq, resource->request);
      resource->request = 0;
    }
  resource->disco = fd_disco_ref (context->disco);
  g_ptr_array_add (context->learned, g_strdup (resource->full_jid));
}

static void
learn (FdPeers *peers, FdResource *resource, xmpp_stanza_t *query, FdDisco *disco)
{
  g_autoptr (GPtrArray) learned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *ver = resource->caps_ver ? fd_caps_ver (query, resource->caps_hash) : NULL;

  if (ver && g_str_equal (ver, resource->caps_ver))
    {
      g_autofree char *hash = g_strdup (resource->caps_hash);

      fd_caps_cache_add (hash, ver, disco);
      fd_presence_foreach (peers->presence, spread, &(Spread){ peers, hash, ver, disco, learned });
    }
  else
    {
      resource->disco = fd_disco_ref (disco);
      g_ptr_array_add (learned, g_strdup (resource->full_jid));
    }

  for (guint i = 0; i < learned->len; i++)
    {
      FdResource *now = fd_presence_lookup (peers->presence, learned->pdata[i]);

      if (now && fd_resource_can_receive (now))
        announce (peers, now);
    }
  tell_changed (peers, FALSE);
}

static void
on_info (xmpp_stanza_t *reply, const GError *iq_error, gpointer data)
{
  FdResource *resource = data;
  FdPeers *peers = resource->asker;
  xmpp_stanza_t *query = iq_error ? NULL : fd_xml_child (reply, "query", FD_NS_DISCO_INFO);
  g_autoptr (FdDisco) disco = NULL;

  resource->request = 0;
  wake_queries (peers);
  if (iq_error)
    {
      resource->error = g_error_copy (iq_error);
      return;
    }
  if (!query)
    g_set_error (&resource->error, FD_ERROR, FD_ERROR_PROTOCOL, "%s answered disco#info with something else",
                 resource->full_jid);
  else
    disco = fd_disco_parse (query, &resource->error);
  if (disco)
    learn (peers, resource, query, disco);
}

static void
ask (FdPeers *peers, FdResource *resource)
{
  g_autofree char *node = NULL;

  if (resource->disco || resource->request)
    return;
  g_clear_error (&resource->error);
  if (resource->caps_ver)
    node = g_strconcat (resource->caps_node, "#", resource->caps_ver, NULL);
  resource->asker = peers;
  resource->request = fd_iq_send (peers->iq, "get", resource->full_jid,
                                  fd_xml_new ("query", FD_NS_DISCO_INFO, "node", node, NULL),
                                  DISCO_TIMEOUT_MS, on_info, resource);
}

typedef struct
{
  const FdResource *like;
  gboolean asked;
} SameCaps;

static void
look_for_same_caps (FdResource *resource, gpointer data)
{
  SameCaps *search = data;

  search->asked |= resource->request && g_strcmp0 (resource->caps_ver, search->like->caps_ver) == 0
                   && g_strcmp0 (resource->caps_hash, search->like->caps_hash) == 0;
}

/* Ahead of any need, so that the list of contacts tells who can receive. One
 * is asked for all with the same caps. */
static void
ask_early (FdPeers *peers, FdResource *resource)
{
  SameCaps search = { resource, FALSE };

  fd_presence_foreach (peers->presence, look_for_same_caps, &search);
  if (!search.asked)
    ask (peers, resource);
}

/* -- choosing ----------------------------------------------------------- */

/* Borrowed resources that the query is about; never our own. */
static GPtrArray *
get_candidates (FdPeers *peers, const char *jid)
{
  GPtrArray *candidates = g_ptr_array_new ();
  GPtrArray *resources;

  if (fd_jid_resource (jid))
    {
      FdResource *resource = fd_presence_lookup (peers->presence, jid);

      if (resource)
        g_ptr_array_add (candidates, resource);
      return candidates;
    }

  resources = fd_presence_get (peers->presence, jid);
  for (guint i = 0; resources && i < resources->len; i++)
    {
      FdResource *resource = resources->pdata[i];

      if (resource->available && !is_self (peers, resource))
        g_ptr_array_add (candidates, resource);
    }
  return candidates;
}

static GError *
new_choice_error (FdPeers *peers, const char *jid, GPtrArray *candidates)
{
  if (fd_iq_get_own_jid (peers->iq)[0] == '\0')
    return g_error_new_literal (FD_ERROR, FD_ERROR_NOT_CONNECTED,
                                "The account is not connected to its server");

  /* one that answered says more than one that did not */
  for (guint i = 0; i < candidates->len; i++)
    {
      const FdResource *resource = candidates->pdata[i];

      if (resource->disco)
        return g_error_new (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED,
                            "%s cannot receive files: its program lacks %s", resource->full_jid,
                            fd_resource_get_missing (resource));
    }
  for (guint i = 0; i < candidates->len; i++)
    {
      const FdResource *resource = candidates->pdata[i];

      /* a server answers for a resource that is not there */
      if (resource->error && (resource->available || resource->error->code != FD_ERROR_PEER_UNSUPPORTED))
        return g_error_copy (resource->error);
    }
  return g_error_new (FD_ERROR, FD_ERROR_PEER_OFFLINE,
                      "%s is not online, or does not show it to this account", jid);
}

/* Calls back unless answers are still awaited. */
static void
answer (FdPeers *peers, Query *query)
{
  g_autoptr (GPtrArray) candidates = get_candidates (peers, query->jid);
  g_autoptr (GError) error = NULL;
  const FdResource *best = NULL;

  for (guint i = 0; i < candidates->len; i++)
    {
      const FdResource *resource = candidates->pdata[i];

      if (resource->request)
        return;
      if (fd_resource_can_receive (resource) && (!best || fd_resource_is_better (resource, best)))
        best = resource;
    }

  g_hash_table_steal (peers->queries, GUINT_TO_POINTER (query->id));
  if (best)
    {
      FdPeerInfo info = fd_resource_describe (best);

      query->callback (&info, NULL, query->data);
    }
  else
    {
      error = new_choice_error (peers, query->jid, candidates);
      query->callback (NULL, error, query->data);
    }
  query_free (query);
}

static gboolean
on_idle (gpointer data)
{
  FdPeers *peers = data;
  g_autofree gpointer *ids = NULL;
  guint n_ids;

  peers->idle = 0;
  ids = g_hash_table_get_keys_as_array (peers->queries, &n_ids);
  for (guint i = 0; i < n_ids; i++)
    {
      Query *query = g_hash_table_lookup (peers->queries, ids[i]);

      if (query)
        answer (peers, query);
    }
  return G_SOURCE_REMOVE;
}

/* However many strangers there are, contacts find room. */
static void
set_room (FdPeers *peers, const char *jid)
{
  gboolean listed = fd_roster_lookup (peers->roster, jid) != NULL;

  fd_presence_set_room (peers->presence,
                        listed ? MAX_PEOPLE : fd_roster_get_size (peers->roster) + MAX_STRANGERS);
}

guint
fd_peers_query (FdPeers *peers, const char *jid, FdPeersChosen callback, gpointer data)
{
  g_autoptr (GPtrArray) candidates = NULL;
  Query *query = g_new0 (Query, 1);

  if (fd_jid_resource (jid) && fd_iq_get_own_jid (peers->iq)[0] != '\0')
    {
      set_room (peers, jid);
      fd_presence_ensure (peers->presence, jid);
    }
  candidates = get_candidates (peers, jid);
  for (guint i = 0; i < candidates->len; i++)
    {
      FdResource *resource = candidates->pdata[i];

      /* nothing tells when one without presence goes or changes */
      if (!resource->available)
        g_clear_pointer (&resource->disco, fd_disco_unref);
      ask (peers, resource);
    }

  do
    peers->last_query++;
  while (peers->last_query == 0
         || g_hash_table_contains (peers->queries, GUINT_TO_POINTER (peers->last_query)));
  query->id = peers->last_query;
  query->jid = g_strdup (jid);
  query->callback = callback;
  query->data = data;
  g_hash_table_insert (peers->queries, GUINT_TO_POINTER (query->id), query);
  wake_queries (peers);
  return query->id;
}

void
fd_peers_cancel_query (FdPeers *peers, guint id)
{
  g_hash_table_remove (peers->queries, GUINT_TO_POINTER (id));
}

/* -- the rest of the interface ------------------------------------------ */

static void
on_drop (FdResource *resource, gpointer data)
{
  FdPeers *peers = data;

  if (resource->request)
    fd_iq_cancel (peers->iq, resource->request);
  resource->request = 0;
  wake_queries (peers);
}

static void
on_roster_changed (gpointer data)
{
  tell_changed (data, FALSE);
}

static void
on_roster_fetched (gpointer data)
{
  FdPeers *peers = data;

  if (peers->ready)
    peers->ready (peers->ready_data);
}

static void
on_blocking_changed (gpointer data)
{
  tell_changed (data, TRUE);
}

static gboolean
on_refusal (const char *from, gpointer data)
{
  return fd_peers_is_blocked (data, from);
}

FdPeers *
fd_peers_new (FdIq *iq)
{
  FdPeers *peers = g_new0 (FdPeers, 1);

  peers->iq = iq;
  peers->roster = fd_roster_new (iq, on_roster_changed, peers);
  peers->blocking = fd_blocking_new (iq, on_blocking_changed, peers);
  peers->directed = fd_directed_new (iq);
  fd_iq_set_refusal (iq, on_refusal, peers);
  peers->presence = fd_presence_new (on_drop, peers);
  peers->queries = g_hash_table_new_full (NULL, NULL, NULL, query_free);
  return peers;
}

void
fd_peers_free (FdPeers *peers)
{
  if (!peers)
    return;
  fd_iq_set_refusal (peers->iq, NULL, NULL);
  fd_presence_free (peers->presence);
  fd_directed_free (peers->directed);
  fd_blocking_free (peers->blocking);
  fd_roster_free (peers->roster);
  g_clear_handle_id (&peers->idle, g_source_remove);
  g_hash_table_unref (peers->queries);
  g_free (peers);
}

void
fd_peers_use_roster_file (FdPeers *peers, const char *jid, const char *path)
{
  fd_roster_use_file (peers->roster, jid, path);
}

void
fd_peers_stream_up (FdPeers *peers, gboolean roster_versions, FdPeersReady ready, gpointer data)
{
  peers->ready = ready;
  peers->ready_data = data;
  fd_roster_fetch (peers->roster, roster_versions, on_roster_fetched);
  fd_blocking_fetch (peers->blocking);
  fd_directed_stream_up (peers->directed);
}

void
fd_peers_stream_lost (FdPeers *peers)
{
  fd_presence_clear (peers->presence);
  tell_changed (peers, FALSE);
}

void
fd_peers_presence (FdPeers *peers, xmpp_stanza_t *stanza)
{
  const char *from = xmpp_stanza_get_from (stanza);
  FdResource *resource;

  if (!from)
    return;
  set_room (peers, from);
  resource = fd_presence_apply (peers->presence, stanza);
  if (fd_roster_lookup (peers->roster, from))
    tell_changed (peers, FALSE);
  if (peers->gone && g_strcmp0 (xmpp_stanza_get_type (stanza), "unavailable") == 0)
    peers->gone (from, peers->gone_data);
  if (!resource || is_self (peers, resource))
    return;
  /* a request would show a stranger that we are here */
  if (resource->caps_ver && !resource->disco && fd_peers_is_contact (peers, resource->full_jid))
    ask_early (peers, resource);
  announce (peers, resource);
}

gboolean
fd_peers_lookup (FdPeers *peers, const char *full_jid, FdPeerInfo *ret_info)
{
  FdResource *resource = fd_presence_lookup (peers->presence, full_jid);

  if (!resource || !resource->disco)
    return FALSE;
  *ret_info = fd_resource_describe (resource);
  return TRUE;
}

gboolean
fd_peers_is_contact (FdPeers *peers, const char *jid)
{
  const FdRosterItem *item = fd_roster_lookup (peers->roster, jid);

  if (fd_peers_is_blocked (peers, jid))
    return FALSE;
  return (item && (g_str_equal (item->subscription, "from") || g_str_equal (item->subscription, "both")))
         || fd_jid_same_bare (jid, fd_iq_get_own_jid (peers->iq));
}

gboolean
fd_peers_is_online (FdPeers *peers, const char *jid)
{
  g_autoptr (GPtrArray) candidates = get_candidates (peers, jid);

  for (guint i = 0; i < candidates->len; i++)
    {
      if (((FdResource *) candidates->pdata[i])->available)
        return TRUE;
    }
  return FALSE;
}

gboolean
fd_peers_is_blocked (FdPeers *peers, const char *jid)
{
  return fd_blocking_has (peers->blocking, jid);
}

void
fd_peers_show_presence (FdPeers *peers, const char *full_jid)
{
  if (!fd_peers_is_contact (peers, full_jid) && !fd_peers_is_blocked (peers, full_jid))
    fd_directed_show (peers->directed, full_jid);
}

void
fd_peers_hide_presence (FdPeers *peers, const char *full_jid)
{
  fd_directed_hide (peers->directed, full_jid, !fd_peers_is_contact (peers, full_jid));
}

static void
contact_free (gpointer data)
{
  FdContact *contact = data;

  g_array_unref (contact->resources);
  g_free (contact);
}

static int
compare_infos (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (((const FdPeerInfo *) a)->full_jid, ((const FdPeerInfo *) b)->full_jid);
}

static void
add_resources (FdPeers *peers, FdContact *contact)
{
  g_autoptr (GPtrArray) resources = get_candidates (peers, contact->jid);

  contact->online = resources->len > 0;
  contact->resources = g_array_sized_new (FALSE, FALSE, sizeof (FdPeerInfo), resources->len);
  for (guint i = 0; i < resources->len; i++)
    {
      FdPeerInfo info = fd_resource_describe (resources->pdata[i]);

      contact->can_receive |= info.can_receive && !contact->blocked;
      g_array_append_val (contact->resources, info);
    }
  g_array_sort (contact->resources, compare_infos);
}

GPtrArray *
fd_peers_list_contacts (FdPeers *peers)
{
  g_autoptr (GPtrArray) items = fd_roster_list (peers->roster);
  GPtrArray *contacts = g_ptr_array_new_with_free_func (contact_free);

  for (guint i = 0; i < items->len; i++)
    {
      const FdRosterItem *item = items->pdata[i];
      FdContact *contact = g_new0 (FdContact, 1);

      contact->jid = item->jid;
      contact->name = item->name;
      contact->subscription = item->subscription;
      contact->asked = item->asked;
      contact->groups = (const char *const *) item->groups;
      contact->blocked = fd_peers_is_blocked (peers, item->jid);
      add_resources (peers, contact);
      g_ptr_array_add (contacts, contact);
    }
  return contacts;
}

void
fd_peers_set_available_callback (FdPeers *peers, FdPeersAvailable callback, gpointer data)
{
  peers->available = callback;
  peers->available_data = data;
}

void
fd_peers_set_changed_callback (FdPeers *peers, FdPeersChanged callback, gpointer data)
{
  peers->changed = callback;
  peers->changed_data = data;
}

void
fd_peers_set_gone_callback (FdPeers *peers, FdPeersGone callback, gpointer data)
{
  peers->gone = callback;
  peers->gone_data = data;
}

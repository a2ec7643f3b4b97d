/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fetch and pushes of the block list (XEP-0191 §3).
 */
#include "xmpp/blocking.h"

#include "xmpp/caps.h"
#include "xmpp/jid.h"

#define NS_BLOCKING "urn:xmpp:blocking"

#define MAX_BLOCKED 4000 /* as many as contacts */

struct FdBlocking
{
  FdIq *iq;
  void (*changed) (gpointer data);
  gpointer data;
  GHashTable *jids; /* set */
  guint request;
};

/* -- the list ------------------------------------------------------------- */

static void
add (FdBlocking *blocking, xmpp_stanza_t *list)
{
  FD_XML_FOREACH (item, list)
    {
      const char *jid = fd_xml_attr (item, "jid");
      /* written by other clients, not stamped by the server */
      g_autofree char *prepared = jid ? fd_jid_prepare (jid, NULL) : NULL;

      if (!prepared || !fd_xml_is (item, "item", NULL))
        continue;
      if (g_hash_table_size (blocking->jids) == MAX_BLOCKED)
        {
          g_warning ("%s blocks more than %d addresses: only the server knows the others",
                     fd_iq_get_own_jid (blocking->iq), MAX_BLOCKED);
          return;
        }
      g_hash_table_add (blocking->jids, g_steal_pointer (&prepared));
    }
}

/* An empty list means all of them. */
static void
drop (FdBlocking *blocking, xmpp_stanza_t *list)
{
  if (!fd_xml_first (list))
    g_hash_table_remove_all (blocking->jids);
  FD_XML_FOREACH (item, list)
    {
      const char *jid = fd_xml_attr (item, "jid");
      g_autofree char *prepared = jid ? fd_jid_prepare (jid, NULL) : NULL;

      if (prepared)
        g_hash_table_remove (blocking->jids, prepared);
    }
}

static void
on_push (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload, gpointer data)
{
  FdBlocking *blocking = data;
  const char *from = fd_xml_attr (request, "from");
  gboolean ours = !from || (fd_jid_same_bare (from, fd_iq_get_own_jid (iq)) && !fd_jid_resource (from));

  if (ours && fd_xml_is (payload, "block", NULL))
    add (blocking, payload);
  else if (ours && fd_xml_is (payload, "unblock", NULL))
    drop (blocking, payload);
  else
    {
      fd_iq_reply_error (iq, request, "cancel", "service-unavailable", NULL, NULL, NULL);
      return;
    }
  fd_iq_reply (iq, request, NULL);
  blocking->changed (blocking->data);
}

/* -- the fetch ------------------------------------------------------------ */

static void
on_list (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  FdBlocking *blocking = data;
  xmpp_stanza_t *list = error ? NULL : fd_xml_child (reply, "blocklist", NS_BLOCKING);

  blocking->request = 0;
  if (error)
    g_message ("The block list could not be fetched: %s", error->message);
  if (!list)
    return;
  g_hash_table_remove_all (blocking->jids);
  add (blocking, list);
  blocking->changed (blocking->data);
}

static void
on_info (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  FdBlocking *blocking = data;
  xmpp_stanza_t *query = error ? NULL : fd_xml_child (reply, "query", FD_NS_DISCO_INFO);
  g_autoptr (FdDisco) disco = query ? fd_disco_parse (query, NULL) : NULL;

  blocking->request = 0;
  if (disco && fd_disco_has (disco, NS_BLOCKING))
    blocking->request = fd_iq_send (blocking->iq, "get", NULL, fd_xml_new ("blocklist", NS_BLOCKING, NULL),
                                    FD_IQ_TIMEOUT_MS, on_list, blocking);
}

void
fd_blocking_fetch (FdBlocking *blocking)
{
  g_autofree char *domain = fd_jid_domain (fd_iq_get_own_jid (blocking->iq));

  if (blocking->request)
    fd_iq_cancel (blocking->iq, blocking->request);
  blocking->request = fd_iq_send (blocking->iq, "get", domain, fd_xml_new ("query", FD_NS_DISCO_INFO, NULL),
                                  FD_IQ_TIMEOUT_MS, on_info, blocking);
}

/* -- life and look-up ----------------------------------------------------- */

FdBlocking *
fd_blocking_new (FdIq *iq, void (*changed) (gpointer data), gpointer data)
{
  FdBlocking *blocking = g_new0 (FdBlocking, 1);

  blocking->iq = iq;
  blocking->changed = changed;
  blocking->data = data;
  blocking->jids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  fd_iq_handle (iq, "set", NS_BLOCKING, on_push, blocking);
  return blocking;
}

void
fd_blocking_free (FdBlocking *blocking)
{
  if (!blocking)
    return;
  if (blocking->request)
    fd_iq_cancel (blocking->iq, blocking->request);
  fd_iq_handle (blocking->iq, "set", NS_BLOCKING, NULL, NULL);
  g_hash_table_unref (blocking->jids);
  g_free (blocking);
}

gboolean
fd_blocking_has (FdBlocking *blocking, const char *jid)
{
  g_autofree char *bare = NULL, *domain = NULL;

  if (g_hash_table_size (blocking->jids) == 0 || fd_jid_same_bare (jid, fd_iq_get_own_jid (blocking->iq)))
    return FALSE;
  bare = fd_jid_bare (jid);
  domain = fd_jid_domain (jid);
  return g_hash_table_contains (blocking->jids, jid) || g_hash_table_contains (blocking->jids, bare)
         || g_hash_table_contains (blocking->jids, domain);
}

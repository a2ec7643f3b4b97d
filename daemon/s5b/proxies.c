/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The SOCKS5 proxies of an account (XEP-0065 §4): disco#items of the own
 * server, disco#info of each item, the streamhosts of those that are proxies.
 */
#include "s5b/proxies.h"
#include "base/error.h"
#include "xmpp/jid.h"

#include <string.h>

#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_INFO "http://jabber.org/protocol/disco#info"
#define TIMEOUT_MS 10000
#define MAX_ITEMS 50 /* components asked; a server has a dozen */
#define MAX_STREAMHOSTS 8 /* an offer takes six candidates */
#define MAX_AGE_US (10 * 60 * G_USEC_PER_SEC)

struct FdS5bProxies
{
  FdIq *iq;
  char **configured;
  gboolean up;
  GPtrArray *requests; /* Request, owned */
  GPtrArray *found; /* FdS5bStreamhost of the discovery that runs */
  GPtrArray *streamhosts; /* FdS5bStreamhost of the last one that ended */
  gint64 fetched; /* monotonic µs */
  GArray *waiters; /* Waiter */
  guint proxied; /* streams */
};

typedef struct
{
  FdS5bProxiesSettled settled;
  gpointer data;
} Waiter;

typedef struct Request Request;
typedef void (*Answer) (Request *request, xmpp_stanza_t *query);

struct Request
{
  FdS5bProxies *proxies;
  guint id;
  char *jid;
  const char *what; /* for the log */
  const char *ns;
  Answer answer;
};

static void
streamhost_free (gpointer data)
{
  FdS5bStreamhost *streamhost = data;

  g_free (streamhost->jid);
  g_free (streamhost->host);
  g_free (streamhost);
}

FdS5bStreamhost *
fd_s5b_streamhost_new (const char *jid, const char *host, guint16 port)
{
  FdS5bStreamhost *streamhost = g_new0 (FdS5bStreamhost, 1);

  streamhost->jid = g_strdup (jid);
  streamhost->host = g_strdup (host);
  streamhost->port = port;
  return streamhost;
}

GPtrArray *
fd_s5b_streamhosts_new (void)
{
  return g_ptr_array_new_with_free_func (streamhost_free);
}

static void
request_free (gpointer data)
{
  Request *request = data;

  if (request->id)
    fd_iq_cancel (request->proxies->iq, request->id);
  g_free (request->jid);
  g_free (request);
}

/* A discovery that brought nothing does not throw away what an earlier one did. */
static void
settle (FdS5bProxies *proxies)
{
  g_autoptr (GArray) waiters = g_steal_pointer (&proxies->waiters);

  if (proxies->found->len > 0 || proxies->streamhosts->len == 0)
    {
      g_ptr_array_unref (proxies->streamhosts);
      proxies->streamhosts = g_steal_pointer (&proxies->found);
      proxies->found = fd_s5b_streamhosts_new ();
    }
  proxies->fetched = g_get_monotonic_time ();
  proxies->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  for (guint i = 0; i < waiters->len; i++)
    {
      const Waiter *waiter = &g_array_index (waiters, Waiter, i);

      waiter->settled (waiter->data);
    }
}

static void
on_reply (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  Request *request = data;
  FdS5bProxies *proxies = request->proxies;
  xmpp_stanza_t *query = reply ? fd_xml_child (reply, "query", request->ns) : NULL;

  request->id = 0;
  if (error)
    g_info ("Looking for SOCKS5 proxies, %s of %s: %s", request->what, request->jid, error->message);
  else if (!query)
    g_info ("Looking for SOCKS5 proxies, %s of %s: the answer is empty", request->what, request->jid);
  else
    request->answer (request, query);

  g_ptr_array_remove_fast (proxies->requests, request);
  if (proxies->requests->len == 0)
    settle (proxies);
}

static void
ask (FdS5bProxies *proxies, const char *jid, const char *what, const char *ns, Answer answer)
{
  Request *request = g_new0 (Request, 1);

  request->proxies = proxies;
  request->jid = g_strdup (jid);
  request->what = what;
  request->ns = ns;
  request->answer = answer;
  g_ptr_array_add (proxies->requests, request);
  request->id
    = fd_iq_send (proxies->iq, "get", jid, fd_xml_new ("query", ns, NULL), TIMEOUT_MS, on_reply, request);
}

static gboolean
is_known (FdS5bProxies *proxies, const char *host, guint16 port)
{
  for (guint i = 0; i < proxies->found->len; i++)
    {
      const FdS5bStreamhost *known = proxies->found->pdata[i];

      if (known->port == port && g_ascii_strcasecmp (known->host, host) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_configured (FdS5bProxies *proxies, const char *jid)
{
  return proxies->configured && g_strv_contains ((const char *const *) proxies->configured, jid);
}

static void
on_streamhosts (Request *request, xmpp_stanza_t *query)
{
  FdS5bProxies *proxies = request->proxies;

  FD_XML_FOREACH (child, query)
    {
      const char *host = fd_xml_attr (child, "host"), *jid = fd_xml_attr (child, "jid");
      guint64 port;

      if (!fd_xml_is (child, "streamhost", NULL))
        continue;
      if (!host || !*host || !jid || !*jid || !fd_xml_attr_uint (child, "port", 1, G_MAXUINT16, &port))
        {
          g_info ("The SOCKS5 proxy %s names a host that cannot be used", request->jid);
          continue;
        }
      if (proxies->found->len >= MAX_STREAMHOSTS || is_known (proxies, host, port))
        continue;

      g_ptr_array_insert (proxies->found, is_configured (proxies, request->jid) ? 0 : -1,
                          fd_s5b_streamhost_new (jid, host, port));
      g_info ("SOCKS5 proxy %s at %s port %" G_GUINT64_FORMAT, jid, host, port);
    }
}

static void
ask_streamhosts (FdS5bProxies *proxies, const char *jid)
{
  ask (proxies, jid, "streamhosts", FD_NS_BYTESTREAMS, on_streamhosts);
}

static void
on_info (Request *request, xmpp_stanza_t *query)
{
  FD_XML_FOREACH (child, query)
    {
      gboolean feature = fd_xml_is (child, "feature", NULL)
                         && g_strcmp0 (fd_xml_attr (child, "var"), FD_NS_BYTESTREAMS) == 0;
      gboolean identity = fd_xml_is (child, "identity", NULL)
                          && g_strcmp0 (fd_xml_attr (child, "category"), "proxy") == 0
                          && g_strcmp0 (fd_xml_attr (child, "type"), "bytestreams") == 0;

      if (feature || identity)
        {
          ask_streamhosts (request->proxies, request->jid);
          return;
        }
    }
}

static void
on_items (Request *request, xmpp_stanza_t *query)
{
  g_autoptr (GHashTable) asked = g_hash_table_new (g_str_hash, g_str_equal);

  FD_XML_FOREACH (child, query)
    {
      const char *jid = fd_xml_attr (child, "jid");

      if (!fd_xml_is (child, "item", NULL) || !jid || !*jid || fd_xml_attr (child, "node")
          || is_configured (request->proxies, jid) || !g_hash_table_add (asked, (gpointer) jid))
        continue;
      if (g_hash_table_size (asked) > MAX_ITEMS)
        break;
      ask (request->proxies, jid, "features", NS_INFO, on_info);
    }
}

static void
discover (FdS5bProxies *proxies)
{
  g_autofree char *domain = NULL;

  if (!proxies->up || proxies->requests->len > 0)
    return;
  domain = fd_jid_domain (fd_iq_get_own_jid (proxies->iq));
  g_ptr_array_set_size (proxies->found, 0);
  for (char **jid = proxies->configured; jid && *jid; jid++)
    ask_streamhosts (proxies, *jid);
  ask (proxies, domain, "services", NS_ITEMS, on_items);
}

FdS5bProxies *
fd_s5b_proxies_new (FdIq *iq)
{
  FdS5bProxies *proxies = g_new0 (FdS5bProxies, 1);

  proxies->iq = iq;
  proxies->requests = g_ptr_array_new_with_free_func (request_free);
  proxies->found = fd_s5b_streamhosts_new ();
  proxies->streamhosts = fd_s5b_streamhosts_new ();
  proxies->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  return proxies;
}

void
fd_s5b_proxies_free (FdS5bProxies *proxies)
{
  if (!proxies)
    return;
  g_ptr_array_unref (proxies->requests);
  g_ptr_array_unref (proxies->found);
  g_ptr_array_unref (proxies->streamhosts);
  g_array_unref (proxies->waiters);
  g_strfreev (proxies->configured);
  g_free (proxies);
}

void
fd_s5b_proxies_configure (FdS5bProxies *proxies, const char *const *jids)
{
  g_strfreev (proxies->configured);
  proxies->configured = g_strdupv ((char **) jids);
  proxies->fetched = 0; /* asked for again when they are needed */
}

void
fd_s5b_proxies_stream_up (FdS5bProxies *proxies)
{
  proxies->up = TRUE;
  discover (proxies);
}

/* The streamhosts stay known: a transfer may start before they are found again. */
void
fd_s5b_proxies_stream_lost (FdS5bProxies *proxies)
{
  proxies->up = FALSE;
  if (proxies->requests->len > 0)
    {
      g_ptr_array_set_size (proxies->requests, 0);
      settle (proxies);
    }
}

const GPtrArray *
fd_s5b_proxies_get (FdS5bProxies *proxies)
{
  if (g_get_monotonic_time () - proxies->fetched > MAX_AGE_US)
    discover (proxies);
  return proxies->streamhosts;
}

gboolean
fd_s5b_proxies_wait (FdS5bProxies *proxies, FdS5bProxiesSettled settled, gpointer data)
{
  const Waiter waiter = { settled, data };

  if (proxies->requests->len == 0 || proxies->streamhosts->len > 0)
    return FALSE;
  g_array_append_val (proxies->waiters, waiter);
  return TRUE;
}

void
fd_s5b_proxies_unwait (FdS5bProxies *proxies, gpointer data)
{
  for (guint i = 0; i < proxies->waiters->len; i++)
    {
      if (g_array_index (proxies->waiters, Waiter, i).data == data)
        {
          g_array_remove_index (proxies->waiters, i);
          return;
        }
    }
}

gboolean
fd_s5b_proxies_is_full (FdS5bProxies *proxies)
{
  return proxies->proxied >= FD_S5B_MAX_PROXIED;
}

void
fd_s5b_proxies_enter (FdS5bProxies *proxies)
{
  proxies->proxied++;
}

void
fd_s5b_proxies_leave (FdS5bProxies *proxies)
{
  g_return_if_fail (proxies->proxied > 0);
  proxies->proxied--;
}

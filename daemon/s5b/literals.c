/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looking up the hosts of proxies. One address each: a proxy that is dialed
 * twice with the same hash joins the wrong sockets (XEP-0065 §6.3.5).
 */
#include "s5b/literals.h"

#include <gio/gio.h>

struct FdS5bLiterals
{
  GCancellable *cancellable;
  GPtrArray *streamhosts; /* FdS5bStreamhost; its host is NULL until it is found */
  guint pending;
  FdS5bLiteralsFound found;
  gpointer data;
};

typedef struct
{
  FdS5bLiterals *literals;
  FdS5bStreamhost *streamhost;
} Lookup;

/* IPv4 if there is one: every peer of a proxy has that. */
static char *
choose (GList *addresses)
{
  GInetAddress *chosen = addresses->data;

  for (GList *i = addresses; i; i = i->next)
    {
      if (g_inet_address_get_family (i->data) == G_SOCKET_FAMILY_IPV4)
        {
          chosen = i->data;
          break;
        }
    }
  return g_inet_address_to_string (chosen);
}

static void
on_resolved (GObject *resolver, GAsyncResult *result, gpointer data)
{
  g_autofree Lookup *lookup = data;
  FdS5bLiterals *literals = lookup->literals;
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (resolver), result, &error);

  /* Cancelled: the lookups are gone. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error)
    g_info ("Not offering proxy %s by address: %s", lookup->streamhost->jid, error->message);
  else
    lookup->streamhost->host = choose (addresses);
  g_list_free_full (addresses, g_object_unref);
  if (--literals->pending > 0)
    return;
  for (guint i = literals->streamhosts->len; i > 0; i--)
    {
      if (!((FdS5bStreamhost *) literals->streamhosts->pdata[i - 1])->host)
        g_ptr_array_remove_index (literals->streamhosts, i - 1);
    }
  literals->found (literals->streamhosts, literals->data);
}

FdS5bLiterals *
fd_s5b_literals_new (const GPtrArray *streamhosts, FdS5bLiteralsFound found, gpointer data)
{
  FdS5bLiterals *literals = g_new0 (FdS5bLiterals, 1);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  literals->cancellable = g_cancellable_new ();
  literals->streamhosts = fd_s5b_streamhosts_new ();
  literals->pending = streamhosts->len;
  literals->found = found;
  literals->data = data;
  for (guint i = 0; i < streamhosts->len; i++)
    {
      const FdS5bStreamhost *named = streamhosts->pdata[i];
      Lookup *lookup = g_new0 (Lookup, 1);

      lookup->literals = literals;
      lookup->streamhost = fd_s5b_streamhost_new (named->jid, NULL, named->port);
      g_ptr_array_add (literals->streamhosts, lookup->streamhost);
      g_resolver_lookup_by_name_async (resolver, named->host, literals->cancellable, on_resolved, lookup);
    }
  return literals;
}

void
fd_s5b_literals_free (FdS5bLiterals *literals)
{
  if (!literals)
    return;
  g_cancellable_cancel (literals->cancellable);
  g_object_unref (literals->cancellable);
  g_ptr_array_unref (literals->streamhosts);
  g_free (literals);
}

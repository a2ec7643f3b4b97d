/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QueryPeer: can this JID receive files now, and how?
 */
#include "base/error.h"
#include "core/manager-private.h"
#include "xmpp/jid.h"

#define QUERY_SECONDS 20 /* D-Bus callers give up after 25 */
#define MAX_QUERIES 64 /* under way at once: sandboxed apps may ask too */

typedef struct
{
  FdManager *manager;
  guint32 caller;
  FdAccount *account; /* NULL: the request was wrong, see error */
  char *jid;
  GError *error;
  guint request; /* of FdPeers, 0: none */
  guint source; /* of the time limit, or of an early error */
  FdManagerQueried callback;
  gpointer data;
} Query;

static void
query_free (Query *query)
{
  if (query->request)
    fd_peers_cancel_query (fd_account_get_peers (query->account), query->request);
  g_clear_handle_id (&query->source, g_source_remove);
  g_clear_error (&query->error);
  g_free (query->jid);
  g_free (query);
}

static void
finish (Query *query, const FdPeerSummary *summary, const GError *error)
{
  g_ptr_array_remove_fast (query->manager->queries, query);
  query->callback (summary, error, query->data);
  query_free (query);
}

static void
on_chosen (const FdPeerInfo *info, const GError *error, gpointer data)
{
  Query *query = data;
  FdPeerSummary summary = { .jid = query->jid, .resource = "", .client = "" };

  query->request = 0;
  if (info)
    {
      summary.online = TRUE;
      summary.can_receive = TRUE;
      summary.resource = fd_jid_resource (info->full_jid) ? fd_jid_resource (info->full_jid) : "";
      summary.paths = fd_account_get_paths (query->account, info->transports);
      summary.client = info->caps_node;
    }
  else if (g_error_matches (error, FD_ERROR, FD_ERROR_PEER_UNSUPPORTED))
    summary.online = TRUE;
  else if (!g_error_matches (error, FD_ERROR, FD_ERROR_PEER_OFFLINE))
    {
      finish (query, NULL, error);
      return;
    }
  finish (query, &summary, NULL);
}

static gboolean
on_early_error (gpointer data)
{
  Query *query = data;

  query->source = 0;
  finish (query, NULL, query->error);
  return G_SOURCE_REMOVE;
}

static gboolean
on_time_limit (gpointer data)
{
  Query *query = data;
  g_autoptr (GError) error
    = g_error_new (FD_ERROR, FD_ERROR_TIMEOUT, "%s did not say in time what it can do", query->jid);

  query->source = 0;
  finish (query, NULL, error);
  return G_SOURCE_REMOVE;
}

static gboolean
start (Query *query, const char *peer, const char *account, GError **error)
{
  const GPtrArray *queries = query->manager->queries;
  guint max = fd_manager_share (query->manager, MAX_QUERIES);
  guint n = 0;

  for (guint i = 0; i < queries->len; i++)
    n += ((Query *) queries->pdata[i])->caller == query->caller;
  if (n > max || queries->len > MAX_QUERIES)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                   "%u peers are being asked: try again in a moment", max);
      return FALSE;
    }
  query->jid = fd_jid_prepare (peer, error);
  if (!query->jid)
    return FALSE;
  query->account = fd_manager_choose_account (query->manager, query->caller, account, query->jid, error);
  if (!query->account)
    return FALSE;
  if (!fd_transfer_check_blocked (query->account, query->jid, error))
    return FALSE;
  if (!fd_account_is_online (query->account))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_NOT_CONNECTED, "The account %s is not connected (%s)",
                   fd_account_get_id (query->account), fd_account_get_status (query->account));
      return FALSE;
    }
  query->request = fd_peers_query (fd_account_get_peers (query->account), query->jid, on_chosen, query);
  return TRUE;
}

void
fd_manager_query_peer (FdManager *manager, guint32 caller, const char *peer, const char *account,
                       FdManagerQueried callback, gpointer data)
{
  Query *query = g_new0 (Query, 1);

  query->manager = manager;
  query->caller = caller;
  query->callback = callback;
  query->data = data;
  g_ptr_array_add (manager->queries, query);
  if (start (query, peer, account, &query->error))
    query->source = g_timeout_add_seconds (QUERY_SECONDS, on_time_limit, query);
  else
    query->source = g_idle_add (on_early_error, query);
}

void
fd_manager_end_queries (FdManager *manager, FdAccount *account)
{
  g_autoptr (GError) error
    = g_error_new (FD_ERROR, FD_ERROR_NOT_CONNECTED, "The account was disconnected meanwhile");

  for (guint i = manager->queries->len; i-- > 0;)
    {
      Query *query = manager->queries->pdata[i];

      if (!account || query->account == account)
        finish (query, NULL, query->error ? query->error : error);
    }
}

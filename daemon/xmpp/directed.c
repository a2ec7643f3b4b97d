/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Directed presence, counted by full JID.
 */
#include "xmpp/directed.h"

#include "xmpp/disco.h"

/* Our server notes each of them, to tell it when we go. */
#define MAX_SHOWN 64

struct FdDirected
{
  FdIq *iq;
  GHashTable *shown; /* full JID -> how often */
};

FdDirected *
fd_directed_new (FdIq *iq)
{
  FdDirected *directed = g_new0 (FdDirected, 1);

  directed->iq = iq;
  directed->shown = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return directed;
}

void
fd_directed_free (FdDirected *directed)
{
  if (!directed)
    return;
  g_hash_table_unref (directed->shown);
  g_free (directed);
}

static void
send_available (FdDirected *directed, const char *full_jid)
{
  g_autoptr (FdXml) presence = fd_disco_new_presence (full_jid);

  fd_iq_write (directed->iq, presence);
}

void
fd_directed_show (FdDirected *directed, const char *full_jid)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (directed->shown, full_jid));

  if (count == 0 && g_hash_table_size (directed->shown) == MAX_SHOWN)
    return;
  g_hash_table_insert (directed->shown, g_strdup (full_jid), GUINT_TO_POINTER (count + 1));
  if (count == 0)
    send_available (directed, full_jid);
}

void
fd_directed_hide (FdDirected *directed, const char *full_jid, gboolean tell)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (directed->shown, full_jid));
  g_autoptr (FdXml) presence = NULL;

  if (count > 1)
    g_hash_table_insert (directed->shown, g_strdup (full_jid), GUINT_TO_POINTER (count - 1));
  if (count != 1)
    return;
  presence = tell ? fd_xml_new ("presence", NULL, "to", full_jid, "type", "unavailable", NULL) : NULL;
  g_hash_table_remove (directed->shown, full_jid);
  if (presence)
    fd_iq_write (directed->iq, presence);
}

void
fd_directed_stream_up (FdDirected *directed)
{
  GHashTableIter iter;
  gpointer full_jid;

  g_hash_table_iter_init (&iter, directed->shown);
  while (g_hash_table_iter_next (&iter, &full_jid, NULL))
    send_available (directed, full_jid);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The in-band bytestreams of one account: hands what peers send to the stream
 * that it belongs to, refuses the rest (XEP-0047 §2).
 */
#include "ibb/registry.h"

/* The hard cap on active transfers; beyond it is a leak or an attack. */
#define MAX_STREAMS 64

struct FdIbb
{
  FdIq *iq;
  FdIbbShare share;
  GHashTable *streams; /* "peer\nsid" -> FdIbbTransport*, not owned */
};

/* A JID has no line break, so what a peer puts into its sid cannot reach the streams of another. */
static char *
make_key (const char *peer, const char *sid)
{
  return g_strconcat (peer, "\n", sid, NULL);
}

static void
handle_set (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload, gpointer data)
{
  static const struct
  {
    const char *name, *unknown; /* the error if there is no such stream */
    void (*handle) (FdIbbTransport *, xmpp_stanza_t *, xmpp_stanza_t *);
  } elements[] = {
    { "open", "not-acceptable", fd_ibb_transport_handle_open },
    { "data", "item-not-found", fd_ibb_transport_handle_data },
    { "close", "item-not-found", fd_ibb_transport_handle_close },
  };
  FdIbb *ibb = data;
  const char *from = fd_xml_attr (request, "from");
  const char *sid = fd_xml_attr (payload, "sid");

  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    {
      g_autofree char *key = NULL;
      FdIbbTransport *transport;

      if (!fd_xml_is (payload, elements[i].name, NULL))
        continue;
      if (!sid)
        break;
      key = make_key (from ? from : "", sid);
      transport = g_hash_table_lookup (ibb->streams, key);
      if (transport)
        elements[i].handle (transport, request, payload);
      else
        fd_iq_reply_error (iq, request, "cancel", elements[i].unknown, NULL, NULL, NULL);
      return;
    }
  fd_iq_reply_error (iq, request, "modify", "bad-request", NULL, NULL, NULL);
}

FdIbb *
fd_ibb_new (FdIq *iq)
{
  FdIbb *ibb = g_new0 (FdIbb, 1);

  ibb->iq = iq;
  fd_ibb_share_init (&ibb->share);
  ibb->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  fd_iq_handle (iq, "set", FD_NS_IBB, handle_set, ibb);
  return ibb;
}

void
fd_ibb_free (FdIbb *ibb)
{
  if (!ibb)
    return;
  g_warn_if_fail (g_hash_table_size (ibb->streams) == 0);
  fd_iq_handle (ibb->iq, "set", FD_NS_IBB, NULL, NULL);
  fd_ibb_share_clear (&ibb->share);
  g_hash_table_unref (ibb->streams);
  g_free (ibb);
}

gboolean
fd_ibb_add (FdIbb *ibb, FdIbbTransport *transport, const char *peer, const char *sid)
{
  g_autofree char *key = make_key (peer, sid);

  if (g_hash_table_size (ibb->streams) >= MAX_STREAMS || g_hash_table_contains (ibb->streams, key))
    return FALSE;
  return g_hash_table_insert (ibb->streams, g_steal_pointer (&key), transport);
}

void
fd_ibb_remove (FdIbb *ibb, const char *peer, const char *sid)
{
  g_autofree char *key = make_key (peer, sid);

  g_hash_table_remove (ibb->streams, key);
}

FdIq *
fd_ibb_get_iq (FdIbb *ibb)
{
  return ibb->iq;
}

FdIbbShare *
fd_ibb_get_share (FdIbb *ibb)
{
  return &ibb->share;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our disco#info answer, from one table (XEP-0030 §3.1, XEP-0115 §6).
 */
#include "xmpp/disco.h"

#include "xmpp/caps.h"

#include <string.h>

/* Says which client this is; it names a program, not a page. */
#define NODE "https://fardel.org"

/* Chat clients of the account get its messages; we take files only. */
#define PRIORITY "-1"

/* Of the hash functions only the one that peers shall choose: the strongest
 * in the list is what Gajim and Psi take. More are understood on receipt. */
static const char *const features[] = {
  FD_NS_CAPS,
  FD_NS_DISCO_INFO,
  "http://jabber.org/protocol/ibb",
  "urn:x-fardel:batch:0",
  "urn:x-fardel:cid-dst:0",
  "urn:x-fardel:early-accept:0",
  "urn:x-fardel:eoc:0",
  "urn:x-fardel:resume:0",
  "urn:xmpp:hash-function-text-names:sha-256",
  "urn:xmpp:hashes:1", /* goes with file-transfer:4 */
  "urn:xmpp:hashes:2",
  "urn:xmpp:jingle:1",
  "urn:xmpp:jingle:apps:file-transfer:4", /* Swift */
  "urn:xmpp:jingle:apps:file-transfer:5",
  "urn:xmpp:jingle:transports:ibb:1",
  "urn:xmpp:jingle:transports:s5b:1",
  "urn:xmpp:ping",
};

static xmpp_stanza_t *
new_info (const char *node)
{
  xmpp_stanza_t *query = fd_xml_new ("query", FD_NS_DISCO_INFO, "node", node, NULL);

  fd_xml_add (query, "identity", NULL, "category", "client", "type", "pc", "name", "fardel", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (features); i++)
    fd_xml_add (query, "feature", NULL, "var", features[i], NULL);
  return query;
}

static const char *
own_ver (void)
{
  static char *ver;

  if (!ver)
    {
      g_autoptr (FdXml) query = new_info (NULL);

      ver = fd_caps_ver (query, "sha-1");
    }
  return ver;
}

static void
on_info (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *query, gpointer data)
{
  const char *node = fd_xml_attr (query, "node");

  if (!node || (g_str_has_prefix (node, NODE "#") && g_str_equal (node + strlen (NODE "#"), own_ver ())))
    fd_iq_reply (iq, request, new_info (node));
  else
    fd_iq_reply_error (iq, request, "cancel", "item-not-found", NULL, NULL, NULL);
}

static void
on_items (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *query, gpointer data)
{
  fd_iq_reply (iq, request,
               fd_xml_new ("query", FD_NS_DISCO_ITEMS, "node", fd_xml_attr (query, "node"), NULL));
}

void
fd_disco_serve (FdIq *iq)
{
  fd_iq_handle (iq, "get", FD_NS_DISCO_INFO, on_info, NULL);
  fd_iq_handle (iq, "get", FD_NS_DISCO_ITEMS, on_items, NULL);
}

xmpp_stanza_t *
fd_disco_new_presence (const char *to)
{
  xmpp_stanza_t *presence = fd_xml_new ("presence", NULL, "to", to, NULL);

  fd_xml_add_text (presence, "priority", PRIORITY);
  fd_xml_add (presence, "c", FD_NS_CAPS, "hash", "sha-1", "node", NODE, "ver", own_ver (), NULL);
  return presence;
}

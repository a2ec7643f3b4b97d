/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which client has which quirks, and which extensions a peer shares with us.
 */
#include "jingle/quirks.h"

#define IRIS (FD_QUIRK_WITHHOLD_ERROR | FD_QUIRK_INI_FIRST | FD_QUIRK_TRICKLES | FD_QUIRK_RANGES)
#define DINO (FD_QUIRK_NO_IBB_RECEIVE | FD_QUIRK_REJECTS_REPLACE)
#define GAJIM (FD_QUIRK_BAD_LISTENER | FD_QUIRK_ACCEPT_FOR_REPLACE)

static FdPeerInfo
new_peer (const char *node, const char *software, const char *version)
{
  static const char *const features[] = { NULL };

  return (FdPeerInfo){ .full_jid = "a@x/r",
                       .caps_node = node,
                       .software = software,
                       .software_version = version,
                       .features = features };
}

static void
test_clients (void)
{
  static const struct
  {
    const char *node, *software, *version;
    FdQuirks quirks;
  } peers[] = {
    { "https://dino.im", "Dino", "", DINO },
    { "http://psi-plus.com", "Psi+", "1.4.1456 (2021-08-21)", IRIS | FD_QUIRK_NO_IBB },
    { "https://psi-plus.com", "Psi+", "1.4.554", IRIS | FD_QUIRK_NO_IBB },
    { "https://psi-plus.com", "Psi+", "1.5.2072", IRIS },
    { "https://psi-plus.com", "Psi+", "", IRIS },
    { "https://psi-im.org", "Psi", "1.5", IRIS },
    { "http://psi-im.org/caps", "", "", IRIS },
    { "https://gajim.org", "Gajim", "", GAJIM },
    { "http://gajim.org", "Gajim", "", GAJIM },
    { "http://swift.im", "Swift", "", FD_QUIRK_LITERAL_HOSTS },
    { "http://conversations.im", "Conversations", "2.12.8", 0 },
    { "https://fardel.org", "fardel", "", 0 },
    /* no presence, so no caps: what it calls itself */
    { "", "Dino", "", DINO },
    { "", "Psi+", "1.4.1456", IRIS | FD_QUIRK_NO_IBB },
    { "", "", "", 0 },
    /* a node says more than a name */
    { "https://fardel.org", "Dino", "", 0 },
    { "https://dino.im.example", "", "", 0 },
    { "https://example.org/dino.im", "", "", 0 },
    { "dino.im", "", "", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      FdPeerInfo peer = new_peer (peers[i].node, peers[i].software, peers[i].version);

      g_test_message ("%s %s %s", peers[i].node, peers[i].software, peers[i].version);
      g_assert_cmphex (fd_quirks_find (&peer), ==, peers[i].quirks);
    }
}

static void
test_extensions (void)
{
  static const char *const none[] = { "urn:x-fardel:batch:1", "urn:xmpp:jingle:1", NULL };
  static const char *const some[] = { FD_NS_BATCH, FD_NS_EOC, "urn:xmpp:jingle:1", NULL };
  static const char *const all[]
    = { FD_NS_BATCH, FD_NS_CID_DST, FD_NS_EARLY_ACCEPT, FD_NS_EOC, FD_NS_RESUME, NULL };
  FdPeerInfo peer = new_peer ("", "", "");

  peer.features = none;
  g_assert_cmphex (fd_extensions_find (&peer), ==, 0);
  peer.features = some;
  g_assert_cmphex (fd_extensions_find (&peer), ==, FD_EXT_BATCH | FD_EXT_EOC);
  peer.features = all;
  g_assert_cmphex (fd_extensions_find (&peer), ==,
                   FD_EXT_BATCH | FD_EXT_CID_DST | FD_EXT_EARLY_ACCEPT | FD_EXT_EOC | FD_EXT_RESUME);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quirks/clients", test_clients);
  g_test_add_func ("/quirks/extensions", test_extensions);
  return g_test_run ();
}

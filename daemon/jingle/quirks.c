/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Clients by the node of their caps (XEP-0115), what they call themselves
 * (XEP-0232), and what each of them does differently.
 */
#include "jingle/quirks.h"

#include <string.h>

/* The first row that fits counts. */
static const struct
{
  const char *host; /* of the caps node */
  const char *software; /* instead of it, for a peer that sent no presence */
  const char *version; /* prefix */
  FdQuirks quirks;
} clients[] = {
  /* Its library contains https://dino.im; 0.4.2 in real runs: in-band data are acknowledged and lost, every
   * transport-replace is rejected, in every state. */
  { "dino.im", "Dino", "", FD_QUIRK_NO_IBB_RECEIVE | FD_QUIRK_REJECTS_REPLACE },
  /* 1.4.554 contains http://psi-plus.com, newer ones are assumed to say https; 1.4.1456 in real runs: as
   * iris, and any in-band stream is a segmentation fault. Its XEP-0232 form has the version. */
  { "psi-plus.com", "Psi+", "1.4.", FD_QUIRKS_IRIS | FD_QUIRK_NO_IBB },
  /* Assumed: newer ones are built from upstream iris. */
  { "psi-plus.com", "Psi+", "", FD_QUIRKS_IRIS },
  /* Its sources say https://psi-im.org, those of older ones /caps there. */
  { "psi-im.org", "Psi", "", FD_QUIRKS_IRIS },
  /* 1.7.3 says https://gajim.org, older ones are assumed to say http; 1.7.3 in real runs. From 2.0 on it has
   * no Jingle file transfer. */
  { "gajim.org", "Gajim", "", FD_QUIRK_BAD_LISTENER | FD_QUIRK_ACCEPT_FOR_REPLACE },
  /* Its sources say http://swift.im, and that hosts are parsed as addresses; not seen running. */
  { "swift.im", "Swift", "", FD_QUIRK_LITERAL_HOSTS },
};

/* http or https, and with a path or none: these change while the client stays. */
static gboolean
is_node_of (const char *node, const char *host)
{
  const char *scheme_end = strstr (node, "://");
  const char *rest;

  if (!scheme_end || !g_str_has_prefix (scheme_end + 3, host))
    return FALSE;
  rest = scheme_end + 3 + strlen (host);
  return *rest == '\0' || *rest == '/';
}

FdQuirks
fd_quirks_find (const FdPeerInfo *peer)
{
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      gboolean is_client = *peer->caps_node ? is_node_of (peer->caps_node, clients[i].host)
                                            : g_str_equal (peer->software, clients[i].software);

      if (is_client && g_str_has_prefix (peer->software_version, clients[i].version))
        return clients[i].quirks;
    }
  return 0;
}

FdExtensions
fd_extensions_find (const FdPeerInfo *peer)
{
  static const struct
  {
    const char *feature;
    FdExtensions extension;
  } extensions[] = {
    { FD_NS_EOC, FD_EXT_EOC },
    { FD_NS_CID_DST, FD_EXT_CID_DST },
    { FD_NS_EARLY_ACCEPT, FD_EXT_EARLY_ACCEPT },
    { FD_NS_BATCH, FD_EXT_BATCH },
    { FD_NS_RESUME, FD_EXT_RESUME },
  };
  FdExtensions found = 0;

  for (guint i = 0; i < G_N_ELEMENTS (extensions); i++)
    if (g_strv_contains (peer->features, extensions[i].feature))
      found |= extensions[i].extension;
  return found;
}

FdS5bErrorRule
fd_quirks_error_rule (FdQuirks quirks, gboolean initiator)
{
  if (!(quirks & FD_QUIRK_WITHHOLD_ERROR))
    return FD_S5B_ERROR_FREELY;
  return initiator || (quirks & FD_QUIRK_NO_IBB) ? FD_S5B_ERROR_NEVER : FD_S5B_ERROR_SECOND;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The SOCKS5 DST.ADDR of a bytestream: who hashes what. Proxies want the
 * offerer first. For direct candidates Dino, Conversations and Smack want the
 * same, iris and Gajim want the session initiator first.
 */
#include "s5b/dstaddr.h"

#include <string.h>

char *
fd_s5b_dstaddr (const char *sid, const char *first_jid, const char *second_jid)
{
  g_autofree char *text = g_strconcat (sid, first_jid, second_jid, NULL);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA1, text, -1);
}

char *
fd_s5b_dstaddr_of (const FdS5bNames *names, const char *cid)
{
  g_autofree char *stream = g_strconcat (names->sid, cid, NULL);

  return names->initiator ? fd_s5b_dstaddr (stream, names->me, names->peer)
                          : fd_s5b_dstaddr (stream, names->peer, names->me);
}

static void
add_once (GStrvBuilder *builder, GHashTable *seen, char *dstaddr)
{
  if (g_hash_table_add (seen, dstaddr))
    g_strv_builder_add (builder, dstaddr);
}

char **
fd_s5b_dstaddrs_accepted (const FdS5bNames *names)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  add_once (builder, seen, fd_s5b_dstaddr (names->sid, names->me, names->peer));
  if (!names->initiator)
    add_once (builder, seen, fd_s5b_dstaddr (names->sid, names->peer, names->me));
  return g_strv_builder_end (builder);
}

char **
fd_s5b_dstaddrs_dialed (const FdS5bNames *names, const char *cid, const char *announced, gboolean proxy,
                        gboolean ini_first)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const char *initiator = names->initiator ? names->me : names->peer;
  const char *responder = names->initiator ? names->peer : names->me;

  if (!proxy && cid)
    add_once (builder, seen, fd_s5b_dstaddr_of (names, cid));
  if (!proxy && ini_first)
    add_once (builder, seen, fd_s5b_dstaddr (names->sid, initiator, responder));
  if (announced)
    add_once (builder, seen, g_strdup (announced));
  if (!proxy || !announced)
    add_once (builder, seen, fd_s5b_dstaddr (names->sid, names->peer, names->me));
  if (!proxy)
    add_once (builder, seen, fd_s5b_dstaddr (names->sid, initiator, responder));
  return g_strv_builder_end (builder);
}

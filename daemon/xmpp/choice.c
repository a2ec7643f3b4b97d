/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Judging resources by their features and presence.
 */
#include "xmpp/choice.h"

#define FEATURE_JINGLE "urn:xmpp:jingle:1"
#define FEATURE_FILE_TRANSFER "urn:xmpp:jingle:apps:file-transfer:5"
#define FEATURE_FILE_TRANSFER_4 "urn:xmpp:jingle:apps:file-transfer:4"
#define FEATURE_S5B "urn:xmpp:jingle:transports:s5b:1"
#define FEATURE_IBB "urn:xmpp:jingle:transports:ibb:1"
#define FEATURE_BATCH "urn:x-fardel:batch:0" /* who has it is of our kind */

FdTransports
fd_resource_get_transports (const FdResource *resource)
{
  const FdDisco *disco = resource->disco;

  if (!disco)
    return 0;
  return (fd_disco_has (disco, FEATURE_S5B) ? FD_TRANSPORT_S5B : 0)
         | (fd_disco_has (disco, FEATURE_IBB) ? FD_TRANSPORT_IBB : 0);
}

gboolean
fd_resource_has_file_transfer_5 (const FdResource *resource)
{
  return fd_disco_has (resource->disco, FEATURE_FILE_TRANSFER);
}

gboolean
fd_resource_can_receive (const FdResource *resource)
{
  return fd_resource_get_transports (resource) != 0 && fd_disco_has (resource->disco, FEATURE_JINGLE)
         && (fd_resource_has_file_transfer_5 (resource)
             || fd_disco_has (resource->disco, FEATURE_FILE_TRANSFER_4));
}

FdPeerInfo
fd_resource_describe (const FdResource *resource)
{
  static const char *const shows[] = { "", "away", "xa", "dnd" };
  static const char *const no_features[] = { NULL };
  const FdDisco *disco = resource->disco;

  return (FdPeerInfo){
    .full_jid = resource->full_jid,
    .can_receive = fd_resource_can_receive (resource),
    .file_transfer_5 = disco && fd_resource_has_file_transfer_5 (resource),
    .transports = fd_resource_get_transports (resource),
    .show = shows[resource->show],
    .caps_node = resource->caps_node,
    .client_type = disco ? disco->client_type : "",
    .software = disco ? disco->software : "",
    .software_version = disco ? disco->software_version : "",
    .features = disco ? (const char *const *) disco->features : no_features,
  };
}

const char *
fd_resource_get_missing (const FdResource *resource)
{
  if (!fd_disco_has (resource->disco, FEATURE_JINGLE))
    return "Jingle (" FEATURE_JINGLE ")";
  if (!fd_resource_has_file_transfer_5 (resource) && !fd_disco_has (resource->disco, FEATURE_FILE_TRANSFER_4))
    return "Jingle file transfer (" FEATURE_FILE_TRANSFER ")";
  return "a transport, SOCKS5 or in-band bytestreams";
}

/* Who can more is better, whoever sits before it. */
static int
rank_features (const FdResource *resource)
{
  FdTransports transports = fd_resource_get_transports (resource);

  return (transports & FD_TRANSPORT_S5B ? 8 : 0) + (transports & FD_TRANSPORT_IBB ? 4 : 0)
         + (fd_resource_has_file_transfer_5 (resource) ? 2 : 0)
         + (fd_disco_has (resource->disco, FEATURE_BATCH) ? 1 : 0);
}

gboolean
fd_resource_is_better (const FdResource *a, const FdResource *b)
{
  if (rank_features (a) != rank_features (b))
    return rank_features (a) > rank_features (b);
  if (a->show != b->show)
    return a->show < b->show;
  if (a->priority != b->priority)
    return a->priority > b->priority;
  return a->order > b->order;
}

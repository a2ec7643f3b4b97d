/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Collecting our candidates (XEP-0260 §2.1, §2.2): one ephemeral port per
 * address, so that the port tells which candidate the peer reached; or one for all
 * where the hash tells it.
 */
#include "s5b/gather.h"
#include "net/addresses.h"

#include <string.h>

/* XEP-0260 §2.2: type preferences. The local preferences stay clear of 0-16
 * and of 32768±16, which other clients use: equal priorities are rare then. */
#define TYPE_DIRECT (126u << 16)
#define TYPE_PROXY (10u << 16)
#define PROXY_PREFERENCE 0x5000u
#define PROXIES_AT_LEAST 2 /* of the offer, if there are so many */

static const guint32 preferences[] = {
  [FD_ADDRESS_GLOBAL_V6] = 0x6000,  [FD_ADDRESS_PRIVATE_V4] = 0x5000, [FD_ADDRESS_GLOBAL_V4] = 0x4800,
  [FD_ADDRESS_PRIVATE_V6] = 0x4000, [FD_ADDRESS_LOOPBACK] = 0x3000,
};

static void
local_free (gpointer data)
{
  FdS5bLocal *local = data;

  fd_s5b_candidate_free (local->candidate);
  fd_s5b_listener_free (local->listener);
  g_free (local);
}

static gboolean
is_taken (const FdS5bGather *gather, const GPtrArray *locals, guint32 priority)
{
  for (guint i = 0; i < locals->len; i++)
    {
      if (((FdS5bLocal *) locals->pdata[i])->candidate->priority == priority)
        return TRUE;
    }
  for (guint i = 0; gather->remote && i < gather->remote->len; i++)
    {
      if (((FdS5bCandidate *) gather->remote->pdata[i])->priority == priority)
        return TRUE;
    }
  return FALSE;
}

/* XEP-0260 §2.2: the responder must not offer what the initiator did. */
static gboolean
is_repeated (const FdS5bGather *gather, const char *host, guint16 port)
{
  for (guint i = 0; gather->remote && i < gather->remote->len; i++)
    {
      if (fd_s5b_candidate_is_at (gather->remote->pdata[i], host, port))
        return TRUE;
    }
  return FALSE;
}

/* Takes @listener. Candidates are named by chance: the peer may be told
 * nothing by them. */
static void
add (const FdS5bGather *gather, GPtrArray *locals, FdS5bType type, const char *host, guint16 port,
     const char *jid, guint32 priority, FdS5bListener *listener)
{
  FdS5bLocal *local = g_new0 (FdS5bLocal, 1);
  FdS5bCandidate *candidate = g_new0 (FdS5bCandidate, 1);

  while (is_taken (gather, locals, priority))
    priority--;
  candidate->cid = g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  candidate->host = g_strdup (host);
  candidate->jid = g_strdup (jid);
  candidate->port = port;
  candidate->priority = priority;
  candidate->type = type;
  local->candidate = candidate;
  local->listener = listener;
  g_ptr_array_add (locals, local);
}

/* The port of another candidate of this family, 0 if there is none to share. */
static guint16
shared_port (const FdS5bGather *gather, const GPtrArray *locals, GInetAddress *address)
{
  for (guint i = 0; gather->one_port && i < locals->len; i++)
    {
      const FdS5bCandidate *candidate = ((FdS5bLocal *) locals->pdata[i])->candidate;
      g_autoptr (GInetAddress) other = g_inet_address_new_from_string (candidate->host);

      if (g_inet_address_get_family (other) == g_inet_address_get_family (address))
        return candidate->port;
    }
  return 0;
}

static FdS5bListener *
listen_on (const FdS5bGather *gather, const GPtrArray *locals, GInetAddress *address, GError **error)
{
  guint16 port = shared_port (gather, locals, address);
  FdS5bListener *listener = NULL;

  if (port != 0)
    listener = fd_s5b_listener_new (address, port, gather->dstaddrs, gather->accepted, gather->data, NULL);
  if (!listener)
    listener = fd_s5b_listener_new (address, 0, gather->dstaddrs, gather->accepted, gather->data, error);
  return listener;
}

static void
add_direct (const FdS5bGather *gather, GPtrArray *locals, const FdAddress *address)
{
  g_autofree char *host = g_inet_address_to_string (address->address);
  g_autoptr (GError) error = NULL;
  FdS5bListener *listener = listen_on (gather, locals, address->address, &error);

  if (!listener)
    {
      g_message ("Not offering %s of %s: %s", host, address->interface, error->message);
      return;
    }
  if (is_repeated (gather, host, fd_s5b_listener_get_port (listener)))
    {
      fd_s5b_listener_free (listener);
      return;
    }
  add (gather, locals, FD_S5B_DIRECT, host, fd_s5b_listener_get_port (listener), gather->jid,
       TYPE_DIRECT | preferences[address->kind], listener);
}

/* A socket may be for one candidate and arrive at the port of another, where
 * addresses are translated on the way: every listener knows every hash. */
static void
admit_each (const FdS5bGather *gather, const GPtrArray *locals)
{
  for (guint i = 0; gather->names && i < locals->len; i++)
    {
      const FdS5bLocal *local = locals->pdata[i];
      g_autofree char *dstaddr = fd_s5b_dstaddr_of (gather->names, local->candidate->cid);

      for (guint j = 0; j < locals->len; j++)
        fd_s5b_listener_admit (((FdS5bLocal *) locals->pdata[j])->listener, dstaddr, local->candidate->cid);
    }
}

/* The usable ones, in their order. */
static GPtrArray *
select_streamhosts (const FdS5bGather *gather)
{
  GPtrArray *usable = g_ptr_array_new ();

  for (guint i = 0;
       (gather->policy & FD_S5B_ALLOW_PROXY) && gather->streamhosts && i < gather->streamhosts->len; i++)
    {
      FdS5bStreamhost *streamhost = gather->streamhosts->pdata[i];
      g_autoptr (GInetAddress) literal = g_inet_address_new_from_string (streamhost->host);

      if (literal && !fd_address_is_dialable (literal, gather->policy & FD_S5B_ALLOW_LOOPBACK))
        g_info ("Not offering proxy %s: nobody can reach %s", streamhost->jid, streamhost->host);
      else if ((gather->policy & FD_S5B_REPEAT_PROXY)
               || !is_repeated (gather, streamhost->host, streamhost->port))
        g_ptr_array_add (usable, streamhost);
    }
  return usable;
}

static void
add_proxies (const FdS5bGather *gather, GPtrArray *locals, const GPtrArray *streamhosts)
{
  for (guint i = 0; i < streamhosts->len && locals->len < FD_S5B_MAX_OFFERED; i++)
    {
      const FdS5bStreamhost *streamhost = streamhosts->pdata[i];

      add (gather, locals, FD_S5B_PROXY, streamhost->host, streamhost->port, streamhost->jid,
           TYPE_PROXY | PROXY_PREFERENCE, NULL);
    }
}

GPtrArray *
fd_s5b_gather_from (const FdS5bGather *gather, const GPtrArray *addresses)
{
  g_autoptr (GPtrArray) streamhosts = select_streamhosts (gather);
  guint reserved = gather->proxies_later ? PROXIES_AT_LEAST : MIN (streamhosts->len, PROXIES_AT_LEAST);
  GPtrArray *locals = g_ptr_array_new_with_free_func (local_free);

  for (guint i = 0; i < addresses->len && locals->len < FD_S5B_MAX_OFFERED - reserved; i++)
    add_direct (gather, locals, addresses->pdata[i]);
  admit_each (gather, locals);
  add_proxies (gather, locals, streamhosts);
  return locals;
}

void
fd_s5b_gather_more (const FdS5bGather *gather, GPtrArray *locals)
{
  g_autoptr (GPtrArray) streamhosts = select_streamhosts (gather);

  add_proxies (gather, locals, streamhosts);
}

GPtrArray *
fd_s5b_gather (const FdS5bGather *gather)
{
  g_autoptr (GPtrArray) addresses = (gather->policy & FD_S5B_ALLOW_DIRECT)
                                      ? fd_addresses_list (gather->policy & FD_S5B_ALLOW_LOOPBACK)
                                      : g_ptr_array_new ();

  return fd_s5b_gather_from (gather, addresses);
}

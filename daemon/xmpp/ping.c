/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pings, one per silence (XEP-0199 §4.1, §4.2).
 */
#include "xmpp/ping.h"

#include "base/error.h"

#define NS_PING "urn:xmpp:ping"

struct FdPing
{
  FdIq *iq;
  FdPingDead dead;
  gpointer data;
  gint64 last_received; /* µs, monotonic */
  guint timer; /* the silence */
  guint request; /* the ping under way: its own traffic must not start another */
};

static gboolean on_silence (gpointer data);

static void
arm (FdPing *ping, gint64 after_us)
{
  ping->timer = g_timeout_add (after_us / 1000 + 1, on_silence, ping);
}

static void
on_answer (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  FdPing *ping = data;

  ping->request = 0;
  /* any answer is a sign of life, also "I know no pings" */
  if (error && error->code == FD_ERROR_TIMEOUT)
    ping->dead (ping->data);
}

static void
send_ping (FdPing *ping, guint timeout_ms)
{
  ping->request = G_MAXUINT; /* the write below is traffic already */
  ping->request
    = fd_iq_send (ping->iq, "get", NULL, fd_xml_new ("ping", NS_PING, NULL), timeout_ms, on_answer, ping);
}

static gboolean
on_silence (gpointer data)
{
  FdPing *ping = data;
  gint64 rest = ping->last_received + FD_PING_SILENCE_MS * 1000 - g_get_monotonic_time ();

  ping->timer = 0;
  if (rest > 0)
    {
      arm (ping, rest);
      return G_SOURCE_REMOVE;
    }
  send_ping (ping, FD_PING_TIMEOUT_MS);
  return G_SOURCE_REMOVE;
}

static void
on_ping (FdIq *iq, xmpp_stanza_t *request, xmpp_stanza_t *payload, gpointer data)
{
  fd_iq_reply (iq, request, NULL);
}

FdPing *
fd_ping_new (FdIq *iq, FdPingDead dead, gpointer data)
{
  FdPing *ping = g_new0 (FdPing, 1);

  ping->iq = iq;
  ping->dead = dead;
  ping->data = data;
  fd_iq_handle (iq, "get", NS_PING, on_ping, NULL);
  return ping;
}

void
fd_ping_free (FdPing *ping)
{
  if (!ping)
    return;
  fd_ping_stop (ping);
  fd_iq_handle (ping->iq, "get", NS_PING, NULL, NULL);
  g_free (ping);
}

void
fd_ping_traffic (FdPing *ping, gboolean received)
{
  if (received)
    ping->last_received = g_get_monotonic_time ();
  if (ping->timer == 0 && ping->request == 0)
    arm (ping, FD_PING_SILENCE_MS * 1000);
}

void
fd_ping_probe (FdPing *ping)
{
  g_clear_handle_id (&ping->timer, g_source_remove);
  if (ping->request)
    fd_iq_cancel (ping->iq, ping->request);
  send_ping (ping, FD_PING_PROBE_MS);
}

void
fd_ping_stop (FdPing *ping)
{
  g_clear_handle_id (&ping->timer, g_source_remove);
  if (ping->request)
    fd_iq_cancel (ping->iq, ping->request);
  ping->request = 0;
}

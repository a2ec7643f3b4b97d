/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One in-band bytestream from its negotiation to its <close/> (XEP-0047 §2.1,
 * §2.3; XEP-0261 §2), shown to the pump as one end of a socket pair.
 */
#include "ibb/transport.h"

#include "base/error.h"
#include "base/fd.h"
#include "ibb/inbound.h"
#include "ibb/outbound.h"
#include "ibb/registry.h"

#include <errno.h>
#include <sys/socket.h>

/* After the last block was acknowledged. Dino drops what it has not read yet when it sees <close/>, so the
 * receiver gets time to end the session; but Gajim's receiver is complete only then. */
#define CLOSE_DELAY_MS 2000

/* Bytes between the pump and the window: few, so that the pump's progress is that of the stream. */
#define SOCKET_BUFFER (64 * 1024)

typedef enum
{
  STATE_NEW,
  STATE_OPENING, /* we sent <open/> */
  STATE_OPEN,
  STATE_PEER_CLOSED, /* the pump may still read, and finish its writing */
  STATE_ENDED,
} State;

typedef enum
{
  EMIT_CONNECTED = 1 << 0,
  EMIT_DRAINED = 1 << 1,
  EMIT_FAILED = 1 << 2,
} Emit;

struct FdIbbTransport
{
  FdIbb *ibb;
  FdIq *iq;
  char *peer, *sid;
  guint block_size;
  gboolean opener;
  const FdIbbHooks *hooks;
  gpointer data;

  State state;
  gboolean started;
  gboolean registered;
  guint request; /* <open/> */
  guint timer; /* FD_T_OPEN or CLOSE_DELAY */
  int ours, theirs;
  FdIbbOutbound *outbound;
  FdIbbInbound *inbound;
  guint64 bytes; /* of halves that are gone */

  Emit emit; /* hooks due */
  guint idle;
  GError *error;
};

static gboolean
on_idle (gpointer data)
{
  FdIbbTransport *transport = data;
  Emit now = transport->emit & -transport->emit;

  transport->emit &= ~now;
  if (!transport->emit)
    transport->idle = 0;
  else
    transport->idle = g_idle_add_full (G_PRIORITY_DEFAULT, on_idle, transport, NULL);

  if (now == EMIT_CONNECTED)
    transport->hooks->connected (transport, fd_take (&transport->theirs), transport->data);
  else if (now == EMIT_DRAINED)
    transport->hooks->drained (transport, transport->data);
  else
    transport->hooks->failed (transport, transport->error, transport->data);
  return G_SOURCE_REMOVE;
}

/* Hooks may free the transport, so they come from the main loop with nothing of ours below them. */
static void
emit_later (FdIbbTransport *transport, Emit what)
{
  transport->emit = what == EMIT_FAILED ? what : transport->emit | what;
  if (!transport->idle)
    transport->idle = g_idle_add_full (G_PRIORITY_DEFAULT, on_idle, transport, NULL);
}

static void
unregister (FdIbbTransport *transport)
{
  if (transport->registered)
    fd_ibb_remove (transport->ibb, transport->peer, transport->sid);
  transport->registered = FALSE;
}

static void
send_close (FdIbbTransport *transport)
{
  /* Nobody waits for the answer: a peer that has forgotten the stream says item-not-found. */
  fd_iq_send (transport->iq, "set", transport->peer,
              fd_xml_new ("close", FD_NS_IBB, "sid", transport->sid, NULL), FD_IQ_TIMEOUT_MS, NULL, NULL);
}

/* Gives up everything but the hooks that are due. */
static void
end (FdIbbTransport *transport)
{
  if (transport->state == STATE_OPENING || transport->state == STATE_OPEN)
    send_close (transport);
  transport->state = STATE_ENDED;
  transport->bytes = fd_ibb_transport_get_bytes (transport);
  unregister (transport);
  fd_iq_cancel (transport->iq, transport->request);
  g_clear_handle_id (&transport->timer, g_source_remove);
  g_clear_pointer (&transport->inbound, fd_ibb_inbound_free);
  g_clear_pointer (&transport->outbound, fd_ibb_outbound_free);
  fd_close (&transport->ours);
}

static void
fail (FdIbbTransport *transport, const GError *error)
{
  if (transport->error)
    return;
  transport->error = g_error_copy (error);
  emit_later (transport,
              EMIT_FAILED); /* queued before a pump that knows no length can take the EOF for the end */
  end (transport);
}

static gboolean
on_close_delay (gpointer data)
{
  FdIbbTransport *transport = data;

  transport->timer = 0;
  end (transport);
  return G_SOURCE_REMOVE;
}

static void
on_drained (gpointer data)
{
  FdIbbTransport *transport = data;

  if (transport->state == STATE_OPEN)
    transport->timer = g_timeout_add (CLOSE_DELAY_MS, on_close_delay, transport);
  emit_later (transport, EMIT_DRAINED);
}

static void
on_peer_closed (gpointer data)
{
  FdIbbTransport *transport = data;

  transport->state = STATE_PEER_CLOSED;
  g_clear_handle_id (&transport->timer, g_source_remove);
  unregister (transport);
  fd_ibb_outbound_set_closed (transport->outbound);
}

static void
on_half_failed (const GError *error, gpointer data)
{
  fail (data, error);
}

static const FdIbbOutboundHooks outbound_hooks = { .drained = on_drained, .failed = on_half_failed };
static const FdIbbInboundHooks inbound_hooks = { .closed = on_peer_closed, .failed = on_half_failed };

static gboolean
open_stream (FdIbbTransport *transport)
{
  int ends[2], size = SOCKET_BUFFER;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      g_autoptr (GError) error = g_error_new (FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                                              "Cannot open an in-band stream: %s", g_strerror (errno));

      fail (transport, error);
      return FALSE;
    }
  for (guint i = 0; i < 2; i++)
    setsockopt (ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);

  transport->ours = ends[0];
  transport->theirs = ends[1];
  transport->state = STATE_OPEN;
  transport->outbound
    = fd_ibb_outbound_new (transport->iq, fd_ibb_get_share (transport->ibb), transport->peer, transport->sid,
                           transport->block_size, transport->ours, &outbound_hooks, transport);
  transport->inbound
    = fd_ibb_inbound_new (transport->iq, transport->block_size, transport->ours, &inbound_hooks, transport);
  g_clear_handle_id (&transport->timer, g_source_remove);
  if (transport->started)
    emit_later (transport, EMIT_CONNECTED);
  return TRUE;
}

static void
on_open_reply (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  FdIbbTransport *transport = data;
  g_autoptr (GError) failure = NULL;

  transport->request = 0;
  if (!error)
    {
      open_stream (transport);
      return;
    }
  /* After a time-out it may be open over there. */
  if (error->code != FD_ERROR_TIMEOUT)
    transport->state = STATE_NEW;
  failure = g_error_new (FD_ERROR, error->code, "The in-band stream could not be opened: %s", error->message);
  fail (transport, failure);
}

FdIbbTransport *
fd_ibb_transport_new (FdIbb *ibb, const char *peer, const char *sid, guint block_size, gboolean opener,
                      const FdIbbHooks *hooks, gpointer data)
{
  FdIbbTransport *transport = g_new0 (FdIbbTransport, 1);

  transport->ibb = ibb;
  transport->iq = fd_ibb_get_iq (ibb);
  transport->peer = g_strdup (peer);
  transport->sid = g_strdup (sid);
  transport->block_size = CLAMP (block_size, 1, FD_IBB_BLOCK_SIZE_MAX);
  transport->opener = opener;
  transport->hooks = hooks;
  transport->data = data;
  transport->ours = transport->theirs = -1;
  transport->registered = fd_ibb_add (ibb, transport, peer, sid);
  return transport;
}

void
fd_ibb_transport_free (FdIbbTransport *transport)
{
  if (!transport)
    return;
  end (transport);
  g_clear_handle_id (&transport->idle, g_source_remove);
  fd_close (&transport->theirs);
  g_clear_error (&transport->error);
  g_free (transport->peer);
  g_free (transport->sid);
  g_free (transport);
}

static void
send_open (FdIbbTransport *transport)
{
  g_autofree char *block_size = g_strdup_printf ("%u", transport->block_size);

  transport->state = STATE_OPENING;
  transport->request = fd_iq_send (
    transport->iq, "set", transport->peer,
    fd_xml_new ("open", FD_NS_IBB, "block-size", block_size, "sid", transport->sid, "stanza", "iq", NULL),
    FD_IQ_TIMEOUT_MS, on_open_reply, transport);
}

static gboolean
on_open_wait (gpointer data)
{
  FdIbbTransport *transport = data;
  g_autoptr (GError) error
    = g_error_new (FD_ERROR, FD_ERROR_TIMEOUT, "%s did not open the in-band stream within %u s",
                   transport->peer, FD_T_OPEN / 1000);

  transport->timer = 0;
  fail (transport, error);
  return G_SOURCE_REMOVE;
}

void
fd_ibb_transport_start (FdIbbTransport *transport)
{
  g_return_if_fail (!transport->started);

  transport->started = TRUE;
  if (!transport->registered && transport->state == STATE_NEW)
    {
      g_autoptr (GError) error
        = g_error_new (FD_ERROR, FD_ERROR_LIMIT_EXCEEDED,
                       "There is an in-band stream “%s” with %s already, or too many others", transport->sid,
                       transport->peer);

      fail (transport, error);
    }
  else if (transport->opener)
    send_open (transport);
  else if (transport->theirs >= 0)
    emit_later (transport, EMIT_CONNECTED);
  else if (transport->state == STATE_NEW)
    transport->timer = g_timeout_add (FD_T_OPEN, on_open_wait, transport);
}

void
fd_ibb_transport_handle_open (FdIbbTransport *transport, xmpp_stanza_t *request, xmpp_stanza_t *open)
{
  const char *stanza = fd_xml_attr (open, "stanza");
  const char *type = "cancel", *condition = NULL;
  guint64 block_size = 0;

  if (transport->opener || transport->state != STATE_NEW)
    condition = "not-acceptable";
  else if (g_strcmp0 (stanza, "message") == 0)
    condition = "feature-not-implemented";
  else if ((stanza && g_strcmp0 (stanza, "iq") != 0)
           || !fd_xml_attr_uint (open, "block-size", 1, FD_IBB_BLOCK_SIZE_MAX, &block_size))
    condition = "bad-request";
  else if (block_size > transport->block_size)
    type = "modify", condition = "resource-constraint";
  else
    {
      transport->block_size = block_size;
      if (!open_stream (transport))
        type = "wait", condition = "resource-constraint";
    }

  if (condition)
    fd_iq_reply_error (transport->iq, request, type, condition, NULL, NULL, NULL);
  else
    fd_iq_reply (transport->iq, request, NULL);
}

void
fd_ibb_transport_handle_data (FdIbbTransport *transport, xmpp_stanza_t *request, xmpp_stanza_t *data)
{
  if (transport->inbound)
    fd_ibb_inbound_data (transport->inbound, request, data);
  else
    fd_iq_reply_error (transport->iq, request, "cancel", "item-not-found", NULL, NULL, NULL);
}

void
fd_ibb_transport_handle_close (FdIbbTransport *transport, xmpp_stanza_t *request, xmpp_stanza_t *close)
{
  if (transport->inbound)
    fd_ibb_inbound_close (transport->inbound, request);
  else
    fd_iq_reply_error (transport->iq, request, "cancel", "item-not-found", NULL, NULL, NULL);
}

guint64
fd_ibb_transport_get_bytes (FdIbbTransport *transport)
{
  return transport->bytes + (transport->outbound ? fd_ibb_outbound_get_bytes (transport->outbound) : 0)
         + (transport->inbound ? fd_ibb_inbound_get_bytes (transport->inbound) : 0);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sending half of an in-band bytestream (XEP-0047 §2.2).
 */
#include "ibb/outbound.h"

#include "base/error.h"
#include "ibb/transport.h"
#include "ibb/window.h"

#include <errno.h>
#include <glib-unix.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/socket.h>

/* For one block, and for the bytes before it at the rate of the slowest servers (mod_limits of a public
 * server lets 3 kB/s pass; half of it is for others). */
#define BLOCK_TIMEOUT_MS 60000
#define SLOWEST_BYTES_PER_S 1500

typedef struct
{
  FdIbbOutbound *outbound;
  FdIbbBlock *block;
  char *xml; /* kept to be sent again */
  gsize length;
  guint request;
} Sent;

struct FdIbbOutbound
{
  FdIq *iq;
  char *peer;
  char *sid_escaped;
  guint block_size;
  int fd;
  const FdIbbOutboundHooks *hooks;
  gpointer data;

  FdIbbSender sender;
  guint8 *buffer;
  guint readable; /* sources */
  guint retry;
  gboolean eof;
  gboolean drained;
  gboolean closed;
  guint64 bytes;
};

static void fill (FdIbbOutbound *outbound);
static void on_reply (xmpp_stanza_t *reply, const GError *error, gpointer data);

static void
sent_free (gpointer data, gpointer user_data)
{
  Sent *sent = data;

  fd_iq_cancel (sent->outbound->iq, sent->request);
  g_free (sent->xml);
  g_free (sent);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  FdIbbOutbound *outbound = data;

  outbound->readable = 0;
  fill (outbound);
  return G_SOURCE_REMOVE;
}

/* Listens only while there is room: the socket is full most of the time. */
static void
listen_again (FdIbbOutbound *outbound)
{
  gboolean wanted = !outbound->eof && fd_ibb_sender_has_room (&outbound->sender);

  if (wanted && !outbound->readable)
    outbound->readable = g_unix_fd_add (outbound->fd, G_IO_IN, on_readable, outbound);
  else if (!wanted)
    g_clear_handle_id (&outbound->readable, g_source_remove);
}

FdIbbOutbound *
fd_ibb_outbound_new (FdIq *iq, const char *peer, const char *sid, guint block_size, int fd,
                     const FdIbbOutboundHooks *hooks, gpointer data)
{
  FdIbbOutbound *outbound = g_new0 (FdIbbOutbound, 1);

  outbound->iq = iq;
  outbound->peer = g_strdup (peer);
  outbound->sid_escaped = g_markup_escape_text (sid, -1);
  outbound->block_size = block_size;
  outbound->fd = fd;
  outbound->hooks = hooks;
  outbound->data = data;
  outbound->buffer = g_malloc (block_size);
  fd_ibb_sender_init (&outbound->sender, block_size);
  listen_again (outbound);
  return outbound;
}

void
fd_ibb_outbound_free (FdIbbOutbound *outbound)
{
  if (!outbound)
    return;
  fd_ibb_sender_clear (&outbound->sender, sent_free, NULL);
  g_clear_handle_id (&outbound->readable, g_source_remove);
  g_clear_handle_id (&outbound->retry, g_source_remove);
  g_free (outbound->buffer);
  g_free (outbound->peer);
  g_free (outbound->sid_escaped);
  g_free (outbound);
}

/* Is the first block whose number has to start again at 0 the one that the peer did not take? Gajim and
 * Swift go on counting and refuse it. */
static gboolean
is_at_wrap (const FdIbbOutbound *outbound)
{
  const GList *first = outbound->sender.blocks.head;

  return (first ? ((FdIbbBlock *) first->data)->number : outbound->sender.next) == FD_IBB_SEQ_END;
}

/* The last thing its caller does: the hook may free the outbound. */
static void
fail (FdIbbOutbound *outbound, int code, const char *reason)
{
  g_autoptr (GError) error = NULL;

  if (code == FD_ERROR_CONNECTION_FAILED && is_at_wrap (outbound))
    error
      = g_error_new (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED,
                     "The peer refused to go on after %" G_GUINT64_FORMAT
                     " bytes: its program takes no more than %u blocks in-band. A larger file needs a direct "
                     "connection or a proxy",
                     outbound->bytes, FD_IBB_SEQ_END);
  else
    error = g_error_new (FD_ERROR, code, "The in-band stream broke after %" G_GUINT64_FORMAT " bytes: %s",
                         outbound->bytes, reason);
  outbound->hooks->failed (error, outbound->data);
}

static void
send_block (Sent *sent)
{
  FdIbbOutbound *outbound = sent->outbound;
  guint64 before = fd_iq_get_outstanding (outbound->iq) + sent->length;

  sent->request = fd_iq_send_raw (outbound->iq, "set", outbound->peer, sent->xml, sent->length,
                                  BLOCK_TIMEOUT_MS + before * 1000 / SLOWEST_BYTES_PER_S, on_reply, sent);
}

static void
send_new (FdIbbOutbound *outbound, gsize bytes)
{
  static const char tail[] = "</data>";
  g_autofree char *head
    = g_strdup_printf ("<data xmlns=\"" FD_NS_IBB "\" seq=\"%u\" sid=\"%s\">",
                       (guint) (outbound->sender.next % FD_IBB_SEQ_END), outbound->sid_escaped);
  gsize head_length = strlen (head);
  Sent *sent = g_new0 (Sent, 1);
  char *end;

  sent->outbound = outbound;
  sent->xml = g_malloc (head_length + (bytes + 2) / 3 * 4 + sizeof tail);
  end = mempcpy (sent->xml, head, head_length);
  end += EVP_EncodeBlock ((guint8 *) end, outbound->buffer, bytes);
  end = mempcpy (end, tail, strlen (tail));
  sent->length = end - sent->xml;
  sent->block = fd_ibb_sender_add (&outbound->sender, bytes, sent, g_get_monotonic_time ());
  send_block (sent);
}

/* May free the outbound. */
static void
fill (FdIbbOutbound *outbound)
{
  gssize n = 0;

  while (!outbound->eof && fd_ibb_sender_has_room (&outbound->sender))
    {
      n = recv (outbound->fd, outbound->buffer, outbound->block_size, MSG_DONTWAIT);
      if (n > 0 && outbound->closed)
        {
          fail (outbound, FD_ERROR_CONNECTION_FAILED, "the peer closed it");
          return;
        }
      if (n > 0)
        send_new (outbound, n);
      else if (n < 0 && errno == EAGAIN)
        break;
      else if (n == 0 || errno != EINTR)
        outbound->eof = TRUE;
    }
  listen_again (outbound);

  if (outbound->eof && !outbound->drained && g_queue_is_empty (&outbound->sender.blocks))
    {
      outbound->drained = TRUE;
      outbound->hooks->drained (outbound->data);
    }
}

static gboolean
on_retry (gpointer data)
{
  FdIbbOutbound *outbound = data;

  outbound->retry = 0;
  fd_ibb_sender_retry (&outbound->sender, g_get_monotonic_time ());
  for (GList *l = outbound->sender.blocks.head; l; l = l->next)
    send_block (((FdIbbBlock *) l->data)->data);
  return G_SOURCE_REMOVE;
}

static void
arm_retry (FdIbbOutbound *outbound)
{
  if (outbound->sender.retry_at >= 0 && !outbound->retry)
    outbound->retry = g_timeout_add (FD_IBB_RETRY_US / 1000, on_retry, outbound);
}

/* Could the same block arrive later (XEP-0047 §2.2)? */
static gboolean
is_temporary (xmpp_stanza_t *reply)
{
  xmpp_stanza_t *error = reply ? fd_xml_child (reply, "error", NULL) : NULL;

  return error
         && (g_strcmp0 (fd_xml_attr (error, "type"), "wait") == 0
             || fd_xml_child (error, "recipient-unavailable", NULL)
             || fd_xml_child (error, "remote-server-timeout", NULL));
}

static void
on_refused (Sent *sent, xmpp_stanza_t *reply, const GError *error)
{
  FdIbbOutbound *outbound = sent->outbound;

  if (is_temporary (reply) && fd_ibb_sender_bounced (&outbound->sender, sent->block, g_get_monotonic_time ()))
    {
      listen_again (outbound);
      arm_retry (outbound);
    }
  else if (error->code == FD_ERROR_NOT_CONNECTED || error->code == FD_ERROR_TIMEOUT
           || error->code == FD_ERROR_PEER_OFFLINE)
    {
      fail (outbound, error->code, error->message);
    }
  else
    {
      fail (outbound, FD_ERROR_CONNECTION_FAILED, error->message);
    }
}

static void
on_reply (xmpp_stanza_t *reply, const GError *error, gpointer data)
{
  Sent *sent = data;
  FdIbbOutbound *outbound = sent->outbound;
  gboolean in_order;

  sent->request = 0;
  if (error)
    {
      on_refused (sent, reply, error);
      return;
    }
  outbound->bytes += sent->block->bytes;
  in_order = fd_ibb_sender_acked (&outbound->sender, sent->block, g_get_monotonic_time ());
  sent_free (sent, NULL);
  arm_retry (outbound);
  if (in_order)
    fill (outbound);
  else
    fail (outbound, FD_ERROR_CONNECTION_FAILED, "a block was lost");
}

void
fd_ibb_outbound_set_closed (FdIbbOutbound *outbound)
{
  outbound->closed = TRUE;
}

guint64
fd_ibb_outbound_get_bytes (FdIbbOutbound *outbound)
{
  return outbound->bytes;
}

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

/* Of a stanza beside the payload, the peer and the sid: 46 bytes of <iq/> and 66 of <data/>, 12 at its end.
 */
#define OVERHEAD 128

typedef struct
{
  FdIbbOutbound *outbound;
  FdIbbBlock *block;
  GString *xml; /* of the stanza, kept to be sent again… */
  gsize payload; /* …from here on */
  gsize bytes; /* of the file */
  guint request;
} Sent;

struct FdIbbOutbound
{
  FdIq *iq;
  char *peer;
  char *sid_escaped;
  int fd;
  const FdIbbOutboundHooks *hooks;
  gpointer data;

  FdIbbSender sender;
  guint8 *buffer; /* the next block */
  gsize filled; /* bytes of it */
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
  g_string_free (sent->xml, TRUE);
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

/* Listens only while the next block is not full: the socket is readable most of the time. */
static void
listen_again (FdIbbOutbound *outbound)
{
  gboolean wanted = !outbound->eof && outbound->filled < fd_ibb_sender_get_size (&outbound->sender, NULL);

  if (wanted && !outbound->readable)
    outbound->readable = g_unix_fd_add (outbound->fd, G_IO_IN, on_readable, outbound);
  else if (!wanted)
    g_clear_handle_id (&outbound->readable, g_source_remove);
}

FdIbbOutbound *
fd_ibb_outbound_new (FdIq *iq, FdIbbShare *share, const char *peer, const char *sid, guint block_size, int fd,
                     const FdIbbOutboundHooks *hooks, gpointer data)
{
  FdIbbOutbound *outbound = g_new0 (FdIbbOutbound, 1);
  g_autofree char *peer_escaped = g_markup_escape_text (peer, -1);

  outbound->iq = iq;
  outbound->peer = g_strdup (peer);
  outbound->sid_escaped = g_markup_escape_text (sid, -1);
  outbound->fd = fd;
  outbound->hooks = hooks;
  outbound->data = data;
  outbound->buffer = g_malloc (block_size);
  fd_ibb_sender_init (&outbound->sender, share, outbound, block_size,
                      OVERHEAD + strlen (peer_escaped) + strlen (outbound->sid_escaped));
  listen_again (outbound);
  return outbound;
}

/* After each answer and each end: others may have waited for it. Their hooks may free them. */
static void
let_others_send (FdIbbShare *share)
{
  FdIbbSender *sender;

  while ((sender = fd_ibb_share_next (share)))
    fill (sender->owner);
}

void
fd_ibb_outbound_free (FdIbbOutbound *outbound)
{
  FdIbbShare *share;

  if (!outbound)
    return;
  share = outbound->sender.share;
  fd_ibb_sender_clear (&outbound->sender, sent_free, NULL);
  g_clear_handle_id (&outbound->readable, g_source_remove);
  g_clear_handle_id (&outbound->retry, g_source_remove);
  g_free (outbound->buffer);
  g_free (outbound->peer);
  g_free (outbound->sid_escaped);
  g_free (outbound);
  let_others_send (share);
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

static guint
get_timeout (const FdIbbOutbound *outbound, gsize length)
{
  guint64 before = fd_iq_get_outstanding (outbound->iq) + length;

  return BLOCK_TIMEOUT_MS + before * 1000 / SLOWEST_BYTES_PER_S;
}

/* One string that everything is written into once. A block that is as long as it may be is padded inside the
 * start tag. */
static void
send_new (FdIbbOutbound *outbound, gsize size, gsize stanza)
{
  static const char tail[] = "</data>";
  gsize bytes = MIN (outbound->filled, size);
  gsize length = (bytes + 2) / 3 * 4, rest = 1 + length + strlen (tail) + strlen ("</iq>");
  Sent *sent = g_new0 (Sent, 1);
  GString *xml = sent->xml = g_string_sized_new (stanza);

  sent->outbound = outbound;
  sent->request = fd_iq_begin (outbound->iq, "set", outbound->peer, xml);
  sent->payload = xml->len;
  g_string_append_printf (xml, "<data xmlns=\"" FD_NS_IBB "\" seq=\"%u\" sid=\"%s\"",
                          (guint) (outbound->sender.next % FD_IBB_SEQ_END), outbound->sid_escaped);
  if (bytes == size && xml->len + rest < stanza)
    {
      gsize at = xml->len, padding = stanza - rest - at;

      g_string_set_size (xml, at + padding);
      memset (xml->str + at, ' ', padding);
    }
  g_string_append_c (xml, '>');
  g_string_set_size (xml, xml->len + length);
  EVP_EncodeBlock ((guint8 *) xml->str + xml->len - length, outbound->buffer, bytes);
  g_string_append_len (xml, tail, strlen (tail));
  outbound->filled -= bytes; /* some are left if blocks have become shorter */
  memmove (outbound->buffer, outbound->buffer + bytes, outbound->filled);

  sent->block
    = fd_ibb_sender_add (&outbound->sender, xml->len + strlen ("</iq>"), sent, g_get_monotonic_time ());
  sent->bytes = bytes;
  fd_iq_end (outbound->iq, sent->request, xml, get_timeout (outbound, xml->len), on_reply, sent);
}

/* Is there a block to be sent? A short one only if nothing is on the way whose answer would come first: it
 * would not end where the others do. */
static gboolean
load (FdIbbOutbound *outbound, gsize size)
{
  while (!outbound->eof && outbound->filled < size)
    {
      gssize n
        = recv (outbound->fd, outbound->buffer + outbound->filled, size - outbound->filled, MSG_DONTWAIT);

      if (n > 0)
        outbound->filled += n;
      else if (n < 0 && errno == EAGAIN)
        break;
      else if (n == 0 || errno != EINTR)
        outbound->eof = TRUE;
    }
  return outbound->filled >= size
         || (outbound->filled > 0 && (outbound->eof || outbound->sender.in_flight == 0));
}

/* May free the outbound. */
static void
fill (FdIbbOutbound *outbound)
{
  gsize stanza, size = fd_ibb_sender_get_size (&outbound->sender, &stanza);

  while (load (outbound, size))
    {
      if (outbound->closed)
        {
          fail (outbound, FD_ERROR_CONNECTION_FAILED, "the peer closed it");
          return;
        }
      if (!fd_ibb_sender_may_send (&outbound->sender))
        break;
      send_new (outbound, size, stanza);
    }
  listen_again (outbound);

  if (outbound->eof && outbound->filled == 0 && !outbound->drained
      && g_queue_is_empty (&outbound->sender.blocks))
    {
      outbound->drained = TRUE;
      outbound->hooks->drained (outbound->data);
    }
}

static void
send_again (Sent *sent)
{
  FdIbbOutbound *outbound = sent->outbound;
  gsize length = sent->xml->len - strlen ("</iq>") - sent->payload;

  sent->request = fd_iq_send_raw (outbound->iq, "set", outbound->peer, sent->xml->str + sent->payload, length,
                                  get_timeout (outbound, length), on_reply, sent);
}

static gboolean
on_retry (gpointer data)
{
  FdIbbOutbound *outbound = data;

  outbound->retry = 0;
  fd_ibb_sender_retry (&outbound->sender, g_get_monotonic_time ());
  for (GList *l = outbound->sender.blocks.head; l; l = l->next)
    send_again (((FdIbbBlock *) l->data)->data);
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
  FdIbbShare *share = outbound->sender.share;
  gboolean in_order;

  sent->request = 0;
  if (error)
    {
      on_refused (sent, reply, error);
      let_others_send (share);
      return;
    }
  outbound->bytes += sent->bytes;
  in_order = fd_ibb_sender_acked (&outbound->sender, sent->block, g_get_monotonic_time ());
  sent_free (sent, NULL);
  arm_retry (outbound);
  if (in_order)
    fill (outbound);
  else
    fail (outbound, FD_ERROR_CONNECTION_FAILED, "a block was lost");
  let_others_send (share);
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

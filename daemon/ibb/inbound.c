/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The receiving half of an in-band bytestream (XEP-0047 §2.2, §2.3).
 */
#include "ibb/inbound.h"

#include "base/error.h"
#include "data/base64.h"
#include "ibb/window.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

/* Blocks that wait for the disk. A sender that does not care for answers must not fill our memory; those of
 * our kind have FD_IBB_WINDOW on the way at most, in blocks of 1.3 kB at least. */
#define QUEUE_BLOCKS 1024
#define QUEUE_BYTES FD_IBB_WINDOW

/* A request to be answered when its bytes are written. */
typedef struct
{
  xmpp_stanza_t *request; /* its head only */
  guint8 *bytes; /* NULL: <close/> */
  gsize length;
} Entry;

struct FdIbbInbound
{
  FdIq *iq;
  guint block_size;
  int fd;
  const FdIbbInboundHooks *hooks;
  gpointer data;

  GQueue queue; /* Entry* */
  gsize queued; /* bytes of these */
  gsize written; /* of the first */
  guint writable;
  guint64 blocks; /* received */
  guint64 bytes;
};

FdIbbInbound *
fd_ibb_inbound_new (FdIq *iq, guint block_size, int fd, const FdIbbInboundHooks *hooks, gpointer data)
{
  FdIbbInbound *inbound = g_new0 (FdIbbInbound, 1);

  inbound->iq = iq;
  inbound->block_size = block_size;
  inbound->fd = fd;
  inbound->hooks = hooks;
  inbound->data = data;
  g_queue_init (&inbound->queue);
  return inbound;
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  fd_xml_free (entry->request);
  g_free (entry->bytes);
  g_free (entry);
}

static void
refuse (FdIbbInbound *inbound, xmpp_stanza_t *request, const char *condition)
{
  fd_iq_reply_error (inbound->iq, request, "cancel", condition, NULL, NULL, NULL);
}

/* Nobody reads any more: what waits, and what comes later, is for no stream. */
static void
refuse_all (FdIbbInbound *inbound)
{
  Entry *entry;

  while ((entry = g_queue_pop_head (&inbound->queue)))
    {
      refuse (inbound, entry->request, "item-not-found");
      entry_free (entry);
    }
  inbound->queued = inbound->written = 0;
}

void
fd_ibb_inbound_free (FdIbbInbound *inbound)
{
  if (!inbound)
    return;
  refuse_all (inbound);
  g_clear_handle_id (&inbound->writable, g_source_remove);
  g_free (inbound);
}

static void
enqueue (FdIbbInbound *inbound, xmpp_stanza_t *request, guint8 *bytes, gsize length)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->request
    = fd_xml_new ("iq", NULL, "id", fd_xml_attr (request, "id"), "from", fd_xml_attr (request, "from"), NULL);
  entry->bytes = bytes;
  entry->length = length;
  g_queue_push_tail (&inbound->queue, entry);
  inbound->queued += length;
}

/* TRUE if all of the first block is written. */
static gboolean
write_block (FdIbbInbound *inbound, const guint8 *bytes, gsize length)
{
  while (inbound->written < length)
    {
      gssize n = send (inbound->fd, bytes + inbound->written, length - inbound->written,
                       MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n >= 0)
        inbound->written += n;
      else if (errno != EINTR)
        return FALSE;
    }
  inbound->written = 0;
  inbound->bytes += length;
  return TRUE;
}

static void flush (FdIbbInbound *inbound);

static gboolean
on_writable (int fd, GIOCondition condition, gpointer data)
{
  FdIbbInbound *inbound = data;

  inbound->writable = 0;
  flush (inbound);
  return G_SOURCE_REMOVE;
}

/* May free the inbound. */
static void
flush (FdIbbInbound *inbound)
{
  Entry *entry;

  while ((entry = g_queue_peek_head (&inbound->queue)) && write_block (inbound, entry->bytes, entry->length))
    {
      gboolean is_close = entry->bytes == NULL;

      g_queue_pop_head (&inbound->queue);
      inbound->queued -= entry->length;
      fd_iq_reply (inbound->iq, entry->request, NULL);
      entry_free (entry);
      if (is_close)
        {
          shutdown (inbound->fd, SHUT_WR);
          inbound->hooks->closed (inbound->data);
          return;
        }
    }
  if (!entry)
    return;
  if (errno != EAGAIN)
    refuse_all (inbound);
  else if (!inbound->writable)
    inbound->writable = g_unix_fd_add (inbound->fd, G_IO_OUT, on_writable, inbound);
}

static void
fail (FdIbbInbound *inbound, xmpp_stanza_t *request, const char *condition, const char *reason)
{
  g_autoptr (GError) error
    = g_error_new (FD_ERROR, FD_ERROR_PROTOCOL,
                   "The in-band stream broke after %" G_GUINT64_FORMAT " bytes: %s", inbound->bytes, reason);

  refuse (inbound, request, condition);
  inbound->hooks->failed (error, inbound->data);
}

void
fd_ibb_inbound_data (FdIbbInbound *inbound, xmpp_stanza_t *request, xmpp_stanza_t *data)
{
  const char *text = fd_xml_peek_text (data);
  g_autofree char *copy = text ? NULL : fd_xml_text (data);
  g_autofree guint8 *bytes = NULL;
  gsize length;
  guint64 seq;

  if (!fd_xml_attr_uint (data, "seq", 0, G_MAXUINT64, &seq))
    {
      fail (inbound, request, "bad-request", "the peer sent a block without a number");
      return;
    }
  if (!fd_ibb_seq_follows (seq, inbound->blocks))
    {
      fail (inbound, request, "unexpected-request", "a block was lost");
      return;
    }
  if (!fd_base64_decode (text ? text : copy, inbound->block_size, &bytes, &length))
    {
      fail (inbound, request, "bad-request", "the peer sent a damaged or too large block");
      return;
    }
  if (inbound->queue.length >= QUEUE_BLOCKS || inbound->queued + length > QUEUE_BYTES)
    {
      fail (inbound, request, "resource-constraint", "the peer does not wait for acknowledgements");
      return;
    }
  inbound->blocks++;
  if (g_queue_is_empty (&inbound->queue) && write_block (inbound, bytes, length))
    {
      fd_iq_reply (inbound->iq, request, NULL);
      return;
    }
  enqueue (inbound, request, g_steal_pointer (&bytes), length);
  flush (inbound);
}

void
fd_ibb_inbound_close (FdIbbInbound *inbound, xmpp_stanza_t *request)
{
  enqueue (inbound, request, NULL, 0);
  flush (inbound);
}

guint64
fd_ibb_inbound_get_bytes (FdIbbInbound *inbound)
{
  return inbound->bytes;
}

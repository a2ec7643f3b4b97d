/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An in-band bytestream of ours: ibb/transport.c, outbound.c and inbound.c over
 * the real window and sequence rule (ibb/window.h).
 */
#include "ours.h"

#include "ibb/transport.h"

#include <string.h>

#define CLOSE_DELAY (2000 * SIM_MSEC) /* as in ibb/transport.c */
#define IQ_TIMEOUT_MS 30000
#define BLOCK_TIMEOUT_MS 60000
#define OVERHEAD 200 /* of a stanza beside its payload */
#define SOCKET_BUFFER (16 * SIM_BLOCK)

typedef enum
{
  STATE_NEW,
  STATE_OPENING,
  STATE_OPEN,
  STATE_PEER_CLOSED,
  STATE_ENDED,
} State;

typedef enum
{
  EMIT_CONNECTED = 1 << 0,
  EMIT_DRAINED = 1 << 1,
  EMIT_FAILED = 1 << 2,
} Emit;

struct SimIbb
{
  SimStream stream; /* the pump's end; first */
  SimIbb *next; /* of the side's, while it is registered */
  SimSide *side;
  SimOurs *ours;
  SimContent *content;
  char sid[SIM_SID_SIZE];
  guint block_size;
  gboolean opener, started, registered;
  State state;
  SimTimer timer; /* waits for open, or before close */
  SimTimer retry, idle;
  guint emit;
  FdErrorCode error;
  FdIbbSender sender;
  gboolean sending;
  SimSegment *out, *out_tail; /* written by the pump, not sent */
  guint64 out_bytes;
  gboolean eof, drained, peer_closed;
  guint64 received; /* blocks */
};

typedef struct
{
  SimIbb *ibb;
  FdIbbBlock *block;
  SimSegment bytes;
} Sent;

static void fill (SimIbb *ibb);

/* --- hooks, from a turn of their own --- */

static void
on_idle (gpointer data)
{
  SimIbb *ibb = data;
  guint emit = ibb->emit & -ibb->emit;

  if (ibb->emit & EMIT_FAILED)
    emit = EMIT_FAILED;
  ibb->emit &= ~emit;
  if (ibb->emit)
    sim_timer_arm (&ibb->side->world->clock, &ibb->idle, 0);
  if (emit == EMIT_CONNECTED)
    sim_content_connected (ibb->content, &ibb->stream, FD_PATH_IBB);
  else if (emit == EMIT_FAILED)
    sim_content_failed (ibb->content, ibb->error);
  else
    {
      SimSession *session = ibb->content->session;

      sim_session_feed_progress (session);
      fd_content_machine_transport_drained (ibb->content->machine, SIM_NOW (ibb->side->world));
      sim_session_run (session);
    }
}

static void
emit_later (SimIbb *ibb, Emit what)
{
  ibb->emit = what == EMIT_FAILED ? what : ibb->emit | what;
  if (!sim_timer_is_armed (&ibb->idle))
    sim_timer_arm (&ibb->side->world->clock, &ibb->idle, 0);
}

static void
unregister (SimIbb *ibb)
{
  SimIbb **link = &ibb->ours->ibbs;

  if (!ibb->registered)
    return;
  ibb->registered = FALSE;
  while (*link != ibb)
    link = &(*link)->next;
  *link = ibb->next;
}

static void
sent_free (gpointer data, gpointer user_data)
{
  g_free (data);
}

static void
let_others_send (FdIbbShare *share)
{
  FdIbbSender *sender;

  while ((sender = fd_ibb_share_next (share)))
    fill (sender->owner);
}

static void
clear_sender (SimIbb *ibb)
{
  if (!ibb->sending)
    return;
  ibb->sending = FALSE;
  fd_ibb_sender_clear (&ibb->sender, sent_free, NULL);
  let_others_send (&ibb->ours->share);
}

static void
end (SimIbb *ibb)
{
  SimSide *side = ibb->side;
  SimSegment *segment;

  sim_iq_cancel_owner (side, ibb);
  if (ibb->state == STATE_OPENING || ibb->state == STATE_OPEN)
    {
      SimStanza close = { .kind = SIM_STANZA_CLOSE };

      memcpy (close.sid, ibb->sid, sizeof close.sid);
      sim_iq_send (side, &close, IQ_TIMEOUT_MS, NULL, NULL);
    }
  ibb->state = STATE_ENDED;
  unregister (ibb);
  sim_timer_disarm (&side->world->clock, &ibb->timer);
  sim_timer_disarm (&side->world->clock, &ibb->retry);
  clear_sender (ibb);
  while ((segment = ibb->out))
    {
      ibb->out = segment->next;
      sim_segment_free (side->world, segment);
    }
  ibb->out_tail = NULL;
  sim_stream_break (&ibb->stream);
}

static void
fail (SimIbb *ibb, FdErrorCode code)
{
  if (ibb->error)
    return;
  ibb->error = code;
  emit_later (ibb, EMIT_FAILED);
  end (ibb);
}

/* --- sending --- */

static guint64
ibb_room (SimStream *stream)
{
  SimIbb *ibb = (SimIbb *) stream;

  return ibb->out_bytes >= SOCKET_BUFFER ? 0 : SOCKET_BUFFER - ibb->out_bytes;
}

static void
ibb_write (SimStream *stream, const SimSegment *from)
{
  SimIbb *ibb = (SimIbb *) stream;
  SimSegment *segment = sim_segment_new (ibb->side->world, from);

  if (ibb->out_tail)
    ibb->out_tail->next = segment;
  else
    ibb->out = segment;
  ibb->out_tail = segment;
  ibb->out_bytes += segment->bytes;
  fill (ibb);
}

static void
ibb_shut (SimStream *stream)
{
  SimIbb *ibb = (SimIbb *) stream;

  ibb->eof = TRUE;
  fill (ibb);
}

static const SimStreamOps ibb_ops = { .room = ibb_room, .write = ibb_write, .shut = ibb_shut };

static void
on_close_delay (gpointer data)
{
  SimIbb *ibb = data;

  end (ibb);
}

static void on_block_answered (SimRequest *request, const SimStanza *reply, const GError *error);

static void
send_block (Sent *sent)
{
  SimIbb *ibb = sent->ibb;
  SimStanza stanza = { .kind = SIM_STANZA_DATA, .seq = (guint16) sent->block->number, .bytes = sent->bytes };

  memcpy (stanza.sid, ibb->sid, sizeof stanza.sid);
  sim_iq_send (ibb->side, &stanza, BLOCK_TIMEOUT_MS, on_block_answered, ibb)->data = sent;
}

static void
send_new (SimIbb *ibb)
{
  SimWorld *world = ibb->side->world;
  SimSegment *first = ibb->out;
  Sent *sent = g_new (Sent, 1);

  sent->ibb = ibb;
  sent->bytes = *first;
  sent->bytes.bytes = MIN (first->bytes, fd_ibb_sender_get_size (&ibb->sender, NULL));
  first->bytes -= sent->bytes.bytes;
  first->offset += sent->bytes.bytes;
  ibb->out_bytes -= sent->bytes.bytes;
  if (first->bytes == 0)
    {
      ibb->out = first->next;
      if (!ibb->out)
        ibb->out_tail = NULL;
      sim_segment_free (world, first);
    }
  sent->block
    = fd_ibb_sender_add (&ibb->sender, OVERHEAD + (sent->bytes.bytes + 2) / 3 * 4, sent, SIM_NOW (world));
  send_block (sent);
}

static void
fill (SimIbb *ibb)
{
  if (ibb->state != STATE_OPEN && ibb->state != STATE_PEER_CLOSED)
    return;
  while (ibb->out && fd_ibb_sender_may_send (&ibb->sender))
    {
      if (ibb->peer_closed)
        {
          fail (ibb, FD_ERROR_CONNECTION_FAILED);
          return;
        }
      send_new (ibb);
    }
  if (ibb->stream.wake && ibb_room (&ibb->stream) > 0)
    ibb->stream.wake (ibb->stream.wake_data);
  if (ibb->eof && !ibb->drained && !ibb->out && g_queue_is_empty (&ibb->sender.blocks))
    {
      ibb->drained = TRUE;
      if (ibb->state == STATE_OPEN)
        {
          ibb->timer.fire = on_close_delay;
          sim_timer_arm (&ibb->side->world->clock, &ibb->timer, SIM_NOW (ibb->side->world) + CLOSE_DELAY);
        }
      emit_later (ibb, EMIT_DRAINED);
    }
}

static void
on_retry (gpointer data)
{
  SimIbb *ibb = data;

  fd_ibb_sender_retry (&ibb->sender, SIM_NOW (ibb->side->world));
  for (GList *l = ibb->sender.blocks.head; l; l = l->next)
    send_block (((FdIbbBlock *) l->data)->data);
}

static void
arm_retry (SimIbb *ibb)
{
  if (ibb->sender.retry_at >= 0 && !sim_timer_is_armed (&ibb->retry))
    sim_timer_arm (&ibb->side->world->clock, &ibb->retry, ibb->sender.retry_at);
}

static void
on_block_answered (SimRequest *request, const SimStanza *reply, const GError *error)
{
  Sent *sent = request->data;
  SimIbb *ibb = sent->ibb;
  FdIbbShare *share = &ibb->ours->share;
  gint64 now = SIM_NOW (ibb->side->world);
  gboolean in_order;

  if (!error)
    {
      in_order = fd_ibb_sender_acked (&ibb->sender, sent->block, now);
      g_free (sent);
      arm_retry (ibb);
      if (in_order)
        fill (ibb);
      else
        fail (ibb, FD_ERROR_CONNECTION_FAILED);
    }
  else if (reply && reply->temporary && fd_ibb_sender_bounced (&ibb->sender, sent->block, now))
    arm_retry (ibb);
  else if (error->code == FD_ERROR_NOT_CONNECTED || error->code == FD_ERROR_TIMEOUT
           || error->code == FD_ERROR_PEER_OFFLINE)
    fail (ibb, error->code);
  else
    fail (ibb, FD_ERROR_CONNECTION_FAILED);
  let_others_send (share);
}

/* --- opening and receiving --- */

static void
open_stream (SimIbb *ibb)
{
  ibb->state = STATE_OPEN;
  sim_timer_disarm (&ibb->side->world->clock, &ibb->timer);
  if (ibb->started)
    emit_later (ibb, EMIT_CONNECTED);
}

static void
on_open_answered (SimRequest *request, const SimStanza *reply, const GError *error)
{
  SimIbb *ibb = request->owner;

  if (!error)
    {
      open_stream (ibb);
      return;
    }
  if (error->code != FD_ERROR_TIMEOUT)
    ibb->state = STATE_NEW;
  fail (ibb, error->code);
}

static void
on_open_wait (gpointer data)
{
  fail (data, FD_ERROR_TIMEOUT);
}

static SimIbb *
find (SimOurs *ours, const char *sid)
{
  SimIbb *ibb = ours->ibbs;

  while (ibb && strcmp (ibb->sid, sid) != 0)
    ibb = ibb->next;
  return ibb;
}

SimIbb *
sim_ibb_new (SimContent *content, const char *sid, guint block_size, gboolean opener)
{
  SimIbb *ibb = g_new0 (SimIbb, 1);
  SimWorld *world = content->file->world;

  sim_stream_init (&ibb->stream, world, &ibb_ops);
  ibb->content = content;
  ibb->ours = content->session->ours;
  ibb->side = ibb->ours->side;
  g_strlcpy (ibb->sid, sid, sizeof ibb->sid);
  ibb->block_size = CLAMP (block_size, 1, FD_IBB_BLOCK_SIZE_MAX);
  ibb->opener = opener;
  fd_ibb_sender_init (&ibb->sender, &ibb->ours->share, ibb, ibb->block_size, OVERHEAD);
  ibb->sending = TRUE;
  sim_timer_init (&ibb->timer, on_open_wait, ibb);
  sim_timer_init (&ibb->retry, on_retry, ibb);
  sim_timer_init (&ibb->idle, on_idle, ibb);
  if (!find (ibb->ours, sid))
    {
      ibb->registered = TRUE;
      ibb->next = ibb->ours->ibbs;
      ibb->ours->ibbs = ibb;
    }
  return ibb;
}

void
sim_ibb_free (SimIbb *ibb)
{
  if (!ibb)
    return;
  ibb->stream.wake = NULL;
  end (ibb);
  sim_timer_disarm (&ibb->side->world->clock, &ibb->idle);
  sim_stream_clear (&ibb->stream);
  g_free (ibb);
}

void
sim_ibb_start (SimIbb *ibb)
{
  SimWorld *world = ibb->side->world;

  ibb->started = TRUE;
  if (!ibb->registered && ibb->state == STATE_NEW)
    fail (ibb, FD_ERROR_LIMIT_EXCEEDED);
  else if (ibb->opener)
    {
      SimStanza open = { .kind = SIM_STANZA_OPEN, .block_size = ibb->block_size };

      ibb->state = STATE_OPENING;
      memcpy (open.sid, ibb->sid, sizeof open.sid);
      sim_iq_send (ibb->side, &open, IQ_TIMEOUT_MS, on_open_answered, ibb);
    }
  else if (ibb->state == STATE_OPEN)
    emit_later (ibb, EMIT_CONNECTED);
  else if (ibb->state == STATE_NEW)
    {
      ibb->timer.fire = on_open_wait;
      sim_timer_arm (&world->clock, &ibb->timer, SIM_NOW (world) + FD_MS (FD_T_OPEN));
    }
}

/* Its turn comes with an answer to another stream's block, or that one's time-out. */
static gboolean
waits_for_others (const SimIbb *ibb)
{
  FdIbbShare *share = ibb->sender.share;

  if (!ibb->sending || !g_queue_find (&share->waiting, &ibb->sender))
    return FALSE;
  for (GList *l = share->senders.head; l; l = l->next)
    if (((FdIbbSender *) l->data)->unanswered > 0)
      return TRUE;
  return FALSE;
}

gboolean
sim_ibb_is_live (const SimIbb *ibb)
{
  return sim_timer_is_armed (&ibb->idle) || sim_timer_is_armed (&ibb->timer)
         || sim_timer_is_armed (&ibb->retry) || sim_iq_is_pending (ibb->side, (gpointer) ibb)
         || waits_for_others (ibb);
}

static void
take_data (SimIbb *ibb, SimStanza *request)
{
  if (!fd_ibb_seq_follows (request->seq, ibb->received))
    {
      sim_reply_error (ibb->side, request, FD_ERROR_PROTOCOL);
      fail (ibb, FD_ERROR_PROTOCOL);
      return;
    }
  if (request->bytes.bytes > ibb->block_size)
    {
      sim_reply_error (ibb->side, request, FD_ERROR_PROTOCOL);
      fail (ibb, FD_ERROR_PROTOCOL);
      return;
    }
  ibb->received++;
  sim_reply (ibb->side, request);
  sim_stream_deliver (&ibb->stream, sim_segment_new (ibb->side->world, &request->bytes));
}

static void
take_close (SimIbb *ibb, SimStanza *request)
{
  static const SimSegment eof = { .bytes = 0 };

  sim_reply (ibb->side, request);
  ibb->state = STATE_PEER_CLOSED;
  ibb->peer_closed = TRUE;
  sim_timer_disarm (&ibb->side->world->clock, &ibb->timer);
  unregister (ibb);
  sim_stream_deliver (&ibb->stream, sim_segment_new (ibb->side->world, &eof));
}

void
sim_ibb_receive (SimOurs *ours, SimStanza *request)
{
  SimIbb *ibb = find (ours, request->sid);
  gboolean open = ibb && ibb->state == STATE_OPEN;

  if (request->kind == SIM_STANZA_OPEN && ibb)
    {
      if (ibb->opener || ibb->state != STATE_NEW || request->block_size > ibb->block_size)
        {
          sim_reply_error (ours->side, request, FD_ERROR_PROTOCOL);
          return;
        }
      ibb->block_size = ibb->sender.block_size = request->block_size;
      sim_reply (ours->side, request);
      open_stream (ibb);
    }
  else if (request->kind == SIM_STANZA_DATA && open)
    take_data (ibb, request);
  else if (request->kind == SIM_STANZA_CLOSE && open)
    take_close (ibb, request);
  else
    sim_reply_error (ours->side, request, FD_ERROR_PROTOCOL);
}

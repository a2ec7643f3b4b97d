/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * In-band bytestreams (XEP-0261, XEP-0047) as the clients do them: one block on
 * the way, and what each makes of the end.
 */
#include "model.h"

#include <string.h>

#define IQ_TIMEOUT_MS 60000

static FdTransportInfo
ibb_info (SimTalk *talk)
{
  return (FdTransportInfo){ .kind = FD_TRANSPORT_KIND_IBB,
                            .ibb = fd_ibb_info_new (talk->transport, talk->block_size) };
}

static void
send_with_ibb (SimTalk *talk, FdJingleAction action)
{
  FdTransportInfo transport = ibb_info (talk);

  sim_model_send (talk->model, sim_talk_content_message (talk, action, &transport));
  fd_transport_info_clear (&transport);
}

static void
forget_stream (SimTalk *talk)
{
  sim_talk_drop_s5b (talk);
  talk->seq = 0;
  talk->moved = talk->offset;
  talk->open = talk->unequal = FALSE;
}

void
sim_talk_send_replace (SimTalk *talk)
{
  const SimTraits *traits = talk->model->traits;

  forget_stream (talk);
  if (traits->ibb_sid)
    g_strlcpy (talk->transport, traits->ibb_sid, sizeof talk->transport);
  else
    sim_new_sid (talk->model->side->world, "b", talk->transport);
  talk->block_size = traits->block_size;
  talk->state = SIM_TALK_REPLACING;
  send_with_ibb (talk, FD_JINGLE_TRANSPORT_REPLACE);
}

void
sim_talk_take_replace (SimTalk *talk, const FdIbbInfo *info)
{
  forget_stream (talk);
  g_strlcpy (talk->transport, info->sid, sizeof talk->transport);
  talk->block_size = MIN (info->block_size, talk->model->traits->block_size);
  talk->state = SIM_TALK_NEGOTIATING;
  send_with_ibb (talk, FD_JINGLE_TRANSPORT_ACCEPT);
}

/* --- sending --- */

static SimTalk *
find (SimModel *model, const char *sid)
{
  for (SimTalk *talk = model->talks; talk; talk = talk->next)
    if (!talk->s5b && strcmp (talk->transport, sid) == 0 && talk->state != SIM_TALK_OFFERED)
      return talk;
  return NULL;
}

static void send_block (SimTalk *talk);

static void
send_close (SimTalk *talk)
{
  SimStanza close = { .kind = SIM_STANZA_CLOSE };

  memcpy (close.sid, talk->transport, sizeof close.sid);
  sim_iq_send (talk->model->side, &close, IQ_TIMEOUT_MS, NULL, NULL);
}

static void
on_answered (SimRequest *request, const SimStanza *reply, const GError *error)
{
  SimTalk *talk = request->owner;

  if (error)
    sim_talk_hang (talk, "stops at an error to its block");
  else if (talk->moved < talk->file->size)
    send_block (talk);
  else
    {
      if (talk->model->traits->closes_ibb)
        send_close (talk);
      sim_talk_all_sent (talk);
    }
}

static void
send_block (SimTalk *talk)
{
  SimFile *file = talk->file;
  SimStanza data = { .kind = SIM_STANZA_DATA, .seq = talk->seq++ };

  data.bytes = (SimSegment){ .offset = talk->moved,
                             .tag = file->tag,
                             .bytes = MIN (file->size - talk->moved, talk->block_size) };
  talk->moved += data.bytes.bytes;
  memcpy (data.sid, talk->transport, sizeof data.sid);
  sim_iq_send (talk->model->side, &data, IQ_TIMEOUT_MS, on_answered, talk);
}

static void
on_opened (SimRequest *request, const SimStanza *reply, const GError *error)
{
  SimTalk *talk = request->owner;

  if (error)
    sim_talk_hang (talk, "was not allowed to open");
  else if (talk->file->size > 0)
    send_block (talk);
  else
    sim_talk_all_sent (talk);
}

void
sim_talk_open (SimTalk *talk)
{
  SimStanza open = { .kind = SIM_STANZA_OPEN, .block_size = talk->block_size };

  talk->state = SIM_TALK_ACTIVE;
  memcpy (open.sid, talk->transport, sizeof open.sid);
  sim_iq_send (talk->model->side, &open, IQ_TIMEOUT_MS, on_opened, talk);
}

/* --- receiving --- */

static void
take_data (SimTalk *talk, const SimStanza *request)
{
  SimFile *file = talk->file;
  const SimTraits *traits = talk->model->traits;

  sim_reply (talk->model->side, request);
  if (talk->state != SIM_TALK_ACTIVE || traits->drops_ibb)
    return;
  if (request->bytes.tag != file->tag || request->bytes.offset != talk->moved || request->bytes.corrupt)
    talk->unequal = TRUE;
  talk->moved += request->bytes.bytes;
  talk->seq++;
  file->moved = TRUE;
  if (talk->moved == file->size && !traits->needs_close)
    sim_talk_all_here (talk, !talk->unequal);
}

static void
take_close (SimTalk *talk, const SimStanza *request)
{
  sim_reply (talk->model->side, request);
  talk->open = FALSE;
  if (talk->state == SIM_TALK_ACTIVE && talk->moved == talk->file->size && talk->model->traits->needs_close)
    sim_talk_all_here (talk, !talk->unequal);
}

void
sim_model_receive_ibb (SimModel *model, SimStanza *request)
{
  SimTalk *talk = find (model, request->sid);

  if (talk && request->kind == SIM_STANZA_OPEN && model->traits->dies_of_ibb)
    sim_model_die (model, "gets an in-band stream");
  else if (talk && request->kind == SIM_STANZA_OPEN && talk->state == SIM_TALK_NEGOTIATING
           && !talk->initiator)
    {
      sim_reply (model->side, request);
      talk->open = TRUE;
      talk->state = SIM_TALK_ACTIVE;
      if (talk->file->size == 0 && !model->traits->needs_close && !model->traits->drops_ibb)
        sim_talk_all_here (talk, TRUE);
    }
  else if (talk && request->kind == SIM_STANZA_DATA && talk->open)
    take_data (talk, request);
  else if (talk && request->kind == SIM_STANZA_CLOSE && talk->open)
    take_close (talk, request);
  else
    sim_reply_error (model->side, request, FD_ERROR_PROTOCOL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the other clients make of our Jingle requests.
 */
#include "model-private.h"

#include <string.h>

/* The peer accepts a content, or an in-band proposal that way. */
static void
take_accept (SimModel *model, SimTalk *talk, const FdJingleContent *content)
{
  const FdTransportInfo *transport = &content->transport;

  if (talk->state == SIM_TALK_REPLACING && model->traits->replaced_by_accept)
    {
      sim_talk_open (talk);
      return;
    }
  if (talk->state != SIM_TALK_OFFERED || !talk->initiator || !transport->s5b)
    return;
  talk->state = SIM_TALK_NEGOTIATING;
  sim_talk_take_s5b (talk, transport->s5b);
  sim_talk_dial (talk);
}

static void
receive_accept (SimModel *model, const FdJingleMessage *message)
{
  for (guint i = 0; i < message->contents->len; i++)
    {
      const FdJingleContent *content = message->contents->pdata[i];
      SimTalk *talk = sim_talk_find (model, message->sid, content->name);

      if (talk)
        take_accept (model, talk, content);
    }
}

static void
receive_terminate (SimModel *model, const FdJingleMessage *message)
{
  SimEndKind end = SIM_END_FAILED;
  SimTalk *talk;

  if (strcmp (message->reason, "success") == 0)
    end = SIM_END_DONE;
  else if (strcmp (message->reason, "decline") == 0 || strcmp (message->reason, "busy") == 0)
    end = SIM_END_REJECTED;
  else if (strcmp (message->reason, "cancel") == 0)
    end = SIM_END_CANCELLED;
  while ((talk = sim_talk_find (model, message->sid, NULL)))
    {
      if (model->traits->dies_of_end && talk->state == SIM_TALK_WAITING)
        {
          sim_model_die (model, "the session ends after two errors");
          return;
        }
      sim_talk_end (talk, end, FD_BY_REMOTE);
    }
}

static void
receive_replace (SimModel *model, SimTalk *talk, const FdJingleContent *content)
{
  const SimTraits *traits = model->traits;
  FdTransportInfo transport = content->transport;

  if (traits->dies_of_end && talk->state == SIM_TALK_WAITING)
    sim_model_die (model, "the transport is replaced after two errors");
  else if (traits->replace == SIM_REPLACE_REJECTED)
    {
      sim_model_send (model, sim_talk_content_message (talk, FD_JINGLE_TRANSPORT_REJECT, &transport));
      sim_talk_hang (talk, "rejected our transport");
    }
  else if (traits->replace == SIM_REPLACE_AFTER_ERRORS && talk->state != SIM_TALK_WAITING)
    ; /* acknowledged, nothing more */
  else if (content->transport.ibb && talk->state != SIM_TALK_ACTIVE && talk->state != SIM_TALK_OFFERED)
    sim_talk_take_replace (talk, content->transport.ibb);
}

/* FALSE: out of order. */
static gboolean
receive_transport_accept (SimModel *model, SimTalk *talk, const FdJingleContent *content)
{
  if (talk->state != SIM_TALK_REPLACING || model->traits->replaced_by_accept)
    return FALSE;
  if (content->transport.s5b)
    {
      talk->state = SIM_TALK_NEGOTIATING;
      sim_talk_take_s5b (talk, content->transport.s5b);
      sim_talk_dial (talk);
    }
  else if (talk->initiator && content->transport.ibb)
    {
      talk->block_size = MIN (talk->block_size, content->transport.ibb->block_size);
      sim_talk_open (talk);
    }
  return TRUE;
}

static FdReply
receive_info (SimModel *model, const FdJingleMessage *message)
{
  SimTalk *talk = sim_talk_find (model, message->sid, message->info_content);

  if (message->info == FD_SESSION_INFO_PING)
    return FD_REPLY_OK;
  if (!talk)
    return FD_REPLY_OK;
  if (message->info == FD_SESSION_INFO_CHECKSUM)
    {
      talk->checked = TRUE;
      if (talk->state == SIM_TALK_CHECKING)
        sim_talk_done (talk);
    }
  else if (message->info == FD_SESSION_INFO_RECEIVED && talk->state == SIM_TALK_SENT
           && model->traits->tells_received)
    sim_talk_end (talk, SIM_END_DONE, FD_BY_NOBODY);
  return FD_REPLY_OK;
}

/* About one content. */
static FdReply
receive_for (SimModel *model, SimTalk *talk, const FdJingleMessage *message, const FdJingleContent *content)
{
  switch (message->action)
    {
    case FD_JINGLE_TRANSPORT_INFO:
      if (content->transport.s5b && talk->s5b && !sim_talk_notified (talk, content->transport.s5b))
        return FD_REPLY_BAD_REQUEST;
      return FD_REPLY_OK;
    case FD_JINGLE_TRANSPORT_REPLACE:
      receive_replace (model, talk, content);
      return FD_REPLY_OK;
    case FD_JINGLE_TRANSPORT_ACCEPT:
      return receive_transport_accept (model, talk, content) ? FD_REPLY_OK : FD_REPLY_OUT_OF_ORDER;
    case FD_JINGLE_TRANSPORT_REJECT:
      if (talk->state == SIM_TALK_REPLACING)
        sim_talk_hang (talk, "was rejected");
      return FD_REPLY_OK;
    case FD_JINGLE_CONTENT_REJECT:
    case FD_JINGLE_CONTENT_REMOVE:
      sim_talk_end (talk, g_strcmp0 (message->reason, "decline") == 0 ? SIM_END_REJECTED : SIM_END_FAILED,
                    FD_BY_REMOTE);
      return FD_REPLY_OK;
    default:
      return FD_REPLY_OK;
    }
}

static FdReply
receive (SimModel *model, const FdJingleMessage *message)
{
  const FdJingleContent *content = fd_jingle_message_get_content (message);
  SimTalk *talk;

  switch (message->action)
    {
    case FD_JINGLE_SESSION_INITIATE:
      for (guint i = 0; i < message->contents->len; i++)
        sim_model_show (model, message, message->contents->pdata[i]);
      return FD_REPLY_OK;
    case FD_JINGLE_SESSION_ACCEPT:
    case FD_JINGLE_CONTENT_ACCEPT:
      receive_accept (model, message);
      return FD_REPLY_OK;
    case FD_JINGLE_SESSION_TERMINATE:
      receive_terminate (model, message);
      return FD_REPLY_OK;
    case FD_JINGLE_SESSION_INFO:
      return receive_info (model, message);
    default:
      talk = content ? sim_talk_find (model, message->sid, content->name) : NULL;
      return talk ? receive_for (model, talk, message, content) : FD_REPLY_ITEM_NOT_FOUND;
    }
}

void
sim_model_receive_jingle (SimModel *model, SimStanza *request)
{
  const FdJingleMessage *message = request->message->message;
  FdReply how;

  if (message->action != FD_JINGLE_SESSION_INITIATE && !sim_talk_find (model, message->sid, NULL))
    {
      if (message->action == FD_JINGLE_SESSION_TERMINATE || sim_model_is_closing (model, message->sid))
        sim_reply (model->side, request);
      else
        sim_reply_unknown_session (model->side, request);
      return;
    }
  if (model->side->world->chart)
    sim_chart_arrival (model->side, request, "");
  how = receive (model, message);
  if (!model->dead)
    sim_reply_how (model->side, request, how);
}

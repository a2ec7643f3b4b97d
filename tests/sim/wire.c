/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The XMPP path: what a server does with stanzas of and for two resources.
 */
#include "wire.h"
#include "world.h"

#include <string.h>

/* The servers return all that follows, too: shorter than we pause, longer than any answer takes. */
#define BOUNCE_TIME (5 * SIM_SEC)

/* --- errors --- */

/* The text that the daemon's iq router would give. */
const GError *
sim_error (FdErrorCode code)
{
  static GError errors[FD_N_ERRORS];

  errors[code] = (GError){ .domain = FD_ERROR, .code = (int) code, .message = (char *) "simulated" };
  return &errors[code];
}

/* --- stanzas --- */

SimMessage *
sim_message_new (FdJingleMessage *message)
{
  SimMessage *shared = g_new (SimMessage, 1);

  *shared = (SimMessage){ .message = message, .refs = 1 };
  return shared;
}

SimMessage *
sim_message_ref (SimMessage *message)
{
  message->refs++;
  return message;
}

void
sim_message_unref (SimMessage *message)
{
  if (!message || --message->refs > 0)
    return;
  fd_jingle_message_free (message->message);
  g_free (message);
}

static SimStanza *
stanza_new (SimWorld *world, const SimStanza *from)
{
  SimStanza *stanza = world->free_stanzas;

  if (stanza)
    world->free_stanzas = stanza->next;
  else
    stanza = g_new (SimStanza, 1);
  *stanza = *from;
  stanza->next = NULL;
  if (stanza->message)
    sim_message_ref (stanza->message);
  return stanza;
}

static void
stanza_free (SimWorld *world, SimStanza *stanza)
{
  sim_message_unref (stanza->message);
  stanza->next = world->free_stanzas;
  world->free_stanzas = stanza;
}

static gboolean
is_request (const SimStanza *stanza)
{
  return stanza->kind < SIM_STANZA_RESULT;
}

static void
put (SimSide *side, const SimStanza *from)
{
  SimWorld *world = side->world;
  SimChannel *out = &side->out;
  SimStanza *stanza;
  gint64 delay = sim_latency (world) + side->extra_delay;

  if (!side->online)
    return;
  out->sent++;
  if (world->chart)
    sim_chart_stanza (side, from);
  if (side->drop_next)
    {
      side->drop_next = FALSE;
      world->hits |= SIM_HIT_DROPPED;
      SIM_CHART (side, "   … which the servers lose");
      return;
    }
  if (world->lossy && sim_once_in (world, 4))
    delay += sim_range (world, 0, 3 * SIM_SEC / 2);
  stanza = stanza_new (world, from);
  if (side->bounce_next && from->kind == SIM_STANZA_DATA)
    {
      side->bounce_next = FALSE;
      side->bounce_until = SIM_NOW (world) + BOUNCE_TIME;
    }
  stanza->bounces = from->kind == SIM_STANZA_DATA && SIM_NOW (world) < side->bounce_until;
  stanza->when = SIM_NOW (world) + delay;
  if (out->tail)
    {
      stanza->when = MAX (stanza->when, out->tail->when);
      out->tail->next = stanza;
    }
  else
    {
      out->head = stanza;
      sim_timer_arm (&world->clock, &out->arrival, stanza->when);
    }
  out->tail = stanza;
}

/* --- requests --- */

static SimRequest *
take_request (SimSide *side, guint32 id)
{
  for (SimRequest **link = &side->requests; *link; link = &(*link)->next)
    if ((*link)->id == id)
      {
        SimRequest *request = *link;

        *link = request->next;
        return request;
      }
  return NULL;
}

static void
request_free (SimRequest *request)
{
  sim_timer_disarm (&request->side->world->clock, &request->timeout);
  sim_message_unref (request->message);
  g_free (request);
}

static void
finish (SimSide *side, guint32 id, const SimStanza *reply, const GError *error)
{
  SimRequest *request = take_request (side, id);

  if (!request)
    return; /* cancelled, or too late */
  if (request->answered)
    request->answered (request, reply, error);
  request_free (request);
}

static void
on_timeout (gpointer data)
{
  SimRequest *request = data;

  SIM_CHART (request->side, "   no answer to #%u", request->id);
  finish (request->side, request->id, NULL,
          sim_error (request->offline ? FD_ERROR_NOT_CONNECTED : FD_ERROR_TIMEOUT));
}

static SimRequest *
send_request (SimSide *side, SimStanza *stanza, guint timeout_ms, SimAnswered answered, gpointer owner)
{
  SimWorld *world = side->world;
  SimRequest *request = g_new0 (SimRequest, 1);

  request->side = side;
  request->id = stanza->id = ++side->last_id;
  request->answered = answered;
  request->owner = owner;
  request->message = stanza->message;
  request->next = side->requests;
  request->offline = !side->online;
  side->requests = request;
  sim_timer_init (&request->timeout, on_timeout, request);
  sim_timer_arm (&world->clock, &request->timeout,
                 SIM_NOW (world) + (side->online ? timeout_ms * SIM_MSEC : 0));
  put (side, stanza);
  return request;
}

SimRequest *
sim_iq_send_jingle (SimSide *side, SimMessage *message, guint timeout_ms, SimAnswered answered,
                    gpointer owner)
{
  SimStanza stanza = { .kind = SIM_STANZA_JINGLE, .message = message };

  return send_request (side, &stanza, timeout_ms, answered, owner);
}

SimRequest *
sim_iq_send (SimSide *side, const SimStanza *stanza, guint timeout_ms, SimAnswered answered, gpointer owner)
{
  SimStanza copy = *stanza;

  return send_request (side, &copy, timeout_ms, answered, owner);
}

void
sim_iq_cancel (SimRequest *request)
{
  if (request && take_request (request->side, request->id))
    request_free (request);
}

void
sim_iq_cancel_owner (SimSide *side, gpointer owner)
{
  SimRequest **link = &side->requests;

  while (*link)
    {
      SimRequest *request = *link;

      if (request->owner != owner)
        {
          link = &request->next;
          continue;
        }
      *link = request->next;
      request_free (request);
    }
}

gboolean
sim_iq_is_pending (SimSide *side, gpointer owner)
{
  for (SimRequest *request = side->requests; request; request = request->next)
    if (request->owner == owner)
      return TRUE;
  return FALSE;
}

/* --- answers --- */

void
sim_reply (SimSide *side, const SimStanza *request)
{
  put (side, &(SimStanza){ .kind = SIM_STANZA_RESULT, .id = request->id });
}

void
sim_reply_error (SimSide *side, const SimStanza *request, FdErrorCode code)
{
  put (side, &(SimStanza){ .kind = SIM_STANZA_ERROR, .id = request->id, .code = code });
}

void
sim_reply_how (SimSide *side, const SimStanza *request, FdReply how)
{
  SimStanza reply
    = { .kind = SIM_STANZA_ERROR, .id = request->id, .code = FD_ERROR_PROTOCOL, .refusal = how };

  if (how == FD_REPLY_OK)
    reply.kind = SIM_STANZA_RESULT;
  else if (how == FD_REPLY_UNSUPPORTED_INFO)
    reply.code = FD_ERROR_PEER_UNSUPPORTED;
  put (side, &reply);
}

void
sim_reply_unknown_session (SimSide *side, const SimStanza *request)
{
  put (side,
       &(SimStanza){
         .kind = SIM_STANZA_ERROR, .id = request->id, .code = FD_ERROR_PROTOCOL, .unknown_session = TRUE });
}

/* --- arrival --- */

/* The resource is not there: its server answers for it. */
static void
bounce (SimSide *to, const SimStanza *stanza)
{
  SimStanza reply = { .kind = SIM_STANZA_ERROR, .id = stanza->id, .code = FD_ERROR_PEER_UNSUPPORTED };

  SIM_CHART (to, "   (#%u comes back)", stanza->id);
  if (stanza->bounces || sim_once_in (to->world, 3))
    {
      reply.code = FD_ERROR_PEER_OFFLINE;
      reply.temporary = TRUE;
    }
  finish (sim_other (to), reply.id, &reply, sim_error (reply.code));
}

static void
arrive (gpointer data)
{
  SimSide *from = data, *to = sim_other (from);
  SimWorld *world = from->world;
  SimStanza *stanza = from->out.head;

  from->out.head = stanza->next;
  if (!from->out.head)
    from->out.tail = NULL;
  else
    sim_timer_arm (&world->clock, &from->out.arrival, from->out.head->when);

  if (is_request (stanza) && (!to->online || stanza->bounces))
    bounce (to, stanza);
  else if (!to->online)
    ;
  else if (is_request (stanza))
    to->ops->receive (to, stanza);
  else
    finish (to, stanza->id, stanza, stanza->kind == SIM_STANZA_ERROR ? sim_error (stanza->code) : NULL);
  stanza_free (world, stanza);
}

/* --- streams --- */

void
sim_wire_init (SimSide *side)
{
  sim_timer_init (&side->out.arrival, arrive, side);
  side->out.head = side->out.tail = NULL;
  side->out.sent = 0;
  side->online = TRUE;
  side->requests = NULL;
  side->last_id = 0;
  side->extra_delay = 0;
  side->drop_next = side->bounce_next = FALSE;
  side->bounce_until = 0;
}

static void
drop_stanzas (SimChannel *channel, SimWorld *world, guint keep)
{
  SimStanza **link = &channel->head, *last = NULL;

  while (*link && keep-- > 0)
    {
      last = *link;
      link = &last->next;
    }
  while (*link)
    {
      SimStanza *stanza = *link;

      *link = stanza->next;
      stanza_free (world, stanza);
    }
  channel->tail = last;
  if (!channel->head)
    sim_timer_disarm (&world->clock, &channel->arrival);
}

static guint
count (const SimChannel *channel)
{
  guint n = 0;

  for (const SimStanza *stanza = channel->head; stanza; stanza = stanza->next)
    n++;
  return n;
}

/* What an answer leads to may be a new request, which is not one of these. */
static void
fail_requests (SimSide *side)
{
  guint32 last = side->last_id;
  SimRequest *request = side->requests;

  while (request)
    {
      if (request->id > last)
        {
          request = request->next;
          continue;
        }
      finish (side, request->id, NULL, sim_error (FD_ERROR_NOT_CONNECTED));
      request = side->requests;
    }
}

void
sim_wire_lose (SimSide *side)
{
  SimWorld *world = side->world;
  SimSide *other = sim_other (side);

  if (!side->online)
    return;
  drop_stanzas (&side->out, world, sim_below (world, count (&side->out) + 1));
  side->online = FALSE;
  if (sim_once_in (world, 2))
    drop_stanzas (&other->out, world, 0); /* they were in the dead socket */
  fail_requests (side);
}

void
sim_wire_up (SimSide *side)
{
  side->online = TRUE;
}

void
sim_wire_clear (SimSide *side)
{
  drop_stanzas (&side->out, side->world, 0);
  while (side->requests)
    sim_iq_cancel (side->requests);
}

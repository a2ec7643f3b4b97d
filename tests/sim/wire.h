/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * XMPP between the two sides: stanzas in order in each direction, requests with
 * their timers, streams that are lost, resources that are absent.
 */
#pragma once

#include "base/error.h"
#include "jingle/session-machine.h"
#include "net.h"

typedef enum
{
  SIM_STANZA_JINGLE,
  SIM_STANZA_OPEN, /* in-band bytestreams */
  SIM_STANZA_DATA,
  SIM_STANZA_CLOSE,
  SIM_STANZA_RESULT,
  SIM_STANZA_ERROR,
} SimStanzaKind;

/* A message that its sender and the wire share. */
typedef struct
{
  FdJingleMessage *message;
  guint refs;
} SimMessage;

#define SIM_SID_SIZE 24

typedef struct SimStanza SimStanza;
struct SimStanza
{
  SimStanza *next;
  SimStanzaKind kind;
  guint32 id;
  gint64 when; /* it arrives */
  SimMessage *message; /* JINGLE */
  char sid[SIM_SID_SIZE]; /* IBB */
  guint block_size; /* OPEN */
  guint64 seq; /* DATA */
  SimSegment bytes; /* DATA */
  /* ERROR */
  FdErrorCode code;
  FdReply refusal; /* of a Jingle request, for the chart */
  gboolean unknown_session;
  gboolean temporary;
  gboolean bounces; /* the servers return it */
};

typedef struct SimRequest SimRequest;
typedef void (*SimAnswered) (SimRequest *request, const SimStanza *reply, const GError *error);

struct SimRequest
{
  SimRequest *next;
  SimSide *side;
  guint32 id;
  SimTimer timeout;
  SimAnswered answered; /* once; the request is freed after it */
  gpointer owner;
  gpointer data;
  SimMessage *message; /* NULL unless JINGLE */
  gboolean offline; /* it could not be sent at all */
};

typedef struct
{
  SimStanza *head, *tail;
  SimTimer arrival;
  guint sent; /* stanzas, in all */
} SimChannel;

SimMessage *sim_message_new (FdJingleMessage *message); /* takes it */
SimMessage *sim_message_ref (SimMessage *message);
void sim_message_unref (SimMessage *message);

/* Takes @message. @owner: for sim_iq_cancel_owner(). */
SimRequest *sim_iq_send_jingle (SimSide *side, SimMessage *message, guint timeout_ms, SimAnswered answered,
                                gpointer owner);
/* @stanza is copied. */
SimRequest *sim_iq_send (SimSide *side, const SimStanza *stanza, guint timeout_ms, SimAnswered answered,
                         gpointer owner);
void sim_iq_cancel (SimRequest *request);
void sim_iq_cancel_owner (SimSide *side, gpointer owner);
gboolean sim_iq_is_pending (SimSide *side, gpointer owner);

/* Answers a request of the other side. */
void sim_reply (SimSide *side, const SimStanza *request);
void sim_reply_error (SimSide *side, const SimStanza *request, FdErrorCode code);
void sim_reply_how (SimSide *side, const SimStanza *request, FdReply how);
void sim_reply_unknown_session (SimSide *side, const SimStanza *request);

/* The stream of a side ends for good; what it had sent arrives or does not. */
void sim_wire_lose (SimSide *side);
void sim_wire_up (SimSide *side);
void sim_wire_clear (SimSide *side); /* drops stanzas on the way and requests */
void sim_wire_init (SimSide *side);

const GError *sim_error (FdErrorCode code); /* borrowed */

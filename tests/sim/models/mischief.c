/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client that breaks the rules now and then: a stanza that makes no sense where
 * it comes. We must neither hang nor believe that a file went through.
 */
#include "model-private.h"

typedef void (*Prank) (SimTalk *talk);

static void
send_with (SimTalk *talk, FdJingleAction action, FdTransportInfo *transport)
{
  sim_model_send (talk->model, sim_talk_content_message (talk, action, transport));
  fd_transport_info_clear (transport);
}

static void
notify (SimTalk *talk, FdS5bKind kind, const char *cid)
{
  FdTransportInfo transport
    = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = fd_s5b_info_new (kind, talk->transport) };

  transport.s5b->cid = g_strdup (cid);
  send_with (talk, FD_JINGLE_TRANSPORT_INFO, &transport);
}

static void
use_foreign (SimTalk *talk)
{
  notify (talk, FD_S5B_CANDIDATE_USED, "c999999");
}

/* One of ours, connected or not. */
static void
use_any (SimTalk *talk)
{
  if (talk->n_remotes > 0)
    notify (talk, FD_S5B_CANDIDATE_USED, talk->remotes[0].candidate->cid);
}

static void
say_error (SimTalk *talk)
{
  notify (talk, FD_S5B_CANDIDATE_ERROR, NULL);
}

static void
say_activated (SimTalk *talk)
{
  g_autofree char *cid = g_strdup_printf ("c%u", talk->n_locals > 0 ? talk->locals[0].number : 999999);

  notify (talk, FD_S5B_ACTIVATED, cid);
}

static void
say_proxy_error (SimTalk *talk)
{
  notify (talk, FD_S5B_PROXY_ERROR, NULL);
}

static void
offer_bogus (SimTalk *talk)
{
  FdTransportInfo transport
    = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, talk->transport) };
  FdS5bCandidate *candidate = g_new0 (FdS5bCandidate, 1);

  candidate->cid = g_strdup ("c999998");
  candidate->host = g_strdup ("nowhere");
  candidate->priority = 1 + sim_below (talk->model->side->world, 1u << 24);
  g_ptr_array_add (transport.s5b->candidates, candidate);
  send_with (talk, FD_JINGLE_TRANSPORT_INFO, &transport);
}

static FdTransportInfo
ibb (const char *sid)
{
  return (FdTransportInfo){ .kind = FD_TRANSPORT_KIND_IBB, .ibb = fd_ibb_info_new (sid, 4096) };
}

static void
reject_transport (SimTalk *talk)
{
  FdTransportInfo transport = ibb (talk->transport);

  send_with (talk, FD_JINGLE_TRANSPORT_REJECT, &transport);
}

static void
accept_transport (SimTalk *talk)
{
  FdTransportInfo transport = ibb (talk->transport);

  send_with (talk, FD_JINGLE_TRANSPORT_ACCEPT, &transport);
}

static void
replace_in_band (SimTalk *talk)
{
  FdTransportInfo transport = ibb ("prank");

  send_with (talk, FD_JINGLE_TRANSPORT_REPLACE, &transport);
}

static void
replace_s5b (SimTalk *talk)
{
  FdTransportInfo transport
    = { .kind = FD_TRANSPORT_KIND_S5B, .s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, "prank") };

  send_with (talk, FD_JINGLE_TRANSPORT_REPLACE, &transport);
}

static void
accept_again (SimTalk *talk)
{
  FdTransportInfo transport = ibb (talk->transport);

  send_with (talk, FD_JINGLE_SESSION_ACCEPT, &transport);
}

static void
initiate_again (SimTalk *talk)
{
  FdTransportInfo transport = ibb (talk->transport);

  send_with (talk, FD_JINGLE_SESSION_INITIATE, &transport);
}

static void
send_plain (SimTalk *talk, FdJingleAction action)
{
  FdTransportInfo none = { .kind = FD_TRANSPORT_KIND_NONE };

  send_with (talk, action, &none);
}

static void
modify (SimTalk *talk)
{
  send_plain (talk, FD_JINGLE_CONTENT_MODIFY);
}

static void
describe (SimTalk *talk)
{
  send_plain (talk, FD_JINGLE_DESCRIPTION_INFO);
}

static void
remove_content (SimTalk *talk)
{
  send_plain (talk, FD_JINGLE_CONTENT_REMOVE);
}

static void
accept_content (SimTalk *talk)
{
  send_plain (talk, FD_JINGLE_CONTENT_ACCEPT);
}

static void
reject_content (SimTalk *talk)
{
  send_plain (talk, FD_JINGLE_CONTENT_REJECT);
}

static void
add_nothing (SimTalk *talk)
{
  FdJingleMessage *message = sim_talk_message (talk, FD_JINGLE_CONTENT_ADD);

  fd_jingle_message_add_content (message, TRUE, "prank")->application = g_strdup ("urn:example:rtp");
  sim_model_send (talk->model, message);
}

static void
send_info (SimTalk *talk, FdSessionInfoKind info)
{
  FdJingleMessage *message = sim_talk_message (talk, FD_JINGLE_SESSION_INFO);

  message->info = info;
  if (info == FD_SESSION_INFO_CHECKSUM)
    message->checksum = fd_file_new (NULL, -1);
  sim_model_send (talk->model, message);
}

static void
ping (SimTalk *talk)
{
  send_info (talk, FD_SESSION_INFO_PING);
}

static void
say_received (SimTalk *talk)
{
  send_info (talk, FD_SESSION_INFO_RECEIVED);
}

static void
say_checksum (SimTalk *talk)
{
  send_info (talk, FD_SESSION_INFO_CHECKSUM);
}

static void
say_other (SimTalk *talk)
{
  send_info (talk, FD_SESSION_INFO_OTHER);
}

static void
claim_success (SimTalk *talk)
{
  sim_talk_terminate (talk, "success", SIM_END_DONE);
}

static void
leave (SimTalk *talk)
{
  sim_talk_terminate (talk, NULL, SIM_END_FAILED);
}

static void
send_ibb (SimTalk *talk, SimStanzaKind kind)
{
  SimStanza stanza = { .kind = kind,
                       .block_size = 1 + sim_below (talk->model->side->world, 65535),
                       .seq = sim_below (talk->model->side->world, 4),
                       .bytes = { .bytes = 1, .tag = 1 } };

  g_strlcpy (stanza.sid, talk->transport, sizeof stanza.sid);
  sim_iq_send (talk->model->side, &stanza, 30000, NULL, NULL);
}

static void
open_ibb (SimTalk *talk)
{
  send_ibb (talk, SIM_STANZA_OPEN);
}

static void
send_data (SimTalk *talk)
{
  send_ibb (talk, SIM_STANZA_DATA);
}

static void
close_ibb (SimTalk *talk)
{
  send_ibb (talk, SIM_STANZA_CLOSE);
}

void
sim_model_play_prank (SimModel *model)
{
  static const Prank pranks[] = {
    use_foreign,
    use_any,
    say_error,
    say_activated,
    say_proxy_error,
    offer_bogus,
    reject_transport,
    accept_transport,
    replace_in_band,
    replace_s5b,
    accept_again,
    initiate_again,
    modify,
    describe,
    remove_content,
    accept_content,
    reject_content,
    add_nothing,
    ping,
    say_received,
    say_checksum,
    say_other,
    claim_success,
    leave,
    open_ibb,
    send_data,
    close_ibb,
  };
  SimWorld *world = model->side->world;

  if (!model->talks || model->dead || !model->side->online)
    return;
  world->hits |= SIM_HIT_MISCHIEF;
  SIM_CHART (model->side, "   prank:");
  pranks[sim_below (world, G_N_ELEMENTS (pranks))](model->talks);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the engine share.
 */
#pragma once

#include "model.h"

/* @name NULL: any of the session. */
SimTalk *sim_talk_find (SimModel *model, const char *sid, const char *name);
SimTalk *sim_talk_new (SimModel *model, SimFile *file, const char *sid, const char *name, gboolean initiator);
SimTalk *sim_talk_find_new (SimModel *model); /* added, not offered yet */
gboolean sim_model_is_closing (SimModel *model, const char *sid);
void sim_talk_done (SimTalk *talk); /* as receiver */
void sim_talk_trickle (SimTalk *talk); /* its proxies, once */
void sim_talk_go_on (SimTalk *talk); /* with its negotiation */
void sim_model_show (SimModel *model, const FdJingleMessage *message, const FdJingleContent *content);
void sim_model_receive_jingle (SimModel *model, SimStanza *request);
void sim_model_play_prank (SimModel *model); /* mischief.c */

/* --- model-candidates.c --- */
SimDst sim_talk_own_hash (const SimTalk *talk);
FdS5bInfo *sim_talk_describe (SimTalk *talk, gboolean later); /* those that were not told, of one kind */
void sim_talk_dial_proxy (SimModelLocal *local); /* its own */
void sim_talk_try (SimModelRemote *remote);
SimModelRemote *sim_talk_best (SimTalk *talk, SimTry state); /* the highest, NULL: none */

/* --- model-s5b.c --- */
void sim_talk_ask_proxy (SimTalk *talk); /* it is connected to it, or not */

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may make us hold how much, who may learn our addresses, and what is taken
 * without asking. Pure: facts come in, a decision goes out.
 */
#pragma once

#include "core/transfer.h"

typedef struct
{
  gboolean stopping; /* the daemon goes down */
  guint pending_from_peer; /* offers of this bare JID that nobody answered */
  guint pending;
  guint transfers; /* all objects */
} FdIncomingFacts;

/* May this peer see that files are taken here? */
gboolean fd_policy_admits (gboolean contact, gboolean accept_from_strangers);

/* NULL: show the offer; else the Jingle reason to refuse it with. */
const char *fd_policy_incoming (const FdIncomingFacts *facts);

/* May one more transfer be made by @app_id, which has @of_app? LIMIT_EXCEEDED. */
gboolean fd_policy_outgoing (guint transfers, guint of_app, const char *app_id, GError **error);

/* Whoever is no contact does not learn our addresses by an offer, unless the
 * caller named the paths: @wanted is neither NONE nor ANY. */
gboolean fd_policy_hides (FdPath wanted, gboolean contact);

/* Which of the @wanted paths (NONE: any) an offer may use. */
FdPath fd_policy_offer_paths (FdPath wanted, gboolean contact);

/* Is an offer of @name by the bare JID @peer taken without asking? Not if it
 * does not say how big it is, nor if a click on it would run it. */
gboolean fd_policy_auto_accept (const char *const *jids, const char *peer, const char *name, gint64 size);

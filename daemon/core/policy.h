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
  gboolean shared; /* all but transfers counts what its owner has, who has a share only */
  guint pending_from_peer; /* offers of this bare JID that nobody answered */
  guint withdrawn_by_peer; /* offers that it took back lately */
  guint pending;
  gboolean stranger; /* no contact */
  guint pending_of_strangers; /* of all of them; if this is one */
  guint transfers; /* all objects */
  guint transfers_of_owner;
} FdIncomingFacts;

/* May the bare JID @peer see that files are taken here? Whoever is listed to be
 * accepted is no stranger. */
gboolean fd_policy_admits (const FdAccountConfig *account, const char *peer, gboolean contact,
                           gboolean accept_from_strangers);

/* NULL: show the offer; else the Jingle reason to refuse it with. */
const char *fd_policy_incoming (const FdIncomingFacts *facts);

/* May one more transfer be made by @app_id, which has @of_app? LIMIT_EXCEEDED. */
gboolean fd_policy_outgoing (guint transfers, guint of_app, const char *app_id, GError **error);
/* Of a shared daemon: may one more be made of whoever has @of_owner? LIMIT_EXCEEDED. */
gboolean fd_policy_share (guint of_owner, GError **error);

/* Must the peer not learn our addresses? Whoever is no contact does not by an
 * offer, unless the caller named the paths: @wanted is neither NONE nor ANY. By an
 * answer the peer does (@trusted), since the user decided that. In a relay-only
 * account nobody does. */
gboolean fd_policy_hides (const FdAccountConfig *account, FdPath wanted, gboolean trusted);

/* Which of the @wanted paths (NONE: any) may be used. */
FdPath fd_policy_paths (const FdAccountConfig *account, FdPath wanted, gboolean trusted);

/* INVALID_OPTION if the account has none of the @wanted paths. */
gboolean fd_policy_check_paths (const FdAccountConfig *account, FdPath wanted, GError **error);

/* Is an offer of @name by the bare JID @peer taken without asking? Not if it is
 * too big or does not say how big it is, nor if a click on it would run it. */
gboolean fd_policy_auto_accept (const FdAccountConfig *account, const char *peer, const char *name,
                                gint64 size);

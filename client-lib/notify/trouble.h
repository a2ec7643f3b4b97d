/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accounts that need the user: each trouble is told once, until it is over or is
 * another one.
 */
#pragma once

#include "card.h"

typedef struct NtfTroubles NtfTroubles;

/* @patience_ms: how long a trouble must last. When a session begins, keyrings come
 * late. @changed: ntf_troubles_is_needed() may have. */
NtfTroubles *ntf_troubles_new (NtfServer *server, guint patience_ms, void (*changed) (gpointer data),
                               gpointer data);
void ntf_troubles_free (NtfTroubles *troubles);
/* @account: stays until it is removed. */
void ntf_troubles_update (NtfTroubles *troubles, const NtfAccount *account);
void ntf_troubles_remove (NtfTroubles *troubles, const NtfAccount *account);
/* The daemon has gone. */
void ntf_troubles_clear (NtfTroubles *troubles);
/* The server of notifications is another one. */
void ntf_troubles_show_again (NtfTroubles *troubles);
/* There is a trouble, so that it must be remembered whether it was told. */
gboolean ntf_troubles_is_needed (const NtfTroubles *troubles);

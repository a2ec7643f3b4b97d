/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is whose, where several users share one daemon: an account has an owner,
 * a transfer that of its account. With one user all have the owner 0, and that user
 * is ANYBODY.
 */
#pragma once

#include <glib.h>

#define FD_OWNER_ROOT 0
#define FD_OWNER_ANYBODY G_MAXUINT32 /* sees all; no uid */
#define FD_OWNER_NOBODY (G_MAXUINT32 - 1) /* sees nothing; no uid here */

/* Of what a shared daemon can hold, one user has this part at the most. */
#define FD_OWNER_SHARE 4

/* Does @viewer know that there is something of @owner? */
static inline gboolean
fd_owner_is_seen (guint32 owner, guint32 viewer)
{
  return viewer == FD_OWNER_ANYBODY || viewer == FD_OWNER_ROOT || viewer == owner;
}

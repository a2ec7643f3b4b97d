/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who calls: an ordinary program of the user, or one in a Flatpak or Snap
 * sandbox, which must not lend our rights. On the system bus: which user.
 */
#pragma once

#include "bus/sd.h"
#include "core/owner.h"

typedef struct
{
  gboolean confined;
  char *app_id; /* "" unconfined, "unknown" if it cannot be found out */
  guint32 uid; /* system bus: NOBODY if it cannot be found out; else ANYBODY */
} FdCaller;

void fd_caller_free (FdCaller *caller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdCaller, fd_caller_free)

/* May the caller end or forget a transfer that has @app_id? Anything for
 * unconfined ones, nothing for unknown ones. */
gboolean fd_caller_owns (const FdCaller *caller, const char *app_id);

/* What tells: @root is an open /proc/PID/root. NULL in @ret_app_id if the process
 * is in no Flatpak sandbox, FALSE if that cannot be told. */
gboolean fd_caller_read_flatpak (int root, char **ret_app_id);

/* @cgroup is the text of /proc/PID/cgroup. "snap.NAME"; NULL if it is in no Snap. */
char *fd_caller_parse_cgroup (const char *cgroup);

/* Callers by unique name, on one connection. */
typedef struct FdCallers FdCallers;

/* @shared: on the system bus, where the user is all that counts. */
FdCallers *fd_callers_new (sd_bus *sd, gboolean shared);
void fd_callers_free (FdCallers *callers);

/* The sender of @message; valid until the next lookup. The first time for a
 * sender the bus daemon, which has just delivered the message, is asked and waited
 * for: one round trip on a local socket, 1 s at the most. */
const FdCaller *fd_callers_lookup (FdCallers *callers, sd_bus_message *message);

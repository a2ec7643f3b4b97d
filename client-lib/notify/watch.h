/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Follows the daemon by libfardel: its transfers, accounts and progress, through
 * its absence and its return. Never starts it.
 */
#pragma once

#include "model.h"

typedef struct NtfWatch NtfWatch;

typedef struct
{
  /* New or changed; also each time after the daemon came back. */
  void (*transfer_changed) (NtfTransfer *transfer, gpointer data);
  void (*transfer_removed) (NtfTransfer *transfer, gpointer data);
  void (*account_changed) (NtfAccount *account, gpointer data);
  void (*account_removed) (NtfAccount *account, gpointer data);
  void (*progress_changed) (gpointer data);
  /* All that there is was told. */
  void (*loaded) (gpointer data);
  /* The daemon is not there. What it had may be there again later. */
  void (*lost) (gpointer data);
} NtfWatchHooks;

NtfWatch *ntf_watch_new (GDBusConnection *bus, const NtfWatchHooks *hooks, gpointer data);
void ntf_watch_free (NtfWatch *watch);

/* Of all transfers together, 0 to 1; negative if nothing is under way. */
double ntf_watch_get_progress (const NtfWatch *watch);
/* g_free(). */
char *ntf_watch_dup_download_folder (const NtfWatch *watch);

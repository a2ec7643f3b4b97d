/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The notifier: what the daemon tells, shown on the desktop, and what the user
 * answers, told to the daemon.
 */
#pragma once

#include <gio/gio.h>

typedef struct NtfNotifier NtfNotifier;

typedef struct
{
  guint linger_ms; /* how long it stays with nothing to do */
  guint patience_ms; /* see ntf_troubles_new() */
} NtfTimes;

/* @leave: it is not needed any more, or cannot do anything here. */
NtfNotifier *ntf_notifier_new (GDBusConnection *bus, const NtfTimes *times, void (*leave) (gpointer data),
                               gpointer data);
/* Takes away what is shown, since nobody would take the answers. */
void ntf_notifier_free (NtfNotifier *notifier);

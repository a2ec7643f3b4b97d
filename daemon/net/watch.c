/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GNetworkMonitor, calmed down.
 */
#include "net/watch.h"

#include <gio/gio.h>

#define BURST_MS 300 /* addresses and routes come one by one */

struct FdNetWatch
{
  GNetworkMonitor *monitor;
  gulong handler;
  guint burst;
  void (*changed) (gpointer data);
  gpointer data;
};

static gboolean
on_burst (gpointer data)
{
  FdNetWatch *watch = data;

  watch->burst = 0;
  watch->changed (watch->data);
  return G_SOURCE_REMOVE;
}

static void
on_network_changed (GNetworkMonitor *monitor, gboolean available, gpointer data)
{
  FdNetWatch *watch = data;

  if (available && !watch->burst)
    watch->burst = g_timeout_add (BURST_MS, on_burst, watch);
}

FdNetWatch *
fd_net_watch_new (void (*changed) (gpointer data), gpointer data)
{
  FdNetWatch *watch = g_new0 (FdNetWatch, 1);

  watch->changed = changed;
  watch->data = data;
  watch->monitor = g_object_ref (g_network_monitor_get_default ());
  watch->handler
    = g_signal_connect (watch->monitor, "network-changed", G_CALLBACK (on_network_changed), watch);
  return watch;
}

void
fd_net_watch_free (FdNetWatch *watch)
{
  if (!watch)
    return;
  g_clear_handle_id (&watch->burst, g_source_remove);
  g_signal_handler_disconnect (watch->monitor, watch->handler);
  g_object_unref (watch->monitor);
  g_free (watch);
}

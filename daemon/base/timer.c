/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A timer of the main loop whose time can be moved.
 */
#include "base/timer.h"

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs funcs = { .dispatch = dispatch };

GSource *
fd_timer_new (const char *name, GSourceFunc callback, gpointer data)
{
  GSource *timer = g_source_new (&funcs, sizeof (GSource));

  g_source_set_name (timer, name);
  g_source_set_callback (timer, callback, data, NULL);
  g_source_attach (timer, NULL);
  return timer;
}

void
fd_timer_free (GSource *timer)
{
  if (!timer)
    return;
  g_source_destroy (timer);
  g_source_unref (timer);
}

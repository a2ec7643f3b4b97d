/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An sd-bus connection as a GSource: what to poll for and until when is asked
 * anew before every poll, since any message that we send or get changes it.
 */
#include "bus/source.h"

/* Messages per dispatch, so that a busy bus does not starve the other sources. */
#define MAX_PER_DISPATCH 32

typedef struct
{
  GSource source;
  sd_bus *sd;
  gpointer tag;
  GIOCondition events;
  FdSourceLost lost;
  gpointer data;
} BusSource;

/* sd_bus_get_timeout() is absolute, on the clock of g_get_monotonic_time(). */
static int
timeout_ms (sd_bus *sd)
{
  guint64 due, now;

  if (sd_bus_get_timeout (sd, &due) <= 0 || due == G_MAXUINT64)
    return -1;
  if (due == 0)
    return 0;

  now = (guint64) g_get_monotonic_time ();
  return due <= now ? 0 : (int) MIN ((due - now + 999) / 1000, (guint64) G_MAXINT);
}

static gboolean
prepare (GSource *source, int *ret_timeout)
{
  BusSource *self = (BusSource *) source;
  int events = sd_bus_get_events (self->sd);

  /* Not connected any more: dispatch finds out and tells. */
  if (events < 0)
    return TRUE;

  /* Modifying wakes the context up, so only when there is something new. */
  if (self->events != (GIOCondition) events)
    {
      self->events = (GIOCondition) events;
      g_source_modify_unix_fd (source, self->tag, self->events);
    }

  *ret_timeout = timeout_ms (self->sd);
  return *ret_timeout == 0;
}

static gboolean
check (GSource *source)
{
  BusSource *self = (BusSource *) source;

  return g_source_query_unix_fd (source, self->tag) != 0 || timeout_ms (self->sd) == 0;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  BusSource *self = (BusSource *) source;
  int r = 1;

  for (guint i = 0; r > 0 && i < MAX_PER_DISPATCH; i++)
    r = sd_bus_process (self->sd, NULL);

  if (r >= 0)
    return G_SOURCE_CONTINUE;

  g_debug ("Lost the connection to a bus: %s", g_strerror (-r));
  self->lost (self->data);
  return G_SOURCE_REMOVE;
}

static void
finalize (GSource *source)
{
  sd_bus_unref (((BusSource *) source)->sd);
}

static GSourceFuncs funcs = {
  .prepare = prepare,
  .check = check,
  .dispatch = dispatch,
  .finalize = finalize,
};

GSource *
fd_bus_source_new (sd_bus *sd, FdSourceLost lost, gpointer data)
{
  GSource *source = g_source_new (&funcs, sizeof (BusSource));
  BusSource *self = (BusSource *) source;

  g_source_set_name (source, "bus");
  self->sd = sd_bus_ref (sd);
  self->lost = lost;
  self->data = data;
  self->events = G_IO_IN;
  self->tag = g_source_add_unix_fd (source, sd_bus_get_fd (sd), self->events);
  g_source_attach (source, NULL);
  return source;
}

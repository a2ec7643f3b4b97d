/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One match on the system bus; nothing else is said there.
 */
#include "bus/sleep.h"

#include "bus/source.h"

struct FdSleep
{
  sd_bus *sd;
  GSource *source;
  void (*woke) (gpointer data);
  gpointer data;
};

static int
on_prepare_for_sleep (sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
  FdSleep *sleep = userdata;
  int begins;

  if (sd_bus_message_read_basic (message, 'b', &begins) >= 0 && !begins)
    sleep->woke (sleep->data);
  return 0;
}

static void
on_lost (gpointer data)
{
  g_message ("The system bus is gone: waking up will not be noticed");
}

FdSleep *
fd_sleep_new (void (*woke) (gpointer data), gpointer data)
{
  FdSleep *sleep = g_new0 (FdSleep, 1);
  int r = sd_bus_open_system (&sleep->sd);

  sleep->woke = woke;
  sleep->data = data;
  if (r >= 0)
    r = sd_bus_match_signal_async (sleep->sd, NULL, "org.freedesktop.login1", "/org/freedesktop/login1",
                                   "org.freedesktop.login1.Manager", "PrepareForSleep", on_prepare_for_sleep,
                                   NULL, sleep);
  if (r < 0)
    {
      g_debug ("No system bus that tells of sleep: %s", g_strerror (-r));
      fd_sleep_free (sleep);
      return NULL;
    }
  sleep->source = fd_bus_source_new (sleep->sd, on_lost, sleep);
  return sleep;
}

void
fd_sleep_free (FdSleep *sleep)
{
  if (!sleep)
    return;
  if (sleep->source)
    {
      g_source_destroy (sleep->source);
      g_source_unref (sleep->source);
    }
  sd_bus_close_unref (sleep->sd);
  g_free (sleep);
}

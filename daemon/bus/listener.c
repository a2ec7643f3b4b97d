/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who is told. On a session bus a signal goes to everybody. On the system bus that
 * would tell all users of each one's files, so there a signal is addressed: to
 * every connection that has called us and sees the object.
 */
#include "bus/object.h"

/* The bus has limits for connections, too. */
#define MAX_LISTENERS_PER_USER 128

static void
listener_free (gpointer data)
{
  FdListener *listener = data;

  sd_bus_track_unref (listener->track);
  g_free (listener->name);
  g_free (listener);
}

static FdListener *
add (FdBus *bus, const char *name, guint32 uid)
{
  FdListener *listener = g_new0 (FdListener, 1);

  listener->bus = bus;
  listener->name = g_strdup (name);
  listener->uid = uid;
  listener->progress = -1;
  g_ptr_array_add (bus->listeners, listener);
  return listener;
}

/* As in bind.c: the track is alive while it calls this, and 0 would have it call again. */
static int
on_left (sd_bus_track *track, void *data)
{
  FdListener *listener = data;

  g_ptr_array_remove (listener->bus->listeners, listener);
  return 1;
}

static gboolean
has_room (FdBus *bus, guint32 uid)
{
  guint n = 0;

  for (guint i = 0; i < bus->listeners->len; i++)
    n += ((FdListener *) bus->listeners->pdata[i])->uid == uid;
  return n < MAX_LISTENERS_PER_USER;
}

static void
note_sender (FdBus *bus, sd_bus_message *message, guint32 uid)
{
  const char *name = sd_bus_message_get_sender (message);
  FdListener *listener;
  int r;

  for (guint i = 0; i < bus->listeners->len; i++)
    if (g_str_equal (((FdListener *) bus->listeners->pdata[i])->name, name))
      return;
  if (!has_room (bus, uid))
    {
      g_debug ("%s is not told of changes: uid %u has too many connections", name, uid);
      return;
    }
  listener = add (bus, name, uid);
  fd_listener_note_numbers (listener);
  r = sd_bus_track_new (bus->sd, &listener->track, on_left, listener);
  if (r >= 0)
    r = sd_bus_track_add_sender (listener->track, message);
  if (r < 0)
    {
      g_debug ("%s is not told of changes: %s", name, g_strerror (-r));
      g_ptr_array_remove (bus->listeners, listener);
    }
}

/* Before anything is looked up for the call: nothing that changes after the reply is missed. */
static int
on_message (sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
  FdBus *bus = userdata;
  guint32 uid;

  if (!sd_bus_message_is_method_call (message, NULL, NULL))
    return 0;
  uid = fd_callers_lookup (bus->callers, message)->uid;
  if (uid == FD_OWNER_NOBODY)
    {
      sd_bus_reply_method_errorf (message, SD_BUS_ERROR_ACCESS_DENIED,
                                  "The bus does not say which user calls");
      return 1; /* also if no reply is wanted */
    }
  note_sender (bus, message, uid);
  return 0;
}

int
fd_listeners_init (FdBus *bus)
{
  bus->listeners = g_ptr_array_new_with_free_func (listener_free);
  if (bus->shared)
    return sd_bus_add_filter (bus->sd, NULL, on_message, bus);
  add (bus, NULL, FD_OWNER_ANYBODY);
  return 0;
}

guint32
fd_bus_get_viewer (FdBus *bus)
{
  sd_bus_message *message;

  if (!bus->shared)
    return FD_OWNER_ANYBODY;
  if (bus->telling)
    return bus->telling->uid;
  message = sd_bus_get_current_message (bus->sd);
  return message ? fd_callers_lookup (bus->callers, message)->uid : FD_OWNER_NOBODY;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The signals: made anew for each listener, since what the manager's numbers say
 * depends on who reads them.
 */
#include "bus/object.h"

#include <errno.h>

typedef int (*Fill) (sd_bus_message *signal, FdObject *object, gconstpointer data);

/* What sd-bus adds to each object; clients take an object for gone when all of its interfaces are. */
static const char *const standard_interfaces[] = {
  "org.freedesktop.DBus.Peer",
  "org.freedesktop.DBus.Introspectable",
  "org.freedesktop.DBus.Properties",
};

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* The end of the connection is told once, by the source. */
static void
check_sent (int r, const FdObject *object, const char *what)
{
  if (r < 0 && r != -ENOTCONN)
    g_warning ("%s: cannot send %s: %s", object->path, what, g_strerror (-r));
}

static int
send_signal (FdObject *object, const FdListener *listener, sd_bus_message *signal, Fill fill,
             gconstpointer data)
{
  FdBus *bus = object->bus;
  int r;

  bus->telling = listener;
  r = fill (signal, object, data);
  bus->telling = NULL;
  if (r >= 0 && listener->name)
    r = sd_bus_message_set_destination (signal, listener->name);
  return r < 0 ? r : sd_bus_send (bus->sd, signal, NULL);
}

static void
tell (FdObject *object, const FdListener *listener, const char *path, const char *interface,
      const char *member, Fill fill, gconstpointer data)
{
  g_autoptr (sd_bus_message) signal = NULL;
  int r = sd_bus_message_new_signal (object->bus->sd, &signal, path, interface, member);

  if (r >= 0)
    r = send_signal (object, listener, signal, fill, data);
  check_sent (r, object, member);
}

static void
tell_all (FdObject *object, const char *path, const char *interface, const char *member, Fill fill,
          gconstpointer data)
{
  const GPtrArray *listeners = object->bus->listeners;

  for (guint i = 0; i < listeners->len; i++)
    if (fd_object_is_seen (object, ((FdListener *) listeners->pdata[i])->uid))
      tell (object, listeners->pdata[i], path, interface, member, fill, data);
}

/* --- properties --- */

static int
append_property (sd_bus_message *message, FdObject *object, const sd_bus_vtable *row)
{
  const char *name = row->x.property.member;
  int r = sd_bus_message_open_container (message, 'e', "sv");

  if (r >= 0)
    r = sd_bus_message_append (message, "s", name);
  if (r >= 0)
    r = sd_bus_message_open_container (message, 'v', row->x.property.signature);
  if (r >= 0)
    r = row->x.property.get (object->bus->sd, object->path, object->interface, name, message, object, NULL);
  if (r >= 0)
    r = sd_bus_message_close_container (message);
  return r < 0 ? r : sd_bus_message_close_container (message);
}

/* An a{sv} of those in @names, or of all. */
static int
append_properties (sd_bus_message *message, FdObject *object, const char *const *names)
{
  int r = sd_bus_message_open_container (message, 'a', "{sv}");

  for (const sd_bus_vtable *row = object->vtable; r >= 0 && row->type != _SD_BUS_VTABLE_END; row++)
    if ((row->type == _SD_BUS_VTABLE_PROPERTY || row->type == _SD_BUS_VTABLE_WRITABLE_PROPERTY)
        && (!names || g_strv_contains (names, row->x.property.member)))
      r = append_property (message, object, row);
  return r < 0 ? r : sd_bus_message_close_container (message);
}

static int
fill_changed (sd_bus_message *signal, FdObject *object, gconstpointer data)
{
  int r = sd_bus_message_append (signal, "s", object->interface);

  if (r >= 0)
    r = append_properties (signal, object, data);
  return r < 0 ? r : sd_bus_message_append (signal, "as", 0);
}

#define CHANGED "org.freedesktop.DBus.Properties", "PropertiesChanged", fill_changed

void
fd_bus_emit_changed (FdBus *bus, gconstpointer model, const char *const *properties)
{
  FdObject *object = g_hash_table_lookup (bus->objects, model);

  if (object && properties[0])
    tell_all (object, object->path, CHANGED, properties);
}

void
fd_bus_tell_changed (FdBus *bus, gconstpointer model, const FdListener *listener,
                     const char *const *properties)
{
  FdObject *object = g_hash_table_lookup (bus->objects, model);

  if (object && properties[0])
    tell (object, listener, object->path, CHANGED, properties);
}

/* --- objects --- */

static int
append_interface (sd_bus_message *signal, const char *interface, FdObject *object)
{
  int r = sd_bus_message_open_container (signal, 'e', "sa{sv}");

  if (r >= 0)
    r = sd_bus_message_append (signal, "s", interface);
  if (r >= 0)
    r = object ? append_properties (signal, object, NULL) : sd_bus_message_append (signal, "a{sv}", 0);
  return r < 0 ? r : sd_bus_message_close_container (signal);
}

static int
fill_added (sd_bus_message *signal, FdObject *object, gconstpointer data)
{
  int r = sd_bus_message_append (signal, "o", object->path);

  if (r >= 0)
    r = sd_bus_message_open_container (signal, 'a', "{sa{sv}}");
  for (guint i = 0; r >= 0 && i < G_N_ELEMENTS (standard_interfaces); i++)
    r = append_interface (signal, standard_interfaces[i], NULL);
  if (r >= 0)
    r = append_interface (signal, object->interface, object);
  return r < 0 ? r : sd_bus_message_close_container (signal);
}

void
fd_bus_emit_added (FdObject *object)
{
  tell_all (object, FD_BUS_PATH, OBJECT_MANAGER, "InterfacesAdded", fill_added, NULL);
}

static int
fill_removed (sd_bus_message *signal, FdObject *object, gconstpointer data)
{
  int r = sd_bus_message_append (signal, "o", object->path);

  if (r >= 0)
    r = sd_bus_message_open_container (signal, 'a', "s");
  for (guint i = 0; r >= 0 && i < G_N_ELEMENTS (standard_interfaces); i++)
    r = sd_bus_message_append (signal, "s", standard_interfaces[i]);
  if (r >= 0)
    r = sd_bus_message_append (signal, "s", object->interface);
  return r < 0 ? r : sd_bus_message_close_container (signal);
}

void
fd_bus_emit_removed (FdObject *object)
{
  tell_all (object, FD_BUS_PATH, OBJECT_MANAGER, "InterfacesRemoved", fill_removed, NULL);
}

/* --- the others --- */

static int
fill_finished (sd_bus_message *signal, FdObject *object, gconstpointer data)
{
  const FdTransferInfo *info = fd_transfer_get_info (object->transfer);

  return sd_bus_message_append (signal, "sss", fd_transfer_state_name (info->state), info->error,
                                info->error_message);
}

void
fd_bus_emit_finished (FdBus *bus, FdTransfer *transfer)
{
  FdObject *object = g_hash_table_lookup (bus->objects, transfer);

  if (object)
    tell_all (object, object->path, object->interface, "Finished", fill_finished, NULL);
}

static int
fill_nothing (sd_bus_message *signal, FdObject *object, gconstpointer data)
{
  return 0;
}

void
fd_bus_emit_contacts_changed (FdObject *object)
{
  tell_all (object, object->path, object->interface, "ContactsChanged", fill_nothing, NULL);
}

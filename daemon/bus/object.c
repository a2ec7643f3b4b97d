/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The coming and going of exported objects, and their signals.
 */
#include "bus/object.h"

#include "base/timer.h"

#include <errno.h>

char *
fd_bus_account_path (const char *id)
{
  return g_strconcat (FD_BUS_PATH "/account/", id, NULL);
}

char *
fd_bus_transfer_path (guint32 id)
{
  return g_strdup_printf (FD_BUS_PATH "/transfer/%u", id);
}

void
fd_object_free (FdObject *object)
{
  sd_bus_slot_unref (object->slot);
  fd_timer_free (object->contacts_timer);
  g_free (object->path);
  g_free (object);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FdObject, fd_object_free)

/* Takes @path. @key is the model's object. */
static int export(FdBus *bus, gconstpointer key, char *path, const char *interface,
                  const sd_bus_vtable *vtable, const FdObject *models)
{
  g_autoptr (FdObject) object = g_memdup2 (models, sizeof *models);
  int r;

  object->bus = bus;
  object->path = path;
  object->interface = interface;
  r = sd_bus_add_object_vtable (bus->sd, &object->slot, path, interface, vtable, object);
  if (r < 0)
    return r;
  g_hash_table_insert (bus->objects, (gpointer) key, g_steal_pointer (&object));
  return sd_bus_emit_object_added (bus->sd, path);
}

gboolean
fd_bus_export_manager (FdBus *bus, GError **error)
{
  const FdObject models = { 0 };
  int r = sd_bus_add_object_manager (bus->sd, NULL, FD_BUS_PATH);

  if (r >= 0)
    r = export(bus, bus->manager, g_strdup (FD_BUS_PATH), FD_BUS_MANAGER, fd_bus_manager_vtable, &models);
  return fd_sd_check (r, error);
}

void
fd_bus_export_account (FdBus *bus, FdAccount *account)
{
  const FdObject models = { .account = account };
  const char *id = fd_account_get_id (account);
  int r = export(bus, account, fd_bus_account_path (id), FD_BUS_ACCOUNT, fd_bus_account_vtable, &models);

  if (r < 0)
    g_warning ("Account %s does not show on the bus: %s", id, g_strerror (-r));
}

void
fd_bus_export_transfer (FdBus *bus, FdTransfer *transfer)
{
  const FdObject models = { .transfer = transfer };
  guint32 id = fd_transfer_get_info (transfer)->id;
  int r = export(bus, transfer, fd_bus_transfer_path (id), FD_BUS_TRANSFER, fd_bus_transfer_vtable, &models);

  if (r < 0)
    g_warning ("Transfer %u does not show on the bus: %s", id, g_strerror (-r));
}

void
fd_bus_unexport (FdBus *bus, gconstpointer model)
{
  FdObject *object = g_hash_table_lookup (bus->objects, model);

  if (!object)
    return;
  sd_bus_emit_object_removed (bus->sd, object->path);
  g_hash_table_remove (bus->objects, model);
}

/* The end of the connection is told once, by the source. */
static void
check_sent (int r, const FdObject *object, const char *what)
{
  if (r < 0 && r != -ENOTCONN)
    g_warning ("%s: cannot send %s: %s", object->path, what, g_strerror (-r));
}

void
fd_bus_emit_changed (FdBus *bus, gconstpointer model, const char *const *properties)
{
  FdObject *object = g_hash_table_lookup (bus->objects, model);

  if (object && properties[0])
    check_sent (
      sd_bus_emit_properties_changed_strv (bus->sd, object->path, object->interface, (char **) properties),
      object, "PropertiesChanged");
}

void
fd_bus_emit_finished (FdBus *bus, FdTransfer *transfer)
{
  FdObject *object = g_hash_table_lookup (bus->objects, transfer);
  const FdTransferInfo *info = fd_transfer_get_info (transfer);

  if (object)
    check_sent (sd_bus_emit_signal (bus->sd, object->path, object->interface, "Finished", "sss",
                                    fd_transfer_state_name (info->state), info->error, info->error_message),
                object, "Finished");
}

void
fd_bus_emit_contacts_changed (FdObject *object)
{
  check_sent (sd_bus_emit_signal (object->bus->sd, object->path, object->interface, "ContactsChanged", NULL),
              object, "ContactsChanged");
}

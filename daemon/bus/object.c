/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The coming and going of exported objects, and who finds them: for sd-bus there
 * are only those that the caller sees, so no call can tell what others have.
 */
#include "bus/object.h"

#include "base/timer.h"

#include <errno.h>

#define ACCOUNTS FD_BUS_PATH "/account"
#define TRANSFERS FD_BUS_PATH "/transfer"

char *
fd_bus_account_path (const char *id)
{
  return g_strconcat (ACCOUNTS "/", id, NULL);
}

char *
fd_bus_transfer_path (guint32 id)
{
  return g_strdup_printf (TRANSFERS "/%u", id);
}

void
fd_object_free (FdObject *object)
{
  fd_timer_free (object->contacts_timer);
  g_free (object->path);
  g_free (object);
}

gboolean
fd_object_is_seen (const FdObject *object, guint32 viewer)
{
  if (object->account)
    return fd_owner_is_seen (fd_account_get_config (object->account)->owner, viewer);
  return !object->transfer || fd_owner_is_seen (fd_transfer_get_info (object->transfer)->owner, viewer);
}

/* --- what callers find --- */

static int
find_object (sd_bus *sd, const char *path, const char *interface, void *userdata, void **ret_found,
             sd_bus_error *ret_error)
{
  FdBus *bus = userdata;
  FdObject *object = g_hash_table_lookup (bus->paths, path);

  if (!object || !g_str_equal (object->interface, interface)
      || !fd_object_is_seen (object, fd_bus_get_viewer (bus)))
    return 0;
  *ret_found = object;
  return 1;
}

/* sd-bus takes the list and free()s it, as g_free() does. */
static int
list_objects (FdBus *bus, const char *interface, char ***ret_nodes)
{
  g_autoptr (GStrvBuilder) nodes = g_strv_builder_new ();
  guint32 viewer = fd_bus_get_viewer (bus);
  GHashTableIter iter;
  gpointer object;

  g_hash_table_iter_init (&iter, bus->paths);
  while (g_hash_table_iter_next (&iter, NULL, &object))
    if (g_str_equal (((FdObject *) object)->interface, interface) && fd_object_is_seen (object, viewer))
      g_strv_builder_add (nodes, ((FdObject *) object)->path);
  *ret_nodes = g_strv_builder_end (nodes);
  return 1;
}

static int
list_accounts (sd_bus *sd, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *ret_error)
{
  return list_objects (userdata, FD_BUS_ACCOUNT, ret_nodes);
}

static int
list_transfers (sd_bus *sd, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *ret_error)
{
  return list_objects (userdata, FD_BUS_TRANSFER, ret_nodes);
}

static int
export_folder (FdBus *bus, const char *folder, const char *interface, const sd_bus_vtable *vtable,
               sd_bus_node_enumerator_t list)
{
  int r = sd_bus_add_fallback_vtable (bus->sd, NULL, folder, interface, vtable, find_object, bus);

  return r < 0 ? r : sd_bus_add_node_enumerator (bus->sd, NULL, folder, list, bus);
}

/* --- coming and going --- */

/* Takes @path. @key is the model's object. */
static FdObject *
add_object (FdBus *bus, gconstpointer key, char *path, const char *interface, const sd_bus_vtable *vtable)
{
  FdObject *object = g_new0 (FdObject, 1);

  object->bus = bus;
  object->path = path;
  object->interface = interface;
  object->vtable = vtable;
  g_hash_table_insert (bus->objects, (gpointer) key, object);
  g_hash_table_insert (bus->paths, path, object);
  return object;
}

gboolean
fd_bus_export_manager (FdBus *bus, GError **error)
{
  FdObject *object
    = add_object (bus, bus->manager, g_strdup (FD_BUS_PATH), FD_BUS_MANAGER, fd_bus_manager_vtable);
  int r = sd_bus_add_object_manager (bus->sd, NULL, FD_BUS_PATH);

  if (r >= 0)
    r = sd_bus_add_object_vtable (bus->sd, NULL, FD_BUS_PATH, FD_BUS_MANAGER, fd_bus_manager_vtable, object);
  if (r >= 0)
    r = export_folder (bus, ACCOUNTS, FD_BUS_ACCOUNT, fd_bus_account_vtable, list_accounts);
  if (r >= 0)
    r = export_folder (bus, TRANSFERS, FD_BUS_TRANSFER, fd_bus_transfer_vtable, list_transfers);
  return fd_sd_check (r, error);
}

void
fd_bus_export_account (FdBus *bus, FdAccount *account)
{
  FdObject *object = add_object (bus, account, fd_bus_account_path (fd_account_get_id (account)),
                                 FD_BUS_ACCOUNT, fd_bus_account_vtable);

  object->account = account;
  fd_bus_emit_added (object);
}

void
fd_bus_export_transfer (FdBus *bus, FdTransfer *transfer)
{
  FdObject *object = add_object (bus, transfer, fd_bus_transfer_path (fd_transfer_get_info (transfer)->id),
                                 FD_BUS_TRANSFER, fd_bus_transfer_vtable);

  object->transfer = transfer;
  fd_bus_emit_added (object);
}

void
fd_bus_unexport (FdBus *bus, gconstpointer model)
{
  FdObject *object = g_hash_table_lookup (bus->objects, model);

  if (!object)
    return;
  fd_bus_emit_removed (object);
  g_hash_table_remove (bus->paths, object->path);
  g_hash_table_remove (bus->objects, model);
}

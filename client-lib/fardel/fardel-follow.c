/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who owns the name of the daemon, and what is asked of a new owner. So the
 * client is made, and so it survives the daemon.
 */
#include "fardel-client-private.h"

gpointer
fardel_client_weak_new (FardelClient *self)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  return weak;
}

void
fardel_client_weak_free (gpointer weak)
{
  g_weak_ref_clear (weak);
  g_free (weak);
}

static void
finish_init (FardelClient *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->init);

  if (!task)
    return;
  g_source_destroy (g_task_get_task_data (task));
  g_task_return_boolean (task, TRUE);
}

static void
manager_loaded (GObject *source, GAsyncResult *result, gpointer weak)
{
  g_autoptr (FardelClient) self = g_weak_ref_get (weak);
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);

  if (self && reply)
    fardel_client_take_values (self, reply);
  fardel_client_weak_free (weak);
}

static void
objects_loaded (GObject *source, GAsyncResult *result, gpointer weak)
{
  g_autoptr (FardelClient) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  fardel_client_weak_free (weak);
  if (!self || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* there is another owner now, or none */
  if (reply)
    fardel_client_take_objects (self, reply);
  else
    g_debug ("The daemon does not tell what it has: %s", error->message);
  finish_init (self);
}

static void
follow_owner (FardelClient *self, const char *owner)
{
  g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  if (self->signals_id)
    g_dbus_connection_signal_unsubscribe (self->bus, self->signals_id);
  self->signals_id = 0;
  g_free (self->owner);
  self->owner = g_strdup (owner);
  g_mutex_lock (&self->lock);
  self->owners++;
  g_mutex_unlock (&self->lock);
  fardel_client_set_running (self, FALSE);
  fardel_client_take_values (self, NULL);
  if (!owner)
    return;
  /* By its unique name, so that nothing of an earlier owner is mixed in. */
  self->loading = g_cancellable_new ();
  self->signals_id = g_dbus_connection_signal_subscribe (
    self->bus, owner, NULL, NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, fardel_client_on_signal,
    fardel_client_weak_new (self), fardel_client_weak_free);
}

#define GET_ALL \
  FARDEL_PATH, FARDEL_PROPERTIES, "GetAll", g_variant_new ("(s)", FARDEL_MANAGER), G_VARIANT_TYPE ("(a{sv})")
#define GET_OBJECTS \
  FARDEL_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, \
    G_VARIANT_TYPE ("(a{oa{sa{sv}}})")

/* The answers come before or after signals in the order in which they were true. */
static void
set_owner (FardelClient *self, const char *owner)
{
  if (owner && !*owner)
    owner = NULL;
  if (g_strcmp0 (self->owner, owner) == 0)
    return;
  follow_owner (self, owner);
  if (!owner)
    return;
  g_dbus_connection_call (self->bus, owner, GET_ALL, G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, self->loading,
                          manager_loaded, fardel_client_weak_new (self));
  g_dbus_connection_call (self->bus, owner, GET_OBJECTS, G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT,
                          self->loading, objects_loaded, fardel_client_weak_new (self));
}

static void
on_name_owner_changed (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                       const char *name, GVariant *parameters, gpointer weak)
{
  g_autoptr (FardelClient) self = g_weak_ref_get (weak);
  const char *owner;

  if (!self || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sss)")))
    return;
  g_variant_get (parameters, "(&s&s&s)", NULL, NULL, &owner);
  set_owner (self, owner);
  if (!*owner)
    finish_init (self);
}

#define BUS "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"
#define START BUS, "StartServiceByName", g_variant_new ("(su)", FARDEL_NAME, 0), NULL
#define GET_OWNER BUS, "GetNameOwner", g_variant_new ("(s)", FARDEL_NAME), G_VARIANT_TYPE ("(s)")

static void
follow_name (FardelClient *self)
{
  self->name_id = g_dbus_connection_signal_subscribe (
    self->bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus",
    FARDEL_NAME, G_DBUS_SIGNAL_FLAGS_NONE, on_name_owner_changed, fardel_client_weak_new (self),
    fardel_client_weak_free);
}

static void
got_owner (GObject *source, GAsyncResult *result, gpointer weak)
{
  g_autoptr (FardelClient) self = g_weak_ref_get (weak);
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  const char *owner = "";

  fardel_client_weak_free (weak);
  if (!self)
    return;
  if (reply)
    g_variant_get (reply, "(&s)", &owner);
  if (*owner)
    set_owner (self, owner);
  else
    finish_init (self);
}

static void
started (GObject *source, GAsyncResult *result, gpointer weak)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  /* No failure of ours: the client waits until somebody else starts it. */
  if (error)
    g_debug ("The daemon does not start: %s", error->message);
  g_dbus_connection_call (G_DBUS_CONNECTION (source), GET_OWNER, G_DBUS_CALL_FLAGS_NONE, -1, NULL, got_owner,
                          weak);
}

static void
begin (FardelClient *self)
{
  follow_name (self);
  if (self->autostart)
    g_dbus_connection_call (self->bus, START, G_DBUS_CALL_FLAGS_NONE, -1, NULL, started,
                            fardel_client_weak_new (self));
  else
    g_dbus_connection_call (self->bus, GET_OWNER, G_DBUS_CALL_FLAGS_NONE, -1, NULL, got_owner,
                            fardel_client_weak_new (self));
}

static void
got_bus (GObject *source, GAsyncResult *result, gpointer weak)
{
  g_autoptr (FardelClient) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, &error);

  fardel_client_weak_free (weak);
  if (!self || !self->init)
    return;
  if (bus)
    {
      self->bus = g_steal_pointer (&bus);
      begin (self);
    }
  else
    {
      g_autoptr (GTask) task = g_steal_pointer (&self->init);

      g_source_destroy (g_task_get_task_data (task));
      g_task_return_error (task, g_steal_pointer (&error));
    }
}

static gboolean
on_init_cancelled (GCancellable *cancellable, gpointer data)
{
  FardelClient *self = g_task_get_source_object (data);
  g_autoptr (GTask) task = g_steal_pointer (&self->init);

  if (task)
    g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

static void
fardel_client_init_async (GAsyncInitable *initable, int priority, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  FardelClient *self = FARDEL_CLIENT (initable);
  g_autoptr (GSource) cancel = g_cancellable_source_new (cancellable);

  g_return_if_fail (!self->init && !self->name_id);
  self->init = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (self->init, FARDEL_TAG (fardel_client_init_async));
  g_task_attach_source (self->init, cancel, (GSourceFunc) (GCallback) on_init_cancelled);
  g_task_set_task_data (self->init, g_steal_pointer (&cancel), (GDestroyNotify) g_source_unref);
  if (self->bus)
    begin (self);
  else
    g_bus_get (G_BUS_TYPE_SESSION, NULL, got_bus, fardel_client_weak_new (self));
}

static gboolean
fardel_client_init_finish (GAsyncInitable *initable, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, initable), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
fardel_client_init_sync (GInitable *initable, GCancellable *cancellable, GError **error)
{
  FardelClient *self = FARDEL_CLIENT (initable);
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) manager = NULL;
  g_autoptr (GVariant) objects = NULL;
  const char *owner;

  g_return_val_if_fail (!self->init && !self->name_id, FALSE);
  if (!self->bus)
    self->bus = g_bus_get_sync (G_BUS_TYPE_SESSION, cancellable, error);
  if (!self->bus)
    return FALSE;
  follow_name (self);
  if (self->autostart)
    start = fardel_call_wait (self->bus, START, G_DBUS_CALL_FLAGS_NONE, -1, NULL, cancellable, NULL);
  reply = fardel_call_wait (self->bus, GET_OWNER, G_DBUS_CALL_FLAGS_NONE, -1, NULL, cancellable, NULL);
  if (reply)
    {
      g_variant_get (reply, "(&s)", &owner);
      follow_owner (self, owner);
      manager = fardel_call_wait (self->bus, owner, GET_ALL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL,
                                  cancellable, NULL);
      objects = fardel_call_wait (self->bus, owner, GET_OBJECTS, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL,
                                  cancellable, NULL);
    }
  if (manager)
    fardel_client_take_values (self, manager);
  if (objects)
    fardel_client_take_objects (self, objects);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

void
fardel_client_initable_init (GInitableIface *interface)
{
  interface->init = fardel_client_init_sync;
}

void
fardel_client_async_initable_init (GAsyncInitableIface *interface)
{
  interface->init_async = fardel_client_init_async;
  interface->init_finish = fardel_client_init_finish;
}

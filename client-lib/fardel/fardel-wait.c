/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for the end of a transfer, in the client's context or in no context
 * of the caller's at all. While the daemon is away both wait for it to be back.
 */
#include "fardel-private.h"

typedef struct
{
  FardelClient *client; /* so that the transfer changes */
  gulong handler;
  GSource *cancel;
} Wait;

static void
wait_free (gpointer data)
{
  Wait *wait = data;

  g_object_unref (wait->client);
  g_clear_pointer (&wait->cancel, g_source_unref);
  g_free (wait);
}

/* The end of a transfer as the result of a function; NULL if it is done. Takes @error. */
static GError *
end_error (FardelState state, GError *error)
{
  if (state == FARDEL_STATE_DONE)
    g_clear_error (&error);
  else if (!error)
    error = g_error_new_literal (FARDEL_ERROR, FARDEL_ERROR_CANCELLED, "The transfer ended");
  return error;
}

static GError *
known_end_error (FardelTransfer *self)
{
  const GError *error = fardel_transfer_get_error (self);

  return end_error (fardel_transfer_get_state (self), error ? g_error_copy (error) : NULL);
}

static void
return_end (GTask *task)
{
  GError *error = known_end_error (g_task_get_source_object (task));

  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* Either way only once; afterwards nobody but the caller refers to the task. */
static void
stop_waiting (GTask *task)
{
  Wait *wait = g_task_get_task_data (task);

  if (wait->cancel)
    g_source_destroy (wait->cancel);
  g_signal_handler_disconnect (g_task_get_source_object (task), wait->handler);
}

static void
on_finished (FardelTransfer *self, GParamSpec *pspec, gpointer data)
{
  g_autoptr (GTask) task = g_object_ref (data);

  stop_waiting (task);
  return_end (task);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  g_autoptr (GTask) task = g_object_ref (data);

  stop_waiting (task);
  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

/**
 * fardel_transfer_wait_async:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable; cancelling it ends the waiting, not the transfer
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Waits for the end of the transfer. If it has ended, the answer comes at once.
 *
 * If the daemon goes away meanwhile, the wait goes on when it is back.
 *
 * Since: 0.1
 */
void
fardel_transfer_wait_async (FardelTransfer *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (FardelClient) client = NULL;
  g_autoptr (GError) error = NULL;
  Wait *wait;

  g_return_if_fail (FARDEL_IS_TRANSFER (self));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, FARDEL_TAG (fardel_transfer_wait_async));
  if (g_task_return_error_if_cancelled (task))
    return;
  if (fardel_transfer_get_state (self) >= FARDEL_STATE_DONE)
    {
      return_end (task);
      return;
    }
  client = fardel_transfer_ref_client (self, &error);
  if (!client)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  wait = g_new0 (Wait, 1);
  wait->client = g_steal_pointer (&client);
  g_task_set_task_data (task, wait, wait_free);
  wait->handler = g_signal_connect_data (self, "notify::finished", G_CALLBACK (on_finished),
                                         g_object_ref (task), (GClosureNotify) (GCallback) g_object_unref, 0);
  if (cancellable)
    {
      wait->cancel = g_cancellable_source_new (cancellable);
      g_task_attach_source (task, wait->cancel, (GSourceFunc) (GCallback) on_cancelled);
    }
}

/**
 * fardel_transfer_wait_finish:
 * @self: a transfer
 * @result: the result
 * @error: return location for an error
 *
 * Finishes [method@Transfer.wait_async].
 *
 * Returns: %TRUE if the transfer is done; otherwise @error is why it ended, or that the wait was cancelled
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_wait_finish (FardelTransfer *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, FARDEL_TAG (fardel_transfer_wait_async)), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Something happened that may be the end: ask. */
static void
on_signal (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
           const char *name, GVariant *parameters, gpointer data)
{
  gboolean *news = data;
  g_autoptr (GVariant) changed = NULL;

  if (!g_str_equal (name, "PropertiesChanged"))
    *news = TRUE;
  else if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    {
      /* Progress is none. */
      changed = g_variant_get_child_value (parameters, 1);
      *news |= g_variant_lookup (changed, "State", "&s", NULL);
    }
}

/* Subscriptions of a context that nobody else runs. */
typedef struct
{
  GMainContext *context;
  GDBusConnection *bus;
  guint ids[3];
  GCancellable *cancellable;
  gulong handler;
  gboolean news;
} Watch;

static void
watch_start (Watch *watch, const FardelCall *call, GCancellable *cancellable)
{
  const struct
  {
    const char *sender, *interface, *member, *path, *arg0;
  } matches[G_N_ELEMENTS (watch->ids)] = {
    /* Whoever sends it, the daemon is asked. */
    { NULL, FARDEL_PROPERTIES, "PropertiesChanged", call->path, FARDEL_TRANSFER_INTERFACE },
    { NULL, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", FARDEL_PATH, NULL },
    { "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus",
      FARDEL_NAME },
  };

  watch->context = g_main_context_new ();
  watch->bus = call->bus;
  g_main_context_push_thread_default (watch->context);
  for (guint i = 0; i < G_N_ELEMENTS (watch->ids); i++)
    watch->ids[i] = g_dbus_connection_signal_subscribe (
      call->bus, matches[i].sender, matches[i].interface, matches[i].member, matches[i].path, matches[i].arg0,
      G_DBUS_SIGNAL_FLAGS_NONE, on_signal, &watch->news, NULL);
  watch->cancellable = cancellable;
  watch->handler = fardel_cancellable_wake (cancellable, watch->context);
}

static void
watch_stop (Watch *watch)
{
  for (guint i = 0; i < G_N_ELEMENTS (watch->ids); i++)
    g_dbus_connection_signal_unsubscribe (watch->bus, watch->ids[i]);
  g_cancellable_disconnect (watch->cancellable, watch->handler);
  g_main_context_pop_thread_default (watch->context);
  /* What was on its way to us goes too. */
  while (g_main_context_iteration (watch->context, FALSE))
    ;
  g_main_context_unref (watch->context);
}

static gboolean
means_away (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY);
}

static FardelState
state_of (GVariant *properties)
{
  const char *state = "";

  g_variant_lookup (properties, "State", "&s", &state);
  return fardel_enum_from_nick (FARDEL_TYPE_STATE, state);
}

static GError *
error_of (GVariant *properties)
{
  const char *name = "";
  const char *message = "";

  g_variant_lookup (properties, "Error", "&s", &name);
  g_variant_lookup (properties, "ErrorMessage", "&s", &message);
  return fardel_error_new (name, message);
}

/* The properties once the transfer has ended, else NULL; an @error ends the waiting. */
static GVariant *
ask (const FardelCall *call, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) reply
    = fardel_call_wait (call->bus, FARDEL_NAME, call->path, FARDEL_PROPERTIES, "GetAll",
                        g_variant_new ("(s)", FARDEL_TRANSFER_INTERFACE), G_VARIANT_TYPE ("(a{sv})"),
                        G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL, cancellable, &failure);
  g_autoptr (GVariant) properties = NULL;

  if (!reply)
    {
      g_dbus_error_strip_remote_error (failure);
      if (!means_away (failure))
        g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  properties = g_variant_get_child_value (reply, 0);
  return state_of (properties) >= FARDEL_STATE_DONE ? g_steal_pointer (&properties) : NULL;
}

static GVariant *
wait_for_end (FardelTransfer *self, GCancellable *cancellable, GError **error)
{
  const FardelCall call = fardel_transfer_call (self, NULL, NULL);
  g_autoptr (GError) failure = NULL;
  GVariant *end;
  Watch watch = { 0 };

  watch_start (&watch, &call, cancellable);
  while (!(end = ask (&call, cancellable, &failure)) && !failure)
    {
      while (!watch.news && !g_cancellable_is_cancelled (cancellable))
        g_main_context_iteration (watch.context, TRUE);
      watch.news = FALSE;
    }
  watch_stop (&watch);
  if (failure)
    g_propagate_error (error, g_steal_pointer (&failure));
  return end;
}

/**
 * fardel_transfer_wait_sync:
 * @self: a transfer
 * @cancellable: (nullable): a cancellable; cancelling it ends the waiting, not the transfer
 * @error: return location for an error
 *
 * Does [method@Transfer.wait_async] and waits for the end. Not for the thread of a user interface.
 *
 * Returns: %TRUE if the transfer is done; otherwise @error is why it ended, or that the wait was cancelled
 *
 * Since: 0.1
 */
gboolean
fardel_transfer_wait_sync (FardelTransfer *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (FardelClient) client = NULL;
  g_autoptr (GVariant) end = NULL;
  g_autoptr (GError) failure = NULL;

  g_return_val_if_fail (FARDEL_IS_TRANSFER (self), FALSE);
  if (fardel_transfer_get_state (self) >= FARDEL_STATE_DONE)
    failure = known_end_error (self);
  else if ((client = fardel_transfer_ref_client (self, &failure)))
    {
      end = wait_for_end (self, cancellable, &failure);
      if (end)
        {
          /* The object knows it too, in time. */
          fardel_client_invoke (client, G_OBJECT (self), end);
          failure = end_error (state_of (end), error_of (end));
        }
    }
  if (!failure)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

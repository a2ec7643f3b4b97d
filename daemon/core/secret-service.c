/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The user's keyring by libsecret. Every call has a proxy of its own, which goes
 * with it: between calls there is no connection, so nothing wakes us up.
 */
#include "core/secret-service.h"

#include "base/error.h"

#include <libsecret/secret.h>

#define NAME "org.freedesktop.secrets"
#define PATH "/org/freedesktop/secrets"
#define PROMPT "org.freedesktop.Secret.Prompt"
/* What a login with another source of passwords may lose to a service that hangs. */
#define QUICK_SECONDS 2
/* A service tells one change with several signals. */
#define SETTLE_MS 250

struct FdServiceCall
{
  void (*begin) (FdServiceCall *call); /* when the service is there */
  FdServiceDone done; /* NULL: cancelled, nobody is interested any more */
  gpointer data;
  FdSecretManners manners;
  char *jid;
  char *account;
  SecretValue *value; /* to be stored */
  GDBusConnection *bus;
  SecretService *service;
  SecretItem *item;
  gboolean unlocked; /* it, or tried to: not again */
  GCancellable *cancellable;
  guint timer;
};

struct FdServiceWatch
{
  FdServiceNews news;
  gpointer data;
  GCancellable *cancellable;
  GDBusConnection *bus;
  guint owners; /* what is subscribed to */
  guint signals;
  FdSecretManners manners; /* of the lookup to suggest */
  guint timer;
};

static const SecretSchema schema = {
  .name = "org.fardel.Account",
  .attributes = { { "jid", SECRET_SCHEMA_ATTRIBUTE_STRING }, { "account", SECRET_SCHEMA_ATTRIBUTE_STRING } },
};

/* Like the session bus, a keyring is the whole process's or nobody's. */
static gboolean turned_off;

gboolean
fd_secret_service_is_there (void)
{
  return !turned_off;
}

void
fd_secret_service_turn_off (void)
{
  turned_off = TRUE;
}

/* --- a call --- */

static void
call_free (FdServiceCall *call)
{
  g_clear_handle_id (&call->timer, g_source_remove);
  g_clear_pointer (&call->value, secret_value_unref);
  g_clear_object (&call->item);
  g_clear_object (&call->service);
  g_clear_object (&call->bus);
  g_object_unref (call->cancellable);
  g_free (call->account);
  g_free (call->jid);
  g_free (call);
}

static void
finish (FdServiceCall *call, const char *secret, const GError *error)
{
  if (call->done)
    call->done (secret, error, call->data);
  call_free (call);
}

static void G_GNUC_PRINTF (2, 3) fail (FdServiceCall *call, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (FD_ERROR, FD_ERROR_AUTHENTICATION_FAILED, format, args);
  va_end (args);
  finish (call, NULL, error);
}

static void
fail_with (FdServiceCall *call, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  fail (call, "The keyring does not work: %s",
        g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? "no answer in time" : error->message);
}

static GHashTable *
attributes (FdServiceCall *call)
{
  return secret_attributes_build (&schema, "jid", call->jid, call->account ? "account" : NULL, call->account,
                                  NULL);
}

static void
on_opened (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;

  call->service = secret_service_open_finish (result, &error);
  if (!call->service)
    fail_with (call, error);
  else if (g_strcmp0 (secret_service_get_session_algorithms (call->service), "plain") == 0)
    fail (call, "The keyring would show passwords to everybody on the bus (it cannot encrypt them)");
  else
    call->begin (call);
}

static void
ask_bus (FdServiceCall *call, const char *method, GVariant *arguments, GAsyncReadyCallback callback)
{
  g_dbus_connection_call (call->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE, -1, call->cancellable, callback,
                          call);
}

static void
on_service_there (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (call->bus, result, &error);
  gboolean absent = g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER);

  if (reply)
    secret_service_open (SECRET_TYPE_SERVICE, NULL, SECRET_SERVICE_OPEN_SESSION, call->cancellable, on_opened,
                         call);
  else if (absent && call->manners != FD_SECRET_QUICK)
    ask_bus (call, "StartServiceByName", g_variant_new ("(su)", NAME, 0), on_service_there);
  else if (absent || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN))
    fail (call, "No keyring (" NAME ") is running");
  else
    fail_with (call, error);
}

static void
on_bus (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;

  call->bus = g_bus_get_finish (result, &error);
  if (!call->bus)
    {
      fail_with (call, error);
      return;
    }
  /* How the daemon ends with its bus is decided elsewhere. */
  g_dbus_connection_set_exit_on_close (call->bus, FALSE);
  ask_bus (call, "GetNameOwner", g_variant_new ("(s)", NAME), on_service_there);
}

static gboolean
on_timeout (gpointer data)
{
  FdServiceCall *call = data;

  call->timer = 0;
  g_cancellable_cancel (call->cancellable);
  return G_SOURCE_REMOVE;
}

static FdServiceCall *
call_new (const char *jid, const char *account, FdSecretManners manners, void (*begin) (FdServiceCall *call),
          FdServiceDone done, gpointer data)
{
  FdServiceCall *call = g_new0 (FdServiceCall, 1);

  call->begin = begin;
  call->done = done;
  call->data = data;
  call->manners = manners;
  call->jid = g_strdup (jid);
  call->account = g_strdup (account);
  call->cancellable = g_cancellable_new ();
  if (manners == FD_SECRET_QUICK)
    call->timer = g_timeout_add_seconds (QUICK_SECONDS, on_timeout, call);
  g_bus_get (G_BUS_TYPE_SESSION, call->cancellable, on_bus, call);
  return call;
}

/* There is always a step under way, whose callback frees the call. */
void
fd_secret_service_cancel (FdServiceCall *call)
{
  call->done = NULL;
  g_clear_handle_id (&call->timer, g_source_remove);
  g_cancellable_cancel (call->cancellable);
}

/* --- lookup --- */

/* Whatever type of content it is said to be: services differ there. */
static void
on_loaded (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SecretValue) value = NULL;
  gsize length = 0;
  const char *bytes;
  char *text;

  if (!secret_item_load_secret_finish (call->item, result, &error))
    {
      fail_with (call, error);
      return;
    }
  value = secret_item_get_secret (call->item);
  bytes = value ? secret_value_get (value, &length) : "";
  text = g_strndup (bytes, length);
  finish (call, text, NULL);
  explicit_bzero (text, length);
  g_free (text);
}

static void begin_lookup (FdServiceCall *call);

static void
on_unlocked_by_user (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;

  if (secret_service_unlock_finish (call->service, result, NULL, &error) < 0)
    fail_with (call, error);
  else
    begin_lookup (call);
}

/* Some services say "locked" until they are asked, and unlock without a
 * question; if there is one, it is taken back. */
static void
on_unlocked (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (object), result, &error);
  const char *prompt;

  if (!reply)
    {
      fail_with (call, error);
      return;
    }
  g_variant_get (reply, "(@ao&o)", NULL, &prompt);
  if (!g_str_equal (prompt, "/"))
    g_dbus_connection_call (call->bus, NAME, prompt, PROMPT, "Dismiss", NULL, NULL, G_DBUS_CALL_FLAGS_NONE,
                            -1, NULL, NULL, NULL);
  begin_lookup (call);
}

static void
unlock (FdServiceCall *call)
{
  GList items = { .data = call->item };
  const char *path = g_dbus_proxy_get_object_path (G_DBUS_PROXY (call->item));

  call->unlocked = TRUE;
  if (call->manners == FD_SECRET_ASK)
    secret_service_unlock (call->service, &items, call->cancellable, on_unlocked_by_user, call);
  else
    g_dbus_proxy_call (G_DBUS_PROXY (call->service), "Unlock",
                       g_variant_new ("(^ao)", (const char *[]){ path, NULL }), G_DBUS_CALL_FLAGS_NONE, -1,
                       call->cancellable, on_unlocked, call);
}

/* GNOME Keyring does not know the schema of what it has not unlocked yet, so
 * locked items of other programs may pass; when they are open, they do not. */
static gboolean
is_ours (SecretItem *item)
{
  g_autofree char *name = secret_item_get_schema_name (item);

  return secret_item_get_locked (item) || g_strcmp0 (name, schema.name) == 0;
}

/* Unlocked before locked, then the newest, by the second; then what we stored. */
static gboolean
is_better (SecretItem *item, SecretItem *than)
{
  g_autoptr (GHashTable) named = secret_item_get_attributes (item);
  gboolean locked = secret_item_get_locked (item);

  if (!than || locked != secret_item_get_locked (than))
    return !than || !locked;
  if (secret_item_get_modified (item) != secret_item_get_modified (than))
    return secret_item_get_modified (item) > secret_item_get_modified (than);
  return g_hash_table_contains (named, "account");
}

static void
on_searched (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;
  GList *items = secret_service_search_finish (call->service, result, &error);

  g_clear_object (&call->item);
  for (GList *l = items; l; l = l->next)
    if (is_ours (l->data) && is_better (l->data, call->item))
      g_set_object (&call->item, l->data);
  g_list_free_full (items, g_object_unref);

  if (error)
    fail_with (call, error);
  else if (!call->item)
    fail (call, "The keyring has no password for %s", call->jid);
  else if (!secret_item_get_locked (call->item))
    secret_item_load_secret (call->item, call->cancellable, on_loaded, call);
  else if (call->unlocked || call->manners == FD_SECRET_QUICK)
    fail (call, "The keyring that has the password of %s is locked", call->jid);
  else
    unlock (call);
}

static void
begin_lookup (FdServiceCall *call)
{
  g_autoptr (GHashTable) wanted = attributes (call);

  secret_service_search (call->service, NULL, wanted, SECRET_SEARCH_ALL, call->cancellable, on_searched,
                         call);
}

FdServiceCall *
fd_secret_service_lookup (const char *jid, FdSecretManners manners, FdServiceDone done, gpointer data)
{
  return turned_off ? NULL : call_new (jid, NULL, manners, begin_lookup, done, data);
}

/* --- store and forget --- */

static void
on_stored (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;

  if (secret_service_store_finish (call->service, result, &error))
    finish (call, NULL, NULL);
  else if (error)
    fail_with (call, error);
  else
    fail (call, "The keyring stayed locked");
}

static void
begin_store (FdServiceCall *call)
{
  g_autoptr (GHashTable) named = attributes (call);
  g_autofree char *label = g_strdup_printf ("XMPP password of %s (fardel)", call->jid);

  secret_service_store (call->service, &schema, named, SECRET_COLLECTION_DEFAULT, label, call->value,
                        call->cancellable, on_stored, call);
}

FdServiceCall *
fd_secret_service_store (const char *jid, const char *account, const char *secret, FdServiceDone done,
                         gpointer data)
{
  FdServiceCall *call;

  if (turned_off)
    return NULL;
  call = call_new (jid, account, FD_SECRET_ASK, begin_store, done, data);
  call->value = secret_value_new (secret, -1, "text/plain");
  return call;
}

static void
on_cleared (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceCall *call = data;
  g_autoptr (GError) error = NULL;

  secret_service_clear_finish (call->service, result, &error);
  if (error)
    fail_with (call, error);
  else
    finish (call, NULL, NULL);
}

static void
begin_forget (FdServiceCall *call)
{
  g_autoptr (GHashTable) named = attributes (call);

  secret_service_clear (call->service, &schema, named, call->cancellable, on_cleared, call);
}

FdServiceCall *
fd_secret_service_forget (const char *jid, const char *account, FdServiceDone done, gpointer data)
{
  return turned_off ? NULL : call_new (jid, account, FD_SECRET_QUICK, begin_forget, done, data);
}

/* --- news --- */

static gboolean
on_settled (gpointer data)
{
  FdServiceWatch *watch = data;
  FdSecretManners manners = watch->manners;

  if (!watch->news (manners, watch->data))
    return G_SOURCE_CONTINUE;
  watch->timer = 0;
  watch->manners = FD_SECRET_QUICK;
  return G_SOURCE_REMOVE;
}

static void
tell (FdServiceWatch *watch, FdSecretManners manners)
{
  watch->manners = MAX (watch->manners, manners);
  if (!watch->timer)
    watch->timer = g_timeout_add (SETTLE_MS, on_settled, watch);
}

/* Questions come and go without news, our own are among them. */
static void
on_signal (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *arguments, gpointer data)
{
  if (g_str_has_prefix (path, PATH) && !g_str_equal (interface, PROMPT))
    tell (data, FD_SECRET_QUICK);
}

static void
on_owner_changed (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                  const char *signal, GVariant *arguments, gpointer data)
{
  const char *owner;

  g_variant_get (arguments, "(&s&s&s)", NULL, NULL, &owner);
  tell (data, *owner ? FD_SECRET_QUIET : FD_SECRET_QUICK);
}

static void
on_watch_bus (GObject *object, GAsyncResult *result, gpointer data)
{
  FdServiceWatch *watch = data; /* gone if this was cancelled */
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, NULL);

  if (!bus || g_dbus_connection_is_closed (bus))
    return;
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  watch->bus = g_steal_pointer (&bus);
  watch->owners = g_dbus_connection_signal_subscribe (
    watch->bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", NULL, NAME,
    G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, watch, NULL);
  watch->signals = g_dbus_connection_signal_subscribe (watch->bus, NAME, NULL, NULL, NULL, NULL,
                                                       G_DBUS_SIGNAL_FLAGS_NONE, on_signal, watch, NULL);
  /* What came between the last lookup and now. */
  tell (watch, FD_SECRET_QUICK);
}

/* Not g_bus_watch_name(): it fails on an assertion if the bus goes away while it
 * asks for the owner. */
FdServiceWatch *
fd_secret_service_watch (FdServiceNews news, gpointer data)
{
  FdServiceWatch *watch;

  if (turned_off)
    return NULL;
  watch = g_new0 (FdServiceWatch, 1);
  watch->news = news;
  watch->data = data;
  watch->cancellable = g_cancellable_new ();
  g_bus_get (G_BUS_TYPE_SESSION, watch->cancellable, on_watch_bus, watch);
  return watch;
}

void
fd_secret_service_unwatch (FdServiceWatch *watch)
{
  if (!watch)
    return;
  g_cancellable_cancel (watch->cancellable);
  g_object_unref (watch->cancellable);
  if (watch->bus)
    {
      g_dbus_connection_signal_unsubscribe (watch->bus, watch->owners);
      g_dbus_connection_signal_unsubscribe (watch->bus, watch->signals);
      g_object_unref (watch->bus);
    }
  g_clear_handle_id (&watch->timer, g_source_remove);
  g_free (watch);
}

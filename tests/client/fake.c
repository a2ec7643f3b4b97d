/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "org.fardel.Fardel1"
#define PATH "/org/fardel/Fardel1"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

struct Fake
{
  GDBusConnection *bus;
  guint filter;
  GMutex lock;
  GCond changed;
  GHashTable *objects; /* path -> a{sv} */
  GHashTable *calls; /* method -> GPtrArray of FakeCall */
  GVariant *contacts;
  guint next_id;
  FakeOffers order;
  char *held;
  GPtrArray *waiting; /* messages */
  char *failing, *error;
  guint failing_from;
};

static void
call_free (gpointer data)
{
  FakeCall *call = data;

  g_variant_unref (call->arguments);
  g_free (call->path);
  g_free (call->data);
  if (call->fd >= 0)
    g_close (call->fd, NULL);
  g_free (call);
}

static const char *
interface_of (const char *path)
{
  return strstr (path, "/transfer/") ? NAME ".Transfer" : NAME ".Account";
}

static GVariant *
interfaces_of (const char *path, GVariant *properties)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sa{sv}}"));
  g_variant_builder_add (&builder, "{s@a{sv}}", "org.freedesktop.DBus.Peer", g_variant_new ("a{sv}", NULL));
  g_variant_builder_add (&builder, "{s@a{sv}}", interface_of (path), properties);
  return g_variant_builder_end (&builder);
}

static void
emit (Fake *fake, const char *path, const char *interface, const char *name, GVariant *arguments)
{
  g_dbus_connection_emit_signal (fake->bus, NULL, path, interface, name, arguments, NULL);
}

/* @base with @changes over it. */
static GVariant *
merge (GVariant *base, GVariant *changes)
{
  GVariantDict dict;
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_dict_init (&dict, base);
  g_variant_iter_init (&iter, changes);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&dict, key, value);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static GVariant *
parse (const char *type, const char *text)
{
  return g_variant_parse (G_VARIANT_TYPE (type), text, NULL, NULL, NULL);
}

static void
put (Fake *fake, const char *path, const char *defaults, const char *properties, gboolean tell)
{
  g_autoptr (GVariant) base = parse ("a{sv}", defaults);
  g_autoptr (GVariant) changes = parse ("a{sv}", properties);
  GVariant *all = merge (base, changes);

  g_assert_nonnull (changes);
  g_hash_table_insert (fake->objects, g_strdup (path), all);
  if (tell)
    emit (fake, PATH, OBJECT_MANAGER, "InterfacesAdded",
          g_variant_new ("(o@a{sa{sv}})", path, interfaces_of (path, all)));
}

static void
put_transfer (Fake *fake, guint id, const char *properties, gboolean tell)
{
  g_autofree char *path = g_strdup_printf (PATH "/transfer/%u", id);
  g_autofree char *defaults = g_strdup_printf (
    "{'Id': <uint32 %u>, 'Direction': <'outgoing'>, 'Name': <'a.txt'>, 'State': <'queued'>,"
    " 'Account': <objectpath '" PATH "/account/home'>, 'Size': <int64 10>, 'Peer': <'bob@example.org'>}",
    id);

  put (fake, path, defaults, properties, tell);
}

static void
take_fd (FakeCall *call, GDBusMessage *message)
{
  GUnixFDList *fds = g_dbus_message_get_unix_fd_list (message);
  int fd = fds && g_unix_fd_list_get_length (fds) ? g_unix_fd_list_get (fds, 0, NULL) : -1;
  char buffer[4096];
  struct stat st;
  gssize n;

  call->fd = -1;
  if (fd < 0)
    return;
  if (fstat (fd, &st) == 0 && S_ISSOCK (st.st_mode))
    {
      call->fd = fd;
      return;
    }
  /* One to write into has nothing to read. */
  n = read (fd, buffer, sizeof buffer);
  call->data = n >= 0 ? g_strndup (buffer, n) : NULL;
  g_close (fd, NULL);
}

static GVariant *
offer (Fake *fake, GDBusMessage *message)
{
  guint id = ++fake->next_id;
  g_autofree char *path = g_strdup_printf (PATH "/transfer/%u", id);

  if (fake->order != FAKE_GONE)
    put_transfer (fake, id, "{}", fake->order == FAKE_SIGNAL_FIRST);
  return g_variant_new ("(o)", path);
}

static GVariant *
managed_objects (Fake *fake)
{
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer path, properties;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  g_hash_table_iter_init (&iter, fake->objects);
  while (g_hash_table_iter_next (&iter, &path, &properties))
    g_variant_builder_add (&builder, "{o@a{sa{sv}}}", path, interfaces_of (path, properties));
  return g_variant_new ("(a{oa{sa{sv}}})", &builder);
}

/* NULL if the object is gone. */
static GVariant *
results (Fake *fake, GDBusMessage *message)
{
  const char *method = g_dbus_message_get_member (message);
  const char *path = g_dbus_message_get_path (message);
  GVariant *properties = g_hash_table_lookup (fake->objects, path);
  const char *id;

  if (g_str_equal (method, "GetManagedObjects"))
    return managed_objects (fake);
  if (g_str_equal (method, "GetAll") && g_str_equal (path, PATH))
    return g_variant_new_parsed ("({'Version': <'9.9'>, 'Progress': <0.5>},)");
  if (g_str_equal (method, "GetAll"))
    return properties ? g_variant_new ("(@a{sv})", properties) : NULL;
  if (g_str_equal (method, "OfferFd") || g_str_equal (method, "Resume"))
    return offer (fake, message);
  if (g_str_equal (method, "ListContacts"))
    return g_variant_new ("(@aa{sv})", fake->contacts);
  if (g_str_equal (method, "QueryPeer"))
    return g_variant_new_parsed ("({'online': <true>},)");
  if (g_str_equal (method, "AddAccount"))
    {
      g_autofree char *account = NULL;
      g_autofree char *text = NULL;

      g_variant_get (g_dbus_message_get_body (message), "(&sa{sv})", &id, NULL);
      account = g_strdup_printf (PATH "/account/%s", id);
      text = g_strdup_printf ("{'Id': <'%s'>}", id);
      put (fake, account, text, "{}", TRUE);
      return g_variant_new ("(o)", account);
    }
  if (g_str_equal (method, "Accept"))
    return g_variant_new ("(s)", "/somewhere");
  return g_variant_new ("()");
}

static void
answer (Fake *fake, GDBusMessage *message)
{
  const char *method = g_dbus_message_get_member (message);
  GPtrArray *calls = g_hash_table_lookup (fake->calls, method);
  GVariant *body = NULL;
  g_autoptr (GDBusMessage) reply = NULL;

  if (g_strcmp0 (fake->failing, method) == 0 && calls->len >= fake->failing_from)
    reply = g_dbus_message_new_method_error_literal (message, fake->error, "It is said to fail");
  else if ((body = results (fake, message)))
    {
      reply = g_dbus_message_new_method_reply (message);
      g_dbus_message_set_body (reply, body);
    }
  else
    reply = g_dbus_message_new_method_error_literal (message, "org.freedesktop.DBus.Error.UnknownObject",
                                                     "There is no such object");
  g_dbus_connection_send_message (fake->bus, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  if (g_str_equal (method, "OfferFd") && fake->order == FAKE_REPLY_FIRST)
    put_transfer (fake, fake->next_id, "{}", TRUE);
}

static GDBusMessage *
filter (GDBusConnection *bus, GDBusMessage *message, gboolean incoming, gpointer data)
{
  Fake *fake = data;
  const char *method = g_dbus_message_get_member (message);
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *calls;
  FakeCall *call;

  if (!incoming || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  locker = g_mutex_locker_new (&fake->lock);
  calls = g_hash_table_lookup (fake->calls, method);
  if (!calls)
    {
      calls = g_ptr_array_new_with_free_func (call_free);
      g_hash_table_insert (fake->calls, g_strdup (method), calls);
    }
  call = g_new0 (FakeCall, 1);
  call->path = g_strdup (g_dbus_message_get_path (message));
  call->arguments = g_dbus_message_get_body (message) ? g_variant_ref (g_dbus_message_get_body (message))
                                                      : g_variant_ref_sink (g_variant_new ("()"));
  take_fd (call, message);
  g_ptr_array_add (calls, call);
  if (g_strcmp0 (fake->held, method) == 0)
    g_ptr_array_add (fake->waiting, g_object_ref (message));
  else
    answer (fake, message);
  g_cond_broadcast (&fake->changed);
  g_main_context_wakeup (NULL); /* a test may look at the count */
  g_object_unref (message);
  return NULL;
}

Fake *
fake_new (void)
{
  Fake *fake = g_new0 (Fake, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SESSION, NULL, &error);

  g_assert_no_error (error);
  g_mutex_init (&fake->lock);
  g_cond_init (&fake->changed);
  fake->objects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_variant_unref);
  fake->calls = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  fake->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  fake->contacts = parse ("aa{sv}", "[]");
  fake->next_id = 100;
  fake->bus = g_dbus_connection_new_for_address_sync (
    address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, NULL, &error);
  g_assert_no_error (error);
  fake->filter = g_dbus_connection_add_filter (fake->bus, filter, fake, NULL);
  return fake;
}

void
fake_free (Fake *fake)
{
  g_dbus_connection_remove_filter (fake->bus, fake->filter);
  g_dbus_connection_close_sync (fake->bus, NULL, NULL);
  g_object_unref (fake->bus);
  g_hash_table_unref (fake->objects);
  g_hash_table_unref (fake->calls);
  g_ptr_array_unref (fake->waiting);
  g_variant_unref (fake->contacts);
  g_free (fake->held);
  g_free (fake->failing);
  g_free (fake->error);
  g_mutex_clear (&fake->lock);
  g_cond_clear (&fake->changed);
  g_free (fake);
}

static void
call_bus (Fake *fake, const char *method, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
    fake->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, arguments,
    G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  g_assert_no_error (error);
}

void
fake_appear (Fake *fake)
{
  call_bus (fake, "RequestName", g_variant_new ("(su)", NAME, 0));
}

void
fake_vanish (Fake *fake)
{
  call_bus (fake, "ReleaseName", g_variant_new ("(s)", NAME));
}

void
fake_add_transfer (Fake *fake, guint id, const char *properties)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);

  put_transfer (fake, id, properties, TRUE);
}

void
fake_add_account (Fake *fake, const char *id, const char *properties)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);
  g_autofree char *path = g_strdup_printf (PATH "/account/%s", id);
  g_autofree char *defaults = g_strdup_printf ("{'Id': <'%s'>, 'Jid': <'%s@example.org'>}", id, id);

  put (fake, path, defaults, properties, TRUE);
}

void
fake_change (Fake *fake, const char *path, const char *properties)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);
  g_autoptr (GVariant) changes = parse ("a{sv}", properties);
  GVariant *old = g_hash_table_lookup (fake->objects, path);

  g_assert_nonnull (changes);
  if (old)
    g_hash_table_insert (fake->objects, g_strdup (path), merge (old, changes));
  emit (fake, path, PROPERTIES, "PropertiesChanged",
        g_variant_new ("(s@a{sv}as)", g_str_equal (path, PATH) ? NAME ".Manager" : interface_of (path),
                       changes, NULL));
}

void
fake_remove (Fake *fake, const char *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);
  const char *interfaces[] = { interface_of (path), NULL };

  g_hash_table_remove (fake->objects, path);
  emit (fake, PATH, OBJECT_MANAGER, "InterfacesRemoved", g_variant_new ("(o^as)", path, interfaces));
}

void
fake_emit (Fake *fake, const char *path, const char *interface, const char *signal)
{
  emit (fake, path, interface, signal, NULL);
}

void
fake_set_contacts (Fake *fake, const char *contacts)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);

  g_variant_unref (fake->contacts);
  fake->contacts = parse ("aa{sv}", contacts);
  g_assert_nonnull (fake->contacts);
}

void
fake_hold (Fake *fake, const char *method)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);

  g_free (fake->held);
  fake->held = g_strdup (method);
}

void
fake_wait_held (Fake *fake)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);

  while (fake->waiting->len == 0)
    g_cond_wait (&fake->changed, &fake->lock);
}

void
fake_go_on (Fake *fake)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);

  g_clear_pointer (&fake->held, g_free);
  for (guint i = 0; i < fake->waiting->len; i++)
    answer (fake, fake->waiting->pdata[i]);
  g_ptr_array_set_size (fake->waiting, 0);
}

void
fake_fail (Fake *fake, const char *method, const char *error, guint nth)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);

  g_free (fake->failing);
  g_free (fake->error);
  fake->failing = g_strdup (method);
  fake->error = g_strdup (error);
  fake->failing_from = nth;
}

void
fake_set_offers (Fake *fake, FakeOffers order)
{
  fake->order = order;
}

guint
fake_count (Fake *fake, const char *method)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);
  GPtrArray *calls = g_hash_table_lookup (fake->calls, method);

  return calls ? calls->len : 0;
}

const FakeCall *
fake_last (Fake *fake, const char *method)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fake->lock);
  GPtrArray *calls = g_hash_table_lookup (fake->calls, method);

  g_assert_true (calls && calls->len);
  return calls->pdata[calls->len - 1];
}

int
fake_run_tests (void)
{
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  int result;

  g_test_dbus_up (bus);
  result = g_test_run ();
  /* Waits until nobody holds the connection any more, so that a leak shows. */
  g_test_dbus_down (bus);
  return result;
}

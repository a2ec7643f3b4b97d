/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the daemon has: one object for each path, the lists of them, and what
 * happens to them. Objects are made and found in any thread, under the lock;
 * they change and are listed in the client's thread.
 */
#include "fardel-client-private.h"

/* When an object was met, in the number of owners that the name had before. */
#define OWNERS "fardel-owners"

gpointer
fardel_client_lookup (FardelClient *self, const char *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GObject *object = g_hash_table_lookup (self->objects, path);

  return object ? g_object_ref (object) : NULL;
}

/* The object at @path, made with @properties if it is new; NULL if it is neither
 * an account nor a transfer. */
static GObject *
intern (FardelClient *self, const char *path, GVariant *properties, gboolean *ret_new)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GObject *object = g_hash_table_lookup (self->objects, path);

  *ret_new = !object;
  if (object)
    return g_object_ref (object);
  if (FARDEL_IS_TRANSFER_PATH (path))
    object = G_OBJECT (fardel_transfer_new (self, path, properties));
  else
    object = G_OBJECT (fardel_account_new (self, path, properties));
  g_object_set_data (object, OWNERS, GUINT_TO_POINTER (self->owners));
  g_hash_table_insert (self->objects, g_strdup (path), object);
  return g_object_ref (object);
}

static int
compare (gpointer a, gpointer b)
{
  if (FARDEL_IS_TRANSFER (a))
    {
      guint first = fardel_transfer_get_id (FARDEL_TRANSFER (a));
      guint second = fardel_transfer_get_id (FARDEL_TRANSFER (b));

      return (first > second) - (first < second);
    }
  return strcmp (fardel_account_get_id (FARDEL_ACCOUNT (a)), fardel_account_get_id (FARDEL_ACCOUNT (b)));
}

static int
compare_elements (gconstpointer a, gconstpointer b)
{
  return compare (*(const gpointer *) a, *(const gpointer *) b);
}

static GListStore *
list_of (FardelClient *self, gpointer object)
{
  return FARDEL_IS_TRANSFER (object) ? self->transfers : self->accounts;
}

/* Where @object is, or would be. */
static gboolean
find (GListStore *store, gpointer object, guint *ret_position)
{
  guint low = 0;
  guint high = g_list_model_get_n_items (G_LIST_MODEL (store));

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      g_autoptr (GObject) other = g_list_model_get_item (G_LIST_MODEL (store), middle);
      int order = compare (other, object);

      if (order == 0)
        {
          *ret_position = middle;
          return TRUE;
        }
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  *ret_position = low;
  return FALSE;
}

static void
tell_news (FardelClient *self, GObject *object)
{
  if (!FARDEL_IS_TRANSFER (object))
    return;
  if (fardel_transfer_take_offer (FARDEL_TRANSFER (object)))
    fardel_client_emit_offer_received (self, FARDEL_TRANSFER (object));
  if (fardel_transfer_take_end (FARDEL_TRANSFER (object)))
    fardel_client_emit_finished (self, FARDEL_TRANSFER (object));
}

static void
apply (GObject *object, GVariant *changed)
{
  if (FARDEL_IS_TRANSFER (object))
    fardel_transfer_update (FARDEL_TRANSFER (object), changed);
  else
    fardel_account_update (FARDEL_ACCOUNT (object), changed);
}

static gboolean
is_known (FardelClient *self, GObject *object)
{
  g_autofree char *path = NULL;
  g_autoptr (GObject) known = NULL;

  g_object_get (object, "object-path", &path, NULL);
  known = fardel_client_lookup (self, path);
  return known == object;
}

static void
put (FardelClient *self, GObject *object, GVariant *changed)
{
  GListStore *store = list_of (self, object);
  guint position;

  if (changed)
    apply (object, changed);
  /* It may have gone before those who made it came to list it. */
  if (!find (store, object, &position) && is_known (self, object))
    g_list_store_insert (store, position, object);
}

void
fardel_client_update_object (FardelClient *self, GObject *object, GVariant *changed)
{
  put (self, object, changed);
  tell_news (self, object);
}

typedef struct
{
  FardelClient *client;
  GObject *object;
  GVariant *changed;
} Update;

static void
update_free (gpointer data)
{
  Update *update = data;

  g_object_unref (update->client);
  g_object_unref (update->object);
  g_clear_pointer (&update->changed, g_variant_unref);
  g_free (update);
}

static gboolean
run_update (gpointer data)
{
  Update *update = data;

  fardel_client_update_object (update->client, update->object, update->changed);
  return G_SOURCE_REMOVE;
}

static void
attach (FardelClient *self, GSourceFunc function, gpointer data, GDestroyNotify free_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, data, free_data);
  g_source_attach (source, self->context);
}

void
fardel_client_invoke (FardelClient *self, GObject *object, GVariant *changed)
{
  Update *update;

  /* Another thread could get the context between two rounds of a loop. */
  if (g_thread_self () == self->thread && g_main_context_acquire (self->context))
    {
      fardel_client_update_object (self, object, changed);
      g_main_context_release (self->context);
      return;
    }
  update = g_new0 (Update, 1);
  update->client = g_object_ref (self);
  update->object = g_object_ref (object);
  update->changed = changed ? g_variant_ref (changed) : NULL;
  attach (self, run_update, update, update_free);
}

gpointer
fardel_client_call_for_object (FardelClient *self, const FardelCall *call, GCancellable *cancellable,
                               GError **error)
{
  g_autoptr (GVariant) reply = fardel_call_sync (call, cancellable, error);
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) properties = NULL;
  const char *path, *interface;
  GObject *object;
  gboolean is_new;

  if (!reply)
    return NULL;
  g_variant_get (reply, "(&o)", &path);
  object = fardel_client_lookup (self, path);
  if (object)
    return object;
  interface = FARDEL_IS_TRANSFER_PATH (path) ? FARDEL_TRANSFER_INTERFACE : FARDEL_ACCOUNT_INTERFACE;
  all = fardel_call_sync (&(FardelCall){ self->bus, path, FARDEL_PROPERTIES, "GetAll",
                                         g_variant_new ("(s)", interface), "(a{sv})", .fd = -1 },
                          cancellable, error);
  if (!all)
    return NULL;
  properties = g_variant_get_child_value (all, 0);
  object = intern (self, path, properties, &is_new);
  fardel_client_invoke (self, object, NULL);
  return object;
}

static void
remove_object (FardelClient *self, GObject *object)
{
  g_autofree char *path = NULL;
  guint position;

  g_object_get (object, "object-path", &path, NULL);
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->objects, path);
  g_mutex_unlock (&self->lock);
  if (find (list_of (self, object), object, &position))
    g_list_store_remove (list_of (self, object), position);
  if (FARDEL_IS_TRANSFER (object))
    fardel_transfer_lose (FARDEL_TRANSFER (object));
  tell_news (self, object);
}

/* The properties of ours in a{sa{sv}}; NULL if it is no object that we know. */
static GVariant *
properties_of (const char *path, GVariant *interfaces)
{
  const char *interface = FARDEL_IS_TRANSFER_PATH (path)  ? FARDEL_TRANSFER_INTERFACE
                          : FARDEL_IS_ACCOUNT_PATH (path) ? FARDEL_ACCOUNT_INTERFACE
                                                          : NULL;

  return interface ? g_variant_lookup_value (interfaces, interface, G_VARIANT_TYPE_VARDICT) : NULL;
}

static void
object_added (FardelClient *self, const char *path, GVariant *interfaces)
{
  g_autoptr (GVariant) properties = properties_of (path, interfaces);
  g_autoptr (GObject) object = NULL;
  gboolean is_new;

  if (!properties)
    return;
  object = intern (self, path, properties, &is_new);
  fardel_client_update_object (self, object, is_new ? NULL : properties);
}

/* What waits for the user or ended while nobody could tell: later, when those who
 * made the client have connected to its signals. */
static gboolean
tell_all_news (gpointer weak)
{
  g_autoptr (FardelClient) self = g_weak_ref_get (weak);
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);

  if (!self)
    return G_SOURCE_REMOVE;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->transfers)); i++)
    g_ptr_array_add (all, g_list_model_get_item (G_LIST_MODEL (self->transfers), i));
  for (guint i = 0; i < all->len; i++)
    tell_news (self, all->pdata[i]);
  return G_SOURCE_REMOVE;
}

/* What was met since the owner came may be younger than its answer. */
static void
remove_unseen (FardelClient *self, GListModel *list, GHashTable *seen)
{
  for (guint n = g_list_model_get_n_items (list); n > 0; n--)
    {
      g_autoptr (GObject) object = g_list_model_get_item (list, n - 1);

      if (object && !g_hash_table_contains (seen, object)
          && GPOINTER_TO_UINT (g_object_get_data (object, OWNERS)) != self->owners)
        remove_object (self, object);
    }
}

/* Once per owner: what there is becomes what is listed. The first transfers come as
 * one change of the list. */
void
fardel_client_take_objects (FardelClient *self, GVariant *reply)
{
  g_autoptr (GVariant) objects = g_variant_get_child_value (reply, 0);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  g_autoptr (GPtrArray) first = g_ptr_array_new ();
  const gboolean fill = g_list_model_get_n_items (G_LIST_MODEL (self->transfers)) == 0;
  GVariantIter iter;
  const char *path;
  GVariant *interfaces;

  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
    {
      g_autoptr (GVariant) properties = properties_of (path, interfaces);
      GObject *object;
      gboolean is_new;

      if (!properties)
        continue;
      object = intern (self, path, properties, &is_new);
      g_hash_table_add (seen, object);
      if (is_new && FARDEL_IS_TRANSFER (object))
        fardel_transfer_take_end (FARDEL_TRANSFER (object)); /* no news */
      if (!is_new)
        apply (object, properties);
      if (fill && FARDEL_IS_TRANSFER (object))
        g_ptr_array_add (first, object);
      else
        put (self, object, NULL);
      if (FARDEL_IS_ACCOUNT (object))
        fardel_account_refresh_contacts (FARDEL_ACCOUNT (object));
    }
  g_ptr_array_sort (first, compare_elements);
  if (first->len)
    g_list_store_splice (self->transfers, 0, 0, first->pdata, first->len);
  remove_unseen (self, G_LIST_MODEL (self->transfers), seen);
  remove_unseen (self, G_LIST_MODEL (self->accounts), seen);
  fardel_client_set_running (self, TRUE);
  attach (self, tell_all_news, fardel_client_weak_new (self), fardel_client_weak_free);
}

static void
properties_changed (FardelClient *self, const char *path, const char *interface, GVariant *changed)
{
  g_autoptr (GObject) object = NULL;

  if (g_str_equal (path, FARDEL_PATH))
    {
      if (g_str_equal (interface, FARDEL_MANAGER))
        fardel_values_update (&self->values, G_OBJECT (self), changed);
      return;
    }
  object = fardel_client_lookup (self, path);
  if (object
      && g_str_equal (interface,
                      FARDEL_IS_TRANSFER (object) ? FARDEL_TRANSFER_INTERFACE : FARDEL_ACCOUNT_INTERFACE))
    fardel_client_update_object (self, object, changed);
}

/* Every signal of the daemon: one match rule. */
void
fardel_client_on_signal (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                         const char *name, GVariant *parameters, gpointer weak)
{
  g_autoptr (FardelClient) self = g_weak_ref_get (weak);
  g_autoptr (GVariant) dictionary = NULL;
  g_autoptr (GObject) object = NULL;
  const char *text;

  if (!self)
    return;
  if (g_str_equal (name, "PropertiesChanged")
      && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    {
      g_variant_get (parameters, "(&s@a{sv}as)", &text, &dictionary, NULL);
      properties_changed (self, path, text, dictionary);
    }
  else if (g_str_equal (name, "InterfacesAdded")
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(oa{sa{sv}})")))
    {
      g_variant_get (parameters, "(&o@a{sa{sv}})", &text, &dictionary);
      object_added (self, text, dictionary);
    }
  else if (g_str_equal (name, "InterfacesRemoved")
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(oas)")))
    {
      g_variant_get (parameters, "(&oas)", &text, NULL);
      object = fardel_client_lookup (self, text);
      if (object)
        remove_object (self, object);
    }
  else if (g_str_equal (name, "ContactsChanged"))
    {
      object = fardel_client_lookup (self, path);
      if (FARDEL_IS_ACCOUNT (object))
        fardel_account_refresh_contacts (FARDEL_ACCOUNT (object));
    }
}

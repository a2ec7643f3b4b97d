/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One XMPP account: its properties and its contacts. What can be asked of it is
 * in fardel-account-calls.c.
 */
#include "fardel-private.h"

/**
 * FardelAccount:
 *
 * An XMPP account of the user, and its connection.
 *
 * Accounts come from [method@Client.get_accounts] and [method@Client.add_account_async]. There is only one
 * object for an account, and its properties change by themselves while the main context of the client runs.
 *
 * Since: 0.1
 */
struct _FardelAccount
{
  GObject parent_instance;
  GDBusConnection *bus;
  char *path;
  FardelValues values;
  GError *error;
  GListStore *contacts; /* NULL until somebody wants them */
  GCancellable *listing; /* while they are asked for */
};

G_DEFINE_FINAL_TYPE (FardelAccount, fardel_account, G_TYPE_OBJECT)

enum
{
  PROP_ID = 1,
  PROP_OBJECT_PATH,
  PROP_JID,
  PROP_FULL_JID,
  PROP_ENABLED,
  PROP_STATUS,
  PROP_ERROR,
  PROP_PASSWORD_SOURCE,
  PROP_TLS,
  PROP_AUTO_ACCEPT,
  PROP_AUTO_ACCEPT_MAX_SIZE,
  PROP_AUTO_ACCEPT_FOLDER,
  PROP_STRANGERS,
  PROP_RELAY_ONLY,
  PROP_CONTACTS,
  N_PROPS,
  FIELD_ERROR = N_PROPS,
  FIELD_ERROR_MESSAGE,
  N_FIELDS
};

static GParamSpec *pspecs[N_FIELDS];

static const FardelField fields[N_FIELDS] = {
  [PROP_ID] = { "Id", "s" },
  [PROP_JID] = { "Jid", "s" },
  [PROP_FULL_JID] = { "FullJid", "s" },
  [PROP_ENABLED] = { "Enabled", "b" },
  [PROP_STATUS] = { "Status", "s" },
  [PROP_PASSWORD_SOURCE] = { "PasswordSource", "s" },
  [PROP_TLS] = { "Tls", "a{sv}" },
  [PROP_AUTO_ACCEPT] = { "AutoAccept", "as" },
  [PROP_AUTO_ACCEPT_MAX_SIZE] = { "AutoAcceptMaxSize", "t" },
  [PROP_AUTO_ACCEPT_FOLDER] = { "AutoAcceptFolder", "s" },
  [PROP_STRANGERS] = { "Strangers", "s" },
  [PROP_RELAY_ONLY] = { "RelayOnly", "b" },
  [FIELD_ERROR] = { "Error", "s", PROP_ERROR },
  [FIELD_ERROR_MESSAGE] = { "ErrorMessage", "s", PROP_ERROR },
};

static void
fardel_account_init (FardelAccount *self)
{
  fardel_values_init (&self->values, fields, pspecs, N_FIELDS);
}

static void
fardel_account_finalize (GObject *object)
{
  FardelAccount *self = FARDEL_ACCOUNT (object);

  fardel_values_clear (&self->values);
  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  g_clear_object (&self->contacts);
  g_clear_object (&self->bus);
  g_clear_error (&self->error);
  g_free (self->path);
  G_OBJECT_CLASS (fardel_account_parent_class)->finalize (object);
}

static void
fardel_account_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FardelAccount *self = FARDEL_ACCOUNT (object);

  switch (id)
    {
    case PROP_OBJECT_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_CONTACTS:
      g_value_set_object (value, fardel_account_get_contacts (self));
      break;
    default:
      fardel_values_get (&self->values, id, value);
    }
}

static void
install_connection (const GParamFlags flags)
{
  /**
   * FardelAccount:id: (getter get_id)
   *
   * The short name of the account, the value of `account` in options.
   *
   * Since: 0.1
   */
  pspecs[PROP_ID] = g_param_spec_string ("id", NULL, NULL, "", flags);
  /**
   * FardelAccount:object-path:
   *
   * The D-Bus object path.
   *
   * Since: 0.1
   */
  pspecs[PROP_OBJECT_PATH] = g_param_spec_string ("object-path", NULL, NULL, NULL, flags);
  /**
   * FardelAccount:jid: (getter get_jid)
   *
   * The bare XMPP address.
   *
   * Since: 0.1
   */
  pspecs[PROP_JID] = g_param_spec_string ("jid", NULL, NULL, "", flags);
  /**
   * FardelAccount:full-jid:
   *
   * The address with the resource that the server gave; empty while the account is not online.
   *
   * Since: 0.1
   */
  pspecs[PROP_FULL_JID] = g_param_spec_string ("full-jid", NULL, NULL, "", flags);
  /**
   * FardelAccount:enabled:
   *
   * Whether the account connects by itself.
   *
   * Since: 0.1
   */
  pspecs[PROP_ENABLED] = g_param_spec_boolean ("enabled", NULL, NULL, FALSE, flags);
  /**
   * FardelAccount:status: (getter get_status)
   *
   * What the connection does.
   *
   * Since: 0.1
   */
  pspecs[PROP_STATUS] = g_param_spec_enum ("status", NULL, NULL, FARDEL_TYPE_ACCOUNT_STATUS,
                                           FARDEL_ACCOUNT_STATUS_UNKNOWN, flags);
  /**
   * FardelAccount:error:
   *
   * Why the account waits or failed; %NULL if there is nothing to say.
   *
   * Since: 0.1
   */
  pspecs[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);
  /**
   * FardelAccount:password-source:
   *
   * Where the password is from: `credential`, `secret-service`, `command`, `memory` or `none`.
   *
   * Since: 0.1
   */
  pspecs[PROP_PASSWORD_SOURCE] = g_param_spec_string ("password-source", NULL, NULL, "", flags);
  /**
   * FardelAccount:tls:
   *
   * About the TLS of the connection, of the type `a{sv}`, all values strings: `protocol`, `cipher`,
   * `certificate-sha256`. Empty while there is none.
   *
   * Since: 0.1
   */
  pspecs[PROP_TLS] = g_param_spec_variant ("tls", NULL, NULL, G_VARIANT_TYPE_VARDICT, NULL, flags);
}

static void
install_policy (const GParamFlags flags)
{
  /**
   * FardelAccount:auto-accept:
   *
   * The bare addresses whose offers are accepted without asking.
   *
   * Since: 0.1
   */
  pspecs[PROP_AUTO_ACCEPT] = g_param_spec_boxed ("auto-accept", NULL, NULL, G_TYPE_STRV, flags);
  /**
   * FardelAccount:auto-accept-max-size:
   *
   * The bytes of the biggest file that is accepted without asking; 0 is no limit.
   *
   * Since: 0.1
   */
  pspecs[PROP_AUTO_ACCEPT_MAX_SIZE]
    = g_param_spec_uint64 ("auto-accept-max-size", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * FardelAccount:auto-accept-folder:
   *
   * The path of the folder for such files; empty is the download folder.
   *
   * Since: 0.1
   */
  pspecs[PROP_AUTO_ACCEPT_FOLDER] = g_param_spec_string ("auto-accept-folder", NULL, NULL, "", flags);
  /**
   * FardelAccount:strangers:
   *
   * What becomes of offers by those who are no contacts: `decline`, `hold`, or empty for the default.
   *
   * Since: 0.1
   */
  pspecs[PROP_STRANGERS] = g_param_spec_string ("strangers", NULL, NULL, "", flags);
  /**
   * FardelAccount:relay-only:
   *
   * Whether no peer is shown the addresses of this computer.
   *
   * Since: 0.1
   */
  pspecs[PROP_RELAY_ONLY] = g_param_spec_boolean ("relay-only", NULL, NULL, FALSE, flags);
  /**
   * FardelAccount:contacts: (getter get_contacts)
   *
   * The contact list.
   *
   * Since: 0.1
   */
  pspecs[PROP_CONTACTS] = g_param_spec_object ("contacts", NULL, NULL, G_TYPE_LIST_MODEL, flags);
}

static void
fardel_account_class_init (FardelAccountClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = fardel_account_finalize;
  object_class->get_property = fardel_account_get_property;
  install_connection (flags);
  install_policy (flags);
  g_object_class_install_properties (object_class, N_PROPS, pspecs);
}

FardelAccount *
fardel_account_new (FardelClient *client, const char *path, GVariant *properties)
{
  FardelAccount *self = g_object_new (FARDEL_TYPE_ACCOUNT, NULL);

  self->bus = g_object_ref (fardel_client_get_bus (client));
  self->path = g_strdup (path);
  fardel_account_update (self, properties);
  return self;
}

FardelCall
fardel_account_call (FardelAccount *self, const char *method, GVariant *arguments)
{
  return (FardelCall){ self->bus, self->path, FARDEL_ACCOUNT_INTERFACE, method, arguments, .fd = -1 };
}

void
fardel_account_update (FardelAccount *self, GVariant *changed)
{
  g_object_freeze_notify (G_OBJECT (self));
  fardel_values_update (&self->values, G_OBJECT (self), changed);
  if (g_variant_lookup (changed, "Error", "&s", NULL)
      || g_variant_lookup (changed, "ErrorMessage", "&s", NULL))
    {
      g_clear_error (&self->error);
      self->error = fardel_error_new (fardel_values_string (&self->values, FIELD_ERROR),
                                      fardel_values_string (&self->values, FIELD_ERROR_MESSAGE));
    }
  g_object_thaw_notify (G_OBJECT (self));
}

/* Both lists are sorted by address; what is in both stays the same object. */
static void
merge_contacts (GListStore *contacts, GVariant *list)
{
  GVariantIter iter;
  GVariant *properties;
  guint position = 0;
  guint rest;

  g_variant_iter_init (&iter, list);
  while ((properties = g_variant_iter_next_value (&iter)))
    {
      g_autoptr (GVariant) owned = properties;
      g_autoptr (FardelContact) old = g_list_model_get_item (G_LIST_MODEL (contacts), position);
      const char *jid = "";

      g_variant_lookup (properties, "jid", "&s", &jid);
      while (old && strcmp (fardel_contact_get_jid (old), jid) < 0)
        {
          g_list_store_remove (contacts, position);
          g_object_unref (old);
          old = g_list_model_get_item (G_LIST_MODEL (contacts), position);
        }
      if (old && g_str_equal (fardel_contact_get_jid (old), jid))
        fardel_contact_update (old, properties);
      else
        {
          g_autoptr (FardelContact) contact = fardel_contact_new (properties);

          g_list_store_insert (contacts, position, contact);
        }
      position++;
    }
  rest = g_list_model_get_n_items (G_LIST_MODEL (contacts)) - position;
  if (rest)
    g_list_store_splice (contacts, position, rest, NULL, 0);
}

static void
contacts_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) list = NULL;
  FardelAccount *self = data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* asked once more, or gone */
  g_clear_object (&self->listing);
  if (!reply)
    {
      g_debug ("No contacts of %s: %s", self->path, error->message);
      return;
    }
  list = g_variant_get_child_value (reply, 0);
  merge_contacts (self->contacts, list);
}

/* Each list is followed by one signal when it is out of date, so nothing is lost
 * if it changes while it is asked for. */
void
fardel_account_refresh_contacts (FardelAccount *self)
{
  if (!self->contacts)
    return;
  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  self->listing = g_cancellable_new ();
  g_dbus_connection_call (self->bus, FARDEL_NAME, self->path, FARDEL_ACCOUNT_INTERFACE, "ListContacts",
                          g_variant_new ("(a{sv})", NULL), G_VARIANT_TYPE ("(aa{sv})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->listing, contacts_listed, self);
}

/**
 * fardel_account_get_contacts: (get-property contacts)
 * @self: an account
 *
 * Gets the contact list of the account, sorted by address.
 *
 * It is asked for at the first call, so it is empty at first, and is kept up to date from then on, while the
 * main context of the client runs.
 *
 * Returns: (transfer none): a list of [class@Contact]
 *
 * Since: 0.1
 */
GListModel *
fardel_account_get_contacts (FardelAccount *self)
{
  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), NULL);
  if (!self->contacts)
    {
      self->contacts = g_list_store_new (FARDEL_TYPE_CONTACT);
      fardel_account_refresh_contacts (self);
    }
  return G_LIST_MODEL (self->contacts);
}

/**
 * fardel_account_get_id: (get-property id)
 * @self: an account
 *
 * Gets the short name of the account, which is the value of `account` in options.
 *
 * Returns: the name
 *
 * Since: 0.1
 */
const char *
fardel_account_get_id (FardelAccount *self)
{
  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), NULL);
  return fardel_values_string (&self->values, PROP_ID);
}

/**
 * fardel_account_get_jid: (get-property jid)
 * @self: an account
 *
 * Gets the bare XMPP address of the account.
 *
 * Returns: the address
 *
 * Since: 0.1
 */
const char *
fardel_account_get_jid (FardelAccount *self)
{
  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), NULL);
  return fardel_values_string (&self->values, PROP_JID);
}

/**
 * fardel_account_get_status: (get-property status)
 * @self: an account
 *
 * Gets what the connection of the account does.
 *
 * Returns: the status
 *
 * Since: 0.1
 */
FardelAccountStatus
fardel_account_get_status (FardelAccount *self)
{
  g_return_val_if_fail (FARDEL_IS_ACCOUNT (self), FARDEL_ACCOUNT_STATUS_UNKNOWN);
  return fardel_enum_from_nick (FARDEL_TYPE_ACCOUNT_STATUS,
                                fardel_values_string (&self->values, PROP_STATUS));
}

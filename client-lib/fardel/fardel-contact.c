/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One contact of an account.
 */
#include "fardel-private.h"

/**
 * FardelContact:
 *
 * A contact of an account: somebody in the contact list (roster) on its server.
 *
 * Contacts come from [method@Account.get_contacts] and change by themselves. They are added, removed and
 * blocked with a chat program; fardel follows.
 *
 * Since: 0.1
 */
struct _FardelContact
{
  GObject parent_instance;
  FardelValues values;
};

G_DEFINE_FINAL_TYPE (FardelContact, fardel_contact, G_TYPE_OBJECT)

enum
{
  PROP_JID = 1,
  PROP_NAME,
  PROP_ONLINE,
  PROP_CAN_RECEIVE,
  PROP_BLOCKED,
  PROP_SUBSCRIPTION,
  PROP_GROUPS,
  PROP_RESOURCES,
  N_PROPS
};

static GParamSpec *pspecs[N_PROPS];

static const FardelField fields[N_PROPS] = {
  [PROP_JID] = { "jid", "s" },         [PROP_NAME] = { "name", "s" },
  [PROP_ONLINE] = { "online", "b" },   [PROP_CAN_RECEIVE] = { "can-receive", "b" },
  [PROP_BLOCKED] = { "blocked", "b" }, [PROP_SUBSCRIPTION] = { "subscription", "s" },
  [PROP_GROUPS] = { "groups", "as" },  [PROP_RESOURCES] = { "resources", "aa{sv}" },
};

static void
fardel_contact_init (FardelContact *self)
{
  fardel_values_init (&self->values, fields, pspecs, N_PROPS);
}

static void
fardel_contact_finalize (GObject *object)
{
  fardel_values_clear (&FARDEL_CONTACT (object)->values);
  G_OBJECT_CLASS (fardel_contact_parent_class)->finalize (object);
}

static void
fardel_contact_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  fardel_values_get (&FARDEL_CONTACT (object)->values, id, value);
}

static void
fardel_contact_class_init (FardelContactClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = fardel_contact_finalize;
  object_class->get_property = fardel_contact_get_property;

  /**
   * FardelContact:jid: (getter get_jid)
   *
   * The bare XMPP address.
   *
   * Since: 0.1
   */
  pspecs[PROP_JID] = g_param_spec_string ("jid", NULL, NULL, "", flags);
  /**
   * FardelContact:name:
   *
   * The name that the user gave; may be empty.
   *
   * Since: 0.1
   */
  pspecs[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, "", flags);
  /**
   * FardelContact:online:
   *
   * Whether one of the contact's programs is online.
   *
   * Since: 0.1
   */
  pspecs[PROP_ONLINE] = g_param_spec_boolean ("online", NULL, NULL, FALSE, flags);
  /**
   * FardelContact:can-receive:
   *
   * Whether one of them is known to receive files from us.
   *
   * Since: 0.1
   */
  pspecs[PROP_CAN_RECEIVE] = g_param_spec_boolean ("can-receive", NULL, NULL, FALSE, flags);
  /**
   * FardelContact:blocked:
   *
   * Whether the user blocks this contact: nothing is taken from it, and nothing can be offered to it.
   *
   * Since: 0.1
   */
  pspecs[PROP_BLOCKED] = g_param_spec_boolean ("blocked", NULL, NULL, FALSE, flags);
  /**
   * FardelContact:subscription:
   *
   * `none`, `to` (we see whether it is online), `from` (it sees us) or `both`.
   *
   * Since: 0.1
   */
  pspecs[PROP_SUBSCRIPTION] = g_param_spec_string ("subscription", NULL, NULL, "", flags);
  /**
   * FardelContact:groups:
   *
   * The groups of the contact list that it is in.
   *
   * Since: 0.1
   */
  pspecs[PROP_GROUPS] = g_param_spec_boxed ("groups", NULL, NULL, G_TYPE_STRV, flags);
  /**
   * FardelContact:resources:
   *
   * The contact's programs that are online, of the type `aa{sv}`, as `ListContacts` in
   * `org.fardel.Fardel1.Account.xml` describes them.
   *
   * Since: 0.1
   */
  pspecs[PROP_RESOURCES]
    = g_param_spec_variant ("resources", NULL, NULL, G_VARIANT_TYPE ("aa{sv}"), NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, pspecs);
}

FardelContact *
fardel_contact_new (GVariant *properties)
{
  FardelContact *self = g_object_new (FARDEL_TYPE_CONTACT, NULL);

  fardel_contact_update (self, properties);
  return self;
}

void
fardel_contact_update (FardelContact *self, GVariant *properties)
{
  fardel_values_update (&self->values, G_OBJECT (self), properties);
}

/**
 * fardel_contact_get_jid: (get-property jid)
 * @self: a contact
 *
 * Gets the bare XMPP address.
 *
 * Returns: the address
 *
 * Since: 0.1
 */
const char *
fardel_contact_get_jid (FardelContact *self)
{
  g_return_val_if_fail (FARDEL_IS_CONTACT (self), NULL);
  return fardel_values_string (&self->values, PROP_JID);
}

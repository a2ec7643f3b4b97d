/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the user calls the peers; see contacts.h. Not by the library's live lists:
 * these do not tell when they are complete, and a name that comes later would show
 * an offer twice.
 */
#include "contacts.h"

#define SERVICE "org.fardel.Fardel1"
#define ACCOUNT SERVICE ".Account"

/* Who asks must not wait for long to show an offer. */
#define TIMEOUT_MS 5000

struct NtfContacts
{
  GDBusConnection *bus;
  GCancellable *cancellable;
  void (*loaded) (gpointer data);
  gpointer data;
  GHashTable *lists; /* account → aa{sv}, or NULL while it is asked for */
  GHashTable *failed; /* accounts that did not tell */
  guint signal;
};

typedef struct
{
  NtfContacts *contacts;
  char *account;
} Question;

static void
on_list (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Question *question = data;
  g_autofree char *account = question->account;
  NtfContacts *contacts = question->contacts;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (reply)
    g_hash_table_insert (contacts->lists, g_steal_pointer (&account), g_variant_get_child_value (reply, 0));
  else if (g_hash_table_remove (contacts->lists, account)) /* else nobody asks any more */
    g_hash_table_add (contacts->failed, g_steal_pointer (&account));
  contacts->loaded (contacts->data);
}

static void
ask (NtfContacts *contacts, const char *account)
{
  Question *question = g_new (Question, 1);

  question->contacts = contacts;
  question->account = g_strdup (account);
  g_hash_table_insert (contacts->lists, g_strdup (account), NULL);
  g_dbus_connection_call (contacts->bus, SERVICE, account, ACCOUNT, "ListContacts",
                          g_variant_new ("(a{sv})", NULL), G_VARIANT_TYPE ("(aa{sv})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS, contacts->cancellable, on_list,
                          question);
}

/* Asked again when the next name is needed. */
static void
on_changed (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
            const char *member, GVariant *args, gpointer data)
{
  NtfContacts *contacts = data;

  if (g_hash_table_lookup (contacts->lists, path))
    g_hash_table_remove (contacts->lists, path);
}

static void
unref_list (gpointer list)
{
  if (list)
    g_variant_unref (list);
}

NtfContacts *
ntf_contacts_new (GDBusConnection *bus, void (*loaded) (gpointer data), gpointer data)
{
  NtfContacts *contacts = g_new0 (NtfContacts, 1);

  contacts->bus = g_object_ref (bus);
  contacts->cancellable = g_cancellable_new ();
  contacts->loaded = loaded;
  contacts->data = data;
  contacts->lists = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, unref_list);
  contacts->failed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  contacts->signal
    = g_dbus_connection_signal_subscribe (bus, SERVICE, ACCOUNT, "ContactsChanged", NULL, NULL,
                                          G_DBUS_SIGNAL_FLAGS_NONE, on_changed, contacts, NULL);
  return contacts;
}

void
ntf_contacts_free (NtfContacts *contacts)
{
  g_cancellable_cancel (contacts->cancellable);
  g_object_unref (contacts->cancellable);
  g_dbus_connection_signal_unsubscribe (contacts->bus, contacts->signal);
  g_hash_table_unref (contacts->lists);
  g_hash_table_unref (contacts->failed);
  g_object_unref (contacts->bus);
  g_free (contacts);
}

void
ntf_contacts_forget (NtfContacts *contacts)
{
  g_hash_table_remove_all (contacts->lists);
  g_hash_table_remove_all (contacts->failed);
}

/* A contact may see the user's presence; an unanswered request makes none. */
static gboolean
look_up (GVariant *list, const char *jid, NtfPeer *ret_peer)
{
  GVariantIter iter;
  GVariant *contact;

  g_variant_iter_init (&iter, list);
  while (g_variant_iter_loop (&iter, "@a{sv}", &contact))
    {
      const char *text;

      if (!g_variant_lookup (contact, "jid", "&s", &text) || !g_str_equal (text, jid))
        continue;
      if (g_variant_lookup (contact, "name", "&s", &text) && *text)
        {
          g_free (ret_peer->name);
          ret_peer->name = g_strdup (text);
        }
      if (g_variant_lookup (contact, "subscription", "&s", &text))
        ret_peer->stranger = !g_str_equal (text, "from") && !g_str_equal (text, "both");
      g_variant_unref (contact);
      return TRUE;
    }
  return FALSE;
}

gboolean
ntf_contacts_find (NtfContacts *contacts, const char *account, const char *jid, NtfPeer *ret_peer)
{
  GVariant *list = NULL;

  /* Without an account there is nobody to ask. */
  if (*account && !g_hash_table_contains (contacts->failed, account))
    {
      if (!g_hash_table_contains (contacts->lists, account))
        ask (contacts, account);
      list = g_hash_table_lookup (contacts->lists, account);
      if (!list)
        return FALSE;
    }
  ret_peer->name = g_strdup (jid);
  ret_peer->stranger = list != NULL;
  if (list)
    look_up (list, jid, ret_peer);
  return TRUE;
}

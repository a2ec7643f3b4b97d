/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cards on the notification server; see card.h. The number of a card is known
 * only when the server has answered, so there is one call for a card at a time,
 * and what is wanted meanwhile waits for its answer.
 */
#include "card.h"

#define NOTIFICATIONS "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"
/* Of our desktop file: the server takes name, icon and settings from there. */
#define DESKTOP_ENTRY "org.fardel.Fardel"

struct NtfServer
{
  GDBusConnection *bus;
  const NtfServerHooks *hooks;
  gpointer data;
  gboolean known; /* what it can, or the one before it */
  NtfCan can;
  gboolean has_body;
  gboolean has_markup;
  GCancellable *asking;
  GPtrArray *cards;
  guint name;
  guint signal;
};

struct NtfCard
{
  NtfServer *server; /* NULL: nobody is interested any more */
  const NtfCardHooks *hooks;
  gpointer data;
  guint32 id; /* 0: not on the screen, or not known yet */
  gboolean in_call; /* the server has not answered the last Notify */
  GVariant *wanted; /* what it is to show, or NULL */
  GVariant *showing; /* what the server was told last */
  gboolean stays;
  char *token;
};

static void
clear_variant (GVariant **variant)
{
  g_clear_pointer (variant, g_variant_unref);
}

/* --- one card --- */

static void card_sync (NtfCard *card, GDBusConnection *bus);

static void
card_destroy (NtfCard *card)
{
  clear_variant (&card->wanted);
  clear_variant (&card->showing);
  g_free (card->token);
  g_free (card);
}

static void
close_on_server (GDBusConnection *bus, guint32 id)
{
  g_dbus_connection_call (bus, NOTIFICATIONS, PATH, NOTIFICATIONS, "CloseNotification",
                          g_variant_new ("(u)", id), NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL,
                          NULL);
}

static void
card_gone (NtfCard *card)
{
  card->id = 0;
  clear_variant (&card->wanted);
  clear_variant (&card->showing);
  card->hooks->closed (card, card->data);
}

static void
on_notified (GObject *source, GAsyncResult *result, gpointer data)
{
  GDBusConnection *bus = G_DBUS_CONNECTION (source);
  NtfCard *card = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (bus, result, &error);

  card->in_call = FALSE;
  if (reply)
    g_variant_get (reply, "(u)", &card->id);
  if (!card->server)
    {
      card_sync (card, bus);
      card_destroy (card);
    }
  else if (reply)
    card_sync (card, bus);
  else
    {
      g_message ("The notification server does not show it: %s", error->message);
      clear_variant (&card->showing);
      if (!card->stays)
        card_gone (card);
    }
}

/* Makes the server show what is wanted. */
static void
card_sync (NtfCard *card, GDBusConnection *bus)
{
  if (card->in_call)
    return;
  if (card->wanted && (!card->showing || !g_variant_equal (card->wanted, card->showing)))
    {
      const char *icon, *summary, *body;
      GVariant *actions, *hints;
      gint32 timeout;

      clear_variant (&card->showing);
      card->showing = g_variant_ref (card->wanted);
      card->in_call = TRUE;
      g_variant_get (card->wanted, "(&s&s&s@as@a{sv}i)", &icon, &summary, &body, &actions, &hints, &timeout);
      g_dbus_connection_call (
        bus, NOTIFICATIONS, PATH, NOTIFICATIONS, "Notify",
        g_variant_new ("(susss@as@a{sv}i)", "fardel", card->id, icon, summary, body, actions, hints, timeout),
        G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_notified, card);
      g_variant_unref (actions);
      g_variant_unref (hints);
    }
  else if (!card->wanted && card->id)
    {
      close_on_server (bus, card->id);
      card->id = 0;
      clear_variant (&card->showing);
    }
}

NtfCard *
ntf_card_new (NtfServer *server, const NtfCardHooks *hooks, gpointer data)
{
  NtfCard *card = g_new0 (NtfCard, 1);

  card->server = server;
  card->hooks = hooks;
  card->data = data;
  g_ptr_array_add (server->cards, card);
  return card;
}

void
ntf_card_free (NtfCard *card)
{
  ntf_card_close (card);
  g_ptr_array_remove (card->server->cards, card);
  card->server = NULL;
  if (!card->in_call)
    card_destroy (card);
}

/* Text is plain; where the server reads markup, it is escaped. */
static GVariant *
make_content (const NtfServer *server, const NtfNote *note)
{
  g_autofree char *body = server->has_markup ? g_markup_escape_text (note->body, -1) : g_strdup (note->body);
  g_autofree char *both = g_strconcat (note->summary, ": ", note->body, NULL);
  GVariantBuilder hints;

  g_variant_builder_init (&hints, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&hints, "{sv}", "desktop-entry", g_variant_new_string (DESKTOP_ENTRY));
  g_variant_builder_add (&hints, "{sv}", "category", g_variant_new_string (note->category));
  g_variant_builder_add (&hints, "{sv}", "urgency", g_variant_new_byte (note->urgency));
  return g_variant_ref_sink (g_variant_new (
    "(sss@asa{sv}i)", note->icon, server->has_body ? note->summary : both, server->has_body ? body : "",
    g_variant_new_strv ((const char *const *) note->actions->pdata, note->actions->len), &hints,
    note->stays ? 0 : -1));
}

void
ntf_card_show (NtfCard *card, const NtfNote *note)
{
  clear_variant (&card->wanted);
  card->wanted = make_content (card->server, note);
  card->stays = note->stays;
  card_sync (card, card->server->bus);
}

void
ntf_card_close (NtfCard *card)
{
  clear_variant (&card->wanted);
  card_sync (card, card->server->bus);
}

gboolean
ntf_card_is_shown (const NtfCard *card)
{
  return card->wanted != NULL;
}

/* --- the server --- */

static NtfCard *
find_card (NtfServer *server, guint32 id)
{
  for (guint i = 0; i < server->cards->len; i++)
    {
      NtfCard *card = server->cards->pdata[i];

      if (card->id == id)
        return card;
    }
  return NULL;
}

static void
on_signal (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
           const char *member, GVariant *args, gpointer data)
{
  NtfServer *server = data;
  const char *text = NULL;
  NtfCard *card;
  guint32 id;

  if (g_variant_is_of_type (args, G_VARIANT_TYPE ("(us)")))
    g_variant_get (args, "(u&s)", &id, &text);
  else if (g_variant_is_of_type (args, G_VARIANT_TYPE ("(uu)")))
    g_variant_get (args, "(uu)", &id, NULL);
  else
    return;
  card = id ? find_card (server, id) : NULL;
  if (!card)
    return;

  if (g_str_equal (member, "NotificationClosed"))
    card_gone (card);
  else if (text && g_str_equal (member, "ActivationToken"))
    {
      g_free (card->token);
      card->token = g_strdup (text);
    }
  else if (text && g_str_equal (member, "ActionInvoked"))
    {
      card->hooks->action (card, text, card->token, card->data);
      /* The server does it as well, and tells so when the answer may have led to the
       * next question already: what it tells of this number is of no interest. */
      close_on_server (bus, id);
      card_gone (card);
    }
}

static void
on_capabilities (GObject *source, GAsyncResult *result, gpointer data)
{
  NtfServer *server = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autofree const char **words = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (reply)
    g_variant_get (reply, "(^a&s)", &words);
  server->can = words && g_strv_contains (words, "actions") ? NTF_CAN_ACTIONS : NTF_CAN_NOTHING;
  server->has_body = !words || g_strv_contains (words, "body");
  server->has_markup = words && g_strv_contains (words, "body-markup");
  server->known = TRUE;
  server->hooks->ready (server->data);
}

static void
on_server_there (GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
  NtfServer *server = data;

  server->asking = g_cancellable_new ();
  g_dbus_connection_call (bus, owner, PATH, NOTIFICATIONS, "GetCapabilities", NULL, G_VARIANT_TYPE ("(as)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, server->asking, on_capabilities, server);
}

/* The numbers of the cards are worth nothing with the next server. */
static void
forget_cards (NtfServer *server)
{
  g_autoptr (GPtrArray) lost = g_ptr_array_new ();

  for (guint i = 0; i < server->cards->len; i++)
    {
      NtfCard *card = server->cards->pdata[i];

      card->id = 0;
      clear_variant (&card->showing);
      if (!card->stays && card->wanted)
        g_ptr_array_add (lost, card);
    }
  for (guint i = 0; i < lost->len; i++)
    if (g_ptr_array_find (server->cards, lost->pdata[i], NULL))
      card_gone (lost->pdata[i]);
}

static void
on_server_gone (GDBusConnection *bus, const char *name, gpointer data)
{
  NtfServer *server = data;

  if (server->asking)
    g_cancellable_cancel (server->asking);
  g_clear_object (&server->asking);
  forget_cards (server);
  if (!server->known)
    server->hooks->missing (server->data);
}

NtfServer *
ntf_server_new (GDBusConnection *bus, const NtfServerHooks *hooks, gpointer data)
{
  NtfServer *server = g_new0 (NtfServer, 1);

  server->bus = g_object_ref (bus);
  server->hooks = hooks;
  server->data = data;
  server->cards = g_ptr_array_new ();
  server->signal = g_dbus_connection_signal_subscribe (bus, NOTIFICATIONS, NOTIFICATIONS, NULL, PATH, NULL,
                                                       G_DBUS_SIGNAL_FLAGS_NONE, on_signal, server, NULL);
  server->name = g_bus_watch_name_on_connection (bus, NOTIFICATIONS, G_BUS_NAME_WATCHER_FLAGS_AUTO_START,
                                                 on_server_there, on_server_gone, server, NULL);
  return server;
}

void
ntf_server_free (NtfServer *server)
{
  g_bus_unwatch_name (server->name);
  g_dbus_connection_signal_unsubscribe (server->bus, server->signal);
  if (server->asking)
    g_cancellable_cancel (server->asking);
  g_clear_object (&server->asking);
  g_ptr_array_unref (server->cards);
  g_object_unref (server->bus);
  g_free (server);
}

gboolean
ntf_server_is_known (const NtfServer *server)
{
  return server->known;
}

NtfCan
ntf_server_get_can (const NtfServer *server)
{
  return server->can;
}

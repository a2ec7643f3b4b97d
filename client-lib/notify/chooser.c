/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The desktop's file chooser; see chooser.h.
 */
#include "chooser.h"

#define PORTAL "org.freedesktop.portal.Desktop"
#define PATH "/org/freedesktop/portal/desktop"
#define FILE_CHOOSER "org.freedesktop.portal.FileChooser"
#define REQUEST "org.freedesktop.portal.Request"

struct NtfChooser
{
  GDBusConnection *bus;
  GCancellable *cancellable;
  void (*changed) (gpointer data);
  gpointer data;
  gboolean there;
  GPtrArray *questions;
  guint name;
  guint last; /* token */
};

typedef struct
{
  NtfChooser *chooser;
  NtfChosen chosen;
  gpointer data;
  char *path; /* of its request */
  guint signal;
} Question;

/* --- one question --- */

static void
question_free (gpointer data)
{
  Question *question = data;

  g_dbus_connection_signal_unsubscribe (question->chooser->bus, question->signal);
  g_free (question->path);
  g_free (question);
}

static void
answer (Question *question, const char *path)
{
  NtfChosen chosen = question->chosen;
  gpointer data = question->data;

  g_ptr_array_remove (question->chooser->questions, question);
  chosen (path, data);
}

static void
on_response (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
             const char *member, GVariant *args, gpointer data)
{
  g_autoptr (GVariant) results = NULL;
  g_autofree const char **uris = NULL;
  g_autofree char *chosen = NULL;
  guint32 response;

  if (!g_variant_is_of_type (args, G_VARIANT_TYPE ("(ua{sv})")))
    return;
  g_variant_get (args, "(u@a{sv})", &response, &results);
  if (response == 0 && g_variant_lookup (results, "uris", "^a&s", &uris) && uris[0])
    chosen = g_filename_from_uri (uris[0], NULL, NULL);
  answer (data, chosen);
}

typedef struct
{
  NtfChooser *chooser;
  Question *question; /* if it is still there */
} Asked;

/* Its answer comes as a signal; here only that it could not be asked. */
static void
on_asked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Asked *asked = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_message ("The file chooser does not open: %s", error->message);
  if (g_ptr_array_find (asked->chooser->questions, asked->question, NULL))
    answer (asked->question, NULL);
}

/* Known before the call, so that no answer is missed. */
static char *
request_path (GDBusConnection *bus, const char *token)
{
  g_autofree char *sender = g_strdelimit (g_strdup (g_dbus_connection_get_unique_name (bus) + 1), ".", '_');

  return g_strdup_printf (PATH "/request/%s/%s", sender, token);
}

void
ntf_chooser_save (NtfChooser *chooser, const char *title, const char *name, const char *folder,
                  NtfChosen chosen, gpointer data)
{
  g_autofree char *token = g_strdup_printf ("fardel%u", ++chooser->last);
  Question *question = g_new0 (Question, 1);
  Asked *asked = g_new (Asked, 1);
  GVariantBuilder options;

  question->chooser = chooser;
  question->chosen = chosen;
  question->data = data;
  question->path = request_path (chooser->bus, token);
  question->signal
    = g_dbus_connection_signal_subscribe (chooser->bus, PORTAL, REQUEST, "Response", question->path, NULL,
                                          G_DBUS_SIGNAL_FLAGS_NONE, on_response, question, NULL);
  g_ptr_array_add (chooser->questions, question);
  *asked = (Asked){ chooser, question };

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "handle_token", g_variant_new_string (token));
  g_variant_builder_add (&options, "{sv}", "current_name", g_variant_new_string (name));
  if (*folder)
    g_variant_builder_add (&options, "{sv}", "current_folder", g_variant_new_bytestring (folder));
  g_dbus_connection_call (chooser->bus, PORTAL, PATH, FILE_CHOOSER, "SaveFile",
                          g_variant_new ("(ssa{sv})", "", title, &options), G_VARIANT_TYPE ("(o)"),
                          G_DBUS_CALL_FLAGS_NONE, G_MAXINT, chooser->cancellable, on_asked, asked);
}

void
ntf_chooser_cancel (NtfChooser *chooser, gpointer data)
{
  for (guint i = 0; i < chooser->questions->len; i++)
    {
      Question *question = chooser->questions->pdata[i];

      if (question->data != data)
        continue;
      g_dbus_connection_call (chooser->bus, PORTAL, question->path, REQUEST, "Close", NULL, NULL,
                              G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
      g_ptr_array_remove_index (chooser->questions, i);
      return;
    }
}

/* --- whether there is one --- */

static void
set_there (NtfChooser *chooser, gboolean there)
{
  if (chooser->there == there)
    return;
  chooser->there = there;
  chooser->changed (chooser->data);
}

/* The portal may run without a chooser behind it. */
static void
on_version (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    set_there (data, reply != NULL);
}

static void
on_portal_there (GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
  NtfChooser *chooser = data;

  g_dbus_connection_call (bus, owner, PATH, "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", FILE_CHOOSER, "version"), G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, chooser->cancellable, on_version, chooser);
}

/* With it its windows are gone. */
static void
on_portal_gone (GDBusConnection *bus, const char *name, gpointer data)
{
  NtfChooser *chooser = data;

  set_there (chooser, FALSE);
  while (chooser->questions->len)
    answer (chooser->questions->pdata[0], NULL);
}

NtfChooser *
ntf_chooser_new (GDBusConnection *bus, void (*changed) (gpointer data), gpointer data)
{
  NtfChooser *chooser = g_new0 (NtfChooser, 1);

  chooser->bus = g_object_ref (bus);
  chooser->cancellable = g_cancellable_new ();
  chooser->changed = changed;
  chooser->data = data;
  chooser->questions = g_ptr_array_new_with_free_func (question_free);
  chooser->name = g_bus_watch_name_on_connection (bus, PORTAL, G_BUS_NAME_WATCHER_FLAGS_AUTO_START,
                                                  on_portal_there, on_portal_gone, chooser, NULL);
  return chooser;
}

void
ntf_chooser_free (NtfChooser *chooser)
{
  g_bus_unwatch_name (chooser->name);
  g_cancellable_cancel (chooser->cancellable);
  g_object_unref (chooser->cancellable);
  g_ptr_array_unref (chooser->questions);
  g_object_unref (chooser->bus);
  g_free (chooser);
}

gboolean
ntf_chooser_is_there (const NtfChooser *chooser)
{
  return chooser->there;
}

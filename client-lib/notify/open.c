/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens what was received; see open.h.
 */
#include "open.h"

#define FILE_MANAGER "org.freedesktop.FileManager1"
#define PATH "/org/freedesktop/FileManager1"

/* What a desktop starts, installs or hands to an interpreter when it is opened.
 * Kinds that are derived from these count, too. */
static const char *const programs[] = {
  "application/hta",
  "application/javascript",
  "application/vnd.appimage",
  "application/vnd.debian.binary-package",
  "application/vnd.flatpak",
  "application/vnd.flatpak.ref",
  "application/vnd.flatpak.repo",
  "application/vnd.microsoft.portable-executable",
  "application/vnd.ms-htmlhelp",
  "application/vnd.snap",
  "application/x-desktop",
  "application/x-executable",
  "application/x-iso9660-appimage",
  "application/x-java-archive",
  "application/x-java-jnlp-file",
  "application/x-ms-dos-executable",
  "application/x-ms-shortcut",
  "application/x-msdos-program",
  "application/x-msdownload",
  "application/x-msi",
  "application/x-rpm",
  "application/x-shellscript",
  "application/x-sharedlib",
  "application/xhtml+xml",
  "text/html",
  "text/javascript",
  "text/x-python",
  "text/x-vbscript",
};

/* By the content as well, since the name is the sender's. */
static char *
content_type (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info
    = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_CONTENT_TYPE "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
                         G_FILE_QUERY_INFO_NONE, NULL, NULL);

  if (!info || g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR)
    return NULL;
  return g_strdup (g_file_info_get_content_type (info));
}

static gboolean
is_program (const char *path, const char *type)
{
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    if (g_content_type_is_mime_type (type, programs[i]))
      return TRUE;
  return g_file_test (path, G_FILE_TEST_IS_EXECUTABLE);
}

static GAppInfo *
find_app (const char *path)
{
  g_autofree char *type = content_type (path);

  if (!type || is_program (path, type))
    return NULL;
  return g_app_info_get_default_for_type (type, FALSE);
}

gboolean
ntf_can_open (const char *path)
{
  g_autoptr (GAppInfo) app = find_app (path);

  return app != NULL;
}

static void
launch (GAppInfo *app, const char *uri, const char *token)
{
  g_autoptr (GAppLaunchContext) context = g_app_launch_context_new ();
  g_autoptr (GError) error = NULL;
  GList uris = { .data = (gpointer) uri };

  if (token)
    {
      g_app_launch_context_setenv (context, "XDG_ACTIVATION_TOKEN", token);
      g_app_launch_context_setenv (context, "DESKTOP_STARTUP_ID", token);
    }
  if (!g_app_info_launch_uris (app, &uris, context, &error))
    g_message ("%s does not start: %s", g_app_info_get_name (app), error->message);
}

void
ntf_open (const char *path, const char *token)
{
  g_autoptr (GAppInfo) app = find_app (path);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);

  if (app && uri)
    launch (app, uri, token);
  else
    g_message ("There is no program to open %s with", path);
}

typedef struct
{
  char *file;
  char *token;
} Shown;

/* Not every file manager has the interface. */
static void
on_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Shown *shown = data;
  g_autofree char *file = shown->file;
  g_autofree char *token = shown->token;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GAppInfo) app = NULL;
  g_autofree char *folder = NULL;

  if (reply)
    return;
  folder = g_path_get_dirname (file);
  app = g_app_info_get_default_for_type ("inode/directory", FALSE);
  if (app)
    launch (app, folder, token);
  else
    g_message ("There is no file manager to show %s: %s", file, error->message);
}

void
ntf_show (GDBusConnection *bus, char **uris, const char *token)
{
  Shown *shown = g_new0 (Shown, 1);

  shown->file = g_strdup (uris[0]);
  shown->token = g_strdup (token);
  g_dbus_connection_call (bus, FILE_MANAGER, PATH, FILE_MANAGER, "ShowItems",
                          g_variant_new ("(^ass)", uris, token ? token : ""), NULL, G_DBUS_CALL_FLAGS_NONE,
                          -1, NULL, on_shown, shown);
}

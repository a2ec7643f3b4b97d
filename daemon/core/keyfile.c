/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configuration files; see keyfile.h.
 */
#include "core/keyfile.h"

#include "base/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

/* A password in a file is an accident that should be noticed, so the whole file
 * is refused, whatever the group. */
static gboolean
check_keys (GKeyFile *file, const char *path, const char *group, const char *const *known, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (guint i = 0; groups[i]; i++)
    {
      gboolean ours = g_str_equal (groups[i], group);
      g_auto (GStrv) keys = g_key_file_get_keys (file, groups[i], NULL, NULL);

      if (!ours)
        g_warning ("%s: unknown group [%s] is ignored", path, groups[i]);
      for (guint k = 0; keys && keys[k]; k++)
        {
          if (g_ascii_strcasecmp (keys[k], "Password") == 0)
            {
              g_set_error (
                error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                "%s: [%s] %s: passwords are not kept in configuration files; remove the line and use "
                "PasswordCommand, a systemd credential or SetPassword",
                path, groups[i], keys[k]);
              return FALSE;
            }
          if (ours && !g_strv_contains (known, keys[k]))
            g_warning ("%s: unknown key %s is ignored", path, keys[k]);
        }
    }
  return TRUE;
}

GKeyFile *
fd_keyfile_load (const char *path, const char *group, const char *const *known, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &local))
    {
      if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return g_steal_pointer (&file);
      g_set_error_literal (error, FD_ERROR,
                           g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? FD_ERROR_ACCESS_DENIED
                                                                                     : FD_ERROR_READ_FAILED,
                           local->message);
      return NULL;
    }
  if (!g_key_file_load_from_data (file, text, length, G_KEY_FILE_KEEP_COMMENTS, &local))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION, "%s: %s", path, local->message);
      return NULL;
    }
  return check_keys (file, path, group, known, error) ? g_steal_pointer (&file) : NULL;
}

gboolean
fd_keyfile_save (GKeyFile *file, const char *path, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  gsize length;

  if (g_mkdir_with_parents (directory, 0700) < 0)
    {
      fd_error_set_errno (error, errno, FD_ERROR_WRITE_FAILED, "Cannot make the directory %s", directory);
      return FALSE;
    }
  text = g_key_file_to_data (file, &length, NULL);
  if (!g_file_set_contents_full (path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &local))
    {
      FdErrorCode code = FD_ERROR_WRITE_FAILED;

      if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
        code = FD_ERROR_NO_SPACE;
      else if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_ACCES)
               || g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_ROFS))
        code = FD_ERROR_ACCESS_DENIED;
      g_set_error_literal (error, FD_ERROR, code, local->message);
      return FALSE;
    }
  return TRUE;
}

static gboolean
has_value (GKeyFile *file, const char *group, const char *key)
{
  g_autofree char *text = g_key_file_get_value (file, group, key, NULL);

  return text && *text;
}

static void
set_error (GError **error, const char *group, const char *key, const char *reason)
{
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION, "[%s] %s: %s", group, key, reason);
}

gboolean
fd_keyfile_get_string (GKeyFile *file, const char *group, const char *key, char **value, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;

  if (!has_value (file, group, key))
    return TRUE;
  text = g_key_file_get_string (file, group, key, &local);
  if (!text)
    {
      set_error (error, group, key, local->message);
      return FALSE;
    }
  g_free (*value);
  *value = g_steal_pointer (&text);
  return TRUE;
}

gboolean
fd_keyfile_get_list (GKeyFile *file, const char *group, const char *key, char ***value, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_auto (GStrv) list = NULL;

  if (!has_value (file, group, key))
    return TRUE;
  list = g_key_file_get_string_list (file, group, key, NULL, &local);
  if (!list)
    {
      set_error (error, group, key, local->message);
      return FALSE;
    }
  for (guint i = 0; list[i]; i++)
    g_strstrip (list[i]);
  g_strfreev (*value);
  *value = g_steal_pointer (&list);
  return TRUE;
}

gboolean
fd_keyfile_get_boolean (GKeyFile *file, const char *group, const char *key, gboolean *value, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean flag;

  if (!has_value (file, group, key))
    return TRUE;
  flag = g_key_file_get_boolean (file, group, key, &local);
  if (local)
    {
      set_error (error, group, key, "must be true or false");
      return FALSE;
    }
  *value = flag;
  return TRUE;
}

gboolean
fd_keyfile_get_uint (GKeyFile *file, const char *group, const char *key, guint64 min, guint64 max,
                     guint64 *value, GError **error)
{
  g_autofree char *text = NULL;

  if (!has_value (file, group, key))
    return TRUE;
  text = g_key_file_get_value (file, group, key, NULL);
  if (!g_ascii_string_to_unsigned (g_strchomp (text), 10, min, max, value, NULL))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION,
                   "[%s] %s: must be a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, group, key,
                   min, max);
      return FALSE;
    }
  return TRUE;
}

/* Like g_key_file_remove_key(), which minds if there is none. */
static void
remove_key (GKeyFile *file, const char *group, const char *key)
{
  if (g_key_file_has_key (file, group, key, NULL))
    g_key_file_remove_key (file, group, key, NULL);
}

void
fd_keyfile_set_string (GKeyFile *file, const char *group, const char *key, const char *value,
                       const char *fallback)
{
  g_autofree char *old = g_key_file_get_string (file, group, key, NULL);

  if (!value || !*value)
    remove_key (file, group, key);
  else if (old ? !g_str_equal (old, value) : g_strcmp0 (value, fallback) != 0)
    g_key_file_set_string (file, group, key, value);
}

void
fd_keyfile_set_list (GKeyFile *file, const char *group, const char *key, const char *const *value)
{
  g_auto (GStrv) old = g_key_file_get_string_list (file, group, key, NULL, NULL);

  if (!value || !*value)
    remove_key (file, group, key);
  else if (!old || !g_strv_equal ((const char *const *) old, value))
    g_key_file_set_string_list (file, group, key, value, g_strv_length ((char **) value));
}

void
fd_keyfile_set_boolean (GKeyFile *file, const char *group, const char *key, gboolean value, gboolean fallback)
{
  g_autoptr (GError) missing = NULL;
  gboolean old = g_key_file_get_boolean (file, group, key, &missing);

  if (missing ? !value != !fallback : !value != !old)
    g_key_file_set_boolean (file, group, key, value);
}

void
fd_keyfile_set_uint (GKeyFile *file, const char *group, const char *key, guint64 value, guint64 fallback)
{
  g_autoptr (GError) missing = NULL;
  guint64 old = g_key_file_get_uint64 (file, group, key, &missing);

  if (missing ? value != fallback : value != old)
    g_key_file_set_uint64 (file, group, key, value);
}

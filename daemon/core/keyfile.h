/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configuration files: GKeyFiles that keep the comments people wrote in them,
 * have no passwords, and are replaced atomically.
 */
#pragma once

#include <glib.h>

/* Reads @path; a missing file is an empty one. INVALID_OPTION if it is no key
 * file, holds a password or has a value of a key twice; keys of @group that are
 * not in @known are warned of. */
GKeyFile *fd_keyfile_load (const char *path, const char *group, const char *const *known, GError **error);

/* Writes it with mode 0600, making the directory (0700). NO_SPACE,
 * ACCESS_DENIED, WRITE_FAILED. */
gboolean fd_keyfile_save (GKeyFile *file, const char *path, GError **error);

/* The getters leave @value alone if the key is missing. INVALID_OPTION with
 * group and key if the text is not of that type. Strings and lists replace what
 * @value owned; an empty string counts as missing. */
gboolean fd_keyfile_get_string (GKeyFile *file, const char *group, const char *key, char **value,
                                GError **error);
gboolean fd_keyfile_get_list (GKeyFile *file, const char *group, const char *key, char ***value,
                              GError **error);
gboolean fd_keyfile_get_boolean (GKeyFile *file, const char *group, const char *key, gboolean *value,
                                 GError **error);
gboolean fd_keyfile_get_uint (GKeyFile *file, const char *group, const char *key, guint64 min, guint64 max,
                              guint64 *value, GError **error);

/* The setters touch the file only if it says something else; a NULL or empty
 * @value removes the key, and one that equals @fallback is not written unless the
 * key is there. */
void fd_keyfile_set_string (GKeyFile *file, const char *group, const char *key, const char *value,
                            const char *fallback);
void fd_keyfile_set_list (GKeyFile *file, const char *group, const char *key, const char *const *value);
void fd_keyfile_set_boolean (GKeyFile *file, const char *group, const char *key, gboolean value,
                             gboolean fallback);
void fd_keyfile_set_uint (GKeyFile *file, const char *group, const char *key, guint64 value, guint64 fallback);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dictionaries of options into structs: one reader per type of value.
 */
#include "bus/options.h"

#include "base/error.h"
#include "jingle/jingle.h"

#include <string.h>

/* Bits of the keys seen; no table is that long. */
#define MAX_OPTIONS 32

static const struct
{
  FdPath path;
  const char *name;
} path_names[] = {
  { FD_PATH_SOCKS5_DIRECT, "socks5-direct" },
  { FD_PATH_SOCKS5_PROXY, "socks5-proxy" },
  { FD_PATH_IBB, "ibb" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (path_names) == FD_N_PATHS);

const char *
fd_path_name (guint path)
{
  for (guint i = 0; i < G_N_ELEMENTS (path_names); i++)
    if (path_names[i].path == path)
      return path_names[i].name;
  return "";
}

void
fd_path_names (guint paths, const char *ret_names[FD_N_PATHS + 1])
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (path_names); i++)
    if (paths & path_names[i].path)
      ret_names[n++] = path_names[i].name;
  ret_names[n] = NULL;
}

/* --- readers: r < 0 is a broken message; FALSE in @ret_valid a bad value --- */

typedef int (*Reader) (sd_bus_message *message, const FdOption *option, gpointer field, gboolean *ret_valid);

static int
read_string (sd_bus_message *message, const FdOption *option, gpointer field, gboolean *ret_valid)
{
  char **string = field;
  const char *value;
  int r = sd_bus_message_read_basic (message, 's', &value);

  if (r < 0)
    return r;
  g_free (*string);
  *string = *value ? g_strdup (value) : NULL;
  return r;
}

static int
read_strv (sd_bus_message *message, const FdOption *option, gpointer field, gboolean *ret_valid)
{
  char **strv;
  int r = fd_sd_read_strv (message, &strv);

  if (r < 0)
    return r;
  g_strfreev (*(char ***) field);
  *(char ***) field = strv;
  return r;
}

static FdPath
path_by_name (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (path_names); i++)
    if (g_str_equal (path_names[i].name, name))
      return path_names[i].path;
  return FD_PATH_NONE;
}

static int
read_paths (sd_bus_message *message, const FdOption *option, gpointer field, gboolean *ret_valid)
{
  guint paths = FD_PATH_NONE;
  const char *name;
  int r = sd_bus_message_enter_container (message, 'a', "s");

  while (r >= 0 && (r = sd_bus_message_read_basic (message, 's', &name)) > 0)
    {
      FdPath path = path_by_name (name);

      *ret_valid = *ret_valid && path != FD_PATH_NONE;
      paths |= path;
    }
  if (r >= 0)
    r = sd_bus_message_exit_container (message);
  if (r >= 0)
    *(FdPath *) field = paths == FD_PATH_NONE ? FD_PATH_ANY : paths;
  return r;
}

static int
read_choice (sd_bus_message *message, const FdOption *option, gpointer field, gboolean *ret_valid)
{
  const char *value;
  int r = sd_bus_message_read_basic (message, 's', &value);

  if (r < 0)
    return r;
  for (int i = 0; option->choices[i]; i++)
    if (g_str_equal (option->choices[i], value))
      {
        *(int *) field = i;
        return r;
      }
  *ret_valid = FALSE;
  return r;
}

static const struct
{
  const char *signature;
  Reader read; /* NULL: a basic type, just as it is */
} types[] = {
  [FD_OPTION_TEXT] = { "s", NULL },         [FD_OPTION_STRING] = { "s", read_string },
  [FD_OPTION_STRV] = { "as", read_strv },   [FD_OPTION_BOOL] = { "b", NULL },
  [FD_OPTION_UINT] = { "u", NULL },         [FD_OPTION_UINT16] = { "q", NULL },
  [FD_OPTION_INT64] = { "x", NULL },        [FD_OPTION_UINT64] = { "t", NULL },
  [FD_OPTION_PATHS] = { "as", read_paths }, [FD_OPTION_CHOICE] = { "s", read_choice },
};

/* --- errors --- */

static void
set_unknown (const char *key, const FdOption *options, guint n_options, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = 0; i < n_options; i++)
    g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", options[i].key);
  g_set_error (error, FD_ERROR, FD_ERROR_UNKNOWN_OPTION, "There is no option '%s' here; known: %s", key,
               n_options > 0 ? known->str : "none");
}

static void
set_bad_value (const FdOption *option, GError **error)
{
  g_autofree char *choices = NULL;

  if (option->type == FD_OPTION_PATHS)
    choices = g_strdup ("socks5-direct, socks5-proxy, ibb");
  else
    choices = g_strjoinv (", ", (char **) (option->choices + (*option->choices[0] ? 0 : 1)));
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION, "Option '%s' must be of: %s", option->key, choices);
}

gboolean
fd_option_check_length (const char *key, gsize length, GError **error)
{
  if (length <= FD_OPTION_MAX_TEXT)
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION, "Option '%s' is longer than %d bytes", key,
               FD_OPTION_MAX_TEXT);
  return FALSE;
}

static gsize
length_of (const FdOption *option, gconstpointer field)
{
  gsize length = 0;

  if (option->type == FD_OPTION_TEXT || option->type == FD_OPTION_STRING)
    return *(const char *const *) field ? strlen (*(const char *const *) field) : 0;
  if (option->type == FD_OPTION_STRV)
    for (char **text = *(char **const *) field; *text; text++)
      length += strlen (*text) + 1;
  return length;
}

/* --- the dictionary --- */

const char *
fd_option_signature (const FdOption *option)
{
  return types[option->type].signature;
}

gboolean
fd_option_read (sd_bus_message *message, const FdOption *option, gpointer target, GError **error)
{
  gpointer field = (guint8 *) target + option->offset;
  Reader read = types[option->type].read;
  gboolean valid = TRUE;
  int r = read ? read (message, option, field, &valid)
               : sd_bus_message_read_basic (message, *fd_option_signature (option), field);

  if (!fd_sd_check (r, error))
    return FALSE;
  if (!valid)
    set_bad_value (option, error);
  return valid && fd_option_check_length (option->key, length_of (option, field), error);
}

static gboolean
read_value (sd_bus_message *message, const FdOption *option, gpointer target, GError **error)
{
  const char *expected = fd_option_signature (option);
  const char *contents;
  int r = sd_bus_message_peek_type (message, NULL, &contents);

  if (r >= 0 && !g_str_equal (contents, expected))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION, "Option '%s' must have the type %s, not %s",
                   option->key, expected, contents);
      return FALSE;
    }

  if (r >= 0)
    r = sd_bus_message_enter_container (message, 'v', expected);
  return fd_sd_check (r, error) && fd_option_read (message, option, target, error)
         && fd_sd_check (sd_bus_message_exit_container (message), error);
}

static gboolean
read_entry (sd_bus_message *message, const FdOption *options, guint n_options, guint32 *seen, gpointer target,
            GError **error)
{
  const char *key;
  guint i = 0;

  if (!fd_sd_check (sd_bus_message_read_basic (message, 's', &key), error))
    return FALSE;
  while (i < n_options && !g_str_equal (options[i].key, key))
    i++;
  if (i == n_options)
    {
      set_unknown (key, options, n_options, error);
      return FALSE;
    }
  if (*seen & (1u << i))
    {
      g_set_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION, "Option '%s' is there twice", key);
      return FALSE;
    }
  *seen |= 1u << i;
  return read_value (message, &options[i], target, error);
}

gboolean
fd_options_read (sd_bus_message *message, const FdOption *options, guint n_options, gpointer target,
                 GError **error)
{
  guint32 seen = 0;
  int r = sd_bus_message_enter_container (message, 'a', "{sv}");

  g_return_val_if_fail (n_options <= MAX_OPTIONS, FALSE);

  while (r >= 0 && (r = sd_bus_message_enter_container (message, 'e', "sv")) > 0)
    {
      if (!read_entry (message, options, n_options, &seen, target, error))
        return FALSE;
      r = sd_bus_message_exit_container (message);
    }
  if (r >= 0)
    r = sd_bus_message_exit_container (message);
  return fd_sd_check (r, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * D-Bus values as JSON (RFC 8259), one line.
 */
#include "json.h"

#include <math.h>

static void
append_string (GString *json, const char *string)
{
  g_string_append_c (json, '"');
  for (const char *p = string; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '"' || c == '\\')
        g_string_append_printf (json, "\\%c", (char) c);
      else if (c == '\n')
        g_string_append (json, "\\n");
      else if (c == '\t')
        g_string_append (json, "\\t");
      /* Also what JSON allows and terminals obey: controls and the direction of text */
      else if (c <= 0xffff && (g_unichar_iscntrl (c) || g_unichar_type (c) == G_UNICODE_FORMAT))
        g_string_append_printf (json, "\\u%04x", c);
      else
        g_string_append_unichar (json, c);
    }
  g_string_append_c (json, '"');
}

static void
append_children (GString *json, GVariant *value, const char *open, const char *separator, const char *close)
{
  gsize n = g_variant_n_children (value);

  g_string_append (json, open);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      if (i > 0)
        g_string_append (json, separator);
      ctl_json_append (json, child);
    }
  g_string_append (json, close);
}

static void
append_double (GString *json, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (json, isfinite (number) ? g_ascii_dtostr (text, sizeof text, number) : "null");
}

/* @type of a dictionary entry, "{sv}" for instance: may it stand in an object? */
static gboolean
has_string_key (const char *type)
{
  return type[0] == '{' && strchr ("sog", type[1]);
}

void
ctl_json_append (GString *json, GVariant *value)
{
  const char *type = g_variant_get_type_string (value);
  g_autoptr (GVariant) child = NULL;
  g_autofree char *number = NULL;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      append_string (json, g_variant_get_string (value, NULL));
      break;
    case G_VARIANT_CLASS_DOUBLE:
      append_double (json, g_variant_get_double (value));
      break;
    case G_VARIANT_CLASS_VARIANT:
      child = g_variant_get_variant (value);
      ctl_json_append (json, child);
      break;
    case G_VARIANT_CLASS_ARRAY:
      if (has_string_key (type + 1))
        append_children (json, value, "{", ",", "}");
      else
        append_children (json, value, "[", ",", "]");
      break;
    case G_VARIANT_CLASS_DICT_ENTRY:
      if (has_string_key (type))
        append_children (json, value, "", ":", "");
      else
        append_children (json, value, "[", ",", "]");
      break;
    case G_VARIANT_CLASS_TUPLE:
      append_children (json, value, "[", ",", "]");
      break;
    case G_VARIANT_CLASS_BYTE:
      g_string_append_printf (json, "%u", g_variant_get_byte (value));
      break;
    default: /* true, false and integers look the same */
      number = g_variant_print (value, FALSE);
      g_string_append (json, number);
      break;
    }
}

GVariant *
ctl_json_prepend (GVariant *dict, const char *key, GVariant *value)
{
  GVariantBuilder builder;
  GVariantIter iter;
  GVariant *entry;
  const char *name;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", key, value);
  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &entry))
    if (!g_str_equal (name, key))
      g_variant_builder_add (&builder, "{sv}", name, entry);
  return g_variant_builder_end (&builder);
}

void
ctl_json_print (FILE *out, GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autoptr (GString) json = g_string_new (NULL);

  ctl_json_append (json, owned);
  fprintf (out, "%s\n", json->str);
  fflush (out);
}

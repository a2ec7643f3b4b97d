/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between sd-bus messages and GVariant, by recursion over the type.
 */
#include "value.h"

#include <errno.h>

void
ctl_value_insert_string (GVariantDict *dict, const char *key, const char *value)
{
  if (value)
    g_variant_dict_insert (dict, key, "s", value);
}

void
ctl_value_insert_strings (GVariantDict *dict, const char *key, char **values)
{
  if (values)
    g_variant_dict_insert (dict, key, "^as", values);
}

const char *
ctl_value_lookup_string (GVariant *dict, const char *key)
{
  const char *value = "";

  g_variant_lookup (dict, key, "&s", &value);
  return value;
}

gboolean
ctl_value_lookup_boolean (GVariant *dict, const char *key)
{
  gboolean value = FALSE;

  g_variant_lookup (dict, key, "b", &value);
  return value;
}

char *
ctl_value_lookup_list (GVariant *dict, const char *key)
{
  g_autofree const char **values = NULL;

  return g_variant_lookup (dict, key, "^a&s", &values) ? g_strjoinv (", ", (char **) values) : g_strdup ("");
}

static int append_value (sd_bus_message *message, GVariant *value);

static int
append_container (sd_bus_message *message, GVariant *value, char type, const char *contents)
{
  gsize n = g_variant_n_children (value);
  int r;

  r = sd_bus_message_open_container (message, type, contents);
  for (gsize i = 0; r >= 0 && i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      r = append_value (message, child);
    }
  return r < 0 ? r : sd_bus_message_close_container (message);
}

/* "(ss)" and "{sv}" without their brackets. */
static char *
inner_type (GVariant *value)
{
  const char *type = g_variant_get_type_string (value);

  return g_strndup (type + 1, strlen (type) - 2);
}

static int
append_value (sd_bus_message *message, GVariant *value)
{
  g_autoptr (GVariant) child = NULL;
  g_autofree char *inner = NULL;
  GVariantClass class = g_variant_classify (value);

  switch (class)
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return sd_bus_message_append (message, "b", g_variant_get_boolean (value));
    case G_VARIANT_CLASS_UINT16:
      return sd_bus_message_append (message, "q", g_variant_get_uint16 (value));
    case G_VARIANT_CLASS_UINT32:
      return sd_bus_message_append (message, "u", g_variant_get_uint32 (value));
    case G_VARIANT_CLASS_INT64:
      return sd_bus_message_append (message, "x", g_variant_get_int64 (value));
    case G_VARIANT_CLASS_UINT64:
      return sd_bus_message_append (message, "t", g_variant_get_uint64 (value));
    case G_VARIANT_CLASS_HANDLE:
      return sd_bus_message_append (message, "h", g_variant_get_handle (value));
    case G_VARIANT_CLASS_STRING:
      return sd_bus_message_append (message, "s", g_variant_get_string (value, NULL));
    case G_VARIANT_CLASS_VARIANT:
      child = g_variant_get_variant (value);
      return append_container (message, value, SD_BUS_TYPE_VARIANT, g_variant_get_type_string (child));
    case G_VARIANT_CLASS_ARRAY:
      return append_container (message, value, SD_BUS_TYPE_ARRAY, g_variant_get_type_string (value) + 1);
    case G_VARIANT_CLASS_DICT_ENTRY:
      inner = inner_type (value);
      return append_container (message, value, SD_BUS_TYPE_DICT_ENTRY, inner);
    default: /* nothing else is in the arguments of the contract */
      return -EOPNOTSUPP;
    }
}

int
ctl_value_append_body (sd_bus_message *message, GVariant *body)
{
  gsize n = g_variant_n_children (body);
  int r = 0;

  for (gsize i = 0; r >= 0 && i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (body, i);

      r = append_value (message, child);
    }
  return r;
}

static int
read_basic (sd_bus_message *message, char type, GVariant **ret_value)
{
  union
  {
    guint8 y;
    int b;
    gint16 n;
    guint16 q;
    gint32 i;
    guint32 u;
    gint64 x;
    guint64 t;
    double d;
    const char *s;
  } data;
  int r;

  if (type == SD_BUS_TYPE_UNIX_FD)
    return -EOPNOTSUPP;
  r = sd_bus_message_read_basic (message, type, &data);
  if (r < 0)
    return r;

  switch (type)
    {
    case SD_BUS_TYPE_BYTE:
      *ret_value = g_variant_new_byte (data.y);
      break;
    case SD_BUS_TYPE_BOOLEAN:
      *ret_value = g_variant_new_boolean (data.b);
      break;
    case SD_BUS_TYPE_INT16:
      *ret_value = g_variant_new_int16 (data.n);
      break;
    case SD_BUS_TYPE_UINT16:
      *ret_value = g_variant_new_uint16 (data.q);
      break;
    case SD_BUS_TYPE_INT32:
      *ret_value = g_variant_new_int32 (data.i);
      break;
    case SD_BUS_TYPE_UINT32:
      *ret_value = g_variant_new_uint32 (data.u);
      break;
    case SD_BUS_TYPE_INT64:
      *ret_value = g_variant_new_int64 (data.x);
      break;
    case SD_BUS_TYPE_UINT64:
      *ret_value = g_variant_new_uint64 (data.t);
      break;
    case SD_BUS_TYPE_DOUBLE:
      *ret_value = g_variant_new_double (data.d);
      break;
    case SD_BUS_TYPE_OBJECT_PATH:
      *ret_value = g_variant_new_object_path (data.s);
      break;
    case SD_BUS_TYPE_SIGNATURE:
      *ret_value = g_variant_new_signature (data.s);
      break;
    default:
      *ret_value = g_variant_new_string (data.s);
      break;
    }
  return 0;
}

static int read_value (sd_bus_message *message, GVariant **ret_value);

/* The rest of the container that was entered, or of the message. */
static int
read_rest (sd_bus_message *message, GVariantBuilder *builder)
{
  int r;

  while ((r = sd_bus_message_at_end (message, FALSE)) == 0)
    {
      GVariant *child;

      r = read_value (message, &child);
      if (r < 0)
        return r;
      g_variant_builder_add_value (builder, child);
    }
  return r;
}

static char *
container_type (char type, const char *contents)
{
  switch (type)
    {
    case SD_BUS_TYPE_ARRAY:
      return g_strconcat ("a", contents, NULL);
    case SD_BUS_TYPE_STRUCT:
      return g_strconcat ("(", contents, ")", NULL);
    case SD_BUS_TYPE_DICT_ENTRY:
      return g_strconcat ("{", contents, "}", NULL);
    default:
      return g_strdup ("v");
    }
}

static int
read_container (sd_bus_message *message, char type, const char *contents, GVariant **ret_value)
{
  g_autofree char *variant_type = container_type (type, contents);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE (variant_type));
  int r;

  r = sd_bus_message_enter_container (message, type, contents);
  if (r < 0)
    return r;
  r = read_rest (message, &builder);
  if (r < 0)
    return r;
  r = sd_bus_message_exit_container (message);
  if (r < 0)
    return r;
  *ret_value = g_variant_builder_end (&builder);
  return 0;
}

static int
read_value (sd_bus_message *message, GVariant **ret_value)
{
  const char *contents;
  char type;
  int r;

  r = sd_bus_message_peek_type (message, &type, &contents);
  if (r < 0)
    return r;
  return contents ? read_container (message, type, contents, ret_value)
                  : read_basic (message, type, ret_value);
}

int
ctl_value_read_body (sd_bus_message *message, GVariant **ret_body)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_TUPLE);
  int r;

  r = read_rest (message, &builder);
  if (r < 0)
    return r;
  *ret_body = g_variant_ref_sink (g_variant_builder_end (&builder));
  return 0;
}

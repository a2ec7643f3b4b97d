/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of a D-Bus object as those of a GObject. The values are kept as
 * they came, so that a property costs one line in a table.
 */
#include "fardel-private.h"

void
fardel_values_init (FardelValues *values, const FardelField *fields, GParamSpec **pspecs, guint n)
{
  values->fields = fields;
  values->pspecs = pspecs;
  values->n = n;
  values->values = g_new0 (GVariant *, n);
}

void
fardel_values_clear (FardelValues *values)
{
  for (guint i = 0; i < values->n; i++)
    g_clear_pointer (&values->values[i], g_variant_unref);
  g_clear_pointer (&values->values, g_free);
}

static void
notify (FardelValues *values, GObject *object, guint id)
{
  if (values->pspecs[id])
    g_object_notify_by_pspec (object, values->pspecs[id]);
  if (values->fields[id].derived)
    g_object_notify_by_pspec (object, values->pspecs[values->fields[id].derived]);
}

void
fardel_values_update (FardelValues *values, GObject *object, GVariant *changed)
{
  g_object_freeze_notify (object);
  for (guint i = 1; i < values->n; i++)
    {
      const FardelField *field = &values->fields[i];
      g_autoptr (GVariant) value = NULL;

      if (!field->name)
        continue;
      if (changed)
        value = g_variant_lookup_value (changed, field->name, G_VARIANT_TYPE (field->type));
      /* What did not change keeps its strings where they are: callers hold pointers to them. */
      if (changed ? !value || (values->values[i] && g_variant_equal (values->values[i], value))
                  : !values->values[i])
        continue;
      g_clear_pointer (&values->values[i], g_variant_unref);
      values->values[i] = g_steal_pointer (&value);
      notify (values, object, i);
    }
  g_object_thaw_notify (object);
}

const char *
fardel_values_string (const FardelValues *values, guint id)
{
  return values->values[id] ? g_variant_get_string (values->values[id], NULL) : "";
}

guint
fardel_values_uint (const FardelValues *values, guint id)
{
  return values->values[id] ? g_variant_get_uint32 (values->values[id]) : 0;
}

guint64
fardel_values_uint64 (const FardelValues *values, guint id)
{
  return values->values[id] ? g_variant_get_uint64 (values->values[id]) : 0;
}

gint64
fardel_values_int64 (const FardelValues *values, guint id, gint64 absent)
{
  return values->values[id] ? g_variant_get_int64 (values->values[id]) : absent;
}

gboolean
fardel_values_boolean (const FardelValues *values, guint id)
{
  return values->values[id] && g_variant_get_boolean (values->values[id]);
}

int
fardel_enum_from_nick (GType type, const char *nick)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (type);
  GEnumValue *value = g_enum_get_value_by_nick ((GEnumClass *) class, nick);

  return value ? value->value : 0;
}

static void
get_date_time (const FardelValues *values, guint id, GValue *result)
{
  GVariant *value = values->values[id];
  gint64 time = -1;

  if (value && g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    time = g_variant_get_int64 (value);
  else if (value && g_variant_get_uint64 (value) > 0)
    time = MIN (g_variant_get_uint64 (value), G_MAXINT64);
  if (time >= 0)
    {
      g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);

      if (seconds)
        g_value_take_boxed (result, g_date_time_add (seconds, time % G_USEC_PER_SEC));
    }
}

void
fardel_values_get (const FardelValues *values, guint id, GValue *result)
{
  GType type = G_VALUE_TYPE (result);

  if (type == G_TYPE_STRING)
    g_value_set_string (result, fardel_values_string (values, id));
  else if (type == G_TYPE_BOOLEAN)
    g_value_set_boolean (result, fardel_values_boolean (values, id));
  else if (type == G_TYPE_UINT)
    g_value_set_uint (result, fardel_values_uint (values, id));
  else if (type == G_TYPE_UINT64)
    g_value_set_uint64 (result, fardel_values_uint64 (values, id));
  else if (type == G_TYPE_INT64)
    g_value_set_int64 (result, fardel_values_int64 (values, id, -1));
  else if (type == G_TYPE_DOUBLE)
    g_value_set_double (result, values->values[id] ? g_variant_get_double (values->values[id]) : -1);
  else if (type == G_TYPE_VARIANT)
    g_value_set_variant (result, values->values[id]);
  else if (type == G_TYPE_STRV)
    g_value_take_boxed (result, values->values[id] ? g_variant_dup_strv (values->values[id], NULL)
                                                   : g_new0 (char *, 1));
  else if (type == G_TYPE_DATE_TIME)
    get_date_time (values, id, result);
  else if (G_TYPE_IS_ENUM (type))
    g_value_set_enum (result, fardel_enum_from_nick (type, fardel_values_string (values, id)));
  else
    g_assert_not_reached ();
}

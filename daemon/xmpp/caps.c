/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * disco#info answers and entity capabilities (XEP-0030, XEP-0115 §5).
 */
#include "xmpp/caps.h"

#include "base/error.h"

#include <string.h>

#define MAX_FEATURES 512 /* the richest clients have about 100 */
#define MAX_IDENTITIES 64 /* one per language */
#define MAX_FORMS 16
#define MAX_FORM_ITEMS 256 /* fields of a form, values of a field */
#define MAX_SOFTWARE 128 /* bytes of a name, a version or a type; what is longer is none */
#define MAX_CACHED 512 /* client versions seen; the cache starts anew beyond */

#define NS_DATA_FORM "jabber:x:data"
#define FORM_SOFTWARE "urn:xmpp:dataforms:softwareinfo"

typedef struct
{
  FdDisco value;
  gatomicrefcount refs;
} Counted;

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Sorts borrowed strings; FALSE if one occurs twice. */
static gboolean
sort_unique (GPtrArray *strings)
{
  g_ptr_array_sort (strings, compare_strings);
  for (guint i = 1; i < strings->len; i++)
    {
      if (g_str_equal (strings->pdata[i - 1], strings->pdata[i]))
        return FALSE;
    }
  return TRUE;
}

/* Sorted copies, NULL-terminated; NULL if there are too many. */
static char **
parse_features (xmpp_stanza_t *query)
{
  g_autoptr (GPtrArray) features = g_ptr_array_new ();
  GPtrArray *copies;

  FD_XML_FOREACH (child, query)
    {
      const char *var = fd_xml_attr (child, "var");

      if (!fd_xml_is (child, "feature", NULL) || !var)
        continue;
      if (features->len == MAX_FEATURES)
        return NULL;
      g_ptr_array_add (features, (gpointer) var);
    }
  g_ptr_array_sort (features, compare_strings);

  copies = g_ptr_array_new ();
  for (guint i = 0; i < features->len; i++)
    {
      if (i == 0 || !g_str_equal (features->pdata[i - 1], features->pdata[i]))
        g_ptr_array_add (copies, g_strdup (features->pdata[i]));
    }
  g_ptr_array_add (copies, NULL);
  return (char **) g_ptr_array_free (copies, FALSE);
}

/* The first value of a field, "" if there is none of a sensible length. */
static char *
form_value (xmpp_stanza_t *form, const char *var)
{
  FD_XML_FOREACH (field, form)
    {
      g_autofree char *value = NULL;

      if (!fd_xml_is (field, "field", NULL) || g_strcmp0 (fd_xml_attr (field, "var"), var) != 0)
        continue;
      value = fd_xml_child_text (field, "value");
      if (value && strlen (value) <= MAX_SOFTWARE)
        return g_steal_pointer (&value);
    }
  return g_strdup ("");
}

static char *
parse_client_type (xmpp_stanza_t *query)
{
  FD_XML_FOREACH (child, query)
    {
      const char *type = fd_xml_attr (child, "type");

      if (fd_xml_is (child, "identity", NULL) && g_strcmp0 (fd_xml_attr (child, "category"), "client") == 0
          && type && strlen (type) <= MAX_SOFTWARE)
        return g_strdup (type);
    }
  return g_strdup ("");
}

static void
parse_software (FdDisco *disco, xmpp_stanza_t *query)
{
  xmpp_stanza_t *identity = fd_xml_child (query, "identity", NULL);
  const char *name = identity ? fd_xml_attr (identity, "name") : NULL;

  FD_XML_FOREACH (form, query)
    {
      g_autofree char *type = fd_xml_is (form, "x", NS_DATA_FORM) ? form_value (form, "FORM_TYPE") : NULL;

      if (g_strcmp0 (type, FORM_SOFTWARE) != 0)
        continue;
      disco->software = form_value (form, "software");
      disco->software_version = form_value (form, "software_version");
      return;
    }
  disco->software = g_strdup (name && strlen (name) <= MAX_SOFTWARE ? name : "");
  disco->software_version = g_strdup ("");
}

FdDisco *
fd_disco_parse (xmpp_stanza_t *query, GError **error)
{
  char **features = parse_features (query);
  Counted *counted;

  if (!features)
    {
      g_set_error (error, FD_ERROR, FD_ERROR_PROTOCOL, "More than %d features in a disco#info answer",
                   MAX_FEATURES);
      return NULL;
    }
  counted = g_new0 (Counted, 1);
  g_atomic_ref_count_init (&counted->refs);
  counted->value.features = features;
  counted->value.client_type = parse_client_type (query);
  parse_software (&counted->value, query);
  return &counted->value;
}

FdDisco *
fd_disco_ref (FdDisco *disco)
{
  g_atomic_ref_count_inc (&((Counted *) disco)->refs);
  return disco;
}

void
fd_disco_unref (FdDisco *disco)
{
  Counted *counted = (Counted *) disco;

  if (!disco || !g_atomic_ref_count_dec (&counted->refs))
    return;
  g_strfreev (disco->features);
  g_free (disco->software);
  g_free (disco->software_version);
  g_free (disco->client_type);
  g_free (counted);
}

gboolean
fd_disco_has (const FdDisco *disco, const char *feature)
{
  return g_strv_contains ((const char *const *) disco->features, feature);
}

/* '<' separates the parts of the string, so inside one it would let different
 * answers have the same hash (XEP-0115 §9). */
static gboolean
is_safe (const char *text)
{
  return !strchr (text, '<');
}

/* Identities sort by category, type and language, not by the joined text. */
static int
compare_identities (gconstpointer a, gconstpointer b)
{
  xmpp_stanza_t *const *one = a, *const *two = b;
  static const char *const keys[] = { "category", "type", "lang", "name" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      int order = g_strcmp0 (fd_xml_attr (*one, keys[i]), fd_xml_attr (*two, keys[i]));

      if (order != 0)
        return order;
    }
  return 0;
}

static gboolean
append_identities (GString *text, xmpp_stanza_t *query)
{
  g_autoptr (GPtrArray) identities = g_ptr_array_new ();

  FD_XML_FOREACH (child, query)
    {
      if (fd_xml_is (child, "identity", NULL))
        g_ptr_array_add (identities, child);
    }
  if (identities->len > MAX_IDENTITIES)
    return FALSE;
  g_ptr_array_sort (identities, compare_identities);

  for (guint i = 0; i < identities->len; i++)
    {
      const char *category = fd_xml_attr (identities->pdata[i], "category");
      const char *type = fd_xml_attr (identities->pdata[i], "type");
      const char *lang = fd_xml_attr (identities->pdata[i], "lang");
      const char *name = fd_xml_attr (identities->pdata[i], "name");
      g_autofree char *joined = g_strdup_printf ("%s/%s/%s/%s", category ? category : "", type ? type : "",
                                                 lang ? lang : "", name ? name : "");

      if (!is_safe (joined)
          || (i > 0 && compare_identities (&identities->pdata[i - 1], &identities->pdata[i]) == 0))
        return FALSE;
      g_string_append_printf (text, "%s<", joined);
    }
  return TRUE;
}

/* Appends borrowed strings in order; FALSE if they are not a set of safe ones. */
static gboolean
append_sorted (GString *text, GPtrArray *strings, gboolean may_repeat)
{
  if (!sort_unique (strings) && !may_repeat)
    return FALSE;
  for (guint i = 0; i < strings->len; i++)
    {
      if (!is_safe (strings->pdata[i]))
        return FALSE;
      g_string_append_printf (text, "%s<", (const char *) strings->pdata[i]);
    }
  return TRUE;
}

static gboolean
append_features (GString *text, xmpp_stanza_t *query)
{
  g_autoptr (GPtrArray) features = g_ptr_array_new ();

  FD_XML_FOREACH (child, query)
    {
      if (!fd_xml_is (child, "feature", NULL))
        continue;
      if (!fd_xml_attr (child, "var") || features->len == MAX_FEATURES)
        return FALSE;
      g_ptr_array_add (features, (gpointer) fd_xml_attr (child, "var"));
    }
  return append_sorted (text, features, FALSE);
}

static GPtrArray *
field_values (xmpp_stanza_t *field)
{
  GPtrArray *values = g_ptr_array_new_with_free_func (g_free);

  FD_XML_FOREACH (child, field)
    {
      if (fd_xml_is (child, "value", NULL) && values->len < MAX_FORM_ITEMS)
        g_ptr_array_add (values, fd_xml_text (child));
    }
  return values;
}

static int
compare_fields (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (fd_xml_attr (*(xmpp_stanza_t *const *) a, "var"),
                    fd_xml_attr (*(xmpp_stanza_t *const *) b, "var"));
}

/* One form as it goes into the string. *@ret is NULL if the form is to be
 * ignored (no hidden FORM_TYPE); FALSE if the answer is ill-formed. */
static gboolean
form_to_text (xmpp_stanza_t *form, char **ret)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) fields = g_ptr_array_new ();
  gboolean has_type = FALSE;

  FD_XML_FOREACH (field, form)
    {
      const char *var = fd_xml_is (field, "field", NULL) ? fd_xml_attr (field, "var") : NULL;
      g_autoptr (GPtrArray) values = NULL;

      if (!var || fields->len == MAX_FORM_ITEMS)
        continue;
      if (!g_str_equal (var, "FORM_TYPE"))
        {
          g_ptr_array_add (fields, field);
          continue;
        }
      values = field_values (field);
      if (has_type || values->len != 1 || !is_safe (values->pdata[0]))
        return FALSE;
      has_type = g_strcmp0 (fd_xml_attr (field, "type"), "hidden") == 0;
      g_string_append_printf (text, "%s<", (const char *) values->pdata[0]);
    }
  if (!has_type)
    {
      *ret = NULL;
      return TRUE;
    }

  g_ptr_array_sort (fields, compare_fields);
  for (guint i = 0; i < fields->len; i++)
    {
      const char *var = fd_xml_attr (fields->pdata[i], "var");
      g_autoptr (GPtrArray) values = field_values (fields->pdata[i]);

      if (!is_safe (var))
        return FALSE;
      g_string_append_printf (text, "%s<", var);
      if (!append_sorted (text, values, TRUE))
        return FALSE;
    }
  *ret = g_string_free (g_steal_pointer (&text), FALSE);
  return TRUE;
}

/* By type alone: the text up to the first separator. */
static int
compare_forms (gconstpointer a, gconstpointer b)
{
  const char *one = *(const char *const *) a, *two = *(const char *const *) b;
  gsize length_one = strcspn (one, "<"), length_two = strcspn (two, "<");
  int order = strncmp (one, two, MIN (length_one, length_two));

  return order != 0 ? order : (length_one > length_two) - (length_one < length_two);
}

static gboolean
append_forms (GString *text, xmpp_stanza_t *query)
{
  g_autoptr (GPtrArray) forms = g_ptr_array_new_with_free_func (g_free);

  FD_XML_FOREACH (child, query)
    {
      char *form = NULL;

      if (!fd_xml_is (child, "x", NS_DATA_FORM))
        continue;
      if (forms->len == MAX_FORMS || !form_to_text (child, &form))
        return FALSE;
      if (form)
        g_ptr_array_add (forms, form);
    }

  g_ptr_array_sort (forms, compare_forms);
  for (guint i = 0; i < forms->len; i++)
    {
      if (i > 0 && compare_forms (&forms->pdata[i - 1], &forms->pdata[i]) == 0)
        return FALSE;
      g_string_append (text, forms->pdata[i]);
    }
  return TRUE;
}

char *
fd_caps_ver (xmpp_stanza_t *query, const char *hash)
{
  static const struct
  {
    const char *name;
    GChecksumType type;
  } hashes[] = {
    { "sha-1", G_CHECKSUM_SHA1 },
    { "sha-256", G_CHECKSUM_SHA256 },
    { "sha-512", G_CHECKSUM_SHA512 },
  };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (hashes); i++)
    {
      g_autoptr (GChecksum) checksum = NULL;
      guint8 digest[64];
      gsize length = sizeof digest;

      if (!g_str_equal (hashes[i].name, hash))
        continue;
      if (!append_identities (text, query) || !append_features (text, query) || !append_forms (text, query))
        return NULL;
      checksum = g_checksum_new (hashes[i].type);
      g_checksum_update (checksum, (const guchar *) text->str, text->len);
      g_checksum_get_digest (checksum, digest, &length);
      return g_base64_encode (digest, length);
    }
  return NULL;
}

static GHashTable *
cache (void)
{
  static GHashTable *table;

  if (!table)
    table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) fd_disco_unref);
  return table;
}

FdDisco *
fd_caps_cache_lookup (const char *hash, const char *ver)
{
  g_autofree char *key = g_strconcat (hash, " ", ver, NULL);

  return g_hash_table_lookup (cache (), key);
}

void
fd_caps_cache_add (const char *hash, const char *ver, FdDisco *disco)
{
  if (g_hash_table_size (cache ()) >= MAX_CACHED)
    g_hash_table_remove_all (cache ());
  g_hash_table_insert (cache (), g_strconcat (hash, " ", ver, NULL), fd_disco_ref (disco));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One transfer in words.
 */
#include "transfer.h"

#include "text.h"

#include <string.h>

struct CtlTransfer
{
  char *path;
  GVariantDict *properties;
};

static const struct
{
  const char *state;
  CtlColor color;
  CtlExit exit;
} finals[] = {
  { "done", CTL_COLOR_GREEN, CTL_OK },
  { "rejected", CTL_COLOR_YELLOW, CTL_TRANSFER_REJECTED },
  { "cancelled", CTL_COLOR_YELLOW, CTL_TRANSFER_CANCELLED },
  { "failed", CTL_COLOR_RED, CTL_TRANSFER_FAILED },
};

CtlTransfer *
ctl_transfer_new (const char *path, GVariant *properties)
{
  CtlTransfer *transfer = g_new0 (CtlTransfer, 1);

  transfer->path = g_strdup (path);
  transfer->properties = g_variant_dict_new (properties);
  return transfer;
}

void
ctl_transfer_free (CtlTransfer *transfer)
{
  g_free (transfer->path);
  g_variant_dict_unref (transfer->properties);
  g_free (transfer);
}

void
ctl_transfer_update (CtlTransfer *transfer, GVariant *properties)
{
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    g_variant_dict_insert_value (transfer->properties, name, value);
}

const char *
ctl_transfer_get_path (CtlTransfer *transfer)
{
  return transfer->path;
}

const char *
ctl_transfer_get_string (CtlTransfer *transfer, const char *property)
{
  const char *value = "";

  g_variant_dict_lookup (transfer->properties, property, "&s", &value);
  return value;
}

guint64
ctl_transfer_get_uint (CtlTransfer *transfer, const char *property)
{
  guint64 value = 0;

  g_variant_dict_lookup (transfer->properties, property, "t", &value);
  return value;
}

gint64
ctl_transfer_get_int (CtlTransfer *transfer, const char *property)
{
  gint64 value = 0;

  g_variant_dict_lookup (transfer->properties, property, "x", &value);
  return value;
}

guint
ctl_transfer_get_id (CtlTransfer *transfer)
{
  guint32 id = 0;

  g_variant_dict_lookup (transfer->properties, "Id", "u", &id);
  return id;
}

gboolean
ctl_transfer_is_incoming (CtlTransfer *transfer)
{
  return g_str_equal (ctl_transfer_get_string (transfer, "Direction"), "incoming");
}

/* Index in finals[], or -1: a state that is not known is one that runs. */
static int
find_final (CtlTransfer *transfer)
{
  const char *state = ctl_transfer_get_string (transfer, "State");

  for (guint i = 0; i < G_N_ELEMENTS (finals); i++)
    if (g_str_equal (finals[i].state, state))
      return i;
  return -1;
}

gboolean
ctl_transfer_is_final (CtlTransfer *transfer)
{
  return find_final (transfer) >= 0;
}

gboolean
ctl_transfer_is_resumable (CtlTransfer *transfer)
{
  static const char *const states[] = { "failed", "cancelled", "interrupted", NULL };

  return !ctl_transfer_is_incoming (transfer)
         && g_strv_contains (states, ctl_transfer_get_string (transfer, "State"));
}

CtlExit
ctl_transfer_get_exit (CtlTransfer *transfer)
{
  int i = find_final (transfer);

  return i >= 0 ? finals[i].exit : CTL_OK;
}

/* "~/a.pdf" for people; scripts get the whole path. g_free(). */
static char *
show_path (const char *path, gboolean live)
{
  const char *home = g_get_home_dir ();
  gsize length = strlen (home);

  return live && length > 1 && strncmp (path, home, length) == 0 && path[length] == '/'
           ? g_strconcat ("~", path + length, NULL)
           : g_strdup (path);
}

/* What is worth knowing in this state, e.g. where the file is; g_free(). */
static char *
state_details (CtlTransfer *transfer, gboolean live)
{
  const char *state = ctl_transfer_get_string (transfer, "State");
  const char *message = ctl_transfer_get_string (transfer, "ErrorMessage");
  const char *transport = ctl_transfer_get_string (transfer, "Transport");
  g_autofree char *size = ctl_text_size (ctl_transfer_get_int (transfer, "Size"));

  if (*message)
    return g_strdup (message);
  if (g_str_equal (state, "done") && ctl_transfer_is_incoming (transfer))
    {
      g_autofree char *path = show_path (ctl_transfer_get_string (transfer, "LocalPath"), live);
      gboolean verified = g_str_equal (ctl_transfer_get_string (transfer, "Verified"), "ok");

      return g_strdup_printf ("%s%s%s%s", size, verified ? _ (", verified") : "", *path ? ", " : "", path);
    }
  return *transport ? g_strdup_printf ("%s, %s", size, transport) : g_strdup (size);
}

char *
ctl_transfer_state_line (CtlTransfer *transfer, FILE *out)
{
  g_autofree char *name = ctl_text_safe (ctl_transfer_get_string (transfer, "Name"));
  g_autofree char *peer = ctl_text_safe (ctl_transfer_get_string (transfer, "Peer"));
  g_autofree char *state = ctl_text_safe (ctl_text_state (ctl_transfer_get_string (transfer, "State")));
  gboolean live = ctl_is_live (out);
  g_autofree char *details = state_details (transfer, live);
  g_autofree char *safe_details = ctl_text_safe (details);
  int final = find_final (transfer);

  if (live)
    peer[strcspn (peer, "/")] = '\0';
  return g_strdup_printf ("%u  %s %s %s: %s%s%s, %s", ctl_transfer_get_id (transfer), name,
                          ctl_transfer_is_incoming (transfer) ? _ ("from") : _ ("to"), peer,
                          ctl_color (out, final >= 0 ? finals[final].color : CTL_COLOR_CYAN), state,
                          ctl_color_end (out), safe_details);
}

/* "45 %  1.2 MB  1.2 MB/s  0:32 left"; the parts that are known. */
char *
ctl_transfer_progress_line (CtlTransfer *transfer)
{
  guint64 transferred = ctl_transfer_get_uint (transfer, "Transferred");
  guint64 rate = ctl_transfer_get_uint (transfer, "Rate");
  gint64 remaining = ctl_transfer_get_int (transfer, "Remaining");
  g_autofree char *name = ctl_text_safe (ctl_transfer_get_string (transfer, "Name"));
  g_autofree char *percent = ctl_text_percent (transferred, ctl_transfer_get_int (transfer, "Size"));
  g_autofree char *done = ctl_text_size ((gint64) transferred);
  g_autofree char *per_second = ctl_text_size ((gint64) rate);
  g_autofree char *left
    = ctl_text_duration (remaining > 0 ? (remaining + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC : 0);
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "%u  %s  %s%s%s", ctl_transfer_get_id (transfer), name, percent,
                          *percent ? "  " : "", done);
  if (rate > 0)
    g_string_append_printf (line, "  %s/s", per_second);
  if (rate > 0 && remaining >= 0)
    g_string_append_printf (line, _ ("  %s left"), left);
  return g_string_free (line, FALSE);
}

/* What is to be said of one that is not active; g_free(). */
static char *
state_note (CtlTransfer *transfer)
{
  const char *state = ctl_transfer_get_string (transfer, "State");
  const char *message = ctl_transfer_get_string (transfer, "ErrorMessage");
  g_autofree char *size = ctl_text_size (ctl_transfer_get_int (transfer, "Size"));

  if (g_str_equal (state, "offered") && ctl_transfer_is_incoming (transfer))
    return g_strdup_printf (_ ("offered: fardelctl accept %u, %s"), ctl_transfer_get_id (transfer), size);
  state = ctl_text_state (state);
  return *message ? g_strdup_printf ("%s: %s", state, message) : g_strdup_printf ("%s, %s", state, size);
}

void
ctl_transfer_get_row (CtlTransfer *transfer, CtlRow *ret_row, GPtrArray *strings)
{
  gboolean incoming = ctl_transfer_is_incoming (transfer);
  gboolean active = g_str_equal (ctl_transfer_get_string (transfer, "State"), "active");
  char *name = ctl_text_safe (ctl_transfer_get_string (transfer, "Name"));
  char *peer = ctl_text_safe (ctl_transfer_get_string (transfer, "Peer"));
  g_autofree char *note = active ? NULL : state_note (transfer);
  char *safe_note = note ? ctl_text_safe (note) : NULL;

  peer[strcspn (peer, "/")] = '\0';
  g_ptr_array_add (strings, name);
  g_ptr_array_add (strings, peer);
  if (safe_note)
    g_ptr_array_add (strings, safe_note);
  *ret_row = (CtlRow){
    .id = ctl_transfer_get_id (transfer),
    .incoming = incoming,
    .name = name,
    .peer = peer,
    .note = safe_note,
    .color = incoming ? CTL_COLOR_YELLOW : CTL_COLOR_FAINT,
    .transferred = ctl_transfer_get_uint (transfer, "Transferred"),
    .size = ctl_transfer_get_int (transfer, "Size"),
    .rate = ctl_transfer_get_uint (transfer, "Rate"),
    .remaining = ctl_transfer_get_int (transfer, "Remaining"),
  };
}

typedef enum
{
  FORMAT_TEXT,
  FORMAT_BYTES, /* x or t */
  FORMAT_RATE,
  FORMAT_DURATION,
  FORMAT_TIME, /* µs since the epoch, x or t */
  FORMAT_HASHES,
} Format;

static const struct
{
  const char *property;
  Format format;
} shown[] = {
  { "Name", FORMAT_TEXT },          { "Direction", FORMAT_TEXT }, { "Peer", FORMAT_TEXT },
  { "Account", FORMAT_TEXT },       { "State", FORMAT_TEXT },     { "Error", FORMAT_TEXT },
  { "ErrorMessage", FORMAT_TEXT },  { "EndedBy", FORMAT_TEXT },   { "Size", FORMAT_BYTES },
  { "Transferred", FORMAT_BYTES },  { "Offset", FORMAT_BYTES },   { "Rate", FORMAT_RATE },
  { "Remaining", FORMAT_DURATION }, { "RateLimit", FORMAT_RATE }, { "Transport", FORMAT_TEXT },
  { "Encryption", FORMAT_TEXT },    { "Verified", FORMAT_TEXT },  { "Hashes", FORMAT_HASHES },
  { "LocalPath", FORMAT_TEXT },     { "MimeType", FORMAT_TEXT },  { "Description", FORMAT_TEXT },
  { "Modified", FORMAT_TIME },      { "Started", FORMAT_TIME },   { "Ended", FORMAT_TIME },
  { "Batch", FORMAT_TEXT },         { "AppId", FORMAT_TEXT },
};

static char *
format_time (gint64 usec)
{
  g_autoptr (GDateTime) time = usec > 0 ? g_date_time_new_from_unix_local (usec / G_USEC_PER_SEC) : NULL;

  return time ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S") : g_strdup ("");
}

static char *
format_hashes (GVariant *hashes)
{
  GString *text = g_string_new (NULL);
  GVariantIter iter;
  const char *algorithm, *hash;

  g_variant_iter_init (&iter, hashes);
  while (g_variant_iter_next (&iter, "{&s&s}", &algorithm, &hash))
    g_string_append_printf (text, "%s%s %s", text->len ? ", " : "", algorithm, hash);
  return g_string_free (text, FALSE);
}

/* NULL if there is nothing to show. */
static char *
format_property (GVariant *value, Format format)
{
  gint64 number = g_variant_is_of_type (value, G_VARIANT_TYPE_INT64) ? g_variant_get_int64 (value)
                  : g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64)
                    ? (gint64) g_variant_get_uint64 (value)
                    : 0;
  g_autofree char *size = NULL;

  switch (format)
    {
    case FORMAT_BYTES:
      size = ctl_text_size (number);
      return number >= 1000 ? g_strdup_printf ("%s (%" G_GINT64_FORMAT " bytes)", size, number)
                            : g_steal_pointer (&size);
    case FORMAT_RATE:
      size = ctl_text_size (number);
      return number > 0 ? g_strdup_printf ("%s/s", size) : NULL;
    case FORMAT_DURATION:
      return number > 0 ? ctl_text_duration (number / G_USEC_PER_SEC) : NULL;
    case FORMAT_TIME:
      return format_time (number);
    case FORMAT_HASHES:
      return g_variant_is_of_type (value, G_VARIANT_TYPE ("a{ss}")) ? format_hashes (value) : NULL;
    case FORMAT_TEXT:
    default:
      return strchr ("so", *g_variant_get_type_string (value)) ? g_variant_dup_string (value, NULL) : NULL;
    }
}

void
ctl_transfer_print_all (CtlTransfer *transfer, FILE *out)
{
  fprintf (out, "%12s: %u\n", "Id", ctl_transfer_get_id (transfer));
  for (guint i = 0; i < G_N_ELEMENTS (shown); i++)
    {
      g_autoptr (GVariant) value
        = g_variant_dict_lookup_value (transfer->properties, shown[i].property, NULL);
      g_autofree char *text = value ? format_property (value, shown[i].format) : NULL;
      g_autofree char *safe = text ? ctl_text_safe (text) : NULL;

      if (safe && *safe)
        fprintf (out, "%12s: %s\n", shown[i].property, safe);
    }
}

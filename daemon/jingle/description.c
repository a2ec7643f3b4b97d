/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * XEP-0234 §4 descriptions. Read leniently, since a date or a hash that cannot
 * be understood is no reason to lose a file; written the way every known client
 * accepts.
 */
#include "jingle/description.h"

#include "jingle/quirks.h"

#include <string.h>

#define TEXT_MAX 1024 /* bytes of name, description or media type that we keep */

static const struct
{
  const char *ns, *hashes;
} versions[] = {
  [FD_FT_5] = { FD_NS_FILE_TRANSFER, FD_NS_HASHES },
  [FD_FT_4] = { FD_NS_FILE_TRANSFER_4, FD_NS_HASHES_1 },
};

const char *
fd_description_ns (FdFtVersion version)
{
  return versions[version].ns;
}

gboolean
fd_description_find_version (const char *ns, FdFtVersion *ret_version)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++)
    if (g_strcmp0 (ns, versions[i].ns) == 0)
      {
        *ret_version = (FdFtVersion) i;
        return TRUE;
      }
  return FALSE;
}

static char *
child_text (xmpp_stanza_t *parent, const char *name)
{
  g_autofree char *text = fd_xml_child_text (parent, name);

  if (!text)
    return NULL;
  if (strlen (text) > TEXT_MAX)
    {
      char *end = g_utf8_find_prev_char (text, text + TEXT_MAX + 1);

      if (end)
        *end = '\0';
    }
  return g_steal_pointer (&text);
}

static gboolean
parse_int (const char *text, gint64 *ret)
{
  guint64 value;

  if (!text || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &value, NULL))
    return FALSE;
  *ret = (gint64) value;
  return TRUE;
}

/* XEP-0082, and what clients make of it: "…+00:00Z" (Gajim), no zone (iris). */
static gint64
parse_date (const char *text)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) date = NULL;
  g_autofree char *plain = g_strdup (text);

  if (strlen (plain) > 1 && g_str_has_suffix (plain, "Z") && strpbrk (plain + MIN (strlen (plain), 10), "+-"))
    plain[strlen (plain) - 1] = '\0';
  date = g_date_time_new_from_iso8601 (plain, utc);
  return date ? g_date_time_to_unix (date) : -1;
}

/* <hash/>, whose empty form is older than <hash-used/> and means the same. */
static void
parse_hash (FdFile *file, xmpp_stanza_t *element)
{
  FdHashAlgo algo = fd_hash_from_name (fd_xml_attr (element, "algo"));
  g_autofree char *text = fd_xml_text (element);
  FdDigest digest;

  if (algo == FD_HASH_NONE)
    return;
  if (*text != '\0')
    {
      if (fd_digest_from_base64 (algo, text, &digest))
        fd_file_set_hash (file, &digest);
    }
  else if (file->hash_used == FD_HASH_NONE || algo == FD_HASH_SHA256)
    {
      file->hash_used = algo; /* of several, the one that we prefer */
    }
}

/* Who means a part and cannot say which must not get another one: such a number
 * lies outside of every file. */
static void
parse_range (FdFile *file, xmpp_stanza_t *range)
{
  guint64 length = G_MAXINT64;

  file->ranged = TRUE;
  file->range_offset = G_MAXUINT64;
  if (!fd_xml_attr (range, "offset"))
    file->range_offset = 0;
  else
    (void) fd_xml_attr_uint (range, "offset", 0, G_MAXINT64, &file->range_offset);
  if (!fd_xml_attr (range, "length"))
    file->range_length = -1;
  else
    {
      (void) fd_xml_attr_uint (range, "length", 0, G_MAXINT64, &length);
      file->range_length = (gint64) length;
    }
}

static void
parse_resume (FdFile *file, xmpp_stanza_t *resume)
{
  const char *id = fd_xml_attr (resume, "id");

  if (!file->resume_id && id && fd_file_is_id (id))
    file->resume_id = g_strdup (id);
}

FdFile *
fd_description_parse_file (xmpp_stanza_t *element)
{
  g_autoptr (FdFile) file = NULL;
  g_autofree char *name = child_text (element, "name");
  g_autofree char *size = child_text (element, "size");
  g_autofree char *date = child_text (element, "date");
  char *text;

  file = fd_file_new (name, -1);
  (void) parse_int (size, &file->size);
  if (date)
    file->mtime = parse_date (date);
  if ((text = child_text (element, "media-type")) || (text = child_text (element, "mediaType")))
    {
      g_free (file->media_type);
      file->media_type = text;
    }
  if ((text = child_text (element, "desc")))
    {
      g_free (file->description);
      file->description = text;
    }
  FD_XML_FOREACH (child, element)
    {
      if (fd_xml_is (child, "hash", NULL) || fd_xml_is (child, "hash-used", NULL))
        parse_hash (file, child);
      else if (fd_xml_is (child, "range", NULL))
        parse_range (file, child);
      else if (fd_xml_is (child, "resume", FD_NS_RESUME))
        parse_resume (file, child);
    }
  return g_steal_pointer (&file);
}

static void
add_hashes (xmpp_stanza_t *parent, const FdFile *file, FdFtVersion version)
{
  for (guint i = 0; i < file->n_hashes; i++)
    {
      g_autofree char *base64 = fd_digest_to_base64 (&file->hashes[i]);
      xmpp_stanza_t *hash = fd_xml_add (parent, "hash", versions[version].hashes, "algo",
                                        fd_hash_name (file->hashes[i].algo), NULL);

      fd_xml_set_text (hash, base64);
    }
}

static void
add_range (xmpp_stanza_t *parent, const FdFile *file)
{
  g_autofree char *offset = NULL;
  g_autofree char *length = NULL;

  if (file->range_offset > 0)
    offset = g_strdup_printf ("%" G_GUINT64_FORMAT, file->range_offset);
  if (file->range_length >= 0)
    length = g_strdup_printf ("%" G_GINT64_FORMAT, file->range_length);
  fd_xml_add (parent, "range", NULL, "offset", offset, "length", length, NULL);
}

void
fd_description_add_file (xmpp_stanza_t *description, const FdFile *file, FdFtVersion version)
{
  xmpp_stanza_t *element = fd_xml_add (description, "file", NULL, NULL);

  if (file->mtime >= 0)
    {
      g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (file->mtime);
      g_autofree char *text = date ? g_date_time_format (date, "%Y-%m-%dT%H:%M:%SZ") : NULL;

      if (text)
        fd_xml_add_text (element, "date", text);
    }
  if (*file->description)
    fd_xml_add_text (element, "desc", file->description);
  if (*file->media_type)
    fd_xml_add_text (element, "media-type", file->media_type);
  if (*file->name)
    fd_xml_add_text (element, "name", file->name);
  if (file->size >= 0)
    {
      g_autofree char *size = g_strdup_printf ("%" G_GINT64_FORMAT, file->size);

      fd_xml_add_text (element, "size", size);
    }
  if (file->ranged)
    add_range (element, file);
  add_hashes (element, file, version);
  if (file->hash_used != FD_HASH_NONE && !fd_file_get_hash (file, file->hash_used))
    fd_xml_add (element, version == FD_FT_4 ? "hash" : "hash-used", versions[version].hashes, "algo",
                fd_hash_name (file->hash_used), NULL);
  if (file->resume_id)
    fd_xml_add (element, "resume", FD_NS_RESUME, "id", file->resume_id, NULL);
}

void
fd_description_add_checksum (xmpp_stanza_t *checksum, const FdFile *file, FdFtVersion version)
{
  add_hashes (fd_xml_add (checksum, "file", NULL, NULL), file, version);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * File names from peers are hostile; this makes them safe base names.
 */
#include "data/name.h"

#include <string.h>

#define FALLBACK "file"

/* A longer "extension" is a part of the name ("v1.final draft for you"). */
#define EXTENSION_MAX 16

/* The longest name a Linux file system takes, in bytes. */
#define FILE_NAME_MAX 255

/* Characters that turn the rest of a name around, so that "exe.jpg" reads as "gpj.exe". */
static gboolean
is_bidi_control (gunichar c)
{
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e)
         || (c >= 0x2066 && c <= 0x2069);
}

static gboolean
is_unsafe (gunichar c)
{
  GUnicodeType type = g_unichar_type (c);

  return c == '/' || c == '\\' || is_bidi_control (c) || type == G_UNICODE_CONTROL
         || type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

static char *
escape (const char *name)
{
  GString *safe = g_string_new (NULL);

  for (const char *p = name; *p; p = g_utf8_next_char (p))
    {
      const char *next = g_utf8_next_char (p);

      if (!is_unsafe (g_utf8_get_char (p)))
        g_string_append_len (safe, p, next - p);
      else
        for (const char *byte = p; byte < next; byte++)
          g_string_append_printf (safe, "%%%02X", (guint8) *byte);
    }
  return g_string_free (safe, FALSE);
}

/* Where the extension starts (at its dot), or the end of the name. */
static const char *
find_extension (const char *name)
{
  const char *end = name + strlen (name);
  const char *dot = strrchr (name, '.');

  if (!dot || dot == name || dot[1] == '\0' || end - dot > EXTENSION_MAX || strchr (dot, ' '))
    return end;
  if (dot - name > 4 && g_ascii_strncasecmp (dot - 4, ".tar", 4) == 0)
    return dot - 4;
  return dot;
}

/* STEM[0..stem_length) MIDDLE EXTENSION, the stem cut so that all has at most @max bytes. */
static char *
join (const char *stem, gsize stem_length, const char *middle, const char *extension, gsize max)
{
  gsize room = max - strlen (middle) - strlen (extension);

  if (stem_length > room)
    for (stem_length = room; stem_length > 0 && (stem[stem_length] & 0xc0) == 0x80;)
      stem_length--;
  return g_strdup_printf ("%.*s%s%s", (int) stem_length, stem, middle, extension);
}

char *
fd_name_cut (const char *name, gsize max)
{
  const char *extension = find_extension (name);

  return join (name, extension - name, "", extension, max);
}

/* Device names, whatever follows the first dot. Harmless here, but the file may go on to a stick. */
static gboolean
is_reserved_by_windows (const char *name)
{
  static const char *const devices[] = { "con", "prn", "aux", "nul", "conin$", "conout$" };
  gsize length = strcspn (name, ".");

  while (length > 0 && name[length - 1] == ' ')
    length--;
  if (length == 4 && g_ascii_isdigit (name[3])
      && (g_ascii_strncasecmp (name, "com", 3) == 0 || g_ascii_strncasecmp (name, "lpt", 3) == 0))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (devices); i++)
    if (length == strlen (devices[i]) && g_ascii_strncasecmp (name, devices[i], length) == 0)
      return TRUE;
  return FALSE;
}

static void
strip_end (char *name)
{
  gsize length = strlen (name);

  while (length > 0 && (name[length - 1] == '.' || name[length - 1] == ' '))
    length--;
  name[length] = '\0';
}

char *
fd_name_sanitize (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name ? name : "", -1);
  g_autofree char *safe = NULL;
  g_autofree char *marked = NULL;
  const char *start, *slash;
  char *cut;

  for (gsize length = strlen (valid); length > 0 && valid[length - 1] == '/'; length--)
    valid[length - 1] = '\0';
  slash = strrchr (valid, '/');
  safe = escape (slash ? slash + 1 : valid);
  strip_end (safe);
  start = safe + strspn (safe, ".");
  if (*start == '\0')
    return g_strdup (FALLBACK);

  marked = g_strconcat (is_reserved_by_windows (start) ? "_" : "", start, NULL);
  cut = fd_name_cut (marked, FD_NAME_MAX);
  strip_end (cut);
  return cut;
}

char *
fd_name_numbered (const char *name, guint n)
{
  const char *extension = find_extension (name);
  char middle[16] = "";

  if (n > 1)
    g_snprintf (middle, sizeof middle, " (%u)", n);
  return join (name, extension - name, middle, extension, FILE_NAME_MAX);
}

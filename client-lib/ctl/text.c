/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text for people.
 */
#include "text.h"

#include <glib/gi18n.h>
#include <sys/ioctl.h>
#include <unistd.h>

gboolean
ctl_is_live (FILE *out)
{
  return isatty (fileno (out)) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

gboolean
ctl_has_colors (FILE *out)
{
  const char *no_color = g_getenv ("NO_COLOR");

  return ctl_is_live (out) && !(no_color && *no_color);
}

const char *
ctl_color_sequence (CtlColor color, gboolean wanted)
{
  static const char *const sequences[] = {
    [CTL_COLOR_NONE] = "",           [CTL_COLOR_RED] = "\033[31m",  [CTL_COLOR_GREEN] = "\033[32m",
    [CTL_COLOR_YELLOW] = "\033[33m", [CTL_COLOR_BLUE] = "\033[34m", [CTL_COLOR_CYAN] = "\033[36m",
    [CTL_COLOR_FAINT] = "\033[2m",   [CTL_COLOR_END] = "\033[0m",
  };

  return wanted ? sequences[color] : "";
}

const char *
ctl_color (FILE *out, CtlColor color)
{
  return ctl_color_sequence (color, ctl_has_colors (out));
}

const char *
ctl_color_end (FILE *out)
{
  return ctl_color (out, CTL_COLOR_END);
}

void
ctl_terminal_size (FILE *out, guint *ret_columns, guint *ret_rows)
{
  struct winsize size = { 0 };

  ioctl (fileno (out), TIOCGWINSZ, &size); /* no terminal: it stays 0 */
  *ret_columns = size.ws_col ? size.ws_col : 80;
  *ret_rows = size.ws_row ? size.ws_row : 24;
}

gboolean
ctl_terminal_reflows (void)
{
  const char *term = g_getenv ("TERM");

  return !g_getenv ("XTERM_VERSION") && g_strcmp0 (term, "linux") != 0
         && !(term && g_str_has_prefix (term, "screen") && !g_getenv ("TMUX"));
}

static gboolean
is_harmful (gunichar c)
{
  return g_unichar_iscntrl (c) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e
         || c == 0x200f || c == 0x061c || c == 0x2028 || c == 0x2029;
}

char *
ctl_text_safe (const char *string)
{
  GString *safe = g_string_new (NULL);

  for (const char *p = string; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (safe, is_harmful (c) ? '?' : c);
    }
  return g_string_free (safe, FALSE);
}

static guint
char_width (gunichar c)
{
  return g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
}

guint
ctl_text_width (const char *string)
{
  guint width = 0;

  for (const char *p = string; *p; p = g_utf8_next_char (p))
    if (p[0] == '\033' && p[1] == '[') /* ours; it ends with a letter */
      for (p += 2; *p && !g_ascii_isalpha (*p); p++)
        ;
    else
      width += char_width (g_utf8_get_char (p));
  return width;
}

char *
ctl_text_fit (const char *string, guint columns)
{
  GString *fitted = g_string_new (NULL);
  gboolean cut = ctl_text_width (string) > columns;
  guint room = cut && columns > 0 ? columns - 1 : columns;
  guint used = 0;

  for (const char *p = string; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (used + char_width (c) > room)
        break;
      used += char_width (c);
      g_string_append_unichar (fitted, c);
    }
  if (cut && columns > 0)
    {
      g_string_append (fitted, g_get_charset (NULL) ? "…" : "~");
      used++;
    }
  for (; used < columns; used++)
    g_string_append_c (fitted, ' ');
  return g_string_free (fitted, FALSE);
}

char *
ctl_text_wrap_at (const char *string, guint columns)
{
  g_auto (GStrv) words = g_strsplit (string, " ", -1);
  GString *wrapped = g_string_new (NULL);
  guint used = 0;

  for (guint i = 0; words[i]; i++)
    {
      guint width = ctl_text_width (words[i]);

      if (i > 0 && used + 1 + width >= columns)
        {
          g_string_append_c (wrapped, '\n');
          used = 0;
        }
      else if (i > 0)
        {
          g_string_append_c (wrapped, ' ');
          used++;
        }
      g_string_append (wrapped, words[i]);
      used += width;
    }
  return g_string_free (wrapped, FALSE);
}

char *
ctl_text_wrap (const char *string, FILE *out)
{
  guint columns, rows;

  if (!ctl_is_live (out))
    return g_strdup (string);
  ctl_terminal_size (out, &columns, &rows);
  return ctl_text_wrap_at (string, columns);
}

char *
ctl_text_size (gint64 bytes)
{
  static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
  double size = bytes / 1000.0;
  guint unit = 0;

  if (bytes < 0)
    return g_strdup ("?");
  if (bytes < 1000)
    return g_strdup_printf ("%d B", (int) bytes);
  /* 999.95 would be printed as 1000.0 */
  for (; size >= 999.95 && unit + 1 < G_N_ELEMENTS (units); unit++)
    size /= 1000;
  return g_strdup_printf ("%.1f %s", size, units[unit]);
}

char *
ctl_text_duration (guint64 seconds)
{
  if (seconds >= 3600)
    return g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u", seconds / 3600, (guint) (seconds / 60 % 60),
                            (guint) (seconds % 60));
  return g_strdup_printf ("%u:%02u", (guint) (seconds / 60), (guint) (seconds % 60));
}

char *
ctl_text_percent (guint64 part, gint64 total)
{
  if (total < 0)
    return g_strdup ("");
  if (part >= (guint64) total)
    return g_strdup ("100 %");
  return g_strdup_printf ("%d %%", MIN (99, (int) (100.0 * part / total))); /* 100 only when it is all */
}

const char *
ctl_text_state (const char *state)
{
  static const char *const states[] = {
    N_ ("queued"),      N_ ("offered"),
    N_ ("negotiating"), N_ ("active"),
    N_ ("interrupted"), N_ ("done"),
    N_ ("rejected"),    N_ ("cancelled"),
    N_ ("failed"),      N_ ("offline"),
    N_ ("connecting"),  N_ ("online"),
    N_ ("waiting"),     N_ ("waiting-for-password"),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_str_equal (state, states[i]))
      return _ (states[i]);
  return state;
}

struct CtlTable
{
  guint n_columns;
  guint *widths;
  GPtrArray *cells; /* row by row */
};

CtlTable *
ctl_table_new (const char *const *headings)
{
  CtlTable *table = g_new0 (CtlTable, 1);
  g_autofree const char **shown = NULL;

  table->n_columns = g_strv_length ((char **) headings);
  shown = g_new (const char *, table->n_columns);
  for (guint i = 0; i < table->n_columns; i++)
    shown[i] = *headings[i] ? _ (headings[i]) : "";
  table->widths = g_new0 (guint, table->n_columns);
  table->cells = g_ptr_array_new_with_free_func (g_free);
  ctl_table_add (table, shown);
  return table;
}

void
ctl_table_free (CtlTable *table)
{
  g_free (table->widths);
  g_ptr_array_unref (table->cells);
  g_free (table);
}

void
ctl_table_add (CtlTable *table, const char *const *cells)
{
  for (guint i = 0; i < table->n_columns; i++)
    {
      char *cell = ctl_text_safe (cells[i]);

      table->widths[i] = MAX (table->widths[i], ctl_text_width (cell));
      g_ptr_array_add (table->cells, cell);
    }
}

void
ctl_table_print (CtlTable *table, FILE *out)
{
  for (guint row = 0; row < table->cells->len; row += table->n_columns)
    {
      g_autoptr (GString) line = g_string_new (NULL);

      for (guint i = 0; i < table->n_columns; i++)
        {
          const char *cell = g_ptr_array_index (table->cells, row + i);

          g_string_append_printf (line, "%s%*s", cell, (int) (table->widths[i] - ctl_text_width (cell) + 2),
                                  "");
        }
      g_strchomp (line->str); /* of the last column, and of empty ones */
      fprintf (out, "%s%s%s\n", row == 0 ? ctl_color (out, CTL_COLOR_FAINT) : "", line->str,
               row == 0 ? ctl_color_end (out) : "");
    }
}

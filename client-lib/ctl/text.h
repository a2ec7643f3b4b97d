/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text for people: units, colours, columns, and strings of strangers made
 * harmless for a terminal.
 */
#pragma once

#include <glib.h>
#include <stdio.h>

typedef enum
{
  CTL_COLOR_NONE,
  CTL_COLOR_RED,
  CTL_COLOR_GREEN,
  CTL_COLOR_YELLOW,
  CTL_COLOR_BLUE,
  CTL_COLOR_CYAN,
  CTL_COLOR_FAINT,
  CTL_COLOR_END, /* back to normal */
} CtlColor;

/* Not on what is no terminal, with TERM=dumb or with NO_COLOR (https://no-color.org). */
gboolean ctl_has_colors (FILE *out);
/* The escape sequence; "" if not @wanted. */
const char *ctl_color_sequence (CtlColor color, gboolean wanted);
/* The same, where @out has colours. */
const char *ctl_color (FILE *out, CtlColor color);
const char *ctl_color_end (FILE *out);

/* A terminal that can move its cursor. */
gboolean ctl_is_live (FILE *out);
/* Columns and rows of @out's terminal, 80 and 24 if unknown. */
void ctl_terminal_size (FILE *out, guint *ret_columns, guint *ret_rows);
/* Whether it breaks lines anew when it gets narrower. Most do. */
gboolean ctl_terminal_reflows (void);

/* Control characters (which terminals obey) and those that turn the direction
 * of text are replaced by '?'. g_free(). */
char *ctl_text_safe (const char *string);

/* How many columns it takes, whatever its colours. */
guint ctl_text_width (const char *string);
/* Exactly @columns wide: cut, with an ellipsis, or padded. g_free(). */
char *ctl_text_fit (const char *string, guint columns);

/* Lines broken between words for @out, if it is a terminal; g_free(). */
char *ctl_text_wrap (const char *string, FILE *out);
/* The same for a number of columns. */
char *ctl_text_wrap_at (const char *string, guint columns);

/* "12.3 MB" (powers of 1000); "?" for -1. g_free(). */
char *ctl_text_size (gint64 bytes);
/* "1:02:03", "0:07". g_free(). */
char *ctl_text_duration (guint64 seconds);
/* "45 %"; "" if @total is unknown. g_free(). */
char *ctl_text_percent (guint64 part, gint64 total);

/* Rows of cells, printed with columns as wide as they need; the last column is
 * not padded. The first row is the heading. */
/* A transfer's state or an account's status in the user's language. */
const char *ctl_text_state (const char *state);

typedef struct CtlTable CtlTable;
CtlTable *ctl_table_new (const char *const *headings);
/* @cells: as many as headings, copied and made safe. */
void ctl_table_add (CtlTable *table, const char *const *cells);
void ctl_table_print (CtlTable *table, FILE *out);
void ctl_table_free (CtlTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTable, ctl_table_free)

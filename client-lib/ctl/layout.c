/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lines of a live view.
 */
#include "layout.h"

#include <glib/gi18n.h>
#include <string.h>

enum
{
  PERCENT_WIDTH = 7, /* "  100 %" */
  RATE_WIDTH = 12, /* "  999.9 MB/s" */
  LEFT_WIDTH = 9, /* "  1:23:45" */
  BYTES_WIDTH = 22, /* "  999.9 MB of 999.9 MB" */
  MIN_NAME = 8,
  MAX_NAME = 32,
  MIN_BAR = 10,
  MAX_BAR = 40,
  PEER_FROM = 100, /* columns from which on there is room to say whose it is */
  MAX_PEER = 32,
};

typedef struct
{
  GString *text;
  guint used;
  guint blanks; /* of these, at the end: written only if something follows */
  guint room;
  gboolean colors;
  gboolean jump; /* over the blanks, to their end */
} Line;

static Line
line_begin (const CtlLayout *layout)
{
  return (Line){
    .text = g_string_new (NULL),
    .room = layout->columns > 1 ? layout->columns - 1 : 1,
    .colors = layout->colors,
  };
}

static void
append (Line *line, CtlColor color, const char *text)
{
  guint width = MIN (ctl_text_width (text), line->room - line->used);
  g_autofree char *fitted = ctl_text_fit (text, width);
  gsize length = strlen (fitted);
  gsize visible = strlen (g_strchomp (fitted));

  if (visible > 0)
    {
      g_string_append_printf (line->text, "%*s", (int) line->blanks, "");
      if (line->jump)
        g_string_append_printf (line->text, "\033[%uG", line->used + 1);
      g_string_append_printf (line->text, "%s%s%s", ctl_color_sequence (color, line->colors), fitted,
                              color ? ctl_color_sequence (CTL_COLOR_END, line->colors) : "");
      line->blanks = 0;
      line->jump = FALSE;
    }
  line->blanks += length - visible;
  line->used += width;
}

/* In @width columns, the last of which stays empty. */
static void
append_cell (Line *line, CtlColor color, const char *text, guint width)
{
  g_autofree char *fitted = ctl_text_fit (text, width - 1);

  append (line, color, fitted);
  append (line, CTL_COLOR_NONE, " ");
  /* Terminals disagree about the width of some characters; the next column
   * begins where it belongs all the same. */
  line->jump = !g_str_is_ascii (text);
}

/* At the right end of @width columns. */
static void
append_right (Line *line, CtlColor color, const char *text, guint width)
{
  g_autofree char *padded
    = g_strdup_printf ("%*s%s", MAX (0, (int) width - (int) ctl_text_width (text)), "", text);

  append (line, color, padded);
}

static void
append_bar (Line *line, guint64 part, gint64 total, guint width)
{
  gboolean utf8 = g_get_charset (NULL);
  double full = total > 0 ? MIN (1.0, (double) part / total) * width : 0;
  g_autoptr (GString) done = g_string_new (NULL);
  g_autoptr (GString) rest = g_string_new (NULL);

  for (guint i = 0; i < width; i++)
    if (i + 1 <= full)
      g_string_append (done, utf8 ? "━" : "#");
    else if (i + 0.5 <= full && utf8)
      g_string_append (done, "╸");
    else
      g_string_append (rest, utf8 ? "─" : "-");
  append (line, CTL_COLOR_CYAN, done->str);
  append (line, CTL_COLOR_FAINT, rest->str);
}

static void
append_percent (Line *line, guint64 part, gint64 total)
{
  g_autofree char *percent = ctl_text_percent (part, total);
  g_autofree char *bytes = ctl_text_size ((gint64) part);

  append_right (line, CTL_COLOR_NONE, total >= 0 ? percent : bytes, PERCENT_WIDTH);
}

static void
append_rate (Line *line, guint64 rate)
{
  g_autofree char *size = ctl_text_size ((gint64) rate);
  g_autofree char *text = g_strconcat (size, "/s", NULL);

  append_right (line, CTL_COLOR_NONE, rate > 0 ? text : "", RATE_WIDTH);
}

/* @remaining: µs */
static void
append_left (Line *line, guint64 rate, gint64 remaining)
{
  g_autofree char *text = remaining >= 0 && rate > 0
                            ? ctl_text_duration ((remaining + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC)
                            : NULL;

  append_right (line, CTL_COLOR_FAINT, text ? text : "", LEFT_WIDTH);
}

void
ctl_layout_measure (CtlLayout *layout, const CtlRow *row)
{
  g_autofree char *id = g_strdup_printf ("%u", row->id);

  layout->id_width = MAX (layout->id_width, strlen (id));
  layout->name_width = MAX (layout->name_width, MIN (ctl_text_width (row->name), MAX_NAME));
  if (layout->columns >= PEER_FROM)
    layout->peer_width = MAX (layout->peer_width, MIN (ctl_text_width (row->peer), MAX_PEER));
}

/* What does not fit goes: first the bar, then the time that is left, the rate,
 * and the end of the name. */
static void
append_progress (Line *line, const CtlRow *row, guint numbers)
{
  guint room = line->room - line->used;
  guint bar = room > numbers ? MIN (MAX_BAR, room - numbers) : 0;

  if (bar >= MIN_BAR && row->size > 0)
    append_bar (line, row->transferred, row->size, bar);
  else if (bar >= MIN_BAR)
    append_right (line, CTL_COLOR_NONE, "", bar);
  append_percent (line, row->transferred, row->size);
  if (numbers >= PERCENT_WIDTH + RATE_WIDTH)
    append_rate (line, row->rate);
  if (numbers >= PERCENT_WIDTH + RATE_WIDTH + LEFT_WIDTH)
    append_left (line, row->rate, row->remaining);
}

/* How many columns of the @room beside the name are for numbers. */
static guint
choose_numbers (guint room)
{
  static const guint widths[] = { PERCENT_WIDTH + RATE_WIDTH + LEFT_WIDTH, PERCENT_WIDTH + RATE_WIDTH };

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    if (room >= widths[i] + MIN_NAME + 1)
      return widths[i];
  return PERCENT_WIDTH;
}

char *
ctl_layout_row (const CtlLayout *layout, const CtlRow *row)
{
  gboolean utf8 = g_get_charset (NULL);
  Line line = line_begin (layout);
  g_autofree char *id = g_strdup_printf ("%*u ", (int) layout->id_width, row->id);
  guint room, numbers;

  append (&line, CTL_COLOR_FAINT, id);
  append (&line, row->incoming ? CTL_COLOR_GREEN : CTL_COLOR_BLUE,
          row->incoming ? (utf8 ? "↓ " : "< ") : (utf8 ? "↑ " : "> "));
  room = line.room - MIN (line.room, line.used + layout->peer_width + (layout->peer_width ? 2 : 0));
  numbers = choose_numbers (room);
  append_cell (&line, CTL_COLOR_NONE, row->name,
               CLAMP (layout->name_width + 2, 2, MAX (MIN_NAME, room - MIN (room, numbers))));
  if (layout->peer_width)
    append_cell (&line, CTL_COLOR_FAINT, row->peer, layout->peer_width + 2);
  if (row->note)
    append (&line, row->color, row->note);
  else
    append_progress (&line, row, numbers);
  return g_string_free (line.text, FALSE);
}

char *
ctl_layout_totals (const CtlLayout *layout, const CtlTotals *totals)
{
  Line line = line_begin (layout);
  g_autofree char *count = g_strdup_printf (_ ("%u of %u files  "), totals->ended, totals->files);
  g_autofree char *failed = g_strdup_printf (_ ("  %u failed"), totals->failed);
  g_autofree char *done = ctl_text_size ((gint64) totals->transferred);
  g_autofree char *all = ctl_text_size (totals->size);
  g_autofree char *bytes = g_strdup_printf (_ ("%s of %s"), done, all);
  gint64 left = totals->size - (gint64) totals->transferred;
  guint numbers = PERCENT_WIDTH + RATE_WIDTH + LEFT_WIDTH + (totals->failed ? ctl_text_width (failed) : 0);
  gboolean with_bytes;
  guint room, bar;

  append (&line, CTL_COLOR_NONE, count);
  room = line.room - line.used;
  with_bytes = room >= numbers + BYTES_WIDTH + MIN_BAR;
  numbers += with_bytes ? BYTES_WIDTH : 0;
  bar = room > numbers ? MIN (MAX_BAR, room - numbers) : 0;
  if (bar >= MIN_BAR)
    append_bar (&line, totals->transferred, totals->size, bar);
  append_percent (&line, totals->transferred, totals->size);
  if (with_bytes)
    append_right (&line, CTL_COLOR_NONE, bytes, BYTES_WIDTH);
  if (room >= PERCENT_WIDTH + RATE_WIDTH)
    append_rate (&line, totals->rate);
  if (room >= PERCENT_WIDTH + RATE_WIDTH + LEFT_WIDTH)
    append_left (&line, totals->rate,
                 totals->rate > 0 && left >= 0 ? (gint64) ((double) left / totals->rate * G_USEC_PER_SEC)
                                               : -1);
  if (totals->failed)
    append (&line, CTL_COLOR_RED, failed);
  return g_string_free (line.text, FALSE);
}

char *
ctl_layout_text (const CtlLayout *layout, CtlColor color, const char *text)
{
  Line line = line_begin (layout);

  append (&line, color, text);
  return g_string_free (line.text, FALSE);
}

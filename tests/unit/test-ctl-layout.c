/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/layout.h"

#include <locale.h>
#include <string.h>

static const CtlRow moving = {
  .id = 7,
  .incoming = TRUE,
  .name = "holiday.mp4",
  .peer = "alice@example.org",
  .transferred = 450,
  .size = 1000,
  .rate = 12300000,
  .remaining = 6500000,
};

static char *
draw (const CtlRow *row, guint columns)
{
  CtlLayout layout = { .columns = columns };

  ctl_layout_measure (&layout, row);
  return ctl_layout_row (&layout, row);
}

/* What goes first when there is no room. */
static void
test_row (void)
{
  static const struct
  {
    guint columns;
    const char *line;
  } rows[] = {
    { 120, "7 ↓ holiday.mp4  alice@example.org  ━━━━━━━━━━━━━━━━━━──────────────────────   45 %   12.3 MB/s  "
           "   0:07" },
    { 70, "7 ↓ holiday.mp4  ━━━━━━━━━━╸─────────────   45 %   12.3 MB/s     0:07" },
    { 50, "7 ↓ holiday.mp4     45 %   12.3 MB/s     0:07" },
    { 40, "7 ↓ holiday.mp4     45 %   12.3 MB/s" },
    { 24, "7 ↓ holiday.mp4    45 %" },
    { 20, "7 ↓ holida…    45 %" },
    { 12, "7 ↓ holida…" },
    { 3, "7" },
    { 1, "…" },
    { 0, "…" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *line = draw (&moving, rows[i].columns);

      g_assert_cmpstr (line, ==, rows[i].line);
    }
}

/* Whatever the name and the width are: never as wide as the terminal, which would wrap. */
static void
test_never_too_wide (void)
{
  static const char *const names[] = {
    "",
    "a",
    "報告書報告書報告書報告書報告書報告書報告書報告書",
    "e\u0301e\u0301e\u0301",
    "😀😀😀",
    "a name that is much longer than what any terminal of a usual width shows of it in a single line",
  };
  static const char *const notes[] = { NULL, "offered: fardelctl accept 3, 8.0 MB" };

  for (guint columns = 2; columns < 160; columns++)
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
      for (guint j = 0; j < G_N_ELEMENTS (notes); j++)
        {
          CtlRow row = moving;
          g_autofree char *line = NULL;

          row.name = names[i];
          row.note = notes[j];
          line = draw (&row, columns);
          g_assert_cmpuint (ctl_text_width (line), <, columns);
          g_assert_true (g_utf8_validate (line, -1, NULL));
        }
}

static void
test_columns_meet (void)
{
  CtlLayout layout = { .columns = 80 };
  CtlRow other = moving;
  g_autofree char *first = NULL, *second = NULL;

  other.id = 1234;
  other.name = "報告書, a longer one";
  ctl_layout_measure (&layout, &moving);
  ctl_layout_measure (&layout, &other);
  first = ctl_layout_row (&layout, &moving);
  second = ctl_layout_row (&layout, &other);
  g_assert_true (g_str_has_prefix (first, "   7 ↓ holiday.mp4           ━"));
  /* after what terminals disagree about, the column is named */
  g_assert_true (g_str_has_prefix (second, "1234 ↓ 報告書, a longer one  \033[30G━"));
  g_assert_cmpuint (ctl_text_width (first), ==, ctl_text_width (second));
}

static void
test_unknown (void)
{
  CtlRow row = moving;
  g_autofree char *line = NULL;

  row.size = -1;
  row.remaining = -1;
  row.rate = 0;
  line = draw (&row, 60);
  g_assert_cmpstr (line, ==, "7 ↓ holiday.mp4                  450 B");
}

static void
test_note (void)
{
  CtlRow row = moving;
  g_autofree char *line = NULL;

  row.note = "queued, 1.0 kB";
  row.incoming = FALSE;
  line = draw (&row, 60);
  g_assert_cmpstr (line, ==, "7 ↑ holiday.mp4  queued, 1.0 kB");
}

static void
test_colors (void)
{
  CtlLayout layout = { .columns = 60, .colors = TRUE };
  g_autofree char *line = ctl_layout_text (&layout, CTL_COLOR_RED, "text");

  g_assert_cmpstr (line, ==, "\033[31mtext\033[0m");
  g_assert_cmpuint (ctl_text_width (line), ==, 4);
}

static void
test_totals (void)
{
  CtlTotals totals
    = { .files = 40, .ended = 12, .transferred = 120300000, .size = 267000000, .rate = 12300000 };
  static const struct
  {
    guint columns, failed;
    const char *line;
  } rows[] = {
    { 110, 0,
      "12 of 40 files  ━━━━━━━━━━━━━━━━━━──────────────────────   45 %  120.3 MB of 267.0 MB   12.3 MB/s     "
      "0:12" },
    { 80, 0, "12 of 40 files  ━━━━━╸───────   45 %  120.3 MB of 267.0 MB   12.3 MB/s     0:12" },
    { 80, 2, "12 of 40 files  ━━━━━━━━━━━──────────────   45 %   12.3 MB/s     0:12  2 failed" },
    { 50, 0, "12 of 40 files     45 %   12.3 MB/s     0:12" },
    { 30, 0, "12 of 40 files     45 %" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      CtlLayout layout = { .columns = rows[i].columns };
      g_autofree char *line = NULL;

      totals.failed = rows[i].failed;
      line = ctl_layout_totals (&layout, &totals);
      g_assert_cmpstr (line, ==, rows[i].line);
      g_assert_cmpuint (ctl_text_width (line), <, rows[i].columns);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_CTYPE, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  if (!g_get_charset (NULL))
    return 77;
  g_test_add_func ("/ctl-layout/row", test_row);
  g_test_add_func ("/ctl-layout/never-too-wide", test_never_too_wide);
  g_test_add_func ("/ctl-layout/columns-meet", test_columns_meet);
  g_test_add_func ("/ctl-layout/unknown", test_unknown);
  g_test_add_func ("/ctl-layout/note", test_note);
  g_test_add_func ("/ctl-layout/colors", test_colors);
  g_test_add_func ("/ctl-layout/totals", test_totals);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is seen of transfers while they run. The live lines are written in one
 * piece, each over the one that was there; nothing else of the screen is touched.
 */
#include "progress.h"

#include "json.h"
#include "layout.h"
#include "text.h"

#define MIN_LIVE_LINES 2

struct CtlProgress
{
  Ctl *ctl;
  CtlShow show;
  gboolean live;
  gint64 begin; /* monotonic µs */
  GString *lasting; /* lines to be printed above the live ones with the next drawing */
  GArray *drawn; /* guint: columns of each live line above the cursor */
};

CtlProgress *
ctl_progress_new (Ctl *ctl, CtlShow show)
{
  CtlProgress *progress = g_new0 (CtlProgress, 1);

  progress->ctl = ctl;
  progress->show = show;
  progress->live = !ctl->json && ctl_is_live (ctl->out);
  progress->begin = g_get_monotonic_time ();
  progress->lasting = g_string_new (NULL);
  progress->drawn = g_array_new (FALSE, FALSE, sizeof (guint));
  return progress;
}

void
ctl_progress_show_totals (CtlProgress *progress)
{
  progress->show = CTL_SHOW_TOTALS;
}

void
ctl_progress_free (CtlProgress *progress)
{
  ctl_progress_clear (progress);
  g_string_free (progress->lasting, TRUE);
  g_array_unref (progress->drawn);
  g_free (progress);
}

/* Rows of the terminal that the live lines take: each as many as it was broken
 * into if the terminal got narrower. */
static guint
count_drawn_rows (CtlProgress *progress, guint columns)
{
  guint rows = 0;

  for (guint i = 0; i < progress->drawn->len; i++)
    {
      guint width = g_array_index (progress->drawn, guint, i);

      rows += width > columns && ctl_terminal_reflows () ? (width + columns - 1) / columns : 1;
    }
  return rows;
}

/* Writes the lasting lines and then @lines in place of the live ones. */
static void
replace (CtlProgress *progress, GPtrArray *lines)
{
  g_autoptr (GString) frame = g_string_new (NULL);
  guint columns, rows, up;

  ctl_terminal_size (progress->ctl->out, &columns, &rows);
  up = count_drawn_rows (progress, columns);
  if (up > 0)
    g_string_append_printf (frame, "\033[%uA", up);
  if (progress->lasting->len > 0)
    g_string_append_printf (frame, "%s%s", up > 0 ? "\033[J" : "", progress->lasting->str);
  g_string_truncate (progress->lasting, 0);
  g_array_set_size (progress->drawn, 0);

  /* Without wrapping: terminals disagree about the width of some characters. */
  if (lines->len > 0)
    g_string_append (frame, "\033[?7l");
  for (guint i = 0; i < lines->len; i++)
    {
      const char *line = g_ptr_array_index (lines, i);
      guint width = MIN (ctl_text_width (line), columns);

      g_string_append_printf (frame, "\r\033[K%s\n", line);
      g_array_append_val (progress->drawn, width);
    }
  if (lines->len > 0)
    g_string_append (frame, "\033[?7h");
  if (up > lines->len)
    g_string_append (frame, "\033[J");
  fwrite (frame->str, 1, frame->len, progress->ctl->out);
  fflush (progress->ctl->out);
}

void
ctl_progress_clear (CtlProgress *progress)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  replace (progress, none);
}

void
ctl_progress_forget (CtlProgress *progress)
{
  g_array_set_size (progress->drawn, 0);
}

/* @line, taken, at once or with the next drawing. */
static void
print_lasting (CtlProgress *progress, char *line)
{
  g_string_append_printf (progress->lasting, "%s\n", line);
  g_free (line);
  if (!progress->live)
    ctl_progress_clear (progress);
}

/* @properties with the object's Path and @id. */
static void
print_json (CtlProgress *progress, const char *path, GVariant *id, GVariant *properties)
{
  g_autoptr (GVariant) with_path
    = g_variant_ref_sink (ctl_json_prepend (properties, "Path", g_variant_new_object_path (path)));

  ctl_json_print (progress->ctl->out, ctl_json_prepend (with_path, "Id", id));
}

static gboolean
has_property (GVariant *properties, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (properties, name, NULL);

  return value != NULL;
}

void
ctl_progress_transfer (CtlProgress *progress, CtlTransfer *transfer, GVariant *properties)
{
  gboolean all = progress->show == CTL_SHOW_ALL;

  if (progress->ctl->json)
    print_json (progress, ctl_transfer_get_path (transfer),
                g_variant_new_uint32 (ctl_transfer_get_id (transfer)), properties);
  else if (has_property (properties, "State"))
    {
      if (!progress->live || (ctl_transfer_is_final (transfer) && progress->show != CTL_SHOW_TOTALS))
        print_lasting (progress, ctl_transfer_state_line (transfer, progress->ctl->out));
    }
  else if (!progress->live && all && has_property (properties, "Transferred"))
    print_lasting (progress, ctl_transfer_progress_line (transfer));
}

void
ctl_progress_transfer_removed (CtlProgress *progress, CtlTransfer *transfer)
{
  g_autoptr (GVariant) removed = g_variant_ref_sink (g_variant_new_parsed ("{'Removed': <true>}"));

  if (progress->ctl->json) /* people need not be told: it ended long ago, or they asked to forget it */
    print_json (progress, ctl_transfer_get_path (transfer),
                g_variant_new_uint32 (ctl_transfer_get_id (transfer)), removed);
}

void
ctl_progress_account (CtlProgress *progress, const char *path, GVariant *properties)
{
  const char *id = strrchr (path, '/') + 1;
  const char *status, *message = "";
  g_autofree char *safe = NULL;

  if (progress->ctl->json)
    {
      print_json (progress, path, g_variant_new_string (id), properties);
      return;
    }
  if (!g_variant_lookup (properties, "Status", "&s", &status))
    return;
  g_variant_lookup (properties, "ErrorMessage", "&s", &message);
  safe = ctl_text_safe (message);
  print_lasting (progress, g_strdup_printf (_ ("account %s: %s%s%s"), id, ctl_text_state (status),
                                            *safe ? ", " : "", safe));
}

/* -- live lines ----------------------------------------------------------- */

/* Those that run, in the order in which they are of interest. */
static GPtrArray *
sort_running (GPtrArray *transfers)
{
  static const char *const states[] = { "active", "negotiating", "interrupted", "offered", NULL };
  GPtrArray *sorted = g_ptr_array_new ();

  for (guint rank = 0; rank < G_N_ELEMENTS (states); rank++)
    for (guint i = 0; i < transfers->len; i++)
      {
        CtlTransfer *transfer = g_ptr_array_index (transfers, i);
        const char *state = ctl_transfer_get_string (transfer, "State");

        if (!ctl_transfer_is_final (transfer)
            && (states[rank] ? g_str_equal (state, states[rank]) : !g_strv_contains (states, state)))
          g_ptr_array_add (sorted, transfer);
      }
  return sorted;
}

/* "2 active, 1 offered    ↓ 1.2 MB/s  ↑ 3.4 MB/s"; @transfers: those that run. */
static char *
describe_all (GPtrArray *transfers)
{
  gboolean utf8 = g_get_charset (NULL);
  GString *text = g_string_new (NULL);
  guint64 down = 0, up = 0;

  for (guint i = 0, n = 0; i < transfers->len; i += n, n = 0)
    {
      const char *state = ctl_transfer_get_string (g_ptr_array_index (transfers, i), "State");

      while (i + n < transfers->len
             && g_str_equal (state, ctl_transfer_get_string (g_ptr_array_index (transfers, i + n), "State")))
        n++;
      g_string_append_printf (text, "%s%u %s", i > 0 ? ", " : "", n, ctl_text_state (state));
    }
  for (guint i = 0; i < transfers->len; i++)
    {
      CtlTransfer *transfer = g_ptr_array_index (transfers, i);

      *(ctl_transfer_is_incoming (transfer) ? &down : &up) += ctl_transfer_get_uint (transfer, "Rate");
    }
  for (guint i = 0; i < 2; i++)
    {
      guint64 rate = i == 0 ? down : up;
      g_autofree char *size = ctl_text_size ((gint64) rate);

      if (rate > 0)
        g_string_append_printf (text, "  %s %s/s", i == 0 ? (utf8 ? "↓" : "<") : (utf8 ? "↑" : ">"), size);
    }
  return g_string_free (text, FALSE);
}

static CtlTotals
sum (GPtrArray *transfers)
{
  CtlTotals totals = { .files = transfers->len };

  for (guint i = 0; i < transfers->len; i++)
    {
      CtlTransfer *transfer = g_ptr_array_index (transfers, i);
      gboolean ended = ctl_transfer_is_final (transfer);
      gboolean failed = ctl_transfer_get_exit (transfer) != CTL_OK;

      totals.ended += ended;
      totals.failed += failed;
      totals.rate += ended ? 0 : ctl_transfer_get_uint (transfer, "Rate");
      if (failed)
        continue;
      totals.transferred += ctl_transfer_get_uint (transfer, "Transferred");
      totals.size += MAX (0, ctl_transfer_get_int (transfer, "Size"));
    }
  return totals;
}

/* At most @max lines for the @running ones; those beyond are counted. */
static void
add_rows (GPtrArray *lines, CtlLayout *layout, GPtrArray *running, guint max)
{
  guint shown = running->len <= max ? running->len : max - 1;
  g_autofree CtlRow *rows = g_new0 (CtlRow, shown + 1);
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < shown; i++)
    {
      ctl_transfer_get_row (g_ptr_array_index (running, i), &rows[i], strings);
      ctl_layout_measure (layout, &rows[i]);
    }
  for (guint i = 0; i < shown; i++)
    g_ptr_array_add (lines, ctl_layout_row (layout, &rows[i]));
  if (shown < running->len)
    {
      g_autofree char *more = g_strdup_printf (ngettext ("and %u more", "and %u more", running->len - shown),
                                               running->len - shown);

      g_ptr_array_add (lines, ctl_layout_text (layout, CTL_COLOR_FAINT, more));
    }
}

static void
add_footer (GPtrArray *lines, CtlLayout *layout, GPtrArray *running)
{
  g_autofree char *text = running->len > 0
                            ? describe_all (running)
                            : g_strdup (_ ("Nothing runs. What comes will show here; Ctrl-C ends."));

  g_ptr_array_add (lines, ctl_layout_text (layout, CTL_COLOR_FAINT, text));
}

void
ctl_progress_draw (CtlProgress *progress, GPtrArray *transfers)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) running = NULL;
  CtlLayout layout = { .colors = ctl_has_colors (progress->ctl->out) };
  guint rows;

  if (!progress->live)
    return;
  ctl_terminal_size (progress->ctl->out, &layout.columns, &rows);
  if (progress->show == CTL_SHOW_TOTALS)
    {
      CtlTotals totals = sum (transfers);

      g_ptr_array_add (lines, ctl_layout_totals (&layout, &totals));
    }
  else
    {
      running = sort_running (transfers);
      /* What scrolls off cannot be drawn over again; and the rest of the screen is not ours. */
      add_rows (lines, &layout, running, MAX (MIN_LIVE_LINES, rows / 2));
      if (progress->show == CTL_SHOW_ALL && rows > MIN_LIVE_LINES + 1)
        add_footer (lines, &layout, running);
    }
  replace (progress, lines);
}

void
ctl_progress_sum_up (CtlProgress *progress, GPtrArray *transfers)
{
  gint64 elapsed = MAX (1, g_get_monotonic_time () - progress->begin);
  FILE *out = progress->ctl->out;
  CtlTotals totals = sum (transfers);
  g_autofree char *size = ctl_text_size ((gint64) totals.transferred);
  g_autofree char *time = ctl_text_duration ((elapsed + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);

  ctl_progress_clear (progress);
  if (progress->ctl->json || progress->show != CTL_SHOW_TOTALS)
    return;
  for (guint i = 0; i < transfers->len; i++)
    {
      CtlTransfer *transfer = g_ptr_array_index (transfers, i);

      if (ctl_transfer_get_exit (transfer) != CTL_OK)
        print_lasting (progress, ctl_transfer_state_line (transfer, out));
    }
  print_lasting (
    progress, g_strdup_printf (_ ("%s%u of %u files sent%s, %s in %s"),
                               ctl_color (out, totals.failed ? CTL_COLOR_YELLOW : CTL_COLOR_GREEN),
                               totals.files - totals.failed, totals.files, ctl_color_end (out), size, time));
  ctl_progress_clear (progress);
}

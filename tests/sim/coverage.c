/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of what all runs together have reached.
 */
#include "coverage.h"

#include <stdio.h>

/* It is nothing but counters. */
void
sim_coverage_add (SimCoverage *sum, const SimCoverage *part)
{
  guint64 *to = (guint64 *) sum;
  const guint64 *from = (const guint64 *) part;
  guint64 longest = sum->longest;

  for (gsize i = 0; i < sizeof *sum / sizeof *to; i++)
    to[i] += from[i];
  sum->longest = MAX (longest, part->longest);
}

static void
print_counts (const char *title, const guint64 *counts, guint n, const char *const *names)
{
  printf ("%s:", title);
  for (guint i = 0; i < n; i++)
    if (counts[i] > 0 && names)
      printf (" %s %" G_GUINT64_FORMAT, names[i], counts[i]);
    else if (counts[i] > 0)
      printf (" %u:%" G_GUINT64_FORMAT, i, counts[i]);
  printf ("\n");
}

static guint
print_rows (const SimCoverage *coverage)
{
  guint reached = 0;

  printf ("rows of the state table, and how many seeds went through them:");
  for (guint row = 1; row <= FD_ROWS; row++)
    {
      printf ("%s %2u %-8" G_GUINT64_FORMAT, row % 8 == 1 ? "\n " : "", row, coverage->rows[row - 1]);
      reached += coverage->rows[row - 1] > 0;
    }
  printf ("\n");
  return reached;
}

guint
sim_coverage_print (const SimCoverage *coverage)
{
  static const char *const paths[] = { "direct", "proxy", "in-band" };
  static const char *const failures[] = { "no-path",    "nothing-to-offer",   "peer-proxy-error",
                                          "activation", "activation-timeout", "proxy-closed" };
  static const char *const contents[]
    = { "preparing", "ready",  "offered", "negotiating", "replacing",  "wait-replace", "active",
        "draining",  "broken", "sent",    "checking",    "publishing", "stopping",     "ended" };
  static const char *const sessions[] = { "created", "pending", "active", "ended" };
  static const char *const negotiations[]
    = { "new", "gather", "offered", "negotiate", "activating", "wait-act", "connected", "failed" };
  guint reached = print_rows (coverage);

  G_STATIC_ASSERT (G_N_ELEMENTS (contents) == FD_N_CONTENT_STATES);
  print_counts ("content states", coverage->contents, FD_N_CONTENT_STATES, contents);
  print_counts ("session states", coverage->sessions, FD_SESSION_ENDED + 1, sessions);
  print_counts ("negotiation states", coverage->negotiations, FD_S5B_FAILED + 1, negotiations);
  print_counts ("failures of negotiations", coverage->failures, G_N_ELEMENTS (failures), failures);
  print_counts ("ends by error code", coverage->errors, FD_N_ERRORS, NULL);
  print_counts ("paths", coverage->paths, 3, paths);
  printf ("offers of interrupted files: %" G_GUINT64_FORMAT ", accepted further on %" G_GUINT64_FORMAT
          ", begun anew %" G_GUINT64_FORMAT ", there already %" G_GUINT64_FORMAT
          ", had to go on %" G_GUINT64_FORMAT "\n",
          coverage->tries, coverage->resumes, coverage->restarts, coverage->echoes, coverage->gone_on);
  printf ("redials: %" G_GUINT64_FORMAT ", events: %" G_GUINT64_FORMAT
          ", longest transfer that had to be: %.1f s\n",
          coverage->redials, coverage->events, coverage->longest / 1e6);
  for (guint kind = 0; kind < SIM_N_KINDS; kind++)
    for (guint sends = 0; sends < 2; sends++)
      if (coverage->runs[kind][sends] > 0)
        printf ("%-18s %s: %7" G_GUINT64_FORMAT " runs, %7" G_GUINT64_FORMAT " files, %7" G_GUINT64_FORMAT
                " done, %7" G_GUINT64_FORMAT " had to be\n",
                sim_kind_names[kind], sends ? "receives" : "sends   ", coverage->runs[kind][sends],
                coverage->files[kind][sends], coverage->done[kind][sends], coverage->required[kind][sends]);
  return reached;
}

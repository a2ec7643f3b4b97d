/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The lines that are drawn over again while transfers run: which parts fit into
 * a terminal of this width, and where they stand. Knows numbers and text only.
 */
#pragma once

#include "text.h"

typedef struct
{
  guint columns; /* of the terminal; lines stay below */
  gboolean colors;
  guint id_width; /* of the widest of all rows: see ctl_layout_measure() */
  guint name_width;
  guint peer_width;
} CtlLayout;

/* One transfer; strings are borrowed and safe to print. */
typedef struct
{
  guint id;
  gboolean incoming;
  const char *name;
  const char *peer;
  const char *note; /* shown instead of bar and numbers, with @color; NULL while bytes move */
  CtlColor color;
  guint64 transferred;
  gint64 size; /* -1: unknown */
  guint64 rate;
  gint64 remaining; /* µs, -1: unknown */
} CtlRow;

/* Many transfers together. */
typedef struct
{
  guint files;
  guint ended;
  guint failed; /* of those that ended; their bytes do not count */
  guint64 transferred;
  gint64 size;
  guint64 rate;
} CtlTotals;

/* Makes room for @row's id, name and peer. */
void ctl_layout_measure (CtlLayout *layout, const CtlRow *row);

/* Each is one line without its end, of less than @columns; g_free(). */
char *ctl_layout_row (const CtlLayout *layout, const CtlRow *row);
char *ctl_layout_totals (const CtlLayout *layout, const CtlTotals *totals);
char *ctl_layout_text (const CtlLayout *layout, CtlColor color, const char *text);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits as people type them: "500k", "2.5M", "none".
 */
#include "rate.h"

#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

gboolean
ctl_rate_parse (const char *text, guint64 *ret_rate)
{
  static const char units[] = "kMG";
  const char *unit;
  double rate;
  char *end;

  if (g_str_equal (text, "none"))
    {
      *ret_rate = 0;
      return TRUE;
    }
  if (!g_ascii_isdigit (*text))
    return FALSE;
  rate = g_ascii_strtod (text, &end);
  unit = *end ? strchr (units, *end == 'K' ? 'k' : *end) : NULL;
  if (unit)
    {
      for (const char *u = units; u <= unit; u++)
        rate *= 1000;
      end++;
    }
  if (*end || !(rate <= (double) (G_GUINT64_CONSTANT (1) << 62)))
    return FALSE;
  *ret_rate = (guint64) (rate + 0.5);
  return TRUE;
}

char *
ctl_rate_text (guint64 rate)
{
  g_autofree char *size = ctl_text_size ((gint64) rate);

  return rate > 0 ? g_strconcat (size, "/s", NULL) : g_strdup (_ ("none"));
}

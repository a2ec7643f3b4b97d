/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The back-off of connections; see patience.h.
 */
#include "xmpp/patience.h"

#define MIN_DELAY_MS 1000
#define MAX_DELAY_MS (5 * 60 * 1000)

/* Who lets us in is there: one whose network comes and goes shall not be away for minutes, but
 * a server that throws us out at once is not to be hammered. This is half a minute. */
#define MAX_UP_ATTEMPTS 5

guint
fd_patience_fail (guint *attempts, gint64 lived)
{
  guint delay;

  if (lived >= 0)
    *attempts = lived > FD_PATIENCE_STABLE_US ? 0 : MIN (*attempts, MAX_UP_ATTEMPTS);
  delay = MIN (MIN_DELAY_MS << MIN (*attempts, 16), MAX_DELAY_MS);
  (*attempts)++;
  /* Half of it is chance, so that the clients of a server that restarts do not come back in one instant. */
  return g_random_int_range (delay / 2, delay + 1);
}

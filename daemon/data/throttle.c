/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A limit in bytes per second that any number of pumps share: each piece gets the
 * next free time, so that they take turns.
 */
#include "data/throttle.h"

#define NS_PER_S G_GINT64_CONSTANT (1000000000)

/* Small enough that a slow transfer is seen to move, large enough that it does not wake us all the time. */
#define PIECES_PER_S 8
#define PIECE_MAX (1024 * 1024)

/* What was not used within this time is lost; what was, makes up for a late thread. */
#define BURST (NS_PER_S / PIECES_PER_S)

/* Timers are no finer; the next piece waits longer instead. */
#define WAIT_MIN 1000 /* µs */

struct FdThrottle
{
  gatomicrefcount refs;
  GMutex mutex;
  guint64 rate;
  gint64 free_at; /* ns, monotonic: when the next piece may move */
};

FdThrottle *
fd_throttle_new (guint64 rate)
{
  FdThrottle *throttle = g_new0 (FdThrottle, 1);

  g_atomic_ref_count_init (&throttle->refs);
  g_mutex_init (&throttle->mutex);
  throttle->rate = rate;
  return throttle;
}

FdThrottle *
fd_throttle_ref (FdThrottle *throttle)
{
  g_atomic_ref_count_inc (&throttle->refs);
  return throttle;
}

void
fd_throttle_unref (FdThrottle *throttle)
{
  if (!g_atomic_ref_count_dec (&throttle->refs))
    return;
  g_mutex_clear (&throttle->mutex);
  g_free (throttle);
}

void
fd_throttle_set_rate (FdThrottle *throttle, guint64 rate)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&throttle->mutex);

  throttle->rate = rate;
  throttle->free_at = 0;
}

guint64
fd_throttle_get_rate (FdThrottle *throttle)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&throttle->mutex);

  return throttle->rate;
}

static gint64
time_of (FdThrottle *throttle, gsize bytes)
{
  return (gint64) (MIN (bytes, PIECE_MAX) * NS_PER_S / throttle->rate);
}

gsize
fd_throttle_take (FdThrottle *throttle, gsize wanted, gint64 now, gint64 *ret_wait)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&throttle->mutex);
  gsize piece;
  gint64 wait;

  *ret_wait = 0;
  if (throttle->rate == 0)
    return wanted;
  piece = MIN (wanted, CLAMP (throttle->rate / PIECES_PER_S, 1, PIECE_MAX));
  throttle->free_at = MAX (throttle->free_at, now * 1000 - BURST);
  wait = throttle->free_at / 1000 - now;
  throttle->free_at += time_of (throttle, piece);
  if (wait >= WAIT_MIN)
    *ret_wait = wait;
  return piece;
}

void
fd_throttle_give_back (FdThrottle *throttle, gsize unused)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&throttle->mutex);

  if (throttle->rate > 0)
    throttle->free_at -= time_of (throttle, unused);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A thread with a deadline and a socket; alive only during a login.
 */
#include "xmpp/watchdog.h"

#include "base/fd.h"

#include <fcntl.h>
#include <sys/socket.h>

struct FdWatchdog
{
  GThread *thread;
  GMutex mutex;
  GCond changed;
  int fd; /* our own number: the socket's may be closed and used again */
  gint64 deadline; /* µs, monotonic */
  gboolean stopped;
  gboolean bit;
};

static gpointer
run (gpointer data)
{
  FdWatchdog *watchdog = data;

  g_mutex_lock (&watchdog->mutex);
  while (!watchdog->stopped && !watchdog->bit)
    {
      if (g_cond_wait_until (&watchdog->changed, &watchdog->mutex, watchdog->deadline)
          || g_get_monotonic_time () < watchdog->deadline)
        continue;
      shutdown (watchdog->fd, SHUT_RDWR);
      watchdog->bit = TRUE;
    }
  g_mutex_unlock (&watchdog->mutex);
  return NULL;
}

FdWatchdog *
fd_watchdog_start (int fd, guint seconds)
{
  fd_autoclose own = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  FdWatchdog *watchdog;

  if (own < 0)
    return NULL;
  watchdog = g_new0 (FdWatchdog, 1);
  g_mutex_init (&watchdog->mutex);
  g_cond_init (&watchdog->changed);
  watchdog->fd = fd_take (&own);
  watchdog->deadline = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  watchdog->thread = g_thread_try_new ("tls-watchdog", run, watchdog, NULL);
  if (!watchdog->thread)
    {
      fd_watchdog_stop (watchdog);
      return NULL;
    }
  return watchdog;
}

void
fd_watchdog_extend (FdWatchdog *watchdog, guint seconds)
{
  g_mutex_lock (&watchdog->mutex);
  watchdog->deadline = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  g_cond_signal (&watchdog->changed);
  g_mutex_unlock (&watchdog->mutex);
}

gboolean
fd_watchdog_stop (FdWatchdog *watchdog)
{
  gboolean bit;

  if (!watchdog)
    return FALSE;
  g_mutex_lock (&watchdog->mutex);
  watchdog->stopped = TRUE;
  g_cond_signal (&watchdog->changed);
  g_mutex_unlock (&watchdog->mutex);
  if (watchdog->thread)
    g_thread_join (watchdog->thread);

  bit = watchdog->bit;
  g_mutex_clear (&watchdog->mutex);
  g_cond_clear (&watchdog->changed);
  fd_close (&watchdog->fd);
  g_free (watchdog);
  return bit;
}

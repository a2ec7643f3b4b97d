/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for the bus and for signals.
 */
#include "events.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

gboolean
ctl_events_begin (CtlEvents *events, Ctl *ctl)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGWINCH, SIGCONT };
  sigset_t set;

  sigemptyset (&set);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaddset (&set, signals[i]);
  sigprocmask (SIG_BLOCK, &set, &events->before);
  events->bus = ctl->bus;
  events->signal_fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (events->signal_fd >= 0)
    return TRUE;
  ctl_fail (ctl, CTL_FAILED, "", "signalfd: %s", g_strerror (errno));
  sigprocmask (SIG_SETMASK, &events->before, NULL);
  return FALSE;
}

void
ctl_events_end (CtlEvents *events)
{
  close (events->signal_fd);
  sigprocmask (SIG_SETMASK, &events->before, NULL);
}

CtlEvent
ctl_events_wait (CtlEvents *events, gint64 deadline)
{
  struct pollfd fds[] = {
    { .fd = sd_bus_get_fd (events->bus), .events = sd_bus_get_events (events->bus) },
    { .fd = events->signal_fd, .events = POLLIN },
  };
  gint64 left = deadline < 0 ? -1 : MAX (0, deadline - g_get_monotonic_time ());
  struct timespec timeout = { left / G_USEC_PER_SEC, left % G_USEC_PER_SEC * 1000 };
  struct signalfd_siginfo info;

  if (ppoll (fds, G_N_ELEMENTS (fds), left < 0 ? NULL : &timeout, NULL) == 0)
    return CTL_EVENT_TIMEOUT;
  if (read (events->signal_fd, &info, sizeof info) != sizeof info)
    return CTL_EVENT_BUS;
  return info.ssi_signo == SIGWINCH  ? CTL_EVENT_RESIZED
         : info.ssi_signo == SIGCONT ? CTL_EVENT_CONTINUED
                                     : CTL_EVENT_INTERRUPT;
}

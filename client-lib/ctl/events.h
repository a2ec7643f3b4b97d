/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for the bus and for signals, both through descriptors: a handler
 * could come in between the last check and the wait.
 */
#pragma once

#include "ctl.h"

#include <signal.h>

typedef struct
{
  sd_bus *bus;
  int signal_fd;
  sigset_t before;
} CtlEvents;

typedef enum
{
  CTL_EVENT_BUS, /* it has something to do */
  CTL_EVENT_INTERRUPT, /* SIGINT, SIGTERM */
  CTL_EVENT_RESIZED,
  CTL_EVENT_CONTINUED, /* after having been stopped: the terminal was others' */
  CTL_EVENT_TIMEOUT,
} CtlEvent;

/* From here to the end signals are not delivered otherwise. FALSE, reported, if
 * that is impossible. */
gboolean ctl_events_begin (CtlEvents *events, Ctl *ctl);
void ctl_events_end (CtlEvents *events);
/* @deadline: monotonic µs, -1 never. */
CtlEvent ctl_events_wait (CtlEvents *events, gint64 deadline);

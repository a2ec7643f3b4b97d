/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tells when the machine woke up: logind's PrepareForSleep on the system bus.
 */
#pragma once

#include <glib.h>

typedef struct FdSleep FdSleep;

/* NULL if there is no system bus: then nothing is told. */
FdSleep *fd_sleep_new (void (*woke) (gpointer data), gpointer data);
void fd_sleep_free (FdSleep *sleep);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Owned file descriptors: fd_autoclose closes at the end of the scope,
 * fd_take() gives the number away.
 */
#pragma once

#include <glib.h>
#include <unistd.h>

static inline void
fd_close (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

#define fd_autoclose __attribute__ ((cleanup (fd_close))) int

static inline int
fd_take (int *fd)
{
  int taken = *fd;

  *fd = -1;
  return taken;
}

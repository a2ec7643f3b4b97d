/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A password on its way from the user to the daemon.
 */
#pragma once

/* Asks for the password of @account on the terminal, without echo, or reads a
 * line of standard input if that is none. Returns the reading end of a pipe that holds
 * it, to be closed, or a negative errno: -ENODATA empty, -EMSGSIZE too long,
 * -EINTR given up with Ctrl-C. */
int ctl_password_read (const char *account);

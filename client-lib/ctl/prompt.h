/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions on the terminal: asked on standard error, since standard output is
 * for results, and answered on standard input.
 */
#pragma once

#include <glib.h>

/* Somebody can answer. */
gboolean ctl_can_ask (void);

/* Asks and reads a line; not shown while it is typed without @echo. Its length, or a negative
 * errno: -ENODATA nothing came any more, -EMSGSIZE too long, -EINTR given up with
 * Ctrl-C. */
int ctl_ask (const char *question, gboolean echo, char *buffer, int size);

/* 1 for yes, 0 for no, or a negative errno as above. @otherwise: what Enter means. */
int ctl_ask_yes_no (const char *question, gboolean otherwise);

/* A password on its way from the user to the daemon: asks for the one of
 * @account on the terminal, or reads a line of standard input if that is none.
 * Returns the reading end of a pipe that holds it, to be closed, or a negative errno:
 * as above, and -ENOMSG if it is empty. */
int ctl_ask_password (const char *account);

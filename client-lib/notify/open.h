/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens what was received, in the program for its kind or in the file manager.
 */
#pragma once

#include <gio/gio.h>

/* There is a program for it, and it is none itself, nor does its kind run code
 * when it is opened. */
gboolean ntf_can_open (const char *path);
/* Looks again before it opens. @token: of the notification, or NULL. */
void ntf_open (const char *path, const char *token);
/* @uris: a strv. The file manager with the files selected, else their folder. */
void ntf_show (GDBusConnection *bus, char **uris, const char *token);

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * sd-bus for GLib programs: g_autoptr, GError, string lists.
 */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus, sd_bus_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus_message, sd_bus_message_unref)

/* Fills @ret_error with name and message of @error; returns what a handler returns. */
int fd_sd_error_set (sd_bus_error *ret_error, const GError *error);

/* TRUE if @r is no error, else sets FAILED with strerror(-@r). For what can only
 * fail by lack of memory or a broken message. */
gboolean fd_sd_check (int r, GError **error);

/* An "as"; free with g_strfreev(). */
int fd_sd_read_strv (sd_bus_message *message, char ***ret_strv);

/* A {sv} whose value is an "as". */
int fd_sd_append_strv_entry (sd_bus_message *message, const char *key, const char *const *strv);

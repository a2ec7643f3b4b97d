/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * sd-bus for GLib programs.
 */
#include "bus/sd.h"

#include "base/error.h"

int
fd_sd_error_set (sd_bus_error *ret_error, const GError *error)
{
  return sd_bus_error_set (ret_error, fd_error_dbus_name (error), error->message);
}

gboolean
fd_sd_check (int r, GError **error)
{
  if (r >= 0)
    return TRUE;
  g_set_error (error, FD_ERROR, FD_ERROR_FAILED, "The message cannot be handled: %s", g_strerror (-r));
  return FALSE;
}

/* sd_bus_message_read_strv() gives memory of malloc(), and NULL for an empty list. */
int
fd_sd_read_strv (sd_bus_message *message, char ***ret_strv)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *value;
  int r = sd_bus_message_enter_container (message, 'a', "s");

  while (r >= 0 && (r = sd_bus_message_read_basic (message, 's', &value)) > 0)
    g_strv_builder_add (builder, value);
  if (r >= 0)
    r = sd_bus_message_exit_container (message);
  if (r >= 0)
    *ret_strv = g_strv_builder_end (builder);
  return r;
}

int
fd_sd_append_strv_entry (sd_bus_message *message, const char *key, const char *const *strv)
{
  int r = sd_bus_message_open_container (message, 'e', "sv");

  if (r >= 0)
    r = sd_bus_message_append (message, "s", key);
  if (r >= 0)
    r = sd_bus_message_open_container (message, 'v', "as");
  if (r >= 0)
    r = sd_bus_message_append_strv (message, (char **) strv);
  if (r >= 0)
    r = sd_bus_message_close_container (message);
  return r < 0 ? r : sd_bus_message_close_container (message);
}

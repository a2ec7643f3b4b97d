/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between sd-bus messages and GVariant, which is easier to keep, to look into
 * and to print. A handle in a GVariant is the descriptor itself.
 */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* For dictionaries of options: NULL inserts nothing. */
void ctl_value_insert_string (GVariantDict *dict, const char *key, const char *value);
void ctl_value_insert_strings (GVariantDict *dict, const char *key, char **values);

/* Of a dictionary; "" and FALSE if absent. The string is borrowed. */
const char *ctl_value_lookup_string (GVariant *dict, const char *key);
gboolean ctl_value_lookup_boolean (GVariant *dict, const char *key);
/* "a, b"; g_free(). */
char *ctl_value_lookup_list (GVariant *dict, const char *key);

/* Appends the members of the tuple @body. Negative errno. */
int ctl_value_append_body (sd_bus_message *message, GVariant *body);

/* Reads the whole message into a tuple, not floating. Negative errno;
 * -EOPNOTSUPP for descriptors, which the daemon never sends. */
int ctl_value_read_body (sd_bus_message *message, GVariant **ret_body);

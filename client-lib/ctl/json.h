/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * D-Bus values as JSON: dictionaries with string keys are objects, other
 * containers arrays, variants their value; 64-bit numbers are numbers.
 */
#pragma once

#include <glib.h>
#include <stdio.h>

void ctl_json_append (GString *json, GVariant *value);

/* The a{sv} @dict with @key before all others, floating.
 * @value is taken if floating. */
GVariant *ctl_json_prepend (GVariant *dict, const char *key, GVariant *value);

/* One line. @value is taken if floating. */
void ctl_json_print (FILE *out, GVariant *value);

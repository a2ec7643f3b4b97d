/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dictionaries of options (a{sv}) into structs, by a table. An unknown key is
 * refused, so a misspelt one cannot be lost in silence.
 */
#pragma once

#include "bus/sd.h"

typedef enum
{
  FD_OPTION_TEXT, /* const char *, of the message */
  FD_OPTION_STRING, /* char *, owned; NULL if it is given empty */
  FD_OPTION_STRV, /* char **, owned */
  FD_OPTION_BOOL, /* gboolean */
  FD_OPTION_UINT, /* guint */
  FD_OPTION_UINT16, /* guint16 */
  FD_OPTION_INT64, /* gint64 */
  FD_OPTION_UINT64, /* guint64 */
  FD_OPTION_PATHS, /* FdPath, from the names in as; all for an empty list */
  FD_OPTION_CHOICE, /* int, the place of the text in @choices; 0 for an empty one */
} FdOptionType;

typedef struct
{
  const char *key;
  FdOptionType type;
  gsize offset;
  const char *const *choices; /* NULL-terminated */
} FdOption;

/* Reads an a{sv} into @target; keys that are absent leave their field alone,
 * owned fields free what they replace. UNKNOWN_OPTION names the key and those
 * there are, INVALID_OPTION the key and what it must be; fields may have been
 * set by then. */
gboolean fd_options_read (sd_bus_message *message, const FdOption *options, guint n_options, gpointer target,
                          GError **error);

/* The value of one option, where the message has it without a variant around. */
gboolean fd_option_read (sd_bus_message *message, const FdOption *option, gpointer target, GError **error);

/* Bytes of a text or a list: what a caller may make us hold, and the journal write. INVALID_OPTION. */
#define FD_OPTION_MAX_TEXT 16384
gboolean fd_option_check_length (const char *key, gsize length, GError **error);

/* The type of an option's values. */
const char *fd_option_signature (const FdOption *option);

/* FdPath <-> "socks5-direct", "socks5-proxy", "ibb". */
const char *fd_path_name (guint path); /* "" for none */
#define FD_N_PATHS 3
void fd_path_names (guint paths, const char *ret_names[FD_N_PATHS + 1]); /* NULL-terminated */

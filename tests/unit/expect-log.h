/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was logged, for tests: g_test_expect_message() does not see structured
 * messages. Include in one file of a test.
 */
#pragma once

#include <glib.h>
#include <stdlib.h>

static GString *fd_test_log;

static GLogWriterOutput
fd_test_write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE")
        && (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)))
      g_string_append_printf (fd_test_log, "%s\n", (const char *) fields[i].value);
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    {
      g_printerr ("%s", fd_test_log->str);
      abort ();
    }
  return G_LOG_WRITER_HANDLED;
}

/* Call first in main(). */
static inline void
fd_test_capture_log (void)
{
  fd_test_log = g_string_new (NULL);
  g_log_set_writer_func (fd_test_write_log, NULL, NULL);
}

/* The warnings since the last call match @pattern; "" is none. */
static inline void
fd_test_assert_logged (const char *pattern)
{
  if (!g_pattern_match_simple (pattern, fd_test_log->str))
    {
      g_printerr ("\"%s\" was logged, not \"%s\"\n", fd_test_log->str, pattern);
      abort ();
    }
  g_string_truncate (fd_test_log, 0);
}

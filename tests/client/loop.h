/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting in the default context for what a test expects.
 */
#pragma once

#include <gio/gio.h>

#define LOOP_LIMIT_S 60

static inline gboolean
loop_expired (gpointer data)
{
  g_error ("waited %d s for nothing", LOOP_LIMIT_S);
  return G_SOURCE_REMOVE;
}

#define loop_until(condition) \
  G_STMT_START \
  { \
    guint limit_ = g_timeout_add_seconds (LOOP_LIMIT_S, loop_expired, NULL); \
    while (!(condition)) \
      g_main_context_iteration (NULL, TRUE); \
    g_source_remove (limit_); \
  } \
  G_STMT_END

/* What came so far, without waiting. */
static inline void
loop_drain (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* A GAsyncReadyCallback and where it leaves the result. */
static inline void
loop_store (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* The result of an asynchronous call that was begun with loop_store and &result_. */
#define loop_result(result) loop_until ((result) != NULL)

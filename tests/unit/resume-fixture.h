/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two machines that agreed on going on later, for tests that define PREFIX.
 */
#pragma once

#include "machine-pair.h"

#define ID "id-1"

static inline void
set_up_resume (Fixture *f, gconstpointer data)
{
  set_up (f, data);
  f->file->ranged = TRUE;
  f->file->resume_id = g_strdup (ID);
  f->extensions = FD_EXT_RESUME;
  restart (f);
}

/* The hash is not known before the end. */
static inline void
set_up_promise (Fixture *f, gconstpointer data)
{
  set_up_resume (f, data);
  f->file->n_hashes = 0;
  f->file->hash_used = FD_HASH_SHA256;
}

static inline void
set_up_resume_ibb (Fixture *f, gconstpointer data)
{
  set_up_resume (f, data);
  f->paths = FD_PATH_IBB;
}

static inline void
accept_from (Fixture *f, guint64 offset)
{
  offer (f);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, offset, f->now);
  settle (f);
}

static inline void
activate_from (Fixture *f, guint64 offset)
{
  accept_from (f, offset);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  forget_logs (f);
}

static inline void
expect_interrupted (Side *side, gboolean interrupted, gboolean restart)
{
  const FdContentEnd *end = fd_content_machine_get_end (side->content);

  g_assert_cmpint (end->interrupted, ==, interrupted);
  g_assert_cmpint (end->restart, ==, restart);
}

static inline const FdFile *
last_file (Side *side)
{
  return fd_jingle_message_get_content (side->last)->file;
}

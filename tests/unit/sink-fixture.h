/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The part of "hello world" in a folder of its own, for the tests of sinks.
 */
#pragma once

#include "base/error.h"
#include "data/sink.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "a.txt"
#define PART ".a.txt.part"
#define HEAD "hello "
#define TAIL "world"
#define HEAD_SIZE 6
#define WHOLE_SIZE 11

typedef struct
{
  char *directory;
  char *part;
  char *stamp;
} Fixture;

static inline void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("fardel-sink-XXXXXX", NULL);
  f->part = g_build_filename (f->directory, PART, NULL);
}

/* Each test takes away what it expects in the folder: nothing else may be there. */
static inline void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
  g_free (f->part);
  g_free (f->stamp);
}

static inline char *
in (Fixture *f, const char *name)
{
  return g_build_filename (f->directory, name, NULL);
}

static inline void
make (Fixture *f, const char *name, const char *content)
{
  g_autofree char *path = in (f, name);

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
}

static inline void
take (Fixture *f, const char *name, const char *expected)
{
  g_autofree char *path = in (f, name);
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, expected);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static inline FdSink *
open_sink (Fixture *f, gint64 size)
{
  g_autoptr (GError) error = NULL;
  FdSink *sink = fd_sink_new_file (f->directory, NAME, FALSE, &error);

  g_assert_no_error (error);
  fd_sink_open (sink, size, &error);
  g_assert_no_error (error);
  return sink;
}

static inline void
add (FdSink *sink, guint64 offset, const char *text)
{
  g_assert_cmpint (fd_sink_write (sink, offset, text, strlen (text)), ==, strlen (text));
}

/* An orderly end of an attempt. */
static inline void
leave (Fixture *f, FdSink *sink)
{
  fd_sink_keep (sink);
  g_free (f->stamp);
  f->stamp = fd_sink_get_stamp (sink);
  g_assert_nonnull (f->stamp);
  fd_sink_unref (sink);
}

static inline void
leave_head (Fixture *f)
{
  FdSink *sink = open_sink (f, WHOLE_SIZE);

  add (sink, 0, HEAD);
  leave (f, sink);
}

static inline FdSink *
reopen_with (Fixture *f, gboolean overwrite)
{
  g_autoptr (GError) error = NULL;
  FdSink *sink = fd_sink_reopen (f->directory, NAME, overwrite, f->part, f->stamp, &error);

  g_assert_no_error (error);
  return sink;
}

static inline FdSink *
reopen (Fixture *f)
{
  return reopen_with (f, FALSE);
}

/* Whatever is refused, is left alone and named. */
static inline void
refuse (Fixture *f, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fd_sink_reopen (f->directory, NAME, FALSE, f->part, f->stamp, &error));
  g_assert_error (error, FD_ERROR, code);
  g_assert_nonnull (strstr (error->message, f->directory));
}

/* As an attempt does that goes on after @offset bytes. */
static inline void
go_on (FdSink *sink, guint64 offset, const char *text)
{
  g_autoptr (GError) error = NULL;

  fd_sink_open (sink, offset + strlen (text), &error);
  g_assert_no_error (error);
  fd_sink_hash (sink, FD_HASH_SHA256, offset, NULL, &error);
  g_assert_no_error (error);
  fd_sink_truncate (sink, offset, &error);
  g_assert_no_error (error);
  add (sink, offset, text);
}

static inline void
publish (FdSink *sink, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *base = NULL;

  fd_sink_publish (sink, 1000000000, &error);
  g_assert_no_error (error);
  base = g_path_get_basename (fd_sink_get_path (sink));
  g_assert_cmpstr (base, ==, name);
}

static inline void
refuse_publish (FdSink *sink, int code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_sink_publish (sink, -1, &error));
  g_assert_error (error, FD_ERROR, code);
  g_assert_nonnull (strstr (error->message, text));
  g_assert_false (fd_sink_is_published (sink));
}

static inline void
assert_digest (FdSink *sink, GChecksumType type, const void *data, gsize length)
{
  g_autofree char *expected = g_compute_checksum_for_data (type, data, length);
  g_autofree char *hex = NULL;
  FdDigest digest;

  fd_sink_get_digest (sink, &digest);
  hex = fd_digest_to_hex (&digest);
  g_assert_cmpstr (hex, ==, expected);
}

static inline void
assert_digest_of (FdSink *sink, const char *text)
{
  assert_digest (sink, G_CHECKSUM_SHA256, text, strlen (text));
}

static inline void
assert_no_digest (FdSink *sink)
{
  FdDigest digest;

  fd_sink_get_digest (sink, &digest);
  g_assert_cmpint (digest.algo, ==, FD_HASH_NONE);
}

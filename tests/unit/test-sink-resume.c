/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A part that an earlier attempt, or an earlier process, left.
 */
#include "base/error.h"
#include "data/sink.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HELLO "hello "

typedef struct
{
  char *directory;
  char *part; /* of "a.txt" */
  char *path;
  char *stamp;
} Fixture;

/* A part with the first bytes, left by somebody who was killed (at rest: who had time to stop). */
static void
leave_part (Fixture *f, gboolean at_rest)
{
  g_autoptr (FdSink) sink = fd_sink_new_file (f->directory, "a.txt", FALSE, NULL);

  g_assert_true (fd_sink_open (sink, 11, NULL));
  if (!at_rest)
    f->stamp = fd_sink_get_stamp (sink);
  g_assert_cmpint (fd_sink_write (sink, 0, HELLO, 6), ==, 6);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, 6);
  fd_sink_keep (sink);
  if (at_rest)
    f->stamp = fd_sink_get_stamp (sink);
  g_assert_nonnull (f->stamp);
  f->part = g_strdup (fd_sink_get_part_path (sink));
}

static void
set_up (Fixture *f, gconstpointer at_rest)
{
  f->directory = g_dir_make_tmp ("fardel-sink-XXXXXX", NULL);
  f->path = g_build_filename (f->directory, "a.txt", NULL);
  leave_part (f, at_rest != NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_rmdir (f->directory), ==, 0); /* nothing is left */
  g_free (f->directory);
  g_free (f->part);
  g_free (f->path);
  g_free (f->stamp);
}

static FdSink *
reopen (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  FdSink *sink = fd_sink_reopen (f->directory, "a.txt", FALSE, f->part, f->stamp, &error);

  g_assert_no_error (error);
  return sink;
}

static void
refuse (Fixture *f, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fd_sink_reopen (f->directory, "a.txt", FALSE, f->part, f->stamp, &error));
  g_assert_error (error, FD_ERROR, code);
}

static void
assert_digest (FdSink *sink, const char *text)
{
  g_autofree char *expected = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  g_autofree char *hex = NULL;
  FdDigest digest;

  fd_sink_get_digest (sink, &digest);
  g_assert_cmpint (digest.algo, ==, FD_HASH_SHA256);
  hex = fd_digest_to_hex (&digest);
  g_assert_cmpstr (hex, ==, expected);
}

static void
take_text (Fixture *f, const char *expected)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpint (g_unlink (f->path), ==, 0);
}

static void
append (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_APPEND | O_CLOEXEC);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
}

/* The digest is of all, the name is the one that was asked for. */
static void
test_go_on (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = reopen (f);

  g_assert_cmpuint (fd_sink_get_size (sink), ==, 6);
  g_assert_false (fd_sink_is_published (sink));
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, f->part);
  g_assert_true (fd_sink_open (sink, 11, NULL));
  g_assert_true (fd_sink_truncate (sink, 6, NULL));
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 6, NULL, NULL));
  assert_digest (sink, HELLO);
  g_assert_cmpint (fd_sink_write (sink, 6, "world", 5), ==, 5);
  assert_digest (sink, HELLO "world");
  g_assert_true (fd_sink_publish (sink, -1, NULL));
  take_text (f, HELLO "world");
}

static void
test_begin_again (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = reopen (f);

  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 6, NULL, NULL));
  g_assert_true (fd_sink_truncate (sink, 2, NULL));
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 2, NULL, NULL));
  assert_digest (sink, "he");
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA1, 0, NULL, NULL));
  fd_sink_discard (sink);
}

static void
test_kept (Fixture *f, gconstpointer data)
{
  fd_sink_unref (reopen (f));
  g_assert_cmpint (g_unlink (f->part), ==, 0);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = reopen (f);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  FdDigest digest;

  g_cancellable_cancel (cancellable);
  g_assert_false (fd_sink_hash (sink, FD_HASH_SHA256, 6, cancellable, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_CANCELLED);
  fd_sink_get_digest (sink, &digest);
  g_assert_cmpint (digest.algo, ==, FD_HASH_NONE);
  g_clear_error (&error);
  g_assert_false (fd_sink_hash (sink, FD_HASH_SHA256, 7, NULL, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_READ_FAILED);
  fd_sink_discard (sink);
}

/* Killed between the rename and the journal. */
static void
test_published (Fixture *f, gconstpointer data)
{
  g_autofree char *second = g_build_filename (f->directory, "a (2).txt", NULL);
  g_autoptr (FdSink) sink = NULL;

  g_assert_true (g_file_set_contents (f->path, "mine", -1, NULL));
  g_assert_cmpint (g_rename (f->part, second), ==, 0);
  g_assert_cmpint (g_chmod (second, 0444), ==, 0);
  sink = reopen (f);
  g_assert_true (fd_sink_is_published (sink));
  g_assert_cmpstr (fd_sink_get_path (sink), ==, second);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, "");
  g_assert_cmpuint (fd_sink_get_size (sink), ==, 6);
  g_assert_true (fd_sink_open (sink, 6, NULL));
  g_assert_true (fd_sink_truncate (sink, 6, NULL));
  g_assert_false (fd_sink_truncate (sink, 5, NULL));
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 6, NULL, NULL));
  assert_digest (sink, HELLO);
  g_assert_true (fd_sink_publish (sink, -1, NULL));
  fd_sink_discard (sink); /* of no use for a file that is the user's */
  g_clear_pointer (&sink, fd_sink_unref);
  g_assert_cmpint (g_unlink (second), ==, 0);
  take_text (f, "mine");
}

static void
test_gone (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->part), ==, 0);
  refuse (f, FD_ERROR_FILE_NOT_FOUND);
}

static void
test_replaced (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->directory, "other", NULL);

  g_assert_true (g_file_set_contents (other, HELLO, -1, NULL));
  g_assert_cmpint (g_rename (other, f->part), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  g_assert_cmpint (g_unlink (f->part), ==, 0);
}

static void
test_link (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->directory, "other", NULL);

  g_assert_cmpint (link (f->part, other), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  g_assert_cmpint (g_unlink (f->part), ==, 0);
  g_assert_cmpint (symlink (other, f->part), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  g_assert_cmpint (g_unlink (f->part), ==, 0);
  g_assert_cmpint (mkfifo (f->part, 0600), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  g_assert_cmpint (g_unlink (f->part), ==, 0);
  g_assert_cmpint (g_unlink (other), ==, 0);
}

static void
test_bad_stamp (Fixture *f, gconstpointer data)
{
  static const char *const stamps[] = { "", ":", "0:0", "x", "99999999999999999999999:1:2" };

  for (guint i = 0; i < G_N_ELEMENTS (stamps); i++)
    {
      g_free (f->stamp);
      f->stamp = g_strdup (stamps[i]);
      refuse (f, FD_ERROR_WRITE_FAILED);
    }
  g_assert_cmpint (g_unlink (f->part), ==, 0);
}

/* Somebody else wrote: that shows only if we had time to say how we left it. */
static void
test_foreign_bytes (Fixture *f, gconstpointer at_rest)
{
  append (f->part, "x");
  if (at_rest)
    refuse (f, FD_ERROR_WRITE_FAILED);
  else
    fd_sink_unref (reopen (f));
  g_assert_cmpint (g_unlink (f->part), ==, 0);
}

static void
test_origin (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = reopen (f);
  char value[64];
  ssize_t n;

  fd_sink_set_origin (sink, "xmpp:a@b?recvfile;name=a.txt", "xmpp:a@b");
  g_assert_true (fd_sink_publish (sink, -1, NULL));
  n = getxattr (f->path, "user.xdg.origin.url", value, sizeof value);
  if (n < 0 && setxattr (f->path, "user.test", "", 0, 0) < 0)
    {
      g_test_skip ("this file system has no extended attributes");
    }
  else
    {
      g_assert_cmpmem (value, n, "xmpp:a@b?recvfile;name=a.txt", 28);
      n = getxattr (f->path, "user.xdg.referrer.url", value, sizeof value);
      g_assert_cmpmem (value, n, "xmpp:a@b", 8);
    }
  take_text (f, HELLO);
}

/* The bytes of a descriptor that cannot be read are hashed as they come, or not at all. */
static void
test_descriptor (Fixture *f, gconstpointer data)
{
  int fd = open (f->part, O_WRONLY | O_CLOEXEC);
  g_autoptr (FdSink) sink = fd_sink_new_fd (fd, NULL);
  FdDigest digest;

  g_assert_null (fd_sink_get_stamp (sink));
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 0, NULL, NULL));
  g_assert_cmpint (fd_sink_write (sink, 0, "HELLO ", 6), ==, 6);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, 6);
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 6, NULL, NULL));
  assert_digest (sink, "HELLO ");
  g_assert_true (fd_sink_truncate (sink, 2, NULL));
  g_assert_cmpuint (fd_sink_get_size (sink), ==, 2);
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 2, NULL, NULL));
  fd_sink_get_digest (sink, &digest);
  g_assert_cmpint (digest.algo, ==, FD_HASH_NONE);
  g_assert_cmpint (g_unlink (f->part), ==, 0);
}

#define ADD(name, at_rest, test) \
  g_test_add ("/sink-resume/" name, Fixture, at_rest ? "" : NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("go-on", FALSE, test_go_on);
  ADD ("go-on-at-rest", TRUE, test_go_on);
  ADD ("begin-again", TRUE, test_begin_again);
  ADD ("kept", TRUE, test_kept);
  ADD ("cancel", TRUE, test_cancel);
  ADD ("published", FALSE, test_published);
  ADD ("published-at-rest", TRUE, test_published);
  ADD ("gone", TRUE, test_gone);
  ADD ("replaced", TRUE, test_replaced);
  ADD ("replaced-killed", FALSE, test_replaced);
  ADD ("link", TRUE, test_link);
  ADD ("bad-stamp", TRUE, test_bad_stamp);
  ADD ("foreign-bytes", TRUE, test_foreign_bytes);
  ADD ("foreign-bytes-killed", FALSE, test_foreign_bytes);
  ADD ("origin", TRUE, test_origin);
  ADD ("descriptor", TRUE, test_descriptor);
  return g_test_run ();
}

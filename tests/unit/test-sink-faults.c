/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A part whose daemon dies, and that other programs move, replace and write to between
 * two attempts.
 */
#include "sink-fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The other process says what it journalled, writes more, and is gone without a word. */
static void
die_while_writing (Fixture *f, int out)
{
  g_autoptr (FdSink) sink = open_sink (f, WHOLE_SIZE);
  g_autofree char *stamp = fd_sink_get_stamp (sink);

  g_assert_cmpint (write (out, stamp, strlen (stamp)), ==, strlen (stamp));
  add (sink, 0, HEAD);
  raise (SIGKILL);
}

static void
test_killed (Fixture *f, gconstpointer data)
{
  char stamp[256] = "";
  int ends[2], status;
  FdSink *sink;
  pid_t pid;

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  pid = fork ();
  if (pid == 0)
    die_while_writing (f, ends[1]);
  close (ends[1]);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  g_assert_cmpint (read (ends[0], stamp, sizeof stamp - 1), >, 0);
  close (ends[0]);

  f->stamp = g_strdup (stamp);
  sink = reopen (f);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, HEAD_SIZE);
  go_on (sink, HEAD_SIZE, TAIL);
  assert_digest_of (sink, HEAD TAIL);
  publish (sink, NAME);
  fd_sink_unref (sink);
  take (f, NAME, HEAD TAIL);
}

/* What the journal says when an attempt begins must hold until it ends, however it ends. */
static void
test_killed_after_rest (Fixture *f, gconstpointer data)
{
  FdSink *sink;

  leave_head (f);
  sink = reopen (f);
  g_assert_true (fd_sink_open (sink, WHOLE_SIZE, NULL));
  g_free (f->stamp);
  f->stamp = fd_sink_get_stamp (sink);
  go_on (sink, HEAD_SIZE, TAIL);
  fd_sink_unref (sink);

  sink = reopen (f);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, WHOLE_SIZE);
  fd_sink_discard (sink);
  fd_sink_unref (sink);
}

static void
assert_stamp (Fixture *f, FdSink *sink)
{
  g_autofree char *stamp = fd_sink_get_stamp (sink);

  g_assert_cmpstr (stamp, ==, f->stamp);
}

static void
test_many_attempts (Fixture *f, gconstpointer data)
{
  static const char text[] = HEAD TAIL;
  FdSink *sink = open_sink (f, WHOLE_SIZE);

  for (guint i = 0; text[i]; i++)
    {
      char byte[2] = { text[i], '\0' };

      go_on (sink, i, byte);
      leave (f, sink);
      sink = reopen (f);
      g_assert_cmpuint (fd_sink_get_size (sink), ==, i + 1);
      assert_stamp (f, sink); /* it rests still */
    }
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, WHOLE_SIZE, NULL, NULL));
  assert_digest_of (sink, text);
  publish (sink, NAME);
  fd_sink_unref (sink);
  take (f, NAME, text);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  FdSink *sink = open_sink (f, 0);

  leave (f, sink);
  sink = reopen (f);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, 0);
  go_on (sink, 0, "");
  assert_digest_of (sink, "");
  publish (sink, NAME);
  fd_sink_unref (sink);

  sink = reopen (f);
  g_assert_true (fd_sink_is_published (sink));
  fd_sink_unref (sink);
  take (f, NAME, "");
}

/* Whatever the user does with a published file, it is no part any more. */
static void
test_published (Fixture *f, gconstpointer data)
{
  g_autofree char *second = in (f, "a (2).txt");
  FdSink *sink;

  leave_head (f);
  make (f, NAME, "taken meanwhile");
  sink = reopen (f);
  publish (sink, "a (2).txt");
  fd_sink_keep_corrupt (sink);
  fd_sink_discard (sink);
  fd_sink_unref (sink);

  make (f, PART, "of another transfer");
  sink = reopen (f);
  g_assert_true (fd_sink_is_published (sink));
  g_assert_cmpstr (fd_sink_get_path (sink), ==, second);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, "");
  publish (sink, "a (2).txt");
  fd_sink_unref (sink);

  take (f, "a (2).txt", HEAD);
  refuse (f, FD_ERROR_WRITE_FAILED);
  take (f, PART, "of another transfer");
  refuse (f, FD_ERROR_FILE_NOT_FOUND);
  take (f, NAME, "taken meanwhile");
}

static void
test_overwrite (Fixture *f, gconstpointer data)
{
  FdSink *sink;

  leave_head (f);
  make (f, NAME, "old");
  sink = reopen_with (f, TRUE);
  g_assert_false (fd_sink_is_published (sink));
  publish (sink, NAME);
  fd_sink_unref (sink);
  sink = reopen_with (f, TRUE);
  g_assert_true (fd_sink_is_published (sink));
  fd_sink_unref (sink);
  take (f, NAME, HEAD);
}

static void
test_folder_gone (Fixture *f, gconstpointer data)
{
  g_autofree char *moved = g_strconcat (f->directory, ".moved", NULL);

  leave_head (f);
  g_assert_cmpint (g_rename (f->directory, moved), ==, 0);
  refuse (f, FD_ERROR_FILE_NOT_FOUND);

  g_assert_true (g_file_set_contents (f->directory, "", 0, NULL));
  refuse (f, FD_ERROR_INVALID_PATH);
  g_assert_cmpint (g_unlink (f->directory), ==, 0);

  g_assert_cmpint (g_mkdir (f->directory, 0700), ==, 0);
  refuse (f, FD_ERROR_FILE_NOT_FOUND);
  make (f, PART, HEAD);
  refuse (f, FD_ERROR_WRITE_FAILED);
  take (f, PART, HEAD);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);

  g_assert_cmpint (g_rename (moved, f->directory), ==, 0);
  fd_sink_unref (reopen (f));
  take (f, PART, HEAD);
}

static void
test_folder_as_part (Fixture *f, gconstpointer data)
{
  leave_head (f);
  take (f, PART, HEAD);
  g_assert_cmpint (g_mkdir (f->part, 0700), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  g_assert_cmpint (g_rmdir (f->part), ==, 0);
}

/* Half a file under the final name is no published one. */
static void
test_linked_as_target (Fixture *f, gconstpointer data)
{
  g_autofree char *target = in (f, NAME);

  leave_head (f);
  g_assert_cmpint (link (f->part, target), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  take (f, PART, HEAD);
  take (f, NAME, HEAD);
}

/* Other bytes of the same number; only the date tells. */
static void
test_overwritten (Fixture *f, gconstpointer data)
{
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000000000 } };

  leave_head (f);
  g_assert_cmpint (utimensat (AT_FDCWD, f->part, times, 0), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  take (f, PART, HEAD);
}

/* A machine that crashed may have brought less to the disk than we wrote. */
static void
test_shorter (Fixture *f, gconstpointer data)
{
  FdSink *sink;

  leave_head (f);
  g_assert_cmpint (truncate (f->part, 2), ==, 0);
  sink = reopen (f);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, 2);
  go_on (sink, 2, "llo " TAIL);
  assert_digest_of (sink, HEAD TAIL);
  publish (sink, NAME);
  fd_sink_unref (sink);
  take (f, NAME, HEAD TAIL);
}

static void
test_removed_meanwhile (Fixture *f, gconstpointer data)
{
  FdSink *sink;

  leave_head (f);
  sink = reopen (f);
  take (f, PART, HEAD);
  go_on (sink, HEAD_SIZE, TAIL);
  refuse_publish (sink, FD_ERROR_WRITE_FAILED, "deleted");
  fd_sink_unref (sink);
}

/* Somebody else's file under the name of our part is neither published nor removed. */
static void
test_replaced_meanwhile (Fixture *f, gconstpointer data)
{
  g_autofree char *away = in (f, "away");
  FdSink *sink;

  leave_head (f);
  sink = reopen (f);
  g_assert_cmpint (g_rename (f->part, away), ==, 0);
  make (f, PART, "foreign");
  go_on (sink, HEAD_SIZE, TAIL);
  refuse_publish (sink, FD_ERROR_WRITE_FAILED, away);
  fd_sink_discard (sink);
  fd_sink_unref (sink);
  take (f, PART, "foreign");
  take (f, "away", HEAD TAIL);
}

static void
test_keep_and_discard (Fixture *f, gconstpointer data)
{
  FdSink *sink;

  leave_head (f);
  sink = reopen (f);
  fd_sink_discard (sink);
  fd_sink_keep (sink);
  fd_sink_unref (sink);

  sink = reopen (f);
  fd_sink_keep_corrupt (sink);
  fd_sink_unref (sink);
  refuse (f, FD_ERROR_FILE_NOT_FOUND);
  take (f, ".a.txt.corrupt", HEAD);

  leave_head (f);
  sink = reopen (f);
  fd_sink_keep_corrupt (sink);
  fd_sink_discard (sink);
  fd_sink_unref (sink);

  leave_head (f);
  sink = reopen (f);
  fd_sink_discard (sink);
  fd_sink_unref (sink);
  refuse (f, FD_ERROR_FILE_NOT_FOUND);
}

static void
test_hash (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = open_sink (f, -1);

  add (sink, 0, "0123456789");
  assert_no_digest (sink);
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 4, NULL, NULL));
  assert_digest_of (sink, "0123");
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 10, NULL, NULL));
  assert_digest_of (sink, "0123456789");
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 3, NULL, NULL));
  assert_digest_of (sink, "012");
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA1, 10, NULL, NULL));
  assert_digest (sink, G_CHECKSUM_SHA1, "0123456789", 10);
  g_assert_true (fd_sink_hash (sink, FD_HASH_NONE, 10, NULL, NULL));
  assert_no_digest (sink);

  /* Cut behind what was hashed, and other bytes come. */
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 10, NULL, NULL));
  g_assert_true (fd_sink_truncate (sink, 4, NULL));
  assert_no_digest (sink);
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 4, NULL, NULL));
  add (sink, 4, "x");
  assert_digest_of (sink, "0123x");

  /* Cut where the hash ends: nothing is read again. */
  add (sink, 5, "y");
  g_assert_true (fd_sink_truncate (sink, 6, NULL));
  assert_digest_of (sink, "0123xy");

  /* Written over, or past the end: no digest without a look. */
  add (sink, 0, "X");
  assert_no_digest (sink);
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 6, NULL, NULL));
  assert_digest_of (sink, "X123xy");
  add (sink, 7, "z");
  assert_no_digest (sink);
}

/* From where the caller's file stood. */
static void
test_hash_descriptor (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;
  int fd;

  make (f, "a", "head:" HEAD);
  {
    g_autofree char *path = in (f, "a");

    fd = open (path, O_RDWR | O_CLOEXEC);
  }
  g_assert_cmpint (lseek (fd, 5, SEEK_SET), ==, 5);
  sink = fd_sink_new_fd (fd, NULL);
  go_on (sink, HEAD_SIZE, TAIL);
  assert_digest_of (sink, HEAD TAIL);
  g_assert_true (fd_sink_publish (sink, -1, NULL));
  take (f, "a", "head:" HEAD TAIL);
}

static void
test_hash_pipe (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  sink = fd_sink_new_fd (ends[1], NULL);
  go_on (sink, 0, HEAD);
  go_on (sink, HEAD_SIZE, TAIL);
  assert_digest_of (sink, HEAD TAIL);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, WHOLE_SIZE);
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, HEAD_SIZE, NULL, NULL));
  assert_no_digest (sink); /* gone, and nobody can read them again */
  close (ends[0]);
}

/* Longer than ext4 takes, longer than anybody takes. */
static void
test_long_origin (Fixture *f, gconstpointer data)
{
  static const gsize lengths[] = { 5000, 70000 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree char *origin = g_strnfill (lengths[i], 'x');
      g_autoptr (FdSink) sink = open_sink (f, WHOLE_SIZE);

      fd_sink_set_origin (sink, origin, NULL);
      add (sink, 0, HEAD TAIL);
      publish (sink, NAME);
      take (f, NAME, HEAD TAIL);
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/sink-faults/killed", test_killed },
    { "/sink-faults/killed-after-rest", test_killed_after_rest },
    { "/sink-faults/many-attempts", test_many_attempts },
    { "/sink-faults/empty", test_empty },
    { "/sink-faults/published", test_published },
    { "/sink-faults/overwrite", test_overwrite },
    { "/sink-faults/folder-gone", test_folder_gone },
    { "/sink-faults/folder-as-part", test_folder_as_part },
    { "/sink-faults/linked-as-target", test_linked_as_target },
    { "/sink-faults/overwritten", test_overwritten },
    { "/sink-faults/shorter", test_shorter },
    { "/sink-faults/removed-meanwhile", test_removed_meanwhile },
    { "/sink-faults/replaced-meanwhile", test_replaced_meanwhile },
    { "/sink-faults/keep-and-discard", test_keep_and_discard },
    { "/sink-faults/hash", test_hash },
    { "/sink-faults/hash-descriptor", test_hash_descriptor },
    { "/sink-faults/hash-pipe", test_hash_pipe },
    { "/sink-faults/long-origin", test_long_origin },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}

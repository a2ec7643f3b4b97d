/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/fd.h"
#include "data/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

typedef struct
{
  char *directory;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("fardel-sink-XXXXXX", NULL);
}

/* Whatever a test leaves in the folder is a leak: each names what it expects there. */
static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
}

static char *
in (Fixture *f, const char *name)
{
  return g_build_filename (f->directory, name, NULL);
}

static void
assert_content (Fixture *f, const char *name, const char *expected)
{
  g_autofree char *path = in (f, name);
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, expected);
}

static void
assert_content_and_remove (Fixture *f, const char *name, const char *expected)
{
  g_autofree char *path = in (f, name);

  assert_content (f, name, expected);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
make (Fixture *f, const char *name, const char *content)
{
  g_autofree char *path = in (f, name);

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
}

static FdSink *
open_sink (Fixture *f, const char *name, gboolean overwrite, const char *content)
{
  g_autoptr (GError) error = NULL;
  FdSink *sink = fd_sink_new_file (f->directory, name, overwrite, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fd_sink_get_fd (sink), ==, -1);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, "");
  g_assert_true (fd_sink_open (sink, strlen (content), &error));
  g_assert_true (fd_sink_open (sink, strlen (content), &error));
  g_assert_no_error (error);
  g_assert_cmpint (fd_sink_write (sink, 0, content, strlen (content)), ==, strlen (content));
  return sink;
}

static void
publish (FdSink *sink, const char *expected_name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;

  fd_sink_publish (sink, -1, &error);
  g_assert_no_error (error);
  name = g_path_get_basename (fd_sink_get_path (sink));
  g_assert_cmpstr (name, ==, expected_name);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, "");
}

static void
test_publish (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = open_sink (f, "a.txt", FALSE, "hello");
  g_autofree char *part = in (f, ".a.txt.part");
  g_autofree char *path = in (f, "a.txt");
  g_autoptr (GError) error = NULL;
  struct stat st;
  mode_t mask = umask (027);

  umask (mask);
  g_assert_true (fd_sink_is_file (sink));
  g_assert_true (fd_sink_is_seekable (sink));
  g_assert_cmpstr (fd_sink_get_path (sink), ==, path);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, part);
  g_assert_cmpint (stat (part, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);

  g_assert_true (fd_sink_publish (sink, 1000000000, &error));
  g_assert_true (fd_sink_publish (sink, 5, &error)); /* once */
  g_assert_no_error (error);
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mtim.tv_sec, ==, 1000000000);
  g_assert_cmpint (st.st_mode & 07777, ==, 0666 & ~mask);
  assert_content_and_remove (f, "a.txt", "hello");
}

static void
test_numbered (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) first = open_sink (f, "a.tar.gz", FALSE, "1");
  g_autoptr (FdSink) second = open_sink (f, "a.tar.gz", FALSE, "2");
  g_autoptr (FdSink) third = open_sink (f, "a.tar.gz", FALSE, "3");
  g_autofree char *part = in (f, ".a (3).tar.gz.part");

  g_assert_cmpstr (fd_sink_get_part_path (third), ==, part);
  make (f, "a.tar.gz", "old");
  publish (third, "a (2).tar.gz");
  publish (first, "a (3).tar.gz");
  publish (second, "a (4).tar.gz");
  assert_content_and_remove (f, "a.tar.gz", "old");
  assert_content_and_remove (f, "a (2).tar.gz", "3");
  assert_content_and_remove (f, "a (3).tar.gz", "1");
  assert_content_and_remove (f, "a (4).tar.gz", "2");
}

static void
test_overwrite (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = open_sink (f, "a", TRUE, "new");

  make (f, "a", "old");
  publish (sink, "a");
  assert_content_and_remove (f, "a", "new");
}

/* A link that somebody puts where the part or the target goes must not be followed. */
static void
test_symlinks (Fixture *f, gconstpointer data)
{
  g_autofree char *victim = in (f, "victim");
  g_autofree char *part = in (f, ".a.part");
  g_autofree char *target = in (f, "a");
  FdSink *sink;

  make (f, "victim", "precious");
  g_assert_cmpint (symlink ("victim", part), ==, 0);
  g_assert_cmpint (symlink ("victim", target), ==, 0);
  sink = open_sink (f, "a", FALSE, "evil");
  publish (sink, "a (2)");
  fd_sink_unref (sink);
  sink = open_sink (f, "a", TRUE, "evil");
  publish (sink, "a");
  fd_sink_unref (sink);

  assert_content (f, "victim", "precious");
  assert_content_and_remove (f, "a", "evil");
  assert_content_and_remove (f, "a (2)", "evil");
  g_unlink (part);
  g_unlink (victim);
}

static void
test_unref_removes (Fixture *f, gconstpointer data)
{
  fd_sink_unref (open_sink (f, "a", FALSE, "x"));
}

static void
test_keep (Fixture *f, gconstpointer data)
{
  FdSink *sink = open_sink (f, "a", FALSE, "kept");

  fd_sink_keep (sink);
  fd_sink_unref (sink);
  assert_content_and_remove (f, ".a.part", "kept");
}

static void
test_keep_corrupt (Fixture *f, gconstpointer data)
{
  FdSink *sink = open_sink (f, "a.b", FALSE, "bad");
  g_autofree char *path = in (f, ".a.b (2).corrupt");

  make (f, ".a.b.corrupt", "worse");
  fd_sink_keep_corrupt (sink);
  fd_sink_keep_corrupt (sink);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, path);
  fd_sink_unref (sink);
  assert_content_and_remove (f, ".a.b.corrupt", "worse");
  assert_content_and_remove (f, ".a.b (2).corrupt", "bad");
}

static void
refuse_publish (FdSink *sink, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_sink_publish (sink, -1, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_part_deleted (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = open_sink (f, "a", FALSE, "x");

  g_unlink (fd_sink_get_part_path (sink));
  refuse_publish (sink, "lost");
}

static void
test_part_replaced (Fixture *f, gconstpointer data)
{
  FdSink *sink = open_sink (f, "a", FALSE, "ours");
  g_autofree char *elsewhere = in (f, "elsewhere");

  g_assert_cmpint (g_rename (fd_sink_get_part_path (sink), elsewhere), ==, 0);
  refuse_publish (sink, elsewhere);
  make (f, ".a.part", "theirs");
  refuse_publish (sink, elsewhere);
  fd_sink_unref (sink); /* does not touch either */
  assert_content_and_remove (f, "elsewhere", "ours");
  assert_content_and_remove (f, ".a.part", "theirs");
}

static void
test_directory_removed (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *sub = in (f, "sub");
  g_autoptr (FdSink) before = NULL;

  g_mkdir (sub, 0700);
  sink = fd_sink_new_file (sub, "a", FALSE, NULL);
  before = fd_sink_new_file (sub, "b", FALSE, NULL);
  g_assert_true (fd_sink_open (sink, 1, NULL));
  g_unlink (fd_sink_get_part_path (sink));
  g_assert_cmpint (g_rmdir (sub), ==, 0);
  refuse_publish (sink, "lost");
  g_assert_false (fd_sink_open (before, 1, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_PATH);
}

static void
test_directory_moved (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;
  g_autofree char *sub = in (f, "sub");
  g_autofree char *moved = in (f, "moved");
  g_autofree char *path = in (f, "moved/a");

  g_mkdir (sub, 0700);
  sink = fd_sink_new_file (sub, "a", FALSE, NULL);
  g_assert_true (fd_sink_open (sink, 0, NULL));
  g_assert_cmpint (g_rename (sub, moved), ==, 0);
  publish (sink, "a");
  g_assert_cmpstr (fd_sink_get_path (sink), ==, path);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (moved), ==, 0);
}

static void
test_target_is_folder (Fixture *f, gconstpointer data)
{
  FdSink *sink = open_sink (f, "a", TRUE, "bytes");
  g_autofree char *target = in (f, "a");

  g_mkdir (target, 0700);
  refuse_publish (sink, ".a.part");
  fd_sink_unref (sink);
  assert_content_and_remove (f, ".a.part", "bytes");
  g_assert_cmpint (g_rmdir (target), ==, 0);
}

static void
test_truncate (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = open_sink (f, "a", FALSE, "0123456789");
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_sink_truncate (sink, 11, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_WRITE_FAILED);
  g_assert_true (fd_sink_truncate (sink, 10, NULL));
  g_assert_true (fd_sink_truncate (sink, 4, NULL));
  g_assert_cmpint (fd_sink_write (sink, 4, "x", 1), ==, 1);
  publish (sink, "a");
  assert_content_and_remove (f, "a", "0123x");
}

static void
test_long_name (Fixture *f, gconstpointer data)
{
  g_autofree char *name = g_strnfill (255, 'n');
  g_autofree char *too_long = g_strnfill (256, 'n');
  FdSink *sink = open_sink (f, name, FALSE, "x");
  g_autofree char *path = in (f, name);

  g_assert_null (fd_sink_new_file (f->directory, too_long, FALSE, NULL));
  publish (sink, name);
  fd_sink_unref (sink);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autofree char *missing = in (f, "missing");
  const struct
  {
    const char *directory, *name;
    int code;
  } cases[] = {
    { "relative", "a", FD_ERROR_INVALID_PATH },     { missing, "a", FD_ERROR_FILE_NOT_FOUND },
    { "/dev/null", "a", FD_ERROR_INVALID_PATH },    { f->directory, "", FD_ERROR_INVALID_PATH },
    { f->directory, "a/b", FD_ERROR_INVALID_PATH }, { f->directory, "..", FD_ERROR_INVALID_PATH },
    { f->directory, ".", FD_ERROR_INVALID_PATH },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (fd_sink_new_file (cases[i].directory, cases[i].name, FALSE, &error));
      g_assert_error (error, FD_ERROR, cases[i].code);
    }
}

/* A peer may claim any size; nothing is left behind. */
static void
test_too_big (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = fd_sink_new_file (f->directory, "a", FALSE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_sink_open (sink, G_MAXINT64, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_NO_SPACE);
  g_assert_cmpint (fd_sink_get_fd (sink), ==, -1);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, "");
}

static void
refuse_fd (int fd)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fd_sink_new_fd (fd, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_FD);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);
}

static void
test_fd_refused (Fixture *f, gconstpointer data)
{
  g_autofree char *path = in (f, "a");
  int ends[2];

  make (f, "a", "");
  refuse_fd (-1);
  refuse_fd (open (path, O_RDONLY | O_CLOEXEC));
  refuse_fd (open (path, O_PATH | O_CLOEXEC));
  refuse_fd (open ("/dev/full", O_WRONLY | O_CLOEXEC));
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  refuse_fd (ends[0]);
  close (ends[1]);
  g_unlink (path);
}

static void
test_fd_file (Fixture *f, gconstpointer data)
{
  g_autofree char *path = in (f, "a");
  int fd;
  FdSink *sink;

  make (f, "a", "head:");
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (lseek (fd, 0, SEEK_END), ==, 5);
  sink = fd_sink_new_fd (fd, NULL);
  g_assert_false (fd_sink_is_file (sink));
  g_assert_cmpint (fd_sink_get_fd (sink), ==, fd);
  g_assert_cmpstr (fd_sink_get_path (sink), ==, "");
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, "");
  g_assert_true (fd_sink_open (sink, G_MAXINT64, NULL));
  g_assert_true (fd_sink_truncate (sink, 7, NULL));
  g_assert_cmpint (fd_sink_write (sink, 0, "abc", 3), ==, 3);
  g_assert_cmpint (fd_sink_write (sink, 1, "x", 1), ==, 1);
  g_assert_true (fd_sink_publish (sink, 7, NULL));
  fd_sink_keep_corrupt (sink);
  fd_sink_unref (sink);
  assert_content_and_remove (f, "a", "head:axc");
}

static void
test_fd_pipe (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;
  int ends[2];
  char buffer[8];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  sink = fd_sink_new_fd (ends[1], NULL);
  g_assert_false (fd_sink_is_seekable (sink));
  g_assert_cmpint (fd_sink_write (sink, 1, "abc", 3), ==, -1);
  g_assert_cmpint (errno, ==, ESPIPE);
  g_assert_cmpint (fd_sink_write (sink, 0, "abc", 3), ==, 3);
  g_assert_cmpint (fd_sink_write (sink, 0, "abc", 3), ==, -1);
  g_assert_cmpint (fd_sink_write (sink, 3, "d", 1), ==, 1);
  g_assert_true (fd_sink_publish (sink, -1, NULL));
  g_assert_cmpint (read (ends[0], buffer, sizeof buffer), ==, 4);
  g_assert_cmpmem (buffer, 4, "abcd", 4);
  close (ends[0]);
}

/* renameat2() with flags fails from now on, as on NFS. */
static void
forbid_rename_flags (void)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args[4])),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (code), code };

  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static void
test_no_rename_flags (Fixture *f, gconstpointer data)
{
  if (g_test_subprocess ())
    {
      forbid_rename_flags ();
      g_assert_cmpint (renameat2 (AT_FDCWD, "/", AT_FDCWD, "/", RENAME_NOREPLACE), ==, -1);
      g_assert_cmpint (errno, ==, EINVAL);
      test_numbered (f, NULL);
      test_publish (f, NULL);
      test_keep_corrupt (f, NULL);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/sink/publish", test_publish },
    { "/sink/numbered", test_numbered },
    { "/sink/overwrite", test_overwrite },
    { "/sink/symlinks", test_symlinks },
    { "/sink/unref-removes", test_unref_removes },
    { "/sink/keep", test_keep },
    { "/sink/keep-corrupt", test_keep_corrupt },
    { "/sink/part-deleted", test_part_deleted },
    { "/sink/part-replaced", test_part_replaced },
    { "/sink/directory-removed", test_directory_removed },
    { "/sink/directory-moved", test_directory_moved },
    { "/sink/target-is-folder", test_target_is_folder },
    { "/sink/truncate", test_truncate },
    { "/sink/long-name", test_long_name },
    { "/sink/refused", test_refused },
    { "/sink/too-big", test_too_big },
    { "/sink/fd-refused", test_fd_refused },
    { "/sink/fd-file", test_fd_file },
    { "/sink/fd-pipe", test_fd_pipe },
    { "/sink/no-rename-flags", test_no_rename_flags },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}

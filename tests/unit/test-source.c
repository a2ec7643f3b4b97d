/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/fd.h"
#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char *directory;

static char *
make_file (const char *name, const char *content)
{
  char *path = g_build_filename (directory, name, NULL);

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  return path;
}

static void
test_open (void)
{
  g_autofree char *path = make_file ("open.txt", "0123456789");
  g_autoptr (GError) error = NULL;
  g_autoptr (FdSource) source = fd_source_open (path, &error);
  struct timespec times[2] = { { 0, UTIME_OMIT }, { 1000000000, 5 } };
  char buffer[16];

  g_assert_no_error (error);
  g_assert_cmpstr (fd_source_get_path (source), ==, path);
  g_assert_cmpint (fd_source_get_size (source), ==, 10);
  g_assert_true (fd_source_is_seekable (source));
  g_assert_cmpstr (fd_source_get_media_type (source, "open.txt"), ==, "text/plain");
  g_assert_cmpint (fd_source_read (source, 4, buffer, 3), ==, 3);
  g_assert_cmpmem (buffer, 3, "456", 3);
  g_assert_cmpint (fd_source_read (source, 10, buffer, 3), ==, 0);
  g_assert_true (fd_source_check (source, &error));

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
  g_assert_false (fd_source_check (source, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_SOURCE_CHANGED);
  g_unlink (path);
}

/* What a descriptor's file is called now, if it is called anything. */
static void
test_find_path (void)
{
  g_autofree char *path = make_file ("before", "0123456789");
  g_autofree char *after = g_build_filename (directory, "after", NULL);
  g_autoptr (FdSource) named = fd_source_new_fd (open (path, O_RDONLY | O_CLOEXEC), -1, NULL);
  g_autoptr (FdSource) nameless = fd_source_new_fd (open (path, O_RDONLY | O_CLOEXEC), -1, NULL);
  g_autoptr (FdSource) pipe_end = NULL;
  int ends[2];

  g_assert_cmpint (g_rename (path, after), ==, 0);
  g_assert_cmpstr (fd_source_get_path (named), ==, "");
  fd_source_find_path (named);
  g_assert_cmpstr (fd_source_get_path (named), ==, after);
  g_unlink (after);
  fd_source_find_path (nameless);
  g_assert_cmpstr (fd_source_get_path (nameless), ==, "");

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  pipe_end = fd_source_new_fd (ends[0], -1, NULL);
  fd_source_find_path (pipe_end);
  g_assert_cmpstr (fd_source_get_path (pipe_end), ==, "");
  close (ends[1]);
}

static void
test_changed_size (void)
{
  g_autofree char *path = make_file ("size", "0123456789");
  g_autoptr (FdSource) source = fd_source_open (path, NULL);
  struct stat st;
  struct timespec times[2];
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (truncate (path, 9), ==, 0);
  times[0] = st.st_atim;
  times[1] = st.st_mtim;
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
  g_assert_cmpint (fd_source_get_mtime (source), ==, st.st_mtim.tv_sec);
  g_assert_false (fd_source_check (source, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_SOURCE_CHANGED);
  g_unlink (path);
}

static void
test_open_refused (void)
{
  g_autofree char *fifo = g_build_filename (directory, "fifo", NULL);
  g_autofree char *missing = g_build_filename (directory, "missing", NULL);
  g_autofree char *loop = g_build_filename (directory, "loop", NULL);
  g_autofree char *file = make_file ("notdir", "");
  g_autofree char *below = g_build_filename (file, "x", NULL);
  const struct
  {
    const char *path;
    int code;
  } cases[] = {
    { "relative", FD_ERROR_INVALID_PATH }, { "", FD_ERROR_INVALID_PATH },
    { directory, FD_ERROR_INVALID_PATH },  { "/dev/null", FD_ERROR_INVALID_PATH },
    { fifo, FD_ERROR_INVALID_PATH },       { missing, FD_ERROR_FILE_NOT_FOUND },
    { loop, FD_ERROR_INVALID_PATH },       { below, FD_ERROR_INVALID_PATH },
  };

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (symlink ("loop", loop), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (fd_source_open (cases[i].path, &error));
      g_assert_error (error, FD_ERROR, cases[i].code);
    }
  g_unlink (fifo);
  g_unlink (loop);
  g_unlink (file);
}

static void
refuse_fd (int fd)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fd_source_new_fd (fd, -1, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_FD);
  if (fd >= 0)
    {
      g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1); /* it was taken */
      g_assert_cmpint (errno, ==, EBADF);
    }
}

static void
test_fd_refused (void)
{
  g_autofree char *path = make_file ("fd", "x");
  int pair[2], ends[2];

  refuse_fd (-1);
  refuse_fd (open (path, O_WRONLY | O_CLOEXEC));
  refuse_fd (open (path, O_PATH | O_CLOEXEC));
  refuse_fd (open (directory, O_RDONLY | O_CLOEXEC));
  refuse_fd (open ("/dev/zero", O_RDONLY | O_CLOEXEC));
  refuse_fd (socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  refuse_fd (pair[0]);
  close (pair[1]);
  pair[0] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (pair[0], &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof (sa_family_t)), ==, 0);
  g_assert_cmpint (listen (pair[0], 1), ==, 0);
  refuse_fd (pair[0]);
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  refuse_fd (ends[1]);
  close (ends[0]);
  g_unlink (path);
}

static void
test_fd_file (void)
{
  g_autofree char *path = make_file ("fd.html", "<!DOCTYPE html><html>");
  int fd = open (path, O_RDWR | O_CLOEXEC);
  g_autoptr (FdSource) source = NULL;
  char first;

  g_assert_cmpint (lseek (fd, 5, SEEK_SET), ==, 5);
  source = fd_source_new_fd (fd, 3, NULL);
  g_assert_nonnull (source);
  g_assert_cmpint (fd_source_get_fd (source), ==, fd);
  g_assert_cmpstr (fd_source_get_path (source), ==, "");
  g_assert_cmpint (fd_source_get_size (source), ==, 21); /* the file knows better */
  g_assert_cmpint (fd_source_read (source, 0, &first, 1), ==, 1);
  g_assert_cmpint (first, ==, '<');
  g_assert_cmpstr (fd_source_get_media_type (source, "page"), ==, "text/html");
  g_unlink (path);
}

static void
test_fd_pipe (void)
{
  g_autoptr (FdSource) source = NULL;
  int ends[2];
  char buffer[8];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  source = fd_source_new_fd (ends[0], 7, NULL);
  g_assert_false (fd_source_is_seekable (source));
  g_assert_cmpint (fd_source_get_size (source), ==, 7);
  g_assert_cmpint (fd_source_get_mtime (source), ==, -1);
  g_assert_cmpstr (fd_source_get_media_type (source, "no-idea"), ==, "");
  g_assert_true (fd_source_check (source, NULL));

  g_assert_cmpint (write (ends[1], "abcdefg", 7), ==, 7);
  close (ends[1]);
  g_assert_cmpint (fd_source_read (source, 1, buffer, 4), ==, -1);
  g_assert_cmpint (errno, ==, ESPIPE);
  g_assert_cmpint (fd_source_read (source, 0, buffer, 4), ==, 4);
  g_assert_cmpint (fd_source_read (source, 0, buffer, 4), ==, -1);
  g_assert_cmpint (errno, ==, ESPIPE);
  g_assert_cmpint (fd_source_read (source, 4, buffer, 4), ==, 3);
  g_assert_cmpint (fd_source_read (source, 7, buffer, 4), ==, 0);
}

static void
test_fd_socket (void)
{
  g_autoptr (FdSource) source = NULL;
  int ends[2];
  char buffer[8];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  source = fd_source_new_fd (ends[0], -1, NULL);
  g_assert_cmpint (fd_source_get_size (source), ==, -1);
  g_assert_cmpint (fd_source_read (source, 0, buffer, 4), ==, -1);
  g_assert_cmpint (errno, ==, EAGAIN);
  g_assert_cmpint (write (ends[1], "ab", 2), ==, 2);
  close (ends[1]);
  g_assert_cmpint (fd_source_read (source, 0, buffer, 4), ==, 2);
  g_assert_cmpint (fd_source_read (source, 2, buffer, 4), ==, 0);
}

static char *
stamp_of (const char *path)
{
  g_autoptr (FdSource) source = fd_source_open (path, NULL);

  return fd_source_get_stamp (source);
}

/* Also of another process: the stamp is all that it has. */
static void
test_stamp (void)
{
  g_autofree char *path = make_file ("stamp", "0123456789");
  g_autofree char *other = make_file ("other", "012345678");
  g_autofree char *before = stamp_of (path);
  struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, 0 } };
  struct stat st;

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *unchanged = stamp_of (path);
      g_autofree char *after = NULL;

      g_assert_cmpstr (unchanged, ==, before);
      g_assert_cmpint (stat (path, &st), ==, 0);
      times[1] = st.st_mtim;
      if (i == 0)
        times[1].tv_nsec = (times[1].tv_nsec + 1) % 1000000000;
      else if (i == 1)
        times[1].tv_sec++;
      else if (i == 2)
        g_assert_cmpint (truncate (path, 9), ==, 0);
      else
        g_assert_cmpint (g_rename (other, path), ==, 0);
      g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
      after = stamp_of (path);
      g_assert_cmpstr (after, !=, before);
      g_free (before);
      before = g_steal_pointer (&after);
    }
  g_unlink (path);
}

/* What was offered, not what it has become. */
static void
test_stamp_stays (void)
{
  g_autofree char *path = make_file ("stays", "0123456789");
  g_autoptr (FdSource) source = fd_source_open (path, NULL);
  g_autofree char *before = fd_source_get_stamp (source);
  g_autofree char *after = NULL;
  g_autofree char *now = NULL;

  g_assert_cmpint (truncate (path, 9), ==, 0);
  after = fd_source_get_stamp (source);
  g_assert_cmpstr (after, ==, before);
  now = stamp_of (path);
  g_assert_cmpstr (now, !=, before);
  g_unlink (path);
}

static void
test_stamp_of_pipe (void)
{
  g_autoptr (FdSource) source = NULL;
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  source = fd_source_new_fd (ends[0], 7, NULL);
  g_assert_null (fd_source_get_stamp (source));
  close (ends[1]);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("fardel-source-XXXXXX", NULL);
  g_test_add_func ("/source/open", test_open);
  g_test_add_func ("/source/find-path", test_find_path);
  g_test_add_func ("/source/changed-size", test_changed_size);
  g_test_add_func ("/source/open-refused", test_open_refused);
  g_test_add_func ("/source/fd-refused", test_fd_refused);
  g_test_add_func ("/source/fd-file", test_fd_file);
  g_test_add_func ("/source/fd-pipe", test_fd_pipe);
  g_test_add_func ("/source/fd-socket", test_fd_socket);
  g_test_add_func ("/source/stamp", test_stamp);
  g_test_add_func ("/source/stamp-stays", test_stamp_stays);
  g_test_add_func ("/source/stamp-of-pipe", test_stamp_of_pipe);
  result = g_test_run ();
  g_rmdir (directory);
  g_free (directory);
  return result;
}

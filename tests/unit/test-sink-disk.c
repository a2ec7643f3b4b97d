/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A part on a full disk, on a file system that cannot do much, and without rights.
 */
#include "base/fd.h"
#include "sink-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define KIB 1024
#define DISK_SIZE (256 * KIB)

#define NOBODY 65534

static gboolean
write_file (const char *path, const char *text)
{
  fd_autoclose fd = open (path, O_WRONLY | O_CLOEXEC);

  return fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);
}

/* Mounts that nobody else sees; without root as the root of a user namespace. */
static gboolean
get_own_mounts (void)
{
  g_autofree char *uids = g_strdup_printf ("0 %u 1", geteuid ());
  g_autofree char *gids = g_strdup_printf ("0 %u 1", getegid ());

  if (geteuid () == 0)
    return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  return unshare (CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file ("/proc/self/setgroups", "deny")
         && write_file ("/proc/self/uid_map", uids) && write_file ("/proc/self/gid_map", gids);
}

static gboolean
can_mount (void)
{
  int status = -1;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (get_own_mounts () && mount ("tmpfs", "/tmp", "tmpfs", 0, NULL) == 0 ? 0 : 1);
  waitpid (pid, &status, 0);
  return status == 0;
}

/* TRUE in a process of its own, which may spoil its mounts and rights. */
static gboolean
in_subprocess (void)
{
  if (g_test_subprocess ())
    return TRUE;
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return FALSE;
}

/* fallocate() fails from now on: over quota, or longer than the file system's files get. */
static void
forbid_fallocate (guint16 errnum)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errnum),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (code), code };

  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

/* A fresh part leaves nothing behind, an old one stays. */
static void
refuse_to_reserve (Fixture *f, FdSink *sink, int code)
{
  g_autoptr (FdSink) fresh = fd_sink_new_file (f->directory, NAME, FALSE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (fd_sink_open (fresh, WHOLE_SIZE, &error));
  g_assert_error (error, FD_ERROR, code);
  g_assert_cmpstr (fd_sink_get_part_path (fresh), ==, "");
  g_assert_null (fd_sink_get_stamp (fresh));
  g_clear_error (&error);
  g_assert_false (fd_sink_open (sink, WHOLE_SIZE, &error));
  g_assert_error (error, FD_ERROR, code);
  g_assert_cmpstr (fd_sink_get_part_path (sink), ==, f->part);
}

static void
test_cannot_reserve (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) sink = NULL;

  if (!in_subprocess ())
    return;
  leave_head (f);
  sink = reopen (f);
  forbid_fallocate (EDQUOT);
  refuse_to_reserve (f, sink, FD_ERROR_NO_SPACE);
  forbid_fallocate (EFBIG);
  refuse_to_reserve (f, sink, FD_ERROR_WRITE_FAILED);
  forbid_fallocate (EOPNOTSUPP);
  go_on (sink, HEAD_SIZE, TAIL);
  publish (sink, NAME);
  take (f, NAME, HEAD TAIL);
}

static gboolean
in_mount (Fixture *f, const char *type, const char *options)
{
  if (!g_test_subprocess () && !can_mount ())
    {
      g_test_skip ("needs the right to mount a file system");
      return FALSE;
    }
  if (!in_subprocess ())
    return FALSE;
  g_assert_true (get_own_mounts ());
  g_assert_cmpint (mount (type, f->directory, type, 0, options), ==, 0);
  return TRUE;
}

static void
leave_mount (Fixture *f)
{
  g_assert_cmpint (umount (f->directory), ==, 0);
}

/* How many bytes went in before the disk was full. */
static gsize
fill (FdSink *sink, const char *data, gsize length)
{
  gsize done = 0;

  while (done < length)
    {
      gssize n = fd_sink_write (sink, done, data + done, MIN (length - done, 10000));

      if (n < 0)
        {
          g_assert_cmpint (errno, ==, ENOSPC);
          break;
        }
      done += n;
    }
  return done;
}

/* What fitted is kept, and is the beginning of the file when there is more room. */
static void
test_disk_full (Fixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_strnfill (2 * DISK_SIZE, 'b');
  g_autoptr (GError) error = NULL;
  FdSink *sink;
  gsize fitted;

  if (!in_mount (f, "tmpfs", "size=256k"))
    return;
  sink = open_sink (f, -1);
  g_assert_true (fd_sink_hash (sink, FD_HASH_SHA256, 0, NULL, NULL));
  fitted = fill (sink, bytes, 2 * DISK_SIZE);
  g_assert_cmpuint (fitted, >, DISK_SIZE / 2);
  g_assert_cmpuint (fitted, <=, DISK_SIZE);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, fitted);
  assert_digest (sink, G_CHECKSUM_SHA256, bytes, fitted);
  leave (f, sink);

  sink = reopen (f);
  g_assert_false (fd_sink_open (sink, 2 * DISK_SIZE, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_NO_SPACE);
  fd_sink_unref (sink);

  g_assert_cmpint (mount (NULL, f->directory, NULL, MS_REMOUNT, "size=1m"), ==, 0);
  sink = reopen (f);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, fitted);
  go_on (sink, fitted, bytes + fitted);
  assert_digest (sink, G_CHECKSUM_SHA256, bytes, 2 * DISK_SIZE);
  publish (sink, NAME);
  fd_sink_unref (sink);
  leave_mount (f);
}

/* The room for the rest was reserved by the attempt before: a disk that filled up since does not matter. */
static void
test_reserved (Fixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_strnfill (DISK_SIZE, 'b');
  FdSink *sink, *other;

  if (!in_mount (f, "tmpfs", "size=256k"))
    return;
  sink = open_sink (f, DISK_SIZE / 2);
  add (sink, 0, HEAD);
  leave (f, sink);
  other = fd_sink_new_file (f->directory, "other", FALSE, NULL);
  g_assert_true (fd_sink_open (other, -1, NULL));
  g_assert_cmpuint (fill (other, bytes, DISK_SIZE), <, DISK_SIZE);

  bytes[DISK_SIZE / 2 - HEAD_SIZE] = '\0';
  sink = reopen (f);
  go_on (sink, HEAD_SIZE, bytes);
  g_assert_cmpuint (fd_sink_get_size (sink), ==, DISK_SIZE / 2);
  publish (sink, NAME);
  fd_sink_unref (sink);
  fd_sink_unref (other);
  leave_mount (f);
}

/* ramfs counts no blocks, reserves none and has no attributes. */
static void
test_simple_file_system (Fixture *f, gconstpointer data)
{
  FdSink *sink;

  if (!in_mount (f, "ramfs", NULL))
    return;
  sink = open_sink (f, WHOLE_SIZE);
  fd_sink_set_origin (sink, "xmpp:a@b?recvfile;name=a.txt", "xmpp:a@b");
  add (sink, 0, HEAD);
  leave (f, sink);
  sink = reopen (f);
  fd_sink_set_origin (sink, "xmpp:a@b?recvfile;name=a.txt", "xmpp:a@b");
  go_on (sink, HEAD_SIZE, TAIL);
  publish (sink, NAME);
  fd_sink_unref (sink);
  take (f, NAME, HEAD TAIL);
  leave_mount (f);
}

/* Root may do everything, so somebody else tries. */
static void
become_user (Fixture *f)
{
  if (geteuid () != 0)
    return;
  g_assert_cmpint (chown (f->directory, NOBODY, NOBODY), ==, 0);
  g_assert_cmpint (setresgid (NOBODY, NOBODY, NOBODY), ==, 0);
  g_assert_cmpint (setresuid (NOBODY, NOBODY, NOBODY), ==, 0);
}

static void
test_no_rights (Fixture *f, gconstpointer data)
{
  g_autoptr (FdSink) fresh = NULL;
  g_autoptr (FdSink) sink = NULL;
  g_autoptr (GError) error = NULL;

  if (!in_subprocess ())
    return;
  become_user (f);
  leave_head (f);
  g_assert_cmpint (g_chmod (f->part, 0), ==, 0);
  refuse (f, FD_ERROR_ACCESS_DENIED);
  g_assert_cmpint (g_chmod (f->part, 0400), ==, 0);
  refuse (f, FD_ERROR_ACCESS_DENIED);
  g_assert_cmpint (g_chmod (f->part, 0600), ==, 0);

  sink = reopen (f);
  g_assert_cmpint (g_chmod (f->directory, 0500), ==, 0);
  fresh = fd_sink_new_file (f->directory, NAME, FALSE, NULL);
  g_assert_false (fd_sink_open (fresh, 1, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_ACCESS_DENIED);
  refuse_publish (sink, FD_ERROR_ACCESS_DENIED, f->part);
  g_assert_cmpint (g_chmod (f->directory, 0700), ==, 0);
  publish (sink, NAME);
  take (f, NAME, HEAD);
}

static void
test_other_owner (Fixture *f, gconstpointer data)
{
  if (geteuid () != 0)
    {
      g_test_skip ("needs root to give a file away");
      return;
    }
  leave_head (f);
  g_assert_cmpint (chown (f->part, NOBODY, -1), ==, 0);
  refuse (f, FD_ERROR_WRITE_FAILED);
  take (f, PART, HEAD);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/sink-disk/cannot-reserve", test_cannot_reserve },
    { "/sink-disk/disk-full", test_disk_full },
    { "/sink-disk/reserved", test_reserved },
    { "/sink-disk/simple-file-system", test_simple_file_system },
    { "/sink-disk/no-rights", test_no_rights },
    { "/sink-disk/other-owner", test_other_owner },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who counts as sandboxed: what is read of /proc, and what belongs to whom.
 */
#include "base/fd.h"
#include "bus/caller.h"

#include <fcntl.h>
#include <glib/gstdio.h>

typedef struct
{
  char *directory;
  char *info; /* .flatpak-info */
  int root;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("fardel-caller-XXXXXX", NULL);
  f->info = g_build_filename (f->directory, ".flatpak-info", NULL);
  f->root = open (f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (f->root, >=, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_remove (f->info);
  g_rmdir (f->directory);
  fd_close (&f->root);
  g_free (f->info);
  g_free (f->directory);
}

static gboolean
read_info (Fixture *f, const char *text, char **ret_app_id)
{
  if (text)
    g_assert_true (g_file_set_contents (f->info, text, -1, NULL));
  return fd_caller_read_flatpak (f->root, ret_app_id);
}

static void
test_no_flatpak (Fixture *f, gconstpointer data)
{
  char *app_id = (char *) "untouched";

  g_assert_true (read_info (f, NULL, &app_id));
  g_assert_null (app_id);
}

static void
test_flatpak (Fixture *f, gconstpointer data)
{
  g_autofree char *app = NULL;
  g_autofree char *runtime = NULL;

  g_assert_true (read_info (f, "[Application]\nname=org.gnome.Maps\nruntime=runtime/x\n", &app));
  g_assert_cmpstr (app, ==, "org.gnome.Maps");
  g_assert_true (read_info (f, "[Runtime]\nruntime=org.gnome.Sdk\n", &runtime));
  g_assert_cmpstr (runtime, ==, "org.gnome.Sdk");
}

/* The file is there, so it is a sandbox, but which? Never "none". */
static void
test_bad_flatpak (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "", "[Application]\n", "no key file", "[Instance]\nname=x\n" };
  g_autofree char *big = g_strnfill (300 * 1024, '#');
  char *app_id = (char *) "untouched";

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_false (read_info (f, texts[i], &app_id));
  g_assert_false (read_info (f, big, &app_id));

  g_remove (f->info);
  g_assert_cmpint (symlink ("/dev/null", f->info), ==, 0);
  g_assert_false (read_info (f, NULL, &app_id));
  g_remove (f->info);
  g_assert_cmpint (g_mkdir (f->info, 0700), ==, 0);
  g_assert_false (read_info (f, NULL, &app_id));
  g_assert_cmpstr (app_id, ==, "untouched");
}

static void
test_snap (void)
{
  static const struct
  {
    const char *cgroup;
    const char *app_id;
  } cases[] = {
    { "0::/user.slice/user-1000.slice/user@1000.service/app.slice/snap.firefox.firefox.8f1d.scope\n",
      "snap.firefox" },
    { "0::/system.slice/snap.lxd.daemon.service\n", "snap.lxd" },
    { "12:pids:/x\n1:name=systemd:/user.slice/snap.code.code.1.scope\n0::/\n", "snap.code" },
    { "0::/user.slice/user@1000.service/app.slice/app-gnome-firefox-1.scope\n", NULL },
    { "0::/user.slice/app.slice/mysnap.x.scope\n", NULL },
    { "0::/user.slice/snap\n", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *app_id = fd_caller_parse_cgroup (cases[i].cgroup);

      g_assert_cmpstr (app_id, ==, cases[i].app_id);
    }
}

static void
test_owns (void)
{
  const FdCaller user = { FALSE, (char *) "", FD_OWNER_ANYBODY };
  const FdCaller app = { TRUE, (char *) "org.a", FD_OWNER_ANYBODY };
  const FdCaller unknown = { TRUE, (char *) "unknown", FD_OWNER_ANYBODY };

  g_assert_true (fd_caller_owns (&user, ""));
  g_assert_true (fd_caller_owns (&user, "org.a"));
  g_assert_true (fd_caller_owns (&app, "org.a"));
  g_assert_false (fd_caller_owns (&app, "org.b"));
  g_assert_false (fd_caller_owns (&app, ""));
  /* Two that are unknown need not be the same. */
  g_assert_false (fd_caller_owns (&unknown, "unknown"));
  g_assert_false (fd_caller_owns (&unknown, ""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/caller/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("no-flatpak", test_no_flatpak);
  ADD ("flatpak", test_flatpak);
  ADD ("bad-flatpak", test_bad_flatpak);
  g_test_add_func ("/caller/snap", test_snap);
  g_test_add_func ("/caller/owns", test_owns);
  return g_test_run ();
}

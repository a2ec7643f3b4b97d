/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "core/prehash.h"
#include "core/walk.h"
#include "temp-tree.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *root;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = g_dir_make_tmp ("fardel-walk-XXXXXX", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  remove_tree (f->root);
  g_free (f->root);
}

static char *
in (Fixture *f, const char *name)
{
  return g_build_filename (f->root, name, NULL);
}

static void
put (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = in (f, name);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static char *
walk (Fixture *f, const char *first, const char *second, guint max, GError **error)
{
  g_autofree char *a = in (f, first);
  g_autofree char *b = second ? in (f, second) : NULL;
  const char *paths[] = { a, b, NULL };
  g_autoptr (GPtrArray) files = fd_walk (paths, max, error);
  g_autoptr (GString) text = g_string_new (NULL);

  if (!files)
    return NULL;
  for (guint i = 0; i < files->len; i++)
    {
      g_assert_true (g_str_has_prefix (files->pdata[i], f->root));
      g_string_append_printf (text, "%s%s", i ? " " : "", (char *) files->pdata[i] + strlen (f->root) + 1);
    }
  return g_strdup (text->str);
}

static void
test_order (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;
  g_autofree char *link = in (f, "d/link");
  g_autofree char *loop = in (f, "d/loop");
  g_autofree char *fifo = in (f, "d/fifo");
  g_autofree char *empty = in (f, "d/empty");

  put (f, "z", "");
  put (f, "d/b", "");
  put (f, "d/a/2", "");
  put (f, "d/a/1", "");
  put (f, "d/.hidden", "");
  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  g_assert_cmpint (symlink ("..", loop), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (g_mkdir (empty, 0700), ==, 0);
  found = walk (f, "z", "d", 100, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, "z d/.hidden d/a/1 d/a/2 d/b");
}

static void
test_limits (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *enough = NULL;
  g_autoptr (GString) deep = g_string_new ("deep");

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("d/%u", i);

      put (f, name, "");
    }
  enough = walk (f, "d", NULL, 5, &error);
  g_assert_nonnull (enough);
  g_assert_null (walk (f, "d", NULL, 4, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&error);

  for (guint i = 0; i < FD_WALK_MAX_DEPTH; i++)
    g_string_append (deep, "/x");
  g_string_append (deep, "/file");
  put (f, deep->str, "");
  g_assert_null (walk (f, "deep", NULL, 5, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_LIMIT_EXCEEDED);
}

static void
test_errors (Fixture *f, gconstpointer data)
{
  static const char *const relative[] = { "a/b", NULL };
  static const char *const nothing[] = { NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *empty = in (f, "empty");

  put (f, "a", "");
  g_assert_null (fd_walk (relative, 5, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_PATH);
  g_clear_error (&error);
  g_assert_null (fd_walk (nothing, 5, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_PATH);
  g_clear_error (&error);
  g_assert_null (walk (f, "a", "missing", 5, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_FILE_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpint (g_mkdir (empty, 0700), ==, 0);
  g_assert_null (walk (f, "a", "empty", 5, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_PATH);
}

/* --- prehash --- */

typedef struct
{
  gboolean done;
  char *hex;
  GError *error;
} Hashed;

static void
on_hashed (const FdDigest *digest, const GError *error, gpointer data)
{
  Hashed *hashed = data;

  hashed->done = TRUE;
  hashed->hex = digest ? fd_digest_to_hex (digest) : NULL;
  hashed->error = fd_error_copy (error);
}

static void
test_prehash (Fixture *f, gconstpointer data)
{
  g_autofree char *path = in (f, "abc");
  g_autoptr (FdSource) source = NULL;
  Hashed hashed = { 0 };

  put (f, "abc", "abc");
  source = fd_source_open (path, NULL);
  fd_prehash_start (source, FD_HASH_SHA256, on_hashed, &hashed);
  while (!hashed.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (hashed.hex, ==, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  g_free (hashed.hex);
}

static void
test_prehash_changed (Fixture *f, gconstpointer data)
{
  g_autofree char *path = in (f, "abc");
  g_autoptr (FdSource) source = NULL;
  Hashed hashed = { 0 };

  put (f, "abc", "abc");
  source = fd_source_open (path, NULL);
  g_assert_cmpint (truncate (path, 1), ==, 0);
  fd_prehash_start (source, FD_HASH_SHA256, on_hashed, &hashed);
  while (!hashed.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (hashed.hex);
  g_assert_error (hashed.error, FD_ERROR, FD_ERROR_SOURCE_CHANGED);
  g_error_free (hashed.error);
}

/* The cancelled one never calls back; the second, which a single thread would
 * run after it, shows that there was time to. */
static void
test_prehash_cancel (Fixture *f, gconstpointer data)
{
  g_autofree char *path = in (f, "abc");
  g_autoptr (FdSource) source = NULL;
  Hashed cancelled = { 0 };
  Hashed hashed = { 0 };

  put (f, "abc", "abc");
  source = fd_source_open (path, NULL);
  fd_prehash_cancel (fd_prehash_start (source, FD_HASH_SHA256, on_hashed, &cancelled));
  fd_prehash_start (source, FD_HASH_SHA256, on_hashed, &hashed);
  while (!hashed.done)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (cancelled.done);
  g_free (hashed.hex);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/walk/order", test_order);
  ADD ("/walk/limits", test_limits);
  ADD ("/walk/errors", test_errors);
  ADD ("/prehash/hash", test_prehash);
  ADD ("/prehash/changed", test_prehash_changed);
  ADD ("/prehash/cancel", test_prehash_cancel);
  return g_test_run ();
}

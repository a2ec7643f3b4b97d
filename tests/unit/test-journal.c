/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/ids.h"
#include "core/journal.h"
#include "core/transfer-private.h"
#include "expect-log.h"

#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

typedef struct
{
  char *directory;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("fardel-journal-XXXXXX", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (f->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (f->directory, name, NULL);

      g_remove (path);
    }
  g_rmdir (f->directory);
  g_free (f->directory);
}

static void
put (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* --- ids --- */

static void
test_ids_go_on (Fixture *f, gconstpointer data)
{
  g_autoptr (FdIds) ids = fd_ids_new (f->directory);

  g_assert_cmpuint (fd_ids_next (ids), ==, 1);
  g_assert_cmpuint (fd_ids_next (ids), ==, 2);
  g_clear_pointer (&ids, fd_ids_free);
  ids = fd_ids_new (f->directory);
  g_assert_cmpuint (fd_ids_next (ids), ==, 3);
}

/* A daemon that was killed has given nothing back. */
static void
test_ids_after_crash (Fixture *f, gconstpointer data)
{
  g_autoptr (FdIds) killed = fd_ids_new (f->directory);
  g_autoptr (FdIds) next = NULL;
  guint32 last = 0;

  for (guint i = 0; i < 150; i++)
    last = fd_ids_next (killed);
  g_assert_cmpuint (last, ==, 150);
  next = fd_ids_new (f->directory);
  g_assert_cmpuint (fd_ids_next (next), ==, 201);
}

static void
test_ids_skip (Fixture *f, gconstpointer data)
{
  g_autoptr (FdIds) ids = fd_ids_new (f->directory);
  g_autoptr (FdIds) next = NULL;

  g_assert_cmpuint (fd_ids_next (ids), ==, 1);
  fd_ids_skip (ids, 500);
  fd_ids_skip (ids, 7);
  g_assert_cmpuint (fd_ids_next (ids), ==, 501);
  next = fd_ids_new (f->directory);
  g_assert_cmpuint (fd_ids_next (next), >, 501);
}

static void
test_ids_damaged (Fixture *f, gconstpointer data)
{
  g_autoptr (FdIds) ids = NULL;

  put (f, "next-id", "0x12\n");
  ids = fd_ids_new (f->directory);
  fd_test_assert_logged ("*next-id is damaged*");
  g_assert_cmpuint (fd_ids_next (ids), >, 1700000000);
}

static void
test_ids_wrap (Fixture *f, gconstpointer data)
{
  g_autoptr (FdIds) ids = NULL;

  put (f, "next-id", "4294967295\n");
  ids = fd_ids_new (f->directory);
  g_assert_cmpuint (fd_ids_next (ids), ==, 1);
}

/* --- journal --- */

static void
sample (FdTransferInfo *info, guint32 id)
{
  *info = (FdTransferInfo){
    .id = id,
    .account = g_strdup ("home"),
    .incoming = TRUE,
    .name = g_strdup ("grüße.txt"),
    .size = 12345678901,
    .mime_type = g_strdup ("text/plain"),
    .description = g_strdup ("two\nlines; and [more]"),
    .modified = 1600000000,
    .peer = g_strdup ("bob@example.org/phone"),
    .state = FD_STATE_ACTIVE,
    .local_path = g_strdup ("/home/me/grüße.txt"),
    .digest = { .algo = FD_HASH_SHA256, .length = 32, .bytes = { 1, 2, 3 } },
  };
  fd_transfer_info_complete (info);
}

static void
test_journal_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJournal) journal = fd_journal_new (f->directory);
  g_autoptr (GPtrArray) entries = NULL;
  FdTransferInfo info;
  const FdJournalEntry *entry;

  sample (&info, 12);
  fd_journal_write (journal, &info, NULL);
  fd_journal_write (journal, &info, "/home/me/.grüße.txt.part");
  info.id = 9;
  fd_journal_write (journal, &info, NULL);
  entries = fd_journal_load (journal);
  g_assert_cmpuint (entries->len, ==, 2);
  g_assert_cmpuint (((FdJournalEntry *) entries->pdata[0])->info.id, ==, 9);
  entry = entries->pdata[1];
  g_assert_cmpuint (entry->info.id, ==, 12);
  g_assert_cmpstr (entry->info.account, ==, info.account);
  g_assert_true (entry->info.incoming);
  g_assert_cmpstr (entry->info.name, ==, info.name);
  g_assert_cmpint (entry->info.size, ==, info.size);
  g_assert_cmpstr (entry->info.description, ==, info.description);
  g_assert_cmpint (entry->info.modified, ==, info.modified);
  g_assert_cmpstr (entry->info.peer, ==, info.peer);
  g_assert_cmpstr (entry->info.batch, ==, "");
  g_assert_cmpstr (entry->info.local_path, ==, info.local_path);
  g_assert_cmpint (entry->info.state, ==, FD_STATE_ACTIVE);
  g_assert_true (fd_digest_equal (&entry->info.digest, &info.digest));
  g_assert_cmpstr (entry->part, ==, "/home/me/.grüße.txt.part");
  g_assert_cmpstr (entry->info.error, ==, "");

  fd_journal_remove (journal, 12);
  fd_journal_remove (journal, 12);
  g_clear_pointer (&entries, g_ptr_array_unref);
  entries = fd_journal_load (journal);
  g_assert_cmpuint (entries->len, ==, 1);
  fd_transfer_info_clear (&info);
}

/* Whatever lies there, loading says no more than what it can and tidies up. */
static void
test_journal_damaged (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "",
                                       "garbage",
                                       "[Transfer]\nState=active\n",
                                       "[Transfer]\nState=done\n",
                                       "[Other]\n",
                                       "[Transfer]\nState=active\nAccount=a\nName=\xff\n" };
  g_autoptr (FdJournal) journal = fd_journal_new (f->directory);
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GDir) dir = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i + 1);

      put (f, name, texts[i]);
    }
  put (f, "7.new", "half");
  entries = fd_journal_load (journal);
  g_assert_cmpuint (entries->len, ==, 0);
  dir = g_dir_open (f->directory, 0, NULL);
  g_assert_null (g_dir_read_name (dir));
}

static void
test_journal_age (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJournal) journal = fd_journal_new (f->directory);
  g_autofree char *path = g_build_filename (f->directory, "3", NULL);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  FdTransferInfo info;

  sample (&info, 3);
  for (guint days = 6; days <= 8; days += 2)
    {
      struct utimbuf times = { .actime = now - days * 86400, .modtime = now - days * 86400 };
      g_autoptr (GPtrArray) entries = NULL;

      fd_journal_write (journal, &info, NULL);
      g_assert_cmpint (utime (path, &times), ==, 0);
      entries = fd_journal_load (journal);
      g_assert_cmpuint (entries->len, ==, days < FD_JOURNAL_DAYS);
    }
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  fd_transfer_info_clear (&info);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fd_test_capture_log ();
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/ids/go-on", test_ids_go_on);
  ADD ("/ids/after-crash", test_ids_after_crash);
  ADD ("/ids/skip", test_ids_skip);
  ADD ("/ids/damaged", test_ids_damaged);
  ADD ("/ids/wrap", test_ids_wrap);
  ADD ("/journal/round-trip", test_journal_round_trip);
  ADD ("/journal/damaged", test_journal_damaged);
  ADD ("/journal/age", test_journal_age);
  return g_test_run ();
}

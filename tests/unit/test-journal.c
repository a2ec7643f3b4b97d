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
sample (FdJournalEntry *entry, guint32 id)
{
  *entry = (FdJournalEntry){
    .info = {
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
      .transferred = 12345,
      .rate_limit = 1 << 20,
    },
    .resume_id = g_strdup ("an id"),
    .agreed = TRUE,
    .expires = 1700000000,
    .paths = FD_PATH_IBB,
    .target = g_strdup ("bob@example.org"),
    .wire_name = g_strdup ("../grüße.txt"),
    .path = g_strdup ("/latin/gr\374\337e\n.txt"), /* no UTF-8 */
    .source_stamp = g_strdup ("stamp 1"),
    .timeout_s = 3600,
    .hash_always = TRUE,
    .directory = g_strdup ("/home/\374"),
    .file_name = g_strdup ("gr\374\337e.txt"),
    .overwrite = TRUE,
    .part = g_strdup ("/home/\374/.x.part"),
    .part_stamp = g_strdup ("stamp 2"),
  };
  fd_transfer_info_complete (&entry->info);
}

static void
sample_clear (FdJournalEntry *entry)
{
  fd_journal_entry_free (g_memdup2 (entry, sizeof *entry));
}

static GPtrArray *
load_again (Fixture *f)
{
  g_autoptr (FdJournal) journal = fd_journal_new (f->directory);

  return fd_journal_load (journal);
}

static void
assert_same (const FdJournalEntry *a, const FdJournalEntry *b)
{
  g_assert_cmpuint (a->info.id, ==, b->info.id);
  g_assert_cmpstr (a->info.account, ==, b->info.account);
  g_assert_cmpint (a->info.incoming, ==, b->info.incoming);
  g_assert_cmpstr (a->info.name, ==, b->info.name);
  g_assert_cmpint (a->info.size, ==, b->info.size);
  g_assert_cmpstr (a->info.mime_type, ==, b->info.mime_type);
  g_assert_cmpstr (a->info.description, ==, b->info.description);
  g_assert_cmpint (a->info.modified, ==, b->info.modified);
  g_assert_cmpstr (a->info.batch, ==, b->info.batch);
  g_assert_cmpstr (a->info.peer, ==, b->info.peer);
  g_assert_cmpstr (a->info.local_path, ==, b->info.local_path);
  g_assert_cmpint (a->info.state, ==, b->info.state);
  g_assert_cmpuint (a->info.transferred, ==, b->info.transferred);
  g_assert_cmpuint (a->info.rate_limit, ==, b->info.rate_limit);
  g_assert_cmpint (a->info.digest.algo, ==, b->info.digest.algo);
  g_assert_cmpmem (a->info.digest.bytes, a->info.digest.length, b->info.digest.bytes, b->info.digest.length);
  g_assert_cmpstr (a->resume_id, ==, b->resume_id);
  g_assert_cmpint (a->agreed, ==, b->agreed);
  g_assert_cmpint (a->expires, ==, b->expires);
  g_assert_cmpint (a->paths, ==, b->paths);
  g_assert_cmpstr (a->target, ==, b->target);
  g_assert_cmpstr (a->wire_name, ==, b->wire_name);
  g_assert_cmpstr (a->path, ==, b->path);
  g_assert_cmpstr (a->source_stamp, ==, b->source_stamp);
  g_assert_cmpuint (a->timeout_s, ==, b->timeout_s);
  g_assert_cmpint (a->hash_always, ==, b->hash_always);
  g_assert_cmpstr (a->directory, ==, b->directory);
  g_assert_cmpstr (a->file_name, ==, b->file_name);
  g_assert_cmpint (a->overwrite, ==, b->overwrite);
  g_assert_cmpstr (a->part, ==, b->part);
  g_assert_cmpstr (a->part_stamp, ==, b->part_stamp);
}

static void
test_journal_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJournal) journal = fd_journal_new (f->directory);
  g_autoptr (GPtrArray) entries = NULL;
  FdJournalEntry entry;

  sample (&entry, 12);
  entry.agreed = FALSE;
  fd_journal_write (journal, &entry);
  entry.agreed = TRUE;
  fd_journal_write (journal, &entry);
  entry.info.id = 9;
  fd_journal_write (journal, &entry);
  g_clear_pointer (&journal, fd_journal_free);
  entries = load_again (f);
  g_assert_cmpuint (entries->len, ==, 2);
  assert_same (entries->pdata[0], &entry);
  entry.info.id = 12;
  assert_same (entries->pdata[1], &entry);

  journal = fd_journal_new (f->directory);
  fd_journal_remove (journal, 12); /* it has not been told of it */
  g_clear_pointer (&entries, g_ptr_array_unref);
  entries = fd_journal_load (journal);
  g_assert_cmpuint (entries->len, ==, 2);
  fd_journal_remove (journal, 12);
  fd_journal_remove (journal, 12);
  g_clear_pointer (&entries, g_ptr_array_unref);
  entries = load_again (f);
  g_assert_cmpuint (entries->len, ==, 1);
  sample_clear (&entry);
}

/* What says nothing stays so. */
static void
test_journal_little (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJournal) journal = fd_journal_new (f->directory);
  g_autoptr (GPtrArray) entries = NULL;
  FdJournalEntry entry = { .info = { .id = 1,
                                     .account = (char *) "a",
                                     .name = (char *) "n",
                                     .peer = (char *) "p",
                                     .mime_type = (char *) "",
                                     .size = -1,
                                     .modified = -1 } };

  fd_journal_write (journal, &entry);
  g_clear_pointer (&journal, fd_journal_free);
  entries = load_again (f);
  g_assert_cmpuint (entries->len, ==, 1);
  entry.info.description = entry.info.batch = entry.info.local_path = (char *) "";
  assert_same (entries->pdata[0], &entry);
}

/* The first note is there at once, the last one in the end: also of one that is
 * written again and again, and removed while that goes on. */
static void
test_journal_many (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJournal) journal = fd_journal_new (f->directory);
  g_autofree char *path = g_build_filename (f->directory, "1000", NULL);
  g_autoptr (GPtrArray) entries = NULL;
  FdJournalEntry entry;

  sample (&entry, 1);
  for (guint32 id = 1; id <= 1000; id++)
    {
      entry.info.id = id;
      for (entry.timeout_s = 0; entry.timeout_s < 5; entry.timeout_s++)
        fd_journal_write (journal, &entry);
    }
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  for (guint32 id = 1; id <= 1000; id += 2)
    fd_journal_remove (journal, id);
  g_clear_pointer (&journal, fd_journal_free);
  entries = load_again (f);
  g_assert_cmpuint (entries->len, ==, 500);
  for (guint i = 0; i < entries->len; i++)
    g_assert_cmpuint (((FdJournalEntry *) entries->pdata[i])->timeout_s, ==, 4);
  sample_clear (&entry);
}

#define GOOD "[Transfer]\nState=active\nAccount=a\nIncoming=true\nPeer=p\nName=n\nSize=1\n"

/* Whatever lies there, it is set aside once and named, and the rest is read. */
static void
test_journal_damaged (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "",
                                       "garbage",
                                       "[Transfer]\nState=active\n",
                                       "[Transfer]\nState=unheard-of\nAccount=a\nIncoming=true\nPeer=p\nName=n\nSize=1\n",
                                       "[Other]\n",
                                       GOOD "Size=much\n",
                                       GOOD "Expires=soon\n",
                                       GOOD "WireName=\xff\n" };
  g_autofree char *huge = g_strnfill (FD_JOURNAL_MAX_SIZE + 1, '\n');
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GPtrArray) again = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i + 1);

      put (f, name, texts[i]);
    }
  put (f, "90", huge);
  put (f, "91", GOOD "FromTheFuture=yes\n[Future]\nToo=1\n");
  put (f, "92.new", "half");
  put (f, "notes", "not ours");
  entries = load_again (f);
  fd_test_assert_logged ("The journal entry * is of no use and set aside as *.damaged: *");
  g_assert_cmpuint (entries->len, ==, 1);
  again = load_again (f);
  fd_test_assert_logged ("");
  g_assert_cmpuint (again->len, ==, 1);
  for (guint i = 0; i < 4; i++)
    {
      static const char *const names[] = { "1.damaged", "90.damaged", "notes", "92.new" };
      g_autofree char *path = g_build_filename (f->directory, names[i], NULL);

      g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS) == (i < 3));
    }
}

static void
test_journal_damaged_age (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->directory, "3.damaged", NULL);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  for (guint days = 6; days <= 8; days += 2)
    {
      struct utimbuf times = { .actime = now - days * 86400, .modtime = now - days * 86400 };
      g_autoptr (GPtrArray) entries = NULL;

      put (f, "3.damaged", "garbage");
      g_assert_cmpint (utime (path, &times), ==, 0);
      entries = load_again (f);
      g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS) == (days < FD_JOURNAL_DAYS));
    }
}

static void
test_journal_too_many (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = NULL;

  for (guint i = 1; i <= FD_JOURNAL_MAX_ENTRIES + 1; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%u", f->directory, i);

      g_assert_true (g_file_set_contents_full (path, GOOD, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
  entries = load_again (f);
  g_assert_cmpuint (entries->len, ==, FD_JOURNAL_MAX_ENTRIES);
  fd_test_assert_logged ("*holds more than * transfers*");
}

static void
test_journal_unwritable (Fixture *f, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (f->directory, "missing", NULL);
  FdJournal *journal = fd_journal_new (missing);
  g_autoptr (GPtrArray) entries = fd_journal_load (journal);
  FdJournalEntry entry;

  sample (&entry, 3);
  fd_journal_write (journal, &entry);
  fd_journal_free (journal);
  fd_test_assert_logged ("Transfer 3 will not be known after a crash: *");
  g_assert_cmpuint (entries->len, ==, 0);
  sample_clear (&entry);
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
  ADD ("/journal/little", test_journal_little);
  ADD ("/journal/many", test_journal_many);
  ADD ("/journal/damaged", test_journal_damaged);
  ADD ("/journal/damaged-age", test_journal_damaged_age);
  ADD ("/journal/too-many", test_journal_too_many);
  ADD ("/journal/unwritable", test_journal_unwritable);
  return g_test_run ();
}

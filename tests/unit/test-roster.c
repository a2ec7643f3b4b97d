/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "expect-log.h"
#include "iq-tape.h"
#include "xmpp/roster.h"

#include <glib/gstdio.h>
#include <string.h>

#define ITEMS(attributes, items) "<query xmlns='jabber:iq:roster' " attributes ">" items "</query>"
#define JULIET \
  "<item jid='juliet@capulet.lit' name='Juliet' subscription='both'><group>Friends</group></item>"
#define NURSE "<item jid='nurse@capulet.lit' subscription='none' ask='subscribe'/>"

typedef struct
{
  Tape tape;
  FdRoster *roster;
  guint changes;
  char *directory;
  char *path;
} Fixture;

static void
on_changed (gpointer data)
{
  ((Fixture *) data)->changes++;
}

static void
renew (Fixture *f)
{
  fd_roster_free (f->roster);
  f->roster = fd_roster_new (f->tape.iq, on_changed, f);
  fd_roster_use_file (f->roster, TAPE_BARE, f->path);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  tape_init (&f->tape);
  f->directory = g_dir_make_tmp ("fardel-XXXXXX", NULL);
  f->path = g_build_filename (f->directory, "roster", NULL);
  renew (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_roster_free (f->roster);
  tape_clear (&f->tape);
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
  g_free (f->path);
}

/* The version that the newest request names, NULL if none. */
static const char *
asked_version (Fixture *f)
{
  xmpp_stanza_t *query = fd_xml_child (tape_last (&f->tape), "query", "jabber:iq:roster");

  g_assert_nonnull (query);
  return fd_xml_attr (query, "ver");
}

static void
test_items (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) list = NULL;
  const FdRosterItem *item;

  fd_roster_fetch (f->roster, FALSE, NULL);
  g_assert_null (asked_version (f));
  tape_answer (&f->tape, ITEMS ("", NURSE JULIET "<item subscription='both'/><thing jid='a@b'/>"));
  g_assert_cmpuint (f->changes, ==, 1);
  list = fd_roster_list (f->roster);
  g_assert_cmpuint (list->len, ==, 2);
  item = list->pdata[0];
  g_assert_cmpstr (item->jid, ==, "juliet@capulet.lit");
  g_assert_cmpstr (item->name, ==, "Juliet");
  g_assert_cmpstr (item->subscription, ==, "both");
  g_assert_cmpstr (item->groups[0], ==, "Friends");
  g_assert_false (item->asked);
  item = list->pdata[1];
  g_assert_cmpstr (item->name, ==, "");
  g_assert_true (item->asked);
}

static void
test_versions (Fixture *f, gconstpointer data)
{
  fd_roster_fetch (f->roster, TRUE, NULL);
  g_assert_cmpstr (asked_version (f), ==, "");
  tape_answer (&f->tape, ITEMS ("ver='one'", JULIET NURSE));
  renew (f);
  g_assert_nonnull (fd_roster_lookup (f->roster, "juliet@capulet.lit/balcony"));
  g_assert_true (fd_roster_lookup (f->roster, "nurse@capulet.lit")->asked);
  fd_roster_fetch (f->roster, TRUE, NULL);
  g_assert_cmpstr (asked_version (f), ==, "one");
  tape_answer (&f->tape, "");
  g_assert_cmpuint (fd_roster_get_size (f->roster), ==, 2);
  g_assert_cmpstr (
    tape_push (&f->tape, NULL, ITEMS ("ver='two'", "<item jid='nurse@capulet.lit' subscription='remove'/>")),
    ==, "result");
  renew (f);
  g_assert_cmpuint (fd_roster_get_size (f->roster), ==, 1);
  fd_roster_fetch (f->roster, TRUE, NULL);
  g_assert_cmpstr (asked_version (f), ==, "two");
  /* a server that has none gives a list without; nothing is asked by an old version then */
  tape_answer (&f->tape, ITEMS ("", NURSE));
  fd_roster_fetch (f->roster, TRUE, NULL);
  g_assert_cmpstr (asked_version (f), ==, "");
}

static void
test_saved_by_itself (Fixture *f, gconstpointer data)
{
  fd_roster_fetch (f->roster, TRUE, NULL);
  tape_answer (&f->tape, ITEMS ("ver='one'", JULIET));
  while (!g_file_test (f->path, G_FILE_TEST_EXISTS))
    g_main_context_iteration (NULL, TRUE);
}

static void
test_file_of_others (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = {
    "",
    "<query",
    "<other/>",
    "<query xmlns='jabber:iq:roster' ver='1'>" JULIET "</query>",
    "<query xmlns='jabber:iq:roster' owner='tybalt@capulet.lit' ver='1'>" JULIET "</query>",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_true (g_file_set_contents (f->path, texts[i], -1, NULL));
      renew (f);
      g_assert_cmpuint (fd_roster_get_size (f->roster), ==, 0);
      fd_roster_fetch (f->roster, TRUE, NULL);
      g_assert_cmpstr (asked_version (f), ==, "");
    }
}

static void
test_forgotten (Fixture *f, gconstpointer data)
{
  fd_roster_fetch (f->roster, TRUE, NULL);
  tape_answer (&f->tape, ITEMS ("ver='one'", JULIET));
  fd_roster_use_file (f->roster, NULL, NULL);
  tape_push (&f->tape, NULL, ITEMS ("ver='two'", NURSE));
  renew (f);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
test_pushes_of_others (Fixture *f, gconstpointer data)
{
  static const char *const others[] = { "mallory@evil.lit/x", "romeo@montague.lit/other", "montague.lit" };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_cmpstr (tape_push (&f->tape, others[i], ITEMS ("", JULIET)), ==, "error");
  g_assert_cmpuint (fd_roster_get_size (f->roster), ==, 0);
  g_assert_cmpuint (f->changes, ==, 0);
  g_assert_cmpstr (tape_push (&f->tape, TAPE_BARE, ITEMS ("", JULIET)), ==, "result");
  g_assert_cmpuint (f->changes, ==, 1);
}

static void
test_limits (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) items = g_string_new ("<query xmlns='jabber:iq:roster' ver='1'>");
  g_autofree char *long_name = g_strnfill (5000, 'n');
  g_autofree char *long_jid = g_strnfill (4000, 'j');
  const FdRosterItem *item;

  g_string_append_printf (items, "<item jid='%s' subscription='both'/><item jid='a' name='%s'>", long_jid,
                          long_name);
  for (guint i = 0; i < 50; i++)
    g_string_append_printf (items, "<group>%s</group>", long_name);
  g_string_append (items, "</item>");
  for (guint i = 0; i < 4050; i++)
    g_string_append_printf (items, "<item jid='%u@example.org'/>", i);
  g_string_append (items, "</query>");

  fd_roster_fetch (f->roster, TRUE, NULL);
  tape_answer (&f->tape, items->str);
  fd_test_assert_logged ("*more than 4000*");
  g_assert_cmpuint (fd_roster_get_size (f->roster), ==, 4000);
  item = fd_roster_lookup (f->roster, "a");
  g_assert_cmpuint (strlen (item->name), ==, 256);
  g_assert_cmpuint (g_strv_length (item->groups), ==, 32);
  g_assert_cmpuint (strlen (item->groups[0]), ==, 256);
  renew (f); /* such a list is fetched anew each time */
  g_assert_cmpuint (fd_roster_get_size (f->roster), ==, 0);
}

int
main (int argc, char **argv)
{
  fd_test_capture_log ();
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/roster/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("items", test_items);
  ADD ("versions", test_versions);
  ADD ("saved-by-itself", test_saved_by_itself);
  ADD ("file-of-others", test_file_of_others);
  ADD ("forgotten", test_forgotten);
  ADD ("pushes-of-others", test_pushes_of_others);
  ADD ("limits", test_limits);
  return g_test_run ();
}

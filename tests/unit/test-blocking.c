/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iq-tape.h"
#include "xmpp/blocking.h"
#include "xmpp/caps.h"

#define NS "urn:xmpp:blocking"
#define FEATURES(var) "<query xmlns='" FD_NS_DISCO_INFO "'><feature var='" var "'/></query>"

typedef struct
{
  Tape tape;
  FdBlocking *blocking;
  guint changes;
} Fixture;

static void
on_changed (gpointer data)
{
  ((Fixture *) data)->changes++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  tape_init (&f->tape);
  f->blocking = fd_blocking_new (f->tape.iq, on_changed, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_blocking_free (f->blocking);
  tape_clear (&f->tape);
}

static void
fetch (Fixture *f, const char *list)
{
  fd_blocking_fetch (f->blocking);
  g_assert_cmpstr (fd_xml_attr (tape_last (&f->tape), "to"), ==, "montague.lit");
  tape_answer (&f->tape, FEATURES (NS));
  g_assert_nonnull (fd_xml_child (tape_last (&f->tape), "blocklist", NS));
  g_assert_null (fd_xml_attr (tape_last (&f->tape), "to"));
  tape_answer (&f->tape, list);
}

static void
test_unsupported (Fixture *f, gconstpointer data)
{
  fd_blocking_fetch (f->blocking);
  tape_answer (&f->tape, FEATURES ("urn:xmpp:ping"));
  g_assert_cmpuint (f->tape.sent->len, ==, 1);
  g_assert_cmpuint (f->changes, ==, 0);
}

/* XEP-0191, JID Matching */
static void
test_matching (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *jid;
    gboolean blocked;
  } rows[] = {
    { "tybalt@capulet.lit", TRUE },
    { "tybalt@capulet.lit/sword", TRUE },
    { "capulet.lit", FALSE },
    { "juliet@capulet.lit", FALSE },
    { "juliet@capulet.lit/a", TRUE },
    { "juliet@capulet.lit/b", FALSE },
    { "evil.lit", TRUE },
    { "mallory@evil.lit", TRUE },
    { "mallory@evil.lit/x", TRUE },
    { "mallory@not.evil.lit", FALSE },
    { TAPE_BARE, FALSE },
    { TAPE_OWN, FALSE },
  };

  fetch (f, "<blocklist xmlns='" NS "'><item jid='Tybalt@CAPULET.lit'/><item jid='juliet@capulet.lit/a'/>"
            "<item jid='evil.lit'/><item jid='romeo@montague.lit'/><item/><item jid='@'/></blocklist>");
  g_assert_cmpuint (f->changes, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].jid);
      g_assert_cmpint (fd_blocking_has (f->blocking, rows[i].jid), ==, rows[i].blocked);
    }
}

static void
test_pushes (Fixture *f, gconstpointer data)
{
  static const char block[] = "<block xmlns='" NS "'><item jid='a@b'/><item jid='c@d'/></block>";

  fetch (f, "<blocklist xmlns='" NS "'/>");
  g_assert_cmpstr (tape_push (&f->tape, "mallory@evil.lit/x", block), ==, "error");
  g_assert_cmpstr (tape_push (&f->tape, TAPE_OWN, block), ==, "error");
  g_assert_cmpstr (tape_push (&f->tape, TAPE_BARE, "<other xmlns='" NS "'/>"), ==, "error");
  g_assert_false (fd_blocking_has (f->blocking, "a@b"));
  g_assert_cmpstr (tape_push (&f->tape, TAPE_BARE, block), ==, "result");
  g_assert_true (fd_blocking_has (f->blocking, "a@b/x"));
  g_assert_cmpstr (tape_push (&f->tape, NULL, "<unblock xmlns='" NS "'><item jid='a@b'/></unblock>"), ==,
                   "result");
  g_assert_false (fd_blocking_has (f->blocking, "a@b"));
  g_assert_true (fd_blocking_has (f->blocking, "c@d"));
  g_assert_cmpstr (tape_push (&f->tape, NULL, "<unblock xmlns='" NS "'/>"), ==, "result");
  g_assert_false (fd_blocking_has (f->blocking, "c@d"));
  g_assert_cmpuint (f->changes, ==, 4);
}

static void
test_kept_until_answered (Fixture *f, gconstpointer data)
{
  fetch (f, "<blocklist xmlns='" NS "'><item jid='a@b'/></blocklist>");
  fd_blocking_fetch (f->blocking);
  fd_iq_stream_lost (f->tape.iq);
  g_assert_true (fd_blocking_has (f->blocking, "a@b"));
  fd_iq_set_own_jid (f->tape.iq, TAPE_OWN);
  fetch (f, "<blocklist xmlns='" NS "'/>");
  g_assert_false (fd_blocking_has (f->blocking, "a@b"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/blocking/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("unsupported", test_unsupported);
  ADD ("matching", test_matching);
  ADD ("pushes", test_pushes);
  ADD ("kept-until-answered", test_kept_until_answered);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iq-tape.h"
#include "xmpp/caps.h"
#include "xmpp/directed.h"

#define PEER "juliet@capulet.lit/balcony"

typedef struct
{
  Tape tape;
  FdDirected *directed;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  tape_init (&f->tape);
  f->directed = fd_directed_new (f->tape.iq);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fd_directed_free (f->directed);
  tape_clear (&f->tape);
}

static void
assert_available (xmpp_stanza_t *presence)
{
  g_assert_true (fd_xml_is (presence, "presence", NULL));
  g_assert_null (fd_xml_attr (presence, "type"));
  g_assert_cmpstr (fd_xml_attr (presence, "to"), ==, PEER);
  g_assert_nonnull (fd_xml_child (presence, "c", FD_NS_CAPS));
}

static void
test_once (Fixture *f, gconstpointer data)
{
  fd_directed_show (f->directed, PEER);
  fd_directed_show (f->directed, PEER);
  g_assert_cmpuint (f->tape.sent->len, ==, 1);
  assert_available (tape_last (&f->tape));
  fd_directed_hide (f->directed, PEER, TRUE);
  g_assert_cmpuint (f->tape.sent->len, ==, 1);
  fd_directed_hide (f->directed, PEER, TRUE);
  g_assert_cmpuint (f->tape.sent->len, ==, 2);
  g_assert_cmpstr (fd_xml_attr (tape_last (&f->tape), "type"), ==, "unavailable");
  g_assert_cmpstr (fd_xml_attr (tape_last (&f->tape), "to"), ==, PEER);
  fd_directed_hide (f->directed, PEER, TRUE);
  g_assert_cmpuint (f->tape.sent->len, ==, 2);
}

/* Who subscribed meanwhile sees us anyhow. */
static void
test_not_told (Fixture *f, gconstpointer data)
{
  fd_directed_show (f->directed, PEER);
  fd_directed_hide (f->directed, PEER, FALSE);
  g_assert_cmpuint (f->tape.sent->len, ==, 1);
}

static void
test_new_stream (Fixture *f, gconstpointer data)
{
  fd_directed_stream_up (f->directed);
  g_assert_cmpuint (f->tape.sent->len, ==, 0);
  fd_directed_show (f->directed, PEER);
  fd_iq_stream_lost (f->tape.iq);
  fd_directed_show (f->directed, "x@y/z"); /* nothing can be sent now */
  fd_directed_hide (f->directed, "x@y/z", TRUE);
  fd_iq_set_own_jid (f->tape.iq, TAPE_OWN);
  fd_directed_stream_up (f->directed);
  g_assert_cmpuint (f->tape.sent->len, ==, 2);
  assert_available (tape_last (&f->tape));
}

static void
test_limit (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *jid = g_strdup_printf ("%u@example.org/x", i);

      fd_directed_show (f->directed, jid);
    }
  g_assert_cmpuint (f->tape.sent->len, ==, 64);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/directed/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("once", test_once);
  ADD ("not-told", test_not_told);
  ADD ("new-stream", test_new_stream);
  ADD ("limit", test_limit);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which request belongs to which session, how it is answered, and who may open
 * one (XEP-0166 §6, §7).
 */
#include "jingle-pair.h"

#define PREFIX "/jingle-routing/"
#define SIZE 3000000
#define MALLORY "mallory@example.com/m"

/* Sends @to this element as the other side, or as somebody else, and compares
 * the conditions of the answer; "" is a result. */
static void
assert_answer (Side *to, const char *from_jid, const char *element, const char *expected)
{
  guint before = to->answers;

  g_string_truncate (to->replies, 0);
  inject (other (to), from_jid, element);
  WAIT_FOR (to->answers > before);
  g_assert_cmpstr (g_strchomp (to->replies->str), ==, expected);
}

static void
assert_action (Side *to, const char *from_jid, const char *action, const char *sid, const char *children,
               const char *expected)
{
  g_autofree char *element = g_strdup_printf (
    "<jingle xmlns='" FD_NS_JINGLE "' action='%s' sid='%s'>%s</jingle>", action, sid, children);

  assert_answer (to, from_jid, element, expected);
}

static File *
active (Fixture *f, int *ret_reader)
{
  File *sent = offer (f, "a", SIZE, NULL);

  *ret_reader = hold (offered (f, 0));
  WAIT_FOR (sent->active && offered (f, 0)->active);
  return sent;
}

/* Whatever was said to it, the session has come to no harm. */
static void
finish (Fixture *f, File *sent, int reader)
{
  GThread *thread = release (reader);

  wait_done (sent);
  wait_done (offered (f, 0));
  g_thread_join (thread);
}

static void
test_unknown_sid (Fixture *f, gconstpointer data)
{
  assert_action (&f->bob, NULL, "transport-info", "none", "", "item-not-found unknown-session");
  assert_action (&f->bob, NULL, "session-accept", "none", "", "item-not-found unknown-session");
  assert_action (&f->bob, NULL, "session-info", "none", "", "item-not-found unknown-session");
  assert_action (&f->bob, NULL, "session-terminate", "none", "<reason><cancel/></reason>", "");
  settle ();
  g_assert_cmpstr (f->bob.actions->str, ==, ""); /* nor does it say goodbye to it */
}

/* Whoever knows the session id, but is not the peer, has no say in it. */
static void
test_wrong_from (Fixture *f, gconstpointer data)
{
  int reader;
  File *sent = active (f, &reader);

  assert_action (&f->bob, MALLORY, "session-terminate", f->sid, "<reason><success/></reason>", "");
  assert_action (&f->bob, MALLORY, "session-info", f->sid, "", "item-not-found unknown-session");
  assert_action (&f->bob, "alice@example.org/other", "session-terminate", f->sid, "", "");
  finish (f, sent, reader);
}

static void
test_dup_initiate (Fixture *f, gconstpointer data)
{
  int reader;
  File *sent = active (f, &reader);

  assert_action (&f->bob, NULL, "session-initiate", f->sid, "", "unexpected-request out-of-order");
  assert_action (&f->alice, NULL, "session-initiate", f->sid, "", "conflict tie-break");
  g_assert_cmpuint (f->bob.files->len, ==, 1);
  g_assert_cmpuint (f->alice.files->len, ==, 1);
  finish (f, sent, reader);
}

static void
test_bad_action (Fixture *f, gconstpointer data)
{
  int reader;
  File *sent = active (f, &reader);

  assert_action (&f->bob, NULL, "foo", f->sid, "", "bad-request");
  assert_answer (&f->bob, NULL, "<jingle xmlns='" FD_NS_JINGLE "' action='session-info'/>", "bad-request");
  assert_answer (&f->bob, NULL, "<jingle xmlns='" FD_NS_JINGLE "' sid='x'/>", "bad-request");
  finish (f, sent, reader);
}

static void
test_ping (Fixture *f, gconstpointer data)
{
  int reader;
  File *sent = active (f, &reader);

  assert_action (&f->bob, NULL, "session-info", f->sid, "", "");
  assert_action (&f->bob, NULL, "session-info", f->sid, "<mood xmlns='urn:example:mood'/>",
                 "feature-not-implemented unsupported-info");
  finish (f, sent, reader);
}

static void
test_accept_twice (Fixture *f, gconstpointer data)
{
  int reader;
  File *sent = active (f, &reader);

  assert_action (&f->alice, NULL, "session-accept", f->sid, "<content creator='initiator' name='file'/>",
                 "unexpected-request out-of-order");
  finish (f, sent, reader);
}

/* An initiate that cannot be one leaves nothing behind. */
static void
test_empty_initiate (Fixture *f, gconstpointer data)
{
  static const char *const children[] = {
    "",
    "<content creator='initiator' name='c'/>",
    "<content creator='initiator' name='c'><description xmlns='urn:xmpp:jingle:apps:rtp:1'/></content>",
  };

  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    {
      g_autofree char *sid = g_strdup_printf ("empty-%u", i);
      guint before = f->bob.answers;
      g_autofree char *element = g_strdup_printf (
        "<jingle xmlns='" FD_NS_JINGLE "' action='session-initiate' sid='%s'>%s</jingle>", sid, children[i]);

      inject (&f->alice, NULL, element);
      WAIT_FOR (f->bob.answers > before);
      settle ();
      assert_action (&f->bob, NULL, "session-info", sid, "", "item-not-found unknown-session");
    }
  g_assert_cmpuint (f->bob.files->len, ==, 0);
}

/* Who is not admitted sees what somebody without Jingle would answer. */
static void
test_stranger (Fixture *f, gconstpointer data)
{
  File *sent;

  f->bob.strangers = TRUE;
  sent = offer (f, "a", SIZE, NULL);
  wait_end (sent, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_UNSUPPORTED);
  g_assert_cmpstr (f->bob.replies->str, ==, "service-unavailable ");
  g_assert_cmpuint (f->bob.files->len, ==, 0);
  settle ();
  g_assert_cmpstr (f->bob.actions->str, ==, ""); /* nothing but this answer leaves */
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  File *first;
  File *second;

  f->bob.refusal = "busy";
  first = offer (f, "a", SIZE, "x");
  second = offer (f, "b", SIZE, "x");
  WAIT_FOR (!first->content && !second->content);
  g_assert_cmpint (first->outcome, ==, FD_OUTCOME_REJECTED);
  g_assert_cmpint (second->outcome, ==, FD_OUTCOME_REJECTED);
  g_assert_cmpint (first->by, ==, FD_BY_REMOTE);
}

/* The wire breaks just then. */
static gboolean
lose_terminate (Fixture *f, Side *from, const FdJingleMessage *message)
{
  return message->action == FD_JINGLE_SESSION_TERMINATE;
}

/* The stream goes while the goodbye is under way: it is said again. */
static void
test_goodbye (Fixture *f, gconstpointer data)
{
  File *sent = offer (f, "a", SIZE, NULL);
  File *received = offered (f, 0);

  f->tamper = lose_terminate;
  fd_content_cancel (sent->content, NULL);
  wait_end (sent, FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  settle ();
  g_assert_nonnull (received->content);
  fd_iq_stream_lost (f->alice.iq);
  fd_jingle_stream_lost (f->alice.jingle);
  f->tamper = NULL;
  fd_iq_set_own_jid (f->alice.iq, f->alice.jid);
  fd_jingle_stream_up (f->alice.jingle);
  wait_end (received, FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_ERROR_REMOTE_CANCELLED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("unknown-sid", test_unknown_sid);
  ADD ("wrong-from", test_wrong_from);
  ADD ("dup-initiate", test_dup_initiate);
  ADD ("bad-action", test_bad_action);
  ADD ("ping", test_ping);
  ADD ("accept-twice", test_accept_twice);
  ADD ("empty-initiate", test_empty_initiate);
  ADD ("stranger", test_stranger);
  ADD ("refused", test_refused);
  ADD ("goodbye", test_goodbye);
  return g_test_run ();
}

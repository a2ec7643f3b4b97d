/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sessions at work: several files in one, each answered and ended for itself, and
 * a second session when the first found no path.
 */
#include "jingle-pair.h"

#include "jingle/carrier.h"

#define PREFIX "/jingle-driver/"
#define SIZE 300000
#define LARGE 3000000 /* more than sockets and pipes hold */

/* --- several files in one session --- */

static void
test_batch (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 0, 1, SIZE };
  static const char *const names[] = { "a", "b", "c" };
  File *sent[3];

  for (guint i = 0; i < 3; i++)
    sent[i] = offer (f, names[i], sizes[i], "x");
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpstr (offered (f, i)->name, ==, names[i]);
      g_assert_cmpstr (offered (f, i)->batch, ==, offered (f, 0)->batch);
      g_assert_true (fd_content_is_shared (sent[i]->content));
      accept_file (offered (f, i));
    }
  g_assert_cmpstr (offered (f, 0)->batch, !=, "");
  for (guint i = 0; i < 3; i++)
    {
      wait_done (sent[i]);
      wait_done (offered (f, i));
      assert_arrived (f, names[i], sizes[i]);
      g_assert_cmpuint (sent[i]->accepted, ==, 1);
      g_assert_cmpint (offered (f, i)->path, ==, FD_PATH_SOCKS5_DIRECT);
    }
  settle ();
  g_assert_cmpuint (times (f->alice.actions, "session-initiate"), ==, 1);
  g_assert_cmpuint (times (f->alice.actions, "session-initiate/3"), ==, 1);
  g_assert_cmpuint (
    times (f->alice.actions, "session-terminate") + times (f->bob.actions, "session-terminate"), ==, 1);
}

/* A peer that does not say it takes several gets one file per session. */
static void
test_no_batch (Fixture *f, gconstpointer data)
{
  File *sent[3];

  f->features = plain_features;
  for (guint i = 0; i < 3; i++)
    sent[i] = offer (f, &"abc"[i], SIZE, "x");
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpstr (offered (f, i)->batch, ==, "");
      g_assert_false (fd_content_is_shared (sent[i]->content));
      g_assert_cmpint (f->alice.peers.shown, ==, 3);
    }
  for (guint i = 0; i < 3; i++)
    accept_file (offered (f, i));
  for (guint i = 0; i < 3; i++)
    wait_done (sent[i]);
  settle ();
  g_assert_cmpuint (times (f->alice.actions, "session-initiate/1"), ==, 3);
  g_assert_cmpint (f->alice.peers.shown, ==, 0);
  g_assert_cmpint (f->bob.peers.shown, ==, 0);
}

/* Files with nothing in common do not share a session, whatever the peer can. */
static void
test_alone (Fixture *f, gconstpointer data)
{
  File *first = offer (f, "a", SIZE, NULL);
  File *second = offer (f, "b", SIZE, "");
  File *third = offer (f, "c", SIZE, "x");

  for (guint i = 0; i < 3; i++)
    accept_file (offered (f, i));
  wait_done (first);
  wait_done (second);
  wait_done (third);
  g_assert_cmpuint (times (f->alice.actions, "session-initiate/1"), ==, 3);
}

static void
test_two_contents (Fixture *f, gconstpointer data)
{
  File *taken = offer (f, "a", SIZE, "x");
  File *rejected = offer (f, "b", SIZE, "x");

  accept_file (offered (f, 0));
  fd_content_reject (offered (f, 1)->content);
  wait_end (rejected, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  wait_end (offered (f, 1), FD_OUTCOME_REJECTED, FD_BY_LOCAL, FD_ERROR_REJECTED);
  wait_done (taken);
  wait_done (offered (f, 0));
  assert_arrived (f, "a", SIZE);
}

static void
test_reject_all (Fixture *f, gconstpointer data)
{
  File *first = offer (f, "a", SIZE, "x");
  File *second = offer (f, "b", SIZE, "x");

  fd_content_reject (offered (f, 0)->content);
  wait_end (first, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  g_assert_nonnull (second->content);
  fd_content_reject (offered (f, 1)->content);
  wait_end (second, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  settle ();
  assert_nothing_arrived (f);
}

/* One is taken much later than the other, when that is through. */
static void
test_accept_later (Fixture *f, gconstpointer data)
{
  File *first = offer (f, "a", SIZE, "x");
  File *second = offer (f, "b", SIZE, "x");

  accept_file (offered (f, 0));
  wait_done (first);
  wait_done (offered (f, 0));
  accept_file (offered (f, 1));
  wait_done (second);
  assert_arrived (f, "b", SIZE);
  g_assert_cmpuint (times (f->bob.actions, "session-accept"), ==, 1);
  g_assert_cmpuint (times (f->bob.actions, "content-accept"), ==, 1);
}

static void
test_add_later (Fixture *f, gconstpointer data)
{
  File *first = offer (f, "a", LARGE, "x");
  int reader = hold (offered (f, 0));
  g_autoptr (GThread) thread = NULL;
  File *second;
  File *third;

  WAIT_FOR (first->active);
  second = offer (f, "b", SIZE, "x");
  third = offer (f, "c", SIZE, "x");
  accept_file (offered (f, 1));
  fd_content_reject (offered (f, 2)->content);
  g_assert_cmpstr (offered (f, 1)->batch, ==, offered (f, 0)->batch);
  wait_done (second);
  wait_end (third, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  assert_arrived (f, "b", SIZE);
  thread = release (reader);
  wait_done (first);
  g_thread_join (g_steal_pointer (&thread));
  g_assert_cmpuint (times (f->alice.actions, "session-initiate"), ==, 1);
  g_assert_cmpuint (times (f->alice.actions, "content-add"), >=, 1);
}

/* By either side, while both are active: the other file goes on. */
static void
cancel_one (Fixture *f, gboolean by_sender)
{
  File *kept = offer (f, "a", LARGE, "x");
  File *cancelled = offer (f, "b", LARGE, "x");
  int readers[] = { hold (offered (f, 0)), hold (offered (f, 1)) };
  GThread *threads[2];

  WAIT_FOR (kept->active && cancelled->active && offered (f, 0)->active && offered (f, 1)->active);
  fd_content_cancel ((by_sender ? cancelled : offered (f, 1))->content, NULL);
  wait_end (cancelled, FD_OUTCOME_CANCELLED, by_sender ? FD_BY_LOCAL : FD_BY_REMOTE,
            by_sender ? FD_ERROR_CANCELLED : FD_ERROR_REMOTE_CANCELLED);
  threads[1] = release (readers[1]);
  wait_end (offered (f, 1), FD_OUTCOME_CANCELLED, by_sender ? FD_BY_REMOTE : FD_BY_LOCAL,
            by_sender ? FD_ERROR_REMOTE_CANCELLED : FD_ERROR_CANCELLED);
  threads[0] = release (readers[0]);
  wait_done (kept);
  wait_done (offered (f, 0));
  g_thread_join (threads[0]);
  g_thread_join (threads[1]);
}

static void
test_cancel_by_sender (Fixture *f, gconstpointer data)
{
  cancel_one (f, TRUE);
}

static void
test_cancel_by_receiver (Fixture *f, gconstpointer data)
{
  cancel_one (f, FALSE);
}

/* One cannot be written: a failure of that file only. */
static void
test_disk_error (Fixture *f, gconstpointer data)
{
  File *failing = offer (f, "a", LARGE, "x");
  File *good = offer (f, "b", SIZE, "x");
  int reader = hold (offered (f, 0));

  WAIT_FOR (failing->active);
  close (reader); /* nobody takes the bytes any more */
  accept_file (offered (f, 1));
  wait_end (offered (f, 0), FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_WRITE_FAILED);
  WAIT_FOR (!failing->content);
  g_assert_cmpint (failing->outcome, ==, FD_OUTCOME_FAILED);
  g_assert_cmpint (failing->by, ==, FD_BY_REMOTE);
  wait_done (good);
  wait_done (offered (f, 1));
  assert_arrived (f, "b", SIZE);
}

/* The XMPP stream goes: what flows by itself flows on, what needs it does not. */
static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  File *flowing = offer (f, "a", LARGE, "x");
  File *waiting = offer (f, "b", SIZE, "x");
  int reader = hold (offered (f, 0));
  GThread *thread;

  WAIT_FOR (flowing->active && offered (f, 0)->active && offered (f, 1));
  f->alice.cut = TRUE;
  fd_iq_stream_lost (f->alice.iq);
  fd_jingle_stream_lost (f->alice.jingle);
  wait_end (waiting, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
  g_assert_nonnull (flowing->content);
  f->alice.cut = FALSE;
  fd_iq_set_own_jid (f->alice.iq, f->alice.jid);
  fd_jingle_stream_up (f->alice.jingle);
  thread = release (reader);
  wait_done (flowing);
  wait_done (offered (f, 0));
  g_thread_join (thread);
}

/* The user answers what ended in the same turn, before anybody could say so. */
static void
test_answer_late (Fixture *f, gconstpointer data)
{
  offer (f, "a", SIZE, "x");
  offer (f, "b", SIZE, "x");
  WAIT_FOR (offered (f, 0) && offered (f, 1));
  f->bob.cut = TRUE;
  fd_iq_stream_lost (f->bob.iq);
  fd_jingle_stream_lost (f->bob.jingle);
  fd_content_reject (offered (f, 0)->content);
  accept_file (offered (f, 1));
  wait_end (offered (f, 0), FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
  wait_end (offered (f, 1), FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
}

/* The daemon goes: every file is told so. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  File *active = offer (f, "a", LARGE, "x");
  File *open = offer (f, "b", SIZE, "x");
  int reader = hold (offered (f, 0));
  GThread *thread;

  WAIT_FOR (active->active && offered (f, 0)->active && offered (f, 1));
  fd_content_stop (active->content);
  fd_content_stop (open->content);
  wait_end (active, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  wait_end (open, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  thread = release (reader);
  wait_end (offered (f, 0), FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  wait_end (offered (f, 1), FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  g_thread_join (thread);
}

/* Freed in the middle, with pumps at work and questions open. */
static void
test_free (Fixture *f, gconstpointer data)
{
  File *active = offer (f, "a", LARGE, "x");
  int reader;

  offer (f, "b", SIZE, "x");
  reader = hold (offered (f, 0));
  WAIT_FOR (active->active && offered (f, 0)->active);
  close (reader);
}

static gboolean
must_be_version_4 (Fixture *f, Side *from, const FdJingleMessage *message)
{
  if (message->contents->len > 0 && fd_jingle_message_get_content (message)->file)
    g_assert_cmpint (fd_jingle_message_get_content (message)->version, ==, FD_FT_4);
  return FALSE;
}

/* A peer like Swift is offered the file in its version, and it goes through. */
static void
test_ns4 (Fixture *f, gconstpointer data)
{
  File *sent;

  f->only_4 = TRUE;
  f->features = plain_features;
  f->tamper = must_be_version_4;
  sent = offer (f, "a", SIZE, NULL);
  accept_file (offered (f, 0));
  wait_done (sent);
  wait_done (offered (f, 0));
  assert_arrived (f, "a", SIZE);
  g_assert_cmpuint (times (f->alice.actions, "session-initiate/1"), ==, 1);
  g_assert_cmpuint (times (f->bob.actions, "session-accept/1"), ==, 1);
}

/* --- another transport, another session --- */

/* Bob neither offers nor dials an address: SOCKS5 cannot work. */
static void
accept_blocked (File *file)
{
  accept_by (file, FD_PATH_SOCKS5_PROXY | FD_PATH_IBB);
}

static void
test_fallback (Fixture *f, gconstpointer data)
{
  File *first = offer (f, "a", SIZE, "x");
  File *second = offer (f, "b", SIZE, "x");

  accept_file (offered (f, 0));
  accept_blocked (offered (f, 1));
  wait_done (first);
  wait_done (second);
  g_assert_cmpint (first->path, ==, FD_PATH_SOCKS5_DIRECT);
  g_assert_cmpint (second->path, ==, FD_PATH_IBB);
  assert_arrived (f, "a", SIZE);
  assert_arrived (f, "b", SIZE);
  g_assert_cmpuint (times (f->alice.actions, "transport-replace/1"), ==, 1);
  g_assert_cmpuint (times (f->alice.actions, "session-initiate"), ==, 1);
}

/* As a peer that takes no other transport than the first. */
static gboolean
reject_replace (Fixture *f, Side *from, const FdJingleMessage *message)
{
  g_autoptr (FdJingleMessage) reject = fd_jingle_message_new (FD_JINGLE_TRANSPORT_REJECT, message->sid);
  const FdJingleContent *content = fd_jingle_message_get_content (message);
  FdJingleContent *rejected;
  g_autoptr (FdXml) element = NULL;
  g_autofree char *xml = NULL;

  if (message->action != FD_JINGLE_TRANSPORT_REPLACE)
    return FALSE;
  rejected = fd_jingle_message_add_content (reject, TRUE, content->name);
  rejected->senders = FD_SENDERS_INITIATOR;
  fd_transport_info_copy (&rejected->transport, &content->transport);
  element = fd_jingle_message_build (reject);
  xml = fd_xml_to_string (element);
  inject (other (from), NULL, xml);
  return TRUE;
}

static void
test_reject_redial (Fixture *f, gconstpointer data)
{
  File *sent = offer (f, "a", SIZE, "x");
  FdContent *handle = sent->content;

  f->tamper = reject_replace;
  accept_blocked (offered (f, 0));
  WAIT_FOR (f->bob.files->len == 2);
  g_assert_true (sent->content == handle);
  g_assert_cmpstr (fd_content_get_peer (handle), ==, f->bob.jid);
  g_assert_cmpstr (fd_content_get_file (handle)->name, ==, "a");
  WAIT_FOR (!offered (f, 0)->content);
  g_assert_cmpint (offered (f, 0)->outcome, ==, FD_OUTCOME_FAILED);
  accept_file (offered (f, 1));
  wait_done (sent);
  wait_done (offered (f, 1));
  assert_arrived (f, "a", SIZE);
  g_assert_cmpint (sent->path, ==, FD_PATH_IBB);
  g_assert_cmpuint (sent->accepted, ==, 2);
  g_assert_cmpuint (times (f->alice.actions, "session-initiate"), ==, 2);
}

static void
test_redial_once (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_WRITE_FAILED, "full");
  File *sent = offer (f, "a", SIZE, "x");

  f->tamper = reject_replace;
  accept_blocked (offered (f, 0));
  WAIT_FOR (f->bob.files->len == 2);
  accept_file (offered (f, 1));
  fd_content_cancel (offered (f, 1)->content, error);
  WAIT_FOR (!sent->content);
  g_assert_cmpint (sent->outcome, ==, FD_OUTCOME_FAILED);
  settle ();
  g_assert_cmpuint (times (f->alice.actions, "session-initiate"), ==, 2);
}

/* The user gives up between the two. */
static void
test_redial_cancel (Fixture *f, gconstpointer data)
{
  File *sent = offer (f, "a", SIZE, "x");

  f->tamper = reject_replace;
  accept_blocked (offered (f, 0));
  WAIT_FOR (f->bob.files->len == 2);
  fd_content_cancel (sent->content, NULL);
  wait_end (sent, FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  wait_end (offered (f, 1), FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_ERROR_REMOTE_CANCELLED);
}

/* Only the one file of several that has no path goes to another session. */
static void
test_redial_one (Fixture *f, gconstpointer data)
{
  File *first = offer (f, "a", SIZE, "x");
  File *second = offer (f, "b", SIZE, "x");

  f->tamper = reject_replace;
  accept_blocked (offered (f, 0));
  accept_file (offered (f, 1));
  WAIT_FOR (f->bob.files->len == 3);
  accept_file (offered (f, 2));
  wait_done (second);
  wait_done (first);
  assert_arrived (f, "a", SIZE);
  assert_arrived (f, "b", SIZE);
}

/* The peer ends the session before it sees the file that was added. */
static gboolean
end_before_add (Fixture *f, Side *from, const FdJingleMessage *message)
{
  g_autofree char *terminate
    = g_strdup_printf ("<jingle xmlns='" FD_NS_JINGLE "' action='session-terminate' sid='%s'>"
                       "<reason><decline/></reason></jingle>",
                       message->sid);

  if (message->action != FD_JINGLE_CONTENT_ADD)
    return FALSE;
  inject (other (from), NULL, terminate);
  return TRUE;
}

static void
test_add_crosses_end (Fixture *f, gconstpointer data)
{
  File *first = offer (f, "a", SIZE, "x");
  File *second;
  FdContent *handle;

  offered (f, 0);
  f->tamper = end_before_add;
  second = offer (f, "b", SIZE, "x");
  handle = second->content;
  wait_end (first, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  accept_file (offered (f, 1)); /* offered again, as a file that nobody has answered */
  g_assert_true (second->content == handle);
  wait_done (second);
  assert_arrived (f, "b", SIZE);
  g_assert_cmpint (second->path, ==, FD_PATH_SOCKS5_DIRECT);
  g_assert_cmpuint (times (f->alice.actions, "session-initiate"), ==, 2);
}

/* --- old proxies --- */

static void
test_stale_proxy (void)
{
  g_autoptr (FdS5bInfo) offer = fd_s5b_info_new (FD_S5B_CANDIDATES, "s");
  FdS5bCandidate *candidate = g_new0 (FdS5bCandidate, 1);
  const gint64 minute = 60 * G_USEC_PER_SEC;

  g_assert_false (fd_carrier_is_stale (offer, minute, 100)); /* nothing is no proxy */
  candidate->type = FD_S5B_PROXY;
  g_ptr_array_add (offer->candidates, candidate);
  g_assert_true (fd_carrier_is_stale (offer, minute, 100));
  g_assert_true (fd_carrier_is_stale (offer, minute, 5000000));
  g_assert_false (fd_carrier_is_stale (offer, minute, 5000001)); /* better to hope */
  g_assert_false (fd_carrier_is_stale (offer, minute, -1));
  g_assert_false (fd_carrier_is_stale (offer, minute / 2, 100));
  candidate->type = FD_S5B_DIRECT;
  g_assert_false (fd_carrier_is_stale (offer, minute, 100));
  candidate->type = FD_S5B_PROXY;
  offer->dstaddr = g_strdup ("d");
  g_assert_false (fd_carrier_is_stale (offer, minute, 100));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("batch", test_batch);
  ADD ("no-batch", test_no_batch);
  ADD ("alone", test_alone);
  ADD ("two-contents", test_two_contents);
  ADD ("reject-all", test_reject_all);
  ADD ("accept-later", test_accept_later);
  ADD ("add-later", test_add_later);
  ADD ("cancel-by-sender", test_cancel_by_sender);
  ADD ("cancel-by-receiver", test_cancel_by_receiver);
  ADD ("disk-error", test_disk_error);
  ADD ("stream-lost", test_stream_lost);
  ADD ("answer-late", test_answer_late);
  ADD ("stop", test_stop);
  ADD ("free", test_free);
  ADD ("ns4", test_ns4);
  ADD ("fallback", test_fallback);
  ADD ("reject-redial", test_reject_redial);
  ADD ("redial-once", test_redial_once);
  ADD ("redial-cancel", test_redial_cancel);
  ADD ("redial-one", test_redial_one);
  ADD ("add-crosses-end", test_add_crosses_end);
  g_test_add_func (PREFIX "stale-proxy", test_stale_proxy);
  return g_test_run ();
}

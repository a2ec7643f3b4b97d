/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Several files in one session: with urn:x-fardel:batch:0 answered one by one,
 * without it together.
 */
#define PREFIX "/jingle-batch/"
#include "machine-pair.h"

static void
offer_files (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_nonnull (add (f));
  settle (f);
  g_assert_cmpuint (f->bob.n_contents, ==, n);
}

static void
take (Fixture *f, guint i)
{
  fd_content_machine_accept (f->bob.all[i], FD_PATH_ANY, 0, f->now);
  settle (f);
}

static void
refuse (Fixture *f, guint i)
{
  fd_content_machine_reject (f->bob.all[i], f->now);
  settle (f);
}

static void
transfer (Fixture *f, guint i)
{
  connect_contents (f, i, FD_PATH_SOCKS5_DIRECT);
  all_moved_of (f, i);
  published_of (f, i);
}

static FdJingleMessage *
foreign_offer (guint n)
{
  static const char *const names[] = { "a", "b", "c" };
  FdJingleMessage *message = fd_jingle_message_new (FD_JINGLE_SESSION_INITIATE, "s");

  for (guint i = 0; i < n; i++)
    {
      FdJingleContent *content = fd_jingle_message_add_content (message, TRUE, names[i]);

      content->senders = FD_SENDERS_INITIATOR;
      content->file = fd_file_new ("x", 100);
      fd_file_set_hash (content->file, &digest);
      content->transport = s5b (names[i]);
    }
  return message;
}

/* --- our own kind --- */

/* All go out in one stanza, and each goes its own way. */
static void
test_two (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  expect (&f->alice, "s5b s5b:file-2 session-initiate:file,file-2");
  expect (&f->bob, "offered offered:file-2");
  g_assert_true (fd_session_machine_is_batch (f->bob.machine));
  take (f, 0);
  expect (&f->bob, "s5b session-accept start");
  expect (&f->alice, "remote start accepted");
  take (f, 1);
  expect (&f->bob, "s5b:file-2 content-accept:file-2 start:file-2");
  expect (&f->alice, "remote:file-2 start:file-2 accepted:file-2");
  transfer (f, 0);
  expect (&f->bob, "active pump publish session-info drop ended");
  expect (&f->alice, "active pump drop ended");
  expect_content_end (f->alice.all[0], FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_cmpint (fd_content_machine_get_end (f->alice.all[0])->verified, ==, FD_VERIFIED_OK);
  transfer (f, 1);
  expect (&f->alice, "active:file-2 pump:file-2 drop:file-2 ended:file-2 success end");
  expect_content_end (f->alice.all[1], FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  expect_both_done (f);
}

/* One stanza waits for all that were added by then. */
static void
test_waits_for_all (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAction) first = NULL;

  g_assert_nonnull (add (f));
  g_assert_nonnull (add (f));
  first = fd_session_machine_next (f->alice.machine);
  run (f, &f->alice);
  expect (&f->alice, "s5b:file-2");
  carry_out (f, &f->alice, first);
  settle (f);
  expect (&f->alice, "s5b session-initiate:file,file-2");
}

/* One that cannot be prepared does not hold up the other. */
static void
test_one_unprepared (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_NO_TRANSPORT, "no candidates");

  f->paths = FD_PATH_SOCKS5_DIRECT;
  g_assert_nonnull (add (f));
  g_assert_nonnull (add (f));
  fd_action_free (fd_session_machine_next (f->alice.machine));
  run (f, &f->alice);
  fd_content_machine_transport_failed (f->alice.all[0], error, f->now);
  settle (f);
  expect (&f->alice, "s5b:file-2 drop ended session-initiate:file-2");
  take (f, 0);
  transfer (f, 0);
}

static void
test_decline_one (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  forget_logs (f);
  refuse (f, 1);
  expect (&f->bob, "content-remove=decline:file-2 drop:file-2 ended:file-2");
  expect_content_end (f->alice.all[1], FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  g_assert_cmpint (fd_session_machine_get_state (f->alice.machine), ==, FD_SESSION_PENDING);
  take (f, 0);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  all_moved (f);
  published (f);
  expect_both_done (f);
}

static void
test_decline_all (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  forget_logs (f);
  refuse (f, 1);
  refuse (f, 0);
  expect (&f->bob, "content-remove=decline:file-2 drop:file-2 ended:file-2 decline drop ended end");
  expect_end (&f->alice, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
}

static void
test_add_later (Fixture *f, gconstpointer data)
{
  offer_files (f, 1);
  forget_logs (f);
  g_assert_nonnull (add (f));
  settle (f);
  expect (&f->alice, "s5b:file-2 content-add:file-2");
  g_assert_true (f->alice.last->batch);
  expect (&f->bob, "offered:file-2");
  /* The first to be accepted is accepted with the session. */
  take (f, 1);
  expect (&f->bob, "s5b:file-2 session-accept:file-2 start:file-2");
  refuse (f, 0);
  expect (&f->bob, "content-remove=decline drop ended");
  g_assert_nonnull (add (f));
  settle (f);
  refuse (f, 2);
  expect (&f->bob, "offered:file-3 content-reject=decline:file-3 drop:file-3 ended:file-3");
  expect_content_end (f->alice.all[2], FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  transfer (f, 1);
  g_assert_cmpint (fd_session_machine_get_state (f->alice.machine), ==, FD_SESSION_ENDED);
  g_assert_cmpint (fd_session_machine_get_state (f->bob.machine), ==, FD_SESSION_ENDED);
}

/* The receiver leaves it to the initiator to know which file is the last: one more
 * is being prepared while it confirms the only one that it knows. */
static void
test_add_after_last (Fixture *f, gconstpointer data)
{
  offer_files (f, 1);
  take (f, 0);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  all_moved (f);
  forget_logs (f);
  g_assert_nonnull (add (f));
  fd_content_machine_published (f->bob.content, NULL, f->now);
  run (f, &f->bob);
  expect (&f->bob, "session-info drop ended");
  settle (f);
  expect (&f->alice, "s5b:file-2 drop ended content-add:file-2");
  expect (&f->bob, "offered:file-2");
  take (f, 1);
  transfer (f, 1);
  expect_both_done (f);
}

/* The receiver declines the only file that it knows while one more is on its way,
 * and another one is being prepared: nobody has declined those. */
static void
test_add_crosses_end (Fixture *f, gconstpointer data)
{
  g_autoptr (FdAction) prepared = NULL;

  offer_files (f, 1);
  g_assert_nonnull (add (f));
  f->alice.other = NULL;
  settle (f);
  g_assert_nonnull (add (f));
  prepared = fd_session_machine_next (f->alice.machine);
  forget_logs (f);
  refuse (f, 0);
  settle (f);
  expect (&f->alice, "drop ended drop:file-2 redial:file-2 drop:file-3 redial:file-3 end");
  expect_content_end (f->alice.all[0], FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
}

/* Of several files, success for the session does not say which ones are safe. */
static void
test_success_of_several (Fixture *f, gconstpointer data)
{
  FdJingleMessage *success = fd_jingle_message_new (FD_JINGLE_SESSION_TERMINATE, "s");

  success->reason = g_strdup ("success");
  offer_files (f, 2);
  take (f, 0);
  take (f, 1);
  transfer (f, 0);
  connect_contents (f, 1, FD_PATH_SOCKS5_DIRECT);
  all_moved_of (f, 1);
  g_assert_cmpint (tell (f, &f->alice, success), ==, FD_REPLY_OK);
  expect_content_end (f->alice.all[0], FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  expect_content_end (f->alice.all[1], FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
}

/* Nothing more comes: the receiver ends what nobody else ends. */
static void
test_linger (Fixture *f, gconstpointer data)
{
  offer_files (f, 1);
  take (f, 0);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  forget_logs (f);
  f->bob.other = NULL;
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect (&f->bob, "publish session-info drop ended");
  g_assert_cmpint (fd_session_machine_get_deadline (f->bob.machine), ==, f->now + FD_MS (FD_T_RECEIVED));
  wait_for_timer (f, &f->bob, 100);
  expect (&f->bob, "success end");
}

static void
test_linger_stream_lost (Fixture *f, gconstpointer data)
{
  offer_files (f, 1);
  take (f, 0);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  f->bob.other = NULL;
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  forget_logs (f);
  fd_session_machine_stream_lost (f->bob.machine, f->now);
  run (f, &f->bob);
  expect (&f->bob, "end");
}

/* A cancel of one leaves the other alone. */
static void
test_cancel_one (Fixture *f, gconstpointer data)
{
  gboolean by_sender = GPOINTER_TO_INT (data);
  Side *side = by_sender ? &f->alice : &f->bob;
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "by user");

  offer_files (f, 2);
  take (f, 0);
  take (f, 1);
  connect_contents (f, 0, FD_PATH_SOCKS5_DIRECT);
  connect_contents (f, 1, FD_PATH_SOCKS5_DIRECT);
  forget_logs (f);
  fd_content_machine_abort (side->all[1], FD_OUTCOME_CANCELLED, "cancel", error, f->now);
  settle (f);
  expect (side, "content-remove=cancel:file-2 stop-pump:file-2");
  expect (side->other, "stop-pump:file-2");
  pumped_content (f, f->alice.all[1], 10, FALSE, NULL, FD_ERROR_CANCELLED);
  pumped_content (f, f->bob.all[1], 10, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_content_end (side->all[1], FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
  expect_content_end (side->other->all[1], FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_ERROR_REMOTE_CANCELLED);
  all_moved (f);
  published (f);
  expect_both_done (f);
}

/* The transport of one is replaced, that of the other goes on. */
static void
test_fallback_one (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  take (f, 0);
  take (f, 1);
  connect_contents (f, 1, FD_PATH_SOCKS5_DIRECT);
  forget_logs (f);
  transport_failed (f, &f->alice);
  expect (&f->alice, "drop ibb transport-replace remote start");
  g_assert_cmpint (fd_content_machine_get_state (f->alice.all[1]), ==, FD_CONTENT_ACTIVE);
}

/* The rejected replacement of one is dialed again in a session of its own. */
static void
test_redial_one (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  take (f, 0);
  take (f, 1);
  forget_logs (f);
  f->alice.other = NULL;
  transport_failed (f, &f->alice);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_REJECT, "file", ibb ("i", 8192))),
                   ==, FD_REPLY_OK);
  expect (&f->alice, "drop ibb transport-replace content-remove=failed-transport drop redial");
  g_assert_cmpint (fd_content_machine_get_state (f->alice.all[1]), ==, FD_CONTENT_NEGOTIATING);
}

/* The last word of the session says nothing of what was confirmed before. */
static void
test_confirmed_before_cancel (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  take (f, 0);
  take (f, 1);
  connect_contents (f, 0, FD_PATH_SOCKS5_DIRECT);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f); /* before our own pump has ended */
  tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "cancel"));
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  expect_content_end (f->alice.all[0], FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  expect_content_end (f->alice.all[1], FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_ERROR_REMOTE_CANCELLED);
  g_assert_cmpint (fd_session_machine_get_state (f->alice.machine), ==, FD_SESSION_ENDED);
}

/* Each by its own rule: one drains, one was not begun. */
static void
test_terminate_both (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  take (f, 0);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  forget_logs (f);
  tell (f, &f->bob, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "media-error"));
  expect (&f->bob, "drop:file-2 ended:file-2");
  expect_state (&f->bob, FD_CONTENT_DRAINING);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect (&f->bob, "publish drop ended end");
  expect_content_end (f->bob.all[0], FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  offer_files (f, 2);
  take (f, 0);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  f->bob.other = NULL;
  fd_session_machine_stream_lost (f->bob.machine, f->now);
  run (f, &f->bob);
  expect_state (&f->bob, FD_CONTENT_ACTIVE);
  expect_content_end (f->bob.all[1], FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
}

/* A session has room for so many; the next file needs another one. */
static void
test_full (Fixture *f, gconstpointer data)
{
  offer_files (f, FD_JINGLE_MAX_CONTENTS);
  g_assert_null (add (f));
}

static void
test_full_for_peer (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message;

  offer_files (f, FD_JINGLE_MAX_CONTENTS);
  forget_logs (f);
  message = message_with (FD_JINGLE_CONTENT_ADD, "one-more", s5b ("t"));
  fd_jingle_message_get_content (message)->file = fd_file_new ("x", 1);
  g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
  expect (&f->bob, "content-reject=busy:one-more");
}

static void
test_one_per_session (Fixture *f, gconstpointer data)
{
  g_assert_nonnull (add (f));
  g_assert_null (add (f));
  settle (f);
  g_assert_false (f->alice.last->batch);
  g_assert_false (fd_session_machine_is_batch (f->alice.machine));
}

static void
test_add_refused (Fixture *f, gconstpointer data)
{
  offer_files (f, 1);
  f->alice.other = NULL;
  g_assert_nonnull (add (f));
  run (f, &f->alice);
  answer (f, &f->alice, f->alice.last, FD_REPLY_BAD_REQUEST);
  run (f, &f->alice);
  expect_content_end (f->alice.all[1], FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PROTOCOL);
  expect_state (&f->alice, FD_CONTENT_OFFERED);
}

/* --- foreign peers --- */

static void
test_two_contents (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (tell (f, &f->bob, foreign_offer (2)), ==, FD_REPLY_OK);
  expect (&f->bob, "offered:a offered:b");
  g_assert_true (fd_session_machine_is_batch (f->bob.machine));
  take (f, 0);
  expect (&f->bob, "s5b:a"); /* not before all are answered */
  g_assert_cmpint (fd_content_machine_get_state (f->bob.all[0]), ==, FD_CONTENT_READY);
  refuse (f, 1);
  expect (&f->bob, "drop:b ended:b session-accept:a content-remove=decline:b start:a");
  g_assert_cmpint (tell (f, &f->bob, message_why (FD_JINGLE_CONTENT_REMOVE, "a", "cancel")), ==, FD_REPLY_OK);
  expect (&f->bob, "drop:a ended:a cancel end");
}

static void
test_two_contents_taken (Fixture *f, gconstpointer data)
{
  tell (f, &f->bob, foreign_offer (2));
  forget_logs (f);
  take (f, 0);
  take (f, 1);
  expect (&f->bob, "s5b:a s5b:b session-accept:a,b start:a start:b");
  for (guint i = 0; i < 2; i++)
    {
      fd_content_machine_transport_connected (f->bob.all[i], FD_PATH_SOCKS5_DIRECT, f->now);
      run (f, &f->bob);
      pumped_content (f, f->bob.all[i], 100, TRUE, &digest, 0);
      published_of (f, i);
    }
  expect (&f->bob, "active:a pump:a publish:a session-info:a drop:a ended:a "
                   "active:b pump:b publish:b session-info:b success drop:b ended:b end");
}

static void
test_two_contents_declined (Fixture *f, gconstpointer data)
{
  tell (f, &f->bob, foreign_offer (2));
  forget_logs (f);
  refuse (f, 0);
  expect (&f->bob, "drop:a ended:a");
  refuse (f, 1);
  expect (&f->bob, "decline drop:b ended:b end");
}

/* One is never answered: the other need not wait for ever. */
static void
test_two_contents_expire (Fixture *f, gconstpointer data)
{
  tell (f, &f->bob, foreign_offer (2));
  forget_logs (f);
  take (f, 1);
  wait_for_timer (f, &f->bob, 0);
  expect (&f->bob, "s5b:b drop:a ended:a session-accept:b content-remove=expired:a start:b");
}

/* What cannot be taken is refused beside what can. */
static void
test_mixed (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = foreign_offer (3);

  ((FdJingleContent *) message->contents->pdata[0])->secured = TRUE;
  message->batch = GPOINTER_TO_INT (data);
  g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
  g_assert_cmpuint (f->bob.n_contents, ==, 2);
  if (GPOINTER_TO_INT (data))
    {
      expect (&f->bob, "content-remove=security-error:a offered:b offered:c");
      return;
    }
  expect (&f->bob, "offered:b offered:c");
  take (f, 0);
  take (f, 1);
  expect (&f->bob, "s5b:b s5b:c session-accept:b,c content-remove=security-error:a start:b start:c");
}

static void
test_none_usable (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = foreign_offer (2);

  ((FdJingleContent *) message->contents->pdata[0])->secured = TRUE;
  ((FdJingleContent *) message->contents->pdata[1])->transport.s5b->udp = TRUE;
  g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
  expect (&f->bob, "security-error end");
}

/* content-add of a peer that knows no batches. */
static void
test_foreign_add (Fixture *f, gconstpointer data)
{
  for (gint taken = 0; taken < 2; taken++)
    {
      FdJingleMessage *message = foreign_offer (1);

      restart (f);
      tell (f, &f->bob, foreign_offer (1));
      take (f, 0);
      forget_logs (f);
      message->action = FD_JINGLE_CONTENT_ADD;
      g_free (fd_jingle_message_get_content (message)->name);
      fd_jingle_message_get_content (message)->name = g_strdup ("b");
      g_assert_cmpint (say (f, &f->bob, message), ==, FD_REPLY_OK);
      run (f, &f->bob);
      g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_BAD_REQUEST); /* the name is taken */
      if (taken)
        take (f, 1);
      else
        refuse (f, 1);
      expect (&f->bob, taken ? "offered:b s5b:b content-accept:b start:b"
                             : "offered:b content-reject=decline:b drop:b ended:b");
    }
}

/* iris puts the transports of all contents into one stanza. */
static void
test_transport_infos (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = foreign_offer (2);

  tell (f, &f->bob, foreign_offer (2));
  take (f, 0);
  take (f, 1);
  forget_logs (f);
  message->action = FD_JINGLE_TRANSPORT_INFO;
  g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
  expect (&f->bob, "remote:a remote:b");
}

static void
test_named_info (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message;

  offer_files (f, 2);
  take (f, 0);
  for (guint i = 0; i < 2; i++)
    {
      message = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");
      message->info = FD_SESSION_INFO_RECEIVED;
      message->info_content = g_strdup (i ? "file-9" : NULL);
      g_assert_cmpint (tell (f, &f->alice, message), ==, i ? FD_REPLY_ITEM_NOT_FOUND : FD_REPLY_OK);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("two", set_up_batch, test_two);
  ADD ("waits-for-all", set_up_batch, test_waits_for_all);
  ADD ("one-unprepared", set_up_batch, test_one_unprepared);
  ADD ("decline-one", set_up_batch, test_decline_one);
  ADD ("decline-all", set_up_batch, test_decline_all);
  ADD ("add-later", set_up_batch, test_add_later);
  ADD ("add-after-last", set_up_batch, test_add_after_last);
  ADD ("add-crosses-end", set_up_batch, test_add_crosses_end);
  ADD ("success-of-several", set_up_batch, test_success_of_several);
  ADD ("linger", set_up_batch, test_linger);
  ADD ("linger-stream-lost", set_up_batch, test_linger_stream_lost);
  ADD_WITH ("cancel-one-sender", set_up_batch, TRUE, test_cancel_one);
  ADD_WITH ("cancel-one-receiver", set_up_batch, FALSE, test_cancel_one);
  ADD ("fallback-one", set_up_batch, test_fallback_one);
  ADD ("redial-one", set_up_batch, test_redial_one);
  ADD ("confirmed-before-cancel", set_up_batch, test_confirmed_before_cancel);
  ADD ("terminate-both", set_up_batch, test_terminate_both);
  ADD ("stream-lost", set_up_batch, test_stream_lost);
  ADD ("full", set_up_batch, test_full);
  ADD ("full-for-peer", set_up_batch, test_full_for_peer);
  ADD ("one-per-session", set_up, test_one_per_session);
  ADD ("add-refused", set_up_batch, test_add_refused);
  ADD ("two-contents", set_up, test_two_contents);
  ADD ("two-contents-taken", set_up, test_two_contents_taken);
  ADD ("two-contents-declined", set_up, test_two_contents_declined);
  ADD ("two-contents-expire", set_up, test_two_contents_expire);
  ADD_WITH ("mixed", set_up, FALSE, test_mixed);
  ADD_WITH ("mixed-batch", set_up, TRUE, test_mixed);
  ADD ("none-usable", set_up, test_none_usable);
  ADD ("foreign-add", set_up, test_foreign_add);
  ADD ("transport-infos", set_up, test_transport_infos);
  ADD ("named-info", set_up_batch, test_named_info);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the session machine does when a transport fails: another transport,
 * another session, or an end that says why.
 */
#define PREFIX "/jingle-fallback/"
#include "machine-pair.h"

/* Alice's transport has failed and her replacement is out, to a silent Bob. */
static void
replacing (Fixture *f)
{
  accept (f);
  f->alice.other = NULL;
  transport_failed (f, &f->alice);
  expect_state (&f->alice, FD_CONTENT_REPLACING);
  forget_logs (f);
}

static void
expect_in_band (Fixture *f)
{
  expect_state (&f->alice, FD_CONTENT_NEGOTIATING);
  expect_state (&f->bob, FD_CONTENT_NEGOTIATING);
  connect_both (f, FD_PATH_IBB);
  all_moved (f);
  published (f);
  expect_state (&f->alice, FD_CONTENT_SENT); /* not acknowledged yet */
  fd_content_machine_transport_drained (f->alice.content, f->now);
  settle (f);
  expect_both_done (f);
}

/* Both sides say candidate-error, in either order. */
static void
test_both_error (Fixture *f, gconstpointer data)
{
  gboolean responder_first = GPOINTER_TO_INT (data);

  accept (f);
  forget_logs (f);
  if (responder_first)
    {
      transport_failed (f, &f->bob);
      expect_state (&f->bob, FD_CONTENT_WAIT_REPLACE);
      expect_row (&f->bob, 37);
    }
  transport_failed (f, &f->alice);
  expect (&f->alice, "drop ibb transport-replace remote start");
  expect (&f->bob,
          responder_first ? "drop drop ibb transport-accept start" : "drop ibb transport-accept start");
  g_assert_cmpint (f->now, ==, 1000 * SECOND); /* at once */
  expect_row (&f->alice, 36);
  expect_row (&f->alice, 39);
  expect_row (&f->bob, 33);
  expect_in_band (f);
}

/* A proxy that the peer offered and we cannot use: our transport fails alone. */
static void
test_silent_error (Fixture *f, gconstpointer data)
{
  accept (f);
  f->bob.other = NULL;
  transport_failed (f, &f->bob);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "drop ibb transport-accept start");
  g_assert_cmpuint (fd_jingle_message_get_content (f->bob.last)->transport.ibb->block_size, ==, 4096);
}

/* The initiator never proposes another transport. */
static void
test_wait_replace (Fixture *f, gconstpointer data)
{
  accept (f);
  f->bob.other = NULL;
  transport_failed (f, &f->bob);
  wait_for_timer (f, &f->bob, 0);
  expect_row (&f->bob, 42);
  g_assert_true (g_str_has_suffix (f->bob.log->str, "failed-transport drop ended end"));
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
}

static void
test_no_fallback (Fixture *f, gconstpointer data)
{
  f->paths = FD_PATH_SOCKS5_DIRECT;
  accept (f);
  transport_failed (f, &f->alice);
  expect_row (&f->alice, 38);
  g_assert_true (g_str_has_suffix (f->alice.log->str, "connectivity-error drop ended end"));
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_NO_TRANSPORT);
}

/* A candidate-used without a socket is a failed transport, not a failed session. */
static void
test_used_nosocket (Fixture *f, gconstpointer data)
{
  accept (f);
  forget_logs (f);
  transport_failed (f, &f->alice);
  expect (&f->alice, "drop ibb transport-replace remote start");
}

/* Nothing to offer over TCP: in-band is offered instead. */
static void
test_nothing_to_offer (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_NO_TRANSPORT, "no candidates");
  FdTransportInfo local = ibb ("i", 8192);

  g_assert_nonnull (add (f));
  fd_content_machine_transport_failed (f->alice.content, error, f->now);
  expect_row (&f->alice, 3);
  fd_content_machine_transport_ready (f->alice.content, &local, f->now);
  fd_transport_info_clear (&local);
  fd_action_free (fd_session_machine_next (f->alice.machine)); /* to prepare S5B, which has failed */
  settle (f);
  expect (&f->alice, "drop ibb session-initiate");
  expect_state (&f->bob, FD_CONTENT_OFFERED);
}

/* --- streams that die early --- */

/* A broken stream before the first byte is one more dead path. */
static void
test_drop_early (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  expect_state (&f->bob, FD_CONTENT_WAIT_REPLACE);
  expect_row (&f->bob, 44);
  pumped (f, &f->alice, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  expect_row (&f->alice, 44);
  expect_in_band (f);
}

/* It is dead for the initiator alone: the responder's pump still waits for bytes. */
static void
test_drop_early_one_sided (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->alice, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  expect (&f->alice, "drop ibb transport-replace");
  expect (&f->bob, "stop-pump");
  expect_state (&f->bob, FD_CONTENT_ACTIVE);
  pumped (f, &f->bob, 0, FALSE, NULL, FD_ERROR_CANCELLED);
  expect (&f->bob, "drop ibb transport-accept start");
  expect_in_band (f);
}

/* Bytes came after all: what is under way is not replaced. */
static void
test_replace_while_moving (Fixture *f, gconstpointer data)
{
  activate (f);
  fd_content_machine_progress (f->bob.content, 1, FALSE);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "transport-reject");
  expect_row (&f->bob, 43);
  expect_state (&f->bob, FD_CONTENT_ACTIVE);
}

static void
test_replace_and_bytes_race (Fixture *f, gconstpointer data)
{
  activate (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "stop-pump");
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  expect (&f->bob, "transport-reject publish");
  published (f);
  expect_end (&f->bob, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

/* Some came, and the pump has stopped: that cannot be put together again. */
static void
test_replace_and_some_bytes_race (Fixture *f, gconstpointer data)
{
  activate (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  pumped (f, &f->bob, 10, FALSE, NULL, FD_ERROR_CANCELLED);
  expect (&f->bob, "stop-pump transport-reject");
  wait_for_timer (f, &f->bob, 10);
  expect (&f->bob, "connectivity-error keep drop ended end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_CONNECTION_FAILED);
}

/* --- who may replace --- */

static void
test_replace_tie_init (Fixture *f, gconstpointer data)
{
  replacing (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("j", 4096))),
                   ==, FD_REPLY_TIE_BREAK);
  expect_row (&f->alice, 35);
  expect_state (&f->alice, FD_CONTENT_REPLACING);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_ACCEPT, "file", ibb ("i", 4096))),
                   ==, FD_REPLY_OK);
  expect (&f->alice, "remote start");
}

static void
test_replace_tie_resp (Fixture *f, gconstpointer data)
{
  accept (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "drop ibb transport-accept start");
  expect_row (&f->bob, 33);
}

/* With a stream of its own id a responder takes S5B again, three times in all. */
static void
test_replace_s5b (Fixture *f, gconstpointer data)
{
  static const char *const sids[] = { "t1", "t2", "t3", "t4" };

  accept (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", s5b ("t"))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "transport-reject"); /* that is the one that failed */
  for (guint i = 1; i < G_N_ELEMENTS (sids); i++)
    {
      g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", s5b (sids[i]))),
                       ==, FD_REPLY_OK);
      expect (&f->bob,
              i < 3 ? "drop s5b transport-accept start" : "transport-reject failed-transport drop ended end");
    }
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_NO_TRANSPORT);
}

/* As initiator: in-band is welcome, S5B once while ours has not failed (Dino). */
static void
test_replace_of_responder (Fixture *f, gconstpointer data)
{
  accept (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", s5b ("u"))), ==,
                   FD_REPLY_OK);
  expect (&f->alice, "drop s5b transport-accept start");
  expect_row (&f->alice, 34);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", s5b ("v"))), ==,
                   FD_REPLY_OK);
  expect (&f->alice, "transport-reject");
  expect_state (&f->alice, FD_CONTENT_NEGOTIATING);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("w", 4096))),
                   ==, FD_REPLY_OK);
  expect (&f->alice, "drop ibb transport-accept start");
}

/* Transport-infos of a transport that was given up are about nothing. */
static void
test_late_notifications (Fixture *f, gconstpointer data)
{
  replacing (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t"))), ==,
                   FD_REPLY_OK);
  expect_row (&f->alice, 41);
  restart (f);
  activate (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t"))), ==,
                   FD_REPLY_OK);
  expect_row (&f->alice, 43);
  restart (f);
  accept (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", s5b ("t1"))), ==,
                   FD_REPLY_OK);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t"))), ==,
                   FD_REPLY_OK);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t1"))), ==,
                   FD_REPLY_ASK_TRANSPORT);
}

/* --- lenient answers --- */

static void
test_accept_for_replace (Fixture *f, gconstpointer data)
{
  replacing (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"))), ==,
                   FD_REPLY_OUT_OF_ORDER);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->alice, "remote start");
  /* The standard answer that may come after it finds nothing to accept. */
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_ACCEPT, "file", ibb ("i", 4096))),
                   ==, FD_REPLY_OUT_OF_ORDER);
  expect_row (&f->alice, 48);
}

/* What the answer leaves out or enlarges is ours. */
static void
test_accept_nosid (Fixture *f, gconstpointer data)
{
  FdAction *action;
  g_autoptr (FdJingleMessage) message = message_with (FD_JINGLE_TRANSPORT_ACCEPT, "file", ibb (NULL, 65535));

  replacing (f);
  g_assert_cmpint (say (f, &f->alice, message), ==, FD_REPLY_OK);
  action = fd_session_machine_next (f->alice.machine);
  g_assert_cmpint (action->what, ==, FD_DO_REMOTE);
  g_assert_cmpstr (action->remote.ibb->sid, ==, "i");
  g_assert_cmpuint (action->remote.ibb->block_size, ==, 8192);
  fd_action_free (action);
}

/* Gajim: its stream id is the text None, and it goes on only after a session-accept. */
static void
test_gajim_replace (Fixture *f, gconstpointer data)
{
  f->alice_quirks = FD_QUIRK_ACCEPT_FOR_REPLACE;
  restart (f);
  accept (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("None", 4096))),
                   ==, FD_REPLY_OK);
  expect (&f->bob, "drop ibb session-accept transport-accept start");
  g_assert_cmpstr (fd_jingle_message_get_content (f->bob.last)->transport.ibb->sid, ==, "None");
  answer (f, &f->bob, f->bob.last, FD_REPLY_OUT_OF_ORDER);
  expect_state (&f->bob, FD_CONTENT_NEGOTIATING);
}

/* --- before the accept --- */

static void
test_replace_early (Fixture *f, gconstpointer data)
{
  offer (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 65535))),
                   ==, FD_REPLY_OK);
  expect (&f->bob, "transport-accept");
  g_assert_cmpuint (fd_jingle_message_get_content (f->bob.last)->transport.ibb->block_size, ==, 8192);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  run (f, &f->bob);
  expect (&f->bob, "ibb session-accept start");
  /* The same transport once more, for those who need it. */
  g_assert_cmpstr (fd_jingle_message_get_content (f->bob.last)->transport.ibb->sid, ==, "i");
}

/* The responder knows before its user that it has no TCP. */
static void
test_replace_early_responder (Fixture *f, gconstpointer data)
{
  offer (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))),
                   ==, FD_REPLY_OK);
  expect (&f->alice, "drop ibb transport-accept");
  expect_state (&f->alice, FD_CONTENT_OFFERED);
  expect_row (&f->alice, 34);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->alice, "start accepted"); /* and not prepared anew */
}

/* While the user's answer is being prepared. */
static void
test_replace_early_preparing (Fixture *f, gconstpointer data)
{
  offer (f);
  forget_logs (f);
  f->bob.other = NULL;
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  fd_action_free (fd_session_machine_next (f->bob.machine)); /* to prepare S5B, which takes its time */
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "transport-accept drop ibb session-accept start");
}

/* Our transport dies under the offer: with the extension it is replaced at once. */
static void
test_early_accept (Fixture *f, gconstpointer data)
{
  gint64 answer_by;

  f->extensions = FD_EXT_EARLY_ACCEPT;
  restart (f);
  offer (f);
  forget_logs (f);
  answer_by = fd_session_machine_get_deadline (f->alice.machine);
  transport_failed (f, &f->alice);
  expect (&f->alice, "drop ibb transport-replace remote");
  g_assert_true (f->alice.last->early_accept);
  expect (&f->bob, "transport-accept");
  expect_state (&f->alice, FD_CONTENT_OFFERED);
  g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine), ==, answer_by);

  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  settle (f);
  expect (&f->bob, "ibb session-accept start");
  g_assert_cmpint (fd_jingle_message_get_content (f->bob.last)->transport.kind, ==, FD_TRANSPORT_KIND_NONE);
  expect (&f->alice, "start accepted");
  expect_in_band (f);
}

/* A peer that repeats the transport in its accept: that changes nothing. */
static void
test_early_accept_repeated (Fixture *f, gconstpointer data)
{
  f->extensions = FD_EXT_EARLY_ACCEPT;
  restart (f);
  offer (f);
  transport_failed (f, &f->alice);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->alice, "start accepted");
}

/* The accept of the old transport crosses the replacement. */
static void
test_early_accept_crossing (Fixture *f, gconstpointer data)
{
  f->extensions = FD_EXT_EARLY_ACCEPT;
  restart (f);
  offer (f);
  forget_logs (f);
  f->alice.other = NULL;
  transport_failed (f, &f->alice);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"))), ==,
                   FD_REPLY_OK);
  expect (&f->alice, "drop ibb transport-replace accepted");
  expect_state (&f->alice, FD_CONTENT_REPLACING);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_ACCEPT, "file", ibb ("i", 4096))),
                   ==, FD_REPLY_OK);
  expect (&f->alice, "remote start");
}

/* Without it we wait for the accept, and replace then. */
static void
test_fail_while_offered (Fixture *f, gconstpointer data)
{
  offer (f);
  forget_logs (f);
  transport_failed (f, &f->alice);
  expect (&f->alice, "drop");
  expect_state (&f->alice, FD_CONTENT_OFFERED);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  settle (f);
  expect (&f->alice, "drop ibb accepted transport-replace remote start");
  expect (&f->bob, "s5b session-accept start drop ibb transport-accept start");
  expect_in_band (f);
}

/* Our side dies between the user's answer and the accept: the initiator learns
 * it by an accept without candidates and a candidate-error. */
static void
test_fail_while_accepting (Fixture *f, gconstpointer data)
{
  offer (f);
  forget_logs (f);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  fd_action_free (fd_session_machine_next (f->bob.machine));
  transport_failed (f, &f->bob);
  expect (&f->bob, "drop session-accept transport-info drop");
  g_assert_cmpint (fd_jingle_message_get_content (f->bob.last)->transport.s5b->kind, ==,
                   FD_S5B_CANDIDATE_ERROR);
  expect_state (&f->bob, FD_CONTENT_WAIT_REPLACE);
  transport_failed (f, &f->alice);
  expect_in_band (f);
}

/* --- the other session --- */

static void
test_reject_redial (Fixture *f, gconstpointer data)
{
  replacing (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_REJECT, "file", ibb ("i", 4096))),
                   ==, FD_REPLY_OK);
  expect_row (&f->alice, 40);
  expect (&f->alice, "failed-transport drop redial end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_NO_TRANSPORT);

  /* It begins in-band, and ends with that. */
  f->redialed = TRUE;
  restart (f);
  accept (f);
  expect (&f->alice, "ibb session-initiate remote start accepted");
  transport_failed (f, &f->alice);
  expect (&f->alice, "failed-transport drop ended end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
}

static void
test_replace_unanswered (Fixture *f, gconstpointer data)
{
  replacing (f);
  g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine), ==, f->now + FD_MS (FD_T_REPLACE));
  wait_for_timer (f, &f->alice, 0);
  expect_row (&f->alice, 40);
  expect (&f->alice, "failed-transport drop redial end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
}

/* The iq itself is refused: as a reject. */
static void
test_replace_refused (Fixture *f, gconstpointer data)
{
  replacing (f);
  answer (f, &f->alice, f->alice.last, FD_REPLY_BAD_REQUEST);
  run (f, &f->alice);
  expect (&f->alice, "failed-transport drop redial end");
}

/* The receiver gives up for want of a path, before a byte has moved. */
static void
test_terminate_redial (Fixture *f, gconstpointer data)
{
  static const char *const reasons[]
    = { "failed-transport", "connectivity-error", "unsupported-transports", "general-error", "decline" };

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      restart (f);
      accept (f);
      forget_logs (f);
      tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, reasons[i]));
      expect (&f->alice, i < 3 ? "drop redial end" : "drop ended end");
      g_assert_cmpint (fd_content_machine_get_end (f->alice.content)->by, ==, FD_BY_REMOTE);
    }
}

/* All of an empty file has moved, and it may be there. */
static void
test_no_redial_empty (Fixture *f, gconstpointer data)
{
  f->file->size = 0;
  activate (f);
  pumped (f, &f->alice, 0, TRUE, &digest, 0);
  forget_logs (f);
  tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "failed-transport"));
  expect (&f->alice, "drop ended end");
}

/* The peer has bytes before our pump has counted them. */
static void
test_no_redial_uncounted (Fixture *f, gconstpointer data)
{
  activate (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "connectivity-error")),
                   ==, FD_REPLY_OK);
  expect (&f->alice, "stop-pump");
  pumped (f, &f->alice, 10, FALSE, NULL, FD_ERROR_CANCELLED);
  expect (&f->alice, "drop ended end");
}

/* Once bytes have moved it is an interruption, and what is in-band already has no other way. */
static void
test_no_redial (Fixture *f, gconstpointer data)
{
  activate (f);
  fd_content_machine_progress (f->alice.content, 50, FALSE);
  tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "failed-transport"));
  pumped (f, &f->alice, 50, FALSE, NULL, FD_ERROR_CANCELLED);
  expect (&f->alice, "stop-pump drop ended end");

  restart (f);
  accept (f);
  transport_failed (f, &f->alice);
  forget_logs (f);
  tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "failed-transport"));
  expect (&f->alice, "drop ended end");
}

static void
test_dino_noredial (Fixture *f, gconstpointer data)
{
  f->quirks = FD_QUIRK_NO_IBB_RECEIVE | FD_QUIRK_REJECTS_REPLACE;
  restart (f);
  accept (f);
  forget_logs (f);
  f->alice.other = NULL;
  transport_failed (f, &f->alice);
  expect (&f->alice, "connectivity-error drop ended end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
  expect_text (&f->alice, "cannot receive in-band");

  /* It gives up first. */
  restart (f);
  accept (f);
  forget_logs (f);
  tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "failed-transport"));
  expect (&f->alice, "drop ended end");
  expect_text (&f->alice, "cannot receive in-band");
}

/* It sends to us in-band all the same. */
static void
test_dino_sends_in_band (Fixture *f, gconstpointer data)
{
  f->paths = FD_PATH_IBB;
  f->alice_quirks = FD_QUIRK_NO_IBB_RECEIVE | FD_QUIRK_REJECTS_REPLACE;
  restart (f);
  accept (f);
  expect_in_band (f);
}

/* A peer that rejects every replacement, but can receive in-band. */
static void
test_redial_at_once (Fixture *f, gconstpointer data)
{
  f->quirks = FD_QUIRK_REJECTS_REPLACE;
  restart (f);
  accept (f);
  forget_logs (f);
  transport_failed (f, &f->alice);
  expect (&f->alice, "connectivity-error drop redial end");
}

/* Psi+ 1.4 dies of in-band streams, whoever sends. */
static void
test_no_ibb (Fixture *f, gconstpointer data)
{
  f->alice_quirks = FD_QUIRK_NO_IBB;
  restart (f);
  accept (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_REPLACE, "file", ibb ("i", 4096))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "transport-reject failed-transport drop ended end");
}

/* A responder that allows no in-band path says so at once. */
static void
test_replace_rejected (Fixture *f, gconstpointer data)
{
  offer (f);
  fd_content_machine_accept (f->bob.content, FD_PATH_SOCKS5_DIRECT, 0, f->now);
  settle (f);
  forget_logs (f);
  transport_failed (f, &f->alice);
  expect (&f->bob, "transport-reject failed-transport drop ended end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_NO_TRANSPORT);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_NO_TRANSPORT);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD_WITH ("both-error-init", set_up, FALSE, test_both_error);
  ADD_WITH ("both-error-resp", set_up, TRUE, test_both_error);
  ADD ("silent-error", set_up, test_silent_error);
  ADD ("wait-replace", set_up, test_wait_replace);
  ADD ("no-fallback", set_up, test_no_fallback);
  ADD ("used-nosocket", set_up, test_used_nosocket);
  ADD ("nothing-to-offer", set_up, test_nothing_to_offer);
  ADD ("drop-early", set_up, test_drop_early);
  ADD ("drop-early-one-sided", set_up, test_drop_early_one_sided);
  ADD ("replace-while-moving", set_up, test_replace_while_moving);
  ADD ("replace-and-bytes-race", set_up, test_replace_and_bytes_race);
  ADD ("replace-and-some-bytes-race", set_up, test_replace_and_some_bytes_race);
  ADD ("replace-tie-init", set_up, test_replace_tie_init);
  ADD ("replace-tie-resp", set_up, test_replace_tie_resp);
  ADD ("replace-s5b", set_up, test_replace_s5b);
  ADD ("replace-of-responder", set_up, test_replace_of_responder);
  ADD ("late-notifications", set_up, test_late_notifications);
  ADD ("accept-for-replace", set_up, test_accept_for_replace);
  ADD ("accept-nosid", set_up, test_accept_nosid);
  ADD ("gajim-replace", set_up, test_gajim_replace);
  ADD ("replace-early", set_up, test_replace_early);
  ADD ("replace-early-responder", set_up, test_replace_early_responder);
  ADD ("replace-early-preparing", set_up, test_replace_early_preparing);
  ADD ("early-accept", set_up, test_early_accept);
  ADD ("early-accept-repeated", set_up, test_early_accept_repeated);
  ADD ("early-accept-crossing", set_up, test_early_accept_crossing);
  ADD ("fail-while-offered", set_up, test_fail_while_offered);
  ADD ("fail-while-accepting", set_up, test_fail_while_accepting);
  ADD ("reject-redial", set_up, test_reject_redial);
  ADD ("replace-unanswered", set_up, test_replace_unanswered);
  ADD ("replace-refused", set_up, test_replace_refused);
  ADD ("terminate-redial", set_up, test_terminate_redial);
  ADD ("no-redial", set_up, test_no_redial);
  ADD ("no-redial-uncounted", set_up, test_no_redial_uncounted);
  ADD ("no-redial-empty", set_up, test_no_redial_empty);
  ADD ("dino-noredial", set_up, test_dino_noredial);
  ADD ("dino-sends-in-band", set_up, test_dino_sends_in_band);
  ADD ("redial-at-once", set_up, test_redial_at_once);
  ADD ("no-ibb", set_up, test_no_ibb);
  ADD ("replace-rejected", set_up, test_replace_rejected);
  return g_test_run ();
}

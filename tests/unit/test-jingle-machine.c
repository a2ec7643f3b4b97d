/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session machine through whole transfers and each way they may end.
 */
#define PREFIX "/jingle-machine/"
#include "machine-pair.h"

static void
test_direct (Fixture *f, gconstpointer data)
{
  accept (f);
  expect (&f->alice, "s5b session-initiate remote start accepted");
  expect (&f->bob, "offered s5b session-accept start");
  expect_row (&f->bob, 5);
  expect_row (&f->alice, 6);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  expect (&f->alice, "active pump");
  expect (&f->bob, "active pump");
  g_assert_cmpint (f->bob.length, ==, 100);
  g_assert_cmpint (f->bob.path, ==, FD_PATH_SOCKS5_DIRECT);
  all_moved (f);
  expect (&f->alice, "");
  expect (&f->bob, "publish");
  published (f);
  expect (&f->bob, "session-info success drop ended end");
  expect (&f->alice, "drop ended end");
  expect_both_done (f);
  g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->verified, ==, FD_VERIFIED_OK);
  g_assert_cmpint (fd_content_machine_get_end (f->alice.content)->verified, ==, FD_VERIFIED_OK);
  g_assert_nonnull (fd_content_machine_get_end (f->alice.content)->digest);
}

/* The receiver is through before the sender's thread has said so. */
static void
test_success_first (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect_state (&f->alice, FD_CONTENT_ACTIVE);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  expect_both_done (f);
}

static void
test_lying_success (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  pumped (f, &f->alice, 50, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  wait_for_timer (f, &f->alice, 50);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_CONNECTION_FAILED);
  expect_row (&f->alice, 46);
}

static void
test_success_and_silence (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  wait_for_timer (f, &f->alice, 50);
  expect (&f->alice, "stop-pump");
  pumped (f, &f->alice, 50, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_REMOTE_FAILED);
}

static void
test_reject (Fixture *f, gconstpointer data)
{
  offer (f);
  fd_content_machine_reject (f->bob.content, f->now);
  settle (f);
  expect (&f->bob, "offered decline drop ended end");
  expect_end (&f->alice, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
  expect_end (&f->bob, FD_OUTCOME_REJECTED, FD_BY_LOCAL, FD_ERROR_REJECTED);
}

/* By each side in each state that a user can meet. */
static void
test_cancel (Fixture *f, gconstpointer data)
{
  void (*const reach[]) (Fixture *) = { offer, accept, activate };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (reach); i++)
    {
      Side *side = i % 2 ? &f->alice : &f->bob;
      g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "by user");

      restart (f);
      reach[i / 2](f);
      fd_content_machine_abort (side->content, FD_OUTCOME_CANCELLED, "cancel", error, f->now);
      settle (f);
      if (reach[i / 2] == activate)
        {
          expect_state (side, FD_CONTENT_STOPPING);
          pumped (f, &f->alice, 10, FALSE, NULL, FD_ERROR_CANCELLED);
          pumped (f, &f->bob, 10, FALSE, NULL, FD_ERROR_CANCELLED);
        }
      expect_end (side, FD_OUTCOME_CANCELLED, FD_BY_LOCAL, FD_ERROR_CANCELLED);
      if (side == &f->bob && reach[i / 2] == offer)
        expect_end (side->other, FD_OUTCOME_REJECTED, FD_BY_REMOTE, FD_ERROR_REJECTED);
      else
        expect_end (side->other, FD_OUTCOME_CANCELLED, FD_BY_REMOTE, FD_ERROR_REMOTE_CANCELLED);
    }
}

static void
test_ibb_first (Fixture *f, gconstpointer data)
{
  accept (f);
  expect (&f->alice, "ibb session-initiate remote start accepted");
  expect (&f->bob, "offered ibb session-accept start");
}

static void
test_drop_late (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 60, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  expect_state (&f->bob, FD_CONTENT_BROKEN);
  wait_for_timer (f, &f->bob, 60);
  expect (&f->bob, "connectivity-error keep drop ended end");
  expect_row (&f->bob, 45);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_CONNECTION_FAILED);
}

static void
test_mismatch (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  pumped (f, &f->bob, 100, TRUE, &other_digest, 0);
  expect (&f->bob, "media-error corrupt drop ended end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_HASH_MISMATCH);
  g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->verified, ==, FD_VERIFIED_MISMATCH);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
}

static void
test_source_changed (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->alice, 100, TRUE, &other_digest, 0);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_SOURCE_CHANGED);
}

static void
test_disk_full (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 40, FALSE, NULL, FD_ERROR_NO_SPACE);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_NO_SPACE);
  pumped (f, &f->alice, 40, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
  g_assert_nonnull (strstr (fd_content_machine_get_end (f->alice.content)->error->message, "file-too-large"));
}

static void
test_publish_failed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_WRITE_FAILED, "folder is gone");

  activate (f);
  all_moved (f);
  fd_content_machine_published (f->bob.content, error, f->now);
  settle (f);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_WRITE_FAILED);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
}

static void
test_checksum_late (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  expect_state (&f->bob, FD_CONTENT_CHECKING);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  expect_state (&f->bob, FD_CONTENT_PUBLISHING);
  published (f);
  expect_both_done (f);
  g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->verified, ==, FD_VERIFIED_OK);
}

static void
test_checksum_late_mismatch (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &other_digest, 0);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  expect (&f->bob, "media-error corrupt drop ended end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_HASH_MISMATCH);
}

static void
test_checksum_never (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  wait_for_timer (f, &f->bob, 100);
  expect_state (&f->bob, FD_CONTENT_PUBLISHING);
  published (f);
  g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->verified, ==, FD_VERIFIED_NONE);
}

static void
test_unconfirmed (Fixture *f, gconstpointer data)
{
  activate (f);
  f->alice.other = NULL;
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  wait_for_timer (f, &f->alice, 100);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
}

static void
test_stall (Fixture *f, gconstpointer data)
{
  activate (f);
  wait_for_timer (f, &f->bob, 10);
  expect (&f->bob, "");
  wait_for_timer (f, &f->bob, 10);
  expect (&f->bob, "session-info");
  wait_for_timer (f, &f->bob, 11); /* it moves again */
  wait_for_timer (f, &f->bob, 11);
  expect (&f->bob, "session-info");
  wait_for_timer (f, &f->bob, 11);
  expect (&f->bob, "connectivity-error keep stop-pump");
  pumped (f, &f->bob, 11, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
  expect_row (&f->bob, 47);
}

static void
test_stall_no_pong (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) refused = g_error_new_literal (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED, "unsupported-info");
  g_autoptr (GError) silence = g_error_new_literal (FD_ERROR, FD_ERROR_TIMEOUT, "no answer");

  activate (f);
  f->bob.other = NULL;
  wait_for_timer (f, &f->bob, 10);
  wait_for_timer (f, &f->bob, 10);
  expect (&f->bob, "session-info");
  fd_session_machine_answered (f->bob.machine, f->bob.last, refused, FALSE, f->now); /* a sign of life */
  expect_state (&f->bob, FD_CONTENT_ACTIVE);
  fd_session_machine_answered (f->bob.machine, f->bob.last, silence, FALSE, f->now);
  run (f, &f->bob);
  expect (&f->bob, "connectivity-error keep stop-pump");
  pumped (f, &f->bob, 10, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
}

/* Also how an offer to Gajim 1.7 ends: that acknowledges it and stays silent. */
static void
test_offer_expires (Fixture *f, gconstpointer data)
{
  offer (f);
  g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine) - f->now, ==, FD_MS (FD_T_ANSWER));
  wait_for_timer (f, &f->alice, 0);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
  expect_text (&f->alice, "Gajim");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_TIMEOUT);
}

static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  accept (f);
  fd_session_machine_stream_lost (f->alice.machine, f->now);
  settle (f);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
  expect_row (&f->alice, 51);
}

/* Bytes on a TCP path do not need the XMPP stream, but their confirmation does. */
static void
test_stream_lost_active (Fixture *f, gconstpointer data)
{
  activate (f);
  fd_session_machine_stream_lost (f->alice.machine, f->now);
  expect_row (&f->alice, 50);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine), ==, -1);
  fd_session_machine_stream_up (f->alice.machine, f->now);
  g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine), ==, f->now + FD_MS (FD_T_FIN));
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

/* A moment of absence is none. */
static void
test_peer_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) ping = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");

  offer (f);
  fd_session_machine_peer_gone (f->alice.machine, f->now);
  expect_row (&f->alice, 52);
  g_assert_cmpint (say (f, &f->alice, ping), ==, FD_REPLY_OK);
  g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine), ==, f->now + FD_MS (FD_T_ANSWER));

  fd_session_machine_peer_gone (f->alice.machine, f->now);
  g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine), ==, f->now + FD_MS (FD_T_PEER_GONE));
  f->alice.other = NULL;
  wait_for_timer (f, &f->alice, 0);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  expect (&f->alice, "s5b session-initiate drop ended end");
}

/* While bytes flow an absence on XMPP means nothing. */
static void
test_peer_gone_active (Fixture *f, gconstpointer data)
{
  activate (f);
  f->bob.other = NULL;
  fd_session_machine_peer_gone (f->bob.machine, f->now);
  wait_for_timer (f, &f->bob, 20);
  expect_state (&f->bob, FD_CONTENT_ACTIVE);
  wait_for_timer (f, &f->bob, 40);
  expect_state (&f->bob, FD_CONTENT_ACTIVE);
  wait_for_timer (f, &f->bob, 40);
  expect (&f->bob, "keep stop-pump");
  pumped (f, &f->bob, 40, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
}

static void
test_peer_gone_sent (Fixture *f, gconstpointer data)
{
  activate (f);
  f->alice.other = NULL;
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  fd_session_machine_peer_gone (f->alice.machine, f->now);
  wait_for_timer (f, &f->alice, 100);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
}

/* An empty file, first through at the side that needs no word from the other. */
static void
test_size0 (Fixture *f, gconstpointer data)
{
  f->file->size = 0;
  accept (f);
  fd_content_machine_transport_connected (f->bob.content, FD_PATH_SOCKS5_PROXY, f->now);
  settle (f);
  g_assert_cmpint (f->bob.length, ==, 0);
  pumped (f, &f->bob, 0, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

static void
test_size0_sender_first (Fixture *f, gconstpointer data)
{
  f->file->size = 0;
  activate (f);
  g_assert_cmpint (f->alice.length, ==, 0);
  pumped (f, &f->alice, 0, TRUE, &digest, 0);
  pumped (f, &f->bob, 0, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

/* Its end is the end of the stream. */
static void
test_no_size (Fixture *f, gconstpointer data)
{
  f->file->size = -1;
  f->file->n_hashes = 0;
  activate (f);
  g_assert_cmpint (f->bob.length, ==, -1);
  pumped (f, &f->bob, 70, TRUE, &digest, 0);
  expect_row (&f->bob, 46);
  published (f);
  expect_end (&f->bob, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->verified, ==, FD_VERIFIED_NONE);
}

/* The sender keeps the socket open: the size is the end, and no timer is waited for. */
static void
test_keep_open (Fixture *f, gconstpointer data)
{
  gint64 start;

  activate (f);
  start = f->now;
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect (&f->bob, "publish session-info success drop ended end");
  g_assert_cmpint (f->now, ==, start);
}

/* Swift gives up five seconds after its last byte: a slow disk must not matter. */
static void
test_swift_clock (Fixture *f, gconstpointer data)
{
  gint64 start;

  f->version = FD_FT_4;
  f->file->n_hashes = 0;
  f->file->hash_used = FD_HASH_SHA256;
  restart (f);
  activate (f);
  g_assert_cmpint (fd_jingle_message_get_content (f->bob.last)->version, ==, FD_FT_4);
  start = f->now;
  f->bob.other = NULL;
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  wait_for_timer (f, &f->bob, 100); /* no checksum comes */
  g_assert_cmpint (f->now - start, <=, 2 * SECOND);
  expect (&f->bob, "publish");
  wait_for_timer (f, &f->bob, 100);
  g_assert_cmpint (f->now - start, <, 4 * SECOND);
  expect (&f->bob, "session-info success");
  g_assert_cmpint (f->bob.last->version, ==, 0); /* a terminate has none */
  published (f);
  expect (&f->bob, "drop ended end");
  expect_end (&f->bob, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

/* --- session-terminate in each state --- */

static void
prepare_answer (Fixture *f)
{
  offer (f);
  f->bob.other = NULL;
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  fd_action_free (fd_session_machine_next (f->bob.machine)); /* takes its time */
}

static void
replace (Fixture *f)
{
  accept (f);
  f->alice.other = NULL;
  transport_failed (f, &f->alice);
}

static void
wait_replace (Fixture *f)
{
  accept (f);
  f->bob.other = NULL;
  transport_failed (f, &f->bob);
}

static void
send_all (Fixture *f)
{
  activate (f);
  f->alice.other = NULL;
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
}

static void
check (Fixture *f)
{
  f->file->n_hashes = 0;
  f->file->hash_used = FD_HASH_SHA256;
  restart (f);
  activate (f);
  f->bob.other = NULL;
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
}

static void
break_stream (Fixture *f)
{
  activate (f);
  f->bob.other = NULL;
  pumped (f, &f->bob, 60, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
}

static void
test_terminate_anywhere (Fixture *f, gconstpointer data)
{
  static const struct
  {
    void (*reach) (Fixture *);
    gboolean initiator;
    FdContentState state;
  } cases[] = {
    { offer, TRUE, FD_CONTENT_OFFERED },
    { offer, FALSE, FD_CONTENT_OFFERED },
    { prepare_answer, FALSE, FD_CONTENT_PREPARING },
    { accept, TRUE, FD_CONTENT_NEGOTIATING },
    { accept, FALSE, FD_CONTENT_NEGOTIATING },
    { replace, TRUE, FD_CONTENT_REPLACING },
    { wait_replace, FALSE, FD_CONTENT_WAIT_REPLACE },
    { activate, TRUE, FD_CONTENT_ACTIVE },
    { activate, FALSE, FD_CONTENT_ACTIVE },
    { break_stream, FALSE, FD_CONTENT_BROKEN },
    { send_all, TRUE, FD_CONTENT_SENT },
    { check, FALSE, FD_CONTENT_CHECKING },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Side *side = cases[i].initiator ? &f->alice : &f->bob;

      restart (f);
      cases[i].reach (f);
      expect_state (side, cases[i].state);
      g_assert_cmpint (tell (f, side, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "general-error")), ==,
                       FD_REPLY_OK);
      expect_row (side, 49);
      if (cases[i].state == FD_CONTENT_ACTIVE)
        pumped (f, side, 10, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
      if (cases[i].state == FD_CONTENT_ACTIVE && !cases[i].initiator)
        wait_for_timer (f, side, 10); /* it has drained */
      if (cases[i].state == FD_CONTENT_CHECKING)
        {
          published (f); /* all bytes are here */
          expect_end (side, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
        }
      else
        expect_end (side, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
      g_assert_true (g_str_has_suffix (side->log->str, "drop ended end"));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("direct", set_up, test_direct);
  ADD ("success-first", set_up, test_success_first);
  ADD ("lying-success", set_up, test_lying_success);
  ADD ("success-and-silence", set_up, test_success_and_silence);
  ADD ("reject", set_up, test_reject);
  ADD ("cancel", set_up, test_cancel);
  ADD ("ibb-first", set_up_ibb, test_ibb_first);
  ADD ("drop-late", set_up, test_drop_late);
  ADD ("mismatch", set_up, test_mismatch);
  ADD ("source-changed", set_up, test_source_changed);
  ADD ("disk-full", set_up, test_disk_full);
  ADD ("publish-failed", set_up, test_publish_failed);
  ADD ("checksum-late", set_up_checksum, test_checksum_late);
  ADD ("checksum-late-mismatch", set_up_checksum, test_checksum_late_mismatch);
  ADD ("checksum-never", set_up_checksum, test_checksum_never);
  ADD ("unconfirmed", set_up, test_unconfirmed);
  ADD ("stall", set_up, test_stall);
  ADD ("stall-no-pong", set_up, test_stall_no_pong);
  ADD ("offer-expires", set_up, test_offer_expires);
  ADD ("stream-lost", set_up, test_stream_lost);
  ADD ("stream-lost-active", set_up, test_stream_lost_active);
  ADD ("peer-gone", set_up, test_peer_gone);
  ADD ("peer-gone-active", set_up, test_peer_gone_active);
  ADD ("peer-gone-sent", set_up, test_peer_gone_sent);
  ADD ("size0", set_up, test_size0);
  ADD ("size0-sender-first", set_up, test_size0_sender_first);
  ADD ("no-size", set_up, test_no_size);
  ADD ("keep-open", set_up, test_keep_open);
  ADD ("swift-clock", set_up, test_swift_clock);
  ADD ("terminate-anywhere", set_up, test_terminate_anywhere);
  return g_test_run ();
}

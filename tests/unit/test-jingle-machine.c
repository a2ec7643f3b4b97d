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
  expect (&f->bob, "s5b session-accept start");
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  expect (&f->alice, "active pump");
  expect (&f->bob, "active pump");
  g_assert_cmpint (f->bob.length, ==, 100);
  g_assert_cmpint (f->bob.path, ==, FD_PATH_SOCKS5_DIRECT);
  all_moved (f);
  expect (&f->alice, "");
  expect (&f->bob, "publish");
  published (f);
  expect (&f->bob, "session-info success drop end");
  expect (&f->alice, "drop end");
  expect_both_done (f);
  g_assert_cmpint (fd_machine_get_end (f->bob.machine)->verified, ==, FD_VERIFIED_OK);
  g_assert_cmpint (fd_machine_get_end (f->alice.machine)->verified, ==, FD_VERIFIED_OK);
  g_assert_nonnull (fd_machine_get_end (f->alice.machine)->digest);
}

/* The receiver is through before the sender's thread has said so. */
static void
test_success_first (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  g_assert_cmpint (fd_machine_get_state (f->alice.machine), ==, FD_MACHINE_ACTIVE);
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
  fd_machine_reject (f->bob.machine, f->now);
  settle (f);
  expect (&f->bob, "decline drop end");
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

      tear_down (f, NULL);
      set_up (f, NULL);
      reach[i / 2](f);
      fd_machine_abort (side->machine, FD_OUTCOME_CANCELLED, "cancel", error, f->now);
      settle (f);
      if (reach[i / 2] == activate)
        {
          g_assert_cmpint (fd_machine_get_state (side->machine), ==, FD_MACHINE_STOPPING);
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
test_fallback (Fixture *f, gconstpointer data)
{
  gboolean responder_first = GPOINTER_TO_INT (data);

  accept (f);
  g_string_truncate (f->alice.log, 0);
  g_string_truncate (f->bob.log, 0);
  if (responder_first)
    {
      transport_failed (f, &f->bob);
      g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_WAIT_REPLACE);
    }
  transport_failed (f, &f->alice);
  expect (&f->alice, "drop ibb transport-replace remote start");
  expect (&f->bob,
          responder_first ? "drop drop ibb transport-accept start" : "drop ibb transport-accept start");
  connect_both (f, FD_PATH_IBB);
  all_moved (f);
  published (f);
  g_assert_cmpint (fd_machine_get_state (f->alice.machine), ==, FD_MACHINE_SENT); /* not acknowledged yet */
  fd_machine_transport_drained (f->alice.machine, f->now);
  settle (f);
  expect_both_done (f);
}

static void
test_no_fallback (Fixture *f, gconstpointer data)
{
  tear_down (f, NULL);
  set_up_paths (f, FD_PATH_SOCKS5_DIRECT, TRUE, FD_HASH_NONE);
  accept (f);
  transport_failed (f, &f->alice);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_NO_TRANSPORT);
}

static void
test_replace_rejected (Fixture *f, gconstpointer data)
{
  offer (f);
  fd_machine_accept (f->bob.machine, FD_PATH_SOCKS5_DIRECT, f->now);
  settle (f);
  transport_failed (f, &f->alice);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_NO_TRANSPORT);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_NO_TRANSPORT);
}

/* The peer never answers a transport-replace. */
static void
test_replace_unanswered (Fixture *f, gconstpointer data)
{
  accept (f);
  f->alice.other = NULL;
  transport_failed (f, &f->alice);
  wait_for_timer (f, &f->alice, 0);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
}

static void
test_ibb_first (Fixture *f, gconstpointer data)
{
  accept (f);
  expect (&f->alice, "ibb session-initiate remote start accepted");
  expect (&f->bob, "ibb session-accept start");
}

/* A broken stream before the first byte is one more dead path. */
static void
test_early_break (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_WAIT_REPLACE);
  pumped (f, &f->alice, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  g_assert_cmpint (fd_machine_get_state (f->alice.machine), ==, FD_MACHINE_NEGOTIATING);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_NEGOTIATING);
}

static void
test_late_break (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 60, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_BROKEN);
  wait_for_timer (f, &f->bob, 60);
  expect (&f->bob, "connectivity-error keep drop end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_CONNECTION_FAILED);
}

static void
test_mismatch (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  pumped (f, &f->bob, 100, TRUE, &other_digest, 0);
  expect (&f->bob, "corrupt media-error drop end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_HASH_MISMATCH);
  g_assert_cmpint (fd_machine_get_end (f->bob.machine)->verified, ==, FD_VERIFIED_MISMATCH);
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
  g_assert_nonnull (strstr (fd_machine_get_end (f->alice.machine)->error->message, "file-too-large"));
}

static void
test_publish_failed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_WRITE_FAILED, "folder is gone");

  activate (f);
  all_moved (f);
  fd_machine_published (f->bob.machine, error, f->now);
  settle (f);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_WRITE_FAILED);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
}

static void
test_checksum (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_CHECKING);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_PUBLISHING);
  published (f);
  expect_both_done (f);
  g_assert_cmpint (fd_machine_get_end (f->bob.machine)->verified, ==, FD_VERIFIED_OK);
}

static void
test_checksum_never (Fixture *f, gconstpointer data)
{
  activate (f);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  wait_for_timer (f, &f->bob, 100);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_PUBLISHING);
  published (f);
  g_assert_cmpint (fd_machine_get_end (f->bob.machine)->verified, ==, FD_VERIFIED_NONE);
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
}

static void
test_offer_expires (Fixture *f, gconstpointer data)
{
  offer (f);
  g_assert_cmpint (fd_machine_get_deadline (f->alice.machine) - f->now, ==, (gint64) FD_T_ANSWER * SECOND);
  wait_for_timer (f, &f->alice, 0);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_TIMEOUT);
}

static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  accept (f);
  fd_machine_stream_lost (f->alice.machine, f->now);
  settle (f);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
}

/* Bytes on a TCP path do not need the XMPP stream, but their confirmation does. */
static void
test_stream_lost_active (Fixture *f, gconstpointer data)
{
  activate (f);
  fd_machine_stream_lost (f->alice.machine, f->now);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  g_assert_cmpint (fd_machine_get_deadline (f->alice.machine), ==, -1);
  fd_machine_stream_up (f->alice.machine, f->now);
  g_assert_cmpint (fd_machine_get_deadline (f->alice.machine), ==, f->now + FD_T_FIN * SECOND);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

static void
test_peer_gone (Fixture *f, gconstpointer data)
{
  offer (f);
  fd_machine_peer_gone (f->alice.machine, f->now);
  settle (f);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
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
  ADD_WITH ("fallback", set_up, FALSE, test_fallback);
  ADD_WITH ("fallback-responder-first", set_up, TRUE, test_fallback);
  ADD ("no-fallback", set_up, test_no_fallback);
  ADD ("replace-rejected", set_up, test_replace_rejected);
  ADD ("replace-unanswered", set_up, test_replace_unanswered);
  ADD ("ibb-first", set_up_ibb, test_ibb_first);
  ADD ("early-break", set_up, test_early_break);
  ADD ("late-break", set_up, test_late_break);
  ADD ("mismatch", set_up, test_mismatch);
  ADD ("source-changed", set_up, test_source_changed);
  ADD ("disk-full", set_up, test_disk_full);
  ADD ("publish-failed", set_up, test_publish_failed);
  ADD ("checksum", set_up_checksum, test_checksum);
  ADD ("checksum-never", set_up_checksum, test_checksum_never);
  ADD ("unconfirmed", set_up, test_unconfirmed);
  ADD ("stall", set_up, test_stall);
  ADD ("offer-expires", set_up, test_offer_expires);
  ADD ("stream-lost", set_up, test_stream_lost);
  ADD ("stream-lost-active", set_up, test_stream_lost_active);
  ADD ("peer-gone", set_up, test_peer_gone);
  return g_test_run ();
}

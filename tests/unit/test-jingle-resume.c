/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file that takes more than one session: how both sides agree on it, where the
 * bytes start, and which ends are interruptions.
 */
#define PREFIX "/jingle-resume/"
#include "resume-fixture.h"

/* --- how it is agreed on --- */

static void
test_offset (Fixture *f, gconstpointer data)
{
  offer (f);
  g_assert_cmpstr (last_file (&f->alice)->resume_id, ==, ID);
  g_assert_true (fd_content_machine_can_range (f->bob.content));
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 60, f->now);
  settle (f);
  g_assert_cmpstr (last_file (&f->bob)->resume_id, ==, ID);
  g_assert_cmpuint (last_file (&f->bob)->range_offset, ==, 60);
  g_assert_cmpint (last_file (&f->bob)->range_length, ==, 40);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  g_assert_cmpuint (f->alice.offset, ==, 60);
  g_assert_cmpint (f->alice.length, ==, 40);
  g_assert_cmpuint (f->bob.offset, ==, 60);
  g_assert_cmpint (f->bob.length, ==, 40);
  pumped (f, &f->alice, 40, TRUE, &digest, 0);
  pumped (f, &f->bob, 40, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
  g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->verified, ==, FD_VERIFIED_OK);
  g_assert_cmpint (fd_content_machine_get_end (f->alice.content)->verified, ==, FD_VERIFIED_OK);
}

static void
test_first_time (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  g_assert_cmpuint (f->alice.offset, ==, 0);
  g_assert_cmpint (f->alice.length, ==, 100);
  all_moved (f);
  published (f);
  expect_both_done (f);
}

/* The id goes to peers that know what it means, for files that can be read twice. */
static void
test_no_id (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      f->extensions = i == 0 ? 0 : FD_EXT_RESUME;
      f->file->ranged = i != 1;
      f->file->size = i == 2 ? -1 : 100;
      restart (f);
      offer (f);
      g_assert_null (last_file (&f->alice)->resume_id);
      g_assert_false (fd_content_machine_can_range (f->bob.content));
    }
}

/* An id in the answer that was not in the offer, or is another one, is no agreement. */
static void
test_foreign_id (Fixture *f, gconstpointer data)
{
  static const char *const answers[] = { NULL, "id-2", ID };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      FdJingleMessage *message = message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"));
      FdJingleContent *content = fd_jingle_message_get_content (message);

      restart (f);
      f->alice.other = NULL;
      add (f);
      run (f, &f->alice);
      content->file = fd_file_new ("x", 100);
      content->file->resume_id = g_strdup (answers[i]);
      g_assert_cmpint (tell (f, &f->alice, message), ==, FD_REPLY_OK);
      fd_session_machine_stream_lost (f->alice.machine, f->now);
      run (f, &f->alice);
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
      expect_interrupted (&f->alice, i == 2, FALSE);
    }
}

/* iris needs no id; a range alone from anybody else says little. */
static void
test_iris (Fixture *f, gconstpointer data)
{
  f->extensions = 0;
  restart (f);
  offer (f);
  g_assert_false (fd_content_machine_can_range (f->bob.content));

  f->alice_quirks = FD_QUIRKS_IRIS;
  restart (f);
  activate_from (f, 60);
  g_assert_cmpuint (f->alice.offset, ==, 60);
  f->bob.other = NULL;
  pumped (f, &f->bob, 10, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  wait_for_timer (f, &f->bob, 10);
  expect_interrupted (&f->bob, TRUE, FALSE);

  f->file->ranged = FALSE;
  restart (f);
  offer (f);
  g_assert_false (fd_content_machine_can_range (f->bob.content));
  f->file->ranged = TRUE;
  f->file->size = -1;
  restart (f);
  offer (f);
  g_assert_false (fd_content_machine_can_range (f->bob.content));
}

/* What the offer says of a range is not what we ask for. */
static void
test_range_in_offer (Fixture *f, gconstpointer data)
{
  f->file->range_offset = 30;
  f->file->range_length = 5;
  activate_from (f, 0);
  g_assert_true (last_file (&f->bob)->ranged);
  g_assert_cmpuint (last_file (&f->bob)->range_offset, ==, 0);
  g_assert_cmpint (last_file (&f->bob)->range_length, ==, -1);
  g_assert_cmpint (f->bob.length, ==, 100);
}

/* Whoever asks gets what it asks for, or a clear word. */
static void
test_ranges (Fixture *f, gconstpointer data)
{
  static const struct
  {
    gboolean offered;
    gint64 size;
    guint64 offset;
    gint64 length;
    gint64 moved; /* -1: refused */
  } cases[] = {
    { TRUE, 100, 0, -1, 100 },
    { TRUE, 100, 0, 100, 100 },
    { TRUE, 100, 0, 0, 100 }, /* iris for all */
    { TRUE, 100, 60, -1, 40 },
    { TRUE, 100, 60, 40, 40 },
    { TRUE, 100, 60, 0, 40 },
    { TRUE, 100, 60, 10, 10 }, /* a part of it */
    { TRUE, 100, 100, 0, 0 },
    { TRUE, 100, 100, -1, 0 },
    { TRUE, 0, 0, 0, 0 },
    { TRUE, 100, 101, -1, -1 },
    { TRUE, 100, 60, 41, -1 },
    { TRUE, 100, 0, 101, -1 },
    { TRUE, 100, 60, G_MAXINT64, -1 },
    { TRUE, 100, G_MAXINT64, G_MAXINT64, -1 },
    { TRUE, 100, G_MAXUINT64, -1, -1 },
    { TRUE, G_MAXINT64, G_MAXUINT64, -1, -1 },
    { TRUE, -1, 1, -1, -1 },
    { FALSE, 100, 0, -1, 100 },
    { FALSE, 100, 0, 0, 100 },
    { FALSE, 100, 60, -1, -1 },
    { FALSE, 100, 0, 10, -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FdJingleMessage *message = message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"));
      FdJingleContent *content = fd_jingle_message_get_content (message);

      g_test_message ("case %u", i);
      f->file->ranged = cases[i].offered;
      f->file->size = cases[i].size;
      restart (f);
      f->alice.other = NULL;
      add (f);
      run (f, &f->alice);
      forget_logs (f);
      content->file = fd_file_new ("x", cases[i].size);
      content->file->ranged = TRUE;
      content->file->range_offset = cases[i].offset;
      content->file->range_length = cases[i].length;
      g_assert_cmpint (tell (f, &f->alice, message), ==, FD_REPLY_OK);
      if (cases[i].moved < 0)
        {
          expect (&f->alice, "failed-application drop ended end");
          expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_PROTOCOL);
          expect_interrupted (&f->alice, FALSE, FALSE);
          continue;
        }
      fd_content_machine_transport_connected (f->alice.content, FD_PATH_SOCKS5_DIRECT, f->now);
      run (f, &f->alice);
      g_assert_cmpuint (f->alice.offset, ==, cases[i].offset);
      g_assert_cmpint (f->alice.length, ==, cases[i].moved);
    }
}

/* A part of a file has no checksum that we know, and its end is no end of the file. */
static void
test_middle (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"));
  FdJingleContent *content = fd_jingle_message_get_content (message);

  f->alice.other = NULL;
  add (f);
  run (f, &f->alice);
  content->file = fd_file_new ("x", 100);
  content->file->ranged = TRUE;
  content->file->range_offset = 60;
  content->file->range_length = 10;
  tell (f, &f->alice, message);
  fd_content_machine_transport_connected (f->alice.content, FD_PATH_SOCKS5_DIRECT, f->now);
  run (f, &f->alice);
  forget_logs (f);
  pumped (f, &f->alice, 10, TRUE, &other_digest, 0);
  expect (&f->alice, "");
  tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "success"));
  expect_end (&f->alice, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

/* --- the whole file is checked --- */

static void
test_checksum (Fixture *f, gconstpointer data)
{
  activate_from (f, 60);
  pumped (f, &f->bob, 40, TRUE, &digest, 0);
  expect_state (&f->bob, FD_CONTENT_CHECKING);
  pumped (f, &f->alice, 40, TRUE, &digest, 0);
  expect (&f->alice, "session-info");
  published (f);
  expect_both_done (f);
  g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->verified, ==, FD_VERIFIED_OK);
}

/* The prefix was damaged: away with it, on both sides' word. */
static void
test_mismatch (Fixture *f, gconstpointer data)
{
  activate_from (f, 60);
  pumped (f, &f->alice, 40, TRUE, &digest, 0);
  pumped (f, &f->bob, 40, TRUE, &other_digest, 0);
  expect (&f->bob, "media-error discard drop ended end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_HASH_MISMATCH);
  expect_interrupted (&f->bob, TRUE, TRUE);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
  expect_interrupted (&f->alice, TRUE, TRUE);
}

/* Begun at the first byte there is nothing to blame but the file. */
static void
test_mismatch_whole (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  pumped (f, &f->bob, 100, TRUE, &other_digest, 0);
  expect (&f->bob, "media-error corrupt drop ended end");
  expect_interrupted (&f->bob, FALSE, FALSE);
  expect_interrupted (&f->alice, FALSE, FALSE);
}

static void
test_source_changed (Fixture *f, gconstpointer data)
{
  activate_from (f, 60);
  pumped (f, &f->alice, 40, TRUE, &other_digest, 0);
  expect (&f->alice, "failed-application drop ended end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_SOURCE_CHANGED);
  expect_interrupted (&f->alice, FALSE, FALSE);
  expect_state (&f->bob, FD_CONTENT_DRAINING);
  wait_for_timer (f, &f->bob, 0);
  pumped (f, &f->bob, 0, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
  expect_interrupted (&f->bob, FALSE, FALSE);
}

/* What two sessions brought is not taken unverified, if it could have been verified. */
static void
test_checksum_never (Fixture *f, gconstpointer data)
{
  activate_from (f, 60);
  f->bob.other = NULL;
  pumped (f, &f->bob, 40, TRUE, &digest, 0);
  wait_for_timer (f, &f->bob, 40);
  expect (&f->bob, "timeout keep drop ended end");
  expect_interrupted (&f->bob, TRUE, FALSE);

  restart (f);
  activate_from (f, 60);
  pumped (f, &f->bob, 40, TRUE, &digest, 0);
  tell (f, &f->bob, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "gone"));
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  expect_interrupted (&f->bob, TRUE, FALSE);

  restart (f); /* the session ends before the last bytes have come */
  activate_from (f, 60);
  tell (f, &f->bob, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "gone"));
  expect_state (&f->bob, FD_CONTENT_DRAINING);
  pumped (f, &f->bob, 40, TRUE, &digest, 0);
  expect_state (&f->bob, FD_CONTENT_CHECKING);
  wait_for_timer (f, &f->bob, 40);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  expect_interrupted (&f->bob, TRUE, FALSE);
}

/* --- nothing is left to send --- */

static void
test_all_there (Fixture *f, gconstpointer data)
{
  activate_from (f, 100);
  g_assert_cmpuint (f->alice.offset, ==, 100);
  g_assert_cmpint (f->alice.length, ==, 0);
  g_assert_cmpint (f->bob.length, ==, 0);
  pumped (f, &f->alice, 0, TRUE, &digest, 0);
  pumped (f, &f->bob, 0, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

/* The receiver is through before the sender is connected. */
static void
test_all_there_first (Fixture *f, gconstpointer data)
{
  accept_from (f, 100);
  fd_content_machine_transport_connected (f->bob.content, FD_PATH_SOCKS5_PROXY, f->now);
  settle (f);
  pumped (f, &f->bob, 0, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

/* It is there, but is not what the sender has. */
static void
test_all_there_wrong (Fixture *f, gconstpointer data)
{
  activate_from (f, 100);
  pumped (f, &f->bob, 0, TRUE, &other_digest, 0);
  expect_interrupted (&f->bob, TRUE, TRUE);
  pumped (f, &f->alice, 0, TRUE, &digest, 0);
  expect_interrupted (&f->alice, TRUE, TRUE);
}

/* --- which ends may pass --- */

static void
test_ends (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *reason; /* the peer's last word; NULL: the connection breaks, and it is silent */
    gboolean interrupted;
  } ends[] = {
    { NULL, TRUE },
    { "gone", TRUE },
    { "timeout", TRUE },
    { "connectivity-error", TRUE },
    { "failed-transport", TRUE },
    { "general-error", TRUE },
    { "cancel", FALSE },
    { "decline", FALSE },
    { "busy", FALSE },
    { "failed-application", FALSE },
    { "media-error", FALSE },
    { "security-error", FALSE },
    { "unsupported-transports", FALSE },
    { "unknown-to-us", FALSE },
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (ends); i++)
    {
      Side *side = i % 2 ? &f->alice : &f->bob;
      const char *reason = ends[i / 2].reason;

      g_test_message ("%s, %s", side == &f->bob ? "receiver" : "sender", reason ? reason : "broken");
      restart (f);
      activate_from (f, 0);
      fd_content_machine_progress (side->content, 50, FALSE);
      if (reason)
        tell (f, side, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, reason));
      side->other = NULL;
      if (fd_content_machine_get_state (side->content) <= FD_CONTENT_DRAINING)
        pumped (f, side, 50, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
      else
        pumped (f, side, 50, FALSE, NULL, FD_ERROR_CANCELLED);
      if (fd_content_machine_get_state (side->content) == FD_CONTENT_BROKEN)
        wait_for_timer (f, side, 50);
      g_assert_cmpint (fd_content_machine_get_state (side->content), ==, FD_CONTENT_ENDED);
      g_assert_cmpint (fd_content_machine_get_end (side->content)->outcome, !=, FD_OUTCOME_DONE);
      expect_interrupted (side, ends[i / 2].interrupted, FALSE);
    }
}

/* media-error of the receiver, to a sender that sent a part. */
static void
test_media_error (Fixture *f, gconstpointer data)
{
  static const char *const details[] = { NULL, "file-too-large" };

  for (guint i = 0; i < G_N_ELEMENTS (details); i++)
    {
      FdJingleMessage *end = message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "media-error");

      end->reason_detail = g_strdup (details[i]);
      restart (f);
      activate_from (f, 60);
      pumped (f, &f->alice, 40, TRUE, &digest, 0);
      tell (f, &f->alice, end);
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
      expect_interrupted (&f->alice, i == 0, i == 0);
    }
}

static void
test_file_errors (Fixture *f, gconstpointer data)
{
  static const int codes[] = { FD_ERROR_NO_SPACE, FD_ERROR_WRITE_FAILED, FD_ERROR_READ_FAILED,
                               FD_ERROR_SOURCE_CHANGED, FD_ERROR_PROTOCOL };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      restart (f);
      activate_from (f, 60);
      pumped (f, &f->bob, 10, FALSE, NULL, codes[i]);
      g_assert_cmpint (fd_content_machine_get_end (f->bob.content)->error->code, ==, codes[i]);
      expect_interrupted (&f->bob, FALSE, FALSE);
      g_assert_nonnull (strstr (f->bob.log->str, "keep"));
      pumped (f, &f->alice, 10, FALSE, NULL, FD_ERROR_CANCELLED);
      expect_interrupted (&f->alice, FALSE, FALSE);
    }
}

/* Users and the daemon: only its going down is no last word. */
static void
test_aborts (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 8; i++)
    {
      Side *side = i % 2 ? &f->alice : &f->bob;
      gboolean stop = (i & 2) != 0;
      gboolean resumed = (i & 4) != 0;
      g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "stopped");

      restart (f);
      activate_from (f, resumed ? 60 : 0);
      fd_content_machine_progress (f->alice.content, 10, FALSE);
      fd_content_machine_progress (f->bob.content, 10, FALSE);
      fd_content_machine_abort (side->content, stop ? FD_OUTCOME_FAILED : FD_OUTCOME_CANCELLED,
                                stop ? "gone" : "cancel", error, f->now);
      settle (f);
      pumped (f, &f->alice, 10, FALSE, NULL, FD_ERROR_CANCELLED);
      pumped (f, &f->bob, 10, FALSE, NULL,
              stop && side == &f->alice ? FD_ERROR_CONNECTION_FAILED : FD_ERROR_CANCELLED);
      if (fd_content_machine_get_state (f->bob.content) == FD_CONTENT_BROKEN)
        wait_for_timer (f, &f->bob, 10);
      expect_interrupted (&f->alice, stop, FALSE);
      expect_interrupted (&f->bob, stop, FALSE);
      g_assert_cmpint (strstr (f->bob.log->str, "keep") != NULL, ==, stop);
      g_assert_cmpint (strstr (f->bob.log->str, "discard") != NULL, ==, !stop && resumed);
    }
}

static void
test_stream_lost (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  fd_session_machine_stream_lost (f->bob.machine, f->now);
  settle (f);
  pumped (f, &f->bob, 50, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
  expect_interrupted (&f->bob, TRUE, FALSE);
}

/* Accepted, and then there is no way: another try brings the same, unless there was one. */
static void
test_no_transport (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      restart (f);
      accept_from (f, i == 0 ? 0 : 60);
      transport_failed (f, &f->alice);
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NO_TRANSPORT);
      expect_interrupted (&f->alice, i == 1, FALSE);
      expect_interrupted (&f->bob, i == 1, FALSE);
    }
}

/* The way broke before a byte had come, whether the sender wrote some or not: both go on. */
static void
test_drop_at_start (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  pumped (f, &f->bob, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  expect_state (&f->bob, FD_CONTENT_WAIT_REPLACE);
  pumped (f, &f->alice, 10, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  expect_interrupted (&f->alice, TRUE, FALSE);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_NO_TRANSPORT);
  expect_interrupted (&f->bob, TRUE, FALSE);

  f->paths = FD_PATH_SOCKS5_DIRECT; /* nothing to fall back to */
  restart (f);
  activate_from (f, 0);
  pumped (f, &f->alice, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  pumped (f, &f->bob, 0, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  wait_for_timer (f, &f->bob, 0);
  expect_interrupted (&f->alice, TRUE, FALSE);
  expect_interrupted (&f->bob, TRUE, FALSE);
}

/* The server dies, and it is the proxy too: what is seen first must make no difference. */
static void
test_no_transport_unheard (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      Side *side = i % 2 ? &f->alice : &f->bob;

      f->paths = FD_PATH_SOCKS5_PROXY;
      restart (f);
      offer (f);
      fd_content_machine_accept (f->bob.content, FD_PATH_SOCKS5_PROXY, 0, f->now);
      settle (f);
      forget_logs (f);
      side->other = NULL;
      transport_failed (f, side);
      expect (side, "session-info");
      if (i < 2)
        {
          fd_session_machine_stream_lost (side->machine, f->now);
          settle (f);
          expect_end (side, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
        }
      else /* an answer that comes later is of a network that was not well */
        {
          gint64 asked = f->now;

          wait_for_timer (f, side, 0);
          g_assert_cmpint (f->now - asked, ==, FD_MS (FD_T_NO_WAY));
          expect_end (side, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
          g_assert_cmpstr (side->last->reason, ==, "timeout");
        }
      expect_interrupted (side, TRUE, FALSE);
    }
}

/* The user's word is not lost with the stream that should have carried it. */
static void
test_accept_unsent (Fixture *f, gconstpointer data)
{
  offer (f);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  fd_session_machine_stream_lost (f->bob.machine, f->now);
  settle (f);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_NOT_CONNECTED);
  expect_interrupted (&f->bob, TRUE, FALSE);
}

static void
test_before_accept (Fixture *f, gconstpointer data)
{
  offer (f);
  fd_session_machine_stream_lost (f->alice.machine, f->now);
  fd_session_machine_stream_lost (f->bob.machine, f->now);
  settle (f);
  expect_interrupted (&f->alice, FALSE, FALSE);
  expect_interrupted (&f->bob, FALSE, FALSE);
}

/* The sender died before the user accepted, and its server answers for it. */
static void
test_accept_too_late (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED, "service-unavailable");

  offer (f);
  f->bob.other = NULL;
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  settle (f);
  g_assert_cmpint (f->bob.last->action, ==, FD_JINGLE_SESSION_ACCEPT);
  fd_session_machine_answered (f->bob.machine, f->bob.last, error, FALSE, f->now);
  settle (f);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
  expect_interrupted (&f->bob, TRUE, FALSE);
}

/* The peer was started anew and does not know the session. */
static void
test_forgotten (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_PROTOCOL, "item-not-found");
  g_autoptr (FdJingleMessage) ping = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");

  activate_from (f, 0);
  f->alice.other = NULL;
  fd_session_machine_answered (f->alice.machine, ping, error, TRUE, f->now);
  settle (f);
  pumped (f, &f->alice, 50, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
  expect_interrupted (&f->alice, TRUE, FALSE);
}

/* The receiver ends a session of several files, and its word on one of them was lost. */
static void
test_success_of_several (Fixture *f, gconstpointer data)
{
  f->extensions |= FD_EXT_BATCH;
  restart (f);
  add (f);
  add (f);
  settle (f);
  for (guint i = 0; i < 2; i++)
    fd_content_machine_accept (f->bob.all[i], FD_PATH_ANY, 0, f->now);
  settle (f);
  for (guint i = 0; i < 2; i++)
    {
      connect_contents (f, i, FD_PATH_SOCKS5_DIRECT);
      all_moved_of (f, i);
    }
  published_of (f, 1);
  tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "success"));
  expect_content_end (f->alice.all[1], FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  expect_content_end (f->alice.all[0], FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
  expect_interrupted (&f->alice, TRUE, FALSE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("offset", set_up_resume, test_offset);
  ADD ("offset-ibb", set_up_resume_ibb, test_offset);
  ADD ("first-time", set_up_resume, test_first_time);
  ADD ("no-id", set_up_resume, test_no_id);
  ADD ("foreign-id", set_up_resume, test_foreign_id);
  ADD ("iris", set_up_resume, test_iris);
  ADD ("range-in-offer", set_up_resume, test_range_in_offer);
  ADD ("ranges", set_up_resume, test_ranges);
  ADD ("middle", set_up_promise, test_middle);
  ADD ("checksum", set_up_promise, test_checksum);
  ADD ("mismatch", set_up_resume, test_mismatch);
  ADD ("mismatch-late", set_up_promise, test_mismatch);
  ADD ("mismatch-whole", set_up_resume, test_mismatch_whole);
  ADD ("source-changed", set_up_resume, test_source_changed);
  ADD ("checksum-never", set_up_promise, test_checksum_never);
  ADD ("all-there", set_up_resume, test_all_there);
  ADD ("all-there-late", set_up_promise, test_all_there);
  ADD ("all-there-first", set_up_resume, test_all_there_first);
  ADD ("all-there-wrong", set_up_resume, test_all_there_wrong);
  ADD ("ends", set_up_resume, test_ends);
  ADD ("media-error", set_up_resume, test_media_error);
  ADD ("file-errors", set_up_resume, test_file_errors);
  ADD ("aborts", set_up_resume, test_aborts);
  ADD ("stream-lost", set_up_resume_ibb, test_stream_lost);
  ADD ("no-transport", set_up_resume_ibb, test_no_transport);
  ADD ("no-transport-unheard", set_up_resume, test_no_transport_unheard);
  ADD ("drop-at-start", set_up_resume, test_drop_at_start);
  ADD ("accept-unsent", set_up_resume, test_accept_unsent);
  ADD ("before-accept", set_up_resume, test_before_accept);
  ADD ("accept-too-late", set_up_resume, test_accept_too_late);
  ADD ("forgotten", set_up_resume, test_forgotten);
  ADD ("success-of-several", set_up_resume, test_success_of_several);
  return g_test_run ();
}

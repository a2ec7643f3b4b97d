/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a dead way is noticed.
 */
#define PREFIX "/jingle-alive/"
#include "resume-fixture.h"

/* Within a minute after the last byte, whenever that came. */
static void
test_stall (Fixture *f, gconstpointer data)
{
  gint64 start;

  activate_from (f, 0);
  start = f->now;
  wait_for_timer (f, &f->bob, 10); /* a byte came since */
  expect (&f->bob, "");
  wait_for_timer (f, &f->bob, 10);
  expect (&f->bob, "session-info");
  wait_for_timer (f, &f->bob, 10);
  g_assert_cmpint (f->now - start, <=, 60 * SECOND);
  expect (&f->bob, "connectivity-error keep stop-pump");
  expect_row (&f->bob, 47);
  pumped (f, &f->bob, 10, FALSE, NULL, FD_ERROR_CANCELLED);
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
  expect_interrupted (&f->bob, TRUE, FALSE);
}

/* A byte now and then is enough. */
static void
test_slow (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  for (guint64 bytes = 1; bytes < 20; bytes++)
    {
      wait_for_timer (f, &f->bob, bytes);
      expect (&f->bob, "");
    }
}

/* Nor is the peer to blame if it is our own file that waits. */
static void
test_waits_here (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  for (guint i = 0; i < 10; i++)
    {
      gint64 deadline = fd_session_machine_get_deadline (f->bob.machine);

      f->now = deadline;
      fd_content_machine_progress (f->bob.content, 10, TRUE);
      fd_session_machine_tick (f->bob.machine, f->now);
      settle (f);
      expect (&f->bob, "");
    }
}

/* The receiver is slow, its limit is low, the way is full of what we wrote: who answers lives. */
static void
test_patient_sender (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  for (guint i = 0; i < 10; i++)
    {
      wait_for_timer (f, &f->alice, 50);
      expect_state (&f->alice, FD_CONTENT_ACTIVE);
    }
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  for (guint i = 0; i < 10; i++)
    {
      wait_for_timer (f, &f->alice, 100);
      expect_state (&f->alice, FD_CONTENT_SENT);
    }
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

/* Who does not answer is dead, be it before or after our last byte. */
static void
test_silent_receiver (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_TIMEOUT, "no answer");

      restart (f);
      activate_from (f, 0);
      f->alice.other = NULL;
      if (i == 1)
        pumped (f, &f->alice, 100, TRUE, &digest, 0);
      fd_content_machine_progress (f->alice.content, 100, FALSE);
      wait_for_timer (f, &f->alice, 100);
      wait_for_timer (f, &f->alice, 100);
      g_assert_cmpint (f->alice.last->info, ==, FD_SESSION_INFO_PING);
      fd_session_machine_answered (f->alice.machine, f->alice.last, error, FALSE, f->now);
      settle (f);
      if (i == 0)
        pumped (f, &f->alice, 100, FALSE, NULL, FD_ERROR_CANCELLED);
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
      expect_interrupted (&f->alice, TRUE, FALSE);
    }
}

static void
answer_ping (Fixture *f, Side *side, const char *text)
{
  g_autoptr (GError) error = text ? g_error_new_literal (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED, text) : NULL;

  g_assert_cmpint (side->last->info, ==, FD_SESSION_INFO_PING);
  fd_session_machine_answered (side->machine, side->last, error, FALSE, f->now);
  settle (f);
}

/* A broken way is an end as soon as it is known that no reason comes. */
static void
test_broken (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      Side *side = i % 2 ? &f->alice : &f->bob;

      restart (f);
      activate_from (f, 0);
      side->other = NULL;
      pumped (f, side, 50, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
      expect (side, "session-info");
      answer_ping (f, side, i < 2 ? NULL : "service-unavailable");
      g_assert_cmpint (fd_content_machine_get_end (side->content)->error->code, ==,
                       i < 2 ? FD_ERROR_CONNECTION_FAILED : FD_ERROR_PEER_OFFLINE);
      expect_interrupted (side, TRUE, FALSE);
    }
}

/* The connection breaks and the stream is lost, one soon after the other: no reason can come. */
static void
test_broken_offline (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      Side *side = i % 2 ? &f->alice : &f->bob;
      gint64 start;

      restart (f);
      activate_from (f, 0);
      side->other = NULL;
      start = f->now;
      if (i < 2)
        fd_session_machine_stream_lost (side->machine, f->now);
      pumped (f, side, 50, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
      if (i < 2)
        wait_for_timer (f, side, 50);
      else
        fd_session_machine_stream_lost (side->machine, f->now);
      settle (f);
      g_assert_cmpint (f->now, ==, start);
      expect_end (side, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_CONNECTION_FAILED);
      expect_interrupted (side, TRUE, FALSE);
    }
}

/* An answer to an older ping says nothing about now: the reason may be on its way. */
static void
test_broken_late_answer (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  f->bob.other = NULL;
  wait_for_timer (f, &f->bob, 10);
  wait_for_timer (f, &f->bob, 10); /* asks */
  pumped (f, &f->bob, 10, FALSE, NULL, FD_ERROR_CONNECTION_FAILED); /* and asks again */
  answer_ping (f, &f->bob, NULL);
  expect_state (&f->bob, FD_CONTENT_BROKEN);
  tell (f, &f->bob, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "failed-application"));
  expect_interrupted (&f->bob, FALSE, FALSE);
}

/* The receiver's process is killed after our last byte: its end of the connection says so. */
static void
test_stream_ended (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  f->alice.other = NULL;
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  expect (&f->alice, "");
  fd_content_machine_stream_ended (f->alice.content, f->now);
  settle (f);
  expect (&f->alice, "session-info");
  answer_ping (f, &f->alice, NULL); /* it was a proxy */
  expect_state (&f->alice, FD_CONTENT_SENT);
  wait_for_timer (f, &f->alice, 100);
  answer_ping (f, &f->alice, "service-unavailable");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_PEER_OFFLINE);
  expect_interrupted (&f->alice, TRUE, FALSE);
}

/* Its presence goes: who is there says so, who is not is not waited for. */
static void
test_presence_gone (Fixture *f, gconstpointer data)
{
  void (*const reach[]) (Fixture *, guint64) = { accept_from, activate_from };

  for (guint i = 0; i < G_N_ELEMENTS (reach); i++)
    {
      restart (f);
      reach[i](f, 0);
      f->alice.other = NULL;
      forget_logs (f);
      fd_session_machine_peer_gone (f->alice.machine, f->now);
      settle (f);
      expect (&f->alice, "session-info");
      answer_ping (f, &f->alice, NULL);
      g_assert_cmpint (fd_session_machine_get_deadline (f->alice.machine), !=,
                       f->now + FD_MS (FD_T_PEER_GONE));
      fd_session_machine_peer_gone (f->alice.machine, f->now);
      settle (f);
      answer_ping (f, &f->alice, "service-unavailable");
      pumped (f, &f->alice, 10, FALSE, NULL, FD_ERROR_CANCELLED);
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_PEER_OFFLINE);
      expect_interrupted (&f->alice, TRUE, FALSE);
    }
}

/* An offer that nobody has answered: its sender asks at once, and makes it again; who got it waits for that.
 */
static void
test_gone_while_offered (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) unknown = g_error_new_literal (FD_ERROR, FD_ERROR_PROTOCOL, "item-not-found");

  for (guint i = 0; i < 2; i++)
    {
      restart (f);
      offer (f);
      f->alice.other = f->bob.other = NULL;
      forget_logs (f);
      fd_session_machine_peer_gone (f->bob.machine, f->now);
      fd_session_machine_peer_gone (f->alice.machine, f->now);
      settle (f);
      expect (&f->bob, "");
      expect_state (&f->bob, FD_CONTENT_OFFERED);
      expect (&f->alice, "session-info");
      if (i == 0)
        answer_ping (f, &f->alice, "service-unavailable");
      else /* it is back, and was started anew */
        fd_session_machine_answered (f->alice.machine, f->alice.last, unknown, TRUE, f->now);
      settle (f);
      expect_end (&f->alice, FD_OUTCOME_FAILED, i == 0 ? FD_BY_NETWORK : FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
    }
}

/* An offer that comes too late is not refused: who sees the peer go offers it again. */
static void
test_gone_before_offer (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED, "service-unavailable");

  for (guint i = 0; i < 2; i++)
    {
      restart (f);
      f->alice.other = NULL;
      add (f);
      settle (f);
      if (i == 0)
        fd_session_machine_peer_gone (f->alice.machine, f->now);
      fd_session_machine_answered (f->alice.machine, f->alice.last, error, FALSE, f->now);
      settle (f);
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE,
                  i == 0 ? FD_ERROR_PEER_OFFLINE : FD_ERROR_PEER_UNSUPPORTED);
    }
}

/* Nobody is there to be asked: its resource is gone. */
static void
test_gone_receiver (Fixture *f, gconstpointer data)
{
  activate_from (f, 0);
  f->alice.other = NULL;
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  fd_session_machine_peer_gone (f->alice.machine, f->now);
  wait_for_timer (f, &f->alice, 100);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
  expect_interrupted (&f->alice, TRUE, FALSE);
}

/* No stream to ask over, and no byte: a way that is dead in both directions. */
static void
test_stall_offline (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      Side *side = i ? &f->alice : &f->bob;
      gint64 start;

      restart (f);
      activate_from (f, 0);
      fd_session_machine_stream_lost (side->machine, f->now);
      start = f->now;
      while (fd_content_machine_get_state (side->content) == FD_CONTENT_ACTIVE)
        wait_for_timer (f, side, 10);
      g_assert_cmpint (f->now - start, <=, 60 * SECOND);
      pumped (f, side, 10, FALSE, NULL, FD_ERROR_CANCELLED);
      expect_interrupted (side, TRUE, FALSE);
    }
}

/* Nothing comes while the sender hashes ten gigabytes that the receiver has. */
static void
test_hashing (Fixture *f, gconstpointer data)
{
  gint64 start;

  f->file->size = 20 * G_GINT64_CONSTANT (1000000000);
  activate_from (f, 10 * G_GINT64_CONSTANT (1000000000));
  start = f->now;
  while (fd_content_machine_get_state (f->bob.content) == FD_CONTENT_ACTIVE)
    wait_for_timer (f, &f->bob, 0);
  g_assert_cmpint (f->now - start, >=, 200 * SECOND);
  g_assert_cmpint (f->now - start, <, 260 * SECOND);

  restart (f);
  activate_from (f, 10 * G_GINT64_CONSTANT (1000000000));
  start = f->now;
  while (fd_content_machine_get_state (f->bob.content) == FD_CONTENT_ACTIVE)
    wait_for_timer (f, &f->bob, 1); /* once it has begun it goes on */
  g_assert_cmpint (f->now - start, <=, 60 * SECOND);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("stall", set_up_resume, test_stall);
  ADD ("slow", set_up_resume, test_slow);
  ADD ("waits-here", set_up_resume, test_waits_here);
  ADD ("patient-sender", set_up_resume, test_patient_sender);
  ADD ("silent-receiver", set_up_resume, test_silent_receiver);
  ADD ("broken", set_up_resume, test_broken);
  ADD ("broken-offline", set_up_resume, test_broken_offline);
  ADD ("broken-late-answer", set_up_resume, test_broken_late_answer);
  ADD ("stream-ended", set_up_resume, test_stream_ended);
  ADD ("presence-gone", set_up_resume_ibb, test_presence_gone);
  ADD ("gone-while-offered", set_up_resume, test_gone_while_offered);
  ADD ("gone-before-offer", set_up_resume, test_gone_before_offer);
  ADD ("gone-receiver", set_up_resume, test_gone_receiver);
  ADD ("stall-offline", set_up_resume, test_stall_offline);
  ADD ("hashing", set_up_resume, test_hashing);
  return g_test_run ();
}

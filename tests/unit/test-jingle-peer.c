/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session machine against requests that are early, late, odd or wrong.
 */
#define PREFIX "/jingle-peer/"
#include "machine-pair.h"

/* A transport-replace before our user answered, then the accept repeats it. */
static void
test_replace_early (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_TRANSPORT_REPLACE, "s");
  FdContent *content = fd_jingle_message_add_content (message, TRUE, "file");

  offer (f);
  g_string_truncate (f->bob.log, 0);
  f->bob.other = NULL;
  content->transport.kind = FD_TRANSPORT_KIND_IBB;
  content->transport.ibb = fd_ibb_info_new ("i", 4096);
  g_assert_cmpint (fd_machine_receive (f->bob.machine, message, f->now), ==, FD_REPLY_OK);
  run (f, &f->bob);
  fd_machine_accept (f->bob.machine, FD_PATH_ANY, f->now);
  run (f, &f->bob);
  expect (&f->bob, "transport-accept ibb session-accept start");
}

static void
test_replace_tie (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_TRANSPORT_REPLACE, "s");
  FdContent *content = fd_jingle_message_add_content (message, TRUE, "file");

  accept (f);
  f->alice.other = NULL;
  transport_failed (f, &f->alice);
  content->transport.kind = FD_TRANSPORT_KIND_IBB;
  content->transport.ibb = fd_ibb_info_new ("i", 4096);
  g_assert_cmpint (fd_machine_receive (f->alice.machine, message, f->now), ==, FD_REPLY_TIE_BREAK);
  g_assert_cmpint (fd_machine_get_state (f->alice.machine), ==, FD_MACHINE_REPLACING);
}

/* Bytes still in flight when the sender ends the session count. */
static void
test_drain (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_TERMINATE, "s");

  activate (f);
  message->reason = g_strdup ("media-error"); /* Swift after its five seconds */
  g_assert_cmpint (fd_machine_receive (f->bob.machine, message, f->now), ==, FD_REPLY_OK);
  settle (f);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_DRAINING);
  wait_for_timer (f, &f->bob, 50); /* moves */
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_DRAINING);
  f->bob.other = NULL;
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect (&f->bob, "publish drop end");
  expect_end (&f->bob, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

/* The sender's daemon goes down: its stream ends with it, and its word says why. */
static void
test_sender_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "daemon stops");

  activate (f);
  fd_machine_abort (f->alice.machine, FD_OUTCOME_FAILED, "gone", error, f->now);
  settle (f);
  pumped (f, &f->bob, 40, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  wait_for_timer (f, &f->bob, 40);
  expect (&f->bob, "keep drop end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
}

/* A receiver that says received and leaves the end to us. */
static void
test_received_only (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");

  message->info = FD_SESSION_INFO_RECEIVED;
  activate (f);
  f->alice.other = NULL;
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  fd_machine_receive (f->alice.machine, message, f->now);
  wait_for_timer (f, &f->alice, 100);
  expect (&f->alice, "success drop end");
  expect_end (&f->alice, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

static void
test_range (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_ACCEPT, "s");
  FdContent *content = fd_jingle_message_add_content (message, TRUE, "file");
  gint64 offset = GPOINTER_TO_INT (data);
  FdMachineConfig config = { .initiator = TRUE,
                             .me = ALICE,
                             .peer = BOB,
                             .sid = "s",
                             .peer_transports = FD_TRANSPORT_S5B,
                             .paths = FD_PATH_ANY };
  g_autoptr (FdFile) file = fd_file_new ("x", 100);

  file->ranged = TRUE;
  fd_machine_free (f->alice.machine);
  f->alice.machine = fd_machine_new (&config, file);
  f->alice.other = NULL;
  fd_machine_start (f->alice.machine, f->now);
  run (f, &f->alice);

  content->file = fd_file_new ("x", 100);
  content->file->ranged = TRUE;
  content->file->range_offset = (guint64) offset;
  content->transport.kind = FD_TRANSPORT_KIND_S5B;
  content->transport.s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, "t");
  g_assert_cmpint (fd_machine_receive (f->alice.machine, message, f->now), ==, FD_REPLY_OK);
  run (f, &f->alice);
  if (offset > 100)
    {
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_PROTOCOL);
      return;
    }
  fd_machine_transport_connected (f->alice.machine, FD_PATH_SOCKS5_DIRECT, f->now);
  run (f, &f->alice);
  g_assert_cmpuint (f->alice.offset, ==, (guint64) offset);
  g_assert_cmpint (f->alice.length, ==, 100 - offset);
}

/* What an offer must be for a user to see it. */
static void
test_bad_offers (Fixture *f, gconstpointer data)
{
  enum
  {
    NO_FILE,
    TWO,
    SECURED,
    REQUEST,
    UDP,
    FOREIGN,
    N_BAD
  };

  for (int bad = NO_FILE; bad < N_BAD; bad++)
    {
      g_autoptr (FdJingleMessage) message = fd_jingle_message_new (FD_JINGLE_SESSION_INITIATE, "s");
      FdContent *content = fd_jingle_message_add_content (message, TRUE, "f");

      tear_down (f, NULL);
      set_up (f, NULL);
      f->bob.other = NULL;
      content->file = bad == NO_FILE ? NULL : fd_file_new ("x", 1);
      content->secured = bad == SECURED;
      content->senders = bad == REQUEST ? FD_SENDERS_RESPONDER : FD_SENDERS_INITIATOR;
      content->transport.kind = bad == FOREIGN ? FD_TRANSPORT_KIND_OTHER : FD_TRANSPORT_KIND_S5B;
      content->transport.s5b = bad == FOREIGN ? NULL : fd_s5b_info_new (FD_S5B_CANDIDATES, "t");
      if (bad == UDP)
        content->transport.s5b->udp = TRUE;
      if (bad == TWO)
        fd_jingle_message_add_content (message, TRUE, "g")->file = fd_file_new ("y", 1);
      g_assert_cmpint (fd_machine_receive (f->bob.machine, message, f->now), ==, FD_REPLY_OK);
      run (f, &f->bob);
      g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_ENDED);
      g_assert_nonnull (strstr (f->bob.log->str, bad == NO_FILE   ? "unsupported-applications"
                                                 : bad == SECURED ? "security-error"
                                                 : bad >= UDP     ? "unsupported-transports"
                                                                  : "failed-application"));
    }
}

/* Requests that do not fit the state are refused and change nothing. */
static void
test_out_of_order (Fixture *f, gconstpointer data)
{
  static const struct
  {
    FdJingleAction action;
    FdReply reply;
  } cases[] = {
    { FD_JINGLE_SESSION_INITIATE, FD_REPLY_OUT_OF_ORDER },
    { FD_JINGLE_SESSION_ACCEPT, FD_REPLY_OUT_OF_ORDER },
    { FD_JINGLE_TRANSPORT_ACCEPT, FD_REPLY_OUT_OF_ORDER },
    { FD_JINGLE_TRANSPORT_REJECT, FD_REPLY_OUT_OF_ORDER },
    { FD_JINGLE_CONTENT_ACCEPT, FD_REPLY_OUT_OF_ORDER },
    { FD_JINGLE_CONTENT_REJECT, FD_REPLY_OUT_OF_ORDER },
    { FD_JINGLE_DESCRIPTION_INFO, FD_REPLY_OK },
    { FD_JINGLE_CONTENT_MODIFY, FD_REPLY_OK },
    { FD_JINGLE_SECURITY_INFO, FD_REPLY_OK },
    { FD_JINGLE_TRANSPORT_INFO, FD_REPLY_BAD_REQUEST },
  };

  accept (f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FdJingleMessage) message = fd_jingle_message_new (cases[i].action, "s");

      fd_jingle_message_add_content (message, TRUE, "file");
      g_assert_cmpint (fd_machine_receive (f->bob.machine, message, f->now), ==, cases[i].reply);
      fd_jingle_message_get_content (message)->name[0] = 'F';
      if (cases[i].action == FD_JINGLE_TRANSPORT_INFO)
        g_assert_cmpint (fd_machine_receive (f->bob.machine, message, f->now), ==, FD_REPLY_ITEM_NOT_FOUND);
    }
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_NEGOTIATING);
}

/* The receiver of an empty file is through before the sender is connected. */
static void
test_empty_file (Fixture *f, gconstpointer data)
{
  g_autoptr (FdFile) file = fd_file_new ("x", 0);

  fd_file_set_hash (file, &digest);
  tear_down (f, NULL);
  set_up_file (f, FD_PATH_ANY, file);
  accept (f);
  fd_machine_transport_connected (f->bob.machine, FD_PATH_SOCKS5_PROXY, f->now);
  settle (f);
  g_assert_cmpint (f->bob.length, ==, 0);
  pumped (f, &f->bob, 0, TRUE, &digest, 0);
  published (f);
  expect_both_done (f);
}

static void
test_initiate_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED, "no Jingle");

  f->alice.other = NULL;
  fd_machine_start (f->alice.machine, f->now);
  run (f, &f->alice);
  fd_machine_answered (f->alice.machine, FD_JINGLE_SESSION_INITIATE, error, FALSE, f->now);
  run (f, &f->alice);
  expect (&f->alice, "s5b session-initiate drop end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_UNSUPPORTED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("replace-early", set_up, test_replace_early);
  ADD ("replace-tie", set_up, test_replace_tie);
  ADD ("drain", set_up, test_drain);
  ADD ("sender-gone", set_up, test_sender_gone);
  ADD ("received-only", set_up, test_received_only);
  ADD_WITH ("range", set_up, 60, test_range);
  ADD_WITH ("range-beyond", set_up, 101, test_range);
  ADD ("bad-offers", set_up, test_bad_offers);
  ADD ("out-of-order", set_up, test_out_of_order);
  ADD ("empty-file", set_up, test_empty_file);
  ADD ("initiate-refused", set_up, test_initiate_refused);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session machine against requests that are early, late, odd or wrong: every
 * action of XEP-0166 §7.2 in every state of a session.
 */
#define PREFIX "/jingle-peer/"
#include "machine-pair.h"

static FdJingleMessage *
offer_of (const char *name, gint64 size, FdTransportInfo transport)
{
  FdJingleMessage *message = message_with (FD_JINGLE_SESSION_INITIATE, name, transport);

  fd_jingle_message_get_content (message)->file = fd_file_new ("x", size);
  return message;
}

/* --- every action in every state --- */

static void
end_it (Fixture *f)
{
  activate (f);
  all_moved (f);
  published (f);
}

typedef struct
{
  FdJingleAction action;
  FdReply of_responder[3]; /* what the responder answers while offered, negotiating, active */
  FdReply of_initiator[3];
} Expectation;

#define OK FD_REPLY_OK
#define ORDER FD_REPLY_OUT_OF_ORDER

/* All of them about the one content, with an IBB transport that nobody waits for. */
static const Expectation table[] = {
  { FD_JINGLE_SESSION_INITIATE,
    { ORDER, ORDER, ORDER },
    { FD_REPLY_TIE_BREAK, FD_REPLY_TIE_BREAK, FD_REPLY_TIE_BREAK } },
  { FD_JINGLE_SESSION_ACCEPT, { ORDER, ORDER, ORDER }, { OK, ORDER, ORDER } },
  { FD_JINGLE_CONTENT_ACCEPT, { ORDER, ORDER, ORDER }, { ORDER, ORDER, ORDER } },
  { FD_JINGLE_CONTENT_REJECT, { ORDER, ORDER, ORDER }, { OK, ORDER, ORDER } },
  { FD_JINGLE_CONTENT_REMOVE, { OK, OK, OK }, { OK, OK, OK } },
  { FD_JINGLE_CONTENT_MODIFY, { OK, OK, OK }, { OK, OK, OK } },
  { FD_JINGLE_DESCRIPTION_INFO, { OK, OK, OK }, { OK, OK, OK } },
  { FD_JINGLE_SECURITY_INFO, { OK, OK, OK }, { OK, OK, OK } },
  { FD_JINGLE_SESSION_INFO, { OK, OK, OK }, { OK, OK, OK } },
  { FD_JINGLE_SESSION_TERMINATE, { OK, OK, OK }, { OK, OK, OK } },
  { FD_JINGLE_TRANSPORT_ACCEPT, { ORDER, ORDER, ORDER }, { ORDER, ORDER, ORDER } },
  { FD_JINGLE_TRANSPORT_REJECT, { ORDER, ORDER, ORDER }, { ORDER, ORDER, ORDER } },
  { FD_JINGLE_TRANSPORT_REPLACE, { OK, OK, OK }, { OK, OK, OK } },
  { FD_JINGLE_TRANSPORT_INFO,
    { FD_REPLY_BAD_REQUEST, FD_REPLY_BAD_REQUEST, FD_REPLY_BAD_REQUEST },
    { FD_REPLY_BAD_REQUEST, FD_REPLY_BAD_REQUEST, FD_REPLY_BAD_REQUEST } },
};

static void
test_every_action (Fixture *f, gconstpointer data)
{
  void (*const reach[]) (Fixture *) = { offer, accept, activate };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    for (guint state = 0; state < G_N_ELEMENTS (reach); state++)
      for (guint initiator = 0; initiator < 2; initiator++)
        {
          Side *side = initiator ? &f->alice : &f->bob;
          FdReply reply = initiator ? table[i].of_initiator[state] : table[i].of_responder[state];
          FdContentState before;

          restart (f);
          reach[state](f);
          before = fd_content_machine_get_state (side->content);
          g_assert_cmpint (tell (f, side, message_with (table[i].action, "file", ibb ("z", 4096))), ==,
                           reply);
          if (reply != OK)
            expect_state (side, before);
        }
}

/* What is about contents of the session must name one. */
static void
test_unknown_content (Fixture *f, gconstpointer data)
{
  static const FdJingleAction actions[]
    = { FD_JINGLE_SESSION_ACCEPT,   FD_JINGLE_CONTENT_ACCEPT,   FD_JINGLE_CONTENT_REJECT,
        FD_JINGLE_CONTENT_REMOVE,   FD_JINGLE_TRANSPORT_INFO,   FD_JINGLE_TRANSPORT_ACCEPT,
        FD_JINGLE_TRANSPORT_REJECT, FD_JINGLE_TRANSPORT_REPLACE };

  accept (f);
  forget_logs (f);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (actions); i++)
    {
      Side *side = i % 2 ? &f->alice : &f->bob;

      g_assert_cmpint (tell (f, side, message_with (actions[i / 2], "File", s5b ("t"))), ==,
                       FD_REPLY_ITEM_NOT_FOUND);
      g_assert_cmpint (tell (f, side, message_about (actions[i / 2], NULL)), ==, FD_REPLY_BAD_REQUEST);
      expect_state (side, FD_CONTENT_NEGOTIATING);
    }
  g_assert_cmpint (tell (f, &f->bob, message_about (FD_JINGLE_CONTENT_ADD, NULL)), ==, FD_REPLY_BAD_REQUEST);
}

static void
test_no_contents (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (tell (f, &f->bob, message_about (FD_JINGLE_SESSION_INITIATE, NULL)), ==,
                   FD_REPLY_BAD_REQUEST);
  expect (&f->bob, "end");
}

/* --- session-initiate --- */

/* What an offer must be for a user to see it. */
static void
test_bad_offers (Fixture *f, gconstpointer data)
{
  enum
  {
    NO_FILE,
    SECURED,
    UDP,
    FOREIGN,
    N_BAD
  };
  static const char *const expected[] = {
    [NO_FILE] = "unsupported-applications end",
    [SECURED] = "security-error end",
    [UDP] = "unsupported-transports end",
    [FOREIGN] = "unsupported-transports end",
  };

  for (int bad = NO_FILE; bad < N_BAD; bad++)
    {
      FdJingleMessage *message = offer_of ("f", 1, s5b ("t"));
      FdJingleContent *content = fd_jingle_message_get_content (message);

      restart (f);
      if (bad == NO_FILE)
        g_clear_pointer (&content->file, fd_file_free);
      content->secured = bad == SECURED;
      content->transport.s5b->udp = bad == UDP;
      if (bad == FOREIGN)
        {
          fd_transport_info_clear (&content->transport);
          content->transport.kind = FD_TRANSPORT_KIND_OTHER;
        }
      g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
      expect (&f->bob, expected[bad]);
    }
}

/* We publish nothing that others could ask for. */
static void
test_file_request (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = offer_of ("f", 1, s5b ("t"));

  fd_jingle_message_get_content (message)->senders = FD_SENDERS_RESPONDER;
  g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
  expect (&f->bob, "failed-application end");
  g_assert_cmpstr (f->bob.last->reason_detail, ==, "file-not-available");
}

static void
test_senders_missing (Fixture *f, gconstpointer data)
{
  static const FdSenders senders[] = { FD_SENDERS_MISSING, FD_SENDERS_BOTH, FD_SENDERS_NONE };

  for (guint i = 0; i < G_N_ELEMENTS (senders); i++)
    {
      FdJingleMessage *message = offer_of ("f", 1, s5b ("t"));

      restart (f);
      fd_jingle_message_get_content (message)->senders = senders[i];
      g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
      expect (&f->bob, "offered:f");
    }
}

/* Alternatives of one name: the one that we can take, once. */
static void
test_dup_names (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = offer_of ("f", 1, s5b ("secured"));
  FdJingleContent *plain = fd_jingle_message_add_content (message, TRUE, "f");

  fd_jingle_message_get_content (message)->secured = TRUE;
  plain->file = fd_file_new ("x", 1);
  plain->transport = s5b ("plain");
  g_assert_cmpint (tell (f, &f->bob, message), ==, FD_REPLY_OK);
  expect (&f->bob, "offered:f");
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  run (f, &f->bob);
  expect (&f->bob, "s5b:f session-accept:f start:f");
  g_assert_cmpuint (f->bob.last->contents->len, ==, 1);
  g_assert_cmpstr (fd_jingle_message_get_content (f->bob.last)->transport.s5b->sid, ==, "plain");
}

static void
test_dup_initiate (Fixture *f, gconstpointer data)
{
  offer (f);
  g_assert_cmpint (tell (f, &f->alice, offer_of ("file", 1, s5b ("t"))), ==, FD_REPLY_TIE_BREAK);
  g_assert_cmpint (tell (f, &f->bob, offer_of ("file", 1, s5b ("t"))), ==, FD_REPLY_OUT_OF_ORDER);
  expect_state (&f->alice, FD_CONTENT_OFFERED);
  expect_state (&f->bob, FD_CONTENT_OFFERED);
}

static void
test_initiate_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_PEER_UNSUPPORTED, "no Jingle");

  f->alice.other = NULL;
  add (f);
  run (f, &f->alice);
  fd_session_machine_answered (f->alice.machine, f->alice.last, error, FALSE, f->now);
  run (f, &f->alice);
  expect (&f->alice, "s5b session-initiate drop ended end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_UNSUPPORTED);
}

static void
test_no_reply (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_TIMEOUT, "no answer");
  g_autoptr (FdJingleMessage) initiate = message_about (FD_JINGLE_SESSION_INITIATE, "file");

  f->alice.other = NULL;
  add (f);
  run (f, &f->alice);
  fd_session_machine_answered (f->alice.machine, f->alice.last, error, FALSE, f->now);
  run (f, &f->alice);
  expect (&f->alice, "s5b session-initiate timeout drop ended end");
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
  answer (f, &f->alice, initiate, FD_REPLY_OK); /* late */
  run (f, &f->alice);
  expect (&f->alice, "");
}

/* Every attribute that some client looks for. */
static void
test_initiator_attr (Fixture *f, gconstpointer data)
{
  offer (f);
  g_assert_cmpstr (f->alice.last->initiator, ==, ALICE);
  g_assert_cmpint (fd_jingle_message_get_content (f->alice.last)->senders, ==, FD_SENDERS_INITIATOR);
  g_assert_true (fd_jingle_message_get_content (f->alice.last)->by_initiator);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  settle (f);
  g_assert_cmpstr (f->bob.last->initiator, ==, ALICE);
  g_assert_cmpstr (f->bob.last->responder, ==, BOB);
  g_assert_nonnull (fd_jingle_message_get_content (f->bob.last)->file); /* iris refuses it without */
  transport_failed (f, &f->alice);
  g_assert_cmpstr (f->alice.last->initiator, ==, ALICE);
  g_assert_cmpstr (f->bob.last->initiator, ==, ALICE);
}

/* --- session-accept --- */

static void
test_accept_before_ack (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) initiate = NULL;

  f->alice.other = NULL;
  add (f);
  run (f, &f->alice);
  initiate = g_steal_pointer (&f->alice.last);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"))), ==,
                   FD_REPLY_OK);
  expect_state (&f->alice, FD_CONTENT_NEGOTIATING);
  answer (f, &f->alice, initiate, FD_REPLY_BAD_REQUEST); /* even that: it was accepted */
  expect_state (&f->alice, FD_CONTENT_NEGOTIATING);
}

static void
test_accept_twice (Fixture *f, gconstpointer data)
{
  activate (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"))), ==,
                   FD_REPLY_OUT_OF_ORDER);
  expect (&f->alice, "");
}

static void
test_accept_foreign_transport (Fixture *f, gconstpointer data)
{
  offer (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_SESSION_ACCEPT, "file", ibb ("i", 1))), ==,
                   FD_REPLY_OK);
  expect (&f->alice, "failed-application drop ended end");
  expect_row (&f->alice, 7);
}

/* Old Conversations answers with another sid: there is only one transport. */
static void
test_accept_foreign_sid (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) message = message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("other"));
  g_autoptr (FdAction) action = NULL;

  offer (f);
  g_assert_cmpint (say (f, &f->alice, message), ==, FD_REPLY_OK);
  action = fd_session_machine_next (f->alice.machine);
  g_assert_cmpint (action->what, ==, FD_DO_REMOTE);
  g_assert_cmpstr (action->remote.s5b->sid, ==, "t");
}

static void
test_range (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = message_with (FD_JINGLE_SESSION_ACCEPT, "file", s5b ("t"));
  FdJingleContent *content = fd_jingle_message_get_content (message);
  gint64 offset = GPOINTER_TO_INT (data);

  f->file->ranged = TRUE;
  f->alice.other = NULL;
  add (f);
  run (f, &f->alice);
  content->file = fd_file_new ("x", 100);
  content->file->ranged = TRUE;
  content->file->range_offset = (guint64) offset;
  g_assert_cmpint (tell (f, &f->alice, message), ==, FD_REPLY_OK);
  if (offset > 100)
    {
      expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_LOCAL, FD_ERROR_PROTOCOL);
      return;
    }
  fd_content_machine_transport_connected (f->alice.content, FD_PATH_SOCKS5_DIRECT, f->now);
  run (f, &f->alice);
  g_assert_cmpuint (f->alice.offset, ==, (guint64) offset);
  g_assert_cmpint (f->alice.length, ==, 100 - offset);
}

static void
test_accept_refused (Fixture *f, gconstpointer data)
{
  offer (f);
  f->bob.other = NULL;
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  run (f, &f->bob);
  forget_logs (f);
  answer (f, &f->bob, f->bob.last, FD_REPLY_OUT_OF_ORDER);
  run (f, &f->bob);
  expect (&f->bob, "general-error drop ended end");
}

/* The peer has forgotten the session. */
static void
test_unknown_session (Fixture *f, gconstpointer data)
{
  g_autoptr (FdJingleMessage) info = message_about (FD_JINGLE_TRANSPORT_INFO, "file");
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_PROTOCOL, "unknown");

  accept (f);
  forget_logs (f);
  fd_session_machine_answered (f->bob.machine, info, error, FALSE, f->now);
  expect_state (&f->bob, FD_CONTENT_NEGOTIATING); /* any other refusal of it is nothing */
  fd_session_machine_answered (f->bob.machine, info, error, TRUE, f->now);
  run (f, &f->bob);
  expect (&f->bob, "drop ended end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
}

/* --- transport-info --- */

/* Notifications may overtake our user's answer: they wait for the transport. */
static void
test_early_infos (Fixture *f, gconstpointer data)
{
  offer (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t"))), ==,
                   FD_REPLY_OK);
  expect (&f->bob, "");
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  run (f, &f->bob);
  expect (&f->bob, "s5b remote session-accept start");
  g_assert_cmpint (tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t"))), ==,
                   FD_REPLY_ASK_TRANSPORT);
  g_assert_cmpint (tell (f, &f->alice, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t"))), ==,
                   FD_REPLY_ASK_TRANSPORT);
}

static void
test_early_infos_limit (Fixture *f, gconstpointer data)
{
  guint remotes = 0;

  offer (f);
  for (guint i = 0; i < 100; i++)
    tell (f, &f->bob, message_with (FD_JINGLE_TRANSPORT_INFO, "file", s5b ("t")));
  forget_logs (f);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  run (f, &f->bob);
  for (const char *at = f->bob.log->str; (at = strstr (at, "remote")); at++)
    remotes++;
  g_assert_cmpuint (remotes, ==, 32);
}

/* What we have to say of our transport follows the accept. */
static void
test_held_infos (Fixture *f, gconstpointer data)
{
  g_autoptr (FdS5bInfo) info = fd_s5b_info_new (FD_S5B_CANDIDATE_ERROR, "t");

  offer (f);
  forget_logs (f);
  f->bob.other = NULL;
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  fd_content_machine_send_transport_info (f->bob.content, info);
  run (f, &f->bob);
  expect (&f->bob, "s5b session-accept transport-info start");
}

static void
test_iris (Fixture *f, gconstpointer data)
{
  FdTransportInfo transport = s5b ("t");
  FdS5bCandidate *candidate = g_new0 (FdS5bCandidate, 1);

  candidate->cid = g_strdup ("c");
  candidate->host = g_strdup ("192.0.2.1");
  g_ptr_array_add (transport.s5b->candidates, candidate);
  g_assert_cmpint (tell (f, &f->bob, offer_of ("f", 1, transport)), ==, FD_REPLY_OK);
  g_assert_true (fd_content_machine_get_quirks (f->bob.content) & FD_QUIRK_INI_FIRST);
  restart (f);
  g_assert_cmpint (tell (f, &f->bob, offer_of ("f", 1, s5b ("s5b_x"))), ==, FD_REPLY_OK);
  g_assert_cmpint (fd_content_machine_get_quirks (f->bob.content), ==, 0);
  restart (f);
  g_assert_cmpint (tell (f, &f->bob, offer_of ("fileoffer_x", 1, s5b ("s5b_x"))), ==, FD_REPLY_OK);
  g_assert_true (fd_content_machine_get_quirks (f->bob.content) & FD_QUIRK_TRICKLES);
}

/* --- session-info --- */

static void
test_ping (Fixture *f, gconstpointer data)
{
  FdJingleMessage *other = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");

  activate (f);
  g_assert_cmpint (tell (f, &f->bob, fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s")), ==, FD_REPLY_OK);
  other->info = FD_SESSION_INFO_OTHER;
  g_assert_cmpint (tell (f, &f->bob, other), ==, FD_REPLY_UNSUPPORTED_INFO);
}

/* A receiver that says received and leaves the end to us. */
static void
test_received_only (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");

  message->info = FD_SESSION_INFO_RECEIVED;
  activate (f);
  f->alice.other = NULL;
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  tell (f, &f->alice, message);
  wait_for_timer (f, &f->alice, 100);
  expect (&f->alice, "success drop ended end");
  expect_end (&f->alice, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

/* What it confirmed stands, whoever hangs up then. */
static void
test_received_stands (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "by user");

  for (guint i = 0; i < 3; i++)
    {
      FdJingleMessage *message = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");

      restart (f);
      activate (f);
      f->alice.other = NULL;
      pumped (f, &f->alice, 100, TRUE, &digest, 0);
      message->info = FD_SESSION_INFO_RECEIVED;
      tell (f, &f->alice, message);
      if (i == 0)
        fd_session_machine_stream_lost (f->alice.machine, f->now);
      else if (i == 1)
        fd_content_machine_abort (f->alice.content, FD_OUTCOME_CANCELLED, "cancel", error, f->now);
      else
        tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "connectivity-error"));
      run (f, &f->alice);
      expect_end (&f->alice, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
    }
}

/* Of a file that is not under way it means nothing. */
static void
test_received_too_early (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = fd_jingle_message_new (FD_JINGLE_SESSION_INFO, "s");

  message->info = FD_SESSION_INFO_RECEIVED;
  accept (f);
  tell (f, &f->alice, message);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  wait_for_timer (f, &f->alice, 100);
  expect_end (&f->alice, FD_OUTCOME_FAILED, FD_BY_NETWORK, FD_ERROR_TIMEOUT);
}

/* --- ends --- */

/* Bytes still in flight when the sender ends the session count. */
static void
test_drain (Fixture *f, gconstpointer data)
{
  activate (f);
  /* Swift after its five seconds */
  g_assert_cmpint (tell (f, &f->bob, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, "media-error")), ==,
                   FD_REPLY_OK);
  expect_state (&f->bob, FD_CONTENT_DRAINING);
  wait_for_timer (f, &f->bob, 50); /* moves */
  expect_state (&f->bob, FD_CONTENT_DRAINING);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
  published (f);
  expect (&f->bob, "publish drop ended end");
  expect_end (&f->bob, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

static void
test_drain_idle (Fixture *f, gconstpointer data)
{
  activate (f);
  tell (f, &f->bob, message_why (FD_JINGLE_CONTENT_REMOVE, "file", "media-error"));
  expect_state (&f->bob, FD_CONTENT_DRAINING);
  wait_for_timer (f, &f->bob, 50);
  wait_for_timer (f, &f->bob, 50);
  pumped (f, &f->bob, 50, FALSE, NULL, FD_ERROR_CANCELLED);
  expect (&f->bob, "keep stop-pump cancel drop ended end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_REMOTE_FAILED);
}

/* The sender's daemon goes down: its stream ends with it, and its word says why. */
static void
test_sender_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "daemon stops");

  activate (f);
  fd_content_machine_abort (f->alice.content, FD_OUTCOME_FAILED, "gone", error, f->now);
  settle (f);
  pumped (f, &f->bob, 40, FALSE, NULL, FD_ERROR_CONNECTION_FAILED);
  wait_for_timer (f, &f->bob, 40);
  expect (&f->bob, "keep drop ended end");
  expect_end (&f->bob, FD_OUTCOME_FAILED, FD_BY_REMOTE, FD_ERROR_PEER_OFFLINE);
}

/* Reasons as users are to read them; with an underscore they come from Dino. */
static void
test_reasons (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *reason;
    FdOutcome outcome;
    FdErrorCode code;
  } cases[] = {
    { "decline", FD_OUTCOME_REJECTED, FD_ERROR_REJECTED },
    { "cancel", FD_OUTCOME_REJECTED, FD_ERROR_REJECTED }, /* Gajim */
    { "busy", FD_OUTCOME_REJECTED, FD_ERROR_BUSY },
    { "expired", FD_OUTCOME_FAILED, FD_ERROR_TIMEOUT },
    { "gone", FD_OUTCOME_FAILED, FD_ERROR_PEER_OFFLINE },
    { "unsupported-applications", FD_OUTCOME_FAILED, FD_ERROR_PEER_UNSUPPORTED },
    { "failed-transport", FD_OUTCOME_FAILED, FD_ERROR_NO_TRANSPORT },
    { "success", FD_OUTCOME_FAILED, FD_ERROR_REMOTE_FAILED },
    { "unheard-of", FD_OUTCOME_FAILED, FD_ERROR_REMOTE_FAILED },
    { NULL, FD_OUTCOME_FAILED, FD_ERROR_REMOTE_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      restart (f);
      offer (f);
      tell (f, &f->alice, message_why (FD_JINGLE_SESSION_TERMINATE, NULL, cases[i].reason));
      expect_end (&f->alice, cases[i].outcome, FD_BY_REMOTE, cases[i].code);
    }
}

/* After its end nothing moves a session. */
static void
test_after_end (Fixture *f, gconstpointer data)
{
  end_it (f);
  forget_logs (f);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      (void) tell (f, &f->bob, message_with (table[i].action, "file", s5b ("y")));
      (void) tell (f, &f->alice, message_with (table[i].action, "file", s5b ("y")));
      expect_end (&f->alice, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
      expect_end (&f->bob, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
    }
}

/* We take no files in a session where we offer ours. */
static void
test_add_to_sender (Fixture *f, gconstpointer data)
{
  FdJingleMessage *message = offer_of ("g", 1, s5b ("t"));

  message->action = FD_JINGLE_CONTENT_ADD;
  fd_jingle_message_get_content (message)->by_initiator = FALSE;
  accept (f);
  forget_logs (f);
  g_assert_cmpint (tell (f, &f->alice, message), ==, FD_REPLY_OK);
  expect (&f->alice, "content-reject=failed-application:g");
  g_assert_false (fd_jingle_message_get_content (f->alice.last)->by_initiator);
  expect_state (&f->alice, FD_CONTENT_NEGOTIATING);
}

/* Nothing is known of a session that was not offered yet. */
static void
test_before_offer (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (tell (f, &f->alice, message_about (FD_JINGLE_CONTENT_ADD, "x")), ==,
                   FD_REPLY_OUT_OF_ORDER);
  g_assert_cmpint (tell (f, &f->alice, offer_of ("x", 1, s5b ("t"))), ==, FD_REPLY_BAD_REQUEST);
  expect (&f->alice, "");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("every-action", set_up, test_every_action);
  ADD ("unknown-content", set_up, test_unknown_content);
  ADD ("no-contents", set_up, test_no_contents);
  ADD ("bad-offers", set_up, test_bad_offers);
  ADD ("file-request", set_up, test_file_request);
  ADD ("senders-missing", set_up, test_senders_missing);
  ADD ("dup-names", set_up, test_dup_names);
  ADD ("dup-initiate", set_up, test_dup_initiate);
  ADD ("initiate-refused", set_up, test_initiate_refused);
  ADD ("no-reply", set_up, test_no_reply);
  ADD ("initiator-attr", set_up, test_initiator_attr);
  ADD ("accept-before-ack", set_up, test_accept_before_ack);
  ADD ("accept-twice", set_up, test_accept_twice);
  ADD ("accept-foreign-transport", set_up, test_accept_foreign_transport);
  ADD ("accept-foreign-sid", set_up, test_accept_foreign_sid);
  ADD_WITH ("range", set_up, 60, test_range);
  ADD_WITH ("range-beyond", set_up, 101, test_range);
  ADD ("accept-refused", set_up, test_accept_refused);
  ADD ("unknown-session", set_up, test_unknown_session);
  ADD ("early-infos", set_up, test_early_infos);
  ADD ("early-infos-limit", set_up, test_early_infos_limit);
  ADD ("held-infos", set_up, test_held_infos);
  ADD ("iris", set_up, test_iris);
  ADD ("ping", set_up, test_ping);
  ADD ("received-only", set_up, test_received_only);
  ADD ("received-stands", set_up, test_received_stands);
  ADD ("received-too-early", set_up, test_received_too_early);
  ADD ("drain", set_up, test_drain);
  ADD ("drain-idle", set_up, test_drain_idle);
  ADD ("sender-gone", set_up, test_sender_gone);
  ADD ("reasons", set_up, test_reasons);
  ADD ("after-end", set_up, test_after_end);
  ADD ("add-to-sender", set_up, test_add_to_sender);
  ADD ("before-offer", set_up, test_before_offer);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two session machines against each other on a virtual clock, and steps to take
 * them through a transfer. A side writes what it was told to do into a log: one
 * word per action, with the content's name if that is not the usual one.
 */
#pragma once

#include "base/error.h"
#include "jingle/session-machine.h"

#include <string.h>

#define ALICE "alice@x/a"
#define BOB "bob@x/b"
#define SECOND G_USEC_PER_SEC
#define STEP static G_GNUC_UNUSED /* not every test program takes every step */
#define MAX_FILES 40

typedef struct Side Side;
struct Side
{
  FdSessionMachine *machine;
  FdContentMachine *content; /* the first that it knows */
  FdContentMachine *all[MAX_FILES];
  guint n_contents;
  Side *other; /* NULL: nobody answers */
  GString *log;
  FdReply last_reply; /* of the other side to our last request */
  FdJingleMessage *last; /* our last request */
  guint n_ends; /* of contents that ended or were redialed */
  guint64 offset;
  gint64 length;
  FdPath path;
};

typedef struct
{
  Side alice; /* initiator, sends */
  Side bob;
  gint64 now;
  /* For the next pair: */
  FdPath paths; /* of Alice; Bob decides when he accepts */
  FdQuirks quirks; /* of Bob, as Alice sees him */
  FdQuirks alice_quirks;
  FdExtensions extensions;
  FdFtVersion version;
  gboolean redialed;
  FdFile *file;
} Fixture;

static const FdDigest digest = { .algo = FD_HASH_SHA256, .length = 32, .bytes = { 1 } };
static const FdDigest other_digest = { .algo = FD_HASH_SHA256, .length = 32, .bytes = { 2 } };

STEP void
log_word (Side *side, const char *word, const char *name)
{
  gboolean usual = !name || strcmp (name, "file") == 0;

  g_string_append_printf (side->log, "%s%s%s%s", side->log->len ? " " : "", word, usual ? "" : ":",
                          usual ? "" : name);
}

/* action[=reason][:names] */
STEP void
log_message (Side *side, const FdJingleMessage *message)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *word = NULL;

  if (message->action == FD_JINGLE_SESSION_TERMINATE)
    word = g_strdup (message->reason);
  else
    word = g_strdup_printf ("%s%s%s", fd_jingle_action_name (message->action), message->reason ? "=" : "",
                            message->reason ? message->reason : "");
  for (guint i = 0; i < message->contents->len; i++)
    g_string_append_printf (names, "%s%s", i ? "," : "",
                            ((FdJingleContent *) message->contents->pdata[i])->name);
  log_word (side, word, names->len ? names->str : message->info_content);
}

/* What the driver answers. */
STEP void
answer (Fixture *f, Side *side, const FdJingleMessage *message, FdReply reply)
{
  g_autoptr (GError) error = NULL;

  if (reply != FD_REPLY_OK && reply != FD_REPLY_ASK_TRANSPORT)
    error = g_error_new_literal (FD_ERROR, FD_ERROR_PROTOCOL, "refused");
  side->last_reply = reply;
  fd_session_machine_answered (side->machine, message, error, FALSE, f->now);
}

/* A request for @side. */
STEP FdReply
say (Fixture *f, Side *side, const FdJingleMessage *message)
{
  FdContentMachine *asked = NULL;
  FdReply reply = fd_session_machine_receive (side->machine, message, &asked, f->now);

  g_assert_cmpint (asked != NULL, ==, reply == FD_REPLY_ASK_TRANSPORT);
  return reply;
}

/* Keeps it as side->last, and gives it to the other one. */
STEP void
deliver (Fixture *f, Side *side, FdJingleMessage *message)
{
  fd_jingle_message_free (side->last);
  side->last = message;
  log_message (side, message);
  if (side->other)
    answer (f, side, message, say (f, side->other, message));
}

STEP void
prepare (Fixture *f, const FdAction *action)
{
  const char *proposed = fd_transport_info_get_sid (&action->remote);
  FdTransportInfo local = { .kind = action->kind };

  if (action->kind == FD_TRANSPORT_KIND_S5B)
    local.s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, proposed ? proposed : "t");
  else
    local.ibb = fd_ibb_info_new (proposed ? proposed : "i",
                                 MIN (action->remote.ibb ? action->remote.ibb->block_size : 8192, 8192));
  fd_content_machine_transport_ready (action->content, &local, f->now);
  fd_transport_info_clear (&local);
}

STEP void
know (Side *side, FdContentMachine *content)
{
  g_assert_cmpuint (side->n_contents, <, MAX_FILES);
  side->all[side->n_contents++] = content;
  side->content = side->all[0];
}

STEP void
carry_out (Fixture *f, Side *side, FdAction *action)
{
  static const char *const words[] = {
    [FD_DO_TELL_OFFERED] = "offered",
    [FD_DO_REMOTE] = "remote",
    [FD_DO_START] = "start",
    [FD_DO_DROP] = "drop",
    [FD_DO_PUMP] = "pump",
    [FD_DO_STOP_PUMP] = "stop-pump",
    [FD_DO_PUBLISH] = "publish",
    [FD_DO_KEEP] = "keep",
    [FD_DO_KEEP_CORRUPT] = "corrupt",
    [FD_DO_DISCARD] = "discard",
    [FD_DO_TELL_ACCEPTED] = "accepted",
    [FD_DO_TELL_ACTIVE] = "active",
    [FD_DO_REDIAL] = "redial",
    [FD_DO_END_CONTENT] = "ended",
    [FD_DO_END] = "end",
  };
  const char *name = action->content ? fd_content_machine_get_name (action->content) : NULL;

  switch (action->what)
    {
    case FD_DO_SEND:
      deliver (f, side, g_steal_pointer (&action->message));
      return;
    case FD_DO_PREPARE:
      log_word (side, action->kind == FD_TRANSPORT_KIND_S5B ? "s5b" : "ibb", name);
      prepare (f, action);
      return;
    case FD_DO_TELL_OFFERED:
      know (side, action->content);
      break;
    case FD_DO_PUMP:
      side->offset = action->offset;
      side->length = action->length;
      break;
    case FD_DO_TELL_ACTIVE:
      side->path = action->path;
      break;
    case FD_DO_REDIAL:
    case FD_DO_END_CONTENT:
      side->n_ends++;
      break;
    default:
      break;
    }
  log_word (side, words[action->what], name);
}

STEP void
run (Fixture *f, Side *side)
{
  FdAction *next;

  while ((next = fd_session_machine_next (side->machine)))
    {
      g_autoptr (FdAction) action = next;

      carry_out (f, side, action);
    }
}

/* Until both have nothing more to do. */
STEP void
settle (Fixture *f)
{
  for (guint i = 0; i < 10; i++)
    {
      run (f, &f->alice);
      run (f, &f->bob);
    }
}

STEP void
expect (Side *side, const char *log)
{
  g_assert_cmpstr (side->log->str, ==, log);
  g_string_truncate (side->log, 0);
}

STEP void
expect_row (Side *side, guint row)
{
  g_assert_true (fd_rows_have (fd_session_machine_get_rows (side->machine), row));
}

STEP void
expect_state (Side *side, FdContentState state)
{
  g_assert_cmpint (fd_content_machine_get_state (side->content), ==, state);
}

STEP void
forget_logs (Fixture *f)
{
  g_string_truncate (f->alice.log, 0);
  g_string_truncate (f->bob.log, 0);
}

/* --- set up --- */

STEP void
clear_side (Side *side)
{
  g_clear_pointer (&side->machine, fd_session_machine_free);
  if (side->log)
    g_string_free (side->log, TRUE);
  fd_jingle_message_free (side->last);
  memset (side, 0, sizeof *side);
}

/* A new pair, as the fixture says. */
STEP void
restart (Fixture *f)
{
  FdSessionConfig config = {
    .initiator = TRUE,
    .me = ALICE,
    .peer = BOB,
    .sid = "s",
    .peer_transports = FD_TRANSPORT_S5B | FD_TRANSPORT_IBB,
    .version = f->version,
    .quirks = f->quirks,
    .extensions = f->extensions,
    .redialed = f->redialed,
  };

  clear_side (&f->alice);
  clear_side (&f->bob);
  f->now = 1000 * SECOND;
  f->alice.machine = fd_session_machine_new (&config);
  config.initiator = FALSE;
  config.me = BOB;
  config.peer = ALICE;
  config.quirks = f->alice_quirks;
  config.extensions = 0;
  f->bob.machine = fd_session_machine_new (&config);
  f->alice.other = &f->bob;
  f->bob.other = &f->alice;
  f->alice.log = g_string_new (NULL);
  f->bob.log = g_string_new (NULL);
}

STEP void
set_up (Fixture *f, gconstpointer data)
{
  f->paths = FD_PATH_ANY;
  f->file = fd_file_new ("x", 100);
  fd_file_set_hash (f->file, &digest);
  restart (f);
}

STEP void
set_up_checksum (Fixture *f, gconstpointer data)
{
  set_up (f, data);
  f->file->n_hashes = 0;
  f->file->hash_used = FD_HASH_SHA256;
}

STEP void
set_up_ibb (Fixture *f, gconstpointer data)
{
  set_up (f, data);
  f->paths = FD_PATH_IBB;
}

STEP void
set_up_batch (Fixture *f, gconstpointer data)
{
  set_up (f, data);
  f->extensions = FD_EXT_BATCH;
  restart (f);
}

STEP void
tear_down (Fixture *f, gconstpointer data)
{
  clear_side (&f->alice);
  clear_side (&f->bob);
  g_clear_pointer (&f->file, fd_file_free);
}

/* --- steps --- */

STEP FdContentMachine *
add (Fixture *f)
{
  FdContentMachine *content = fd_session_machine_add (f->alice.machine, f->file, f->paths, f->now);

  if (content)
    know (&f->alice, content);
  return content;
}

STEP void
offer (Fixture *f)
{
  g_assert_nonnull (add (f));
  settle (f);
  expect_state (&f->alice, FD_CONTENT_OFFERED);
  expect_state (&f->bob, FD_CONTENT_OFFERED);
}

STEP void
accept (Fixture *f)
{
  offer (f);
  fd_content_machine_accept (f->bob.content, FD_PATH_ANY, 0, f->now);
  settle (f);
  expect_state (&f->alice, FD_CONTENT_NEGOTIATING);
  expect_state (&f->bob, FD_CONTENT_NEGOTIATING);
}

STEP void
connect_contents (Fixture *f, guint i, FdPath path)
{
  fd_content_machine_transport_connected (f->alice.all[i], path, f->now);
  fd_content_machine_transport_connected (f->bob.all[i], path, f->now);
  settle (f);
}

STEP void
connect_both (Fixture *f, FdPath path)
{
  connect_contents (f, 0, path);
}

STEP void
activate (Fixture *f)
{
  accept (f);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  forget_logs (f);
}

STEP void
pumped_content (Fixture *f, FdContentMachine *content, guint64 bytes, gboolean complete, const FdDigest *hash,
                int error_code)
{
  g_autoptr (GError) error = complete ? NULL : g_error_new_literal (FD_ERROR, error_code, "broke");
  FdPumpResult result = { .bytes = bytes, .complete = complete, .error = error };

  if (hash)
    result.digest = *hash;
  fd_content_machine_pumped (content, &result, f->now);
  settle (f);
}

STEP void
pumped (Fixture *f, Side *side, guint64 bytes, gboolean complete, const FdDigest *hash, int error_code)
{
  pumped_content (f, side->content, bytes, complete, hash, error_code);
}

STEP void
all_moved_of (Fixture *f, guint i)
{
  pumped_content (f, f->alice.all[i], 100, TRUE, &digest, 0);
  pumped_content (f, f->bob.all[i], 100, TRUE, &digest, 0);
}

STEP void
all_moved (Fixture *f)
{
  all_moved_of (f, 0);
}

STEP void
published_of (Fixture *f, guint i)
{
  fd_content_machine_published (f->bob.all[i], NULL, f->now);
  settle (f);
}

STEP void
published (Fixture *f)
{
  published_of (f, 0);
}

STEP void
wait_for_timer (Fixture *f, Side *side, guint64 bytes)
{
  gint64 deadline = fd_session_machine_get_deadline (side->machine);

  g_assert_cmpint (deadline, >=, f->now);
  f->now = deadline;
  if (side->content)
    fd_content_machine_progress (side->content, bytes, FALSE);
  fd_session_machine_tick (side->machine, f->now);
  settle (f);
}

STEP void
expect_content_end (FdContentMachine *content, FdOutcome outcome, FdEndedBy by, int code)
{
  const FdContentEnd *end = fd_content_machine_get_end (content);

  g_assert_cmpint (fd_content_machine_get_state (content), ==, FD_CONTENT_ENDED);
  if (outcome == FD_OUTCOME_DONE)
    g_assert_no_error (end->error);
  else
    g_assert_error (end->error, FD_ERROR, code);
  g_assert_cmpint (end->outcome, ==, outcome);
  g_assert_cmpint (end->by, ==, by);
}

/* And of the session with it. */
STEP void
expect_end (Side *side, FdOutcome outcome, FdEndedBy by, int code)
{
  expect_content_end (side->content, outcome, by, code);
  g_assert_cmpint (fd_session_machine_get_state (side->machine), ==, FD_SESSION_ENDED);
  g_assert_cmpint (fd_session_machine_get_deadline (side->machine), ==, -1);
  g_assert_cmpuint (side->n_ends, ==, side->n_contents);
}

STEP void
expect_both_done (Fixture *f)
{
  expect_end (&f->alice, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
  expect_end (&f->bob, FD_OUTCOME_DONE, FD_BY_NOBODY, 0);
}

STEP void
transport_failed (Fixture *f, Side *side)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_NO_TRANSPORT, "no TCP path");

  fd_content_machine_transport_failed (side->content, error, f->now);
  settle (f);
}

STEP void
expect_text (Side *side, const char *text)
{
  g_assert_nonnull (strstr (fd_content_machine_get_end (side->content)->error->message, text));
}

/* --- what a peer may say --- */

STEP FdJingleMessage *
message_about (FdJingleAction action, const char *name)
{
  FdJingleMessage *message = fd_jingle_message_new (action, "s");

  if (name)
    fd_jingle_message_add_content (message, TRUE, name)->senders = FD_SENDERS_INITIATOR;
  return message;
}

STEP FdTransportInfo
s5b (const char *sid)
{
  return (FdTransportInfo){ .kind = FD_TRANSPORT_KIND_S5B, .s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, sid) };
}

STEP FdTransportInfo
ibb (const char *sid, guint block_size)
{
  return (FdTransportInfo){ .kind = FD_TRANSPORT_KIND_IBB, .ibb = fd_ibb_info_new (sid, block_size) };
}

/* @transport is taken. */
STEP FdJingleMessage *
message_with (FdJingleAction action, const char *name, FdTransportInfo transport)
{
  FdJingleMessage *message = message_about (action, name);

  fd_jingle_message_get_content (message)->transport = transport;
  return message;
}

STEP FdJingleMessage *
message_why (FdJingleAction action, const char *name, const char *reason)
{
  FdJingleMessage *message = message_about (action, name);

  message->reason = g_strdup (reason);
  return message;
}

/* Says it as the silent other side of @side, and lets that act. @message is taken. */
STEP FdReply
tell (Fixture *f, Side *side, FdJingleMessage *message)
{
  FdReply reply;

  side->other = NULL;
  reply = say (f, side, message);
  run (f, side);
  fd_jingle_message_free (message);
  return reply;
}

#define ADD(name, up, function) g_test_add (PREFIX name, Fixture, NULL, up, function, tear_down)
#define ADD_WITH(name, up, number, function) \
  g_test_add (PREFIX name, Fixture, GINT_TO_POINTER (number), up, function, tear_down)

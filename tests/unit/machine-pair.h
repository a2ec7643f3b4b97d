/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two session machines against each other on a virtual clock, and steps to take
 * them through a transfer. A side writes what it was told to do into a log: one
 * word per action.
 */
#pragma once

#include "base/error.h"
#include "jingle/machine.h"

#include <string.h>

#define ALICE "alice@x/a"
#define BOB "bob@x/b"
#define SECOND G_USEC_PER_SEC
#define STEP static G_GNUC_UNUSED /* not every test program takes every step */

typedef struct Side Side;
struct Side
{
  FdMachine *machine;
  Side *other; /* NULL: nobody answers */
  GString *log;
  FdReply last_reply; /* of the other side to our last request */
  guint64 offset;
  gint64 length;
  FdPath path;
};

typedef struct
{
  Side alice; /* initiator, sends */
  Side bob;
  gint64 now;
} Fixture;

static const FdDigest digest = { .algo = FD_HASH_SHA256, .length = 32, .bytes = { 1 } };
static const FdDigest other_digest = { .algo = FD_HASH_SHA256, .length = 32, .bytes = { 2 } };

static void run (Fixture *f, Side *side);

STEP void
log_word (Side *side, const char *word)
{
  g_string_append_printf (side->log, "%s%s", side->log->len ? " " : "", word);
}

STEP void
answer (Fixture *f, Side *side, FdJingleAction action, FdReply reply)
{
  g_autoptr (GError) error = NULL;

  if (reply != FD_REPLY_OK && reply != FD_REPLY_ASK_TRANSPORT)
    error = g_error_new_literal (FD_ERROR, FD_ERROR_PROTOCOL, "refused");
  side->last_reply = reply;
  fd_machine_answered (side->machine, action, error, FALSE, f->now);
}

STEP void
deliver (Fixture *f, Side *side, FdJingleMessage *message)
{
  log_word (side, message->action == FD_JINGLE_SESSION_TERMINATE ? message->reason
                                                                 : fd_jingle_action_name (message->action));
  if (!side->other)
    return;
  answer (f, side, message->action, fd_machine_receive (side->other->machine, message, f->now));
}

STEP void
prepare (Fixture *f, Side *side, const FdAction *action)
{
  FdTransportInfo local = { .kind = action->kind };

  if (action->kind == FD_TRANSPORT_KIND_S5B)
    local.s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, "t");
  else
    local.ibb = fd_ibb_info_new ("t", action->remote.ibb ? action->remote.ibb->block_size : 8192);
  fd_machine_transport_ready (side->machine, &local, f->now);
  fd_transport_info_clear (&local);
}

STEP void
run (Fixture *f, Side *side)
{
  static const char *const words[] = {
    [FD_DO_REMOTE] = "remote",
    [FD_DO_START] = "start",
    [FD_DO_DROP] = "drop",
    [FD_DO_PUMP] = "pump",
    [FD_DO_STOP_PUMP] = "stop-pump",
    [FD_DO_PUBLISH] = "publish",
    [FD_DO_KEEP] = "keep",
    [FD_DO_KEEP_CORRUPT] = "corrupt",
    [FD_DO_TELL_ACCEPTED] = "accepted",
    [FD_DO_TELL_ACTIVE] = "active",
    [FD_DO_END] = "end",
  };
  FdAction *next;

  while ((next = fd_machine_next (side->machine)))
    {
      g_autoptr (FdAction) action = next;

      switch (action->what)
        {
        case FD_DO_SEND:
          deliver (f, side, action->message);
          break;
        case FD_DO_PREPARE:
          log_word (side, action->kind == FD_TRANSPORT_KIND_S5B ? "s5b" : "ibb");
          prepare (f, side, action);
          break;
        case FD_DO_PUMP:
          side->offset = action->offset;
          side->length = action->length;
          log_word (side, "pump");
          break;
        case FD_DO_TELL_ACTIVE:
          side->path = action->path;
          log_word (side, "active");
          break;
        default:
          log_word (side, words[action->what]);
          break;
        }
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
set_up_file (Fixture *f, FdPath paths, const FdFile *file)
{
  FdMachineConfig config = {
    .initiator = TRUE,
    .me = ALICE,
    .peer = BOB,
    .sid = "s",
    .peer_transports = FD_TRANSPORT_S5B | FD_TRANSPORT_IBB,
    .paths = paths,
  };

  f->now = 1000 * SECOND;
  f->alice.machine = fd_machine_new (&config, file);
  config.initiator = FALSE;
  config.me = BOB;
  config.peer = ALICE;
  f->bob.machine = fd_machine_new (&config, NULL);
  f->alice.other = &f->bob;
  f->bob.other = &f->alice;
  f->alice.log = g_string_new (NULL);
  f->bob.log = g_string_new (NULL);
}

STEP void
set_up_paths (Fixture *f, FdPath paths, gboolean with_hash, FdHashAlgo hash_used)
{
  g_autoptr (FdFile) file = fd_file_new ("x", 100);

  if (with_hash)
    fd_file_set_hash (file, &digest);
  file->hash_used = hash_used;
  set_up_file (f, paths, file);
}

STEP void
set_up (Fixture *f, gconstpointer data)
{
  set_up_paths (f, FD_PATH_ANY, TRUE, FD_HASH_NONE);
}

STEP void
set_up_checksum (Fixture *f, gconstpointer data)
{
  set_up_paths (f, FD_PATH_ANY, FALSE, FD_HASH_SHA256);
}

STEP void
set_up_ibb (Fixture *f, gconstpointer data)
{
  set_up_paths (f, FD_PATH_IBB, TRUE, FD_HASH_NONE);
}

STEP void
tear_down (Fixture *f, gconstpointer data)
{
  fd_machine_free (f->alice.machine);
  fd_machine_free (f->bob.machine);
  g_string_free (f->alice.log, TRUE);
  g_string_free (f->bob.log, TRUE);
}

/* --- steps --- */

STEP void
offer (Fixture *f)
{
  fd_machine_start (f->alice.machine, f->now);
  settle (f);
  g_assert_cmpint (fd_machine_get_state (f->alice.machine), ==, FD_MACHINE_OFFERED);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_OFFERED);
}

STEP void
accept (Fixture *f)
{
  offer (f);
  fd_machine_accept (f->bob.machine, FD_PATH_ANY, f->now);
  settle (f);
  g_assert_cmpint (fd_machine_get_state (f->alice.machine), ==, FD_MACHINE_NEGOTIATING);
  g_assert_cmpint (fd_machine_get_state (f->bob.machine), ==, FD_MACHINE_NEGOTIATING);
}

STEP void
connect_both (Fixture *f, FdPath path)
{
  fd_machine_transport_connected (f->alice.machine, path, f->now);
  fd_machine_transport_connected (f->bob.machine, path, f->now);
  settle (f);
}

STEP void
activate (Fixture *f)
{
  accept (f);
  connect_both (f, FD_PATH_SOCKS5_DIRECT);
  g_string_truncate (f->alice.log, 0);
  g_string_truncate (f->bob.log, 0);
}

STEP void
pumped (Fixture *f, Side *side, guint64 bytes, gboolean complete, const FdDigest *hash, int error_code)
{
  g_autoptr (GError) error = complete ? NULL : g_error_new_literal (FD_ERROR, error_code, "broke");
  FdPumpResult result = { .bytes = bytes, .complete = complete, .error = error };

  if (hash)
    result.digest = *hash;
  fd_machine_pumped (side->machine, &result, f->now);
  settle (f);
}

STEP void
all_moved (Fixture *f)
{
  pumped (f, &f->alice, 100, TRUE, &digest, 0);
  pumped (f, &f->bob, 100, TRUE, &digest, 0);
}

STEP void
published (Fixture *f)
{
  fd_machine_published (f->bob.machine, NULL, f->now);
  settle (f);
}

STEP void
wait_for_timer (Fixture *f, Side *side, guint64 bytes)
{
  gint64 deadline = fd_machine_get_deadline (side->machine);

  g_assert_cmpint (deadline, >=, f->now);
  f->now = deadline;
  fd_machine_tick (side->machine, bytes, f->now);
  settle (f);
}

STEP void
expect_end (Side *side, FdOutcome outcome, FdEndedBy by, int code)
{
  const FdSessionEnd *end = fd_machine_get_end (side->machine);

  g_assert_cmpint (fd_machine_get_state (side->machine), ==, FD_MACHINE_ENDED);
  g_assert_cmpint (end->outcome, ==, outcome);
  g_assert_cmpint (end->by, ==, by);
  if (outcome == FD_OUTCOME_DONE)
    g_assert_no_error (end->error);
  else
    g_assert_error (end->error, FD_ERROR, code);
  g_assert_cmpint (fd_machine_get_deadline (side->machine), ==, -1);
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

  fd_machine_transport_failed (side->machine, error, f->now);
  settle (f);
}

#define ADD(name, up, function) g_test_add (PREFIX name, Fixture, NULL, up, function, tear_down)
#define ADD_WITH(name, up, number, function) \
  g_test_add (PREFIX name, Fixture, GINT_TO_POINTER (number), up, function, tear_down)

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two session machines whose users, networks, transports and disks do what dice
 * say. Whatever happens, every file that a driver knows ends once, nothing
 * follows the end of a session, and nothing waits without a timer.
 */
#include "base/error.h"
#include "jingle/session-machine.h"

#define SEEDS 3000
#define STEPS 300
#define MAX_FILES 6

typedef struct
{
  FdContentMachine *machine;
  FdTransportKind preparing;
  char *sid; /* of the peer's proposal */
  gboolean pumping;
  gboolean stopped;
  gboolean publishing;
  guint ends;
} Content;

typedef struct Side
{
  FdSessionMachine *machine;
  struct Side *other;
  Content contents[64];
  guint n_contents;
  GQueue inbox; /* FdJingleMessage, from the other side */
  GQueue answers; /* Answer, to requests of this side */
  gboolean ended;
} Side;

typedef struct
{
  FdJingleMessage *message;
  FdReply reply;
} Answer;

typedef struct
{
  GRand *dice;
  Side alice;
  Side bob;
  FdFile *file;
  gint64 now;
  FdRows rows;
} World;

static const FdDigest good = { .algo = FD_HASH_SHA256, .length = 32, .bytes = { 1 } };

static gboolean
chance (World *w, int percent)
{
  return g_rand_int_range (w->dice, 0, 100) < percent;
}

static void
answer_free (gpointer data)
{
  fd_jingle_message_free (((Answer *) data)->message);
  g_free (data);
}

/* --- the driver --- */

static Content *
know (Side *side, FdContentMachine *machine)
{
  Content *content = &side->contents[side->n_contents++];

  g_assert_cmpuint (side->n_contents, <=, G_N_ELEMENTS (side->contents));
  content->machine = machine;
  fd_content_machine_set_data (machine, content);
  return content;
}

static void
carry_out (Side *side, FdAction *action)
{
  Content *content = action->content ? fd_content_machine_get_data (action->content) : NULL;

  g_assert_false (side->ended);
  if (content)
    g_assert_cmpuint (content->ends, ==, 0);
  switch (action->what)
    {
    case FD_DO_SEND:
      g_queue_push_tail (&side->other->inbox, g_steal_pointer (&action->message));
      break;
    case FD_DO_TELL_OFFERED:
      know (side, action->content);
      break;
    case FD_DO_PREPARE:
      content->preparing = action->kind;
      g_free (content->sid);
      content->sid = g_strdup (fd_transport_info_get_sid (&action->remote));
      break;
    case FD_DO_PUMP:
      g_assert_false (content->pumping);
      content->pumping = TRUE;
      content->stopped = FALSE;
      break;
    case FD_DO_STOP_PUMP:
      g_assert_true (content->pumping);
      content->stopped = TRUE;
      break;
    case FD_DO_DROP:
      g_assert_false (content->pumping);
      content->preparing = FD_TRANSPORT_KIND_NONE;
      break;
    case FD_DO_PUBLISH:
      content->publishing = TRUE;
      break;
    case FD_DO_REDIAL:
    case FD_DO_END_CONTENT:
      g_assert_false (content->pumping || content->publishing);
      content->ends++;
      break;
    case FD_DO_END:
      side->ended = TRUE;
      break;
    default:
      break;
    }
}

static void
run (Side *side)
{
  FdAction *next;

  while ((next = fd_session_machine_next (side->machine)))
    {
      g_autoptr (FdAction) action = next;

      carry_out (side, action);
    }
}

/* --- the world --- */

static void
ready (World *w, Content *content)
{
  FdTransportInfo local = { .kind = content->preparing };
  const char *sid = content->sid ? content->sid : chance (w, 50) ? "t" : "u";

  if (local.kind == FD_TRANSPORT_KIND_S5B)
    local.s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, sid);
  else
    local.ibb = fd_ibb_info_new (sid, 4096);
  content->preparing = FD_TRANSPORT_KIND_NONE;
  fd_content_machine_transport_ready (content->machine, &local, w->now);
  fd_transport_info_clear (&local);
}

static void
fail_transport (World *w, Content *content)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_NO_TRANSPORT, "dice");

  content->preparing = FD_TRANSPORT_KIND_NONE;
  fd_content_machine_transport_failed (content->machine, error, w->now);
}

static void
stop_pump (World *w, Content *content, gboolean complete, guint64 bytes)
{
  g_autoptr (GError) error = complete ? NULL
                             : content->stopped
                               ? g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "stopped")
                               : g_error_new_literal (FD_ERROR, FD_ERROR_CONNECTION_FAILED, "dice");
  FdPumpResult result = { .bytes = bytes, .complete = complete, .error = error, .digest = good };

  content->pumping = FALSE;
  fd_content_machine_pumped (content->machine, &result, w->now);
}

static void
publish (World *w, Content *content, gboolean works)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_WRITE_FAILED, "dice");

  content->publishing = FALSE;
  fd_content_machine_published (content->machine, works ? NULL : error, w->now);
}

static void
receive (World *w, Side *side)
{
  Answer *answer = g_new0 (Answer, 1);
  FdContentMachine *asked = NULL;

  answer->message = g_queue_pop_head (&side->inbox);
  if (side->ended)
    answer->reply = FD_REPLY_ITEM_NOT_FOUND;
  else
    answer->reply = fd_session_machine_receive (side->machine, answer->message, &asked, w->now);
  if (chance (w, 3))
    answer->reply = FD_REPLY_BAD_REQUEST;
  g_queue_push_tail (&side->other->answers, answer);
}

static void
take_answer (World *w, Side *side)
{
  Answer *answer = g_queue_pop_head (&side->answers);
  gboolean ok = answer->reply == FD_REPLY_OK || answer->reply == FD_REPLY_ASK_TRANSPORT;
  g_autoptr (GError) error
    = ok ? NULL
         : g_error_new_literal (FD_ERROR, chance (w, 30) ? FD_ERROR_TIMEOUT : FD_ERROR_PROTOCOL, "dice");

  if (!side->ended)
    fd_session_machine_answered (side->machine, answer->message, error, side->other->ended, w->now);
  answer_free (answer);
}

/* Something that no peer of ours would say. */
static void
lie (World *w, Side *side)
{
  static const char *const reasons[] = { NULL, "success", "cancel", "failed-transport", "media-error" };
  FdJingleAction action = chance (w, 30)
                            ? FD_JINGLE_TRANSPORT_REPLACE
                            : (FdJingleAction) g_rand_int_range (w->dice, 0, FD_N_JINGLE_ACTIONS);
  FdJingleMessage *message = fd_jingle_message_new (action, "s");
  int n = g_rand_int_range (w->dice, 0, 3);

  for (int i = 0; i < n; i++)
    {
      FdJingleContent *content = fd_jingle_message_add_content (message, TRUE,
                                                                chance (w, 60)   ? "file"
                                                                : chance (w, 80) ? "file-2"
                                                                                 : "q");

      content->senders = FD_SENDERS_INITIATOR;
      if (chance (w, 50))
        content->file = fd_file_copy (w->file);
      content->transport.kind = (FdTransportKind) g_rand_int_range (w->dice, 0, 4);
      if (content->transport.kind == FD_TRANSPORT_KIND_S5B)
        content->transport.s5b = fd_s5b_info_new (FD_S5B_CANDIDATES, chance (w, 50) ? "t" : NULL);
      if (content->transport.kind == FD_TRANSPORT_KIND_IBB)
        content->transport.ibb = fd_ibb_info_new (chance (w, 50) ? "u" : NULL, 4096);
    }
  message->reason = g_strdup (reasons[g_rand_int_range (w->dice, 0, G_N_ELEMENTS (reasons))]);
  message->info = (FdSessionInfoKind) g_rand_int_range (w->dice, 0, 4);
  if (message->info == FD_SESSION_INFO_CHECKSUM)
    message->checksum = fd_file_copy (w->file);
  message->early_accept = chance (w, 50);
  g_queue_push_tail (&side->inbox, message);
}

static void
add (World *w)
{
  FdContentMachine *content = fd_session_machine_add (
    w->alice.machine, w->file, chance (w, 80) ? FD_PATH_ANY : FD_PATH_SOCKS5_DIRECT, w->now);

  if (content)
    know (&w->alice, content);
}

/* --- the dice --- */

static void
use_content (World *w, Side *side, Content *content)
{
  g_autoptr (GError) error = g_error_new_literal (FD_ERROR, FD_ERROR_CANCELLED, "dice");
  FdContentMachine *machine = content->machine;

  if (content->pumping && chance (w, 50))
    fd_content_machine_progress (machine, (guint64) g_rand_int_range (w->dice, 0, 100), FALSE);
  if (content->preparing != FD_TRANSPORT_KIND_NONE && chance (w, 90))
    ready (w, content);
  else if (content->pumping && (content->stopped || chance (w, 40)))
    stop_pump (w, content, chance (w, 70), chance (w, 30) ? 0 : 100);
  else if (content->publishing)
    publish (w, content, chance (w, 90));
  else if (side == &w->bob && fd_content_machine_get_state (machine) == FD_CONTENT_OFFERED && chance (w, 50))
    {
      if (chance (w, 80))
        fd_content_machine_accept (machine, chance (w, 80) ? FD_PATH_ANY : FD_PATH_SOCKS5_DIRECT, 0, w->now);
      else
        fd_content_machine_reject (machine, w->now);
    }
  else if (chance (w, 40))
    fd_content_machine_transport_connected (machine, chance (w, 50) ? FD_PATH_SOCKS5_DIRECT : FD_PATH_IBB,
                                            w->now);
  else if (chance (w, 20))
    fail_transport (w, content);
  else if (chance (w, 40))
    fd_content_machine_transport_drained (machine, w->now);
  else if (chance (w, 3))
    fd_content_machine_abort (machine, FD_OUTCOME_CANCELLED, "cancel", error, w->now);
}

static void
use_session (World *w, Side *side)
{
  gint64 deadline = fd_session_machine_get_deadline (side->machine);

  w->now += g_rand_int_range (w->dice, 0, 200000);
  if (chance (w, 5) && deadline >= 0 && (deadline < w->now + FD_MS (FD_T_STALL) || chance (w, 20)))
    {
      w->now = MAX (w->now, deadline);
      fd_session_machine_tick (side->machine, w->now);
    }
  else if (chance (w, 1))
    fd_session_machine_stream_lost (side->machine, w->now);
  else if (chance (w, 10))
    fd_session_machine_stream_up (side->machine, w->now);
  else if (chance (w, 2))
    fd_session_machine_peer_gone (side->machine, w->now);
  else if (chance (w, 8))
    lie (w, side);
}

static void
step (World *w)
{
  Side *side = chance (w, 50) ? &w->alice : &w->bob;

  if (side->inbox.length > 0 && chance (w, 60))
    receive (w, side);
  else if (side->answers.length > 0 && chance (w, 60))
    take_answer (w, side);
  else if (!side->ended && side->n_contents > 0 && chance (w, 70))
    {
      Content *content = &side->contents[g_rand_int_range (w->dice, 0, (int) side->n_contents)];

      if (content->ends == 0)
        use_content (w, side, content);
    }
  else if (!side->ended && side == &w->alice && side->n_contents < MAX_FILES && chance (w, 10))
    add (w);
  else if (!side->ended)
    use_session (w, side);
  run (&w->alice);
  run (&w->bob);
}

/* Everybody has done with it: what is under way fails, and the rest has timers. */
static void
wind_up (World *w, Side *side)
{
  for (guint i = 0; i < side->n_contents; i++)
    {
      Content *content = &side->contents[i];

      if (content->ends > 0)
        continue;
      if (content->pumping)
        stop_pump (w, content, FALSE, 50);
      else if (content->publishing)
        publish (w, content, TRUE);
      else
        fail_transport (w, content);
      run (side);
    }
}

static void
settle (World *w, Side *side)
{
  for (guint i = 0; i < 100 && !side->ended; i++)
    {
      gint64 deadline = fd_session_machine_get_deadline (side->machine);

      wind_up (w, side);
      if (side->ended)
        break;
      deadline = fd_session_machine_get_deadline (side->machine);
      if (deadline >= 0)
        {
          w->now = MAX (w->now, deadline);
          fd_session_machine_tick (side->machine, w->now);
        }
      else
        fd_session_machine_stream_up (side->machine, w->now);
      run (side);
      g_queue_clear_full (&side->other->inbox, (GDestroyNotify) fd_jingle_message_free);
      g_queue_init (&side->other->inbox);
    }
  g_assert_true (side->ended);
  g_assert_cmpint (fd_session_machine_get_deadline (side->machine), ==, -1);
  for (guint i = 0; i < side->n_contents; i++)
    {
      const FdContentEnd *end = fd_content_machine_get_end (side->contents[i].machine);

      g_assert_cmpuint (side->contents[i].ends, ==, 1);
      g_assert_true ((end->outcome == FD_OUTCOME_DONE) == (end->error == NULL));
    }
}

static void
open_side (World *w, Side *side, Side *other, FdSessionConfig *config)
{
  config->quirks = chance (w, 70) ? 0 : (FdQuirks) g_rand_int_range (w->dice, 0, 512);
  config->redialed = chance (w, 10);
  side->machine = fd_session_machine_new (config);
  side->other = other;
  g_queue_init (&side->inbox);
  g_queue_init (&side->answers);
}

static void
close_side (World *w, Side *side)
{
  w->rows |= fd_session_machine_get_rows (side->machine);
  fd_session_machine_free (side->machine);
  g_queue_clear_full (&side->inbox, (GDestroyNotify) fd_jingle_message_free);
  g_queue_clear_full (&side->answers, answer_free);
  for (guint i = 0; i < side->n_contents; i++)
    g_free (side->contents[i].sid);
  *side = (Side){ 0 };
}

static void
play (World *w, guint seed)
{
  FdSessionConfig config = { .initiator = TRUE, .me = "a@x/a", .peer = "b@x/b", .sid = "s" };

  w->dice = g_rand_new_with_seed (seed);
  w->now = G_USEC_PER_SEC;
  w->file = fd_file_new ("x", chance (w, 20) ? 0 : chance (w, 90) ? 100 : -1);
  if (chance (w, 50))
    fd_file_set_hash (w->file, &good);
  else
    w->file->hash_used = FD_HASH_SHA256;
  config.peer_transports = FD_TRANSPORT_S5B | (chance (w, 80) ? FD_TRANSPORT_IBB : 0);
  config.extensions = (FdExtensions) g_rand_int_range (w->dice, 0, 16);
  config.version = chance (w, 80) ? FD_FT_5 : FD_FT_4;
  open_side (w, &w->alice, &w->bob, &config);
  config = (FdSessionConfig){
    .me = "b@x/b", .peer = "a@x/a", .sid = "s", .peer_transports = config.peer_transports
  };
  open_side (w, &w->bob, &w->alice, &config);

  add (w);
  run (&w->alice);
  for (guint i = 0; i < STEPS; i++)
    step (w);
  settle (w, &w->alice);
  if (w->bob.n_contents > 0)
    settle (w, &w->bob);
  close_side (w, &w->alice);
  close_side (w, &w->bob);
  g_rand_free (w->dice);
  fd_file_free (w->file);
}

static void
test_chaos (void)
{
  static const guint reached[]
    = { 3, 5, 6, 7, 33, 34, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52 };
  World w = { 0 };

  for (guint seed = 0; seed < SEEDS; seed++)
    {
      g_test_message ("seed %u", seed);
      play (&w, seed);
    }
  for (guint i = 0; i < G_N_ELEMENTS (reached); i++)
    {
      g_test_message ("row %u", reached[i]);
      g_assert_true (fd_rows_have (w.rows, reached[i]));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jingle-chaos/chaos", test_chaos);
  return g_test_run ();
}

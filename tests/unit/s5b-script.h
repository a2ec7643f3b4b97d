/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests of the negotiation machine alone: an event, and the actions that
 * must follow it, on a virtual clock.
 */
#pragma once

#include "s5b/negotiation.h"

#define DIRECT(name, prio) \
  (FdS5bCandidate) \
  { \
    .cid = (char *) name, .jid = (char *) "peer@example/x", .priority = prio, .type = FD_S5B_DIRECT \
  }
/* As iris writes it. */
#define NO_JID(name, prio) \
  (FdS5bCandidate) \
  { \
    .cid = (char *) name, .priority = prio, .type = FD_S5B_DIRECT \
  }
#define PROXY(name, prio) \
  (FdS5bCandidate) \
  { \
    .cid = (char *) name, .priority = prio, .type = FD_S5B_PROXY \
  }

static const char *const script_kinds[] = { "candidates", "used", "error", "activated", "proxy-error" };
static const char *const script_sources[] = { "dialed", "incoming", "activated" };
static const char *const script_failures[]
  = { "no-path", "nothing-to-offer", "peer-proxy-error", "activation", "act-timeout", "closed" };

typedef struct
{
  FdS5bNegotiation *n;
  gint64 now;
} Fixture;

static inline void
setup_rules (Fixture *f, FdS5bRules rules)
{
  f->n = fd_s5b_negotiation_new (&rules);
  f->now = G_GINT64_CONSTANT (1000000000);
}

static inline void
setup (Fixture *f, gconstpointer initiator)
{
  setup_rules (f, (FdS5bRules){ .initiator = initiator != NULL });
}

/* Starts over as another kind of party. */
static inline void
again (Fixture *f, FdS5bRules rules)
{
  fd_s5b_negotiation_free (f->n);
  setup_rules (f, rules);
}

static inline void
teardown (Fixture *f, gconstpointer data)
{
  fd_s5b_negotiation_free (f->n);
}

static inline char *
action_text (const FdS5bAction *action)
{
  switch (action->type)
    {
    case FD_S5B_DO_READY:
      return g_strdup ("ready");
    case FD_S5B_DO_DIAL:
      return g_strdup_printf ("dial:%s", action->cid);
    case FD_S5B_DO_UNDIAL:
      return g_strdup_printf ("undial:%s", action->cid);
    case FD_S5B_DO_SEND:
      return g_strdup_printf ("%s:%s%s", script_kinds[action->kind], action->cid ? action->cid : "",
                              action->last ? "!" : "");
    case FD_S5B_DO_ACTIVATE:
      return g_strdup_printf ("activate:%s", action->cid);
    case FD_S5B_DO_CONNECTED:
      return g_strdup_printf ("connected:%s:%s", script_sources[action->source], action->cid);
    case FD_S5B_DO_FAILED:
      return g_strdup_printf ("failed:%s", script_failures[action->failure]);
    default:
      g_assert_not_reached ();
    }
}

/* What the machine wants done now, in one line. */
static inline void
expect (Fixture *f, const char *wanted)
{
  g_autoptr (GString) got = g_string_new (NULL);
  FdS5bAction *next;

  while ((next = fd_s5b_negotiation_next (f->n)))
    {
      g_autoptr (FdS5bAction) action = next;
      g_autofree char *text = action_text (action);

      g_string_append_printf (got, "%s%s", got->len > 0 ? " " : "", text);
    }
  g_assert_cmpstr (got->str, ==, wanted);
}

static inline void
feed (Fixture *f, FdS5bEventType type, const char *cid)
{
  const FdS5bEvent event = { .type = type, .cid = cid };

  g_assert_true (fd_s5b_negotiation_feed (f->n, &event, f->now));
}

static inline void
local (Fixture *f, FdS5bCandidate candidate)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_LOCAL, .candidate = &candidate };

  fd_s5b_negotiation_feed (f->n, &event, f->now);
}

static inline void
remote (Fixture *f, FdS5bCandidate candidate)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_REMOTE, .candidate = &candidate };

  fd_s5b_negotiation_feed (f->n, &event, f->now);
}

static inline gboolean
notify (Fixture *f, FdS5bKind kind, const char *cid)
{
  const FdS5bEvent event = { .type = FD_S5B_EV_NOTIFIED, .kind = kind, .cid = cid };

  return fd_s5b_negotiation_feed (f->n, &event, f->now);
}

/* Lets @ms pass, with a time event for each deadline on the way. */
static inline void
pass (Fixture *f, gint64 ms)
{
  gint64 until = f->now + ms * 1000;

  while (fd_s5b_negotiation_deadline (f->n) <= until)
    {
      f->now = MAX (f->now, fd_s5b_negotiation_deadline (f->n));
      feed (f, FD_S5B_EV_TIME, NULL);
    }
  f->now = until;
}

/* One candidate each, started, ours (if @dialed) reached. */
static inline void
start_one_each (Fixture *f, FdS5bCandidate ours, FdS5bCandidate theirs, gboolean dialed)
{
  local (f, ours);
  remote (f, theirs);
  feed (f, FD_S5B_EV_START, NULL);
  expect (f, "dial:r");
  feed (f, dialed ? FD_S5B_EV_DIALED : FD_S5B_EV_DIAL_FAILED, "r");
}

static inline gboolean
has_row (Fixture *f, guint row)
{
  return fd_rows_have (fd_s5b_negotiation_get_rows (f->n), row);
}

/* Asserts just these rows; 0 ends. */
#define assert_rows(f, ...) script_assert_rows ((f), (const guint[]){ __VA_ARGS__, 0 })

static inline void
script_assert_rows (Fixture *f, const guint *rows)
{
  g_autoptr (GString) got = g_string_new (NULL), wanted = g_string_new (NULL);

  for (; *rows; rows++)
    g_string_append_printf (wanted, " %u", *rows);
  for (guint row = 1; row <= FD_ROWS; row++)
    {
      if (has_row (f, row))
        g_string_append_printf (got, " %u", row);
    }
  g_assert_cmpstr (got->str, ==, wanted->str);
}

typedef struct
{
  const char *name;
  void (*run) (Fixture *f, gconstpointer initiator);
} Script;

/* Every script runs as either party; where that matters it looks. */
static inline void
add_scripts (const char *module, const Script *scripts, guint n)
{
  for (guint i = 0; i < n; i++)
    for (int initiator = 0; initiator < 2; initiator++)
      {
        g_autofree char *path
          = g_strdup_printf ("/%s/%s/%s", module, initiator ? "initiator" : "responder", scripts[i].name);

        g_test_add (path, Fixture, GINT_TO_POINTER (initiator), setup, scripts[i].run, teardown);
      }
}

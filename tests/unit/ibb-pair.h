/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two in-band streams of two accounts, wired to each other in one process.
 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "data/pump.h"
#include "ibb/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SID "s&1"

/* One end: an account with one stream. */
typedef struct
{
  const char *jid;
  struct Fixture *fixture;
  FdIq *iq;
  FdIbb *ibb;
  FdIbbTransport *transport;
  GQueue inbox; /* char*: what the other end wrote */
  int fd;
  guint connected, drained, failed;
  GError *error;
  gboolean free_in_connected, free_in_drained, free_in_failed;
  /* What it wrote. */
  guint opens, datas, closes, results, errors;
  char *last_error;
} Side;

typedef struct Fixture
{
  Side sides[2]; /* the opener first */
  guint delivery;
  /* Looks at each stanza before its delivery; TRUE drops it. */
  gboolean (*tamper) (struct Fixture *f, Side *from, xmpp_stanza_t *stanza);
  guint tampered;
} Fixture;

/* This program's delays of the stream, 2 s, 10 s, 30 s, pass at once; those of iqs only when asked. */
static gboolean hurry_iqs;
static guint last_delay; /* ms, of the stream */

guint
g_timeout_add (guint interval, GSourceFunc function, gpointer data)
{
  gboolean is_iq = interval >= FD_IQ_TIMEOUT_MS;

  if (!is_iq)
    last_delay = interval;
  return g_timeout_add_full (G_PRIORITY_LOW, is_iq && !hurry_iqs ? interval : 0, function, data, NULL);
}

static inline Side *
other_of (Side *side)
{
  return &side->fixture->sides[side == side->fixture->sides];
}

static inline void
note (Side *side, xmpp_stanza_t *stanza)
{
  xmpp_stanza_t *child = fd_xml_first (stanza);
  const char *type = fd_xml_attr (stanza, "type");

  if (g_str_equal (type, "result"))
    side->results++;
  else if (g_str_equal (type, "error"))
    {
      xmpp_stanza_t *error = fd_xml_child (stanza, "error", NULL);

      side->errors++;
      g_free (side->last_error);
      side->last_error
        = g_strdup_printf ("%s %s", fd_xml_attr (error, "type"), xmpp_stanza_get_name (fd_xml_first (error)));
    }
  else if (fd_xml_is (child, "open", FD_NS_IBB))
    side->opens++;
  else if (fd_xml_is (child, "data", FD_NS_IBB))
    side->datas++;
  else if (fd_xml_is (child, "close", FD_NS_IBB))
    side->closes++;
}

static inline gboolean
deliver (gpointer data)
{
  Fixture *f = data;

  f->delivery = 0;
  for (guint i = 0; i < 2; i++)
    for (guint n = f->sides[i].inbox.length; n > 0; n--)
      {
        Side *to = &f->sides[i], *from = other_of (to);
        g_autofree char *xml = g_queue_pop_head (&to->inbox);
        g_autoptr (FdXml) stanza = fd_xml_parse (xml, NULL);

        g_assert_nonnull (stanza);
        g_assert_cmpstr (fd_xml_attr (stanza, "to"), ==, to->jid);
        xmpp_stanza_set_from (stanza, from->jid);
        note (from, stanza);
        if (!f->tamper || !f->tamper (f, from, stanza))
          fd_iq_receive (to->iq, stanza);
      }
  return G_SOURCE_REMOVE;
}

static inline void
on_write (const char *xml, gsize length, gpointer data)
{
  Side *side = data;

  g_queue_push_tail (&other_of (side)->inbox, g_strndup (xml, length));
  if (!side->fixture->delivery)
    side->fixture->delivery = g_idle_add_full (G_PRIORITY_DEFAULT, deliver, side->fixture, NULL);
}

/* What @to would see if the server or the other end answered @stanza so. */
static inline void
answer_error (Side *to, xmpp_stanza_t *stanza, const char *type, const char *condition)
{
  g_autofree char *xml = g_strdup_printf ("<iq type='error' id='%s' from='%s'><error type='%s'>"
                                          "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                                          fd_xml_attr (stanza, "id"), other_of (to)->jid, type, condition);
  g_autoptr (FdXml) error = fd_xml_parse (xml, NULL);

  fd_iq_receive (to->iq, error);
}

/* A request that @from's stream would not make. */
static inline void
inject (Side *from, const char *payload)
{
  g_autofree char *xml
    = g_strdup_printf ("<iq type='set' id='injected' to='%s'>%s</iq>", other_of (from)->jid, payload);

  on_write (xml, strlen (xml), from);
}

static inline void
on_connected (FdIbbTransport *transport, int fd, gpointer data)
{
  Side *side = data;

  g_assert_true (transport == side->transport);
  g_assert_cmpint (fd, >=, 0);
  side->connected++;
  side->fd = fd;
  if (side->free_in_connected)
    g_clear_pointer (&side->transport, fd_ibb_transport_free);
}

static inline void
on_drained (FdIbbTransport *transport, gpointer data)
{
  Side *side = data;

  g_assert_cmpuint (side->failed, ==, 0);
  side->drained++;
  if (side->free_in_drained)
    g_clear_pointer (&side->transport, fd_ibb_transport_free);
}

static inline void
on_failed (FdIbbTransport *transport, const GError *error, gpointer data)
{
  Side *side = data;

  g_assert_cmpuint (side->failed, ==, 0);
  side->failed++;
  side->error = g_error_copy (error);
  if (side->free_in_failed)
    g_clear_pointer (&side->transport, fd_ibb_transport_free);
}

static const FdIbbHooks hooks = { on_connected, on_drained, on_failed };

static inline void
set_up (Fixture *f, gconstpointer data)
{
  static const char *const jids[] = { "a@one.example/1", "b@two.example/2" };

  for (guint i = 0; i < 2; i++)
    {
      Side *side = &f->sides[i];

      side->jid = jids[i];
      side->fixture = f;
      side->fd = -1;
      side->iq = fd_iq_new (on_write, side);
      fd_iq_set_own_jid (side->iq, side->jid);
      side->ibb = fd_ibb_new (side->iq);
    }
}

static inline void
tear_down (Fixture *f, gconstpointer data)
{
  hurry_iqs = FALSE;
  for (guint i = 0; i < 2; i++)
    {
      Side *side = &f->sides[i];

      g_clear_pointer (&side->transport, fd_ibb_transport_free);
      fd_ibb_free (side->ibb);
      fd_iq_free (side->iq);
      fd_close (&side->fd);
      g_clear_error (&side->error);
      g_free (side->last_error);
    }
  for (guint i = 0; i < 2; i++)
    g_queue_clear_full (&f->sides[i].inbox, g_free);
  g_clear_handle_id (&f->delivery, g_source_remove);
}

static inline void
new_transport (Side *side, guint block_size)
{
  side->transport = fd_ibb_transport_new (side->ibb, other_of (side)->jid, SID, block_size,
                                          side == side->fixture->sides, &hooks, side);
}

#define WAIT_FOR(condition) \
  while (!(condition)) \
  g_main_context_iteration (NULL, TRUE)

/* Until nothing is under way that could happen without us. */
static inline void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static inline void
open_both (Fixture *f, guint block_size_a, guint block_size_b)
{
  new_transport (&f->sides[0], block_size_a);
  new_transport (&f->sides[1], block_size_b);
  fd_ibb_transport_start (f->sides[1].transport);
  fd_ibb_transport_start (f->sides[0].transport);
  WAIT_FOR (f->sides[0].connected && f->sides[1].connected);
}

static inline void
wait_failed (Side *side, int code)
{
  WAIT_FOR (side->failed);
  settle ();
  g_assert_error (side->error, FD_ERROR, code);
}

/* Small enough for the socket's buffer. */
static inline void
write_bytes (Side *side, const char *bytes)
{
  g_assert_cmpint (send (side->fd, bytes, strlen (bytes), MSG_DONTWAIT), ==, strlen (bytes));
}

static inline void
assert_reads (Side *side, const char *bytes)
{
  gsize length = strlen (bytes);
  g_autofree char *buffer = g_malloc0 (length + 1);

  for (gsize got = 0; got < length;)
    {
      gssize n = recv (side->fd, buffer + got, length - got, MSG_DONTWAIT);

      if (n > 0)
        got += n;
      else
        {
          g_assert_cmpint (n, ==, -1); /* no end of it yet */
          g_main_context_iteration (NULL, TRUE);
        }
    }
  g_assert_cmpstr (buffer, ==, bytes);
}

static inline void
assert_eof (Side *side)
{
  char byte;

  g_assert_cmpint (recv (side->fd, &byte, 1, MSG_DONTWAIT), ==, 0);
}

static inline void
assert_open (Side *side)
{
  char byte;

  g_assert_cmpint (recv (side->fd, &byte, 1, MSG_DONTWAIT), ==, -1);
  g_assert_cmpint (errno, ==, EAGAIN);
}

static inline void
assert_broken (Side *side)
{
  g_assert_cmpint (send (side->fd, "x", 1, MSG_NOSIGNAL), ==, -1);
  g_assert_cmpint (errno, ==, EPIPE);
}

/* --- whole files, by the pump --- */

typedef struct
{
  gboolean done;
  FdPumpResult result;
} Run;

static inline void
on_pump_done (FdPump *pump, const FdPumpResult *result, gpointer data)
{
  Run *run = data;

  g_assert_no_error (result->error);
  run->done = TRUE;
  run->result = *result;
  fd_pump_free (pump);
}

static inline void
transfer (Fixture *f, Side *from, gsize size)
{
  Side *to = other_of (from);
  int in = memfd_create ("in", MFD_CLOEXEC), out = memfd_create ("out", MFD_CLOEXEC);
  g_autoptr (FdSource) source = NULL;
  g_autoptr (FdSink) sink = NULL;
  Run send = { 0 }, receive = { 0 };

  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (write (in, &(guint8){ i * 7 + (i >> 8) }, 1), ==, 1);
  source = fd_source_new_fd (in, -1, NULL);
  sink = fd_sink_new_fd (out, NULL);
  fd_pump_send (
    source, &(FdPumpParams){ .length = size, .stream = from->fd, .half_close = TRUE, .algo = FD_HASH_SHA256 },
    on_pump_done, &send);
  fd_pump_receive (sink, &(FdPumpParams){ .length = size, .stream = to->fd, .algo = FD_HASH_SHA256 },
                   on_pump_done, &receive);
  WAIT_FOR (send.done && receive.done && from->drained);
  g_assert_true (fd_digest_equal (&send.result.digest, &receive.result.digest));
  g_assert_cmpuint (fd_ibb_transport_get_bytes (from->transport), ==, size);
  g_assert_cmpuint (fd_ibb_transport_get_bytes (to->transport), ==, size);

  WAIT_FOR (from->closes); /* nobody ended the session */
  settle ();
  assert_eof (to);
  g_assert_cmpuint (from->closes + to->closes, ==, 1);
  g_assert_cmpuint (from->drained, ==, 1);
  g_assert_cmpuint (from->failed + to->failed, ==, 0);
  g_assert_cmpuint (from->errors + to->errors, ==, 0);
  g_assert_cmpuint (fd_ibb_transport_get_bytes (from->transport), ==, size);
}
